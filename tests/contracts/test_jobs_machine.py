"""The engine against a model: whatever is owed, claimed, ended, lost, paused and replayed in whatever order, the queue
and the ledger agree, caps and order hold, what has ended stays as it is, and in the end everything has ended."""

import asyncio
import random
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.engines_fixture import RunningPostgres, clone, drop
from tests.ledger import TRIED, URGENT, Ledger, Wedding, admin_url, opened
from wedsync.events.deliver import ending
from wedsync.events.jobs import Job
from wedsync.events.retry import Exchange, Outcome, State, Verdict
from wedsync.kit import clock

T = TypeVar("T")
CAP = 2
ENDED = {"delivered", "superseded", "expired", "cancelled", "revoked", "dead"}
SENT_AGAIN = Outcome(word="retry_later", reason="It answered 409.", exchange=Exchange(status=409))
GIVEN_UP = Outcome(word="rejected", reason="It answered 400.", exchange=Exchange(status=400))
TAKEN = Outcome(word="delivered", exchange=Exchange(status=200))
OUTCOMES: dict[State, Outcome] = {"delivered": TAKEN, "deferred": SENT_AGAIN, "parked": SENT_AGAIN, "dead": GIVEN_UP}
OPEN_JOBS = """select d.id, d.state, d.attempts, j.id is not null as has_job, j.lease_token is not null as is_leased,
    (select count(*) from attempts a where a.delivery_id = d.id and not a.is_late) as tries
  from deliveries d left join jobs j on j.id = d.id where d.destination_id = any ($1)"""
ORDERED = """select count(*) filter (where j.lease_token is not null) as leased,
    bool_or(j.lease_token is not null and j.order_seq > (select min(o.order_seq) from jobs o
      where o.destination_id = j.destination_id and o.order_key = j.order_key)) as is_overtaking
  from jobs j where j.destination_id = $1 group by j.order_key"""


