"""Plays stretches whose incidents are known to the alert rules as they stand, and counts how often each was right.

Every stretch is made by rule from a seed: answers minute by minute after a month of calm, with one incident of known
begin and end in it, or with what looks like one and is none. At every look the true rules are asked, with the windows
as `ops.health_sums` cuts them. What the pages show beside the rules (`MEASURED`) is held against a new run by a test.
"""

import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from wedsync.kit import sketch
from wedsync.operations.health import judging
from wedsync.operations.health.model import Facts, Minute
from wedsync.operations.slo import rules
from wedsync.operations.slo.model import DAY, HOUR, Sum

EACH: Final = 10
BEFORE: Final = 120
"""Minutes of calm before anything can happen, so that no window is half empty."""
AFTER: Final = 60
MONTH_H: Final = 720
LATE: Final = 6
"""Minutes after an incident in which an alert of it may still begin: the shortest window."""
AGAIN: Final = 10
"""What comes back within so many minutes is the same alert."""
FAST_MS: Final = 40.0
WINDOWS: Final = (300, 1800, HOUR, 2 * HOUR, 6 * HOUR, DAY, 3 * DAY, 30 * DAY)
WEDDING_WINDOWS: Final = (60, 300, 1800)
ASKED: Final = ("errors", "latency", "promise", "wedding")
ERRORS: Final = "errors edge web"
SLOW: Final = "latency edge web"
ANSWERS: Final = "promise answers"
QUICK: Final = "promise quick"
HIT: Final = "wedding wedding one"
BEGAN: Final = datetime(2027, 6, 1, tzinfo=UTC)


class Course(msgspec.Struct, frozen=True, kw_only=True):
    """What happens between `begin` and `end` of the minutes seen, and which alerts it must and may lead to.

    `bad` and `slow` give the share of a minute by how many minutes it is after `begin`.
    """

    minutes: int
    volume: float
    base: float
    bad: Callable[[int], float] = lambda _: 0.0
    slow: Callable[[int], float] = lambda _: 0.0
    slow_ms: float = 900.0
    must: tuple[str, ...] = ()
    may: tuple[str, ...] = ()
    step: int = 1
    is_wedding: bool = False
    """Deliveries of one live wedding, late or not, instead of the web's answers."""

    @property
    def begin(self) -> int:
        return BEFORE

    @property
    def end(self) -> int:
        return BEFORE + self.minutes


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """Of one rule; what it tells of an incident and need not counts neither way.

    `delay` is the median of minutes from an incident's begin to its alert.
    """

    rule: str
    precision: Annotated[float, Meta(description="Of its alerts, so many were of an incident that it is for.")]
    recall: Annotated[float, Meta(description="Of the incidents it is for, so many were told.")]
    delay: float
    alerts: int
    incidents: int


class Played(msgspec.Struct, frozen=True, kw_only=True):
    """Of all stretches. `false_alarms` by what it was that looked like an incident."""

    scores: tuple[Score, ...]
    stretches: int
    false_alarms: dict[str, int]


MEASURED: Final = Played(
    scores=(
        Score(rule="errors", precision=0.7142857142857143, recall=1.0, delay=0.0, alerts=42, incidents=30),
        Score(rule="latency", precision=0.6666666666666666, recall=1.0, delay=0.0, alerts=15, incidents=10),
        Score(rule="promise", precision=1.0, recall=1.0, delay=2.0, alerts=32, incidents=30),
        Score(rule="wedding", precision=1.0, recall=1.0, delay=2.0, alerts=10, incidents=10),
    ),
    stretches=130,
    false_alarms={"night": 4, "spike": 8, "slow spike": 5},
)
"""Of seed 2027. Its false alarms are single bad minutes, which are above a threshold of five, and one of few."""


def _outage(rng: random.Random) -> Course:
    share = rng.uniform(0.3, 1.0)
    must = (ERRORS, ANSWERS)
    return Course(minutes=rng.randint(4, 20), volume=_busy(rng), base=_calm(rng), bad=lambda _: share, must=must)


def _brownout(rng: random.Random) -> Course:
    share = rng.uniform(0.012, 0.06)
    return Course(
        minutes=rng.randint(10, 60),
        volume=_busy(rng),
        base=_calm(rng),
        bad=lambda _: share,
        must=(ERRORS,),
        may=(ANSWERS,),
    )


def _flapping(rng: random.Random) -> Course:
    """Every other minute."""
    share = rng.uniform(0.3, 0.8)
    bad: Callable[[int], float] = lambda x: share if x % 2 == 0 else 0.0  # noqa: E731
    return Course(minutes=rng.randint(15, 40), volume=_busy(rng), base=_calm(rng), bad=bad, must=(ERRORS, ANSWERS))


def _slow_answers(rng: random.Random) -> Course:
    share, ms = rng.uniform(0.1, 0.5), rng.uniform(600, 3000)
    return Course(
        minutes=rng.randint(8, 40),
        volume=_busy(rng),
        base=_calm(rng),
        slow=lambda _: share,
        slow_ms=ms,
        must=(SLOW,),
        may=(QUICK,),
    )


