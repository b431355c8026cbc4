"""Rights while a channel lives: asked, asked again when they may have changed, and what that means for what is sent.

A channel whose rights may have changed is held at the event that changed them, until the database has said what it may
see now; then it catches up from there. So no event after a revocation is judged by the old rights, and none is lost by
a grant. What was sent and may no longer be seen is taken back by tombstones.
"""

import asyncio
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, Final

import msgspec

from wedsync.events import wire
from wedsync.events.audience import SITE, Audience, view
from wedsync.events.channels import SITE_TOPIC, Channel, Group, State, group_key, scope_names
from wedsync.events.frames import LiveEvent, read_event
from wedsync.events.presence import wants
from wedsync.events.reader import ReaderAway
from wedsync.events.recovery import Verdict
from wedsync.events.streams import Stream
from wedsync.events.tokens import Claims
from wedsync.kit import clock

if TYPE_CHECKING:
    from wedsync.events.live import Hub

PAGE: Final = 200
PAGE_MAX_BYTES: Final = 256 * 1024
AUDIENCE_CACHE_S: Final = 5.0
ACCESS_TABLES: Final = frozenset(
    {"links", "memberships", "supplier_members", "assignments", "sites", "persons", "sessions"}
)


class Change(msgspec.Struct, frozen=True):
    """Whose rights an event may have changed."""

    link: str | None = None
    membership: str | None = None
    person: str | None = None
    is_site: bool = False
    ended_session: str | None = None

    def concerns(self, channel: Channel, *, is_home: bool) -> bool:
        """Whether a channel is to be asked for again; `is_home` on the stream of the event."""
        audience = channel.audience
        if self.person is not None and channel.claims.person == self.person:
            return True
        if self.is_site and is_home and channel.topic.startswith(SITE_TOPIC):
            return True
        if audience is None:
            return False
        by_link = self.link is not None and audience.link_id == self.link
        return by_link or (self.membership is not None and audience.membership_id == self.membership)


def affected(event: LiveEvent) -> Change | None:
    """What an event may have changed; None for nearly all."""
    table, row_id = event.subject.table, event.subject.id
    if table not in ACCESS_TABLES:
        return None
    if table == "links":
        return Change(link=row_id)
    if table == "persons":
        return Change(person=row_id)
    if table == "sites":
        return Change(is_site=True)
    if table == "sessions":
        return Change(ended_session=row_id) if event.type == "session.ended" or event.op == "DELETE" else None
    row = _image(event)
    return Change(link=_text(row, "link_id"), membership=row_id, person=_text(row, "person_id"))


def _image(event: LiveEvent) -> dict[str, Any]:
    both = [msgspec.json.decode(raw) or {} for raw in (event.old_record, event.record)]
    return {**both[0], **both[1]}


def _text(row: dict[str, Any], column: str) -> str | None:
    value = row.get(column)
    return value if isinstance(value, str) else None


