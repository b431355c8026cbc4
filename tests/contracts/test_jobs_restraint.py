"""Restraint: what fails is left alone and probed, nothing is sent more than its rate, of one row the newest goes."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import msgspec
import pytest
import pytest_asyncio

from tests.ledger import TRIED, URGENT, Ledger, Wedding, fact
from wedsync.events import record
from wedsync.events.deliver import ending
from wedsync.events.jobs import PER_MIN, Ending, Job, Queue
from wedsync.events.retry import Exchange, Outcome, State, Verdict
from wedsync.kit import clock
from wedsync.subscriptions import model as subscriptions

FAILED = Outcome(word="retry_later", reason="It answered 500.", exchange=Exchange(status=500))
SILENT = Outcome(word="retry_later", reason="No answer.", exchange=Exchange(total_ms=10_000.0))
BUSY = Outcome(word="retry_later", reason="It answered 429.", exchange=Exchange(status=429))
BUG = Outcome(word="unknown", reason="Something went wrong on our side.")
TAKEN = Outcome(word="delivered", exchange=Exchange(status=200, total_ms=5.0))
SET_DAY = """insert into wedding_days as d (wedding_id, "on", zone, live_from, live_until)
    select $1, current_date, 'Europe/London', n + $2::text::interval, n + $3::text::interval from clock_timestamp() n
    on conflict (wedding_id, "on") do update set live_from = excluded.live_from, live_until = excluded.live_until"""
BREAKER = (
    "select breaker_failures, breaker_openings, breaker_until - statement_timestamp() as left_over,"
    " nullif(not_before, '-infinity') - statement_timestamp() as pause from destinations where id = $1"
)


@pytest_asyncio.fixture
async def ledger(engine: Ledger) -> Ledger:
    """With an empty queue, and no destination with a past."""
    await engine.admin.execute("delete from jobs")
    return engine


def told(jobs: Sequence[Job], outcome: Outcome, *, delay_s: float = 0.0) -> list[Ending]:
    state: State = "delivered" if outcome.word == "delivered" else "deferred"
    verdict = Verdict(state=state, reason=outcome.reason, delay_s=delay_s)
    at = clock.machine_now()
    return [ending(job, outcome, verdict, started_at=at, took_ms=1.0) for job in jobs]


async def tried(ledger: Ledger, outcome: Outcome, times: int = 1, *, delay_s: float = 0.0) -> list[Job]:
    """So many tries one after the other that end so; the jobs of them."""
    done = []
    for _ in range(times):
        [job] = await ledger.claim(1)
        await ledger.queue.complete(told([job], outcome, delay_s=delay_s))
        done.append(job)
    return done


async def make_half_open(ledger: Ledger, endpoint: UUID) -> None:
    """As if the breaker's time had gone by."""
    await ledger.admin.execute(
        "update destinations set breaker_until = clock_timestamp(), not_before = clock_timestamp() where id = $1",
        endpoint,
    )


async def owed(ledger: Ledger, count: int) -> tuple[Wedding, UUID]:
    wedding = await ledger.wedding()
    endpoint = await ledger.endpoint(wedding)
    async with ledger.user.enter(wedding.couple, wedding.id) as tx:
        for number in range(count):
            await fact(tx, wedding.id, TRIED, str(number))
    return wedding, endpoint


@pytest.mark.parametrize("outcome", [FAILED, SILENT])
async def test_after_five_failures_a_destination_is_left_alone_and_its_jobs_keep_their_place(
    ledger: Ledger, outcome: Outcome
) -> None:
    _, endpoint = await owed(ledger, 8)
    await tried(ledger, outcome, 5, delay_s=3600)
    assert await ledger.claim() == []
    row = await ledger.admin.fetchrow(BREAKER, endpoint)
    assert (row["breaker_failures"], row["breaker_openings"]) == (5, 1)
    assert 25 < row["left_over"].total_seconds() <= 30
    assert row["left_over"] == row["pause"]
    assert sorted(job["attempt"] for job in await ledger.jobs(endpoint)) == [0, 0, 0, 1, 1, 1, 1, 1]
    assert {row["state"] for row in await ledger.deliveries(endpoint)} == {"pending", "deferred"}


async def set_day(ledger: Ledger, wedding: Wedding, live_from: str, live_until: str) -> None:
    """The hours of its day, counted from now: it enters a phase or leaves it."""
    await ledger.admin.execute(SET_DAY, wedding.id, live_from, live_until)


