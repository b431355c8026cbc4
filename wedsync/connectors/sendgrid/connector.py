"""Delivers messages to people by SendGrid, from the operator's address, and reads what SendGrid says of them."""

from email.utils import parseaddr

import msgspec

from wedsync.connections import replies
from wedsync.connections.contract import (
    Connection,
    Delivered,
    Delivery,
    Outcome,
    ReconnectNeeded,
    Rejected,
    Tools,
    attempt_of,
)
from wedsync.connections.mailing import letter
from wedsync.connections.mailing.contract import Said
from wedsync.connectors.sendgrid import answers, mapper
from wedsync.connectors.sendgrid.client import Client
from wedsync.kit.http import Failure

MISSING = "SendGrid has no key. Set WEDSYNC_SENDGRID_API_KEY."


class SendGrid:
    """Sends mail as the operator's account. Without a key it says so."""

    def __init__(self, tools: Tools) -> None:
        """Raises ValueError with a sentence for the operator where the sender's address cannot be used."""
        self._machine_now = tools.machine_now
        self._sender: str = tools.settings["mail_from"]
        letter.checked_address(parseaddr(self._sender)[1])
        self._key: str = tools.settings["sendgrid_api_key"]
        self._client = Client(tools.wire, tools.settings["sendgrid_base_url"], self._key)

    async def deliver(self, delivery: Delivery, connection: Connection) -> Outcome:
        """`delivery.message` is a `letter.Mail`."""
        if not self._key:
            return ReconnectNeeded(reason=MISSING)
        body = letter.written(delivery, lambda mail: mapper.to_mail(mail, delivery_id=delivery.id, sender=self._sender))
        if isinstance(body, Rejected):
            return body
        exchange = await self._client.send_mail(body, timeout_s=delivery.timeout_s)
        return answers.read(exchange, now=self._machine_now())

    async def probe(self, *, timeout_s: float) -> Outcome:
        """Asks what the key may do, which is asked of nobody's mail."""
        if not self._key:
            return ReconnectNeeded(reason=MISSING)
        exchange = await self._client.list_scopes(timeout_s=timeout_s)
        attempt = msgspec.structs.replace(attempt_of(exchange), response_head="")
        if isinstance(exchange, Failure):
            return replies.no_answer(exchange, attempt)
        if exchange.status < 300:
            return Delivered(attempt=attempt)
        return answers.refused(exchange, now=self._machine_now(), attempt=attempt)

    def said(self, body: bytes, hook_id: str) -> tuple[Said, ...]:
        return mapper.read(body)

    async def close(self) -> None:
        """Nothing is held: the network's door belongs to the process."""


def connect(tools: Tools) -> SendGrid:
    return SendGrid(tools)
