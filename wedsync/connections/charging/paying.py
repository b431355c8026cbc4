"""How a couple pays and a supplier refunds: asked of the provider between transactions, never inside of one.

Nothing that the provider answers moves money here: only its signed word does, which it sends by itself (`taking`).
"""

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from uuid import UUID, uuid5

import msgspec

from wedsync.connections.accounts import actions as accounts
from wedsync.connections.accounts.connecting import Desk
from wedsync.connections.charging.contract import Asked, Charges, Opened, Refunded, Refunding
from wedsync.connections.contract import Connection, Outcome, ReconnectNeeded, Rejected
from wedsync.kit import clock, sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.payments import actions, model, movements
from wedsync.web.context import Context
from wedsync.web.formats import money

queries = sql.load("wedsync.payments")
OPEN: Final = timedelta(minutes=31)
"""How long a page of the provider can be paid at; Stripe's shortest is half an hour."""
NAMES: Final = {"deposit": "Deposit", "instalment": "Instalment", "balance": "Balance", "extra": "Extra"}


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """Where to pay."""

    url: str
    expires_at: Any


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """The provider has taken the order to send money back; that it has done so shows by itself."""

    refund_id: str
    status: str


class RefundWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Without an amount all that can go back does."""

    amount_minor: model.Amount | None = None


async def pay(ctx: Context, desk: Desk, actor: Actor, payment_id: UUID) -> Way:
    """Send the couple to the provider's page; to the one that is open, where one is.

    Raises Refusal 403 for all but the couple, 404, 409 where it is not to be paid or cannot be, 503.
    """
    async with ctx.door.enter_at(actor, "payments", payment_id) as tx:
        row, left = await _payable(tx, payment_id)
        route = await tx.row(queries.route, payment_id)
        if route is None or route["may_charge"] is False:
            detail = "This supplier cannot be paid online yet. Ask them how they want to be paid."
            raise Refusal(409, "not_online", detail)
        planned = await actions.plan_checkout(tx, payment_id, left, clock.machine_now() + OPEN)
    if planned["url"]:
        return Way(url=planned["url"], expires_at=planned["expires_at"])
    said = await _opened(ctx, desk, row, route, planned)
    async with ctx.door.enter_at(actor, "payments", payment_id) as tx:
        if isinstance(said, Opened):
            await actions.keep_checkout(tx, planned["id"], session=said.id, url=said.url, until=planned["expires_at"])
        else:
            await actions.end_checkout(tx, planned["id"])
    if not isinstance(said, Opened):
        raise _refusal(said)
    return Way(url=said.url, expires_at=said.expires_at)


async def refund(
    ctx: Context, desk: Desk, actor: Actor, payment_id: UUID, supplier_id: UUID, wanted: RefundWanted
) -> Sent:
    """Order a refund of what came online. Raises Refusal 403 for all but the supplier's keepers, 404, 409, 422, 503."""
    async with ctx.door.enter_at(actor, "payments", payment_id) as tx:
        row = await tx.row(queries.one, payment_id)
    if row is None:
        raise not_found("item")
    async with ctx.door.enter(actor, supplier_id) as tx:
        await accounts.must_be(tx)
        charges = await tx.rows(queries.charges, payment_id)
        moved = [movements.Movement(**dict(one)) for one in await tx.rows(queries.movements, payment_id)]
    amount = wanted.amount_minor or model.refundable(row)
    charge = _refunded_of(charges, moved, row["currency"], amount)
    if not amount or charge is None:
        at_most = money(model.refundable(row), row["currency"])
        raise Refusal(409, "not_refundable", f"At most {at_most} can go back, and of one charge no more than it has.")
    asked = Refunding(
        account=charge["account"],
        intent=charge["intent"],
        amount_minor=amount,
        currency=row["currency"],
        key=_key("refund", payment_id, charge["intent"], *_told(row), amount, *_bounced(moved)),
    )
    said = await _call(desk, charge, supplier_id, lambda one: one.refund(asked), "refund")
    if not isinstance(said, Refunded):
        raise _refusal(said)
    return Sent(refund_id=said.id, status=said.status)


