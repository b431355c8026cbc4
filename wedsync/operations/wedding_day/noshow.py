"""The clock of a supplier who does not come: when it says what, and what hangs on them; pure.

Minutes count from when they are expected, or from when they said that they would be there if that is later. Who is on
the way is not asked whether they come; who is there is not looked for.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

import msgspec

from wedsync.days.model import MISSING, ArrivalState
from wedsync.schedule.ripple import at, dependencies_of, ripple
from wedsync.schedule.rows import PlannedItem, Slot

Severity = Literal["p1", "p2"]
RUNGS: Final = (-60, -15, 0, 15, 30)
"""Prompted, late, missing, to be decided, replaced."""
REPLACED_AFTER: Final = timedelta(minutes=30)
NEEDED: Final = frozenset({"celebrant", "registrar", "officiant", "venue", "transport"})
"""Without whom there is no ceremony."""


class Delayed(msgspec.Struct, frozen=True, kw_only=True):
    """An item that would start later."""

    item_id: UUID
    title: str
    planned_at: datetime
    expected_at: datetime


class Impact(msgspec.Struct, frozen=True, kw_only=True):
    """What hangs on somebody who is not there. `slack_minutes`: until their next part begins."""

    severity: Severity
    theirs: list[Delayed]
    others: list[Delayed]
    slack_minutes: int | None


def due_at(expected_at: datetime, eta_at: datetime | None) -> datetime:
    """When they are looked for."""
    return max(expected_at, eta_at) if eta_at is not None else expected_at


def rung(state: ArrivalState, due: datetime, now: datetime, *, is_certain: bool) -> int:
    """How far the clock is; 0 before it begins. Where it is not certain when they come, nobody is missed."""
    if state not in ("expected", "on_my_way"):
        return 0
    reached = sum(1 for minutes in RUNGS if now >= due + timedelta(minutes=minutes))
    if state == "on_my_way" and reached < MISSING:
        return 0
    return reached if is_certain else min(reached, MISSING - 1)


def next_at(due: datetime, now: datetime) -> datetime | None:
    """When the clock says something next; none where it has said all."""
    return next((then for minutes in RUNGS if (then := due + timedelta(minutes=minutes)) > now), None)


def impact(items: Sequence[PlannedItem], link_id: UUID, category: str, arrives_at: datetime) -> Impact:
    """What moves if they are there at this moment: their own items start no earlier, and what follows goes along."""
    plan: dict[UUID, Slot] = {item.id: item for item in items}
    own = [item for item in items if item.owner_link_id == link_id]
    late = [at(item, arrives_at) for item in own if item.starts_at < arrives_at <= item.ends_at + REPLACED_AFTER]
    moved = ripple(plan, dependencies_of(items), late)
    delayed = [
        Delayed(item_id=m.item_id, title=m.title, planned_at=m.before.starts_at, expected_at=m.after.starts_at)
        for m in moved.moves
        if m.after.starts_at > m.before.starts_at
    ]
    theirs = {item.id for item in own}
    hit = [plan[d.item_id] for d in delayed]
    is_core = category in NEEDED or any(item.kind == "ceremony" for item in hit)
    return Impact(
        severity="p1" if is_core else "p2",
        theirs=[d for d in delayed if d.item_id in theirs],
        others=[d for d in delayed if d.item_id not in theirs],
        slack_minutes=_slack(own, arrives_at),
    )


def _slack(own: Sequence[PlannedItem], now: datetime) -> int | None:
    """Minutes until the next thing they are responsible for."""
    ahead = [item.starts_at for item in own if item.starts_at >= now]
    return round((min(ahead) - now) / timedelta(minutes=1)) if ahead else None
