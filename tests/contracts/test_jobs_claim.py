"""Claiming jobs: caps that hold, order that is kept, floods that hide nobody, leases that are fenced."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from tests.engines_fixture import Database
from tests.ledger import TRIED, UNHURRIED, URGENT, Ledger, fact
from wedsync.events.deliver import ending
from wedsync.events.jobs import Job, Queue
from wedsync.events.retry import TRIES_MAX, Outcome, Verdict
from wedsync.kit import clock
from wedsync.kit.actor import ANONYMOUS
from wedsync.kit.config import Settings
from wedsync.kit.db import Door, connect_pool
from wedsync.processes import seats
from wedsync.processes.up import _part

QUEUE_FUNCTIONS = (
    *("claim", "take", "payloads", "complete", "release", "reclaim", "vacate", "expire", "heartbeat"),
    *("park", "rest", "end_jobs", "raise_dead", "shelve", "line_up", "call_next"),
)
DONE = Verdict(state="delivered")


@pytest_asyncio.fixture
async def ledger(engine: Ledger) -> Ledger:
    """With an empty queue: a claim takes whatever is ready, whoever owed it."""
    await engine.admin.execute("delete from jobs")
    return engine


@pytest_asyncio.fixture
async def seated(ledger: Ledger, database: Database) -> AsyncIterator[tuple[Queue, int]]:
    """A worker's queue in a seat of its own."""
    seat = 4_711
    own = urlsplit(database.service)._replace(path="/" + await ledger.admin.fetchval("select current_database()"))
    pool = await connect_pool(own.geturl(), size=1, application="tests", seat=seat)
    yield Queue(Door(pool), per_min=UNHURRIED), seat
    await pool.close()


async def test_who_follows_in_a_seat_frees_what_its_predecessor_held_and_nothing_else(
    ledger: Ledger, seated: tuple[Queue, int]
) -> None:
    """And with it the places at the destination, for which all others would have waited out the lease."""
    queue, seat = seated
    wedding = await ledger.wedding()
    endpoint = await ledger.endpoint(wedding)
    await ledger.admin.execute("update destinations set max_in_flight = 4 where id = $1", endpoint)
    await ledger.facts(wedding, 6)
    [living] = await ledger.claim(1)
    dead = await queue.claim([0, 0, 0, 0], 64)
    assert (len(dead), await ledger.claim()) == (3, []), "all places are taken"
    assert await queue.vacate(seat + 1) == 0
    assert await queue.vacate(seat) == 3
    again = await ledger.claim()
    assert len(again) == 3 and living.id not in {job.id for job in again}
    assert {job.attempt for job in again if job.id in {one.id for one in dead}} <= {2}, "the attempt stays counted"
    done = [ending(job, Outcome(word="delivered"), DONE, started_at=clock.machine_now(), took_ms=1.0) for job in dead]
    assert await queue.complete(done) == {job.id for job in dead}, "what comes of it is late"
    assert await queue.vacate(seat) == 0


