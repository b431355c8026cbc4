"""The work of probes: every provider of the chain is asked whether it is well, so that none is found dead by a mail."""

from collections.abc import Mapping

from wedsync.connections.mailing.chain import Chain
from wedsync.events import jobs
from wedsync.events.jobs import Job
from wedsync.events.reactions import Work
from wedsync.kit.db import Door

WORK = "mail.probe"


def works(chain: Chain) -> Mapping[str, Work]:
    """By the name it is owed under."""

    async def probe(door: Door, job: Job) -> None:
        await chain.probe()
        async with door.enter_job(job.id, job.lease_token) as tx:
            await jobs.finish(tx, job)

    return {WORK: probe}
