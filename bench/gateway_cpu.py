"""What a frame costs the gateway, and what a socket that only listens costs it in memory.

The cost of one more frame is the slope between 10 and 50 sockets a wedding at the same changes; the standard load is
10 sockets. Idle sockets join with presence and are tracked, so that recovery and presence are paid for.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from bench import live
from bench.peers import Peer, peer
from bench.report import Budget, Figures
from bench.rounds import Plan, Run, Scenario
from bench.stage import Stage, staged
from wedsync.processes.drills.cast import Wedding, built, businesses
from wedsync.processes.drills.listeners import Join, listening, lost, wedding_topic

WEDDINGS = 100
IDLE_SOCKETS = 10_000
IDLE_EACH = 10
FEW, MANY = 10, 50
CHANGES_PER_S = 200.0
SECONDS = 12.0
QUIET_S = 3.0


@asynccontextmanager
async def opened(plan: Plan) -> AsyncIterator[Run]:
    async with staged() as stage, peer("writer") as writer:
        hired = await businesses(stage, plan.count(10))
        busy = await built(stage, plan.count(WEDDINGS), guests_each=10, hired=lambda number: live.shared(hired, number))
        idle = await built(stage, plan.count(IDLE_SOCKETS // IDLE_EACH))

        async def run() -> Figures:
            await stage.forget_jobs()
            few_s, few = await _cpu_of(stage, writer, busy, plan, FEW)
            many_s, many = await _cpu_of(stage, writer, busy, plan, MANY)
            return {
                "frame_us": few_s / few * 1e6,
                "extra_frame_us": (many_s - few_s) / (many - few) * 1e6,
                "frames_few": float(few),
                "frames_many": float(many),
                **await _memory(stage, idle),
            }

        yield run


async def _cpu_of(
    stage: Stage, writer: Peer, weddings: Sequence[Wedding], plan: Plan, sockets_each: int
) -> tuple[float, int]:
    """CPU seconds of the gateway under the load, and the frames it wrote, warm-up included in both."""
    await stage.start("gateway")
    try:
        async with listening(stage.settings.gateway_port, live.joins(weddings, sockets_each)) as listeners:
            # Sockets that share a key with those of the run before catch up first: these frames are none of the load's.
            await asyncio.sleep(QUIET_S)
            for listener in listeners:
                listener.changes = 0
            before = stage.cpu_s("gateway")
            await live.write(writer, stage, weddings, plan, per_s=CHANGES_PER_S, seconds=SECONDS)
            await asyncio.sleep(0.5)
            spent = stage.cpu_s("gateway") - before
            stage.check()
            return spent, sum(listener.changes for listener in listeners)
    finally:
        stage.stop("gateway")


async def _memory(stage: Stage, weddings: Sequence[Wedding]) -> Figures:
    """Of a gateway that has just been started: before any socket, and with all of them present."""
    joins = [
        Join(wedding_topic(w.id), w.couple.token, has_presence=True, presence_key=f"person-{number}")
        for w in weddings
        for number in range(IDLE_EACH)
    ]
    await stage.start("gateway")
    try:
        before_kb = stage.memory_kb("gateway")
        async with listening(stage.settings.gateway_port, joins) as listeners:
            for listener in listeners:
                listener.track()
            await asyncio.sleep(QUIET_S)
            cpu_s = stage.cpu_s("gateway")
            after_kb = stage.memory_kb("gateway")
            await asyncio.sleep(QUIET_S)
            stage.check()
            return {
                "idle_socket_kb": (after_kb - before_kb) / len(listeners),
                "idle_total_mb": after_kb / 1024,
                "idle_sockets": float(len(listeners)),
                "idle_cpu_percent": 100 * (stage.cpu_s("gateway") - cpu_s) / QUIET_S,
                "errors": float(lost(listeners)),
            }
    finally:
        stage.stop("gateway")


SCENARIO = Scenario(
    name="gateway_cpu",
    about="gateway CPU per frame, memory per idle socket",
    budgets=(
        Budget("extra_frame_us", 12.0),
        Budget("frame_us", 35.0),
        Budget("idle_socket_kb", 30.0),
        Budget("idle_total_mb", 400.0),
        Budget("errors", 0.0),
    ),
    opened=opened,
    notes=("frame_us holds all the gateway's CPU under the load: feed, polling, pings and heartbeats too",),
    limit_s=1800.0,
)
