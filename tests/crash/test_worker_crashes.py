"""The worker ends at any place, by kill -9, by a bug or by a lost reply: no fact is lost, none is made up."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from tests import seed
from tests.crash.scene import Scene, set_scene
from tests.engines_fixture import Database, RunningPostgres, settings_for
from tests.eventually import eventually
from tests.ledger import admin_url

FACTS = 12
MODES = ("kill9", "raise", "drop_reply")
# What this program passes; test_matrix takes all processes through every place.
PLACES = (
    *("after_claim", "before_send", "after_send", "before_complete", "after_complete"),
    *("before_commit", "after_commit"),
)
# In every run one of them by seed, since test_matrix passes each place in one; all where there is time for it.
MATRIX = [(place, mode, at) for place in PLACES for mode in MODES for at in (1, 2, 5)]
BY_SEED = seed.chosen(MATRIX, len(MATRIX), "worker crashes")


@pytest_asyncio.fixture
async def scene(
    make_database: Callable[[], Awaitable[Database]], postgres: RunningPostgres, valkey_url: str, tmp_path: Path
) -> AsyncIterator[Scene]:
    database = await make_database()
    settings = settings_for(tmp_path, database, valkey_url)
    async with set_scene(settings=settings, admin=admin_url(postgres, database)) as scene:
        yield scene


async def crash(scene: Scene, place: str, mode: str, at: int) -> None:
    worker = scene.start(f"{place}={mode}@{at}")
    await scene.facts(FACTS)
    if mode == "kill9":
        await eventually(lambda: worker.poll() is not None, within_s=60, what=f"the worker ends at {place}")
        assert worker.returncode == -9
        scene.start()
    elif (place, mode) == ("after_claim", "raise") or (place, at) == ("after_commit", 1):
        # The first commit is of its start.
        await eventually(lambda: worker.poll() is not None, within_s=60, what="a bug of the worker itself ends it")
        scene.start()
    await scene.recovers()
    await scene.keeps_its_promises(facts=FACTS)


@pytest.mark.parametrize(
    ("place", "mode", "at"), [pytest.param(*cell, marks=seed.marks(cell, BY_SEED)) for cell in MATRIX]
)
async def test_a_crash_at_each_place(scene: Scene, place: str, mode: str, at: int) -> None:
    await crash(scene, place, mode, at)
