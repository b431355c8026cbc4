"""Asks Acme who is there."""

import msgspec

from wedsync.connections.contract import Account, Connection, Outcome, ReconnectNeeded, RetryLater, Tools, attempt_of
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

    async def close(self) -> None:
        """Nothing is held."""


def connect(tools: Tools) -> Acme:
    return Acme(tools)
