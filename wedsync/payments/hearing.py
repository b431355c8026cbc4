"""Every write of payments because of what a provider said: its movements, the payment, and the ledger, in one go.

Called as the system in the supplier's tenant, from the job of a hook. What is said again changes nothing.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import structlog

from wedsync.events.catalogue import EventType
from wedsync.events.record import record
from wedsync.kit import clock, sql
from wedsync.kit.db import Tx
from wedsync.payments import facts, model, movements
from wedsync.payments.movements import Movement, Standing

log = structlog.get_logger("payments")
queries = sql.load("wedsync.payments")
Enter = Callable[[UUID], Awaitable[UUID | None]]
"""Goes to the wedding of a payment, in the place of its link; None where the entered supplier has no such payment."""


async def take(
    tx: Tx, said: Sequence[Movement], *, connector: str, account: str, hook_id: UUID | None, enter: Enter
) -> UUID | None:
    """Take in movements of one charge of an account. Returns the payment that moved: its wedding is then entered.

    None where it is not known yet whose it is (a refund that comes before its charge waits for it), or not ours at all.
    """
    held = await tx.row(queries.hold_account, connector, account)
    if held is None:
        return None
    payment_id = None
    for one in said:
        await _keep(tx, held["id"], one)
        payment_id = await _payment_of(tx, held["id"], one) or payment_id
    terms = None if payment_id is None else await tx.row(queries.terms, payment_id)
    if payment_id is None or terms is None:
        return None
    moved = [_movement(row) for row in await tx.rows(queries.movements, payment_id)]
    now = movements.standing(moved, terms["currency"])
    if await enter(payment_id) is None:
        return None
    await _stand(tx, payment_id, now)
    held_fees = [{"id": id, "minor": minor} for id, minor in movements.fees(moved, terms["currency"]).items()]
    due = movements.share(now.kept, terms["rate_bp"])
    await tx.value(queries.post, payment_id, due, msgspec.json.encode(held_fees).decode(), hook_id)
    return payment_id


async def note_account(
    tx: Tx, *, connector: str, account: str, may_charge: bool, may_pay_out: bool, at: datetime
) -> None:
    """What the account may do, as the provider said at that time; what is older than what we know is old."""
    await tx.run(queries.note_account, connector, account, may_charge, may_pay_out, at)


async def open_account(tx: Tx, connection_id: UUID, *, connector: str, account: str) -> None:
    """The entered supplier is paid into this account from now on, unless another business is."""
    known = await tx.row(queries.located, connector, account)
    if known is not None and known["is_open"] and known["supplier_id"] != await tx.home():
        log.warning("payout_account_taken", connection_id=str(connection_id))
        return
    await tx.run(queries.open_account, connection_id, connector, account)


async def end_accounts(tx: Tx, connection_id: UUID) -> None:
    """Nothing is paid into the account of this connection any more."""
    await tx.run(queries.end_accounts, connection_id)


async def end_account(tx: Tx, *, connector: str, account: str) -> UUID | None:
    """The same for an account that the provider says has left us; returns its connection."""
    found: UUID | None = await tx.value(queries.end_account, connector, account)
    return found


async def _keep(tx: Tx, account_id: UUID, said: Movement) -> None:
    row = await tx.row(queries.movement, account_id, said.id)
    merged = said if row is None else movements.merge(_movement(row), said)
    values = (merged.kind, merged.intent, merged.charge, merged.payment, merged.status, merged.currency)
    amounts = (merged.amount_minor, merged.returned_minor, merged.said_at)
    await tx.run(queries.keep_movement, account_id, merged.id, *values, *amounts)


async def _payment_of(tx: Tx, account_id: UUID, said: Movement) -> UUID | None:
    """Whose it is: what its charge names, which all that belongs to that charge then belongs to."""
    rows = await tx.rows(queries.payment_of, account_id, said.intent, said.charge)
    payment_id: UUID | None = next((row["payment_id"] for row in rows if row["payment_id"] is not None), None)
    orphans = [row["id"] for row in rows if row["payment_id"] is None]
    if payment_id is not None and orphans:
        await tx.run(queries.adopt, account_id, payment_id, orphans)
    return payment_id


async def _stand(tx: Tx, payment_id: UUID, online: Standing) -> None:
    """Bring the payment to where it stands, a fact for each thing that happened on the way."""
    row = await tx.row(queries.claim, payment_id, clock.machine_now())
    if row is None:
        return
    before = dict(row)
    for kind, wanted in _steps(before, online, row["now"]):
        written = await tx.row(queries.change, payment_id, msgspec.json.encode(wanted).decode())
        if written is None:
            return
        record(tx, kind, op="UPDATE", row=written, link=written["link_id"])


def _steps(before: Mapping[str, Any], online: Standing, now: datetime) -> Iterator[tuple[EventType, dict[str, Any]]]:
    """Received, then refunded, then disputed: where several became known at once each is told."""
    row = dict(before)
    for kind, stop in _stops(row, online):
        wanted = model.differing(row, model.columns(row, stop, now))
        if wanted:
            yield kind, wanted
            row |= wanted


def _stops(row: Mapping[str, Any], online: Standing) -> Iterator[tuple[EventType, Standing]]:
    was = Standing(
        received=row["received_minor"] - row["outside_minor"],
        refunded=row["refunded_minor"],
        disputed=row["disputed_minor"],
        lost=row["lost_minor"],
    )
    if online.received > was.received:
        was = msgspec.structs.replace(was, received=online.received)
        yield facts.RECEIVED, was
    if online.refunded > was.refunded and online.refunded + was.disputed + was.lost <= was.received:
        was = msgspec.structs.replace(was, refunded=online.refunded)
        yield facts.REFUNDED, was
    if online.disputed > was.disputed:
        yield facts.DISPUTED, online
    elif online.disputed < was.disputed or online.lost != was.lost:
        yield facts.DISPUTE_CLOSED, online
    else:
        yield facts.CHANGED, online


def _movement(row: Any) -> Movement:
    return Movement(**dict(row))