async def test_the_fifth_failure_opens_it_and_while_the_wedding_is_live_the_second(ledger: Ledger) -> None:
    """A phase counts from the moment it is entered to the moment it is left, for what was owed before as well."""
    wedding, endpoint = await owed(ledger, 30)

    async def openings() -> int:
        row = await ledger.admin.fetchrow(BREAKER, endpoint)
        return int(row["breaker_openings"])

    async def opened_at() -> int:
        """Which of these failures opened it; then it is well again."""
        number = 0
        while not await openings():
            await tried(ledger, FAILED, delay_s=3600)
            number += 1
        await make_half_open(ledger, endpoint)
        await tried(ledger, TAKEN)
        assert await openings() == 0
        return number

    assert await opened_at() == 5, "no day at all"
    await set_day(ledger, wedding, "23 hours", "40 hours")
    assert await opened_at() == 5, "the day before, when the plan is frozen already"
    await set_day(ledger, wedding, "-1 minutes", "1 hour")
    assert await opened_at() == 2, "live"
    await set_day(ledger, wedding, "-1 hour", "-1 minutes")
    assert await opened_at() == 5, "over"


@pytest.mark.parametrize("outcome", [BUSY, BUG, msgspec.structs.replace(SILENT, tries_max=3)])
async def test_what_is_not_the_destinations_failure_opens_nothing(ledger: Ledger, outcome: Outcome) -> None:
    _, endpoint = await owed(ledger, 7)
    await tried(ledger, outcome, 6, delay_s=3600)
    assert len(await ledger.claim()) == 1
    assert (await ledger.admin.fetchrow(BREAKER, endpoint))["left_over"] is None


async def test_a_success_between_failures_is_counted_though_its_batch_was_all_well(ledger: Ledger) -> None:
    _, endpoint = await owed(ledger, 9)
    await tried(ledger, FAILED, 4, delay_s=3600)
    await tried(ledger, TAKEN)
    await tried(ledger, FAILED, 3, delay_s=3600)
    assert len(await ledger.claim()) == 1
    assert (await ledger.admin.fetchrow(BREAKER, endpoint))["breaker_failures"] == 3


async def test_one_probe_goes_first_the_oldest_of_the_highest_lane_and_its_success_frees_the_rest(
    ledger: Ledger,
) -> None:
    wedding, endpoint = await owed(ledger, 10)
    await tried(ledger, FAILED, 5, delay_s=3600)
    await ledger.facts(wedding, 2, kind=URGENT)
    assert await ledger.claim() == []
    await make_half_open(ledger, endpoint)
    rounds = await asyncio.gather(*(ledger.claim(8) for _ in range(6)))
    [probe] = [job for jobs in rounds for job in jobs]
    urgent = [row["id"] for row in await ledger.jobs(endpoint) if row["lane"] == 0]
    assert probe.id == urgent[0]
    await ledger.queue.complete(told([probe], TAKEN))
    assert len(await ledger.claim()) == 4
    assert (await ledger.admin.fetchrow(BREAKER, endpoint))["breaker_openings"] == 0


async def test_a_probe_that_fails_closes_the_door_for_twice_as_long(ledger: Ledger) -> None:
    _, endpoint = await owed(ledger, 8)
    await tried(ledger, FAILED, 5, delay_s=3600)
    await make_half_open(ledger, endpoint)
    await tried(ledger, FAILED, delay_s=3600)
    assert await ledger.claim() == []
    row = await ledger.admin.fetchrow(BREAKER, endpoint)
    assert row["breaker_openings"] == 2
    assert 55 < row["left_over"].total_seconds() <= 60


async def test_what_waits_for_a_breaker_expires_all_the_same(ledger: Ledger) -> None:
    _, endpoint = await owed(ledger, 6)
    await tried(ledger, FAILED, 5, delay_s=3600)
    await ledger.admin.execute("update jobs set expires_at = clock_timestamp() where attempt = 0")
    assert await ledger.queue.expire() == 1
    assert [row["attempts"] for row in await ledger.deliveries(endpoint) if row["state"] == "expired"] == [0]


async def test_an_owner_who_changes_the_endpoint_is_tried_at_once(ledger: Ledger) -> None:
    wedding, endpoint = await owed(ledger, 6)
    await tried(ledger, FAILED, 5, delay_s=3600)
    async with ledger.user.enter(wedding.couple, wedding.id) as tx:
        await tx.run("select app.connect_endpoint($1)", endpoint)
    assert len(await ledger.claim()) == 1


async def test_the_breaker_is_shown_to_its_owner_and_to_nobody_else(ledger: Ledger) -> None:
    wedding, endpoint = await owed(ledger, 5)
    await tried(ledger, FAILED, 5, delay_s=3600)
    shown = "select breaker_failures from destinations where id = $1 and breaker_until > clock_timestamp()"
    async with ledger.user.enter(wedding.couple, wedding.id) as tx:
        assert await tx.value(shown, endpoint) == 5
    other = await ledger.wedding()
    async with ledger.user.enter(other.couple, other.id) as tx:
        assert await tx.value(shown, endpoint) is None


