"""The night's questions of integrity: begun by the clock and asked beside it, so that nothing due waits for them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import structlog

from wedsync.events.jobs import is_passing
from wedsync.kit import clock
from wedsync.kit.config import Settings
from wedsync.kit.db import connect_pool
from wedsync.operations.integrity import checks

log = structlog.get_logger("integrity")

APPLICATION: Final = "wedsync-integrity"


def nightly(settings: Settings) -> Callable[[Any], Awaitable[None]]:
    """A tick that asks once a night, on a connection of its own; a run that has not ended is left alone."""
    running: asyncio.Task[None] | None = None

    async def begin(connection: Any) -> None:
        nonlocal running
        if running is not None:
            if not running.done():
                return
            running.result()
            running = None
        if await checks.is_due(connection, clock.machine_now()):
            running = asyncio.create_task(_passed_over(settings.door("service")))

    return begin


async def _passed_over(dsn: str) -> None:
    """A database that goes away in the night is asked again by the next tick."""
    try:
        await run(dsn)
    except Exception as error:
        if not is_passing(error):
            raise
        log.warning("integrity_interrupted", reason=f"{type(error).__name__}: {error}")


async def run(dsn: str) -> int:
    """Ask everything, keep and log what was found; returns how many questions found something."""
    pool = await connect_pool(dsn, size=1, application=APPLICATION)
    broken = 0
    try:
        async with pool.acquire() as connection:
            async for found in checks.ask(connection):
                await checks.note(connection, found)
                if not found.is_sound:
                    broken += 1
                    _log(found)
    finally:
        await pool.close()
    log.info("integrity_checked", broken=broken)
    return broken


def _log(found: checks.Found) -> None:
    first = [f"{flaw.subject}: {flaw.told}" for flaw in found.flaws[: checks.FIRST]]
    log.error("integrity_broken", check=found.check.name, found=len(found.flaws), first=first, cure=found.check.cure)
