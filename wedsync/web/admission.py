"""Who is let in while a process has more to do than it can: by the kind of work, what can best wait goes first. Pure.

Every route has a kind. A process that is late climbs one level at a time and comes down by itself: what is sent away at
a level is sent away at every higher one, nothing is sent away while something that waits better is let in, and what is
vital never is. What is late, and how that is measured, is `web.shedding`'s matter.
"""

from collections import Counter
from collections.abc import Collection
from enum import IntEnum
from functools import lru_cache
from typing import Final

import msgspec


class Kind(IntEnum):
    """What a request is for; the higher, the sooner it is sent away."""

    VITAL = 0
    ACT = 1
    READ = 2
    BULK = 3


VITAL_PLACES: Final = (
    "/healthz",
    "/readyz",
    "/metrics",
    "/status",
    "/static/",
    "/alarm/",
    "/ack/",
    "/ops",
    "/api/v1/platform/",
    "/api/database/",
    "/hooks/{connector}/phone/",
)
"""Watchers, the operator, what is public about the platform, and the answers of people who are called."""
VITAL_WORDS: Final = frozenset(
    {
        *("alerts", "alarms", "acknowledgements", "amendments", "duties", "missing", "cues", "weather-gates"),
        *("arrivals", "now", "day", "live-day", "suppliers-day", "day-pack", "day-packs", "day-contacts"),
    }
)
"""Emergencies and the wedding day, wherever in a path: reading is as vital there as acting."""
BULK_PLACES: Final = (
    "/feeds/",
    "/openapi.json",
    "/studio/{supplier_id}/invitations",
    "/api/v1/suppliers/{supplier_id}/invitations",
)
BULK_WORDS: Final = frozenset(
    {
        *("export", "import", "imports", "rejected.csv", "replay", "recover", "sync"),
        *("marketing", "campaigns", "funnel", "reliability"),
    }
)
"""Exports, imports, reports, marketing, and what asks or sends many things once more."""
ACT_PLACES: Final = ("/sign-in", "/auth/", "/hooks/", "/api/webhooks/", "/connections/")
"""Coming in, and what others tell us: their GETs carry codes that are good once."""
READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})

SHED: Final[tuple[tuple[float, float, float, float], ...]] = (
    (0.0, 0.0, 0.0, 0.0),
    (0.0, 0.0, 0.0, 1.0),
    (0.0, 0.0, 0.5, 1.0),
    (0.0, 0.0, 1.0, 1.0),
    (0.0, 0.5, 1.0, 1.0),
)
"""By level and kind, the share that is sent away."""
WORDS: Final = (
    "Everything is let in.",
    "Exports, imports, reports, feeds and marketing are sent away.",
    "Exports, imports, reports, feeds and marketing are sent away, and every second page.",
    "All pages and reads are sent away but those of emergencies, wedding days and live weddings.",
    "All pages and reads are sent away, and every second change, but not emergencies, wedding days and live weddings.",
)
ENTER: Final = (0.0, 1.0, 2.0, 4.0, 8.0)
"""The pressure from which on a level is entered; 1 is as late as the settings allow."""
LEAVE: Final = tuple(at / 2 for at in ENTER)
HIGHEST: Final = len(SHED) - 1
RISE_S: Final = 1.0
FALL_S: Final = 5.0
SMOOTH: Final = 0.2
"""Of a new sample's weight: with five a second, what lasts shows within one, and a single bad one soon is forgotten."""
SAMPLE_MAX: Final = 10.0


@lru_cache(maxsize=4096)
def kind_of(method: str, template: str) -> Kind:
    """Of a route, by its method and its path's template, such as `/api/v1/weddings/{wedding_id}`."""
    words = template.split("/")
    if template.startswith(VITAL_PLACES) or not VITAL_WORDS.isdisjoint(words):
        return Kind.VITAL
    if template.startswith(BULK_PLACES) or not BULK_WORDS.isdisjoint(words):
        return Kind.BULK
    return Kind.READ if method in READING and not template.startswith(ACT_PLACES) else Kind.ACT


def preferred(kind: Kind) -> Kind:
    """The kind of the same work for a wedding that is live."""
    return Kind(max(kind - 1, Kind.VITAL))


class Standing(msgspec.Struct, frozen=True):
    """At which level a process is. `over_at` and `under_at`: since when it has been above the next, below its own."""

    level: int = 0
    over_at: float | None = None
    under_at: float | None = None


def stepped(now: Standing, pressure: float, at_s: float) -> Standing:
    """A level higher after a second above its threshold, a level lower after five below half of its own."""
    if now.level < HIGHEST and pressure >= ENTER[now.level + 1]:
        over_at = at_s if now.over_at is None else now.over_at
        return Standing(now.level + 1) if at_s - over_at >= RISE_S else Standing(now.level, over_at=over_at)
    if now.level and pressure < LEAVE[now.level]:
        under_at = at_s if now.under_at is None else now.under_at
        return Standing(now.level - 1) if at_s - under_at >= FALL_S else Standing(now.level, under_at=under_at)
    return Standing(now.level)


class Gate:
    """Of one process: the level it is at, and whom it lets in."""

    def __init__(self) -> None:
        self.standing = Standing()
        self.pressure = 0.0
        self.shed: Counter[Kind] = Counter()
        self._turns = [0.0] * len(Kind)

    @property
    def level(self) -> int:
        return self.standing.level

    def look(self, sample: float, at_s: float) -> bool:
        """Take one sample of the pressure; whether the level is another one now."""
        before = self.level
        self.pressure += SMOOTH * (min(sample, SAMPLE_MAX) - self.pressure)
        self.standing = stepped(self.standing, self.pressure, at_s)
        return self.level != before

    def admits(self, kind: Kind) -> bool:
        """Whether one more of this kind is let in; of those that are sent away in part, every other one."""
        self._turns[kind] += SHED[self.level][kind]
        if self._turns[kind] < 1:
            return True
        self._turns[kind] -= 1
        self.shed[kind] += 1
        return False


def kinds_of(gate: Gate) -> Collection[tuple[str, int]]:
    """How many of each kind were sent away, by its name."""
    return [(kind.name.lower(), gate.shed[kind]) for kind in Kind]
