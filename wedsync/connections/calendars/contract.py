"""What a calendar connector does beside `connections.contract`: lists calendars, tells changes, writes, watches.

All sync logic is the host's: a connector translates. It raises only for bugs of its own; what the provider does is an
answer or one of the five outcomes. It never decides what wins, never retries, never keeps state between calls.
`Connection.secrets` holds what the manifest's way to connect gives: `access_token`, or `username` and `password`.
"""

from datetime import datetime
from typing import Protocol, runtime_checkable

import msgspec

from wedsync.connections.calendars.event import CalendarEvent
from wedsync.connections.contract import Attempt, Connection, Connector, Outcome


class RemoteCalendar(msgspec.Struct, frozen=True, kw_only=True):
    """A calendar of the account. `zone` is that of its floating times and whole days."""

    id: str
    title: str
    zone: str = "UTC"
    is_writable: bool = False
    is_primary: bool = False


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One remote event as it is now; `event` null: it is gone, and with `series` that day is left out of the series.

    `id` addresses the event there (CalDAV: href and, for an exception, its recurrence id). `series` is the id of the
    series an exception belongs to and `original` the start it had, as ISO local time or date. `marker` is what we wrote
    into it when we made it. `is_editable` is False where another organizer owns it or the copy is locked. `is_whole`:
    all exceptions of this series come with it on this page, so that one which does not is gone.
    `updated_at` is the provider's clock.
    """

    id: str
    etag: str = ""
    event: CalendarEvent | None = None
    series: str = ""
    original: str = ""
    marker: str = ""
    is_editable: bool = True
    is_whole: bool = False
    updated_at: datetime | None = None


class Pull(msgspec.Struct, frozen=True, kw_only=True):
    """From `cursor` on; "" lists anew what touches `since`…`until`. `zone` is the calendar's."""

    calendar: str
    cursor: str
    since: datetime
    until: datetime
    zone: str = "UTC"
    timeout_s: float = 10.0


class Pulled(msgspec.Struct, frozen=True, kw_only=True):
    """One page. `cursor` goes on from it: with `has_more` at once, else next time. `is_listing`: part of a full
    listing, at whose end whatever was not named is gone. What changes while a listing goes on, which may take more than
    one run, is told by it or from its last cursor on: twice rather than never. `unread`: events that could not be
    understood and left."""

    changes: tuple[Change, ...]
    cursor: str
    has_more: bool = False
    is_listing: bool = False
    unread: int = 0
    attempt: Attempt = Attempt()


class CursorLost(msgspec.Struct, frozen=True, kw_only=True):
    """The provider does not know the cursor any more (410, valid-sync-token): list anew."""

    reason: str
    attempt: Attempt = Attempt()


class Push(msgspec.Struct, frozen=True, kw_only=True):
    """Write one event: made when `id` is "", deleted when `event` is null, else changed if its `etag` is still this.

    `key` is the same for every try of one creation, so that trying twice makes one event; `marker` is kept in it.
    There is no making of an exception: a booking and an item of a schedule take place once, so nothing of ours has any.
    Series of theirs, with their exceptions, are read; one that they make of an event of ours is refused and shown.
    """

    calendar: str
    key: str
    marker: str
    id: str = ""
    etag: str = ""
    event: CalendarEvent | None = None
    zone: str = "UTC"
    timeout_s: float = 10.0


class Pushed(msgspec.Struct, frozen=True, kw_only=True):
    """Written. `etag` "" where the provider tells none: the next pull does."""

    id: str
    etag: str = ""
    attempt: Attempt = Attempt()


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """It was changed there meanwhile (412) or exists already: pull, decide anew."""

    reason: str
    attempt: Attempt = Attempt()


class Gone(msgspec.Struct, frozen=True, kw_only=True):
    """It is not there any more (404, 410), or its calendar is not: `is_calendar`."""

    is_calendar: bool = False
    attempt: Attempt = Attempt()


class ReadOnly(msgspec.Struct, frozen=True, kw_only=True):
    """This event cannot be written by us: somebody else's meeting, a locked copy, a rule the provider cannot hold."""

    reason: str
    attempt: Attempt = Attempt()


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    """Tell us at `address` when something changes. `id` and `token` are ours and come back with each notification."""

    calendar: str
    id: str
    token: str
    address: str
    expires_at: datetime
    timeout_s: float = 10.0


class Watching(msgspec.Struct, frozen=True, kw_only=True):
    """`id` addresses the subscription there; it ends by itself at `expires_at`."""

    id: str
    expires_at: datetime
    attempt: Attempt = Attempt()


@runtime_checkable
class Calendars(Connector, Protocol):
    """A provider of calendars."""

    async def calendars(self, connection: Connection, *, timeout_s: float) -> tuple[RemoteCalendar, ...] | Outcome: ...
    async def pull(self, pull: Pull, connection: Connection) -> Pulled | CursorLost | Gone | Outcome: ...
    async def push(self, push: Push, connection: Connection) -> Pushed | Moved | Gone | ReadOnly | Outcome: ...


@runtime_checkable
class Watches(Connector, Protocol):
    """A provider that tells of changes. What it sends is verified by the inbound door, by the manifest's scheme."""

    async def watch(self, watch: Watch, connection: Connection) -> Watching | Outcome: ...
    async def unwatch(self, calendar: str, watching: Watching, connection: Connection) -> Outcome: ...


@runtime_checkable
class Renews(Watches, Protocol):
    """A provider whose watches go on: the same one for longer, or a new one where it does not know it any more."""

    async def renew(self, held: Watching, watch: Watch, connection: Connection) -> Watching | Outcome: ...
