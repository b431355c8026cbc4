"""Verified inbound hooks through HTTP: how many are committed a second, how long one takes at 300 a second, and the
time from the first byte of one to the screens that may see what it changes.

A hook is verified by its signature, sealed, and committed with the job that it owes; a worker and a gateway run for the
screens alone.
"""

import asyncio
import hashlib
import hmac
import itertools
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from bench import live
from bench.report import Budget, Figures, percentile, spread
from bench.rounds import Plan, Run, Scenario
from bench.stage import Stage, staged
from wedsync.connections import actions
from wedsync.connections.model import HookSettings, NewConnection
from wedsync.processes.drills.calls import Caller, calling, closed_loop, open_loop, request
from wedsync.processes.drills.cast import Wedding, built, businesses
from wedsync.processes.drills.listeners import Join, Listener, listening, wedding_topic

WEDDINGS = 100
AT_ONCE = 16
CONNECTIONS = 32
OPEN_PER_S = 300.0
SECONDS = 15.0
WARM_S = 2.0
SCREENS_PER_S = 20.0
SCREENS_S = 10.0
SETTLE_S = 2.0
FIRST_ESTIMATE = 100
ESTIMATE = re.compile(rb'"guest_estimate": ?(\d+)')
"""What each hook changes, to a number of its own: the frame says which hook it is of."""
NEW_ROW = b'"record":'
PARTS = ("web", "postgres", "valkey")
# The limit is another promise: here nobody is to meet it.
SETTINGS = HookSettings(rate_per_minute=1_000_000)


@asynccontextmanager
async def opened(plan: Plan) -> AsyncIterator[Run]:
    async with staged("web") as stage:
        hired = await businesses(stage, plan.count(10))
        weddings = await built(
            stage, plan.count(WEDDINGS), guests_each=1, hired=lambda number: live.shared(hired, number)
        )
        make = sending([await source(stage, wedding) for wedding in weddings])
        secrets = [await own_hook(stage, wedding) for wedding in weddings]

        async def run() -> Figures:
            await stage.forget_jobs()
            figures = await _run(stage, make, plan)
            await stage.forget_jobs()
            await stage.start("worker", "gateway")
            try:
                return figures | await _to_screens(stage, weddings, secrets, plan)
            finally:
                stage.stop("worker", "gateway")

        yield run


async def source(stage: Stage, wedding: Wedding) -> tuple[str, str]:
    """A source of a wedding: its path and its secret."""
    async with stage.door.enter(wedding.couple.actor, wedding.id) as tx:
        new = NewConnection(connector="zapier_hook", settings=SETTINGS)
        made, secret = await actions.add(tx, stage.ring, wedding.id, new)
    return f"/hooks/zapier_hook/{made}", secret


async def own_hook(stage: Stage, wedding: Wedding) -> str:
    """The secret of a wedding's own hook."""
    async with stage.door.enter(wedding.couple.actor, wedding.id) as tx:
        _, secret = await actions.add(tx, stage.ring, wedding.id, NewConnection(connector="couples", settings=SETTINGS))
    return secret


async def _to_screens(stage: Stage, weddings: list[Wedding], secrets: list[str], plan: Plan) -> Figures:
    """From the first byte of a hook, sent at a steady pace, to its frame at the couple's and the supplier's socket."""
    joins = [
        Join(topic=wedding_topic(wedding.id), token=token, table="weddings")
        for wedding in weddings
        for token in (wedding.couple.token, *(business.owner.token for business in wedding.businesses))
    ]
    count = max(1, int(plan.rate(SCREENS_PER_S) * plan.seconds(SCREENS_S)))
    sent: dict[int, int] = {}
    async with (
        listening(stage.settings.gateway_port, joins) as listeners,
        calling(stage.settings.port, CONNECTIONS) as caller,
    ):
        live.keep_frames(listeners)
        asked = []
        for number in range(count):
            wedding, secret = weddings[number % len(weddings)], secrets[number % len(weddings)]
            estimate = FIRST_ESTIMATE + number
            sent[estimate] = time.monotonic_ns()
            asked.append(asyncio.create_task(_tell(caller, wedding, secret, estimate)))
            await asyncio.sleep(1 / plan.rate(SCREENS_PER_S))
        refused = [good for good in await asyncio.gather(*asked) if not good]
        await asyncio.sleep(SETTLE_S)
        stage.check()
        delays = _delays(listeners, sent)
    each = len(joins) // len(weddings)
    return {
        **spread("screen", delays),
        "screens_missing": float(count * each - len(delays)),
        "hooks_refused": float(len(refused)),
    }


