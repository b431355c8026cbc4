"""Pages of paying online: the couple's way to the provider, and the supplier's refund."""

from typing import Any
from uuid import UUID

from litestar import Response, post

from wedsync.connections.accounts.connecting import Desk
from wedsync.connections.charging import paying
from wedsync.connections.charging.paying import RefundWanted
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.errors import not_found
from wedsync.payments import view
from wedsync.web import forms, respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest, signed_in
from wedsync.weddings.shell import couple_shell

queries = sql.load("wedsync.payments")


@post("/me/{wedding_id:uuid}/payments/{link_payment_id:uuid}/pay", include_in_schema=False)
async def pay(
    request: AnyRequest, ctx: Context, desk: Desk, actor: Actor, wedding_id: UUID, link_payment_id: UUID
) -> Response[Any]:
    """A page goes on to the provider's, for a form must not lead away from our own."""
    way = await paying.pay(ctx, desk, signed_in(request, actor), link_payment_id)
    async with ctx.door.enter(actor, wedding_id) as tx:
        shell = await couple_shell(request, ctx, tx, wedding_id, "suppliers")
        row = await tx.row(queries.one, link_payment_id)
    if row is None:
        raise not_found("item")
    onward = {"Refresh": f"0; url={way.url}"} if way.url.isascii() else {}
    card = view.card({**row, "supplier_name": ""}, shell.now.date())
    return respond.html("payments/onward.html", shell, headers=onward, url=way.url, card=card)


@post(
    "/studio/{supplier_id:uuid}/weddings/{wedding_id:uuid}/payments/{link_payment_id:uuid}/refund",
    include_in_schema=False,
)
async def refund(
    request: AnyRequest,
    ctx: Context,
    desk: Desk,
    actor: Actor,
    supplier_id: UUID,
    wedding_id: UUID,
    link_payment_id: UUID,
) -> Response[Any]:
    """Ordered; the page says that it shows when it is done."""
    form = await forms.read(request)
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        row = await tx.row(queries.one, link_payment_id)
    if row is None:
        raise not_found("item")
    wanted = RefundWanted(amount_minor=view.amount(form, row["currency"]))
    await paying.refund(ctx, desk, actor, link_payment_id, supplier_id, wanted)
    return respond.done(
        request, f"/studio/{supplier_id}/weddings/{wedding_id}/payments/{link_payment_id}?refund=ordered"
    )


ROUTES = (pay, refund)
