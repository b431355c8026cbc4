"""Whether a wedding is ready for its day: a score that says what is missing, and whose it is; pure."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Final

import msgspec


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a wedding, in the names of its suppliers."""

    suppliers: AbstractSet[str]
    invited: AbstractSet[str] = frozenset()
    items: int = 0
    has_date: bool = False
    places: int = 0
    unowned: Sequence[str] = ()
    unconfirmed: Mapping[str, int] = {}
    arriving: AbstractSet[str] = frozenset()
    contacts: int = 0
    takes_rsvps: int = 0
    locked: int = 0
    has_needs: bool = False
    has_sheet: bool = False
    unpaid: Sequence[str] = ()
    tasks_late: int = 0


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to be ready. `missing` names suppliers or items; `place` is the page on which it is mended."""

    key: str
    words: str
    done: int
    whole: int
    weight: int
    missing: list[str]
    place: str

    @property
    def is_done(self) -> bool:
        """Nothing is missing of it."""
        return self.done >= self.whole


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """`score` from 0 to 100: each check counts by its weight, and partly where a part of it is done."""

    score: int
    checks: list[Check]


WHOLE: Final = 100


def judge(known: Standing) -> Readiness:
    """The same for whoever asks; the words are for the couple. What there is nothing of is no check."""
    asked = (*_plan(known), *_people(known), *_numbers(known), *_rest(known))
    checks = [check for check in asked if check.whole]
    weight = sum(check.weight for check in checks)
    points = sum(check.weight * min(check.done, check.whole) / check.whole for check in checks)
    # Rounded down: a hundred says that nothing is missing.
    return Readiness(score=int(WHOLE * points / weight + 1e-9), checks=checks)


def _plan(known: Standing) -> list[Check]:
    return [
        _one("date", "The date is set", known.has_date, 10, "settings"),
        _some("places", "Ceremony and reception have a place", known.places, 2, 8, "settings"),
        _one("schedule", "The day is laid out", known.items > 0, 12, "schedule"),
        _named("owners", "Everything has somebody responsible", known.items, known.unowned, 6, "schedule"),
    ]


def _people(known: Standing) -> list[Check]:
    everybody = len(known.suppliers)
    not_arriving = sorted(known.suppliers - known.arriving)
    return [
        _named(
            "linked", "All suppliers are linked", everybody + len(known.invited), sorted(known.invited), 8, "suppliers"
        ),
        _named("confirmed", "Every change is confirmed", everybody, sorted(known.unconfirmed), 14, "suppliers"),
        _named("arrivals", "Everybody said when they come", everybody, not_arriving, 14, "day"),
        _one("contacts", "Somebody can be rung on the day", known.contacts > 0, 8, "schedule"),
    ]


def _numbers(known: Standing) -> list[Check]:
    found = []
    if known.takes_rsvps:
        found.append(_some("numbers", "Final numbers are in", known.locked, known.takes_rsvps, 8, "guests/lock"))
    if known.has_needs:
        found.append(_one("dietary", "The kitchen has the dietary sheet", known.has_sheet, 8, "guests/dietary"))
    return found


def _rest(known: Standing) -> list[Check]:
    return [
        _named("payments", "Nothing is due", len(known.unpaid), known.unpaid, 2, "payments"),
        _some("tasks", "No task is late", 0 if known.tasks_late else 1, 1, 2, "tasks"),
    ]


def _one(key: str, words: str, is_done: bool, weight: int, place: str) -> Check:
    return _some(key, words, int(is_done), 1, weight, place)


def _some(key: str, words: str, done: int, whole: int, weight: int, place: str) -> Check:
    return Check(key=key, words=words, done=min(done, whole), whole=whole, weight=weight, missing=[], place=place)


def _named(key: str, words: str, whole: int, missing: Sequence[str], weight: int, place: str) -> Check:
    done = max(0, whole - len(missing))
    return Check(key=key, words=words, done=done, whole=whole, weight=weight, missing=list(missing), place=place)
