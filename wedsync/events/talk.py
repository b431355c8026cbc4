"""What clients say on a socket: heartbeats, joins and leaves, fresh tokens, presence and broadcasts to each other.

What a client says carries a scope the speaker holds and reaches only who sees it. It can never look like an event of
ours: names of registered types and `wedsync:` are refused.
"""

from typing import TYPE_CHECKING, Any, Final

import msgspec

from wedsync.events import wire
from wedsync.events.audience import Seen
from wedsync.events.channels import Channel, State, read_token
from wedsync.events.presence import META_MAX_BYTES, wants
from wedsync.events.sockets import Socket
from wedsync.events.streams import Stream
from wedsync.events.tokens import TokenRefused
from wedsync.events.wire import Encoding, Framing, UserBroadcast, WireError
from wedsync.kit import clock

if TYPE_CHECKING:
    from wedsync.events.live import Hub

PAYLOAD_MAX_BYTES: Final = 256 * 1024
BACKLOG_MAX: Final = 64
NAME_MAX_CHARS: Final = 200


class Said(msgspec.Struct, frozen=True):
    """A broadcast of a client, from a socket or through HTTP. `payload` is JSON, or raw bytes by `encoding`."""

    event: str
    payload: bytes
    encoding: Encoding = Encoding.JSON
    scope: str | None = None
    is_binary: bool = False


class Unsaid(Exception):  # noqa: N818 -- it reads as a sentence where it is raised
    """A broadcast that is not passed on, and why: `Code: text`."""


class _Push(msgspec.Struct, gc=False):
    event: str = ""
    payload: msgspec.Raw = msgspec.Raw(wire.EMPTY)
    scope: str | None = None


_pushes = msgspec.json.Decoder(_Push)


