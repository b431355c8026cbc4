"""One guest as an editable form: what it shows, what somebody made of it, and saving what they changed.

A form's version is a digest of the versions of all its rows (guest, answers, needs, contact): whatever changes under
it, it is stale. A stale form is merged; only where two people changed one value to two others is the second asked.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, get_args
from uuid import UUID

import msgspec

from wedsync.guests import actions, listing, merging, model, needs_form, replies, sealed, words
from wedsync.guests.importing.contacts import read_email
from wedsync.guests.merging import Value
from wedsync.kit import sql
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import FieldError, Refusal, not_found
from wedsync.kit.seal import KeyRing

queries = sql.load("wedsync.guests")
TEXTS = {"first_name": 300, "last_name": 300, "table_label": 60}
LENGTHS = {**TEXTS, "phone": 40, "email": 320}
AGES = get_args(model.AgeBand)
_LABELS = {
    "first_name": "First name",
    "last_name": "Last name",
    "table_label": "Table",
    "age_band": "Age",
    "email": "E-mail",
    "phone": "Phone",
    "note": "In their own words",
}


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """A guest with all that the form edits, as it is now."""

    guest: Row
    answers: list[Row]
    menus: dict[UUID, list[tuple[str, str]]]
    needs: model.Needs | None
    contact: model.Contact
    version: int

    @property
    def values(self) -> dict[str, Value]:
        """The form's fields by name."""
        found: dict[str, Value] = {name: self.guest[name] for name in (*TEXTS, "age_band")}
        found |= {"email": self.contact.email, "phone": self.contact.phone}
        for row in self.answers:
            found[f"rsvp.{row['item_id']}"] = row["status"]
            if row["item_id"] in self.menus:
                found[f"menu.{row['item_id']}"] = str(row["menu_option_id"] or "")
        return found | needs_values(self.needs)

    def title(self, name: str) -> str:
        """A field's name in words."""
        kind, _, item = name.partition(".")
        if kind in ("rsvp", "menu"):
            title = next((row["title"] for row in self.answers if str(row["item_id"]) == item), "")
            return f"Meal at {title}" if kind == "menu" else title
        if name.startswith("severity_"):
            return f"How severe: {words.LABELS.get(name.removeprefix('severity_'), '')}"
        return _LABELS.get(name, name)


class Conflict(Refusal):
    """Two people changed one value. `current` in the answer is what forms.js sets in fields that were left alone.

    `now` are the form's values as they are, `fields` the conflicts in words: `[{name, label, mine, theirs}]`.
    """

    def __init__(
        self, *, now: dict[str, Value], merged: merging.Merged, who: str, version: int, fields: list[dict[str, str]]
    ) -> None:
        texts = {name: value for name, value in now.items() if isinstance(value, str)}
        super().__init__(
            412,
            "changed_meanwhile",
            f"{who} changed this after you opened it. Choose what to keep.",
            extra={"current": texts, "version": version, "changed_by": who},
        )
        self.now = now
        self.merged = merged
        self.who = who
        self.version = version
        self.fields = fields


async def open_guest(tx: Tx, ring: KeyRing, wedding_id: UUID, guest_id: UUID, *, hold: bool = False) -> Opened:
    """Read a guest; `hold` keeps everybody else from changing it until the transaction ends. Raises Refusal 404."""
    guest = (
        await tx.row(queries.guest_for_change, wedding_id, guest_id) if hold else await tx.row(queries.guest, guest_id)
    )
    if guest is None or guest["wedding_id"] != wedding_id:
        raise not_found("guest")
    if hold:
        await tx.rows(queries.hold_answers, wedding_id, guest_id)
    answers = await tx.rows(queries.answers_of, wedding_id, [guest_id])
    needs = await tx.row(queries.needs, wedding_id, [guest_id])
    contact = await tx.row(queries.contacts, wedding_id, [guest_id])
    menus: dict[UUID, list[tuple[str, str]]] = {}
    for row in await tx.rows(queries.menus, wedding_id):
        menus.setdefault(row["item_id"], []).append((str(row["id"]), row["name"]))
    versions = [guest["version"], *((str(r["item_id"]), r["version"]) for r in answers)]
    versions += [needs and needs["version"], contact and contact["version"]]
    return Opened(
        guest=guest,
        answers=answers,
        menus=menus,
        needs=sealed.open_needs(ring, wedding_id, guest_id, needs["sealed"]) if needs else None,
        contact=sealed.open_contact(ring, wedding_id, guest_id, contact["sealed"]) if contact else model.Contact(),
        version=version_of(versions),
    )


