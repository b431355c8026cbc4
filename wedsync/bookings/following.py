"""The work of following a wedding for one supplier: holds for new links, conflicts, and what the wedding knows.

Two transactions, so that nobody who writes to the supplier waits for the wedding. Both look at what stands: run again
from the start after a crash, they find nothing left to do.
"""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

import msgspec

from wedsync.events import jobs
from wedsync.events.jobs import Job
from wedsync.events.reactions import Work
from wedsync.kit import sql
from wedsync.kit.db import Door, Tx

queries = sql.load("wedsync.bookings")
WORK: Final = "bookings.follow_supplier"


class Args(msgspec.Struct, frozen=True, kw_only=True):
    """What the job says."""

    supplier_id: UUID
    cause: UUID | None = None


async def follow(door: Door, job: Job) -> None:
    """Of the job's wedding and the supplier it names."""
    args = msgspec.json.decode(job.args or "{}", type=Args)
    async with door.enter_job(job.id, job.lease_token, args.cause) as tx:
        await _do(tx, queries.follow_supplier, args)
    async with door.enter_job(job.id, job.lease_token, args.cause) as tx:
        await _do(tx, queries.tell_wedding, args)
        jobs.finish_last(tx, job)


async def _do(tx: Tx, statement: str, args: Args) -> None:
    nudge = await tx.value(statement, args.supplier_id)
    tx.nudges += [nudge] if nudge else []


WORKS: Mapping[str, Work] = {WORK: follow}
