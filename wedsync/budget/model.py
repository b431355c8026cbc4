"""Budget lines and payments, what they add up to, and the events they make."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from wedsync.events.catalogue import EventType
from wedsync.events.scope import Scope
from wedsync.kit.currencies import EXPONENTS
from wedsync.kit.errors import FieldError, Refusal
from wedsync.schedule import wording

Title = Annotated[str, Meta(min_length=1, max_length=300)]
Category = Annotated[str, Meta(min_length=1, max_length=60)]
Name = Annotated[str, Meta(max_length=300)]
Note = Annotated[str, Meta(max_length=1000)]
Position = Annotated[int, Meta(ge=0, le=100_000)]
Amount = Annotated[int, Meta(ge=0, le=100_000_000_000, description="Minor units: cents, pence; yen as they are")]
Signed = Annotated[int, Meta(ge=-100_000_000_000, le=100_000_000_000, description="Minor units; negative for a refund")]
Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$", description="ISO 4217 code, such as GBP")]
PaymentKind = Literal["deposit", "interim", "balance", "damage", "tip", "refund"]
YEAR_MIN, YEAR_MAX = 1990, 2190


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `budget_lines`. With `per_guest`, the amounts are for each guest."""

    id: UUID
    wedding_id: UUID
    category: str
    title: str
    supplier_name: str
    estimate_minor: int
    agreed_minor: int | None
    currency: str
    per_guest: bool
    position: int
    version: int
    created_at: datetime
    updated_at: datetime


