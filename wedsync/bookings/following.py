"""The work of following a wedding for one supplier: holds for new links, conflicts, and what the wedding knows.

Two transactions, so that nobody who writes to the supplier waits for the wedding; the second only where the wedding
knows otherwise. Both look at what stands: run again from the start after a crash, they find nothing left to do.
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
        followed = await tx.row(queries.follow_supplier, args.supplier_id)
        _note(tx, followed and followed["nudge"])
        if followed and followed["is_told"]:
            jobs.finish_last(tx, job)
            return
    async with door.enter_job(job.id, job.lease_token, args.cause) as tx:
        _note(tx, await tx.value(queries.tell_wedding, args.supplier_id))
        jobs.finish_last(tx, job)


def _note(tx: Tx, nudge: str | None) -> None:
    tx.nudges += [nudge] if nudge else []


WORKS: Mapping[str, Work] = {WORK: follow}
