"""When the platform is best maintained: pure, from the hours that weddings keep it frozen and from measured load.

A window begins with an hour of UTC, is clear of every frozen stretch by a margin on both sides, and is not longer ahead
than stretches are planned. Of those the quietest are proposed, one a day at most, so that there is a choice.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from wedsync.operations.freeze.model import AHEAD, Stretch

LENGTH: Final = timedelta(hours=1)
NOTICE: Final = timedelta(hours=12)
"""So long ahead people are told at least."""
MARGIN: Final = timedelta(hours=2)
"""A maintenance that takes longer than planned must not reach a wedding."""
PROPOSED: Final = 3
WEEK_HOURS: Final = 168
HOUR: Final = timedelta(hours=1)


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """A window; `load` is what an average second of it answers, `share` of the busiest hour of the week."""

    starts_at: datetime
    ends_at: datetime
    load: float | None
    share: float | None


def propose(
    now: datetime,
    stretches: Sequence[Stretch],
    load: Mapping[int, float],
    *,
    length: timedelta = LENGTH,
    most: int = PROPOSED,
) -> list[Proposal]:
    """In the order of time. `load` is answers an hour by hour of the week (UTC, Monday midnight is 0)."""
    first = (now + NOTICE).replace(minute=0, second=0, microsecond=0) + HOUR
    last = now + AHEAD - length - MARGIN
    hours = [first + n * HOUR for n in range(max(0, int((last - first) / HOUR) + 1))]
    free = [at for at in hours if clear(at, at + length, stretches)]
    quiet = sorted(free, key=lambda at: (cost(at, length, load), at))
    chosen: list[datetime] = []
    for at in quiet:
        if len(chosen) < most and all(abs(at - other) >= timedelta(days=1) for other in chosen):
            chosen.append(at)
    return [_proposal(at, length, load) for at in sorted(chosen)]


def clear(starts_at: datetime, ends_at: datetime, stretches: Sequence[Stretch]) -> bool:
    """Whether a time is clear of every frozen stretch, margins included."""
    return not any(one.starts_at < ends_at + MARGIN and one.ends_at > starts_at - MARGIN for one in stretches)


def cost(at: datetime, length: timedelta, load: Mapping[int, float]) -> float:
    """Answers that would be hit; an hour of which nothing is known costs as the average."""
    average = sum(load.values()) / len(load) if load else 0.0
    hours = max(1, -(-int(length.total_seconds()) // 3600))
    return sum(load.get((hour_of(at) + n) % WEEK_HOURS, average) for n in range(hours))


def hour_of(at: datetime) -> int:
    """Of the week in UTC."""
    here = at.astimezone(UTC)
    return here.weekday() * 24 + here.hour


def local(at: datetime, zone: str) -> str:
    """On the clocks of a zone, such as Sat 14:00."""
    return f"{at.astimezone(ZoneInfo(zone)):%a %H:%M}"


def _proposal(at: datetime, length: timedelta, load: Mapping[int, float]) -> Proposal:
    busiest = max(load.values(), default=0.0)
    hourly = cost(at, length, load) / max(1, -(-int(length.total_seconds()) // 3600))
    return Proposal(
        starts_at=at,
        ends_at=at + length,
        load=hourly / 3600 if load else None,
        share=hourly / busiest if busiest else None,
    )
