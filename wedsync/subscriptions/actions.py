"""Every write of endpoints: added, changed, rotated, removed, each kept in step with its subscription. And tests."""

import difflib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec

from wedsync.events import example
from wedsync.events.catalogue import Catalogue
from wedsync.events.record import record
from wedsync.kit import clock, sql
from wedsync.kit.db import Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.kit.seal import KeyRing
from wedsync.subscriptions import model, secured
from wedsync.subscriptions.rules import actions as rules
from wedsync.web.context import invalid, stale

queries = sql.load("wedsync.subscriptions")
OLD_SECRETS_MAX = 5
ENDPOINTS_MAX = 100
"""Of one tenant: every event asks each of them whether it wants it."""


async def add(
    tx: Tx,
    ring: KeyRing,
    tenant: UUID,
    new: model.NewEndpoint,
    *,
    allow: Sequence[str] = (),
    endpoint_id: UUID | None = None,
) -> tuple[UUID, str]:
    """Add an endpoint; returns (id, secret), the only time the secret is shown. `allow` is `egress_allow`.

    A form brings the id, so that sending it twice adds one: the second raises Refusal 409.
    """
    url = model.check_url(new.url, allow=allow)
    if not new.events:
        raise invalid("events", "is empty, and there is no rule yet that sends it anything", "Choose at least one.")
    await tx.value(queries.hold_endpoints, tenant)
    if await tx.value(queries.count_endpoints, tenant) >= ENDPOINTS_MAX:
        detail = (
            f"There are {ENDPOINTS_MAX} webhook endpoints already, as many as there may be. Remove one that is not "
            "used any more, or let rules send several kinds of events to one."
        )
        raise Refusal(409, "too_many_endpoints", detail, extra={"max": ENDPOINTS_MAX})
    endpoint_id, secret = endpoint_id or uuid4(), model.new_secret()
    shown, held = secured.new(new.headers, new.auth, allow=allow)
    model.needs_https(url, shown)
    row = await tx.row(
        queries.add,
        endpoint_id,
        tenant,
        url,
        new.description,
        new.events,
        seal_secret(ring, tenant, endpoint_id, secret),
        new.mode,
        list(held.headers),
        secured.as_json(shown),
        secured.seal(ring, tenant, endpoint_id, held),
    )
    if row is None:
        raise Refusal(409, "already_added", "This endpoint was added already, and its secret has been shown.")
    await tx.run(queries.connect, endpoint_id)
    record(tx, model.ADDED, op="INSERT", row=row)
    return endpoint_id, secret


def seal_secret(ring: KeyRing, tenant: UUID, endpoint_id: UUID, secret: str) -> bytes:
    """Bound to its endpoint: it opens nowhere else."""
    return ring.seal(secret.encode(), tenant=tenant, table="endpoints", column="secret_sealed", row=endpoint_id)


async def change(
    tx: Tx, ring: KeyRing, endpoint_id: UUID, fields: dict[str, Any], *, version: int | None, allow: Sequence[str] = ()
) -> int:
    """Change an endpoint; returns the new version. Raises Refusal 403, 404, 412, 422."""
    if "url" in fields:
        model.check_url(fields["url"], allow=allow)
    if fields.get("events") == [] and not await rules.has(tx, endpoint_id):
        raise invalid("events", "is empty, and there is no rule that sends it anything", "Choose at least one.")
    names, shown, sealed = None, None, None
    if fields.keys() & {"url", "headers", "auth"}:
        held = await tx.row(queries.credentials, endpoint_id)
        if held is None:
            raise not_found("endpoint")
        names, shown, sealed = secured.changed(ring, endpoint_id, held, fields, allow=allow)
    values = (
        fields.get("url"),
        fields.get("events"),
        fields.get("description"),
        fields.get("state"),
        fields.get("mode"),
    )
    row = await tx.row(queries.change, endpoint_id, *values, version, names, shown, sealed)
    if row is None:
        raise await stale(tx, queries.current, endpoint_id)
    await tx.run(queries.connect, endpoint_id)
    record(tx, model.CHANGED, op="UPDATE", row=row)
    now: int = row["version"]
    return now


