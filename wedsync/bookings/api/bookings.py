"""The JSON door of bookings and conflicts."""

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Response, get, patch, post
from litestar.params import Parameter

from wedsync.bookings import actions, bodies, model, reading
from wedsync.bookings.alternatives import offer
from wedsync.bookings.rows import Slot
from wedsync.kit import clock, sql
from wedsync.kit.actor import Actor
from wedsync.web.context import (
    Context,
    IfMatch,
    Page,
    expected_version,
    from_time_cursor,
    time_cursor,
    versioned,
)

queries = sql.load("wedsync.bookings")
BOOKINGS = "/api/v1/suppliers/{supplier_id:uuid}/bookings"
BOOKING = "/api/v1/bookings/{booking_id:uuid}"
CONFLICTS = "/api/v1/suppliers/{supplier_id:uuid}/conflicts"
Limit = Annotated[int, Parameter(ge=1, le=500)]
First = Annotated[date | None, Parameter(query="from", description="The first day; without it, today")]
Last = Annotated[date | None, Parameter(query="to", description="The last day, itself included; without it, 30 later")]
Cursor = Annotated[str, Parameter(description="`next` of the page before", max_length=200)]


class Alternatives(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a time is free as asked, and what else would do, with reasons."""

    is_free: bool
    alternatives: list[dict[str, Any]]


class Ignoring(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether a conflict is known and left as it is."""

    is_ignored: bool = True


@get(
    BOOKINGS,
    summary="Bookings",
    description="Of days of the supplier, by their start. What the reader may not look into is busy time: no words, "
    "nobody's name. `cancelled=true` adds what was let go.",
)
async def list_bookings(
    ctx: Context,
    actor: Actor,
    supplier_id: UUID,
    first: First = None,
    last: Last = None,
    cancelled: bool = False,
    cursor: Cursor = "",
    limit: Limit = 200,
) -> Page:
    """At most a year at once."""
    window_days = model.day_range(first, last, model.RANGE_DAYS_MAX)
    at, after = from_time_cursor(cursor)
    async with ctx.door.enter(actor, supplier_id) as tx:
        zone = (await actions.found_home(tx))["time_zone"]
        window = model.span(*window_days, zone)
        rows = await tx.rows(queries.bookings, *window, cancelled, at, after, limit + 1)
    views = [reading.view(ctx.ring, row) for row in rows]
    following = time_cursor(views[limit - 1].starts_at, views[limit - 1].id) if len(views) > limit else None
    return Page(list(views[:limit]), following)


@post(
    BOOKINGS,
    summary="Hold or book",
    description="`minutes` from `at_local`, or whole `days`; set-up and teardown belong to what is blocked. 409 "
    "`taken` with alternatives where the resource is not free.",
)
async def add(ctx: Context, actor: Actor, supplier_id: UUID, data: bodies.NewBooking) -> Response[reading.BookingView]:
    """A hold ends by itself after `hold_hours`."""
    async with ctx.door.enter(actor, supplier_id) as tx:
        booking_id = await actions.add(tx, ctx.ring, bodies.new(data))
        return versioned(await reading.booking(tx, ctx.ring, booking_id), status=201)


@get(BOOKING, summary="One booking", description="With its ETag.")
async def get_booking(ctx: Context, actor: Actor, booking_id: UUID) -> Response[reading.BookingView]:
    """For the team of the supplier."""
    async with ctx.door.enter_at(actor, "bookings", booking_id) as tx:
        return versioned(await reading.booking(tx, ctx.ring, booking_id))


@patch(
    BOOKING,
    summary="Move or change a booking",
    description="What is absent stays. 409 `taken` with alternatives where the new time is not free.",
)
async def change(
    ctx: Context, actor: Actor, booking_id: UUID, data: bodies.BookingChange, if_match: IfMatch = None
) -> Response[reading.BookingView]:
    """With the new ETag; 412 carries the current row."""
    async with ctx.door.enter_at(actor, "bookings", booking_id) as tx:
        await actions.change(tx, ctx.ring, booking_id, bodies.change(data), version=expected_version(if_match))
        return versioned(await reading.booking(tx, ctx.ring, booking_id))


@post(f"{BOOKING}/book", status_code=200, summary="Book what is held", description="Twice is once.")
async def book(ctx: Context, actor: Actor, booking_id: UUID, if_match: IfMatch = None) -> Response[reading.BookingView]:
    """The hold becomes a booking in its place."""
    async with ctx.door.enter_at(actor, "bookings", booking_id) as tx:
        await actions.book(tx, booking_id, version=expected_version(if_match))
        return versioned(await reading.booking(tx, ctx.ring, booking_id))


@post(f"{BOOKING}/cancel", status_code=200, summary="Let a booking go", description="Twice is once.")
async def cancel(
    ctx: Context, actor: Actor, booking_id: UUID, if_match: IfMatch = None
) -> Response[reading.BookingView]:
    """Its time is free again at once."""
    async with ctx.door.enter_at(actor, "bookings", booking_id) as tx:
        await actions.cancel(tx, booking_id, version=expected_version(if_match))
        return versioned(await reading.booking(tx, ctx.ring, booking_id))


@get(
    "/api/v1/suppliers/{supplier_id:uuid}/alternatives",
    summary="Is it free, and what else would do",
    description="Up to three: another resource, another time of the day, a near day; the nearest first.",
)
async def alternatives(
    ctx: Context,
    actor: Actor,
    supplier_id: UUID,
    on: Annotated[date | None, Parameter(description="Without it, today")] = None,
    at_local: Annotated[str, Parameter(max_length=8, description="HH:MM or HH:MM:SS; without it, whole days")] = "",
    minutes: Annotated[int | None, Parameter(ge=15, le=20160)] = None,
    days: Annotated[int | None, Parameter(ge=1, le=60)] = None,
    before_minutes: Annotated[int, Parameter(ge=0, le=1440)] = 0,
    after_minutes: Annotated[int, Parameter(ge=0, le=1440)] = 0,
    resource_id: UUID | None = None,
    zone: Annotated[str, Parameter(max_length=64)] = "",
) -> Alternatives:
    """Nothing is held by asking."""
    slot = Slot(
        on=on or clock.now().date(),
        at_local=bodies.local_time(at_local),
        minutes=minutes,
        days=days,
        before_minutes=before_minutes,
        after_minutes=after_minutes,
        zone=zone,
    )
    async with ctx.door.enter(actor, supplier_id) as tx:
        home = await actions.found_home(tx)
        stretch = model.stretch(slot, home["time_zone"])
        is_free, found = await actions.suggest(tx, stretch, resource_id, home["now"])
    return Alternatives(is_free=is_free, alternatives=[offer(one) for one in found])


@get(
    CONFLICTS,
    summary="Conflicts",
    description="What cannot both be right, newest first. Without `past=true` only what is still to come.",
)
async def conflicts(
    ctx: Context,
    actor: Actor,
    supplier_id: UUID,
    standing: Annotated[Literal["open", "ignored", "resolved"] | None, Parameter(query="state")] = None,
    past: bool = False,
    cursor: Cursor = "",
    limit: Limit = 100,
) -> Page:
    """For the team."""
    at, after = from_time_cursor(cursor)
    async with ctx.door.enter(actor, supplier_id) as tx:
        rows = await tx.rows(queries.conflicts, standing or "", past, None, at, after, limit + 1)
    following = time_cursor(rows[limit - 1]["since"], rows[limit - 1]["id"]) if len(rows) > limit else None
    return Page([reading.conflict(row) for row in rows[:limit]], following)


@post(
    CONFLICTS + "/{conflict_id:uuid}/ignore",
    status_code=200,
    summary="Leave a conflict as it is",
    description="It stays ignored until it is over; `is_ignored: false` opens it again.",
)
async def ignore(
    ctx: Context, actor: Actor, supplier_id: UUID, conflict_id: UUID, data: Ignoring
) -> Response[reading.ConflictView]:
    """Owners and admins."""
    async with ctx.door.enter(actor, supplier_id) as tx:
        await actions.ignore(tx, conflict_id, is_ignored=data.is_ignored)
        row = await tx.row(queries.conflicts, "", True, conflict_id, None, None, 1)
    return versioned(None if row is None else reading.conflict(row))


ROUTES = (
    *(list_bookings, add, get_booking, change, book, cancel),
    *(alternatives, conflicts, ignore),
)
