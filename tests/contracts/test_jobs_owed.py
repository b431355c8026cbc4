"""A committed fact owes its deliveries, whoever subscribes in which moment; an aborted one owes nothing."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
import pytest_asyncio

from tests.engines_fixture import RunningPostgres, clone, drop
from tests.eventually import eventually
from tests.ledger import CONNECT, NOWHERE, TRIED, Ledger, admin_url, fact, opened
from wedsync.events import record
from wedsync.events.catalogue import Reaction
from wedsync.events.event import Event
from wedsync.kit.db import Tx

WAITS = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"


@pytest_asyncio.fixture(scope="module")
async def ledger(postgres: RunningPostgres, worker: str) -> AsyncIterator[Ledger]:
    database = await clone(postgres, f"wedsync_{worker}_owed")
    admin = admin_url(postgres, database)
    async with opened(user=database.user, service=database.service, admin=admin) as ledger:
        yield ledger
    await drop(postgres, database.name)


async def test_a_subscription_of_the_one_before_is_seen_by_the_one_who_waited(ledger: Ledger) -> None:
    """A records seq 1 and subscribes; B waits for the stream and gets seq 2: it must owe 2 to the new subscription.

    As one statement B would match subscriptions on the snapshot it took before it waited, and lose the delivery.
    """
    wedding = await ledger.wedding()
    endpoint, holds, commit = uuid4(), asyncio.Event(), asyncio.Event()
    await ledger.add_endpoint(endpoint, wedding.id, NOWHERE)

    async def first() -> None:
        async with ledger.user.enter(wedding.couple, wedding.id) as tx:
            await fact(tx, wedding.id)
            await record_now(tx)
            await tx.run(CONNECT, endpoint)
            holds.set()
            await commit.wait()

    async def second() -> None:
        await holds.wait()
        await ledger.facts(wedding)

    async def release() -> None:
        await eventually(lambda: ledger.admin.fetchval(WAITS), what="the second waits for the stream")
        commit.set()

    await asyncio.gather(first(), second(), release())
    assert [row["seq"] for row in await ledger.deliveries(endpoint)] == [2]


async def record_now(tx: Tx) -> None:
    """Record what was gathered before the transaction goes on: it holds the stream from here."""
    await record.flush(tx)
    tx.facts.clear()


async def test_an_aborted_transaction_owes_nothing(ledger: Ledger) -> None:
    wedding = await ledger.wedding()
    endpoint = await ledger.endpoint(wedding)
    with pytest.raises(LookupError):
        async with ledger.user.enter(wedding.couple, wedding.id) as tx:
            await fact(tx, wedding.id)
            await record_now(tx)
            raise LookupError("changed my mind")
    assert await ledger.jobs(endpoint) == []
    assert await ledger.deliveries(endpoint) == []
    await ledger.facts(wedding)
    assert [row["seq"] for row in await ledger.deliveries(endpoint)] == [1]


async def test_numbers_are_dense_and_previous_ones_chain_under_concurrency(ledger: Ledger) -> None:
    wedding = await ledger.wedding()
    endpoint = await ledger.endpoint(wedding)
    await asyncio.gather(*(ledger.facts(wedding, 5) for _ in range(4)))
    rows = await ledger.deliveries(endpoint)
    assert [row["seq"] for row in rows] == list(range(1, 21))
    assert [row["previous_seq"] for row in rows] == [None, *range(1, 20)]
    assert await ledger.service.pool.fetch("select * from app.sparse_streams($1)", rows[0]["made_at"]) == []


async def test_a_hole_in_the_log_is_found(ledger: Ledger) -> None:
    wedding = await ledger.wedding()
    await ledger.facts(wedding, 4)
    since = await ledger.admin.fetchval("select min(recorded_at) from events where stream_id = $1", wedding.id)
    await ledger.admin.execute("delete from events where stream_id = $1 and seq = 2", wedding.id)
    found = await ledger.service.pool.fetch("select stream_id, events, top from app.sparse_streams($1)", since)
    assert [tuple(row) for row in found] == [(wedding.id, 3, 4)]


async def test_facts_of_one_kind_reach_only_whoever_asked_for_it(ledger: Ledger) -> None:
    wedding = await ledger.wedding()
    asked = await ledger.endpoint(wedding, types=("party.*",))
    other = await ledger.endpoint(wedding, types=("guest.*",))
    await ledger.facts(wedding, kind=TRIED)
    assert [len(await ledger.deliveries(endpoint)) for endpoint in (asked, other)] == [1, 0]


REACTIONS = "select * from jobs where tenant_id = $1 and kind = 'reaction' order by order_seq"


async def test_a_reaction_is_owed_only_where_its_condition_holds(ledger: Ledger) -> None:
    wedding = await ledger.wedding()
    chosen = Reaction(name="parties.greet", types=(TRIED.type,), run=none, condition='$.record.name == "party 1"')
    await ledger.know([chosen])
    await ledger.facts(wedding, 3)
    assert [row["order_seq"] for row in await ledger.admin.fetch(REACTIONS, wedding.id)] == [2]
    await ledger.know()


async def test_a_waiting_merged_reaction_serves_later_facts_and_a_running_one_does_not(ledger: Ledger) -> None:
    wedding = await ledger.wedding()
    await ledger.know([Reaction(name="parties.sum", types=(TRIED.type,), run=none, is_merged=True)])
    async with ledger.user.enter(wedding.couple, wedding.id) as tx:
        for _ in range(3):
            await fact(tx, wedding.id)
    await ledger.facts(wedding, 2)
    assert [row["order_seq"] for row in await ledger.admin.fetch(REACTIONS, wedding.id)] == [1]
    await ledger.claim()
    await ledger.facts(wedding, 2)
    assert [row["order_seq"] for row in await ledger.admin.fetch(REACTIONS, wedding.id)] == [1, 6]
    await ledger.know()


async def test_a_merged_reaction_that_waits_cannot_begin_before_the_fact_is_committed(ledger: Ledger) -> None:
    """Taken between the look and the commit it would read what stood before, and nobody would look again."""
    wedding = await ledger.wedding()
    await ledger.know([Reaction(name="parties.sum", types=(TRIED.type,), run=none, is_merged=True)])
    await ledger.facts(wedding)
    async with ledger.user.enter(wedding.couple, wedding.id) as tx:
        await fact(tx, wedding.id)
        await record_now(tx)
        claiming = asyncio.create_task(ledger.claim())
        await eventually(lambda: ledger.admin.fetchval(WAITS), what="the claim waits for the fact")
        assert not claiming.done()
    assert [job.name for job in await claiming] == ["parties.sum"]
    assert len(await ledger.admin.fetch(REACTIONS, wedding.id)) == 1
    await ledger.know()


async def none(tx: Tx, event: Event) -> None:
    """A reaction whose job is looked at and never run."""
