"""Endpoints that fail for long are warned of and switched off; what a person must look at waits for that person."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
import pytest_asyncio

from tests.eventually import eventually
from tests.ledger import TYPES, Ledger, Wedding, fact
from wedsync.events.deliver import ending
from wedsync.events.retry import Exchange, Outcome, Verdict
from wedsync.kit import clock
from wedsync.kit.actor import Actor
from wedsync.kit.errors import Refusal
from wedsync.processes.ticks import minding
from wedsync.subscriptions import model as subscriptions

REFUSED = Outcome(word="retry_later", reason="It answered 404.", tries_max=3, exchange=Exchange(status=404))
BUG = Outcome(word="unknown", reason="Something went wrong on our side.")
TAKEN = Outcome(word="delivered", exchange=Exchange(status=200, total_ms=5.0))
AGAIN = Verdict(state="deferred", reason="It answered 404.")
PARKED = Verdict(state="parked", reason="It answered 404.")
DONE = Verdict(state="delivered")
WAITS = """select count(*) > 0 from pg_stat_activity
    where wait_event_type = 'Lock' and query like '%mind_failing%' and datname = current_database()"""
IMAGES = ("record", "old_record")


@pytest_asyncio.fixture(scope="module")
async def engine(engine: Ledger) -> Ledger:
    await engine.know(types=[*TYPES, *subscriptions.EVENTS])
    return engine


@pytest_asyncio.fixture
async def ledger(engine: Ledger) -> AsyncIterator[Ledger]:
    await engine.admin.execute("delete from jobs")
    await engine.admin.execute("update destinations set failing_since = null, failed_times = 0")
    yield engine
    await engine.admin.execute("delete from clock_setting")


async def hours_pass(ledger: Ledger, hours: float) -> None:
    """Wedding time moves on."""
    await ledger.admin.execute(
        """insert into clock_setting (base) values (clock_timestamp() + $1)
        on conflict (only_row) do update set base = app.now() + $1, set_at = clock_timestamp()""",
        timedelta(hours=hours),
    )


async def tried(ledger: Ledger, times: int, outcome: Outcome = REFUSED, verdict: Verdict = AGAIN) -> None:
    for _ in range(times):
        [job] = await ledger.claim(1)
        at = clock.machine_now()
        await ledger.queue.complete([ending(job, outcome, verdict, started_at=at, took_ms=1.0)])


async def told(ledger: Ledger, wedding: Wedding) -> list[tuple[str, str, int]]:
    """What the clock's tick records: type, state and the hours of the warning; each event comes once."""
    heard: list[str] = []

    async def published(nudge: str) -> None:
        heard.append(nudge)

    await minding(published)(ledger.service.pool)
    events = [event for nudge in heard for event in msgspec.json.decode(nudge)]
    mine = [event for event in events if event["stream"] == f"wedding:{wedding.id}"]
    assert not any({"secret_sealed", "old_secrets"} & event[image].keys() for event in mine for image in IMAGES)
    return [(e["type"], e["record"]["state"], e["record"]["warned_hours"]) for e in mine]


async def owed(ledger: Ledger, facts: int = 1) -> tuple[Wedding, UUID]:
    wedding = await ledger.wedding()
    endpoint = await ledger.endpoint(wedding, types=("party.*",))
    await ledger.facts(wedding, facts)
    return wedding, endpoint


async def test_owners_are_warned_four_times_once_each_and_then_it_is_switched_off(ledger: Ledger) -> None:
    wedding, endpoint = await owed(ledger)
    await tried(ledger, 3)
    assert await told(ledger, wedding) == []
    for hours, said in ((1, 1), (23, 24), (48, 72), (24, 96)):
        await hours_pass(ledger, hours)
        await tried(ledger, 5)
        assert await told(ledger, wedding) == [("endpoint.failing", "active", said)]
        assert await told(ledger, wedding) == []
    await hours_pass(ledger, 24)
    assert await told(ledger, wedding) == [("endpoint.changed", "disabled", 96)]
    assert await told(ledger, wedding) == []
    reason = await ledger.admin.fetchval("select state_reason from endpoints where id = $1", endpoint)
    assert reason.startswith("nothing was delivered since 20") and reason.endswith("in 23 tries")
    assert await ledger.claim() == []
    assert [row["state"] for row in await ledger.deliveries(endpoint)] == ["parked"]


async def test_a_success_ends_it_and_is_told_to_open_pages(ledger: Ledger) -> None:
    wedding, endpoint = await owed(ledger, 2)
    await tried(ledger, 3)
    await hours_pass(ledger, 25)
    assert await told(ledger, wedding) == [("endpoint.failing", "active", 24)]
    await tried(ledger, 1, TAKEN, DONE)
    row = await ledger.admin.fetchrow("select failing_since, failed_times from destinations where id = $1", endpoint)
    assert tuple(row) == (None, 0)
    assert await told(ledger, wedding) == [("endpoint.changed", "active", 0)]
    await tried(ledger, 30)
    await hours_pass(ledger, 200)
    assert await told(ledger, wedding) == [("endpoint.failing", "active", 96)]


