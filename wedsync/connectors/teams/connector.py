"""Teams for the host: says which workflow it is, and posts cards by it. What was posted it can no longer change."""

from typing import Final

import msgspec

from wedsync.connections import replies
from wedsync.connections.chatting.contract import Gone, Opened, Opening, Post, Posted, Saying, Update
from wedsync.connections.contract import (
    Account,
    Attempt,
    Connection,
    Delivered,
    Outcome,
    ReconnectNeeded,
    Rejected,
    RetryLater,
    Tools,
    Unknown,
    attempt_of,
)
from wedsync.connectors.teams import mapper
from wedsync.connectors.teams.client import AddressError, send, workflow_of
from wedsync.kit.http import Failure

ENDED: Final = (401, 403, 404, 410)
"""The workflow was deleted, switched off, or its owner has left."""


class Teams:
    """Connects and chats. 202 means that the workflow has it, not that it was posted: nobody tells us that."""

    updates = False
    invites = False

    def __init__(self, tools: Tools) -> None:
        self._wire = tools.wire
        self._machine_now = tools.machine_now
        self._hosts: str = tools.settings["teams_hosts"]

    async def account(self, connection: Connection, *, timeout_s: float) -> Account | Outcome:
        """By its address alone: to ask it anything would post to the channel."""
        try:
            id = workflow_of(_address(connection), self._hosts)
        except AddressError as error:
            return Rejected(reason=str(error))
        return Account(id=id, title=f"Teams channel {id[:6]}")

    async def open(self, opening: Opening, connection: Connection) -> Opened | Outcome:
        """The channel is there; a first card shows whether the address holds."""
        said = await self._sent(Saying(title=opening.about), connection, timeout_s=opening.timeout_s)
        if not isinstance(said, Delivered):
            return said
        return Opened(id=workflow_of(_address(connection), self._hosts), attempt=said.attempt)

    async def post(self, post: Post, connection: Connection) -> Posted | Outcome:
        said = await self._sent(post.saying, connection, timeout_s=post.timeout_s)
        return Posted(id=post.key, attempt=said.attempt) if isinstance(said, Delivered) else said

    async def update(self, update: Update, connection: Connection) -> Posted | Gone | Outcome:
        return Gone()

    async def archive(self, channel: str, connection: Connection, *, timeout_s: float) -> Delivered | Outcome:
        """The channel is the team's own."""
        return Delivered()

    async def close(self) -> None:
        """Nothing is held: the network's door belongs to the process."""

    async def _sent(self, saying: Saying, connection: Connection, *, timeout_s: float) -> Delivered | Outcome:
        address = _address(connection)
        try:
            workflow_of(address, self._hosts)
        except AddressError as error:
            return ReconnectNeeded(reason=str(error))
        exchange = await send(self._wire, address, mapper.to_message(saying), timeout_s=timeout_s)
        attempt: Attempt = msgspec.structs.replace(attempt_of(exchange), response_head="", masked=(address,))
        if isinstance(exchange, Failure):
            if exchange.may_have_arrived:
                return Unknown(reason=exchange.reason, attempt=attempt)
            return replies.no_answer(exchange, attempt)
        why = f"Teams answered {exchange.status}"
        if exchange.status in (200, 202):
            return Delivered(attempt=attempt)
        if replies.is_passing(exchange.status):
            after_s = replies.retry_after_s(exchange.headers, now=self._machine_now())
            return RetryLater(reason=f"{why}: not now.", after_s=after_s, attempt=attempt)
        if exchange.status in ENDED:
            reason = f"{why}: the workflow is gone or switched off. Make a new one and connect its address."
            return ReconnectNeeded(reason=reason, attempt=attempt)
        return Rejected(reason=f"{why}.", attempt=attempt)


def _address(connection: Connection) -> str:
    (address, *_) = connection.secrets.get("address", ("",))
    return address


def connect(tools: Tools) -> Teams:
    return Teams(tools)
