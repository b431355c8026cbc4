"""How values read on a page, at the edges where a reader would notice."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from wedsync.web import formats

NOW = datetime(2027, 7, 14, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("minor", "currency", "words"),
    [
        (123450, "GBP", "£1,234.50"),
        (120000, "GBP", "£1,200"),
        (-5, "EUR", "−€0.05"),
        (4800, "JPY", "¥4,800"),
        (1500, "KWD", "KWD 1.500"),
        (0, "USD", "$0"),
        (None, "GBP", "–"),
    ],
)
def test_money_reads_in_its_own_currency(minor: int | None, currency: str, words: str) -> None:
    assert formats.money(minor, currency) == words


@pytest.mark.parametrize(
    ("minor", "currency", "text"), [(640000, "GBP", "6400.00"), (4800, "JPY", "4800"), (None, "GBP", "")]
)
def test_an_amount_goes_back_into_its_field_without_signs_or_separators(
    minor: int | None, currency: str, text: str
) -> None:
    assert formats.amount_input(minor, currency) == text


@pytest.mark.parametrize(
    ("zone", "words"),
    [("Europe/London", "14:05"), ("America/New_York", "2:05 pm"), ("Pacific/Auckland", "2:05 pm"), ("", "14:05")],
)
def test_a_time_reads_as_people_there_write_it(zone: str, words: str) -> None:
    assert formats.clock(time(14, 5), zone) == words


def test_noon_and_midnight_have_no_zero_hour() -> None:
    assert formats.clock(time(0, 0), "America/Denver") == "12:00 am"
    assert formats.clock(time(12, 0), "America/Denver") == "12:00 pm"
    assert formats.clock(None) == "–"


@pytest.mark.parametrize(
    ("passed", "words"),
    [
        (timedelta(seconds=-5), "just now"),
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=12), "12 min ago"),
        (timedelta(hours=3, minutes=59), "3 h ago"),
        (timedelta(hours=25), "yesterday"),
        (timedelta(days=13), "13 days ago"),
        (timedelta(days=14), "30 Jun 2027"),
    ],
)
def test_the_past_is_told_by_how_far_it_is(passed: timedelta, words: str) -> None:
    assert formats.ago(NOW - passed, NOW) == words


@pytest.mark.parametrize(
    ("on", "words"),
    [
        (date(2027, 7, 14), "today"),
        (date(2027, 7, 15), "tomorrow"),
        (date(2027, 7, 13), "yesterday"),
        (date(2027, 9, 11), "in 59 days"),
        (date(2027, 7, 4), "10 days ago"),
        (None, "no date"),
    ],
)
def test_a_day_is_told_by_how_far_it_is(on: date | None, words: str) -> None:
    assert formats.in_days(on, NOW) == words


def test_days_say_so_when_there_is_none() -> None:
    assert formats.day(date(2027, 9, 11)) == "Saturday 11 September 2027"
    assert formats.day_short(NOW) == "Wed 14 Jul"
    assert formats.day_year(date(2027, 9, 11)) == "11 Sep 2027"
    assert formats.day(None) == "Date to be decided"
    assert formats.day_short(None) == formats.day_year(None) == "no date"
    assert formats.iso(None) == ""
    assert formats.iso(date(2027, 9, 11)) == "2027-09-11"


def test_counts_never_show_a_hidden_cell() -> None:
    assert formats.count(None) == "under 3"
    assert formats.count(1204) == "1,204"
    assert formats.plural(1, "party", "parties") == "1 party"
    assert formats.plural(2, "party", "parties") == "2 parties"
    assert formats.plural(0, "guest") == "0 guests"
    assert formats.share(1, 3) == 33.33
    assert formats.share(1, 0) == 0.0


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Ana & Ben", "AB"),
        ("Clara Okafor", "CO"),
        ("Łukasz", "Ł"),
        ("  ", "?"),
        ("& &", "?"),
        ("ana maria duarte", "AD"),
    ],
)
def test_initials_survive_any_name(name: str, letters: str) -> None:
    assert formats.initials(name) == letters


def test_lists_and_sizes_read_as_words() -> None:
    assert formats.and_list(["Ana", "Ben", "Carla"]) == "Ana, Ben and Carla"
    assert formats.and_list(["Ana"]) == "Ana"
    assert formats.and_list([]) == ""
    assert formats.file_size(512) == "512 bytes"
    assert formats.file_size(48_200) == "48 kB"
    assert formats.file_size(1_240_000) == "1.2 MB"
