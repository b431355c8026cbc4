"""When a task is due, who may change what of it, and which texts name money."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wedsync.kit.errors import Refusal
from wedsync.tasks import model

dates = st.dates(date(1990, 1, 1), date(2190, 12, 31))


@given(dates, st.integers(-366, 1100))
def test_a_relative_task_is_due_so_many_days_before(wedding_on: date, days: int) -> None:
    due = model.due_day(days, None, wedding_on)
    assert due is not None
    assert (wedding_on - due).days == days


@given(dates)
def test_a_task_with_a_day_of_its_own_is_due_then_whatever_the_wedding_does(due_on: date) -> None:
    assert model.due_day(None, due_on, None) == model.due_day(None, due_on, date(2027, 6, 5)) == due_on


def test_without_a_date_of_the_wedding_or_beyond_the_calendar_nothing_is_due() -> None:
    assert model.due_day(14, None, None) is None
    assert model.due_day(-366, None, date.max) is None
    assert model.due_day(None, None, date(2027, 6, 5)) is None


@pytest.mark.parametrize(
    "text",
    [
        *("Pay £1,200 to the barn", "£ 50", "1.200 € deposit", "€1.200,50", "EUR 50", "50 eur", "$20", "US$20"),
        *("20 000 kr", "kr 500", "Rs. 500", "₹500", "500¥", "3 grand", "20 quid", "about 300 pounds", "CHF 80.-"),
        *("1’200 CHF", "£2k", "balance 1200GBP", "R$ 300"),
    ],
)
def test_an_amount_of_money_is_recognised(text: str) -> None:
    assert model.names_money(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", "Arrive at 14:30", "120 guests", "Table 7", "Room 50", "A 3 pound cake of 20 cm", "3 pounds of butter"),
        *("Call +44 20 7946 0018", "5 June 2027", "2 coaches, 3 cars", "Section 4.2", "10 kron", "Euro pallets", "$$$"),
    ],
)
def test_other_numbers_are_no_money(text: str) -> None:
    assert not model.names_money(text)


def test_looking_for_money_takes_no_time_over_long_numbers() -> None:
    assert not model.names_money("1 " * 2000)
    assert not model.names_money("1" * 4000)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"title": "\u200b\u0000"}, "title"),
        ({"due_on": date(2027, 1, 1), "due_days_before": 3}, "due_days_before"),
        ({"due_on": date(9999, 1, 1)}, "due_on"),
    ],
)
def test_what_cannot_be_taken_is_named(fields: dict[str, object], field: str) -> None:
    with pytest.raises(Refusal) as refused:
        model.settle(fields)
    assert [e.field for e in refused.value.errors] == [field]


def test_lines_of_a_detail_stay_lines() -> None:
    assert model.settle({"detail": " one \r\n\r\ntwo\u0000 "})["detail"] == "one\n\ntwo"


@pytest.mark.parametrize(
    ("fields", "is_couple", "origin", "may"),
    [
        ({"title"}, True, "couple", True),
        ({"status"}, False, "couple", True),
        ({"status", "title"}, False, "couple", False),
        ({"title", "due_on"}, False, "supplier", True),
        ({"title"}, False, "template", False),
    ],
)
def test_words_are_for_those_who_wrote_them(fields: set[str], is_couple: bool, origin: str, may: bool) -> None:
    assert model.may_change(fields, is_couple=is_couple, origin=origin) is may