async def resume(
    tx: Tx, ring: KeyRing, endpoint_id: UUID, *, let_go_before: datetime | None, version: int | None
) -> None:
    """Active again; what was owed to it before that time is cancelled, the rest sent. Raises Refusal 404, 412."""
    if let_go_before is not None:
        await tx.run(queries.let_go, endpoint_id, let_go_before)
    await change(tx, ring, endpoint_id, {"state": "active"}, version=version)


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


async def send_test(tx: Tx, catalogue: Catalogue, endpoint_id: UUID, name: str) -> UUID:
    """Owe an endpoint the example of a type, which is no fact; its delivery. Raises Refusal 404, 409, 422, 429."""
    kind = catalogue.types.get(name)
    if kind is None:
        near = difflib.get_close_matches(name, catalogue.types, n=1, cutoff=0.4)
        raise invalid("type", "is not a type of event", f"Did you mean {near[0]}?" if near else "Such as rsvp.replied.")
    delivery_id = uuid4()
    event = example.live(kind, id=delivery_id, at=clock.now())
    asked: model.Asked = await tx.value(
        queries.send_test, endpoint_id, delivery_id, msgspec.json.encode(event).decode()
    )
    model.check_asked(asked)
    return delivery_id


async def replay(tx: Tx, delivery_ids: list[UUID], *, as_new: bool = False) -> int:
    """Owe deliveries again, in the low lane under the same webhook-id, or each as new; returns how many."""
    made: int = await tx.value(queries.replay, delivery_ids, as_new)
    return made


async def replay_one(tx: Tx, delivery_id: UUID, *, as_new: bool = False) -> int:
    """The same for one. Raises Refusal 404, and 409 for a test, which would come without saying that it is one."""
    row = await tx.row(queries.delivery, delivery_id)
    if row is None:
        raise not_found("delivery")
    if row["is_test"]:
        raise Refusal(409, "is_test", "A test is not sent again. Send another from its endpoint, or from its rule.")
    return await replay(tx, [delivery_id], as_new=as_new)


async def release(tx: Tx, endpoint_id: UUID, delivery_ids: list[UUID]) -> int:
    """Send what waits for a person, with all its tries before it; returns how many. Raises Refusal 409."""
    row = await tx.row(queries.endpoint, endpoint_id)
    if row is None:
        raise not_found("endpoint")
    if row["state"] != "active":
        raise Refusal(
            409, "endpoint_not_active", "The endpoint is not active. Resume it: that sends everything that waits."
        )
    released: int = await tx.value(queries.unpark, delivery_ids)
    return released


async def release_all(tx: Tx, endpoint_id: UUID, *, kind: str | None = None) -> int:
    """The same for everything parked of an endpoint, or of one type of event; at most 10,000 at once."""
    rows = await tx.rows(queries.parked_ids, endpoint_id, kind, model.REPLAYED_MAX)
    return await release(tx, endpoint_id, [row["id"] for row in rows])


async def cancel(tx: Tx, delivery_id: UUID) -> None:
    """End a delivery that waits. Raises Refusal 409 where it is being sent or has ended."""
    if not await tx.value(queries.cancel, [delivery_id]):
        raise Refusal(
            409, "not_waiting", "This delivery is being sent now or has ended: only one that waits can be cancelled."
        )


async def missed(tx: Tx, endpoint_id: UUID, since: datetime, states: Sequence[model.Missed]) -> list[UUID]:
    """What an endpoint was owed since a time, did not get, and has not been given by a replay; oldest first."""
    if list(states) == ["dead"]:
        rows = await tx.rows(queries.dead, endpoint_id, since, model.REPLAYED_MAX)
    else:
        rows = await tx.rows(queries.missed, endpoint_id, since, list(states), model.REPLAYED_MAX)
    return [row["id"] for row in rows]


async def recover(
    tx: Tx,
    endpoint_id: UUID,
    since: datetime,
    states: Sequence[model.Missed] = model.MISSED,
    *,
    dry_run: bool = False,
    as_new: bool = False,
) -> int:
    """Owe again what an endpoint missed since a time; returns how many, with `dry_run` how many it would be."""
    found = await missed(tx, endpoint_id, since, states)
    return len(found) if dry_run or not found else await replay(tx, found, as_new=as_new)
