"""Thirteen suppliers of a wedding are told of a moved ceremony: from the answer to the couple to each of their inboxes.

Then the couple calls for help, and the same people are called: how long until the first has it in the product and the
first mail has been tried.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from bench.report import Budget, Figures, percentile, spread
from bench.rounds import Plan, Run, Scenario
from bench.stage import Stage, staged
from wedsync.processes.drills.calls import Caller, calling, request
from wedsync.processes.drills.cast import Wedding, built, businesses
from wedsync.processes.drills.listeners import Join, Listener, listening, lost
from wedsync.processes.migrate import connected

SUPPLIERS = 13
WEDDINGS = 12
MOVES = 40
PACE_S = 0.4
SETTLE_S = 3.0
ADDED = b'"table":"inbox",'
TRIED = """select extract(epoch from min(t.started_at) - e.recorded_at)::float8 * 1000 as took_ms
    from events e join deliveries d on d.stream_id = e.stream_id and d.seq = e.seq and d.event_id = e.id
    join attempts t on t.delivery_id = d.id
    where e.type = 'alert.raised' and e.recorded_at >= $1 group by e.id, e.recorded_at"""


@asynccontextmanager
async def opened(plan: Plan) -> AsyncIterator[Run]:
    async with staged("sandbox", "web", "gateway", "worker") as stage:
        firms = await businesses(stage, SUPPLIERS)
        weddings = await built(stage, plan.count(WEDDINGS, least=2), hired=lambda number: firms, level="standard")
        await stage.settled()

        async def run() -> Figures:
            return await _run(stage, weddings, plan)

        yield run


async def _run(stage: Stage, weddings: Sequence[Wedding], plan: Plan) -> Figures:
    owners = [business.owner for business in weddings[0].businesses]
    joins = [Join(topic=f"realtime:person:{one.id}", token=one.token) for one in owners]
    async with (
        listening(stage.settings.gateway_port, joins) as listeners,
        calling(stage.settings.port, 1) as caller,
    ):
        moved = await _moved(caller, listeners, weddings, plan.count(MOVES, least=4))
        await stage.settled()
        called = await _called(stage, caller, listeners, weddings)
        stage.check()
        return {**moved, **called, "lost": float(lost(listeners))}


async def _moved(caller: Caller, listeners: Sequence[Listener], weddings: Sequence[Wedding], moves: int) -> Figures:
    each_ms: list[float] = []
    all_ms: list[float] = []
    missing = 0
    for number in range(moves):
        wedding = weddings[number % len(weddings)]
        body = {"ceremony_at": f"{12 + number // len(weddings) % 8}:{10 + number % 40:02d}"}
        delays = await _told(
            caller, listeners, request("PATCH", f"/api/v1/weddings/{wedding.id}", token=wedding.couple.token, body=body)
        )
        missing += len(listeners) - len(delays)
        each_ms += delays
        all_ms.append(max(delays, default=0.0))
    return {
        **spread("inbox", each_ms),
        "last_p50_ms": percentile(all_ms, 50),
        "last_p99_ms": percentile(all_ms, 99),
        "missing": float(missing),
    }


async def _called(stage: Stage, caller: Caller, listeners: Sequence[Listener], weddings: Sequence[Wedding]) -> Figures:
    """Nobody is a planner here, so the thirteen are called at once."""
    first_ms: list[float] = []
    async with connected(stage.settings.door("owner")) as owner:
        since = await owner.fetchval("select clock_timestamp()")
        for wedding in weddings:
            body = {"what": "weather", "detail": "The marquee has blown over."}
            path = f"/api/v1/weddings/{wedding.id}/alerts"
            first_ms += (
                await _told(caller, listeners, request("POST", path, token=wedding.couple.token, body=body), until=1)
            )[:1]
        await asyncio.sleep(SETTLE_S)
        tried = [row["took_ms"] for row in await owner.fetch(TRIED, since)]
        open_ids = await owner.fetch("select id, wedding_id from alerts where ended_at is null")
    # The next run raises them anew: what is open would be told as raised once more.
    of = {wedding.id: wedding for wedding in weddings}
    for row in open_ids:
        path, token = f"/api/v1/alerts/{row['id']}/resolve", of[row["wedding_id"]].couple.token
        await caller.call(request("POST", path, token=token, body={"outcome": "It stands again."}))
    return {
        "alarm_p95_ms": percentile(first_ms, 95),
        "alarm_mail_p95_ms": percentile(tried, 95),
        "alarms_missing": float(2 * len(weddings) - len(first_ms) - len(tried)),
    }


async def _told(
    caller: Caller, listeners: Sequence[Listener], asked: bytes, *, until: int | None = None
) -> list[float]:
    """Milliseconds from the answer to each inbox's frame; 0 where the frame was there before."""
    for listener in listeners:
        listener.frames = []
    answer = await caller.call(asked)
    if not answer.is_good:
        raise ConnectionError(f"the change was answered {answer.status}")
    at = time.monotonic_ns()
    deadline = time.monotonic() + SETTLE_S
    while time.monotonic() < deadline:
        found = [first for first in map(_first, listeners) if first is not None]
        if len(found) >= (until or len(listeners)):
            break
        await asyncio.sleep(0.005)
    await asyncio.sleep(PACE_S)
    return [max(0.0, (first - at) / 1e6) for first in map(_first, listeners) if first is not None]


def _first(listener: Listener) -> int | None:
    return next((at for at, frame in listener.frames or () if ADDED in frame), None)


SCENARIO = Scenario(
    name="inboxes",
    about="commit -> inboxes of thirteen suppliers; an emergency -> the first who is called, and the first mail tried",
    budgets=(
        Budget("inbox_p50_ms", 20.0),
        Budget("inbox_p99_ms", 75.0),
        Budget("alarm_p95_ms", 2000.0),
        Budget("alarm_mail_p95_ms", 2000.0),
        Budget("missing", 0.0),
        Budget("alarms_missing", 0.0),
    ),
    opened=opened,
    notes=(
        "from the answer to the couple, which is after the commit, to the frame of the row at each owner's socket",
        "last: the thirteenth of them",
    ),
)
