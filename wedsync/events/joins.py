"""Joining: who may, from where, and what is caught up before the live events; and asking again when rights change.

The order loses nothing: follow the stream, ask for the audience, answer, replay, and only when nothing is left between
the channel and the stream's top become live, in the same turn of the loop. A channel whose rights may have changed is
held at the event that changed them and goes through the same door again, so nothing after that event is judged by the
old rights.
"""

import asyncio
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

import msgspec

from wedsync.events import wire
from wedsync.events.audience import SITE, Audience, view
from wedsync.events.channels import Channel, Group, JoinConfig, State, group_key, read_join, scope_names
from wedsync.events.frames import LiveEvent, read_event
from wedsync.events.presence import wants
from wedsync.events.reader import ReaderAway
from wedsync.events.recovery import Verdict, judge
from wedsync.events.rights import affected
from wedsync.events.sockets import CHANNELS_MAX, Socket
from wedsync.events.streams import Stream
from wedsync.events.tokens import TokenRefused
from wedsync.events.wire import Framing
from wedsync.kit import clock

if TYPE_CHECKING:
    from wedsync.events.live import Hub

PLATFORM: Final = "00000000-0000-7000-8000-000000000000"
PAGE: Final = 200
DENIALS_MAX: Final = 3
AUDIENCE_CACHE_S: Final = 5.0
SITE_TOPIC: Final = "realtime:site:"


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
            config = read_join(frame.payload)
            channel = self._channel(socket, frame, config)
        except Denied as denied:
            self._refuse(socket, frame, denied)
            return
        except TokenRefused as refused:
            self._refuse(socket, frame, Denied(*_split(refused)))
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
            denied = Denied("DatabaseLackOfConnections", "The database does not answer; retrying helps")
            self._refuse(channel.socket, frame, denied)
            return
        if channel.state is State.GONE:
            return
        self._answer(channel, frame, verdict)
        await self._settle(channel, verdict)

    async def _admit(self, channel: Channel) -> Verdict | None:
        """Attach to the stream and ask for everything a join needs. Raises Denied and ReaderAway."""
        hub, claims = self._hub, channel.claims
        kind, tenant = await self._locate(channel)
        if claims.sid is not None and not await hub.sessions.is_alive(claims.sid):
            raise Denied("InvalidJWTToken", "The session has ended; sign in again")
        stream = await hub.open_stream(kind, tenant)
        if stream is None:
            raise _no_permission(channel.topic)
        if channel.state is State.GONE:
            return None
        channel.stream = stream
        stream.channels.add(channel)
        stream.empty_since = None
        channel.audience = await self.audience(channel)
        if channel.audience is None:
            raise _no_permission(channel.topic)
        channel.audited_at = clock.monotonic()
        return await self._verdict(channel, stream)

    async def _locate(self, channel: Channel) -> tuple[str, str]:
        kind, ident = read_topic(channel.topic)
        if kind == "site":
            tenant = await self._hub.reader.site_stream(ident)
            if tenant is None:
                raise _no_permission(channel.topic)
            return "wedding", tenant
        if channel.claims.is_anonymous:
            raise _no_permission(channel.topic)
        return kind, ident

    async def audience(self, channel: Channel) -> Audience | None:
        """What a channel's person is here, as of now. Raises ReaderAway."""
        stream, person = channel.stream, channel.claims.person
        assert stream is not None
        if channel.topic.startswith(SITE_TOPIC):
            slug = channel.topic.removeprefix(SITE_TOPIC)
            return SITE if await self._hub.reader.site_stream(slug) == stream.tenant else None
        if person is None:
            return None
        while True:
            version, now = stream.access_version, clock.monotonic()
            asked = stream.audiences.get(person)
            if asked is None or asked[0] != version or asked[1] < now - AUDIENCE_CACHE_S:
                work = self._hub.reader.audience(person, stream.kind, stream.tenant)
                asked = (version, now, asyncio.get_running_loop().create_task(_run(work)))
                stream.audiences[person] = asked
            try:
                found = await asyncio.shield(asked[2])
            except ReaderAway:
                if stream.audiences.get(person) == asked:
                    del stream.audiences[person]
                raise
            if stream.access_version == version:
                return found

    async def _verdict(self, channel: Channel, stream: Stream) -> Verdict | None:
        """Where this channel starts, and what is said about it. Sets the cursor."""
        hub, now = self._hub, clock.monotonic()
        wanted: tuple[int | None, int] | None = channel.config.recover
        is_told = channel.config.asked_to_resume
        if is_resumable(channel):
            kept = await hub.positions.claim(channel.key, tenant=stream.tenant, epoch=stream.epoch, now=now)
            if kept is not None and (wanted is None or (wanted[0] in (None, kept[0]) and kept[1] > wanted[1])):
                wanted = kept
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
        socket.text(wire.reply(socket.framing, frame, ok=True, response=msgspec.json.encode(response)))
        if is_resumable(channel):
            hub.positions.hold(
                channel, tenant=stream.tenant, epoch=stream.epoch, seq=channel.cursor, now=clock.monotonic()
            )
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
        frames = [wire.refusal(socket.framing, frame, str(denied))]
        if denied.code == "Unauthorized" and socket.deny(frame.topic) >= DENIALS_MAX:
            frames.append(wire.close(socket.framing, _join_ref(frame), frame.topic))
        asyncio.get_running_loop().call_later(hub.options.refusal_delay_s, _say, socket, frames)

    # Catching up

    async def _settle(self, channel: Channel, verdict: Verdict | None = None) -> None:
        """From held to live: rights first, then what is missing, as often as either changes meanwhile."""
        stream = channel.stream
        assert stream is not None
        while channel.state is not State.GONE:
            version = stream.access_version
            try:
                audience = await self.audience(channel)
                if channel.state is State.GONE:
                    return
                if audience is None:
                    self.evict(channel)
                    return
                if audience != channel.audience:
                    self._shift(channel, audience)
                channel.audited_at = clock.monotonic()
                if await self._catch_up(channel, version, verdict):
                    return
            except ReaderAway as error:
                self._hub.reader_failed(error)
                self.fail(channel, "DatabaseLackOfConnections", "the database does not answer")
                return

    async def _catch_up(self, channel: Channel, version: int, verdict: Verdict | None) -> bool:
        """Send what lies between the channel and the stream's top, then go live; False when rights may have changed."""
        stream, audience = channel.stream, channel.audience
        assert stream is not None
        assert audience is not None
        group = Group(group_key(channel, audience), channel.config.bindings)
        is_join = channel.group is None and verdict is not None
        while channel.cursor < stream.top:
            page = stream.after(channel.cursor, PAGE)
            if page is None:
                texts = await self._hub.reader.read_events(stream.tenant, channel.cursor, PAGE)
                page = [read_event(text) for text in texts]
            if channel.state is State.GONE or stream.access_version != version:
                return channel.state is State.GONE
            self._replay(channel, group, page, is_replay=is_join)
            if channel.socket.is_congested:
                await channel.socket.drained()
            elif channel.cursor < stream.top:
                await asyncio.sleep(0)
            if channel.state is State.GONE or stream.access_version != version:
                return channel.state is State.GONE
        self._go_live(channel, verdict)
        return True

    def _replay(self, channel: Channel, group: Group, page: list[LiveEvent], *, is_replay: bool) -> None:
        """One page of the log for one channel."""
        stream, hub = channel.stream, self._hub
        assert stream is not None
        since_ms = channel.config.since_ms if is_replay else None
        for event in page:
            if event.seq <= channel.cursor:
                continue
            channel.cursor = event.seq
            if since_ms is not None and event.seconds * 1000 < since_ms:
                continue
            rendering = hub.render(event)
            seen = view(group.audience, now=event.seen, before=rendering.before)
            if seen is None:
                continue
            frames = group.frames(rendering, seen, previous=channel.previous, is_replay=is_replay)
            for frame in frames:
                channel.socket.send(frame, is_urgent=hub.is_urgent(event))
            channel.socket.frames += len(frames)
            channel.previous = event.seq if frames else channel.previous
            hub.stats.replayed += len(frames)
        if not page:
            channel.cursor = stream.top

    def _go_live(self, channel: Channel, verdict: Verdict | None) -> None:
        """Nothing lies between the channel and the top: from the next event on it is written with its group."""
        stream, audience = channel.stream, channel.audience
        assert stream is not None
        assert audience is not None
        key = group_key(channel, audience)
        group = stream.groups.get(key)
        if group is None:
            group = stream.groups[key] = Group(key, channel.config.bindings)
            group.last = channel.previous
        # A group that was sent nothing yet only knows where it began; who resumed knows better.
        group.last = min(group.last, channel.previous)
        group.channels[channel] = None
        channel.group = group
        channel.state = State.LIVE
        if verdict is not None:
            channel.notice("wedsync:recovery", verdict)
        presence = stream.presences.get(channel.topic)
        if presence is not None and channel in presence.stale and wants(channel):
            presence.send_state(channel)

    # Rights

    def reconsider(self, stream: Stream | None, event: LiveEvent) -> None:
        """Hold every channel whose rights an event may change, before the event itself is judged."""
        change = affected(event)
        if change is None:
            return
        if change.ended_session is not None:
            self.end_session(change.ended_session)
        for followed in list(self._hub.streams.values()):
            for channel in [c for c in followed.channels if change.concerns(c, is_home=followed is stream)]:
                self.hold(channel, before=event.seq if followed is stream else None)

    def hold(self, channel: Channel, *, before: int | None = None) -> None:
        """Stop a channel until its audience was asked anew; it goes on with event `before`, or after the top."""
        stream = channel.stream
        if stream is None or channel.state is State.GONE:
            return
        stream.access_version += 1
        if channel.state is not State.LIVE or channel.group is None:
            return
        channel.state = State.HELD
        channel.previous = channel.group.last
        channel.cursor = stream.top if before is None else before - 1
        # The rows it was sent are needed to take them back; the others of the group go on.
        group = channel.group
        self._hub.leave_group(channel)
        channel.group = group
        self._hub.spawn(self._settle(channel))

    def end_session(self, sid: str) -> None:
        """Cut everything a session opened."""
        self._hub.sessions.end(sid)
        for stream in list(self._hub.streams.values()):
            for channel in [c for c in stream.channels if c.claims.sid == sid]:
                channel.system(ok=False, message="The session has ended")
                self.shut(channel)

    def _shift(self, channel: Channel, audience: Audience) -> None:
        """The audience has become another: take back what it lost, say what it gained."""
        old, channel.audience = channel.audience, audience
        assert old is not None
        lost, gained = old.mask & ~audience.mask, audience.mask & ~old.mask
        rows = self._bury(channel, audience)
        if lost or rows:
            self._tell_revoked(channel, lost, rows)
        if gained:
            channel.notice("wedsync:granted", {"scopes": scope_names(gained)})
        stream = channel.stream
        presence = stream.presences.get(channel.topic) if stream is not None else None
        if presence is not None and wants(channel):
            presence.send_state(channel)

    def _bury(self, channel: Channel, audience: Audience | None) -> list[tuple[str, str]]:
        """Tombstones for the remembered rows that the audience lost; returns those no binding asked for."""
        group, stream = channel.group, channel.stream
        channel.group = None
        if group is None or stream is None:
            return []
        rev = f"{stream.epoch}:{channel.cursor}:{channel.previous}"
        at = clock.machine_now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        unasked = []
        for row in group.lost_rows(audience):
            frame = group.tombstone(stream.name, row, rev=rev, at=at)
            if frame is None:
                unasked.append(row)
            else:
                channel.socket.send(frame, is_urgent=True)
            self._hub.stats.tombstones += 1
        return unasked

    def _tell_revoked(self, channel: Channel, lost: int, rows: list[tuple[str, str]]) -> None:
        gone = [{"table": table, "id": row_id, "op": "DELETE"} for table, row_id in rows]
        channel.notice("wedsync:revoked", {"scopes": scope_names(lost), "rows": gone})

    def evict(self, channel: Channel) -> None:
        """It may see nothing here any more: take everything back, say so, close."""
        old, topic = channel.audience, channel.topic.removeprefix("realtime:")
        rows = self._bury(channel, None)
        self._tell_revoked(channel, old.mask if old is not None else 0, rows)
        channel.system(ok=False, message=f"You no longer have permission to read from this Channel topic: {topic}")
        self.shut(channel)

    def shut(self, channel: Channel) -> None:
        """Close for good: the client does not rejoin."""
        socket = channel.socket
        self._hub.drop(channel, may_return=False)
        socket.send(wire.close(socket.framing, channel.join_ref, channel.topic), is_urgent=True)

    def fail(self, channel: Channel, code: str, text: str) -> None:
        """Trouble that a rejoin heals."""
        socket = channel.socket
        channel.system(ok=False, message=f"{code}: {text}")
        self._hub.drop(channel, may_return=True)
        socket.send(wire.error(socket.framing, channel.join_ref, channel.topic, f"{code}: {text}"), is_urgent=True)


def is_resumable(channel: Channel) -> bool:
    """Anonymous visitors without a name of their own cannot be told apart, so nothing is kept for them."""
    return not channel.claims.is_anonymous or bool(channel.socket.client_id or channel.config.presence_key)


def _join_ref(frame: wire.Frame) -> bytes:
    """A V1 client that sends no join_ref means the join's own ref."""
    return frame.ref if frame.join_ref == wire.NULL else frame.join_ref


def _split(refused: TokenRefused) -> tuple[str, str]:
    code, _, text = str(refused).partition(": ")
    return code, text


def _say(socket: Socket, frames: list[bytes]) -> None:
    if not socket.is_closed:
        for frame in frames:
            socket.text(frame)


async def _run(work: "asyncio.Future[Audience | None] | object") -> Audience | None:
    return await work  # type: ignore[misc, no-any-return]
