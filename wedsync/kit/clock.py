"""The two clocks: machine time for leases and signatures, wedding time for what people see and schedule.

They are equal unless a drill moves wedding time. Its place and speed stand in the table `clock_setting`, where
`app.now()` reads them; a process takes the same row over with `follow`, so that Python and SQL agree.
"""

import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec


class Clock(msgspec.Struct, frozen=True):
    """Wedding time was `base` at machine time `set_at` and has run at `speed` since: the row of `clock_setting`."""

    base: datetime
    set_at: datetime
    speed: float = 1.0

    def at(self, machine: datetime) -> datetime:
        """Wedding time at an instant of machine time, with its zone."""
        return self.base + (machine - self.set_at) * self.speed


SKEW: Final = "WEDSYNC_CLOCK_SKEW_S"
"""How wrong a process's clock goes, in seconds; in profile test only, for the crash tests."""


def skew_of(environ: Mapping[str, str]) -> timedelta:
    """What a process was started with; any profile but test ignores it."""
    return timedelta(seconds=float(environ.get(SKEW, "0")) if environ.get("WEDSYNC_ENV") == "test" else 0.0)


_moved: Clock | None = None
_skew = skew_of(os.environ)


def now() -> datetime:
    """Wedding time, in UTC."""
    return machine_now() if _moved is None else _moved.at(machine_now())


def machine_now() -> datetime:
    """Machine time, in UTC: what signatures, tokens and leases are about."""
    at = datetime.now(tz=UTC)
    return at + _skew if _skew else at


def monotonic() -> float:
    """Seconds that never go back, for deadlines and durations inside one process."""
    return time.monotonic()


def follow(clock: Clock | None, *, env: str) -> None:
    """Move this process's wedding time, or put it back with None. Only profiles test and drill may; ValueError else."""
    if clock is not None and env not in ("test", "drill"):
        raise ValueError(f"Wedding time is moved only in the profiles test and drill; this is {env}.")
    global _moved
    _moved = clock


def speed() -> float:
    """How many seconds of wedding time pass in one of machine time."""
    return 1.0 if _moved is None else _moved.speed


def pace(every_s: float) -> float:
    """Machine seconds of so many of wedding time: in a drill fewer, but a second at least where that was asked for."""
    return max(every_s / speed(), min(every_s, 1.0))
