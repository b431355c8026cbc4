"""Stripe's events and objects as movements, and what we ask of it as forms; no I/O.

Of an object only what moves money is read: no name, no address, no card. What is not there, or of a kind we do not
know, is left out; what is there and is not what Stripe sends raises ValueError.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from wedsync.connections.charging.contract import AccountState, Asked, Fee, Refunding, Said
from wedsync.connectors.stripe.amounts import fee_to_theirs, from_theirs, to_theirs
from wedsync.payments.movements import Movement, Status

MARK: Final = "wedsync_payment"
"""The key of our payment in Stripe's metadata."""

REFUNDS: Final[Mapping[str, Status]] = {
    "pending": "pending",
    "requires_action": "pending",
    "succeeded": "succeeded",
    "failed": "failed",
    "canceled": "failed",
}
DISPUTES: Final[Mapping[str, Status]] = {
    "warning_needs_response": "inquiry",
    "warning_under_review": "inquiry",
    "warning_closed": "closed",
    "prevented": "closed",
    "needs_response": "open",
    "under_review": "open",
    "won": "won",
    "lost": "lost",
}


class Event(msgspec.Struct, frozen=True):
    """An event's envelope."""

    id: str
    type: str
    created: int
    data: dict[str, Any]
    account: str = ""
    livemode: bool = True


class FeeObject(msgspec.Struct, frozen=True):
    """An application fee as it is listed."""

    id: str
    amount: int
    amount_refunded: int
    currency: str
    created: int
    account: str | dict[str, Any]
    charge: str | dict[str, Any]


class Intent(msgspec.Struct, frozen=True):
    """A payment with its last charge whole."""

    id: str
    latest_charge: dict[str, Any] | str | None = None

    @property
    def has_fee(self) -> bool:
        """Whether the charge was made with a fee of ours."""
        return isinstance(self.latest_charge, dict) and bool(_id(self.latest_charge.get("application_fee")))


class FeePage(msgspec.Struct, frozen=True):
    data: list[FeeObject]
    has_more: bool = False


def read(body: bytes, *, is_live: bool = False) -> Said:
    """Raises ValueError. `is_live`: real money is spoken of, so what accounts only try out is nobody's here."""
    event = msgspec.json.decode(body, type=Event)
    found = event.data.get("object")
    if not isinstance(found, dict):
        raise ValueError("an event without its object")
    at = _time(event.created)
    account = event.account or _id(found.get("account"))
    if is_live and not event.livemode:
        return Said(id=event.id, type=event.type, account="", at=at)
    if event.type == "account.updated":
        state = AccountState(
            may_charge=found.get("charges_enabled") is True, may_pay_out=found.get("payouts_enabled") is True
        )
        return Said(id=event.id, type=event.type, account=account or _id(found), at=at, state=state)
    if event.type == "account.application.deauthorized":
        return Said(id=event.id, type=event.type, account=account, at=at, has_left=True)
    reader = READERS.get(str(found.get("object")))
    moved = () if reader is None else tuple(_checked(one) for one in reader(found, at, event.type))
    return Said(id=event.id, type=event.type, account=account, at=at, movements=moved)


def _intent(one: Mapping[str, Any], at: datetime, kind: str) -> list[Movement]:
    """A payment intent: what came of it as a whole. Nothing is said of one that is only being tried."""
    tried: dict[str, Status] = {"payment_intent.succeeded": "succeeded", "payment_intent.payment_failed": "failed"}
    if kind not in tried:
        return []
    return [
        Movement(
            kind="charge",
            id=_need(one, "id"),
            intent=_need(one, "id"),
            charge=_id(one.get("latest_charge")),
            status=tried[kind],
            amount_minor=_amount(one, "amount_received"),
            currency=_currency(one),
            said_at=at,
            payment=_ours(one),
        )
    ]


def _session(one: Mapping[str, Any], at: datetime, kind: str) -> list[Movement]:
    """A checkout that was paid; by a way that takes days it is said again when the money is there."""
    intent = _id(one.get("payment_intent"))
    if one.get("payment_status") != "paid" or not intent:
        return []
    return [
        Movement(
            kind="charge",
            id=intent,
            intent=intent,
            status="succeeded",
            amount_minor=_amount(one, "amount_total"),
            currency=_currency(one),
            said_at=at,
            payment=_ours(one),
        )
    ]


def _charge(one: Mapping[str, Any], at: datetime, kind: str) -> list[Movement]:
    """A charge with what it says was refunded of it, and the fee it was made with."""
    id = _need(one, "id")
    intent = _id(one.get("payment_intent")) or id
    is_there = one.get("status") == "succeeded" and one.get("captured") is not False
    made = Movement(
        kind="charge",
        id=intent,
        intent=intent,
        charge=id if is_there else "",
        status="succeeded" if is_there else "failed" if one.get("status") == "failed" else "pending",
        amount_minor=_amount(one, "amount_captured") if is_there else 0,
        returned_minor=_amount(one, "amount_refunded"),
        currency=_currency(one),
        said_at=at,
        payment=_ours(one),
    )
    fee = _id(one.get("application_fee"))
    if not fee or not is_there:
        return [made]
    amount = _amount(one, "application_fee_amount")
    return [made, _fee_movement(fee, charge=id, amount=amount, returned=0, currency=made.currency, at=at)]


