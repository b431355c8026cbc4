"""The JSON door of alerts: raise an emergency, say that you see to it, end it; and who is called when."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, get, post, put
from litestar.params import Parameter

from wedsync.alerts import actions, ladder, model
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Tx
from wedsync.kit.errors import not_found
from wedsync.web.context import Context, as_struct, versioned

queries = sql.load("wedsync.alerts")
ALERTS = "/api/v1/weddings/{wedding_id:uuid}/alerts"
ALERT = "/api/v1/alerts/{alert_id:uuid}"


class AlertPage(msgspec.Struct, frozen=True, kw_only=True):
    """Alerts of a wedding, newest first; `next` goes back in as `?cursor=`."""

    items: list[model.Alert]
    next: str | None = None


class CallPage(msgspec.Struct, frozen=True, kw_only=True):
    """Everybody who was called for an alert."""

    items: list[model.Call]
    next: str | None = None


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who can be called. `tier` is what the couple has said, `usual_tier` what holds where it said nothing."""

    person_id: UUID
    name: str
    role: str
    supplier_name: str | None
    tier: int | None
    usual_tier: int


class PersonPage(msgspec.Struct, frozen=True, kw_only=True):
    """Everybody of the wedding who can be called."""

    items: list[Person]
    next: str | None = None


@get(
    ALERTS,
    summary="Alerts",
    description="Emergencies and drills of the wedding, newest first. Whoever sees the schedule sees them.",
)
async def list_alerts(
    ctx: Context,
    actor: Actor,
    wedding_id: UUID,
    is_open: bool = False,
    cursor: Annotated[UUID | None, Parameter(description="`next` of the page before")] = None,
    limit: Annotated[int, Parameter(ge=1, le=200)] = 50,
) -> AlertPage:
    """`is_open` leaves out those that are over."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        rows = await tx.rows(queries.list, cursor, is_open, limit + 1)
    next_cursor = str(rows[limit - 1]["id"]) if len(rows) > limit else None
    return AlertPage(items=[model.opened(ctx.ring, row) for row in rows[:limit]], next=next_cursor)


@post(
    ALERTS,
    summary="Raise an emergency",
    description="Calls people at once, and others second by second until one of them acknowledges. The couple at any "
    "time; everybody who sees the schedule from twelve hours before the wedding is live. The same matter raised again "
    "is told within the first (200). `detail` is seen in the product only, never in a mail or text.",
)
async def raise_alert(ctx: Context, actor: Actor, wedding_id: UUID, data: model.NewAlert) -> Response[model.Alert]:
    """The alert as it stands."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        alert_id, is_new = await actions.raise_(tx, ctx.ring, data)
        return await _alert(ctx, tx, alert_id, status=201 if is_new else 200)


@get(ALERT, summary="One alert", description="With its ETag.")
async def get_alert(ctx: Context, actor: Actor, alert_id: UUID) -> Response[model.Alert]:
    """As it stands."""
    async with ctx.door.enter_at(actor, "alerts", alert_id) as tx:
        return await _alert(ctx, tx, alert_id)


@get(f"{ALERT}/calls", summary="Who was called", description="When first and last, on which ways, and what they said.")
async def list_calls(ctx: Context, actor: Actor, alert_id: UUID) -> CallPage:
    """The proof of an alert."""
    async with ctx.door.enter_at(actor, "alerts", alert_id) as tx:
        return CallPage(items=[as_struct(model.Call, row) for row in await tx.rows(queries.calls, alert_id)])


@post(
    f"{ALERT}/acknowledge",
    status_code=200,
    summary="I see to it",
    description="Nobody else is called, and what has not left yet stays. Without `hold` or `resolve` it escalates "
    "again after ten minutes. Acknowledging twice changes nothing.",
)
async def acknowledge_alert(ctx: Context, actor: Actor, alert_id: UUID) -> Response[model.Alert]:
    """409 for an alert that is over."""
    async with ctx.door.enter_at(actor, "alerts", alert_id) as tx:
        await actions.acknowledge(tx, alert_id, via="api")
        return await _alert(ctx, tx, alert_id)


