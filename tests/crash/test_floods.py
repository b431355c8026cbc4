"""A flood on one tenant's hook, ten times its limit: the others' hooks are answered as before."""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import pytest
import pytest_asyncio

from tests.contracts.guest_house import GuestHouse, building
from tests.crash.stage import Stage, staged
from tests.engines_fixture import RunningPostgres, clone, drop, settings_for
from tests.eventually import passes
from tests.ledger import admin_url
from wedsync.connections import actions
from wedsync.connections.model import HookSettings, NewConnection
from wedsync.kit import clock

OTHERS, OTHERS_PER_S = 3, 20
LIMIT_PER_MINUTE = 600
FLOOD_PER_S = 10 * LIMIT_PER_MINUTE // 60
WINDOW_S, WINDOWS = 2.5, 6
WORSE_MAX = 1.2
TRIES = 4
"""What is compared are the slowest few of a hundred on a machine that others use: a disturbed run is done again."""


class Source:
    """One tenant's sender of hooks."""

    def __init__(self, http: httpx.AsyncClient, path: str, secret: str) -> None:
        self.http, self.path, self.secret = http, path, secret
        self.answers: list[tuple[int, float]] = []

    async def send(self) -> None:
        body = msgspec.json.encode({"id": str(uuid4()), "type": "photo.tagged", "data": {}})
        digest = hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {"content-type": "application/json", "x-hub-signature-256": f"sha256={digest}"}
        began = clock.monotonic()
        answer = await self.http.post(self.path, content=body, headers=headers)
        self.answers.append((answer.status_code, clock.monotonic() - began))

    async def keep_sending(self, per_s: float, seconds: float) -> None:
        """At a steady pace, whether or not the answers come."""
        began, sent = clock.monotonic(), []
        for number in range(int(per_s * seconds)):
            await passes(asyncio.Event(), max(0.0, began + number / per_s - clock.monotonic()))
            sent.append(asyncio.create_task(self.send()))
        await asyncio.gather(*sent)


@pytest_asyncio.fixture
async def sources(
    postgres: RunningPostgres, worker: str, valkey_url: str, tmp_path: Path
) -> AsyncIterator[list[Source]]:
    """The one that is flooded, and the others."""
    database = await clone(postgres, f"wedsync_{worker}_floods")
    settings = settings_for(tmp_path, database, valkey_url)
    async with (
        building(database, postgres, settings) as build,
        staged(settings, admin_url(postgres, database), tmp_path) as stage,
        httpx.AsyncClient(base_url=stage.web, timeout=30) as http,
    ):
        yield [await source(http, stage, await build(), is_flooded=n == 0) for n in range(OTHERS + 1)]
    await drop(postgres, database.name)


async def source(http: httpx.AsyncClient, stage: Stage, house: GuestHouse, *, is_flooded: bool) -> Source:
    per_minute = LIMIT_PER_MINUTE if is_flooded else 1_000_000
    new = NewConnection(connector="zapier_hook", settings=HookSettings(rate_per_minute=per_minute))
    async with house.wedding.as_(house.wedding.ana) as tx:
        made: Any = await actions.add(tx, house.ring, house.id, new)
    return Source(http, f"/hooks/zapier_hook/{made[0]}", made[1])


def p99_ms(sources: list[Source]) -> float:
    took = sorted(took for one in sources for _, took in one.answers)
    return took[int(len(took) * 0.99)] * 1000


async def compared(flooded: Source, others: list[Source]) -> tuple[float, float]:
    """Quiet and flooded windows in turn; the others' p99 of each kind."""
    came: dict[bool, list[Source]] = {}
    for is_flood in (False, True):
        came[is_flood] = [Source(one.http, one.path, one.secret) for one in others]
    for number in range(2 * WINDOWS):
        is_flood = number % 2 == 1
        flood = [flooded.keep_sending(FLOOD_PER_S, WINDOW_S)] if is_flood else []
        await asyncio.gather(*(one.keep_sending(OTHERS_PER_S, WINDOW_S) for one in came[is_flood]), *flood)
    assert {status for kind in came.values() for one in kind for status, _ in one.answers} == {202}
    return p99_ms(came[False]), p99_ms(came[True])


@pytest.mark.prove
@pytest.mark.timeout(300)
async def test_a_flood_on_one_hook_is_not_felt_by_the_others(sources: list[Source]) -> None:
    flooded, *others = sources
    ratios = []
    for _ in range(TRIES):
        quiet, loud = await compared(flooded, others)
        ratios.append(loud / quiet)
        print(f"\nothers' p99 {quiet:.1f} ms, during the flood {loud:.1f} ms: x {ratios[-1]:.2f}", end="")
        if ratios[-1] <= WORSE_MAX:
            break
    statuses = [status for status, _ in flooded.answers]
    print(f"\nflood: {len(statuses)} sent, {statuses.count(429)} refused with 429")
    assert set(statuses) == {202, 429}
    assert min(ratios) <= WORSE_MAX
