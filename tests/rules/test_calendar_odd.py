"""Odd but valid iCalendar, and what only looks like it: zones nobody knows, durations, dates added and left out."""

from datetime import UTC, datetime

import pytest
from msgspec import structs

from wedsync.connections.calendars import ical_zones
from wedsync.connections.calendars.event import CalendarEvent, Days, EventError, Timed, checked
from wedsync.connections.calendars.expansion import Busy, busy_times, is_expandable
from wedsync.connections.calendars.ical_read import Part, cut, part
from wedsync.connections.calendars.ical_write import changed_object, new_object, parts, without_exception

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
BERLIN = "Europe/Berlin"
FIXED = """BEGIN:VTIMEZONE
TZID:{name}
{more}BEGIN:STANDARD
DTSTART:19700101T000000
TZOFFSETFROM:{offset}
TZOFFSETTO:{offset}
END:STANDARD
END:VTIMEZONE
"""


def read(event: str, *, zones: str = "", own: frozenset[str] = frozenset()) -> Part:
    data = f"BEGIN:VCALENDAR\n{zones}BEGIN:VEVENT\nUID:1\n{event}\nEND:VEVENT\nEND:VCALENDAR\n"
    blocks = cut(data.encode())
    return part(blocks.events[0], blocks.zones, own=own)


def of(event: str, *, zones: str = "") -> CalendarEvent:
    return read(event, zones=zones).event


@pytest.mark.parametrize(
    ("event", "times"),
    [
        ("DTSTART;VALUE=DATE:20260613", Days(on="2026-06-13", until="2026-06-14")),
        ("DTSTART;VALUE=DATE:20260613\nDURATION:P2D", Days(on="2026-06-13", until="2026-06-15")),
        ("DTSTART;VALUE=DATE:20260613\nDURATION:PT1H", Days(on="2026-06-13", until="2026-06-14")),
        ("DTSTART;VALUE=DATE:20260613\nDURATION:-P1D", Days(on="2026-06-13", until="2026-06-14")),
        ("DTSTART;VALUE=DATE:20260613\nDTEND:20260615T000000Z", Days(on="2026-06-13", until="2026-06-15")),
        (
            "DTSTART:20260613T200000\nDTEND;VALUE=DATE:20260614",
            Timed(start="2026-06-13T20:00:00", end="2026-06-14T00:00:00", zone=""),
        ),
        ("DTSTART:20260613T200000Z", Timed(start="2026-06-13T20:00:00", end="2026-06-13T20:00:00", zone="UTC")),
        (
            "DTSTART:20260613T200000Z\nDURATION:-PT1H",
            Timed(start="2026-06-13T20:00:00", end="2026-06-13T20:00:00", zone="UTC"),
        ),
        # Days are those of the calendar, hours are exact: one of these two nights has 23 hours.
        (
            f"DTSTART;TZID={BERLIN}:20270327T200000\nDURATION:P1D",
            Timed(start="2027-03-27T20:00:00", end="2027-03-28T20:00:00", zone=BERLIN),
        ),
        (
            f"DTSTART;TZID={BERLIN}:20270327T200000\nDURATION:PT12H",
            Timed(start="2027-03-27T20:00:00", end="2027-03-28T09:00:00", zone=BERLIN),
        ),
    ],
)
def test_an_end_is_read_however_it_is_said(event: str, times: Timed | Days) -> None:
    assert of(event).times == times


def test_a_zone_of_odd_minutes_is_told_in_utc_and_cannot_repeat() -> None:
    zones = FIXED.format(name="Lodge", offset="+0107", more="")
    once = "DTSTART;TZID=Lodge:20260613T140700\nDTEND;TZID=Lodge:20260613T150700"
    assert of(once, zones=zones).times == Timed(start="2026-06-13T13:00:00", end="2026-06-13T14:00:00", zone="UTC")
    for rule in ("RRULE:FREQ=DAILY", "RDATE;TZID=Lodge:20260614T140700"):
        with pytest.raises(EventError, match="repeats in a time zone"):
            of(f"{once}\n{rule}", zones=zones)
    with pytest.raises(EventError, match="repeats in a time zone"):
        of("DTSTART:20260613T140700Z\nEXDATE;TZID=Lodge:20260614T140700", zones=zones)


