"""Outlook's calendars are read without loss, written once and with care, and watched, over a Graph with a memory."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from tests.connectors import csdl
from wedsync.connections.calendars import driven
from wedsync.connections.calendars.contract import (
    CursorLost,
    Gone,
    Moved,
    Pulled,
    Pushed,
    ReadOnly,
)
from wedsync.connections.calendars.event import Days
from wedsync.connections.contract import ReconnectNeeded, RetryLater, Tools, Unknown
from wedsync.connections.stage import serving
from wedsync.connectors.outlook_calendar import pulling
from wedsync.connectors.outlook_calendar.connector import connect
from wedsync.connectors.outlook_calendar.fake import Outlook
from wedsync.connectors.outlook_calendar.tests.staged import BERLIN, CEREMONY, Stage, held, timed
from wedsync.kit import clock
from wedsync.kit.http import Wire

WEEKLY = {
    "pattern": {"type": "weekly", "interval": 1, "daysOfWeek": ["saturday"], "firstDayOfWeek": "monday"},
    "range": {
        "type": "numbered",
        "startDate": "2027-06-12",
        "numberOfOccurrences": 6,
        "recurrenceTimeZone": "W. Europe Standard Time",
    },
}
SATURDAYS = ("RRULE:FREQ=WEEKLY;BYDAY=SA;COUNT=6",)
GUEST = {"type": "required", "emailAddress": {"name": "Bo", "address": "bo@example.com"}}


@pytest.fixture(scope="module")
async def wire() -> AsyncIterator[Wire]:
    one = Wire()
    yield one
    await one.close()


@pytest.fixture
async def stage(wire: Wire) -> AsyncIterator[Stage]:
    fake = Outlook()
    async with serving([fake]) as at:
        yield Stage(fake, wire, at)


async def test_every_call_asks_for_immutable_ids_utc_and_plain_text(stage: Stage) -> None:
    await stage.connector.calendars(stage.held, timeout_s=5)
    await stage.push(CEREMONY)
    await stage.round()
    assert len(stage.calls()) >= 5
    for call in stage.calls():
        for wish in ('IdType="ImmutableId"', 'outlook.timezone="UTC"', 'outlook.body-content-type="text"', "maxpage"):
            assert wish in call.prefer


async def test_every_page_is_followed_in_the_first_round_and_in_later_ones(stage: Stage) -> None:
    stage.fake.page_size = 2
    ids = [
        await stage.fake.make(stage.calendar, title=f"Shoot {n}", times=timed("2027-06-12T10:00", "2027-06-12T11:00"))
        for n in range(5)
    ]
    found, cursor = await stage.round()
    assert set(found) == set(ids)
    first = await stage.pull()
    assert first.is_listing and first.has_more and len(first.changes) == 2
    for id in ids:
        await stage.fake.move(stage.calendar, id, timed("2027-06-13T10:00", "2027-06-13T11:00"))
    found, cursor = await stage.round(cursor)
    assert set(found) == set(ids)
    found, again = await stage.round(cursor)
    assert found == {} and again != cursor


async def test_a_listing_ends_as_one_and_what_follows_is_none(stage: Stage) -> None:
    await stage.fake.make(stage.calendar, title="Shoot", times=timed("2027-06-12T10:00", "2027-06-12T11:00"))
    first = await stage.pull()
    assert (first.is_listing, first.has_more) == (True, False)
    assert (await stage.pull(first.cursor)).is_listing is False


async def test_the_days_a_listing_spans_stand_in_its_first_call_and_it_is_begun_anew_after_a_week(
    stage: Stage, wire: Wire
) -> None:
    _, cursor = await stage.round()
    asked = stage.calls()[0]
    assert asked.path == f"/me/calendars/{stage.calendar}/calendarView/delta"
    assert asked.query == "startDateTime=2027-01-01T00:00:00Z&endDateTime=2028-06-01T00:00:00Z"
    later = clock.machine_now() + timedelta(days=pulling.WINDOW_DAYS, seconds=1)
    settings = stage.fake.settings_at(stage.at)
    stage.connector = connect(Tools(wire=wire, machine_now=lambda: later, settings=settings))
    assert isinstance(await stage.pull(cursor), CursorLost)


async def test_a_forgotten_cursor_and_one_of_nobody_are_lost(stage: Stage) -> None:
    _, cursor = await stage.round()
    stage.fake.forget_cursors()
    lost = await stage.pull(cursor)
    assert isinstance(lost, CursorLost)
    assert "SyncStateNotFound" in lost.reason
    assert isinstance(await stage.pull("whatever"), CursorLost)


async def test_a_series_is_one_event_with_its_exceptions_and_without_what_was_deleted(stage: Stage) -> None:
    times = timed("2027-06-12T10:00:00", "2027-06-12T12:00:00")
    id = await stage.fake.make(stage.calendar, title="Studio", times=times, more={"recurrence": WEEKLY})
    found, cursor = await stage.round()
    assert list(found) == [id]
    assert held(found[id]).rules == SATURDAYS
    await stage.fake.delete(stage.calendar, f"{id}.2027-06-19")
    await stage.fake.move(
        stage.calendar, f"{id}.2027-06-26", timed("2027-06-27T15:00:00", "2027-06-27T16:00:00", BERLIN)
    )
    found, cursor = await stage.round(cursor)
    assert held(found[id]).rules == ("EXDATE;TZID=Europe/Berlin:20270619T100000", *SATURDAYS)
    (exception,) = [change for change in found.values() if change.series]
    assert (exception.series, exception.original) == (id, "2027-06-26T10:00:00")
    assert held(exception).times == timed("2027-06-27T15:00:00", "2027-06-27T16:00:00")
    await stage.fake.delete(stage.calendar, exception.id)
    found, cursor = await stage.round(cursor)
    assert (list(found), found[id].is_whole) == ([id], True), "that the exception is gone is told by its not being told"
    assert len(held(found[id]).rules) == 3
    await stage.fake.delete(stage.calendar, id)
    found, _ = await stage.round(cursor)
    assert found[id].event is None


async def test_many_series_are_fetched_in_shares_that_the_cursor_carries(stage: Stage) -> None:
    times = timed("2027-06-12T10:00:00", "2027-06-12T12:00:00")
    ids = {
        await stage.fake.make(stage.calendar, title=f"Series {n}", times=times, more={"recurrence": WEEKLY})
        for n in range(pulling.FETCHED_MAX + 3)
    }
    first = await stage.pull()
    assert len(first.changes) == pulling.FETCHED_MAX
    assert first.has_more and first.is_listing
    second = await stage.pull(first.cursor)
    assert not second.has_more and second.is_listing
    assert {change.id for change in (*first.changes, *second.changes)} == ids
    assert (await stage.round(second.cursor))[0] == {}


async def test_what_is_moved_out_of_the_days_of_the_listing_is_not_taken_for_deleted(stage: Stage) -> None:
    id = await stage.fake.make(stage.calendar, title="Shoot", times=timed("2027-06-12T10:00", "2027-06-12T11:00"))
    _, cursor = await stage.round()
    await stage.fake.move(stage.calendar, id, timed("2030-06-12T10:00:00", "2030-06-12T11:00:00"))
    found, cursor = await stage.round(cursor)
    assert held(found[id]).times == timed("2030-06-12T10:00:00", "2030-06-12T11:00:00")
    await stage.fake.delete(stage.calendar, id)
    found, _ = await stage.round(cursor)
    assert found[id].event is None


async def test_what_cannot_be_understood_is_counted_and_keeps_nothing_else_from_being_read(stage: Stage) -> None:
    good = await stage.fake.make(stage.calendar, title="Good", times=Days(on="2027-06-12", until="2027-06-13"))
    bad = await stage.fake.make(stage.calendar, title="Bad", times=Days(on="2027-06-12", until="2027-06-13"))
    book = stage.fake.book(stage.calendar)[1]
    entry = book.entries[bad]
    entry.span = msgspec.structs.replace(entry.span, start=entry.span.start + timedelta(hours=5, minutes=1))
    page = await stage.pull()
    assert [change.id for change in page.changes] == [good]
    assert page.unread == 1


async def test_a_link_that_leads_elsewhere_is_not_followed(stage: Stage, wire: Wire) -> None:
    settings = {"outlook_calendar_base_url": f"{stage.at}/graph//v1.0"}
    stage.connector = connect(Tools(wire=wire, machine_now=clock.machine_now, settings=settings))
    before = len(stage.calls())
    outcome = await stage.pull()
    assert isinstance(outcome, RetryLater)
    assert len(stage.calls()) <= before + 1


async def test_trying_twice_makes_one_event_and_the_marker_comes_back(stage: Stage) -> None:
    stage.fake.moods.switch(driven.LOST, times=1)
    lost = await stage.push(CEREMONY)
    assert isinstance(lost, Unknown)
    assert lost.repeat_is_safe
    made = await stage.push(CEREMONY)
    assert isinstance(made, Pushed)
    assert [seen.id for seen in stage.fake.seen(stage.calendar)] == [made.id]
    found, _ = await stage.round()
    assert found[made.id].marker == "event/1"
    assert found[made.id].event == CEREMONY
    assert found[made.id].etag == made.etag


async def test_a_second_try_that_says_otherwise_finds_what_the_first_made(stage: Stage) -> None:
    await stage.push(CEREMONY)
    again = await stage.push(msgspec.structs.replace(CEREMONY, title="Ceremony, moved"))
    assert isinstance(again, Moved)
    assert len(stage.fake.seen(stage.calendar)) == 1
    foreign = await stage.push(msgspec.structs.replace(CEREMONY, title="Another"), marker="event/2")
    assert isinstance(foreign, Gone)
    assert len(stage.fake.seen(stage.calendar)) == 1


async def test_one_event_that_may_not_be_read_keeps_no_other_from_being_read(stage: Stage) -> None:
    times = timed("2027-06-12T10:00:00", "2027-06-12T12:00:00")
    closed = await stage.fake.make(stage.calendar, title="Closed", times=times, more={"recurrence": WEEKLY})
    other = await stage.fake.make(stage.calendar, title="Open", times=times, more={"recurrence": WEEKLY})
    stage.fake.api.closed.add(closed)
    page = await stage.pull()
    assert [change.id for change in page.changes] == [other]
    assert (page.unread, page.has_more) == (1, False)


async def test_a_change_writes_what_differs_and_only_on_what_we_saw(stage: Stage) -> None:
    made = await stage.push(CEREMONY)
    later = msgspec.structs.replace(CEREMONY, times=timed("2027-06-12T15:00:00", "2027-06-12T16:00:00"))
    moved = await stage.push(later, id=made.id, etag=made.etag)
    assert isinstance(moved, Pushed)
    patched = [call for call in stage.calls() if call.method == "PATCH"]
    assert [set(call.said) for call in patched] == [{"start", "end", "isAllDay", "singleValueExtendedProperties"}]
    assert isinstance(await stage.push(CEREMONY, id=made.id, etag=made.etag), Moved)
    assert isinstance(await stage.push(None, id=made.id, etag=made.etag), Moved)
    assert isinstance(await stage.push(later, id=made.id, etag=moved.etag), Pushed)
    assert [call.status for call in stage.calls() if call.method == "PATCH"] == [200]
    assert isinstance(await stage.push(None, id=made.id, etag=moved.etag), Pushed)
    assert isinstance(await stage.push(None, id=made.id, etag=moved.etag), Gone)
    assert isinstance(await stage.push(later, id=made.id, etag=moved.etag), Gone)


async def test_a_series_is_made_with_the_dates_it_leaves_out_and_may_leave_out_more(stage: Stage) -> None:
    rules = ("EXDATE;TZID=Europe/Berlin:20270619T140000", *SATURDAYS)
    series = msgspec.structs.replace(CEREMONY, rules=rules)
    made = await stage.push(series)
    assert isinstance(made, Pushed)
    found, cursor = await stage.round()
    assert found[made.id].event == series
    more = msgspec.structs.replace(series, rules=("EXDATE;TZID=Europe/Berlin:20270703T140000", *rules))
    assert isinstance(await stage.push(more, id=made.id, etag=found[made.id].etag), Pushed)
    found, _ = await stage.round(cursor)
    assert sorted(held(found[made.id]).rules) == sorted(more.rules)
    back = await stage.push(series, id=made.id, etag=found[made.id].etag)
    assert isinstance(back, ReadOnly)


async def test_what_outlook_cannot_hold_is_refused_before_anything_is_sent(stage: Stage) -> None:
    hourly = msgspec.structs.replace(CEREMONY, rules=("RRULE:FREQ=HOURLY",))
    refused = await stage.push(hourly)
    assert refused == ReadOnly(reason="Outlook cannot hold a rule of this kind (hourly).")
    assert stage.calls() == []


async def test_guests_are_never_written_and_their_meetings_never_touched(stage: Stage) -> None:
    times = timed("2027-06-12T10:00:00", "2027-06-12T11:00:00")
    id = await stage.fake.make(stage.calendar, title="Meeting", times=times, more={"attendees": [GUEST]})
    found, _ = await stage.round()
    assert not found[id].is_editable
    refused = await stage.push(CEREMONY, id=id, etag=found[id].etag)
    assert isinstance(refused, ReadOnly)
    await stage.push(CEREMONY)
    assert all("attendees" not in (call.said or {}) for call in stage.calls())
    assert [call.method for call in stage.calls() if call.method in ("PATCH", "DELETE")] == []


async def test_a_calendar_to_read_only_and_one_that_is_gone_say_so(stage: Stage) -> None:
    assert isinstance(await stage.push(CEREMONY, calendar=stage.birthdays), ReadOnly)
    gone = await stage.push(CEREMONY, calendar="gone")
    assert isinstance(gone, Gone)
    assert gone.is_calendar
    gone = await stage.pull(calendar="gone")
    assert isinstance(gone, Gone)
    assert gone.is_calendar


async def test_fewer_rights_than_asked_for_need_a_person_and_only_the_zone_is_done_without(stage: Stage) -> None:
    narrow = stage.fake.consent.issue(driven.ACCOUNTS[0], ("Calendars.ReadWrite",)).access
    stage.held = msgspec.structs.replace(stage.held, secrets={"access_token": (narrow,)})
    calendars = await stage.connector.calendars(stage.held, timeout_s=5)
    assert isinstance(calendars, tuple)
    assert {calendar.zone for calendar in calendars} == {"UTC"}
    assert isinstance(await stage.connector.account(stage.held, timeout_s=5), ReconnectNeeded)
    none = stage.fake.consent.issue(driven.ACCOUNTS[0], ("User.Read",)).access
    stage.held = msgspec.structs.replace(stage.held, secrets={"access_token": (none,)})
    assert isinstance(await stage.pull(), ReconnectNeeded)


async def test_answers_that_are_not_understood_are_no_success(stage: Stage) -> None:
    floating = msgspec.structs.replace(CEREMONY, times=timed("2027-06-12T14:00:00", "2027-06-12T15:00:00", ""))
    assert isinstance(await stage.push(floating, zone="Europe/Nowhere"), ReadOnly)
    stage.fake.moods.switch(driven.TRUNCATED, times=1)
    assert isinstance(await stage.pull(), RetryLater)
    stage.fake.moods.switch(driven.TRUNCATED, times=1)
    assert isinstance(await stage.push(CEREMONY, key="k2"), Unknown)


async def test_all_that_is_sent_and_answered_fits_microsofts_own_metadata(stage: Stage) -> None:
    schema = csdl.load()
    series = msgspec.structs.replace(CEREMONY, rules=("EXDATE;TZID=Europe/Berlin:20270619T140000", *SATURDAYS))
    await stage.connector.calendars(stage.held, timeout_s=5)
    made = await stage.push(CEREMONY)
    await stage.push(series, key="key-2", marker="event/2")
    whole = msgspec.structs.replace(CEREMONY, times=Days(on="2027-06-12", until="2027-06-13"), is_private=True)
    await stage.push(whole, key="key-3", marker="event/3")
    await stage.push(msgspec.structs.replace(whole, is_busy=False), id=made.id, etag=made.etag)
    found, _ = await stage.round()
    id = next(id for id, change in found.items() if change.event is not None and change.event.rules)
    await stage.fake.move(stage.calendar, f"{id}.2027-07-03", timed("2027-07-04T10:00", "2027-07-04T11:00"))
    await stage.round()
    problems = [problem for call in stage.calls() for problem in _problems(schema, call)]
    assert problems == []
    assert {call.method for call in stage.calls()} == {"GET", "POST", "PATCH", "DELETE"}


def _problems(schema: csdl.Schema, call: Any) -> list[str]:
    where = f"{call.method} {call.path}"
    if call.status >= 400 or call.path in ("/me", "/me/mailboxSettings/timeZone"):
        return []
    said = schema.problems("graph.event", call.said, f"{where} said") if call.said else []
    if call.path == "/me/calendars":
        return schema.problems("Collection(graph.calendar)", call.told["value"], where)
    if call.told is None:
        return said
    if "value" in call.told:
        return said + schema.problems("Collection(graph.event)", call.told["value"], where)
    return said + schema.problems("graph.event", call.told, where)


async def test_no_answer_leaves_what_is_in_a_calendar_behind(stage: Stage) -> None:
    made = await stage.push(CEREMONY)
    page = await stage.pull()
    refused = await stage.push(CEREMONY, calendar="gone")
    for outcome in (made, page, refused):
        kept = json.dumps(msgspec.to_builtins(outcome.attempt))
        assert "Ceremony" not in kept and "access-" not in kept


async def test_an_instant_is_told_as_one(stage: Stage) -> None:
    id = await stage.fake.make(stage.calendar, title="Toast", times=timed("2027-06-12T20:00", "2027-06-12T20:00"))
    page = await stage.pull()
    assert isinstance(page, Pulled)
    assert page.changes[0].id == id
    assert page.changes[0].updated_at is not None
    assert page.changes[0].updated_at <= datetime.now(UTC)
