"""Delivers messages to people by mail, from the operator's address through the operator's server."""

from email.utils import parseaddr

from wedsync.connections.contract import Connection, Delivery, Outcome, ReconnectNeeded, Rejected, Tools
from wedsync.connections.mailing import letter
from wedsync.connectors.smtp import mapper
from wedsync.connectors.smtp.client import SETTING, Mailer, parse_url

MISSING = f"No mail server is set. Set {SETTING}, such as smtp://user:password@host:587."


class Smtp:
    """Sends mail. Made without a server it says so on every delivery, and the mails wait."""

    def __init__(self, tools: Tools) -> None:
        """Raises ValueError with a sentence for the operator where a setting cannot be used."""
        self._machine_now = tools.machine_now
        self._sender: str = tools.settings["mail_from"]
        address = letter.checked_address(parseaddr(self._sender)[1])
        url: str = tools.settings["smtp_url"]
        self._mailer = Mailer(parse_url(url), own_name=address.rpartition("@")[2]) if url else None

    async def deliver(self, delivery: Delivery, connection: Connection) -> Outcome:
        """`delivery.message` is a `letter.Mail`; whom it goes to is in it, so the connection says nothing more."""
        if self._mailer is None:
            return ReconnectNeeded(reason=MISSING)
        at, sender = self._machine_now(), self._sender
        envelope = letter.written(
            delivery, lambda mail: mapper.to_envelope(mail, delivery_id=delivery.id, sender=sender, at=at)
        )
        if isinstance(envelope, Rejected):
            return envelope
        return await self._mailer.send(envelope, timeout_s=delivery.timeout_s)

    async def probe(self, *, timeout_s: float) -> Outcome:
        """Whether the server hears us; it is sent no mail."""
        if self._mailer is None:
            return ReconnectNeeded(reason=MISSING)
        return await self._mailer.probe(timeout_s=timeout_s)

    async def close(self) -> None:
        if self._mailer is not None:
            await self._mailer.close()


def connect(tools: Tools) -> Smtp:
    return Smtp(tools)
