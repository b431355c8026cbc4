"""Imports that are killed or run into each other: the list ends as if each had come in once, one after the other."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest
import pytest_asyncio

from tests.contracts.guest_house import Builder, GuestHouse, building
from tests.contracts.import_house import FILES, Importer, importer, working
from tests.engines_fixture import Database, RunningPostgres, settings_for
from tests.eventually import eventually
from tests.ledger import admin_url
from wedsync.events.jobs import queries
from wedsync.events.retry import TRIES_MAX
from wedsync.kit import failpoints
from wedsync.kit.config import Settings

LIST = (FILES / "messy_300.csv").read_bytes()
NOBODYS = "00000000-0000-7000-8000-000000000000"
# The list as people know it: without ids, versions and times.
AS_KNOWN = """
select g.display_name, g.kind, g.age_band, g.role, g.table_label, g.source_key, p.name as party, p.side, p.tags,
  h.display_name as brought_by,
  (select jsonb_object_agg(i.title, r.status order by i.title)
    from rsvps r join schedule_items i on i.id = r.schedule_item_id where r.guest_id = g.id) as answers,
  (select count(*) from guest_contacts c where c.guest_id = g.id) as contacts,
  (select count(*) from guest_needs n where n.guest_id = g.id) as needs
from guests g
join parties p on p.id = g.party_id
left join guests h on h.id = g.plus_one_of
where g.wedding_id = $1
order by g.name_sort, g.source_key, g.position, p.name"""
LOCK_WAITS = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
FACTS = {"party.added": "parties", "guest.added": "guests", "rsvp.invited": "rsvps"}


@pytest_asyncio.fixture
async def database_here(make_database: Callable[[], Awaitable[Database]]) -> Database:
    return await make_database()


@pytest_asyncio.fixture
async def build(
    database_here: Database, postgres: RunningPostgres, valkey_url: str, tmp_path: Path
) -> AsyncIterator[Builder]:
    async with building(database_here, postgres, settings_for(tmp_path, database_here, valkey_url)) as made:
        yield made


@pytest_asyncio.fixture
async def house(build: Builder) -> GuestHouse:
    return await build()


@pytest_asyncio.fixture
async def holder(postgres: RunningPostgres, database_here: Database) -> AsyncIterator[asyncpg.Connection]:
    """Somebody whose locks others wait for."""
    connection = await asyncpg.connect(admin_url(postgres, database_here))
    yield connection
    await connection.close()


@contextmanager
def worker(settings: Settings, armed: str = "") -> Iterator[subprocess.Popen[bytes]]:
    """The product's worker as a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "wedsync.processes.start", "worker"],
        env={**os.environ, "WEDSYNC_ENV": "test", failpoints.VARIABLE: armed},
        stdin=subprocess.PIPE,
    )
    assert process.stdin is not None
    process.stdin.write(msgspec.json.encode(settings.environ()))
    process.stdin.close()
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        process.wait()


async def known(house: GuestHouse) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await house.wedding.admin.fetch(AS_KNOWN, house.id)]


async def brought_in_quietly(build: Builder) -> tuple[dict[str, Any], list[tuple[Any, ...]]]:
    """What the list makes of a wedding where nothing happens to its import."""
    house = await build()
    async with working(house.wedding.door, house.settings):
        done = await (await importer(house)).bring(LIST, "messy_300.csv")
    return done, await known(house)


async def is_as_if_nothing_happened(ana: Importer, build: Builder, done: dict[str, Any]) -> None:
    """The same list, the same counts, and one fact for each row in a log without a hole."""
    expected, guests = await brought_in_quietly(build)
    counts = ("status", "rows", "created", "updated", "skipped", "rejected")
    assert [done[name] for name in counts] == [expected[name] for name in counts]
    assert await known(ana.house) == guests
    admin, wedding = ana.house.wedding.admin, ana.house.id
    for kind, table in FACTS.items():
        told = await admin.fetch("select subject_id from events where stream_id = $1 and type = $2", wedding, kind)
        rows = await admin.fetch(f"select id from {table} where wedding_id = $1", wedding)
        assert sorted(row["subject_id"] for row in told) == sorted(row["id"] for row in rows), kind
    seqs = await admin.fetch("select seq from events where stream_id = $1 order by seq", wedding)
    assert [row["seq"] for row in seqs] == list(range(1, len(seqs) + 1))
    assert len(await ana.house.events("import.finished")) == 1


async def resumed(ana: Importer, import_id: str) -> dict[str, Any]:
    """A minute later another worker takes it."""
    admin = ana.house.wedding.admin
    await admin.execute("update jobs set lease_until = clock_timestamp() where lease_token is not null")
    await admin.fetchval(queries.reclaim, TRIES_MAX)
    await admin.execute("update jobs set run_at = clock_timestamp() where lease_token is null")
    async with working(ana.house.wedding.door, ana.house.settings):
        return await ana.ended(UUID(import_id))


