"""What the pages of a wedding day share: the screen, its fragment, and one door for all of its buttons and forms."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import time
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Response

from wedsync.days import actions, gates, model, view, weather
from wedsync.kit.db import Tx
from wedsync.kit.errors import FieldError, Refusal
from wedsync.web import forms, respond
from wedsync.web.forms import AnyRequest, Form
from wedsync.web.shell import Shell

Enter = Callable[[], AbstractAsyncContextManager[Tx]]
WRONG: Final[Mapping[str, FieldError]] = {
    "reason": FieldError("reason", "is missing", "Say why, in 3 to 500 characters: everybody reads it."),
    "title": FieldError("title", "is missing", "Say it in up to 300 characters."),
    "at_local": FieldError("at_local", "is missing", "Choose a time."),
    "place": FieldError("place", "is too long", "Name the place in up to 300 characters."),
    "by_minutes": FieldError("by_minutes", "is too far", "Move it by up to 24 hours."),
    "minutes": FieldError("minutes", "is not right", "Say how many minutes it takes, up to two days."),
    "late_minutes": FieldError("late_minutes", "is too much", "Say up to 600 minutes."),
    "eta_minutes": FieldError("eta_minutes", "is too much", "Say up to 600 minutes."),
    "contact_name": FieldError("contact_name", "is missing", "Say who is there on the day."),
    "contact_phone": FieldError("contact_phone", "is no number", "Write it with digits, such as +44 7700 900123."),
    "plan_b": FieldError("plan_b", "is missing", "Say what is done instead, in 3 to 300 characters."),
    "plan_b_place": FieldError("plan_b_place", "is missing", "Say where, in up to 300 characters."),
    "latitude": FieldError("latitude", "is not right", "Send degrees from -90 to 90, such as 51.5712."),
    "longitude": FieldError("longitude", "is not right", "Send degrees from -180 to 180, such as -0.7766."),
    "decide_hours_before": FieldError("decide_hours_before", "is not right", "Send half an hour to ten days."),
    "rain_mm_max": FieldError("rain_mm_max", "is not right", "Send millimetres from 0 to 500."),
    "gust_kmh_max": FieldError("gust_kmh_max", "is not right", "Send km/h from 5 to 300."),
    "vehicle": FieldError("vehicle", "is too long", "Describe it in up to 120 characters."),
}
CORE: Final = (
    *("on", "ceremony_at", "ceremony_venue", "ceremony_address"),
    *("reception_at", "reception_venue", "reception_address"),
)

BLANK: Final = dict.fromkeys((*WRONG, *CORE, "schedule_item_id", "gate_item_id", "is_dropped", "do"), "")


class Seat(msgspec.Struct, frozen=True, kw_only=True):
    """Who looks at which day: `base` is the page's address, `live` that of its fragment."""

    request: AnyRequest
    base: str
    live: str
    enter: Enter
    frame: Callable[[Tx], Awaitable[Shell]]


async def show(seat: Seat) -> Response[Any]:
    """The page."""
    return await _draw(seat, "days/day.html")


async def fragment(seat: Seat) -> Response[Any]:
    """What moves by itself."""
    return await _draw(seat, "days/_day.html")


async def act(seat: Seat) -> Response[Any]:
    """A button or a form; what cannot be done is said on top of the page, as it is now."""
    form = await forms.read(seat.request)
    do = DOES.get(form.text("do"))
    if do is None:
        raise forms.wrong(FieldError("do", "is not one of the buttons", "Reload the page and press one of them."))
    try:
        async with seat.enter() as tx:
            await do(tx, form)
    except Refusal as refusal:
        if refusal.status not in (403, 409, 412, 422):
            raise
        return await _draw(seat, "days/day.html", form=form, refusal=refusal)
    return respond.done(seat.request, seat.base)


async def _draw(seat: Seat, name: str, *, form: Form | None = None, refusal: Refusal | None = None) -> Response[Any]:
    async with seat.enter() as tx:
        shell, seen = await seat.frame(tx), await view.read(tx)
    errors = {} if refusal is None else forms.errors_of(refusal)
    return respond.html(
        name,
        shell,
        code=200 if refusal is None else refusal.status,
        base=seat.base,
        live_src=seat.live,
        typed=BLANK | (dict(form.items()) if form else {}),
        errors=errors,
        said="" if refusal is None else " ".join(errors.values()) or refusal.detail,
        **view.values(seen),
    )


