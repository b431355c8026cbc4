"""A merge to rows: what is inserted and updated, one list per statement, and what is still to be sealed. No I/O."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from wedsync.guests import sealed
from wedsync.guests.importing.names import name_sort
from wedsync.guests.importing.reading import Ground, invited_to
from wedsync.guests.importing.standing import Standing
from wedsync.guests.importing.values import GuestStep, Merge, Plan, PlannedGuest
from wedsync.guests.model import Contact, Needs
from wedsync.kit.seal import KeyRing

Line = dict[str, Any]
_NAMES = ("first_name", "last_name", "display_name", "age_band", "role", "table_label")
_CONTACT = ("email", "phone", "address")
SEALED = ("insert_contacts", "insert_needs", "update_contacts", "update_needs")
"""Statements whose lines lack what is sealed until `seal` has filled it in."""


class Open(msgspec.Struct, frozen=True, gc=False):
    """A line of contacts or needs, and what is to stand in it, not sealed yet."""

    line: Line
    guest_id: str
    said: Contact | Needs


class Batch(msgspec.Struct, kw_only=True):
    """The lines of each statement of `queries.sql` by its name."""

    insert_parties: list[Line] = []
    insert_guests: list[Line] = []
    insert_contacts: list[Line] = []
    insert_needs: list[Line] = []
    insert_answers: list[Line] = []
    update_parties: list[Line] = []
    update_guests: list[Line] = []
    update_contacts: list[Line] = []
    update_needs: list[Line] = []
    update_answers: list[Line] = []


def ids_needed(plan: Plan, merged: Merge) -> int:
    """At most so many new ids; they come from the database, which makes them in order."""
    return sum(1 for step in merged.guests if step.op == "new") + len(plan.parties)


def batch(
    plan: Plan, merged: Merge, *, standing: Standing, ground: Ground, ids: Sequence[UUID]
) -> tuple[Batch, list[Open]]:
    """Everything the merge writes, and what `seal` has to do before the statements of `SEALED`."""
    writer = _Writer(plan, merged, standing, ground, iter(ids))
    return writer.written(), writer.open


def seal(ring: KeyRing, wedding_id: UUID, opened: Sequence[Open]) -> None:
    """Fill in what is sealed. Half of the work on a long list: the database writes its names meanwhile."""
    for one in opened:
        guest_id = UUID(one.guest_id)
        if isinstance(one.said, Contact):
            value, index = sealed.seal_contact(ring, wedding_id, guest_id, one.said)
            one.line["email_index"] = index.hex() if index is not None else None
        else:
            value = sealed.seal_needs(ring, wedding_id, guest_id, one.said)
        one.line["sealed"] = value.hex()


class _Writer:
    def __init__(self, plan: Plan, merged: Merge, standing: Standing, ground: Ground, ids: Iterator[UUID]) -> None:
        self.open: list[Open] = []
        self._plan = plan
        self._merged = merged
        self._standing = standing
        self._ground = ground
        self._ids = ids
        self._batch = Batch()
        self._parties: dict[int, str] = {}
        self._by_key: dict[str, str] = {}
        self._taken = {row["source_key"] for row in standing.guests.values()}
        self._changers: Sequence[tuple[str, Callable[[PlannedGuest, str, set[str]], None]]] = (
            ("names", self._change_names),
            ("contact", self._change_contact),
            ("needs", self._change_needs),
            ("answers", self._change_answers),
        )

    def written(self) -> Batch:
        new = [step for step in self._merged.guests if step.op == "new"]
        self._write_parties({self._plan.guests[step.guest].party for step in new})
        for step in self._merged.guests:
            key = self._plan.guests[step.guest].key
            self._by_key[key] = str(next(self._ids)) if step.op == "new" else step.guest_id
        invited = invited_to(self._plan, self._ground)
        positions: dict[str, int] = {}
        for step in new:
            self._make(self._plan.guests[step.guest], invited[step.guest], positions)
        for step in self._merged.guests:
            if step.op == "update":
                self._change(step)
        return self._batch

    def _write_parties(self, wanted: set[int]) -> None:
        for step in self._merged.parties:
            planned = self._plan.parties[step.party]
            if not step.party_id and step.party in wanted:
                self._parties[step.party] = party_id = str(next(self._ids))
                line: Line = {"id": party_id, "name": planned.name[:300] or "Guests", "side": planned.side}
                line |= {"tags": planned.tags, "plus_ones_allowed": planned.plus_ones_allowed}
                self._batch.insert_parties.append(line)
                continue
            self._parties[step.party] = step.party_id
            if step.changes:
                row = self._standing.parties[step.party_id]
                line = {"id": step.party_id, "version": row["version"], "side": row["side"], "tags": list(row["tags"])}
                for change in step.changes:
                    line[change.field] = change.theirs.split("|") if change.field == "tags" else change.theirs
                self._batch.update_parties.append(line)

    # --- new guests --------------------------------------------------------------------------------------------------

    def _make(self, guest: PlannedGuest, invited: Sequence[str], positions: dict[str, int]) -> None:
        guest_id, party_id = self._by_key[guest.key], self._parties[guest.party]
        position = positions[party_id] = positions.get(party_id, -1) + 1
        line: Line = {name: getattr(guest, name) for name in _NAMES}
        line |= {"id": guest_id, "party_id": party_id, "name_sort": guest.name_sort[:700], "kind": guest.kind}
        line |= {"age_band": guest.age_band or "adult", "plus_one_of": self._by_key.get(guest.plus_one_of) or None}
        # A list numbered anew may use the key of somebody who is there: they keep it.
        key = None if guest.key in self._taken else guest.key
        self._batch.insert_guests.append(line | {"source_key": key, "position": position})
        whose = {"guest_id": guest_id, "party_id": party_id}
        if guest.email or guest.phone or guest.address:
            contact = Contact(email=guest.email, phone=guest.phone, address=guest.address)
            self._batch.insert_contacts.append(self._unsealed(whose, guest_id, contact))
        if guest.needs is not None:
            self._batch.insert_needs.append(self._unsealed(whose, guest_id, _needs_of(guest)))
        for title in invited:
            self._batch.insert_answers.append(whose | self._answer(guest, title))

    def _answer(self, guest: PlannedGuest, title: str) -> Line:
        """One invitation with what the file says about it."""
        part = self._ground.parts[title]
        answer = next((one for one in guest.answers if one.event == title), None)
        on = answer.answered_on if answer is not None else ""
        return {
            "item_id": part.id,
            "status": answer.status if answer is not None else "needs_action",
            "menu_option_id": self._meal(guest, title),
            "responded_at": f"{on}T12:00:00Z" if on else None,
        }

    def _meal(self, guest: PlannedGuest, title: str) -> UUID | None:
        meals = self._ground.parts[title].meals
        said = next((meal.words for meal in guest.meals if meal.event == title), "")
        return next((meal for meal, name in meals.values() if name == said), None) if said else None

    def _unsealed(self, line: Line, guest_id: str, said: Contact | Needs) -> Line:
        """A line of its own, to be sealed."""
        line = dict(line)
        self.open.append(Open(line, guest_id, said))
        return line

    # --- guests who are there already --------------------------------------------------------------------------------

    def _change(self, step: GuestStep) -> None:
        """Write the fields the merge decided on; the file's other fields are left alone."""
        guest = self._plan.guests[step.guest]
        groups: dict[str, set[str]] = {}
        for change in step.changes:
            groups.setdefault(_group(change.field), set()).add(change.field)
        for group, write in self._changers:
            if group in groups:
                write(guest, step.guest_id, groups[group])

    def _change_names(self, guest: PlannedGuest, guest_id: str, fields: set[str]) -> None:
        row = self._standing.guests[guest_id]
        line: Line = {name: getattr(guest, name) if name in fields else row[name] for name in _NAMES}
        line |= {"id": guest_id, "version": row["version"]}
        line["name_sort"] = name_sort(line["display_name"], last=line["last_name"])[:700]
        self._batch.update_guests.append(line)

    def _change_contact(self, guest: PlannedGuest, guest_id: str, fields: set[str]) -> None:
        known, version = self._standing.contacts.get(guest_id, (Contact(), 0))
        contact = msgspec.structs.replace(known, **{name: getattr(guest, name) for name in fields})
        line: Line = {"guest_id": guest_id}
        if version:
            self._batch.update_contacts.append(self._unsealed(line | {"version": version}, guest_id, contact))
        else:
            line["party_id"] = self._party_of(guest_id)
            self._batch.insert_contacts.append(self._unsealed(line, guest_id, contact))

    def _change_needs(self, guest: PlannedGuest, guest_id: str, _: set[str]) -> None:
        line: Line = {"guest_id": guest_id}
        version = self._standing.needs.get(guest_id, 0)
        if version:
            self._batch.update_needs.append(self._unsealed(line | {"version": version}, guest_id, _needs_of(guest)))
        else:
            line["party_id"] = self._party_of(guest_id)
            self._batch.insert_needs.append(self._unsealed(line, guest_id, _needs_of(guest)))

    def _change_answers(self, guest: PlannedGuest, guest_id: str, fields: set[str]) -> None:
        for title in dict.fromkeys(field.partition(":")[2] for field in sorted(fields)):
            row = self._standing.answers.get((guest_id, title))
            said = self._answer(guest, title)
            if row is None and f"rsvp:{title}" in fields:
                whose = {"guest_id": guest_id, "party_id": self._party_of(guest_id)}
                self._batch.insert_answers.append(whose | said)
            elif row is not None:
                line: Line = {"id": row["id"], "version": row["version"], "responded_at": said["responded_at"]}
                line["status"] = said["status"] if f"rsvp:{title}" in fields else row["status"]
                line["menu_option_id"] = said["menu_option_id"] if f"meal:{title}" in fields else row["menu_option_id"]
                self._batch.update_answers.append(line)

    def _party_of(self, guest_id: str) -> UUID:
        party: UUID = self._standing.guests[guest_id]["party_id"]
        return party


def _needs_of(guest: PlannedGuest) -> Needs:
    return msgspec.convert(msgspec.to_builtins(guest.needs), type=Needs)


def _group(field: str) -> str:
    if field.startswith(("rsvp:", "meal:")):
        return "answers"
    return "contact" if field in _CONTACT else "needs" if field == "needs" else "names"


def hung(lines: Batch) -> Mapping[str, tuple[int, bool, bool]]:
    """For each guest the batch makes: how many invitations, whether a contact, whether needs."""
    answers: dict[str, int] = {}
    for line in lines.insert_answers:
        answers[line["guest_id"]] = answers.get(line["guest_id"], 0) + 1
    contacts = {line["guest_id"] for line in lines.insert_contacts}
    needs = {line["guest_id"] for line in lines.insert_needs}
    return {
        line["id"]: (answers.get(line["id"], 0), line["id"] in contacts, line["id"] in needs)
        for line in lines.insert_guests
    }