def version_of(versions: list[Any]) -> int:
    """One number for many versions, of nine digits at most, as an ETag of ours: 29 bits of their digest."""
    return int.from_bytes(hashlib.sha256(msgspec.json.encode(versions)).digest()[:4], "big") >> 3


def needs_values(needs: model.Needs | None) -> dict[str, Value]:
    """Needs as fields: ticks, and a severity for each ticked allergen."""
    form = words.as_form(needs, "")
    ticks: dict[str, Value] = {
        "allergen": sorted(form["allergens"]),
        "diet": sorted(form["diets"]),
        "access": sorted(form["access"]),
        "no_needs": ["on"] if needs is not None and needs.answered and words.is_empty(needs) else [],
        "note": form["note"],
    }
    return ticks | {f"severity_{key}": severity for key, severity in form["allergens"].items()}


def posted(fields: Mapping[str, list[str]], opened: Opened) -> dict[str, Value]:
    """What was posted, of the form's own fields; groups of ticks that were posted empty are not in a form's body."""
    found: dict[str, Value] = {name: fields[name][-1] for name in opened.values if name in fields and name[0] != "_"}
    for group in ("allergen", "diet", "access", "no_needs"):
        found[group] = sorted(set(fields.get(group, [])))
    ticked = {f"severity_{key}" for key in found["allergen"]}
    found = {name: value for name, value in found.items() if not name.startswith("severity_") or name in ticked}
    return found | {name: fields[name][-1] for name in ticked if name in fields}


async def save(
    tx: Tx, ring: KeyRing, wedding_id: UUID, guest_id: UUID, fields: Mapping[str, list[str]], *, version: int | None
) -> str:
    """Save what a form changed; returns a sentence where somebody else's changes were put together with it.

    Raises Conflict when it is stale and must ask, Refusal 422 that names each field.
    """
    opened = await open_guest(tx, ring, wedding_id, guest_id, hold=True)
    now = opened.values
    base = base_of(fields) or now
    merged = merging.merge(base, posted(fields, opened), now)
    is_stale = version != opened.version
    who = await who_changed(tx, wedding_id, [guest_id, *(row["id"] for row in opened.answers)]) if is_stale else ""
    if merged.conflicts and is_stale:
        asked = [
            {"name": n, "label": opened.title(n), "mine": str(merged.values[n]), "theirs": str(now[n])}
            for n in merged.conflicts
        ]
        raise Conflict(now=now, merged=merged, who=who, version=opened.version, fields=asked)
    wanted = merging.changed(now, merged.values)
    errors = _wrong(opened, merged.values, wanted)
    if errors:
        raise Refusal(422, "invalid", "; ".join(f"{e.field} {e.reason}" for e in errors), errors=errors)
    await _apply(tx, ring, wedding_id, opened, merged.values, wanted)
    return f"{who} changed this a moment ago. Both changes are kept." if is_stale and merging.changed(base, now) else ""


def base_of(fields: Mapping[str, list[str]]) -> dict[str, Value]:
    """What the form showed when it was opened; empty when it does not say, or says it unreadably."""
    try:
        return msgspec.json.decode(fields.get("_base", ["{}"])[-1] or "{}", type=dict[str, Value])
    except msgspec.DecodeError:
        return {}


def as_base(values: Mapping[str, Value]) -> str:
    """The hidden field that `base_of` reads."""
    return msgspec.json.encode(values).decode()


async def who_changed(tx: Tx, wedding_id: UUID, ids: list[UUID]) -> str:
    """Whose change was the last of these rows, by first name."""
    row = await tx.row(queries.last_change, wedding_id, ids)
    if row is None or row["actor_kind"] == "guest":
        return "A guest"
    name: str = row["name"] or "Somebody"
    return name.split(" ", maxsplit=1)[0]


