"""Calendars of Microsoft 365 and Outlook.com: lists them, tells changes, writes events, watches; by Microsoft Graph."""

from typing import Final

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
from wedsync.connections.contract import Account, Connection, Outcome, Tools
from wedsync.connections.graph import list_of
from wedsync.connectors.outlook_calendar import answers, mapper, pulling, watching
from wedsync.connectors.outlook_calendar.client import Graph
from wedsync.connectors.outlook_calendar.pushing import Pushing
from wedsync.connectors.outlook_calendar.zones import to_iana
from wedsync.kit import clock

BASE_URL: Final = "outlook_calendar_base_url"
CALENDAR_PAGES_MAX: Final = 20


class OutlookCalendar:
    """Holds nothing between calls."""

    def __init__(self, tools: Tools) -> None:
        self._graph = Graph(tools.wire, tools.settings[BASE_URL])
        self._machine_now = tools.machine_now

    async def account(self, connection: Connection, *, timeout_s: float) -> Account | Outcome:
        path = "/me?$select=id,displayName,mail,userPrincipalName"
        answer = await self._graph.call("GET", path, connection, timeout_s=timeout_s)
        data = answer.data or {}
        if not answer.is_fine or not data.get("id"):
            return answers.to_outcome(answer, now=self._machine_now())
        title = data.get("mail") or data.get("userPrincipalName") or data.get("displayName") or ""
        return Account(id=str(data["id"]), title=str(title))

    async def calendars(self, connection: Connection, *, timeout_s: float) -> tuple[RemoteCalendar, ...] | Outcome:
        until = clock.monotonic() + timeout_s
        zone = await self._zone(connection, timeout_s=timeout_s)
        if not isinstance(zone, str):
            return zone
        found: list[RemoteCalendar] = []
        path = "/me/calendars"
        for _ in range(CALENDAR_PAGES_MAX):
            left_s = max(until - clock.monotonic(), 0.001)
            answer = await self._graph.call("GET", path, connection, timeout_s=left_s)
            if not answer.is_fine:
                return answers.to_outcome(answer, now=self._machine_now())
            found += [mapper.to_calendar(item, zone=zone) for item in list_of(answer.data) if item.get("id")]
            link = (answer.data or {}).get("@odata.nextLink")
            if not link:
                break
            following = self._graph.path_of(str(link))
            if following is None:
                return answers.elsewhere(answer)
            path = following
        return tuple(found)

    async def pull(self, pull: Pull, connection: Connection) -> Pulled | CursorLost | Gone | Outcome:
        return await pulling.pull(self._graph, pull, connection, now=self._machine_now())

    async def push(self, push: Push, connection: Connection) -> Pushed | Moved | Gone | ReadOnly | Outcome:
        return await Pushing(self._graph, push, connection, now=self._machine_now()).run()

    async def watch(self, watch: Watch, connection: Connection) -> Watching | Outcome:
        return await watching.watch(self._graph, watch, connection, now=self._machine_now())

    async def renew(self, held: Watching, watch: Watch, connection: Connection) -> Watching | Outcome:
        """The same subscription for longer, without a gap and without a second one beside it."""
        return await watching.renew(self._graph, held, watch, connection, now=self._machine_now())

    async def unwatch(self, calendar: str, held: Watching, connection: Connection) -> Outcome:
        return await watching.unwatch(self._graph, held, connection, now=self._machine_now())

    async def close(self) -> None:
        """Nothing is held: the network's door belongs to the process."""

    async def _zone(self, connection: Connection, *, timeout_s: float) -> str | Outcome:
        """That of the mailbox, which its whole days are meant in. An account that does not tell it has UTC."""
        answer = await self._graph.call("GET", "/me/mailboxSettings/timeZone", connection, timeout_s=timeout_s)
        if answer.is_fine:
            return to_iana(str((answer.data or {}).get("value") or "")) or "UTC"
        if answer.status in (403, 404):
            return "UTC"
        return answers.to_outcome(answer, now=self._machine_now())


def connect(tools: Tools) -> OutlookCalendar:
    return OutlookCalendar(tools)