@post(
    f"{ALERT}/decline",
    status_code=200,
    summary="I cannot",
    description="Where everybody who was called so far cannot, the next people are called at once.",
)
async def decline_alert(ctx: Context, actor: Actor, alert_id: UUID) -> Response[model.Alert]:
    """409 for an alert that is over."""
    async with ctx.door.enter_at(actor, "alerts", alert_id) as tx:
        await actions.decline(tx, alert_id)
        return await _alert(ctx, tx, alert_id)


@post(f"{ALERT}/hold", status_code=200, summary="I am on it", description="Ten minutes more before it escalates again.")
async def hold_alert(ctx: Context, actor: Actor, alert_id: UUID) -> Response[model.Alert]:
    """409 where nobody has acknowledged it."""
    async with ctx.door.enter_at(actor, "alerts", alert_id) as tx:
        await actions.keep(tx, alert_id)
        return await _alert(ctx, tx, alert_id)


@post(f"{ALERT}/resolve", status_code=200, summary="It is over", description="With what was done.")
async def resolve_alert(ctx: Context, actor: Actor, alert_id: UUID, data: model.Ending) -> Response[model.Alert]:
    """409 where it was over already."""
    async with ctx.door.enter_at(actor, "alerts", alert_id) as tx:
        await actions.resolve(tx, alert_id, data.outcome)
        return await _alert(ctx, tx, alert_id)


@post(
    f"{ALERT}/cancel",
    status_code=200,
    summary="It was a false alarm",
    description="By whoever raised it, or the couple.",
)
async def cancel_alert(ctx: Context, actor: Actor, alert_id: UUID, data: model.Ending) -> Response[model.Alert]:
    """409 where it was over already."""
    async with ctx.door.enter_at(actor, "alerts", alert_id) as tx:
        await actions.cancel(tx, alert_id, data.outcome)
        return await _alert(ctx, tx, alert_id)


@get(
    "/api/v1/weddings/{wedding_id:uuid}/duties",
    summary="Who is called when",
    description="Everybody of the wedding who can be called for an emergency. For the couple.",
)
async def list_duties(ctx: Context, actor: Actor, wedding_id: UUID) -> PersonPage:
    """Tier 1 at once, 2 after 25 seconds, 3 after 40, 0 never."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        rows = await tx.rows(queries.people)
    people = (as_struct(model.OnCall, row) for row in rows)
    return PersonPage(
        items=[
            Person(
                person_id=one.person_id,
                name=one.name,
                role=one.role,
                supplier_name=one.supplier_name,
                tier=one.tier,
                usual_tier=ladder.usual_tier(one),
            )
            for one in people
        ]
    )


@put(
    "/api/v1/weddings/{wedding_id:uuid}/duties/{person_id:uuid}",
    status_code=204,
    summary="Say when somebody is called",
    description="Tier 1 at once, 2 after 25 seconds, 3 after 40, 0 never, null as is usual for what they do.",
)
async def set_duty(ctx: Context, actor: Actor, wedding_id: UUID, person_id: UUID, data: model.DutyChange) -> None:
    """For the couple."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        await actions.set_duty(tx, person_id, data.tier)


async def _alert(ctx: Context, tx: Tx, alert_id: UUID, *, status: int = 200) -> Response[model.Alert]:
    row = await tx.row(queries.one, alert_id)
    if row is None:
        raise not_found("alert")
    return versioned(model.opened(ctx.ring, row), status=status)


ROUTES = (
    *(list_alerts, raise_alert, get_alert, list_calls, acknowledge_alert, decline_alert, hold_alert),
    *(resolve_alert, cancel_alert, list_duties, set_duty),
)
