"""From a commit to the frame at the client: 200 changes a second, 1,000 sockets over 100 weddings, open loop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bench import live
from bench.peers import peer
from bench.report import Budget, Figures, spread
from bench.rounds import Plan, Run, Scenario
from bench.stage import staged
from wedsync.processes.drills.cast import built, businesses
from wedsync.processes.drills.listeners import listening, lost

WEDDINGS = 100
SOCKETS_EACH = 10
CHANGES_PER_S = 200.0
SECONDS = 15.0


@asynccontextmanager
async def opened(plan: Plan) -> AsyncIterator[Run]:
    async with staged("gateway") as stage, peer("writer") as writer:
        hired = await businesses(stage, plan.count(10))
        weddings = await built(
            stage, plan.count(WEDDINGS), guests_each=20, hired=lambda number: live.shared(hired, number)
        )

        async def run() -> Figures:
            await stage.forget_jobs()
            async with listening(stage.settings.gateway_port, live.joins(weddings, SOCKETS_EACH)) as listeners:
                live.keep_frames(listeners)
                cpu_s = stage.cpu_s("gateway")
                done = await live.write(writer, stage, weddings, plan, per_s=CHANGES_PER_S, seconds=SECONDS)
                await asyncio.sleep(0.5)
                cpu_s = stage.cpu_s("gateway") - cpu_s
                stage.check()
                figures = live.frame_delays(listeners, done)
                return {
                    **figures,
                    **{name: value for name, value in spread("commit", done.took_ms).items() if "p95" not in name},
                    "errors": float(lost(listeners)),
                    "sockets": float(len(listeners)),
                }

        yield run


SCENARIO = Scenario(
    name="latency",
    about="commit -> frame at the client",
    budgets=(
        Budget("frame_p50_ms", 3.0),
        Budget("frame_p99_ms", 15.0),
        Budget("missing", 0.0),
        Budget("errors", 0.0),
    ),
    opened=opened,
    notes=("from the return of the commit in the writer to the arrival of the frame, one monotonic clock",),
)