class Engine(RuleBasedStateMachine):
    """One wedding with an endpoint of each mode, and workers that do what workers do."""

    runner: asyncio.Runner
    ledger: Ledger

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    @initialize()
    def begin(self) -> None:
        self.held: list[Job] = []
        self.lost: list[Job] = []
        self.owed = self.replayed = 0
        self.over: dict[UUID, str] = {}
        self.wedding, self.endpoints = self.run(self._begun())

    async def _begun(self) -> tuple[Wedding, list[UUID]]:
        await self.ledger.admin.execute("delete from jobs")
        wedding = await self.ledger.wedding()
        modes = ("parallel", "ordered", "latest")
        made = [await self.ledger.endpoint(wedding, types=("party.*",), mode=mode) for mode in modes]
        await self.ledger.admin.execute("update destinations set max_in_flight = $1 where id = any ($2)", CAP, made)
        return wedding, made

    @rule(count=st.integers(1, 3), is_urgent=st.booleans())
    def something_happens(self, count: int, is_urgent: bool) -> None:
        self.run(self.ledger.facts(self.wedding, count, kind=URGENT if is_urgent else TRIED))
        self.owed += count

    @rule(limit=st.integers(1, 8))
    def a_worker_claims(self, limit: int) -> None:
        self.held += self.run(self.ledger.claim(limit))

    @precondition(lambda self: self.held)
    @rule(state=st.sampled_from(["delivered", "deferred", "parked", "dead"]), seed=st.integers(0, 99))
    def a_try_ends(self, state: State, seed: int) -> None:
        job = self.held.pop(seed % len(self.held))
        assert not self.run(self._end(job, state))

    @precondition(lambda self: self.lost)
    @rule(state=st.sampled_from(["delivered", "dead"]))
    def a_try_ends_too_late(self, state: State) -> None:
        job = self.lost.pop()
        assert self.run(self._end(job, state)) == {job.id}

    async def _end(self, job: Job, state: State) -> set[UUID]:
        verdict = Verdict(state=state, reason=OUTCOMES[state].reason)
        at = clock.machine_now()
        return await self.ledger.queue.complete([ending(job, OUTCOMES[state], verdict, started_at=at, took_ms=1.0)])

    @precondition(lambda self: self.held)
    @rule()
    def a_worker_is_gone(self) -> None:
        async def lose() -> None:
            await self.ledger.let_leases_lapse()
            await self.ledger.queue.reclaim()

        self.run(lose())
        self.lost, self.held = self.lost + self.held, []

    @precondition(lambda self: self.held)
    @rule()
    def a_worker_stops(self) -> None:
        self.run(self.ledger.queue.release(self.held))
        self.held = []

    @rule(which=st.integers(0, 2), state=st.sampled_from(["paused", "active"]))
    def the_owner_switches(self, which: int, state: str) -> None:
        self.run(self._switch(self.endpoints[which], state))

    async def _switch(self, endpoint: UUID, state: str) -> None:
        async with self.ledger.scene.enter(self.wedding.couple, self.wedding.id) as tx:
            await tx.run("update endpoints set state = $2 where id = $1", endpoint, state)
            await tx.run("select app.connect_endpoint($1)", endpoint)

    @rule(seed=st.integers(0, 999), function=st.sampled_from(["app.unpark", "app.cancel", "app.replay"]))
    def the_owner_picks_one(self, seed: int, function: str) -> None:
        rows = self.run(self.ledger.admin.fetch(OPEN_JOBS, self.endpoints))
        if rows:
            one = random.Random(seed).choice(sorted(rows, key=lambda row: row["id"]))
            done = self.run(self._by_hand(function, one["id"]))
            assert done == 0 or (one["state"] in ENDED) == (function == "app.replay")
            self.replayed += done if function == "app.replay" else 0

    async def _by_hand(self, function: str, delivery: UUID) -> int:
        async with self.ledger.user.enter(self.wedding.couple, self.wedding.id) as tx:
            done: int = await tx.value(f"select {function}($1)", [delivery])
            return done

    @invariant()
    def queue_and_ledger_agree(self) -> None:
        if not hasattr(self, "endpoints"):
            return
        rows = self.run(self.ledger.admin.fetch(OPEN_JOBS, self.endpoints))
        assert len(rows) == 3 * self.owed + self.replayed
        for row in rows:
            assert row["has_job"] == (row["state"] not in ENDED), row
            assert row["attempts"] == row["tries"], row
            assert self.over.get(row["id"], row["state"]) == row["state"], row
        self.over = {row["id"]: row["state"] for row in rows if row["state"] in ENDED}
        assert {row["id"] for row in rows if row["is_leased"]} == {job.id for job in self.held} - self.over.keys()

    @invariant()
    def caps_and_order_hold(self) -> None:
        if not hasattr(self, "endpoints"):
            return
        for endpoint in self.endpoints:
            assert sum(job.destination_id == endpoint for job in self.held) <= CAP
        for order in self.run(self.ledger.admin.fetch(ORDERED, self.endpoints[1])):
            assert order["leased"] <= 1
            assert not order["is_overtaking"]

    def teardown(self) -> None:
        """Everything is mended: nothing is left, and nothing was lost on the way."""
        if hasattr(self, "endpoints"):
            self.run(self._drained())
            self.queue_and_ledger_agree()
            assert len(self.over) == 3 * self.owed + self.replayed

    async def _drained(self) -> None:
        await self.ledger.queue.release(self.held)
        self.held = []
        for endpoint in self.endpoints:
            await self._switch(endpoint, "active")
        for _ in range(3 * self.owed + self.replayed + 3):
            parked = await self.ledger.admin.fetch("select id from deliveries where state = 'parked'")
            for row in parked:
                await self._by_hand("app.unpark", row["id"])
            await self.ledger.make_due()
            for job in await self.ledger.claim():
                await self._end(job, "delivered")


@pytest.fixture(scope="module")
def machine(postgres: RunningPostgres, worker: str) -> Iterator[type[Engine]]:
    with asyncio.Runner() as runner:
        database = runner.run(clone(postgres, f"wedsync_{worker}_machine"))
        doors = opened(user=database.user, service=database.service, admin=admin_url(postgres, database))
        ledger = runner.run(doors.__aenter__())

        class Bound(Engine):
            pass

        Bound.runner, Bound.ledger = runner, ledger
        yield Bound
        runner.run(doors.__aexit__(None, None, None))
        runner.run(drop(postgres, database.name))


def lived(machine: type[Engine], *, examples: int, steps: int) -> None:
    limits = settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=list(HealthCheck)
    )
    run_state_machine_as_test(machine, settings=limits)


def test_whatever_happens_the_queue_and_the_ledger_agree(machine: type[Engine]) -> None:
    lived(machine, examples=5, steps=18)


@pytest.mark.prove
def test_whatever_happens_for_long_the_queue_and_the_ledger_agree(machine: type[Engine]) -> None:
    lived(machine, examples=150, steps=60)
