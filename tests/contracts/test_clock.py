"""The clock: one leads however many run, another takes over, and its ticks do what they promise."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio
import structlog
from msgspec.structs import replace

from tests.engines_fixture import Database, RunningPostgres, clone, drop
from tests.eventually import eventually
from tests.ledger import Ledger, admin_url, opened
from wedsync.kit.config import Settings
from wedsync.processes import clock
from wedsync.processes.clock import Timer, serve


@pytest_asyncio.fixture(scope="module")
async def own(postgres: RunningPostgres, worker: str) -> AsyncIterator[Database]:
    """A lock is of one database, so this one is nobody else's."""
    database = await clone(postgres, f"wedsync_{worker}_clock")
    yield database
    await drop(postgres, database.name)


@pytest_asyncio.fixture
async def ledger(postgres: RunningPostgres, own: Database) -> AsyncIterator[Ledger]:
    async with opened(user=own.user, service=own.service, admin=admin_url(postgres, own)) as ledger:
        await ledger.admin.execute("delete from jobs")
        yield ledger


@pytest.fixture
def clock_settings(settings: Settings, own: Database, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(clock, "TRY_AGAIN_S", 0.05)
    return replace(settings, service_database_url=own.service)


@asynccontextmanager
async def ticking(settings: Settings, ticks: list[Timer] | None = None) -> AsyncIterator[asyncio.Event]:
    """A clock in this process."""
    stop = asyncio.Event()
    running = asyncio.create_task(serve(settings, stop=stop, ticks=ticks))
    try:
        yield stop
    finally:
        stop.set()
        await running


def counting(ticks: list[int], number: int) -> list[Timer]:
    async def tick(connection: Any) -> None:
        ticks.append(number)
        ticks.append(await connection.fetchval("select pg_backend_pid()"))

    return [Timer("count", 0.05, tick)]


async def test_one_leads_and_another_takes_over(clock_settings: Settings) -> None:
    ticks: list[int] = []
    async with ticking(clock_settings, counting(ticks, 1)) as first:
        await eventually(lambda: ticks)
        async with ticking(clock_settings, counting(ticks, 2)):
            await eventually(lambda: len(ticks) > 8)
            assert set(ticks[::2]) == {1}
            first.set()
            await eventually(lambda: 2 in ticks[::2])


async def test_a_leader_whose_connection_is_cut_leads_again(clock_settings: Settings, ledger: Ledger) -> None:
    ticks: list[int] = []
    async with ticking(clock_settings, counting(ticks, 1)):
        await eventually(lambda: len(ticks) >= 2)
        await ledger.admin.execute("select pg_terminate_backend($1)", ticks[1])
        await eventually(lambda: len(set(ticks[1::2])) == 2)


async def test_lapsed_leases_and_late_jobs_are_seen_to(clock_settings: Settings, ledger: Ledger) -> None:
    wedding = await ledger.wedding()
    endpoint, late = await ledger.endpoint(wedding), await ledger.endpoint(wedding)
    await ledger.facts(wedding)
    assert len(await ledger.claim()) == 2
    await ledger.let_leases_lapse()
    await ledger.admin.execute("update jobs set expires_at = clock_timestamp() where destination_id = $1", late)
    async with ticking(clock_settings):

        async def seen_to() -> bool:
            [free], gone = await ledger.jobs(endpoint), await ledger.jobs(late)
            return free["lease_token"] is None and gone == []

        await eventually(seen_to)
    assert [row["state"] for row in await ledger.deliveries(late)] == ["expired"]


async def test_old_sessions_and_sign_ins_are_forgotten(clock_settings: Settings, ledger: Ledger) -> None:
    wedding = await ledger.wedding()
    await ledger.admin.execute(
        "insert into sessions (person_id, token_hash, expires_at) select $1, sha256(n::text::bytea), clock_timestamp()"
        " + n * interval '40 days' from generate_series(-1, 1) n",
        wedding.couple.id,
    )
    left = "select count(*) from sessions where person_id = $1"

    async def forgotten() -> bool:
        return await ledger.admin.fetchval(left, wedding.couple.id) == 2

    async with ticking(clock_settings):
        await eventually(forgotten)


async def test_there_is_room_for_events_three_months_ahead(clock_settings: Settings, ledger: Ledger) -> None:
    last = "select max(relname) from pg_class where relname ~ '^events_2' and relkind = 'r'"
    name = await ledger.admin.fetchval(last)
    await ledger.admin.execute(f"drop table {name}")
    async with ticking(clock_settings):
        await eventually(lambda: ledger.admin.fetchval("select to_regclass($1) is not null", f"public.{name}"))


async def test_a_lane_that_waits_is_told_once_and_once_when_it_flows(ledger: Ledger) -> None:
    wedding = await ledger.wedding()
    await ledger.endpoint(wedding)
    await ledger.facts(wedding)
    watch = clock.queue_watch()
    await ledger.admin.execute("update jobs set run_at = clock_timestamp() - interval '2 minutes'")
    with structlog.testing.capture_logs() as lines:
        for _ in range(2):
            await watch(ledger.service.pool)
        assert len(await ledger.claim()) == 1
        for _ in range(2):
            await watch(ledger.service.pool)
    assert [(line["event"], line["lane"]) for line in lines] == [("lane_waits", "normal"), ("lane_flows", "normal")]


async def test_months_older_than_the_settings_keep_are_dropped_and_no_younger_one(
    clock_settings: Settings, ledger: Ledger
) -> None:
    for table in ("access_log", "security_events", "attempts"):
        for month in ("202401", "202402"):
            until = "2024-02-01" if month == "202401" else "2024-03-01"
            await ledger.admin.execute(
                f"create table {table}_{month} partition of {table} "
                f"for values from ('{month[:4]}-{month[4:]}-01') to ('{until}')"
            )
    kept = "select count(*) from pg_inherits where inhparent in ('access_log'::regclass, 'security_events'::regclass)"
    before = await ledger.admin.fetchval(kept)
    timer = next(one for one in clock.timers(clock_settings) if one.name == "drop_partitions")
    async with ticking(clock_settings, [timer]):
        await eventually(lambda: _dropped(ledger))
    assert await ledger.admin.fetchval(kept) == before - 4
    async with ledger.service.pool.acquire() as connection:
        with pytest.raises(Exception, match="not by age: events"):
            await connection.fetchval("select app.drop_partitions('events', current_date)")


async def _dropped(ledger: Ledger) -> bool:
    left = await ledger.admin.fetchval(
        "select count(*) from pg_class where relname ~ '^(access_log|security_events|attempts)_2024'"
    )
    return left == 0