async def _tell(caller: Caller, wedding: Wedding, secret: str, estimate: int) -> bool:
    said = {"id": f"{time.monotonic_ns()}", "type": "wedding.updated", "couple_id": wedding.id}
    told = {**said, "occurred_at": "2026-11-21T10:00:00Z", "data": {"guest_estimate": estimate}}
    body = msgspec.json.encode(told)
    signature = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {"Content-Type": "application/json", "X-WedSync-Signature": signature}
    answer = await caller.call(request("POST", "/api/webhooks/couples", body=body, headers=headers))
    return answer.is_good


def _delays(listeners: list[Listener], sent: dict[int, int]) -> list[float]:
    """Milliseconds to the first frame that shows each change, a socket at a time."""
    delays = []
    for listener in listeners:
        first: dict[int, int] = {}
        for at, frame in listener.frames or ():
            found = ESTIMATE.search(frame, frame.find(NEW_ROW))
            if found is not None and int(found[1]) in sent:
                first.setdefault(int(found[1]), at)
        delays += [(at - sent[estimate]) / 1e6 for estimate, at in first.items()]
    return delays


def sending(sources: list[tuple[str, str]]) -> Callable[[], bytes]:
    """Makes requests, each with an id of its own, from every source in turn."""
    numbers, turns = itertools.count(), itertools.cycle(sources)

    def make() -> bytes:
        path, secret = next(turns)
        body = b'{"id":%d,"type":"form.sent","data":{"note":"%b"}}' % (next(numbers), b"x" * 400)
        signature = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        headers: dict[str, Any] = {"Content-Type": "application/json", "X-Hub-Signature-256": signature}
        return request("POST", path, body=body, headers=headers)

    return make


async def _run(stage: Stage, make: Callable[[], bytes], plan: Plan) -> Figures:
    async with calling(stage.settings.port, CONNECTIONS) as caller:
        await closed_loop(caller, make, at_once=AT_ONCE, seconds=WARM_S)
        before = {part: stage.cpu_s(part) for part in PARTS}
        most = await closed_loop(caller, make, at_once=AT_ONCE, seconds=plan.seconds(SECONDS))
        spent = {part: stage.cpu_s(part) - before[part] for part in PARTS}
        paced = await open_loop(caller, make, per_s=plan.rate(OPEN_PER_S), seconds=plan.seconds(SECONDS))
    stage.check()
    answered = max(1, len(most.took_ms))
    return {
        "rate_per_s": most.per_s,
        "full_p99_ms": percentile(most.took_ms, 99),
        **{f"{part}_us": spent[part] / answered * 1e6 for part in PARTS},
        **spread("paced", paced.took_ms),
        "errors": float(most.errors + paced.errors),
    }


SCENARIO = Scenario(
    name="hooks",
    about="verified inbound hooks, committed",
    budgets=(
        Budget("rate_per_s", 1000.0, is_floor=True),
        Budget("paced_p99_ms", 50.0),
        Budget("screen_p95_ms", 200.0),
        Budget("screens_missing", 0.0),
        Budget("errors", 0.0),
    ),
    opened=opened,
    notes=(
        "rate and pace without a worker: what a hook changes is owed, not done; the limit of each source is lifted",
        "screen: from the first byte of a couples' hook to the frame at couple and supplier, with one worker",
    ),
)
