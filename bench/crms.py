"""Clients that change and a CRM that follows, and the other way round: how long each takes to be on the other side.

Fifty businesses have a VSCO Workspace in step in both directions, which is the connector's own fake in a process of its
own, and takes 50 ms for every call. First clients are moved to other days through the API; then owners write down
enquiries there, which it tells by a hook, and the business's open page is to show the new client.
"""

import asyncio
import itertools
import re
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date, timedelta
from typing import Any, TypeVar

import msgspec

from bench import live
from bench.peers import Peer, peer
from bench.report import Budget, Figures, spread
from bench.rounds import Plan, Run, Scenario
from bench.stage import Stage, StageFailed, staged
from bench.workspace import Asked, Write
from wedsync.connectors.tave.fake import Tave
from wedsync.processes.drills.calls import Caller, calling, open_loop, paced, request
from wedsync.processes.drills.cast import Business, businesses, each
from wedsync.processes.drills.listeners import Join, Listener, listening

T = TypeVar("T")

STUDIOS = 50
CHANGES_PER_S = 10.0
SECONDS = 30.0
MADE_PER_S = 5.0
MADE_SECONDS = 20.0
CONNECTIONS = 16
QUIET_S = 5.0
SETTLE_S = 10.0
FIRST = date.today() + timedelta(days=30)
ADDED = b"client.added"
ON = re.compile(rb'"wedding_on": ?"(\d{4}-\d{2}-\d{2})"')
CHANGED = """select e.stream_id, e.record ->> 'wedding_on' as "on", extract(epoch from e.recorded_at)::float8 as at
    from events e where e.type = 'client.changed' and e.actor_kind = 'person' and e.recorded_at >= to_timestamp($1)"""


class Studio(msgspec.Struct):
    """A business, its one client, and its studio there. `days` counts those that were used."""

    business: Business
    key: str
    client: str = ""
    days: int = 0

    def next_day(self) -> str:
        """A day on which nothing has ever been."""
        self.days += 1
        return (FIRST + timedelta(days=self.days)).isoformat()


class Workspace:
    """The process of the fake, asked by one at a time."""

    def __init__(self, peer: Peer, at: str) -> None:
        self._peer = peer
        self._turn = asyncio.Lock()
        self.environ = {f"WEDSYNC_{name.upper()}": str(value) for name, value in Tave().settings_at(at).items()}

    async def ask(self, asked: Asked, kind: type[T]) -> T:
        async with self._turn:
            await self._peer.tell(asked)
            return await self._peer.answer(kind, patience_s=30)

    async def take(self) -> list[Write]:
        return await self.ask(Asked(ask="take"), list[Write])


@asynccontextmanager
async def opened(plan: Plan) -> AsyncIterator[Run]:
    async with peer("workspace") as process:
        there = Workspace(process, await process.answer(str, patience_s=20))
        async with staged("web", "gateway", "worker", environ=there.environ) as stage:
            async with calling(stage.settings.port, CONNECTIONS) as caller:
                studios = await in_step(stage, caller, there, plan.count(STUDIOS, least=2))

            async def run() -> Figures:
                await stage.settled()
                await there.take()
                ours = await _ours(stage, there, studios, plan)
                await stage.settled()
                return ours | await _theirs(stage, there, studios, plan)

            yield run


async def in_step(stage: Stage, caller: Caller, there: Workspace, count: int) -> list[Studio]:
    """So many businesses, connected as their owners do it, each with the one job of its studio as a client."""
    keys = await there.ask(Asked(ask="studios", count=count), list[str])
    studios = [Studio(one, key) for one, key in zip(await businesses(stage, count), keys, strict=True)]

    async def connect(one: Studio) -> str:
        path = f"/api/v1/suppliers/{one.business.id}/connections/tave"
        made = await _asked(caller, one, "POST", path, {"password": one.key})
        return f"/api/v1/connections/{made['connection']['id']}/records"

    async def choose(place: tuple[Studio, str]) -> None:
        one, book = place
        await _asked(caller, one, "PATCH", book, {"direction": "both"})

    books = await each(connect, studios)
    await stage.settled()
    await each(choose, zip(studios, books, strict=True))
    await stage.settled()
    for one in studios:
        found = await _asked(caller, one, "GET", f"/api/v1/suppliers/{one.business.id}/clients")
        if len(found["items"]) != 1:
            raise StageFailed(f"a studio with one job has {len(found['items'])} clients after its first run")
        one.client = found["items"][0]["id"]
    await stage.analyze()
    return studios


