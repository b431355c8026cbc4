"""Whose account a token is of, and in which data centre it lives: asked for once in a process."""

from collections import OrderedDict
from typing import Final
from uuid import UUID

from wedsync.connections.contract import Connection, Outcome, ReconnectNeeded, Tools
from wedsync.connectors.mailchimp import mapper
from wedsync.connectors.mailchimp.answers import read
from wedsync.connectors.mailchimp.client import Client

KNOWN_MAX: Final = 10_000


class Centres:
    """What is known of each connection."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._known: OrderedDict[UUID, mapper.Metadata] = OrderedDict()

    async def client(self, connection: Connection, *, timeout_s: float) -> Client | Outcome:
        """Speaks as this connection."""
        found = self._known.get(connection.id) or await self.ask(connection, timeout_s=timeout_s / 3)
        if not isinstance(found, mapper.Metadata):
            return found
        base_url = self._tools.settings["mailchimp_base_url"].replace("{dc}", found.dc)
        return Client(self._tools.wire, base_url, _token(connection))

    async def ask(self, connection: Connection, *, timeout_s: float) -> mapper.Metadata | Outcome:
        """Anew."""
        headers = {"authorization": f"OAuth {_token(connection)}", "accept": "application/json"}
        url = self._tools.settings["mailchimp_metadata_url"]
        exchange = await self._tools.wire.request("GET", url, headers=headers, timeout_s=timeout_s, trusted=True)
        found = read(exchange, mapper.Metadata, now=self._tools.machine_now())
        if isinstance(found, mapper.Metadata) and not (found.dc.isascii() and found.dc.isalnum()):
            # A token that has ended is a 200 with an error in it.
            return ReconnectNeeded(reason="Mailchimp does not know this token any more. Connect the account again.")
        if isinstance(found, mapper.Metadata):
            self._known[connection.id] = found
            if len(self._known) > KNOWN_MAX:
                self._known.popitem(last=False)
        return found


def _token(connection: Connection) -> str:
    (token, *_) = connection.secrets.get("access_token", ("",))
    return token
