"""The JSON door of notices: the inbox and its marks, what was decided and why, what people and couples choose."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, get, patch, post
from litestar.params import Parameter
from msgspec import Meta

from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.errors import not_found
from wedsync.notices import choosing, inbox, telling, why
from wedsync.notices.facts import Notice
from wedsync.web.context import (
    Context,
    IfMatch,
    as_struct,
    expected_version,
    from_time_cursor,
    invalid,
    person_of,
    time_cursor,
    versioned,
)

queries = sql.load("wedsync.notices")
OFFERED = tuple(telling.CHANNELS)
Limit = Annotated[int, Parameter(ge=1, le=200)]


class InboxState(msgspec.Struct, frozen=True, kw_only=True):
    """How many are unread and unseen, and how far one's stream had come by then (`realtime:person:<id>`)."""

    unread: int
    unseen: int
    epoch: int
    seq: int


class InboxPage(msgspec.Struct, frozen=True, kw_only=True):
    """Newest first; `next` goes back in as `?cursor=`."""

    items: list[Notice]
    state: InboxState
    next: str | None = None


class Marks(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """These notices, or all up to one of them; of each call the 200 newest that are not so yet."""

    as_: inbox.Mark = msgspec.field(name="as")
    ids: Annotated[list[UUID], Meta(max_length=inbox.MARKED_MAX)] = []
    until: UUID | None = None


class Marked(msgspec.Struct, frozen=True, kw_only=True):
    """How many changed, and what is left."""

    marked: int
    state: InboxState


class DecisionPage(msgspec.Struct, frozen=True, kw_only=True):
    """Newest first; `next` goes back in as `?cursor=`."""

    items: list[why.Decided]
    next: str | None = None


@get(
    "/api/v1/me/inbox",
    summary="My notices",
    description="Newest first, of all weddings. `state=unread` or `archived`; otherwise all that are not put away.",
)
async def read_inbox(
    ctx: Context,
    actor: Actor,
    shown: Annotated[inbox.Shown, Parameter(query="state")] = "all",
    wedding_id: UUID | None = None,
    cursor: UUID | None = None,
    limit: Limit = 50,
) -> InboxPage:
    """With the counts as they are in the same moment."""
    person = person_of(actor)
    async with ctx.door.enter(actor, person) as tx:
        rows = await tx.rows(queries.inbox, person, cursor or inbox.FIRST, limit, shown, wedding_id)
        state = await tx.row(queries.inbox_state)
    if state is None:
        raise not_found("person")
    items = [as_struct(Notice, r) for r in rows]
    return InboxPage(
        items=items, state=as_struct(InboxState, state), next=str(items[-1].id) if len(items) == limit else None
    )


@get(
    "/api/v1/me/inbox/counts",
    summary="Unread and unseen",
    description="The numbers that `inbox.counted` brings live; whole numbers, so the newest one is right.",
)
async def count_inbox(ctx: Context, actor: Actor) -> InboxState:
    """For a badge."""
    async with ctx.door.enter(actor, person_of(actor)) as tx:
        state = await tx.row(queries.inbox_state)
    if state is None:
        raise not_found("person")
    return as_struct(InboxState, state)


@post(
    "/api/v1/me/inbox/{notice_id:uuid}/read",
    status_code=204,
    summary="Mark a notice read",
    description="Reading twice changes nothing.",
)
async def read_notice(ctx: Context, actor: Actor, notice_id: UUID) -> None:
    """Only one's own."""
    async with ctx.door.enter(actor, person_of(actor)) as tx:
        await inbox.mark(tx, "read", ids=[notice_id])


@post(
    "/api/v1/me/inbox/marks",
    status_code=200,
    summary="Mark notices",
    description="As delivered, seen, read, unread, acted, archived or restored; doing it twice changes nothing.",
)
async def mark(ctx: Context, actor: Actor, data: Marks) -> Marked:
    """Read is seen, acted is read. What is put away counts no more."""
    if not data.ids and data.until is None:
        raise invalid("ids", "names no notice", "Send ids, or `until` for all up to one.")
    async with ctx.door.enter(actor, person_of(actor)) as tx:
        marked = await inbox.mark(tx, data.as_, ids=data.ids, until=data.until)
        state = await tx.row(queries.inbox_state)
    if state is None:
        raise not_found("person")
    return Marked(marked=marked, state=as_struct(InboxState, state))


@get("/api/v1/me/preferences", summary="My preferences", description="What reaches you, on which channel, and when.")
async def read_preferences(ctx: Context, actor: Actor) -> Response[choosing.PreferencesView]:
    """Also of who never chose anything."""
    person = person_of(actor)
    async with ctx.door.enter(actor, person) as tx:
        return versioned(await choosing.read(tx, person, OFFERED))


@patch(
    "/api/v1/me/preferences",
    summary="Change my preferences",
    description="What is absent stays; null takes back what was chosen. Quiet hours hold what can wait.",
)
async def change_preferences(
    ctx: Context, actor: Actor, data: choosing.PreferencesChange, if_match: IfMatch = None
) -> Response[choosing.PreferencesView]:
    """Holds from the next notice on."""
    person = person_of(actor)
    async with ctx.door.enter(actor, person) as tx:
        return versioned(await choosing.change(tx, person, data, OFFERED, version=expected_version(if_match)))


@get(
    "/api/v1/me/notices",
    summary="What was decided for me",
    description="Of each fact that concerned you: what became of it on each channel, and what each rule said.",
)
async def decisions(ctx: Context, actor: Actor, cursor: str = "", limit: Limit = 50) -> DecisionPage:
    """Newest first."""
    person = person_of(actor)
    at, after = from_time_cursor(cursor)
    async with ctx.door.enter(actor, person) as tx:
        items = await why.listed(tx, person, at, after, limit)
    last = items[-1] if len(items) == limit else None
    return DecisionPage(items=items, next=None if last is None else time_cursor(last.decided_at, last.event_id))


@get(
    "/api/v1/me/notices/{event_id:uuid}",
    summary="Why I was told",
    description="The decision of one fact, with what still waits of it.",
)
async def decision(ctx: Context, actor: Actor, event_id: UUID) -> why.Decided:
    """Of what was decided for you; of other facts ask their wedding."""
    person = person_of(actor)
    async with ctx.door.enter(actor, person) as tx:
        return await why.one(tx, person, event_id)


@get(
    "/api/v1/weddings/{wedding_id:uuid}/events/{event_id:uuid}/notice",
    summary="Why I was not told",
    description="Whether you were told of an event that you may see, and if not, why.",
)
async def why_not(ctx: Context, actor: Actor, wedding_id: UUID, event_id: UUID) -> why.Answer:
    """The same rules that chose who is told."""
    return await why.ask(ctx.door, actor, wedding_id, event_id)


@get(
    "/api/v1/weddings/{wedding_id:uuid}/notices",
    summary="Notices of a wedding",
    description="What the couple chose for everybody at their wedding who did not choose themselves.",
)
async def read_wedding(ctx: Context, actor: Actor, wedding_id: UUID) -> Response[choosing.WeddingChoices]:
    """The couple's."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        return versioned(await choosing.read_wedding(tx, wedding_id))


@patch(
    "/api/v1/weddings/{wedding_id:uuid}/notices",
    summary="Choose for a wedding",
    description="For everybody who did not choose themselves; what is absent stays, null takes back.",
)
async def change_wedding(
    ctx: Context, actor: Actor, wedding_id: UUID, data: choosing.WeddingChoicesChange, if_match: IfMatch = None
) -> Response[choosing.WeddingChoices]:
    """Less of what there is; a channel that its person did not choose stays closed."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        found = await choosing.change_wedding(tx, wedding_id, data, OFFERED, version=expected_version(if_match))
        return versioned(found)


ROUTES = (
    *(read_inbox, count_inbox, read_notice, mark, read_preferences, change_preferences, decisions, decision),
    *(why_not, read_wedding, change_wedding),
)