@pytest.mark.parametrize(("tries", "hours"), [(19, 30), (20, 11)])
async def test_too_few_failures_or_too_close_together_switch_nothing_off(
    ledger: Ledger, tries: int, hours: float
) -> None:
    wedding, _ = await owed(ledger)
    await tried(ledger, tries - 1)
    await hours_pass(ledger, hours)
    await tried(ledger, 1)
    await hours_pass(ledger, 24 * 9)
    assert "disabled" not in {state for _, state, _ in await told(ledger, wedding)}


async def test_a_bug_of_ours_is_not_the_endpoints_fault(ledger: Ledger) -> None:
    _, endpoint = await owed(ledger)
    await tried(ledger, 5, BUG)
    assert await ledger.admin.fetchval("select failed_times from destinations where id = $1", endpoint) == 0


async def test_a_resumed_endpoint_begins_anew(ledger: Ledger) -> None:
    wedding, endpoint = await owed(ledger)
    await tried(ledger, 12)
    await hours_pass(ledger, 100)
    await tried(ledger, 12)
    await hours_pass(ledger, 24)
    assert ("endpoint.changed", "disabled", 96) in await told(ledger, wedding)
    async with ledger.scene.enter(wedding.couple, wedding.id) as tx:
        await tx.run("update endpoints set state = 'active', state_reason = '' where id = $1", endpoint)
        await tx.run("select app.connect_endpoint($1)", endpoint)
    assert "disabled" not in {state for _, state, _ in await told(ledger, wedding)}
    await tried(ledger, 3)
    assert await told(ledger, wedding) == []


async def test_a_delivery_waits_for_a_person_at_an_endpoint_that_takes_others(ledger: Ledger) -> None:
    wedding, endpoint = await owed(ledger, 3)
    await tried(ledger, 1, REFUSED, PARKED)
    jobs = await ledger.claim()
    assert len(jobs) == 2
    await ledger.queue.release(jobs)
    [parked] = [row for row in await ledger.deliveries(endpoint) if row["state"] == "parked"]
    assert (parked["reason"], parked["attempts"], parked["done_at"]) == ("It answered 404.", 1, None)
    assert await by(ledger, wedding, wedding.couple, "app.unpark", parked["id"]) == 1
    assert await by(ledger, wedding, wedding.couple, "app.unpark", parked["id"]) == 0
    tries = {job.id: job.attempt for job in await ledger.claim()}
    assert (len(tries), tries[parked["id"]]) == (3, 1)


async def test_an_order_waits_for_the_person_and_goes_on_after(ledger: Ledger) -> None:
    wedding, endpoint = await owed(ledger, 0)
    await ledger.admin.execute("update subscriptions set mode = 'ordered' where id = $1", endpoint)
    await ledger.facts(wedding, 3)
    await tried(ledger, 1, REFUSED, PARKED)
    assert await ledger.claim() == []
    first, *rest = await ledger.deliveries(endpoint)
    assert await by(ledger, wedding, wedding.couple, "app.unpark", rest[0]["id"]) == 0
    assert await by(ledger, wedding, wedding.couple, "app.cancel", first["id"]) == 1
    for later in rest:
        [job] = await ledger.claim()
        assert job.id == later["id"]
        at = clock.machine_now()
        await ledger.queue.complete([ending(job, TAKEN, DONE, started_at=at, took_ms=1.0)])
    assert await ledger.jobs(endpoint) == []


async def test_an_order_that_waits_for_an_hour_is_told_once_and_when_it_goes_on(ledger: Ledger) -> None:
    wedding, endpoint = await owed(ledger, 0)
    await ledger.admin.execute("update subscriptions set mode = 'ordered' where id = $1", endpoint)
    await ledger.admin.execute("update endpoints set mode = 'ordered' where id = $1", endpoint)
    await ledger.facts(wedding, 2)
    await tried(ledger, 1, REFUSED, PARKED)
    first, later = await ledger.deliveries(endpoint)
    aged = "update jobs set made_at = made_at - interval '61 minutes' where id = $1"
    shown = "select blocked_since is not null from endpoints where id = $1"
    assert await told(ledger, wedding) == []
    await ledger.admin.execute(aged, later["id"])
    assert await told(ledger, wedding) == [("endpoint.changed", "active", 0)]
    assert await told(ledger, wedding) == []
    assert await ledger.admin.fetchval(shown, endpoint) is True
    assert await by(ledger, wedding, wedding.couple, "app.unpark", first["id"]) == 1
    assert await told(ledger, wedding) == [("endpoint.changed", "active", 0)]
    assert await ledger.admin.fetchval(shown, endpoint) is False


