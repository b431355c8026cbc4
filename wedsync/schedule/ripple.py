"""What else moves when an item moves: its dependants, theirs, and so on, until anchors stop them.

A dependant starts when the last thing it follows has ended, buffer and lag added. What somebody moved by hand stays
where they put it, and the gap to what it follows becomes the new one. An anchored item never moves by a ripple: where
it would have to, that is a conflict, and the people who look at the schedule decide.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from graphlib import CycleError, TopologicalSorter
from typing import TypeVar
from uuid import UUID

import msgspec

from wedsync.kit.errors import FieldError, Refusal
from wedsync.schedule.model import YEAR_MAX, YEAR_MIN, instant, local_of
from wedsync.schedule.rows import After, PlannedItem, Slot

S = TypeVar("S", bound=Slot)
LAG_MAX = 20_160


class Dependency(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `schedule_dependencies`."""

    item_id: UUID
    after_item_id: UUID
    lag_minutes: int


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """A start, as people read it and as an instant."""

    on: date
    at_local: time
    zone: str
    starts_at: datetime


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """One item and its start before and after."""

    item_id: UUID
    title: str
    before: Moment
    after: Moment


class Conflict(msgspec.Struct, frozen=True, kw_only=True):
    """An anchored item that would have to start later than it may."""

    item_id: UUID
    title: str
    starts_at: datetime
    needed_at: datetime
    after_item_id: UUID
    after_title: str


class Ripple(msgspec.Struct, frozen=True, kw_only=True):
    """All items as they will be, every new start (the moved first), what anchors stopped, and lags that are new."""

    items: dict[UUID, Slot]
    moves: list[Move]
    conflicts: list[Conflict]
    lags: list[Dependency]


def ripple(items: Mapping[UUID, Slot], dependencies: Iterable[Dependency], moved: Sequence[Slot]) -> Ripple:
    """Re-time the dependants of `moved`, which are items as they are to be. Raises Refusal 422 for a circle."""
    before = dict(items)
    now: dict[UUID, Slot] = before | {item.id: item for item in moved}
    by_item = grouped(dependencies)
    held = {item.id for item in moved}
    changed = {item.id for item in moved if _shape(item) != _shape(before.get(item.id, item))}
    for item_id in in_order(now, by_item):
        follows = by_item.get(item_id, [])
        if item_id in held or now[item_id].is_anchored or not any(d.after_item_id in changed for d in follows):
            continue
        needed, _ = needed_at(now, follows)
        if needed != now[item_id].starts_at:
            now[item_id] = at(now[item_id], needed)
            changed.add(item_id)
    lags = [lag for item in moved for lag in standing(now, item.id, by_item.get(item.id, []))]
    asked = held | {i for i, follows in by_item.items() if any(d.after_item_id in changed for d in follows)}
    return Ripple(
        items=now,
        moves=_moves(before, now, [item.id for item in moved]),
        conflicts=[c for c in conflicts_of(now, by_item) if c.item_id in asked],
        lags=lags,
    )


def conflicts_of(items: Mapping[UUID, Slot], by_item: Mapping[UUID, Sequence[Dependency]]) -> list[Conflict]:
    """Every anchored item that starts before what it follows is over; `by_item` is what each item follows."""
    found: list[Conflict] = []
    for item_id, follows in by_item.items():
        if items[item_id].is_anchored:
            needed, cause = needed_at(items, follows)
            found += _conflict(items[item_id], needed, items[cause])
    return sorted(found, key=lambda conflict: (conflict.starts_at, conflict.item_id))


def dependencies_of(items: Iterable[PlannedItem]) -> list[Dependency]:
    """The arrows between items, as rows."""
    return [
        Dependency(item_id=item.id, after_item_id=after.item_id, lag_minutes=after.lag_minutes or 0)
        for item in items
        for after in item.after
    ]


def follow(items: Mapping[UUID, Slot], item: S, after: Sequence[After], *, stays: bool) -> tuple[S, list[Dependency]]:
    """Let an item follow others: where a lag is given it goes there, unless it stays; elsewhere today's gap is the lag.

    Raises Refusal 422 for an item that is not there, follows itself, or is named twice.
    """
    _check_named(items, item.id, after)
    given = [
        Dependency(item_id=item.id, after_item_id=a.item_id, lag_minutes=a.lag_minutes)
        for a in after
        if a.lag_minutes is not None
    ]
    if given and not stays and not item.is_anchored:
        item = at(item, needed_at(items, given)[0])
    kept = [
        Dependency(item_id=item.id, after_item_id=a.item_id, lag_minutes=_gap(items[a.item_id], item))
        for a in after
        if a.lag_minutes is None
    ]
    return item, given + kept


def standing(items: Mapping[UUID, Slot], item_id: UUID, follows: Sequence[Dependency]) -> list[Dependency]:
    """The lags with which an item stands where it is; only those that are new. An anchored item needs none."""
    item = items[item_id]
    if not follows or item.is_anchored:
        return []
    late = _minutes(item.starts_at - needed_at(items, follows)[0])
    return [_with_lag(d, d.lag_minutes + late) for d in follows] if late else []


