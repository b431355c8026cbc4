"""Every write of single clients: added, changed, removed. Owners and admins write; the whole team reads."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import msgspec

from wedsync.clients import facts, model, sealed
from wedsync.clients.matching import is_same
from wedsync.clients.model import Contact, Details, NewClient
from wedsync.events.record import record
from wedsync.kit import sql
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.kit.seal import KeyRing
from wedsync.web.context import stale

queries = sql.load("wedsync.clients")
MANAGERS = ("owner", "admin", "system")


async def home(tx: Tx) -> Row:
    """The entered supplier and who acts. Raises Refusal 404 in another kind of tenant."""
    row = await tx.row(queries.home)
    if row is None:
        raise not_found("supplier")
    return row


async def managed(tx: Tx) -> Row:
    """As `home`. Raises Refusal 403 for whoever only reads."""
    row = await home(tx)
    if row["role"] not in MANAGERS:
        raise Refusal(403, "forbidden", "Only an owner or admin of this business changes clients. Ask one of them.")
    return row


async def hold(tx: Tx) -> None:
    """Let nobody else add until the end of the transaction. Raises Refusal as `managed`."""
    await managed(tx)
    await tx.run(queries.hold)


async def add(tx: Tx, ring: KeyRing, new: NewClient) -> UUID:
    """Returns the id. Raises Refusal 403, 422, and 409 `client_known` with the id of the one there already."""
    await hold(tx)
    if new.external_id is not None and not new.source:
        raise model.invalid("source", "is missing", "Say whose id external_id is, such as tave.")
    details = model.details_of({name: getattr(new, name) for name in model.WORDS})
    if not new.is_another:
        await _refuse_known(tx, ring, details, new.wedding_on)
    supplier_id = await tx.home()
    client_id: UUID = await tx.value(queries.new_id)
    row = await tx.row(
        queries.add,
        *(client_id, new.stage, new.wedding_on, new.source, new.external_id),
        sealed.seal(ring, supplier_id, client_id, details),
        *sealed.email_indexes(ring, supplier_id, details),
    )
    if row is None:
        there: UUID = await tx.value(queries.by_external_id, new.source, new.external_id)
        raise known(there)
    record(tx, facts.ADDED, op="INSERT", row=row)
    return client_id


async def _refuse_known(tx: Tx, ring: KeyRing, details: Details, on: date | None) -> None:
    supplier_id = await tx.home()
    for row in await tx.rows(queries.alike, sealed.wanted(ring, supplier_id, details), on):
        there = sealed.unseal(ring, supplier_id, row["id"], row["sealed"])
        if is_same(details, on, there, row["wedding_on"]):
            raise known(row["id"])


def known(client_id: UUID) -> Refusal:
    """The answer to whoever adds what is there."""
    return Refusal(
        409,
        "client_known",
        "This couple is among your clients already. Change that one, or send is_another to add a second.",
        extra={"client_id": str(client_id)},
    )


async def change(tx: Tx, ring: KeyRing, client_id: UUID, fields: dict[str, Any], *, version: int | None = None) -> None:
    """Raises Refusal 403, 404, 412 with the current version, and 422."""
    await managed(tx)
    before = await tx.row(queries.for_change, client_id)
    if before is None:
        raise not_found("client")
    if version is not None and version != before["version"]:
        raise await stale(tx, queries.current, client_id)
    supplier_id = await tx.home()
    details = model.details_of(fields, sealed.unseal(ring, supplier_id, client_id, before["sealed"]))
    row: Any = await tx.row(
        queries.change,
        *(client_id, fields.get("stage", before["stage"]), fields.get("wedding_on", before["wedding_on"])),
        sealed.seal(ring, supplier_id, client_id, details),
        *sealed.email_indexes(ring, supplier_id, details),
    )
    record(tx, facts.CHANGED, op="UPDATE", row=row)


async def keep_contacts(
    tx: Tx, ring: KeyRing, client_id: UUID, gone: Collection[Contact], come: Sequence[Contact]
) -> None:
    """People beside the two, as a CRM names them now: those it named before and names no more are `gone`. What is there
    already stays. Raises Refusal 403, 404."""
    await managed(tx)
    before = await tx.row(queries.for_change, client_id)
    if before is None:
        raise not_found("client")
    supplier_id = await tx.home()
    details = sealed.unseal(ring, supplier_id, client_id, before["sealed"])
    kept = [one for one in details.contacts if one not in gone]
    contacts = (*kept, *(one for one in come if one not in kept))[: model.CONTACTS_MAX]
    if contacts == details.contacts:
        return
    row: Any = await tx.row(
        queries.change,
        *(client_id, before["stage"], before["wedding_on"]),
        sealed.seal(ring, supplier_id, client_id, msgspec.structs.replace(details, contacts=contacts)),
        *sealed.email_indexes(ring, supplier_id, details),
    )
    record(tx, facts.CHANGED, op="UPDATE", row=row)


async def remove(tx: Tx, client_id: UUID, *, version: int | None = None) -> None:
    """Off the records; a wedding it has joined is not touched. Raises Refusal 403, 404, 412."""
    await managed(tx)
    row = await tx.row(queries.remove, client_id, version)
    if row is None:
        raise await stale(tx, queries.current, client_id)
    record(tx, facts.REMOVED, op="DELETE", row=row)
