"""The JSON door of calendars: choose them, see how they do, decide what the sync leaves to people."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Response, get, patch, post
from litestar.params import Parameter

from wedsync.connections.calendars import actions, model
from wedsync.kit import clock, sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Tx
from wedsync.kit.errors import not_found
from wedsync.web.context import (
    Context,
    IfMatch,
    Page,
    as_struct,
    expected_version,
    from_time_cursor,
    time_cursor,
    versioned,
)

queries = sql.load("wedsync.connections.calendars")
OfState = Annotated[str, Parameter(query="state", description="open, resolved, or empty for both")]
Limit = Annotated[int, Parameter(ge=1, le=200)]


@get(
    ["/api/v1/weddings/{tenant:uuid}/calendars", "/api/v1/suppliers/{tenant:uuid}/calendars"],
    summary="Connected calendars",
    description="Of all connected accounts, those that are not used too; how each is kept and how fresh it is.",
)
async def list_calendars(ctx: Context, actor: Actor, tenant: UUID) -> Page:
    """For the couple, or for a supplier's owner and admins."""
    async with ctx.door.enter(actor, tenant) as tx:
        return Page(list(await _calendars(ctx, tx)))


@get(
    "/api/v1/connections/{connection_id:uuid}/calendars",
    summary="Calendars of one account",
    description="As they were found there; off until they are chosen.",
)
async def list_of_connection(ctx: Context, actor: Actor, connection_id: UUID) -> Page:
    """Empty until they were looked for."""
    async with ctx.door.enter_at(actor, "connections", connection_id) as tx:
        return Page(list(await _calendars(ctx, tx, connection_id=connection_id)))


@post(
    "/api/v1/connections/{connection_id:uuid}/find-calendars",
    status_code=202,
    summary="Look for an account's calendars",
    description="New ones appear in the list a moment later, those that are gone say so.",
)
async def find_calendars(ctx: Context, actor: Actor, connection_id: UUID) -> None:
    """As it is done when it is connected."""
    async with ctx.door.enter_at(actor, "connections", connection_id) as tx:
        await actions.find(tx, connection_id)


@get("/api/v1/calendars/{calendar_id:uuid}", summary="One calendar", description="How it is kept and how fresh it is.")
async def get_calendar(ctx: Context, actor: Actor, calendar_id: UUID) -> Response[model.Calendar]:
    """With its ETag."""
    async with ctx.door.enter_at(actor, "calendars", calendar_id) as tx:
        return versioned(await _calendar(ctx, tx, calendar_id))


@patch(
    "/api/v1/calendars/{calendar_id:uuid}",
    summary="Choose a calendar",
    description="`direction` both, import (nothing is ever written there), export, or off. `policy` says who is right "
    "where both sides changed the same. Private events come in as busy time, without a word.",
)
async def change_calendar(
    ctx: Context, actor: Actor, calendar_id: UUID, data: model.CalendarChange, if_match: IfMatch = None
) -> Response[model.Calendar]:
    """The first run begins at once."""
    async with ctx.door.enter_at(actor, "calendars", calendar_id) as tx:
        await actions.change(tx, calendar_id, data, version=expected_version(if_match))
        return versioned(await _calendar(ctx, tx, calendar_id))


@post(
    "/api/v1/calendars/{calendar_id:uuid}/sync",
    status_code=202,
    summary="Look at a calendar now",
    description="Also where it was to wait for a while.",
)
async def sync_calendar(ctx: Context, actor: Actor, calendar_id: UUID) -> None:
    """The run is in the list a moment later."""
    async with ctx.door.enter_at(actor, "calendars", calendar_id) as tx:
        await actions.sync_now(tx, calendar_id)


@get(
    "/api/v1/calendars/{calendar_id:uuid}/runs",
    summary="What the sync of a calendar did",
    description="Runs that did something or went wrong, newest first.",
)
async def list_runs(ctx: Context, actor: Actor, calendar_id: UUID, cursor: str = "", limit: Limit = 50) -> Page:
    """Numbers, never what is in the calendar."""
    at, after = from_time_cursor(cursor)
    async with ctx.door.enter_at(actor, "calendars", calendar_id) as tx:
        items = [as_struct(model.SyncRun, r) for r in await tx.rows(queries.runs, calendar_id, at, after, limit)]
    return Page(list(items), time_cursor(items[-1].began_at, items[-1].id) if len(items) == limit else None)


@get(
    [
        "/api/v1/weddings/{tenant:uuid}/calendar-conflicts",
        "/api/v1/suppliers/{tenant:uuid}/calendar-conflicts",
    ],
    summary="What the sync leaves to people",
    description="Both sides of each, newest first. `state` open, resolved, or empty for both.",
)
async def list_conflicts(
    ctx: Context, actor: Actor, tenant: UUID, of_state: OfState = "open", cursor: str = "", limit: Limit = 50
) -> Page:
    """For the couple, or for a supplier's owner and admins."""
    at, after = from_time_cursor(cursor)
    async with ctx.door.enter(actor, tenant) as tx:
        rows = await tx.rows(queries.conflicts, None, None, of_state, at, after, limit)
    items = [model.conflict(ctx.ring, row) for row in rows]
    return Page(list(items), time_cursor(items[-1].since, items[-1].id) if len(items) == limit else None)


@get("/api/v1/calendar-conflicts/{conflict_id:uuid}", summary="One conflict", description="Both sides of it.")
async def get_conflict(ctx: Context, actor: Actor, conflict_id: UUID) -> Response[model.Conflict]:
    """With its ETag."""
    async with ctx.door.enter_at(actor, "calendar_conflicts", conflict_id) as tx:
        return versioned(await _conflict(ctx, tx, conflict_id))


@post(
    "/api/v1/calendar-conflicts/{conflict_id:uuid}/resolve",
    status_code=200,
    summary="Decide a conflict",
    description="`keep` ours or theirs: what it means for each kind is in its words.",
)
async def resolve_conflict(
    ctx: Context, actor: Actor, conflict_id: UUID, data: model.Resolution
) -> Response[model.Conflict]:
    """Both sides are brought to it at once."""
    async with ctx.door.enter_at(actor, "calendar_conflicts", conflict_id) as tx:
        await actions.resolve(tx, conflict_id, data.keep)
        return versioned(await _conflict(ctx, tx, conflict_id))


async def _calendars(
    ctx: Context, tx: Tx, *, calendar_id: UUID | None = None, connection_id: UUID | None = None
) -> list[model.Calendar]:
    now = clock.machine_now()
    return [model.calendar(ctx.ring, row, now) for row in await tx.rows(queries.calendars, calendar_id, connection_id)]


async def _calendar(ctx: Context, tx: Tx, calendar_id: UUID) -> model.Calendar | None:
    found = await _calendars(ctx, tx, calendar_id=calendar_id)
    return found[0] if found else None


async def _conflict(ctx: Context, tx: Tx, conflict_id: UUID) -> model.Conflict:
    row = await tx.row(queries.conflicts, conflict_id, None, "", None, None, 1)
    if row is None:
        raise not_found("conflict")
    return model.conflict(ctx.ring, row)


ROUTES: tuple[Any, ...] = (
    list_calendars,
    list_of_connection,
    find_calendars,
    get_calendar,
    change_calendar,
    sync_calendar,
    list_runs,
    list_conflicts,
    get_conflict,
    resolve_conflict,
)
