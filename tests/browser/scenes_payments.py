"""Payments in the gallery: the couple's list and the way to pay, the supplier's list, form and one payment."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from tests.browser.people import LIVE, NOW, SUPPLIER, WEDDING, Scene, couple, supplier
from wedsync.payments import model, view

PATH = f"/studio/{SUPPLIER}/weddings/{WEDDING}/payments"
TODAY = NOW.date()


def row(number: int, kind: str, status: str, amount: int, **more: Any) -> dict[str, Any]:
    blank: dict[str, Any] = dict.fromkeys(model.LinkPayment.__struct_fields__)
    made: dict[str, Any] = {"id": f"p{number}", "kind": kind, "status": status, "amount_minor": amount, "version": 2}
    made |= {"title": "", "note": "", "currency": "GBP", "way": "", "outside_minor": 0, "received_minor": 0}
    made |= {"refunded_minor": 0, "disputed_minor": 0, "lost_minor": 0, "supplier_name": "Hartley & Finch"}
    return blank | made | more


def rows() -> list[dict[str, Any]]:
    paid = {"received_minor": 60000, "way": "online", "received_at": NOW - timedelta(days=40)}
    note = "It can be paid in two parts: write to us."
    return [
        row(1, "balance", "requested", 184050, due_on=TODAY + timedelta(days=9), note=note),
        row(2, "extra", "requested", 25000, title="The second photographer", due_on=TODAY - timedelta(days=3)),
        row(3, "instalment", "part_paid", 90000, received_minor=40000, outside_minor=40000, way="outside"),
        row(4, "deposit", "paid", 60000, **paid),
        row(5, "deposit", "part_refunded", 60000, supplier_name="Small Hours Films", refunded_minor=20000, **paid),
        row(6, "extra", "disputed", 60000, title="Album", disputed_minor=60000, **paid),
        row(7, "extra", "cancelled", 12000, title="Drone"),
    ]


def form(one: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    known: dict[str, Any] = {
        "path": PATH,
        "couple": "Ana & Ben",
        "currency": "GBP",
        "kinds": list(view.KINDS.items()),
        "typed": view.form_values(one),
        "errors": {},
        "problems": [],
    }
    if one is None:
        known |= {"wedding_id": WEDDING, "is_paid_online": True, "payments": view.cards(rows(), TODAY)}
    else:
        known |= {"row": one, "card": view.card(one, TODAY), "said": "", "is_ordered": False}
    return known | more


def scenes() -> Iterator[Scene]:
    ours = couple("suppliers", live=LIVE)
    listed = {"payments": view.cards(rows(), TODAY, ["p1", "p2"]), "totals": view.totals(rows())}  # type: ignore[list-item]
    yield Scene("payments", "payments/payments.html", ours, {**listed, "is_coming": False})
    nothing: dict[str, Any] = {"payments": [], "totals": [], "is_coming": True}
    yield Scene("payments-none", "payments/payments.html", couple("suppliers"), nothing)
    way = {"url": "https://checkout.example.com/c/pay", "card": view.card(rows()[0], TODAY)}
    yield Scene("payments-onward", "payments/onward.html", couple("suppliers"), way)
    shell = supplier("weddings", live=LIVE)
    yield Scene("payments-asked", "payments/asked.html", shell, form())
    error = {"amount": "Is not an amount that can be paid. Write how much, such as 600.00."}
    typed = view.form_values() | {"amount": "six hundred"}
    wrong = form(typed=typed, errors=error, problems=list(error.items()), is_paid_online=False, payments=[])
    yield Scene("payments-refused", "payments/asked.html", supplier("weddings"), wrong)
    yield Scene("payments-open", "payments/payment.html", shell, form(rows()[0]))
    said = "They are paying this at this moment. Try again in half an hour."
    yield Scene("payments-said", "payments/payment.html", shell, form(rows()[2], said=said))
    yield Scene("payments-paid", "payments/payment.html", shell, form(rows()[3], is_ordered=True))
    yield Scene("payments-disputed", "payments/payment.html", shell, form(rows()[5]))
