"""Channels and groups: what a join asked for, and who gets the same bytes.

A channel is one joined topic of one socket. Channels of one topic, framing and audience with the same bindings form a
group: a frame is built once for a group and written to each of its sockets. `last` is what the group was sent last; it
stands in every position as `<epoch>:<seq>:<previous>`, so that a client can tell a gap from what it may not see.
"""

import hashlib
from collections import OrderedDict
from enum import IntEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import msgspec
import structlog

from wedsync.events import wire
from wedsync.events.audience import Audience, Seen, View, view
from wedsync.events.event import cursor
from wedsync.events.filters import Binding, bindings
from wedsync.events.frames import Rendering, key_of
from wedsync.events.scope import Scope
from wedsync.events.sockets import Socket
from wedsync.events.tokens import Claims
from wedsync.events.wire import Framing

log = structlog.get_logger()

if TYPE_CHECKING:
    from wedsync.events.presence import Entry
    from wedsync.events.streams import Stream

BINDINGS_MAX: Final = 50
REMEMBERED_MAX: Final = 512
"""Rows a group is remembered to have been sent, for the tombstones of a revocation."""
REPLAY_MAX: Final = 10_000
SITE_TOPIC: Final = "realtime:site:"
#: A `since` below this is a sequence number, above it milliseconds since 1970.
SINCE_IS_TIME: Final = 10**11


class JoinConfig(msgspec.Struct, frozen=True):
    """A join's wishes; what cannot be read is taken as its default, as Supabase does."""

    wants_ack: bool = False
    wants_own: bool = False
    events: bool | tuple[str, ...] = False
    scope: str | None = None
    recover: tuple[int | None, int] | None = None
    since_ms: int | None = None
    replay_limit: int = REPLAY_MAX
    presence_key: str = ""
    has_presence: bool = False
    presence_scope: str | None = None
    bindings: tuple[Binding, ...] = ()
    token: str | None = None
    digest: bytes = b""

    @property
    def asked_to_resume(self) -> bool:
        return self.recover is not None or self.since_ms is not None


def read_join(payload: bytes) -> JoinConfig:
    """Read the payload of `phx_join`."""
    sent = _object(msgspec.json.decode(payload))
    config = _object(sent.get("config"))
    broadcast, presence = _object(config.get("broadcast")), _object(config.get("presence"))
    replay = _object(broadcast.get("replay"))
    since = replay.get("since")
    is_time = isinstance(since, int) and since >= SINCE_IS_TIME
    changes = config.get("postgres_changes")
    lasting = {
        "broadcast": {k: v for k, v in broadcast.items() if k not in ("recover", "replay")},
        "presence": presence,
        "changes": changes,
    }
    return JoinConfig(
        wants_ack=_flag(broadcast.get("ack")),
        wants_own=_flag(broadcast.get("self")),
        events=_patterns(broadcast.get("events")),
        scope=_text(broadcast.get("scope")),
        recover=_recover(broadcast.get("recover"), None if is_time else since),
        since_ms=since if is_time else None,
        replay_limit=_limit(replay.get("limit")),
        presence_key=_text(presence.get("key")) or "",
        has_presence=_flag(presence.get("enabled")),
        presence_scope=_text(presence.get("scope")),
        bindings=tuple(bindings(changes[:BINDINGS_MAX]) if isinstance(changes, list) else ()),
        token=read_token(sent),
        digest=hashlib.blake2b(msgspec.json.encode(lasting, order="sorted"), digest_size=16).digest(),
    )


def read_token(sent: dict[str, Any]) -> str | None:
    """The token of a join or an `access_token` push; `sb_…` keys of Supabase are none."""
    token = sent.get("access_token") or sent.get("user_token")
    return token if isinstance(token, str) and not token.startswith("sb_") else None


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _flag(value: Any) -> bool:
    return value is True or value == "true"


def _text(value: Any) -> str | None:
    return value[:200] if isinstance(value, str) and value else None


def _limit(value: Any) -> int:
    return max(1, min(value, REPLAY_MAX)) if isinstance(value, int) else REPLAY_MAX


def _patterns(value: Any) -> bool | tuple[str, ...]:
    if isinstance(value, list):
        return tuple(sorted({pattern for pattern in value if isinstance(pattern, str)}))[:BINDINGS_MAX]
    return _flag(value)


