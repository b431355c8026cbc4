"""iCalendar in both directions: what we write is read as it was, and what strangers write is read as it was meant."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from wedsync.connections.calendars.event import CalendarEvent, Days, EventError, Timed, checked, span
from wedsync.connections.calendars.ical_read import cut, part
from wedsync.connections.calendars.ical_write import changed_object, new_object, parts, without_exception

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC", ""]
walls = st.datetimes(datetime(1980, 1, 1), datetime(2035, 1, 1)).map(lambda at: at.replace(microsecond=0, fold=0))
words = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=60)


def of(event: str, *, zones: str = "") -> CalendarEvent:
    data = f"BEGIN:VCALENDAR\n{zones}BEGIN:VEVENT\nUID:1\n{event}\nEND:VEVENT\nEND:VCALENDAR\n"
    blocks = cut(data.encode())
    return part(blocks.events[0], blocks.zones).event


@given(
    start=walls, minutes=st.integers(0, 4000), zone=st.sampled_from(ZONES), title=words, text=words, fold=st.booleans()
)
def test_what_we_write_is_read_as_it_was(
    start: datetime, minutes: int, zone: str, title: str, text: str, fold: bool
) -> None:
    times = Timed(
        start=start.isoformat(),
        end=(start + timedelta(minutes=minutes)).isoformat(),
        zone=zone,
        start_fold=int(fold),
        end_fold=int(fold),
    )
    event = checked(CalendarEvent(times=times, title=title, text=f"{text}\n;,:\\n{title}", is_busy=fold))
    written = new_object(event, uid="u", marker="m1", at=AT)
    (read,), unread = parts(written)
    assert (read.event, read.marker, unread) == (event, "m1", 0)
    assert Calendar.from_ical(written).events[0].get("DTEND") is not None


def test_whole_days_rules_and_privacy_survive_too() -> None:
    event = checked(
        CalendarEvent(
            times=Days(on="2026-06-13", until="2026-06-15"),
            title="Hall A",
            rules=("RRULE:FREQ=YEARLY;COUNT=3", "EXDATE;VALUE=DATE:20270613"),
            status="tentative",
            is_private=True,
        )
    )
    (read,), _ = parts(new_object(event, uid="u", marker="m", at=AT))
    assert read.event == event


BERLIN_BY_ANOTHER_NAME = """BEGIN:VTIMEZONE
TZID:Our own time
BEGIN:DAYLIGHT
DTSTART:19700329T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
END:DAYLIGHT
BEGIN:STANDARD
DTSTART:19701025T030000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
END:STANDARD
END:VTIMEZONE
"""


@pytest.mark.parametrize(
    ("tzid", "zones", "zone"),
    [
        ("W. Europe Standard Time", "", "Europe/Berlin"),
        ("/citadel.org/20210210_1/Europe/Berlin", "", "Europe/Berlin"),
        ("/freeassociation.sourceforge.net/America/Argentina/Salta", "", "America/Argentina/Salta"),
        ("Our own time", BERLIN_BY_ANOTHER_NAME, "Europe/Berlin"),
        ("GMT", "", "UTC"),
    ],
)
def test_a_zone_is_found_whatever_the_sender_calls_it(tzid: str, zones: str, zone: str) -> None:
    times = of(f"DTSTART;TZID={tzid}:20260613T140000\nDTEND;TZID={tzid}:20260613T150000", zones=zones).times
    assert times == Timed(start="2026-06-13T14:00:00", end="2026-06-13T15:00:00", zone=zone)


def test_one_objects_own_zone_does_not_bend_another_objects_times() -> None:
    fixed = """BEGIN:VTIMEZONE
