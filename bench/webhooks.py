"""Webhooks out: how many a worker delivers when there is enough to do, and how soon one leaves after its commit.

Every wedding has one endpoint, so an event owes one delivery. The backlog is written while no worker runs: two thousand
commits a second beside two thousand deliveries are more than two cores have. The rate of a destination is
lifted by its setting: tokens are counted and spent as ever, and never run out.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

from bench import live
from bench.peers import Peer, peer
from bench.receiver import Sample, Taken
from bench.report import Budget, Figures, spread
from bench.rounds import Plan, Run, Scenario
from bench.stage import Stage, StageFailed, staged
from wedsync.connections import signatures
from wedsync.guests import actions as guests
from wedsync.guests.model import NewParty
from wedsync.processes.drills.cast import Wedding, built, each, named
from wedsync.subscriptions.model import NewEndpoint

T = TypeVar("T")

DESTINATIONS = 1200
OWED_EACH = 20
EVENTS = ["guest.added", live.REPLIED]
PER_S = 200.0
SECONDS = 15.0
SLOWEST_PER_S = 100.0
QUIET_S = 5.0
EDGE = 0.1
"""Of the deliveries at either end: the worker's start and its last few are not what it sustains."""


@asynccontextmanager
async def opened(plan: Plan) -> AsyncIterator[Run]:
    async with staged() as stage, peer("receiver") as receiver, peer("writer") as writer:
        port = await receiver.answer(int, patience_s=20)
        weddings = await built(
            stage,
            plan.count(DESTINATIONS),
            guests_each=2,
            endpoint=lambda number: NewEndpoint(url=f"http://127.0.0.1:{port}/{number}", events=EVENTS),
        )

        async def run() -> Figures:
            try:
                return await _run(stage, receiver, writer, weddings, plan)
            finally:
                stage.stop("worker")

        yield run


async def _run(stage: Stage, receiver: Peer, writer: Peer, weddings: Sequence[Wedding], plan: Plan) -> Figures:
    await stage.forget_jobs()
    owed = await _owe(stage, weddings)
    await stage.start("worker")
    before = {part: stage.cpu_s(part) for part in ("worker", "postgres")}
    taken = await _received(stage, receiver, owed)
    spent = {part: stage.cpu_s(part) - before[part] for part in before}
    _verify(taken.samples, weddings)
    await stage.settled()
    figures = {
        "rate_per_s": sustained([at for at, _ in taken.arrivals]),
        **{f"{part}_us": spent[part] / owed * 1e6 for part in spent},
        "deliveries": float(owed),
        "errors": float(owed - len({message for _, message in taken.arrivals})),
    }
    return {**figures, **await _paced(stage, receiver, writer, weddings, plan)}


async def _owe(stage: Stage, weddings: Sequence[Wedding]) -> int:
    """Every wedding gets so many new guests; returns how many deliveries that owes."""

    async def add(wedding: Wedding) -> None:
        party = NewParty(name="Late ones", guests=[named(n) for n in range(OWED_EACH)], schedule_item_ids=[])
        async with stage.door.enter(wedding.couple.actor, wedding.id) as tx:
            await guests.add_party(tx, stage.ring, wedding.id, party)

    await each(add, weddings)
    owed: int = await stage.admin.fetchval("select count(*) from jobs where kind = 'delivery'")
    if owed != len(weddings) * OWED_EACH:
        raise StageFailed(f"{len(weddings) * OWED_EACH} deliveries should be owed, and {owed} are.")
    return owed


async def _received(stage: Stage, receiver: Peer, count: int) -> Taken:
    """Everything that came, once there is so much of it; StageFailed when it takes far too long."""
    deadline = time.monotonic() + 30.0 + count / SLOWEST_PER_S
    while await ask(receiver, "count", int) < count:
        stage.check()
        if time.monotonic() > deadline:
            raise StageFailed(f"{count - await ask(receiver, 'count', int)} of {count} deliveries never came.")
        await asyncio.sleep(0.25)
    return await ask(receiver, "take", Taken)


async def ask(receiver: Peer, what: str, kind: type[T]) -> T:
    """`count` or `take`, of the receiver."""
    await receiver.tell({"ask": what})
    return await receiver.answer(kind, patience_s=30)


def sustained(arrivals: Sequence[int]) -> float:
    """Arrivals a second between the first and the last tenth; `arrivals` in nanoseconds."""
    ordered = sorted(arrivals)
    edge = int(len(ordered) * EDGE)
    inner = ordered[edge : len(ordered) - edge]
    return (len(inner) - 1) / ((inner[-1] - inner[0]) / 1e9)


def _verify(samples: Sequence[Sample], weddings: Sequence[Wedding]) -> None:
    """StageFailed where a delivery is not signed with its endpoint's secret."""
    for sample in samples:
        secret = weddings[int(sample.path.strip("/"))].endpoint_secret
        try:
            signatures.verify((secret,), sample.headers, sample.body.encode(), now=time.time())
        except signatures.SignatureError as error:
            raise StageFailed(f"A delivery to {sample.path} is not signed as it should be: {error}") from error


async def _paced(stage: Stage, receiver: Peer, writer: Peer, weddings: Sequence[Wedding], plan: Plan) -> Figures:
    """Commit to the first byte at the receiver while guests answer at a pace; each answer owes reactions too."""
    done = await live.write(writer, stage, weddings, plan, per_s=PER_S, seconds=SECONDS)
    owed = {stamp.id: stamp.at for stamp in done.stamps if stamp.type == live.REPLIED}
    quiet_at = time.monotonic() + QUIET_S
    seen: dict[str, int] = {}
    while len(seen.keys() & owed.keys()) < len(owed) and time.monotonic() < quiet_at:
        await asyncio.sleep(0.25)
        for at, message in (await ask(receiver, "take", Taken)).arrivals:
            if message not in seen:
                quiet_at = time.monotonic() + QUIET_S
                seen[message] = at
    stage.check()
    delays = [(seen[message] - at) / 1e6 for message, at in owed.items() if message in seen]
    return {**spread("first_byte", delays), "missing": float(len(owed) - len(delays))}


SCENARIO = Scenario(
    name="webhooks",
    about="webhook deliveries, fan-out 1, signed",
    budgets=(
        Budget("rate_per_s", 2000.0, is_floor=True),
        Budget("first_byte_p95_ms", 50.0),
        Budget("errors", 0.0),
        Budget("missing", 0.0),
    ),
    opened=opened,
    notes=(
        "one worker, as `wedsync up` starts it; every destination is a path of one receiver on 127.0.0.1",
        "WEDSYNC_DELIVERIES_PER_MIN=1000000, not 100: tokens are reserved as ever, but a backlog would wait for them",
        "rate_per_s drains a backlog with nobody writing; first_byte is from the return of the commit",
    ),
    limit_s=1800.0,
)
