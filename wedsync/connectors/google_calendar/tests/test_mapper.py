"""Google's events become ours and ours Google's; the payloads have the shape of Google's reference."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.connectors.events import alike, events
from wedsync.connections.calendars.contract import Change
from wedsync.connections.calendars.event import CalendarEvent, Days, EventError, Timed, checked
from wedsync.connectors.google_calendar import mapper, markup
from wedsync.connectors.google_calendar.mapper import FLOATING, Item, Page

PAGE = msgspec.json.decode((Path(__file__).parent / "payloads" / "events.json").read_bytes(), type=Page)
CHANGES, UNREAD = mapper.to_changes(PAGE, zone="Europe/Berlin")
BERLIN = "Europe/Berlin"


def change(start: str) -> Change:
    (found,) = (one for one in CHANGES if one.id.startswith(start) and not one.series)
    return found


def event(start: str) -> CalendarEvent:
    found = change(start).event
    assert found is not None
    return found


def item(**changes: Any) -> Item:
    moment = {"dateTime": "2026-06-13T14:00:00+02:00", "timeZone": BERLIN}
    return msgspec.convert({"id": "x", "start": moment, "end": moment, **changes}, type=Item)


def test_what_cannot_be_understood_is_counted_and_spoils_nothing() -> None:
    assert UNREAD == 2
    assert len(CHANGES) == 13


def test_a_series_keeps_its_zone_its_rules_and_its_exceptions() -> None:
    series = change("7oct3k9tuh2p6q1s8fpm7uq3kc")
    assert series.event == checked(
        CalendarEvent(
            times=Timed(start="2026-03-23T18:00:00", end="2026-03-23T19:30:00", zone=BERLIN),
            title="Yoga",
            text="Bring a mat & water\ntowel",
            place="Studio, Hauptstr. 5, 10827 Berlin",
            rules=("EXDATE;TZID=Europe/Berlin:20260406T180000", "RRULE:FREQ=WEEKLY;BYDAY=MO"),
        )
    )
    assert (series.etag, series.series, series.marker) == ('"3181161784712000"', "", "")
    assert series.updated_at == datetime(2026, 5, 4, 9, 12, 33, 120_000, UTC)
    moved, off = (one for one in CHANGES if one.series)
    assert (moved.series, moved.original) == (series.id, "2026-03-30T18:00:00")
    assert moved.event is not None
    assert moved.event.times == Timed(start="2026-03-31T18:00:00", end="2026-03-31T19:30:00", zone=BERLIN)
    assert (off.series, off.original, off.event) == (series.id, "2026-04-13T18:00:00", None)


def test_of_what_is_gone_only_the_id_is_needed() -> None:
    assert change("2tombstone") == Change(id="2tombstone0000000000000000", etag='"3181161784715000"')


def test_whole_days_end_with_the_first_free_day_and_may_be_free() -> None:
    assert event("3holiday").times == Days(on="2026-07-04", until="2026-07-18")
    assert not event("3holiday").is_busy


def test_an_event_may_end_in_another_zone_and_a_locked_copy_is_nobodys_to_write() -> None:
    flight = change("4flight")
    assert event("4flight").times == Timed(
        start="2026-09-01T10:00:00", end="2026-09-01T13:05:00", zone=BERLIN, end_zone="America/New_York"
    )
    assert not flight.is_editable


def test_private_events_come_as_time_only_but_ours_keep_their_words() -> None:
    doctor, ours = event("5doctor"), event("6ours")
    assert (doctor.title, doctor.text, doctor.place, doctor.is_private) == ("", "", "", True)
    assert doctor.is_busy
    assert (ours.title, ours.is_private, change("6ours").marker) == ("Ana & Ben: photographs", True, "m-1")


def test_an_invitation_counts_as_it_was_answered_and_belongs_to_its_organizer() -> None:
    assert not event("7declined").is_busy
    assert not change("7declined").is_editable
    assert event("8unanswered").status == "tentative"
    assert change("8unanswered").is_editable
    assert not any(
        one.is_editable
        for one in mapper.to_changes(msgspec.structs.replace(PAGE, access_role="reader"), zone=BERLIN)[0]
    )


def test_where_somebody_works_takes_no_time_and_absence_does() -> None:
    assert not event("9home").is_busy
    assert event("10outofoffice").is_busy
    assert not change("10outofoffice").is_editable


def test_the_hour_that_comes_twice_is_told_apart() -> None:
    times = event("10outofoffice").times
    assert times == Timed(start="2026-10-25T02:30:00", end="2026-10-25T04:00:00", zone=BERLIN, start_fold=1)
    body = mapper.to_body(event("10outofoffice"), marker="m", zone=BERLIN)
    assert body["start"]["dateTime"] == "2026-10-25T02:30:00+01:00"
    assert body["end"]["dateTime"] == "2026-10-25T04:00:00"


def test_an_unknown_zone_is_only_a_matter_for_a_series() -> None:
    assert event("11oddzone").times == Timed(start="2026-06-18T12:00:00", end="2026-06-18T13:00:00", zone=BERLIN)
    moment = {"dateTime": "2026-06-18T10:00:00Z", "timeZone": "Mars/Olympus"}
    with pytest.raises(EventError):
        mapper.to_event(item(start=moment, end=moment, recurrence=["RRULE:FREQ=DAILY"]), zone=BERLIN)


@pytest.mark.parametrize(
    "wrong",
    [
        {"recurrence": ["X-EVERY:blue moon"]},
        {"start": {"dateTime": "yesterday", "timeZone": BERLIN}},
        {"start": {"date": "2026-02-30"}, "end": {"date": "2026-03-01"}},
        {"start": {"dateTime": "9999-12-31T23:59:59-12:00", "timeZone": BERLIN}},
    ],
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(EventError):
        mapper.to_event(item(**wrong), zone=BERLIN)


def test_floating_times_stay_floating_until_somebody_gives_them_a_zone() -> None:
    floating = checked(CalendarEvent(times=Timed(start="2026-06-13T14:00:00", end="2026-06-13T15:00:00", zone="")))
    body = mapper.to_body(floating, marker="m", zone=BERLIN)
    assert body["start"] == {"dateTime": "2026-06-13T14:00:00", "timeZone": BERLIN}
    assert mapper.to_event(msgspec.convert({"id": "x", **body}, type=Item), zone=BERLIN).times == floating.times
    moved = {**body, **{end: {**body[end], "timeZone": "Europe/London"} for end in ("start", "end")}}
    times = mapper.to_event(msgspec.convert({"id": "x", **moved}, type=Item), zone=BERLIN).times
    assert isinstance(times, Timed)
    assert times.zone == "Europe/London"
    fixed = msgspec.structs.replace(floating, times=times)
    assert mapper.to_body(fixed, marker="m", zone=BERLIN, id="x")["extendedProperties"]["private"][FLOATING] is None


def test_a_patch_takes_away_what_was_and_leaves_what_is_not_ours() -> None:
    days = CalendarEvent(times=Days(on="2026-06-13", until="2026-06-14"))
    body = mapper.to_body(days, marker="m", zone=BERLIN, id="series")
    assert body["start"] == {"date": "2026-06-13", "dateTime": None, "timeZone": None}
    assert body["recurrence"] == []
    assert "visibility" not in body
    # An exception has no rules to take away, and words that were never told are not taken away either.
    private = msgspec.structs.replace(days, is_private=True)
    body = mapper.to_body(private, marker="m", zone=BERLIN, id="series_20260613")
    assert not {"recurrence", "summary", "description", "location"} & set(body)
    assert "summary" in mapper.to_body(private, marker="m", zone=BERLIN)


@given(text=st.text(st.sampled_from("a<b>&;/ p\n\"='brdiv"), max_size=60))
def test_text_is_the_same_after_google_had_it(text: str) -> None:
    assert markup.plain(markup.written(text)) == text


@given(events())
def test_events_survive_as_bodies(one: CalendarEvent) -> None:
    body = mapper.to_body(one, marker="m", zone=BERLIN)
    back = mapper.to_event(msgspec.convert({"id": "x", **body}, type=Item), zone=BERLIN)
    assert alike(back) == alike(one)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(Item.__struct_fields__), inner),
        max_leaves=8,
    )
)
def test_whatever_an_item_is_a_page_is_read(value: Any) -> None:
    page = Page(items=(msgspec.Raw(msgspec.json.encode(value)),), access_role="owner")
    changes, unread = mapper.to_changes(page, zone=BERLIN)
    assert len(changes) + unread == 1
