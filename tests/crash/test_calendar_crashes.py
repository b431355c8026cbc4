"""PostgreSQL is stopped at once while calendars are kept in step: what it had not written to its disk is done again."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date, timedelta
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from tests.contracts.bookings_house import opened
from tests.contracts.calendar_house import Kept, Provider, of_studio
from tests.contracts.town import LEASE_WORK, Town
from tests.crash.cluster import own_cluster, stop_at_once
from tests.served import served
from wedsync.connections.calendars import sync
from wedsync.connections.calendars.together import Together
from wedsync.events.jobs import Job
from wedsync.processes.engines import Engines

TURNS = 5
FIRST = date(2027, 7, 10)
OWED = "select count(*) from jobs where name = 'calendars.sync'"
FREE = "select app.reclaim()"
LAPSED = "update jobs set lease_until = clock_timestamp() where lease_token is not null"
KNOWN = """select e.state, e.is_dirty, count(*) from calendar_events e where e.calendar_id = $1 and e.kind = 'booking'
    group by e.state, e.is_dirty"""


@pytest_asyncio.fixture
async def own() -> AsyncIterator[tuple[Town, Engines]]:
    """A town on a cluster of its own."""
    async with own_cluster() as (engines, settings), served(settings) as app:
        assert engines.postgres is not None
        town = Town(app, settings, await asyncpg.connect(engines.postgres.url()))
        yield town, engines
        await town.admin.close()


@pytest.mark.prove
@pytest.mark.timeout(300)
async def test_runs_that_a_stop_at_once_undoes_are_run_again(own: tuple[Town, Engines]) -> None:
    """Their commits wait for no disk: whoever wrote there finds it there, and nobody writes it twice."""
    town, engines = own
    assert engines.postgres is not None
    provider = Provider()
    all_kept = [await of_studio(await opened(town), provider) for _ in range(3)]
    undone = 0
    for turn in range(1, TURNS + 1):
        on = (FIRST + timedelta(days=turn)).isoformat()
        for kept in all_kept:
            booked = {"on": on, "at_local": "12:00:00", "minutes": 60, "category": "client"}
            await kept.owner.got("POST", f"/api/v1/suppliers/{kept.tenant}/bookings", booked, code=201)
            while await town.react(kept.tenant):
                pass
        together = Together()
        jobs = [Job(**await town.admin.fetchrow(LEASE_WORK, UUID(kept.tenant), sync.WORK)) for kept in all_kept]
        await asyncio.gather(*(run(kept, job, together) for kept, job in zip(all_kept, jobs, strict=True)))
        assert await town.admin.fetchval(OWED) == 0
        await stop_at_once(engines)
        town.admin = await asyncpg.connect(engines.postgres.url())
        undone += await town.admin.fetchval(OWED)
        await town.admin.execute(LAPSED)
        await town.admin.execute(FREE)
        for kept in all_kept:
            await kept.settle()
            assert len(kept.diary.ours()) == turn, "each booking is there once"
            assert [tuple(row) for row in await town.admin.fetch(KNOWN, UUID(kept.id))] == [("there", False, turn)]
            assert await kept.conflicts() == []
    print(f"\nstopped at once {TURNS} times after {TURNS * len(all_kept)} runs: {undone} undone and run again")


async def run(kept: Kept, job: Job, together: Together) -> None:
    town = kept.town
    await sync.keep_in_step(town.door, job, town.ring, kept.provider, kept.address, together)