async def _payable(tx: Tx, payment_id: UUID) -> tuple[Row, int]:
    """What the couple owes, and how much of it. Raises Refusal 403, 404 or 409."""
    row, whose = await tx.row(queries.one, payment_id), await tx.row(queries.whose)
    if row is None or whose is None:
        raise not_found("item")
    if not whose["is_couple"]:
        raise Refusal(403, "forbidden", "Only the couple pays this. They see it among their payments.")
    left = model.left(row)
    if not left:
        raise Refusal(409, "nothing_to_pay", "There is nothing left to pay here.")
    return row, left


async def _opened(ctx: Context, desk: Desk, row: Row, route: Row, planned: Row) -> Opened | Outcome:
    base, left = f"{ctx.settings.public_url}/me/{row['wedding_id']}/payments", planned["amount_minor"]
    asked = Asked(
        account=route["account"],
        payment=row["id"],
        amount_minor=left,
        fee_minor=movements.share(left, route["rate_bp"]),
        currency=row["currency"],
        name=route["supplier_name"],
        title=row["title"] or NAMES[row["kind"]],
        success_url=f"{base}?paid={row['id']}",
        cancel_url=base,
        expires_at=planned["expires_at"],
        key=str(planned["id"]),
    )
    said: Opened | Outcome = await _call(
        desk, route, route["supplier_id"], lambda one: one.open_checkout(asked), "checkout"
    )
    return said


async def _call(desk: Desk, place: Mapping[str, Any] | Row, supplier_id: UUID, act: Any, what: str) -> Any:
    """One exchange of the supplier's account, told to its health."""
    connection_id, connector = place["connection_id"], place["connector"]
    opened = await desk.accounts.open(connection_id, supplier_id)
    if not isinstance(opened, Connection):
        return opened
    timeout_s = desk.host.manifests[connector].limits.timeout_s
    said = await desk.host.call(connector, Charges, act, opened, timeout_s=timeout_s)
    is_well = isinstance(said, Opened | Refunded)
    # What is refused because of what was asked says nothing of the account.
    if is_well or not isinstance(said, Rejected):
        await desk.accounts.heard(connection_id, supplier_id, None if is_well else said, what=what)
    return said


def _refusal(said: Outcome) -> Refusal:
    if isinstance(said, Rejected):
        return Refusal(409, "provider_refused", said.reason)
    if isinstance(said, ReconnectNeeded):
        return Refusal(409, "not_online", "This supplier's account is not connected any more. Ask them how to pay.")
    after = {"Retry-After": "30"}
    detail = "The payment provider does not answer now. Nothing was charged; try again in a moment."
    return Refusal(503, "provider_away", detail, headers=after)


def _refunded_of(charges: list[Row], moved: list[movements.Movement], currency: str, amount: int) -> Row | None:
    """The newest charge that has as much left."""
    for charge in charges:
        own = [m for m in moved if m.intent == charge["intent"] or (m.charge and m.charge == charge["id"])]
        if movements.standing(own, currency).kept >= amount:
            return charge
    return None


def _told(row: Row) -> tuple[int, int, int]:
    return row["received_minor"], row["refunded_minor"], row["lost_minor"]


def _bounced(moved: list[movements.Movement]) -> list[str]:
    """Refunds that the bank has sent back: after one, the same amount is another order."""
    return sorted(m.id for m in moved if m.kind == "refund" and m.status == "failed")


def _key(*parts: object) -> str:
    """The same order has the same key, however often it is given; a key names nobody."""
    text = "|".join(str(part) for part in parts)
    return str(uuid5(UUID(int=0), hashlib.sha256(text.encode()).hexdigest()))
