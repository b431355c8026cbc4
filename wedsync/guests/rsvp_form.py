"""A party's answers as a form: what its page shows, and what was made of it, as one set of answers.

The form carries what it showed, so two of a party who answer at once undo nothing of each other's; where both changed
one answer, the later counts.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec

from wedsync.guests import editing, merging, model, needs_form, parties, words
from wedsync.guests.importing.names import fold
from wedsync.guests.merging import Value
from wedsync.kit.errors import FieldError, Refusal

NEW = "new"
"""Ids of guests whom the party may still bring: new1, new2 …"""
OFFERED = 3
"""So many of them are offered at once; more come when these are taken."""
TICKS = ("allergen", "diet", "access", "no_needs")


class Read(msgspec.Struct, frozen=True):
    """What a form says; `fields` names the form field behind each line of the answers, for telling what is wrong."""

    answers: model.PartyAnswers
    fields: dict[str, str]


def values(held: parties.Held) -> dict[str, Value]:
    """The form's fields as they are shown."""
    shown: dict[str, Value] = {}
    for person in held.people.values():
        for item, one in person.invited.items():
            shown[f"{person.id}.{item}"] = one.status if one.status in ("accepted", "declined") else ""
            if held.items[item].menu:
                shown[f"{person.id}.{item}.menu"] = str(one.menu_option_id or "")
        shown |= {f"{person.id}.{name}": value for name, value in editing.needs_values(person.needs).items()}
        if person.kind == "plus_one":
            shown[f"name.{person.id}"] = "" if person.is_unnamed else person.display_name
    return shown


def read(held: parties.Held, fields: Mapping[str, list[str]]) -> Read:
    """What was changed on the form. Raises Refusal 422 that names form fields."""
    now = values(held)
    base = editing.base_of(fields) or now
    merged = merging.merge(base, _posted(held, fields, now), now).values
    wanted = merging.changed(now, merged)
    lines: list[tuple[str, model.PartyAnswer]] = []
    for person in held.people.values():
        lines += _lines(held, person, merged, wanted)
    brought = _brought(held, fields)
    names = {f"answers[{n}]": field for n, (field, _) in enumerate(lines)}
    names |= {f"plus_ones[{n}]": f"name.{NEW}{place}" for n, (place, _) in enumerate(brought)}
    return Read(model.PartyAnswers(answers=[line for _, line in lines], plus_ones=[one for _, one in brought]), names)


def _posted(held: parties.Held, fields: Mapping[str, list[str]], now: Mapping[str, Value]) -> dict[str, Value]:
    """Ticks are absent when none is set, so a person's needs count as posted with their note."""
    said: dict[str, Value] = {
        name: fields[name][-1] for name, value in now.items() if name in fields and isinstance(value, str)
    }
    for person in held.people:
        if f"{person}.note" not in fields:
            continue
        for group in TICKS:
            said[f"{person}.{group}"] = sorted(set(fields.get(f"{person}.{group}", [])))
        ticked = {f"{person}.severity_{key}" for key in said[f"{person}.allergen"]}
        said = {name: value for name, value in said.items() if not name.startswith(f"{person}.severity_")}
        said |= {name: fields[name][-1] for name in ticked if name in fields}
    return said


def _lines(
    held: parties.Held, person: parties.Person, merged: Mapping[str, Value], wanted: set[str]
) -> list[tuple[str, model.PartyAnswer]]:
    lines = []
    for item in person.invited:
        field = f"{person.id}.{item}"
        if not wanted.isdisjoint((field, f"{field}.menu")):
            lines.append((field, _answer(person, item, str(merged[field]), str(merged.get(f"{field}.menu", "")))))
    name = f"name.{person.id}"
    if name in wanted and merged[name]:
        lines.append((name, model.PartyAnswer(guest_id=person.id, name=str(merged[name])[:300])))
    prefix = f"{person.id}."
    if any(one.startswith(prefix) and one.removeprefix(prefix).split("_")[0] in NEEDS for one in wanted):
        needs = needs_form.read(_as_fields(merged), person.needs, prefix=prefix)
        lines.append((f"{prefix}note", model.PartyAnswer(guest_id=person.id, needs=needs)))
    return lines


NEEDS = ("allergen", "diet", "access", "no", "severity", "note")


def _as_fields(merged: Mapping[str, Value]) -> dict[str, list[str]]:
    return {name: value if isinstance(value, list) else [value] for name, value in merged.items()}


def _answer(person: parties.Person, item: UUID, status: str, menu: str) -> model.PartyAnswer:
    said = {"guest_id": person.id, "schedule_item_id": item, "status": status or person.invited[item].status}
    try:
        return msgspec.convert({**said, "menu_option_id": UUID(menu) if menu else None}, type=model.PartyAnswer)
    except (msgspec.ValidationError, ValueError) as error:
        field = f"{person.id}.{item}"
        wrong = FieldError(field, "is not an answer", "Choose one of the two.")
        raise Refusal(422, "invalid", "An answer cannot be read.", errors=[wrong]) from error


def _brought(held: parties.Held, fields: Mapping[str, list[str]]) -> list[tuple[int, model.PlusOne]]:
    """Whom the party brings: those who come to something. One who is there already (a form sent twice) is not new."""
    known = {fold(person.display_name) for person in held.people.values()}
    found = []
    for place in range(1, OFFERED + 1):
        key = f"{NEW}{place}"
        items = [id for id in held.items if fields.get(f"{key}.{id}", [""])[-1] == "accepted"]
        name = fields.get(f"name.{key}", [""])[-1]
        if name and fold(name) in known:
            continue
        if name and not items:
            wrong = FieldError(
                f"name.{key}", f"{name[:40]} comes to nothing yet", "Say what they come to, or leave the name empty."
            )
            raise Refusal(422, "invalid", "Say what your guest comes to.", errors=[wrong])
        if items:
            menus = [UUID(m) for id in items if (m := fields.get(f"{key}.{id}.menu", [""])[-1]) and _is_of(held, id, m)]
            needs = needs_form.read(fields, None, prefix=f"{key}.")
            found.append(
                (place, model.PlusOne(name=name[:300], schedule_item_ids=items, menu_option_ids=menus, needs=needs))
            )
    return found


