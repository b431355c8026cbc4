"""What is left to do at a provider before an account is disconnected: it is told to tell no more.

Afterwards nobody could, for our access is gone; a watch that nobody has ended goes on calling us for days.
"""

import asyncio
from typing import Any, Final
from uuid import UUID

import structlog

from wedsync.connections.calendars.contract import Watches, Watching
from wedsync.connections.calendars.kept import Seals, Watched
from wedsync.connections.contract import Connection, Delivered
from wedsync.connections.host import Host
from wedsync.kit import clock, sql
from wedsync.kit.db import Row, Tx
from wedsync.kit.seal import KeyRing

log = structlog.get_logger("calendars")
queries = sql.load("wedsync.connections.calendars")
PATIENCE_S: Final = 5.0
"""Somebody waits for the page; a watch that could not be ended ends by itself, within days."""


async def watched(tx: Tx, connection_id: UUID) -> list[Row]:
    """The calendars of an account that its provider tells of."""
    return await tx.rows(queries.watched_of, connection_id, clock.machine_now())


async def end_watches(host: Host, ring: KeyRing, connector: str, connection: Connection, rows: list[Row]) -> None:
    """All at once, each within its time; a provider that does not answer is no reason to stay connected."""
    if host.connector(connector, Watches) is None:
        return

    async def end(row: Row) -> Any:
        seals = Seals(ring, row["tenant_id"])
        old = seals.open(row["watch_sealed"], Watched, table="calendar_progress", row=row["id"], column="watch_sealed")
        watching = Watching(id=old.id, expires_at=old.until)
        calendar = seals.named(row["id"], row["sealed"]).id
        return await host.unwatch(connector, calendar, watching, connection, timeout_s=PATIENCE_S)

    said = await asyncio.gather(*(end(row) for row in rows))
    left = [type(one).__name__ for one in said if not isinstance(one, Delivered)]
    if left:
        log.warning("watches_not_ended", connection_id=str(connection.id), connector=connector, outcomes=left)
