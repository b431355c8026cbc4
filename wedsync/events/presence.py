"""Who is here: entries of one topic, told in batched differences to those who may see them.

A key may have several entries, one a socket. An entry that comes and goes within a batch is never told of; one whose
socket is lost stays for a few seconds, so that a reconnect is no leave and join. Entries of other gateways' sockets
stay while those gateways speak of them.
"""

import asyncio
import itertools
import secrets
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

import msgspec

from wedsync.events import wire
from wedsync.events.audience import Audience, Seen

if TYPE_CHECKING:
    from wedsync.events.channels import Channel, Group

BATCH_S: Final = 0.075
GRACE_S: Final = 5.0
REMOTE_S: Final = 50.0
"""Another gateway says every 20 s who is there; when it is silent for longer, its sockets are gone with it."""
ENTRIES_MAX: Final = 2000
META_MAX_BYTES: Final = 8 * 1024

_PREFIX: Final = secrets.token_hex(4)
_numbers = itertools.count(1)


class Told(msgspec.Struct, frozen=True):
    """One meta as it is, or was, told."""

    key: str
    ref: str
    meta: bytes
    tag: Seen
    previous_ref: str = ""

    def json(self) -> bytes:
        """The meta with its refs in front."""
        refs: dict[str, str] = {"phx_ref": self.ref}
        if self.previous_ref:
            refs["phx_ref_prev"] = self.previous_ref
        head = msgspec.json.encode(refs)[:-1]
        return head + (b"}" if self.meta == b"{}" else b"," + self.meta[1:])


class Entry:
    """One socket's presence under a key; `channel` is None after its socket was lost, and for another gateway's."""

    __slots__ = ("announced", "channel", "id", "is_remote", "sid", "told", "until")

    def __init__(self, told: Told, channel: "Channel | None", entry_id: str) -> None:
        self.told = told
        self.channel = channel
        self.id = entry_id
        self.is_remote = channel is None
        self.sid = None if channel is None else channel.claims.sid
        self.announced: Told | None = None
        """What the others know."""
        self.until = 0.0


class News(msgspec.Struct, frozen=True):
    """What other gateways are told of a topic: entries by their ids, and the ids of those that ended."""

    here: list[tuple[str, Told]]
    gone: list[str]


