"""A venue's booking system for the host: bookings as records, its spaces, and what is planned in them. All that is
decided is what an answer means; what wins, when to try again and what to do next is the host's."""

from typing import Final, TypeVar

from wedsync.connections.contract import Account, Connection, Outcome, Tools
from wedsync.connections.records.contract import (
    Found,
    Gone,
    Hint,
    Listed,
    Moved,
    Pull,
    Pulled,
    Push,
    Pushed,
    ReadOnly,
    RemoteSpace,
)
from wedsync.connections.records.merge import still_to_write
from wedsync.connections.records.record import Field, Record, checked
from wedsync.connectors.venue_booking import cursor as cursors
from wedsync.connectors.venue_booking import mapper
from wedsync.connectors.venue_booking.answers import nowhere, read, wrote
from wedsync.connectors.venue_booking.client import Client
from wedsync.connectors.venue_booking.cursor import Cursor
from wedsync.kit import clock
from wedsync.kit.http import Failure, Reply

Read = TypeVar("Read")
WRITES: Final[frozenset[Field]] = frozenset(
    {"stage", "wedding_on", "name", "partner_name", "email", "partner_email", "phone", "partner_phone"}
)


class VenueBooking:
    """Connects, holds records, has spaces."""

    def __init__(self, tools: Tools) -> None:
        self._wire = tools.wire
        self._machine_now = tools.machine_now

    @property
    def writes(self) -> frozenset[Field]:
        return WRITES

    def spelled(self, record: Record) -> Record:
        return checked(record)

    async def account(self, connection: Connection, *, timeout_s: float) -> Account | Outcome:
        found = self._asked(await self._as(connection).get_venue(timeout_s=timeout_s), mapper.Venue)
        return Account(id=found.id, title=found.name or found.id) if isinstance(found, mapper.Venue) else found

    async def spaces(self, connection: Connection, *, timeout_s: float) -> tuple[RemoteSpace, ...] | Outcome:
        found = self._asked(await self._as(connection).list_spaces(timeout_s=timeout_s), mapper.Spaces)
        return mapper.to_spaces(found) if isinstance(found, mapper.Spaces) else found

    async def pull(self, pull: Pull, connection: Connection) -> Pulled | Outcome:
        cursor = cursors.read(pull.cursor)
        page = await self._page(cursor, connection, timeout_s=pull.timeout_s)
        if not isinstance(page, mapper.Page):
            return page
        after = cursors.after(cursor, page)
        hints = tuple(Hint(id=one.id, etag=one.version) for one in page.bookings)
        return Pulled(hints=hints, cursor=cursors.written(after), has_more=bool(after.next))

    async def read(self, id: str, connection: Connection, *, timeout_s: float) -> Found | Gone | Outcome:
        booking = await self._booking(id, connection, timeout_s=timeout_s)
        return mapper.to_found(booking) if isinstance(booking, mapper.Booking) else booking

    async def push(self, push: Push, connection: Connection) -> Pushed | Moved | Gone | ReadOnly | Outcome:
        """Read right before, and written against that version, so that nothing in between is overwritten."""
        until = clock.monotonic() + push.timeout_s
        booking = await self._booking(push.id, connection, timeout_s=push.timeout_s)
        if not isinstance(booking, mapper.Booking):
            return booking
        there = checked(mapper.to_found(booking).record)
        missing = still_to_write(there, push.before, push.record)
        if missing is None:
            return Moved(reason="The booking was changed there meanwhile.")
        body = mapper.to_change(push.record, missing, booking)
        if body:
            left_s = until - clock.monotonic()
            exchange = await self._as(connection).patch_booking(push.id, booking.version, body, timeout_s=left_s)
            said = wrote(exchange, now=self._machine_now())
            if said is not None:
                return said
        found = await self.read(push.id, connection, timeout_s=until - clock.monotonic())
        return Pushed(found=found) if isinstance(found, Found) else found

    async def listed(self, cursor: str, connection: Connection, *, timeout_s: float) -> Listed | Outcome:
        page = await self._page(Cursor(next=cursor), connection, timeout_s=timeout_s)
        if not isinstance(page, mapper.Page):
            return page
        ids = tuple(one.id for one in page.bookings)
        return Listed(ids=ids, cursor=page.next or "", has_more=bool(page.next))

    async def close(self) -> None:
        """Nothing is held: the network's door belongs to the process."""

    async def _page(self, cursor: Cursor, connection: Connection, *, timeout_s: float) -> mapper.Page | Outcome:
        exchange = await self._as(connection).list_bookings(since=cursor.since, cursor=cursor.next, timeout_s=timeout_s)
        return self._asked(exchange, mapper.Page)

    async def _booking(self, id: str, connection: Connection, *, timeout_s: float) -> mapper.Booking | Gone | Outcome:
        exchange = await self._as(connection).get_booking(id, timeout_s=timeout_s)
        return read(exchange, mapper.Booking, now=self._machine_now())

    def _asked(self, exchange: Reply | Failure, kind: type[Read]) -> Read | Outcome:
        """Of what must be there."""
        found = read(exchange, kind, now=self._machine_now())
        return nowhere(found.attempt) if isinstance(found, Gone) else found

    def _as(self, connection: Connection) -> Client:
        address, key = (connection.secrets.get(name, ("",))[0] for name in ("address", "password"))
        return Client(self._wire, address, key)


def connect(tools: Tools) -> VenueBooking:
    return VenueBooking(tools)
