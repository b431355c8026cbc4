"""Calendars by CalDAV. The id of a calendar is its address, that of an event its path, so nothing is looked up by UID.

Nothing tells us of changes, so the host asks every five minutes; iCloud publishes no limits.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar
from urllib.parse import urlsplit

from msgspec import structs

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
from wedsync.connections.contract import (
    Account,
    Connection,
    Delivered,
    Outcome,
    ReconnectNeeded,
    Rejected,
    RetryLater,
    Tools,
    Unknown,
)
from wedsync.connectors.icloud_calendar import discovery, pulling, pushing
from wedsync.connectors.icloud_calendar.client import Dav, Told, server_of

Answer = TypeVar("Answer")
_OUTCOMES = (Delivered, RetryLater, ReconnectNeeded, Rejected, Unknown)


class Caldav:
    """Speaks CalDAV to the operator's server (iCloud) or to the one that a connection names."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._base_url: str = tools.settings["icloud_calendar_base_url"]

    async def account(self, connection: Connection, *, timeout_s: float) -> Account | Outcome:
        """The principal, whose address is the same however the server was found."""
        try:
            dav = self._dav(connection, timeout_s)
            found = await discovery.home(dav)
        except Told as told:
            return _outcome(told)
        host = urlsplit(found.principal).hostname or ""
        title = dav.server.username if dav.server.is_ours else f"{dav.server.username} ({host})"
        return Account(id=f"{host}{urlsplit(found.principal).path}", title=title)

    async def calendars(self, connection: Connection, *, timeout_s: float) -> tuple[RemoteCalendar, ...] | Outcome:
        try:
            return await discovery.calendars(self._dav(connection, timeout_s))
        except Told as told:
            return _outcome(told)

    async def pull(self, pull: Pull, connection: Connection) -> Pulled | CursorLost | Gone | Outcome:
        try:
            dav = self._dav(connection, pull.timeout_s)
            return await self._wherever(dav, pull.calendar, lambda url: pulling.pull(dav, pull, url))
        except Told as told:
            return told.word if isinstance(told.word, CursorLost | Gone) else _outcome(told)

    async def push(self, push: Push, connection: Connection) -> Pushed | Moved | Gone | ReadOnly | Outcome:
        try:
            dav = self._dav(connection, push.timeout_s)
            return await self._wherever(dav, push.calendar, lambda url: pushing.push(dav, push, url))
        except Told as told:
            return told.word if isinstance(told.word, Moved | Gone | ReadOnly) else _outcome(told)

    async def close(self) -> None:
        """Nothing is held: the network's door belongs to the process."""

    def _dav(self, connection: Connection, timeout_s: float) -> Dav:
        return Dav(self._tools, server_of(connection, self._base_url), timeout_s=timeout_s)

    async def _wherever(self, dav: Dav, calendar: str, act: Callable[[str], Awaitable[Answer | Gone]]) -> Answer | Gone:
        """Does it at the calendar's address, or where the account lies by now. Raises Told."""
        try:
            answer = await act(calendar)
            if not isinstance(answer, Gone) or not answer.is_calendar:
                return answer
            told = Told(answer)
        except Told as error:
            told = error
        if not _is_elsewhere(told):
            raise told
        moved = await discovery.found_again(dav, calendar)
        if moved is None:
            raise told
        return await act(moved)


def connect(tools: Tools) -> Caldav:
    return Caldav(tools)


def _is_elsewhere(told: Told) -> bool:
    """Not at this address (404), or this host does not answer for it any more (421)."""
    word = told.word
    return (isinstance(word, Gone) and word.is_calendar) or word.attempt.status == 421


def _outcome(told: Told) -> Outcome:
    word = told.word
    if isinstance(word, _OUTCOMES):
        return word
    return structs.replace(
        RetryLater(reason="The server does not find what it told us of.", tries_max=3), attempt=word.attempt
    )
