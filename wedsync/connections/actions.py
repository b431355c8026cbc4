"""Every write of connections: added, given new secrets, removed; and received hooks put back to be worked on."""

from datetime import timedelta
from uuid import UUID, uuid4

import msgspec
from msgspec import UNSET

from wedsync.connections import model
from wedsync.events.record import record
from wedsync.kit import clock, sql
from wedsync.kit.db import Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.kit.seal import KeyRing
from wedsync.web.context import stale

queries = sql.load("wedsync.connections")
SECRETS_MAX = 5


async def add(tx: Tx, ring: KeyRing, tenant: UUID, new: model.NewConnection) -> tuple[UUID, str]:
    """Add a source; returns (id, secret), the only time the secret is shown. Raises Refusal 409, 422."""
    model.check(new)
    if new.connector == model.COUPLES and await tx.value(queries.my_role) != "couple":
        raise Refusal(422, "invalid", "connector: couples is a wedding's own hook. Take zapier_hook.")
    connection_id, secret = uuid4(), new.secret or model.new_secret()
    settings = msgspec.json.encode(new.settings).decode()
    sealed = seal(ring, tenant, connection_id, [model.Kept(secret)])
    row = await tx.row(queries.add, connection_id, tenant, new.connector, new.title, new.scheme, settings, sealed)
    if row is None:
        raise not_found("tenant")
    record(tx, model.ADDED, op="INSERT", row=row)
    return connection_id, secret


async def change(tx: Tx, connection_id: UUID, wanted: model.ConnectionChange, *, version: int | None) -> int:
    """Another title, other settings; returns the version. Raises Refusal 404, 412 or 422."""
    held = await tx.row(queries.hold, connection_id)
    if held is None:
        raise not_found("connection")
    if version not in (None, held["version"]):
        raise await stale(tx, queries.current, connection_id)
    title = held["title"] if wanted.title is UNSET else wanted.title
    settings: str = held["settings"]
    if wanted.settings is not UNSET:
        model.check_settings(held["scheme"], wanted.settings)
        if len(wanted.settings.proposes) > model.MAPS_MAX:
            raise Refusal(422, "invalid", f"A source has {model.MAPS_MAX} maps at most. Join some.")
        settings = msgspec.json.encode(wanted.settings).decode()
    row = await tx.row(queries.change, connection_id, title, settings)
    if row is None:
        raise not_found("connection")
    record(tx, model.CHANGED, op="UPDATE", row=row)
    now: int = row["version"]
    return now


async def rotate(tx: Tx, ring: KeyRing, tenant: UUID, connection_id: UUID, asked: model.NewSecret) -> str:
    """A new secret; the old one holds beside it for the overlap. Returns the new one, once."""
    held = await tx.row(queries.secrets, connection_id)
    if held is None:
        raise not_found("connection")
    model.check_secret(held["scheme"], asked.secret)
    now = clock.machine_now()
    until = now + timedelta(hours=asked.overlap_hours)
    secret = asked.secret or model.new_secret()
    olds = [
        one if one.until is not None else model.Kept(one.secret, until)
        for one in kept(ring, tenant, connection_id, held["sealed"])
    ]
    holding = [one for one in olds if one.until is not None and one.until > now]
    sealed = seal(ring, tenant, connection_id, [model.Kept(secret), *holding[: SECRETS_MAX - 1]])
    row = await tx.row(queries.rotate, connection_id, sealed)
    if row is None:
        raise not_found("connection")
    record(tx, model.CHANGED, op="UPDATE", row=row)
    return secret


async def remove(tx: Tx, connection_id: UUID) -> None:
    """Remove a source: what it sends is refused from now on, what it sent stays. Or an account that is disconnected."""
    row = await tx.row(queries.remove, connection_id)
    if row is None:
        raise not_found("connection")
    await tx.run(queries.forget_account, connection_id)
    record(tx, model.REMOVED, op="UPDATE", row=row)


async def replay(tx: Tx, hook_id: UUID) -> None:
    """Work on a received hook once more. Raises Refusal 404."""
    if not await tx.run(queries.replay, hook_id):
        raise not_found("hook")
    await tx.value("select app.owe_hook($1)", hook_id)


def kept(ring: KeyRing, tenant: UUID, connection_id: UUID, sealed: bytes) -> list[model.Kept]:
    """A connection's secrets, the current one first. Raises SealError."""
    plain = ring.open(sealed, tenant=tenant, table="connections", column="sealed", row=connection_id)
    return msgspec.json.decode(plain, type=list[model.Kept])


def seal(ring: KeyRing, tenant: UUID, connection_id: UUID, secrets: list[model.Kept]) -> bytes:
    """The other way round; an account without hooks has none."""
    plain = msgspec.json.encode(secrets)
    return ring.seal(plain, tenant=tenant, table="connections", column="sealed", row=connection_id)
