"""The heart of a gateway: that it lives, and how many frames were on time, from its own histogram."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TYPE_CHECKING, Final

from wedsync.events.reader import DatabaseReader, ReaderAway
from wedsync.events.stats import MS_BOUNDS, Histogram
from wedsync.kit import sketch
from wedsync.kit.heart import Answered, Heart

if TYPE_CHECKING:
    from wedsync.processes.gateway import Gateway

LATE_MS: Final = 1000.0
"""From the commit to the screen; what takes longer was late."""
SLOW_MS: Final = 500.0


class Frames:
    """What a histogram counted since it was asked last."""

    def __init__(self, histogram: Histogram) -> None:
        self._histogram = histogram
        self._told = list(histogram.counts)

    def taken(self) -> Sequence[Answered]:
        """One line, of frames by how long they took."""
        counts = list(self._histogram.counts)
        new = [now - before for now, before in zip(counts, self._told, strict=True)]
        self._told = counts
        bounds = (*MS_BOUNDS, 2 * MS_BOUNDS[-1])
        late = sum(count for bound, count in zip(bounds, new, strict=True) if bound > LATE_MS)
        slow = sum(count for bound, count in zip(bounds, new, strict=True) if SLOW_MS < bound <= LATE_MS)
        by_bucket = {sketch.bucket(bound): count for bound, count in zip(bounds, new, strict=True) if count}
        return (Answered(name="screens", good=sum(new) - late, bad=late, slow=slow, counts=by_bucket),)


@contextlib.asynccontextmanager
async def beating(reader: DatabaseReader) -> AsyncIterator[Callable[["Gateway"], None]]:
    """Gives what is to be called with the gateway once it listens; the last beat is at the end of the block."""
    stop = asyncio.Event()
    hearts: list[asyncio.Task[None]] = []

    def begin(gateway: "Gateway") -> None:
        frames = Frames(gateway.hub.stats.commit_to_write)
        heart = Heart("gateway", pool=reader.pool_of, answered=frames.taken)
        hearts.append(asyncio.create_task(heart.keep(reader.beat, _is_away, stop)))

    try:
        yield begin
    finally:
        stop.set()
        await asyncio.gather(*hearts)


def _is_away(error: BaseException) -> bool:
    return isinstance(error, ReaderAway)