async def test_workers_that_end_tries_side_by_side_count_each_failure_once(ledger: Ledger) -> None:
    _, endpoint = await owed(ledger, 8)
    await ledger.admin.execute("update destinations set max_in_flight = 8 where id = $1", endpoint)
    jobs = await ledger.claim(4)
    await asyncio.gather(*(ledger.queue.complete(told([job], FAILED, delay_s=3600)) for job in jobs))
    assert (await ledger.admin.fetchrow(BREAKER, endpoint))["breaker_failures"] == 4
    assert len(await ledger.claim()) == 4


async def test_a_destination_is_sent_its_rate_exactly_however_many_claim(ledger: Ledger) -> None:
    _, endpoint = await owed(ledger, 130)
    await ledger.admin.execute("update destinations set max_in_flight = 64 where id = $1", endpoint)
    queue, taken = Queue(ledger.service), 0
    began = clock.monotonic()
    for _ in range(6):
        for jobs in await asyncio.gather(*(queue.claim([0, 0, 0, 0], 16) for _ in range(4))):
            taken += len(jobs)
            await queue.complete(told(jobs, TAKEN))
    at_once = PER_MIN / 5
    assert at_once <= taken <= at_once + (clock.monotonic() - began) * PER_MIN / 60 + 1
    assert {job["attempt"] for job in await ledger.jobs(endpoint)} == {0}
    pause = (await ledger.admin.fetchrow(BREAKER, endpoint))["pause"]
    assert pause.total_seconds() <= 0.6
    await ledger.admin.execute(
        "update destinations set not_before = '-infinity', tokens_at = tokens_at - interval '6 seconds' where id = $1",
        endpoint,
    )
    assert 10 <= len(await queue.claim([0, 0, 0, 0], 64)) <= 14


async def test_a_destination_may_have_a_rate_of_its_own(ledger: Ledger) -> None:
    _, endpoint = await owed(ledger, 10)
    await ledger.admin.execute("update destinations set max_in_flight = 64, per_min = 15 where id = $1", endpoint)
    assert len(await ledger.claim()) == 3
    assert await ledger.claim() == []


async def test_a_receiver_that_is_overrun_halves_its_rate_once_and_gets_it_back(ledger: Ledger) -> None:
    _, endpoint = await owed(ledger, 10)
    shares = "select rate_share from destinations where id = $1"
    jobs = await ledger.claim(2)
    await ledger.queue.complete(told(jobs, BUSY, delay_s=3600))
    assert await ledger.admin.fetchval(shares, endpoint) == 0.5
    back = (
        "select app.share_now(rate_share, rate_at, rate_at + make_interval(mins => $2)) from destinations where id = $1"
    )
    recovered = [await ledger.admin.fetchval(back, endpoint, minutes) for minutes in (0, 1, 4, 5, 60)]
    assert recovered == pytest.approx([0.5, 0.6, 0.9, 1.0, 1.0])
    await ledger.admin.execute(
        "update destinations set rate_at = rate_at - interval '1 minute' where id = $1", endpoint
    )
    await tried(ledger, msgspec.structs.replace(FAILED, exchange=Exchange(status=503)), delay_s=3600)
    assert await ledger.admin.fetchval(shares, endpoint) == 0.5
    await tried(ledger, msgspec.structs.replace(FAILED, exchange=Exchange(status=504)), delay_s=3600)
    assert await ledger.admin.fetchval(shares, endpoint) == pytest.approx(0.3, abs=0.01)


async def test_what_is_shared_by_all_has_no_rate_and_no_breaker(ledger: Ledger) -> None:
    wedding = await ledger.wedding()
    async with ledger.scene.enter(wedding.couple, wedding.id) as tx:
        for _ in range(8):
            await tx.value("select app.owe_work('try', '{}', 3::smallint)")
    await ledger.admin.execute("update destinations set max_in_flight = 64 where connector = 'work'")
    jobs = await Queue(ledger.service, per_min=1).claim([0, 0, 0, 0], 64)
    assert len(jobs) == 8
    await ledger.queue.complete(told(jobs, FAILED))
    await ledger.admin.execute("update destinations set max_in_flight = 4 where connector = 'work'")
    assert len(await ledger.claim()) == 4


async def changed(ledger: Ledger, wedding: Wedding, party: UUID, name: str) -> None:
    """One more fact about the same row."""
    async with ledger.user.enter(wedding.couple, wedding.id) as tx:
        row = await tx.row(
            "update parties set name = $2 where id = $1"
            " returning new.id, to_jsonb(new) as record, to_jsonb(old) as old_record",
            *(party, name),
        )
        assert row is not None
        record.record(tx, TRIED, op="UPDATE", row=row)


