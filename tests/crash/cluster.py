"""A PostgreSQL of a test's own, prepared and empty, which may be stopped."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.embedded import embedded_settings, passable_folder, postmaster
from wedsync.kit.config import Settings
from wedsync.processes import migrate
from wedsync.processes.engines import Engines

WITHOUT_VALKEY = "valkey://127.0.0.1:1/0"


@asynccontextmanager
async def own_cluster(**extra: str) -> AsyncIterator[tuple[Engines, Settings]]:
    """Its schema is there; there is no Valkey."""
    with passable_folder() as folder:
        engines = Engines(embedded_settings(folder, WEDSYNC_VALKEY_URL=WITHOUT_VALKEY, **extra))
        settings = engines.start()
        try:
            assert engines.postgres is not None
            maintenance = engines.postgres.url(database="postgres")
            await migrate.prepare(maintenance, database="wedsync", passwords=engines.passwords)
            await migrate.build_from_schema(settings.owner_database_url)
            yield engines, settings
        finally:
            engines.stop()


async def stop_at_once(engines: Engines) -> None:
    """`pg_ctl stop -m immediate`: no checkpoint, no farewell; then it is started again and replays its log."""
    process = postmaster(engines)
    process.send_signal(signal.SIGQUIT)
    assert engines.postgres is not None
    assert engines.postgres.process is not None
    await asyncio.to_thread(engines.postgres.process.wait, 20)
    await asyncio.to_thread(engines.postgres.restart)