def _slow_burn(rng: random.Random) -> Course:
    """Below every threshold of five minutes, for more than a day."""
    share = rng.uniform(0.004, 0.009)
    return Course(
        minutes=60 * rng.randint(26, 36),
        volume=_busy(rng),
        base=_calm(rng),
        bad=lambda _: share,
        must=(ANSWERS,),
        may=(ERRORS,),
        step=10,
    )


def _wedding_hit(rng: random.Random) -> Course:
    """A provider fails on the day: few deliveries, and each is somebody's."""
    share = rng.uniform(0.4, 1.0)
    return Course(
        minutes=rng.randint(6, 30),
        volume=rng.uniform(1, 6),
        base=_calm(rng),
        bad=lambda _: share,
        must=(HIT,),
        is_wedding=True,
    )


def _wedding_well(rng: random.Random) -> Course:
    """One late delivery in some hours."""
    return Course(minutes=240, volume=rng.uniform(1, 6), base=rng.uniform(0.0, 0.002), is_wedding=True)


def _quiet(rng: random.Random) -> Course:
    return Course(minutes=120, volume=_busy(rng), base=_calm(rng))


def _night(rng: random.Random) -> Course:
    """So few that one bad one is a large share."""
    return Course(minutes=240, volume=rng.uniform(2, 5), base=_calm(rng))


def _chatter(rng: random.Random) -> Course:
    """Always something, and always within what was promised."""
    return Course(minutes=24 * 60, volume=_busy(rng), base=rng.uniform(0.0004, 0.0008), step=10)


def _spike(rng: random.Random) -> Course:
    """One minute, over before anybody could look."""
    share = rng.uniform(0.02, 0.2)
    return Course(minutes=1, volume=_busy(rng), base=_calm(rng), bad=lambda _: share)


def _slow_spike(rng: random.Random) -> Course:
    share = rng.uniform(0.05, 0.6)
    return Course(minutes=1, volume=_busy(rng), base=_calm(rng), slow=lambda _: share)


def _rush(rng: random.Random) -> Course:
    """A tail of slow ones that is within what was promised, all the while."""
    share = rng.uniform(0.002, 0.007)
    return Course(minutes=180, volume=_busy(rng), base=_calm(rng), slow=lambda _: share)


INCIDENTS: Final[tuple[Callable[[random.Random], Course], ...]] = (
    _outage,
    _brownout,
    _flapping,
    _slow_answers,
    _slow_burn,
    _wedding_hit,
)
CALM: Final[tuple[Callable[[random.Random], Course], ...]] = (
    _quiet,
    _night,
    _chatter,
    _spike,
    _slow_spike,
    _rush,
    _wedding_well,
)


def _busy(rng: random.Random) -> float:
    return rng.uniform(60, 400)


def _calm(rng: random.Random) -> float:
    return rng.uniform(0.0, 0.0003)


def run(seed: int, *, each: int = EACH) -> Played:
    """Each course `each` times."""
    rng = random.Random(seed)  # noqa: S311  (a course of events, no secret)
    told = [(make.__name__.strip("_").replace("_", " "), *_stretch(make(rng), rng)) for make in _courses(each)]
    return Played(
        scores=tuple(_score(rule, [one for _, *one in told]) for rule in ASKED),
        stretches=len(told),
        false_alarms={
            name: wrong
            for name in dict.fromkeys(name for name, *_ in told)
            if (wrong := sum(len(_wrong(course, alerts)) for other, course, alerts in told if other == name))
        },
    )


def _courses(each: int) -> Iterator[Callable[[random.Random], Course]]:
    for make in (*INCIDENTS, *CALM):
        yield from [make] * each


Alert = tuple[str, int, int]
"""(rule and subject, the minute it began, the last minute it fired)."""