def _refund(one: Mapping[str, Any], at: datetime, kind: str) -> list[Movement]:
    status = REFUNDS.get(str(one.get("status")))
    return [] if status is None else [_of_charge(one, at, "refund", status)]


def _dispute(one: Mapping[str, Any], at: datetime, kind: str) -> list[Movement]:
    status = DISPUTES.get(str(one.get("status")))
    return [] if status is None else [_of_charge(one, at, "dispute", status)]


def _of_charge(one: Mapping[str, Any], at: datetime, kind: Any, status: Status) -> Movement:
    charge = _id(one.get("charge"))
    return Movement(
        kind=kind,
        id=_need(one, "id"),
        intent=_id(one.get("payment_intent")) or charge,
        charge=charge,
        status=status,
        amount_minor=_amount(one, "amount"),
        currency=_currency(one),
        said_at=at,
    )


def _fee(one: Mapping[str, Any], at: datetime, kind: str) -> list[Movement]:
    amount, returned = _amount(one, "amount"), _amount(one, "amount_refunded")
    charge = _id(one.get("charge"))
    return [
        _fee_movement(_need(one, "id"), charge=charge, amount=amount, returned=returned, currency=_currency(one), at=at)
    ]


READERS: Final[Mapping[str, Callable[[Mapping[str, Any], datetime, str], list[Movement]]]] = {
    "payment_intent": _intent,
    "checkout.session": _session,
    "charge": _charge,
    "refund": _refund,
    "dispute": _dispute,
    "application_fee": _fee,
}


def to_session(asked: Asked) -> dict[str, str]:
    """The form of a checkout. Raises Uncountable."""
    line, currency = "line_items[0]", asked.currency.lower()
    fee = fee_to_theirs(asked.fee_minor, asked.currency)
    return {
        "mode": "payment",
        f"{line}[quantity]": "1",
        f"{line}[price_data][currency]": currency,
        f"{line}[price_data][unit_amount]": str(to_theirs(asked.amount_minor, asked.currency)),
        f"{line}[price_data][product_data][name]": f"{asked.title}, {asked.name}",
        "client_reference_id": str(asked.payment),
        f"metadata[{MARK}]": str(asked.payment),
        f"payment_intent_data[metadata][{MARK}]": str(asked.payment),
        **({"payment_intent_data[application_fee_amount]": str(fee)} if fee else {}),
        "success_url": asked.success_url,
        "cancel_url": asked.cancel_url,
        "expires_at": str(int(asked.expires_at.timestamp())),
    }


def to_refund(asked: Refunding, *, has_fee: bool) -> dict[str, str]:
    """The form of a refund; of a charge on the account itself our fee goes back only when we say so, and of a charge
    without one Stripe refuses to be told. Raises Uncountable.
    """
    return {
        "payment_intent": asked.intent,
        "amount": str(to_theirs(asked.amount_minor, asked.currency)),
        **({"refund_application_fee": "true"} if has_fee else {}),
    }


def to_fee(one: FeeObject) -> Fee:
    currency = one.currency.upper()
    return Fee(
        id=one.id,
        account=_id(one.account),
        charge=_id(one.charge),
        currency=currency,
        amount_minor=from_theirs(one.amount, currency),
        returned_minor=from_theirs(one.amount_refunded, currency),
        made_at=_time(one.created),
    )


def _fee_movement(id: str, *, charge: str, amount: int, returned: int, currency: str, at: datetime) -> Movement:
    return Movement(
        kind="fee",
        id=id,
        charge=charge,
        status="succeeded",
        amount_minor=amount,
        returned_minor=returned,
        currency=currency,
        said_at=at,
    )


def _checked(one: Movement) -> Movement:
    if one.amount_minor < 0 or one.returned_minor < 0 or not one.id:
        raise ValueError("an amount below nothing, or a thing without an id")
    return one


def _time(seconds: int) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError) as error:
        raise ValueError("a time that is none") from error


def _id(value: Any) -> str:
    """Objects come as their id, or expanded."""
    if isinstance(value, dict):
        value = value.get("id")
    return value if isinstance(value, str) else ""


def _need(one: Mapping[str, Any], name: str) -> str:
    found = _id(one.get(name))
    if not found:
        raise ValueError(f"no {name}")
    return found


def _amount(one: Mapping[str, Any], name: str) -> int:
    value = one.get(name) or 0
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{name} is no amount")
    return from_theirs(value, _currency(one))


def _currency(one: Mapping[str, Any]) -> str:
    value = one.get("currency")
    if not (isinstance(value, str) and len(value) == 3 and value.isascii() and value.isalpha()):
        raise ValueError("no currency")
    return value.upper()


def _ours(one: Mapping[str, Any]) -> UUID | None:
    """Our payment, where it was made by us; what others wrote there is nothing to us."""
    metadata = one.get("metadata")
    text = metadata.get(MARK) if isinstance(metadata, dict) else None
    try:
        return UUID(text) if isinstance(text, str) else None
    except ValueError:
        return None
