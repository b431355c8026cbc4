"""The ladder of an alert: when whom to call, and on which ways; pure.

Seconds count from `began_at`. Steps are made for a wedding day, where a minute is long: both ways at once, then a
voice, then the next people, and nobody is left out after forty seconds. See `docs/howto/emergencies.md`.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

from wedsync.alerts.model import OnCall

Way = Literal["in_app", "email", "sms", "voice"]
Act = Literal["call", "check", "breach", "give_up"]

DIETARY_SCOPE: Final = 32
FIRST: Final = 1
LAST: Final = 3
FIRST_CATEGORIES: Final = frozenset({"planner", "coordinator", "venue"})
MINUTE_S: Final = 60.0
REPEATS: Final = 5
REPEAT_EVERY_S: Final = 60.0
HELD_S: Final = 600.0
"""How long whoever acknowledged has before it escalates again, unless they say that they are on it."""

TEXTS: Final[tuple[Way, ...]] = ("in_app", "sms", "email")
ALL: Final[tuple[Way, ...]] = (*TEXTS, "voice")
LOUD: Final[tuple[Way, ...]] = ("sms", "voice")
"""Once more: a second mail, or a second line in the inbox, tells nobody anything new."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What happens `at_s` seconds after it began. `tiers` are called on `ways`."""

    at_s: float
    act: Act
    tiers: tuple[int, ...] = ()
    ways: tuple[Way, ...] = ()


EMERGENCY: Final = (
    Step(at_s=0, act="call", tiers=(1,), ways=TEXTS),
    # Nobody of the first has it on the phone: their voices are not waited for.
    Step(at_s=10, act="check"),
    Step(at_s=15, act="call", tiers=(1,), ways=("voice",)),
    Step(at_s=25, act="call", tiers=(2,), ways=ALL),
    Step(at_s=40, act="call", tiers=(3,), ways=ALL),
    Step(at_s=MINUTE_S, act="breach"),
    *(Step(at_s=MINUTE_S + REPEAT_EVERY_S * n, act="call", tiers=(1, 2, 3), ways=LOUD) for n in range(1, REPEATS + 1)),
    Step(at_s=MINUTE_S + REPEAT_EVERY_S * (REPEATS + 1), act="give_up"),
)
LIFE: Final = (
    Step(at_s=0, act="call", tiers=(1, 2, 3), ways=ALL),
    *EMERGENCY[5:],
)
"""Danger to life: nobody is waited for, and no way is left out."""
SEEN: Final = (
    Step(at_s=0, act="call", tiers=(1,), ways=("in_app", "sms")),
    Step(at_s=600, act="call", tiers=(1, 2), ways=TEXTS),
    Step(at_s=1200, act="call", tiers=(1, 2, 3), ways=TEXTS),
    Step(at_s=1800, act="give_up"),
)
SMALL: Final = (
    Step(at_s=0, act="call", tiers=(1,), ways=("in_app",)),
    Step(at_s=1800, act="call", tiers=(1, 2), ways=("in_app", "email")),
    Step(at_s=3600, act="give_up"),
)
DRILL: Final = (
    Step(at_s=0, act="call", tiers=(1, 2, 3), ways=("in_app", "sms")),
    Step(at_s=4 * 3600, act="give_up"),
)
DIETARY: Final = (
    Step(at_s=0, act="call", tiers=(1,), ways=ALL),
    Step(at_s=300, act="call", tiers=(1,), ways=LOUD),
    Step(at_s=900, act="call", tiers=(1, 2), ways=ALL),
    Step(at_s=1800, act="give_up"),
)
"""A severe allergy that the kitchen must hear of: caterers first and by voice at once, then the couple with them."""
LADDERS: Final = {"p0": LIFE, "p1": EMERGENCY, "p2": SEEN, "p3": SMALL, "drill": DRILL, "dietary": DIETARY}


def of(kind: str, severity: str) -> Sequence[Step]:
    """The steps of an alert."""
    return LADDERS[kind if kind in LADDERS else severity]


def due(ladder: Sequence[Step], step: int, began_at: datetime, speed: float = 1.0) -> datetime:
    """When a step is due, in machine time; `speed` is how much faster wedding time runs."""
    return began_at + timedelta(seconds=ladder[step].at_s / speed)


def brings_others(ladder: Sequence[Step], step: int) -> bool:
    """Whether anybody is still to be called for the first time: of hurry to the rest nobody has anything, for it asks
    those again who have just said that they cannot, and then gives up."""
    before = {tier for one in ladder[:step] for tier in one.tiers}
    return any(set(one.tiers) - before for one in ladder[step:])


def usual_tier(person: OnCall) -> int:
    """Who is called when, where the couple has not said: who runs the day first, helpers next, other suppliers last,
    and the couple never."""
    if person.role == "couple":
        return 0
    if person.role == "helper":
        return 2
    return 1 if person.category in FIRST_CATEGORIES else 3


def cooks(people: Sequence[OnCall]) -> list[tuple[int, OnCall]]:
    """Who is called about a severe allergy: those who cook and are shown named needs, then the couple."""
    found = {p.person_id: (2, p) for p in people if p.role == "couple"}
    found |= {p.person_id: (1, p) for p in people if p.category == "caterer" and p.mask & DIETARY_SCOPE}
    first = min((tier for tier, _ in found.values()), default=1)
    return sorted(((tier - first + 1, p) for tier, p in found.values()), key=lambda x: (x[0], str(x[1].person_id)))


def ranked(people: Iterable[OnCall], *, but: object = None) -> list[tuple[int, OnCall]]:
    """Everybody to be called with their tier, each once, without `but` (whoever raised it knows).

    A tier that nobody is in is no reason to wait: the next people move up. Where nobody is left but those who are
    never called, they are: an alert that reaches nobody helps nobody.
    """
    found: dict[object, tuple[int, OnCall]] = {}
    for person in people:
        if person.person_id != but:
            tier = usual_tier(person) if person.tier is None else person.tier
            known = found.get(person.person_id)
            if known is None or _before(tier, known[0]):
                found[person.person_id] = (tier, person)
    called = [one for one in found.values() if one[0] > 0] or [(1, one) for _, one in found.values()]
    order = {tier: rank for rank, tier in enumerate(sorted({tier for tier, _ in called}), FIRST)}
    return sorted(((order[tier], one) for tier, one in called), key=lambda pair: (pair[0], str(pair[1].person_id)))


def _before(tier: int, known: int) -> bool:
    """Whether somebody who is of the wedding twice is called earlier as this."""
    return tier > 0 and (known == 0 or tier < known)
