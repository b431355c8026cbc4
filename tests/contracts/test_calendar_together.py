"""Runs of calendars begin and end, many by one statement where that is all there is to it, and wait for no other."""

import asyncio
from uuid import UUID, uuid4

import msgspec
import pytest

from tests.contracts.bookings_house import opened
from tests.contracts.calendar_house import Kept, Provider, of_studio
from tests.contracts.town import LEASE_WORK, Town
from wedsync.connections.calendars import sync
from wedsync.connections.calendars.together import End, Together
from wedsync.events.jobs import Job
from wedsync.kit import clock
from wedsync.kit.db import Door, Row, commit_of

OWE = "select app.owe_syncs($1, true)"
TOUCHED_BY = "select g.xmax::text from calendar_progress g where g.calendar_id = any ($1)"
WHOLE = "select g.* from calendar_progress g where g.calendar_id = $1"
BOOKED = {"on": "2027-07-10", "at_local": "12:00:00", "minutes": 600, "category": "client"}
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


RUNS = "select outcome, pulled, written from sync_runs where calendar_id = $1 order by id"
ACCOUNT = """select h.window_ok, l.times from connection_health h
    join connection_log l on l.connection_id = h.connection_id and l.what = 'pull' where h.connection_id = $1"""
ENDED_BY = "select h.xmin::text from connection_health h where h.connection_id = any ($1)"
JOBS = "select count(*) from jobs where tenant_id = $1 and name = 'calendars.sync'"
PROGRESS = (
    "select pulls_done = pulls_wanted, outcome, next_poll_at > now() from calendar_progress where calendar_id = $1"
)


class Both(Together):
    """Two runs come to their end at one moment, each so many times."""

    def __init__(self, times: int = 1) -> None:
        super().__init__()
        self._times = times
        self._barrier = asyncio.Barrier(2)
        self._asked = 0

    async def end(self, door: Door, end: End) -> Row | None:
        self._asked += 1
        if self._asked <= 2 * self._times:
            async with asyncio.timeout(20):
                await self._barrier.wait()
        return await super().end(door, end)


async def run_all(all_kept: list[Kept], together: Together) -> None:
    jobs = [await leased(kept) for kept in all_kept]
    await asyncio.gather(
        *(
            sync.keep_in_step(k.town.door, job, k.town.ring, k.provider, k.address, together)
            for k, job in zip(all_kept, jobs, strict=True)
        )
    )


async def in_step(town: Town) -> list[Kept]:
    """Two calendars with a booking each that was written there, and not heard of again yet."""
    both = await two(town)
    for kept in both:
        await kept.owner.got("POST", f"/api/v1/suppliers/{kept.tenant}/bookings", BOOKED, code=201)
        await kept.settle()
    return both


async def test_runs_that_find_nothing_but_what_was_written_end_in_one_transaction(town: Town) -> None:
    both = await in_step(town)
    before = [
        (await town.admin.fetch(RUNS, UUID(k.id)), await town.admin.fetchrow(ACCOUNT, k.connection)) for k in both
    ]
    await run_all(both, Both())
    assert len(set(await town.admin.fetch(ENDED_BY, [kept.connection for kept in both]))) == 1
    for kept, (runs, account) in zip(both, before, strict=True):
        assert await town.admin.fetch(RUNS, UUID(kept.id)) == runs, "nothing happened"
        assert [*(await town.admin.fetchrow(ACCOUNT, kept.connection))] == [one + 1 for one in account]
        assert tuple(await town.admin.fetchrow(PROGRESS, UUID(kept.id))) == (True, "done", True)
        assert await town.admin.fetchval(JOBS, UUID(kept.tenant)) == 0


async def test_a_run_that_writes_ends_with_others_and_is_told(town: Town) -> None:
    both = await in_step(town)
    for kept in both:
        await kept.owner.got(
            "POST", f"/api/v1/suppliers/{kept.tenant}/bookings", BOOKED | {"on": "2027-07-17"}, code=201
        )
        while await town.react(kept.tenant):
            pass
    # What a pull brought is not all there is to it: something of ours is to be written.
    await run_all(both, Both(2))
    assert len(set(await town.admin.fetch(ENDED_BY, [kept.connection for kept in both]))) == 1
    for kept in both:
        assert tuple((await town.admin.fetch(RUNS, UUID(kept.id)))[-1]) == ("done", 1, 1)
        assert len(kept.diary.ours()) == 2


SPOIL = {
    "marked": "update calendar_events set is_dirty = true, marks = marks + 1 where calendar_id = $1",
    "changed there": "update calendar_events set etag = 'another' where calendar_id = $1",
    "unwell": """update connection_health set failures = 1
        where connection_id = (select connection_id from calendars where id = $1)""",
    "said otherwise": """update connection_log set word = 'retry_later'
        where connection_id = (select connection_id from calendars where id = $1)""",
}


@pytest.mark.parametrize("what", sorted(SPOIL))
async def test_what_there_is_more_to_ends_by_itself(town: Town, what: str) -> None:
    first, second = await in_step(town)
    await town.admin.execute(SPOIL[what], UUID(first.id))
    await run_all([first, second], Both())
    assert len(set(await town.admin.fetch(ENDED_BY, [first.connection, second.connection]))) == 2
    assert tuple(await town.admin.fetchrow(PROGRESS, UUID(first.id))) == (True, "done", True)
    await first.settle()
    assert await town.admin.fetchval(JOBS, UUID(first.tenant)) == 0
    assert len(first.diary.ours()) == 1


async def test_a_run_whose_lease_was_lost_ends_nothing(town: Town) -> None:
    (kept, _) = await in_step(town)
    job = await leased(kept)
    progress = await town.admin.fetchrow(WHOLE, UUID(kept.id))
    await town.admin.execute("update jobs set lease_token = gen_random_uuid() where id = $1", job.id)
    told = End(
        job=job.id,
        lease=job.lease_token,
        cursor=b"x",
        cursor_for="",
        wanted=99,
        poll_s=1.0,
        what="pull",
        times=1,
        began_at=clock.now(),
        numbers=(0, 0, 1, 0, 0),
        echoes=(),
    )
    assert await Together().end(town.door, told) is None
    assert await town.admin.fetchrow(WHOLE, UUID(kept.id)) == progress
    assert await town.admin.fetchval(JOBS, UUID(kept.tenant)) == 1


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
