"""Runs that begin at one moment begin by one statement, and those that found nothing end by one: a transaction for each
would cost more than what most runs do.

What gathers while one statement is under way goes with the next, so that nobody waits to be joined.
"""

import asyncio
from typing import Any, Final

import msgspec

from wedsync.events.jobs import Job
from wedsync.kit import sql
from wedsync.kit.db import Door, Row

queries = sql.load("wedsync.connections.calendars")
TOGETHER_MAX: Final = 64


class Quiet(msgspec.Struct, frozen=True, kw_only=True):
    """How far a calendar is whose run found nothing: its cursor sealed, and what was asked for up to now. It is
    asked by itself after `poll_s`."""

    cursor: bytes
    cursor_for: str
    pulls_wanted: int
    poll_s: float


class Together:
    """Those of one process."""

    def __init__(self) -> None:
        self._begins = _Gathering(queries.begin_together)
        self._ends = _Gathering(queries.end_together)

    async def begin(self, door: Door, job: Job) -> Row | None:
        """What a run begins with, its calendar looked at under lock; None where it has to begin by itself."""
        return await self._begins.ask(door, job)

    async def end(self, door: Door, job: Job, quiet: Quiet) -> Row | None:
        """The end of a run and of its job; None where nothing was written, and it has to end by itself."""
        return await self._ends.ask(door, job, quiet.cursor, quiet.cursor_for, quiet.pulls_wanted, quiet.poll_s)


Waiting = tuple[Job, tuple[Any, ...], "asyncio.Future[Row | None]"]


class _Gathering:
    """What waits for one statement, which takes an array of each value and tells a row for each `job`, or none."""

    def __init__(self, statement: str) -> None:
        self._statement = statement
        self._waiting: list[Waiting] = []
        self._asking: asyncio.Task[None] | None = None

    async def ask(self, door: Door, job: Job, *values: Any) -> Row | None:
        found: asyncio.Future[Row | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((job, values, found))
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

    async def _answer(self, door: Door, some: list[Waiting]) -> None:
        """Each is told, also of an error."""
        try:
            columns = zip(*((job.id, job.lease_token, *values) for job, values, _ in some), strict=True)
            rows = await door.ask_all(self._statement, *map(list, columns))
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
                found.set_result(by_job.get(job.id))
