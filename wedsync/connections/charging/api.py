"""The JSON door of paying online: the couple's way to the provider, and the supplier's refund."""

from uuid import UUID

from litestar import post

from wedsync.connections.accounts.connecting import Desk
from wedsync.connections.charging import paying
from wedsync.connections.charging.paying import RefundWanted, Sent, Way
from wedsync.kit.actor import Actor
from wedsync.web.context import Context


@post(
    "/api/v1/payments/{link_payment_id:uuid}/checkout",
    status_code=200,
    summary="Pay online",
    description="Where the couple pays what is left of this payment, on the supplier's own account. Asked again, it is "
    "the same page while that is open (half an hour).",
)
async def pay(ctx: Context, desk: Desk, actor: Actor, link_payment_id: UUID) -> Way:
    """Only the couple; 409 where it cannot be paid online."""
    return await paying.pay(ctx, desk, actor, link_payment_id)


@post(
    "/api/v1/suppliers/{supplier_id:uuid}/payments/{link_payment_id:uuid}/refund",
    status_code=202,
    summary="Refund a payment",
    description="Orders the provider to send back what came online, or some of it. The payment changes when the "
    "provider says that it is done. Owners and admins only.",
)
async def refund(
    ctx: Context, desk: Desk, actor: Actor, supplier_id: UUID, link_payment_id: UUID, data: RefundWanted
) -> Sent:
    """The same amount ordered twice at once goes back once."""
    return await paying.refund(ctx, desk, actor, link_payment_id, supplier_id, data)


ROUTES = (pay, refund)
