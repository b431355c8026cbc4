"""The JSON door of the schedule: items, moves with their ripple, the days they make, on-day contacts."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, delete, get, patch, post
from litestar.params import Parameter

from wedsync.kit import clock, sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Tx
from wedsync.kit.errors import not_found
from wedsync.schedule import actions, bodies, model
from wedsync.schedule.rows import ContactChange, DayContact, NewContact, Phase, PlannedItem, WeddingDay
from wedsync.web.context import Context, IfMatch, as_struct, expected_version, invalid, versioned
from wedsync.weddings.model import changed_fields

queries = sql.load("wedsync.schedule")
Cursor = Annotated[UUID | None, Parameter(description="`next` of the page before")]
Limit = Annotated[int, Parameter(ge=1, le=500)]


class ItemPage(msgspec.Struct, frozen=True, kw_only=True):
    """Items in order of time; `next` goes back in as `?cursor=`, null at the end."""

    items: list[PlannedItem]
    next: str | None = None


class ContactPage(msgspec.Struct, frozen=True, kw_only=True):
    """On-day contacts; `next` goes back in as `?cursor=`, null at the end."""

    items: list[DayContact]
    next: str | None = None


class DayView(WeddingDay, frozen=True, kw_only=True):
    """A wedding day and where it stands now."""

    phase: Phase


class DayPage(msgspec.Struct, frozen=True, kw_only=True):
    """The days of the schedule and where the wedding stands; all of them, so `next` is null."""

    phase: Phase
    items: list[DayView]
    next: str | None = None


@get(
    "/api/v1/weddings/{wedding_id:uuid}/schedule",
    summary="Schedule",
    description="Items in order of time, each with what it follows. Needs scope schedule.",
)
async def list_items(
    ctx: Context, actor: Actor, wedding_id: UUID, cursor: Cursor = None, limit: Limit = 200
) -> ItemPage:
    """A supplier without the scope sees an empty list."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        found = list(actions.planned(await tx.rows(queries.page, cursor, limit + 1)).values())
        if not found:
            await _demand(tx, queries.current, cursor)
    return ItemPage(items=found[:limit], next=str(found[limit - 1].id) if len(found) > limit else None)


@post(
    "/api/v1/weddings/{wedding_id:uuid}/schedule",
    summary="Add an item",
    description="Day and zone are the wedding's when absent. The first ceremony and reception set the core's times.",
)
async def add_item(ctx: Context, actor: Actor, wedding_id: UUID, data: bodies.NewItem) -> Response[PlannedItem]:
    """The couple, or a supplier who may edit the timeline."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        return await _item(tx, await actions.add(tx, bodies.new(data)), status=201)


@get("/api/v1/schedule/{item_id:uuid}", summary="One item", description="With its ETag and what it follows.")
async def get_item(ctx: Context, actor: Actor, item_id: UUID) -> Response[PlannedItem]:
    """For everyone who sees the schedule."""
    async with ctx.door.enter_at(actor, "schedule_items", item_id) as tx:
        return await _item(tx, item_id)


@patch(
    "/api/v1/schedule/{item_id:uuid}",
    summary="Change an item",
    description="What is absent stays; `after` replaces what it follows. A new time or length re-times its dependants.",
)
async def change_item(
    ctx: Context, actor: Actor, item_id: UUID, data: bodies.ItemChange, if_match: IfMatch = None
) -> Response[PlannedItem]:
    """With the new ETag; 412 carries the current row."""
    async with ctx.door.enter_at(actor, "schedule_items", item_id) as tx:
        await actions.change(tx, item_id, changed_fields(bodies.change(data)), version=expected_version(if_match))
        return await _item(tx, item_id)


@delete(
    "/api/v1/schedule/{item_id:uuid}",
    summary="Remove an item",
    description="What followed it stays where it is. Refused with 409 while guests are invited to it.",
)
async def remove_item(ctx: Context, actor: Actor, item_id: UUID, if_match: IfMatch = None) -> None:
    """No answer is ever lost by it."""
    async with ctx.door.enter_at(actor, "schedule_items", item_id) as tx:
        await actions.remove(tx, item_id, version=expected_version(if_match))


@post(
    "/api/v1/schedule/{item_id:uuid}/move",
    status_code=200,
    summary="Move an item",
    description="Re-times everything that follows it and stops at anchors. `?preview=true` shows it and saves nothing.",
)
async def move_item(
    ctx: Context, actor: Actor, item_id: UUID, data: bodies.MoveItem, preview: bool = False, if_match: IfMatch = None
) -> Response[actions.Moved]:
    """The owners of what moved are asked to confirm."""
    async with ctx.door.enter_at(actor, "schedule_items", item_id) as tx:
        if preview:
            moved = await actions.preview(tx, item_id, bodies.move(data))
        else:
            moved = await actions.move(tx, item_id, bodies.move(data), version=expected_version(if_match))
    return versioned(moved)


@get(
    "/api/v1/weddings/{wedding_id:uuid}/days",
    summary="Wedding days",
    description="When each day is live, and the phase it and the wedding are in.",
)
async def list_days(ctx: Context, actor: Actor, wedding_id: UUID) -> DayPage:
    """Live from two hours before the first item until two hours after the last."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        days = [as_struct(WeddingDay, row) for row in await tx.rows(queries.days)]
        if not days:
            await _demand(tx, queries.current, None)
    now = clock.now()
    views = [DayView(**msgspec.structs.asdict(day), phase=model.phase(day, now)) for day in days]
    return DayPage(phase=model.wedding_phase(days, now), items=views)


