"""Whether two records are one couple: by an e-mail with names that agree, else by names and date. Pure.

An address alone is not an identity: a planner's stands on many couples' records. Names are compared folded, in either
order, and one may lack what the other has ("Ana" and "Ana Lopez").
"""

from datetime import date

import msgspec

from wedsync.clients.model import Details
from wedsync.guests.importing.names import fold


def people(details: Details) -> frozenset[str]:
    """The folded names of the two."""
    return frozenset(found for found in (fold(details.name), fold(details.partner_name)) if found)


def emails(details: Details) -> frozenset[str]:
    """Addresses as they are compared."""
    return frozenset(email.casefold() for email in details.emails)


def is_same(one: Details, one_on: date | None, other: Details, other_on: date | None) -> bool:
    """Whether two records speak of one couple; symmetric, and true of a record and itself."""
    if emails(one) & emails(other):
        return could_be_one(one, other)
    return one_on is not None and one_on == other_on and bool(people(one)) and names_match(one, other)


def may_be_same(one: Details, one_on: date | None, other: Details, other_on: date | None) -> bool:
    """The same two names, a date missing on one side, and no addresses that could tell: a person has to say."""
    if is_same(one, one_on, other, other_on) or (one_on is not None and other_on is not None):
        return False
    return people(one) == people(other) and _is_named(one) and not (emails(one) and emails(other))


def could_be_one(one: Details, other: Details) -> bool:
    """Whether the names allow it: somebody of the one may be somebody of the other, or one names nobody."""
    ours, theirs = people(one), people(other)
    return not ours or not theirs or any(_is_part(a, b) for a in ours for b in theirs)


def names_match(one: Details, other: Details) -> bool:
    """Everybody whom both can name is the same, and it says enough: two people, a full name, or exactly the same."""
    ours, theirs = people(one), people(other)
    if ours == theirs:
        return bool(ours)
    fewer, more = (ours, theirs) if len(ours) <= len(theirs) else (theirs, ours)
    if not _all_found(fewer, more) or (len(fewer) == len(more) and not _all_found(more, fewer)):
        return False
    return len(fewer) > 1 or any(_shared(a, b) > 1 for a in fewer for b in more if _is_part(a, b))


def _all_found(some: frozenset[str], among: frozenset[str]) -> bool:
    return bool(some) and all(any(_is_part(a, b) for b in among) for a in some)


def _is_part(one: str, other: str) -> bool:
    """ "ana" of "ana lopez": all words of the shorter are words of the longer."""
    a, b = set(one.split()), set(other.split())
    return a <= b or b <= a


def _shared(one: str, other: str) -> int:
    return len(set(one.split()) & set(other.split()))


def _is_named(details: Details) -> bool:
    return any(" " in name for name in people(details)) or len(people(details)) > 1


class Known(msgspec.Struct, gc=False):
    """Somebody met before: `place` is the caller's own number for them."""

    place: int
    details: Details
    on: date | None


class Index:
    """Finds the same couple among many without comparing each with each."""

    def __init__(self) -> None:
        self._by_id: dict[str, Known] = {}
        self._by_email: dict[str, list[Known]] = {}
        self._by_day: dict[date, list[Known]] = {}
        self._by_names: dict[frozenset[str], list[Known]] = {}

    def add(self, place: int, details: Details, on: date | None, external_id: str = "") -> None:
        known = Known(place, details, on)
        if external_id:
            self._by_id.setdefault(external_id, known)
        for email in emails(details):
            self._by_email.setdefault(email, []).append(known)
        if on is not None:
            self._by_day.setdefault(on, []).append(known)
        self._by_names.setdefault(people(details), []).append(known)

    def same(self, details: Details, on: date | None, external_id: str = "") -> int | None:
        """The place of the first that is the same couple: by the source's own id, by e-mail, by names and date."""
        found = self._by_id.get(external_id)
        if found is not None:
            return found.place
        by_email = [known for email in emails(details) for known in self._by_email.get(email, ())]
        by_day = self._by_day.get(on, ()) if on is not None else ()
        alike = [k.place for k in (*by_email, *by_day) if is_same(details, on, k.details, k.on)]
        return min(alike, default=None)

    def may_be(self, details: Details, on: date | None) -> int | None:
        """The place of the first that may be the same couple, as far as names tell."""
        alike = self._by_names.get(people(details), ())
        return next((k.place for k in alike if may_be_same(details, on, k.details, k.on)), None)

    def shares_email(self, details: Details) -> int | None:
        """The place of somebody else with one of these addresses."""
        return next((k.place for email in emails(details) for k in self._by_email.get(email, ())), None)
