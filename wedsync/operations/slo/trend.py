"""When something runs out, by its trend: the median of all slopes (Theil, Sen), which a spike does not move.

It speaks only where the slow end and the fast end of the slope's band both reach the limit in time, where what the
trend explains is more than what scatters around it, and where the last third of the hour still rises as the whole does:
a step that is over is no trend.
"""

import math
from collections.abc import Sequence
from statistics import median
from typing import Final

import msgspec

POINTS_MIN: Final = 20
BAND_Z: Final = 1.96
SCATTER_MAX: Final = 0.5
"""Of what the trend gained in the hour, so much may lie around it."""
RECENT_SHARE: Final = 0.5
"""The last third must rise at least so fast, as a share of the whole's slope."""
HAPPENED_MIN: Final = 0.05
"""A share of the limit that the trend must have gained within the hour: less is dust."""


class Slope(msgspec.Struct, frozen=True, kw_only=True):
    """Per step, with the band of 95 % (Kendall's variance, Sen 1968)."""

    middle: float
    low: float
    high: float


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """In steps from now: the limit is reached between `soonest` and `latest`."""

    level: float
    slope: Slope
    soonest: float
    latest: float


def theil_sen(points: Sequence[float]) -> Slope:
    """Of evenly spaced values, at least two."""
    n = len(points)
    slopes = sorted((points[j] - points[i]) / (j - i) for i in range(n) for j in range(i + 1, n))
    spread = BAND_Z * math.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    low = max(0, round((len(slopes) - spread) / 2) - 1)
    high = min(len(slopes) - 1, round((len(slopes) + spread) / 2))
    return Slope(middle=median(slopes), low=slopes[low], high=slopes[high])


def forecast(points: Sequence[float | None], *, limit: float, horizon: float) -> Forecast | None:
    """None where nothing runs out within `horizon` steps, or too little is known of it."""
    known = _since_first(points)
    if len(known) < POINTS_MIN or known[-1] >= limit:
        return None
    slope = theil_sen(known)
    if slope.low <= 0:
        return None
    offset = median(value - slope.middle * x for x, value in enumerate(known))
    level = offset + slope.middle * (len(known) - 1)
    latest, soonest = (limit - level) / slope.low, (limit - level) / slope.high
    gained = slope.middle * len(known)
    scatter = median(abs(value - offset - slope.middle * x) for x, value in enumerate(known))
    if gained < HAPPENED_MIN * limit or scatter > SCATTER_MAX * gained or not 0 < latest <= horizon:
        return None
    if theil_sen(known[-max(2, len(known) // 3) :]).middle < RECENT_SHARE * slope.middle:
        return None
    return Forecast(level=level, slope=slope, soonest=max(0.0, soonest), latest=latest)


def _since_first(points: Sequence[float | None]) -> Sequence[float]:
    """Without the empty minutes before anything was measured, or before the last one of which nothing is known."""
    known: list[float] = []
    for value in points:
        if value is None:
            known = []
        elif known or value:
            known.append(value)
    return known
