"""A file and the choices about it to a plan that fits the wedding: its parts of the day, meals and limits. Pure."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from wedsync.guests.importing.detect import OWN_SOURCE, Detection, detect, to_field_map
from wedsync.guests.importing.names import fold
from wedsync.guests.importing.plan import build_plan
from wedsync.guests.importing.sheet import Sheet, read_sheet
from wedsync.guests.importing.stored import Choices
from wedsync.guests.importing.values import Meal, Plan

CONTACT_CHARS_MAX = {"email": 320, "phone": 40, "address": 500}
NAME_CHARS_MAX = {"display_name": 600, "first_name": 300, "last_name": 300, "key": 400}
LABEL_CHARS_MAX = {"role": 60, "table_label": 60}
SILENT = "needs_action"
CLIPPED = CONTACT_CHARS_MAX | NAME_CHARS_MAX | LABEL_CHARS_MAX


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A schedule item guests can be invited to, with its meals: folded name -> (id, name)."""

    id: UUID
    title: str
    takes_rsvps: bool
    meals: dict[str, tuple[UUID, str]]


class Ground(msgspec.Struct, frozen=True, kw_only=True):
    """What reading needs to know of the wedding; `parts` by title, in the order of the day."""

    country: str
    parts: dict[str, Part]


class Reading(msgspec.Struct, kw_only=True):
    """A file, understood."""

    sheet: Sheet
    detection: Detection
    plan: Plan


def read(data: bytes, filename: str, choices: Choices, ground: Ground) -> Reading:
    """Raises Refusal 413 and 422 for what cannot be read, naming what to do."""
    titles = list(ground.parts)
    sheet = read_sheet(data, filename, encoding=choices.encoding)
    detection = detect(sheet, country=ground.country, events=titles)
    is_day_first = None if not choices.dates else choices.dates == "day_first"
    mapping = to_field_map(detection, choices.columns, day_first=is_day_first)
    plan = build_plan(sheet, mapping, country=ground.country, events=titles)
    fit(plan, ground)
    return Reading(sheet=sheet, detection=detection, plan=plan)


def fit(plan: Plan, ground: Ground) -> None:
    """Leave out answers and meals the wedding has no place for yet: a later import of the same list brings them."""
    lost_answers = lost_meals = 0
    for guest in plan.guests:
        for name, limit in CLIPPED.items():
            value = getattr(guest, name)
            if len(value) > limit:
                setattr(guest, name, value[:limit])
        if guest.answers:
            kept = [answer for answer in guest.answers if answer.event in ground.parts]
            lost_answers += len(guest.answers) - len(kept)
            guest.answers = kept
        if guest.meals:
            meals = _meals(guest.meals, ground)
            lost_meals += bool(guest.meals) and not meals
            guest.meals = meals
    if lost_answers:
        plan.notes.append(
            f"{lost_answers} answers are for parts of the day your schedule does not have. Add them there, "
            "let them take RSVPs, and import this list again."
        )
    if lost_meals:
        plan.notes.append(f"{lost_meals} meal choices are not on your menu. Add them there and import this list again.")


def _meals(said: Sequence[Meal], ground: Ground) -> list[Meal]:
    """A meal for no event in particular belongs to the first part of the day that serves it."""
    found: list[Meal] = []
    for meal in said:
        asked = fold(meal.words)
        parts = [ground.parts[meal.event]] if meal.event in ground.parts else []
        parts = list(ground.parts.values()) if not meal.event else parts
        served = next(((part.title, part.meals[asked][1]) for part in parts if asked in part.meals), None)
        if served is not None:
            found.append(Meal(*served))
    return found


def invited_to(plan: Plan, ground: Ground) -> dict[int, list[str]]:
    """To which parts of the day each planned guest is invited, by place in the plan.

    An answer is an invitation. A blank is one too, unless the guest has answers elsewhere and the list writes "no
    reply" for who is invited and silent; in our own export a blank always means no invitation. A plus-one goes with
    its host.
    """
    is_own = plan.source == OWN_SOURCE
    told = {answer.event for guest in plan.guests for answer in guest.answers if is_own or answer.status == SILENT}
    found: dict[int, list[str]] = {}
    for place, guest in enumerate(plan.guests):
        answered = {answer.event for answer in guest.answers}
        out = {*guest.not_invited, *((told - answered) if answered or is_own else ())}
        found[place] = [
            part.title
            for part in ground.parts.values()
            if part.title in answered or (part.takes_rsvps and part.title not in out)
        ]
    places = {guest.key: place for place, guest in enumerate(plan.guests)}
    for place, guest in enumerate(plan.guests):
        host = places.get(guest.plus_one_of)
        if host is not None and guest.kind == "plus_one" and not guest.answers and not is_own:
            found[place] = found[host]
    return found
