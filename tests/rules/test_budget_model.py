"""Money in minor units: currencies, amounts as people type them, and what lines add up to."""

from datetime import UTC, date, datetime
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wedsync.budget import model
from wedsync.kit.currencies import EXPONENTS, minor
from wedsync.kit.errors import Refusal
from wedsync.web.formats import amount_input

AT = datetime(2026, 11, 21, tzinfo=UTC)
WEDDING = UUID(int=1)


def line(estimate: int, agreed: int | None = None, currency: str = "GBP", *, per_guest: bool = False) -> model.Line:
    return model.Line(
        id=uuid4(),
        wedding_id=WEDDING,
        category="food",
        title="Dinner",
        supplier_name="",
        estimate_minor=estimate,
        agreed_minor=agreed,
        currency=currency,
        per_guest=per_guest,
        position=0,
        version=1,
        created_at=AT,
        updated_at=AT,
    )


def payment(of: model.Line, amount: int, due: date | None = None, paid: date | None = None) -> model.Payment:
    return model.Payment(
        id=uuid4(),
        wedding_id=WEDDING,
        budget_line_id=of.id,
        kind="balance",
        amount_minor=amount,
        currency=of.currency,
        due_on=due,
        paid_on=paid,
        note="",
        version=1,
        created_at=AT,
        updated_at=AT,
    )


def test_per_guest_lines_are_times_the_guests_and_agreed_amounts_replace_estimates() -> None:
    dinner, hall = line(6200, 6000, per_guest=True), line(600_000)
    lines = model.planned_lines([dinner, hall], [], 80)
    (total,) = model.totals_of(lines, "GBP")
    assert (total.estimate_minor, total.agreed_minor, total.expected_minor) == (1_096_000, 480_000, 1_080_000)


def test_what_is_paid_and_due_next_comes_from_the_payments() -> None:
    hall = line(600_000, 640_000)
    paid, late = payment(hall, 160_000, paid=date(2026, 10, 2)), payment(hall, 30_000, due=date(2027, 3, 1))
    open_ended, last = payment(hall, 10_000), payment(hall, 440_000, due=date(2027, 7, 20))
    (total,) = model.totals_of(model.planned_lines([hall], [paid, last, open_ended, late], 0), "GBP")
    assert (total.paid_minor, total.due_minor) == (160_000, 480_000)
    assert total.due_next is not None
    assert (total.due_next.payment_id, total.due_next.due_on) == (late.id, date(2027, 3, 1))


def test_currencies_are_never_added_together() -> None:
    lines = model.planned_lines([line(100, currency="JPY"), line(100), line(5, currency="JPY")], [], 0)
    assert [(t.currency, t.exponent, t.estimate_minor) for t in model.totals_of(lines, "GBP")] == [
        ("GBP", 2, 100),
        ("JPY", 0, 105),
    ]


@given(st.lists(st.tuples(st.integers(0, 10**11), st.none() | st.integers(0, 10**11), st.booleans()), max_size=8))
def test_totals_are_the_sums_of_their_lines(rows: list[tuple[int, int | None, bool]]) -> None:
    lines = model.planned_lines([line(e, a, per_guest=p) for e, a, p in rows], [], 120)
    (total,) = model.totals_of(lines, "GBP")
    assert total.estimate_minor == sum(e * (120 if p else 1) for e, _, p in rows)
    assert total.expected_minor == sum((e if a is None else a) * (120 if p else 1) for e, a, p in rows)


@pytest.mark.parametrize(
    ("expected", "estimate", "asked", "count", "source"),
    [
        (86, 120, None, 86, "answers"),
        (86, 120, 90, 90, "asked"),
        (0, 120, None, 120, "estimate"),
        (None, 120, None, 120, "estimate"),
        (None, None, None, 0, "none"),
        (86, 120, 0, 0, "asked"),
    ],
)
def test_the_head_count_is_the_best_there_is(
    expected: int | None, estimate: int | None, asked: int | None, count: int, source: str
) -> None:
    assert model.head_count(expected, estimate, asked) == model.Guests(count=count, source=source)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [
        ("1234.50", "GBP", 123450),
        ("1,234.50", "GBP", 123450),
        ("1.234,50", "EUR", 123450),
        ("1 234,5", "EUR", 123450),
        ("1’234", "CHF", 123400),
        ("1,234", "GBP", 123400),
        ("12,34,567", "INR", 123456700),
        (".5", "GBP", 50),
        ("7.", "GBP", 700),
        ("-80", "GBP", -8000),
        ("−80", "GBP", -8000),
        ("1,234", "JPY", 1234),
        ("1.234", "KWD", 1234),
        ("0", "GBP", 0),
    ],
)
def test_amounts_are_read_as_people_type_them(text: str, currency: str, amount: int) -> None:
    assert minor(text, currency) == amount


@pytest.mark.parametrize("text", ["", " ", "-", "abc", "1,23,4", "12.3.4", "1.2345", "£5", "٣", "²", "1e5", "9" * 16])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an amount"):
        minor(text, "GBP")


@given(st.integers(0, 10**11), st.sampled_from(["GBP", "JPY", "KWD"]))
def test_what_a_form_shows_reads_back_the_same(amount: int, currency: str) -> None:
    assert minor(amount_input(amount, currency), currency) == amount


def test_every_currency_has_its_exponent() -> None:
    assert {code: EXPONENTS[code] for code in ("GBP", "EUR", "JPY", "ISK", "KWD", "TND", "CLP")} == {
        "GBP": 2, "EUR": 2, "JPY": 0, "ISK": 0, "KWD": 3, "TND": 3, "CLP": 0,
    }  # fmt: skip
    assert all(len(code) == 3 and code.isupper() for code in EXPONENTS)
    assert "XTS" not in EXPONENTS


@pytest.mark.parametrize(
    ("fields", "field"),
    [({"currency": "XTS"}, "currency"), ({"title": "\u0000"}, "title"), ({"category": " "}, "category")],
)
def test_a_line_that_cannot_be_taken_is_named(fields: dict[str, object], field: str) -> None:
    with pytest.raises(Refusal) as refused:
        model.settle(fields)
    assert [e.field for e in refused.value.errors] == [field]


@pytest.mark.parametrize(
    ("kind", "amount", "fields", "field"),
    [
        ("refund", 5, {}, "amount_minor"),
        ("deposit", -5, {}, "amount_minor"),
        ("deposit", 5, {"due_on": date(9999, 1, 1)}, "due_on"),
        ("deposit", 5, {"paid_on": date(1, 1, 1)}, "paid_on"),
    ],
)
def test_a_payment_that_cannot_be_taken_is_named(kind: str, amount: int, fields: dict[str, object], field: str) -> None:
    with pytest.raises(Refusal) as refused:
        model.settle_payment(fields, kind, amount)
    assert [e.field for e in refused.value.errors] == [field]
