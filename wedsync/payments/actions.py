"""Every write of payments by people: the supplier of the link asks, changes, cancels, and notes what came outside."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from wedsync.events.catalogue import EventType
from wedsync.events.record import record
from wedsync.kit import clock, sql
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.payments import facts, model
from wedsync.web.context import stale

queries = sql.load("wedsync.payments")
Before = Mapping[str, Any]


async def request(tx: Tx, new: model.NewLinkPayment, *, rate_bp: int) -> UUID:
    """Ask the couple to pay; returns its id. Raises Refusal 403 for all but a supplier, or 422.

    `rate_bp` is the operator's share for engagements that began in the marketplace; which those are, and so what holds
    for this payment from now on, the database decides (`app.agree_terms`).
    """
    fields = model.settle(msgspec.structs.asdict(new))
    whose = await tx.row(queries.whose)
    if whose is None:
        raise not_found("item")
    if whose["link_id"] is None:
        raise Refusal(403, "forbidden", "Only a linked supplier asks for a payment. Ask them to write it down.")
    fields["currency"] = fields["currency"] or whose["currency"]
    row = await tx.row(queries.add, _json(fields))
    if row is None:
        raise not_found("item")
    made: UUID = row["id"]
    await tx.value(queries.agree, made, rate_bp)
    record(tx, facts.REQUESTED, op="INSERT", row=row, link=row["link_id"])
    return made


async def change(tx: Tx, payment_id: UUID, fields: dict[str, Any], *, version: int | None = None) -> int:
    """Change what is asked for; returns its version. Raises Refusal 403, 404, 409, 412 or 422."""
    before = await _claimed(tx, payment_id, version)
    return await _write(tx, facts.CHANGED, before, model.changed(before, fields, is_open=before["is_open"]))


async def cancel(tx: Tx, payment_id: UUID, *, version: int | None = None) -> int:
    """Ask for it no more; twice is once. Raises Refusal 403, 404, 409 or 412."""
    before = await _claimed(tx, payment_id, version)
    return await _write(tx, facts.CANCELLED, before, model.cancelled(before, is_open=before["is_open"]))


async def note_receipt(tx: Tx, payment_id: UUID, amount_minor: int, *, version: int | None = None) -> int:
    """So much came outside, in place of what was noted before. Raises Refusal 403, 404, 409, 412 or 422."""
    before = await _claimed(tx, payment_id, version)
    wanted = model.noted(before, amount_minor, before["now"])
    kind = facts.RECEIVED if wanted.get("outside_minor", 0) > before["outside_minor"] else facts.CHANGED
    return await _write(tx, kind, before, wanted)


async def plan_checkout(tx: Tx, payment_id: UUID, amount_minor: int, until: datetime) -> Row:
    """The page of the provider that is open for this payment, else one to be opened until then; one at a time.

    Its id is what the provider is told for the same order to be the same page. Raises Refusal 409 while another amount
    is being paid.
    """
    await tx.value(queries.hold_checkout, payment_id)
    held = await tx.row(queries.open_checkout, payment_id, clock.machine_now())
    if held is not None and held["amount_minor"] != amount_minor:
        raise Refusal(409, "being_paid", "Somebody is paying another amount of this now. Try again in half an hour.")
    planned = held or await tx.row(queries.plan_checkout, payment_id, amount_minor, until)
    if planned is None:
        raise not_found("item")
    return planned


async def keep_checkout(tx: Tx, checkout_id: UUID, *, session: str, url: str, until: datetime) -> None:
    """The page was opened there, and can be paid at until then."""
    await tx.run(queries.keep_checkout, checkout_id, session, url, until)


async def end_checkout(tx: Tx, checkout_id: UUID) -> None:
    """It was not opened, or nobody knows its address: nobody can pay there, and the next try is another. Not so where
    the same order was answered to somebody else meanwhile."""
    await tx.run(queries.end_checkout, checkout_id, clock.machine_now())


async def _claimed(tx: Tx, payment_id: UUID, version: int | None) -> Before:
    """The payment as it is, locked, for its supplier who has read this version."""
    row = await tx.row(queries.claim, payment_id, clock.machine_now())
    if row is None:
        if await tx.row(queries.one, payment_id) is None:
            raise not_found("item")
        raise Refusal(403, "forbidden", "Only the supplier who asked for it changes this. Write to them.")
    if version not in (None, row["version"]):
        raise await stale(tx, queries.current, payment_id)
    return dict(row)


async def _write(tx: Tx, kind: EventType, before: Before, wanted: Mapping[str, Any]) -> int:
    """Write what is wanted otherwise, and say so; nothing where nothing is."""
    written: int = before["version"]
    if wanted:
        row = await tx.row(queries.change, before["id"], _json(wanted))
        if row is None:
            raise not_found("item")
        record(tx, kind, op="UPDATE", row=row, link=row["link_id"])
        written = row["version"]
    return written


def _json(fields: Mapping[str, Any]) -> str:
    return msgspec.json.encode(fields).decode()
