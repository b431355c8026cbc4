"""What happens around the worker: halted past its lease, asked to stop, beside another, without Valkey."""

import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from tests.crash.scene import Scene, set_scene
from tests.engines_fixture import Database, RunningPostgres, settings_for
from tests.eventually import eventually
from tests.ledger import admin_url

NOBODY = "valkey://127.0.0.1:1/0"
FEW_OWED = "select count(*) < 20 from jobs"


@pytest_asyncio.fixture
async def scene(
    make_database: Callable[[], Awaitable[Database]], postgres: RunningPostgres, valkey_url: str, tmp_path: Path
) -> AsyncIterator[Scene]:
    database = await make_database()
    settings = settings_for(tmp_path, database, valkey_url)
    async with set_scene(settings=settings, admin=admin_url(postgres, database)) as scene:
        yield scene


async def test_a_halted_worker_loses_its_leases_and_changes_nothing_when_it_wakes(scene: Scene) -> None:
    """It is halted with a request on the wire; another delivers; what it then has to say is written as late."""
    scene.receiver.gate.clear()
    halted = scene.start()
    await scene.facts(1)
    await eventually(lambda: scene.receiver.begun == 2, what="the fact and its answer are on the wire")
    halted.send_signal(signal.SIGSTOP)
    await scene.ledger.let_leases_lapse()
    await scene.ledger.queue.reclaim()
    scene.receiver.gate.set()
    scene.start()
    await scene.recovers()
    halted.send_signal(signal.SIGCONT)
    late = "select count(*) = 2 from attempts where is_late"
    await eventually(lambda: scene.ledger.admin.fetchval(late), what="the late attempts are written")
    await scene.keeps_its_promises(facts=1)
    assert len(scene.receiver.requests) > len(set(scene.receiver.ids)), "the halted one had sent it too"


async def test_a_graceful_stop_loses_nothing_and_burns_no_attempt(scene: Scene) -> None:
    worker = scene.start()
    await scene.facts(6)
    await eventually(lambda: scene.receiver.requests, what="it works")
    worker.send_signal(signal.SIGTERM)
    await scene.facts(6)
    await eventually(lambda: worker.poll() is not None, within_s=60, what="it stops")
    assert worker.returncode == 0
    leased = "select count(*) from jobs where lease_token is not null or attempt > 0"
    assert await scene.ledger.admin.fetchval(leased) == 0
    scene.start()
    await scene.recovers()
    await scene.keeps_its_promises(facts=12)
    assert len(scene.receiver.requests) == len(set(scene.receiver.ids)), "nothing was sent twice"
    assert {row["attempts"] for row in await scene.ledger.deliveries(scene.endpoint)} == {1}


@pytest.mark.prove  # in each run tests/crash/test_matrix.py kills a worker and starts another in its place
async def test_two_workers_share_the_work_and_one_is_killed(scene: Scene) -> None:
    first, second = scene.start(), scene.start("after_send=kill9")
    facts = 0

    async def keep_up() -> bool:
        return second.poll() is not None or await scene.ledger.admin.fetchval(FEW_OWED)

    while second.poll() is None:
        await scene.facts(5)
        facts += 5
        # No heap is left to the other, however long the second takes to come up.
        await eventually(keep_up, within_s=60, what="they keep up")
    await scene.recovers()
    await scene.keeps_its_promises(facts=facts)
    assert first.poll() is None


async def test_without_valkey_everything_arrives(scene: Scene) -> None:
    scene.start(WEDSYNC_VALKEY_URL=NOBODY)
    await scene.facts(5)
    await scene.recovers()
    await scene.keeps_its_promises(facts=5)
