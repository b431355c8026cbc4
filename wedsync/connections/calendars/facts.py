"""The events of calendars: which are kept in step, and what the sync leaves to people. Titles are in none of them."""

import builtins
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from wedsync.connections.calendars.merge import Direction, Policy
from wedsync.events.catalogue import EventType, Lane
from wedsync.events.scope import Scope

Chosen = Literal["off"] | Direction
Kind = Literal["changed", "deleted", "removed", "refused", "sweep", "gone"]


class CalendarTold(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `calendars` as its events carry it."""

    id: UUID
    tenant_id: UUID
    connection_id: UUID
    zone: str
    is_writable: bool
    is_primary: bool
    is_there: bool
    direction: Chosen
    policy: Policy
    has_bookings: bool
    has_schedule: bool
    resource_id: UUID | None
    version: int
    created_at: datetime
    updated_at: datetime


class ConflictTold(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `calendar_conflicts` as its events carry it: that there is one, and no word of what is in it."""

    id: UUID
    tenant_id: UUID
    calendar_id: UUID
    event_id: UUID | None
    kind: Kind
    about: str
    state: Literal["open", "resolved"]
    kept: Literal["", "ours", "theirs"]
    since: datetime
    resolved_at: datetime | None
    resolved_by: UUID | None
    version: int
    updated_at: datetime


_AT = "2026-11-21T10:00:00+00:00"
_CALENDAR: dict[str, Any] = {
    "id": "01920000-0000-7000-8000-000000000041",
    "tenant_id": "01920000-0000-7000-8000-00000000000a",
    "connection_id": "01920000-0000-7000-8000-00000000000e",
    "zone": "Europe/London",
    "is_writable": True,
    "is_primary": True,
    "is_there": True,
    "direction": "both",
    "policy": "manual",
    "has_bookings": True,
    "has_schedule": True,
    "resource_id": None,
    "version": 2,
    "created_at": _AT,
    "updated_at": _AT,
}
_CONFLICT: dict[str, Any] = {
    "id": "01920000-0000-7000-8000-000000000042",
    "tenant_id": "01920000-0000-7000-8000-00000000000a",
    "calendar_id": "01920000-0000-7000-8000-000000000041",
    "event_id": "01920000-0000-7000-8000-000000000043",
    "kind": "changed",
    "about": "times",
    "state": "open",
    "kept": "",
    "since": _AT,
    "resolved_at": None,
    "resolved_by": None,
    "version": 1,
    "updated_at": _AT,
}


def _type(
    name: str,
    table: str,
    row: "builtins.type[msgspec.Struct]",
    example: dict[str, Any],
    says: str,
    lane: Lane = Lane.NORMAL,
) -> EventType:
    return EventType(type=name, scope=Scope.PRIVATE, table=table, row=row, description=says, example=example, lane=lane)


FOUND = _type("calendar.found", "calendars", CalendarTold, _CALENDAR, "A connected account has this calendar.")
CHANGED = _type(
    "calendar.changed", "calendars", CalendarTold, _CALENDAR, "A calendar was chosen, is kept otherwise, or is gone."
)
CONFLICTED = _type(
    "calendar_conflict.found",
    "calendar_conflicts",
    ConflictTold,
    _CONFLICT,
    "A calendar and we differ in what people must decide.",
    Lane.HIGH,
)
RECONSIDERED = _type(
    "calendar_conflict.changed", "calendar_conflicts", ConflictTold, _CONFLICT, "What differs is something else now."
)
RESOLVED = _type(
    "calendar_conflict.resolved",
    "calendar_conflicts",
    ConflictTold,
    {**_CONFLICT, "state": "resolved", "kept": "ours"},
    "It was decided, or is so no more.",
)
EVENTS = (FOUND, CHANGED, CONFLICTED, RECONSIDERED, RESOLVED)
