"""The operator's page of alerts: what is wrong and whom it would hit, who took it up, rules, silences, providers."""

from typing import Any, Final
from uuid import UUID

from litestar import Response, get, post

from wedsync.kit.actor import Actor
from wedsync.kit.errors import FieldError, Refusal
from wedsync.operations.platform import entered
from wedsync.operations.shell import BASE, operator_shell
from wedsync.operations.slo import actions, backtest, played, reading, rules
from wedsync.web import forms, respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest, signed_in

PAGE: Final = f"{BASE}/alerts"
DAYS: Final = 30
SEVERITIES: Final = {"page": ("Now", "bad"), "ticket": ("Today", "wait")}
LENGTHS: Final = (("60", "an hour"), ("480", "8 hours"), ("1440", "a day"), ("10080", "a week"))


@get(PAGE, include_in_schema=False)
async def show(request: AnyRequest, ctx: Context, actor: Actor) -> Response[str]:
    """Of this moment."""
    return await _page(request, ctx, actor)


@post(f"{PAGE}/{{alert_id:uuid}}/acknowledge", include_in_schema=False)
async def acknowledge(request: AnyRequest, ctx: Context, actor: Actor, alert_id: UUID) -> Response[Any]:
    """Somebody takes it up."""
    async with entered(ctx, signed_in(request, actor)) as tx:
        await actions.acknowledge(tx, alert_id)
    return respond.done(request, PAGE)


@post(f"{PAGE}/silences", include_in_schema=False)
async def silence(request: AnyRequest, ctx: Context, actor: Actor) -> Response[Any]:
    """Of one rule and subject, or of all of a rule."""
    form = await forms.read(request)
    try:
        given = {
            "rule": form.text("rule"),
            "subject": form.text("subject"),
            "reason": form.text("reason"),
            "minutes": form.number("minutes") or 60,
        }
        words = {"reason": FieldError("reason", "says too little or too much", "Write 3 to 300 characters.")}
        asked = forms.checked(actions.Silence, given, words)
        async with entered(ctx, signed_in(request, actor)) as tx:
            await actions.silence(tx, asked)
    except Refusal as refusal:
        return await _refused(request, ctx, actor, refusal)
    return respond.done(request, PAGE)


@post(f"{PAGE}/silences/{{silence_id:uuid}}/end", include_in_schema=False)
async def end_silence(request: AnyRequest, ctx: Context, actor: Actor, silence_id: UUID) -> Response[Any]:
    """Before its time."""
    async with entered(ctx, signed_in(request, actor)) as tx:
        await actions.end_silence(tx, silence_id)
    return respond.done(request, PAGE)


@post(f"{PAGE}/rules/{{rule:str}}", include_in_schema=False)
async def set_rule(request: AnyRequest, ctx: Context, actor: Actor, rule: str) -> Response[Any]:
    """An empty threshold is the default again."""
    form = await forms.read(request)
    try:
        words = {"threshold": FieldError("threshold", "is no number above 0", "Write a number such as 500 or 0.01.")}
        given = {"threshold": _number(form.text("threshold")), "is_on": form.on("is_on")}
        asked = forms.checked(actions.SetRule, given, words)
        async with entered(ctx, signed_in(request, actor)) as tx:
            await actions.set_rule(tx, rule, asked)
    except Refusal as refusal:
        return await _refused(request, ctx, actor, refusal)
    return respond.done(request, PAGE)


def _number(text: str) -> float | str | None:
    """What is no number is left for the check, which says so."""
    try:
        return float(text) if text else None
    except ValueError:
        return text


async def _refused(request: AnyRequest, ctx: Context, actor: Actor, refusal: Refusal) -> Response[str]:
    if refusal.status != 422:
        raise refusal
    return await _page(request, ctx, actor, refused=refusal.detail, code=422)


async def _page(
    request: AnyRequest, ctx: Context, actor: Actor, *, refused: str = "", code: int = 200
) -> Response[str]:
    async with entered(ctx, signed_in(request, actor)) as tx:
        found = await actions.alerts(tx)
        known = await actions.rules_now(tx.rows)
        silences = await actions.silences(tx)
        providers = await reading.providers(tx, DAYS)
        waiting = await actions.waiting(tx)
    shell = operator_shell(request, ctx, actor, "alerts", waiting=waiting)
    template = "operations/_alerts.html" if forms.is_fragment(request) and code == 200 else "operations/alerts.html"
    return respond.html(template, shell, code=code, **values(found, known, silences, providers), refused=refused)


def values(
    found: list[actions.PlatformAlert],
    known: dict[str, rules.AlertRule],
    silences: list[actions.Silenced],
    providers: list[reading.ProviderReport],
) -> dict[str, Any]:
    """What the template needs."""

    def title(rule: str) -> str:
        """A rule of an earlier release is told by its name."""
        return known[rule].title if rule in known else rule.replace("_", " ").capitalize()

    return {
        "open": [(one, title(one.rule), *SEVERITIES[one.severity]) for one in found if one.ended_at is None],
        "over": [(one, title(one.rule)) for one in found if one.ended_at is not None],
        "rules": list(known.values()),
        "silences": [(one, title(one.rule)) for one in silences],
        "providers": providers,
        "lengths": LENGTHS,
        "measured": backtest.MEASURED,
        "played": {one.rule: one for one in played.MEASURED.scores},
        "stretches": played.MEASURED.stretches,
    }


ROUTES = (show, acknowledge, silence, end_silence, set_rule)
