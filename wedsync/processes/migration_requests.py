"""What the clock does with an operator's request to migrate: it alone holds the owner's address, and looks again."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import UUID

import structlog

from wedsync.events.jobs import is_passing
from wedsync.kit import sql
from wedsync.kit.config import Settings
from wedsync.kit.db import connect_pool
from wedsync.operations.freeze import actions as freeze
from wedsync.processes import migrate
from wedsync.processes.failures import MigrationRefused

queries = sql.load("wedsync.operations.database")
log = structlog.get_logger("clock")
NOT_HERE: Final = "The clock was not given WEDSYNC_OWNER_DATABASE_URL. Set it, or run `wedsync migrate`."


def applying(settings: Settings) -> Callable[[Any], Awaitable[None]]:
    """A tick that begins what waits, one at a time, and does not keep the clock from its other work meanwhile.

    A clock that ends in the middle leaves the request waiting, and the next one does what is left: files are applied
    one after another, each wholly or not at all.
    """
    begun: list[asyncio.Task[None]] = []

    async def apply(connection: Any) -> None:
        if begun and begun[0].done():
            await begun.pop()
        if begun:
            return
        row = await connection.fetchrow(queries.waiting)
        if row is not None:
            begun.append(asyncio.create_task(_apply(settings, row["id"], is_dry_run=row["is_dry_run"])))

    return apply


async def _apply(settings: Settings, id: UUID, *, is_dry_run: bool) -> None:
    """Ends the request; a database that is away for a moment leaves it waiting."""
    pool = await connect_pool(settings.door("service"), size=1, application="wedsync-clock")
    try:
        state, result = await _tried(pool, settings, is_dry_run=is_dry_run)
        await pool.fetchval(queries.end_migration, id, state, result)
        log.warning("migration_ended", request=str(id), state=state, result=result)
    except Exception as error:
        if not is_passing(error):
            raise
        log.warning("migration_waits", request=str(id), reason=f"{type(error).__name__}: {error}")
    finally:
        await pool.close()


async def _tried(pool: Any, settings: Settings, *, is_dry_run: bool) -> tuple[str, str]:
    if not settings.owner_database_url:
        return "refused", NOT_HERE
    verdict = await freeze.verdict(pool.fetchval, settings)
    if verdict.is_frozen:
        return "refused", f"The platform is frozen. {verdict.reason}"
    try:
        if is_dry_run:
            return "rehearsed", _told(await migrate.rehearse_asked(settings.owner_database_url))
        return "applied", _told(await migrate.apply_asked(settings.owner_database_url, default_plan=settings.plan))
    except MigrationRefused as refused:
        return "failed", str(refused)


def _told(names: list[str]) -> str:
    return ", ".join(names) or "Nothing was missing."
