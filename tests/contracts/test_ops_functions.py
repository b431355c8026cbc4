"""Schema ops finds what is wrong with a database: each defect is planted, found with its remedy, and mended by it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from tests.engines_fixture import Database, RunningPostgres, clone, drop
from tests.eventually import eventually
from wedsync.processes import migrate


@pytest_asyncio.fixture(scope="module")
async def own(postgres: RunningPostgres, worker: str) -> AsyncIterator[Database]:
    database = await clone(postgres, f"wedsync_{worker}_ops")
    await migrate.fence(admin_url(postgres, database))
    yield database
    await drop(postgres, database.name)


def admin_url(postgres: RunningPostgres, database: Database) -> str:
    return postgres.admin_url.rpartition("/")[0] + f"/{database.name}"


@pytest_asyncio.fixture(scope="module")
async def admin(postgres: RunningPostgres, own: Database) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(admin_url(postgres, own))
    yield connection
    await connection.close()


@pytest_asyncio.fixture(scope="module")
async def ops(own: Database) -> AsyncIterator[asyncpg.Connection]:
    """The operator at the database's own prompt, as the owner."""
    connection = await asyncpg.connect(own.owner, server_settings={"application_name": "psql"})
    yield connection
    await connection.close()


async def advice(ops: asyncpg.Connection, about: str) -> list[asyncpg.Record]:
    return [row for row in await ops.fetch("select * from ops.advice()") if row["about"] == about]


async def test_a_sound_database_needs_no_advice(ops: asyncpg.Connection) -> None:
    found = await ops.fetch("select * from ops.advice()")
    assert [tuple(row) for row in found if row["about"] not in ("connections",)] == []


async def test_an_index_that_was_not_finished_is_found(admin: asyncpg.Connection, ops: asyncpg.Connection) -> None:
    await admin.execute("create table plates (name text); insert into plates values ('a'), ('a')")
    with pytest.raises(asyncpg.UniqueViolationError):
        await admin.execute("create unique index concurrently plates_name on plates (name)")
    [found] = await advice(ops, "plates_name")
    assert (found["severity"], found["remedy"][:30]) == ("high", "drop index concurrently plates")
    await admin.execute("drop index concurrently plates_name")
    assert await advice(ops, "plates_name") == []
    await admin.execute("drop table plates")


async def test_dead_rows_and_missing_statistics_are_found_and_vacuum_mends_them(
    admin: asyncpg.Connection, ops: asyncpg.Connection
) -> None:
    await admin.execute("create table cups (id int) with (autovacuum_enabled = off)")
    await admin.execute("insert into cups select generate_series(1, 4000)")
    await admin.execute("update cups set id = id + 1")

    async def says(words: str) -> bool:
        await admin.fetchval("select pg_stat_force_next_flush()")
        await ops.fetchval("select pg_stat_clear_snapshot()")
        return any(words in row["says"] for row in await advice(ops, "cups"))

    for words in ("are dead", "never analyzed"):
        told: Callable[[], Awaitable[Any]] = partial(says, words)
        await eventually(told)
    [row] = await ops.fetch("select * from ops.tables() where name = 'cups'")
    assert row["dead_share"] == pytest.approx(0.5)
    [remedy] = [one["remedy"] for one in await advice(ops, "cups") if "dead" in one["says"]]
    assert remedy == "vacuum (analyze) public.cups;"
    await admin.execute(remedy)

    async def sound() -> bool:
        return await advice(ops, "cups") == []

    mended: Callable[[], Awaitable[Any]] = sound
    await eventually(mended)
    await admin.execute("drop table cups")


async def test_a_foreign_key_without_an_index_is_found_and_the_remedy_is_a_statement(
    admin: asyncpg.Connection, ops: asyncpg.Connection
) -> None:
    await admin.execute("create table trays (id int primary key); create table forks (tray_id int references trays)")
    await admin.execute("insert into trays values (1); insert into forks select 1 from generate_series(1, 2000)")
    await admin.execute("analyze forks")
    [found] = await advice(ops, "forks")
    assert found["remedy"] == "create index concurrently on public.forks (tray_id);"
    await admin.execute(found["remedy"])
    assert await advice(ops, "forks") == []
    await admin.execute("drop table forks, trays")