@pytest.mark.parametrize(
    ("zones", "says"),
    [
        ("", "nobody knows"),
        (FIXED.format(name="Lodge", offset="often", more=""), "cannot be read"),
        (FIXED.format(name="Lodge", offset="+0100", more="X-A:" + "x" * 40_000 + "\n"), "no zone has"),
        ("BEGIN:VTIMEZONE\nTZID:Lodge\nEND:VTIMEZONE\n", "cannot be read"),
    ],
)
def test_a_zone_that_nobody_can_read_is_said_so(zones: str, says: str) -> None:
    with pytest.raises(EventError, match=says):
        of("DTSTART;TZID=Lodge:20260613T140000", zones=zones)


@pytest.mark.parametrize(
    ("location", "zone"),
    [("Asia/Kathmandu", "Asia/Kathmandu"), ("Lodge", BERLIN), ("Tokyo Standard Time", "Asia/Tokyo")],
)
def test_where_a_zone_says_it_lies_counts_before_its_rules(location: str, zone: str) -> None:
    summer = """BEGIN:DAYLIGHT
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
"""
    zones = f"BEGIN:VTIMEZONE\nTZID:Lodge\nX-LIC-LOCATION:{location}\n{summer}END:VTIMEZONE\n"
    times = of("DTSTART;TZID=Lodge:20260613T140000", zones=zones).times
    assert isinstance(times, Timed)
    assert times.zone == zone


def test_rules_of_an_object_without_them_are_no_zone() -> None:
    zones = ical_zones.Zones([])
    with pytest.raises(EventError):
        zones.instant("Lodge", datetime(2026, 6, 13))
    assert ical_zones.tzid_of(b"BEGIN:VTIMEZONE") == ""
    assert ical_zones.known_name("/a/b/Mars/Olympus") is None


def test_dates_added_and_left_out_keep_their_zone_and_kind() -> None:
    event = of(
        f"DTSTART;TZID={BERLIN}:20260613T140000\nRRULE:FREQ=DAILY;COUNT=3\n"
        f"RDATE;TZID={BERLIN}:20260620T140000,20260621T140000\nRDATE;VALUE=PERIOD:20260622T120000Z/PT1H\n"
        "EXDATE;TZID=GMT:20260614T120000\nEXDATE;VALUE=DATE:20260615"
    )
    assert set(event.rules) == {
        "RRULE:FREQ=DAILY;COUNT=3",
        f"RDATE;TZID={BERLIN}:20260620T140000,20260621T140000",
        "RDATE;VALUE=PERIOD:20260622T120000Z/PT1H",
        "EXDATE:20260614T120000Z",
        "EXDATE;VALUE=DATE:20260615",
    }


@pytest.mark.parametrize(
    ("more", "is_busy"),
    [
        ("TRANSP:TRANSPARENT", False),
        ("X-MICROSOFT-CDO-BUSYSTATUS:FREE", False),
        ("ATTENDEE;PARTSTAT=DECLINED:mailto:Vera@flora.example", False),
        (
            "ATTENDEE;PARTSTAT=DECLINED:mailto:bo@flora.example\nATTENDEE;PARTSTAT=ACCEPTED:mailto:vera@flora.example",
            True,
        ),
        ("", True),
    ],
)
def test_who_declined_is_not_busy(more: str, is_busy: bool) -> None:
    found = read(f"DTSTART:20260613T140000Z\n{more}".strip(), own=frozenset({"vera@flora.example"}))
    assert found.event.is_busy is is_busy


@pytest.mark.parametrize(
    ("more", "is_editable"),
    [
        ("ORGANIZER:mailto:boss@flora.example", True),
        ("ORGANIZER:mailto:boss@flora.example\nATTENDEE:mailto:vera@flora.example", False),
        ("ORGANIZER:MAILTO:Vera@Flora.example\nATTENDEE:mailto:bo@flora.example", True),
        ("ATTENDEE:mailto:bo@flora.example", True),
    ],
)
def test_somebody_elses_meeting_is_theirs(more: str, is_editable: bool) -> None:
    assert read(f"DTSTART:20260613T140000Z\n{more}", own=frozenset({"vera@flora.example"})).is_editable is is_editable