async def _asked(caller: Caller, one: Studio, method: str, path: str, body: Any = None) -> Any:
    answer = await caller.call(request(method, path, token=one.business.owner.token, body=body))
    if not answer.is_good:
        raise StageFailed(f"{method} {path} was answered {answer.status}: {answer.body[:300].decode(errors='replace')}")
    return msgspec.json.decode(answer.body)


async def _ours(stage: Stage, there: Workspace, studios: Sequence[Studio], plan: Plan) -> Figures:
    """Changed here: from the event, just before the commit, to the fake's having it."""
    turns = itertools.cycle(studios)

    def change() -> bytes:
        one = next(turns)
        path = f"/api/v1/suppliers/{one.business.id}/clients/{one.client}"
        return request("PATCH", path, token=one.business.owner.token, body={"wedding_on": one.next_day()})

    since = time.time()
    async with calling(stage.settings.port, CONNECTIONS) as caller:
        load = await open_loop(caller, change, per_s=plan.rate(CHANGES_PER_S), seconds=plan.seconds(SECONDS))
    rows = await stage.admin.fetch(CHANGED, since)
    of = {one.business.id: one.key for one in studios}
    changed = {(of[row["stream_id"]], row["on"]): row["at"] for row in rows}
    written = await _written(there, set(changed))
    stage.check()
    delays = [(written[one] - at) * 1000 for one, at in changed.items() if one in written]
    return {
        "accepted_mean_ms": sum(delays) / max(1, len(delays)),
        **spread("accepted", delays),
        "missing": float(len(changed) - len(delays)),
        "changes": float(len(changed)),
        "errors": float(load.errors),
    }


async def _written(there: Workspace, wanted: set[tuple[str, str]]) -> dict[tuple[str, str], float]:
    """When each was there first, once no more come."""
    found: dict[tuple[str, str], float] = {}
    quiet_at = time.monotonic() + QUIET_S
    while not wanted <= found.keys() and time.monotonic() < quiet_at:
        more = await there.take()
        if more:
            quiet_at = time.monotonic() + QUIET_S
        for one in more:
            found.setdefault((one.key, one.on), one.at)
        await asyncio.sleep(0.25)
    return found


async def _theirs(stage: Stage, there: Workspace, studios: Sequence[Studio], plan: Plan) -> Figures:
    """Written down there: to the frame of the new client at the owner's socket."""
    turns = itertools.cycle(studios)
    made: dict[tuple[str, str], float] = {}

    async def make(due: float) -> None:
        one = next(turns)
        on = one.next_day()
        made[_topic(one), on] = await there.ask(Asked(ask="make", key=one.key, on=on), float)

    joins = [Join(topic=_topic(one), token=one.business.owner.token, table="") for one in studios]
    async with listening(stage.settings.gateway_port, joins) as listeners:
        live.keep_frames(listeners)
        # Frames have the monotonic clock, the provider the other one.
        ahead = time.time() - time.monotonic()
        await paced(make, per_s=plan.rate(MADE_PER_S), seconds=plan.seconds(MADE_SECONDS))
        await asyncio.sleep(SETTLE_S)
        stage.check()
        seen = {place: at + ahead for listener in listeners for place, at in _announced(listener).items()}
    delays = [(seen[place] - at) * 1000 for place, at in made.items() if place in seen]
    return {
        **spread("announced", delays),
        "announced_missing": float(len(made) - len(delays)),
        "announced": float(len(made)),
    }


def _topic(one: Studio) -> str:
    return f"realtime:supplier:{one.business.id}"


def _announced(listener: Listener) -> dict[tuple[str, str], float]:
    """When a client of each day was first shown."""
    first: dict[tuple[str, str], float] = {}
    for at, frame in listener.frames or ():
        day = ON.search(frame) if ADDED in frame else None
        if day is not None:
            first.setdefault((listener.topic, day[1].decode()), at / 1e9)
    return first


SCENARIO = Scenario(
    name="crms",
    about="commit -> accepted by a CRM that takes 50 ms; a verified hook of it -> the client announced",
    budgets=(
        Budget("accepted_mean_ms", 150.0),
        Budget("accepted_p99_ms", 300.0),
        Budget("announced_p99_ms", 1000.0),
        Budget("missing", 0.0),
        Budget("announced_missing", 0.0),
        Budget("errors", 0.0),
    ),
    opened=opened,
    notes=(
        "accepted: from the event, just before its commit, to the fake's having it; two calls of 50 ms are in it",
        "announced: from writing it down in the fake to the frame, over hook, inbox, reading (50 ms) and commit",
    ),
)
