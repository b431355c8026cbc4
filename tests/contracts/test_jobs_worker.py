"""The worker: every outcome ends as it should, a stop loses nothing, and one that hangs hinders nobody."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
import pytest_asyncio

from tests.engines_fixture import Database, RunningPostgres, copied
from tests.eventually import eventually
from tests.ledger import Ledger, admin_url, opened
from wedsync.events.deliver import Sender
from wedsync.events.jobs import Payload
from wedsync.events.retry import Exchange, Outcome
from wedsync.kit import failpoints
from wedsync.kit.actor import ANONYMOUS
from wedsync.kit.config import Settings
from wedsync.kit.valkey import Publisher
from wedsync.processes.worker import Worker, serve

DELIVERED = Outcome(word="delivered", exchange=Exchange(status=204, address="127.0.0.1", first_byte_ms=1.5))


@pytest_asyncio.fixture(scope="module")
async def database_here(postgres: RunningPostgres, worker: str) -> AsyncIterator[Database]:
    async with copied(postgres, f"wedsync_{worker}_worker") as made:
        yield made


@pytest_asyncio.fixture(scope="module")
async def engine(postgres: RunningPostgres, database_here: Database) -> AsyncIterator[Ledger]:
    admin = admin_url(postgres, database_here)
    async with opened(user=database_here.user, service=database_here.service, admin=admin, size=6) as ledger:
        yield ledger


@pytest.fixture
def engine_settings(settings: Settings, database_here: Database) -> Settings:
    """The settings of a worker on this module's database."""
    urls = {"database_url": database_here.user, "service_database_url": database_here.service}
    return msgspec.structs.replace(settings, **urls)


@pytest_asyncio.fixture
async def ledger(engine: Ledger) -> AsyncIterator[Ledger]:
    await engine.admin.execute("delete from jobs")
    yield engine
    failpoints.arm("")


@asynccontextmanager
async def working(ledger: Ledger, send: Sender) -> AsyncIterator[Worker]:
    """A worker in this process, stopped gracefully at the end."""
    stop, wake = asyncio.Event(), asyncio.Event()
    catalogue = await ledger.know()
    worker = Worker(
        queue=ledger.queue,
        door=ledger.user,
        catalogue=catalogue,
        senders={"webhook": send, "mail": send},
        works={},
        wake=wake,
    )
    running = asyncio.create_task(worker.run(stop))
    try:
        yield worker
    finally:
        stop.set()
        await running


def always(outcome: Outcome) -> Sender:
    async def send(_: Payload) -> Outcome:
        return outcome

    return send


def states(ledger: Ledger, endpoint: UUID, wanted: dict[str, int]) -> Callable[[], Awaitable[bool]]:
    """Whether the endpoint's deliveries stand so."""

    async def are() -> bool:
        found: dict[str, int] = {}
        for row in await ledger.deliveries(endpoint):
            found[row["state"]] = found.get(row["state"], 0) + 1
        return found == wanted

    return are


async def test_what_is_delivered_is_written_with_its_attempt(ledger: Ledger) -> None:
    wedding = await ledger.wedding()
    endpoint = await ledger.endpoint(wedding)
    await ledger.facts(wedding, 30)
    async with working(ledger, always(DELIVERED)):
        await eventually(states(ledger, endpoint, {"delivered": 30}))
    for row in await ledger.deliveries(endpoint):
        [attempt] = await ledger.attempts(row["id"])
        assert (attempt["number"], attempt["outcome"], attempt["status"]) == (1, "delivered", 204)
        assert (attempt["address"], attempt["first_byte_ms"], attempt["is_late"]) == ("127.0.0.1", 1.5, False)
        assert row["done_at"] is not None
    assert await ledger.jobs(endpoint) == []


async def test_what_hardly_passes_is_tried_thrice_and_then_waits_for_a_person(ledger: Ledger) -> None:
    wedding = await ledger.wedding()
    endpoint = await ledger.endpoint(wedding)
    await ledger.facts(wedding)
    outcome = Outcome(word="retry_later", reason="It answered 404.", tries_max=3, exchange=Exchange(status=404))
    is_parked = states(ledger, endpoint, {"parked": 1})

    async def hours_later() -> bool:
        await ledger.make_due()
        return await is_parked()

    async with working(ledger, always(outcome)):
        await eventually(states(ledger, endpoint, {"deferred": 1}))
        [waits] = await ledger.deliveries(endpoint)
        assert (waits["reason"], waits["attempts"]) == ("It answered 404.", 1)
        assert 4 <= (waits["next_at"] - (await ledger.attempts(waits["id"]))[0]["made_at"]).total_seconds() <= 7
        await eventually(hours_later)
    [parked] = await ledger.deliveries(endpoint)
    assert (parked["reason"], parked["done_at"]) == ("It answered 404.", None)
    assert [a["number"] for a in await ledger.attempts(parked["id"])] == [1, 2, 3]


