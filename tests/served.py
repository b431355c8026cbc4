"""The web application under its real lifespan, for tests that ask it in-process."""

import asyncio
import functools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar

from wedsync.connections.manifest import PACKAGE
from wedsync.kit.config import Settings
from wedsync.processes import web
from wedsync.web.served import Served


@functools.cache
def first() -> Served:
    """Whose routes all others share; it is never started."""
    return web.create(Settings())


@asynccontextmanager
async def served(settings: Settings, *, connectors: str = PACKAGE) -> AsyncIterator[Litestar]:
    """Started and ended in one task of its own, as cancel scopes want it, whichever task a fixture is torn down in."""
    app = web.create(settings, connectors=connectors, like=first())
    ready, stop = asyncio.Event(), asyncio.Event()

    async def live() -> None:
        async with app.lifespan():
            ready.set()
            await stop.wait()

    task = asyncio.create_task(live())
    await asyncio.wait({task, asyncio.create_task(ready.wait())}, return_when="FIRST_COMPLETED")
    try:
        if task.done():
            await task
        yield app
    finally:
        stop.set()
        await task
