"""An opening as both sides see it, what it shows, and the event by which a couple hears of it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from wedsync.events.catalogue import EventType, Lane
from wedsync.events.scope import Scope

MINUTES: Final = 60
MINUTES_MAX: Final = 240
ROWS_MAX: Final = 1000

Part = Literal["wedding", "schedule", "guests", "suppliers", "tasks", "deliveries"]
PARTS: Final[Mapping[Part, str]] = {
    "wedding": "The wedding",
    "schedule": "Schedule",
    "guests": "Guests and answers",
    "suppliers": "Suppliers",
    "tasks": "Tasks",
    "deliveries": "Deliveries",
}


class AskOpening(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one operator asks another for."""

    wedding_id: UUID
    reason: Annotated[
        str, Meta(min_length=10, max_length=500, description="What must be looked at, and why. The couple reads it.")
    ]
    minutes: Annotated[int, Meta(ge=5, le=MINUTES_MAX, description="So long it is open, from the approval on.")] = (
        MINUTES
    )


class OperatorLook(msgspec.Struct, frozen=True, kw_only=True):
    """One look, at one part of the wedding."""

    part: Part
    at: datetime


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """One that is asked for, open, or over. `looks`: newest first, the last 500."""

    id: UUID
    wedding_id: UUID
    reason: str
    minutes: int
    asked_by: UUID
    asked_by_name: str
    asked_at: datetime
    expires_at: datetime
    approved_by_name: str
    approved_at: datetime | None
    ended_by_name: str
    ended_at: datetime | None
    state: Literal["asked", "open", "over"]
    looks: list[OperatorLook]


class Openings(msgspec.Struct, frozen=True, kw_only=True):
    """Newest first."""

    items: list[Opening]


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """One part of an opened wedding; `is_cut` where there is more than it shows."""

    part: Part
    expires_at: datetime
    items: list[dict[str, Any]]
    is_cut: bool


class OpeningRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `openings`."""

    id: UUID
    wedding_id: UUID
    reason: str
    minutes: int
    asked_by: UUID
    asked_at: datetime
    expires_at: datetime
    approved_by: UUID | None
    approved_at: datetime | None
    ended_by: UUID | None
    ended_at: datetime | None
    told_at: datetime | None


_APPROVED: Final = EventType(
    type="opening.approved",
    scope=Scope.PRIVATE,
    table="openings",
    row=OpeningRow,
    description="Operators of WedSync have opened the wedding to one of them, to be read for a while.",
    example={
        "id": "01920000-0000-7000-8000-0000000000e1",
        "wedding_id": "01920000-0000-7000-8000-000000000001",
        "reason": "The couple asked why their webhook does not arrive.",
        "minutes": 60,
        "asked_by": "01920000-0000-7000-8000-0000000000e2",
        "asked_at": "2027-05-03T10:00:00+00:00",
        "expires_at": "2027-05-03T11:10:00+00:00",
        "approved_by": "01920000-0000-7000-8000-0000000000e3",
        "approved_at": "2027-05-03T10:10:00+00:00",
        "ended_by": None,
        "ended_at": None,
        "told_at": "2027-05-03T10:10:01+00:00",
    },
    lane=Lane.HIGH,
)
EVENTS: Final = (_APPROVED,)
