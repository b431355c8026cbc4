"""Sweeps: a merged reaction done for all streams that owe it by one statement of its noun, as soon as it is owed.

No lease, no attempt, nobody before it. What a sweep cannot do stays in the queue and is claimed like any other
reaction a second later, so that nothing depends on the word that wakes it, and what is wrong with one stream holds back
no other.
"""

import asyncio
import re
from collections.abc import Sequence
from typing import Final

import structlog

from wedsync.events import tracing
from wedsync.events.catalogue import Catalogue
from wedsync.events.jobs import Queue, is_passing
from wedsync.kit import clock

log = structlog.get_logger("sweeps")

REST_MAX_S: Final = 0.02
"""As long as a sweep took it rests, to a point: what is owed meanwhile goes with the next."""


class Sweeper:
    """All sweeps of a catalogue, in one process. `run` ends after `stop`, with the sweep that it is at."""

    def __init__(self, queue: Queue, catalogue: Catalogue) -> None:
        self._queue = queue
        swept = [reaction for reaction in catalogue.reactions.values() if reaction.sweep is not None]
        self._sweeps = [(reaction.name, reaction.sweep) for reaction in swept if reaction.sweep is not None]
        self._owing = _owing(catalogue.types_of(swept))
        self._woken = asyncio.Event()
        self._is_stopping = False

    def wake(self) -> None:
        """Something may be owed; the first look is for what was owed before."""
        self._woken.set()

    def hear(self, nudge: bytes) -> None:
        """A commit was told: it is looked for what owes a sweep, and a wake without events may be anything."""
        if not self._woken.is_set() and self._owing.search(nudge):
            self._woken.set()

    def stop(self) -> None:
        self._is_stopping = True
        self._woken.set()

    async def run(self) -> None:
        self._woken.set()
        while True:
            await self._woken.wait()
            if self._is_stopping:
                return
            self._woken.clear()
            began = clock.monotonic()
            for name, statement in self._sweeps:
                await self._sweep(name, statement)
            await asyncio.sleep(min(REST_MAX_S, clock.monotonic() - began))

    async def _sweep(self, name: str, statement: str) -> None:
        began = clock.monotonic()
        try:
            if done := await self._queue.sweep(statement):
                self._woken.set()
                tracing.swept(name, clock.monotonic() - began, jobs=done)
        except Exception as error:
            if is_passing(error):
                log.warning("sweep_failed", reason=f"{type(error).__name__}: {error}")
            else:
                log.exception("sweep_failed")


def _owing(types: Sequence[str]) -> re.Pattern[bytes]:
    return re.compile("|".join(re.escape(f'"{word}"') for word in (*types, "wake")).encode())
