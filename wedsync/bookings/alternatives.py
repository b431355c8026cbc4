"""What else would do when a time is taken: another resource, another time of the day, a near day; ranked, with reasons.

Pure: it is given the free stretches of each resource, and whatever it offers lies wholly in one of them, set-up and
teardown included.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

import msgspec

from wedsync.bookings.model import Stretch
from wedsync.schedule.model import local_of

Kind = Literal["resource", "time", "day"]
NEAR_DAYS: Final = 28
OFFERED: Final = 3
QUARTER_S: Final = 900
_HOUR_S: Final = 3600.0
# In hours of moving on the same day: what people would rather put up with.
_OTHER_RESOURCE: Final[dict[Kind, float]] = {"resource": 1.0, "time": 1.0, "day": 4.0}
_A_DAY: Final = 5.0
_OTHER_WEEKDAY: Final = 12.0


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch in which a resource has nothing."""

    resource_id: UUID
    resource: str
    starts_at: datetime
    ends_at: datetime


class Alternative(msgspec.Struct, frozen=True, kw_only=True):
    """Taking it is a booking with these values. `reason` is for people."""

    kind: Kind
    resource_id: UUID
    resource: str
    stretch: Stretch
    reason: str
    cost: float


def ranked(wanted: Stretch, resource_id: UUID, gaps: Sequence[Gap], now: datetime) -> list[Alternative]:
    """At most three, the best of each kind first in line, then whatever is best."""
    found = sorted(_all(wanted, resource_id, gaps, now), key=_order)
    chosen: list[Alternative] = []
    for kind in ("resource", "time", "day"):
        chosen += [one for one in found if one.kind == kind][:1]
    chosen += [one for one in found if one not in chosen]
    return sorted(chosen[:OFFERED], key=_order)


def offer(one: Alternative) -> dict[str, Any]:
    """An alternative as an answer carries it: send its values back to take it."""
    stretch = one.stretch
    return {
        "kind": one.kind,
        "reason": one.reason,
        "resource_id": one.resource_id,
        "resource": one.resource,
        **msgspec.structs.asdict(stretch),
        "starts_at": stretch.starts_at,
        "ends_at": stretch.ends_at,
    }


def _order(one: Alternative) -> tuple[float, datetime, UUID]:
    return one.cost, one.stretch.starts_at, one.resource_id


def _all(wanted: Stretch, resource_id: UUID, gaps: Sequence[Gap], now: datetime) -> Iterable[Alternative]:
    # Clocks that change make a day an hour shorter; what is shorter still cannot hold it on any day.
    shortest = wanted.blocked_until - wanted.blocked_from - timedelta(hours=1)
    open_gaps = [gap for gap in gaps if gap.ends_at > now and gap.ends_at - gap.starts_at >= shortest]
    for kind, gap, stretch, cost, words in _candidates(wanted, open_gaps):
        is_other = gap.resource_id != resource_id
        if stretch.starts_at <= now or not fits(stretch, gap) or (stretch == wanted and not is_other):
            continue
        reason = f"{gap.resource} is free {words}" if is_other else f"Free {words}"
        total = cost + (_OTHER_RESOURCE[kind] if is_other else 0.0)
        yield Alternative(
            kind=kind, resource_id=gap.resource_id, resource=gap.resource, stretch=stretch, reason=reason, cost=total
        )


def _candidates(wanted: Stretch, gaps: Sequence[Gap]) -> Iterable[tuple[Kind, Gap, Stretch, float, str]]:
    for gap in gaps:
        if fits(wanted, gap):
            yield "resource", gap, wanted, 0.0, "at the same time"
        elif (moved := _moved(wanted, gap)) is not None:
            hours = (moved.starts_at - wanted.starts_at).total_seconds() / _HOUR_S
            yield "time", gap, moved, abs(hours), f"the same day, {_by_hours(hours)}"
        for days in _days_near(wanted, gap):
            there = msgspec.structs.replace(wanted, on=wanted.on + timedelta(days=days))
            cost = _A_DAY + abs(days) / 2 + (0.0 if days % 7 == 0 else _OTHER_WEEKDAY)
            yield "day", gap, there, cost, _by_days(days, there)


def fits(stretch: Stretch, gap: Gap) -> bool:
    """Whether all it blocks lies in the gap."""
    return gap.starts_at <= stretch.blocked_from and stretch.blocked_until <= gap.ends_at


def _moved(wanted: Stretch, gap: Gap) -> Stretch | None:
    """The nearest quarter of an hour of the same day at which it fits into the gap; only for what has a time."""
    if wanted.at_local is None:
        return None
    earliest = gap.starts_at + timedelta(minutes=wanted.before_minutes)
    latest = gap.ends_at - (wanted.blocked_until - wanted.starts_at)
    start = min(max(wanted.starts_at, earliest), latest)
    seconds = start.timestamp()
    late = -(-seconds // QUARTER_S) * QUARTER_S
    at = late if late <= latest.timestamp() else seconds // QUARTER_S * QUARTER_S
    on, at_local = local_of(datetime.fromtimestamp(at, UTC), wanted.zone)
    moved = msgspec.structs.replace(wanted, on=on, at_local=at_local)
    # An hour that clocks show twice is one instant here, which may not be the one meant.
    return moved if on == wanted.on and moved.starts_at.timestamp() == at and fits(moved, gap) else None


def _days_near(wanted: Stretch, gap: Gap) -> Iterable[int]:
    """How many days off, of those that may lie in this gap."""
    first = max(-NEAR_DAYS, (gap.starts_at - wanted.starts_at).days - 1)
    last = min(NEAR_DAYS, (gap.ends_at - wanted.starts_at).days + 1)
    return (days for days in range(first, last + 1) if days)


def _by_hours(hours: float) -> str:
    minutes = round(abs(hours) * 60)
    long = (
        f"{minutes // 60} h" + (f" {minutes % 60} min" if minutes % 60 else "") if minutes >= 60 else f"{minutes} min"
    )
    return f"{long} {'later' if hours > 0 else 'earlier'}"


def _by_days(days: int, there: Stretch) -> str:
    weekday = f"{there.on:%A}"
    if days in (-1, 1):
        return f"the day {'after' if days > 0 else 'before'}, {weekday}"
    count, word = (abs(days) // 7, "week") if days % 7 == 0 else (abs(days), "day")
    many = "a" if count == 1 and word == "week" else str(count)
    return f"{many} {word}{'' if count == 1 else 's'} {'later' if days > 0 else 'earlier'}, {weekday}"
