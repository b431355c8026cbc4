"""The facts of a person's own stream that are about notices, and the rows they are about."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from wedsync.events.catalogue import EventType, Lane
from wedsync.events.scope import Scope
from wedsync.notices.preferences import Severity


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `inbox`. Delivered, seen, read, acted and archived say since when; null, not yet."""

    id: UUID
    person_id: UUID
    event_id: UUID
    stream_id: UUID
    type: str
    title: str
    detail: str
    href: str
    occurred_at: datetime
    category: str
    severity: Severity
    created_at: datetime
    delivered_at: datetime | None
    seen_at: datetime | None
    read_at: datetime | None
    acted_at: datetime | None
    archived_at: datetime | None
    version: int
    updated_at: datetime


class InboxCounts(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `inbox_counts`: how many are unread and unseen now, whatever was told before."""

    person_id: UUID
    id: UUID
    unread: int
    unseen: int
    version: int
    updated_at: datetime


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One notice of a digest; `pass_id` is of the page that confirms it.

    `link_id` is the link that it was told through, and `scope` what of the wedding that must hold: both are looked at
    again when the digest leaves. Null and 0 for what is the couple's own.
    """

    event_id: UUID
    couple: str
    title: str
    before: str
    after: str
    href: str
    severity: Severity
    pass_id: UUID | None = None
    wedding_id: UUID | None = None
    link_id: UUID | None = None
    scope: int = 0


class DigestRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `digests`."""

    id: UUID
    person_id: UUID
    channel: str
    items: list[Item]
    made_at: datetime
    version: int


_P = "01920000-0000-7000-8000-000000000003"
_AT = "2026-11-21T10:00:00Z"
_NOTICE: dict[str, Any] = {
    "id": "01920000-0000-7000-8000-000000000009",
    "person_id": _P,
    "event_id": _P,
    "stream_id": _P,
    "type": "wedding.date_changed",
    "title": "Ana & Ben moved the date",
    "detail": "",
    "href": "/studio",
    "occurred_at": _AT,
    "category": "changes",
    "severity": "high",
    "created_at": _AT,
    "delivered_at": None,
    "seen_at": None,
    "read_at": None,
    "acted_at": None,
    "archived_at": None,
    "version": 1,
    "updated_at": _AT,
}
_COUNTS: dict[str, Any] = {"person_id": _P, "id": _P, "unread": 3, "unseen": 1, "version": 7, "updated_at": _AT}
_ITEM: dict[str, Any] = {
    "event_id": _P,
    "couple": "Ana & Ben",
    "title": "The ceremony has changed",
    "before": "13:00",
    "after": "14:00",
    "href": "/studio",
    "severity": "high",
    "pass_id": None,
}
NOTICE_ADDED = EventType(
    type="notice.added",
    scope=Scope.PRIVATE,
    table="inbox",
    row=Notice,
    description="A notice reached the person's inbox.",
    example=_NOTICE,
)
NOTICE_READ = EventType(
    type="notice.read",
    scope=Scope.PRIVATE,
    table="inbox",
    row=Notice,
    description="A notice was read.",
    example=_NOTICE,
)
NOTICE_MARKED = EventType(
    type="notice.marked",
    scope=Scope.PRIVATE,
    table="inbox",
    row=Notice,
    description="A notice was delivered or seen, acted on, put away, taken back or marked as unread.",
    example=_NOTICE,
)
INBOX_COUNTED = EventType(
    type="inbox.counted",
    scope=Scope.PRIVATE,
    table="inbox_counts",
    row=InboxCounts,
    description="How many notices are unread and unseen now; the whole numbers, so the newest one is right.",
    example=_COUNTS,
)
DIGEST_MADE = EventType(
    type="digest.made",
    scope=Scope.PRIVATE,
    table="digests",
    row=DigestRow,
    description="Notices that waited are told together.",
    example={
        "id": _P,
        "person_id": _P,
        "channel": "email",
        "items": [_ITEM],
        "made_at": _AT,
        "version": 1,
    },
    lane=Lane.NORMAL,
)
EVENTS = (NOTICE_ADDED, NOTICE_READ, NOTICE_MARKED, INBOX_COUNTED, DIGEST_MADE)
