"""Subscribes to a calendar feed: one calendar, read whole whenever it has changed, never written.

Its address is a secret, since it is all that somebody needs to read the calendar.
"""

import asyncio
import hashlib

from wedsync.connections import published
from wedsync.connections.calendars.contract import (
    CursorLost,
    Gone,
    Moved,
    Pull,
    Pulled,
    Push,
    Pushed,
    ReadOnly,
    RemoteCalendar,
)
from wedsync.connections.calendars.ical_zones import known_name
from wedsync.connections.contract import (
    Account,
    Connection,
    Outcome,
    ReconnectNeeded,
    Rejected,
    Tools,
)
from wedsync.connectors.ics import answers, client, mapper
from wedsync.connectors.ics import cursor as cursors
from wedsync.connectors.ics.cursor import Cursor
from wedsync.connectors.ics.mapper import FeedError
from wedsync.kit.http import Failure, Reply

CALENDAR = "feed"


class Ics:
    """Reads feeds."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def account(self, connection: Connection, *, timeout_s: float) -> Account | Outcome:
        """The feed itself, by its address. Fetched to see that it is one."""
        found = await self._fetched(connection, Cursor(), timeout_s)
        if not isinstance(found, Reply):
            return found
        address = _address(connection)
        host = published.host_of(address)
        id = hashlib.blake2b(address.encode(), digest_size=16).hexdigest()
        return Account(id=f"{host}:{id}", title=mapper.title(found.body, otherwise=host))

    async def calendars(self, connection: Connection, *, timeout_s: float) -> tuple[RemoteCalendar, ...] | Outcome:
        found = await self._fetched(connection, Cursor(), timeout_s)
        if not isinstance(found, Reply):
            return found
        title = mapper.title(found.body, otherwise=published.host_of(_address(connection)))
        return (
            RemoteCalendar(
                id=CALENDAR, title=title, zone=known_name(mapper.zone(found.body)) or "UTC", is_primary=True
            ),
        )

    async def pull(self, pull: Pull, connection: Connection) -> Pulled | CursorLost | Gone | Outcome:
        """The whole feed on one page, or nothing where it has not changed."""
        if pull.calendar != CALENDAR:
            return Gone(is_calendar=True)
        cursor = cursors.read(pull.cursor)
        if cursor is None:
            return CursorLost(reason="This is no cursor of ours.")
        until = f"{pull.until:%Y-%m-%d}"
        known = cursor if cursor.until == until else Cursor()
        found = await self._fetched(connection, known, pull.timeout_s)
        if not isinstance(found, Reply):
            return found
        if found.status == 304:
            return Pulled(changes=(), cursor=pull.cursor)
        now = Cursor(
            etag=found.headers.get("etag", ""),
            modified=found.headers.get("last-modified", ""),
            digest=hashlib.blake2b(found.body, digest_size=16).hexdigest(),
            until=until,
        )
        if now.digest == known.digest and not (known.etag or known.modified):
            return Pulled(changes=(), cursor=cursors.written(now))
        try:
            read = await asyncio.to_thread(_all_of, found, pull)
        except FeedError as error:
            return Rejected(reason=f"The address leads to {error}.", attempt=answers.attempt_of(found))
        return Pulled(
            changes=read.changes,
            cursor=cursors.written(now),
            is_listing=True,
            unread=read.unread,
            attempt=answers.attempt_of(found),
        )

    async def push(self, push: Push, connection: Connection) -> Pushed | Moved | Gone | ReadOnly | Outcome:
        return ReadOnly(reason="A feed can only be read.")

    async def close(self) -> None:
        """Nothing is held: the network's door belongs to the process."""

    async def _fetched(self, connection: Connection, known: Cursor, timeout_s: float) -> Reply | Outcome:
        """The feed, whole, or 304; else what is to be done."""
        address = _address(connection)
        if not address:
            return ReconnectNeeded(reason="The connection has no address. Connect the feed again.")
        exchange, attempt = await client.fetch(
            self._tools, address, etag=known.etag, modified=known.modified, timeout_s=timeout_s
        )
        if isinstance(exchange, Failure):
            return published.unanswered(exchange, attempt)
        if exchange.status != 200:
            if exchange.status == 304:
                return exchange
            return published.refused("feed", exchange, attempt, self._tools.machine_now())
        return answers.whole(exchange, attempt)


def connect(tools: Tools) -> Ics:
    return Ics(tools)


def _all_of(reply: Reply, pull: Pull) -> mapper.Read:
    blocks = mapper.opened(reply.body, content_type="")
    return mapper.read(blocks, since=pull.since, until=pull.until)


def _address(connection: Connection) -> str:
    given = connection.secrets.get("address", ())
    return client.address_of(given[0]) if given and given[0].strip() else ""
