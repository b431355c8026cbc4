"""Graph's events become planned times and come back, whatever zone, clock change, flag or gap is in them."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wedsync.connections.calendars.event import CalendarEvent, Days, EventError, Timed, checked, span
from wedsync.connectors.outlook_calendar import mapper
from wedsync.connectors.outlook_calendar.fake_mailbox import Entry, read_span, written
from wedsync.connectors.outlook_calendar.recurrence import Unholdable
from wedsync.connectors.outlook_calendar.tests.payloads import EXCEPTION, SERIES, SINGLE, WHOLE_DAYS
from wedsync.connectors.outlook_calendar.tests.staged import BERLIN, CEREMONY, timed

NOW = datetime(2026, 11, 21, tzinfo=UTC)
ZONES = [BERLIN, "Europe/Rome", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"]
walls = st.datetimes(datetime(2000, 1, 1), datetime(2050, 1, 1)).map(lambda at: at.replace(microsecond=0))


def event_of(item: dict[str, Any], zone: str = BERLIN) -> CalendarEvent:
    event = mapper.to_change(item, zone=zone).event
    assert event is not None
    return event


def kept(fields: dict[str, Any]) -> dict[str, Any]:
    """What was sent as the fake tells it again."""
    entry = Entry(
        id="x" * 20, calendar="c", span=read_span(fields), fields=written(fields), made_at=NOW, changed_at=NOW
    )
    return entry.told() | {"singleValueExtendedProperties": fields["singleValueExtendedProperties"]}


def test_a_time_is_that_of_the_zone_it_was_planned_in() -> None:
    change = mapper.to_change(SINGLE, zone="UTC")
    assert change.event is not None
    assert change.event.times == timed("2027-06-12T14:00:00", "2027-06-12T15:30:00")
    assert change.event.text == "Golden hour\nBring the long lens"
    assert (change.event.title, change.event.place) == ("Engagement shoot", "Rose garden")
    assert (change.etag, change.marker, change.is_editable) == (SINGLE["@odata.etag"], "", True)
    assert change.updated_at == datetime(2026, 11, 5, 17, 40, 2, 115220, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("tzone://Microsoft/Custom", "America/New_York"),
        ("Customized Time Zone", "America/New_York"),
        (None, "America/New_York"),
        ("Asia/Kolkata", "Asia/Kolkata"),
        ("UTC", "UTC"),
    ],
)
def test_a_zone_that_has_no_name_counts_as_the_calendars(name: str | None, zone: str) -> None:
    item = {**SINGLE, "originalStartTimeZone": name, "originalEndTimeZone": name}
    times = event_of(item, "America/New_York").times
    assert isinstance(times, Timed)
    assert times.zone == zone
    assert span(times, calendar_zone="UTC")[0] == datetime(2027, 6, 12, 12, tzinfo=UTC)


def test_a_time_without_an_offset_is_read_in_the_zone_beside_it() -> None:
    start = {"dateTime": "2027-06-12T05:00:00.0000000", "timeZone": "Pacific Standard Time"}
    assert event_of({**SINGLE, "start": start}).times == timed("2027-06-12T14:00:00", "2027-06-12T15:30:00")


@pytest.mark.parametrize(("start", "end"), [("2027-06-12T00:00:00", "2027-06-14T00:00:00"), ("22", "22")])
def test_whole_days_are_dates_whether_told_as_midnights_of_utc_or_of_their_zone(start: str, end: str) -> None:
    if start == "22":
        start, end = "2027-06-11T22:00:00", "2027-06-13T22:00:00"
    item = {**WHOLE_DAYS, "start": {"dateTime": start, "timeZone": "UTC"}, "end": {"dateTime": end, "timeZone": "UTC"}}
    assert event_of(item).times == Days(on="2027-06-12", until="2027-06-14")


@pytest.mark.parametrize(
    ("changes", "status", "is_busy"),
    [
        ({"showAs": "free"}, "confirmed", False),
        ({"showAs": "workingElsewhere"}, "confirmed", False),
        ({"showAs": "oof"}, "confirmed", True),
        ({"showAs": "unknown"}, "confirmed", True),
        ({"showAs": "tentative"}, "tentative", True),
        ({"isCancelled": True}, "cancelled", False),
        ({"responseStatus": {"response": "declined"}}, "confirmed", False),
        ({"responseStatus": {"response": "tentativelyAccepted"}}, "tentative", True),
        ({"responseStatus": None, "showAs": None}, "confirmed", True),
    ],
)
def test_what_is_shown_and_answered_becomes_status_and_busy(
    changes: dict[str, Any], status: str, is_busy: bool
) -> None:
    event = event_of({**SINGLE, **changes})
    assert (event.status, event.is_busy) == (status, is_busy)


@pytest.mark.parametrize("word", ["private", "confidential", "personal"])
def test_what_is_sensitive_is_private(word: str) -> None:
    assert event_of({**SINGLE, "sensitivity": word}).is_private


@pytest.mark.parametrize(
    "changes",
    [
        {"isOrganizer": False},
        {"attendees": [{"type": "required", "emailAddress": {"address": "b@example.com"}}]},
        {"recurrence": {**SERIES["recurrence"], "range": {**SERIES["recurrence"]["range"], "recurrenceTimeZone": "?"}}},
    ],
)
def test_what_a_change_of_ours_would_harm_is_not_editable(changes: dict[str, Any]) -> None:
    assert not mapper.to_change({**SINGLE, **changes}, zone=BERLIN).is_editable


def test_a_series_keeps_its_wall_time_and_leaves_out_what_was_cancelled() -> None:
    event = event_of(SERIES)
    assert event.times == timed("2027-03-20T09:00:00", "2027-03-20T11:00:00")
    assert event.rules == (
        "EXDATE;TZID=Europe/Berlin:20270403T090000",
        "RRULE:FREQ=WEEKLY;BYDAY=SA;UNTIL=20270501T070000Z",
    )


def test_an_exception_says_which_start_it_replaces_in_the_series_own_zone() -> None:
    change = mapper.to_exception({**EXCEPTION, "originalStartTimeZone": "UTC"}, SERIES, zone=BERLIN)
    assert (change.series, change.original) == (SERIES["id"], "2027-04-10T09:00:00")
    whole = {**WHOLE_DAYS, "recurrence": SERIES["recurrence"], "id": "s"}
    moved = {**WHOLE_DAYS, "originalStart": "2027-06-19T00:00:00Z"}
    assert mapper.to_exception(moved, whole, zone=BERLIN).original == "2027-06-19"


@pytest.mark.parametrize(
    "broken",
    [
        {"start": None},
        {"start": {"dateTime": "tomorrow"}},
        {"start": {"dateTime": "2027-06-12T12:00:00", "timeZone": "Nowhere"}},
        {"isAllDay": True},
        {"start": {"dateTime": "2027-06-13T12:00:00.0000000", "timeZone": "UTC"}},
        {"recurrence": {"pattern": {"type": "lunar"}, "range": {}}},
        {"recurrence": {"pattern": {}}},
        {"lastModifiedDateTime": "?"},
        {"cancelledOccurrences": ["OID"], "recurrence": SERIES["recurrence"]},
    ],
)
def test_what_cannot_be_understood_is_said_to_be_so(broken: dict[str, Any]) -> None:
    with pytest.raises(EventError):
        mapper.to_change({**SINGLE, **broken}, zone=BERLIN)


@settings(deadline=None, max_examples=60)
@given(start=walls, minutes=st.integers(0, 3000), zone=st.sampled_from(ZONES), end_zone=st.sampled_from(["", *ZONES]))
def test_instants_survive_ours_theirs_ours(start: datetime, minutes: int, zone: str, end_zone: str) -> None:
    end = start + timedelta(minutes=minutes)
    times = Timed(start=start.isoformat(), end=end.isoformat(), zone=zone, end_zone=end_zone)
    event = checked(msgspec.structs.replace(CEREMONY, times=times))
    first, last = span(event.times, calendar_zone="UTC")
    fields, _ = mapper.to_new(event, key="k", marker="m", zone=BERLIN)
    back = event_of(kept(fields))
    assert span(back.times, calendar_zone="UTC") == (first, max(first, last))
    assert mapper.to_changes(event, kept(fields), zone=BERLIN)[0] == {}
    assert msgspec.structs.replace(back, times=event.times) == event


@pytest.mark.parametrize(
    "times",
    [
        Days(on="2027-03-28", until="2027-03-29"),
        Timed(start="2027-06-12T14:00:00", end="2027-06-12T15:00:00", zone=BERLIN),
        Timed(start="2027-10-31T02:30:00", end="2027-10-31T02:30:00", zone=BERLIN, end_fold=1),
        Timed(start="2027-03-28T02:30:00", end="2027-03-28T03:30:00", zone=BERLIN),
        Timed(start="2027-06-12T14:00:00", end="2027-06-12T15:00:00", zone=""),
    ],
)
def test_clock_changes_whole_days_and_floating_times_keep_their_instants(times: Days | Timed) -> None:
    event = msgspec.structs.replace(CEREMONY, times=times)
    back = event_of(kept(mapper.to_new(event, key="k", marker="m", zone=BERLIN)[0]))
    assert span(back.times, calendar_zone=BERLIN) == span(times, calendar_zone=BERLIN)


def test_only_what_differs_is_written() -> None:
    event = event_of(SINGLE)
    assert mapper.to_changes(event, SINGLE, zone=BERLIN) == ({}, frozenset())
    moved = msgspec.structs.replace(event, times=timed("2027-06-12T15:00:00", "2027-06-12T16:30:00"))
    changes, _ = mapper.to_changes(moved, SINGLE, zone=BERLIN)
    assert changes == {
        "start": {"dateTime": "2027-06-12T15:00:00", "timeZone": "W. Europe Standard Time"},
        "end": {"dateTime": "2027-06-12T16:30:00", "timeZone": "W. Europe Standard Time"},
        "isAllDay": False,
        "singleValueExtendedProperties": [{"id": mapper.ZONES, "value": "Europe/Berlin"}],
    }
    assert set(mapper.to_changes(msgspec.structs.replace(event, is_busy=False), SINGLE, zone=BERLIN)[0]) == {"showAs"}
    assert mapper.to_changes(msgspec.structs.replace(event_of(SERIES), rules=()), SERIES, zone=BERLIN)[0] == {
        "recurrence": None
    }


def test_an_occurrence_is_left_out_but_never_brought_back() -> None:
    event = event_of(SERIES)
    more = (*event.rules, "EXDATE;TZID=Europe/Berlin:20270410T090000")
    assert mapper.to_changes(msgspec.structs.replace(event, rules=more), SERIES, zone=BERLIN) == (
        {},
        frozenset({date(2027, 4, 10)}),
    )
    with pytest.raises(Unholdable):
        mapper.to_changes(msgspec.structs.replace(event, rules=event.rules[1:]), SERIES, zone=BERLIN)


@pytest.mark.parametrize(
    "event",
    [
        msgspec.structs.replace(CEREMONY, status="cancelled"),
        msgspec.structs.replace(CEREMONY, status="tentative", is_busy=False),
        msgspec.structs.replace(
            CEREMONY,
            rules=("RRULE:FREQ=DAILY",),
            times=Timed(start="2027-06-12T14:00:00", end="2027-06-12T15:00:00", zone=BERLIN, end_zone="Asia/Tokyo"),
        ),
    ],
)
def test_what_outlook_cannot_hold_is_refused(event: CalendarEvent) -> None:
    with pytest.raises(Unholdable):
        mapper.to_new(event, key="k", marker="m", zone=BERLIN)
