"""What the operator does from the console: send again what was given up. Each is written down with who and why."""

from uuid import UUID

import structlog

from wedsync.kit.db import Tx
from wedsync.operations.console.model import DEAD_DAYS, REPLAYED, Replay, Replayed
from wedsync.operations.console.reading import queries

log = structlog.get_logger("console")


async def replay(tx: Tx, destination_id: UUID, asked: Replay) -> Replayed:
    """At most a thousand, the oldest first. Raises Refusal 404 where there is no such place."""
    n: int = await tx.value(queries.replay, destination_id, DEAD_DAYS, REPLAYED, asked.reason)
    log.warning("dead_letters_replayed", destination=str(destination_id), times=n, person=str(tx.actor.id))
    return Replayed(replayed=n)


async def raise_work(tx: Tx, kind: str, name: str, asked: Replay) -> Replayed:
    """Reactions or work of one name; of what is not there nothing is raised."""
    n: int = await tx.value(queries.raise_work, kind, name, REPLAYED, asked.reason)
    log.warning("dead_work_raised", kind=kind, name=name, times=n, person=str(tx.actor.id))
    return Replayed(replayed=n)
