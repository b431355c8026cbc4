"""Payments as their pages show them: to the couple what is to be paid and what was, to the supplier a form."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final
from uuid import UUID

from wedsync.kit.currencies import minor
from wedsync.kit.errors import FieldError, Refusal
from wedsync.payments import model
from wedsync.web.formats import amount_input, day_short, money
from wedsync.web.forms import Form, wrong

KINDS: Final = {"deposit": "Deposit", "instalment": "Instalment", "balance": "Balance", "extra": "Extra"}
LABELS: Final = {
    "kind": "What it is",
    "title": "Name",
    "amount": "Amount",
    "due_on": "Due by",
    "note": "Note to the couple",
}
WRONG: Final = {
    "kind": FieldError("kind", "Is none of the list", "Choose one."),
    "title": FieldError("title", "Is longer than 120 letters", "A word or two is enough."),
    "amount": FieldError("amount", "Is not an amount that can be paid", "Write how much, such as 600.00."),
    "note": FieldError("note", "Is longer than 1000 letters", "Keep to the point."),
}
STATUS: Final = {
    "cancelled": ("Not asked for any more", "", ""),
    "part_paid": ("Partly paid", "wait", "clock"),
    "paid": ("Paid", "good", "check"),
    "part_refunded": ("Partly refunded", "", "undo-2"),
    "refunded": ("Refunded", "", "undo-2"),
    "disputed": ("Disputed", "bad", "circle-alert"),
}


def cards(rows: Iterable[Mapping[str, Any]], today: date, payable: Iterable[UUID] = ()) -> list[dict[str, Any]]:
    """Every payment, with whether it can be paid online."""
    online = set(payable)
    return [{**card(row, today), "is_payable": row["id"] in online} for row in rows]


def card(row: Mapping[str, Any], today: date) -> dict[str, Any]:
    """One payment in words."""
    left = model.left(row)
    return {
        **dict(row),
        "heading": row["title"] or KINDS[row["kind"]],
        "badge": STATUS.get(row["status"]) or _due(row["due_on"], today),
        "money": money(row["amount_minor"], row["currency"]),
        "left_minor": left,
        "left": money(left, row["currency"]),
        "said": _said(row),
        "refundable": money(model.refundable(row), row["currency"]) if model.refundable(row) else "",
        "is_open": row["status"] in model.UNPAID,
    }


def totals(rows: Iterable[Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    """By currency: what was paid, less what went back, and what is still to be paid."""
    paid: dict[str, int] = {}
    open_: dict[str, int] = {}
    for row in rows:
        kept = row["received_minor"] - row["refunded_minor"] - row["lost_minor"]
        paid[row["currency"]] = paid.get(row["currency"], 0) + kept
        open_[row["currency"]] = open_.get(row["currency"], 0) + model.left(row)
    return [(code, money(paid[code], code), money(open_[code], code)) for code in sorted(paid)]


def form_values(row: Mapping[str, Any] | None = None) -> dict[str, str]:
    """What the form of a payment, or of a new one, holds, as the form posts it."""
    if row is None:
        return dict.fromkeys(LABELS, "") | {"kind": "deposit"}
    amount = amount_input(row["amount_minor"], row["currency"])
    return {name: str(row[name] or "") for name in LABELS if name != "amount"} | {"amount": amount}


def typed(form: Form) -> dict[str, str]:
    """What was typed, for a form that is shown again."""
    return {name: form.text(name) for name in LABELS}


def fields(form: Form, currency: str) -> dict[str, Any]:
    """A posted form as fields of a payment. Raises Refusal 422 that names what cannot be read."""
    given: dict[str, Any] = {name: form.text(name) for name in ("kind", "title", "note")}
    return given | {"amount_minor": amount(form, currency), "due_on": form.day("due_on")}


def amount(form: Form, currency: str, *, least: int = 1) -> int:
    """The amount of a form in minor units. Raises Refusal 422."""
    try:
        found = minor(form.text("amount"), currency) if form.text("amount") else -1
    except ValueError as error:
        raise wrong(WRONG["amount"]) from error
    if found < least:
        raise wrong(WRONG["amount"])
    return found


def errors(refusal: Refusal) -> dict[str, str]:
    """Problems by the names the form has for its fields."""
    return {
        e.field.removesuffix("_minor"): f"{e.reason[:1].upper()}{e.reason[1:]}. {e.fix}".strip() for e in refusal.errors
    }


def _due(on: date | None, today: date) -> tuple[str, str, str]:
    if on is None:
        return "Due now", "wait", "clock"
    if on < today:
        return f"Was due {day_short(on)}", "bad", "circle-alert"
    return f"Due {day_short(on)}", "wait" if (on - today).days <= 14 else "", "clock"


def _said(row: Mapping[str, Any]) -> str:
    """What became of the money, in a sentence; nothing of what did not happen."""
    told = [
        f"{money(row[name], row['currency'])} {words}"
        for name, words in (
            ("received_minor", "received" + (" directly" if row["way"] == "outside" else " online")),
            ("refunded_minor", "refunded"),
            ("disputed_minor", "under dispute"),
            ("lost_minor", "returned by a dispute"),
        )
        if row[name]
    ]
    return ", ".join(told) + ("." if told else "")
