"""Sweeps: a reaction done for all streams that owe it by one statement of its noun, as soon as it is owed.

The same is done for work that is owed by the thousand and costs less than its claim.

No lease, no attempt, nobody before it. What a sweep cannot do stays in the queue and is claimed like any other job a
second later, so that nothing depends on the word that wakes it, and what is wrong with one stream holds back no other.
"""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import structlog

from wedsync.events import tracing
from wedsync.events.catalogue import Catalogue
from wedsync.events.jobs import Queue, is_passing
from wedsync.kit import clock

log = structlog.get_logger("sweeps")

REST_MAX_S: Final = 0.02
"""As long as a sweep took it rests, to a point: what is owed meanwhile goes with the next."""


ANYTHING: Final = b"[]"
"""The nudge of a commit without facts: work may be owed."""
Owes = Callable[[bytes], bool]


class Sweeper:
    """All sweeps of a catalogue, in one process. `run` ends after `stop`, with the sweep that it is at."""

    def __init__(self, queue: Queue, catalogue: Catalogue, swept: Callable[[], None] = lambda: None) -> None:
        """`swept` is told of each sweep that has done something, which may have left something to claim."""
        self._queue = queue
        self._swept = swept
        reactions = [one for one in catalogue.reactions.values() if one.sweep is not None]
        owing = {one.sweep: _owing(catalogue.types_of([one])) for one in reactions if one.sweep is not None}
        self._owing: Mapping[str, Owes] = {**owing, **dict.fromkeys(catalogue.swept.values(), _owes_work)}
        self._names = {one.sweep: one.name for one in reactions} | {sql: name for name, sql in catalogue.swept.items()}
        self._due: set[str] = set()
        self._woken = asyncio.Event()
        self._is_stopping = False

    def wake(self) -> None:
        """Something may be owed; the first look is for what was owed before."""
        self._due |= self._owing.keys()
        self._woken.set()

    def hear(self, nudge: bytes) -> None:
        """A commit was told: it is looked for what owes a sweep, and a wake without events may be anything."""
        owed = {name for name, owing in self._owing.items() if name not in self._due and owing(nudge)}
        if owed:
            self._due |= owed
            self._woken.set()

    def stop(self) -> None:
        self._is_stopping = True
        self._woken.set()

    async def run(self) -> None:
        """Each by itself: a long one keeps no other waiting."""
        running: dict[str, asyncio.Task[None]] = {}
        self.wake()
        while True:
            await self._woken.wait()
            if self._is_stopping:
                await asyncio.gather(*running.values())
                return
            self._woken.clear()
            for statement in self._due:
                if statement not in running or running[statement].done():
                    running[statement] = asyncio.create_task(self._keep_sweeping(statement))

    async def _keep_sweeping(self, statement: str) -> None:
        while statement in self._due and not self._is_stopping:
            self._due.discard(statement)
            began = clock.monotonic()
            await self._sweep(statement)
            await asyncio.sleep(min(REST_MAX_S, clock.monotonic() - began))

    async def _sweep(self, statement: str) -> None:
        began = clock.monotonic()
        try:
            if done := await self._queue.sweep(statement):
                self._due.add(statement)
                self._swept()
                tracing.swept(self._names[statement], clock.monotonic() - began, jobs=done)
        except Exception as error:
            if is_passing(error):
                log.warning("sweep_failed", reason=f"{type(error).__name__}: {error}")
            else:
                log.exception("sweep_failed")


def _owing(types: Sequence[str]) -> Owes:
    pattern = re.compile("|".join(re.escape(f'"{word}"') for word in (*types, "wake")).encode())
    return lambda nudge: pattern.search(nudge) is not None


def _owes_work(nudge: bytes) -> bool:
    """Looked for as it is: as a pattern it takes 400 us of a nudge of 26 kB, and all claims wait for that."""
    return nudge == ANYTHING or b'"wake"' in nudge
