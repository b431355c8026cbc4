"""A backlog of parked deliveries, resumed and drained: the rate must not fall while there is ever less of it.

Every wedding has one endpoint, which is paused; what is owed to it by then is multiplied in the database, for a million
facts through the product would take an hour and measure something else. Then all are resumed, and a worker starts.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from bench.peers import Peer, peer
from bench.receiver import Taken
from bench.report import Budget, Figures
from bench.rounds import Plan, Run, Scenario
from bench.stage import Stage, StageFailed, staged
from bench.webhooks import SLOWEST_PER_S, ask
from wedsync.guests import actions as guests
from wedsync.guests.model import NewParty
from wedsync.processes.drills.cast import Wedding, built, each, named
from wedsync.subscriptions import actions as subscriptions
from wedsync.subscriptions.model import NewEndpoint

DESTINATIONS = 1200
PARKED = 100_000
PARKED_LONG = 1_000_000
EDGE = 0.01
"""Of the deliveries at either end: a worker's start and its last few are not its rate."""
MULTIPLY = """
with more as (
  select uuidv7() as id, d.id as first
  from deliveries d join jobs j on j.id = d.id, generate_series(1, $1) n
  where d.connector = 'webhook'),
rows as (
  insert into deliveries (id, made_at, tenant_id, connector, destination_id, subscription_id, stream_id, seq, event_id,
    event_at, type, lane, state, reason)
  select m.id, d.made_at, d.tenant_id, d.connector, d.destination_id, d.subscription_id, d.stream_id, d.seq, d.event_id,
    d.event_at, d.type, d.lane, 'parked', 'paused by its owner'
  from more m join deliveries d on d.id = m.first)
insert into jobs (id, kind, name, lane, tenant_id, destination_id, made_at, event_id, run_at)
select m.id, j.kind, j.name, j.lane, j.tenant_id, j.destination_id, j.made_at, j.event_id, 'infinity'
from more m join jobs j on j.id = m.first
"""
UNSENT = "select count(*) from deliveries where state in ('dead', 'parked')"


@asynccontextmanager
async def opened(plan: Plan) -> AsyncIterator[Run]:
    async with staged() as stage, peer("receiver") as receiver:
        port = await receiver.answer(int, patience_s=20)
        weddings = await built(
            stage,
            plan.count(DESTINATIONS),
            endpoint=lambda number: NewEndpoint(url=f"http://127.0.0.1:{port}/{number}", events=["guest.added"]),
        )

        async def run() -> Figures:
            try:
                return await _run(stage, receiver, weddings, plan)
            finally:
                stage.stop("worker")

        yield run


async def _run(stage: Stage, receiver: Peer, weddings: Sequence[Wedding], plan: Plan) -> Figures:
    await stage.forget_jobs()
    parked = await _park(stage, weddings, plan.count(PARKED_LONG if plan.is_long else PARKED))
    began = time.monotonic()
    await _switch(stage, weddings, "active")
    resumed_s = time.monotonic() - began
    await stage.start("worker")
    arrivals = await _drained(stage, receiver, parked)
    await stage.settled()
    first, last = tenths(arrivals)
    return {
        "first_tenth_per_s": first,
        "last_tenth_per_s": last,
        "last_to_first": last / first,
        "resumed_s": resumed_s,
        "deliveries": float(parked),
        "errors": float(await stage.admin.fetchval(UNSENT)),
    }


async def _park(stage: Stage, weddings: Sequence[Wedding], wanted: int) -> int:
    """At least so many wait at paused endpoints; returns how many."""
    await _switch(stage, weddings, "paused")

    async def add(wedding: Wedding) -> None:
        party = NewParty(name="Late ones", guests=[named(1)], schedule_item_ids=[])
        async with stage.door.enter(wedding.couple.actor, wedding.id) as tx:
            await guests.add_party(tx, stage.ring, wedding.id, party)

    await each(add, weddings)
    await stage.admin.execute("delete from jobs where kind <> 'delivery'")
    await stage.admin.execute("update jobs set run_at = 'infinity'")
    await stage.admin.execute("update deliveries d set state = 'parked' from jobs j where j.id = d.id")
    await stage.admin.execute(MULTIPLY, max(1, wanted // len(weddings)) - 1, timeout=1800)
    await stage.analyze()
    parked: int = await stage.admin.fetchval("select count(*) from jobs")
    return parked


async def _switch(stage: Stage, weddings: Sequence[Wedding], state: str) -> None:
    async def switch(wedding: Wedding) -> None:
        async with stage.door.enter(wedding.couple.actor, wedding.id) as tx:
            endpoint = await tx.value("select e.id from endpoints e")
            await subscriptions.change(tx, stage.ring, endpoint, {"state": state}, version=None)

    await each(switch, weddings)


async def _drained(stage: Stage, receiver: Peer, count: int) -> list[int]:
    """When each came, in nanoseconds; StageFailed when it takes far too long."""
    deadline = time.monotonic() + 60.0 + count / SLOWEST_PER_S
    arrivals: list[int] = []
    while len(arrivals) < count:
        stage.check()
        if time.monotonic() > deadline:
            raise StageFailed(f"{count - len(arrivals)} of {count} deliveries never came.")
        await asyncio.sleep(0.5)
        arrivals += [at for at, _ in (await ask(receiver, "take", Taken)).arrivals]
    return arrivals


def tenths(arrivals: Sequence[int]) -> tuple[float, float]:
    """Arrivals a second in the first and in the last tenth, without their edges; `arrivals` in nanoseconds."""
    ordered = sorted(arrivals)
    edge = int(len(ordered) * EDGE)
    inner = ordered[edge : len(ordered) - edge]
    size = max(2, len(inner) // 10)
    return _rate(inner[:size]), _rate(inner[-size:])


def _rate(arrivals: Sequence[int]) -> float:
    return (len(arrivals) - 1) / max(1e-9, (arrivals[-1] - arrivals[0]) / 1e9)


SCENARIO = Scenario(
    name="drain",
    about="parked deliveries, resumed and drained by one worker",
    budgets=(Budget("last_to_first", 0.9, is_floor=True), Budget("errors", 0.0)),
    opened=opened,
    notes=(
        "100,000 deliveries, a million with --long; one worker, 1,200 destinations, all paths of one receiver",
        "WEDSYNC_DELIVERIES_PER_MIN=1000000, not 100: a backlog would wait for its tokens",
    ),
    limit_s=7200.0,
)
