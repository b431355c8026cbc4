"""Confirmed positions of sockets and what a reconnecting client is owed: nothing missed, though it never asked.

A pong proves what a client's stack has received. That position is kept per resume key (who, which session, which
client, topic and join) in memory and, batched, for ten minutes in PostgreSQL, so that it survives this process. Sockets
that share a key are told apart as they leave: each leaves its own position, and who comes back takes the lowest.
"""

import asyncio
from typing import TYPE_CHECKING, Final

import msgspec

from wedsync.events.reader import Position, Reader
from wedsync.kit import clock

if TYPE_CHECKING:
    from wedsync.events.channels import Channel

KEPT_S: Final = 600.0
REFRESH_S: Final = 240.0
"""A kept position is written again before it expires."""
SHARED_S: Final = 60.0
"""After a restart, so long every socket of a key starts from the kept position: nobody knows how many there were."""
FAR: Final = 100
"""A quiet socket's position is written anew when it has moved so far past what it may not see."""
LEFT_MAX: Final = 8


class Verdict(msgspec.Struct, frozen=True, rename={"start": "from"}):
    """What a resuming client is told, beside the join's answer and as `wedsync:recovery`."""

    epoch: int
    top: int
    start: int
    status: str
    missed: int
    """Events that are not replayed, before permission; 0 where it recovered."""


def judge(wanted: tuple[int | None, int], *, epoch: int, top: int, oldest: int, limit: int) -> Verdict:
    """Where a replay starts: `recovered`, `truncated` (the log or the limit does not reach back) or `reset`."""
    asked_epoch, seq = wanted
    if (asked_epoch is not None and asked_epoch != epoch) or seq > top:
        return Verdict(epoch, top, top, "reset", 0)
    start = max(seq, oldest - 1, top - limit)
    start = min(start, top)
    if start > seq:
        return Verdict(epoch, top, start, "truncated", start - seq)
    return Verdict(epoch, top, start, "recovered", 0)


class _Entry:
    __slots__ = ("epoch", "floor", "floor_until", "held", "left", "loading", "saved", "saved_at", "tenant", "used_at")

    def __init__(self, tenant: str, epoch: int, now: float) -> None:
        self.tenant = tenant
        self.epoch = epoch
        self.held: dict[Channel, int] = {}
        self.left: list[tuple[int, float]] = []
        self.floor: int | None = None
        self.floor_until = 0.0
        self.saved = -1
        self.saved_at = 0.0
        self.used_at = now
        self.loading: asyncio.Task[None] | None = None

    @property
    def lowest(self) -> int:
        return min([*self.held.values(), *(seq for seq, _ in self.left)], default=self.saved)


