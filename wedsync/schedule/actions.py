"""Every write of the schedule: items with what follows them, the days they make, and on-day contacts.

The first ceremony and reception stand for the wedding's core times: moving them here changes the core in the same
transaction, which only the couple may. `wedding_days` are kept in the transaction of whatever changes an item.
"""

from collections.abc import Iterable, Sequence
from datetime import date, time, timedelta
from typing import Any
from uuid import UUID

import msgspec

from wedsync.events.record import record
from wedsync.kit import sql
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import FieldError, Refusal, not_found
from wedsync.schedule import facts, model
from wedsync.schedule.ripple import Conflict, Dependency, Move, Ripple, at, dependencies_of, follow, grouped, ripple, standing
from wedsync.schedule.rows import After, ContactChange, MoveItem, NewContact, NewItem, PlannedItem
from wedsync.web.context import invalid, stale
from wedsync.weddings import actions as weddings

queries = sql.load("wedsync.schedule")
Plan = dict[UUID, PlannedItem]
TIMES = frozenset({"on", "at_local", "zone"})
COUPLE_ONLY = ("takes_rsvps", "audience")
# What a supplier who owns an item wants to know of before the day.
OWNER_ASKED = frozenset({"place", "minutes", "owner_link_id"})


class CoreTime(msgspec.Struct, frozen=True, kw_only=True):
    """A core time of the wedding that goes along: `ceremony_at` or `reception_at`."""

    field: str
    before: time | None
    after: time


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """What a move does: every new start, what anchors stopped, and core times that go along."""

    is_saved: bool
    version: int
    moves: list[Move]
    conflicts: list[Conflict]
    core: list[CoreTime]


class _Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """One changed item and what follows from it, before anything is written."""

    plan: Plan
    item: PlannedItem
    fields: dict[str, Any]
    ripple: Ripple
    follows: list[Dependency] | None
    core: list[CoreTime]

    @property
    def now(self) -> Plan:
        return _after(self.plan | {self.item.id: self.item}, self.ripple)


async def add(tx: Tx, new: NewItem) -> UUID:
    """Put an item on the schedule; returns its id. Raises Refusal 403, 409 or 422."""
    await tx.run(queries.lock)
    wedding = await _wedding(tx)
    plan = planned(await tx.rows(queries.plan))
    if len(plan) >= model.ITEMS_MAX:
        raise Refusal(409, "schedule_full", f"A schedule holds {model.ITEMS_MAX} items. Remove some, or join them.")
    fields = _new_fields(new, wedding)
    await _check(tx, fields, is_couple=wedding["is_couple"])
    item = _draft(wedding, fields)
    outcome = _outcome(plan, item, {}, new.after, wedding, stays=False)
    row = await tx.row(queries.add, _json({k: getattr(outcome.item, k) for k in ("id", *fields)}))
    if row is None:
        raise not_found("item")
    record(tx, facts.ADDED, op="INSERT", row=row)
    await _follow_up(tx, outcome, wedding["wedding_id"])
    return outcome.item.id


async def change(tx: Tx, item_id: UUID, fields: dict[str, Any], *, version: int | None = None) -> int:
    """Change an item and re-time what follows it; returns the new version. Raises Refusal 403, 404, 412 or 422."""
    outcome = await _changed(tx, item_id, fields, version=version)
    return outcome.item.version if not _does_something(outcome) else await _write(tx, outcome)


async def move(tx: Tx, item_id: UUID, to: MoveItem, *, version: int | None = None) -> Moved:
    """Move an item and everything that follows it. Raises Refusal 403, 404, 412 or 422."""
    outcome = await _changed(tx, item_id, _fields_of_move, to, version=version)
    written = await _write(tx, outcome) if _does_something(outcome) else outcome.item.version
    return _shown(outcome, version=written, is_saved=True)