async def test_a_receiver_that_is_gone_is_parked_with_all_it_is_owed(ledger: Ledger) -> None:
    wedding = await ledger.wedding()
    endpoint = await ledger.endpoint(wedding)
    await ledger.facts(wedding, 12)
    gone = Outcome(word="rejected", reason="The receiver answered 410.", disable=True, exchange=Exchange(status=410))
    async with working(ledger, always(gone)):
        # Twelve, and the word that it was disabled.
        await eventually(states(ledger, endpoint, {"parked": 13}))
    reasons = {row["reason"] for row in await ledger.deliveries(endpoint)}
    assert reasons == {"The receiver answered 410."}
    async with ledger.scene.enter(wedding.couple, wedding.id) as tx:
        await tx.run("update endpoints set state = 'active' where id = $1", endpoint)
        await tx.run("select app.connect_endpoint($1)", endpoint)
    async with working(ledger, always(DELIVERED)):
        await eventually(states(ledger, endpoint, {"delivered": 13}))


async def test_mail_that_cannot_be_sent_by_anybody_is_tried_again_and_parks_nobody(ledger: Ledger) -> None:
    mails = [uuid4(), uuid4()]
    for mail in mails:
        async with ledger.user.bare(ANONYMOUS) as tx:
            person = await tx.value("select app.person_for($1)", f"{mail.hex}@example.test")
            await tx.value("select app.request_sign_in($1, $2, 15, $3, $4)", person, mail.bytes * 2, mail, b"words")
    found = "select array_agg(state) from deliveries where id = any ($1)"

    async def are_deferred() -> bool:
        return await ledger.admin.fetchval(found, mails) == ["deferred", "deferred"]

    async with working(ledger, always(Outcome(word="reconnect_needed", reason="No mail server is set.", after_s=60))):
        await eventually(are_deferred)
    shared = "select state, not_before = '-infinity' from destinations where connector = 'mail'"
    assert tuple(await ledger.admin.fetchrow(shared)) == ("active", True)


async def test_a_sender_that_raises_costs_its_delivery_a_try_and_nobody_else_anything(ledger: Ledger) -> None:
    broken, fine = await ledger.wedding(), await ledger.wedding()
    first, second = await ledger.endpoint(broken), await ledger.endpoint(fine)
    await ledger.facts(broken)
    await ledger.facts(fine)

    async def send(payload: Payload) -> Outcome:
        if payload.job.destination_id == first:
            raise LookupError("a bug")
        return DELIVERED

    async with working(ledger, send):
        await eventually(states(ledger, first, {"deferred": 1}))
        await eventually(states(ledger, second, {"delivered": 1}))
    [waits] = await ledger.deliveries(first)
    assert "a bug" not in waits["reason"]


async def test_one_that_hangs_holds_only_its_own_places(ledger: Ledger) -> None:
    stuck, quick = await ledger.wedding(), await ledger.wedding()
    slow, fast = await ledger.endpoint(stuck), await ledger.endpoint(quick)
    await ledger.facts(stuck, 20)
    await ledger.facts(quick, 20)
    gate = asyncio.Event()
    hanging: list[UUID] = []

    async def send(payload: Payload) -> Outcome:
        if payload.job.destination_id == slow:
            hanging.append(payload.job.id)
            await gate.wait()
        return DELIVERED

    async with working(ledger, send):
        await eventually(states(ledger, fast, {"delivered": 20}))
        assert len(hanging) == 4
        in_flight = [row["id"] for row in await ledger.jobs(slow) if row["lease_token"]]
        async with ledger.user.enter(stuck.couple, stuck.id) as tx:
            told = await tx.rows("select * from app.in_flight($1)", [row["id"] for row in await ledger.jobs(slow)])
        assert {row[0] for row in told} == set(in_flight) == set(hanging)
        gate.set()
        await eventually(states(ledger, slow, {"delivered": 20}))


