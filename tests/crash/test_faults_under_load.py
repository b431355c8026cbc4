"""Connections cut, Valkey emptied and stopped, clocks that are wrong, a worker halted: while facts are committed."""

import secrets
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from valkey.asyncio import Valkey

from tests.crash.scene import Scene, set_scene
from tests.engines_fixture import Database, RunningPostgres, settings_for
from tests.eventually import eventually
from tests.ledger import admin_url
from wedsync.kit import clock
from wedsync.processes.engine_account import engine_account
from wedsync.processes.engines import free_port
from wedsync.processes.valkey_server import ValkeyServer

CUT = (
    "select count(pg_terminate_backend(pid)) from pg_stat_activity"
    " where datname = current_database() and application_name = 'wedsync-worker'"
)
WAITS = (
    "select extract(epoch from next_at - clock_timestamp())::float from deliveries"
    " where destination_id = $1 and state = 'deferred'"
)
RETRY_MAX_S = 120.0


@contextmanager
def server_of_its_own(folder: Path) -> Iterator[ValkeyServer]:
    server = ValkeyServer(
        folder=Path("/"), log=folder / "valkey.log", account=engine_account(), password=secrets.token_urlsafe(12)
    )
    server.start(free_port())
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[ValkeyServer]:
    with server_of_its_own(tmp_path) as server:
        yield server


@pytest_asyncio.fixture
async def scene(
    make_database: Callable[[], Awaitable[Database]], postgres: RunningPostgres, valkey: ValkeyServer, tmp_path: Path
) -> AsyncIterator[Scene]:
    database = await make_database()
    settings = settings_for(tmp_path, database, valkey.url)
    async with set_scene(settings=settings, admin=admin_url(postgres, database)) as scene:
        yield scene


async def holds(scene: Scene, what: str, facts: int, *, skew_s: float = 0.0) -> None:
    """The promises, and a line of what it took."""
    await scene.recovers(within_s=120)
    await scene.keeps_its_promises(facts=facts, skew_s=skew_s)
    repeats = len(scene.receiver.requests) - len(set(scene.receiver.ids))
    print(f"\n{what}: committed {facts}, lost 0, repeats {repeats}")


@pytest.mark.prove
@pytest.mark.timeout(300)
async def test_cut_connections_lose_nothing(scene: Scene) -> None:
    worker, cut = scene.start(), 0
    async with scene.stream() as stream:
        await eventually(lambda: scene.receiver.requests, within_s=60, what="webhooks are under way")
        for _ in range(15):
            await stream.more(10)
            cut += await scene.ledger.admin.fetchval(CUT)
    await holds(scene, f"{cut} connections of the worker cut", await stream.committed())
    assert cut > 15
    assert worker.poll() is None, "the worker outlives its connections"


@pytest.mark.prove
@pytest.mark.timeout(300)
async def test_valkey_emptied_and_stopped_loses_nothing(scene: Scene, valkey: ValkeyServer) -> None:
    worker = scene.start()
    async with scene.stream() as stream, Valkey.from_url(valkey.url.replace("valkey://", "redis://")) as client:
        for _ in range(5):
            await stream.more(10)
            await client.flushall()
        valkey.stop()
        came = len(scene.receiver.requests)
        await stream.more(30)
        await eventually(lambda: len(scene.receiver.requests) > came, within_s=60, what="webhooks go out without it")
        valkey.start(valkey.port)
        await stream.more(10)
    await holds(scene, "Valkey emptied 5 times and stopped", await stream.committed())
    assert worker.poll() is None


@pytest.mark.prove
@pytest.mark.parametrize("skew_s", [-600.0, 600.0])
async def test_a_worker_whose_clock_is_wrong_keeps_the_databases_time(scene: Scene, skew_s: float) -> None:
    scene.start("before_send=drop_reply", **{clock.SKEW: str(skew_s)})
    await scene.facts(6)
    waits = await eventually(
        lambda: scene.ledger.admin.fetchval(WAITS, scene.endpoint), what="one is tried again later"
    )
    assert 0 < waits < RETRY_MAX_S
    leases = "select count(*) from jobs where lease_until not between clock_timestamp() and clock_timestamp() + '61 s'"
    assert await scene.ledger.admin.fetchval(leases) == 0
    await holds(scene, f"clock of the worker {skew_s:+.0f} s", 6, skew_s=skew_s)


@pytest.mark.prove
@pytest.mark.timeout(300)
async def test_leases_stolen_again_and_again_are_fenced(scene: Scene) -> None:
    """Two workers, one of which is halted past its leases three times while both work."""
    halted, other = scene.start(), scene.start()
    async with scene.stream() as stream:
        for _ in range(3):
            await stream.more(10)
            halted.send_signal(signal.SIGSTOP)
            await scene.ledger.let_leases_lapse()
            await scene.ledger.queue.reclaim()
            await stream.more(10)
            halted.send_signal(signal.SIGCONT)
        await stream.more(10)
    late = "select count(*) from attempts where is_late"
    await holds(scene, "leases stolen 3 times", await stream.committed())
    print(f"late attempts {await scene.ledger.admin.fetchval(late)}")
    assert (halted.poll(), other.poll()) == (None, None)
