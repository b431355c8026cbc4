"""Opening a socket and joining, and taking a database connection from the pool, while a thousand users act."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from bench.crowd import Crowd, gathered
from bench.report import Budget, Figures, spread
from bench.rounds import Plan, Run, Scenario
from wedsync.processes.drills.calls import Load, calling, paced, request
from wedsync.processes.drills.listeners import Listener, open_one

SECONDS = 30.0
OPENINGS_PER_S = 20.0
PROBES_PER_S = 20.0


class Ready(msgspec.Struct):
    """What `/readyz` of the web says: how long taking a connection and one empty query took."""

    database_ms: float


@asynccontextmanager
async def opened(plan: Plan) -> AsyncIterator[Run]:
    async with gathered(plan) as crowd:

        async def run() -> Figures:
            seconds = max(plan.seconds(SECONDS), 8.0)
            acting = asyncio.create_task(crowd.act(seconds + 2.0))
            try:
                await asyncio.sleep(2.0)
                (opened_ms, refused), pooled_ms = await asyncio.gather(
                    _open(crowd, plan, seconds), _probe(crowd, plan, seconds)
                )
                acted = await acting
            finally:
                acting.cancel()
            return {
                **spread("joined", opened_ms),
                **spread("pooled", pooled_ms),
                "errors": float(refused + acted.errors),
                "acts_per_s": acted.reads.per_s + acted.writes.per_s,
            }

        yield run


async def _open(crowd: Crowd, plan: Plan, seconds: float) -> tuple[list[float], int]:
    """Milliseconds to open and join, and how often that failed; each socket is closed again."""
    joins, took_ms, refused, turn = crowd.joins(), list[float](), 0, 0

    async def open_next(due: float) -> None:
        nonlocal refused, turn
        join = joins[turn % len(joins)]
        turn += 1
        try:
            listener: Listener = await open_one(crowd.stage.settings.gateway_port, join)
        except (OSError, TimeoutError):
            refused += 1
            return
        took_ms.append(listener.opened_ms)
        listener.close()

    await paced(open_next, per_s=plan.rate(OPENINGS_PER_S), seconds=seconds)
    return took_ms, refused


async def _probe(crowd: Crowd, plan: Plan, seconds: float) -> list[float]:
    """Milliseconds to take a pooled connection, as the web workers tell them."""
    load, took_ms = Load(), list[float]()
    content = request("GET", "/readyz")
    async with calling(crowd.stage.settings.port, 8) as caller:

        async def ask(due: float) -> None:
            answer = await caller.call(content)
            load.note(answer, 0.0)
            if answer.is_good:
                took_ms.append(msgspec.json.decode(answer.body, type=Ready).database_ms)

        await paced(ask, per_s=plan.rate(PROBES_PER_S), seconds=seconds)
    return took_ms


SCENARIO = Scenario(
    name="sockets",
    about="socket open and joined, pooled connection taken, under the mixed load",
    budgets=(Budget("joined_p99_ms", 100.0), Budget("pooled_p99_ms", 10.0), Budget("errors", 0.0)),
    opened=opened,
    notes=("pooled is what /readyz tells: a connection taken and `select 1`, so an upper bound",),
    limit_s=3600.0,
)