def _is_of(held: parties.Held, item: UUID, menu: str) -> bool:
    return any(str(known) == menu for known in held.items[item].menu)


def in_form(refusal: Refusal, fields: Mapping[str, str]) -> list[tuple[str, str]]:
    """What is wrong, as (form field, sentence)."""
    told = []
    for error in refusal.errors:
        line, _, part = error.field.partition("].")
        field = fields.get(f"{line}]", error.field)
        sentence = f"{error.reason[:1].upper()}{error.reason[1:]}. {error.fix}".strip()
        told.append(
            (
                f"{field}.menu" if part.startswith("menu_option_id") and not field.startswith("name.") else field,
                sentence,
            )
        )
    return told or [("", refusal.detail)]


def page(held: parties.Held, *, token: str, fields: Mapping[str, list[str]] | None = None) -> dict[str, Any]:
    """What `rsvp.html` shows; with `fields`, what was typed stands in place of what is kept."""
    typed = fields or {}
    shown = values(held)
    guests = [_shown(held, person, typed) for person in held.people.values()]
    guests += [
        _new(held, place, typed) for place in range(1, min(held.plus_ones_left, OFFERED) + 1) if not held.is_locked
    ]
    return {
        "token": token,
        "names": held.couple_names,
        "on": held.on,
        "zone": held.time_zone,
        "venue": held.venue,
        "reply_by": None,
        "party": {"name": held.name, "plus_ones_left": held.plus_ones_left},
        "is_locked": held.is_locked,
        "locked_words": _why_locked(held),
        "contact_words": "Please tell them directly if something changes."
        if held.is_locked and not held.is_off
        else "",
        "items": [
            {
                "id": str(i.id),
                **{k: getattr(i, k) for k in ("title", "on", "at_local", "place")},
                "is_locked": i.is_locked or held.is_off,
            }
            for i in held.items.values()
        ],
        "vocabulary": words.vocabulary(),
        "base": editing.as_base(shown) if fields is None else typed.get("_base", [editing.as_base(shown)])[-1],
        "guests": guests,
        "menu_options": {
            str(i.id): [(str(id), name) for id, name in i.menu.items()] for i in held.items.values() if i.menu
        },
        "answered_at": held.answered_at,
        "problems": [],
        "errors": {},
    }


def _why_locked(held: parties.Held) -> str:
    if held.is_off:
        return "This wedding will not take place."
    return f"{held.couple_names} have given the numbers to the kitchen." if held.is_locked else ""


def _shown(held: parties.Held, person: parties.Person, typed: Mapping[str, list[str]]) -> dict[str, Any]:
    shown = {**values_of(held, person), **{n: v[-1] for n, v in typed.items() if v and not n.endswith(TICKS)}}
    needs = words.as_form(person.needs, str(person.id))
    if f"{person.id}.note" in typed:
        needs |= _typed_needs(typed, f"{person.id}.")
    return {
        "id": str(person.id),
        "display_name": "Your guest" if person.is_unnamed else person.display_name,
        "first_name": person.first_name,
        "is_plus_one": person.kind == "plus_one",
        "is_new": False,
        "name": shown.get(f"name.{person.id}", ""),
        "age_band": person.age_band,
        "answers": {str(item): shown[f"{person.id}.{item}"] for item in person.invited},
        "menus": {str(item): shown.get(f"{person.id}.{item}.menu", "") for item in person.invited},
        "invited": [str(item) for item in person.invited],
        "needs": needs,
    }


def values_of(held: parties.Held, person: parties.Person) -> dict[str, Value]:
    """One person's part of the form."""
    return {name: value for name, value in values(held).items() if str(person.id) in name}


def _new(held: parties.Held, place: int, typed: Mapping[str, list[str]]) -> dict[str, Any]:
    key = f"{NEW}{place}"
    open_items = [str(item.id) for item in held.items.values() if not item.is_locked]
    needs = words.as_form(None, key) | (_typed_needs(typed, f"{key}.") if f"{key}.note" in typed else {})
    return {
        "id": key,
        "display_name": "Your guest" if held.plus_ones_left == 1 else f"Your guest {place}",
        "first_name": "",
        "is_plus_one": True,
        "is_new": True,
        "name": typed.get(f"name.{key}", [""])[-1],
        "age_band": "adult",
        "answers": {item: typed.get(f"{key}.{item}", [""])[-1] for item in open_items},
        "menus": {item: typed.get(f"{key}.{item}.menu", [""])[-1] for item in open_items},
        "invited": open_items,
        "needs": needs,
    }


def _typed_needs(typed: Mapping[str, list[str]], prefix: str) -> dict[str, Any]:
    allergens = {
        key: typed.get(f"{prefix}severity_{key}", ["moderate"])[-1] for key in typed.get(f"{prefix}allergen", [])
    }
    return {
        "allergens": allergens,
        "diets": typed.get(f"{prefix}diet", []),
        "access": typed.get(f"{prefix}access", []),
        "note": typed.get(f"{prefix}note", [""])[-1],
        "answered": bool(typed.get(f"{prefix}no_needs")),
    }
