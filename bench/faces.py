"""Both faces of one wedding: what the couple changes on WedMe is on the supplier's screen, and the other way round.

From the first byte of the request to the frame at the other side's socket, at a steady pace over a hundred weddings.
The couple changes how many guests it expects; the supplier answers for a task that was given to it.
"""

import asyncio
import itertools
import re
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import msgspec

from bench import live
from bench.report import Budget, Figures, spread
from bench.rounds import Plan, Run, Scenario
from bench.stage import Stage, staged
from wedsync.processes.drills.calls import Caller, calling, paced, request
from wedsync.processes.drills.cast import Wedding, built, businesses, each
from wedsync.processes.drills.listeners import Join, Listener, listening, wedding_topic
from wedsync.tasks import actions as tasks
from wedsync.tasks.model import NewTask

WEDDINGS = 100
PER_S = 20.0
SECONDS = 20.0
CONNECTIONS = 16
SETTLE_S = 1.0
FIRST_NUMBER = 100
ESTIMATE = re.compile(rb'"guest_estimate": ?(\d+)')
NOTE = re.compile(rb'"answer_note": ?"no (\d+)"')
NEW_ROW = b'"record":'
LINKS = "select l.id from links l where l.wedding_id = app.tenant() and l.status = 'active' order by l.id limit 1"


class Pair(msgspec.Struct, frozen=True):
    """A wedding and the task of its supplier."""

    wedding: Wedding
    task: str


@asynccontextmanager
async def opened(plan: Plan) -> AsyncIterator[Run]:
    async with staged("web", "gateway") as stage:
        hired = await businesses(stage, plan.count(10))
        weddings = await built(stage, plan.count(WEDDINGS), hired=lambda number: live.shared(hired, number))
        pairs = await each(lambda one: _paired(stage, one), weddings)
        numbers = itertools.count(FIRST_NUMBER)

        async def run() -> Figures:
            await stage.forget_jobs()
            async with calling(stage.settings.port, CONNECTIONS) as caller:
                return await _run(stage, caller, pairs, numbers, plan)

        yield run


async def _paired(stage: Stage, wedding: Wedding) -> Pair:
    async with stage.door.enter(wedding.couple.actor, wedding.id) as tx:
        link = await tx.value(LINKS)
        task = await tasks.add(tx, NewTask(title="Send the run sheet", link_id=link))
    return Pair(wedding, str(task))


async def _run(
    stage: Stage, caller: Caller, pairs: Sequence[Pair], numbers: "itertools.count[int]", plan: Plan
) -> Figures:
    sent: dict[int, int] = {}
    refused: list[int] = []
    turns = itertools.cycle(pairs)

    async def act(due: float) -> None:
        pair, number = next(turns), next(numbers)
        content = _couples(pair, number) if number % 2 else _suppliers(pair, number)
        sent[number] = time.monotonic_ns()
        if not (await caller.call(content)).is_good:
            refused.append(number)

    async def warm(pair: Pair) -> None:
        """Each connection and statement once, as in a house that is lived in."""
        for content in (_couples(pair, next(numbers)), _suppliers(pair, next(numbers))):
            await caller.call(content)

    await each(warm, pairs)
    joins = [
        Join(topic=wedding_topic(pair.wedding.id), token=token, table=table)
        for pair in pairs
        for token, table in (
            (pair.wedding.businesses[0].owner.token, "weddings"),
            (pair.wedding.couple.token, "tasks"),
        )
    ]
    async with listening(stage.settings.gateway_port, joins) as listeners:
        live.keep_frames(listeners)
        await paced(act, per_s=plan.rate(PER_S), seconds=plan.seconds(SECONDS))
        await asyncio.sleep(SETTLE_S)
        stage.check()
        seen = {number: at for listener in listeners for number, at in _shown(listener).items()}
    delays = {number: (seen[number] - at) / 1e6 for number, at in sent.items() if number in seen}
    there = [delay for number, delay in delays.items() if number % 2]
    back = [delay for number, delay in delays.items() if not number % 2]
    return {
        "other_mean_ms": sum(delays.values()) / max(1, len(delays)),
        **spread("other", list(delays.values())),
        **spread("to_supplier", there),
        **spread("to_couple", back),
        "missing": float(len(sent) - len(delays)),
        "changes": float(len(sent)),
        "errors": float(len(refused)),
    }


def _couples(pair: Pair, number: int) -> bytes:
    path = f"/api/v1/weddings/{pair.wedding.id}"
    return request("PATCH", path, token=pair.wedding.couple.token, body={"guest_estimate": number})


def _suppliers(pair: Pair, number: int) -> bytes:
    body = {"answer": "declined", "note": f"no {number}"}
    path = f"/api/v1/tasks/{pair.task}/answer"
    return request("POST", path, token=pair.wedding.businesses[0].owner.token, body=body)


def _shown(listener: Listener) -> dict[int, int]:
    """When each change was first shown, by its number."""
    first: dict[int, int] = {}
    for at, frame in listener.frames or ():
        begins = frame.find(NEW_ROW)
        found = ESTIMATE.search(frame, begins) or NOTE.search(frame, begins)
        if found is not None:
            first.setdefault(int(found[1]), at)
    return first


SCENARIO = Scenario(
    name="faces",
    about="a change on WedMe -> the supplier's screen, one on WedSync -> the couple's",
    budgets=(
        Budget("other_mean_ms", 35.0),
        Budget("other_p99_ms", 50.0),
        Budget("missing", 0.0),
        Budget("errors", 0.0),
    ),
    opened=opened,
    notes=(
        "from the first byte of the request, over its commit, to the frame at the other side; one monotonic clock",
        "20 changes a second in turn, 200 sockets over 100 weddings; no worker: what they owe is not done meanwhile",
    ),
)