class Talk:
    """The inbound side of one hub."""

    def __init__(self, hub: "Hub") -> None:
        self._hub = hub

    def text(self, socket: Socket, text: str) -> None:
        """A text frame. Raises WireError."""
        self.receive(socket, wire.parse_text(text))

    def binary(self, socket: Socket, data: bytes) -> None:
        """A binary frame. Raises WireError."""
        self.receive(socket, wire.parse_binary(data))

    def pong(self, socket: Socket, payload: bytes) -> None:
        """The client's stack has everything that was written before this ping."""
        proof = socket.take_pong(payload)
        if proof is None:
            return
        at, positions = proof
        self._hub.stats.write_to_pong.observe((clock.monotonic() - at) * 1000)
        for channel, seq in positions:
            if not channel.is_gone:
                was_sent = channel.group is None or channel.group.last > self._hub.positions.confirmed(channel)
                self._hub.positions.confirm(channel, seq, was_sent=was_sent)

    def receive(self, socket: Socket, frame: wire.Frame | UserBroadcast) -> None:
        """A frame that was read."""
        hub = self._hub
        event = "broadcast" if isinstance(frame, UserBroadcast) else frame.event
        hub.stats.frames_in[event if event in _HANDLED else "other"] += 1
        if frame.topic == wire.PHOENIX:
            if event == "heartbeat":
                socket.text(wire.reply(socket.framing, frame, ok=True))
            return
        if isinstance(frame, wire.Frame) and event == "phx_join":
            hub.joins.join(socket, frame)
            return
        channel = socket.channels.get(frame.topic)
        if channel is None:
            self._unknown(socket, frame, event)
        elif channel.state is State.JOINING and event != "phx_leave":
            channel.backlog = [*(channel.backlog or ()), frame][:BACKLOG_MAX]
        elif isinstance(frame, UserBroadcast):
            said = Said(frame.event, frame.payload, frame.encoding, _meta_scope(frame.meta), is_binary=True)
            self._broadcast(channel, frame, said)
        else:
            self._push(channel, frame)

    def _unknown(self, socket: Socket, frame: wire.Frame | UserBroadcast, event: str) -> None:
        if event == "phx_leave":
            socket.text(wire.reply(socket.framing, frame, ok=True))
        elif event != "access_token":
            socket.text(wire.refusal(socket.framing, frame, "unmatched topic"))

    def _push(self, channel: Channel, frame: wire.Frame) -> None:
        if frame.event == "broadcast":
            try:
                push = _pushes.decode(frame.payload)
            except msgspec.DecodeError as error:
                self._reply_error(channel, frame, f"InvalidPayload: {error}")
                return
            self._broadcast(channel, frame, Said(push.event, bytes(push.payload), scope=push.scope))
        elif frame.event == "presence":
            self._presence(channel, frame)
        elif frame.event == "access_token":
            self._access_token(channel, frame)
        elif frame.event == "phx_leave":
            socket = channel.socket
            self._hub.drop(channel, may_return=False)
            socket.send(wire.reply(socket.framing, frame, ok=True))
            socket.send(wire.close(socket.framing, channel.join_ref, channel.topic))

    def _reply_error(self, channel: Channel, frame: wire.Frame | UserBroadcast, reason: str) -> None:
        # Kotlin rejoins on any reply of status error, so it is only told where it asked for an answer.
        if channel.config.wants_ack or "kt" not in channel.socket.agent.lower():
            channel.socket.text(wire.refusal(channel.socket.framing, frame, reason))

    # Broadcasts

    def _broadcast(self, channel: Channel, frame: wire.Frame | UserBroadcast, said: Said) -> None:
        hub = self._hub
        try:
            tag = self.allow(channel.audience, said, scope=said.scope or channel.config.scope)
        except Unsaid as refused:
            hub.stats.broadcasts["refused"] += 1
            self._reply_error(channel, frame, str(refused))
            return
        if channel.stream is not None:
            self.say(channel.stream, channel.topic, said, tag, sender=channel)
        if channel.config.wants_ack:
            channel.socket.text(wire.reply(channel.socket.framing, frame, ok=True))

    def allow(self, audience: Any, said: Said, *, scope: str | None) -> Seen:
        """Who may hear it. Raises Unsaid."""
        if not said.event or len(said.event) > NAME_MAX_CHARS:
            raise Unsaid(f"InvalidPayload: a broadcast has an event name of 1 to {NAME_MAX_CHARS} characters")
        if said.event in self._hub.options.event_types or said.event.lower().startswith("wedsync:"):
            raise Unsaid(f"ReservedEvent: {said.event} is a name of our own events; choose another")
        if len(said.payload) > PAYLOAD_MAX_BYTES:
            raise Unsaid(f"PayloadTooLarge: a broadcast has at most {PAYLOAD_MAX_BYTES} bytes")
        if said.encoding == Encoding.JSON and not said.payload.lstrip().startswith(b"{"):
            raise Unsaid("InvalidPayload: the payload of a broadcast is an object")
        tag: Seen | None = audience.tag(scope) if audience is not None else None
        if tag is None:
            raise Unsaid("Unauthorized: you may not broadcast with this scope here")
        return tag

    def say(self, stream: Stream, topic: str, said: Said, tag: Seen, *, sender: Channel | None = None) -> None:
        """To the sockets here, and through the other gateways to theirs."""
        self.spread(stream, topic, said, tag, sender=sender)
        if self._hub.neighbours is not None:
            self._hub.neighbours.say(stream.name, topic, said, tag)

    def spread(self, stream: Stream, topic: str, said: Said, tag: Seen, *, sender: Channel | None = None) -> int:
        """Write it to everybody on the topic who may hear it; returns to how many."""
        frames: dict[Framing, tuple[bytes | None, bool]] = {}
        heard = 0
        for group in stream.groups.values():
            if group.key[0] != topic or not group.audience.sees_tag(tag):
                continue
            framing = group.key[1]
            if framing not in frames:
                frames[framing] = _said_frame(framing, topic, said)
            frame, is_binary = frames[framing]
            if frame is None:
                continue
            for channel in group.channels:
                if channel is not sender or channel.config.wants_own:
                    channel.socket.hint(frame, write=channel.socket.binary if is_binary else None)
                    heard += 1
        self._hub.stats.broadcasts["passed"] += 1
        self._hub.stats.frames_out += heard
        return heard

    # Presence

    def _presence(self, channel: Channel, frame: wire.Frame) -> None:
        socket, stream = channel.socket, channel.stream
        if stream is None or channel.audience is None:
            return
        presence = self._hub.presence(stream, channel.topic)
        try:
            push = _pushes.decode(frame.payload)
            meta = msgspec.json.decode(push.payload)
        except msgspec.DecodeError as error:
            self._reply_error(channel, frame, f"InvalidPayload: {error}")
            return
        action = push.event.lower()
        if action == "untrack":
            presence.untrack(channel)
        elif action != "track" or not isinstance(meta, dict):
            self._reply_error(channel, frame, "InvalidPayload: presence is track with an object, or untrack")
            return
        elif (problem := self._track(channel, push, meta)) is not None:
            self._reply_error(channel, frame, problem)
            return
        socket.text(wire.reply(socket.framing, frame, ok=True))

    def _track(self, channel: Channel, push: _Push, meta: dict[str, Any]) -> str | None:
        """Take part; returns what stands against it."""
        stream, audience = channel.stream, channel.audience
        assert stream is not None
        assert audience is not None
        if len(memoryview(push.payload)) > META_MAX_BYTES:
            return f"PayloadTooLarge: a presence has at most {META_MAX_BYTES} bytes"
        tag = audience.tag(push.scope or channel.config.presence_scope)
        if tag is None:
            return "Unauthorized: you may not be present with this scope here"
        presence = self._hub.presence(stream, channel.topic)
        was_told = wants(channel)
        if not presence.track(channel, meta, tag):
            return "PresenceRateLimitReached: too many are present here"
        if not was_told:
            presence.send_state(channel)
        return None

    # Tokens

    def _access_token(self, channel: Channel, frame: wire.Frame) -> None:
        hub = self._hub
        sent = msgspec.json.decode(frame.payload)
        token = read_token(sent) if isinstance(sent, dict) else None
        if token is None:
            return
        try:
            claims = hub.tokens.verify(token)
        except TokenRefused as refused:
            hub.rights.fail(channel, *refused.parts)
            return
        if claims == channel.claims:
            return
        channel.claims = claims
        channel.warned = False
        hub.rights.hold(channel)


_HANDLED: Final = frozenset({"heartbeat", "phx_join", "phx_leave", "broadcast", "presence", "access_token"})


def _meta_scope(meta: bytes) -> str | None:
    found = msgspec.json.decode(meta) if meta else None
    scope = found.get("scope") if isinstance(found, dict) else None
    return scope if isinstance(scope, str) else None


def _said_frame(framing: Framing, topic: str, said: Said) -> tuple[bytes | None, bool]:
    """The frame of one framing and whether it is binary; V1 clients cannot be sent raw bytes."""
    if framing == Framing.V2 and said.is_binary:
        frame = wire.binary_broadcast(topic, said.event, b"", said.encoding, said.payload)
        if frame is not None or said.encoding == Encoding.RAW:
            return frame, True
    if said.encoding == Encoding.RAW:
        return None, False
    return wire.text_broadcast(framing, topic, said.event, said.payload), False


__all__ = ["Said", "Talk", "Unsaid", "WireError"]
