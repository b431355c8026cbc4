"""The budget as its page shows it: lines by category, what they add up to, and the form of one line."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec

from wedsync.budget import model
from wedsync.kit.currencies import minor
from wedsync.kit.errors import FieldError, Refusal, not_found
from wedsync.web.conflict import Edited
from wedsync.web.formats import amount_input, money, plural
from wedsync.web.forms import Form, wrong

CATEGORIES = (
    ("venue", "Venue"),
    ("food", "Food and drink"),
    ("photos", "Photographs and film"),
    ("music", "Music"),
    ("flowers", "Flowers and decoration"),
    ("attire", "Clothes, hair and make-up"),
    ("rings", "Rings"),
    ("stationery", "Invitations and paper"),
    ("transport", "Transport"),
    ("ceremony", "Ceremony"),
    ("honeymoon", "Honeymoon"),
    ("other", "Everything else"),
)
KINDS = (
    ("deposit", "Deposit"),
    ("interim", "Part payment"),
    ("balance", "Balance"),
    ("damage", "Damage deposit"),
    ("tip", "Tip"),
    ("refund", "Refund"),
)
LABELS = {
    "title": "What",
    "category": "Under",
    "supplier_name": "From whom",
    "estimate": "Estimate",
    "agreed": "Agreed",
    "per_guest": "For each guest who comes",
}
WRONG = {
    "title": FieldError("title", "needs one to 300 letters", "Write what it is for."),
    "supplier_name": FieldError("supplier_name", "is longer than 300 letters", "Keep to the name."),
    "estimate": FieldError("estimate", "is more than a thousand million", "Check the amount."),
    "agreed": FieldError("agreed", "is more than a thousand million", "Check the amount."),
    "kind": FieldError("kind", "is none of the list", "Choose one."),
}


def values(budget: model.Budget) -> dict[str, Any]:
    """The values of `_lines.html`. What is in another currency stands in groups of its own and is not added in."""
    first = budget.totals[0]
    totals = {
        "estimate_minor": first.estimate_minor,
        "agreed_minor": first.agreed_minor,
        "paid_minor": first.paid_minor,
        "due_minor": max(first.agreed_minor - first.paid_minor, 0),
        "target_minor": None,
    }
    return {"currency": budget.currency, "totals": totals, "groups": _groups(budget)}


def _groups(budget: model.Budget) -> list[dict[str, Any]]:
    by_group: dict[tuple[str, str], list[model.PlannedLine]] = {}
    for line in budget.lines:
        by_group.setdefault((line.currency, line.category), []).append(line)
    order = [key for key, _ in CATEGORIES]
    words = dict(CATEGORIES)

    def place(group: tuple[str, str]) -> tuple[bool, str, int, str]:
        currency, category = group
        known = order.index(category) if category in words else len(order)
        return (currency != budget.currency, currency, known, category)

    return [
        {
            "category": category if currency == budget.currency else f"{category}-{currency}",
            "words": words.get(category, category) + ("" if currency == budget.currency else f", in {currency}"),
            "currency": currency,
            "estimate_minor": sum(line.estimate_total_minor for line in by_group[currency, category]),
            "agreed_minor": sum(line.agreed_total_minor or 0 for line in by_group[currency, category]),
            "lines": [_line(line, budget.guests.count) for line in by_group[currency, category]],
        }
        for currency, category in sorted(by_group, key=place)
    ]


def _line(line: model.PlannedLine, guests: int) -> dict[str, Any]:
    kinds = dict(KINDS)
    each = line.estimate_minor if line.agreed_minor is None else line.agreed_minor
    per_guest = f"{money(each, line.currency)} for each of {plural(guests, 'guest')}" if line.per_guest else ""
    return {
        "id": str(line.id),
        "title": line.title,
        "supplier_name": line.supplier_name,
        "estimate_minor": line.estimate_total_minor,
        "agreed_minor": line.agreed_total_minor,
        "paid_minor": line.paid_minor,
        "per_guest_words": per_guest,
        "version": line.version,
        "payments": [{**msgspec.structs.asdict(p), "words": kinds[p.kind].lower()} for p in line.payments],
    }


def form_values(line: model.PlannedLine | None = None) -> dict[str, Any]:
    """What the form of a line, or of a new one, holds."""
    if line is None:
        blank = {"id": "", "category": "other", "title": "", "supplier_name": "", "estimate": "", "agreed": ""}
        return blank | {"per_guest": False, "version": 0, "payments": []}
    kinds = dict(KINDS)
    payments = [
        {**msgspec.structs.asdict(p), "kind": kinds[p.kind], "amount": _signed_input(p.amount_minor, p.currency)}
        for p in line.payments
    ]
    return {
        "id": str(line.id),
        "category": line.category,
        "title": line.title,
        "supplier_name": line.supplier_name,
        "estimate": amount_input(line.estimate_minor, line.currency),
        "agreed": amount_input(line.agreed_minor, line.currency),
        "per_guest": line.per_guest,
        "currency": line.currency,
        "version": line.version,
        "payments": payments,
    }


def _signed_input(amount: int, currency: str) -> str:
    return f"{'-' if amount < 0 else ''}{amount_input(abs(amount), currency)}"


def categories(line: model.PlannedLine | None) -> list[tuple[str, str]]:
    """The known ones, and the line's own where it came by another way."""
    known = list(CATEGORIES)
    if line is not None and line.category not in dict(CATEGORIES):
        known.append((line.category, line.category))
    return known


