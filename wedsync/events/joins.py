"""Joining: who may listen, from which position, and how the client is answered.

The order loses nothing: follow the stream, ask for the audience and the position, answer, and only then catch up.
Refusals wait a little, so that clients that retry at once are slowed; the third of a kind closes for good.
"""

import asyncio
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

import msgspec

from wedsync.events import wire
from wedsync.events.channels import SITE_TOPIC, Channel, JoinConfig, State, read_join
from wedsync.events.reader import ReaderAway
from wedsync.events.recovery import Verdict, judge
from wedsync.events.scope import Scope
from wedsync.events.sockets import CHANNELS_MAX, Socket
from wedsync.events.streams import Stream
from wedsync.events.tokens import Claims, TokenRefused
from wedsync.events.wire import Framing
from wedsync.kit import clock

if TYPE_CHECKING:
    from wedsync.events.live import Hub

PLATFORM: Final = "00000000-0000-7000-8000-000000000000"
PAGE: Final = 200
DENIALS_MAX: Final = 3
JOIN_MAX_BYTES: Final = 64 * 1024


class Denied(Exception):  # noqa: N818 -- it reads as a sentence where it is raised
    """A join that is refused for good, or for now: `code` as clients of Supabase know it."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code


def read_topic(topic: str) -> tuple[str, str]:
    """Kind and id of a topic's stream; for a website its slug. Raises Denied."""
    if topic == "realtime:":
        raise Denied("TopicNameRequired", "You must provide a topic name")
    _, kind, ident = f"{topic}::".split(":")[:3]
    if topic == "realtime:platform":
        return "platform", PLATFORM
    if kind == "site" and 0 < len(ident) <= 100 and topic == SITE_TOPIC + ident:
        return "site", ident
    try:
        if kind in ("wedding", "supplier", "person") and topic == f"realtime:{kind}:{ident}":
            return kind, str(UUID(ident))
    except ValueError:
        pass
    raise _no_permission(topic)


def _no_permission(topic: str) -> Denied:
    """Absent and foreign are refused alike."""
    name = topic.removeprefix("realtime:")
    return Denied("Unauthorized", f"You do not have permissions to read from this Channel topic: {name}")


