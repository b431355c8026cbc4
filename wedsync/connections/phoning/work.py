"""The work of texts that were refused at once: their words are sealed, so a worker has to turn them into calls."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

import msgspec

from wedsync.connections.phoning import actions
from wedsync.events import jobs
from wedsync.events.jobs import Job
from wedsync.events.reactions import Work
from wedsync.kit.db import Door
from wedsync.kit.seal import KeyRing

WORK: Final = "phones.follow"


class Args(msgspec.Struct, frozen=True, kw_only=True):
    """What the job says."""

    message_id: UUID


def works(ring: KeyRing) -> Mapping[str, Work]:
    """By the name it is owed under."""

    async def follow(door: Door, job: Job) -> None:
        args = msgspec.json.decode(job.args or "{}", type=Args)
        async with door.enter_job(job.id, job.lease_token) as tx:
            await actions.follow_refused(tx, ring, args.message_id)
            await jobs.finish(tx, job)

    return {WORK: follow}
