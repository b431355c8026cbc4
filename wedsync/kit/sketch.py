"""Percentiles that can be added up: counts of milliseconds in fixed logarithmic buckets, each within one per cent.

The buckets are the same everywhere (`app.bucket` in db/schema/89_health.sql counts in them too), so sketches of any
processes, minutes and providers are merged by adding counts, and the percentile of the whole is that of the parts
together. Percentiles themselves can never be added or averaged.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

ERROR: Final = 0.01
GAMMA: Final = (1 + ERROR) / (1 - ERROR)
LEAST_MS: Final = 0.1
"""What took less counts as this."""
MOST_MS: Final = 86_400_000.0
"""A day: what took longer counts as this."""
_LOG_GAMMA: Final = math.log(GAMMA)


def bucket(ms: float) -> int:
    """The number of the bucket: it holds what is above GAMMA**(n-1) and at most GAMMA**n."""
    return math.ceil(math.log(min(max(ms, LEAST_MS), MOST_MS)) / _LOG_GAMMA)


def middle(number: int) -> float:
    """Milliseconds that stand for a bucket: at most one per cent from everything in it."""
    return 2 * GAMMA**number / (GAMMA + 1)


class Sketch(msgspec.Struct, frozen=True):
    """How often each bucket was hit."""

    counts: Mapping[int, int] = {}

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    def quantile(self, share: float) -> float | None:
        """Milliseconds that `share` (0 to 1) of all took at most; None where there is nothing."""
        rank = max(1, math.ceil(share * self.total))
        seen = 0
        for number in sorted(self.counts):
            seen += self.counts[number]
            if seen >= rank:
                return middle(number)
        return None

    def above(self, ms: float) -> int:
        """How many took longer, to the bucket."""
        limit = bucket(ms)
        return sum(count for number, count in self.counts.items() if number > limit)


def of(values: Iterable[float]) -> Sketch:
    """Of milliseconds."""
    counts: dict[int, int] = {}
    for ms in values:
        number = bucket(ms)
        counts[number] = counts.get(number, 0) + 1
    return Sketch(counts)


def merged(sketches: Iterable[Sketch]) -> Sketch:
    """The sketch of everything that is in them."""
    counts: dict[int, int] = {}
    for one in sketches:
        for number, count in one.counts.items():
            counts[number] = counts.get(number, 0) + count
    return Sketch(counts)


def read(stored: Mapping[str, int]) -> Sketch:
    """As JSON holds it."""
    return Sketch({int(number): count for number, count in stored.items()})


def written(sketch: Sketch) -> dict[str, int]:
    """For JSON."""
    return {str(number): count for number, count in sketch.counts.items()}
