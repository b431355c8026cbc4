"""The events of a link's correspondence: that something was shared, and no word of it."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from wedsync.events.catalogue import EventType
from wedsync.events.scope import Scope


class MessageTold(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `messages` as its events carry it."""

    id: UUID
    wedding_id: UUID
    link_id: UUID
    source_id: UUID
    said_at: datetime
    shared_by: UUID | None
    version: int
    created_at: datetime
    updated_at: datetime


_EXAMPLE: dict[str, Any] = {
    "id": "01920000-0000-7000-8000-000000000081",
    "wedding_id": "01920000-0000-7000-8000-000000000001",
    "link_id": "01920000-0000-7000-8000-00000000000b",
    "source_id": "01920000-0000-7000-8000-000000000082",
    "said_at": "2027-01-10T10:00:00+00:00",
    "shared_by": "01920000-0000-7000-8000-000000000002",
    "version": 1,
    "created_at": "2027-01-12T10:00:00+00:00",
    "updated_at": "2027-01-12T10:00:00+00:00",
}


def _type(name: str, says: str) -> EventType:
    return EventType(
        type=f"message.{name}", scope=Scope.CORE, table="messages", row=MessageTold, description=says, example=_EXAMPLE
    )


SHARED = _type("shared", "A supplier shared a message of its correspondence with the couple.")
WITHDRAWN = _type("withdrawn", "A supplier shares a message no more.")
EVENTS = (SHARED, WITHDRAWN)