def in_order(items: Mapping[UUID, Slot], by_item: Mapping[UUID, Sequence[Dependency]]) -> list[UUID]:
    """Items, each after everything it follows. Raises Refusal 422 that names the circle."""
    graph = {item_id: [d.after_item_id for d in by_item.get(item_id, ())] for item_id in items}
    try:
        return list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        circle = " → ".join(items[item_id].title for item_id in error.args[1])
        raise _refuse(
            "after", f"goes in a circle: {circle}", "Take one of these arrows away.", code="dependency_cycle"
        ) from error


def needed_at(items: Mapping[UUID, Slot], follows: Sequence[Dependency]) -> tuple[datetime, UUID]:
    """When the last thing an item follows is over, and which that is."""
    return max((_free_at(items[d.after_item_id]) + timedelta(minutes=d.lag_minutes), d.after_item_id) for d in follows)


def at(item: S, starts_at: datetime) -> S:
    """The item at another instant. Raises Refusal 422 beyond the calendar."""
    try:
        on, at_local = local_of(starts_at, item.zone)
    except OverflowError as error:
        raise _out_of_calendar() from error
    if not YEAR_MIN <= on.year <= YEAR_MAX:
        raise _out_of_calendar()
    return msgspec.structs.replace(item, on=on, at_local=at_local, starts_at=instant(on, at_local, item.zone))


def shifted(item: S, days: int) -> S:
    """The item so many days later, at the same local time; unmoved where that leaves the calendar."""
    try:
        on = item.on + timedelta(days=days)
    except OverflowError:
        return item
    if not YEAR_MIN <= on.year <= YEAR_MAX:
        return item
    return msgspec.structs.replace(item, on=on, starts_at=instant(on, item.at_local, item.zone))


def moment(item: Slot) -> Moment:
    """When an item starts."""
    return Moment(on=item.on, at_local=item.at_local, zone=item.zone, starts_at=item.starts_at)


def grouped(dependencies: Iterable[Dependency]) -> dict[UUID, list[Dependency]]:
    """What each item follows."""
    found: dict[UUID, list[Dependency]] = {}
    for dependency in dependencies:
        found.setdefault(dependency.item_id, []).append(dependency)
    return found


def _shape(item: Slot) -> tuple[datetime, datetime]:
    return item.starts_at, _free_at(item)


def _free_at(item: Slot) -> datetime:
    return item.ends_at + timedelta(minutes=item.buffer_minutes)


def _gap(before: Slot, item: Slot) -> int:
    return _checked_lag(_minutes(item.starts_at - _free_at(before)))


def _minutes(span: timedelta) -> int:
    return round(span / timedelta(minutes=1))


def _with_lag(dependency: Dependency, lag: int) -> Dependency:
    return msgspec.structs.replace(dependency, lag_minutes=_checked_lag(lag))


def _checked_lag(lag: int) -> int:
    if abs(lag) > LAG_MAX:
        raise _refuse("after", "is further away than two weeks", "Take the dependency away first, or move both items.")
    return lag


def _conflict(item: Slot, needed: datetime, cause: Slot) -> list[Conflict]:
    if needed <= item.starts_at:
        return []
    return [
        Conflict(
            item_id=item.id,
            title=item.title,
            starts_at=item.starts_at,
            needed_at=needed,
            after_item_id=cause.id,
            after_title=cause.title,
        )
    ]


def _moves(before: Mapping[UUID, Slot], now: Mapping[UUID, Slot], first: Sequence[UUID]) -> list[Move]:
    rest = sorted((i for i in now if i not in set(first)), key=lambda i: (now[i].starts_at, i))
    return [
        Move(item_id=i, title=now[i].title, before=moment(before[i]), after=moment(now[i]))
        for i in [*first, *rest]
        if i in before and moment(before[i]) != moment(now[i])
    ]


def _check_named(items: Mapping[UUID, Slot], item_id: UUID, after: Sequence[After]) -> None:
    named = [a.item_id for a in after]
    for n, other in enumerate(named):
        if other == item_id:
            raise _refuse(f"after[{n}].item_id", "is the item itself", "Name another item.")
        if other not in items:
            raise _refuse(f"after[{n}].item_id", "is not on this schedule", "Take an id from the schedule's list.")
        if other in named[:n]:
            raise _refuse(f"after[{n}].item_id", "is named twice", "Name each item once.")


def _out_of_calendar() -> Refusal:
    return _refuse("on", f"is not between the years {YEAR_MIN} and {YEAR_MAX}", "Check the year.")


def _refuse(field: str, reason: str, fix: str, *, code: str = "invalid") -> Refusal:
    return Refusal(422, code, f"{field}: {reason}", errors=[FieldError(field, reason, fix)])