async def test_a_worker_frees_its_seat_as_it_starts_and_one_without_a_seat_frees_nothing(
    ledger: Ledger, seated: tuple[Queue, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    queue, seat = seated
    wedding = await ledger.wedding()
    await ledger.endpoint(wedding)
    await ledger.facts(wedding, 2)
    assert len(await queue.claim([0, 0, 0, 0], 64)) == 2
    monkeypatch.delenv(seats.VARIABLE, raising=False)
    await seats.take(queue)
    assert await ledger.claim() == []
    monkeypatch.setenv(seats.VARIABLE, str(seat))
    await seats.take(queue)
    assert len(await ledger.claim()) == 2


def test_a_seat_is_a_parts_for_as_long_as_its_supervisor_runs(settings: Settings) -> None:
    worker, other = (_part("worker", settings).environ[seats.VARIABLE] for _ in range(2))
    assert worker != other, "another supervisor's worker is nobody's successor"
    assert seats.VARIABLE not in _part("clock", settings).environ


async def end(ledger: Ledger, jobs: list[Job], verdict: Verdict = DONE, word: str = "delivered") -> set[UUID]:
    """The jobs' tries end so; returns those whose lease had been lost."""
    at = clock.machine_now()
    outcome = Outcome(word=word)  # type: ignore[arg-type]
    return await ledger.queue.complete([ending(j, outcome, verdict, started_at=at, took_ms=1.0) for j in jobs])


async def test_a_destination_never_has_more_in_flight_than_its_cap(ledger: Ledger) -> None:
    wedding = await ledger.wedding()
    endpoint = await ledger.endpoint(wedding)
    await ledger.admin.execute("update destinations set max_in_flight = 3 where id = $1", endpoint)
    await ledger.facts(wedding, 40)
    taken: Counter[UUID] = Counter()
    in_flight: list[Job] = []
    while len(taken) < 40:
        rounds = await asyncio.gather(*(ledger.claim(5) for _ in range(8)))
        claimed = [job for jobs in rounds for job in jobs]
        taken.update(job.id for job in claimed)
        in_flight += claimed
        leased = await ledger.admin.fetchval(
            "select count(*) from jobs where destination_id = $1 and lease_token is not null", endpoint
        )
        assert leased == len(in_flight) <= 3
        assert not await end(ledger, [in_flight.pop(0)])
    assert set(taken.values()) == {1}


async def test_ordered_events_run_one_after_the_other(ledger: Ledger) -> None:
    wedding = await ledger.wedding()
    await ledger.endpoint(wedding, mode="ordered")
    await ledger.facts(wedding, 5)
    seen = []
    for _ in range(5):
        jobs = await ledger.claim()
        assert len(jobs) == 1
        assert await ledger.claim() == []
        seen += await ledger.queue.payloads(jobs)
        await end(ledger, jobs)
    assert [payload.previous_seq for payload in seen] == [None, 1, 2, 3, 4]


async def test_order_holds_across_lanes_and_a_retry(ledger: Ledger) -> None:
    wedding = await ledger.wedding()
    await ledger.endpoint(wedding, mode="ordered")
    await ledger.facts(wedding, 1, kind=TRIED)
    await ledger.facts(wedding, 1, kind=URGENT)
    first = await ledger.claim()
    assert [job.lane for job in first] == [2]
    await end(ledger, first, Verdict(state="deferred", delay_s=3600), "retry_later")
    assert await ledger.claim() == []
    await ledger.make_due()
    again = await ledger.claim()
    assert [job.id for job in again] == [job.id for job in first]
    await end(ledger, again, Verdict(state="dead"), "rejected")
    assert [job.lane for job in await ledger.claim()] == [0]


async def test_streams_of_one_ordered_destination_do_not_wait_for_each_other(ledger: Ledger) -> None:
    weddings = [await ledger.wedding() for _ in range(3)]
    endpoint = await ledger.endpoint(weddings[0], mode="ordered")
    for wedding in weddings[1:]:
        await ledger.admin.execute(
            "insert into subscriptions (tenant_id, destination_id, connector, patterns, mode)"
            " values ($1, $2, 'webhook', '{%}', 'ordered')",
            *(wedding.id, endpoint),
        )
    for wedding in weddings:
        await ledger.facts(wedding, 3)
    assert len(await ledger.claim()) == 3


async def test_a_long_ordered_backlog_does_not_hide_another_stream(ledger: Ledger) -> None:
    """Blocked jobs leave the ready range once, so that no claim wades through them; every one of them comes back."""
    wedding = await ledger.wedding()
    endpoint = await ledger.endpoint(wedding, mode="ordered")
    async with ledger.user.enter(wedding.couple, wedding.id) as tx:
        for number in range(300):
            await fact(tx, wedding.id, TRIED, str(number))
    head = await ledger.claim()
    assert len(head) == 1
    for _ in range(3):
        assert await ledger.claim() == []
    other = await ledger.wedding()
    await ledger.endpoint(other)
    await ledger.facts(other)
    assert [job.tenant_id for job in await ledger.claim()] == [other.id]
    await end(ledger, head)
    for _ in range(299):
        jobs = await ledger.claim()
        assert len(jobs) == 1
        await end(ledger, jobs)
    assert await ledger.jobs(endpoint) == []


async def test_no_wake_up_is_lost_between_lining_up_and_ending(ledger: Ledger) -> None:
    """Claimers line jobs up while others end the job before: whatever the interleaving, the queue runs dry."""
    wedding = await ledger.wedding()
    endpoint = await ledger.endpoint(wedding, mode="ordered")
    await ledger.facts(wedding, 60)
    ended: list[UUID] = []

    async def work() -> None:
        idle = 0
        while len(ended) < 60 and idle < 400:
            jobs = await ledger.claim(4)
            idle = 0 if jobs else idle + 1
            await end(ledger, jobs)
            ended.extend(job.id for job in jobs)

    await asyncio.gather(*(work() for _ in range(4)))
    assert await ledger.jobs(endpoint) == []
    assert len(set(ended)) == len(ended) == 60


async def test_a_flood_to_one_destination_does_not_hide_the_others(ledger: Ledger) -> None:
    flooded, quiet = await ledger.wedding(), await ledger.wedding()
    full = await ledger.endpoint(flooded)
    await ledger.endpoint(quiet)
    async with ledger.user.enter(flooded.couple, flooded.id) as tx:
        for number in range(600):
            await fact(tx, flooded.id, TRIED, str(number))
    assert len(await ledger.claim()) == 4
    await ledger.facts(quiet)
    found = await ledger.claim()
    assert [job.tenant_id for job in found] == [quiet.id]
    assert len(await ledger.jobs(full)) == 600


async def test_a_lane_cannot_take_another_lanes_places(ledger: Ledger) -> None:
    wedding = await ledger.wedding()
    endpoint = await ledger.endpoint(wedding)
    await ledger.admin.execute("update destinations set max_in_flight = 64 where id = $1", endpoint)
    await ledger.facts(wedding, 20, kind=TRIED)
    await ledger.facts(wedding, 5, kind=URGENT)
    jobs = await ledger.queue.claim([2, 0, 3, 0], 4)
    lanes = Counter(job.lane for job in jobs)
    assert lanes == {0: 5, 2: 4}
    assert Counter(job.lane for job in await ledger.queue.claim([2, 0, 3, 0], 0)) == {2: 3}


async def test_only_the_holder_of_a_lease_ends_a_job(ledger: Ledger) -> None:
    wedding = await ledger.wedding()
    endpoint = await ledger.endpoint(wedding)
    await ledger.facts(wedding)
    slow = await ledger.claim()
    await ledger.let_leases_lapse(endpoint)
    assert await ledger.queue.reclaim() == 1
    quick = await ledger.claim()
    assert quick[0].attempt == 2
    assert await end(ledger, slow, Verdict(state="dead"), "rejected") == {slow[0].id}
    assert not await ledger.queue.heartbeat(slow)
    await ledger.queue.release(slow)
    assert await ledger.queue.heartbeat(quick) == {quick[0].id}
    assert not await end(ledger, quick)
    [delivery] = await ledger.deliveries(endpoint)
    attempts = await ledger.attempts(delivery["id"])
    assert (delivery["state"], delivery["attempts"]) == ("delivered", 1)
    assert sorted((a["outcome"], a["is_late"]) for a in attempts) == [("delivered", False), ("rejected", True)]


async def test_an_ending_told_twice_is_written_once(ledger: Ledger) -> None:
    wedding = await ledger.wedding()
    endpoint = await ledger.endpoint(wedding)
    await ledger.facts(wedding)
    jobs = await ledger.claim()
    await end(ledger, jobs)
    await end(ledger, jobs)
    [delivery] = await ledger.deliveries(endpoint)
    assert len(await ledger.attempts(delivery["id"])) == delivery["attempts"] == 1


async def test_what_is_given_back_has_burnt_no_attempt(ledger: Ledger) -> None:
    wedding = await ledger.wedding()
    await ledger.endpoint(wedding)
    await ledger.facts(wedding)
    jobs = await ledger.claim()
    await ledger.queue.release(jobs)
    again = await ledger.claim()
    assert [job.id for job in again] == [job.id for job in jobs]
    assert again[0].attempt == 1
    assert again[0].lease_token != jobs[0].lease_token


async def test_a_job_that_ends_every_worker_is_given_up(ledger: Ledger) -> None:
    wedding = await ledger.wedding()
    endpoint = await ledger.endpoint(wedding)
    await ledger.facts(wedding)
    for number in range(1, TRIES_MAX + 1):
        [job] = await ledger.claim()
        assert job.attempt == number
        await ledger.let_leases_lapse(endpoint)
        assert await ledger.queue.reclaim() == 1
    assert await ledger.claim() == []
    [delivery] = await ledger.deliveries(endpoint)
    assert delivery["state"] == "dead"
    assert "workers ended" in delivery["reason"]


async def test_parked_jobs_wait_with_the_reason_and_come_back_with_all_their_tries(ledger: Ledger) -> None:
    wedding = await ledger.wedding()
    endpoint = await ledger.endpoint(wedding)
    await ledger.facts(wedding, 3)
    [gone, *rest] = await ledger.claim()
    await ledger.queue.release(rest)
    await end(ledger, [gone], Verdict(state="parked", reason="It answered 410.", close="It answered 410."), "rejected")
    assert await ledger.claim() == []
    await ledger.facts(wedding)
    assert await ledger.claim() == []
    rows = await ledger.deliveries(endpoint)
    assert [(row["state"], row["reason"]) for row in rows] == [("parked", "It answered 410.")] * 5
    owner = "select state, state_reason from endpoints where id = $1"
    assert tuple(await ledger.admin.fetchrow(owner, endpoint)) == ("disabled", "It answered 410.")
    async with ledger.scene.enter(wedding.couple, wedding.id) as tx:
        await tx.run("update endpoints set state = 'active', state_reason = '' where id = $1", endpoint)
        await tx.run("select app.connect_endpoint($1)", endpoint)
    again = await ledger.claim()
    assert [job.attempt for job in again] == [1, 1, 1, 1]
    assert {row["state"] for row in await ledger.deliveries(endpoint)} == {"pending"}


async def test_a_resting_destination_keeps_its_jobs_and_their_tries(ledger: Ledger) -> None:
    wedding = await ledger.wedding()
    endpoint = await ledger.endpoint(wedding)
    await ledger.facts(wedding, 6)
    [first, *others] = await ledger.claim()
    await ledger.queue.release(others)
    await end(ledger, [first], Verdict(state="deferred", delay_s=30, rest_s=30), "retry_later")
    assert await ledger.claim() == []
    await ledger.admin.execute("update destinations set not_before = '-infinity' where id = $1", endpoint)
    jobs = await ledger.claim()
    assert first.id not in {job.id for job in jobs}
    assert {job.attempt for job in jobs} == {1}


async def test_what_is_too_late_expires_and_its_secret_goes(ledger: Ledger) -> None:
    person, delivery = uuid4(), uuid4()
    async with ledger.user.bare(ANONYMOUS) as tx:
        person = await tx.value("select app.person_for($1)", f"{person.hex}@example.test")
        await tx.value(
            "select app.request_sign_in($1, $2, 15, $3, $4)", person, delivery.bytes * 2, delivery, b"sealed"
        )
    await ledger.admin.execute("update jobs set expires_at = clock_timestamp() where id = $1", delivery)
    assert await ledger.queue.expire() == 1
    row = await ledger.admin.fetchrow("select state, sealed from deliveries where id = $1", delivery)
    assert tuple(row) == ("expired", None)


async def test_a_retry_that_would_come_too_late_expires_at_once(ledger: Ledger) -> None:
    wedding = await ledger.wedding()
    endpoint = await ledger.endpoint(wedding)
    await ledger.facts(wedding)
    await ledger.admin.execute("update jobs set expires_at = clock_timestamp() + interval '1 minute'")
    jobs = await ledger.claim()
    await end(ledger, jobs, Verdict(state="deferred", delay_s=3600, reason="It is away."), "retry_later")
    [delivery] = await ledger.deliveries(endpoint)
    assert (delivery["state"], delivery["attempts"]) == ("expired", 1)
    assert await ledger.jobs(endpoint) == []


@pytest.mark.parametrize("role", ["user", "reader"])
async def test_only_the_service_door_touches_the_queue(ledger: Ledger, role: str) -> None:
    allowed = await ledger.admin.fetchval(
        "select bool_or(has_function_privilege($1, p.oid, 'execute')) from pg_proc p"
        " join pg_namespace n on n.oid = p.pronamespace where n.nspname = 'app' and p.proname = any ($2)",
        *(f"wedsync_{role}", list(QUEUE_FUNCTIONS)),
    )
    assert allowed is False
