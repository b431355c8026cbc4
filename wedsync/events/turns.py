"""Who goes first in a worker: a change is told to people before anything else that follows from it is done.

A moved ceremony owes a dozen reactions at once, and on few cores each of them makes all others late. Those that
somebody waits for, `Reaction.is_prompt`, begin at once; what begins beside them waits until they are through, but never
long, and so does what they themselves leave to do afterwards.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from typing import Final, TypeAlias

from wedsync.events.jobs import Job

Rest: TypeAlias = Callable[[], Awaitable[None]]
"""What something leaves to do afterwards."""
PATIENCE_S: Final = 0.05
"""The longest wait: under a flood of prompt ones the others come late by this, and no later."""
ARRIVES_S: Final = 0.01
"""What was told is given this long to reach the screens before the others take the processors."""


class Turns:
    """The turns of one worker; `prompt` are the names of what goes first."""

    def __init__(self, prompt: Collection[str]) -> None:
        self._prompt = frozenset(prompt)
        self._running = 0
        self._is_clear = asyncio.Event()
        self._is_clear.set()

    def is_patient(self, name: str) -> bool:
        return name not in self._prompt

    async def begin(self, jobs: Sequence[Job], begin: Callable[[Sequence[Job]], Awaitable[None]]) -> None:
        """Begin what was claimed together: what is prompt by itself, then deliveries, and what is patient in its turn.

        Loading is work, too: what waits is not loaded before. Where nobody goes first all is loaded together.
        """
        deliveries = [job for job in jobs if job.kind == "delivery"]
        prompt = [job for job in jobs if job.kind != "delivery" and not self.is_patient(job.name)]
        rest = [job for job in jobs if job.kind != "delivery" and self.is_patient(job.name)]
        if not prompt and self._is_clear.is_set():
            await begin(jobs)
            return
        for some in (prompt, deliveries):
            if some:
                await begin(some)
        if rest:
            await asyncio.sleep(0)  # the prompt ones take their turns
            await self._patience()
            await begin(rest)

    async def run(self, name: str, doing: Callable[[], Awaitable[Rest | None]]) -> None:
        """Do what has begun, holding a turn where it is prompt, and what it leaves when the others have theirs."""
        with nullcontext() if self.is_patient(name) else self._turn():
            rest = await doing()
        if rest is not None:
            await self._patience()
            await rest()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        self._running += 1
        self._is_clear.clear()
        try:
            yield
        finally:
            self._running -= 1
            asyncio.get_running_loop().call_later(ARRIVES_S, self._clear)

    async def _patience(self) -> None:
        """Until no prompt one runs, or they have been waited for enough."""
        if not self._is_clear.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE_S):
                    await self._is_clear.wait()

    def _clear(self) -> None:
        if not self._running:
            self._is_clear.set()