class Joins:
    """Joins of one hub."""

    def __init__(self, hub: "Hub") -> None:
        self._hub = hub
        self._gate = asyncio.Semaphore(hub.options.joins_at_once)

    def join(self, socket: Socket, frame: wire.Frame) -> None:
        """A `phx_join`."""
        try:
            read_topic(frame.topic)
            if len(frame.payload) > JOIN_MAX_BYTES:
                raise Denied("PayloadTooLarge", f"A join has at most {JOIN_MAX_BYTES} bytes")
            config = read_join(frame.payload)
            channel = self._channel(socket, frame, config)
        except Denied as denied:
            self._refuse(socket, frame, denied)
            return
        except TokenRefused as refused:
            self._refuse(socket, frame, Denied(*refused.parts))
            return
        self._replace(socket, channel)
        socket.channels[frame.topic] = channel
        self._hub.spawn(self._join(channel, frame))

    def _channel(self, socket: Socket, frame: wire.Frame, config: JoinConfig) -> Channel:
        if len(socket.channels) >= CHANNELS_MAX and frame.topic not in socket.channels:
            raise Denied("ChannelRateLimitReached", f"A socket holds at most {CHANNELS_MAX} channels")
        if config.token is not None:
            claims = self._hub.tokens.verify(config.token)
        elif socket.claims is not None and socket.claims.expires_at > self._hub.tokens.now():
            claims = socket.claims
        else:
            raise Denied("InvalidJWTToken", "Token has expired; send a fresh access_token with the join")
        # The token is long and not needed any more.
        config = msgspec.structs.replace(config, token=None)
        channel = Channel(socket, topic=frame.topic, join_ref=_join_ref(frame), config=config, claims=claims)
        channel.presence_key = config.presence_key or str(uuid4())
        return channel

    def _replace(self, socket: Socket, channel: Channel) -> None:
        """The same topic again on one socket: the new join takes the place of the old one."""
        old = socket.channels.get(channel.topic)
        if old is None:
            return
        self._hub.drop(old, may_return=True)
        # Only V2 clients tell by the join_ref that an old channel is meant; others would close the new one.
        if socket.framing == Framing.V2 and old.join_ref not in (wire.NULL, channel.join_ref):
            socket.text(wire.close(socket.framing, old.join_ref, old.topic))

    async def _join(self, channel: Channel, frame: wire.Frame) -> None:
        try:
            async with self._gate:
                verdict = await self._admit(channel)
        except Denied as denied:
            self._hub.drop(channel, may_return=True)
            self._refuse(channel.socket, frame, denied)
            return
        except ReaderAway as error:
            self._hub.reader_failed(error)
            self._hub.drop(channel, may_return=True)
            away = Denied("DatabaseLackOfConnections", "The database does not answer; retrying helps")
            self._refuse(channel.socket, frame, away)
            return
        if channel.is_gone or channel.stream is None:
            return
        top = channel.stream.top
        self._answer(channel, frame, verdict)
        await self._hub.rights.settle(channel, verdict, replay_until=top)

    async def _admit(self, channel: Channel) -> Verdict | None:
        """Attach to the stream and ask for everything a join needs. Raises Denied and ReaderAway."""
        hub = self._hub
        stream = await self._followed(channel)
        if channel.is_gone:
            return None
        channel.stream = stream
        stream.channels.add(channel)
        stream.empty_since = None
        if is_resumable(channel):
            # Its answer comes while the audience is asked for.
            hub.positions.prepare(channel.key, tenant=stream.tenant, epoch=stream.epoch, now=clock.monotonic())
        channel.audience = await hub.rights.audience(channel)
        if channel.audience is None:
            hub.positions.abandon(channel.key)
            raise _no_permission(channel.topic)
        channel.audited_at = clock.monotonic()
        verdict = await self._verdict(channel, stream)
        await self._remember(channel, stream)
        return verdict

    async def _followed(self, channel: Channel) -> Stream:
        """The stream; whether the session lives is asked meanwhile. Raises Denied and ReaderAway."""
        session, stream = await asyncio.gather(
            self._check_session(channel.claims), self.stream_of(channel.topic, channel.claims), return_exceptions=True
        )
        for outcome in (session, stream):
            if isinstance(outcome, BaseException):
                raise outcome
        assert isinstance(stream, Stream)
        return stream

    async def _check_session(self, claims: Claims) -> None:
        if claims.sid is not None and not await self._hub.sessions.is_alive(claims.sid):
            raise Denied("InvalidJWTToken", "The session has ended; sign in again")

    async def _remember(self, channel: Channel, stream: Stream) -> None:
        """Keep where the channel starts before it is told so: from then on not even a kill -9 loses any."""
        if channel.is_gone or not is_resumable(channel):
            return
        positions = self._hub.positions
        positions.hold(channel, tenant=stream.tenant, epoch=stream.epoch, seq=channel.cursor, now=clock.monotonic())
        await positions.save()

    async def stream_of(self, topic: str, claims: Claims) -> Stream:
        """The stream behind a topic, followed. Raises Denied and ReaderAway."""
        kind, ident = read_topic(topic)
        if kind == "site":
            tenant = await self._hub.reader.site_stream(ident)
            if tenant is None:
                raise _no_permission(topic)
            kind, ident = "wedding", tenant
        elif claims.is_anonymous:
            raise _no_permission(topic)
        stream = await self._hub.open_stream(kind, ident)
        if stream is None:
            raise _no_permission(topic)
        return stream

    async def _verdict(self, channel: Channel, stream: Stream) -> Verdict | None:
        """Where this channel starts, and what is said about it. Sets the cursor."""
        hub, now = self._hub, clock.monotonic()
        wanted: tuple[int | None, int] | None = channel.config.recover
        is_told = channel.config.asked_to_resume
        if is_resumable(channel):
            kept = await hub.positions.claim(channel.key, tenant=stream.tenant, epoch=stream.epoch, now=now)
            if kept is not None and (wanted is None or (wanted[0] in (None, kept[0]) and kept[1] > wanted[1])):
                wanted = kept
            if kept is not None and channel.is_gone:
                # The client went away again before it was answered: what it is owed waits on.
                hub.positions.hold(channel, tenant=stream.tenant, epoch=kept[0], seq=kept[1], now=now)
                hub.positions.release(channel, may_return=True, now=now)
        if channel.config.since_ms is not None and wanted is None:
            wanted = (None, max(stream.oldest - 1, stream.top - PAGE * 5))
        channel.cursor = channel.previous = stream.top
        if wanted is None:
            return None
        verdict = judge(
            wanted, epoch=stream.epoch, top=stream.top, oldest=stream.oldest, limit=channel.config.replay_limit
        )
        channel.cursor = channel.previous = verdict.start
        hub.stats.recoveries[verdict.status] += 1
        hub.stats.missed += verdict.missed
        return verdict if is_told or verdict.status != "recovered" else None

    def _answer(self, channel: Channel, frame: wire.Frame, verdict: Verdict | None) -> None:
        """The join's reply, then who is here, then that changes flow: they do already."""
        hub, socket = self._hub, channel.socket
        stream = channel.stream
        assert stream is not None
        response: dict[str, object] = {"postgres_changes": [binding.echo for binding in channel.config.bindings]}
        if verdict is not None:
            response["recovery"] = verdict
        hub.stats.joins["ok"] += 1
        if channel.audience is not None:
            hub.lookers.sent(stream.tenant, channel.audience, int(Scope.CORE))
        socket.text(wire.reply(socket.framing, frame, ok=True, response=msgspec.json.encode(response)))
        if channel.config.has_presence:
            hub.presence(stream, channel.topic).send_state(channel)
        self._report_bindings(channel)
        backlog, channel.backlog = channel.backlog, None
        channel.state = State.HELD
        for waiting in backlog or ():
            hub.talk.receive(socket, waiting)

    def _report_bindings(self, channel: Channel) -> None:
        problems = [f"{b.filter or b.table}: {b.problem}" for b in channel.config.bindings if b.problem]
        if problems:
            message = f"Unable to subscribe to changes with given parameters. {'; '.join(problems)}"
            channel.system(ok=False, message=message, extension="postgres_changes")
        elif channel.config.bindings:
            channel.system(ok=True, message="Subscribed to PostgreSQL", extension="postgres_changes")

    def _refuse(self, socket: Socket, frame: wire.Frame, denied: Denied) -> None:
        """Say so after a while; the third time for good, since a client would ask for ever."""
        hub = self._hub
        hub.stats.joins[denied.code] += 1
        kind, ident = _about(frame.topic)
        hub.lookers.refused(socket, denied.code, kind=kind, ident=ident)
        frames = [wire.refusal(socket.framing, frame, str(denied))]
        if denied.code == "Unauthorized" and socket.deny(frame.topic) >= DENIALS_MAX:
            frames.append(wire.close(socket.framing, _join_ref(frame), frame.topic))
        asyncio.get_running_loop().call_later(hub.options.refusal_delay_s, _say, socket, frames)


def _about(topic: str) -> tuple[str, str]:
    try:
        return read_topic(topic)
    except Denied:
        return "", ""


def is_resumable(channel: Channel) -> bool:
    """Anonymous visitors without a name of their own cannot be told apart, so nothing is kept for them."""
    return not channel.claims.is_anonymous or bool(channel.socket.client_id or channel.config.presence_key)


def _join_ref(frame: wire.Frame) -> bytes:
    """A V1 client that sends no join_ref means the join's own ref."""
    return frame.ref if frame.join_ref == wire.NULL else frame.join_ref


def _say(socket: Socket, frames: list[bytes]) -> None:
    if not socket.is_closed:
        for frame in frames:
            socket.text(frame)
