"""What happens now and what next, with everything that runs late counted in; pure.

The plan stays as it is. What is said of items on the day (late, started, done, left out) moves only what is expected:
an item that ends late pushes what follows it, by the schedule's own ripple, and never pulls anything earlier.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import msgspec

from wedsync.days.model import ItemMark
from wedsync.schedule.ripple import at, dependencies_of, grouped, in_order, needed_at
from wedsync.schedule.rows import PlannedItem, Slot

State = Literal["done", "now", "next", "later", "dropped"]
MINUTES_MAX = 2880


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """An item as it is expected. `late_minutes` is how much later it starts than planned."""

    id: UUID
    title: str
    kind: str
    place: str
    zone: str
    planned_at: datetime
    expected_at: datetime
    ends_at: datetime
    late_minutes: int
    state: State
    owner_link_id: UUID | None
    owner_membership_id: UUID | None
    said_by: str


class Board(msgspec.Struct, frozen=True, kw_only=True):
    """A wedding day at one moment, in the order in which things are expected."""

    now: list[Entry]
    next: list[Entry]
    items: list[Entry]
    late_minutes: int


def board(items: Sequence[PlannedItem], marks: Iterable[ItemMark], now: datetime) -> Board:
    """How the day stands. `next` are the items that start first after now, and all that start with them."""
    said = {mark.schedule_item_id: mark for mark in marks}
    then = expected(items, said, now)
    entries = sorted((_entry(item, then[item.id], said.get(item.id), now) for item in items), key=_order)
    running = [entry for entry in entries if entry.state == "now"]
    coming = [entry for entry in entries if entry.state == "later"]
    soon = {entry.id for entry in coming if entry.expected_at == coming[0].expected_at}
    entries = [msgspec.structs.replace(e, state="next") if e.id in soon else e for e in entries]
    ahead = [entry.late_minutes for entry in entries if entry.state in ("now", "next", "later")]
    return Board(
        now=running,
        next=[entry for entry in entries if entry.state == "next"],
        items=entries,
        late_minutes=max(ahead, default=0),
    )


def expected(items: Sequence[PlannedItem], said: Mapping[UUID, ItemMark], now: datetime) -> dict[UUID, Slot]:
    """When each item is expected to start and how long to take; an anchored one stays unless it is said to be late."""
    then: dict[UUID, Slot] = {item.id: item for item in items}
    follows = grouped(dependencies_of(items))
    late: set[UUID] = set()
    for item_id in in_order(then, follows):
        item, mark = then[item_id], said.get(item_id)
        pushed = [] if item.is_anchored else [d for d in follows.get(item_id, []) if d.after_item_id in late]
        start = max(item.starts_at, needed_at(then, follows[item_id])[0]) if pushed else item.starts_at
        found = _as_said(item, start, mark, now)
        if (found.starts_at, found.minutes) != (item.starts_at, item.minutes):
            late.add(item_id)
            then[item_id] = found
    return then


def _as_said(item: Slot, start: datetime, mark: ItemMark | None, now: datetime) -> Slot:
    """The item as its mark has it: at least as late as was said, and not over before it is."""
    if mark is None or mark.state in ("planned", "dropped"):
        late = 0 if mark is None or mark.state == "dropped" else mark.late_minutes
        return _later(item, max(start, item.starts_at + timedelta(minutes=late)))
    moved = _later(item, mark.started_at or start)
    over = mark.done_at or max(now, moved.ends_at)
    minutes = max(item.minutes, round((over - moved.starts_at) / timedelta(minutes=1)))
    return msgspec.structs.replace(moved, minutes=min(minutes, MINUTES_MAX))


def _later(item: Slot, start: datetime) -> Slot:
    return at(item, start) if start > item.starts_at else item


def _entry(item: PlannedItem, then: Slot, mark: ItemMark | None, now: datetime) -> Entry:
    return Entry(
        id=item.id,
        title=item.title,
        kind=item.kind,
        place=item.place,
        zone=item.zone,
        planned_at=item.starts_at,
        expected_at=then.starts_at,
        ends_at=then.ends_at,
        late_minutes=max(0, round((then.starts_at - item.starts_at) / timedelta(minutes=1))),
        state=_state(then, mark, now),
        owner_link_id=item.owner_link_id,
        owner_membership_id=item.owner_membership_id,
        said_by=mark.said_by if mark else "",
    )


def _state(then: Slot, mark: ItemMark | None, now: datetime) -> State:
    """What was said goes before what the clock says."""
    if mark is not None and mark.state in ("done", "dropped"):
        return "dropped" if mark.state == "dropped" else "done"
    if mark is not None and mark.state == "started":
        return "now"
    if now < then.starts_at:
        return "later"
    return "now" if now < then.ends_at else "done"


def _order(entry: Entry) -> tuple[datetime, UUID]:
    return entry.expected_at, entry.id
