"""Runs that begin at one moment begin by one statement: a transaction for each would cost more than what most runs do.

What gathers while one statement is under way goes with the next, so that nobody waits to be joined.
"""

import asyncio
from typing import Final

from wedsync.events.jobs import Job
from wedsync.kit import sql
from wedsync.kit.db import Door, Row

queries = sql.load("wedsync.connections.calendars")
TOGETHER_MAX: Final = 64
Waiting = tuple[Job, "asyncio.Future[Row | None]"]


class Together:
    """Those of one process."""

    def __init__(self) -> None:
        self._waiting: list[Waiting] = []
        self._asking: asyncio.Task[None] | None = None

    async def begin(self, door: Door, job: Job) -> Row | None:
        """What a run begins with, its calendar looked at under lock; None where it has to begin by itself."""
        found: asyncio.Future[Row | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((job, found))
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask(door))
        return await found

    async def _ask(self, door: Door) -> None:
        try:
            await asyncio.sleep(0)  # those that were claimed together are all here then
            while self._waiting:
                some, self._waiting = self._waiting[:TOGETHER_MAX], self._waiting[TOGETHER_MAX:]
                await _answer(door, some)
        finally:
            self._asking = None


async def _answer(door: Door, some: list[Waiting]) -> None:
    """Each is told, also of an error."""
    try:
        jobs = [job for job, _ in some]
        leases = [job.lease_token for job in jobs]
        rows = await door.ask_all(queries.begin_together, [job.id for job in jobs], leases)
    except BaseException as error:
        for _, found in some:
            if not found.done():
                found.set_exception(error)
        if not isinstance(error, Exception):
            raise
        return
    by_job = {row["job"]: row for row in rows}
    for job, found in some:
        if not found.done():
            found.set_result(by_job.get(job.id))
