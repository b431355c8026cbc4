"""What the wedding has when a list meets it: the rows an import may change, opened, and in the words of the merge."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from wedsync.guests import sealed
from wedsync.guests.importing.names import fold
from wedsync.guests.importing.reading import Ground, Part
from wedsync.guests.importing.stored import Journal, open_journal
from wedsync.guests.importing.values import FLAT_FIELDS, Existing, ExistingAnswer, ExistingGuest, ExistingParty
from wedsync.guests.model import Contact, Needs
from wedsync.kit.db import Row
from wedsync.kit.seal import KeyRing

_COLUMNS = ("first_name", "last_name", "display_name", "role", "table_label")
_CONTACT = tuple(name for name in FLAT_FIELDS if name not in _COLUMNS)


class Rows(msgspec.Struct, kw_only=True):
    """The rows as read in one transaction; `state` says whether they are still so."""

    state: str
    guests: Sequence[Row]
    parties: Sequence[Row]
    contacts: Sequence[Row]
    needs: Sequence[Row]
    answers: Sequence[Row]
    journals: Sequence[Row]


class Standing(msgspec.Struct, kw_only=True):
    """`existing` for the merge; the rest by guest id, for writing what it decides."""

    state: str
    existing: Existing
    guests: dict[str, Row]
    parties: dict[str, Row]
    contacts: dict[str, tuple[Contact, int]]
    needs: dict[str, int]
    answers: dict[tuple[str, str], Row]


def ground_of(country: str, items: Sequence[Row], menus: Sequence[Row]) -> Ground:
    """Of two parts of the day with one title the first counts; a list cannot tell them apart."""
    parts: dict[str, Part] = {}
    for item in items:
        meals = {fold(m["name"]): (m["id"], m["name"]) for m in reversed(menus) if m["item_id"] == item["id"]}
        part = Part(id=item["id"], title=item["title"], takes_rsvps=item["takes_rsvps"], meals=meals)
        parts.setdefault(item["title"], part)
    return Ground(country=country, parts=parts)


def stand(ring: KeyRing, wedding_id: UUID, rows: Rows, ground: Ground) -> Standing:
    """Open and index everything; takes a while for a long list, so it runs in a thread."""
    contacts = {
        str(r["guest_id"]): (sealed.open_contact(ring, wedding_id, r["guest_id"], r["sealed"]), r["version"])
        for r in rows.contacts
    }
    needs = {str(r["guest_id"]): sealed.open_needs(ring, wedding_id, r["guest_id"], r["sealed"]) for r in rows.needs}
    titles = {part.id: part.title for part in ground.parts.values()}
    meals = {meal: name for part in ground.parts.values() for meal, name in part.meals.values()}
    answers = {(str(r["guest_id"]), titles[r["item_id"]]): r for r in rows.answers if r["item_id"] in titles}
    guests = {str(r["id"]): r for r in rows.guests}
    found = {gid: _guest(row, contacts.get(gid), needs.get(gid)) for gid, row in guests.items()}
    for (gid, title), row in answers.items():
        if gid in found:
            _answer(found[gid], title, row, meals)
    parties = [
        ExistingParty(id=str(r["id"]), name=r["name"], side=r["side"], tags=list(r["tags"])) for r in rows.parties
    ]
    return Standing(
        state=rows.state,
        existing=Existing(guests=list(found.values()), parties=parties, bases=_bases(ring, wedding_id, rows.journals)),
        guests=guests,
        parties={str(r["id"]): r for r in rows.parties},
        contacts=contacts,
        needs={str(r["guest_id"]): r["version"] for r in rows.needs},
        answers=answers,
    )


def _guest(row: Row, contact: tuple[Contact, int] | None, needs: Needs | None) -> ExistingGuest:
    fields: dict[str, str] = {name: row[name] for name in _COLUMNS}
    if contact is not None:
        fields |= {name: getattr(contact[0], name) for name in _CONTACT}
    if needs is not None:
        fields["needs"] = needs.note or "none"
    fields["age_band"] = row["age_band"]
    return ExistingGuest(
        id=str(row["id"]),
        party_id=str(row["party_id"]),
        key=row["source_key"] or "",
        kind=row["kind"],
        fields={name: value for name, value in fields.items() if value},
    )


def _answer(guest: ExistingGuest, title: str, row: Row, meals: Mapping[UUID, str]) -> None:
    at = row["responded_at"].isoformat() if row["responded_at"] else ""
    guest.answers[title] = ExistingAnswer(row["status"], at, row["responded_by"] or "")
    if row["menu_option_id"] in meals:
        guest.fields[f"meal:{title}"] = meals[row["menu_option_id"]]


def _bases(ring: KeyRing, wedding_id: UUID, journals: Sequence[Row]) -> dict[str, dict[str, str]]:
    bases: dict[str, dict[str, str]] = {}
    for row in journals:
        opened: Journal = open_journal(ring, wedding_id, row["id"], row["undo"])
        bases |= opened.bases
    return bases


def json_of(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as one jsonb parameter."""
    return msgspec.json.encode(rows).decode()