async def test_who_holds_others_up_is_found_by_its_face_and_can_be_ended(
    own: Database, admin: asyncpg.Connection, ops: asyncpg.Connection
) -> None:
    await admin.execute("create table doors (id int); grant all on doors to wedsync_service, wedsync_user")
    holder = await asyncpg.connect(own.service, server_settings={"application_name": "wedsync-worker"})
    waiter = await asyncpg.connect(own.user, server_settings={"application_name": "wedsync-web"})
    await holder.execute("begin; lock table doors")
    waiting = asyncio.create_task(waiter.fetch("select id from doors"))

    found: Callable[[], Awaitable[Any]] = partial(advice, ops, "deliveries")
    rows: Any = await eventually(found)
    [held] = rows
    assert held["says"] == "1 connections wait for a lock that it holds."
    by_face = {row["face"]: row for row in await ops.fetch("select * from ops.connections()")}
    assert (by_face["pages and API"]["waiting_for_lock"], by_face["deliveries"]["idle_in_transaction"]) == (1, 1)
    running = [row for row in await ops.fetch("select * from ops.slow_queries(0, 500)") if row["source"] == "running"]
    assert [row["tables"] for row in running if row["query"] == "select id from doors"] == [["doors"]]
    await admin.execute(held["remedy"])
    assert await waiting == []
    await waiter.close()
    await admin.execute("drop table doors")


async def test_a_transaction_that_does_nothing_is_found(own: Database, ops: asyncpg.Connection) -> None:
    idle = await asyncpg.connect(own.user, server_settings={"application_name": "wedsync-gateway"})
    await idle.execute("begin; select 1")
    await ops.execute("set idle_in_transaction_session_timeout = '20ms'")

    found: Callable[[], Awaitable[Any]] = partial(advice, ops, "live screens")
    rows: Any = await eventually(found)
    [one] = rows
    assert "does nothing" in one["says"]
    await ops.execute("reset idle_in_transaction_session_timeout")
    await idle.close()


async def test_a_slot_that_nobody_reads_is_found(admin: asyncpg.Connection, ops: asyncpg.Connection) -> None:
    await admin.execute("select pg_create_physical_replication_slot('lost_standby', true)")
    [found] = await advice(ops, "lost_standby")
    assert found["severity"] == "high"
    await admin.execute(found["remedy"])
    assert await advice(ops, "lost_standby") == []


async def test_partitions_that_run_out_are_found(admin: asyncpg.Connection, ops: asyncpg.Connection) -> None:
    names = [
        row["relname"]
        for row in await admin.fetch("select relname from pg_class where relname ~ '^attempts_2' and relkind = 'r'")
    ]
    soon = (datetime.now(tz=UTC) + timedelta(days=28)).strftime("attempts_%Y%m")
    for name in names:
        if name >= soon or name == max(names):
            await admin.execute(f"drop table {name}")
    [found] = await advice(ops, "attempts")
    assert "within four weeks" in found["says"]
    await admin.execute("select app.make_partitions()")
    assert await advice(ops, "attempts") == []


async def test_a_season_fuller_than_any_before_is_told(admin: asyncpg.Connection, ops: asyncpg.Connection) -> None:
    made = """insert into weddings (couple_names, "on", date_status, time_zone)
        select 'A & B', $1::date, 'confirmed', 'Europe/London' from generate_series(1, $2)"""
    ahead = (datetime.now(tz=UTC) + timedelta(days=200)).date()
    behind = (datetime.now(tz=UTC) - timedelta(days=30)).date()
    await admin.execute(made, ahead, 20)
    await admin.execute(made, behind, 10)
    [found] = await advice(ops, "season")
    assert found["says"] == f"{ahead} has 20 weddings; the fullest day so far had 10."
    await admin.execute(made, behind, 5)
    assert await advice(ops, "season") == []
    await admin.execute("delete from weddings")


async def test_a_slow_query_is_told_with_the_weddings_it_could_hit(
    admin: asyncpg.Connection, ops: asyncpg.Connection
) -> None:
    wedding = await admin.fetchval(
        """insert into weddings (couple_names, "on", date_status) values ('A & B', app.now()::date, 'confirmed')
        returning wedding_id"""
    )
    await admin.execute(
        """insert into wedding_days (wedding_id, "on", zone, live_from, live_until)
        values ($1, app.now()::date, 'Europe/London', app.now() + interval '1 hour', app.now() + interval '9 hours')""",
        wedding,
    )
    await admin.execute("select count(*), pg_sleep(0.12) from guests where first_name = 'Carla'")
    found = await ops.fetch("select * from ops.slow_queries(100)")
    [slow] = [row for row in found if "pg_sleep" in row["query"]]
    assert (slow["source"], slow["calls"], slow["tables"], slow["weddings_at_risk"]) == ("past", 1, ["guests"], 1)
    assert slow["mean_ms"] >= 100
    assert "Carla" not in slow["query"], "statements without their values"
    touched = {row["name"]: row["weddings_touched"] for row in await ops.fetch("select * from ops.tables()")}
    assert (touched["guests"], touched["deliveries"], touched["plans"]) == (1, 1, 0)
    await admin.execute("delete from weddings")
    assert await ops.fetchval("select due from ops.weddings_due()") == 0