@get(
    "/api/v1/weddings/{wedding_id:uuid}/day-contacts",
    summary="On-day contacts",
    description="Whom to ring on the day. Needs scope schedule.",
)
async def list_contacts(
    ctx: Context, actor: Actor, wedding_id: UUID, cursor: Cursor = None, limit: Limit = 200
) -> ContactPage:
    """In the couple's order."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        found = [as_struct(DayContact, row) for row in await tx.rows(queries.contacts, cursor, limit + 1)]
        if not found:
            await _demand(tx, queries.contact, cursor)
    return ContactPage(items=found[:limit], next=str(found[limit - 1].id) if len(found) > limit else None)


@post(
    "/api/v1/weddings/{wedding_id:uuid}/day-contacts",
    summary="Add an on-day contact",
    description="Somebody every linked supplier who sees the schedule may ring.",
)
async def add_contact(ctx: Context, actor: Actor, wedding_id: UUID, data: NewContact) -> Response[DayContact]:
    """The couple, or a supplier who may edit the timeline."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        return await _contact(tx, await actions.add_contact(tx, data), status=201)


@get(
    "/api/v1/weddings/{wedding_id:uuid}/day-contacts/{contact_id:uuid}",
    summary="One on-day contact",
    description="With its ETag.",
)
async def get_contact(ctx: Context, actor: Actor, wedding_id: UUID, contact_id: UUID) -> Response[DayContact]:
    """For everyone who sees the schedule."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        return await _contact(tx, contact_id)


@patch(
    "/api/v1/weddings/{wedding_id:uuid}/day-contacts/{contact_id:uuid}",
    summary="Change an on-day contact",
    description="What is absent stays.",
)
async def change_contact(
    ctx: Context, actor: Actor, wedding_id: UUID, contact_id: UUID, data: ContactChange, if_match: IfMatch = None
) -> Response[DayContact]:
    """With the new ETag; 412 carries the current row."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        await actions.change_contact(tx, contact_id, changed_fields(data), version=expected_version(if_match))
        return await _contact(tx, contact_id)


@delete(
    "/api/v1/weddings/{wedding_id:uuid}/day-contacts/{contact_id:uuid}",
    summary="Remove an on-day contact",
    description="They are no longer shown to anybody.",
)
async def remove_contact(
    ctx: Context, actor: Actor, wedding_id: UUID, contact_id: UUID, if_match: IfMatch = None
) -> None:
    """The couple, or a supplier who may edit the timeline."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        await actions.remove_contact(tx, contact_id, version=expected_version(if_match))


async def _demand(tx: Tx, row: str, cursor: UUID | None) -> None:
    """A page without rows: is there such a wedding at all, and the row the page begins after?"""
    if await tx.row(queries.wedding) is None:
        raise not_found("item")
    if cursor is not None and await tx.row(row, cursor) is None:
        raise invalid("cursor", "is no longer on the list", "Read the list again from its start.")


async def _item(tx: Tx, item_id: UUID, *, status: int = 200) -> Response[PlannedItem]:
    return versioned(actions.planned(await tx.rows(queries.one, item_id)).get(item_id), status=status)


async def _contact(tx: Tx, contact_id: UUID, *, status: int = 200) -> Response[DayContact]:
    row = await tx.row(queries.contact, contact_id)
    return versioned(None if row is None else as_struct(DayContact, row), status=status)


ROUTES = (
    *(list_items, add_item, get_item, change_item, remove_item, move_item, list_days),
    *(list_contacts, add_contact, get_contact, change_contact, remove_contact),
)
