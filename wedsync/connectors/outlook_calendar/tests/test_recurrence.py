"""A rule means the same days on both sides, or is refused: Graph's patterns against RFC 5545, by expanding both."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
import recurring_ical_events
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from icalendar import Calendar

from wedsync.connections.calendars.event import Days, Times
from wedsync.connectors.outlook_calendar import fake_series, recurrence
from wedsync.connectors.outlook_calendar.recurrence import Unholdable
from wedsync.connectors.outlook_calendar.tests.staged import timed

WINDOWS = {"daily": 60, "eekly": 200, "nthly": 1200, "early": 3200}
DAYS = list(recurrence.CODES)


def at(day: date) -> Times:
    return timed(f"{day}T14:30:00", f"{day}T15:30:00")


def expanded(lines: tuple[str, ...], times: Times, until: date) -> list[date]:
    """The days by an expander of others."""
    if isinstance(times, Days):
        head = [f"DTSTART;VALUE=DATE:{times.on.replace('-', '')}", f"DTEND;VALUE=DATE:{times.until.replace('-', '')}"]
    else:
        walls = [wall.replace("-", "").replace(":", "") for wall in (times.start, times.end)]
        head = [f"DTSTART;TZID={times.zone}:{walls[0]}", f"DTEND;TZID={times.zone}:{walls[1]}"]
    body = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//t", "BEGIN:VEVENT", "UID:1", "DTSTAMP:20270101T000000Z"]
    calendar = Calendar.from_ical("\r\n".join([*body, *head, *lines, "END:VEVENT", "END:VCALENDAR", ""]))
    first = recurrence.first_on(times)
    found = recurring_ical_events.of(calendar).between(first, until)
    starts = (one["DTSTART"].dt for one in found)
    return sorted(start.date() if isinstance(start, datetime) else start for start in starts)


@st.composite
def patterns(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(["daily", "weekly", "absoluteMonthly", "relativeMonthly", "absoluteYearly"]))
    kind = draw(st.sampled_from([kind, "relativeYearly"]))
    pattern: dict[str, Any] = {"type": kind, "interval": draw(st.integers(1, 2 if "Yearly" in kind else 4))}
    month = draw(st.integers(1, 12))
    if kind == "weekly" or kind.startswith("relative"):
        several = st.sampled_from([DAYS, DAYS[:5], DAYS[5:]])
        pattern["daysOfWeek"] = draw(st.one_of(st.lists(st.sampled_from(DAYS), min_size=1, max_size=1), several))
    if kind == "weekly":
        pattern["daysOfWeek"] = draw(st.lists(st.sampled_from(DAYS), min_size=1, unique=True))
        pattern["firstDayOfWeek"] = draw(st.sampled_from(["sunday", "monday", "saturday"]))
    if kind.startswith("relative"):
        pattern["index"] = draw(st.sampled_from(list(recurrence.NUMBERS)))
    if kind.startswith("absolute"):
        last = 31 if kind == "absoluteMonthly" else {2: 28, 4: 30, 6: 30, 9: 30, 11: 30}.get(month, 31)
        pattern["dayOfMonth"] = draw(st.integers(1, last))
    if kind.endswith("Yearly"):
        pattern["month"] = month
    return pattern


@st.composite
def series(draw: st.DrawFn) -> tuple[dict[str, Any], Times]:
    """A pattern that begins on the first day that fits it, as Outlook keeps them."""
    pattern = draw(patterns())
    asked = draw(st.dates(date(2026, 1, 1), date(2029, 12, 31)))
    extent: dict[str, Any] = {"type": "noEnd", "startDate": asked.isoformat(), "recurrenceTimeZone": "UTC"}
    first = next(fake_series.days({"pattern": pattern, "range": extent}, until=asked + timedelta(days=800)), None)
    assume(first is not None)
    assert first is not None
    extent["startDate"] = first.isoformat()
    kind = draw(st.sampled_from(["noEnd", "numbered", "endDate"]))
    if kind == "numbered":
        extent |= {"type": kind, "numberOfOccurrences": draw(st.integers(1, 20))}
    if kind == "endDate":
        extent |= {"type": kind, "endDate": (first + timedelta(days=draw(st.integers(0, 900)))).isoformat()}
    if draw(st.booleans()):
        return {"pattern": pattern, "range": extent}, at(first)
    return {"pattern": pattern, "range": extent}, Days(on=str(first), until=str(first + timedelta(days=1)))


@settings(deadline=None, max_examples=40)
@given(series())
def test_a_series_of_outlook_falls_on_the_same_days_as_an_rrule(case: tuple[dict[str, Any], Times]) -> None:
    said, times = case
    lines = recurrence.to_lines(said, times, ())
    until = recurrence.first_on(times) + timedelta(days=WINDOWS[said["pattern"]["type"][-5:]])
    assert expanded(lines, times, until) == list(fake_series.days(said, until=until))


@settings(deadline=None, max_examples=40)
@given(series())
def test_and_comes_back_as_it_was(case: tuple[dict[str, Any], Times]) -> None:
    said, times = case
    back, left_out = recurrence.to_recurrence(recurrence.to_lines(said, times, ()), times)
    assert recurrence.same(back, said)
    assert not left_out


@pytest.mark.parametrize(
    ("rule", "start"),
    [
        ("FREQ=HOURLY", "2027-06-12"),
        ("FREQ=DAILY;BYDAY=MO", "2027-06-14"),
        ("FREQ=DAILY;INTERVAL=0", "2027-06-12"),
        ("FREQ=WEEKLY;BYDAY=MO", "2027-06-12"),
        ("FREQ=WEEKLY;BYDAY=XX", "2027-06-12"),
        ("FREQ=WEEKLY;BYDAY=SA;BYHOUR=9,14", "2027-06-12"),
        ("FREQ=MONTHLY;BYMONTHDAY=31", "2027-05-31"),
        ("FREQ=MONTHLY;BYMONTHDAY=-2", "2027-06-29"),
        ("FREQ=MONTHLY;BYMONTHDAY=1,15", "2027-06-15"),
        ("FREQ=MONTHLY;BYDAY=SA", "2027-06-12"),
        ("FREQ=MONTHLY;BYDAY=5SA", "2027-05-29"),
        ("FREQ=MONTHLY;BYDAY=1SA,3SA", "2027-06-05"),
        ("FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", "2027-08-13"),
        ("FREQ=MONTHLY;BYDAY=2SA", "2027-06-05"),
        ("FREQ=YEARLY;BYMONTH=6,7;BYMONTHDAY=12", "2027-06-12"),
        ("FREQ=YEARLY;BYDAY=20MO", "2027-05-17"),
        ("FREQ=YEARLY;BYYEARDAY=100", "2027-04-10"),
        ("FREQ=YEARLY", "2028-02-29"),
    ],
)
def test_what_outlook_cannot_say_is_refused_and_not_simplified(rule: str, start: str) -> None:
    with pytest.raises(Unholdable):
        recurrence.to_recurrence((f"RRULE:{rule}",), at(date.fromisoformat(start)))


@pytest.mark.parametrize(
    "lines",
    [
        ("RRULE:FREQ=DAILY", "RRULE:FREQ=WEEKLY"),
        ("RDATE:20270612T120000Z",),
        ("RRULE:FREQ=DAILY", "RDATE:20270612T120000Z"),
        ("EXDATE:20270612T120000Z",),
        ("RRULE:FREQ=DAILY", "EXDATE:yesterday"),
    ],
)
def test_lines_outlook_has_no_place_for_are_refused(lines: tuple[str, ...]) -> None:
    with pytest.raises(Unholdable):
        recurrence.to_recurrence(lines, at(date(2027, 6, 12)))


@pytest.mark.parametrize(
    ("until", "last"),
    [
        ("20270710T123000Z", "2027-07-10"),
        ("20270710T122959Z", "2027-07-09"),
        ("20270710T143000", "2027-07-10"),
        ("20270710", "2027-07-10"),
        ("20270709T223000Z", "2027-07-09"),
    ],
)
def test_until_is_the_last_day_that_still_has_an_occurrence(until: str, last: str) -> None:
    said, _ = recurrence.to_recurrence((f"RRULE:FREQ=DAILY;UNTIL={until}",), at(date(2027, 6, 12)))
    assert said is not None
    assert said["range"]["endDate"] == last


@pytest.mark.parametrize(
    "line",
    [
        "EXDATE;TZID=Europe/Berlin:20270613T143000",
        "EXDATE;TZID=W. Europe Standard Time:20270613T143000",
        "EXDATE:20270613T123000Z",
        "EXDATE;VALUE=DATE:20270613",
    ],
)
def test_a_left_out_date_is_the_local_one_however_it_is_written(line: str) -> None:
    _, left_out = recurrence.to_recurrence(("RRULE:FREQ=DAILY", line), at(date(2027, 6, 12)))
    assert left_out == {date(2027, 6, 13)}
