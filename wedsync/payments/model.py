"""What a payment is, what may be asked for, and where it stands; pure."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from wedsync.kit.currencies import EXPONENTS
from wedsync.kit.errors import FieldError, Refusal
from wedsync.payments.movements import Standing
from wedsync.schedule import wording

Kind = Literal["deposit", "instalment", "balance", "extra"]
Status = Literal["requested", "cancelled", "part_paid", "paid", "part_refunded", "refunded", "disputed"]
Way = Literal["", "online", "outside"]
Amount = Annotated[
    int,
    Meta(ge=1, le=100_000_000_000, description="Minor units: cents, pence; yen as they are. Money is never a float"),
]
Noted = Annotated[int, Meta(ge=0, le=100_000_000_000, description="Minor units that came outside; 0 takes it back")]
Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$", description="ISO 4217 code, such as GBP")]
Title = Annotated[str, Meta(max_length=120, description="What it is for, where the kind does not say it")]
Note = Annotated[str, Meta(max_length=1000, description="What the couple reads beside it")]
YEAR_MIN, YEAR_MAX = 1990, 2190
UNPAID: Final = ("requested", "part_paid")
PAYABLE_MIN_MINOR: Final = 100
"""What no card is charged below, roughly: providers refuse less than about half a euro."""


class LinkPayment(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `payments`. Amounts in minor units; `received_minor` counts what came outside (`outside_minor`) too."""

    id: UUID
    wedding_id: UUID
    link_id: UUID
    kind: Kind
    title: str
    amount_minor: int
    currency: str
    due_on: date | None
    note: str
    status: Status
    way: Way
    outside_minor: int
    received_minor: int
    refunded_minor: int
    disputed_minor: int
    lost_minor: int
    received_at: datetime | None
    reminded_at: datetime | None
    overdue_at: datetime | None
    version: int
    created_at: datetime
    updated_at: datetime


class NewLinkPayment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a supplier asks for. Without `due_on` it is due now; the currency is the wedding's when absent."""

    kind: Kind
    amount_minor: Amount
    title: Title = ""
    currency: Currency | None = None
    due_on: date | None = None
    note: Note = ""


class LinkPaymentChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change of what is asked for; what is absent stays. The amount stays once any of it was paid."""

    kind: Kind | UnsetType = UNSET
    amount_minor: Amount | UnsetType = UNSET
    title: Title | UnsetType = UNSET
    due_on: date | UnsetType | None = UNSET
    note: Note | UnsetType = UNSET


class Receipt(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What came outside: by transfer, in cash."""

    amount_minor: Noted


def settle(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields fit to be written: text cleaned, currency and day judged. Raises Refusal 422."""
    out = dict(fields)
    if "title" in out:
        out["title"] = wording.line(out["title"])
    if "note" in out:
        out["note"] = wording.paragraphs(out["note"])
    if out.get("currency") is not None and out["currency"] not in EXPONENTS:
        raise invalid("currency", "is no currency in use", "Use an ISO 4217 code, such as GBP.")
    on = out.get("due_on")
    if on is not None and not YEAR_MIN <= on.year <= YEAR_MAX:
        raise invalid("due_on", f"is not between the years {YEAR_MIN} and {YEAR_MAX}", "Check the year.")
    return out


def changed(before: Mapping[str, Any], fields: Mapping[str, Any], *, is_open: bool) -> dict[str, Any]:
    """The columns to write otherwise. Raises Refusal 409 where the amount may not move any more.

    `is_open`: the couple was sent to the provider's page, which still asks for what it asked for then.
    """
    wanted = {name: value for name, value in settle(fields).items() if value != before[name]}
    if wanted and before["status"] == "cancelled":
        raise Refusal(409, "cancelled", "This was cancelled. Ask for a new payment instead.")
    if "amount_minor" in wanted and before["received_minor"]:
        raise Refusal(409, "paid_already", "Some of this was paid, so its amount stays. Ask for the difference anew.")
    if "due_on" in wanted:
        # Another day is reminded of anew.
        wanted |= differing(before, {"reminded_at": None, "overdue_at": None})
    if "amount_minor" in wanted and is_open:
        raise Refusal(409, "being_paid", "They are paying this at this moment. Try again in half an hour.")
    return wanted


def cancelled(before: Mapping[str, Any], *, is_open: bool) -> dict[str, Any]:
    """The columns of not being asked for any more. Raises Refusal 409 once any of it was paid, or while it is."""
    if before["status"] == "cancelled":
        return {}
    if before["received_minor"]:
        raise Refusal(409, "paid_already", "Some of this was paid. Refund it instead.")
    if is_open:
        raise Refusal(409, "being_paid", "They are paying this at this moment. Try again in half an hour.")
    return {"status": "cancelled"}


def noted(before: Mapping[str, Any], amount_minor: int, now: datetime) -> dict[str, Any]:
    """The columns of what came outside, instead of what was noted before. Raises Refusal 409, 422."""
    if before["status"] == "cancelled":
        raise Refusal(409, "cancelled", "This was cancelled. Ask for a new payment instead.")
    if amount_minor > before["amount_minor"]:
        raise invalid("amount_minor", "is more than was asked for", "Note what belongs to this payment.")
    online = before["received_minor"] - before["outside_minor"]
    if amount_minor and online + amount_minor > before["amount_minor"]:
        raise Refusal(409, "paid_already", "This was paid online. Note only what came beside that.")
    gone = Standing(
        received=online,
        refunded=before["refunded_minor"],
        disputed=before["disputed_minor"],
        lost=before["lost_minor"],
    )
    return differing(before, columns({**before, "outside_minor": amount_minor}, gone, now))


def columns(before: Mapping[str, Any], online: Standing, now: datetime) -> dict[str, Any]:
    """All columns that money moves, where a payment stands so."""
    received = before["outside_minor"] + online.received
    found = {
        "outside_minor": before["outside_minor"],
        "received_minor": received,
        "refunded_minor": online.refunded,
        "disputed_minor": online.disputed,
        "lost_minor": online.lost,
        "received_at": None if not received else before["received_at"] or now,
        "way": "online" if online.received else "outside" if received else "",
    }
    return {**found, "status": status(before, found)}


def status(before: Mapping[str, Any], found: Mapping[str, Any]) -> Status:
    """In one word. Money that came for what was cancelled is money all the same."""
    received, back = found["received_minor"], found["refunded_minor"] + found["lost_minor"]
    if not received:
        return "cancelled" if before["status"] == "cancelled" else "requested"
    if found["disputed_minor"]:
        return "disputed"
    if back:
        return "refunded" if back >= received else "part_refunded"
    return "paid" if received >= before["amount_minor"] else "part_paid"


def differing(before: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Of the wanted columns those that are otherwise."""
    return {name: value for name, value in wanted.items() if value != before[name]}


def left(row: Mapping[str, Any]) -> int:
    """What is still to be paid, in minor units."""
    minor: int = row["amount_minor"] - row["received_minor"] if row["status"] in UNPAID else 0
    return max(minor, 0)


def refundable(row: Mapping[str, Any]) -> int:
    """What can be sent back through the provider: not what came outside, is disputed, or went back already."""
    back = row["outside_minor"] + row["refunded_minor"] + row["disputed_minor"] + row["lost_minor"]
    minor: int = row["received_minor"] - back
    return max(minor, 0)


def invalid(field: str, reason: str, fix: str) -> Refusal:
    """One field that cannot be taken."""
    return Refusal(422, "invalid", f"{field}: {reason}", errors=[FieldError(field, reason, fix)])
