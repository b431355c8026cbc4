"""PostgreSQL is stopped at once, as by a fault of the machine, while webhooks and reactions are under way."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.crash.cluster import own_cluster, stop_at_once
from tests.crash.scene import Scene, set_scene
from tests.engines_fixture import LOOPBACK
from tests.eventually import eventually
from wedsync.processes.engines import Engines


@pytest_asyncio.fixture
async def own() -> AsyncIterator[tuple[Scene, Engines]]:
    """A scene on a cluster of its own."""
    async with own_cluster(WEDSYNC_EGRESS_ALLOW=LOOPBACK, WEDSYNC_POOL_SIZE="4") as (engines, settings):
        assert engines.postgres is not None
        async with set_scene(settings=settings, admin=engines.postgres.url()) as scene:
            yield scene, engines


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
