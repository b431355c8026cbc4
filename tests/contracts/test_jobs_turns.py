"""Whose turn it is: every lane is served, and no tenant waits for how much another is owed."""

import random
from collections.abc import Sequence
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from tests.ledger import TRIED, URGENT, Ledger, Wedding
from wedsync.events.deliver import ending
from wedsync.events.jobs import Job
from wedsync.events.retry import Outcome, Verdict
from wedsync.kit import clock
from wedsync.processes.places import Places

FLOOD = """insert into jobs (id, kind, name, lane, tenant_id, destination_id, made_at, run_at)
    select uuidv7(), $1, $2, $3, $4, ($5::uuid[])[1 + n % cardinality($5::uuid[])], clock_timestamp(),
      clock_timestamp() - interval '1 hour' + n * interval '1 millisecond'
    from generate_series(1, $6) n"""
MANY = 3_000
REACTIONS = UUID("00000000-0000-7000-8000-000000000002")


@pytest_asyncio.fixture
async def ledger(engine: Ledger) -> Ledger:
    await engine.admin.execute("delete from jobs")
    await engine.admin.execute("update lane_turns set after = default, after_tenant = default")
    return engine


async def flood(
    ledger: Ledger, tenant: UUID, destinations: Sequence[UUID], *, kind: str = "delivery", lane: int = 2, n: int = MANY
) -> None:
    """So many ready jobs of one tenant, older than anything that is owed from now on."""
    await ledger.admin.execute(FLOOD, kind, "webhook", lane, tenant, list(destinations), n)


async def many(ledger: Ledger, wedding: Wedding, count: int) -> list[UUID]:
    """So many destinations of one wedding, with places enough."""
    made = [uuid4() for _ in range(count)]
    await ledger.admin.executemany(
        "insert into destinations (id, tenant_id, connector, max_in_flight) values ($1, $2, 'webhook', 64)",
        [(one, wedding.id) for one in made],
    )
    return made


async def end(ledger: Ledger, jobs: Sequence[Job]) -> None:
    at = clock.machine_now()
    done = (Outcome(word="delivered"), Verdict(state="delivered"))
    await ledger.queue.complete([ending(job, *done, started_at=at, took_ms=1.0) for job in jobs])


async def claims_until(ledger: Ledger, tenant: UUID, *, at_most: int, limit: int = 16) -> int:
    """How many claims a worker makes, ending everything each time, until it gets a job of this tenant."""
    for number in range(1, at_most + 1):
        jobs = await ledger.claim(limit)
        await end(ledger, jobs)
        if tenant in {job.tenant_id for job in jobs}:
            return number
    pytest.fail(f"not among {at_most} claims")


async def test_a_tenant_with_thousands_of_jobs_to_many_endpoints_delays_nobody_by_them(ledger: Ledger) -> None:
    greedy, quiet = await ledger.wedding(), await ledger.wedding()
    await flood(ledger, greedy.id, await many(ledger, greedy, 300))
    await ledger.endpoint(quiet)
    await ledger.facts(quiet)
    assert await claims_until(ledger, quiet.id, at_most=3) <= 2


async def test_what_all_tenants_share_goes_by_turns_as_well(ledger: Ledger) -> None:
    """Reactions have sixteen places for everybody, and one tenant may owe thousands of them."""
    greedy, quiet = await ledger.wedding(), await ledger.wedding()
    await flood(ledger, greedy.id, [REACTIONS], kind="reaction", lane=0)
    await flood(ledger, quiet.id, [REACTIONS], kind="reaction", lane=0, n=1)
    await ledger.admin.execute("update jobs set run_at = clock_timestamp() where tenant_id = $1", quiet.id)
    assert await claims_until(ledger, quiet.id, at_most=3) <= 2


async def test_turns_go_round_though_one_place_is_free_at_a_time(ledger: Ledger) -> None:
    """One shared place, a dozen tenants with a flood each: in a dozen claims everybody had a turn."""
    weddings = [await ledger.wedding() for _ in range(12)]
    for wedding in weddings:
        await flood(ledger, wedding.id, [REACTIONS], kind="reaction", lane=0, n=40)
    await ledger.admin.execute("update destinations set max_in_flight = 1 where id = $1", REACTIONS)
    served = []
    for _ in range(len(weddings)):
        [job] = await ledger.claim(16)
        served.append(job.tenant_id)
        await end(ledger, [job])
    await ledger.admin.execute("update destinations set max_in_flight = 16 where id = $1", REACTIONS)
    assert sorted(served) == sorted(wedding.id for wedding in weddings)


async def test_a_tenants_broken_endpoint_does_not_cost_its_others_their_turn(ledger: Ledger) -> None:
    greedy, unlucky = await ledger.wedding(), await ledger.wedding()
    await flood(ledger, greedy.id, await many(ledger, greedy, 300))
    [broken] = await many(ledger, unlucky, 1)
    await flood(ledger, unlucky.id, [broken], n=200)
    await ledger.admin.execute("update destinations set not_before = 'infinity' where id = $1", broken)
    await ledger.endpoint(unlucky)
    await ledger.facts(unlucky)
    assert await claims_until(ledger, unlucky.id, at_most=3) <= 2


async def test_every_lane_is_served_in_every_eight_claims_however_full_the_others_are(ledger: Ledger) -> None:
    """A worker's own bookkeeping, four floods, and jobs that end in any order, those of the lowest lane last."""
    wedding = await ledger.wedding()
    destinations = await many(ledger, wedding, 64)
    for lane in range(4):
        await flood(ledger, wedding.id, destinations, lane=lane, n=1_500)
    running: list[Job] = []
    passed_over = [0, 0, 0, 0]
    rng = random.Random(7)
    for _ in range(30):
        places = Places()
        for job in running:
            places.take(job.lane)
        own = places.own()
        jobs = await ledger.queue.claim(own, places.shared())
        for lane in range(4):
            # A lane whose own places are all taken is being served.
            is_waiting = own[lane] > 0 and lane not in {job.lane for job in jobs}
            passed_over[lane] = passed_over[lane] + 1 if is_waiting else 0
        assert max(passed_over) < 8
        running += jobs
        running.sort(key=lambda job: rng.random() - job.lane / 4)
        done = [running.pop() for _ in range(min(40, len(running)))]
        await end(ledger, done)


async def test_an_urgent_job_overtakes_a_flood_of_every_other_lane(ledger: Ledger) -> None:
    greedy, quiet = await ledger.wedding(), await ledger.wedding()
    destinations = await many(ledger, greedy, 100)
    for lane in (1, 2, 3):
        await flood(ledger, greedy.id, destinations, lane=lane, n=1_000)
    await ledger.endpoint(quiet)
    await ledger.facts(quiet, kind=URGENT)
    assert [job.lane for job in await ledger.queue.claim([8, 0, 0, 0], 0)] == [0]
    await ledger.facts(quiet, kind=TRIED)
    jobs = await ledger.queue.claim([0, 0, 8, 0], 0)
    assert len(jobs) == 8
