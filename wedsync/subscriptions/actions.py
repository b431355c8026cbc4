"""Every write of endpoints: added, changed, rotated, removed; each keeps its subscription in the ledger."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec

from wedsync.events.record import record
from wedsync.kit import clock, sql
from wedsync.kit.db import Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.kit.seal import KeyRing
from wedsync.subscriptions import model
from wedsync.subscriptions.rules import actions as rules
from wedsync.web.context import invalid, stale

queries = sql.load("wedsync.subscriptions")
OLD_SECRETS_MAX = 5


async def add(
    tx: Tx,
    ring: KeyRing,
    tenant: UUID,
    new: model.NewEndpoint,
    *,
    allow_http: bool,
    endpoint_id: UUID | None = None,
) -> tuple[UUID, str]:
    """Add an endpoint; returns (id, secret), the only time the secret is shown.

    A form brings the id, so that sending it twice adds one: the second raises Refusal 409.
    """
    url = model.check_url(new.url, allow_http=allow_http)
    if not new.events:
        raise invalid("events", "is empty, and there is no rule yet that sends it anything", "Choose at least one.")
    endpoint_id, secret = endpoint_id or uuid4(), model.new_secret()
    row = await tx.row(
        queries.add,
        endpoint_id,
        tenant,
        url,
        new.description,
        new.events,
        seal_secret(ring, tenant, endpoint_id, secret),
        new.mode,
    )
    if row is None:
        raise Refusal(409, "already_added", "This endpoint was added already, and its secret has been shown.")
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
    if fields.get("events") == [] and not await rules.has(tx, endpoint_id):
        raise invalid("events", "is empty, and there is no rule that sends it anything", "Choose at least one.")
    values = (
        fields.get("url"),
        fields.get("events"),
        fields.get("description"),
        fields.get("state"),
        fields.get("mode"),
    )
    row = await tx.row(queries.change, endpoint_id, *values, version)
    if row is None:
        raise await stale(tx, queries.current, endpoint_id)
    await tx.run(queries.connect, endpoint_id)
    record(tx, model.CHANGED, op="UPDATE", row=row)
    now: int = row["version"]
    return now


async def resume(tx: Tx, endpoint_id: UUID, *, let_go_before: datetime | None, version: int | None) -> None:
    """Active again; what was owed to it before that time is cancelled, the rest sent. Raises Refusal 404, 412."""
    if let_go_before is not None:
        await tx.run(queries.let_go, endpoint_id, let_go_before)
    await change(tx, endpoint_id, {"state": "active"}, version=version, allow_http=True)


async def rotate(
    tx: Tx, ring: KeyRing, tenant: UUID, endpoint_id: UUID, overlap_hours: int, *, version: int | None = None
) -> str:
    """A new secret; the old one signs beside it for the overlap. Returns the new secret, once."""
    held = await tx.row(queries.secrets, endpoint_id)
    if held is None:
        raise not_found("endpoint")
    if version is not None and held["version"] != version:
        raise await stale(tx, queries.current, endpoint_id)
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
    """Remove an endpoint and its rules; what it was still owed is cancelled with that reason."""
    await rules.remove_of(tx, endpoint_id)
    row = await tx.row(queries.remove, endpoint_id)
    if row is None:
        raise not_found("endpoint")
    await tx.run(queries.connect, endpoint_id)
    record(tx, model.REMOVED, op="UPDATE", row=row)


async def replay(tx: Tx, delivery_ids: list[UUID]) -> int:
    """Owe deliveries again, in the low lane under the same webhook-id; returns how many."""
    made: int = await tx.value(queries.replay, delivery_ids)
    return made


async def missed(tx: Tx, endpoint_id: UUID, since: datetime, states: Sequence[model.Missed]) -> list[UUID]:
    """What an endpoint was owed since a time, did not get, and has not been given by a replay; oldest first."""
    if list(states) == ["dead"]:
        rows = await tx.rows(queries.dead, endpoint_id, since, model.REPLAYED_MAX)
    else:
        rows = await tx.rows(queries.missed, endpoint_id, since, list(states), model.REPLAYED_MAX)
    return [row["id"] for row in rows]


async def recover(
    tx: Tx, endpoint_id: UUID, since: datetime, states: Sequence[model.Missed] = model.MISSED, *, dry_run: bool = False
) -> int:
    """Owe again what an endpoint missed since a time; returns how many, with `dry_run` how many it would be."""
    found = await missed(tx, endpoint_id, since, states)
    return len(found) if dry_run or not found else await replay(tx, found)
