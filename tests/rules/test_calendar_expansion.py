"""Series become the occurrences that their own zone gives them; what repeats without end is refused, not counted."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wedsync.connections.calendars.event import CalendarEvent, Days, EventError, Timed
from wedsync.connections.calendars.expansion import busy_times

BERLIN = ZoneInfo("Europe/Berlin")
SINCE, UNTIL = datetime(2027, 3, 1, tzinfo=UTC), datetime(2027, 4, 10, tzinfo=UTC)
NINE = Timed(start="2027-03-01T09:00:00", end="2027-03-01T10:00:00", zone="Europe/Berlin")


def starts(event: CalendarEvent, *without: str) -> list[str]:
    found = busy_times(event, zone="Europe/Berlin", since=SINCE, until=UNTIL, without=without)
    return [one.start.astimezone(BERLIN).isoformat() for one in found]


def test_a_series_keeps_its_local_time_when_clocks_change_and_leaves_out_what_was_taken() -> None:
    weekly = CalendarEvent(times=NINE, rules=("RRULE:FREQ=WEEKLY", "EXDATE;TZID=Europe/Berlin:20270308T090000"))
    assert starts(weekly, "2027-03-22T09:00:00") == [
        "2027-03-01T09:00:00+01:00",
        "2027-03-15T09:00:00+01:00",
        "2027-03-29T09:00:00+02:00",
        "2027-04-05T09:00:00+02:00",
    ]


def test_dates_in_utc_and_whole_days_mean_what_they_mean_in_the_series() -> None:
    ends = CalendarEvent(times=NINE, rules=("RRULE:FREQ=DAILY;UNTIL=20270303T080000Z", "EXDATE:20270302T080000Z"))
    assert [one[:10] for one in starts(ends)] == ["2027-03-01", "2027-03-03"]
    days = CalendarEvent(times=Days(on="2027-03-27", until="2027-03-29"), rules=("RRULE:FREQ=DAILY;COUNT=1",))
    (one,) = busy_times(days, zone="Europe/Berlin", since=SINCE, until=UNTIL)
    assert one.end - one.start == timedelta(hours=47)


@pytest.mark.parametrize(
    "rule",
    [
        "RRULE:FREQ=SECONDLY",
        "RRULE:FREQ=HOURLY",
        "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "RRULE:FREQ=DAILY;BYDAY=XX",
        "EXRULE:FREQ=DAILY",
        "RDATE;VALUE=PERIOD:20270301T090000Z/PT1H",
        "RRULE:",
    ],
)
def test_rules_that_are_no_appointment_are_refused(rule: str) -> None:
    with pytest.raises(EventError):
        starts(CalendarEvent(times=NINE, rules=(rule,)))


@given(every=st.sampled_from(["DAILY", "WEEKLY", "MONTHLY"]), interval=st.integers(1, 5), years=st.integers(0, 40))
def test_a_series_that_began_long_ago_has_the_occurrences_it_would_have(every: str, interval: int, years: int) -> None:
    """Skipping decades makes no other series than counting them: with a COUNT they are counted."""
    old = Timed(start=f"{2027 - years}-01-04T09:00:00", end=f"{2027 - years}-01-04T10:00:00", zone="Europe/Berlin")
    rule = f"RRULE:FREQ={every};INTERVAL={interval}"
    skipped = starts(CalendarEvent(times=old, rules=(rule,)))
    assert skipped == starts(CalendarEvent(times=old, rules=(f"{rule};COUNT=100000",)))
