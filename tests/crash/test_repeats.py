"""kill -9 of the web process anywhere in a POST under an Idempotency-Key, then the repeat: it is done exactly once."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio

from tests.world import World, build
from wedsync.kit import failpoints
from wedsync.kit.config import Settings

ROOT = Path(__file__).parents[2]
KEPT_ENVIRON = ("PATH", "HOME", "PYTHONPATH")
# The commits of a program's one request: is the key known, the change, its answer.
PLACES = [
    ("after_commit=kill9@1", "201 false"),
    ("before_commit=kill9", "201 false"),
    ("after_commit=kill9@2", "409 false"),
    ("after_commit=kill9@3", "201 true"),
]


@pytest_asyncio.fixture(scope="module")
async def world(settings: Settings) -> AsyncIterator[World]:
    made = await build(settings)
    yield made
    await made.door.pool.close()


def asked(settings: Settings, world: World, key: str, title: str, *, armed: str = "") -> tuple[int, str]:
    """How the program ended, and what it said."""
    kept = {name: os.environ[name] for name in KEPT_ENVIRON if name in os.environ}
    command = [sys.executable, "-m", "tests.crash.repeat_program", f"/api/v1/weddings/{world.wedding_id}/tasks"]
    ended = subprocess.run(
        [*command, world.tokens["couple"], key, title],
        env={**kept, **settings.environ(), failpoints.VARIABLE: armed},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    return ended.returncode, ended.stdout.decode().splitlines()[-1] if ended.stdout else ""


@pytest.mark.prove  # in each run tests/contracts/test_repeats.py crashes in the same places, inside one process
@pytest.mark.parametrize(("armed", "repeated"), PLACES)
async def test_a_killed_request_and_its_repeat_are_done_once(
    settings: Settings, world: World, armed: str, repeated: str
) -> None:
    key, title = str(uuid4()), f"Killed at {armed}"
    assert asked(settings, world, key, title, armed=armed) == (-9, "")
    status, said = asked(settings, world, key, title)
    assert (status, said) == (0, repeated)
    async with world.door.enter(world.actor("couple"), world.wedding_id) as tx:
        assert await tx.value("select count(*) from tasks where title = $1", title) == 1
