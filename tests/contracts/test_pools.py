"""Pools follow profile, season and the weddings due, without a restart; what is at work is never ended."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from msgspec.structs import replace

from tests.contracts.town import Town
from tests.engines_fixture import RunningPostgres, clone, drop, settings_for
from tests.eventually import eventually
from tests.served import served
from wedsync.kit.absence import Absence
from wedsync.kit.config import Settings, load
from wedsync.kit.db import connect_pool
from wedsync.kit.pools import Elastic, Waiting, give_back
from wedsync.operations.database import sizing
from wedsync.processes import pooling

APRIL, MAY = datetime(2027, 4, 26, 12, tzinfo=UTC), datetime(2027, 5, 3, 12, tzinfo=UTC)


@pytest_asyncio.fixture
async def pool(settings: Settings) -> AsyncIterator[asyncpg.Pool]:
    made = await connect_pool(settings.door("user"), size=6, application="wedsync-web")
    yield made
    await made.close()


async def busy(pool: asyncpg.Pool, most: int) -> int:
    """How many can be had at once, at most so many."""
    held: list[Any] = []
    try:
        for _ in range(most):
            held.append(await pool.acquire(timeout=0.3))
    except TimeoutError:
        pass
    finally:
        for connection in held:
            await pool.release(connection)
    return len(held)


async def test_a_pool_shrinks_and_grows_while_it_works(pool: asyncpg.Pool) -> None:
    elastic = Elastic(pool)
    assert await elastic.fit(2) == 2
    assert (pool.get_max_size(), await busy(pool, 6)) == (2, 2)
    assert await elastic.fit(5) == 5
    assert (pool.get_max_size(), await busy(pool, 6)) == (5, 5)
    assert await elastic.fit(50) == 6, "never more than it was opened for"
    assert await elastic.fit(0) == 1, "and one always"
    assert pool.get_size() <= 1, "what rests is closed"


async def test_what_is_at_work_goes_on_and_rests_when_it_comes_back(pool: asyncpg.Pool) -> None:
    elastic = Elastic(pool)
    held = [await pool.acquire() for _ in range(4)]
    assert await elastic.fit(2) == 4
    assert [await one.fetchval("select 7") for one in held] == [7] * 4
    for one in held:
        await pool.release(one)
    assert await elastic.fit(2) == 2
    assert await busy(pool, 4) == 2


async def test_a_connection_that_was_given_back_is_the_next_ones_and_no_longer_its_own(pool: asyncpg.Pool) -> None:
    held = [await pool.acquire() for _ in range(6)]
    waiting = asyncio.create_task(pool.fetchval("select 7"))
    for one in held:
        await give_back(one)
    assert await asyncio.wait_for(waiting, 10) == 7
    with pytest.raises(asyncpg.InterfaceError, match="released back to the pool"):
        await held[0].fetchval("select 7")
    await give_back(held[0])
    assert (pool.get_idle_size(), await busy(pool, 7)) == (6, 6), "given back twice is given back once"


async def test_a_connection_that_was_cut_short_is_given_back_whole(pool: asyncpg.Pool) -> None:
    one = await pool.acquire()
    working = asyncio.create_task(one.fetchval("select pg_sleep(60)"))
    await asyncio.sleep(0)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    await give_back(one)
    assert await busy(pool, 7) == 6
    assert await pool.fetchval("select 7") == 7


async def test_whoever_works_on_leaves_a_connection_to_who_waits(pool: asyncpg.Pool) -> None:
    lender, rounds, is_through = Absence(pool, Waiting()), 0, asyncio.Event()

    async def work_on() -> None:
        nonlocal rounds
        while not is_through.is_set() and rounds < 2000:
            async with lender.lent() as connection:
                await connection.fetchval("select 7")
                rounds += 1

    async def ask() -> None:
        async with lender.lent() as connection:
            assert await connection.fetchval("select 7") == 7
        is_through.set()

    await asyncio.gather(*(work_on() for _ in range(6)), ask())
    assert rounds < 100


async def test_whoever_waits_gets_what_was_added(pool: asyncpg.Pool) -> None:
    elastic = Elastic(pool)
    await elastic.fit(1)
    held = await pool.acquire()
    waiting = asyncio.create_task(pool.fetchval("select 7"))
    await asyncio.sleep(0)
    assert not waiting.done()
    await elastic.fit(2)
    assert await asyncio.wait_for(waiting, 10) == 7
    await pool.release(held)


@pytest.mark.parametrize(
    ("env", "connections", "days"), [("production", 100, 7), ("staging", 20, 3), ("development", 10, 0)]
)
def test_a_profile_has_its_connections_and_its_days(env: Any, connections: int, days: int) -> None:
    made = replace(Settings(), env=env)
    assert (made.connections, made.recovery_days) == (connections, days)
    set_so = replace(made, database_connections=42, backup_retention_days=5)
    assert (set_so.connections, set_so.recovery_days) == (42, 5)


def facts(**more: Any) -> sizing.Facts:
    processes = {"web": 2, "gateway": 1, "worker": 2}
    known: dict[str, Any] = {"now": APRIL, "zones": {"Europe/London": 3}, "due": 0, "live": 0, "processes": processes}
    return sizing.Facts(**known | {"max": 200} | more)


PRODUCTION = replace(Settings(), env="production")


@pytest.mark.parametrize(
    ("found", "each"),
    [
        (facts(), (13, 7, 7)),
        (facts(now=MAY), (27, 15, 15)),
        (facts(live=1), (27, 15, 15)),
        (facts(due=20), (27, 15, 15)),
        (facts(zones={"Australia/Sydney": 5}, now=MAY), (13, 7, 7)),
        (facts(now=MAY, max=100), (22, 12, 12)),
        (facts(now=MAY, processes={}), (55, 15, 30)),
    ],
)
def test_each_face_has_its_share(found: sizing.Facts, each: tuple[int, int, int]) -> None:
    plan = sizing.plan(found, PRODUCTION)
    assert tuple(one.each for one in plan.faces) == each
    assert sum(one.total for one in plan.faces) <= plan.budget


def test_a_size_that_was_set_is_kept_in_every_season() -> None:
    fixed = load({"WEDSYNC_POOL_SIZE": "9"})
    assert {sizing.plan(facts(now=now), fixed).each("web") for now in (APRIL, MAY)} == {9}
    assert (sizing.most("web", fixed), sizing.first("web", fixed)) == (9, 9)


def test_development_stays_small() -> None:
    plan = sizing.plan(facts(now=MAY), replace(Settings(), env="development"))
    assert plan.budget == 10
    assert {one.face: one.each for one in plan.faces} == {"web": 2, "gateway": 2, "worker": 2}


@pytest_asyncio.fixture(scope="module")
async def town(
    postgres: RunningPostgres, worker: str, valkey_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Town]:
    """A town whose clock is moved, so it is nobody else's."""
    own = await clone(postgres, f"wedsync_{worker}_pools")
    settings = replace(settings_for(tmp_path_factory.mktemp("pools"), own, valkey_url), pool_size=0)
    admin = await asyncpg.connect(postgres.admin_url, database=own.name)
    async with served(settings) as app:
        yield Town(app, settings, admin)
    await admin.close()
    await drop(postgres, own.name)


