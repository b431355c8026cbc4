"""Bookings that move and calendars that follow, and the other way round: how long each takes to be on the other side.

Fifty businesses have a Google calendar in step, which is the connector's own fake in a process of its own, and takes
50 ms for every call. First bookings are moved through the API; then their owners move them in the calendar, which says
so by a notification, and a supplier's open page is to show it.
"""

import asyncio
import itertools
import re
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from bench import live
from bench.peers import peer
from bench.provider import Asked
from bench.report import Budget, Figures, spread
from bench.rounds import Plan, Run, Scenario
from bench.stage import Stage, staged
from bench.studios import Provider, Studio, accepted, found, moving
from bench.studios import opened as in_step
from wedsync.processes.drills.calls import calling, open_loop, paced
from wedsync.processes.drills.listeners import Join, Listener, listening

STUDIOS = 50
MOVES_PER_S = 20.0
SECONDS = 30.0
TOLD_PER_S = 10.0
TOLD_SECONDS = 20.0
CONNECTIONS = 16
SETTLE_S = 3.0
ON = re.compile(rb'"on": ?"(\d{4}-\d{2}-\d{2})"')
NEW_ROW = b'"record":'


@asynccontextmanager
async def opened(plan: Plan) -> AsyncIterator[Run]:
    async with peer("provider") as process:
        provider = await found(process)
        async with staged("web", "gateway", "worker", environ=provider.environ) as stage:
            studios = await in_step(stage, provider, plan.count(STUDIOS, least=2))

            async def run() -> Figures:
                await stage.settled()
                await provider.take()
                ours = await _ours(stage, provider, studios, plan)
                await stage.settled()
                return ours | await _theirs(stage, provider, studios, plan)

            yield run


async def _ours(stage: Stage, provider: Provider, studios: Sequence[Studio], plan: Plan) -> Figures:
    """Moved here."""
    make = moving(studios)
    since = time.time()
    async with calling(stage.settings.port, CONNECTIONS) as caller:
        load = await open_loop(caller, make, per_s=plan.rate(MOVES_PER_S), seconds=plan.seconds(SECONDS))
    figures, _ = await accepted(stage, provider, studios, since)
    return {**figures, "errors": float(load.errors)}


async def _theirs(stage: Stage, provider: Provider, studios: Sequence[Studio], plan: Plan) -> Figures:
    """Moved there: to the frame at the owner's socket."""
    turns = itertools.cycle(studios)
    moved: dict[tuple[str, str], float] = {}

    async def move(due: float) -> None:
        studio = next(turns)
        on = studio.next_day()
        at = await provider.ask(Asked(ask="move", calendar=studio.account, on=on), float)
        moved[_topic(studio), on] = at

    joins = [Join(topic=_topic(one), token=one.business.owner.token, table="bookings") for one in studios]
    async with listening(stage.settings.gateway_port, joins) as listeners:
        live.keep_frames(listeners)
        # Frames have the monotonic clock, the provider the other one.
        ahead = time.time() - time.monotonic()
        await paced(move, per_s=plan.rate(TOLD_PER_S), seconds=plan.seconds(TOLD_SECONDS))
        await asyncio.sleep(SETTLE_S)
        stage.check()
        seen = {place: at + ahead for listener in listeners for place, at in _arrivals(listener).items()}
    delays = [(seen[place] - at) * 1000 for place, at in moved.items() if place in seen]
    return {**spread("told", delays), "told_missing": float(len(moved) - len(delays)), "told": float(len(moved))}


def _topic(studio: Studio) -> str:
    return f"realtime:supplier:{studio.business.id}"


def _arrivals(listener: Listener) -> dict[tuple[str, str], float]:
    """When the booking was first shown on each day."""
    first: dict[tuple[str, str], float] = {}
    for at, frame in listener.frames or ():
        day = ON.search(frame, frame.find(NEW_ROW))
        if day is not None:
            first.setdefault((listener.topic, day[1].decode()), at / 1e9)
    return first


SCENARIO = Scenario(
    name="calendars",
    about="commit -> accepted by a calendar that takes 50 ms; a change there -> the screen",
    budgets=(
        Budget("accepted_mean_ms", 100.0),
        Budget("accepted_p99_ms", 180.0),
        Budget("told_p99_ms", 1000.0),
        Budget("missing", 0.0),
        Budget("told_missing", 0.0),
        Budget("errors", 0.0),
    ),
    opened=opened,
    notes=(
        "accepted: from the booking's event, just before its commit, to the fake's having it; its 50 ms are in it",
        "each write is echoed by a notification, as Google does, so hooks come in and calendars are asked meanwhile",
        "told: from the owner's move in the fake to the frame, over hook, inbox, question (50 ms) and commit",
    ),
)
