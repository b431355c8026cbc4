"""Plays hours whose end is known to the prediction, and counts how often it was right: precision, recall, lead time.

Every hour is made by rule from a seed: some run on into their limit, the others do what real measures do without ever
reaching it. What is shown on the page beside the rule (`MEASURED`) is held against a new run by a test.
"""

import math
import random
from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from wedsync.operations.slo import trend

SEEN: Final = 60
HORIZON: Final = 360.0
EACH: Final = 40


class Backtest(msgspec.Struct, frozen=True, kw_only=True):
    """`lead` is the median of minutes between the alert and the limit, of those it foresaw."""

    precision: float
    recall: float
    lead: float
    alerts: int
    incidents: int
    hours: int


MEASURED: Final = Backtest(
    precision=0.8991596638655462, recall=0.8916666666666667, lead=106.0, alerts=119, incidents=120, hours=360
)
"""Of seed 2027. What it takes for a ramp and is none is the tide of a few hours: an hour cannot tell them apart."""

Course = Callable[[random.Random], Callable[[int], float]]
"""From a seed the value at each minute, of a limit of 1."""


def _ramp(rng: random.Random) -> Callable[[int], float]:
    """Runs out within one to five hours after it was seen."""
    start, reaches, noise = rng.uniform(0.1, 0.5), rng.uniform(120, 360), rng.uniform(0.0, 0.03)
    return lambda x: start + (1 - start) * x / reaches + rng.gauss(0, noise)


def _ramp_with_spikes(rng: random.Random) -> Callable[[int], float]:
    plain = _ramp(rng)
    return lambda x: plain(x) + (rng.uniform(0.1, 0.3) if rng.random() < 0.08 else 0.0)


def _late_ramp(rng: random.Random) -> Callable[[int], float]:
    """Begins in the middle of the hour."""
    start, slope, noise = rng.uniform(0.2, 0.4), rng.uniform(0.004, 0.01), rng.uniform(0.0, 0.01)
    return lambda x: start + slope * max(0, x - 25) + rng.gauss(0, noise)


def _flat(rng: random.Random) -> Callable[[int], float]:
    level, noise = rng.uniform(0.1, 0.85), rng.uniform(0.0, 0.08)
    return lambda _: level + rng.gauss(0, noise)


def _wave(rng: random.Random) -> Callable[[int], float]:
    """The tide of a day, of any phase, that never reaches the limit."""
    level, height, phase = rng.uniform(0.2, 0.5), rng.uniform(0.05, 0.3), rng.uniform(0, 1440)
    return lambda x: level + height * math.sin(2 * math.pi * (x + phase) / 1440) + rng.gauss(0, 0.02)


def _step(rng: random.Random) -> Callable[[int], float]:
    """Somebody deployed: higher from one minute to the next, and stays."""
    before, after, at = rng.uniform(0.1, 0.3), rng.uniform(0.4, 0.7), rng.uniform(5, 55)
    return lambda x: (after if x >= at else before) + rng.gauss(0, 0.02)


def _spikes(rng: random.Random) -> Callable[[int], float]:
    level = rng.uniform(0.1, 0.4)
    return lambda _: level + (rng.uniform(0.2, 0.5) if rng.random() < 0.1 else rng.gauss(0, 0.02))


def _slow(rng: random.Random) -> Callable[[int], float]:
    """Grows, but would need days."""
    start, slope = rng.uniform(0.1, 0.3), rng.uniform(0.00005, 0.0004)
    return lambda x: start + slope * x + rng.gauss(0, 0.01)


def _swell(rng: random.Random) -> Callable[[int], float]:
    """A tide of a few hours, which looks like a ramp for one of them: what no trend of an hour can tell apart."""
    level, height, period = rng.uniform(0.3, 0.5), rng.uniform(0.1, 0.35), rng.uniform(240, 480)
    phase = rng.uniform(0, period)
    return lambda x: level + height * math.sin(2 * math.pi * (x + phase) / period) + rng.gauss(0, 0.02)


INCIDENTS: Final[tuple[Course, ...]] = (_ramp, _ramp_with_spikes, _late_ramp)
QUIET: Final[tuple[Course, ...]] = (_flat, _wave, _swell, _step, _spikes, _slow)


def run(seed: int, *, each: int = EACH) -> Backtest:
    """Each course `each` times, seen for one hour."""
    told = list(_played(seed, each))
    alerts = [one for one in told if one[1]]
    right = [one for one in alerts if one[0] is not None]
    leads = sorted(one[0] - SEEN for one in right if one[0] is not None)
    incidents = sum(one[0] is not None for one in told)
    return Backtest(
        precision=len(right) / max(1, len(alerts)),
        recall=len(right) / max(1, incidents),
        lead=leads[len(leads) // 2] if leads else 0.0,
        alerts=len(alerts),
        incidents=incidents,
        hours=len(told),
    )


def _played(seed: int, each: int) -> Iterator[tuple[float | None, bool]]:
    """(the minute in which the limit was truly reached, whether it was foretold)."""
    rng = random.Random(seed)  # noqa: S311  (a course of events, no secret)
    for course in (*INCIDENTS, *QUIET):
        for _ in range(each):
            value = course(rng)
            seen = [max(0.001, value(x)) for x in range(SEEN)]
            ahead = (x for x in range(SEEN, SEEN + int(HORIZON)) if course in INCIDENTS and value(x) >= 1)
            yield next(ahead, None), trend.forecast(seen, limit=1.0, horizon=HORIZON) is not None
