"""What is kept sealed of calendars: remote ids and titles, and of each event of ours what is there and was agreed.

Remote ids are sealed too: a calendar's is often somebody's address, and an event's may hold one. They are found again
by hashes.
"""

import hashlib
from datetime import datetime
from uuid import UUID

import msgspec

from wedsync.connections.calendars.event import CalendarEvent, Group
from wedsync.connections.tenant_seals import TenantSeals


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """Of a calendar."""

    id: str
    title: str


class Adopted(msgspec.Struct, frozen=True, kw_only=True):
    """A group that they changed and that is nothing of ours to change, such as their own words: it stays theirs as long
    as ours is as it was."""

    ours: CalendarEvent
    theirs: CalendarEvent


class Kept(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Of one event of ours. `theirs` is what is there as far as we know, `base` what both agreed on; `asked` is what
    ours was when their move was proposed to its owner, `updated_at` their clock; `is_left`: they deleted it, and so be
    it."""

    remote_id: str = ""
    base: CalendarEvent | None = None
    theirs: CalendarEvent | None = None
    asked: CalendarEvent | None = None
    adopted: dict[Group, Adopted] = {}
    updated_at: datetime | None = None
    is_left: bool = False


class Dispute(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Both sides of a conflict, null where it is deleted, and why it is one in a sentence."""

    ours: CalendarEvent | None = None
    theirs: CalendarEvent | None = None
    why: str = ""


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """What the provider tells us by, and where: a watch of another address is no use any more."""

    id: str
    until: datetime
    address: str = ""


class Seals(TenantSeals):
    """Seals and opens what is kept of one tenant's calendars."""

    def named(self, row: UUID, sealed: bytes) -> Named:
        return self.open(sealed, Named, table="calendars", row=row)

    def kept(self, row: UUID, sealed: bytes | None) -> Kept:
        return Kept() if sealed is None else self.open(sealed, Kept, table="calendar_events", row=row)

    def calendar_key(self, remote_id: str) -> bytes:
        """Keeps one calendar from being two rows. It is often somebody's address, so it takes the ring to make it."""
        exact = hashlib.sha256(remote_id.encode()).hexdigest()
        return self._ring.blind(exact, tenant=self._tenant, table="calendars", column="remote_key")


def event_key(calendar_id: UUID, remote_id: str) -> bytes:
    """By which an event of a calendar is found again. It must outlive every key of the ring, for the ids of their
    events are kept in no other form."""
    return hashlib.blake2b(remote_id.encode(), digest_size=16, key=calendar_id.bytes).digest()


def creation_key(event_id: UUID, creation: int) -> str:
    """The same for every try of one creation: 32 hex digits, which every provider takes for an id."""
    return hashlib.sha256(f"{event_id}|{creation}".encode()).hexdigest()[:32]
