"""Light Blue for the host: says whether a key is good, and hands in one client. It can be asked nothing else."""

import hashlib
from typing import Final

from wedsync.connections.contract import Account, Connection, Outcome, Tools
from wedsync.connections.records.contract import Known, Send, Sent
from wedsync.connectors.light_blue import answers, mapper
from wedsync.connectors.light_blue.client import Client

ACCOUNT: Final = b"light_blue account"


class LightBlue:
    """Connects, takes in."""

    def __init__(self, tools: Tools) -> None:
        self._wire = tools.wire
        self._machine_now = tools.machine_now
        self._base_url: str = tools.settings["light_blue_base_url"]

    async def account(self, connection: Connection, *, timeout_s: float) -> Account | Outcome:
        """Light Blue names nobody, so the key is who it is: a digest of it, which does not lead back to it."""
        exchange = await self._as(connection).check(timeout_s=timeout_s)
        said = answers.checked(exchange, now=self._machine_now())
        return Account(id=_digest(_key(connection)), title="Light Blue") if said is None else said

    async def send(self, send: Send, connection: Connection) -> Sent | Known | Outcome:
        fields = mapper.fields(send.record, send.reference)
        exchange = await self._as(connection).post(fields, timeout_s=send.timeout_s)
        return answers.taken(exchange, now=self._machine_now())

    async def close(self) -> None:
        """Nothing is held: the network's door belongs to the process."""

    def _as(self, connection: Connection) -> Client:
        return Client(self._wire, self._base_url, _key(connection))


def connect(tools: Tools) -> LightBlue:
    return LightBlue(tools)


def _key(connection: Connection) -> str:
    return connection.secrets.get("password", ("",))[0].strip()


def _digest(key: str) -> str:
    return hashlib.blake2b(key.encode(), digest_size=16, key=ACCOUNT).hexdigest()
