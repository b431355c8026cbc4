"""What the sync leaves to people: opened, kept up with what it is about, and over when it is no more."""

from typing import Any
from uuid import UUID, uuid4

from wedsync.connections.records import facts
from wedsync.connections.records.kept import Dispute
from wedsync.connections.records.run import Run
from wedsync.events.record import record
from wedsync.kit import sql
from wedsync.kit.db import Tx

queries = sql.load("wedsync.connections.records")
TABLE = "record_conflicts"


async def keep(
    tx: Tx, run: Run, item_id: UUID | None, client_id: UUID | None, kind: facts.Kind, about: str, dispute: Dispute
) -> None:
    """There is this conflict; the same again is no news."""
    held = await tx.row(queries.open_conflict, run.id, item_id)
    if held is None:
        run.counts.conflicts += 1
        conflict_id = uuid4()
        sealed = run.seals.seal(dispute, table=TABLE, row=conflict_id)
        values = (conflict_id, run.id, item_id, client_id, kind, about, sealed)
        added: Any = await tx.row(queries.add_conflict, *values)
        record(tx, facts.CONFLICTED, op="INSERT", row=added)
        return
    known = run.seals.open(held["sealed"], Dispute, table=TABLE, row=held["id"])
    if (held["kind"], held["about"], known) == (kind, about, dispute):
        return
    sealed = run.seals.seal(dispute, table=TABLE, row=held["id"])
    changed: Any = await tx.row(queries.change_conflict, held["id"], kind, about, sealed)
    record(tx, facts.RECONSIDERED, op="UPDATE", row=changed)


async def end(tx: Tx, run: Run, item_id: UUID | None) -> None:
    """What was open of it is over by itself."""
    held = await tx.row(queries.open_conflict, run.id, item_id)
    if held is not None:
        await resolve(tx, held["id"], "")


async def resolve(tx: Tx, conflict_id: UUID, side: str) -> bool:
    """Over; False where it was already."""
    row = await tx.row(queries.resolve_conflict, conflict_id, side)
    if row is not None:
        record(tx, facts.RESOLVED, op="UPDATE", row=row)
    return row is not None
