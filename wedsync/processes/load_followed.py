"""A web process knows how late it is, by five looks a second, and which weddings are live, by one every 15 seconds."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

import structlog

from wedsync.events.jobs import is_passing
from wedsync.kit import clock
from wedsync.kit.db import Door
from wedsync.web.shedding import LOOK_S, Load

log = structlog.get_logger("web")
LIVE_S: Final = 15.0
READ: Final = "select app.live_weddings()"


async def take_live(door: Door, load: Load) -> None:
    """Those of this moment. Raises what the database raises."""
    load.live = frozenset(await door.pool.fetchval(READ))


@contextlib.asynccontextmanager
async def followed(door: Door, load: Load) -> AsyncIterator[None]:
    """Meanwhile."""
    following = [asyncio.create_task(_measure(door, load)), asyncio.create_task(_follow(door, load))]
    try:
        yield
    finally:
        for one in following:
            one.cancel()
        await asyncio.gather(*following, return_exceptions=True)


async def _measure(door: Door, load: Load) -> None:
    while True:
        due = clock.monotonic() + LOOK_S
        await asyncio.sleep(LOOK_S)
        load.look(lag_s=clock.monotonic() - due, waiting=door.waiting, size=door.pool.get_max_size())


async def _follow(door: Door, load: Load) -> None:
    """A database that is away leaves those that were known."""
    while True:
        try:
            await take_live(door, load)
        except Exception as error:
            if not is_passing(error):
                log.error("live_weddings_not_read", exc_info=error)
        await asyncio.sleep(LIVE_S)