async def _mark(tx: Tx, form: Form) -> None:
    given: dict[str, Any] = {}
    if form.text("state"):
        given["state"] = form.text("state")
    if form.has("late_minutes"):
        given["late_minutes"] = form.number("late_minutes") or 0
    await actions.mark(tx, _id(form, "item_id"), forms.checked(model.MarkChange, given, WRONG))


async def _step(tx: Tx, form: Form) -> None:
    given = {"state": form.text("state"), "eta_minutes": form.number("eta_minutes")}
    await actions.step(tx, _id(form, "arrival_id"), forms.checked(model.ArrivalStep, given, WRONG))


async def _confirm(tx: Tx, form: Form) -> None:
    given: dict[str, Any] = {name: form.text(name) for name in ("contact_name", "contact_phone", "vehicle")}
    given |= {"at_local": _time(form, "at_local"), "on": form.day("on")}
    await actions.confirm(tx, forms.checked(model.Confirmation, given, WRONG))


async def _amend(tx: Tx, form: Form) -> None:
    given: dict[str, Any] = {name: form.text(name) for name in ("place", "title") if form.text(name)}
    given["reason"] = form.text("reason")
    if form.text("schedule_item_id"):
        given["schedule_item_id"] = _id(form, "schedule_item_id")
    if form.text("at_local"):
        given["at_local"] = _time(form, "at_local")
    for name in ("by_minutes", "minutes"):
        if form.number(name) is not None:
            given[name] = form.number(name)
    given["is_dropped"] = form.on("is_dropped")
    await actions.amend(tx, forms.checked(model.NewAmendment, given, WRONG))


async def _hold(tx: Tx, form: Form) -> None:
    given: dict[str, Any] = {name: form.text(name) for name in CORE if form.text(name)}
    if "on" in given:
        given["on"] = form.day("on")
    for name in ("ceremony_at", "reception_at"):
        if name in given:
            given[name] = _time(form, name)
    given["reason"] = form.text("reason")
    await actions.hold(tx, forms.checked(model.NewHeldChange, given, WRONG))


async def _second(tx: Tx, form: Form) -> None:
    await actions.second(tx, _id(form, "change_id"))


async def _withdraw(tx: Tx, form: Form) -> None:
    await actions.withdraw(tx, _id(form, "change_id"))


async def _gate(tx: Tx, form: Form) -> None:
    given: dict[str, Any] = {name: form.text(name) for name in ("plan_b", "plan_b_place")}
    given["schedule_item_id"] = _id(form, "gate_item_id")
    for name in ("latitude", "longitude", "decide_hours_before", "rain_mm_max", "gust_kmh_max"):
        if form.text(name):
            given[name] = _degrees(form, name)
    await gates.put(tx, forms.checked(weather.NewGate, given, WRONG))


async def _keep(tx: Tx, form: Form) -> None:
    await _decide(tx, form, "keep")


async def _plan_b(tx: Tx, form: Form) -> None:
    await _decide(tx, form, "plan_b")


async def _decide(tx: Tx, form: Form, choice: str) -> None:
    said = forms.checked(weather.GateDecision, {"choice": choice, "reason": form.text("reason")}, WRONG)
    await gates.decide(tx, _id(form, "gate_id"), said)


async def _remove_gate(tx: Tx, form: Form) -> None:
    await gates.remove(tx, _id(form, "gate_id"))


def _degrees(form: Form, name: str) -> float:
    """Raises Refusal 422."""
    try:
        return float(form.text(name).replace(",", "."))
    except ValueError as error:
        raise forms.wrong(FieldError(name, "is no number", "Write it with a point, such as 51.5712.")) from error


DOES: Final[Mapping[str, Callable[[Tx, Form], Awaitable[None]]]] = {
    "gate": _gate,
    "gate_keep": _keep,
    "gate_plan_b": _plan_b,
    "gate_remove": _remove_gate,
    "mark": _mark,
    "step": _step,
    "confirm": _confirm,
    "amend": _amend,
    "hold": _hold,
    "second": _second,
    "withdraw": _withdraw,
}


def _id(form: Form, name: str) -> UUID:
    try:
        return UUID(form.text(name))
    except ValueError as error:
        raise forms.wrong(FieldError(name, "is missing", "Choose one of the list.")) from error


def _time(form: Form, name: str) -> time:
    try:
        return time.fromisoformat(form.text(name))
    except ValueError as error:
        raise forms.wrong(FieldError(name, "is no time", "Write it as 14:30.")) from error