async def test_a_worker_killed_between_the_statements_of_an_import(
    house: GuestHouse, build: Builder, holder: asyncpg.Connection
) -> None:
    ana = await importer(house)
    with worker(house.settings) as process:
        async with holder.transaction():
            await holder.execute("lock table rsvps in share mode")
            started = (await ana.send(LIST, "messy_300.csv")).json()["import_id"]
            await eventually(lambda: house.wedding.admin.fetchval(LOCK_WAITS), within_s=60, what="it writes answers")
            process.kill()
            process.wait()
    assert await known(house) == []
    assert (await ana.state(UUID(started)))["status"] == "running"
    done = await resumed(ana, started)
    await is_as_if_nothing_happened(ana, build, done)


# Twice progress is recorded, then the list.
@pytest.mark.parametrize(
    "armed",
    [
        # In each run a worker is killed between the statements of an import, by the test above.
        pytest.param("before_commit=kill9@3", marks=pytest.mark.prove),
        pytest.param("before_commit=raise@3", marks=pytest.mark.prove),
        pytest.param("before_commit=drop_reply@3", marks=pytest.mark.prove),
    ],
)
async def test_a_crash_after_everything_is_written_and_before_it_is_committed(
    house: GuestHouse, build: Builder, armed: str
) -> None:
    ana = await importer(house)
    # What the making of the wedding owes would be counted too.
    await house.wedding.admin.execute("delete from jobs")
    with worker(house.settings, armed) as process:
        started = (await ana.send(LIST, "messy_300.csv")).json()["import_id"]
        if "kill9" in armed:
            await eventually(lambda: process.poll() is not None, within_s=60, what="the worker ends")
            assert process.returncode == -9
            assert await known(house) == []
        else:
            tried = "select bool_and(attempt > 0 and lease_token is null) from jobs where kind = 'work'"
            await eventually(lambda: house.wedding.admin.fetchval(tried), within_s=60, what="it was given back")
    done = await resumed(ana, started)
    await is_as_if_nothing_happened(ana, build, done)


@pytest.mark.prove
async def test_a_worker_killed_after_the_commit_leaves_nothing_to_do_again(house: GuestHouse, build: Builder) -> None:
    ana = await importer(house)
    with worker(house.settings) as process:
        started = (await ana.send(LIST, "messy_300.csv")).json()["import_id"]
        done = await ana.ended(UUID(started))
        process.kill()
    assert await house.wedding.admin.fetchval("select count(*) from jobs where kind = 'work'") == 0
    await resumed(ana, started)
    await is_as_if_nothing_happened(ana, build, done)


async def race(house: GuestHouse, holder: asyncpg.Connection, files: list[bytes]) -> list[dict[str, Any]]:
    """Bring these in at once, so that each has decided on the list as it was before any writes. What holds them is a
    running import that nobody works at."""
    ana = await importer(house)
    await house.wedding.admin.execute(
        "insert into imports (id, wedding_id, status) values ($1, $2, 'running')", UUID(NOBODYS), house.id
    )
    async with working(house.wedding.door, house.settings):
        async with holder.transaction():
            await holder.execute("delete from imports where id = $1", UUID(NOBODYS))
            started = [(await ana.send(data, "guests.csv")).json()["import_id"] for data in files]
            waiting = f"select ({LOCK_WAITS}) = {len(files)}"
            await eventually(lambda: house.wedding.admin.fetchval(waiting), within_s=60, what="all have decided")
        return list(await asyncio.gather(*(ana.ended(UUID(one)) for one in started)))


async def test_the_same_list_twice_at_once_makes_everybody_once(
    house: GuestHouse, build: Builder, holder: asyncpg.Connection
) -> None:
    both = await race(house, holder, [LIST, LIST])
    assert {one["status"] for one in both} == {"finished"}
    expected, guests = await brought_in_quietly(build)
    assert sorted((one["created"], one["updated"]) for one in both) == [(0, 0), (expected["created"], 0)]
    assert await known(house) == guests


@pytest.mark.prove  # in each run the same list comes twice at once, by the test above
async def test_two_lists_at_once_make_what_they_make_one_after_the_other(
    house: GuestHouse, build: Builder, holder: asyncpg.Connection
) -> None:
    head, *rows = b"Name,Email,Table", *(f"Guest Number{n},g{n}@example.com,{n % 9}".encode() for n in range(60))
    files = [b"\n".join([head, *rows[:40]]), b"\n".join([head, *rows[20:]])]
    both = await race(house, holder, files)
    assert {one["status"] for one in both} == {"finished"}
    assert sum(one["created"] for one in both) == 60
    other = await build()
    async with working(other.wedding.door, other.settings):
        after = await importer(other)
        for data in files:
            assert (await after.bring(data))["status"] == "finished"
    assert await known(house) == await known(other)
    assert len(await known(house)) == 60
