"""Reactions happen exactly once, in stream order, with the cause of their event; failed ones are tried again."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import msgspec
import pytest
import pytest_asyncio

from tests.eventually import eventually
from tests.ledger import TRIED, TYPES, Ledger, Wedding, event_type, fact
from wedsync.events import jobs
from wedsync.events.catalogue import Catalogue, Reaction
from wedsync.events.event import Event, decode
from wedsync.events.jobs import Job
from wedsync.events.reactions import Work, react
from wedsync.events.retry import TRIES_MAX
from wedsync.kit.db import Door, Tx
from wedsync.kit.errors import Refusal
from wedsync.processes.worker import Worker

ANSWERED = event_type("party.answered")
SEATS = "select count(*) from parties where wedding_id = $1 and name = 'answer'"
Run = Callable[[Tx, Event], Awaitable[None]]


@pytest_asyncio.fixture
async def ledger(engine: Ledger) -> Ledger:
    await engine.admin.execute("delete from jobs")
    await engine.admin.execute("delete from dead_jobs")
    return engine


@asynccontextmanager
async def working(ledger: Ledger, catalogue: Catalogue, works: dict[str, Work] | None = None) -> AsyncIterator[Worker]:
    """A worker in this process, stopped gracefully at the end."""
    stop, wake = asyncio.Event(), asyncio.Event()
    worker = Worker(queue=ledger.queue, door=ledger.user, catalogue=catalogue, senders={}, works=works or {}, wake=wake)
    running = asyncio.create_task(worker.run(stop))
    try:
        yield worker
    finally:
        stop.set()
        await running


async def answer(tx: Tx, event: Event) -> None:
    await fact(tx, event.tenant, ANSWERED, "answer")


async def known(ledger: Ledger, *runs: tuple[str, Run]) -> Catalogue:
    reactions = [Reaction(name=name, types=("party.tried",), run=run) for name, run in runs]
    return await ledger.know(reactions, (*TYPES, ANSWERED))


async def settled(ledger: Ledger, wedding: Wedding) -> None:
    """Nothing of this wedding is live any more."""

    async def is_quiet() -> bool:
        left: int = await ledger.admin.fetchval("select count(*) from jobs where tenant_id = $1", wedding.id)
        return left == 0

    await eventually(is_quiet)


async def test_each_event_is_answered_once_with_its_cause(ledger: Ledger) -> None:
    catalogue = await known(ledger, ("parties.answer", answer))
    wedding = await ledger.wedding()
    await ledger.facts(wedding, 10)
    async with working(ledger, catalogue):
        await settled(ledger, wedding)
    assert await ledger.admin.fetchval(SEATS, wedding.id) == 10
    pairs = "select cause, array_agg(type order by seq) from events where stream_id = $1 group by cause"
    rows = await ledger.admin.fetch(pairs, wedding.id)
    assert [types for _, types in rows] == [["party.tried", "party.answered"]] * 10
    kinds = "select distinct actor_kind from events where stream_id = $1 and type = 'party.answered'"
    assert await ledger.admin.fetchval(kinds, wedding.id) == "system"


async def test_reactions_of_one_name_follow_the_stream_and_names_do_not_wait_for_each_other(ledger: Ledger) -> None:
    seen: dict[str, list[int]] = {"slow": [], "quick": []}
    gate = asyncio.Event()

    async def slow(_: Tx, event: Event) -> None:
        await gate.wait()
        seen["slow"].append(event.seq)

    async def quick(_: Tx, event: Event) -> None:
        seen["quick"].append(event.seq)

    catalogue = await known(ledger, ("parties.slow", slow), ("parties.quick", quick))
    wedding = await ledger.wedding()
    await ledger.facts(wedding, 8)
    async with working(ledger, catalogue):
        await eventually(lambda: len(seen["quick"]) == 8)
        assert seen["slow"] == []
        gate.set()
        await settled(ledger, wedding)
    assert seen == {"slow": list(range(1, 9)), "quick": list(range(1, 9))}


async def test_a_reaction_that_fails_leaves_nothing_and_is_tried_again(ledger: Ledger) -> None:
    tries: list[int] = []

    async def moody(tx: Tx, event: Event) -> None:
        await answer(tx, event)
        tries.append(event.seq)
        if len(tries) < 3:
            raise LookupError("not yet")

    catalogue = await known(ledger, ("parties.moody", moody))
    wedding = await ledger.wedding()
    await ledger.facts(wedding)

    async def is_done() -> bool:
        await ledger.make_due()
        return await ledger.admin.fetchval(SEATS, wedding.id) == 1

    async with working(ledger, catalogue):
        await eventually(is_done)
        await settled(ledger, wedding)
    assert len(tries) == 3


async def test_a_reaction_given_up_stays_readable_and_can_be_raised(ledger: Ledger) -> None:
    is_mended = False

    async def broken(tx: Tx, event: Event) -> None:
        if not is_mended:
            raise LookupError("never")
        await answer(tx, event)

    catalogue = await known(ledger, ("parties.broken", broken))
    wedding = await ledger.wedding()
    await ledger.facts(wedding, 2)
    await ledger.admin.execute("update jobs set attempt = $1 where order_seq = 1", TRIES_MAX - 1)
    async with working(ledger, catalogue):
        await eventually(lambda: ledger.admin.fetchval("select count(*) from dead_jobs"))
        [dead] = await ledger.admin.fetch("select * from dead_jobs")
        assert (dead["name"], dead["reason"], dead["attempts"]) == ("parties.broken", "LookupError", TRIES_MAX)
        is_mended = True
        raised = await ledger.service.pool.fetch("select * from app.raise_dead($1)", [dead["id"]])
        assert [row[0] for row in raised] == [dead["id"]]

        async def both() -> bool:
            await ledger.make_due()
            return await ledger.admin.fetchval(SEATS, wedding.id) == 2

        await eventually(both)


async def test_what_a_reaction_leaves_for_afterwards_is_done_by_whoever_has_its_job_next(ledger: Ledger) -> None:
    """The first worker dies when the reaction's own part is in: the job goes on, and only what was left is done."""

    async def begin(tx: Tx, event: Event) -> str:
        if not await tx.value(SEATS, event.tenant):
            await answer(tx, event)
        return "thanks"

    async def end(tx: Tx, event: Event, left: str) -> None:
        await fact(tx, event.tenant, ANSWERED, left)

    reaction = Reaction(name="parties.answer", types=("party.tried",), run=begin, afterwards=end)
    catalogue = await ledger.know([reaction], (*TYPES, ANSWERED))
    wedding = await ledger.wedding()
    await ledger.facts(wedding)
    [job] = await ledger.claim()
    [payload] = await ledger.queue.payloads([job])
    rest = await react(ledger.user, catalogue, payload)
    assert rest is not None
    assert await ledger.admin.fetchval(SEATS, wedding.id) == 1
    await ledger.let_leases_lapse()
    assert await ledger.queue.reclaim() == 1
    with pytest.raises(Refusal, match="Another worker"):
        await rest()
    async with working(ledger, catalogue):
        await settled(ledger, wedding)
    names = "select array_agg(name order by name) from parties where wedding_id = $1 and name in ('answer', 'thanks')"
    assert await ledger.admin.fetchval(names, wedding.id) == ["answer", "thanks"]