def test_an_exception_knows_its_start_as_the_series_tells_it() -> None:
    berlin = f"DTSTART;TZID={BERLIN}:20260613T160000\nDTEND;TZID={BERLIN}:20260613T170000\n"
    assert read(f"{berlin}RECURRENCE-ID:20260613T120000Z").original == "2026-06-13T14:00:00"
    assert read(f"{berlin}RECURRENCE-ID:20260613T120000").original == "2026-06-13T12:00:00"
    assert read("DTSTART;VALUE=DATE:20260613\nRECURRENCE-ID;VALUE=DATE:20260612").original == "2026-06-12"
    assert read("DTSTART;VALUE=DATE:20260613\nRECURRENCE-ID:20260612T100000Z").original == "2026-06-12T10:00:00"


def test_an_event_that_says_its_start_twice_is_none() -> None:
    with pytest.raises(EventError, match="several"):
        of("DTSTART:20260613T140000Z\nDTSTART:20260614T140000Z")


SERIES = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\n{0}\r\nEND:VEVENT\r\n{1}END:VCALENDAR\r\n"
ONE_DAY = "BEGIN:VEVENT\r\nUID:1\r\n{0}\r\nSUMMARY:another\r\nEND:VEVENT\r\n"


@pytest.mark.parametrize(
    ("start", "other", "original", "left_out"),
    [
        (
            "DTSTART;VALUE=DATE:20260613",
            "RECURRENCE-ID;VALUE=DATE:20260614\r\nDTSTART;VALUE=DATE:20260620",
            "2026-06-14",
            ";VALUE=DATE:20260614",
        ),
        (
            "DTSTART:20260613T140000Z",
            "RECURRENCE-ID:20260614T140000Z\r\nDTSTART:20260620T140000Z",
            "2026-06-14T14:00:00",
            ":20260614T140000Z",
        ),
        (
            "DTSTART:20260613T140000",
            "RECURRENCE-ID:20260614T140000\r\nDTSTART:20260620T140000",
            "2026-06-14T14:00:00",
            ":20260614T140000",
        ),
    ],
)
def test_a_day_taken_out_of_a_series_is_left_out_as_the_series_begins(
    start: str, other: str, original: str, left_out: str
) -> None:
    data = SERIES.format(f"{start}\r\nRRULE:FREQ=DAILY;COUNT=5", ONE_DAY.format(other)).encode()
    written = without_exception(data, original=original, at=AT)
    (left,), unread = parts(written)
    assert (set(left.event.rules), unread) == ({"RRULE:FREQ=DAILY;COUNT=5", f"EXDATE{left_out}"}, 0)


def test_the_second_of_two_equal_hours_is_written_and_read_as_that() -> None:
    night = checked(
        CalendarEvent(
            times=Timed(start="2026-10-25T02:30:00", end="2026-10-25T02:45:00", zone=BERLIN, start_fold=1, end_fold=1),
            title="Last dance",
        )
    )
    written = new_object(night, uid="n", marker="m", at=AT)
    assert b"DTSTART:20261025T013000Z" in written
    assert b"VTIMEZONE" not in written
    (found,), _ = parts(written)
    assert found.event == night
    earlier = structs.replace(night, times=Timed(start="2026-10-25T01:30:00", end="2026-10-25T01:45:00", zone=BERLIN))
    (again,), _ = parts(changed_object(written, earlier, original="", marker="m", at=AT))
    assert again.event == earlier


def test_what_becomes_private_public_or_busy_says_so() -> None:
    plain = checked(CalendarEvent(times=Days(on="2026-06-13", until="2026-06-14"), title="Hall"))
    written = new_object(plain, uid="n", marker="", at=AT)
    assert b"CLASS" not in written
    private = changed_object(written, structs.replace(plain, is_private=True), original="", marker="m", at=AT)
    assert b"CLASS:PRIVATE" in private
    public = changed_object(private, plain, original="", marker="m", at=AT)
    assert b"CLASS:PUBLIC" in public
    free = changed_object(public, structs.replace(plain, is_busy=False), original="", marker="", at=AT)
    assert b"TRANSP:TRANSPARENT" in free
    (found,), _ = parts(free)
    assert (found.event.is_busy, found.event.is_private, found.marker, found.sequence) == (False, False, "m", 0)


