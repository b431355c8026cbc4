"""A stream as the gateway follows it: its numbers in order without a hole, and its latest events for who comes back.

Word of an event may come twice, late or never, and out of order; the log in PostgreSQL may not. So an event that leaves
a gap waits a few milliseconds for the missing one, and then the log is read.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from itertools import islice
from typing import TYPE_CHECKING, Final

from wedsync.events.audience import Audience
from wedsync.events.frames import LiveEvent

if TYPE_CHECKING:
    from wedsync.events.channels import Channel, Group, GroupKey
    from wedsync.events.presence import Presence

RING_EVENTS: Final = 1024
RING_BYTES: Final = 512 * 1024
RING_AGE_S: Final = 120.0
GAP_S: Final = 0.004
"""How long a gap is held open: nudges of two transactions overtake each other by less."""
PENDING_MAX: Final = 256

#: What a stream does with the next event in order.
Dispatch = Callable[["Stream", LiveEvent], None]


class Stream:
    """One tenant's log, followed while a socket listens to it."""

    __slots__ = (
        "_ring",
        "_ring_bytes",
        "access_version",
        "audiences",
        "channels",
        "empty_since",
        "epoch",
        "gap",
        "groups",
        "is_open",
        "kind",
        "name",
        "oldest",
        "opening",
        "pending",
        "presences",
        "reading",
        "tenant",
        "top",
        "wanted",
    )

    def __init__(self, kind: str, tenant: str) -> None:
        self.kind = kind
        self.tenant = tenant
        self.name = f"{kind}:{tenant}"
        self.epoch = 0
        self.top = 0
        """Every event up to here was dispatched."""
        self.oldest = 0
        self.wanted = 0
        """The newest number anybody spoke of."""
        self.is_open = False
        self.opening: asyncio.Task[bool] | None = None
        self.reading: asyncio.Task[None] | None = None
        self.gap: asyncio.TimerHandle | None = None
        self.pending: dict[int, LiveEvent] = {}
        self._ring: deque[tuple[float, LiveEvent, int]] = deque()
        """When each came, and about how many bytes it holds."""
        self._ring_bytes = 0
        self.channels: set[Channel] = set()
        self.groups: dict[GroupKey, Group] = {}
        self.presences: dict[str, Presence] = {}
        self.access_version = 0
        """Counts what may have changed an audience; an answer asked for before it changed is asked for again."""
        self.audiences: dict[str, tuple[int, float, asyncio.Task[Audience | None]]] = {}
        self.empty_since: float | None = None

    def open_at(self, epoch: int, top: int, oldest: int) -> None:
        """Follow from here."""
        self.epoch, self.top, self.oldest, self.is_open = epoch, top, oldest, True
        self.wanted = max(top, max(self.pending, default=0))
        self.forget_pending()

    def offer(self, event: LiveEvent) -> None:
        """Take note of an event; `advance` dispatches what is in order."""
        self.wanted = max(self.wanted, event.seq)
        if not event.wake and event.seq > self.top and (len(self.pending) < PENDING_MAX or event.seq == self.top + 1):
            self.pending[event.seq] = event

    def advance(self, dispatch: Dispatch, now: float) -> None:
        """Dispatch what follows the top without a gap."""
        while (event := self.pending.pop(self.top + 1, None)) is not None:
            self.append(event, now)
            dispatch(self, event)

    def jump(self, seq: int) -> None:
        """The log holds nothing between the top and here any more."""
        self._ring.clear()
        self._ring_bytes = 0
        self.top = seq

    def append(self, event: LiveEvent, now: float) -> None:
        """The next event."""
        self.top = event.seq
        size = event.size
        self._ring.append((now, event, size))
        self._ring_bytes += size
        self.trim(now)

    def trim(self, now: float) -> None:
        """Keep the ring within its bounds."""
        ring = self._ring
        while ring and (len(ring) > RING_EVENTS or self._ring_bytes > RING_BYTES or ring[0][0] < now - RING_AGE_S):
            self._ring_bytes -= ring.popleft()[2]

    def forget_pending(self) -> None:
        """Drop what was dispatched by reading the log."""
        self.pending = {seq: event for seq, event in self.pending.items() if seq > self.top}

    @property
    def is_behind(self) -> bool:
        return self.wanted > self.top

    def after(self, seq: int, limit: int) -> list[LiveEvent] | None:
        """The events after a number, from memory; None where memory does not reach back so far."""
        if seq >= self.top:
            return []
        ring = self._ring
        if not ring or ring[0][1].seq > seq + 1:
            return None
        skip = seq + 1 - ring[0][1].seq
        return [event for _, event, _ in islice(ring, skip, skip + limit)]