class Payment(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `budget_payments`: due while it has no `paid_on`."""

    id: UUID
    wedding_id: UUID
    budget_line_id: UUID
    kind: PaymentKind
    amount_minor: int
    currency: str
    due_on: date | None
    paid_on: date | None
    note: str
    version: int
    created_at: datetime
    updated_at: datetime


class NewLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new line; the currency is the wedding's when absent."""

    title: Title
    category: Category = "other"
    supplier_name: Name = ""
    estimate_minor: Amount = 0
    agreed_minor: Amount | None = None
    currency: Currency | None = None
    per_guest: bool = False
    position: Position = 0


class LineChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change of a line; what is absent stays. The currency stays once something is paid or due in it."""

    title: Title | UnsetType = UNSET
    category: Category | UnsetType = UNSET
    supplier_name: Name | UnsetType = UNSET
    estimate_minor: Amount | UnsetType = UNSET
    agreed_minor: Amount | UnsetType | None = UNSET
    currency: Currency | UnsetType = UNSET
    per_guest: bool | UnsetType = UNSET
    position: Position | UnsetType = UNSET


class NewPayment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A payment, due or made, in the currency of its line. A refund is negative."""

    amount_minor: Signed
    kind: PaymentKind = "balance"
    due_on: date | None = None
    paid_on: date | None = None
    note: Note = ""


class PaymentChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change of a payment; what is absent stays."""

    amount_minor: Signed | UnsetType = UNSET
    kind: PaymentKind | UnsetType = UNSET
    due_on: date | UnsetType | None = UNSET
    paid_on: date | UnsetType | None = UNSET
    note: Note | UnsetType = UNSET


class Guests(msgspec.Struct, frozen=True, kw_only=True):
    """The head count per-guest lines are multiplied by, and where it comes from."""

    count: int
    source: Literal["answers", "estimate", "none", "asked"]


class DueNext(msgspec.Struct, frozen=True, kw_only=True):
    """The next payment that has a day."""

    payment_id: UUID
    budget_line_id: UUID
    title: str
    amount_minor: int
    due_on: date


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """What lines of one currency add up to, in minor units.

    `expected` takes what was agreed and, where nothing was, the estimate. `due` is what is scheduled and not paid.
    """

    currency: str
    exponent: int
    estimate_minor: int
    agreed_minor: int
    expected_minor: int
    paid_minor: int
    due_minor: int
    due_next: DueNext | None


class PlannedLine(Line, frozen=True, kw_only=True):
    """A line with its payments, and its amounts for all guests."""

    estimate_total_minor: int
    agreed_total_minor: int | None
    paid_minor: int
    payments: list[Payment]


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the couple plans to pay."""

    currency: str
    guests: Guests
    totals: list[Totals]
    lines: list[PlannedLine]


def planned_lines(lines: Iterable[Line], payments: Iterable[Payment], guests: int) -> list[PlannedLine]:
    """Lines with what belongs to them, in their order."""
    of: dict[UUID, list[Payment]] = {}
    for payment in payments:
        of.setdefault(payment.budget_line_id, []).append(payment)
    return [_planned(line, of.get(line.id, []), guests if line.per_guest else 1) for line in lines]


def _planned(line: Line, payments: list[Payment], times: int) -> PlannedLine:
    return PlannedLine(
        **msgspec.structs.asdict(line),
        estimate_total_minor=line.estimate_minor * times,
        agreed_total_minor=None if line.agreed_minor is None else line.agreed_minor * times,
        paid_minor=sum(p.amount_minor for p in payments if p.paid_on is not None),
        payments=payments,
    )


def totals_of(lines: Iterable[PlannedLine], first: str) -> list[Totals]:
    """Sums by currency, the wedding's own first; amounts of different currencies are never added."""
    by_currency: dict[str, list[PlannedLine]] = {first: []}
    for line in lines:
        by_currency.setdefault(line.currency, []).append(line)
    return [_totals(currency, by_currency[currency]) for currency in (first, *sorted(by_currency.keys() - {first}))]


def _totals(currency: str, lines: list[PlannedLine]) -> Totals:
    agreed = [line.agreed_total_minor for line in lines]
    open_payments = [(p, line) for line in lines for p in line.payments if p.paid_on is None]
    dated = [(p.due_on, p.id, p, line) for p, line in open_payments if p.due_on is not None]
    following = min(dated, key=lambda one: one[:2], default=None)
    return Totals(
        currency=currency,
        exponent=EXPONENTS.get(currency, 2),
        estimate_minor=sum(line.estimate_total_minor for line in lines),
        agreed_minor=sum(a for a in agreed if a is not None),
        expected_minor=sum(
            line.estimate_total_minor if a is None else a for line, a in zip(lines, agreed, strict=True)
        ),
        paid_minor=sum(line.paid_minor for line in lines),
        due_minor=sum(p.amount_minor for p, _ in open_payments),
        due_next=None
        if following is None
        else DueNext(
            payment_id=following[2].id,
            budget_line_id=following[3].id,
            title=following[3].title,
            amount_minor=following[2].amount_minor,
            due_on=following[0],
        ),
    )


def head_count(expected: int | None, estimate: int | None, asked: int | None = None) -> Guests:
    """The number asked for, else who may still come of those invited, else the couple's estimate."""
    if asked is not None:
        return Guests(count=asked, source="asked")
    if expected:
        return Guests(count=expected, source="answers")
    return Guests(count=estimate, source="estimate") if estimate else Guests(count=0, source="none")


def settle(fields: Mapping[str, Any]) -> dict[str, Any]:
    """A line's fields, cleaned. Raises Refusal 422."""
    out = dict(fields)
    for field in ("title", "category"):
        if field in out:
            out[field] = wording.required(field, out[field])
    if "supplier_name" in out:
        out["supplier_name"] = wording.line(out["supplier_name"])
    if out.get("currency") is not None and out["currency"] not in EXPONENTS:
        raise invalid("currency", "is not a currency in use", "Use an ISO 4217 code such as GBP, EUR or JPY.")
    return out


def settle_payment(fields: Mapping[str, Any], kind: str, amount_minor: int) -> dict[str, Any]:
    """A payment's fields, cleaned; only refunds are negative. Raises Refusal 422."""
    out = dict(fields)
    if "note" in out:
        out["note"] = wording.paragraphs(out["note"])
    for field in ("due_on", "paid_on"):
        on = out.get(field)
        if on is not None and not YEAR_MIN <= on.year <= YEAR_MAX:
            raise invalid(field, f"is not between the years {YEAR_MIN} and {YEAR_MAX}", "Check the year.")
    if kind == "refund" and amount_minor > 0:
        raise invalid("amount_minor", "a refund comes back to you", "Send it as a negative amount.")
    if kind != "refund" and amount_minor < 0:
        raise invalid("amount_minor", "is negative", "Send kind refund for money that comes back.")
    return out


def invalid(field: str, reason: str, fix: str) -> Refusal:
    """One field that cannot be taken."""
    return Refusal(422, "invalid", f"{field}: {reason}", errors=[FieldError(field, reason, fix)])


_LINE: dict[str, Any] = {
    "id": "01920000-0000-7000-8000-000000000031",
    "wedding_id": "01920000-0000-7000-8000-000000000001",
    "category": "food",
    "title": "Dinner",
    "supplier_name": "Marrow & Thyme",
    "estimate_minor": 6200,
    "agreed_minor": 6000,
    "currency": "GBP",
    "per_guest": True,
    "position": 0,
    "version": 1,
    "created_at": "2026-11-21T10:00:00+00:00",
    "updated_at": "2026-11-21T10:00:00+00:00",
}
_PAYMENT: dict[str, Any] = {
    "id": "01920000-0000-7000-8000-000000000032",
    "wedding_id": "01920000-0000-7000-8000-000000000001",
    "budget_line_id": "01920000-0000-7000-8000-000000000031",
    "kind": "deposit",
    "amount_minor": 100000,
    "currency": "GBP",
    "due_on": "2027-03-01",
    "paid_on": None,
    "note": "",
    "version": 1,
    "created_at": "2026-11-21T10:00:00+00:00",
    "updated_at": "2026-11-21T10:00:00+00:00",
}


def _line(name: str, description: str) -> EventType:
    return EventType(
        type=f"budget_line.{name}",
        scope=Scope.BUDGET,
        table="budget_lines",
        row=Line,
        description=description,
        example=_LINE,
    )


def _payment(name: str, description: str) -> EventType:
    return EventType(
        type=f"budget_payment.{name}",
        scope=Scope.BUDGET,
        table="budget_payments",
        row=Payment,
        description=description,
        example=_PAYMENT,
    )


LINE_ADDED = _line("added", "The couple put something on their budget.")
LINE_CHANGED = _line("changed", "A budget line has other words or amounts.")
LINE_REMOVED = _line("removed", "A budget line was taken off, with its payments.")
PAYMENT_ADDED = _payment("added", "A payment was scheduled or made.")
PAYMENT_CHANGED = _payment("changed", "A payment has another amount or day, or was made.")
PAYMENT_REMOVED = _payment("removed", "A payment was taken off.")
EVENTS = (LINE_ADDED, LINE_CHANGED, LINE_REMOVED, PAYMENT_ADDED, PAYMENT_CHANGED, PAYMENT_REMOVED)
