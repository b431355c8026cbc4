"""Delivers messages to people by Resend, from the operator's address, and reads what Resend says of them."""

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
from wedsync.connectors.resend import answers, mapper
from wedsync.connectors.resend.client import Client
from wedsync.kit.http import Failure

MISSING = "Resend has no key. Set WEDSYNC_RESEND_API_KEY."


class Resend:
    """Sends mail as the operator's account. Without a key it says so."""

    def __init__(self, tools: Tools) -> None:
        """Raises ValueError with a sentence for the operator where the sender's address cannot be used."""
        self._machine_now = tools.machine_now
        self._sender: str = tools.settings["mail_from"]
        letter.checked_address(parseaddr(self._sender)[1])
        self._key: str = tools.settings["resend_api_key"]
        self._client = Client(tools.wire, tools.settings["resend_base_url"], self._key)

    async def deliver(self, delivery: Delivery, connection: Connection) -> Outcome:
        """`delivery.message` is a `letter.Mail`. The delivery's id is the key by which a repeat is the same mail."""
        if not self._key:
            return ReconnectNeeded(reason=MISSING)
        body = letter.written(
            delivery, lambda mail: mapper.to_email(mail, delivery_id=delivery.id, sender=self._sender)
        )
        if isinstance(body, Rejected):
            return body
        exchange = await self._client.send_email(body, key=str(delivery.id), timeout_s=delivery.timeout_s)
        return answers.read(exchange, now=self._machine_now())

    async def probe(self, *, timeout_s: float) -> Outcome:
        """Asks for the account's domains. A key that may only send is refused that: then it is known there."""
        if not self._key:
            return ReconnectNeeded(reason=MISSING)
        exchange = await self._client.list_domains(timeout_s=timeout_s)
        attempt = msgspec.structs.replace(attempt_of(exchange), response_head="")
        if isinstance(exchange, Failure):
            return replies.no_answer(exchange, attempt)
        if exchange.status < 300 or answers.code_of(exchange) == answers.RESTRICTED:
            return Delivered(attempt=attempt)
        return answers.refused(exchange, now=self._machine_now(), attempt=attempt)

    def said(self, body: bytes, hook_id: str) -> tuple[Said, ...]:
        return mapper.read(body, hook_id)

    async def close(self) -> None:
        """Nothing is held: the network's door belongs to the process."""


def connect(tools: Tools) -> Resend:
    return Resend(tools)
