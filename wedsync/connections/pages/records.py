"""The page of a connected CRM: how it is kept, what its sync did, which jobs are clients, what is left to people."""

from datetime import date
from typing import Any
from uuid import UUID

from litestar import Response, get, post

from wedsync.clients.model import STAGES
from wedsync.connections.pages.place import Place, entered
from wedsync.connections.records import actions, model, trying
from wedsync.connections.records.record import FIELDS, TITLES, Record
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.errors import Refusal, not_found
from wedsync.web import forms, respond
from wedsync.web.context import Context, as_struct
from wedsync.web.forms import AnyRequest

queries = sql.load("wedsync.connections.records")
galleries = sql.load("wedsync.connections.galleries")
RUNS_SHOWN = 20
ITEMS_SHOWN = 50
PATH = "/studio/{tenant:uuid}/records"
WORDS = {
    "waiting": ("Begins in a moment", ""),
    "done": ("In step", "good"),
    "held": ("Waits for you", "wait"),
    "later": ("Tries again soon", "wait"),
    "failed": ("Something is wrong", "bad"),
    "reconnect": ("Connect it again", "bad"),
    "read_only": ("May only read", "wait"),
}
GALLERIES_SHOWN = 20
GALLERY_STATES = {"making": "in the making", "released": "open", "closed": "closed"}
SENT_TO = {"done": ("Up to date", "good")}
"""Nobody tells us what became of what was sent, so it is never in step."""
STATES = {
    "removed": ("Deleted there", "wait"),
    "sending": ("On its way", "wait"),
    "sent": ("Sent, counts as accepted", "good"),
    "refused": ("Not taken in", "bad"),
}


@get(PATH + "/{book_id:uuid}", include_in_schema=False)
async def one(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID, book_id: UUID) -> Response[str]:
    """How it is kept and what its sync did."""
    async with entered(request, ctx, actor, tenant, here="accounts") as place:
        return await _page(ctx, place, book_id)


async def _page(ctx: Context, place: Place, book_id: UUID, hook: model.HookPlace | None = None) -> Response[str]:
    rows = await place.tx.rows(queries.books, book_id)
    if not rows:
        raise not_found("connection")
    ways = actions.directions_of(rows[0]["connector"])
    runs = await place.tx.rows(queries.runs, book_id, None, None, RUNS_SHOWN)
    items = await place.tx.rows(queries.items, book_id, None, None, ITEMS_SHOWN)
    conflicts = await place.tx.rows(queries.conflicts, None, book_id, "open", None, None, 50)
    hung = await place.tx.rows(galleries.galleries, book_id, None, None, GALLERIES_SHOWN)
    return respond.html(
        "connections/records.html",
        place.shell,
        path=_path(place),
        one=as_struct(model.Book, rows[0]),
        words=WORDS | (SENT_TO if "send" in ways else {}),
        directions=[(way, model.DIRECTIONS[way]) for way in ways],
        is_sent="send" in ways,
        is_told_by_person=actions.is_told_by_person(rows[0]["connector"]),
        hook=hook,
        runs=[as_struct(model.RecordRun, row) for row in runs],
        items=[model.item(ctx.ring, row) for row in items],
        galleries=[model.gallery(ctx.ring, row) for row in hung],
        gallery_states=GALLERY_STATES,
        stages=STAGES,
        states=STATES,
        conflicts=[_drawn(model.conflict(ctx.ring, row)) for row in conflicts],
    )


@post(PATH + "/{book_id:uuid}", include_in_schema=False)
async def change(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID, book_id: UUID) -> Response[Any]:
    """Keep it otherwise."""
    form = await forms.read(request)
    wanted = forms.checked(model.BookChange, {"direction": form.text("direction")}, {})
    async with entered(request, ctx, actor, tenant, here="accounts") as place:
        await actions.change(place.tx, book_id, wanted)
        return respond.see_other(f"{_path(place)}/{book_id}")


@post(PATH + "/{book_id:uuid}/sync", include_in_schema=False)
async def look(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID, book_id: UUID) -> Response[Any]:
    """At once."""
    async with entered(request, ctx, actor, tenant, here="accounts") as place:
        await actions.sync_now(place.tx, book_id)
        return respond.see_other(f"{_path(place)}/{book_id}")


@post(PATH + "/{book_id:uuid}/hook", include_in_schema=False)
async def show_hook(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID, book_id: UUID) -> Response[str]:
    """Address and key, in no page that is only looked at."""
    async with entered(request, ctx, actor, tenant, here="accounts") as place:
        hook = await actions.hook_place(place.tx, ctx.ring, book_id, ctx.settings.public_url)
        return await _page(ctx, place, book_id, hook)


@post(PATH + "/{book_id:uuid}/conflicts/{conflict_id:uuid}", include_in_schema=False)
async def decide(
    request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID, book_id: UUID, conflict_id: UUID
) -> Response[Any]:
    """One of the two buttons. What was decided meanwhile is decided."""
    form = await forms.read(request)
    wanted = forms.checked(model.Resolution, {"keep": form.text("keep")}, {})
    try:
        async with entered(request, ctx, actor, tenant, here="accounts") as place:
            await actions.resolve(place.tx, conflict_id, wanted.keep)
    except Refusal as refusal:
        if refusal.code != "conflict_resolved":
            raise
    return respond.see_other(request.url.path.rpartition("/conflicts/")[0])


def _path(place: Place) -> str:
    return f"{place.shell.base}/records"


def _drawn(found: model.Conflict) -> dict[str, Any]:
    return {"it": found, "fields": _fields(found), "buttons": model.BUTTONS[found.kind]}


def _fields(found: model.Conflict) -> list[tuple[str, str, str]]:
    """What differs, in words: (what, here, there); of a record that is on one side only nothing is compared."""
    if found.ours is None or found.theirs is None:
        return []
    names = [name for name in FIELDS if getattr(found.ours, name) != getattr(found.theirs, name)]
    return [
        (TITLES[name].capitalize(), _said(found.ours, name), _said(found.theirs, name))
        for name in names
        if not found.about or name in found.about
    ]


def trial_of(found: trying.MapTrial) -> dict[str, Any]:
    """A trial of a map in words: what the records would be, what troubles there are, all there is and who reads it."""
    return {
        "read": found.read,
        "records": [(one, _words(one)) for one in found.records],
        "troubles": found.troubles,
        "fields": [(one, [TITLES[target] for target in one.targets]) for one in found.fields],
    }


def _words(one: trying.TriedRecord) -> list[tuple[str, str]]:
    """What of a record is not blank, in words."""
    return [(TITLES[name].capitalize(), _said(one.record, name)) for name in FIELDS if getattr(one.record, name)]


def _said(record: Record, name: str) -> str:
    value = getattr(record, name)
    if name == "stage":
        return STAGES[record.stage]
    if isinstance(value, date):
        return f"{value:%-d %B %Y}"
    return str(value or "none")


ROUTES = (one, change, look, show_hook, decide)
