"""One row of a sheet to the guests it speaks of, with everything the row says about them.

What makes a row useless (no name, a formula for a name, an address that is none) rejects it; what is merely not
understood (an odd answer, a phone number that is none) becomes a warning and the guest is kept.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any, get_args

import msgspec

from wedsync.guests.importing.cells import (
    LABEL_CHARS_MAX,
    address_of,
    age_band,
    covers,
    dealt,
    role_of,
    side_and_tags,
    transforms,
)
from wedsync.guests.importing.contacts import Phones, is_nothing, read_email
from wedsync.guests.importing.events import Events
from wedsync.guests.importing.name_lines import PersonName
from wedsync.guests.importing.names import SORT_CHARS_MAX, fold, name_sort
from wedsync.guests.importing.needs import Needs, read_needs, stored_needs
from wedsync.guests.importing.people import RowPeople, read_people, slots_of
from wedsync.guests.importing.sheet import Sheet
from wedsync.guests.importing.values import AgeBand, Answer, CellIssue, Meal, PlannedGuest, Status
from wedsync.guests.importing.vocabulary import ANSWERS, normal_word
from wedsync.kit.mapping import FieldMap, Mapped, Rule, compile_map

NAME_CHARS_MAX = 300
KEY_CHARS_MAX = 400
OWN_SOURCE = "wedsync"
_STATUSES: Mapping[str, Status] = {status: status for status in get_args(Status)}
_WARN_ONLY = frozenset({"phone", "rsvp_at", "role", "table", "side", "title", "suffix"})


class Draft(msgspec.Struct, gc=False):
    """One row, read: its guests and what decides which party they belong to."""

    row: int
    guests: list[PlannedGuest]
    party: str
    party_name: str
    envelope: str
    address: str
    family: str
    guest_of: str
    size: int


class Reader:
    """Reads the rows of one sheet; remembers keys given, so that namesakes get numbers in the order of the file."""

    def __init__(self, sheet: Sheet, mapping: FieldMap, *, country: str, events: Events) -> None:
        there = set(sheet.headers)
        longest = {header: max(map(len, sheet.column(place)), default=0) for place, header in enumerate(sheet.headers)}
        rules = tuple(_present(rule, longest) for rule in mapping.rules if not there.isdisjoint(rule.source))
        self.source = mapping.name
        self.warnings: list[CellIssue] = []
        self._events = events
        self._keys: Counter[str] = Counter()
        self._words: dict[str, str] = {}
        self._needs_read: dict[tuple[str, str, str], Needs | None] = {}
        self._sides: dict[tuple[str, ...], tuple[str, list[str]]] = {}
        self._phones = Phones(country)
        present = FieldMap(mapping.name, mapping.version, rules)  # a remembered mapping may know more columns
        self._apply = compile_map(present, headers=sheet.headers, transforms=transforms(self._phones)).apply
        targets = [rule.target for rule in rules]
        self._headers = {rule.target: rule.source[0] for rule in rules}
        self._slots = slots_of(targets)
        self._answers = [target for target in targets if target == "rsvp" or target.startswith("rsvp:")]
        self._meals = [target for target in targets if target == "meal" or target.startswith("meal:")]
        self._custom = [target for target in targets if target.startswith("custom:")]

    def read(self, number: int, cells: Sequence[str]) -> Draft | list[CellIssue]:
        """The guests of a row, or why the row is rejected."""
        mapped = self._apply(cells)
        values = mapped.values
        if mapped.problems:
            rejecting = self._judge(number, mapped)
            if rejecting:
                return rejecting
        if self.source == OWN_SOURCE:
            found, guests = RowPeople([], [], []), self._own_guest(number, values)
        else:
            found = read_people(values, self._slots)
            guests = self._guests(number, found, values)
        if not guests:
            reason = "There is no name in this row. Fill in a first or last name, or remove the row."
            return [CellIssue(number, self._name_header(), "", reason)]
        if any(
            len(guest.first_name) > NAME_CHARS_MAX or len(guest.display_name) > 2 * NAME_CHARS_MAX for guest in guests
        ):
            reason = f"A name may have at most {NAME_CHARS_MAX} characters: shorten it."
            return [CellIssue(number, self._name_header(), guests[0].display_name[:200], reason)]
        if found.family and not found.people and found.unnamed == 1:
            reason = "A family without names or a number: one guest was added. Write how many, like (4)."
            self._warn(number, "full_name", f"{found.family}", reason)
        self._describe(number, guests, values, found.note)
        return Draft(
            row=number,
            guests=guests,
            party=values.get("party", ""),
            party_name=values.get("party_name", ""),
            envelope=values.get("envelope", ""),
            address=guests[0].address,
            family=found.family,
            guest_of=values.get("plus_one_of", "") or found.guest_of,
            size=found.size,
        )

    def _judge(self, number: int, mapped: Mapped) -> list[CellIssue]:
        rejecting: list[CellIssue] = []
        for problem in mapped.problems:
            issue = CellIssue(number, problem.source, problem.value, problem.reason)
            (self.warnings if problem.target in _WARN_ONLY else rejecting).append(issue)
        return rejecting

    def _name_header(self) -> str:
        names = ("first_name", "full_name", "last_name", "envelope")
        return next((self._headers[name] for name in names if name in self._headers), "")

    # --- people ------------------------------------------------------------------------------------------------------

    def _guests(self, number: int, found: RowPeople, values: Mapping[str, Any]) -> list[PlannedGuest]:
        guests = [self._named(number, person) for person in found.people]
        for person in found.children:
            guests.append(self._named(number, person))
            guests[-1].age_band = "child"
        host = guests[0] if guests else None
        for person in found.plus_ones:
            guests.append(self._named(number, person))
            guests[-1].kind = "plus_one"
            guests[-1].plus_one_of = host.key if host else ""
        for place in range(found.unnamed + found.unnamed_children):
            band: AgeBand = "child" if place >= found.unnamed else "adult"
            guests.append(self._unnamed(number, place + 1, host, found, band))
        own = values.get("guest_key", "")
        if own:
            self._use_own_key(guests, own)
        return guests

    def _named(self, number: int, person: PersonName) -> PlannedGuest:
        first = f"{person.first} {person.middle}" if person.middle else person.first
        name = f"{first} {person.last}" if first and person.last and not person.suffix else person.display()
        surname, given = fold(person.last), fold(first)
        return PlannedGuest(
            key=self._key(f"{given} {surname}".strip() if given else fold(name)),
            row=number,
            display_name=name,
            name_sort=f"{surname} {given}"[:SORT_CHARS_MAX] if given and surname else name_sort(name, last=person.last),
            title=person.title,
            first_name=first,
            last_name=person.last,
            suffix=person.suffix,
            known_as=person.known_as,
        )

    def _unnamed(
        self, number: int, place: int, host: PlannedGuest | None, found: RowPeople, band: AgeBand
    ) -> PlannedGuest:
        """A guest without a name: of a host, of a family, or of nobody yet (the party finds the host later)."""
        word = "Child" if band == "child" else "Guest"
        if host is not None:
            name, key = f"{word} of {host.display_name}", f"{host.key}+{place}"
        elif found.family:
            name, key = f"{found.family} family, {word.lower()} {place}", self._key(f"{fold(found.family)} family")
        elif found.guest_of:
            name, key = f"{word} of {found.guest_of}", self._key(f"guest of {fold(found.guest_of)}")
        else:
            name, key = word, self._key("guest without a name")
        return PlannedGuest(
            key=key,
            row=number,
            kind="plus_one",
            display_name=name[:600],
            name_sort=name_sort(name),
            last_name=found.family,
            plus_one_of=host.key if host is not None else "",
            age_band="child" if band == "child" else "",
        )

    def _key(self, words: str) -> str:
        base = f"{self.source}:{words}"
        if len(base) > KEY_CHARS_MAX - 40:
            base = f"{base[:300]}~{blake2b(base.encode(), digest_size=12).hexdigest()}"
        self._keys[base] += 1
        count = self._keys[base]
        return base if count == 1 else f"{base}#{count}"

    def _use_own_key(self, guests: list[PlannedGuest], own: str) -> None:
        """The source numbers its guests itself."""
        base = self._key(f"id:{own}")
        renamed = {guest.key: base if place == 0 else f"{base}/{place}" for place, guest in enumerate(guests)}
        for guest in guests:
            guest.plus_one_of = renamed.get(guest.plus_one_of, guest.plus_one_of)
            guest.key = renamed[guest.key]

    def _own_guest(self, number: int, values: Mapping[str, Any]) -> list[PlannedGuest]:
        """A row of our own export is one guest exactly as stored: nothing is read into the name."""
        first, last = values.get("first_name", ""), values.get("last_name", "")
        name = values.get("full_name", "") or f"{first} {last}".strip()
        if not name:
            return []
        own = values.get("guest_key", "")
        return [
            PlannedGuest(
                key=self._key(f"id:{own}" if own else fold(name)),
                row=number,
                kind="plus_one" if values.get("kind") == "plus_one" else "named",
                display_name=name,
                name_sort=name_sort(name, last=last),
                first_name=first,
                last_name=last,
                guest_id=own,
            )
        ]

    # --- what the row says about them --------------------------------------------------------------------------------

    def _describe(self, number: int, guests: list[PlannedGuest], values: Mapping[str, Any], note: str) -> None:
        main = guests[0]
        main.email, main.phone = values.get("email", ""), values.get("phone", "")
        if "email_or_phone" in values:
            self._either_contact(number, main, values["email_or_phone"])
        main.address = address_of(values)
        main.table_label = values.get("table", "")[:LABEL_CHARS_MAX]
        main.role = role_of(values.get("role", ""))
        main.notes = "; ".join(part for part in (values.get("notes", ""), note) if part)
        if "age" in values:
            self._age(number, main, values["age"])
        self._needs(number, guests, values, note)
        cells = (values.get("side", ""), *values.get("tags", ()))
        if cells not in self._sides:
            self._sides[cells] = side_and_tags(cells[0], cells[1:])
        side, tags = self._sides[cells]
        for guest in guests:
            guest.side = side
            guest.tags = tags
        for target in self._custom:
            if target in values:
                main.custom[target.partition(":")[2]] = values[target]
        if self._answers or self._meals:
            present = [guest for guest in guests if guest.kind == "named"] or guests
            self._answer(number, present, values)
            self._choose(present, values)

    def _either_contact(self, number: int, guest: PlannedGuest, cell: str) -> None:
        try:
            if "@" in cell:
                guest.email = guest.email or read_email(cell)
            else:
                guest.phone = guest.phone or self._phones.read(cell)
        except ValueError as error:
            self._warn(number, "email_or_phone", cell, str(error))

    def _age(self, number: int, guest: PlannedGuest, cell: str) -> None:
        band = age_band(cell)
        if band is None:
            self._warn(number, "age", cell, "This age was not understood and was left out.")
        else:
            guest.age_band = band

    def _needs(self, number: int, guests: list[PlannedGuest], values: Mapping[str, Any], note: str) -> None:
        if self.source == OWN_SOURCE:
            guests[0].needs = stored_needs(values)
            return
        diet, allergies, access = values.get("diet", ""), values.get("allergies", ""), values.get("access", "")
        if not (diet or allergies or access or note):
            return
        cells = (diet, allergies, access)
        if cells not in self._needs_read:
            self._needs_read[cells] = read_needs(diet=diet, allergies=allergies, access=access)
        found = self._needs_read[cells]
        if found is None and note:
            remark = read_needs(diet=note)
            found = remark if remark is not None and (remark.diets or remark.allergens) else None
        guests[0].needs = found
        if found is not None and found.note and len(guests) > 1 and guests[1].kind == "named":
            reason = f"This row names several people; the need was noted for {guests[0].display_name}. Please check."
            self._warn(number, "diet" if diet else "allergies" if allergies else "access", found.note, reason)

    def _answer(self, number: int, guests: list[PlannedGuest], values: Mapping[str, Any]) -> None:
        answered_on = values.get("rsvp_at", "")
        for target in self._answers:
            cell = values.get(target, "")
            if not cell:
                continue
            word = self._word(cell) or ("accepted" if covers(cell, len(guests)) else "")
            status = _STATUSES.get(word)
            if not word:
                self._warn(number, target, cell, "This answer was not understood. Write yes, no or maybe.")
            else:
                for event in self._events.named(target.partition(":")[2]):
                    for guest in guests:
                        if status is None:  # "not invited" is no answer and no invitation
                            guest.not_invited.append(event)
                        else:
                            guest.answers.append(Answer(event, status, answered_on))

    def _word(self, cell: str) -> str:
        found = self._words.get(cell)
        if found is None:
            found = self._words[cell] = ANSWERS.get(normal_word(cell), "")
        return found

    def _choose(self, guests: list[PlannedGuest], values: Mapping[str, Any]) -> None:
        for target in self._meals:
            cell = values.get(target, "")
            if not cell or is_nothing(cell):
                continue
            chosen = dealt(cell, len(guests))
            for event in self._events.named_for_meal(target.partition(":")[2]):
                for guest, words in zip(guests, chosen, strict=True):
                    guest.meals.append(Meal(event, words[:200]))

    def _warn(self, number: int, target: str, value: str, reason: str) -> None:
        self.warnings.append(CellIssue(number, self._headers.get(target, target), value[:200], reason))


def _present(rule: Rule, longest: Mapping[str, int]) -> Rule:
    """The rule for the columns this file has, without the limits that none of their cells reaches."""
    source = tuple(name for name in rule.source if name in longest)
    reached = max(longest[name] for name in source) * len(source)
    check = tuple(c for c in rule.check if c.rule != "length_max" or reached + 2 * len(source) > c.value)
    return msgspec.structs.replace(rule, source=source, check=check)
