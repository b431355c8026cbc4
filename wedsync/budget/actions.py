"""Every write of the budget. Only the couple reaches it: for everybody else there is nothing here."""

from typing import Any
from uuid import UUID

import msgspec

from wedsync.budget import model
from wedsync.budget.reading import demand_couple
from wedsync.events.record import record
from wedsync.kit import sql
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.web.context import stale

queries = sql.load("wedsync.budget")


async def add_line(tx: Tx, new: model.NewLine) -> UUID:
    """Put something on the budget; returns its id. Raises Refusal 404 or 422."""
    wedding = await demand_couple(tx)
    fields = model.settle(msgspec.structs.asdict(new))
    fields["currency"] = fields["currency"] or wedding["currency"]
    row = _there(await tx.row(queries.add_line, *(fields[f] for f in _LINE_ORDER)))
    record(tx, model.LINE_ADDED, op="INSERT", row=row)
    line_id: UUID = row["id"]
    return line_id


async def change_line(tx: Tx, line_id: UUID, fields: dict[str, Any], *, version: int | None = None) -> int:
    """Change a line; returns its version. Raises Refusal 404, 409, 412 or 422."""
    before = _there(await tx.row(queries.line, line_id))
    wanted = {k: v for k, v in model.settle(fields).items() if v != before[k]}
    if "currency" in wanted and before["has_payments"]:
        raise Refusal(409, "has_payments", "Its payments are in the old currency. Remove them, or add another line.")
    if not wanted and version in (None, before["version"]):
        current: int = before["version"]
        return current
    row = await tx.row(queries.change_line, line_id, msgspec.json.encode(wanted).decode(), version)
    if row is None:
        raise await stale(tx, queries.line, line_id)
    record(tx, model.LINE_CHANGED, op="UPDATE", row=row)
    written: int = row["version"]
    return written


async def remove_line(tx: Tx, line_id: UUID, *, version: int | None = None) -> None:
    """Take a line off with its payments, each told as its own fact. Raises Refusal 404 or 412."""
    payments = await tx.rows(queries.remove_payments, line_id)
    row = await tx.row(queries.remove_line, line_id, version)
    if row is None:
        raise await stale(tx, queries.line, line_id)
    for payment in payments:
        record(tx, model.PAYMENT_REMOVED, op="DELETE", row=payment)
    record(tx, model.LINE_REMOVED, op="DELETE", row=row)


async def add_payment(tx: Tx, line_id: UUID, new: model.NewPayment) -> UUID:
    """Schedule or note a payment in the line's currency; returns its id. Raises Refusal 404 or 422."""
    fields = model.settle_payment(msgspec.structs.asdict(new), new.kind, new.amount_minor)
    given = (fields[f] for f in ("kind", "amount_minor", "due_on", "paid_on", "note"))
    row = _there(await tx.row(queries.add_payment, line_id, *given))
    record(tx, model.PAYMENT_ADDED, op="INSERT", row=row)
    payment_id: UUID = row["id"]
    return payment_id


async def change_payment(tx: Tx, payment_id: UUID, fields: dict[str, Any], *, version: int | None = None) -> int:
    """Change a payment, or note that it was made; returns its version. Raises Refusal 404, 412 or 422."""
    before = _there(await tx.row(queries.payment, payment_id))
    kind, amount = (fields.get(f, before[f]) for f in ("kind", "amount_minor"))
    wanted = {k: v for k, v in model.settle_payment(fields, kind, amount).items() if v != before[k]}
    if not wanted and version in (None, before["version"]):
        current: int = before["version"]
        return current
    row = await tx.row(queries.change_payment, payment_id, msgspec.json.encode(wanted).decode(), version)
    if row is None:
        raise await stale(tx, queries.payment, payment_id)
    record(tx, model.PAYMENT_CHANGED, op="UPDATE", row=row)
    written: int = row["version"]
    return written


async def remove_payment(tx: Tx, payment_id: UUID, *, version: int | None = None) -> None:
    """Take a payment off. Raises Refusal 404 or 412."""
    row = await tx.row(queries.remove_payment, payment_id, version)
    if row is None:
        raise await stale(tx, queries.payment, payment_id)
    record(tx, model.PAYMENT_REMOVED, op="DELETE", row=row)


_LINE_ORDER = (
    "title",
    "category",
    "supplier_name",
    "estimate_minor",
    "agreed_minor",
    "currency",
    "per_guest",
    "position",
)


def _there(row: Row | None) -> Row:
    if row is None:
        raise not_found("item")
    return row
