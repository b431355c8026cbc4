"""The studio's form to hold or book, with a live answer to "is it free?", and one booking: changed, booked, let go."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from litestar import Response, get, post

from wedsync.bookings import actions, calendar, model, reading
from wedsync.bookings.alternatives import Alternative
from wedsync.bookings.pages.calendar import CALENDAR, Place, entered
from wedsync.bookings.rows import BookingChange, NewBooking, Slot
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.errors import FieldError, Refusal, not_found
from wedsync.web import forms, respond
from wedsync.web.context import Context
from wedsync.web.formats import clock, day_short
from wedsync.web.forms import AnyRequest
from wedsync.weddings.model import changed_fields

queries = sql.load("wedsync.bookings")
BOOKING = CALENDAR + "/bookings/{booking_id:uuid}"
BUFFERS = [
    (str(m), words)
    for m, words in ((0, "None"), (15, "15 min"), (30, "30 min"), (60, "1 h"), (120, "2 h"), (240, "4 h"))
]
WORDS: Mapping[str, FieldError] = {
    "on": FieldError("on", "Which day?", "Choose a date."),
    "from": FieldError("from", "From when?", "Give both times, or tick whole days."),
    "minutes": FieldError("until", "Is too short or too long", "From a quarter of an hour to fourteen days."),
    "days": FieldError("days", "From one day to sixty", ""),
    "title": FieldError("title", "Is too long", "300 characters are enough."),
}
BLANK = {
    "on": "",
    "from": "10:00",
    "until": "18:00",
    "whole": "",
    "days": "1",
    "before_minutes": "0",
    "after_minutes": "0",
    "resource_id": "",
    "category": "wedding",
    "link_id": "",
    "title": "",
    "place": "",
    "note": "",
}


@get(f"{CALENDAR}/new", include_in_schema=False)
async def new(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID) -> Response[str]:
    """Filled in from the address: a day of the calendar, or an alternative."""
    typed = BLANK | {k: v for k, v in request.query_params.items() if k in BLANK}
    async with entered(request, ctx, actor, supplier_id) as place:
        typed["on"] = typed["on"] or place.shell.now.date().isoformat()
        return await _form(place, typed)


async def _form(
    place: Place, typed: Mapping[str, str], *, errors: Any = None, code: int = 200, view: Any = None
) -> Response[str]:
    resources = [row for row in await place.tx.rows(queries.resources, None) if row["is_active"]]
    weddings = await place.tx.rows(queries.weddings)
    kinds = calendar.KINDS.items() if place.may_manage else [("private", calendar.KINDS["private"])]
    return respond.html(
        "bookings/booking.html",
        place.shell,
        code=code,
        typed=typed if place.may_manage or view else {**typed, "category": "private"},
        errors=errors or {},
        resources=[(str(row["id"]), row["name"]) for row in resources],
        weddings=[("", "No wedding here")]
        + [(str(w["id"]), f"{w['couple_names']}, {day_short(w['on'])}") for w in weddings],
        categories=[(key, words, sign) for key, (words, sign) in kinds if key != "busy"],
        buffers=BUFFERS,
        may_manage=place.may_manage,
        booking=view,
        state_words=calendar.STATE_WORDS,
        conflicts=[reading.WORDS[kind] for kind in view.conflicts] if view else [],
        answer=await _answer(place, typed, view.id if view else None),
    )


@get(f"{CALENDAR}/fragments/free", include_in_schema=False)
async def is_free(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID) -> Response[str]:
    """The answer to what is typed so far."""
    typed = BLANK | {k: v for k, v in request.query_params.items() if k in (*BLANK, "booking_id")}
    async with entered(request, ctx, actor, supplier_id) as place:
        answer = await _answer(place, typed, _id(typed.get("booking_id", "")))
    return respond.html("bookings/_answer.html", place.shell, answer=answer)


async def _answer(place: Place, typed: Mapping[str, str], booking_id: UUID | None) -> dict[str, Any]:
    """Free or not, and what else would do; nothing while the form says too little."""
    try:
        slot = forms.checked(Slot, _slot(typed), WORDS)
        stretch = model.stretch(slot, place.home["time_zone"])
    except Refusal:
        return {"is_known": False, "is_free": False, "alternatives": []}
    resource_id = _id(typed["resource_id"])
    free, found = await actions.suggest(place.tx, stretch, resource_id, place.home["now"], leaving_out=booking_id)
    offered = [] if free else [_offered(place, typed, one, booking_id) for one in found]
    return {"is_known": True, "is_free": free, "alternatives": offered}


def _offered(place: Place, typed: Mapping[str, str], one: Alternative, booking_id: UUID | None) -> dict[str, str]:
    taken = dict(typed) | {"on": one.stretch.on.isoformat(), "resource_id": str(one.resource_id)}
    when = day_short(one.stretch.on)
    if one.stretch.at_local is not None:
        until = one.stretch.ends_at.astimezone(ZoneInfo(one.stretch.zone))
        taken |= {"from": f"{one.stretch.at_local:%H:%M}", "until": f"{until:%H:%M}"}
        when += f", {clock(one.stretch.at_local, one.stretch.zone)} to {clock(until, one.stretch.zone)}"
    taken = {k: v for k, v in taken.items() if k in BLANK and k not in ("title", "place", "note")}
    at = f"bookings/{booking_id}" if booking_id else "new"
    return {"when": when, "reason": one.reason, "href": f"{place.shell.base}/calendar/{at}?{urlencode(taken)}"}


@post(f"{CALENDAR}/new", include_in_schema=False)
async def add(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID) -> Response[Any]:
    """Held or booked, by the button; the form again with what else would do where it is taken."""
    form = await forms.read(request)
    typed = {name: form.text(name, default) for name, default in BLANK.items()} | {"whole": form.text("whole")}
    try:
        state = "hold" if form.text("as") == "hold" else "booked"
        given = {**_fields(typed), "state": state}
        wanted = forms.checked(NewBooking, {k: v for k, v in given.items() if v not in ("", None)}, WORDS)
        async with entered(request, ctx, actor, supplier_id) as place:
            await actions.add(place.tx, ctx.ring, wanted)
    except Refusal as refusal:
        return await _again(request, ctx, actor, supplier_id, typed, refusal)
    return respond.see_other(f"/studio/{supplier_id}/calendar?on={typed['on']}")


async def _again(
    request: AnyRequest,
    ctx: Context,
    actor: Actor,
    supplier_id: UUID,
    typed: Mapping[str, str],
    refusal: Refusal,
    booking_id: UUID | None = None,
) -> Response[str]:
    if refusal.status not in (403, 409, 422):
        raise refusal
    errors = dict(forms.errors_of(refusal)) or {"on": refusal.detail}
    async with entered(request, ctx, actor, supplier_id) as place:
        view = await reading.booking(place.tx, ctx.ring, booking_id) if booking_id else None
        return await _form(place, typed, errors=errors, code=refusal.status, view=view)


@get(BOOKING, include_in_schema=False)
async def one(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, booking_id: UUID) -> Response[str]:
    """One booking: what it is, what stands against it, and the form to change it."""
    async with entered(request, ctx, actor, supplier_id) as place:
        view = await _view(ctx, place, booking_id)
        typed = _typed(view) | {k: v for k, v in request.query_params.items() if k in BLANK}
        return await _form(place, typed, view=view)


async def _view(ctx: Context, place: Place, booking_id: UUID) -> reading.BookingView:
    view = await reading.booking(place.tx, ctx.ring, booking_id)
    if view is None or not view.is_open:
        raise not_found("booking")
    return view


@post(BOOKING, include_in_schema=False)
async def change(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, booking_id: UUID) -> Response[Any]:
    """What the form says now."""
    form = await forms.read(request)
    typed = {name: form.text(name, default) for name, default in BLANK.items()} | {"whole": form.text("whole")}
    try:
        given = {k: v for k, v in _fields(typed).items() if v != ""} | {"link_id": _id(typed["link_id"])}
        wanted = forms.checked(BookingChange, given | {k: typed[k] for k in ("title", "place", "note")}, WORDS)
        async with entered(request, ctx, actor, supplier_id) as place:
            fields = changed_fields(wanted)
            await actions.change(place.tx, ctx.ring, booking_id, fields, version=form.number("version"))
    except Refusal as refusal:
        return await _again(request, ctx, actor, supplier_id, typed, refusal, booking_id)
    return respond.see_other(f"/studio/{supplier_id}/calendar/bookings/{booking_id}")


@post(BOOKING + "/{step:str}", include_in_schema=False)
async def take_step(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, booking_id: UUID, step: str
) -> Response[Any]:
    """Book what is held, or let it go."""
    form = await forms.read(request)
    steps = {"book": actions.book, "cancel": actions.cancel}
    if step not in steps:
        raise not_found("page")
    async with entered(request, ctx, actor, supplier_id) as place:
        view = await _view(ctx, place, booking_id)
        await steps[step](place.tx, booking_id, version=form.number("version"))
    on = f"?on={view.on}" if step == "cancel" else f"/bookings/{booking_id}"
    return respond.see_other(f"/studio/{supplier_id}/calendar{on}")


def _fields(typed: Mapping[str, str]) -> dict[str, Any]:
    link = typed["link_id"] if typed["category"] == "wedding" else ""
    named = {name: typed[name] for name in ("category", "resource_id", "title", "place", "note")}
    return {**_slot(typed), **named, "link_id": link}


def _slot(typed: Mapping[str, str]) -> dict[str, Any]:
    """Raises Refusal 422 for what is no time. Until before from is the next day."""
    given: dict[str, Any] = {"on": _day(typed["on"])}
    given |= {name: _number(typed[name], name) for name in ("before_minutes", "after_minutes")}
    if typed["whole"] == "on":
        return given | {"days": _number(typed["days"], "days")}
    start, until = _time(typed["from"], "from"), _time(typed["until"], "until")
    length = datetime.combine(date.min, until) - datetime.combine(date.min, start)
    minutes = int(length / timedelta(minutes=1)) % 1440 or 1440
    return given | {"at_local": start, "minutes": minutes}


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise forms.wrong(WORDS["on"]) from error


def _time(text: str, field: str) -> time:
    try:
        return time.fromisoformat(text)
    except ValueError as error:
        raise forms.wrong(msgspec.structs.replace(WORDS["from"], field=field)) from error


def _number(text: str, field: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 6):
        raise forms.wrong(FieldError(field, "Is not a whole number", ""))
    return int(text)


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _typed(view: reading.BookingView) -> dict[str, str]:
    until = view.ends_at.astimezone(ZoneInfo(view.zone))
    return BLANK | {
        "on": view.on.isoformat(),
        "from": f"{view.at_local:%H:%M}" if view.at_local else BLANK["from"],
        "until": f"{until:%H:%M}" if view.at_local else BLANK["until"],
        "whole": "" if view.at_local else "on",
        "days": str(view.days or 1),
        "before_minutes": str(view.before_minutes),
        "after_minutes": str(view.after_minutes),
        "resource_id": str(view.resource_id),
        "category": view.category,
        "link_id": str(view.link_id or ""),
        "title": view.title,
        "place": view.place,
        "note": view.note,
    }


ROUTES = (new, is_free, add, one, change, take_step)
