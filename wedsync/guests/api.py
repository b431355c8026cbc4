"""The JSON door of guests: lists, parties, answers, contacts, needs, counts and final numbers."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Response, delete, get, patch, post, put
from litestar.params import Parameter

from wedsync.guests import actions, model, replies, sealed
from wedsync.guests.kitchen import final_numbers, sheets
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Row
from wedsync.kit.errors import not_found
from wedsync.web.context import Context, IfMatch, Page, as_struct, etag, expected_version, invalid
from wedsync.weddings.model import changed_fields

queries = sql.load("wedsync.guests")
Limit = Annotated[int, Parameter(ge=1, le=1000)]
ZERO = UUID(int=0)


class Made(msgspec.Struct, frozen=True):
    """The id of what was made."""

    id: UUID


class MadeParty(msgspec.Struct, frozen=True):
    """The ids of a new party and its guests, in the order given."""

    id: UUID
    guest_ids: list[UUID]


class Answered(msgspec.Struct, frozen=True):
    """An answer as it was saved."""

    id: UUID
    guest_id: UUID
    schedule_item_id: UUID
    status: str
    version: int


@get("/api/v1/weddings/{wedding_id:uuid}/guests", summary="Guests", description="Sorted by name. Needs scope guests.")
async def list_guests(ctx: Context, actor: Actor, wedding_id: UUID, cursor: str = "", limit: Limit = 200) -> Page:
    """The cursor is opaque."""
    name, _, last = cursor.rpartition("~")
    try:
        after = UUID(last) if last else ZERO
    except ValueError as error:
        raise invalid("cursor", "is not one of ours; start without it") from error
    async with ctx.door.enter(actor, wedding_id) as tx:
        rows = await tx.rows(queries.guests, wedding_id, name, after, limit)
    items = [as_struct(model.Guest, r) for r in rows]
    return Page(list(items), f"{items[-1].name_sort}~{items[-1].id}" if len(items) == limit else None)


@post(
    "/api/v1/weddings/{wedding_id:uuid}/guests",
    summary="Add a guest",
    description="Into a party, or a new one of their own.",
)
async def add_guest(ctx: Context, actor: Actor, wedding_id: UUID, data: model.NewGuest) -> Response[Made]:
    """Invited to the given schedule items, or to all that take RSVPs."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        return Response(Made(await actions.add_guest(tx, ctx.ring, wedding_id, data)), status_code=201)


@get(
    "/api/v1/weddings/{wedding_id:uuid}/parties",
    summary="Parties",
    description="People invited together. Needs scope guests.",
)
async def list_parties(ctx: Context, actor: Actor, wedding_id: UUID, cursor: UUID = ZERO, limit: Limit = 200) -> Page:
    """In order of making."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        rows = await tx.rows(queries.parties, wedding_id, cursor, limit)
    return _page(model.Party, rows, limit)


@post(
    "/api/v1/weddings/{wedding_id:uuid}/parties",
    summary="Add a party",
    description="With its guests and invitations, all at once.",
)
async def add_party(ctx: Context, actor: Actor, wedding_id: UUID, data: model.NewParty) -> Response[MadeParty]:
    """All of it or nothing."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        party, guests = await actions.add_party(tx, ctx.ring, wedding_id, data)
    return Response(MadeParty(party, guests), status_code=201)


@patch("/api/v1/parties/{party_id:uuid}", summary="Change a party", description="What is absent stays.")
async def change_party(
    ctx: Context, actor: Actor, party_id: UUID, data: model.PartyChange, if_match: IfMatch = None
) -> Response[Any]:
    """With the new ETag."""
    async with ctx.door.enter_at(actor, "parties", party_id) as tx:
        version = await actions.change_party(tx, party_id, changed_fields(data), version=expected_version(if_match))
        row = await tx.row(queries.party_current, party_id)
    return _image(row, version)


@get(
    "/api/v1/weddings/{wedding_id:uuid}/rsvps",
    summary="RSVPs",
    description="One per guest and schedule item. Needs scope guests.",
)
async def list_rsvps(ctx: Context, actor: Actor, wedding_id: UUID, cursor: UUID = ZERO, limit: Limit = 500) -> Page:
    """A row is an invitation; `needs_action` has no answer yet."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        rows = await tx.rows(queries.rsvps, wedding_id, cursor, limit)
    return _page(model.Rsvp, rows, limit)


@get(
    "/api/v1/weddings/{wedding_id:uuid}/headcounts",
    summary="Head counts",
    description="Derived per schedule item, no names. Needs scope counts.",
)
async def list_headcounts(ctx: Context, actor: Actor, wedding_id: UUID) -> Page:
    """Dietary cells below 3 read "<3"."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        rows = await tx.rows(queries.headcounts, wedding_id)
    decoded = [
        {**dict(r), "meals": msgspec.json.decode(r["meals"]), "dietary": msgspec.json.decode(r["dietary"])}
        for r in rows
    ]
    return Page([msgspec.convert(d, type=model.Headcount) for d in decoded])


@get(
    "/api/v1/guests/{guest_id:uuid}",
    summary="One guest",
    description="With contact and needs where the audience may see them.",
)
async def get_guest(ctx: Context, actor: Actor, guest_id: UUID) -> Response[Any]:
    """Contacts and needs are separate scopes; what may not be seen is absent."""
    async with ctx.door.enter_at(actor, "guests", guest_id) as tx:
        row = await tx.row(queries.guest, guest_id)
        if row is None:
            raise not_found("guest")
        wedding = row["wedding_id"]
        contact = await tx.row(queries.contacts, wedding, [guest_id])
        needs = await tx.row(queries.needs, wedding, [guest_id])
    body = msgspec.structs.asdict(as_struct(model.Guest, row))
    if contact is not None:
        body["contact"] = sealed.open_contact(ctx.ring, wedding, guest_id, contact["sealed"])
    if needs is not None:
        body["needs"] = sealed.open_needs(ctx.ring, wedding, guest_id, needs["sealed"])
    return Response(body, headers=etag(row["version"]))


