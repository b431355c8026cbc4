"""A worker and its leases: kept while work lasts; what lost one is stopped, a database that is away is waited for."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio

from tests.contracts.test_jobs_reactions import answer, known, settled
from tests.eventually import eventually
from tests.ledger import Ledger
from wedsync.events.event import Event
from wedsync.kit.db import Tx
from wedsync.kit.errors import Refusal
from wedsync.processes import worker as workers
from wedsync.processes.worker import Worker

SEATS = "select count(*) from parties where wedding_id = $1 and name = 'answer'"
AWAY = ConnectionError("the database is away")


class Moody:
    """A queue that fails first, method by method, as it is told."""

    def __init__(self, queue: Any, **faults: list[Any]) -> None:
        self._queue = queue
        self.faults = faults

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._queue, name)
        if name not in self.faults:
            return real

        async def asked(*given: Any) -> Any:
            if not self.faults[name]:
                return await real(*given)
            fault = self.faults[name].pop(0)
            if isinstance(fault, Exception):
                raise fault
            return fault

        return asked


@pytest_asyncio.fixture
async def ledger(engine: Ledger) -> Ledger:
    await engine.admin.execute("delete from jobs")
    await engine.admin.execute("delete from dead_jobs")
    return engine


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "HEARTBEAT_S", 0.05)


@asynccontextmanager
async def working(ledger: Ledger, catalogue: Any, queue: Any) -> AsyncIterator[Worker]:
    stop = asyncio.Event()
    worker = Worker(queue=queue, door=ledger.user, catalogue=catalogue, senders={}, works={}, wake=asyncio.Event())
    running = asyncio.create_task(worker.run(stop))
    try:
        yield worker
    finally:
        stop.set()
        await running


async def test_a_database_that_is_away_for_a_moment_is_waited_for(ledger: Ledger) -> None:
    catalogue = await known(ledger, ("parties.answer", answer))
    wedding = await ledger.wedding()
    await ledger.facts(wedding, 3)
    queue = Moody(ledger.queue, claim=[AWAY], payloads=[AWAY, AWAY], heartbeat=[AWAY])
    async with working(ledger, catalogue, queue):
        await settled(ledger, wedding)
    assert await ledger.admin.fetchval(SEATS, wedding.id) == 3
    assert (queue.faults["claim"], queue.faults["payloads"]) == ([], [])


async def test_what_lost_its_lease_is_stopped_and_done_by_whoever_is_next(ledger: Ledger) -> None:
    begun: list[int] = []

    async def slow(tx: Tx, event: Event) -> None:
        begun.append(event.seq)
        if len(begun) == 1:
            await asyncio.Event().wait()
        await answer(tx, event)

    catalogue = await known(ledger, ("parties.answer", slow))
    wedding = await ledger.wedding()
    await ledger.facts(wedding, 1)
    queue = Moody(ledger.queue, heartbeat=[AWAY, set()], release=[])
    async with working(ledger, catalogue, queue):
        await settled(ledger, wedding)
    assert begun == [1, 1]
    assert await ledger.admin.fetchval(SEATS, wedding.id) == 1


async def test_work_that_takes_long_keeps_its_lease(ledger: Ledger) -> None:
    kept = asyncio.Event()
    begun: list[int] = []

    async def slow(tx: Tx, event: Event) -> None:
        begun.append(event.seq)
        await kept.wait()
        await answer(tx, event)

    catalogue = await known(ledger, ("parties.answer", slow))
    wedding = await ledger.wedding()
    await ledger.facts(wedding, 1)
    until = "select max(lease_until) from jobs where tenant_id = $1"
    async with working(ledger, catalogue, ledger.queue):
        await eventually(lambda: begun)
        first = await ledger.admin.fetchval(until, wedding.id)

        async def is_later() -> bool:
            return bool(await ledger.admin.fetchval(until, wedding.id) > first)

        await eventually(is_later)
        kept.set()
        await settled(ledger, wedding)
    assert begun == [1]


async def test_a_reaction_that_is_refused_is_tried_again(ledger: Ledger) -> None:
    refusals = [Refusal(409, "not_now", "Somebody else is at it.")]

    async def moody(tx: Tx, event: Event) -> None:
        if refusals:
            raise refusals.pop()
        await answer(tx, event)

    catalogue = await known(ledger, ("parties.answer", moody))
    wedding = await ledger.wedding()
    await ledger.facts(wedding, 1)
    at_once = "update jobs set run_at = '-infinity' where tenant_id = $1 and lease_token is null"
    async with working(ledger, catalogue, ledger.queue):

        async def is_done() -> bool:
            await ledger.admin.execute(at_once, wedding.id)
            return bool(await ledger.admin.fetchval(SEATS, wedding.id) == 1)

        await eventually(is_done)
        await settled(ledger, wedding)
    assert refusals == []


@pytest.mark.parametrize("method", ["claim", "payloads", "heartbeat"])
async def test_a_bug_of_the_worker_ends_it(ledger: Ledger, method: str) -> None:
    gate = asyncio.Event()

    async def slow(tx: Tx, event: Event) -> None:
        await gate.wait()

    catalogue = await known(ledger, ("parties.answer", slow))
    wedding = await ledger.wedding()
    await ledger.facts(wedding, 1)
    queue = Moody(ledger.queue, **{method: [ZeroDivisionError("a bug")]})
    with pytest.raises(ZeroDivisionError):
        async with working(ledger, catalogue, queue) as worker:
            # Not the method itself: run() puts another event there.
            await eventually(lambda: worker._stop.is_set())  # noqa: PLW0108
            gate.set()