async def test_a_word_through_valkey_wakes_it(
    ledger: Ledger, settings: Settings, engine_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for poll in ("POLL_BUSY_S", "POLL_IDLE_S"):
        monkeypatch.setattr(f"wedsync.processes.worker.{poll}", 3600.0)
    wedding = await ledger.wedding()
    endpoint = await ledger.endpoint(wedding)
    stop, publisher = asyncio.Event(), Publisher(settings.valkey_url)
    known: dict[str, Sender] = {"webhook": always(DELIVERED)}
    running = asyncio.create_task(
        serve(engine_settings, catalogue=await ledger.know(), senders=known, works={}, stop=stop)
    )
    await ledger.facts(wedding)
    await eventually(states(ledger, endpoint, {"delivered": 1}), what="it looks when it starts")
    await ledger.facts(wedding)
    await publisher.publish("wedsync:wake", b'["normal"]')
    await eventually(states(ledger, endpoint, {"delivered": 2}))
    stop.set()
    await running
    await publisher.close()


async def test_a_stop_lets_tries_end_and_begins_none(ledger: Ledger) -> None:
    wedding = await ledger.wedding()
    endpoint = await ledger.endpoint(wedding)
    await ledger.facts(wedding, 10)
    gate, sent = asyncio.Event(), []

    async def send(payload: Payload) -> Outcome:
        sent.append(payload.job.id)
        await gate.wait()
        return DELIVERED

    async with working(ledger, send):
        await eventually(lambda: len(sent) == 4)
        asyncio.get_running_loop().call_later(0.1, gate.set)
    assert len(sent) == 4
    left = await ledger.jobs(endpoint)
    assert len(left) == 6
    assert {(row["attempt"], row["lease_token"]) for row in left} == {(0, None)}
    rows = await ledger.deliveries(endpoint)
    assert sorted(row["state"] for row in rows) == ["delivered"] * 4 + ["pending"] * 6


async def test_a_try_that_outlasts_the_stop_is_written_as_unknown(ledger: Ledger, monkeypatch: Any) -> None:
    monkeypatch.setattr("wedsync.processes.worker.DRAIN_S", 0.05)
    wedding = await ledger.wedding()
    endpoint = await ledger.endpoint(wedding)
    await ledger.facts(wedding)
    begun = asyncio.Event()

    async def send(_: Payload) -> Outcome:
        begun.set()
        await asyncio.Event().wait()
        return DELIVERED

    async with working(ledger, send):
        await begun.wait()
    [row] = await ledger.deliveries(endpoint)
    [attempt] = await ledger.attempts(row["id"])
    assert (row["state"], attempt["outcome"]) == ("deferred", "unknown")


@pytest.mark.parametrize("place", ["before_complete", "after_complete"])
async def test_an_ending_whose_reply_is_lost_is_written_once(ledger: Ledger, place: str) -> None:
    wedding = await ledger.wedding()
    endpoint = await ledger.endpoint(wedding)
    await ledger.facts(wedding, 5)
    failpoints.arm(f"{place}=drop_reply")
    async with working(ledger, always(DELIVERED)):
        await eventually(states(ledger, endpoint, {"delivered": 5}))
    for row in await ledger.deliveries(endpoint):
        assert [a["is_late"] for a in await ledger.attempts(row["id"])] == [False]


async def test_a_bug_of_the_worker_itself_ends_it_after_settling(ledger: Ledger) -> None:
    wedding = await ledger.wedding()
    await ledger.endpoint(wedding)
    await ledger.facts(wedding)
    failpoints.arm("after_claim=raise")
    with pytest.raises(failpoints.FailpointHit):
        async with working(ledger, always(DELIVERED)) as worker:
            # Not the method itself: run() puts another event there.
            await eventually(lambda: worker._stop.is_set())  # noqa: PLW0108


async def test_a_reply_with_a_nul_is_kept_without_it(ledger: Ledger) -> None:
    wedding = await ledger.wedding()
    endpoint = await ledger.endpoint(wedding)
    await ledger.facts(wedding)
    odd = Outcome(word="delivered", exchange=Exchange(status=200, response_head="a\0b" + "x" * 9000))
    async with working(ledger, always(odd)):
        await eventually(states(ledger, endpoint, {"delivered": 1}))
    [row] = await ledger.deliveries(endpoint)
    [attempt] = await ledger.attempts(row["id"])
    assert attempt["response_head"].startswith("a\ufffdbx")
    assert len(attempt["response_head"]) == 8192
