"""Asks a vault who is there."""

from base64 import b64encode

from wedsync.connections.contract import Account, Connection, Outcome, ReconnectNeeded, RetryLater, Tools, attempt_of
from wedsync.kit.http import Reply


class Vault:
    """Basic authentication, at an address that a tenant typed."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def account(self, connection: Connection, *, timeout_s: float) -> Account | Outcome:
        (user,), (password,), (address,) = (connection.secrets[name] for name in ("username", "password", "address"))
        headers = {"authorization": "Basic " + b64encode(f"{user}:{password}".encode()).decode()}
        answer = await self._tools.wire.request("GET", address, headers=headers, timeout_s=timeout_s)
        attempt = attempt_of(answer, request_headers=headers)
        if isinstance(answer, Reply) and answer.status == 401:
            return ReconnectNeeded(reason=f"The password {password} is not right.", attempt=attempt)
        if not isinstance(answer, Reply) or answer.status != 200:
            return RetryLater(reason="The vault did not answer.", attempt=attempt)
        return Account(id=user, title=user)

    async def close(self) -> None:
        """Nothing is held."""


def connect(tools: Tools) -> Vault:
    return Vault(tools)