def as_text(held: Mapping[str, Any]) -> dict[str, str]:
    """A form's values as the form posts them."""
    return {name: ("on" if held[name] else "") if name == "per_guest" else str(held[name]) for name in LABELS}


def edited(line: model.PlannedLine | None, back: str) -> Edited:
    """A line that somebody else saved first. Raises Refusal 404 where they removed it."""
    if line is None:
        raise not_found("item")
    return Edited(
        table="budget_lines",
        id=line.id,
        version=line.version,
        path=f"{back}/{line.id}",
        back=back,
        labels=LABELS,
        theirs=as_text(form_values(line)),
    )


def typed(form: Form, kept: Mapping[str, Any]) -> dict[str, Any]:
    """What was typed, for a form that is shown again."""
    return {**kept, **{name: form.text(name) for name in LABELS}, "per_guest": form.on("per_guest")}


def fields(form: Form, currency: str) -> dict[str, Any]:
    """A posted form as fields of a line. Raises Refusal 422 that names what cannot be read."""
    given: dict[str, Any] = {name: form.text(name) for name in ("title", "category", "supplier_name")}
    given |= {"per_guest": form.on("per_guest"), "estimate_minor": _amount(form, "estimate", currency) or 0}
    return given | {"agreed_minor": _amount(form, "agreed", currency)}


def payment_fields(form: Form, currency: str) -> dict[str, Any]:
    """A posted payment. A refund is typed as people say it, without a sign. Raises Refusal 422."""
    amount = _amount(form, "amount", currency)
    if amount is None:
        raise wrong(FieldError("amount", "is empty", "Write how much."))
    kind = form.text("kind", "balance")
    if kind == "refund":
        amount = -abs(amount)
    return {"kind": kind, "amount_minor": amount, "due_on": form.day("due_on"), "paid_on": form.day("paid_on")}


def _amount(form: Form, name: str, currency: str) -> int | None:
    text = form.text(name)
    if not text:
        return None
    try:
        return minor(text, currency)
    except ValueError as error:
        raise wrong(FieldError(name, "is not an amount", "Write it with digits, such as 1234.50.")) from error


def errors(refusal: Refusal) -> dict[str, str]:
    """Problems by the names the form has for its fields."""
    renamed = {"estimate_minor": "estimate", "agreed_minor": "agreed", "amount_minor": "amount"}
    return {
        renamed.get(error.field, error.field): f"{error.reason[:1].upper()}{error.reason[1:]}. {error.fix}".strip()
        for error in refusal.errors
    }


def find(budget: model.Budget, line_id: UUID | str | None) -> model.PlannedLine | None:
    """A line of the budget, by id."""
    return next((line for line in budget.lines if str(line.id) == str(line_id)), None)
