"""The events of records: how a CRM is kept in step, and what that leaves to people. What is in a record is in none."""

import builtins
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from wedsync.events.catalogue import EventType, Lane
from wedsync.events.scope import Scope

Direction = Literal["off", "import", "both", "send"]
Kind = Literal["changed", "removed", "refused", "sweep", "unsent"]


class BookTold(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `record_books` as its events carry it."""

    id: UUID
    tenant_id: UUID
    direction: Direction
    version: int
    created_at: datetime
    updated_at: datetime


class ConflictTold(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `record_conflicts` as its events carry it: that there is one, and no word of what is in it."""

    id: UUID
    tenant_id: UUID
    book_id: UUID
    item_id: UUID | None
    client_id: UUID | None
    kind: Kind
    about: str
    state: Literal["open", "resolved"]
    kept: Literal["", "ours", "theirs"]
    since: datetime
    resolved_at: datetime | None
    resolved_by: UUID | None
    version: int
    updated_at: datetime


class MapTold(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `record_maps` as its events carry it: names of fields, and no word of what is in them."""

    id: UUID
    tenant_id: UUID
    book_id: UUID
    version: int
    rules: list[dict[str, Any]]
    made_by: UUID | None
    created_at: datetime


class MessageHeard(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `record_messages` as its events carry it: that something was said and when, and no word of it."""

    id: UUID
    tenant_id: UUID
    book_id: UUID
    said_at: datetime
    changed_at: datetime
    gone_at: datetime | None


_AT = "2026-11-21T10:00:00+00:00"
_BOOK: dict[str, Any] = {
    "id": "01920000-0000-7000-8000-00000000000e",
    "tenant_id": "01920000-0000-7000-8000-00000000000a",
    "direction": "both",
    "version": 2,
    "created_at": _AT,
    "updated_at": _AT,
}
_CONFLICT: dict[str, Any] = {
    "id": "01920000-0000-7000-8000-000000000044",
    "tenant_id": "01920000-0000-7000-8000-00000000000a",
    "book_id": "01920000-0000-7000-8000-00000000000e",
    "item_id": "01920000-0000-7000-8000-000000000045",
    "client_id": "01920000-0000-7000-8000-000000000041",
    "kind": "changed",
    "about": "wedding_on",
    "state": "open",
    "kept": "",
    "since": _AT,
    "resolved_at": None,
    "resolved_by": None,
    "version": 1,
    "updated_at": _AT,
}
_MAP: dict[str, Any] = {
    "id": "01920000-0000-7000-8000-000000000046",
    "tenant_id": "01920000-0000-7000-8000-00000000000a",
    "book_id": "01920000-0000-7000-8000-00000000000e",
    "version": 1,
    "rules": [{"target": "wedding_on", "source": ["$.event.date"], "direction": "both"}],
    "made_by": "01920000-0000-7000-8000-000000000001",
    "created_at": _AT,
}

_MESSAGE: dict[str, Any] = {
    "id": "01920000-0000-7000-8000-000000000082",
    "tenant_id": "01920000-0000-7000-8000-00000000000a",
    "book_id": "01920000-0000-7000-8000-00000000000e",
    "said_at": _AT,
    "changed_at": _AT,
    "gone_at": None,
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


OPENED = _type("record_book.opened", "record_books", BookTold, _BOOK, "A CRM was connected, and its jobs are read.")
CHANGED = _type("record_book.changed", "record_books", BookTold, _BOOK, "A CRM is kept in step otherwise, or no more.")
CONFLICTED = _type(
    "record_conflict.found",
    "record_conflicts",
    ConflictTold,
    _CONFLICT,
    "A CRM and we differ in what people must decide.",
    Lane.HIGH,
)
RECONSIDERED = _type(
    "record_conflict.changed", "record_conflicts", ConflictTold, _CONFLICT, "What differs is something else now."
)
RESOLVED = _type(
    "record_conflict.resolved",
    "record_conflicts",
    ConflictTold,
    {**_CONFLICT, "state": "resolved", "kept": "ours"},
    "It was decided, or is so no more.",
)
MAPPED = _type("record_map.saved", "record_maps", MapTold, _MAP, "Other fields of a CRM are fields of clients now.")
TOLD = _type(
    "record_message.told",
    "record_messages",
    MessageHeard,
    _MESSAGE,
    "A CRM has told a message of a couple's, new or in other words; bulk, so nobody is owed it.",
)
FORGOTTEN = _type(
    "record_message.forgotten",
    "record_messages",
    MessageHeard,
    {**_MESSAGE, "gone_at": _AT},
    "A CRM has a message no more, and its words are forgotten here; bulk, so nobody is owed it.",
)
EVENTS = (OPENED, CHANGED, CONFLICTED, RECONSIDERED, RESOLVED, MAPPED, TOLD, FORGOTTEN)
