"""The clock: one leads however many run, another takes over, and its ticks do what they promise."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
import structlog
from msgspec.structs import replace

from tests.engines_fixture import Database, RunningPostgres, copied
from tests.eventually import eventually
from tests.ledger import Ledger, admin_url, opened
from wedsync.kit.config import Settings
from wedsync.processes import clock, forgetting, ticks
from wedsync.processes.clock import Timer, serve


@pytest_asyncio.fixture(scope="module")
async def own(postgres: RunningPostgres, worker: str) -> AsyncIterator[Database]:
    """A lock is of one database, so this one is nobody else's."""
    async with copied(postgres, f"wedsync_{worker}_clock") as made:
        yield made


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


async def make_month(ledger: Ledger, table: str, months_ago: int) -> tuple[str, datetime]:
    """A month as it was made when the platform ran then: its partition and a time within it."""
    began = (datetime.now(tz=UTC).replace(day=1) - timedelta(days=30 * months_ago)).replace(
        day=1, hour=0, minute=0, second=0, microsecond=0
    )
    after = (began + timedelta(days=32)).replace(day=1)
    name = f"{table}_{began:%Y%m}"
    await ledger.admin.execute(
        f"create table if not exists {name} partition of {table}"
        f" for values from ('{began:%Y-%m-%d}') to ('{after:%Y-%m-%d}')"
    )
    await ledger.admin.execute(f"alter table {name} owner to wedsync_owner")
    return name, began + timedelta(days=3)


async def stands(ledger: Ledger, name: str) -> bool:
    return bool(await ledger.admin.fetchval("select to_regclass($1) is not null", f"public.{name}"))


async def test_months_go_when_their_time_is_over_and_not_before(ledger: Ledger, settings: Settings) -> None:
    days = forgetting.kept_days(replace(settings, attempt_retention_days=90))
    old, _ = await make_month(ledger, "attempts", 7)
    young, _ = await make_month(ledger, "attempts", 2)
    deliveries, _ = await make_month(ledger, "deliveries", 7)
    await forgetting.forgetting_months(days)(ledger.service.pool)
    assert [await stands(ledger, name) for name in (old, young, deliveries)] == [False, True, True]
    await forgetting.forgetting_months({"deliveries": 30})(ledger.service.pool)
    assert not await stands(ledger, deliveries)
    assert {"attempts", "deliveries", "events", "access_log", "security_events"} == set(days)


@pytest.mark.parametrize("table", ["access_log", "security_events"])
async def test_what_security_keeps_goes_by_the_same_rule_and_never_younger(
    ledger: Ledger, settings: Settings, table: str
) -> None:
    made = [(await make_month(ledger, table, ago))[0] for ago in (15, 16)]
    days = forgetting.kept_days(settings)[table]
    await forgetting.forgetting_months({table: 500})(ledger.service.pool)
    assert [await stands(ledger, name) for name in made] == [True, True]
    await forgetting.forgetting_months({table: days})(ledger.service.pool)
    assert [await stands(ledger, name) for name in made] == [False, False]
    this = f"{table}_{datetime.now(tz=UTC):%Y%m}"
    assert await ledger.service.pool.fetchval("select app.forget_months($1, 7)", table) is None
    assert await stands(ledger, this)
    droppers = "select count(*) from pg_proc where prosrc like '%drop table%' and pronamespace = 'app'::regnamespace"
    assert await ledger.admin.fetchval(droppers) == 1, "no way round the floor"


async def test_what_is_parked_is_found_without_looking_at_what_is_ready(ledger: Ledger) -> None:
    async with ledger.admin.acquire() as connection, connection.transaction():
        await connection.fetchval("select app.expire_parked(60)")
        scans = "select pg_stat_get_xact_numscans(to_regclass($1))"
        assert await connection.fetchval(scans, "public.jobs_parked") == 1


async def test_a_month_that_something_needs_stays_until_that_is_over(ledger: Ledger) -> None:
    wedding = await ledger.wedding()
    endpoint = await ledger.endpoint(wedding)
    await ledger.facts(wedding)
    events, at = await make_month(ledger, "events", 9)
    deliveries, _ = await make_month(ledger, "deliveries", 9)
    for text in (
        "update events set recorded_at = $1 where stream_id = $2",
        "update deliveries set made_at = $1, event_at = $1 where tenant_id = $2",
        "update jobs set made_at = $1, run_at = 'infinity' where tenant_id = $2",
    ):
        await ledger.admin.execute(text, at, wedding.id)
    for table in ("events", "deliveries"):
        assert await ledger.service.pool.fetchval("select app.forget_months($1, 60)", table) is None
    await forgetting.forgetting_months({"deliveries": 400})(ledger.service.pool)
    assert [row["state"] for row in await ledger.deliveries(endpoint)] == ["pending"]
    assert await ledger.service.pool.fetchval("select app.expire_parked(60)") == 1
    [row] = await ledger.deliveries(endpoint)
    assert (row["state"], row["reason"]) == ("expired", "it had waited for 60 days")
    await forgetting.forgetting_months({"deliveries": 60, "events": 60})(ledger.service.pool)
    assert [await stands(ledger, name) for name in (events, deliveries)] == [False, False]


@pytest.mark.parametrize(("table", "days"), [("weddings", 400), ("events", 1), ("events; drop", 400)])
async def test_only_what_is_kept_by_months_is_dropped(ledger: Ledger, table: str, days: int) -> None:
    with pytest.raises(asyncpg.RaiseError, match="not kept by months"):
        await ledger.service.pool.fetch("select app.forget_months($1, $2)", table, days)


async def test_whoever_reads_a_month_keeps_it_for_another_time(ledger: Ledger) -> None:
    name, _ = await make_month(ledger, "attempts", 8)
    async with ledger.admin.acquire() as reader, reader.transaction():
        await reader.fetch(f"select 1 from {name}")
        await forgetting.forgetting_months({"attempts": 90})(ledger.service.pool)
        assert await stands(ledger, name)
    await forgetting.forgetting_months({"attempts": 90})(ledger.service.pool)
    assert not await stands(ledger, name)


async def test_a_lane_that_waits_is_told_once_and_once_when_it_flows(ledger: Ledger) -> None:
    wedding = await ledger.wedding()
    await ledger.endpoint(wedding)
    await ledger.facts(wedding)
    watch = ticks.queue_watch()
    await ledger.admin.execute("update jobs set run_at = clock_timestamp() - interval '2 minutes'")
    with structlog.testing.capture_logs() as lines:
        for _ in range(2):
            await watch(ledger.service.pool)
        assert len(await ledger.claim()) == 1
        for _ in range(2):
            await watch(ledger.service.pool)
    assert [(line["event"], line["lane"]) for line in lines] == [("lane_waits", "normal"), ("lane_flows", "normal")]


async def test_a_tenant_for_whom_it_cannot_be_done_keeps_nobody_waiting(ledger: Ledger) -> None:
    done: list[str] = []

    async def published(nudge: str) -> None:
        done.append(nudge)

    tick = ticks.one_by_one(published, "select unnest(array[4, 0, 2])", "select (8 / $1::int)::text")
    with structlog.testing.capture_logs() as lines:
        await tick(ledger.service.pool)
    assert done == ["2", "4"]
    assert [(line["event"], line["tenant_id"]) for line in lines] == [("tenant_not_done", "0")]
