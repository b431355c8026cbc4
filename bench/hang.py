"""Fifty destinations of which one hangs: how long the other forty-nine wait from commit to first byte.

First all are well, then one points to a receiver that takes connections and never answers; the load is the same.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from bench import live
from bench.peers import Peer, peer
from bench.receiver import Taken
from bench.report import Budget, Figures, percentile
from bench.rounds import Plan, Run, Scenario
from bench.stage import Stage, staged
from bench.webhooks import QUIET_S, ask
from wedsync.kit.config import LOOPBACK
from wedsync.processes.drills.cast import Wedding, built
from wedsync.subscriptions import actions as subscriptions
from wedsync.subscriptions.model import NewEndpoint

DESTINATIONS = 50
PER_S = 100.0
SECONDS = 20.0


@asynccontextmanager
async def opened(plan: Plan) -> AsyncIterator[Run]:
    async with staged() as stage, peer("receiver") as receiver, peer("writer") as writer, hanging() as hangs_at:
        port = await receiver.answer(int, patience_s=20)
        weddings = await built(
            stage,
            DESTINATIONS,
            guests_each=10,
            endpoint=lambda number: NewEndpoint(url=f"http://127.0.0.1:{port}/{number}", events=[live.REPLIED]),
        )

        async def run() -> Figures:
            try:
                return await _run(stage, receiver, writer, weddings, plan, urls=(port, hangs_at))
            finally:
                stage.stop("worker")

        yield run


async def _run(
    stage: Stage, receiver: Peer, writer: Peer, weddings: Sequence[Wedding], plan: Plan, *, urls: tuple[int, int]
) -> Figures:
    await stage.forget_jobs()
    await stage.start("worker")
    waits = []
    for port in urls:
        await _point(stage, weddings[0], port)
        waits.append(await _measured(stage, receiver, writer, weddings, plan))
    without, hung = ([delay for _, delay in each] for each in waits)
    return {
        "without_p99_ms": percentile(without, 99),
        "hanging_p99_ms": percentile(hung, 99),
        "p99_ratio": percentile(hung, 99) / percentile(without, 99),
        "without": float(len(without)),
        "hanging": float(len(hung)),
    }


async def _point(stage: Stage, wedding: Wedding, port: int) -> None:
    """Where the first wedding's endpoint leads; whoever changes it closes its breaker."""
    async with stage.door.enter(wedding.couple.actor, wedding.id) as tx:
        endpoint = await tx.value("select e.id from endpoints e")
        url = f"http://127.0.0.1:{port}/0"
        await subscriptions.change(tx, stage.ring, endpoint, {"url": url}, version=None, allow=LOOPBACK)


async def _measured(
    stage: Stage, receiver: Peer, writer: Peer, weddings: Sequence[Wedding], plan: Plan
) -> list[tuple[str, float]]:
    """Of each answer in the healthy weddings: its event and the milliseconds from commit to first byte."""
    await ask(receiver, "take", Taken)
    done = await live.write(writer, stage, weddings, plan, per_s=PER_S, seconds=SECONDS)
    first = f"wedding:{weddings[0].id}"
    owed = {stamp.id: stamp.at for stamp in done.stamps if stamp.type == live.REPLIED and stamp.stream != first}
    seen: dict[str, int] = {}
    quiet_at = time.monotonic() + QUIET_S
    while len(seen.keys() & owed.keys()) < len(owed) and time.monotonic() < quiet_at:
        await asyncio.sleep(0.25)
        for at, message in (await ask(receiver, "take", Taken)).arrivals:
            if message not in seen:
                seen[message] = at
                quiet_at = time.monotonic() + QUIET_S
    stage.check()
    return [(message, (seen[message] - at) / 1e6) for message, at in owed.items() if message in seen]


@asynccontextmanager
async def hanging() -> AsyncIterator[int]:
    """A receiver that reads whatever comes and never says a word; its port."""

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.read(65_536):
                pass
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(swallow, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


SCENARIO = Scenario(
    name="hang",
    about="49 healthy destinations while one of 50 hangs",
    budgets=(Budget("p99_ratio", 1.2),),
    opened=opened,
    notes=("one worker; the hanging one takes the connection and never answers, so each try of it lasts 10 s",),
    limit_s=1800.0,
)
