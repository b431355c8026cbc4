"""A thousand signed-in users acting over a thousand weddings, a socket each: what everybody feels at once."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bench.crowd import gathered
from bench.report import Budget, Figures
from bench.rounds import Plan, Run, Scenario

SECONDS = 60.0
LONG_SECONDS = 600.0


@asynccontextmanager
async def opened(plan: Plan) -> AsyncIterator[Run]:
    async with gathered(plan) as crowd:

        async def run() -> Figures:
            return await crowd.figures(LONG_SECONDS if plan.is_long else max(plan.seconds(SECONDS), 10.0))

        yield run


SCENARIO = Scenario(
    name="mixed",
    about="1,000 signed-in users acting",
    budgets=(Budget("all_p50_ms", 25.0), Budget("all_p99_ms", 150.0), Budget("errors", 0.0)),
    opened=opened,
    notes=(
        "everything runs: web (2 workers), gateway, worker, clock, and the sandbox as the mail server",
        "seven acts in ten read, half of them pages; the others change answers and tasks",
        "--long lets each run last 10 minutes",
    ),
    limit_s=14_400.0,
)