def test_an_object_that_cannot_be_read_is_not_changed_and_its_events_are_counted() -> None:
    event = CalendarEvent(times=Days(on="2026-06-13", until="2026-06-14"))
    with pytest.raises(EventError, match="cannot be changed"):
        changed_object(b"BEGIN:VCALENDAR\r\nnone\r\nEND:VCALENDAR\r\n", event, original="", marker="", at=AT)
    found, unread = parts(SERIES.format("DTSTART:soon", ONE_DAY.format("DTSTART:20260613T140000Z")).encode())
    assert ([one.event.title for one in found], unread) == (["another"], 1)


SINCE, UNTIL = datetime(2027, 3, 1, tzinfo=UTC), datetime(2027, 4, 10, tzinfo=UTC)
NINE = Timed(start="2027-03-01T09:00:00", end="2027-03-01T10:00:00", zone=BERLIN)


def busy(times: Timed | Days, *rules: str, without: tuple[str, ...] = ()) -> list[Busy]:
    event = CalendarEvent(times=times, rules=rules)
    return busy_times(event, zone=BERLIN, since=SINCE, until=UNTIL, without=without)


def test_dates_alone_make_a_series_with_its_first_day() -> None:
    found = busy(NINE, f"RDATE;TZID={BERLIN}:20270303T090000,20270329T090000", "EXDATE;VALUE=DATE:20270303")
    assert [one.start.isoformat() for one in found] == ["2027-03-01T08:00:00+00:00", "2027-03-29T07:00:00+00:00"]
    in_utc = busy(NINE, "RDATE:20270329T070000Z", 'RDATE;TZID="America/New_York":20270303T030000')
    assert [one.start.day for one in in_utc] == [1, 3, 29]


def test_a_series_ends_on_the_day_it_says() -> None:
    assert len(busy(NINE, "RRULE:FREQ=DAILY;UNTIL=20270303")) == 3
    assert len(busy(NINE, "RRULE:FREQ=DAILY;UNTIL=20270303T080000Z")) == 3
    assert len(busy(NINE, "RRULE:FREQ=DAILY;UNTIL=20270303T075959Z")) == 2
    days = Days(on="2027-03-01", until="2027-03-02")
    assert len(busy(days, "RRULE:FREQ=DAILY;UNTIL=20270303", without=("2027-03-02",))) == 2


def test_what_repeats_more_often_than_an_appointment_may_is_refused() -> None:
    many = ",".join(
        f"20270301T{hour:02}{minute:02}{second:02}Z"
        for hour in range(24)
        for minute in range(0, 60, 2)
        for second in (0, 1)
    )
    with pytest.raises(EventError, match="more than 1000"):
        busy(NINE, f"RDATE:{many}")


@pytest.mark.parametrize(
    ("rules", "is_one"),
    [
        (("RRULE:FREQ=DAILY",), True),
        (("RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29",), True),
        (("RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",), False),
        (("RRULE:FREQ=DAILY\nRRULE:FREQ=WEEKLY",), False),
        (("RRULE:FREQ=MINUTELY",), False),
        (("RRULE:FREQ=DAILY;INTERVAL=x",), False),
        (("RRULE:FREQ=DAILY;UNTIL=soon",), False),
        (("RDATE;TZID=Mars/Olympus:20270303T090000",), False),
    ],
)
def test_whether_a_rule_can_be_worked_out_is_known_beforehand(rules: tuple[str, ...], is_one: bool) -> None:
    assert is_expandable(CalendarEvent(times=NINE, rules=rules)) is is_one


def test_what_is_free_cancelled_or_of_no_length_is_not_busy() -> None:
    for more in ({"is_busy": False}, {"status": "cancelled"}):
        event = structs.replace(CalendarEvent(times=NINE), **more)
        assert busy_times(event, zone=BERLIN, since=SINCE, until=UNTIL) == []
    assert busy(structs.replace(NINE, end=NINE.start)) == []
    long = busy(Days(on="2020-01-01", until="2030-01-01"))
    assert long == []
