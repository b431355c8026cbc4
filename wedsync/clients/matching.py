"""Whether two records are one couple: by an e-mail with names that agree, else by names and date. Pure.

An address alone is not an identity: a planner's stands on many couples' records. Names are compared folded, in either
order, and one may lack what the other has ("Ana" and "Ana Lopez").
"""

from collections.abc import Sequence
from datetime import date

import msgspec

from wedsync.clients.model import Details
from wedsync.guests.importing.names import fold


class Face(msgspec.Struct, frozen=True, gc=False):
    """What of a record is compared: the folded names of the two, the words of each, all words, and the addresses."""

    people: frozenset[str]
    words: tuple[frozenset[str], ...]
    every: frozenset[str]
    emails: frozenset[str]


def face(details: Details) -> Face:
    """Worked out once for each record: of a list every couple meets many others."""
    names = frozenset(found for found in (fold(details.name), fold(details.partner_name)) if found)
    words = tuple(frozenset(name.split()) for name in names)
    return Face(names, words, frozenset().union(*words), frozenset(email.casefold() for email in details.emails))


def is_same(one: Details, one_on: date | None, other: Details, other_on: date | None) -> bool:
    """Whether two records speak of one couple; symmetric, and true of a record and itself."""
    return _is_same(face(one), one_on, face(other), other_on)


def may_be_same(one: Details, one_on: date | None, other: Details, other_on: date | None) -> bool:
    """The same two names, a date missing on one side, and no addresses that could tell: a person has to say."""
    return _may_be_same(face(one), one_on, face(other), other_on)


def could_be_one(one: Details, other: Details) -> bool:
    """Whether the names allow it: somebody of the one may be somebody of the other, or one names nobody."""
    return _could_be_one(face(one), face(other))


def names_match(one: Details, other: Details) -> bool:
    """Everybody whom both can name is the same, and it says enough: two people, a full name, or exactly the same."""
    return _names_match(face(one), face(other))


def _is_same(one: Face, one_on: date | None, other: Face, other_on: date | None) -> bool:
    if not one.emails.isdisjoint(other.emails):
        return _could_be_one(one, other)
    return one_on is not None and one_on == other_on and bool(one.people) and _names_match(one, other)


def _may_be_same(one: Face, one_on: date | None, other: Face, other_on: date | None) -> bool:
    if _is_same(one, one_on, other, other_on) or (one_on is not None and other_on is not None):
        return False
    return one.people == other.people and _is_named(one) and not (one.emails and other.emails)


def _could_be_one(one: Face, other: Face) -> bool:
    return not one.words or not other.words or any(_is_part(a, b) for a in one.words for b in other.words)


def _names_match(one: Face, other: Face) -> bool:
    if one.people == other.people:
        return bool(one.people)
    if one.every.isdisjoint(other.every):
        return False
    fewer, more = (one.words, other.words) if len(one.words) <= len(other.words) else (other.words, one.words)
    if not _all_found(fewer, more) or (len(fewer) == len(more) and not _all_found(more, fewer)):
        return False
    return len(fewer) > 1 or any(len(a & b) > 1 for a in fewer for b in more if _is_part(a, b))


def _all_found(some: Sequence[frozenset[str]], among: Sequence[frozenset[str]]) -> bool:
    # Loops, not generators: of a list of ten thousand this is asked a hundred thousand times.
    for a in some:
        for b in among:
            if a <= b or b <= a:
                break
        else:
            return False
    return bool(some)


def _is_part(one: frozenset[str], other: frozenset[str]) -> bool:
    """ "ana" of "ana lopez": all words of the shorter are words of the longer."""
    return one <= other or other <= one


def _is_named(one: Face) -> bool:
    return len(one.people) > 1 or any(len(words) > 1 for words in one.words)


class Known(msgspec.Struct, frozen=True, gc=False):
    """Somebody met before: `place` is the caller's own number for them."""

    place: int
    face: Face
    on: date | None


class Index:
    """Finds the same couple among many without comparing each with each."""

    def __init__(self) -> None:
        self._by_id: dict[str, Known] = {}
        self._by_email: dict[str, list[Known]] = {}
        self._by_day: dict[tuple[date, str], list[Known]] = {}
        self._by_names: dict[frozenset[str], list[Known]] = {}

    def add(self, place: int, one: Face, on: date | None, external_id: str = "") -> None:
        known = Known(place, one, on)
        if external_id:
            self._by_id.setdefault(external_id, known)
        for email in one.emails:
            self._by_email.setdefault(email, []).append(known)
        if on is not None:
            # Names that match share a word: on a Saturday in June a large business has dozens of couples.
            for word in one.every:
                self._by_day.setdefault((on, word), []).append(known)
        self._by_names.setdefault(one.people, []).append(known)

    def same(self, one: Face, on: date | None, external_id: str = "") -> int | None:
        """The place of the first that is the same couple: by the source's own id, by e-mail, by names and date."""
        found = self._by_id.get(external_id)
        if found is not None:
            return found.place
        near = [known for email in one.emails for known in self._by_email.get(email, ())]
        if on is not None:
            near += [known for word in one.every for known in self._by_day.get((on, word), ())]
        return min((known.place for known in near if _is_same(one, on, known.face, known.on)), default=None)

    def may_be(self, one: Face, on: date | None) -> int | None:
        """The place of the first that may be the same couple, as far as names tell."""
        alike = self._by_names.get(one.people, ())
        return next((known.place for known in alike if _may_be_same(one, on, known.face, known.on)), None)

    def shares_email(self, one: Face) -> int | None:
        """The place of somebody else with one of these addresses."""
        return next((known.place for email in one.emails for known in self._by_email.get(email, ())), None)
