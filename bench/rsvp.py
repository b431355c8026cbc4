"""Answers through HTTP, two web workers over 100 weddings: how many they take, and how long one takes at 300 a second.

An answer passes row security, writes the row, the head count and two events, and owes a delivery and the reactions.
"""

import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from bench.report import Budget, Figures, percentile, spread
from bench.rounds import Plan, Run, Scenario
from bench.stage import Stage, staged
from wedsync.processes.drills.calls import calling, closed_loop, open_loop, request
from wedsync.processes.drills.cast import Wedding, built
from wedsync.subscriptions.model import NewEndpoint

WEDDINGS = 100
GUESTS_EACH = 120
AT_ONCE = 16
CONNECTIONS = 32
OPEN_PER_S = 300.0
SECONDS = 15.0
WARM_S = 2.0
PARTS = ("web", "postgres", "valkey")


@asynccontextmanager
async def opened(plan: Plan) -> AsyncIterator[Run]:
    async with staged("web") as stage:
        weddings = await built(
            stage,
            plan.count(WEDDINGS),
            guests_each=GUESTS_EACH,
            endpoint=lambda number: NewEndpoint(url=f"http://127.0.0.1:9/{number}", events=["rsvp.*"]),
        )
        make = replying(weddings)

        async def run() -> Figures:
            await stage.forget_jobs()
            return await _run(stage, make, plan)

        yield run


async def _run(stage: Stage, make: Callable[[], bytes], plan: Plan) -> Figures:
    async with calling(stage.settings.port, CONNECTIONS) as caller:
        await closed_loop(caller, make, at_once=AT_ONCE, seconds=WARM_S)
        before = {part: stage.cpu_s(part) for part in PARTS}
        most = await closed_loop(caller, make, at_once=AT_ONCE, seconds=plan.seconds(SECONDS))
        spent = {part: stage.cpu_s(part) - before[part] for part in PARTS}
        paced = await open_loop(caller, make, per_s=plan.rate(OPEN_PER_S), seconds=plan.seconds(SECONDS))
    stage.check()
    answered = len(most.took_ms)
    return {
        "rate_per_s": most.per_s,
        "full_p50_ms": percentile(most.took_ms, 50),
        "full_p99_ms": percentile(most.took_ms, 99),
        **{f"{part}_us": spent[part] / answered * 1e6 for part in PARTS},
        **spread("paced", paced.took_ms),
        "errors": float(most.errors + paced.errors),
    }


def replying(weddings: Sequence[Wedding], seed: int = 7) -> Callable[[], bytes]:
    """Makes requests: any guest of any wedding, with an answer that is not the last one."""
    rng = random.Random(seed)
    bodies = [{"status": status} for status in ("accepted", "declined", "tentative")]
    targets = [
        [request("PUT", f"/api/v1/guests/{guest}/rsvps/{w.dinner}", token=w.couple.token, body=body) for body in bodies]
        for w in weddings
        for guest in w.guests
    ]
    turns = [rng.randrange(len(bodies)) for _ in targets]

    def make() -> bytes:
        number = rng.randrange(len(targets))
        turns[number] = (turns[number] + 1) % len(bodies)
        return targets[number][turns[number]]

    return make


SCENARIO = Scenario(
    name="rsvp",
    about="RSVP writes through HTTP",
    budgets=(Budget("rate_per_s", 800.0, is_floor=True), Budget("paced_p99_ms", 30.0), Budget("errors", 0.0)),
    opened=opened,
    notes=("no worker runs: what an answer owes is written, not done",),
)
