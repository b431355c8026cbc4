"""Writes how tries ended, many at once: a batch goes when it is full or its first has waited two milliseconds; 25
while they come fast: of 64 each costs the database a third less than of 16. One that others wait behind waits for two.

An ending is kept until the database has taken it. While the database is away the batch waits; one that it refuses for
a bug of ours is written singly, so that it cannot hold back the others.
"""

import asyncio
from collections.abc import Callable, Sequence

import structlog

from wedsync.events.jobs import BATCH_MAX, Ending, Queue, is_passing

log = structlog.get_logger("completions")

GATHER_S = 0.002
GATHER_BUSY_S = 0.025
FAST_PER_S = 400
FEW = 2
"""So many in a batch say nothing about how fast they come."""
WRITERS_MAX = 2
PAUSES_S = (0.05, 0.1, 0.2, 0.5, 1.0)


class Completions:
    """For one loop. `on_written` is told each batch once it is done with, taken or given up."""

    def __init__(self, queue: Queue, on_written: Callable[[Sequence[Ending]], None]) -> None:
        self._queue = queue
        self._on_written = on_written
        self._waiting: list[Ending] = []
        self._due_at = 0.0
        self._flushed_at = 0.0
        self._is_fast = False
        self._is_due = False
        self._timer: asyncio.TimerHandle | None = None
        self._writers: set[asyncio.Task[None]] = set()

    def put(self, ending: Ending, *, soon: bool = False) -> None:
        """Take one; it is written soon. `soon`: others wait behind it."""
        self._waiting.append(ending)
        if self._is_due or len(self._waiting) >= BATCH_MAX:
            self._flush()
            return
        loop = asyncio.get_running_loop()
        wait_s = GATHER_BUSY_S if self._is_fast and not soon else GATHER_S
        # Kept here: a timer of uvloop that is due at once does not know when it was to be.
        if self._timer is None or loop.time() + wait_s < self._due_at:
            self._disarm()
            self._due_at = loop.time() + wait_s
            self._timer = loop.call_later(wait_s, self._flush)

    async def drain(self) -> None:
        """Until everything is written."""
        while self._waiting or self._writers:
            self._flush()
            await asyncio.wait(self._writers)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _flush(self) -> None:
        self._disarm()
        while self._waiting and len(self._writers) < WRITERS_MAX:
            batch, self._waiting = self._waiting[:BATCH_MAX], self._waiting[BATCH_MAX:]
            now = asyncio.get_running_loop().time()
            self._is_fast = len(batch) > max(FEW, FAST_PER_S * (now - self._flushed_at))
            self._flushed_at = now
            writer = asyncio.create_task(self._write(batch))
            self._writers.add(writer)
            writer.add_done_callback(self._written)
        # The rest has waited long enough, and goes when a writer is back.
        self._is_due = bool(self._waiting)

    def _written(self, writer: "asyncio.Task[None]") -> None:
        self._writers.discard(writer)
        if not writer.cancelled():
            writer.result()
        if self._is_due:
            self._flush()

    async def _write(self, batch: Sequence[Ending]) -> None:
        tries = 0
        while True:
            try:
                late = await self._queue.complete(batch)
            except Exception as error:
                if is_passing(error):
                    self._say_away(error, tries)
                    await asyncio.sleep(PAUSES_S[min(tries, len(PAUSES_S) - 1)])
                    tries += 1
                    continue
                log.exception("endings_refused", endings=len(batch))
                await self._write_singly(batch)
            else:
                if late:
                    log.info("leases_lost", jobs=sorted(map(str, late)))
                self._on_written(batch)
            return

    async def _write_singly(self, batch: Sequence[Ending]) -> None:
        """A single one that is refused is given up here: its lease lapses and the job is tried again."""
        if len(batch) == 1:
            self._on_written(batch)
            return
        for ending in batch:
            await self._write([ending])

    def _say_away(self, error: BaseException, tries: int) -> None:
        if tries == 0:
            log.warning("endings_wait", reason=f"{type(error).__name__}: {error}")
