"""What is peculiar to Google: its errors, its ids, its exceptions of a series, its tokens, and its own schema."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode
from uuid import uuid4

import msgspec
import pytest

from tests.connectors.stages import SINCE, UNTIL, Stage, staged
from wedsync.connections.calendars import driven
from wedsync.connections.calendars.contract import (
    CursorLost,
    Gone,
    Moved,
    Pull,
    Pulled,
    Pushed,
    ReadOnly,
    RemoteCalendar,
    Watch,
    Watching,
)
from wedsync.connections.calendars.driven import ACCOUNTS
from wedsync.connections.calendars.event import CalendarEvent, Days, Timed, checked
from wedsync.connections.contract import Connection, ReconnectNeeded, Rejected, RetryLater
from wedsync.connectors.google_calendar.answers import trouble, wrote
from wedsync.connectors.google_calendar.fake import RATE, SCOPES
from wedsync.connectors.google_calendar.tests.discovery import discovery
from wedsync.connectors.google_calendar.writing import new_id
from wedsync.kit import clock
from wedsync.kit.http import Reply, Timing, Wire

BERLIN = "Europe/Berlin"
FEAST = checked(
    CalendarEvent(times=Timed(start="2026-06-13T14:00:00", end="2026-06-13T23:30:00", zone=BERLIN), title="Feast")
)
WEEKLY = msgspec.structs.replace(
    FEAST,
    times=Timed(start="2026-03-16T18:00:00", end="2026-03-16T19:00:00", zone=BERLIN),
    rules=("RRULE:FREQ=WEEKLY;BYDAY=MO",),
)
HOLIDAYS = "de#holiday@group.v.calendar.google.com"


@pytest.fixture(scope="module")
async def stage() -> AsyncIterator[Stage]:
    async with staged("google_calendar") as one:
        yield one


@pytest.fixture(scope="module")
async def calendar(stage: Stage) -> RemoteCalendar:
    return await stage.calendar()


def answer(status: int, *reasons: str, **headers: str) -> Reply:
    body = msgspec.json.encode({"error": {"code": status, "errors": [{"reason": reason} for reason in reasons]}})
    return Reply(status=status, headers=headers, body=body, ending="whole", timing=Timing())


@pytest.mark.parametrize(
    ("reply", "kind", "says"),
    [
        (answer(403, "rateLimitExceeded"), RetryLater, "not now"),
        (answer(403, "userRateLimitExceeded"), RetryLater, "not now"),
        (answer(403, "quotaExceeded"), RetryLater, "not now"),
        (answer(429), RetryLater, "429"),
        (answer(500, "backendError"), RetryLater, "backendError"),
        (answer(403, "insufficientPermissions"), ReconnectNeeded, "every box"),
        (answer(403, "accessNotConfigured"), ReconnectNeeded, "Switch the API on"),
        (answer(401, "authError"), ReconnectNeeded, "Connect Google Calendar again"),
        (answer(401, "push.webhookUrlUnauthorized"), Rejected, "public https"),
        (answer(400, "invalid"), Rejected, "400 (invalid)"),
        (answer(403, "forbidden"), Rejected, "403 (forbidden)"),
        (Reply(status=400, headers={}, body=b"<html>", ending="whole", timing=Timing()), Rejected, "400."),
    ],
)
def test_every_answer_means_one_thing(reply: Reply, kind: type, says: str) -> None:
    outcome = trouble(reply, now=SINCE)
    assert isinstance(outcome, kind)
    assert says in getattr(outcome, "reason", "")
    assert outcome.attempt.response_head == ""


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (answer(403, "forbiddenForNonOrganizer"), ReadOnly),
        (answer(403, "rateLimitExceeded"), RetryLater),
        (answer(403, "insufficientPermissions"), ReconnectNeeded),
        (answer(409, "duplicate"), Moved),
        (answer(412, "conditionNotMet"), Moved),
        (answer(404, "notFound"), Gone),
        (answer(410, "deleted"), Gone),
        (answer(400, "invalid"), Rejected),
    ],
)
def test_every_answer_to_a_write_means_one_thing(reply: Reply, kind: type) -> None:
    assert isinstance(wrote(reply, dict[str, Any], now=SINCE), kind)


async def test_google_slows_down_by_403_as_well(stage: Stage, calendar: RemoteCalendar) -> None:
    with stage.mood(RATE):
        assert isinstance(await stage.pull(calendar, ""), RetryLater)
        assert isinstance(await stage.push(calendar, FEAST, key="rate"), RetryLater)


async def test_a_token_of_too_little_scope_asks_for_a_new_connection(stage: Stage, calendar: RemoteCalendar) -> None:
    issued = stage.fake.consent.issue(ACCOUNTS[0], [next(iter(SCOPES))])  # type: ignore[attr-defined]
    narrow = Connection(id=uuid4(), secrets={"access_token": (issued.access,)})
    assert await stage.connector.calendars(narrow, timeout_s=20)
    pull = Pull(calendar=calendar.id, cursor="", since=SINCE, until=UNTIL)
    assert isinstance(await stage.connector.pull(pull, narrow), ReconnectNeeded)


async def test_a_calendar_that_is_only_shown_is_read_and_not_written(stage: Stage, calendar: RemoteCalendar) -> None:
    holidays = msgspec.structs.replace(calendar, id=HOLIDAYS)
    page = await stage.pull(holidays, "")
    assert isinstance(page, Pulled)
    assert isinstance(await stage.push(holidays, FEAST, key="holiday"), ReadOnly)


async def test_an_id_of_another_maker_is_not_taken_over(stage: Stage, calendar: RemoteCalendar) -> None:
    made = await stage.push(calendar, FEAST, key="taken")
    assert made.id == new_id("taken")
    other = await stage.push(calendar, FEAST, key="taken", marker="another's")
    assert isinstance(other, Moved)


async def test_what_was_deleted_can_be_made_again_with_the_same_key(stage: Stage, calendar: RemoteCalendar) -> None:
    made = await stage.push(calendar, FEAST, key="again")
    await stage.push(calendar, None, key="again", id=made.id, etag=made.etag)
    assert made.id not in await stage.there(calendar)
    again = await stage.push(calendar, FEAST, key="again")
    assert isinstance(again, Pushed)
    assert (await stage.there(calendar))[made.id].event == FEAST


async def test_making_what_was_made_brings_it_up_to_date(stage: Stage, calendar: RemoteCalendar) -> None:
    first = await stage.push(calendar, FEAST, key="current")
    newer = msgspec.structs.replace(FEAST, title="Feast, later")
    assert (await stage.push(calendar, newer, key="current")).id == first.id
    assert (await stage.there(calendar))[first.id].event == newer


async def test_cancelling_deletes_and_deleting_what_never_was_needs_nobody(
    stage: Stage, calendar: RemoteCalendar
) -> None:
    made = await stage.push(calendar, FEAST, key="off")
    off = msgspec.structs.replace(FEAST, status="cancelled")
    assert isinstance(await stage.push(calendar, off, key="off", id=made.id, etag=made.etag), Pushed)
    assert made.id not in await stage.there(calendar)
    assert isinstance(await stage.push(calendar, None, key="never"), Gone)
    missing = msgspec.structs.replace(calendar, id="missing@group.calendar.google.com")
    found = await stage.push(missing, FEAST, key="nowhere")
    assert isinstance(found, Gone)
    assert found.is_calendar


async def test_exceptions_of_a_series_are_moved_and_called_off_by_their_own_ids(
    stage: Stage, calendar: RemoteCalendar
) -> None:
    series = await stage.push(calendar, WEEKLY, key="weekly")
    _, cursor = await stage.pulled(calendar)
    # After the clocks change, 18:00 is 16:00 in UTC; ids of occurrences tell their original start so.
    moved = msgspec.structs.replace(
        WEEKLY, rules=(), times=Timed(start="2026-03-31T18:00:00", end="2026-03-31T19:00:00", zone=BERLIN)
    )
    one = f"{series.id}_20260330T160000Z"
    assert isinstance(await stage.push(calendar, moved, key="-", id=one), Pushed)
    off = f"{series.id}_20260406T160000Z"
    assert isinstance(await stage.push(calendar, None, key="-", id=off), Pushed)
    pages, cursor = await stage.pulled(calendar, cursor)
    changes = {change.id: change for page in pages for change in page.changes}
    assert set(changes) == {one, off}
    assert (changes[one].series, changes[one].original) == (series.id, "2026-03-30T18:00:00")
    assert changes[one].event == moved
    assert (changes[off].series, changes[off].original, changes[off].event) == (series.id, "2026-04-06T18:00:00", None)
    # A listing tells the day that is off as well, or it would come back.
    listed = [change for page in (await stage.pulled(calendar))[0] for change in page.changes]
    assert off in {change.id for change in listed if change.event is None}
    await stage.push(calendar, None, key="-", id=series.id)
    pages, _ = await stage.pulled(calendar, cursor)
    assert {change.id for page in pages for change in page.changes if change.event is None} >= {series.id, one}


async def test_a_cursor_of_other_parameters_is_lost_and_so_is_one_in_mid_listing(
    stage: Stage, calendar: RemoteCalendar
) -> None:
    _, cursor = await stage.pulled(calendar)
    older = cursor.replace('"form":1', '"form":0')
    assert older != cursor
    assert isinstance(await stage.pull(calendar, older), CursorLost)
    for _ in range(2):
        await stage.fake.make(calendar.id, title="More", times=FEAST.times)
    with stage.pages_of(1):
        page = await stage.pull(calendar, "")
        assert page.has_more
        stage.fake.forget_cursors()
        assert isinstance(await stage.pull(calendar, page.cursor), CursorLost)


async def test_what_is_far_away_is_not_listed(stage: Stage, calendar: RemoteCalendar) -> None:
    id = await stage.fake.make(calendar.id, title="Long ago", times=Days(on="2019-01-01", until="2019-01-02"))
    assert id not in await stage.there(calendar)


async def test_no_notification_comes_where_push_is_off(stage: Stage, calendar: RemoteCalendar) -> None:
    connector: Any = stage.connector
    watch = Watch(
        calendar=calendar.id,
        id="silent",
        token="t",
        address=f"{stage.at}/bell",
        expires_at=clock.machine_now() + timedelta(hours=1),
    )
    watching = await connector.watch(watch, stage.connection)
    assert isinstance(watching, Watching)
    await stage.bell.wait_for(lambda rung: len(rung) == 1)
    with stage.mood(driven.OFF):
        await stage.fake.make(calendar.id, title="Unheard", times=FEAST.times)
    await stage.fake.make(calendar.id, title="Heard", times=FEAST.times)
    await stage.bell.wait_for(lambda rung: len(rung) == 2)
    states = [one.headers["x-goog-resource-state"] for one in stage.bell.rung]
    numbers = [int(one.headers["x-goog-message-number"]) for one in stage.bell.rung]
    assert (states, numbers) == (["sync", "exists"], [1, 3])
    again = await connector.watch(watch, stage.connection)
    assert isinstance(again, Rejected)


async def test_a_visitor_makes_moves_and_deletes_events_by_hand(stage: Stage, calendar: RemoteCalendar) -> None:
    wire = Wire()
    form = {"content-type": "application/x-www-form-urlencoded"}

    async def act(**fields: str) -> str:
        url = f"{stage.at}/google/at/{quote(calendar.id)}"
        done = await wire.request("POST", url, headers=form, body=urlencode(fields).encode(), trusted=True)
        assert isinstance(done, Reply)
        assert done.status in (303, 400, 422)
        page = await wire.request("GET", url, trusted=True)
        assert isinstance(page, Reply)
        assert page.status == 200
        return page.body.decode()

    hours = {"start": "2026-06-13T10:00", "end": "2026-06-13T11:00"}
    assert "By hand" in await act(what="make", title="By hand", **hours)
    (id,) = (one.id for one in stage.fake.seen(calendar.id) if one.title == "By hand")
    assert "2026-06-14T10:00" in await act(what="move", id=id, start="2026-06-14T10:00", end="2026-06-14T11:00")
    assert 'type="date"' in await act(what="move", id=id, start="2026-06-14", end="2026-06-15")
    await act(what="move", id=id, start="2026-06-14T10:00", end="2026-06-14T09:00")
    await act(what="move", id=id, start="", end="")
    assert [one.times for one in stage.fake.seen(calendar.id) if one.id == id] == [
        Days(on="2026-06-14", until="2026-06-16")
    ]
    assert "By hand" not in await act(what="delete", id=id)
    for path, fields in (("mood", {"mood": "5xx", "times": "1"}), ("forget", {})):
        await wire.request(
            "POST", f"{stage.at}/google/{path}", headers=form, body=urlencode(fields).encode(), trusted=True
        )
    assert stage.fake.moods.left == 1
    stage.fake.moods.switch("fine")
    index = await wire.request("GET", f"{stage.at}/google", trusted=True)
    assert isinstance(index, Reply)
    assert calendar.title in index.body.decode()
    await wire.close()


async def test_every_request_and_answer_fits_googles_own_description(stage: Stage, calendar: RemoteCalendar) -> None:
    document = discovery()
    before = len(stage.fake.exchanges)  # type: ignore[attr-defined]
    connector: Any = stage.connector
    await connector.account(stage.connection, timeout_s=20)
    await connector.calendars(stage.connection, timeout_s=20)
    floating = Timed(start="2026-06-13T14:00:00", end="2026-06-13T15:00:00", zone="")
    days = Days(on="2026-06-13", until="2026-06-14")
    for number, one in enumerate((FEAST, WEEKLY, *(msgspec.structs.replace(FEAST, times=t) for t in (floating, days)))):
        made = await stage.push(calendar, one, key=f"fit-{number}")
        for changed in (msgspec.structs.replace(one, times=days, rules=()), one):
            made = await stage.push(calendar, changed, key="-", id=made.id, etag=made.etag)
            assert isinstance(made, Pushed)
        await stage.push(calendar, one, key=f"fit-{number}")
    await stage.push(calendar, None, key="-", id=made.id)
    with stage.pages_of(2):
        _, cursor = await stage.pulled(calendar)
        await stage.fake.make(calendar.id, title="One more", times=FEAST.times)
        await stage.pulled(calendar, cursor)
    ends = clock.machine_now() + timedelta(hours=1)
    watch = Watch(calendar=calendar.id, id="fitting", token="t", address=f"{stage.at}/bell", expires_at=ends)
    watching = await connector.watch(watch, stage.connection)
    await connector.unwatch(calendar.id, watching, stage.connection)
    said = list(stage.fake.exchanges)[before:]  # type: ignore[attr-defined]
    assert {one.method for one in said} == {"GET", "POST", "PATCH", "DELETE"}
    assert [fault for one in said for fault in document.faults(one)] == []
    # And the judge itself would tell.
    wrong = msgspec.structs.replace(said[-3], query={"sendUpdate": "none"}, body={"start": 1})
    assert document.faults(wrong)


async def test_what_google_cannot_hold_is_refused_before_it_is_sent(stage: Stage, calendar: RemoteCalendar) -> None:
    floating = msgspec.structs.replace(FEAST, times=msgspec.structs.replace(FEAST.times, zone=""))
    assert isinstance(await stage.push(calendar, floating, key="mars", zone="Mars/Olympus"), ReadOnly)
