"""Pools that follow the season: each process looks every few seconds how many connections it may have."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, Final

import msgspec
import structlog

from wedsync.events.jobs import is_passing
from wedsync.kit import sql
from wedsync.kit.config import Settings
from wedsync.kit.db import connect_pool
from wedsync.kit.pools import Elastic
from wedsync.operations.database import sizing
from wedsync.operations.database.sizing import Face

queries = sql.load("wedsync.operations.database")
log = structlog.get_logger("pools")
LOOK_S: Final = 15.0


@contextlib.asynccontextmanager
async def pooled(dsn: str, *, face: Face, settings: Settings, application: str) -> AsyncIterator[Any]:
    """A pool for one face that follows the season as long as the block lasts, and is closed after it."""
    pool = await connect_pool(dsn, size=sizing.most(face, settings), application=application)
    stop, elastic = asyncio.Event(), Elastic(pool)
    await elastic.fit(sizing.first(face, settings))
    keeping = asyncio.create_task(keep(pool, elastic, face=face, settings=settings, stop=stop))
    try:
        yield pool
    finally:
        stop.set()
        await keeping
        await pool.close()


async def look(pool: Any, elastic: Elastic, *, face: Face, settings: Settings) -> int:
    """Fit the pool to this moment; returns its size."""
    facts = msgspec.json.decode(await pool.fetchval(queries.pool_facts), type=sizing.Facts)
    before, plan = elastic.size, sizing.plan(facts, settings)
    after = await elastic.fit(plan.each(face))
    if after != before:
        log.info("pool_fitted", face=face, connections=after, before=before, reason=plan.says)
    return after


async def keep(pool: Any, elastic: Elastic, *, face: Face, settings: Settings, stop: asyncio.Event) -> None:
    """Look until asked to stop. A database that is away leaves the pool as it is."""
    while not await _stopped(stop):
        try:
            await look(pool, elastic, face=face, settings=settings)
        except Exception as error:
            if not is_passing(error):
                raise
            log.debug("pool_not_fitted", face=face, reason=type(error).__name__)


async def _stopped(stop: asyncio.Event) -> bool:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LOOK_S):
            await stop.wait()
    return stop.is_set()