async def latest(ledger: Ledger) -> tuple[Wedding, UUID, list[UUID]]:
    """A wedding whose endpoint wants only the newest of each row, with three parties that it knows."""
    wedding = await ledger.wedding()
    endpoint = await ledger.endpoint(wedding)
    await ledger.admin.execute("update endpoints set mode = 'latest' where id = $1", endpoint)
    async with ledger.user.enter(wedding.couple, wedding.id) as tx:
        await tx.run("select app.connect_endpoint($1)", endpoint)
    await ledger.facts(wedding, 3)
    jobs = await ledger.claim()
    assert len(jobs) == 3
    await ledger.queue.complete(told(jobs, TAKEN))
    rows = await ledger.admin.fetch("select id from parties where wedding_id = $1 order by name", wedding.id)
    return wedding, endpoint, [row["id"] for row in rows]


async def test_of_one_row_only_the_newest_change_is_sent(ledger: Ledger) -> None:
    wedding, endpoint, parties = await latest(ledger)
    for name in ("once", "twice", "thrice"):
        await changed(ledger, wedding, parties[0], name)
    await changed(ledger, wedding, parties[1], "another")
    jobs = await ledger.claim()
    assert len(jobs) == 2
    names = [msgspec.json.decode(p.event or "")["record"]["name"] for p in await ledger.queue.payloads(jobs)]
    assert sorted(names) == ["another", "thrice"]
    rows = [row for row in await ledger.deliveries(endpoint) if row["state"] == "superseded"]
    assert [(row["attempts"], row["reason"]) for row in rows] == [
        (0, "a newer change of the same thing took its place")
    ] * 2
    assert all(row["done_at"] is not None for row in rows)


async def test_what_is_on_the_wire_is_not_taken_back_and_its_repeat_gives_way(ledger: Ledger) -> None:
    wedding, endpoint, parties = await latest(ledger)
    await changed(ledger, wedding, parties[0], "on the wire")
    flying = await ledger.claim()
    await changed(ledger, wedding, parties[0], "newer")
    assert await ledger.claim() == []
    await ledger.queue.complete(told(flying, FAILED, delay_s=3600))
    [newer] = await ledger.claim()
    assert newer.id != flying[0].id
    states = {row["id"]: row["state"] for row in await ledger.deliveries(endpoint)}
    assert states[flying[0].id] == "superseded"
    await ledger.queue.complete(told([newer], TAKEN))
    assert await ledger.jobs(endpoint) == []


async def test_several_changes_of_one_row_in_one_action_are_sent_as_the_last(ledger: Ledger) -> None:
    wedding, _, parties = await latest(ledger)
    async with ledger.user.enter(wedding.couple, wedding.id) as tx:
        for name in ("a", "b"):
            row = await tx.row(
                "update parties set name = $2 where id = $1"
                " returning new.id, to_jsonb(new) as record, to_jsonb(old) as old_record",
                *(parties[2], name),
            )
            assert row is not None
            record.record(tx, TRIED, op="UPDATE", row=row)
    [job] = await ledger.claim()
    [payload] = await ledger.queue.payloads([job])
    assert msgspec.json.decode(payload.event or "")["record"]["name"] == "b"


async def test_an_endpoint_that_a_worker_disables_is_told_in_its_stream_and_to_open_pages(ledger: Ledger) -> None:
    wedding, endpoint = await owed(ledger, 2)
    heard: list[str] = []

    async def published(nudge: str) -> None:
        heard.append(nudge)

    queue = Queue(ledger.service, published=published)
    jobs = await queue.claim([0, 0, 0, 0], 2)
    gone = Outcome(word="rejected", reason="It answered 410.", disable=True, exchange=Exchange(status=410))
    verdict = Verdict(state="parked", reason=gone.reason, close=gone.reason)
    at = clock.machine_now()
    await queue.complete([ending(job, gone, verdict, started_at=at, took_ms=1.0) for job in jobs])
    row = await ledger.admin.fetchrow(
        "select type, scope, op, record, old_record, actor_kind, seq from events"
        " where stream_id = $1 and subject_table = 'endpoints'",
        wedding.id,
    )
    assert (row["type"], row["scope"], row["op"]) == (
        subscriptions.CHANGED.type,
        subscriptions.CHANGED.scope,
        "UPDATE",
    )
    assert (row["actor_kind"], row["seq"]) == ("system", 3)
    images = [msgspec.json.decode(row[name]) for name in ("record", "old_record")]
    assert [(image["state"], image["state_reason"]) for image in images] == [
        ("disabled", "It answered 410."),
        ("active", ""),
    ]
    assert not any({"secret_sealed", "old_secrets"} & image.keys() for image in images)
    [[event]] = [msgspec.json.decode(nudge) for nudge in heard]
    assert (event["subject"]["id"], event["seq"]) == (str(endpoint), 3)
    assert await ledger.admin.fetchval("select top from streams where id = $1", wedding.id) == 3
