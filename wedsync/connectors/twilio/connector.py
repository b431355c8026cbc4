"""Twilio for the host: sends a text or makes a call once, and reads its hooks."""

import msgspec

from wedsync.connections.contract import (
    Connection,
    Delivered,
    Delivery,
    Outcome,
    ReconnectNeeded,
    Rejected,
    Tools,
    settled,
)
from wedsync.connections.phoning.contract import Form, Heard, Message, Picked, Status
from wedsync.connectors.twilio import mapper
from wedsync.connectors.twilio.answers import found, sent
from wedsync.connectors.twilio.client import Client

UNSET = (
    "No account of Twilio is set. Set WEDSYNC_TWILIO_ACCOUNT_SID, WEDSYNC_TWILIO_AUTH_TOKEN and WEDSYNC_TWILIO_FROM."
)


class Twilio:
    """Delivers and phones. Made without an account it says so on every delivery, and they wait."""

    def __init__(self, tools: Tools) -> None:
        settings = tools.settings
        self._machine_now = tools.machine_now
        self._sender = mapper.Sender(
            number=settings["twilio_from"],
            notices=settings["twilio_messaging_service"],
            emergency=settings["twilio_emergency_service"],
        )
        account, token = settings["twilio_account_sid"], settings["twilio_auth_token"]
        self._client = Client(tools.wire, settings["twilio_base_url"], account, token) if account and token else None

    async def deliver(self, delivery: Delivery, connection: Connection) -> Outcome:
        """`delivery.message` is a `phoning.contract.Message`. A repeat looks first whether it is there already."""
        if self._client is None:
            return ReconnectNeeded(reason=UNSET)
        if delivery.message is None:
            return Rejected(reason="There is nothing to say: its content has been erased.")
        try:
            message = mapper.read(delivery.message)
        except msgspec.ValidationError as error:
            return Rejected(reason=f"The text cannot be written: {error}")
        if delivery.attempt > 1:
            before = await self._sent_before(self._client, message, timeout_s=delivery.timeout_s / 2)
            if before is not None:
                return before
            if await delivery.is_settled():
                return settled()
        left_s = delivery.timeout_s if delivery.attempt == 1 else delivery.timeout_s / 2
        return await self._send(self._client, message, timeout_s=left_s)

    async def _send(self, client: Client, message: Message, *, timeout_s: float) -> Outcome:
        if message.kind == "text":
            exchange = await client.create_message(mapper.to_text(message, self._sender).items(), timeout_s=timeout_s)
        else:
            exchange = await client.create_call(mapper.to_call(message, self._sender), timeout_s=timeout_s)
        return sent(exchange, now=self._machine_now())

    async def _sent_before(self, client: Client, message: Message, *, timeout_s: float) -> Outcome | None:
        """None where it is not there."""
        listed = client.list_messages if message.kind == "text" else client.list_calls
        known = found(await listed(message.to, timeout_s=timeout_s), now=self._machine_now())
        if not isinstance(known, list):
            return known
        same = next((one for one in known if mapper.is_same(message, one)), None)
        return None if same is None else Delivered(remote_id=str(same["sid"]))

    def status(self, form: Form) -> Status:
        return mapper.status(form)

    def heard(self, form: Form) -> Heard:
        return mapper.heard(form)

    def picked(self, form: Form) -> Picked:
        return mapper.picked(form)

    def reply(self, text: str) -> bytes:
        return mapper.reply(text)

    def say(self, text: str, *, locale: str) -> bytes:
        return mapper.say(text, locale=locale)

    def ask(self, text: str, *, url: str, locale: str) -> bytes:
        return mapper.ask(text, url=url, locale=locale)

    async def close(self) -> None:
        """Nothing is held: the network's door belongs to the process."""


def connect(tools: Tools) -> Twilio:
    return Twilio(tools)
