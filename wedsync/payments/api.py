"""The JSON door of payments."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, get, patch, post
from litestar.params import Parameter

from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Tx
from wedsync.kit.errors import not_found
from wedsync.payments import actions, model
from wedsync.web.context import Context, IfMatch, as_struct, expected_version, versioned
from wedsync.weddings.model import changed_fields

queries = sql.load("wedsync.payments")
Limit = Annotated[int, Parameter(ge=1, le=500)]
Answer = Response[model.LinkPayment]


class LinkPaymentPage(msgspec.Struct, frozen=True, kw_only=True):
    """Payments, oldest first; `next` goes back in as `?cursor=`."""

    items: list[model.LinkPayment]
    next: str | None = None


class CommissionEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the ledger: `amount_minor` moves from the account `credit` to the account `debit`."""

    number: int
    payment_id: UUID
    kind: str
    reference: str
    debit: str
    credit: str
    amount_minor: int
    currency: str
    at: datetime


class CommissionSum(msgspec.Struct, frozen=True, kw_only=True):
    """In one currency: our share of what was kept, and what the provider took of it for us."""

    currency: str
    due_minor: int
    taken_minor: int


class Commission(msgspec.Struct, frozen=True, kw_only=True):
    """What WedSync keeps of a supplier's payments, newest entries first."""

    sums: list[CommissionSum]
    items: list[CommissionEntry]
    next: str | None = None


@get(
    "/api/v1/weddings/{wedding_id:uuid}/payments",
    summary="Payments",
    description="What is asked for, what came, and what went back. The couple sees all, a supplier its own.",
)
async def list_payments(
    ctx: Context,
    actor: Actor,
    wedding_id: UUID,
    link_id: UUID | None = None,
    cursor: Annotated[UUID | None, Parameter(description="`next` of the page before")] = None,
    limit: Limit = 200,
) -> LinkPaymentPage:
    """`link_id` narrows what the audience sees anyway."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        rows = await tx.rows(queries.page, link_id, cursor, limit + 1)
        if not rows and await tx.row(queries.whose) is None:
            raise not_found("item")
    next_cursor = str(rows[limit - 1]["id"]) if len(rows) > limit else None
    return LinkPaymentPage(items=[as_struct(model.LinkPayment, row) for row in rows[:limit]], next=next_cursor)


@post(
    "/api/v1/weddings/{wedding_id:uuid}/payments",
    summary="Ask for a payment",
    description="A linked supplier asks the couple to pay, by a day or now. Amounts in minor units.",
)
async def request_payment(ctx: Context, actor: Actor, wedding_id: UUID, data: model.NewLinkPayment) -> Answer:
    """Only for the supplier of a link; the couple is told."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        made = await actions.request(tx, data, rate_bp=ctx.settings.commission_bp)
        return await _payment(tx, made, status=201)


@get("/api/v1/payments/{link_payment_id:uuid}", summary="One payment", description="With its ETag.")
async def get_payment(ctx: Context, actor: Actor, link_payment_id: UUID) -> Answer:
    """For the couple and its supplier."""
    async with ctx.door.enter_at(actor, "payments", link_payment_id) as tx:
        return await _payment(tx, link_payment_id)


@patch(
    "/api/v1/payments/{link_payment_id:uuid}",
    summary="Change a payment",
    description="What is absent stays. The amount stays once any of it was paid.",
)
async def change_payment(
    ctx: Context, actor: Actor, link_payment_id: UUID, data: model.LinkPaymentChange, if_match: IfMatch = None
) -> Answer:
    """Only its supplier; with the new ETag, 412 carries the current row."""
    async with ctx.door.enter_at(actor, "payments", link_payment_id) as tx:
        await actions.change(tx, link_payment_id, changed_fields(data), version=expected_version(if_match))
        return await _payment(tx, link_payment_id)


@post(
    "/api/v1/payments/{link_payment_id:uuid}/cancel",
    status_code=200,
    summary="Cancel a payment",
    description="It is not asked for any more. What was paid is refunded instead.",
)
async def cancel_payment(ctx: Context, actor: Actor, link_payment_id: UUID, if_match: IfMatch = None) -> Answer:
    """Only its supplier; twice is once."""
    async with ctx.door.enter_at(actor, "payments", link_payment_id) as tx:
        await actions.cancel(tx, link_payment_id, version=expected_version(if_match))
        return await _payment(tx, link_payment_id)


@post(
    "/api/v1/payments/{link_payment_id:uuid}/receive",
    status_code=200,
    summary="Note what came outside",
    description="By transfer or in cash, in place of what was noted before; 0 takes it back. We keep no share of it.",
)
async def note_receipt(
    ctx: Context, actor: Actor, link_payment_id: UUID, data: model.Receipt, if_match: IfMatch = None
) -> Answer:
    """Only its supplier."""
    async with ctx.door.enter_at(actor, "payments", link_payment_id) as tx:
        await actions.note_receipt(tx, link_payment_id, data.amount_minor, version=expected_version(if_match))
        return await _payment(tx, link_payment_id)


@get(
    "/api/v1/suppliers/{supplier_id:uuid}/commission",
    summary="Our commission",
    description="What WedSync keeps of this supplier's payments, entry by entry: nothing, but of engagements that "
    "began with an enquiry at their public page. Owners and admins only.",
)
async def list_commission(
    ctx: Context, actor: Actor, supplier_id: UUID, cursor: int | None = None, limit: Limit = 200
) -> Commission:
    """A member sees an empty ledger."""
    async with ctx.door.enter(actor, supplier_id) as tx:
        sums = await tx.rows(queries.sums)
        rows = await tx.rows(queries.entries, cursor, limit + 1)
    return Commission(
        sums=[as_struct(CommissionSum, row) for row in sums],
        items=[as_struct(CommissionEntry, row) for row in rows[:limit]],
        next=str(rows[limit - 1]["number"]) if len(rows) > limit else None,
    )


async def _payment(tx: Tx, link_payment_id: UUID, *, status: int = 200) -> Answer:
    row = await tx.row(queries.one, link_payment_id)
    return versioned(None if row is None else as_struct(model.LinkPayment, row), status=status)


ROUTES = (
    *(list_payments, request_payment, get_payment, change_payment, cancel_payment, note_receipt),
    list_commission,
)
