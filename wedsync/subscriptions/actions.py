"""Every write of endpoints: added, changed, rotated, removed; each keeps its subscription in the ledger."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec

from wedsync.events.record import record
from wedsync.kit import clock, sql
from wedsync.kit.db import Tx
from wedsync.kit.errors import not_found
from wedsync.kit.seal import KeyRing
from wedsync.subscriptions import model
from wedsync.web.context import stale

queries = sql.load("wedsync.subscriptions")
OLD_SECRETS_MAX = 5


async def add(tx: Tx, ring: KeyRing, tenant: UUID, new: model.NewEndpoint, *, allow_http: bool) -> tuple[UUID, str]:
    """Add an endpoint; returns (id, secret), the only time the secret is shown."""
    url = model.check_url(new.url, allow_http=allow_http)
    endpoint_id, secret = uuid4(), model.new_secret()
    row = await tx.row(
        queries.add,
        endpoint_id,
        tenant,
        url,
        new.description,
        new.events,
        seal_secret(ring, tenant, endpoint_id, secret),
    )
    if row is None:
        raise not_found("tenant")
    await tx.run(queries.connect, endpoint_id)
    record(tx, model.ADDED, op="INSERT", row=row)
    return endpoint_id, secret


def seal_secret(ring: KeyRing, tenant: UUID, endpoint_id: UUID, secret: str) -> bytes:
    """Bound to its endpoint: it opens nowhere else."""
    return ring.seal(secret.encode(), tenant=tenant, table="endpoints", column="secret_sealed", row=endpoint_id)


async def change(tx: Tx, endpoint_id: UUID, fields: dict[str, Any], *, version: int | None, allow_http: bool) -> int:
    """Change an endpoint; returns the new version. Raises Refusal 403, 404, 412, 422."""
    if "url" in fields:
        model.check_url(fields["url"], allow_http=allow_http)
    values = (fields.get("url"), fields.get("events"), fields.get("description"), fields.get("state"))
    row = await tx.row(queries.change, endpoint_id, *values, version)
    if row is None:
        raise await stale(tx, queries.current, endpoint_id)
    await tx.run(queries.connect, endpoint_id)
    record(tx, model.CHANGED, op="UPDATE", row=row)
    now: int = row["version"]
    return now


async def rotate(tx: Tx, ring: KeyRing, tenant: UUID, endpoint_id: UUID, overlap_hours: int) -> str:
    """A new secret; the old one signs beside it for the overlap. Returns the new secret, once."""
    held = await tx.row(queries.secrets, endpoint_id)
    if held is None:
        raise not_found("endpoint")
    now = clock.machine_now()
    olds = [o for o in msgspec.json.decode(held["old_secrets"]) if datetime.fromisoformat(o["until"]) > now]
    if overlap_hours:
        olds.append(
            {"sealed": held["secret_sealed"].hex(), "until": (now + timedelta(hours=overlap_hours)).isoformat()}
        )
    secret = model.new_secret()
    sealed = seal_secret(ring, tenant, endpoint_id, secret)
    row = await tx.row(queries.rotate, endpoint_id, sealed, msgspec.json.encode(olds[-OLD_SECRETS_MAX:]).decode())
    if row is None:
        raise not_found("endpoint")
    record(tx, model.CHANGED, op="UPDATE", row=row)
    return secret


async def remove(tx: Tx, endpoint_id: UUID) -> None:
    """Remove an endpoint; what it was still owed is cancelled with that reason."""
    row = await tx.row(queries.remove, endpoint_id)
    if row is None:
        raise not_found("endpoint")
    await tx.run(queries.connect, endpoint_id)
    record(tx, model.REMOVED, op="UPDATE", row=row)


async def replay(tx: Tx, delivery_ids: list[UUID]) -> int:
    """Owe deliveries again, in the low lane under the same webhook-id; returns how many."""
    made: int = await tx.value(queries.replay, delivery_ids)
    return made


async def recover(tx: Tx, endpoint_id: UUID, since: datetime) -> int:
    """Owe again what an endpoint missed since a time and has not been given by a replay; returns how many."""
    made: int = await tx.value(queries.replay_since, endpoint_id, since)
    return made