class Rights:
    """The rights of one hub's channels."""

    def __init__(self, hub: "Hub") -> None:
        self._hub = hub

    async def audience(self, channel: Channel) -> Audience | None:
        """What a channel's person is here, as of now. Raises ReaderAway."""
        assert channel.stream is not None
        return await self.audience_of(channel.stream, channel.topic, channel.claims)

    async def audience_of(self, stream: Stream, topic: str, claims: Claims) -> Audience | None:
        """What a person is on a topic, asked once for all who ask at the same time. Raises ReaderAway."""
        person = claims.person
        if topic.startswith(SITE_TOPIC):
            slug = topic.removeprefix(SITE_TOPIC)
            return SITE if await self._hub.reader.site_stream(slug) == stream.tenant else None
        if person is None:
            return None
        while True:
            version, now = stream.access_version, clock.monotonic()
            asked = stream.audiences.get(person)
            if asked is None or asked[0] != version or asked[1] < now - AUDIENCE_CACHE_S:
                work: Coroutine[Any, Any, Audience | None] = self._hub.reader.audience(
                    person, stream.kind, stream.tenant
                )
                asked = (version, now, asyncio.get_running_loop().create_task(work))
                stream.audiences[person] = asked
            try:
                found = await asyncio.shield(asked[2])
            except ReaderAway:
                if stream.audiences.get(person) == asked:
                    del stream.audiences[person]
                raise
            if stream.access_version == version:
                return found

    async def settle(self, channel: Channel, verdict: Verdict | None = None, *, replay_until: int = 0) -> None:
        """From held to live: rights first, then what is missing, as often as either changes meanwhile."""
        stream = channel.stream
        assert stream is not None
        while True:
            version = stream.access_version
            try:
                audience = await self.audience(channel)
                if channel.is_gone or channel.socket.is_closed:
                    return
                if audience is None:
                    self.evict(channel)
                    return
                if audience != channel.audience:
                    self._shift(channel, audience)
                channel.audited_at = clock.monotonic()
                if await self._catch_up(channel, version, replay_until):
                    self._go_live(channel, verdict)
                    return
            except ReaderAway as error:
                self._hub.reader_failed(error)
                self.fail(channel, "DatabaseLackOfConnections", "the database does not answer")
                return

    async def _catch_up(self, channel: Channel, version: int, replay_until: int) -> bool:
        """Send what lies between the channel and the top. False when rights may have changed, or it is gone."""
        stream, audience = channel.stream, channel.audience
        assert stream is not None
        assert audience is not None
        group = Group(group_key(channel, audience), channel.config.bindings)
        while channel.cursor < stream.top:
            page = stream.after(channel.cursor, PAGE)
            if page is None:
                page = await self._read_page(stream, channel.cursor)
                if not _may_go_on(channel, stream, version):
                    return False
            self._send_page(channel, group, page, replay_until)
            await channel.socket.drained()
            await asyncio.sleep(0)
            if not _may_go_on(channel, stream, version):
                return False
        return stream.access_version == version

    async def _read_page(self, stream: Stream, after: int) -> list[LiveEvent]:
        """A page of the log, no further than was dispatched: what may change rights has then been considered."""
        events = [read_event(text) for text in await self._hub.reader.read_events(stream.tenant, after, PAGE)]
        return [event for event in events if event.seq <= stream.top] if events else []

    def _send_page(self, channel: Channel, group: Group, page: list[LiveEvent], replay_until: int) -> None:
        stream, hub = channel.stream, self._hub
        assert stream is not None
        if not page:
            # The log no longer holds what lies between.
            channel.cursor = stream.top
        since_ms = channel.config.since_ms or 0
        for event in page:
            channel.cursor = event.seq
            is_replay = event.seq <= replay_until
            if is_replay and event.seconds * 1000 < since_ms:
                continue
            rendering = hub.render(event)
            seen = view(group.audience, now=event.seen, before=rendering.before)
            frames = group.frames(rendering, seen, previous=channel.previous, is_replay=is_replay) if seen else []
            for frame in frames:
                channel.socket.send(frame, is_urgent=hub.is_urgent(event))
            if frames:
                channel.previous = event.seq
                channel.socket.frames += len(frames)
                hub.stats.replayed += len(frames)
                hub.lookers.sent(stream.tenant, group.audience, event.scope)
            if channel.socket.queued_bytes > PAGE_MAX_BYTES:
                # The rest of the page when the reader has caught up: a replay must not get it cut.
                return

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
        if channel.group is not None and channel.group is not group:
            group.inherit(channel.group)
        group.channels[channel] = None
        channel.group = group
        channel.state = State.LIVE
        if verdict is not None:
            channel.notice("wedsync:recovery", verdict)
        presence = stream.presences.get(channel.topic)
        if presence is not None and channel in presence.stale and wants(channel):
            presence.send_state(channel)

    def reconsider(self, stream: Stream | None, event: LiveEvent) -> None:
        """Hold every channel whose rights an event may change, before the event itself is judged."""
        change = affected(event)
        if change is None:
            return
        if change.ended_session is not None:
            self.end_session(change.ended_session)
            return
        for followed in list(self._hub.streams.values()):
            # Also answers that are on their way were asked for before the change.
            followed.access_version += 1
            for channel in [c for c in followed.channels if change.concerns(c, is_home=followed is stream)]:
                self.hold(channel, before=event.seq if followed is stream else None)

    def hold(self, channel: Channel, *, before: int | None = None) -> None:
        """Stop a channel until its audience was asked anew; it goes on with event `before`, or after the top."""
        stream = channel.stream
        if stream is None or channel.is_gone:
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
        self._hub.spawn(self.settle(channel))

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
        if presence is None:
            return
        entry = channel.presence
        if entry is not None and not audience.may_use(entry.told.tag):
            presence.untrack(channel)
        if wants(channel):
            presence.send_state(channel)

    def _bury(self, channel: Channel, audience: Audience | None) -> list[tuple[str, str]]:
        """Tombstones for the remembered rows that the audience lost; returns those no binding asked for."""
        group, stream = channel.group, channel.stream
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


def _may_go_on(channel: Channel, stream: Stream, version: int) -> bool:
    return not channel.is_gone and not channel.socket.is_closed and stream.access_version == version
