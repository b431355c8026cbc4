"""Maps tried on a hook that was really received: its body is opened for its owner, read, and nothing comes of it."""

from uuid import UUID

import msgspec

from wedsync.connections import inbox, incoming, model
from wedsync.kit import sql
from wedsync.kit.db import Tx
from wedsync.kit.errors import not_found
from wedsync.kit.seal import KeyRing

queries = sql.load("wedsync.connections")


async def preview(tx: Tx, ring: KeyRing, connection_id: UUID, asked: model.Trial) -> model.Preview:
    """Raises Refusal 404 for a hook of another source, 422 for maps that cannot work."""
    row = await tx.row(queries.sealed_hook, asked.hook_id, connection_id)
    if row is None:
        raise not_found("hook")
    how = incoming.settings_of(row["settings"])
    if asked.proposes is not None:
        how = msgspec.structs.replace(how, proposes=asked.proposes, clients=None)
    if asked.clients is not None:
        how = msgspec.structs.replace(how, clients=asked.clients)
    model.check_settings("", how)
    body = ring.open(row["sealed"], tenant=row["tenant_id"], table=inbox.TABLE, column="sealed", row=row["id"])
    return incoming.preview(body, how)
