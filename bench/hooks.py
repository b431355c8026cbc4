"""Verified inbound hooks through HTTP: how many are committed a second, and how long one takes at 300 a second.

A hook is verified by its signature, sealed, and committed with the job that it owes; no worker runs here.
"""

import hashlib
import hmac
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from bench.calls import calling, closed_loop, open_loop, request
from bench.cast import Wedding, built
from bench.report import Budget, Figures, percentile, spread
from bench.rounds import Plan, Run, Scenario
from bench.stage import Stage, staged
from wedsync.connections import actions
from wedsync.connections.model import HookSettings, NewConnection

WEDDINGS = 100
AT_ONCE = 16
CONNECTIONS = 32
OPEN_PER_S = 300.0
SECONDS = 15.0
WARM_S = 2.0
PARTS = ("web", "postgres", "valkey")
# The limit is another promise: here nobody is to meet it.
SETTINGS = HookSettings(rate_per_minute=1_000_000)


@asynccontextmanager
async def opened(plan: Plan) -> AsyncIterator[Run]:
    async with staged("web") as stage:
        weddings = await built(stage, plan.count(WEDDINGS), guests_each=1)
        make = sending([await source(stage, wedding) for wedding in weddings])

        async def run() -> Figures:
            await stage.forget_jobs()
            return await _run(stage, make, plan)

        yield run


async def source(stage: Stage, wedding: Wedding) -> tuple[str, str]:
    """A source of a wedding: its path and its secret."""
    async with stage.door.enter(wedding.couple.actor, wedding.id) as tx:
        new = NewConnection(connector="zapier_hook", settings=SETTINGS)
        made, secret = await actions.add(tx, stage.ring, wedding.id, new)
    return f"/hooks/zapier_hook/{made}", secret


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
    budgets=(Budget("rate_per_s", 1000.0, is_floor=True), Budget("paced_p99_ms", 50.0), Budget("errors", 0.0)),
    opened=opened,
    notes=("no worker runs: what a hook changes is owed, not done; the limit of each source is lifted",),
)
