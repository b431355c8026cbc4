"""The JSON doors of promises and alerts; the operator's, and each tenant's own report."""

from typing import Annotated, Final
from uuid import UUID

from litestar import Response, delete, get, post, put
from litestar.params import Parameter

from wedsync.kit.actor import Actor
from wedsync.operations import security
from wedsync.operations.health import reading as health
from wedsync.operations.platform import entered
from wedsync.operations.slo import actions, metrics, reading
from wedsync.operations.slo.rules import AlertRule
from wedsync.web.context import Context

PATH: Final = "/api/v1/platform"
Days = Annotated[int, Parameter(ge=1, le=400, description="How many days back.")]


@get(
    f"{PATH}/slo",
    summary="Promises",
    description="For the operator: what was kept of each promise in 30 days, how fast it is used up, and the season.",
)
async def slo(ctx: Context, actor: Actor) -> reading.Slo:
    """Of this moment."""
    async with entered(ctx, actor) as tx:
        return await reading.slo(tx)


@get(
    f"{PATH}/providers",
    summary="Reliability of providers",
    description="For the operator: each provider by requests, by hours and percentiles, with a score of what that "
    "proves at least (Wilson). What its users set up wrong is counted apart.",
)
async def providers(ctx: Context, actor: Actor, days: Days = 30) -> list[reading.ProviderReport]:
    """The most reliable first."""
    async with entered(ctx, actor) as tx:
        return await reading.providers(tx, days)


@get(
    f"{PATH}/metrics",
    summary="Numbers of the platform",
    description="For the operator, in OpenMetrics: health, promises and alerts. Scrape it with an API key as bearer.",
    media_type="application/openmetrics-text",
)
async def figures(ctx: Context, actor: Actor) -> Response[bytes]:
    """Without any id of a tenant."""
    async with entered(ctx, actor) as tx:
        told = metrics.text(await health.health(tx, ctx.settings), await reading.slo(tx), await actions.alerts(tx))
    return Response(told, media_type=metrics.TYPE)


@get(
    f"{PATH}/alerts",
    summary="Alerts",
    description="For the operator: open ones first. Each says in a sentence whom it would hit, by what is owed.",
)
async def alerts(ctx: Context, actor: Actor) -> list[actions.PlatformAlert]:
    """The newest hundred."""
    async with entered(ctx, actor) as tx:
        return await actions.alerts(tx)


@post(
    f"{PATH}/alerts/{{alert_id:uuid}}/acknowledge",
    status_code=200,
    summary="Take an alert up",
    description="The operators are not mailed of it again. Twice is once.",
)
async def acknowledge(ctx: Context, actor: Actor, alert_id: UUID) -> actions.PlatformAlert:
    """The first who took it up stays named."""
    async with entered(ctx, actor) as tx:
        return await actions.acknowledge(tx, alert_id)


@get(f"{PATH}/alert-rules", summary="Alert rules", description="For the operator: what fires, from which threshold on.")
async def rules(ctx: Context, actor: Actor) -> list[AlertRule]:
    """The defaults, and what was set otherwise."""
    async with entered(ctx, actor) as tx:
        return list((await actions.rules_now(tx.rows)).values())


@put(
    f"{PATH}/alert-rules/{{rule:str}}",
    summary="Set an alert rule",
    description="A threshold of null is the default again. Season and live weddings make it stricter by themselves.",
)
async def set_rule(ctx: Context, actor: Actor, rule: str, data: actions.SetRule) -> AlertRule:
    """As it is from now on."""
    async with entered(ctx, actor) as tx:
        return await actions.set_rule(tx, rule, data)


@get(f"{PATH}/alert-silences", summary="Silences", description="For the operator: those in force.")
async def silences(ctx: Context, actor: Actor) -> list[actions.Silenced]:
    """Whichever ends first."""
    async with entered(ctx, actor) as tx:
        return await actions.silences(tx)


@post(
    f"{PATH}/alert-silences",
    summary="Silence alerts",
    description="Nobody is mailed of a rule, or of one subject of it, for so many minutes; it is shown all the same.",
)
async def silence(ctx: Context, actor: Actor, data: actions.Silence) -> actions.Silenced:
    """At most a week."""
    async with entered(ctx, actor) as tx:
        return await actions.silence(tx, data)


@delete(f"{PATH}/alert-silences/{{silence_id:uuid}}", summary="End a silence", description="Before its time.")
async def end_silence(ctx: Context, actor: Actor, silence_id: UUID) -> None:
    """From now on it is mailed again."""
    async with entered(ctx, actor) as tx:
        await actions.end_silence(tx, silence_id)


@get(
    ["/api/v1/weddings/{tenant:uuid}/reliability", "/api/v1/suppliers/{tenant:uuid}/reliability"],
    summary="Reliability of what is sent",
    description="What your tries came to by provider: delivered, failed, and refused, which is yours to mend. For the "
    "couple of a wedding, or a business's owner and admins.",
)
async def report(ctx: Context, actor: Actor, tenant: UUID, days: Days = 30) -> reading.Reliability:
    """By days of UTC; today is counted up to a few seconds ago."""
    async with ctx.door.enter(actor, tenant) as tx:
        await security.allow(tx, "couple", "owner", "admin")
        return await reading.report(tx, tenant, days)


ROUTES = (
    slo,
    providers,
    figures,
    alerts,
    acknowledge,
    rules,
    set_rule,
    silences,
    silence,
    end_silence,
    report,
)
