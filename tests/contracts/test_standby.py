"""The bundled engine's standby: in step, waited for, promoted when the primary dies, and copied anew afterwards."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

import asyncpg
import pytest

from tests.embedded import ask, embedded_settings, keep_a_row, passable_folder, postmaster
from tests.eventually import eventually
from wedsync.kit.db import connect_pool
from wedsync.processes import migrate, standby
from wedsync.processes.engines import Engines, held
from wedsync.processes.failures import CannotRun
from wedsync.processes.postgres import DATABASE, REPLICATOR
from wedsync.processes.standby import Keeper
from wedsync.processes.supervisor import Supervisor

PATIENCE_S = 120.0

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def event_loop_policy() -> asyncio.AbstractEventLoopPolicy:
    """The supervisor runs on asyncio's loop: on the other processes' one nobody else hears of children that end."""
    return asyncio.DefaultEventLoopPolicy()


@pytest.fixture
def folder() -> Iterator[Path]:
    with passable_folder() as made:
        yield made


class Pair:
    """Engines with a standby, as the supervisor keeps them."""

    def __init__(self, folder: Path) -> None:
        self.engines = Engines(embedded_settings(folder, WEDSYNC_VALKEY_URL="unix:///"), has_standby=True)
        self.supervisor = Supervisor(log_folder=None)
        self.settings = self.engines.start()

    @property
    def told(self) -> standby.Told:
        return standby.told_of(self.settings)

    async def is_in_step(self) -> None:
        def look() -> bool:
            with suppress(CannotRun):
                return self.told.state == "synchronous"
            return False

        await eventually(look, within_s=PATIENCE_S, what="every commit is in both")


@asynccontextmanager
async def kept(folder: Path) -> AsyncIterator[Pair]:
    with held(folder):
        pair = Pair(folder)
        assert pair.engines.postgres is not None
        await migrate.prepare(
            pair.engines.postgres.url(database="postgres"), database=DATABASE, passwords=pair.engines.passwords
        )
        keeper = Keeper(pair.engines, pair.supervisor)
        pair.supervisor.watch("postgres", keeper.primary_ended, pair.engines.postgres.process)
        stop = asyncio.Event()
        tasks = [asyncio.create_task(keeper.keep()), asyncio.create_task(pair.supervisor.run(stop))]
        try:
            yield pair
        finally:
            stop.set()
            tasks[0].cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            pair.engines.stop()


async def asked(engines: Engines, statement: str) -> object:
    return await asyncio.to_thread(ask, engines, statement)


@pytest.mark.timeout(300)
async def test_a_killed_primary_is_replaced_within_seconds_and_nothing_answered_is_lost(folder: Path) -> None:
    async with kept(folder) as pair:
        await pair.is_in_step()
        pool = await connect_pool(pair.settings.owner_database_url, size=2, application="test")
        await pool.execute("create table written (n integer primary key)")
        written: list[int] = []
        gap_s = await _write_through_a_kill(pair, pool, written)
        rows = {row["n"] for row in await pool.fetch("select n from written")}
        assert set(written) <= rows
        assert len(written) > 40
        assert gap_s < 10
        assert (pair.told.primary, pair.told.standby) == ("standby", "postgres")
        await pair.is_in_step()
        assert await pool.fetchval("select count(*) from written") == len(rows)
        await pool.close()
    with held(folder):
        again = Engines(embedded_settings(folder, WEDSYNC_VALKEY_URL="unix:///"))
        again.start()
        try:
            assert await asked_of(again, "select count(*) from written") == len(rows)
        finally:
            again.stop()


async def asked_of(engines: Engines, statement: str) -> object:
    return await asyncio.to_thread(ask, engines, statement, DATABASE)


async def _is_written(pool: asyncpg.Pool, number: int) -> bool:
    with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        await pool.execute("insert into written values ($1) on conflict do nothing", number)
        return True
    return False


async def _write_through_a_kill(pair: Pair, pool: asyncpg.Pool, written: list[int]) -> float:
    """Rows one by one, the primary killed after twenty; returns the longest time without an answer."""
    loop, longest, last = asyncio.get_running_loop(), 0.0, 0.0
    for number in range(60):
        if number == 20:
            postmaster(pair.engines).kill()
        last = loop.time()
        ask_again = partial(_is_written, pool, number)
        done: bool = await eventually(ask_again, within_s=PATIENCE_S, what="it is answered")
        assert done
        written.append(number)
        longest = max(longest, loop.time() - last)
    return longest


@pytest.mark.timeout(300)
async def test_an_operator_promotes_it_and_the_replicator_can_do_nothing_else(folder: Path) -> None:
    async with kept(folder) as pair:
        await pair.is_in_step()
        engines = pair.engines
        assert engines.postgres is not None
        with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
            await asyncpg.connect(engines.postgres.url(REPLICATOR, engines.replicator_password, "postgres"))
        await asyncio.to_thread(keep_a_row, engines)
        assert await asyncio.to_thread(standby.promote, pair.settings) == 0
        assert pair.told.primary == "standby"
        assert await asked(engines, "select count(*) from kept") == 1
        assert not await asked(engines, "select pg_is_in_recovery()")


@pytest.mark.timeout(300)
async def test_commits_go_on_without_a_standby_that_is_gone_and_it_is_not_promoted_then(folder: Path) -> None:
    async with kept(folder) as pair:
        await pair.is_in_step()
        engines = pair.engines
        assert engines.standby is not None
        pair.supervisor.forget("standby")
        await asyncio.to_thread(engines.standby.stop)
        await asyncio.to_thread(keep_a_row, engines)
        assert pair.told.state == "away"
        assert await asyncio.to_thread(standby.status, pair.settings, is_json=True) == 1
        with pytest.raises(CannotRun, match="does not have everything"):
            await asyncio.to_thread(standby.promote, pair.settings)
        killed = postmaster(engines)
        killed.kill()

        def is_back() -> bool:
            now = pair.engines.postgres
            return now is not None and now.process is not None and now.process.pid != killed.pid

        await eventually(is_back, within_s=PATIENCE_S, what="the primary itself came back")
        assert engines.primary == "postgres"
        assert await asked(engines, "select count(*) from kept") == 1
