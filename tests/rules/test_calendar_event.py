"""Planned times become instants by the rules of their zone, on the weekends when clocks change too."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wedsync.connections.calendars.event import (
    CalendarEvent,
    Days,
    EventError,
    Timed,
    checked,
    digest,
    from_instants,
    span,
)

ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"]
walls = st.datetimes(datetime(1990, 1, 1), datetime(2060, 1, 1)).map(lambda at: at.replace(microsecond=0, fold=0))


def berlin(start: str, end: str) -> Timed:
    return Timed(start=start, end=end, zone="Europe/Berlin")


def test_an_event_in_the_hour_that_clocks_skip_keeps_its_length() -> None:
    start, end = span(berlin("2027-03-28T02:30:00", "2027-03-28T03:30:00"), calendar_zone="UTC")
    assert start == datetime(2027, 3, 28, 1, 30, tzinfo=UTC)
    assert end - start == timedelta(hours=1)


@pytest.mark.parametrize(("on", "hours"), [("2027-03-28", 23), ("2027-10-31", 25), ("2027-06-12", 24)])
def test_a_whole_day_is_as_long_as_it_is_there(on: str, hours: int) -> None:
    event = checked(CalendarEvent(times=Days(on=on, until=on)))
    start, end = span(event.times, calendar_zone="Europe/Berlin")
    assert end - start == timedelta(hours=hours)


def test_two_equal_wall_times_are_told_apart_by_their_fold() -> None:
    twice = [
        span(
            Timed(start="2027-10-31T02:30:00", end="2027-10-31T05:00:00", zone="Europe/Berlin", start_fold=fold),
            calendar_zone="UTC",
        )[0]
        for fold in (0, 1)
    ]
    assert twice[1] - twice[0] == timedelta(hours=1)


def test_a_floating_time_takes_the_zone_of_its_calendar() -> None:
    floating = Timed(start="2027-06-12T14:00:00", end="2027-06-12T15:00:00", zone="")
    assert span(floating, calendar_zone="America/New_York")[0] == datetime(2027, 6, 12, 18, tzinfo=UTC)


@given(start=walls, minutes=st.integers(0, 3000), zone=st.sampled_from(ZONES))
def test_instants_survive_wall_times(start: datetime, minutes: int, zone: str) -> None:
    begin = start.replace(tzinfo=UTC)
    times = from_instants(begin, begin + timedelta(minutes=minutes), zone)
    assert span(times, calendar_zone="UTC") == (begin, begin + timedelta(minutes=minutes))
    event = CalendarEvent(times=times, title=" a  b ", text="x \r\n\0y", rules=("RRULE:FREQ=DAILY", "EXDATE:20270612"))
    once = checked(event)
    assert checked(once) == once
    assert digest(once) == digest(checked(msgspec.structs.replace(event, title="a b", rules=event.rules[::-1])))


@pytest.mark.parametrize(
    "times",
    [
        Days(on="2027-02-30", until="2027-03-01"),
        Timed(start="2027-06-12T14:00:00", end="2027-06-12T13:00:00", zone="UTC"),
        Timed(start="2027-06-12T14:00:00Z", end="2027-06-12T15:00:00Z", zone="UTC"),
        Timed(start="2027-06-12T14:00:00", end="2027-06-12T15:00:00", zone="Nowhere/Land"),
        Timed(start="2027-06-12T14:00:00", end="2027-06-12T15:00:00", zone="../etc/passwd"),
    ],
)
def test_what_is_no_event_is_refused(times: Timed | Days) -> None:
    with pytest.raises(EventError):
        checked(CalendarEvent(times=times))


def test_what_repeats_in_utc_has_one_form() -> None:
    line = "EXDATE;TZID=UTC:20260106T000000,20260107T000000Z"
    times = Timed(start="2026-01-02T00:00:00", end="2026-01-02T00:05:00", zone="UTC")
    assert checked(CalendarEvent(times=times, title="a", rules=(line,))).rules == (
        "EXDATE:20260106T000000Z,20260107T000000Z",
    )
