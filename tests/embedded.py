"""Embedded engines for tests that start and break some of their own."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import asyncpg
import psutil

from wedsync.kit.config import Settings, load
from wedsync.processes.engines import Engines


@contextmanager
def passable_folder() -> Iterator[Path]:
    """A folder that the engines' account can enter, unlike pytest's own temporary ones."""
    place = Path(tempfile.mkdtemp(prefix="wedsync-engines-"))
    place.chmod(0o711)
    yield place
    # What was stopped in the middle may still be taking its own files away.
    while place.exists():
        with suppress(FileNotFoundError):
            shutil.rmtree(place)


def embedded_settings(data_dir: Path, **extra: str) -> Settings:
    return load({"WEDSYNC_ENV": "test", "WEDSYNC_DATA_DIR": str(data_dir), **extra})


def ask(engines: Engines, statement: str, database: str = "postgres") -> object:
    """One value, as the administrator."""

    async def go() -> object:
        assert engines.postgres is not None
        connection = await asyncpg.connect(engines.postgres.url(database=database), timeout=30)
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    return asyncio.run(go())


def keep_a_row(engines: Engines) -> None:
    ask(engines, "create table if not exists kept (at timestamptz default clock_timestamp())")
    ask(engines, "insert into kept default values")


def postmaster(engines: Engines) -> psutil.Process:
    assert engines.postgres is not None
    assert engines.postgres.process is not None
    return psutil.Process(engines.postgres.process.pid)
