"""The inbox: everything that concerns its reader, of all weddings, unread marked, live; and the bell of every page."""

from typing import Any, Final, get_args
from uuid import UUID

import msgspec
from litestar import Response, get, post

from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Tx
from wedsync.kit.errors import FieldError, not_found
from wedsync.notices import inbox
from wedsync.notices.facts import Notice
from wedsync.notices.pages.place import framed, paths
from wedsync.web import forms, respond
from wedsync.web.context import Context, as_struct, person_of
from wedsync.web.forms import AnyRequest, signed_in

queries = sql.load("wedsync.notices")
PAGE: Final = 50
TABS: Final[tuple[tuple[inbox.Shown, str], ...]] = (("all", "All"), ("unread", "Unread"), ("archived", "Put away"))
SIGNS: Final = {
    "changes": "calendar-clock",
    "details": "phone",
    "numbers": "users",
    "tasks": "list-checks",
    "people": "link",
    "money": "wallet",
    "photos": "camera",
    "account": "settings",
}


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What of the inbox is looked at."""

    shown: inbox.Shown
    cursor: UUID | None

    @property
    def query(self) -> str:
        return f"?state={self.shown}" + (f"&cursor={self.cursor}" if self.cursor else "")


@get("/me/inbox", include_in_schema=False)
async def anywhere(request: AnyRequest, ctx: Context, actor: Actor) -> Response[None]:
    """From a mail that is of several weddings: to the inbox of the reader's first place."""
    person = person_of(signed_in(request, actor))
    async with ctx.door.enter(actor, person) as tx:
        place = await tx.row(queries.first_place, person)
    if place is None:
        return respond.see_other("/me")
    return respond.see_other(f"/{'me' if place['kind'] == 'wedding' else 'studio'}/{place['id']}/inbox")


@get(paths("/inbox"), include_in_schema=False)
async def look(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID) -> Response[str]:
    """What is shown is seen by that; it is read when it is opened."""
    return await _page("notices/inbox.html", request, ctx, actor, tenant)


@get(paths("/fragments/inbox"), include_in_schema=False)
async def fragment(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID) -> Response[str]:
    """The same, when something came or was marked elsewhere."""
    return await _page("notices/_inbox.html", request, ctx, actor, tenant)


async def _page(name: str, request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID) -> Response[str]:
    wanted = _look(request)
    shell = await framed(request, ctx, actor, tenant)
    person = person_of(actor)
    async with ctx.door.enter(actor, person) as tx:
        rows = await tx.rows(queries.inbox, person, wanted.cursor or inbox.FIRST, PAGE, wanted.shown, None)
        items = [as_struct(Notice, r) for r in rows]
        await inbox.mark(tx, "seen", ids=[item.id for item in items if item.seen_at is None])
        state = await _state(tx)
    after = f"{shell.base}/inbox?state={wanted.shown}&cursor={items[-1].id}" if len(items) == PAGE else ""
    return respond.html(
        name,
        shell,
        items=items,
        signs=SIGNS,
        shown=wanted.shown,
        tabs_=[(key, words, f"{shell.base}/inbox?state={key}", None) for key, words in TABS],
        unread=state["unread"],
        src=f"{shell.base}/fragments/inbox{wanted.query}",
        query=wanted.query,
        after=after,
    )


def _look(request: AnyRequest) -> Look:
    """Nonsense in an address is the whole inbox."""
    shown, cursor = request.query_params.get("state", "all"), request.query_params.get("cursor", "")
    try:
        after = UUID(cursor) if cursor else None
    except ValueError:
        after = None
    return Look(shown=next((key for key, _ in TABS if key == shown), "all"), cursor=after)


async def _state(tx: Tx) -> Any:
    row = await tx.row(queries.inbox_state)
    if row is None:
        raise not_found("person")
    return row


@get(paths("/fragments/bell"), include_in_schema=False)
async def bell(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID) -> Response[str]:
    """How many are unread, on every page."""
    shell = await framed(request, ctx, actor, tenant)
    return respond.html("_bell.html", shell)


@post(paths("/inbox/{notice_id:uuid}/open"), include_in_schema=False)
async def open_one(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID, notice_id: UUID) -> Response[Any]:
    """Read, and on to what it is about."""
    person = person_of(signed_in(request, actor))
    async with ctx.door.enter(actor, person) as tx:
        href = await tx.value(queries.notice_href, notice_id)
        if href is None:
            raise not_found("notice")
        await inbox.mark(tx, "read", ids=[notice_id])
    return respond.see_other(href or request.url.path.split("/inbox/")[0] + "/inbox")


@post(paths("/inbox/{notice_id:uuid}/mark"), include_in_schema=False)
async def mark_one(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID, notice_id: UUID) -> Response[Any]:
    """Read, unread, put away, taken back."""
    form = await forms.read(request)
    wanted = next((m for m in get_args(inbox.Mark) if m == form.text("as")), None)
    if wanted is None:
        raise forms.wrong(FieldError("as", "is not one of the choices"))
    person = person_of(signed_in(request, actor))
    async with ctx.door.enter(actor, person) as tx:
        await inbox.mark(tx, wanted, ids=[notice_id])
    return respond.see_other(f"{request.url.path.split('/inbox/')[0]}/inbox{_look(request).query}")


@post(paths("/inbox/read"), include_in_schema=False)
async def read_all(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID) -> Response[Any]:
    """All that there were when the page was drawn; what came since stays unread."""
    form = await forms.read(request)
    try:
        until = UUID(form.text("until"))
    except ValueError:
        raise forms.wrong(FieldError("until", "is no notice")) from None
    person = person_of(signed_in(request, actor))
    async with ctx.door.enter(actor, person) as tx:
        await inbox.mark(tx, "read", until=until)
    return respond.see_other(request.url.path.removesuffix("/read"))


ROUTES = (anywhere, look, fragment, bell, open_one, mark_one, read_all)