@patch("/api/v1/guests/{guest_id:uuid}", summary="Change a guest", description="What is absent stays.")
async def change_guest(
    ctx: Context, actor: Actor, guest_id: UUID, data: model.GuestChange, if_match: IfMatch = None
) -> Response[Any]:
    """With the new ETag; 412 carries the current row."""
    async with ctx.door.enter_at(actor, "guests", guest_id) as tx:
        version = await actions.change_guest(tx, guest_id, changed_fields(data), version=expected_version(if_match))
        row = await tx.row(queries.guest_current, guest_id)
    return _image(row, version)


@delete("/api/v1/guests/{guest_id:uuid}", summary="Remove a guest", description="With answers, contact and needs.")
async def remove_guest(ctx: Context, actor: Actor, guest_id: UUID) -> None:
    """The party goes too when it is empty."""
    async with ctx.door.enter_at(actor, "guests", guest_id) as tx:
        await actions.remove_guests(tx, await tx.home(), [guest_id])


@put(
    "/api/v1/guests/{guest_id:uuid}/rsvps/{item_id:uuid}",
    summary="Answer for a guest",
    description="The couple's door; guests use /rsvp/{token}.",
)
async def reply(ctx: Context, actor: Actor, guest_id: UUID, item_id: UUID, data: model.Reply) -> Answered:
    """Four round trips: enter, change, record, commit."""
    async with ctx.door.enter_at(actor, "guests", guest_id) as tx:
        rsvp, version = await replies.reply(tx, guest_id, item_id, data, by="couple")
    return Answered(rsvp, guest_id, item_id, data.status, version)


@put(
    "/api/v1/guests/{guest_id:uuid}/contact",
    status_code=204,
    summary="How to reach a guest",
    description="Kept sealed.",
)
async def put_contact(ctx: Context, actor: Actor, guest_id: UUID, data: model.Contact) -> None:
    """Replaces what was there."""
    async with ctx.door.enter_at(actor, "guests", guest_id) as tx:
        await actions.put_contact(tx, ctx.ring, await tx.home(), guest_id, data)


@put(
    "/api/v1/guests/{guest_id:uuid}/needs",
    status_code=204,
    summary="What a guest needs",
    description="Allergens, diets, access. Kept sealed.",
)
async def put_needs(ctx: Context, actor: Actor, guest_id: UUID, data: model.Needs) -> None:
    """An empty list with `answered` means none; that is not the same as not having been asked."""
    async with ctx.door.enter_at(actor, "guests", guest_id) as tx:
        await actions.put_needs(tx, ctx.ring, await tx.home(), guest_id, data)


@post(
    "/api/v1/weddings/{wedding_id:uuid}/final-numbers/{item_id:uuid}",
    status_code=201,
    summary="Take final numbers",
    description="A snapshot for caterer and venue; guests' answers stop, the couple's show as differences.",
)
async def lock(ctx: Context, actor: Actor, wedding_id: UUID, item_id: UUID) -> Made:
    """Only the couple."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        return Made(await final_numbers.lock(tx, wedding_id, item_id))


@delete(
    "/api/v1/weddings/{wedding_id:uuid}/final-numbers/{item_id:uuid}",
    summary="Open final numbers again",
    description="Guests may answer again.",
)
async def unlock(ctx: Context, actor: Actor, wedding_id: UUID, item_id: UUID) -> None:
    """Only the couple."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        await final_numbers.unlock(tx, wedding_id, item_id)


class SheetMade(msgspec.Struct, frozen=True):
    """The number of a new dietary sheet."""

    number: int


@get(
    "/api/v1/weddings/{wedding_id:uuid}/dietary-sheets/{item_id:uuid}",
    summary="The dietary sheet",
    description="The newest number with names and needs. Needs scope dietary.",
)
async def get_sheet(ctx: Context, actor: Actor, wedding_id: UUID, item_id: UUID) -> sheets.Sheet:
    """404 before the first one is made."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        sheet = await sheets.latest(tx, ctx.ring, wedding_id, item_id)
    if sheet is None:
        raise not_found("dietary sheet")
    return sheet


@post(
    "/api/v1/weddings/{wedding_id:uuid}/dietary-sheets/{item_id:uuid}",
    status_code=201,
    summary="Make the next dietary sheet",
    description="Numbered, with what changed since the last; whoever may see it confirms. 409 where nothing changed.",
)
async def make_sheet(ctx: Context, actor: Actor, wedding_id: UUID, item_id: UUID) -> SheetMade:
    """Only the couple."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        return SheetMade(await sheets.make(tx, ctx.ring, wedding_id, item_id))


def _page(kind: Any, rows: list[Row], limit: int) -> Page:
    return Page([as_struct(kind, r) for r in rows], str(rows[-1]["id"]) if len(rows) == limit else None)


def _image(row: Row | None, version: int) -> Response[Any]:
    if row is None:
        raise not_found("item")
    return Response(row["record"].encode(), media_type="application/json", headers=etag(version))


ROUTES = (
    list_guests,
    add_guest,
    list_parties,
    add_party,
    change_party,
    list_rsvps,
    list_headcounts,
    get_guest,
    change_guest,
    remove_guest,
    reply,
    put_contact,
    put_needs,
    lock,
    unlock,
    get_sheet,
    make_sheet,
)
