"""Who goes first in a worker: a change is told to people before anything else that follows from it is done.

A moved ceremony owes a dozen reactions at once, and on few cores each of them makes all others late. Those that
somebody waits for, `Reaction.is_prompt`, begin at once; what begins beside them waits until they are through, but never
long.
"""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from typing import Final

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

    @asynccontextmanager
    async def of(self, name: str) -> AsyncIterator[None]:
        """Hold a turn: at once for a prompt one, for others when none of those runs or they have waited enough."""
        if self.is_patient(name):
            if not self._is_clear.is_set():
                with suppress(TimeoutError):
                    async with asyncio.timeout(PATIENCE_S):
                        await self._is_clear.wait()
            yield
            return
        self._running += 1
        self._is_clear.clear()
        try:
            yield
        finally:
            self._running -= 1
            asyncio.get_running_loop().call_later(ARRIVES_S, self._clear)

    def _clear(self) -> None:
        if not self._running:
            self._is_clear.set()