async def test_what_people_wait_for_is_claimed_with_its_event(ledger: Ledger) -> None:
    await known(ledger, ("parties.answer", answer), ("parties.follow", answer))
    wedding = await ledger.wedding()
    await ledger.facts(wedding)
    prompt = jobs.Queue(ledger.service, prompt=["parties.answer"])
    claimed = {job.name: job for job in await prompt.claim([8, 8, 8, 8], 8)}
    assert claimed["parties.follow"].event is None
    handed = {payload.job.name: payload.event for payload in await prompt.payloads(list(claimed.values()))}
    assert claimed["parties.answer"].event == handed["parties.answer"]
    assert decode(handed["parties.answer"] or "") == decode(handed["parties.follow"] or "")


async def test_what_people_wait_for_ends_where_its_event_is_no_longer_kept(ledger: Ledger) -> None:
    await known(ledger, ("parties.answer", answer))
    wedding = await ledger.wedding()
    await ledger.facts(wedding)
    await ledger.admin.execute("delete from events where stream_id = $1", wedding.id)
    prompt = jobs.Queue(ledger.service, prompt=["parties.answer"])
    claimed = await prompt.claim([8, 8, 8, 8], 8)
    assert [job.event for job in claimed] == [None]
    assert await prompt.payloads(claimed) == []
    assert await ledger.admin.fetchval("select count(*) from jobs where tenant_id = $1", wedding.id) == 0


