"""A drill's wedding time: the database holds it, and every process takes it over, so that Python and SQL agree."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, Final

from wedsync.events.jobs import is_passing
from wedsync.kit import clock
from wedsync.kit.db import Door

ENV: Final = "drill"
EVERY_S: Final = 1.0
READ: Final = "select base, set_at, speed from app.moved_clock()"


async def take(connection: Any, env: str) -> None:
    """As it is set now; in any profile but drill nothing is asked."""
    if env != ENV:
        return
    row = await connection.fetchrow(READ)
    clock.follow(None if row is None else clock.Clock(**row), env=env)


@contextlib.asynccontextmanager
async def followed(door: Door, env: str) -> AsyncIterator[None]:
    """This process's wedding time is the database's meanwhile, looked at every second."""
    if env != ENV:
        yield
        return
    async with door.pool.acquire() as connection:
        await take(connection, env)
    following = asyncio.create_task(_follow(door, env))
    try:
        yield
    finally:
        following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await following


async def _follow(door: Door, env: str) -> None:
    while True:
        try:
            async with door.pool.acquire() as connection:
                await take(connection, env)
        except Exception as error:
            if not is_passing(error):
                raise
        await asyncio.sleep(EVERY_S)
