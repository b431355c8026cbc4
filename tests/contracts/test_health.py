"""Health through the door: what was tried is counted once, judged by what it came to, and what changes is remembered."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID, uuid4

import asyncpg
import msgspec
import pytest_asyncio

from tests.contracts.town import Somebody, Town
from tests.engines_fixture import Database
from wedsync.kit import sketch
from wedsync.operations.health import actions, judging
from wedsync.operations.health.actions import queries
from wedsync.processes import health_watch

DELIVERY = """insert into deliveries (id, made_at, tenant_id, connector, destination_id, type, lane, state, attempts)
    values ($1, clock_timestamp(), $2, $3, $4, 'rsvp.replied', 1, $5, 1)"""
ATTEMPT = """insert into attempts (delivery_id, tenant_id, number, outcome, status, total_ms, started_at)
    values ($1, $2, 1, $3, $4, $5, clock_timestamp())"""


@pytest_asyncio.fixture(scope="module")
async def otto(town: Town) -> Somebody:
    made = await town.person("otto")
    await town.admin.execute("select app.make_operator($1)", made.id)
    return made


@pytest_asyncio.fixture(scope="module")
async def clock(database: Database) -> AsyncIterator[asyncpg.Connection]:
    """The clock's own connection, with its rights."""
    connection = await asyncpg.connect(database.service)
    yield connection
    await connection.close()


async def tried(
    town: Town, name: str, outcome: str, *, status: int | None = 200, ms: float = 100.0, times: int = 1
) -> UUID:
    tenant = uuid4()
    state = "delivered" if outcome == "delivered" else "deferred"
    for _ in range(times):
        delivery = uuid4()
        await town.admin.execute(DELIVERY, delivery, tenant, name, tenant, state)
        await town.admin.execute(ATTEMPT, delivery, tenant, outcome, status, ms)
    return tenant


async def signal(otto: Somebody, kind: str, name: str) -> dict[str, object]:
    found = (await otto.got("GET", "/api/v1/platform/health"))["signals"]
    [one] = [one for one in found if (one["kind"], one["name"]) == (kind, name)]
    return dict(one)


async def test_tries_are_counted_once_and_told_with_percentiles(
    town: Town, otto: Somebody, clock: asyncpg.Connection
) -> None:
    name = f"acme_{uuid4().hex[:8]}"
    tenant = await tried(town, name, "delivered", times=16)
    await tried(town, name, "delivered", ms=4000.0, times=2)
    await tried(town, name, "retry_later", status=503, times=2)
    await tried(town, name, "rejected", status=422, times=3)
    await actions.gather(clock.fetchval, timedelta())
    await actions.gather(clock.fetchval, timedelta())
    one = await signal(otto, "channel", name)
    assert (one["results"], one["refused"], one["error_rate"]) == (20, 3, 0.1)
    assert one["p50_ms"] is not None and abs(float(str(one["p50_ms"])) - 100) < 1.1
    assert abs(float(str(one["p95_ms"])) - 4000) < 40
    assert one["p99_ms"] is None, "of eighteen nobody knows"
    hours = await town.admin.fetchrow(
        "select good, bad, refused, slow from health_series where step_s = 3600 and name = $1", name
    )
    assert tuple(hours) == (18, 2, 3, 2)
    days = await town.admin.fetchrow("select good, connector from delivery_days where tenant_id = $1", tenant)
    assert tuple(days) == (16, name)
    [part] = [
        part
        for part in (await otto.got("GET", "/api/v1/platform/health"))["parts"]
        if part["part"] == f"deliveries {name}"
    ]
    assert part["status"] == "bad", "one of ten fails"
    for ms in (0.05, 0.1, 1, 99, 100.5, 86_400_001):
        assert await clock.fetchval("select app.bucket($1)", ms) == sketch.bucket(ms)


async def test_the_clock_watches_and_what_failed_and_came_back_is_remembered(
    town: Town, otto: Somebody, clock: asyncpg.Connection
) -> None:
    heard: list[str] = []
    is_away = [True]

    async def published(nudge: str) -> bool:
        heard.append(nudge)
        return not is_away[0]

    await health_watch.watching(published)(clock)
    assert heard == ["[]"]
    is_away[0] = False
    await health_watch.watching(published)(clock)
    watch = health_watch.watching(published)
    await watch(clock)
    await watch(clock)
    assert len(heard) == 3, "not again before it is time"
    changes = (await otto.got("GET", "/api/v1/platform/health"))["changes"]
    back = next(one for one in changes if one["part"] == "probe valkey")
    assert (back["was"], back["status"]) == ("bad", "look"), "it answers again, and failed a moment ago"
    assert back["lasted_s"] > 0
    found = await otto.got("GET", "/api/v1/platform/health")
    assert {"probe database", "database", "queue critical"} <= {one["part"] for one in found["parts"]}
    assert {one["name"] for one in found["signals"] if one["kind"] == "gauge"} >= {"database connections", "queue low"}
    assert found["judged_every_s"] in (10.0, 30.0)
    ladders = {one["what"]: one["steps"] for one in found["fallbacks"]}
    assert ladders["E-mail"][-1] == "in the app"
    assert {"Chat", "Live screens", "Word of a commit", "Google Calendar"} <= set(ladders)


async def test_a_process_that_falls_silent_is_missed_and_one_that_says_goodbye_is_not(
    town: Town, otto: Somebody, clock: asyncpg.Connection
) -> None:
    silent, leaving = uuid4(), uuid4()
    beat = "select app.beat($1, 'gateway', clock_timestamp(), $2, $3, $4)"
    pool = msgspec.json.encode({"pool_max": 4, "pool_in_use": 4, "pool_waiting": 2, "lag_ms": 1.0}).decode()
    frames = [{"kind": "edge", "name": "screens", "good": 990, "bad": 10, "sketch": {"250": 1000}}]
    lines = msgspec.json.encode(frames).decode()
    await clock.execute(beat, silent, pool, lines, False)
    facts = await actions.facts(clock.fetchval)
    parts = {one.part: one for one in judging.judge(facts, judging.limits_of(facts))}
    assert parts["process gateway"].status == "good"
    assert parts["pool gateway"].status == "bad", "full, and somebody waits"
    assert parts["answers screens"].says.startswith("1000 results in five minutes, 1.0% failed")
    await town.admin.execute("update process_beats set at = at - interval '1 minute' where id = $1", silent)
    await clock.execute(beat, leaving, pool, "[]", False)
    facts = await actions.facts(clock.fetchval)
    parts = {one.part: one for one in judging.judge(facts, judging.limits_of(facts))}
    assert parts["process gateway"].status == "look"
    await clock.execute(beat, leaving, pool, "[]", True)
    facts = await actions.facts(clock.fetchval)
    parts = {one.part: one for one in judging.judge(facts, judging.limits_of(facts))}
    assert parts["process gateway"].status == "bad"
    await town.admin.execute("delete from process_beats where id = any($1)", [silent, leaving])
    page = await otto.see("/ops/health")
    for words in ("Every process, lane", "What stands in", "Share of a limit", "probe valkey"):
        assert words in page, words
    await clock.fetchval(queries.forget)
