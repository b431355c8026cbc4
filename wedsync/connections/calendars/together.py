"""Runs that begin at one moment begin by one statement, and those that went well end by one: a transaction for each
would cost more than what most runs do.

What gathers while one statement is under way goes with the next, so that nobody waits to be joined.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

import msgspec

from wedsync.events.jobs import Job
from wedsync.kit import sql
from wedsync.kit.db import Door, Row

queries = sql.load("wedsync.connections.calendars")
TOGETHER_MAX: Final = 64


class End(msgspec.Struct, frozen=True, kw_only=True):
    """How a run ended of a calendar that was in step, where all was well.

    `cursor` (sealed), `cursor_for` and what was `wanted` by then: if it has pulled. `what` went well so many `times`.
    It is asked by itself after `poll_s`. `numbers` as in `sync_runs`. `echoes`: the keys and etags of what a pull has
    brought, which is nothing new if we know them.
    """

    job: UUID
    lease: UUID | None
    cursor: bytes | None
    cursor_for: str
    wanted: int
    poll_s: float
    what: str
    times: int
    began_at: datetime
    numbers: tuple[int, int, int, int, int]
    echoes: Sequence[tuple[bytes, str]]


def _leases(asked: Sequence[tuple[UUID, UUID | None]]) -> Sequence[Any]:
    return [job for job, _ in asked], [lease for _, lease in asked]


def _ends(asked: Sequence[End]) -> Sequence[Any]:
    return (msgspec.json.encode(asked).decode(),)


class Together:
    """Those of one process."""

    def __init__(self) -> None:
        self._begins = _Gathering(queries.begin_together, _leases)
        self._ends = _Gathering(queries.end_together, _ends)

    async def begin(self, door: Door, job: Job) -> Row | None:
        """What a run begins with, its calendar looked at under lock; None where it has to begin by itself."""
        return await self._begins.ask(door, job.id, (job.id, job.lease_token))

    async def end(self, door: Door, end: End) -> Row | None:
        """The end of a run and of its job; None where nothing was written, and it has to end by itself."""
        return await self._ends.ask(door, end.job, end)


Asked = TypeVar("Asked")


class _Gathering(Generic[Asked]):
    """What waits for one statement, which tells a row for each `job`, or none; `values` makes what it takes."""

    def __init__(self, statement: str, values: Callable[[Sequence[Asked]], Sequence[Any]]) -> None:
        self._statement = statement
        self._values = values
        self._waiting: list[tuple[UUID, Asked, asyncio.Future[Row | None]]] = []
        self._asking: asyncio.Task[None] | None = None

    async def ask(self, door: Door, job: UUID, asked: Asked) -> Row | None:
        found: asyncio.Future[Row | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((job, asked, found))
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask(door))
        return await found

    async def _ask(self, door: Door) -> None:
        try:
            await asyncio.sleep(0)  # those that were claimed together are all here then
            while self._waiting:
                some, self._waiting = self._waiting[:TOGETHER_MAX], self._waiting[TOGETHER_MAX:]
                await self._answer(door, some)
        finally:
            self._asking = None

    async def _answer(self, door: Door, some: list[tuple[UUID, Asked, "asyncio.Future[Row | None]"]]) -> None:
        """Each is told, also of an error."""
        try:
            rows = await door.ask_all(self._statement, *self._values([asked for _, asked, _ in some]))
        except BaseException as error:
            for _, _, found in some:
                if not found.done():
                    found.set_exception(error)
            if not isinstance(error, Exception):
                raise
            return
        by_job = {row["job"]: row for row in rows}
        for job, _, found in some:
            if not found.done():
                found.set_result(by_job.get(job))