TZID:Our own time
BEGIN:STANDARD
DTSTART:19700101T000000
TZOFFSETFROM:+0530
TZOFFSETTO:+0530
END:STANDARD
END:VTIMEZONE
"""
    event = "DTSTART;TZID=Our own time:20260613T140000\nDURATION:PT1H"
    first, second = (
        span(of(event, zones=zones).times, calendar_zone="UTC")[0].hour for zones in (fixed, BERLIN_BY_ANOTHER_NAME)
    )
    assert (first, second) == (8, 12)


@pytest.mark.parametrize(
    "event",
    [
        "SUMMARY:no start",
        "DTSTART:tomorrow",
        "DTSTART;TZID=Nowhere/Land:20260613T140000\nDTEND:20260613T150000Z",
        "DTSTART:20260613T140000Z\nDTEND:20260613T130000Z",
        "DTSTART:20260613T140000Z\nRRULE:FREQ=SOMETIMES",
        "DTSTART:20260613T140000Z\nRECURRENCE-ID;RANGE=THISANDFUTURE:20260613T140000Z",
        "DTSTART:20260613T140000Z\nDESCRIPTION:" + "x" * 300_000,
    ],
)
def test_what_cannot_be_understood_is_said_so(event: str) -> None:
    with pytest.raises(EventError):
        of(event)


def test_a_zone_with_rules_that_no_zone_has_takes_no_time() -> None:
    endless = BERLIN_BY_ANOTHER_NAME.replace("FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU", "FREQ=SECONDLY")
    with pytest.raises(EventError, match="rules that no zone has"):
        of("DTSTART;TZID=Our own time:20260613T140000", zones=endless)


SERIES = b"""BEGIN:VCALENDAR\r
VERSION:2.0\r
PRODID:-//Somebody//EN\r
X-WR-RELCALID:kept\r
BEGIN:VEVENT\r
UID:s1\r
DTSTAMP:20260101T000000Z\r
DTSTART;TZID=Europe/Berlin:20260606T140000\r
DTEND;TZID=Europe/Berlin:20260606T150000\r
RRULE:FREQ=WEEKLY;COUNT=10\r
SUMMARY:Tasting\r
ATTACH:https://example.com/menu.pdf\r
BEGIN:VALARM\r
ACTION:DISPLAY\r
TRIGGER:-PT15M\r
END:VALARM\r
END:VEVENT\r
BEGIN:VEVENT\r
UID:s1\r
DTSTAMP:20260101T000000Z\r
RECURRENCE-ID:20260613T120000Z\r
DTSTART;TZID=Europe/Berlin:20260614T140000\r
DTEND;TZID=Europe/Berlin:20260614T150000\r
SUMMARY:Tasting, a day later\r
END:VEVENT\r
END:VCALENDAR\r
"""


def test_a_change_touches_only_what_changed_and_leaves_the_exceptions_of_a_series() -> None:
    (master, exception), _ = parts(SERIES)
    written = changed_object(
        SERIES, msgspec.structs.replace(master.event, title="Tasting II"), original="", marker="m", at=AT
    )
    for kept in (
        b"ATTACH:https://example.com/menu.pdf",
        b"TRIGGER:-PT15M",
        b"X-WR-RELCALID:kept",
        b"RRULE:FREQ=WEEKLY",
    ):
        assert kept in written
    (again, other), _ = parts(written)
    assert (again.event.title, again.event.times, again.marker) == ("Tasting II", master.event.times, "m")
    assert (other.event, other.original) == (exception.event, exception.original)


def test_an_exception_is_changed_and_taken_out_where_it_lies() -> None:
    (master, exception), _ = parts(SERIES)
    original = exception.original
    moved = msgspec.structs.replace(
        exception.event, times=Timed(start="2026-06-14T18:00:00", end="2026-06-14T19:00:00", zone="Europe/Berlin")
    )
    (_, now), _ = parts(changed_object(SERIES, moved, original=original, marker="", at=AT))
    assert (now.event.times, now.original) == (moved.times, original)
    (left,), _ = parts(without_exception(SERIES, original=original, at=AT))
    assert set(left.event.rules) - set(master.event.rules) == {"EXDATE;TZID=Europe/Berlin:20260613T140000"}
    with pytest.raises(KeyError):
        changed_object(SERIES, moved, original="2026-07-04T14:00:00", marker="", at=AT)


@given(data=st.binary(max_size=300))
def test_any_bytes_are_cut_without_harm(data: bytes) -> None:
    blocks = cut(b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:" + data + b"\nEND:VEVENT\nEND:VCALENDAR")
    for block in blocks.events:
        try:
            part(block, blocks.zones)
        except EventError:
            continue
