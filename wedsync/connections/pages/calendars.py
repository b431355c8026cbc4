"""The pages of connected calendars: which are used and how, what their sync did, and what it leaves to people."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from litestar import Response, get, post

from wedsync.connections.calendars import actions, model
from wedsync.connections.calendars.event import CalendarEvent, Days
from wedsync.connections.pages.place import Place, entered
from wedsync.kit import clock, sql
from wedsync.kit.actor import Actor
from wedsync.kit.errors import Refusal, not_found
from wedsync.web import forms, respond
from wedsync.web.context import Context, as_struct
from wedsync.web.forms import AnyRequest

queries = sql.load("wedsync.connections.calendars")
RUNS_SHOWN = 20
WORDS = {
    "waiting": ("Begins in a moment", ""),
    "done": ("In step", "good"),
    "held": ("Waits for you", "warn"),
    "later": ("Tries again soon", "warn"),
    "failed": ("Something is wrong", "bad"),
    "reconnect": ("Connect it again", "bad"),
    "gone": ("Not there any more", "bad"),
}


def paths(rest: str = "") -> list[str]:
    """The two addresses of a page."""
    return [f"/me/{{tenant:uuid}}/calendars{rest}", f"/studio/{{tenant:uuid}}/calendars{rest}"]


@get(paths(), include_in_schema=False)
async def listed(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID) -> Response[str]:
    """All calendars of all accounts, and the conflicts that are open."""
    async with entered(request, ctx, actor, tenant, here="accounts") as place:
        now = clock.machine_now()
        found = [model.calendar(ctx.ring, r, now) for r in await place.tx.rows(queries.calendars, None, None)]
        rows = await place.tx.rows(queries.conflicts, None, None, "open", None, None, 50)
        return respond.html(
            "connections/calendars.html",
            place.shell,
            path=_path(place),
            calendars=found,
            words=WORDS,
            directions=model.DIRECTIONS,
            conflicts=[_drawn(model.conflict(ctx.ring, row)) for row in rows],
        )


@get(paths("/{calendar_id:uuid}"), include_in_schema=False)
async def one(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID, calendar_id: UUID) -> Response[str]:
    """How it is kept, and what its sync did."""
    async with entered(request, ctx, actor, tenant, here="accounts") as place:
        return await _one(ctx, place, calendar_id)


async def _one(ctx: Context, place: Place, calendar_id: UUID, error: str = "") -> Response[str]:
    rows = await place.tx.rows(queries.calendars, calendar_id, None)
    if not rows:
        raise not_found("calendar")
    found = model.calendar(ctx.ring, rows[0], clock.machine_now())
    runs = await place.tx.rows(queries.runs, calendar_id, None, None, RUNS_SHOWN)
    open_rows = await place.tx.rows(queries.conflicts, None, calendar_id, "open", None, None, 50)
    resources = [] if place.is_couple else await place.tx.rows(queries.resources)
    return respond.html(
        "connections/calendar.html",
        place.shell,
        code=409 if error else 200,
        path=_path(place),
        one=found,
        words=WORDS,
        error=error,
        is_couple=place.is_couple,
        directions=[
            (key, text) for key, text in model.DIRECTIONS.items() if found.is_writable or key in ("off", "import")
        ],
        policies=list(model.POLICIES.items()),
        resources=[("", "The business"), *((str(r["id"]), r["name"]) for r in resources)],
        runs=[as_struct(model.SyncRun, r) for r in runs],
        conflicts=[_drawn(model.conflict(ctx.ring, row)) for row in open_rows],
    )


@post(paths("/{calendar_id:uuid}"), include_in_schema=False)
async def change(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID, calendar_id: UUID) -> Response[Any]:
    """Choose it, or keep it otherwise."""
    form = await forms.read(request)
    given: dict[str, Any] = {
        "direction": form.text("direction"),
        "policy": form.text("policy"),
        "has_schedule": form.on("has_schedule"),
    }
    if "/studio/" in request.url.path:
        given |= {"has_bookings": form.on("has_bookings"), "resource_id": form.text("resource_id") or None}
    wanted = forms.checked(model.CalendarChange, given, {})
    try:
        async with entered(request, ctx, actor, tenant, here="accounts") as place:
            await actions.change(place.tx, calendar_id, wanted, version=form.number("version"))
            path = _path(place)
    except Refusal as refusal:
        if refusal.status not in (409, 412):
            raise
        async with entered(request, ctx, actor, tenant, here="accounts") as place:
            return await _one(ctx, place, calendar_id, refusal.detail)
    return respond.see_other(f"{path}/{calendar_id}")


@post(paths("/{calendar_id:uuid}/sync"), include_in_schema=False)
async def look(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID, calendar_id: UUID) -> Response[Any]:
    """At once."""
    async with entered(request, ctx, actor, tenant, here="accounts") as place:
        await actions.sync_now(place.tx, calendar_id)
        return respond.see_other(f"{_path(place)}/{calendar_id}")


@post(paths("/conflicts/{conflict_id:uuid}"), include_in_schema=False)
async def decide(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID, conflict_id: UUID) -> Response[Any]:
    """One of the two buttons. What was decided meanwhile is decided."""
    form = await forms.read(request)
    wanted = forms.checked(model.Resolution, {"keep": form.text("keep")}, {})
    try:
        async with entered(request, ctx, actor, tenant, here="accounts") as place:
            await actions.resolve(place.tx, conflict_id, wanted.keep)
            path = _path(place)
    except Refusal as refusal:
        if refusal.code != "conflict_resolved":
            raise
        path = request.url.path.rpartition("/conflicts/")[0]
    return respond.see_other(path)


def _path(place: Place) -> str:
    return f"{place.shell.base}/calendars"


def _drawn(found: model.Conflict) -> dict[str, Any]:
    return {
        "it": found,
        "sides": [("WedSync", _said(found.ours)), (found.calendar, _said(found.theirs))] if found.event_id else [],
        "buttons": model.BUTTONS[found.kind],
    }


def _said(event: CalendarEvent | None) -> dict[str, str]:
    """One side in words; nothing where it is deleted."""
    if event is None:
        return {"title": "Not there", "when": "", "place": ""}
    return {"title": event.title or "Without a name", "when": _when(event), "place": event.place}


def _when(event: CalendarEvent) -> str:
    times = event.times
    if isinstance(times, Days):
        return f"{date.fromisoformat(times.on):%-d %B %Y}, all day"
    start, end = datetime.fromisoformat(times.start), datetime.fromisoformat(times.end)
    last = f"{end:%H:%M}" if start.date() == end.date() else f"{end:%-d %B, %H:%M}"
    return f"{start:%-d %B %Y, %H:%M} to {last}"


ROUTES = (listed, one, change, look, decide)
