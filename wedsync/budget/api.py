"""The JSON door of the budget: only the couple finds anything behind it."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, delete, get, patch, post
from litestar.params import Parameter

from wedsync.budget import actions, model, reading
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Tx
from wedsync.web.context import Context, IfMatch, as_struct, expected_version, invalid, versioned
from wedsync.weddings.model import changed_fields

queries = sql.load("wedsync.budget")
Limit = Annotated[int, Parameter(ge=1, le=500)]
GuestCount = Annotated[
    int | None, Parameter(ge=0, le=20_000, description="What it would cost with so many guests; nothing is saved")
]


class BudgetPage(msgspec.Struct, frozen=True, kw_only=True):
    """Lines with their payments, and what all lines add up to; `next` goes back in as `?cursor=`."""

    currency: str
    guests: model.Guests
    totals: list[model.Totals]
    items: list[model.PlannedLine]
    next: str | None = None


class PaymentPage(msgspec.Struct, frozen=True, kw_only=True):
    """The payments of one line; all of them, so `next` is null."""

    items: list[model.Payment]
    next: str | None = None


@get(
    "/api/v1/weddings/{wedding_id:uuid}/budget",
    summary="Budget",
    description="Lines, payments and totals by currency, in minor units. Per-guest lines count those who may still "
    "come of those invited, or the couple's estimate. For everyone but the couple there is nothing here (404).",
)
async def get_budget(
    ctx: Context,
    actor: Actor,
    wedding_id: UUID,
    guests: GuestCount = None,
    cursor: Annotated[UUID | None, Parameter(description="`next` of the page before")] = None,
    limit: Limit = 500,
) -> BudgetPage:
    """Totals are of all lines, whatever the page."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        budget = await reading.read(tx, guests)
    ids = [line.id for line in budget.lines]
    if cursor is not None and cursor not in ids:
        raise invalid("cursor", "is no longer on the budget", "Read the list again from its start.")
    start = 0 if cursor is None else ids.index(cursor) + 1
    page = budget.lines[start : start + limit]
    is_last = start + limit >= len(ids)
    return BudgetPage(
        currency=budget.currency,
        guests=budget.guests,
        totals=budget.totals,
        items=page,
        next=None if is_last else str(page[-1].id),
    )


@post(
    "/api/v1/weddings/{wedding_id:uuid}/budget",
    summary="Add a budget line",
    description="Amounts in minor units; the currency is the wedding's when absent.",
)
async def add_line(ctx: Context, actor: Actor, wedding_id: UUID, data: model.NewLine) -> Response[model.Line]:
    """Only the couple."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        return await _line(tx, await actions.add_line(tx, data), status=201)


@get("/api/v1/budget-lines/{line_id:uuid}", summary="One budget line", description="With its ETag.")
async def get_line(ctx: Context, actor: Actor, line_id: UUID) -> Response[model.Line]:
    """Only the couple."""
    async with ctx.door.enter_at(actor, "budget_lines", line_id) as tx:
        return await _line(tx, line_id)


@patch(
    "/api/v1/budget-lines/{line_id:uuid}",
    summary="Change a budget line",
    description="What is absent stays. The currency stays once the line has payments (409).",
)
async def change_line(
    ctx: Context, actor: Actor, line_id: UUID, data: model.LineChange, if_match: IfMatch = None
) -> Response[model.Line]:
    """With the new ETag; 412 carries the current row."""
    async with ctx.door.enter_at(actor, "budget_lines", line_id) as tx:
        await actions.change_line(tx, line_id, changed_fields(data), version=expected_version(if_match))
        return await _line(tx, line_id)


@delete("/api/v1/budget-lines/{line_id:uuid}", summary="Remove a budget line", description="With its payments.")
async def remove_line(ctx: Context, actor: Actor, line_id: UUID, if_match: IfMatch = None) -> None:
    """Only the couple."""
    async with ctx.door.enter_at(actor, "budget_lines", line_id) as tx:
        await actions.remove_line(tx, line_id, version=expected_version(if_match))


@get(
    "/api/v1/budget-lines/{line_id:uuid}/payments",
    summary="Payments of a line",
    description="Due and made, in order of their days.",
)
async def list_payments(ctx: Context, actor: Actor, line_id: UUID) -> PaymentPage:
    """Only the couple."""
    async with ctx.door.enter_at(actor, "budget_lines", line_id) as tx:
        await _line(tx, line_id)
        rows = await tx.rows(queries.payments, line_id)
    return PaymentPage(items=[as_struct(model.Payment, row) for row in rows])


@post(
    "/api/v1/budget-lines/{line_id:uuid}/payments",
    summary="Add a payment",
    description="In the currency of its line; due while it has no `paid_on`. A refund is negative.",
)
async def add_payment(ctx: Context, actor: Actor, line_id: UUID, data: model.NewPayment) -> Response[model.Payment]:
    """Only the couple."""
    async with ctx.door.enter_at(actor, "budget_lines", line_id) as tx:
        return await _payment(tx, await actions.add_payment(tx, line_id, data), status=201)


@get("/api/v1/budget-payments/{payment_id:uuid}", summary="One payment", description="With its ETag.")
async def get_payment(ctx: Context, actor: Actor, payment_id: UUID) -> Response[model.Payment]:
    """Only the couple."""
    async with ctx.door.enter_at(actor, "budget_payments", payment_id) as tx:
        return await _payment(tx, payment_id)


@patch(
    "/api/v1/budget-payments/{payment_id:uuid}",
    summary="Change a payment",
    description="What is absent stays; a `paid_on` says that it was made.",
)
async def change_payment(
    ctx: Context, actor: Actor, payment_id: UUID, data: model.PaymentChange, if_match: IfMatch = None
) -> Response[model.Payment]:
    """With the new ETag; 412 carries the current row."""
    async with ctx.door.enter_at(actor, "budget_payments", payment_id) as tx:
        await actions.change_payment(tx, payment_id, changed_fields(data), version=expected_version(if_match))
        return await _payment(tx, payment_id)


@delete("/api/v1/budget-payments/{payment_id:uuid}", summary="Remove a payment", description="Its line stays.")
async def remove_payment(ctx: Context, actor: Actor, payment_id: UUID, if_match: IfMatch = None) -> None:
    """Only the couple."""
    async with ctx.door.enter_at(actor, "budget_payments", payment_id) as tx:
        await actions.remove_payment(tx, payment_id, version=expected_version(if_match))


async def _line(tx: Tx, line_id: UUID, *, status: int = 200) -> Response[model.Line]:
    row = await tx.row(queries.line, line_id)
    return versioned(None if row is None else as_struct(model.Line, row), status=status)


async def _payment(tx: Tx, payment_id: UUID, *, status: int = 200) -> Response[model.Payment]:
    row = await tx.row(queries.payment, payment_id)
    return versioned(None if row is None else as_struct(model.Payment, row), status=status)


ROUTES = (
    *(get_budget, add_line, get_line, change_line, remove_line),
    *(list_payments, add_payment, get_payment, change_payment, remove_payment),
)
