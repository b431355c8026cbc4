"""A worker's sweeper, while a test looks at what it does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from wedsync.events.catalogue import Catalogue
from wedsync.events.jobs import Queue
from wedsync.events.sweeps import Sweeper


@asynccontextmanager
async def sweeping(queue: Queue, catalogue: Catalogue) -> AsyncIterator[Sweeper]:
    sweeper = Sweeper(queue, catalogue)
    running = asyncio.create_task(sweeper.run())
    try:
        yield sweeper
    finally:
        sweeper.stop()
        await running
