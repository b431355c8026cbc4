"""What the gateway counts: plain numbers, since a metrics library's lock per frame would cost more than the frame."""

from bisect import bisect_left
from collections import Counter
from typing import Final

MS_BOUNDS: Final = (0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 15.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 5000.0)


class Histogram:
    """Counts by upper bound, in milliseconds; the last is without bound."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * (len(MS_BOUNDS) + 1)
        self.total = 0.0

    def observe(self, ms: float) -> None:
        """Count one."""
        self.counts[bisect_left(MS_BOUNDS, ms)] += 1
        self.total += ms


class Stats:
    """The numbers of one gateway process since it started."""

    def __init__(self) -> None:
        self.frames_out = 0
        self.hints_dropped = 0
        self.events: Counter[str] = Counter()
        """By where they came from: feed, log, or twice."""
        self.frames_in: Counter[str] = Counter()
        self.joins: Counter[str] = Counter()
        """By result: ok, or the code of the refusal."""
        self.closes: Counter[str] = Counter()
        self.recoveries: Counter[str] = Counter()
        self.replayed = 0
        self.missed = 0
        self.tombstones = 0
        self.reader_failures = 0
        self.broadcasts: Counter[str] = Counter()
        self.commit_to_write = Histogram()
        self.write_to_pong = Histogram()
        self.loop_lag_ms = 0.0
