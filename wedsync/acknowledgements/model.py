"""An acknowledgement, its tally, and what a change says in one line."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from wedsync.events.catalogue import EventType, Lane
from wedsync.events.scope import Scope


class Acknowledgement(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `acknowledgements`: the newest version of one matter, for one link. `cannot_at`: the link said no."""

    id: UUID
    wedding_id: UUID
    link_id: UUID
    about: str
    event_id: UUID
    event_seq: int
    type: str
    summary: dict[str, Any]
    status: str
    opened_at: datetime
    seen_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: UUID | None
    cannot_at: datetime | None
    via: str | None
    version: int
    updated_at: datetime


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """How a matter stands: "7 of 9 confirmed; the florist has not seen it"."""

    about: str
    type: str
    asked: int
    acknowledged: int
    seen: int
    waiting_for: list[str]


_AT = "2026-11-21T10:00:00Z"
_EXAMPLE = {
    "id": "01920000-0000-7000-8000-00000000000c",
    "wedding_id": "01920000-0000-7000-8000-000000000001",
    "link_id": "01920000-0000-7000-8000-00000000000b",
    "about": "wedding.times_changed",
    "event_id": "01920000-0000-7000-8000-00000000000d",
    "event_seq": 42,
    "type": "wedding.times_changed",
    "summary": {"ceremony_at": ["13:30:00", "14:00:00"]},
    "status": "open",
    "opened_at": _AT,
    "seen_at": None,
    "acknowledged_at": None,
    "acknowledged_by": None,
    "cannot_at": None,
    "via": None,
    "version": 1,
    "updated_at": _AT,
}


def _type(name: str, text: str, lane: Lane = Lane.NORMAL) -> EventType:
    return EventType(
        type=f"acknowledgement.{name}",
        scope=Scope.CORE,
        table="acknowledgements",
        row=Acknowledgement,
        description=text,
        example=_EXAMPLE,
        lane=lane,
    )


OPENED = _type("opened", "A change concerns a link, which is asked to confirm it.", Lane.HIGH)
SEEN = _type("seen", "The link has looked at the change.")
GIVEN = _type("given", "The link confirmed the change.", Lane.HIGH)
DECLINED = _type("declined", "The link has seen the change and says that it cannot do it.", Lane.HIGH)
EVENTS = (OPENED, SEEN, GIVEN, DECLINED)


def tally(rows: Iterable[tuple[str, str, str, str]]) -> list[Tally]:
    """From (about, type, status, supplier name) of every link asked."""
    matters: dict[str, tuple[str, Counter[str], list[str]]] = {}
    for about, kind, status, name in rows:
        _, counts, waiting = matters.setdefault(about, (kind, Counter(), []))
        counts[status] += 1
        if status != "acknowledged":
            waiting.append(name)
    return [
        Tally(
            about=about,
            type=kind,
            asked=counts.total(),
            acknowledged=counts["acknowledged"],
            seen=counts["seen"],
            waiting_for=waiting,
        )
        for about, (kind, counts, waiting) in matters.items()
    ]