async def test_growth_is_told_from_samples(admin: asyncpg.Connection, ops: asyncpg.Connection) -> None:
    assert await ops.fetchval("select growth_bytes_week from ops.tables() where name = 'plans'") is None
    await admin.execute("select app.sample_sizes(); select app.sample_sizes()")
    await admin.execute("update table_sizes set bytes = bytes - 5000 where name = 'plans'")
    assert await ops.fetchval("select growth_bytes_week from ops.tables() where name = 'plans'") == 5000


async def test_no_door_but_the_operators_is_answered(own: Database) -> None:
    for address in (own.user, own.reader):
        door = await asyncpg.connect(address)
        for name in ("connections()", "slow_queries()", "tables()", "advice()", "faces()", "server()", "storage()"):
            with pytest.raises(asyncpg.PostgresError) as refused:
                await door.fetch(f"select * from ops.{name}")
            assert refused.value.sqlstate in ("WS403", "42501"), name
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await door.fetch("select query from ops.pg_stat_statements")
        await door.close()


async def test_a_frozen_database_refuses_ddl_by_itself_but_not_its_upkeep(
    own: Database, admin: asyncpg.Connection, ops: asyncpg.Connection
) -> None:
    service = await asyncpg.connect(own.service)
    plan = "select app.plan_freezes($1, 0, $2)"
    until = datetime.now(tz=UTC) + timedelta(hours=1)
    said = f'[{{"starts_at": "2027-06-05T00:00Z", "ends_at": "{until + timedelta(days=999):%Y-%m-%dT%H:%MZ}", '
    said = said.replace("2027-06-05", f"{until - timedelta(days=1):%Y-%m-%d}")
    said += '"kind": "guarded", "reason": "It is Saturday"}]'
    await ops.execute("create table spoons (id int)")
    await service.fetchval(plan, True, said)
    for statement in (
        "create table knives (id int)",
        "alter table spoons add column name text",
        "drop table spoons",
        "create index on spoons (id)",
    ):
        for connection in (ops, admin):
            with pytest.raises(asyncpg.PostgresError, match="the platform is frozen") as refused:
                await connection.execute(statement)
            assert refused.value.sqlstate == "WS423"
            assert "It is Saturday" in str(refused.value)
    await ops.execute("insert into spoons values (1)")
    last = await admin.fetchval("select max(relname) from pg_class where relname ~ '^attempts_2' and relkind = 'r'")
    await admin.execute(f"alter event trigger wedsync_freeze disable; drop table {last}")
    assert await ops.fetchval("select refuses_ddl from ops.server()") is False
    await admin.execute("alter event trigger wedsync_freeze enable")
    assert await service.fetchval("select app.make_partitions()") >= 1
    assert await migrate.migrate(own.owner) == [], "what lacks nothing starts at any time"
    await service.fetchval(plan, False, "[]")
    await ops.execute("drop table spoons")
    await service.close()


async def test_an_override_by_two_opens_the_database(
    own: Database, admin: asyncpg.Connection, ops: asyncpg.Connection
) -> None:
    service = await asyncpg.connect(own.service)
    now = datetime.now(tz=UTC)
    said = f'[{{"starts_at": "{now - timedelta(days=1):%Y-%m-%d}", "ends_at": "{now + timedelta(days=2):%Y-%m-%d}", '
    await service.fetchval("select app.plan_freezes(true, 0, $1)", said + '"kind": "live", "reason": "A wedding"}]')
    people = [await admin.fetchval("select app.person_for($1)", f"{name}@example.test") for name in ("otto", "olga")]
    asked = await admin.fetchval(
        """insert into freeze_overrides (reason, minutes, asked_by, asked_at, expires_at)
        values ('A leak must be closed', 60, $1, app.now(), app.now() + interval '1 hour') returning id""",
        people[0],
    )
    with pytest.raises(asyncpg.PostgresError, match="frozen"):
        await ops.execute("create table knives (id int)")
    await admin.execute(
        "update freeze_overrides set confirmed_by = $2, confirmed_at = app.now() where id = $1", asked, people[1]
    )
    await ops.execute("create table knives (id int); drop table knives")
    await admin.execute("update freeze_overrides set expires_at = app.now() where id = $1", asked)
    with pytest.raises(asyncpg.PostgresError, match="frozen"):
        await ops.execute("create table knives (id int)")
    await service.fetchval("select app.plan_freezes(false, 0, '[]')")
    await service.close()