def _wrong(opened: Opened, values: Mapping[str, Value], wanted: set[str]) -> list[FieldError]:
    checked = ((name, values[name]) for name in sorted(wanted))
    wrong = [e for name, value in checked if isinstance(value, str) and (e := _fault(opened, name, value))]
    if not (actions.clean(str(values["first_name"]) + str(values["last_name"])) or opened.guest["kind"] == "plus_one"):
        wrong.append(FieldError("first_name", "is empty", "Give a first or last name."))
    return wrong


def _fault(opened: Opened, name: str, value: str) -> FieldError | None:
    kind, _, item = name.partition(".")
    if len(value) > LENGTHS.get(name, needs_form.NOTE_CHARS_MAX):
        return FieldError(name, "is too long", f"At most {LENGTHS.get(name, needs_form.NOTE_CHARS_MAX)} letters.")
    if name == "age_band" and value not in AGES:
        return FieldError(name, "is not an age we know", "Choose one of the four.")
    if name == "email" and not is_address(value):
        return FieldError(name, "is not an e-mail address", "Write it like carla@example.org.")
    if kind == "rsvp" and value not in listing.STATUSES:
        return FieldError(name, "is not an answer", "Choose one of the four.")
    if kind == "menu" and value and value not in dict(opened.menus.get(UUID(item), [])):
        return FieldError(name, "is not one of the meals", "Choose one that is offered.")
    return None


def is_address(text: str) -> bool:
    """Whether a field can be taken as an e-mail address; an empty one can."""
    if not text:
        return True
    try:
        return bool(read_email(text))
    except ValueError:
        return False


async def _apply(
    tx: Tx, ring: KeyRing, wedding_id: UUID, opened: Opened, values: Mapping[str, Value], wanted: set[str]
) -> None:
    guest_id = opened.guest["id"]
    own = {name: values[name] for name in (*TEXTS, "age_band") if name in wanted}
    if own:
        await actions.change_guest(tx, guest_id, own)
    if wanted & {"email", "phone"}:
        contact = model.Contact(email=str(values["email"]), phone=str(values["phone"]), address=opened.contact.address)
        await actions.put_contact(tx, ring, wedding_id, guest_id, contact)
    answers = [_answer(guest_id, row, values) for row in opened.answers if _touches(wanted, row["item_id"])]
    await replies.save(tx, answers, by="couple")
    fields = {name: value if isinstance(value, list) else [value] for name, value in values.items()}
    needs = needs_form.read(fields, opened.needs)
    if needs is not None and needs_form.digest(needs) != needs_form.digest(opened.needs):
        await actions.put_needs(tx, ring, wedding_id, guest_id, needs)


def _touches(wanted: set[str], item_id: UUID) -> bool:
    return not wanted.isdisjoint((f"rsvp.{item_id}", f"menu.{item_id}"))


def _answer(guest_id: UUID, row: Row, values: Mapping[str, Value]) -> model.Answer:
    """A meal stays with an answer that may still become a yes, and goes with a no."""
    status = str(values[f"rsvp.{row['item_id']}"])
    menu = str(values.get(f"menu.{row['item_id']}", "")) if status in ("accepted", "tentative") else ""
    return msgspec.convert(
        {
            "guest_id": guest_id,
            "schedule_item_id": row["item_id"],
            "status": status,
            "menu_option_id": UUID(menu) if menu else None,
        },
        type=model.Answer,
    )


def form(opened: Opened) -> dict[str, Any]:
    """The guest as `_row_edit.html` shows them."""
    cards = [listing.answer(row) for row in opened.answers]
    return {
        **listing.card(opened.guest, cards, opened.needs),
        **{name: opened.guest[name] for name in TEXTS},
        "version": opened.version,
        "email": opened.contact.email,
        "phone": opened.contact.phone,
        "needs_form": words.as_form(opened.needs, str(opened.guest["id"])),
        "base": as_base(opened.values),
        "rsvps": [
            {
                **card,
                "menu_option_id": str(card["menu_option_id"] or ""),
                "menu_options": opened.menus.get(card["item_id"], []),
            }
            for card in cards
        ],
    }
