"""Tripleseat for the host: says which bookings may have changed, reads one, writes one. All that is decided is what an
answer means; what wins, when to try again and what to do next is the host's."""

from typing import Final

from wedsync.connections.contract import Account, Connection, Outcome, Tools
from wedsync.connections.pace import Pace
from wedsync.connections.records.contract import Found, Gone, Listed, Moved, Pull, Pulled, Push, Pushed, ReadOnly
from wedsync.connections.records.merge import still_to_write
from wedsync.connections.records.record import Field, Record, checked
from wedsync.connectors.tripleseat import listing, mapper
from wedsync.connectors.tripleseat.answers import read, wrote
from wedsync.connectors.tripleseat.client import Client
from wedsync.kit import clock

WRITES: Final[frozenset[Field]] = frozenset(
    {"stage", "wedding_on", "name", "partner_name", "email", "partner_email", "phone", "partner_phone"}
)
PER_SECOND: Final = 10
"""What Tripleseat takes of one venue."""


class Tripleseat:
    """Connects, holds records."""

    def __init__(self, tools: Tools) -> None:
        self._wire = tools.wire
        self._machine_now = tools.machine_now
        self._base_url: str = tools.settings["tripleseat_base_url"]
        self._pace = Pace(int(tools.settings["tripleseat_per_second"] or PER_SECOND))

    @property
    def writes(self) -> frozenset[Field]:
        return WRITES

    def spelled(self, record: Record) -> Record:
        return mapper.spelled(record)

    async def account(self, connection: Connection, *, timeout_s: float) -> Account | Outcome:
        """A venue is known by the first of its sites, whose ids never change."""
        exchange = await self._as(connection).list_sites(timeout_s=timeout_s)
        found = read(exchange, mapper.Sites, now=self._machine_now())
        if not isinstance(found, mapper.Sites):
            return listing.nowhere() if isinstance(found, Gone) else found
        first = min(found.results, key=lambda one: one.id, default=None)
        return listing.nowhere() if first is None else Account(id=str(first.id), title=first.name or str(first.id))

    async def pull(self, pull: Pull, connection: Connection) -> Pulled | Outcome:
        return await listing.pull(pull, self._as(connection), now=self._machine_now())

    async def read(self, id: str, connection: Connection, *, timeout_s: float) -> Found | Gone | Outcome:
        booking = await self._booking(id, connection, timeout_s=timeout_s)
        return mapper.to_found(booking) if isinstance(booking, mapper.Booking) else booking

    async def push(self, push: Push, connection: Connection) -> Pushed | Moved | Gone | ReadOnly | Outcome:
        """Tripleseat compares no versions, so the booking is read right before and written in what differs only."""
        until = clock.monotonic() + push.timeout_s
        booking = await self._booking(push.id, connection, timeout_s=push.timeout_s)
        if not isinstance(booking, mapper.Booking):
            return booking
        there = checked(mapper.to_found(booking).record)
        missing = still_to_write(there, push.before, push.record)
        if missing is None:
            return Moved(reason="The booking was changed in Tripleseat meanwhile.")
        refused = await self._write(push, missing, booking, connection, until)
        if refused is not None:
            return refused
        found = await self.read(push.id, connection, timeout_s=until - clock.monotonic())
        return Pushed(found=found) if isinstance(found, Found) else found

    async def listed(self, cursor: str, connection: Connection, *, timeout_s: float) -> Listed | Outcome:
        return await listing.listed(cursor, self._as(connection), now=self._machine_now(), timeout_s=timeout_s)

    async def close(self) -> None:
        """Nothing is held: the network's door belongs to the process."""

    async def _booking(self, id: str, connection: Connection, *, timeout_s: float) -> mapper.Booking | Gone | Outcome:
        if not (id.isascii() and id.isdigit()):
            return Gone()
        exchange = await self._as(connection).get_booking(id, timeout_s=timeout_s)
        found = read(exchange, mapper.One, now=self._machine_now())
        return found.booking if isinstance(found, mapper.One) else found

    async def _write(
        self, push: Push, fields: list[Field], booking: mapper.Booking, connection: Connection, until: float
    ) -> Gone | ReadOnly | Outcome | None:
        client, now = self._as(connection), self._machine_now()
        body = mapper.to_booking(push.record, fields, booking)
        if body:
            said = wrote(await client.put_booking(push.id, body, timeout_s=until - clock.monotonic()), now=now)
            if said is not None:
                return said
        for contact, wanted in mapper.to_contacts(push.record, fields, mapper.couple(booking)):
            said = wrote(await client.put_contact(contact, wanted, timeout_s=until - clock.monotonic()), now=now)
            if said is not None:
                return said
        return None

    def _as(self, connection: Connection) -> Client:
        token = connection.secrets.get("access_token", ("",))[0]
        return Client(self._wire, self._base_url, token, self._pace, str(connection.id))


def connect(tools: Tools) -> Tripleseat:
    return Tripleseat(tools)
