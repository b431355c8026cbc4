"""The people of one row: whoever its name columns, partner, children, extra guests and plus-one cells speak of."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from wedsync.guests.importing.name_lines import PLACEHOLDERS_MAX, NameLine, PersonName, is_simple, one_person, read_line
from wedsync.guests.importing.vocabulary import ANSWERS, GUEST_WORDS, normal_word

_JOINING = re.compile(r"\s*(?:[&+/]|(?<!\w)(?:and|und|et)(?!\w))\s*", re.IGNORECASE)


class RowPeople(msgspec.Struct, gc=False):
    """Named people (the first is whom the row's contact belongs to), and how many more without a name.

    `size` is what a party-size column says; it is left to whoever knows whether the row is the whole party.
    """

    people: list[PersonName]
    children: list[PersonName]
    plus_ones: list[PersonName]
    unnamed: int = 0
    unnamed_children: int = 0
    family: str = ""
    guest_of: str = ""
    note: str = ""
    size: int = 0


class Slots(msgspec.Struct, frozen=True):
    """Which numbered columns (child 1 to 5, additional guest 1 …) a mapping has, found once."""

    children: tuple[str, ...]
    extras: tuple[str, ...]


def slots_of(targets: Sequence[str]) -> Slots:
    """The numbers of the numbered targets, in order."""

    def numbers(prefix: str) -> tuple[str, ...]:
        found = {target.partition(":")[2] for target in targets if target.startswith(prefix) and ":" in target}
        return tuple(sorted(found, key=int))

    return Slots(numbers("child_"), numbers("extra_"))


def read_people(values: Mapping[str, Any], slots: Slots) -> RowPeople:
    """Everyone a row's mapped values speak of."""
    line = _main_line(values)
    found = RowPeople(list(line.people), [], [], line.unnamed, 0, line.family, line.guest_of, line.note)
    _add_partner(found, values)
    for number in slots.extras:
        _add_extra(found, values, number)
    for number in slots.children:
        child = _numbered(values, "child", number)
        found.children.extend(_with_surname(child.people, found))
        found.unnamed_children += child.unnamed
    _add_children(found, values.get("children", ""))
    for cell in values.get("plus_one", ()):
        _add_plus_one(found, cell)
    _fill_to(found, line.size)
    found.size = _count(values.get("party_size", ""))
    return found


def _main_line(values: Mapping[str, Any]) -> NameLine:
    first, last = values.get("first_name", ""), values.get("last_name", "")
    if not first and not last:
        line = read_line(values.get("full_name", "") or values.get("envelope", ""))
        return _with_title(line, values.get("title", ""), values.get("known_as", ""))
    text = f"{first} {last}".strip()
    if is_simple(text):
        return NameLine((_in_columns(first, last, values),))
    if normal_word(first) in GUEST_WORDS and (not last or normal_word(last) in GUEST_WORDS):
        return NameLine(unnamed=1)
    line = _paired(first, last) or read_line(text)
    if first and last and line == NameLine(line.people) and len(line.people) == 1:
        return NameLine((_in_columns(first, last, values),))  # one person after all: the columns know best
    return _with_title(line, values.get("title", ""), values.get("known_as", ""))


def _in_columns(first: str, last: str, values: Mapping[str, Any]) -> PersonName:
    title, middle, suffix = values.get("title", ""), values.get("middle_name", ""), values.get("suffix", "")
    person = one_person(first, last, title=title, middle=middle, suffix=suffix)
    known_as = values.get("known_as", "")
    return msgspec.structs.replace(person, known_as=known_as) if known_as else person


def _paired(first: str, last: str) -> NameLine | None:
    """First "John & Jane", last "Smith & Jones": two people in two columns."""
    firsts, lasts = _JOINING.split(first), _JOINING.split(last)
    if len(firsts) != len(lasts) or len(firsts) < 2 or not all(firsts) or not all(lasts):
        return None
    return NameLine(tuple(one_person(one, other) for one, other in zip(firsts, lasts, strict=True)))


def _with_title(line: NameLine, title: str, known_as: str) -> NameLine:
    if not line.people or not (title or known_as):
        return line
    titles = [part for part in _JOINING.split(title) if part]
    people = list(line.people)
    for place, part in enumerate(titles[: len(people)]):
        people[place] = msgspec.structs.replace(people[place], title=people[place].title or part)
    people[0] = msgspec.structs.replace(people[0], known_as=people[0].known_as or known_as)
    return msgspec.structs.replace(line, people=tuple(people))


def _add_partner(found: RowPeople, values: Mapping[str, Any]) -> None:
    first, last = values.get("partner_first_name", ""), values.get("partner_last_name", "")
    whole = values.get("partner_name", "") or f"{first} {last}".strip()
    if not whole:
        return
    if normal_word(whole) in GUEST_WORDS:
        found.unnamed += 1
        return
    if first and is_simple(whole):
        found.people.append(one_person(first, last, title=values.get("partner_title", "")))
        return
    line = read_line(whole)
    found.people.extend(line.people)
    found.unnamed += line.unnamed


def _add_extra(found: RowPeople, values: Mapping[str, Any], number: str) -> None:
    extra = _numbered(values, "extra", number)
    found.people.extend(extra.people)
    found.unnamed += extra.unnamed


def _numbered(values: Mapping[str, Any], kind: str, number: str) -> NameLine:
    first, last = values.get(f"{kind}_first_name:{number}", ""), values.get(f"{kind}_last_name:{number}", "")
    if first and is_simple(f"{first} {last}"):
        return NameLine((one_person(first, last),))
    return read_line(values.get(f"{kind}_name:{number}", "") or f"{first} {last}".strip())


def _with_surname(children: Sequence[PersonName], found: RowPeople) -> list[PersonName]:
    surname = next((person.last for person in found.people if person.last), "")
    return [child if child.last else msgspec.structs.replace(child, last=surname) for child in children]


def _add_children(found: RowPeople, cell: str) -> None:
    """A number of children, or their names; yes and no say nothing about how many."""
    if cell.isdecimal():
        found.unnamed_children += min(int(cell), PLACEHOLDERS_MAX)
    elif cell and normal_word(cell) not in ANSWERS:
        found.children.extend(_with_surname(read_line(cell).people, found))


def _add_plus_one(found: RowPeople, cell: str) -> None:
    """Yes, a number of guests, or the name of one who is known."""
    word = normal_word(cell)
    if cell.isdecimal():
        found.unnamed += min(int(cell), PLACEHOLDERS_MAX)
    elif re.fullmatch(r"\+\s*\d{1,2}", cell):
        found.unnamed += min(int(cell.lstrip("+ ")), PLACEHOLDERS_MAX)
    elif word in GUEST_WORDS or ANSWERS.get(word) in {"accepted", "tentative"}:
        found.unnamed += 1
    elif word and word not in ANSWERS and word not in {"none", "nil"}:
        line = read_line(cell)
        found.plus_ones.extend(line.people)
        found.unnamed += line.unnamed


def _count(cell: str) -> int:
    return min(int(cell), PLACEHOLDERS_MAX) if cell.isdecimal() else 0


def _fill_to(found: RowPeople, size: int) -> None:
    """A party of four with two names has two guests without one."""
    known = len(found.people) + len(found.children) + len(found.plus_ones) + found.unnamed + found.unnamed_children
    found.unnamed = min(found.unnamed + max(0, size - known), PLACEHOLDERS_MAX)
