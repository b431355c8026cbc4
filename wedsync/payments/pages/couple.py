"""The couple's page of payments: what each supplier asks for by when, what was paid, and the way to pay online."""

from typing import Any
from uuid import UUID

from litestar import Response, get

from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.payments import view
from wedsync.web import respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest, signed_in
from wedsync.weddings.shell import couple_shell

queries = sql.load("wedsync.payments")


@get("/me/{wedding_id:uuid}/payments", include_in_schema=False)
async def payments(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[Any]:
    """Everything that was asked for, live."""
    return await _page("payments/payments.html", request, ctx, actor, wedding_id)


@get("/me/{wedding_id:uuid}/fragments/payments", include_in_schema=False)
async def payments_fragment(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[Any]:
    """The same, when a payment changed."""
    return await _page("payments/_payments.html", request, ctx, actor, wedding_id)


async def _page(name: str, request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[Any]:
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        shell = await couple_shell(request, ctx, tx, wedding_id, "suppliers")
        rows = await tx.rows(queries.shown)
        payable = [row["id"] for row in await tx.rows(queries.payable)]
    came_back = request.query_params.get("paid", "")
    waits = [row for row in rows if str(row["id"]) == came_back and not row["received_minor"]]
    return respond.html(
        name,
        shell,
        payments=view.cards(rows, shell.now.date(), payable),
        totals=view.totals(rows),
        is_coming=bool(waits),
    )


ROUTES = (payments, payments_fragment)
