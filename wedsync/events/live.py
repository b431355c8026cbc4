"""The live side of the spine: events arrive from the feed or the log, and every group is written what it may see.

`Hub` holds sockets, streams and what they share. An event is judged once per audience, rendered once per shape and
written to each socket; nothing here asks the database per event or per subscriber. The feed (Valkey) may lose and
repeat: the log is polled, so an outage only makes the word slower.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Coroutine, Mapping
from typing import Any, Final

import msgspec
import structlog

from wedsync.events.channels import Channel, State
from wedsync.events.frames import LiveEvent, OpenSealed, Rendering, encode_columns, read_event, read_nudge
from wedsync.events.joins import Joins
from wedsync.events.lookers import Lookers
from wedsync.events.neighbours import Neighbours
from wedsync.events.presence import Presence
from wedsync.events.reader import Columns, Reader, ReaderAway
from wedsync.events.recovery import Positions
from wedsync.events.rights import Rights
from wedsync.events.sockets import Socket
from wedsync.events.stats import Stats
from wedsync.events.streams import GAP_S, Stream
from wedsync.events.talk import Talk
from wedsync.events.tokens import Sessions, Tokens
from wedsync.kit import clock, failpoints

__all__ = ["Columns", "Hub", "Options", "Reader"]

log = structlog.get_logger()

PAGE: Final = 500
TURN_S: Final = 0.01
"""So long the feed may hold the loop; heartbeats go out in between."""
UNDER_WAY_S: Final = 0.02
"""So long a commit's nudge may take before a poll that saw the commit reads the log itself."""
RENDERED_MAX: Final = 128
RESTORED: Final = "the log was restored; rejoining tells what is lost"


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What processes pass in."""

    event_types: frozenset[str] = frozenset()
    """Names that no client may broadcast."""
    critical_types: frozenset[str] = frozenset()
    """Types that overtake."""
    open_sealed: OpenSealed | None = None
    refusal_delay_s: float = 1.0
    """Refusals wait so long: clients that retry at once are slowed, their time-outs are 10 s."""
    joins_at_once: int = 64
    sockets_max: int = 20_000


class Hub:
    """All sockets and streams of one gateway process."""

    def __init__(self, reader: Reader, tokens: Tokens, options: Options | None = None) -> None:
        self.reader = reader
        self.tokens = tokens
        self.options = options or Options()
        self.stats = Stats()
        self.sessions = Sessions(reader, monotonic=clock.monotonic)
        self.positions = Positions(reader)
        self.sockets: set[Socket] = set()
        self.streams: dict[str, Stream] = {}
        self.columns: Mapping[str, bytes] = {}
        self.feed_is_up = False
        self.is_draining = False
        self.rights = Rights(self)
        self.joins = Joins(self)
        self.talk = Talk(self)
        self.neighbours: Neighbours | None = None
        self.lookers = Lookers()
        self._inbox: deque[LiveEvent] = deque()
        self._is_turning = False
        self._tasks: set[asyncio.Task[Any]] = set()
        self._rendered: OrderedDict[tuple[str, int, int], Rendering] = OrderedDict()

    async def load_columns(self) -> None:
        """Learn the tables' columns. Raises ReaderAway."""
        found = await self.reader.columns()
        self.columns = {table: encode_columns(columns) for table, columns in found.items()}

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run in the background; what fails there is logged and never silent."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("gateway_task_failed", exc_info=error)

    async def close(self) -> None:
        """Stop what runs in the background."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # Sockets

    def connect(self, socket: Socket) -> None:
        """A socket is open."""
        self.sockets.add(socket)
        self.lookers.came(socket)

    def disconnect(self, socket: Socket) -> None:
        """A socket is gone, whoever ended it."""
        if socket in self.sockets:
            self.lookers.went(socket)
        self.sockets.discard(socket)
        socket.gone()
        for channel in list(socket.channels.values()):
            self.drop(channel, may_return=True)

    def drop(self, channel: Channel, *, may_return: bool) -> None:
        """A channel ends. `may_return` where the client did not mean it to."""
        if channel.is_gone:
            return
        self.leave_group(channel)
        channel.state = State.GONE
        if channel.socket.channels.get(channel.topic) is channel:
            del channel.socket.channels[channel.topic]
        if not channel.socket.channels:
            channel.socket.idle_since = clock.monotonic()
        stream = channel.stream
        if stream is None:
            return
        stream.channels.discard(channel)
        presence = stream.presences.get(channel.topic)
        if presence is not None and may_return:
            presence.lose(channel, clock.monotonic())
        elif presence is not None:
            presence.untrack(channel)
            presence.stale.discard(channel)
        self.positions.release(channel, may_return=may_return, now=clock.monotonic())
        if not stream.channels:
            stream.empty_since = clock.monotonic()

    def leave_group(self, channel: Channel) -> None:
        """Nothing live reaches it any more."""
        group, stream = channel.group, channel.stream
        if group is None or stream is None:
            return
        channel.group = None
        group.channels.pop(channel, None)
        if not group.channels and stream.groups.get(group.key) is group:
            del stream.groups[group.key]

    def presence(self, stream: Stream, topic: str) -> Presence:
        """The presence of a topic, made when first needed."""
        if topic not in stream.presences:
            stream.presences[topic] = Presence(topic, lambda: self.flush_presence(stream, topic))
            if self.neighbours is not None:
                self.neighbours.ask(stream.name, topic)
        return stream.presences[topic]

    def flush_presence(self, stream: Stream, topic: str) -> None:
        """Tell what gathered."""
        groups = [group for group in stream.groups.values() if group.key[0] == topic]
        waiting = [c for c in stream.channels if c.topic == topic and c.state is not State.LIVE]
        presence = stream.presences.get(topic)
        if presence is None:
            return
        news = presence.news()
        if news is not None and self.neighbours is not None:
            self.neighbours.tell(stream.name, topic, news)
        self.stats.frames_out += presence.flush(groups, waiting)

    def drained(self, socket: Socket) -> None:
        """A slow socket has caught up: tell what it was not told."""
        for channel in socket.channels.values():
            presence = channel.stream.presences.get(channel.topic) if channel.stream is not None else None
            if presence is not None and channel in presence.stale:
                presence.send_state(channel)
        if socket.dropped:
            self.stats.hints_dropped += socket.dropped
            for channel in socket.channels.values():
                channel.notice("wedsync:gap", {"dropped": socket.dropped})
            socket.dropped = 0

    # Streams

    async def open_stream(self, kind: str, tenant: str) -> Stream | None:
        """Follow a stream from now on; None where there is none. Raises ReaderAway."""
        name = f"{kind}:{tenant}"
        stream = self.streams.get(name)
        if stream is None:
            stream = self.streams[name] = Stream(kind, tenant)
            stream.empty_since = clock.monotonic()
        if not stream.is_open:
            if stream.opening is None:
                stream.opening = asyncio.get_running_loop().create_task(self._open(stream))
            # Shielded: a client that goes away must not stop the others who wait for the same stream.
            if not await asyncio.shield(stream.opening):
                return None
        return stream

    async def _open(self, stream: Stream) -> bool:
        try:
            top = await self.reader.stream_top(stream.kind, stream.tenant)
        except ReaderAway:
            self.forget_stream(stream)
            raise
        if top is None:
            self.forget_stream(stream)
            return False
        stream.open_at(top.epoch, top.top, top.oldest)
        stream.advance(self._dispatch, clock.monotonic())
        return True

    def forget_stream(self, stream: Stream) -> None:
        """Stop following."""
        if self.streams.get(stream.name) is stream:
            del self.streams[stream.name]
        if stream.gap is not None:
            stream.gap.cancel()
        if stream.reading is not None:
            stream.reading.cancel()

    # Events in

    def take(self, payload: bytes) -> None:
        """A message of the feed."""
        try:
            events = read_nudge(payload)
        except msgspec.DecodeError as error:
            log.warning("feed_message_unreadable", reason=str(error), size=len(payload))
            return
        self.stats.events["feed"] += len(events)
        failpoints.hit("after_feed")
        self._inbox.extend(events)
        if not self._is_turning:
            self._turn()

    def _turn(self) -> None:
        self._is_turning = False
        until = clock.monotonic() + TURN_S
        while self._inbox:
            self._offer(self._inbox.popleft())
            if clock.monotonic() > until and self._inbox:
                self._is_turning = True
                asyncio.get_running_loop().call_soon(self._turn)
                return

    def _offer(self, event: LiveEvent) -> None:
        stream = self.streams.get(event.stream)
        if stream is None:
            self.rights.reconsider(None, event)
        elif not stream.is_open:
            stream.offer(event)
        elif event.epoch > stream.epoch:
            self.new_epoch(stream)
        elif event.epoch < stream.epoch or event.seq <= stream.top:
            self.stats.events["twice"] += 1
        else:
            self._follow(stream, event)

    def _follow(self, stream: Stream, event: LiveEvent) -> None:
        stream.offer(event)
        stream.advance(self._dispatch, clock.monotonic())
        if not stream.is_behind:
            return
        if event.wake:
            self.read_log(stream)
        elif stream.gap is None:
            stream.gap = asyncio.get_running_loop().call_later(GAP_S, self._gap_is_over, stream)

    def _gap_is_over(self, stream: Stream) -> None:
        stream.gap = None
        if stream.is_behind:
            self.read_log(stream)

    def read_log(self, stream: Stream) -> None:
        """Read what the feed did not bring; once at a time."""
        if stream.reading is None or stream.reading.done():
            stream.reading = self.spawn(self._read_log(stream))

    async def _read_log(self, stream: Stream) -> None:
        more = True
        while more:
            try:
                texts = await self.reader.read_events(stream.tenant, stream.top, PAGE)
            except ReaderAway as error:
                self.reader_failed(error)
                return
            more = len(texts) == PAGE
            for text in texts:
                if not self._append(stream, read_event(text)):
                    return
            await asyncio.sleep(0)
        stream.forget_pending()
        stream.advance(self._dispatch, clock.monotonic())

    def _append(self, stream: Stream, event: LiveEvent) -> bool:
        """The next event of the log; False where the log has become another."""
        if event.epoch != stream.epoch:
            self.new_epoch(stream)
            return False
        if event.seq <= stream.top:
            return True
        if event.seq > stream.top + 1:
            stream.jump(event.seq - 1)
        self.stats.events["log"] += 1
        stream.append(event, clock.monotonic())
        self._dispatch(stream, event)
        return True

    def new_epoch(self, stream: Stream, why: str = RESTORED) -> None:
        """Every client joins anew; where the log was restored, numbers mean something else now."""
        self.forget_stream(stream)
        for channel in list(stream.channels):
            self.rights.fail(channel, "RealtimeRestarting", why)

    async def poll(self) -> int:
        """Ask where the followed streams stand and read what was missed; returns how many were behind."""
        followed = {stream.tenant: stream for stream in self.streams.values() if stream.is_open}
        tops = await self.reader.stream_tops(list(followed)) if followed else {}
        behind: list[tuple[Stream, int]] = []
        for tenant, (epoch, top) in tops.items():
            stream = followed[tenant]
            if epoch != stream.epoch:
                self.new_epoch(stream)
            elif top > stream.top:
                behind.append((stream, top))
        if behind and self.feed_is_up:
            # What was committed a moment ago is on its way through the feed, and nothing was missed.
            await asyncio.sleep(UNDER_WAY_S)
        missed = [(stream, top) for stream, top in behind if top > stream.top]
        for stream, top in missed:
            if self.streams.get(stream.name) is stream:
                stream.wanted = max(stream.wanted, top)
                self.read_log(stream)
        return len(missed)

    def reader_failed(self, error: ReaderAway) -> None:
        """The database is away: said once a failure; the next poll tries again."""
        self.stats.reader_failures += 1
        log.warning("reader_away", reason=str(error))

    # Events out

    def _dispatch(self, stream: Stream, event: LiveEvent) -> None:
        """The next event of a stream, in order, to every group that may see it."""
        try:
            self._tell(stream, event)
        except Exception:
            # It counts as told to all, and was to some at most: everybody joins anew from where they stand.
            self.new_epoch(stream, "an event could not be told; rejoining brings it")
            raise

    def _tell(self, stream: Stream, event: LiveEvent) -> None:
        self.rights.reconsider(stream, event)
        if not stream.groups:
            return
        failpoints.hit("before_frames")
        concerned = [group for group in stream.groups.values() if group.concerns(event.subject.table)]
        if not concerned:
            return
        rendering = self.render(event)
        is_urgent = self.is_urgent(event)
        written = 0
        for group in concerned:
            sent = group.write(rendering, is_urgent=is_urgent)
            if sent:
                written += sent
                self.lookers.sent(stream.tenant, group.audience, event.scope)
        self.stats.frames_out += written
        if written:
            self.stats.commit_to_write.observe(self._age_ms(event))

    def render(self, event: LiveEvent) -> Rendering:
        """The event's rendering, kept a little for those who come back together."""
        key = (event.stream, event.epoch, event.seq)
        rendering = self._rendered.get(key)
        if rendering is None:
            rendering = Rendering(event, columns=self.columns, open_sealed=self.options.open_sealed)
            self._rendered[key] = rendering
            if len(self._rendered) > RENDERED_MAX:
                self._rendered.popitem(last=False)
        return rendering

    def is_urgent(self, event: LiveEvent) -> bool:
        """Critical types and alerts overtake; bulk rows never do."""
        return not event.bulk and (event.type in self.options.critical_types or event.type.startswith("alert."))

    def _age_ms(self, event: LiveEvent) -> float:
        return max(0.0, (self.tokens.now() - event.seconds) * 1000)
