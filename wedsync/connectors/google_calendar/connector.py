"""Google Calendar for the host: lists calendars, tells changes, writes events, watches. All that is decided is what an
answer means; what wins, when to try again and what to do next is the host's."""

from datetime import UTC, datetime
from typing import Any

import msgspec

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
    Watch,
    Watching,
)
from wedsync.connections.contract import Account, Connection, Delivered, Outcome, RetryLater, Tools
from wedsync.connectors.google_calendar import cursor as cursors
from wedsync.connectors.google_calendar import mapper
from wedsync.connectors.google_calendar.answers import heard, read
from wedsync.connectors.google_calendar.client import Client
from wedsync.connectors.google_calendar.writing import write
from wedsync.kit import clock

LISTS_MAX = 20


class Channel(msgspec.Struct, frozen=True, rename="camel"):
    id: str
    resource_id: str
    expiration: str = ""


class GoogleCalendar:
    """Connects, has calendars, watches."""

    def __init__(self, tools: Tools) -> None:
        self._wire = tools.wire
        self._machine_now = tools.machine_now
        self._base_url: str = tools.settings["google_calendar_base_url"]

    async def account(self, connection: Connection, *, timeout_s: float) -> Account | Outcome:
        """The primary calendar bears the account's address."""
        exchange = await self._as(connection).get_primary(timeout_s=timeout_s)
        found = read(exchange, mapper.Entry, now=self._machine_now())
        return Account(id=found.id, title=found.id) if isinstance(found, mapper.Entry) else found

    async def calendars(self, connection: Connection, *, timeout_s: float) -> tuple[RemoteCalendar, ...] | Outcome:
        client, until = self._as(connection), clock.monotonic() + timeout_s
        entries: list[mapper.Entry] = []
        page = mapper.Entries()
        for _ in range(LISTS_MAX):
            left_s = max(until - clock.monotonic(), 0.001)
            exchange = await client.list_calendars(page_token=page.next_page_token, timeout_s=left_s)
            found = read(exchange, mapper.Entries, now=self._machine_now())
            if not isinstance(found, mapper.Entries):
                return found
            page = found
            entries += page.items
            if not page.next_page_token:
                break
        return mapper.to_calendars(entries)

    async def pull(self, pull: Pull, connection: Connection) -> Pulled | CursorLost | Gone | Outcome:
        cursor = cursors.begun(pull)
        if cursor is None:
            return CursorLost(reason="The cursor was made with other parameters.")
        exchange = await self._as(connection).list_events(pull.calendar, cursor.query, timeout_s=pull.timeout_s)
        got = heard(exchange)
        if got.status == 410 or (got.status == 400 and pull.cursor):
            return CursorLost(reason=f"{got.why}: it does not know the cursor any more.", attempt=got.attempt)
        if got.status == 404:
            return Gone(is_calendar=True, attempt=got.attempt)
        page = read(exchange, mapper.Page, now=self._machine_now())
        if not isinstance(page, mapper.Page):
            return page
        follows = cursors.after(cursor, page)
        if not follows:
            return RetryLater(reason="Google's page of events leads nowhere.", attempt=got.attempt)
        changes, unread = mapper.to_changes(page, zone=pull.zone)
        return Pulled(
            changes=changes,
            cursor=follows,
            has_more=bool(page.next_page_token),
            is_listing=cursor.is_listing,
            unread=unread,
            attempt=got.attempt,
        )

    async def push(self, push: Push, connection: Connection) -> Pushed | Moved | Gone | ReadOnly | Outcome:
        return await write(push, self._as(connection), machine_now=self._machine_now)

    async def watch(self, watch: Watch, connection: Connection) -> Watching | Outcome:
        wanted = {
            "id": watch.id,
            "type": "web_hook",
            "address": watch.address,
            "token": watch.token,
            "expiration": str(int(watch.expires_at.timestamp() * 1000)),
        }
        exchange = await self._as(connection).watch_events(watch.calendar, wanted, timeout_s=watch.timeout_s)
        found = read(exchange, Channel, now=self._machine_now())
        if not isinstance(found, Channel):
            return found
        ms = found.expiration
        ends = datetime.fromtimestamp(int(ms) / 1000, UTC) if ms.isascii() and ms.isdigit() else watch.expires_at
        # Both are needed to stop it; neither holds a space.
        return Watching(id=f"{found.id} {found.resource_id}", expires_at=ends, attempt=heard(exchange).attempt)

    async def unwatch(self, calendar: str, watching: Watching, connection: Connection) -> Outcome:
        channel, _, resource = watching.id.partition(" ")
        exchange = await self._as(connection).stop_channel({"id": channel, "resourceId": resource}, timeout_s=10.0)
        found = read(exchange, dict[str, Any], now=self._machine_now())
        if isinstance(found, dict) or heard(exchange).status == 404:
            return Delivered(attempt=heard(exchange).attempt)
        return found

    async def close(self) -> None:
        """Nothing is held: the network's door belongs to the process."""

    def _as(self, connection: Connection) -> Client:
        return Client(self._wire, self._base_url, connection.secrets.get("access_token", ("",))[0])


def connect(tools: Tools) -> GoogleCalendar:
    return GoogleCalendar(tools)