class Positions:
    """All confirmed positions of this process."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._entries: dict[bytes, _Entry] = {}
        self._dirty: set[bytes] = set()
        self._writing: asyncio.Task[None] | None = None
        self._next: asyncio.Task[None] | None = None
        self.claims = 0
        self.resumed = 0

    def __len__(self) -> int:
        return len(self._entries)

    async def claim(self, key: bytes, *, tenant: str, epoch: int, now: float) -> tuple[int, int] | None:
        """The position to resume from, None for a client nobody knows. Raises ReaderAway."""
        self.claims += 1
        entry = self.prepare(key, tenant=tenant, epoch=epoch, now=now)
        if entry.loading is not None:
            # Two joins of one key at once: the second waits for the first one's answer.
            await asyncio.shield(entry.loading)
            entry.loading = None
        entry.used_at = now
        entry.left = [(seq, until) for seq, until in entry.left if until > now]
        if entry.left:
            self.resumed += 1
            return entry.epoch, entry.left.pop(0)[0]
        if entry.floor is not None and now < entry.floor_until:
            self.resumed += 1
            return entry.epoch, entry.floor
        if entry.held:
            # Another tab, or the same client whose old connection nobody has found dead yet: the lowest serves both.
            self.resumed += 1
            return entry.epoch, min(entry.held.values())
        return None

    def prepare(self, key: bytes, *, tenant: str, epoch: int, now: float) -> _Entry:
        """Begin to load what is kept, if it is not known; `claim` takes it."""
        entry = self._entries.get(key)
        if entry is None:
            entry = self._entries[key] = _Entry(tenant, epoch, now)
            entry.loading = asyncio.create_task(self._load(key, entry, now))
            # Who claims is told of a failure; a join that was refused meanwhile has nobody to tell.
            entry.loading.add_done_callback(_heard)
        return entry

    def abandon(self, key: bytes) -> None:
        """A join that was prepared is refused: nothing of it stays."""
        entry = self._entries.get(key)
        if entry is not None and entry.loading is not None and not entry.held:
            del self._entries[key]
            self._dirty.discard(key)

    async def _load(self, key: bytes, entry: _Entry, now: float) -> None:
        try:
            kept = await self._reader.position(key)
        except BaseException:
            self._entries.pop(key, None)
            raise
        if kept is not None:
            entry.epoch, entry.floor = kept
            entry.floor_until = now + SHARED_S
            entry.left.append((kept[1], now + KEPT_S))
            entry.saved = kept[1]

    def hold(self, channel: "Channel", *, tenant: str, epoch: int, seq: int, now: float) -> None:
        """A channel begins here."""
        entry = self._entries.get(channel.key)
        if entry is None:
            entry = self._entries[channel.key] = _Entry(tenant, epoch, now)
        if entry.epoch != epoch:
            entry.epoch, entry.left, entry.floor = epoch, [], None
        entry.held[channel] = seq
        self._dirty.add(channel.key)

    def confirm(self, channel: "Channel", seq: int, *, was_sent: bool) -> None:
        """The client has everything up to here; `was_sent` when it was sent anything since it last confirmed."""
        entry = self._entries.get(channel.key)
        if entry is None or seq <= entry.held.get(channel, seq):
            return
        entry.held[channel] = seq
        if was_sent or entry.lowest - entry.saved >= FAR:
            self._dirty.add(channel.key)

    def confirmed(self, channel: "Channel") -> int:
        """What a channel has confirmed."""
        entry = self._entries.get(channel.key)
        return entry.held.get(channel, 0) if entry is not None else 0

    def release(self, channel: "Channel", *, may_return: bool, now: float) -> None:
        """A channel ends; where its socket was lost, its position waits for whoever comes back."""
        entry = self._entries.get(channel.key)
        if entry is None or channel not in entry.held:
            return
        seq = entry.held.pop(channel)
        entry.used_at = now
        if may_return:
            entry.left = sorted([*entry.left, (seq, now + KEPT_S)])[:LEFT_MAX]
            self._dirty.add(channel.key)

    async def save(self) -> None:
        """Write what changed; whoever asks while rows are being written shares the next write. Raises ReaderAway."""
        if self._next is None:
            self._next = asyncio.create_task(self._save_after(self._writing))
        await asyncio.shield(self._next)

    async def _save_after(self, before: "asyncio.Task[None] | None") -> None:
        if before is not None:
            await asyncio.wait([before])
        self._writing, self._next = self._next, None
        rows = self.due(clock.monotonic())
        if not rows:
            return
        try:
            await self._reader.save_positions(rows)
        except BaseException:
            self._dirty.update(key for row in rows if (key := bytes.fromhex(row.key)) in self._entries)
            raise

    def refresh(self, now: float) -> None:
        """Have written again what would expire though its socket lives."""
        for key, entry in self._entries.items():
            if entry.held and entry.saved_at < now - REFRESH_S:
                self._dirty.add(key)

    def due(self, now: float) -> list[Position]:
        """What changed, as rows; it counts as written."""
        rows = []
        for key in self._dirty:
            entry = self._entries[key]
            entry.saved, entry.saved_at = entry.lowest, now
            if entry.saved >= 0:
                rows.append(Position(key.hex(), entry.tenant, entry.epoch, entry.saved))
        self._dirty.clear()
        return rows

    def forget_old(self, now: float) -> None:
        """Drop what nobody came back for."""
        for key, entry in list(self._entries.items()):
            if not entry.held and entry.used_at < now - KEPT_S:
                del self._entries[key]
                self._dirty.discard(key)


def _heard(task: "asyncio.Task[None]") -> None:
    if not task.cancelled():
        task.exception()