async def test_a_person_who_changes_an_endpoint_never_meets_the_clock_head_on(ledger: Ledger) -> None:
    """One is warned of, another switched off, and a person holds that one while it waits for the tenant's stream."""
    wedding, warned = await owed(ledger)
    closed = await ledger.endpoint(wedding)
    ill = """update destinations set failing_since = app.now() - $2::interval, failed_times = 30, failed_at = app.now()
        where id = $1"""
    await ledger.admin.execute(ill, warned, timedelta(hours=2))
    await ledger.admin.execute(ill, closed, timedelta(days=6))
    await ledger.admin.execute(
        "update endpoints set warned_hours = 96, failing_since = app.now() where id = $1", closed
    )
    async with ledger.scene.enter(wedding.couple, wedding.id) as tx:
        await tx.run("update endpoints set description = 'mine' where id = $1", closed)
        minding_it = asyncio.create_task(told(ledger, wedding))
        await eventually(lambda: ledger.admin.fetchval(WAITS))
        await fact(tx, wedding.id)
    assert sorted(await minding_it) == [("endpoint.changed", "disabled", 96), ("endpoint.failing", "active", 1)]


async def test_only_what_goes_to_endpoints_is_cancelled_or_released(ledger: Ledger) -> None:
    """A mail to a supplier, or to the other of the couple, is not one keeper's to stop."""
    wedding = await ledger.wedding()
    mail, at = uuid4(), clock.machine_now()
    for text in (
        "insert into deliveries (id, made_at, tenant_id, connector, destination_id, type, lane, state)"
        " values ($1, $2, $3, 'mail', $4, 'endpoint.failing', 1, 'parked')",
        "insert into jobs (id, made_at, tenant_id, name, destination_id, kind, lane, run_at)"
        " values ($1, $2, $3, 'mail', $4, 'delivery', 1, 'infinity')",
    ):
        await ledger.admin.execute(text, mail, at, wedding.id, UUID("00000000-0000-7000-8000-000000000001"))
    for function in ("app.cancel", "app.unpark"):
        assert await by(ledger, wedding, wedding.couple, function, mail) == 0
    assert await ledger.admin.fetchval("select state from deliveries where id = $1", mail) == "parked"
    other, endpoint = await owed(ledger)
    [job] = await ledger.jobs(endpoint)
    async with ledger.scene.enter(other.couple, other.id) as tx:
        await tx.run("select from destinations where id = $1 for no key update", endpoint)
        assert await asyncio.wait_for(by(ledger, wedding, wedding.couple, "app.cancel", job["id"]), 5) == 0


async def test_who_cancelled_stands_in_the_ledger_and_what_is_on_the_wire_is_left(ledger: Ledger) -> None:
    wedding, endpoint = await owed(ledger, 2)
    [flying] = await ledger.claim(1)
    waiting = next(row["id"] for row in await ledger.deliveries(endpoint) if row["id"] != flying.id)
    stranger = await ledger.wedding()
    assert await by(ledger, stranger, stranger.couple, "app.cancel", waiting) == 0
    assert await by(ledger, wedding, wedding.couple, "app.cancel", flying.id) == 0
    assert await by(ledger, wedding, wedding.couple, "app.cancel", waiting) == 1
    row = next(row for row in await ledger.deliveries(endpoint) if row["id"] == waiting)
    assert (row["state"], row["reason"]) == ("cancelled", "cancelled by hand")
    assert (row["actor_kind"], row["actor_id"]) == ("person", wedding.couple.id)
    assert row["done_at"] is not None
    assert await by(ledger, wedding, wedding.couple, "app.replay", waiting) == 1
    [repeat] = [row for row in await ledger.deliveries(endpoint) if row["replay_of"]]
    assert repeat["actor_id"] == wedding.couple.id
    with pytest.raises(Refusal):
        await by(ledger, wedding, Actor(kind="person", id=stranger.couple.id), "app.cancel", waiting)


async def test_what_was_asked_of_the_receiver_is_kept_with_its_try(ledger: Ledger) -> None:
    _, endpoint = await owed(ledger)
    sent = {"webhook-id": "x", "webhook-signature": "•••", "x-long": "y" * 5_000} | {f"x-{n}": "z" for n in range(99)}
    await tried(ledger, 1, msgspec.structs.replace(REFUSED, exchange=Exchange(status=404, request_headers=sent)))
    [delivery] = await ledger.deliveries(endpoint)
    [attempt] = await ledger.attempts(delivery["id"])
    kept = msgspec.json.decode(attempt["request_headers"])
    assert (kept["webhook-signature"], len(kept["x-long"]), len(kept)) == ("•••", 128, 24)


async def by(ledger: Ledger, wedding: Wedding, actor: Actor, function: str, delivery: UUID) -> Any:
    async with ledger.user.enter(actor, wedding.id) as tx:
        return await tx.value(f"select {function}($1)", [delivery])
