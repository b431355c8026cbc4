"""Calendars as doors show them: which there are, how each is kept, how fresh it is, and what waits for a decision."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from wedsync.connections.calendars.event import CalendarEvent
from wedsync.connections.calendars.facts import EVENTS, Chosen, Kind
from wedsync.connections.calendars.kept import Dispute, Seals
from wedsync.connections.calendars.merge import Policy
from wedsync.kit.db import Row
from wedsync.kit.errors import FieldError, Refusal
from wedsync.kit.seal import KeyRing

__all__ = ("EVENTS",)

Outcome = Literal["waiting", "done", "held", "later", "failed", "reconnect", "gone"]
Side = Literal["ours", "theirs"]
DIRECTIONS: Final = {
    "off": "Not used",
    "import": "Only read: its busy times count, nothing is written there",
    "both": "Both ways: moved on either side, moved on the other",
    "export": "Only written: your bookings and schedules are shown there",
}
POLICIES: Final = {
    "manual": "Ask me",
    "ours": "WedSync is right",
    "theirs": "The calendar is right",
    "latest": "Whoever changed it last is right",
}
KINDS: Final[dict[str, tuple[str, str]]] = {
    "changed": ("Changed on both sides", "Choose which of the two holds."),
    "deleted": ("Deleted on one side, changed on the other", "Choose whether it stays."),
    "removed": ("Deleted in the calendar", "Put it back there, or leave it out. Here nothing is deleted."),
    "refused": ("A change that cannot be made", "Take back the change in the calendar, or make room and try again."),
    "sweep": ("Much has vanished at once", "Say whether that is right. Until then your busy times stay as they were."),
    "gone": ("The calendar is gone", "Choose another one, or switch this one off."),
}
BUTTONS: Final[dict[str, tuple[str, str]]] = {
    "changed": ("Keep WedSync’s", "Keep the calendar’s"),
    "deleted": ("Keep WedSync’s", "Keep the calendar’s"),
    "removed": ("Put it back", "Leave it out"),
    "refused": ("Undo it in the calendar", "Try again"),
    "sweep": ("Keep what was there", "They are gone"),
    "gone": ("All right", "Switch it off"),
}


class Calendar(msgspec.Struct, frozen=True, kw_only=True):
    """A calendar of a connected account. `pulled_at` is when it was last read to its end, `synced_at` when both sides
    last agreed; `is_told`: the provider tells of changes by itself, else it is asked every few minutes."""

    id: UUID
    tenant_id: UUID
    connection_id: UUID
    connector: str
    connection: str
    connection_state: str | None
    title: str
    zone: str
    is_writable: bool
    is_primary: bool
    is_there: bool
    direction: Chosen
    policy: Policy
    has_bookings: bool
    has_schedule: bool
    resource_id: UUID | None
    outcome: Outcome
    reason: str
    pulled_at: datetime | None
    synced_at: datetime | None
    is_told: bool
    conflicts: int
    version: int
    created_at: datetime
    updated_at: datetime


class CalendarChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is absent stays. `resource_id`: whose busy times it holds and whose bookings go there, null the business."""

    direction: Chosen | UnsetType = UNSET
    policy: Policy | UnsetType = UNSET
    has_bookings: bool | UnsetType = UNSET
    has_schedule: bool | UnsetType = UNSET
    resource_id: UUID | None | UnsetType = UNSET


class SyncRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run that did something or went wrong: events that came, were taken over here, written there, or unreadable."""

    id: UUID
    calendar_id: UUID
    began_at: datetime
    ended_at: datetime
    outcome: Outcome
    reason: str
    pulled: int
    taken: int
    written: int
    conflicts: int
    unread: int


class Conflict(msgspec.Struct, frozen=True, kw_only=True):
    """Both sides of what people must decide, null where it is deleted. `about` names what of it differs."""

    id: UUID
    calendar_id: UUID
    calendar: str
    zone: str
    event_id: UUID | None
    of: Literal["booking", "item"] | None
    kind: Kind
    about: str
    words: str
    fix: str
    why: str
    ours: CalendarEvent | None
    theirs: CalendarEvent | None
    state: Literal["open", "resolved"]
    kept: Literal["", "ours", "theirs"]
    since: datetime
    resolved_at: datetime | None
    version: int


class Resolution(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which side holds. For what was deleted there: ours puts it back, theirs leaves it out."""

    keep: Annotated[Side, Meta(description="ours or theirs")]


def calendar(ring: KeyRing, row: Row, now: datetime) -> Calendar:
    """A row of the calendars, its title opened."""
    given: dict[str, Any] = dict(row)
    given["title"] = Seals(ring, row["tenant_id"]).named(row["id"], row["sealed"]).title
    given["is_told"] = row["watch_until"] is not None and row["watch_until"] > now
    return Calendar(**{name: given[name] for name in Calendar.__struct_fields__})


def conflict(ring: KeyRing, row: Row) -> Conflict:
    """A row of the conflicts, both sides opened."""
    seals = Seals(ring, row["tenant_id"])
    dispute = seals.open(row["sealed"], Dispute, table="calendar_conflicts", row=row["id"])
    words, fix = KINDS[row["kind"]]
    given: dict[str, Any] = dict(row) | {
        "calendar": seals.named(row["calendar_id"], row["calendar_sealed"]).title,
        "words": words,
        "fix": fix,
        "why": dispute.why,
        "ours": dispute.ours,
        "theirs": dispute.theirs,
    }
    return Conflict(**{name: given[name] for name in Conflict.__struct_fields__})


def check(direction: str, *, is_writable: bool, is_there: bool) -> None:
    """Raises Refusal 409 for what the calendar cannot be."""
    if direction != "off" and not is_there:
        raise Refusal(409, "calendar_gone", "This calendar is not there any more. Choose another one.")
    if direction in ("both", "export") and not is_writable:
        reason = "cannot be written to"
        errors = [FieldError("direction", reason, "Send import: its busy times count.")]
        raise Refusal(409, "read_only", f"This calendar {reason}. Only import fits it.", errors=errors)