class Presence:
    """The entries of one topic. `when_due` is called when a batch is to be flushed."""

    def __init__(self, topic: str, when_due: Callable[[], Any]) -> None:
        self.topic = topic
        self._when_due = when_due
        self._timer: asyncio.TimerHandle | None = None
        self.entries: dict[Entry, None] = {}
        self._joined: dict[Entry, None] = {}
        self._left: list[Told] = []
        self._ended: list[str] = []
        self._remote: dict[str, Entry] = {}
        self.stale: set[Channel] = set()
        """Channels that could not be told a difference; they get the whole state."""

    def track(self, channel: "Channel", meta: Any, tag: Seen) -> bool:
        """Here, or here with other words. False when the topic holds as many as it may."""
        body = msgspec.json.encode({k: v for k, v in meta.items() if k not in ("phx_ref", "phx_ref_prev")})
        entry = channel.presence or self._returning(channel)
        if entry is None:
            if len(self.entries) >= ENTRIES_MAX:
                return False
            ref = _new_ref()
            entry = Entry(Told(channel.presence_key, ref, body, tag), channel, ref)
            self.entries[entry] = None
            self._join(entry)
        elif entry.told.meta != body or entry.told.tag != tag:
            entry.told = Told(entry.told.key, _new_ref(), body, tag)
            self._join(entry)
        channel.presence = entry
        return True

    def _returning(self, channel: "Channel") -> Entry | None:
        """The entry a lost socket left behind, where this is the same session under the same key."""
        for entry in self.entries:
            is_lost = entry.channel is None and not entry.is_remote
            if is_lost and entry.told.key == channel.presence_key and entry.sid == channel.claims.sid:
                entry.channel = channel
                return entry
        return None

    def _join(self, entry: Entry) -> None:
        self._joined[entry] = None
        self._later()

    def _later(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(BATCH_S, self._due)

    def _due(self) -> None:
        self._timer = None
        self._when_due()

    def untrack(self, channel: "Channel") -> None:
        """No longer here."""
        entry, channel.presence = channel.presence, None
        if entry is not None:
            self._drop(entry)

    def _drop(self, entry: Entry) -> None:
        self.entries.pop(entry, None)
        self._joined.pop(entry, None)
        if entry.is_remote:
            self._remote.pop(entry.id, None)
        elif entry.announced is not None:
            self._ended.append(entry.id)
        if entry.announced is not None:
            self._left.append(entry.announced)
            self._later()

    def lose(self, channel: "Channel", now: float) -> None:
        """The socket is gone; the entry stays for a while."""
        self.stale.discard(channel)
        entry, channel.presence = channel.presence, None
        if entry is not None:
            entry.channel, entry.until = None, now + GRACE_S

    def expire(self, now: float) -> None:
        """Let go of those who did not come back."""
        for entry in [e for e in self.entries if e.channel is None and e.until <= now]:
            self._drop(entry)

    def take_news(self, news: News, now: float) -> None:
        """What another gateway says of its sockets."""
        for entry_id, told in news.here:
            entry = self._remote.get(entry_id)
            if entry is None and len(self.entries) < ENTRIES_MAX:
                entry = self._remote[entry_id] = Entry(told, None, entry_id)
                self.entries[entry] = None
                self._join(entry)
            elif entry is not None and entry.told != told:
                entry.told = told
                self._join(entry)
            if entry is not None:
                entry.until = now + REMOTE_S
        for entry_id in news.gone:
            if (ended := self._remote.get(entry_id)) is not None:
                self._drop(ended)

    def own(self) -> News:
        """All entries of this gateway's sockets."""
        return News([(entry.id, entry.told) for entry in self.entries if not entry.is_remote], [])

    def state(self, audience: Audience) -> bytes:
        """`presence_state` for an audience."""
        return _by_key(entry.told for entry in self.entries if audience.sees_tag(entry.told.tag))

    def send_state(self, channel: "Channel") -> None:
        """Tell a channel everything."""
        self.stale.discard(channel)
        if channel.audience is not None:
            frame = wire.push(channel.socket.framing, self.topic, "presence_state", self.state(channel.audience))
            channel.socket.send(frame)

    def news(self) -> News | None:
        """What the next flush tells that other gateways have to know too."""
        here = [(entry.id, entry.told) for entry in self._joined if not entry.is_remote]
        gone, self._ended = self._ended, []
        return News(here, gone) if here or gone else None

    def flush(self, groups: Iterable["Group"], not_live: Iterable["Channel"]) -> int:
        """Tell what changed to those who may see it; returns how many frames."""
        joined, left = self._batch()
        self.stale.update(channel for channel in not_live if wants(channel))
        sent = 0
        for group in groups:
            listeners = [channel for channel in group.channels if wants(channel)]
            if listeners and (body := _difference(joined, left, group.audience)) is not None:
                sent += self._tell(listeners, body)
        return sent

    def _batch(self) -> tuple[list[Told], list[Told]]:
        """What joined and what left since the last batch; who changed does both, and names the ref it had."""
        joined, left = [], self._left
        for entry in self._joined:
            old, new = entry.announced, entry.told
            if old is not None:
                left.append(old)
                new = msgspec.structs.replace(new, previous_ref=old.ref) if old.tag == new.tag else new
            joined.append(new)
            entry.announced = entry.told
        self._joined, self._left = {}, []
        return joined, left

    def _tell(self, listeners: list["Channel"], body: bytes) -> int:
        frame = wire.push(listeners[0].socket.framing, self.topic, "presence_diff", body)
        for channel in listeners:
            if channel.socket.is_congested:
                self.stale.add(channel)
            else:
                channel.socket.text(frame)
        return len(listeners)


def wants(channel: "Channel") -> bool:
    """Whether a channel is told of presence: it asked, or it takes part."""
    return channel.config.has_presence or channel.presence is not None


def _new_ref() -> str:
    return f"{_PREFIX}{next(_numbers):x}"


def _difference(joined: list[Told], left: list[Told], audience: Audience) -> bytes | None:
    joins = [told for told in joined if audience.sees_tag(told.tag)]
    leaves = [told for told in left if audience.sees_tag(told.tag)]
    if not joins and not leaves:
        return None
    return b'{"joins":' + _by_key(joins) + b',"leaves":' + _by_key(leaves) + b"}"


def _by_key(tolds: Iterable[Told]) -> bytes:
    metas: dict[str, list[bytes]] = {}
    for told in tolds:
        metas.setdefault(told.key, []).append(told.json())
    return b"{" + b",".join(_keyed(metas)) + b"}"


def _keyed(metas: dict[str, list[bytes]]) -> Iterator[bytes]:
    for key, values in metas.items():
        yield wire.quote(key) + b':{"metas":[' + b",".join(values) + b"]}"
