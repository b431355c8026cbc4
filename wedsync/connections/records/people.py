"""People whom a CRM names of a job beside the two it is for: our client has them too, until it names them no more."""

from uuid import UUID

import msgspec

from wedsync.clients import actions as clients
from wedsync.connections.records.run import Run
from wedsync.kit import sql

queries = sql.load("wedsync.connections.records")


async def name(run: Run, item_id: UUID) -> None:
    """Of one record that is a client by now; any other is left for when it is one."""
    async with run.enter() as tx:
        row = await tx.row(queries.item_of_client, item_id)
        if row is None or row["client_id"] is None:
            return
        kept = run.seals.kept(item_id, row["sealed"])
        await clients.keep_contacts(tx, run.ring, row["client_id"], set(kept.named), kept.contacts)
        then = msgspec.structs.replace(kept, named=kept.contacts)
        await tx.run(queries.put_kept, item_id, run.seals.item(item_id, then))
        run.counts.taken += 1
        # The client is another version now: that is nobody's change.
        run.is_unsettled = True