async def test_a_lease_lost_on_the_way_undoes_the_reaction(ledger: Ledger) -> None:
    catalogue = await known(ledger, ("parties.answer", answer))
    wedding = await ledger.wedding()
    await ledger.facts(wedding)
    [job] = await ledger.claim()
    [payload] = await ledger.queue.payloads([job])

    async def robbed(tx: Tx, event: Event) -> None:
        await answer(tx, event)
        await ledger.let_leases_lapse()
        assert await ledger.queue.reclaim() == 1

    slow = Catalogue(catalogue.types.values(), [Reaction(name="parties.answer", types=("party.tried",), run=robbed)])
    with pytest.raises(Refusal, match="Another worker"):
        await react(ledger.user, slow, payload)
    assert await ledger.admin.fetchval(SEATS, wedding.id) == 0
    async with working(ledger, catalogue):
        await settled(ledger, wedding)
    assert await ledger.admin.fetchval(SEATS, wedding.id) == 1


async def test_work_runs_as_the_system_of_its_tenant_and_ends_once_in_its_last_transaction(
    ledger: Ledger, monkeypatch: Any
) -> None:
    seen: list[Any] = []
    ended_again: list[jobs.Ending] = []

    async def complete(endings: Sequence[jobs.Ending]) -> set[UUID]:
        ended_again.extend(endings)
        return set()

    monkeypatch.setattr(ledger.queue, "complete", complete)

    async def import_list(door: Door, job: Job) -> None:
        async with door.enter_job(job.id, job.lease_token) as tx:
            seen.append(msgspec.json.decode(job.args or ""))
            await fact(tx, job.tenant_id, TRIED, "imported")
            await jobs.finish(tx, job)

    catalogue = await known(ledger)
    wedding = await ledger.wedding()
    await owe_work(ledger, wedding, "guests.import")
    async with working(ledger, catalogue, {"guests.import": import_list}):
        await settled(ledger, wedding)
    assert seen == [{"import_id": 7}]
    assert ended_again == []
    assert await ledger.admin.fetchval("select count(*) from parties where wedding_id = $1", wedding.id) == 1


async def test_work_that_is_stopped_burns_no_attempt(ledger: Ledger, monkeypatch: Any) -> None:
    monkeypatch.setattr("wedsync.processes.worker.DRAIN_S", 0.05)
    begun = asyncio.Event()

    async def for_ever(_: Door, __: Job) -> None:
        begun.set()
        await asyncio.Event().wait()

    catalogue = await known(ledger)
    wedding = await ledger.wedding()
    await owe_work(ledger, wedding, "guests.import")
    async with working(ledger, catalogue, {"guests.import": for_ever}):
        await begun.wait()
    [job] = await ledger.admin.fetch("select attempt, lease_token from jobs where tenant_id = $1", wedding.id)
    assert tuple(job) == (0, None)


async def test_a_name_nobody_knows_waits_for_a_newer_worker(ledger: Ledger) -> None:
    await known(ledger, ("parties.later", answer))
    wedding = await ledger.wedding()
    await ledger.facts(wedding)

    async def is_deferred() -> bool:
        found = "select count(*) from jobs where tenant_id = $1 and attempt = 1 and lease_token is null"
        return await ledger.admin.fetchval(found, wedding.id) == 1

    async with working(ledger, Catalogue(TYPES)):
        await eventually(is_deferred)


async def owe_work(ledger: Ledger, wedding: Wedding, name: str) -> UUID:
    async with ledger.user.enter(wedding.couple, wedding.id) as tx:
        owed: UUID = await tx.value("select app.owe_work($1, $2)", name, {"import_id": 7})
    return owed
