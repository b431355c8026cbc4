"""A supplier with sixty active weddings while fifty couples change theirs at once: the page, and each change on it.

A change is on the page when the supplier's socket has been told: from the answer to the couple until that frame.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

import msgspec

from bench.report import Budget, Figures, percentile, spread
from bench.rounds import Plan, Run, Scenario
from bench.stage import Stage, staged
from wedsync.processes.drills.calls import Caller, calling, request
from wedsync.processes.drills.cast import Business, Wedding, built, businesses
from wedsync.processes.drills.listeners import Join, Listener, listening, lost

WEDDINGS = 60
EDITED = 50
WAVES = 8
WAVE_S = 3.0
PAGES_PER_S = 10.0
TABLE = "supplier_index"


class Shown(msgspec.Struct):
    """The part of a `postgres_changes` frame that names the wedding."""

    record: dict[str, object]


class Change(msgspec.Struct):
    """Its payload."""

    data: Shown


@asynccontextmanager
async def opened(plan: Plan) -> AsyncIterator[Run]:
    async with staged("sandbox", "web", "gateway", "worker") as stage:
        (business,) = await businesses(stage, 1)
        weddings = await built(
            stage, plan.count(WEDDINGS), guests_each=20, tasks_each=3, hired=lambda number: [business], level="standard"
        )
        await stage.settled()

        async def run() -> Figures:
            return await _run(stage, business, weddings, plan)

        yield run


async def _run(stage: Stage, business: Business, weddings: Sequence[Wedding], plan: Plan) -> Figures:
    owner = business.owner
    join = Join(topic=f"realtime:supplier:{business.id}", token=owner.token, table=TABLE)
    page = request("GET", f"/studio/{business.id}", cookie=owner.cookie)
    edited = weddings[: plan.count(EDITED)]
    page_ms: list[float] = []
    shown_ms: list[float] = []
    answered_ms: list[float] = []
    missing = errors = 0
    async with (
        listening(stage.settings.gateway_port, [join]) as (listener,),
        calling(stage.settings.port, len(edited)) as editors,
        calling(stage.settings.port, 4) as reader,
    ):
        reading = asyncio.create_task(_read(reader, page, page_ms))
        try:
            for wave in range(WAVES if plan.scale >= 1 else 2):
                listener.frames = []
                answers = await asyncio.gather(*(_edit(editors, wedding, wave) for wedding in edited))
                await asyncio.sleep(WAVE_S)
                errors += sum(not is_good for _, _, is_good in answers)
                answered_ms += [took_ms for _, took_ms, _ in answers]
                delays = _delays(listener, edited, [at for at, _, _ in answers])
                missing += len(edited) - len(delays)
                shown_ms += delays
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        stage.check()
        return {
            **spread("page", page_ms),
            **spread("shown", shown_ms),
            "edit_p50_ms": percentile(answered_ms, 50),
            "edit_p99_ms": percentile(answered_ms, 99),
            "missing": float(missing),
            "errors": float(errors + lost([listener])),
            "pages": float(len(page_ms)),
        }


async def _edit(caller: Caller, wedding: Wedding, wave: int) -> tuple[int, float, bool]:
    """The couple moves the ceremony; returns when that was answered, how long it took, and whether it was done."""
    body = {"ceremony_at": f"{12 + wave % 2}:{10 + time.monotonic_ns() % 40:02d}"}
    began = time.perf_counter()
    answer = await caller.call(
        request("PATCH", f"/api/v1/weddings/{wedding.id}", token=wedding.couple.token, body=body)
    )
    return time.monotonic_ns(), (time.perf_counter() - began) * 1000, answer.is_good


async def _read(caller: Caller, page: bytes, took_ms: list[float]) -> None:
    """Look at the page again and again."""
    while True:
        began = time.perf_counter()
        answer = await caller.call(page)
        if not answer.is_good:
            raise ConnectionError(f"the portfolio was answered {answer.status}")
        took_ms.append((time.perf_counter() - began) * 1000)
        await asyncio.sleep(max(0.0, 1 / PAGES_PER_S - (time.perf_counter() - began)))


def _delays(listener: Listener, edited: Sequence[Wedding], answered_at: Sequence[int]) -> list[float]:
    """Milliseconds from each answer to the first frame about that wedding; 0 where the frame was there before."""
    first: dict[UUID, int] = {}
    for at, frame in listener.frames or ():
        change = msgspec.convert(msgspec.json.decode(frame)[4], type=Change)
        first.setdefault(UUID(str(change.data.record["wedding_id"])), at)
    return [
        max(0.0, (first[wedding.id] - at) / 1e6)
        for wedding, at in zip(edited, answered_at, strict=True)
        if wedding.id in first
    ]


SCENARIO = Scenario(
    name="portfolio",
    about="portfolio of 60 active weddings, 50 edited at once",
    budgets=(Budget("page_p95_ms", 100.0), Budget("shown_max_ms", 50.0), Budget("missing", 0.0), Budget("errors", 0.0)),
    opened=opened,
    notes=(
        "each wave moves 50 ceremonies at once, and each move opens an acknowledgement; shown_max is the worst of all",
    ),
)
