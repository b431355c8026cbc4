"""Ceremonies that move and the mails that say so: how long until the provider has accepted each.

Fifty weddings with two businesses each; the provider is Resend's own fake in a process of its own, and takes 50 ms for
every call. What people may be told in an hour is given back before each run, or they would be told the rest later.
"""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from bench.peers import Peer, peer
from bench.postbox import Accepted
from bench.report import Budget, Figures, spread
from bench.rounds import Plan, Run, Scenario
from bench.stage import Stage, staged
from wedsync.connectors.resend.fake import Resend
from wedsync.processes.drills.calls import calling, open_loop, request
from wedsync.processes.drills.cast import Wedding, built, businesses

WEDDINGS = 50
HIRED = 2
MOVES_PER_S = 10.0
SECONDS = 30.0
CONNECTIONS = 16
QUIET_S = 5.0
OWED = """select d.id::text as id, extract(epoch from e.recorded_at)::float8 as at
    from deliveries d join events e on e.stream_id = d.stream_id and e.seq = d.seq and e.id = d.event_id
    where d.connector = 'mail' and e.type = 'wedding.times_changed' and e.recorded_at >= to_timestamp($1)"""


@asynccontextmanager
async def opened(plan: Plan) -> AsyncIterator[Run]:
    async with peer("postbox") as postbox:
        address = await postbox.answer(str, patience_s=20)
        environ = {f"WEDSYNC_{name.upper()}": str(value) for name, value in Resend().settings_at(address).items()}
        async with staged("web", "worker", environ=environ) as stage:
            count = plan.count(WEDDINGS, least=2)
            firms = await businesses(stage, HIRED * count)
            weddings = await built(stage, count, hired=lambda n: firms[HIRED * n : HIRED * (n + 1)], level="standard")
            await stage.settled()
            await stage.analyze()

            async def run() -> Figures:
                return await _run(stage, postbox, weddings, plan)

            yield run


async def _run(stage: Stage, postbox: Peer, weddings: Sequence[Wedding], plan: Plan) -> Figures:
    await stage.admin.execute("update reaches set sent_at = '{}'")
    await stage.settled()
    await _taken(postbox)
    moves = itertools.count()

    def move() -> bytes:
        number = next(moves)
        wedding = weddings[number % len(weddings)]
        body = {"ceremony_at": f"{12 + number % 8}:{number // 8 % 60:02d}"}
        return request("PATCH", f"/api/v1/weddings/{wedding.id}", token=wedding.couple.token, body=body)

    since = time.time()
    async with calling(stage.settings.port, CONNECTIONS) as caller:
        load = await open_loop(caller, move, per_s=plan.rate(MOVES_PER_S), seconds=plan.seconds(SECONDS))
    await stage.settled()  # all reactions are through, and owe what they owe
    owed: dict[str, float] = {row["id"]: row["at"] for row in await stage.admin.fetch(OWED, since)}
    accepted = await _accepted(postbox, set(owed))
    stage.check()
    delays = [(accepted[one] - at) * 1000 for one, at in owed.items() if one in accepted]
    return {
        "accepted_mean_ms": sum(delays) / max(1, len(delays)),
        **spread("accepted", delays),
        "missing": float(HIRED * len(load.took_ms) - len(delays)),
        "mails": float(len(delays)),
        "errors": float(load.errors),
    }


async def _accepted(postbox: Peer, wanted: set[str]) -> dict[str, float]:
    """When each was accepted first, once no more come."""
    found: dict[str, float] = {}
    quiet_at = time.monotonic() + QUIET_S
    while not wanted <= found.keys() and time.monotonic() < quiet_at:
        more = await _taken(postbox)
        if more:
            quiet_at = time.monotonic() + QUIET_S
        for one in more:
            found.setdefault(one.delivery, one.at)
        await asyncio.sleep(0.25)
    return found


async def _taken(postbox: Peer) -> list[Accepted]:
    await postbox.tell("take")
    return await postbox.answer(list[Accepted], patience_s=30)


SCENARIO = Scenario(
    name="mails",
    about="commit -> accepted by a mail provider that takes 50 ms",
    budgets=(
        Budget("accepted_mean_ms", 250.0),
        Budget("accepted_p99_ms", 750.0),
        Budget("missing", 0.0),
        Budget("errors", 0.0),
    ),
    opened=opened,
    notes=(
        "accepted: from the event, just before its commit, to the fake's having it; its 50 ms are in it",
        "at 10 moved ceremonies a second, two mails each; the limit of ten notices an hour is given back before a run",
    ),
)