def _recover(value: Any, since: Any) -> tuple[int | None, int] | None:
    """A position as {"epoch", "seq"} or `<epoch>:<seq>[:<previous>]`; else a `since` that is a number of the log."""
    if isinstance(value, str):
        value = ":".join(value.split(":")[:2])
    elif isinstance(value, dict):
        value = f"{value.get('epoch')}:{value.get('seq')}"
    try:
        return cursor(value) if isinstance(value, str) else (None, int(since)) if isinstance(since, int) else None
    except ValueError:
        return None


class State(IntEnum):
    """Where a channel stands."""

    JOINING = 0
    LIVE = 1
    HELD = 2
    """Its audience is being asked anew, or it is catching up: it gets nothing live."""
    GONE = 3


class Channel:
    """One joined topic of one socket."""

    __slots__ = (
        "audience",
        "audited_at",
        "backlog",
        "claims",
        "config",
        "cursor",
        "group",
        "join_ref",
        "key",
        "presence",
        "presence_key",
        "previous",
        "socket",
        "state",
        "stream",
        "topic",
        "warned",
    )

    def __init__(self, socket: Socket, *, topic: str, join_ref: bytes, config: JoinConfig, claims: Claims) -> None:
        self.socket = socket
        self.topic = topic
        self.join_ref = join_ref
        self.config = config
        self.claims = claims
        self.state = State.JOINING
        self.stream: Stream | None = None
        self.audience: Audience | None = None
        self.group: Group | None = None
        self.cursor = 0
        """Everything up to here was considered for this channel, while it is not live."""
        self.previous = 0
        """What this channel was sent last, while it is not live."""
        self.key = resume_key(claims, socket.client_id or config.presence_key, topic, config.digest)
        self.presence_key = config.presence_key
        self.presence: Entry | None = None
        self.backlog: list[wire.Frame | wire.UserBroadcast] | None = None
        self.audited_at = 0.0
        self.warned = False

    @property
    def is_gone(self) -> bool:
        return self.state is State.GONE

    @property
    def position(self) -> int:
        """Everything up to here was written to the socket, or is not for this audience."""
        return self.stream.top if self.state is State.LIVE and self.stream is not None else self.cursor

    def system(self, *, ok: bool, message: str, extension: str = "system") -> None:
        """Tell the client's `system` listeners."""
        self.socket.text(wire.system(self.socket.framing, self.topic, extension=extension, ok=ok, message=message))

    def notice(self, event: str, payload: Any) -> None:
        """A broadcast of ours; its name begins with `wedsync:`."""
        body = msgspec.json.encode(payload)
        self.socket.send(wire.text_broadcast(self.socket.framing, self.topic, event, body), is_urgent=True)


def resume_key(claims: Claims, client: str, topic: str, digest: bytes) -> bytes:
    """What a reconnecting client has in common with who it was."""
    parts = (claims.person or "", claims.sid or "", client, topic)
    return hashlib.blake2b("\0".join(parts).encode() + digest, digest_size=16).digest()


GroupKey = tuple[str, Framing, Audience, tuple[int, ...], bool | tuple[str, ...]]


def group_key(channel: Channel, audience: Audience) -> GroupKey:
    """Equal keys are sent equal bytes; a binding's id is a hash of all it asks."""
    config = channel.config
    return channel.topic, channel.socket.framing, audience, tuple(b.id for b in config.bindings), config.events