async def test_from_april_to_may_pools_grow_without_a_restart_and_the_doors_show_it(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pooling, "LOOK_S", 0.05)
    couple, otto = await town.person(), await town.operator()
    await town.wedding(couple, on="2027-05-08")
    settings = replace(town.settings, database_connections=40)
    opened = pooling.pooled(settings.door("service"), face="worker", settings=settings, application="wedsync-worker")
    sizes = {}
    async with opened as pool:
        for name, now in (("April", APRIL), ("May", MAY)):
            await town.admin.execute("delete from clock_setting")
            await town.admin.execute("insert into clock_setting (base) values ($1)", now)
            wanted = sizing.plan(sizing.Facts(**{**_plain(now), "max": 100}), settings).each("worker")

            async def fitted(wanted: int = wanted) -> bool:
                return bool(pool.get_max_size() == wanted)

            await eventually(fitted)
            sizes[name] = pool.get_max_size()
    assert sizes == {"April": 6, "May": 12}
    page = await otto.see("/ops/database")
    assert "Most weddings of the next two weeks are in a market in its season." in page


def _plain(now: datetime) -> dict[str, Any]:
    return {"now": now, "zones": {"Europe/London": 1}, "due": 0, "live": 0, "processes": {}}


async def test_every_door_may_ask_what_pools_go_by(town: Town) -> None:
    for door in ("user", "reader", "service"):
        connection = await asyncpg.connect(town.settings.door(door))  # type: ignore[arg-type]
        assert "zones" in await connection.fetchval(pooling.queries.pool_facts)
        await connection.close()


async def test_a_cancelled_wedding_is_not_one_that_is_due(town: Town) -> None:
    """Neither for the pools nor for the two sides of the product."""
    couple = await town.person()
    wedding = await town.wedding(couple)
    await town.admin.execute(
        """insert into wedding_days (wedding_id, "on", zone, live_from, live_until) values ($1::uuid,
        app.now()::date, 'Europe/London', app.now() - interval '1 hour', app.now() + interval '5 hours')""",
        wedding,
    )
    faces = "select weddings_due from ops.faces() where face = 'WedMe'"
    live = "select (ops.pool_facts() ->> 'live')::integer"
    before = [await town.admin.fetchval(one) for one in (faces, live)]
    cancel = "update weddings set date_status = 'cancelled', \"on\" = '2027-05-03' where wedding_id = $1::uuid"
    await town.admin.execute(cancel, wedding)
    after = [await town.admin.fetchval(one) for one in (faces, live)]
    assert [was - now for was, now in zip(before, after, strict=True)] == [1, 1]
