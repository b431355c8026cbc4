"""A database that is away for a moment is waited for; one that stays away keeps nobody; nothing is done twice."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import msgspec
import pytest
import pytest_asyncio

from tests.embedded import embedded_settings, passable_folder, postmaster
from tests.eventually import eventually
from wedsync.kit import absence, clock
from wedsync.kit.absence import Absence, StillAway
from wedsync.kit.actor import ANONYMOUS
from wedsync.kit.config_secrets import write_private
from wedsync.kit.db import Door, connect_pool
from wedsync.kit.db_hosts import is_away
from wedsync.kit.pools import Waiting
from wedsync.processes.engines import STATE_FILE, Engines, free_port

END_OURSELVES = "select pg_terminate_backend(pg_backend_pid())"


@pytest.fixture(scope="module")
def engines() -> Iterator[Engines]:
    """A cluster that may be killed; nobody who looks for the next port in a row takes its own meanwhile."""
    with passable_folder() as folder:
        write_private(folder / STATE_FILE, msgspec.json.encode({"postgres_port": str(free_port())}))
        made = Engines(embedded_settings(folder, WEDSYNC_VALKEY_URL="unix:///"))
        made.start()
        yield made
        made.stop()


@pytest_asyncio.fixture
async def pool(engines: Engines) -> AsyncIterator[asyncpg.Pool]:
    assert engines.postgres is not None
    made = await connect_pool(engines.postgres.url(database="postgres"), size=3, application="wedsync-web")
    yield made
    await asyncio.wait_for(made.close(), 10)


async def kill(engines: Engines) -> None:
    assert engines.postgres is not None
    assert engines.postgres.process is not None
    postmaster(engines).send_signal(signal.SIGQUIT)
    await asyncio.to_thread(engines.postgres.process.wait, 20)


def start(engines: Engines) -> None:
    """By this thread, which outlives it: a child ends with the thread that started it."""
    assert engines.postgres is not None
    engines.postgres.restart()


async def count(door: Door) -> int:
    async with door.bare(ANONYMOUS) as tx:
        return int(await tx.value("select 1"))


async def test_who_asks_while_it_is_started_again_is_answered(
    engines: Engines, pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(absence, "WAIT_S", 30.0)  # a loaded machine starts it slowly
    monkeypatch.setattr(absence, "SHORT_S", 30.0)
    door = Door(pool)
    await kill(engines)
    asked = [asyncio.create_task(count(door)) for _ in range(20)]
    await eventually(lambda: door._absence._asking is not None, what="the first of them finds it away")
    start(engines)
    assert await asyncio.gather(*asked) == [1] * 20
    assert door.waiting.count == 0


async def test_who_waits_for_the_database_is_not_one_more_in_the_queue_for_its_connections(
    engines: Engines, pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(absence, "WAIT_S", 30.0)
    monkeypatch.setattr(absence, "SHORT_S", 30.0)
    monkeypatch.setattr(absence, "AGAIN_S", 30.0)
    door = Door(pool)
    await kill(engines)
    asked = [asyncio.create_task(count(door)) for _ in range(20)]
    await eventually(
        lambda: door._absence._asking is not None and not door.waiting.count, what="all wait for the database"
    )
    for one in asked:
        one.cancel()
    await asyncio.gather(*asked, return_exceptions=True)
    start(engines)


async def test_an_absence_that_lasts_is_told_after_the_wait_and_then_at_once(
    engines: Engines, pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(absence, "WAIT_S", 0.3)
    door = Door(pool)
    await kill(engines)
    try:
        began = clock.monotonic()
        with pytest.raises(OSError, match="Refused") as told:
            await count(door)
        assert is_away(told.value)
        assert clock.monotonic() - began > 0.29, "it was waited for; timers count in milliseconds"
        monkeypatch.setattr(absence, "WAIT_S", 30.0)
        monkeypatch.setattr(absence, "SHORT_S", 0.0)
        began = clock.monotonic()
        with pytest.raises(StillAway):
            await count(door)
        assert clock.monotonic() - began < 10, "nobody queues up for what is no restart"
    finally:
        start(engines)
    await eventually(lambda: door._absence._asking is None, what="it is asked until it is back")
    assert await count(door) == 1


async def test_a_connection_that_was_cut_at_the_beginning_is_begun_anew_and_later_nothing_is(
    pool: asyncpg.Pool,
) -> None:
    lending, begun = Absence(pool, Waiting()), []

    async def begin(connection: Any) -> None:
        begun.append(connection)
        await connection.execute(END_OURSELVES if len(begun) == 1 else "begin")

    async with lending.lent(begin) as connection:
        assert await connection.fetchval("select 1") == 1
        await connection.execute("rollback")
    assert len(begun) == 2

    done = []
    with pytest.raises(asyncpg.PostgresConnectionError):
        async with lending.lent(begin) as connection:
            done.append(1)
            await connection.execute(END_OURSELVES)
    assert (len(begun), done) == (3, [1])


async def test_what_is_no_absence_is_told_at_once(pool: asyncpg.Pool) -> None:
    lending, begun = Absence(pool, Waiting()), []

    async def begin(connection: Any) -> None:
        begun.append(1)
        await connection.execute("select no_such_column")

    with pytest.raises(asyncpg.UndefinedColumnError):
        async with lending.lent(begin):
            pass
    assert begun == [1]
