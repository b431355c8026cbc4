"""PostgreSQL is stopped at once, as by a fault of the machine, while webhooks and reactions are under way."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.crash.scene import Scene, set_scene
from tests.embedded import embedded_settings, passable_folder, postmaster
from tests.engines_fixture import LOOPBACK
from tests.eventually import eventually
from wedsync.processes import migrate
from wedsync.processes.engines import Engines

WITHOUT_VALKEY = "valkey://127.0.0.1:1/0"


@pytest_asyncio.fixture
async def own(tmp_path: Path) -> AsyncIterator[tuple[Scene, Engines]]:
    """A scene on a cluster of its own, which may be stopped."""
    with passable_folder() as folder:
        extra = {"WEDSYNC_VALKEY_URL": WITHOUT_VALKEY, "WEDSYNC_EGRESS_ALLOW": LOOPBACK, "WEDSYNC_POOL_SIZE": "4"}
        engines = Engines(embedded_settings(folder, **extra))
        settings = engines.start()
        try:
            assert engines.postgres is not None
            maintenance = engines.postgres.url(database="postgres")
            await migrate.prepare(maintenance, database="wedsync", passwords=engines.passwords)
            await migrate.build_from_schema(settings.owner_database_url)
            async with set_scene(settings=settings, admin=engines.postgres.url()) as scene:
                yield scene, engines
        finally:
            engines.stop()


@pytest.mark.prove
@pytest.mark.timeout(300)
async def test_stops_at_once_while_facts_are_committed_lose_none(own: tuple[Scene, Engines]) -> None:
    scene, engines = own
    scene.start()
    async with scene.stream() as stream:
        for _ in range(5):
            await stream.more(20)
            await stop_at_once(engines)
        await stream.more(20)
    facts = await stream.committed()
    await scene.recovers(within_s=120)
    await scene.keeps_its_promises(facts=facts)
    repeats = len(scene.receiver.requests) - len(set(scene.receiver.ids))
    print(f"\nstopped at once 5 times: committed {facts}, lost 0, unanswered {stream.failed}, repeats {repeats}")


async def stop_at_once(engines: Engines) -> None:
    """`pg_ctl stop -m immediate`: no checkpoint, no farewell; then it is started again and replays its log."""
    process = postmaster(engines)
    process.send_signal(signal.SIGQUIT)
    assert engines.postgres is not None
    assert engines.postgres.process is not None
    await asyncio.to_thread(engines.postgres.process.wait, 20)
    await asyncio.to_thread(engines.postgres.restart)


@pytest.mark.parametrize("stops", [1, pytest.param(5, marks=pytest.mark.prove)])
async def test_a_stop_at_once_loses_no_committed_fact(own: tuple[Scene, Engines], stops: int) -> None:
    scene, engines = own
    worker = scene.start()
    for _ in range(stops):
        await scene.facts(8)
        await eventually(lambda: scene.receiver.requests, what="webhooks are under way")
        await stop_at_once(engines)
    await scene.recovers(within_s=60)
    await scene.keeps_its_promises(facts=8 * stops)
    assert worker.poll() is None, "the worker outlives its database"