def _score(rule: str, told: Sequence[Sequence[object]]) -> Score:
    right = wrong = incidents = 0
    delays: list[int] = []
    for course, alerts in told:
        assert isinstance(course, Course) and isinstance(alerts, list)
        mine = [one for one in alerts if one[0].startswith(rule)]
        bad = [one for one in _wrong(course, alerts) if one[0].startswith(rule)]
        right += sum(one[0] in course.must and one not in bad for one in mine)
        wrong += len(bad)
        for name in (name for name in course.must if name.startswith(rule)):
            incidents += 1
            first = min((at for kind, at, _ in mine if kind == name and _is_of(course, at)), default=None)
            delays += [] if first is None else [first - course.begin]
    delays.sort()
    return Score(
        rule=rule,
        precision=right / max(1, right + wrong),
        recall=len(delays) / max(1, incidents),
        delay=float(delays[len(delays) // 2]) if delays else 0.0,
        alerts=right + wrong,
        incidents=incidents,
    )


def _is_of(course: Course, at: int) -> bool:
    return course.begin <= at <= course.end + LATE


def _wrong(course: Course, alerts: Sequence[Alert]) -> list[Alert]:
    """Those that are of no incident, or not of what happened."""
    right = {*course.must, *course.may}
    return [one for one in alerts if one[0] not in right or not _is_of(course, one[1])]


def _stretch(course: Course, rng: random.Random) -> tuple[Course, list[Alert]]:
    """What the rules said of it, look by look; what came back soon is the same alert."""
    minutes = [_minute(course, place, rng) for place in range(course.end + AFTER)]
    hours = [
        tuple(_drawn(rng, course.volume * 60 * share) for share in (1.0, course.base, 0.0)) for _ in range(MONTH_H)
    ]
    sums = _Sums(hours, minutes)
    alerts: list[Alert] = []
    for at in range(BEFORE, len(minutes), course.step):
        for name in _fired(course, minutes, sums, at):
            known = next((n for n, one in enumerate(alerts) if one[0] == name and at - one[2] <= AGAIN), None)
            if known is None:
                alerts.append((name, at, at))
            else:
                alerts[known] = (name, alerts[known][1], at)
    return course, alerts


def _minute(course: Course, place: int, rng: random.Random) -> tuple[int, int, int]:
    """(answers, bad ones, slow ones)."""
    after = place - course.begin
    is_on = 0 <= after < course.minutes
    total = _drawn(rng, course.volume)
    bad = min(total, _drawn(rng, total * (course.base + (course.bad(after) if is_on else 0.0))))
    slow = min(total - bad, _drawn(rng, (total - bad) * (course.slow(after) if is_on else 0.0)))
    return total, bad, slow


def _drawn(rng: random.Random, mean: float) -> int:
    """Poisson; by its normal where it is large."""
    if mean > 50:
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))
    limit, product, count = math.exp(-mean), rng.random(), 0
    while product > limit:
        product *= rng.random()
        count += 1
    return count


class _Sums:
    """What the answers came to in each window up to a minute: from minutes up to two hours, from hours above."""

    def __init__(self, hours: Sequence[tuple[int, ...]], minutes: Sequence[tuple[int, int, int]]) -> None:
        self._minutes = [list(accumulate(column, initial=0)) for column in zip(*minutes, strict=True)]
        self._hours = [list(accumulate(column, initial=0)) for column in zip(*hours, strict=True)]

    def at(self, at: int, *, is_wedding: bool = False) -> list[Sum]:
        """At the end of a minute."""
        if not is_wedding:
            return [self._sum(window, at) for window in WINDOWS]
        found = [self._sum(window, at) for window in WEDDING_WINDOWS]
        return [msgspec.structs.replace(one, kind="wedding", name="one") for one in found]

    def _sum(self, window_s: int, at: int) -> Sum:
        if window_s <= 2 * HOUR:
            first, hours = max(0, at - window_s // 60), 0
        else:
            # Hours that began within it, and one more: the whole ones of the stretch, and of the month before.
            first = (at // 60 - window_s // HOUR) * 60
            first, hours = max(0, first), max(0, -first // 60)
        total, bad, slow = (
            column[at + 1] - column[first] + old[-1] - old[max(0, MONTH_H - hours)]
            for column, old in zip(self._minutes, self._hours, strict=True)
        )
        return Sum(kind="edge", name="web", window_s=window_s, good=total - bad, bad=bad, slow=slow)


def _fired(course: Course, minutes: Sequence[tuple[int, int, int]], sums: _Sums, at: int) -> list[str]:
    series: list[Minute] = []
    for place in () if course.is_wedding else range(at - LATE, at + 1):
        total, bad, slow = minutes[place]
        counts = {str(sketch.bucket(FAST_MS)): total - slow}
        counts |= {str(sketch.bucket(course.slow_ms)): slow} if slow else {}
        minute = BEGAN + timedelta(minutes=place)
        series.append(Minute(kind="edge", name="web", at=minute, good=total - bad, bad=bad, slow=slow, sketch=counts))
    now = BEGAN + timedelta(minutes=at, seconds=59)
    facts = msgspec.structs.replace(NOTHING, machine_now=now, series=series)
    judged = rules.Judged(
        facts=facts, parts=(), signals=judging.signals(facts), sums=sums.at(at, is_wedding=course.is_wedding)
    )
    return [f"{one.rule} {one.subject}" for one in rules.firing(ON, judged)]


ON: Final[Mapping[str, rules.AlertRule]] = {
    name: msgspec.structs.replace(one, is_on=name in ASKED) for name, one in rules.BY_NAME.items()
}
NOTHING: Final = msgspec.convert(
    {
        "now": BEGAN,
        "machine_now": BEGAN,
        **dict.fromkeys(("live", "due", "failed_over", "dead"), 0),
        **dict.fromkeys(("lanes", "destinations", "accounts", "mail", "processes", "series"), ()),
        "zones": {},
        "clock_leads": True,
        "counted_to": None,
        "database": {"connections_used": 1, "connections_max": 100},
    },
    Facts,
)
