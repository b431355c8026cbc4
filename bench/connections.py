"""Five thousand connected calendars with a hundred notifications a second in and a hundred bookings a second out.

A minute of it, with the clock beside: each notification is to have its calendar asked, each move is to be in its
calendar, each account is to be judged every 30 seconds, and one worker is to do it with a core and 500 MB.
"""

import asyncio
import itertools
import time
from bisect import bisect_left
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

from bench.peers import peer
from bench.provider import Question
from bench.report import Budget, Figures, spread
from bench.rounds import Plan, Run, Scenario
from bench.stage import Stage, staged
from bench.studios import CONNECTOR, SECRET, Provider, Studio, accepted, found, moving
from bench.studios import opened as in_step
from wedsync.processes.drills.calls import Load, calling, open_loop, request

STUDIOS = 5_000
HOOKS_PER_S = 100.0
MOVES_PER_S = 100.0
SECONDS = 60.0
CONNECTIONS = 32
SAMPLE_S = 1.0
OVERDUE_S = 2
PARTS = ("worker", "web", "postgres", "valkey", "clock")
OVERDUE = "select count(*) from jobs where run_at < clock_timestamp() - make_interval(secs => $1)"
JUDGED = """select extract(epoch from max(clock_timestamp() - h.checked_at))::float8 from connection_health h
    join connections c on c.id = h.connection_id where c.state in ('active', 'degraded')"""
UNWELL = "select count(*) from connections where state <> 'active'"


@asynccontextmanager
async def opened(plan: Plan) -> AsyncIterator[Run]:
    async with peer("provider") as process:
        provider = await found(process)
        async with staged("web", "worker", environ=provider.environ) as stage:
            studios = await in_step(stage, provider, plan.count(STUDIOS, least=20), is_told=True)
            notify, move = notifying(studios), moving(studios)

            async def run() -> Figures:
                await stage.settled()
                await provider.take()
                await stage.start("clock")
                try:
                    return await _run(stage, provider, studios, plan, notify=notify, move=move)
                finally:
                    stage.stop("clock")

            yield run


def notifying(studios: Sequence[Studio]) -> Callable[[dict[str, list[float]]], bytes]:
    """Makes notifications of each calendar in turn, far from those that are moved, and notes when each is sent."""
    half = len(studios) // 2
    turns, numbers = itertools.cycle([*studios[half:], *studios[:half]]), itertools.count(1)

    def make(sent: dict[str, list[float]]) -> bytes:
        studio = next(turns)
        headers = {
            "X-Goog-Channel-Id": f"channel-{studio.calendar}",
            "X-Goog-Channel-Token": SECRET,
            "X-Goog-Resource-Id": "r",
            "X-Goog-Resource-State": "exists",
            "X-Goog-Message-Number": str(next(numbers)),
        }
        sent.setdefault(studio.account, []).append(time.time())
        return request("POST", f"/hooks/{CONNECTOR}/{studio.connection}", body=b"", headers=headers)

    return make


async def _run(
    stage: Stage,
    provider: Provider,
    studios: Sequence[Studio],
    plan: Plan,
    *,
    notify: Callable[[dict[str, list[float]]], bytes],
    move: Callable[[], bytes],
) -> Figures:
    sent: dict[str, list[float]] = {}
    since, began = time.time(), time.perf_counter()
    before = {part: stage.cpu_s(part) for part in PARTS}
    memory_mb: list[float] = []
    watching = asyncio.create_task(_weigh(stage, memory_mb))
    seconds = plan.seconds(SECONDS)
    async with calling(stage.settings.port, CONNECTIONS) as caller, calling(stage.settings.port, CONNECTIONS) as hooks:
        loads: tuple[Load, Load] = await asyncio.gather(
            open_loop(caller, move, per_s=plan.rate(MOVES_PER_S), seconds=seconds),
            open_loop(hooks, lambda: notify(sent), per_s=plan.rate(HOOKS_PER_S), seconds=seconds),
        )
    wall_s = time.perf_counter() - began
    spent = {part: stage.cpu_s(part) - before[part] for part in PARTS}
    overdue = await stage.admin.fetchval(OVERDUE, OVERDUE_S)
    judged_s = await stage.admin.fetchval(JUDGED)
    watching.cancel()
    pushed, taken = await accepted(stage, provider, studios, since)
    asked = asked_after(sent, taken.questions)
    hooks_sent = sum(map(len, sent.values()))
    return {
        **spread("asked", asked),
        **pushed,
        "unasked": float(hooks_sent - len(asked)),
        "hooks": float(hooks_sent),
        "overdue": float(overdue),
        "judged_s": judged_s,
        "unwell": float(await stage.admin.fetchval(UNWELL)),
        "worker_mb": max(memory_mb),
        **{f"{part}_cores": spent[part] / wall_s for part in PARTS},
        "errors": float(sum(load.errors for load in loads)),
    }


def asked_after(sent: Mapping[str, Sequence[float]], questions: Sequence[Question]) -> list[float]:
    """Milliseconds from each notification to when its calendar was asked next; one that nobody heeded is left out."""
    of: dict[str, list[float]] = {}
    for question in sorted(questions, key=lambda one: one.at):
        of.setdefault(question.calendar, []).append(question.at)
    delays = []
    for account, moments in sent.items():
        known = of.get(account, [])
        for at in moments:
            place = bisect_left(known, at)
            if place < len(known):
                delays.append((known[place] - at) * 1000)
    return delays


async def _weigh(stage: Stage, memory_mb: list[float]) -> None:
    """What the worker holds, every second."""
    while True:
        memory_mb.append(stage.memory_kb("worker") / 1024)
        await asyncio.sleep(SAMPLE_S)


SCENARIO = Scenario(
    name="connections",
    about="5,000 connected calendars, 100 hooks/s in, 100 pushes/s out, judged every 30 s",
    budgets=(
        Budget("asked_p99_ms", 1000.0),
        Budget("accepted_p99_ms", 1000.0),
        Budget("unasked", 0.0),
        Budget("missing", 0.0),
        Budget("overdue", 0.0),
        Budget("judged_s", 40.0),
        Budget("unwell", 0.0),
        Budget("worker_cores", 1.0),
        Budget("worker_mb", 500.0),
        Budget("errors", 0.0),
    ),
    opened=opened,
    notes=(
        "one worker; the provider is the connector's own fake in a process of its own, 50 ms a call, on the same cores",
        "asked: from sending a notification to the beginning of the question; the provider sends none itself",
        "judged_s: the longest ago that any account was judged, at the end; 30 s, a tick of the clock and one more",
        "overdue: jobs that should have run 2 s before the end of the load",
    ),
    limit_s=3600.0,
)