class Group:
    """The channels that get the same bytes."""

    __slots__ = (
        "audience",
        "bindings",
        "cast_parts",
        "change_parts",
        "channels",
        "events",
        "key",
        "last",
        "rows",
        "tables",
    )

    def __init__(self, key: GroupKey, binds: tuple[Binding, ...]) -> None:
        topic, framing, self.audience, _, self.events = key
        self.key = key
        self.bindings = binds
        named = {binding.table for binding in binds}
        self.tables = frozenset(named) if binds and not self.events and "*" not in named else None
        """The only tables it is written of; None where an event of any other may be wanted."""
        self.channels: dict[Channel, None] = {}
        self.last = 0
        self.rows: OrderedDict[tuple[str, str], Seen] = OrderedDict()
        self.change_parts = wire.push_parts(framing, topic, "postgres_changes")
        self.cast_parts = wire.push_parts(framing, topic, "broadcast")

    def concerns(self, table: str) -> bool:
        """Whether an event of a table may be one for them, before it is judged and rendered."""
        return self.tables is None or table in self.tables

    def write(self, rendering: Rendering, *, is_urgent: bool) -> int:
        """One event to all of them; returns how many frames were written."""
        seen = view(self.audience, now=rendering.seen, before=rendering.before)
        if seen is None:
            return 0
        frames = self.frames(rendering, seen, previous=self.last)
        if not frames:
            return 0
        self.last = rendering.event.seq
        self.remember(rendering, seen)
        for frame in frames:
            for channel in self.channels:
                socket = channel.socket
                socket.frames += 1
                if socket.is_congested:
                    socket.wait(socket.text, frame, is_urgent=is_urgent)
                else:
                    socket.text(frame)
        return len(frames) * len(self.channels)

    def frames(self, rendering: Rendering, view: View, *, previous: int, is_replay: bool = False) -> list[bytes]:
        """The frames of an event for this group: changes where bindings match, else a broadcast where one is wanted.

        An event that cannot be rendered is logged and left out: it must not keep all others from every socket.
        """
        try:
            return self._frames(rendering, view, previous, is_replay)
        except Exception:
            log.exception("event_not_rendered", stream=rendering.event.stream, seq=rendering.event.seq)
            return []

    def _frames(self, rendering: Rendering, view: View, previous: int, is_replay: bool) -> list[bytes]:
        event = rendering.event
        opened = bool(self.audience.mask & event.scope)
        rev = b"%d:%d:%d" % (event.epoch, event.seq, previous)
        made = self._changes(rendering, view, rev, opened=opened) if self.bindings else []
        if made or not self._wants(event.type):
            return made
        before, after = rendering.cast(view, opened=opened)
        head, tail = self.cast_parts
        end = b'","replayed":true}}' if is_replay else b'"}}'
        return [b"".join((head, before, b"%d" % previous, after, rev, end, tail))]

    def _changes(self, rendering: Rendering, view: View, rev: bytes, *, opened: bool) -> list[bytes]:
        table, op = rendering.event.subject.table, rendering.op(view)
        matched: dict[tuple[str, ...], list[int]] = {}
        for binding in self.bindings:
            if binding.concerns(table, op) and rendering.passes(binding, view, opened=opened):
                matched.setdefault(binding.select, []).append(binding.id)
        head, tail = self.change_parts
        made = []
        for select, ids in matched.items():
            before, after = rendering.change(view, select, opened=opened)
            made.append(b"".join((head, _ids(tuple(ids)), before, rev, after, tail)))
        return made

    def _wants(self, event_type: str) -> bool:
        if isinstance(self.events, tuple):
            return any(matches(pattern, event_type) for pattern in self.events)
        return self.events or not self.bindings

    def remember(self, rendering: Rendering, view: View) -> None:
        """Keep which row was sent, the newest few hundred."""
        subject = (rendering.event.subject.table, rendering.event.subject.id)
        self.rows.pop(subject, None)
        if rendering.op(view) == "DELETE":
            return
        self.rows[subject] = rendering.seen
        if len(self.rows) > REMEMBERED_MAX:
            self.rows.popitem(last=False)

    def inherit(self, other: "Group") -> None:
        """Take over the remembered rows of a group whose channel comes here."""
        for row, seen in other.rows.items():
            if self.audience.sees_tag(seen) and len(self.rows) < REMEMBERED_MAX:
                self.rows.setdefault(row, seen)

    def lost_rows(self, audience: Audience | None) -> list[tuple[str, str]]:
        """The remembered rows that an audience no longer sees."""
        return [row for row, seen in self.rows.items() if audience is None or not audience.sees_tag(seen)]

    def tombstone(self, stream: str, row: tuple[str, str], *, rev: str, at: str) -> bytes | None:
        """A DELETE with the primary key only; None where no binding asks for this table."""
        table, row_id = row
        ids = [binding.id for binding in self.bindings if binding.concerns(table, "DELETE")]
        if not ids:
            return None
        head, tail = self.change_parts
        old = msgspec.json.decode(key_of(stream, row_id))
        data: dict[str, Any] = {
            "schema": "public",
            "table": table,
            "commit_timestamp": at,
            "type": "DELETE",
            "errors": None,
            "columns": [],
            "old_record": {"rev": rev, **old},
        }
        return head + _ids(tuple(ids)) + b'"data":' + msgspec.json.encode(data) + b"}" + tail


@lru_cache(maxsize=1024)
def _ids(ids: tuple[int, ...]) -> bytes:
    return b'{"ids":[' + b",".join(b"%d" % number for number in ids) + b"],"


def matches(pattern: str, event_type: str) -> bool:
    """`rsvp.*`, `*` or a whole type."""
    return event_type.startswith(pattern[:-1]) if pattern.endswith("*") else pattern == event_type


def scope_names(mask: int) -> list[str]:
    """The words of a mask."""
    return Scope(mask & 2047).names()
