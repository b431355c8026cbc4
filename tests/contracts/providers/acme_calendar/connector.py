"""Asks Acme who is there, and has it tell of calendars or no more."""

import msgspec

from wedsync.connections.calendars.contract import Watch, Watching
from wedsync.connections.contract import (
    Account,
    Connection,
    Delivered,
    Outcome,
    ReconnectNeeded,
    RetryLater,
    Tools,
    attempt_of,
)
from wedsync.kit.http import Reply


class Acme:
    """`/acme/me` with the access token."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def account(self, connection: Connection, *, timeout_s: float) -> Account | Outcome:
        (token,) = connection.secrets["access_token"]
        url = f"{self._tools.settings['acme_calendar_base_url']}/acme/me"
        headers = {"authorization": f"Bearer {token}"}
        answer = await self._tools.wire.request("GET", url, headers=headers, timeout_s=timeout_s, trusted=True)
        attempt = attempt_of(answer, request_headers=headers)
        if not isinstance(answer, Reply) or answer.status >= 500:
            return RetryLater(reason="Acme did not answer.", attempt=attempt)
        if answer.status != 200:
            return ReconnectNeeded(reason=f"Acme answered {answer.status} to {token}.", attempt=attempt)
        who = msgspec.json.decode(answer.body)["account"]
        return Account(id=who, title=who)

    async def watch(self, watch: Watch, connection: Connection) -> Watching | Outcome:
        return Watching(id=watch.id, expires_at=watch.expires_at)

    async def unwatch(self, calendar: str, watching: Watching, connection: Connection) -> Outcome:
        (token,) = connection.secrets["access_token"]
        url = f"{self._tools.settings['acme_calendar_base_url']}/acme/watches/{watching.id}?calendar={calendar}"
        headers = {"authorization": f"Bearer {token}"}
        answer = await self._tools.wire.request("DELETE", url, headers=headers, timeout_s=5, trusted=True)
        is_ended = isinstance(answer, Reply) and answer.status == 204
        return Delivered() if is_ended else RetryLater(reason="Acme did not end it.")

    async def close(self) -> None:
        """Nothing is held."""


def connect(tools: Tools) -> Acme:
    return Acme(tools)
