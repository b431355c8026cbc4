"""How many calls each tenant made, counted in this process's memory and written in batches.

A row that every request adds to would be locked by one request after the other, and would make a write of every read.
A batch has a number: one whose answer was lost is sent again under the same number, and the database counts it once. A
process that is killed loses what it counted since the last write, in the caller's favour; one that stops loses nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from functools import partial
from uuid import UUID, uuid4

import msgspec

from wedsync.kit.watch import keep_writing

Write = Callable[[UUID, int, str], Awaitable[None]]
"""Takes the writer, the number of the batch and `{tenant: calls}` as JSON."""

CALL: ContextVar[set[str] | None] = ContextVar("call", default=None)
"""For whom the current request was counted: it is one call, however many transactions it takes."""


class Meter:
    """The calls of one process."""

    def __init__(self) -> None:
        self._writer = uuid4()
        self._number = 0
        self._batch: dict[str, int] = {}
        self._calls: dict[str, int] = {}
        self._writing = asyncio.Lock()

    def count(self, tenant: str, call: set[str] | None) -> None:
        """One more, unless this call was counted for this tenant; outside of a request every one counts."""
        if call is not None:
            if tenant in call:
                return
            call.add(tenant)
        self._calls[tenant] = self._calls.get(tenant, 0) + 1

    async def flush(self, write: Write) -> None:
        """Write what was counted; a batch that could not be written stays as it is. Raises what the database raises."""
        async with self._writing:
            while self._batch or self._calls:
                if not self._batch:
                    self._batch, self._calls = self._calls, {}
                    self._number += 1
                await write(self._writer, self._number, msgspec.json.encode(self._batch).decode())
                self._batch = {}

    async def keep(self, write: Write, is_passing: Callable[[BaseException], bool], stop: asyncio.Event) -> None:
        """Write every few seconds, and a last time when asked to stop; a database that is away is waited for."""
        await keep_writing(partial(self.flush, write), is_passing, stop, away="calls_not_written")
