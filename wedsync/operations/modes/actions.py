"""Entering and leaving a mode; the web's processes see it within a second, weddings are told by the clock."""

from uuid import UUID

import structlog

from wedsync.kit import sql
from wedsync.kit.db import Tx
from wedsync.kit.errors import not_found
from wedsync.operations.modes.model import EnterMode, PlatformMode, Shedding
from wedsync.web.context import as_struct

queries = sql.load("wedsync.operations.modes")
log = structlog.get_logger("modes")


async def recent(tx: Tx) -> list[PlatformMode]:
    """Of the last 30 days, newest first. Raises Refusal 403 for everybody but the operator."""
    return [as_struct(PlatformMode, row) for row in await tx.rows(queries.platform_modes)]


async def shedding(tx: Tx) -> list[Shedding]:
    """Processes of the web that send work away now, the one that began first at the front."""
    return [as_struct(Shedding, row) for row in await tx.rows(queries.shedding)]


async def enter(tx: Tx, asked: EnterMode) -> PlatformMode:
    """In force from the commit on; one of the same kind that was in force is left for it."""
    id: UUID = await tx.value(queries.enter_mode, asked.kind, asked.reason, asked.minutes)
    log.warning("mode_entered", mode=str(id), kind=asked.kind, person=str(tx.actor.id), minutes=asked.minutes)
    return await _one(tx, id)


async def leave(tx: Tx, id: UUID) -> PlatformMode:
    """Before its time, by any operator; leaving twice is leaving once. Raises Refusal 404."""
    found = await _one(tx, id)
    if await tx.value(queries.leave_mode, id):
        log.warning("mode_left", mode=str(id), kind=found.kind, person=str(tx.actor.id))
    return await _one(tx, id)


async def _one(tx: Tx, id: UUID) -> PlatformMode:
    found = next((one for one in await recent(tx) if one.id == id), None)
    if found is None:
        raise not_found("mode")
    return found
