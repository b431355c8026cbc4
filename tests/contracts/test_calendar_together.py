"""Runs of calendars that begin at one moment begin by one statement, and none of them waits for another."""

import asyncio
from uuid import UUID, uuid4

import msgspec
import pytest

from tests.contracts.bookings_house import opened
from tests.contracts.calendar_house import Kept, Provider, of_studio
from tests.contracts.town import LEASE_WORK, Town
from wedsync.connections.calendars import sync
from wedsync.connections.calendars.together import Together
from wedsync.events.jobs import Job
from wedsync.kit.db import commit_of

OWE = "select app.owe_syncs($1, true)"
TOUCHED_BY = "select g.xmax::text from calendar_progress g where g.calendar_id = any ($1)"
HOLD = "select from calendar_progress g where g.calendar_id = $1 for update"


async def two(town: Town) -> list[Kept]:
    provider = Provider()
    return [await of_studio(await opened(town), provider) for _ in range(2)]


async def leased(kept: Kept) -> Job:
    await kept.town.admin.execute(OWE, [UUID(kept.id)])
    return Job(**await kept.town.admin.fetchrow(LEASE_WORK, UUID(kept.tenant), sync.WORK))


async def test_runs_of_two_businesses_begin_in_one_transaction_each_with_its_own(town: Town) -> None:
    both = await two(town)
    jobs = [await leased(kept) for kept in both]
    together = Together()
    rows = await asyncio.gather(*(together.begin(town.door, job) for job in jobs))
    assert [row and (row["id"], row["tenant_id"]) for row in rows] == [(UUID(k.id), UUID(k.tenant)) for k in both]
    assert len(set(await town.admin.fetch(TOUCHED_BY, [UUID(kept.id) for kept in both]))) == 1


async def test_what_begins_together_reads_what_one_begins_with_alone(town: Town) -> None:
    (kept, _) = await two(town)
    job = await leased(kept)
    row = await Together().begin(town.door, job)
    assert row is not None
    async with town.door.enter_job(job.id, job.lease_token) as tx:
        alone = await tx.row(sync.queries.begin, UUID(kept.id))
    assert alone is not None
    assert {**row} == {**alone, "job": job.id}


async def test_a_calendar_that_somebody_holds_begins_by_itself_and_keeps_no_other_waiting(town: Town) -> None:
    held, free = await two(town)
    jobs = [await leased(held), await leased(free)]
    together = Together()
    async with town.admin.transaction():
        await town.admin.execute(HOLD, UUID(held.id))
        async with asyncio.timeout(5):
            rows = await asyncio.gather(*(together.begin(town.door, job) for job in jobs))
        assert [row is None for row in rows] == [True, False]
    asked = len(held.diary.asked)
    await sync.keep_in_step(town.door, jobs[0], town.ring, held.provider, held.address, together)
    assert len(held.diary.asked) == asked + 1


@pytest.mark.parametrize("what", ["lease", "job"])
async def test_who_has_no_lease_of_a_job_is_told_nothing_of_its_account(town: Town, what: str) -> None:
    (kept, _) = await two(town)
    job = await leased(kept)
    other = {"lease": {"lease_token": uuid4()}, "job": {"id": uuid4()}}[what]
    assert await Together().begin(town.door, msgspec.structs.replace(job, **other)) is None
    assert await Together().begin(town.door, job) is not None


async def test_only_what_a_job_does_anew_and_nobody_was_told_of_is_left_to_the_disk(town: Town) -> None:
    """A crash of the database may undo such a run, as one of its worker may; what is recorded was promised."""
    (kept, _) = await two(town)
    job = await leased(kept)
    commits: list[str] = []
    async with town.door.enter_job(job.id, job.lease_token) as tx:
        commits.append(commit_of(tx))
        tx.is_redone = True
        commits.append(commit_of(tx))
        tx.nudges.append("[]")
        commits.append(commit_of(tx))
    assert ["synchronous_commit = off" in said for said in commits] == [False, True, False]
