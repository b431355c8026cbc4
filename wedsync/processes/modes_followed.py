"""A process knows which modes are in force: it looks every second, and keeps what it knew while it cannot look."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

import msgspec
import structlog

from wedsync.events.jobs import is_passing
from wedsync.kit.db import Door
from wedsync.kit.modes import Mode, Modes

log = structlog.get_logger("modes")
EVERY_S: Final = 1.0
READ: Final = "select app.modes()"


async def take(door: Door, modes: Modes) -> None:
    """As they are now; said when they change."""
    found = msgspec.json.decode(await door.pool.fetchval(READ), type=list[Mode])
    if found != list(modes.all):
        log.info("modes_changed", now=[one.kind for one in found])
    modes.all = found


@contextlib.asynccontextmanager
async def followed(door: Door, modes: Modes) -> AsyncIterator[None]:
    """Meanwhile."""
    await take(door, modes)
    following = asyncio.create_task(_follow(door, modes))
    try:
        yield
    finally:
        following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await following


async def _follow(door: Door, modes: Modes) -> None:
    while True:
        await asyncio.sleep(EVERY_S)
        try:
            await take(door, modes)
        except Exception as error:
            if not is_passing(error):
                log.error("modes_not_read", exc_info=error)
