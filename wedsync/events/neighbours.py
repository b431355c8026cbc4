"""Gateways among themselves: client broadcasts and presence reach the sockets of other processes through Valkey.

Events do not go this way; every gateway has them from the log. What goes here may be lost: a broadcast is a hint, and
presence is said again every 20 s.
"""

import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
import structlog

from wedsync.events.audience import Seen
from wedsync.events.presence import News
from wedsync.events.talk import Said
from wedsync.kit import clock

if TYPE_CHECKING:
    from wedsync.events.live import Hub

log = structlog.get_logger()


class _Said(msgspec.Struct, frozen=True, tag="said"):
    node: str
    stream: str
    topic: str
    said: Said
    seen: Seen


class _Here(msgspec.Struct, frozen=True, tag="here"):
    node: str
    stream: str
    topic: str
    news: News


class _Ask(msgspec.Struct, frozen=True, tag="ask"):
    node: str
    stream: str
    topic: str


_Message = _Said | _Here | _Ask
_messages = msgspec.msgpack.Decoder(_Message)


class Neighbours:
    """The other gateways. `send` publishes to all of them, this one included."""

    def __init__(self, hub: "Hub", send: Callable[[bytes], None]) -> None:
        self._hub = hub
        self._send = send
        self._node = secrets.token_hex(8)

    def say(self, stream: str, topic: str, said: Said, seen: Seen) -> None:
        """Pass a client's broadcast on."""
        self._publish(_Said(self._node, stream, topic, said, seen))

    def tell(self, stream: str, topic: str, news: News) -> None:
        """Who came and went here."""
        self._publish(_Here(self._node, stream, topic, news))

    def ask(self, stream: str, topic: str) -> None:
        """Who is there elsewhere?"""
        self._publish(_Ask(self._node, stream, topic))

    def announce(self) -> None:
        """Everybody who is here, for all to know."""
        for stream in self._hub.streams.values():
            for topic, presence in stream.presences.items():
                self._tell_own(stream.name, topic, presence.own())

    def _tell_own(self, stream: str, topic: str, news: News) -> None:
        if news.here:
            self.tell(stream, topic, news)

    def _publish(self, message: _Message) -> None:
        self._send(msgspec.msgpack.encode(message))

    def take(self, payload: bytes) -> None:
        """A message of a gateway."""
        try:
            message = _messages.decode(payload)
        except msgspec.DecodeError as error:
            log.warning("neighbour_unreadable", reason=str(error), size=len(payload))
            return
        stream = self._hub.streams.get(message.stream)
        if message.node == self._node or stream is None or not stream.is_open:
            return
        if isinstance(message, _Said):
            self._hub.talk.spread(stream, message.topic, message.said, message.seen)
        elif isinstance(message, _Here):
            self._take_news(message)
        elif (presence := stream.presences.get(message.topic)) is not None:
            self._tell_own(stream.name, message.topic, presence.own())

    def _take_news(self, message: _Here) -> None:
        stream = self._hub.streams[message.stream]
        if any(channel.topic == message.topic for channel in stream.channels):
            self._hub.presence(stream, message.topic).take_news(message.news, clock.monotonic())
