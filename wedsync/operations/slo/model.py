"""Promises and how fast they are used up: burn rates in two windows each, for the month and for one wedding's hours."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

Severity = Literal["page", "ticket"]
HOUR: Final = 3600
DAY: Final = 86_400
BAD_MIN: Final = 10
"""Fewer bad ones in the long window are no alert: one of three is no third."""
WEDDING_BAD_MIN: Final = 3
"""A wedding has few deliveries, and each is somebody's."""
EVENT_S: Final = 14 * HOUR
"""The hours of a wedding, for which 99.9 % leave 50 seconds."""


class Promise(msgspec.Struct, frozen=True, kw_only=True):
    """So much of it is good. `names` of the series it is about; `counts` what is not good there."""

    name: str
    title: str
    goal: float
    kind: Literal["edge", "lane"]
    names: tuple[str, ...]
    counts: Literal["bad", "slow"] = "bad"


PROMISES: Final = (
    Promise(name="answers", title="Pages and API are answered", goal=0.999, kind="edge", names=("web",)),
    Promise(name="quick", title="… within 500 ms", goal=0.99, kind="edge", names=("web",), counts="slow"),
    Promise(
        name="screens", title="Changes are on screens within a second", goal=0.999, kind="edge", names=("screens",)
    ),
    Promise(
        name="deliveries",
        title="Deliveries are there in time",
        goal=0.999,
        kind="lane",
        names=("critical", "high", "normal"),
    ),
)


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """It alerts while both windows burn at least so fast: the long one says that it matters, the short one that it
    still goes on. A rate of 1 uses up exactly what the whole period may miss.
    """

    long_s: int
    short_s: int
    rate: float
    severity: Severity


MONTH: Final = (
    Window(long_s=HOUR, short_s=300, rate=14.4, severity="page"),
    Window(long_s=6 * HOUR, short_s=1800, rate=6.0, severity="page"),
    Window(long_s=DAY, short_s=2 * HOUR, rate=3.0, severity="ticket"),
    Window(long_s=3 * DAY, short_s=6 * HOUR, rate=1.0, severity="ticket"),
)
"""Of 30 days: 2 % in an hour, 5 % in six, 10 % in a day, 10 % in three (Google's SRE workbook, chapter 5)."""
WEDDING: Final = (
    Window(long_s=300, short_s=60, rate=16.8, severity="page"),
    Window(long_s=1800, short_s=300, rate=7.0, severity="page"),
)
"""Of the 14 hours of a wedding: 10 % in five minutes, 25 % in thirty."""


class Sum(msgspec.Struct, frozen=True, kw_only=True):
    """What a series came to in the last `window_s`."""

    kind: str
    name: str
    window_s: int
    good: int
    bad: int
    slow: int = 0


class Burn(msgspec.Struct, frozen=True, kw_only=True):
    """How fast a promise is used up in a window; null where nothing happened."""

    window_s: int
    total: int
    missed: int
    rate: float | None


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How a promise stands. `left` of what 30 days may miss: 1 all of it, below 0 more than that."""

    name: str
    title: str
    goal: float
    kept: Annotated[float | None, Meta(description="The share that was good in 30 days.")]
    left: float | None
    burns: list[Burn]
    firing: Severity | None
    says: str


def rate(total: int, missed: int, goal: float) -> float | None:
    """1 is exactly as fast as it may be: rounded, so that 0.1 % of a thousand is 1."""
    return None if total == 0 else round(missed / total / (1 - goal), 9)


def burn(sums: Iterable[Sum], promise: Promise, window_s: int) -> Burn:
    """Over all series of the promise together."""
    mine = [one for one in sums if one.kind == promise.kind and one.name in promise.names and one.window_s == window_s]
    total = sum(one.good if promise.counts == "slow" else one.good + one.bad for one in mine)
    missed = sum(one.slow if promise.counts == "slow" else one.bad for one in mine)
    return Burn(window_s=window_s, total=total, missed=missed, rate=rate(total, missed, promise.goal))


def fires(long: Burn, short: Burn, window: Window, *, bad_min: int = BAD_MIN) -> bool:
    """Both windows, and enough in the long one to be no chance."""
    if long.rate is None or short.rate is None or long.missed < bad_min:
        return False
    return long.rate >= window.rate and short.rate >= window.rate


def standing(sums: Sequence[Sum], promise: Promise) -> Standing:
    """Of the month."""
    known = {
        seconds: burn(sums, promise, seconds)
        for seconds in (300, 1800, HOUR, 2 * HOUR, 6 * HOUR, DAY, 3 * DAY, 30 * DAY)
    }
    firing = next((one for one in MONTH if fires(known[one.long_s], known[one.short_s], one)), None)
    month = known[30 * DAY]
    says = ""
    if firing is not None:
        long = known[firing.long_s]
        says = (
            f"{long.missed} of {long.total} in {_duration(firing.long_s)}: at this rate what 30 days may miss is used "
            f"up in {_duration(30 * DAY / (long.rate or 1.0))}."
        )
    return Standing(
        name=promise.name,
        title=promise.title,
        goal=promise.goal,
        kept=None if month.total == 0 else 1 - month.missed / month.total,
        left=None if month.rate is None else 1 - month.rate,
        burns=list(known.values()),
        firing=None if firing is None else firing.severity,
        says=says,
    )


def weddings_burning(sums: Iterable[Sum], *, goal: float) -> list[tuple[str, str]]:
    """(wedding, words) of each live wedding whose own promise is used up too fast."""
    by_wedding: dict[str, dict[int, Sum]] = {}
    for one in sums:
        if one.kind == "wedding":
            by_wedding.setdefault(one.name, {})[one.window_s] = one
    found = []
    for wedding, windows in sorted(by_wedding.items()):
        known = {
            seconds: Burn(window_s=seconds, total=s.good + s.bad, missed=s.bad, rate=rate(s.good + s.bad, s.bad, goal))
            for seconds, s in windows.items()
        }
        for window in WEDDING:
            long, short = known.get(window.long_s), known.get(window.short_s)
            if long and short and fires(long, short, window, bad_min=WEDDING_BAD_MIN):
                words = f"{long.missed} of {long.total} deliveries of one live wedding were late or given up in "
                found.append((wedding, words + f"{_duration(window.long_s)}."))
                break
    return found


def _duration(seconds: float) -> str:
    for unit, length in (("day", DAY), ("hour", HOUR), ("minute", 60)):
        if seconds >= length:
            number = round(seconds / length)
            return f"{number} {unit}{'' if number == 1 else 's'}"
    return f"{round(seconds)} seconds"
