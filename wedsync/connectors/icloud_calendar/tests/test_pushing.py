"""Writing by CalDAV where servers refuse, forget to answer, or hold more than we know."""

from typing import Any

import pytest
from msgspec import structs

from wedsync.connections.calendars.contract import Gone, Moved, Pushed, ReadOnly
from wedsync.connections.calendars.event import CalendarEvent
from wedsync.connections.calendars.ical_write import new_object
from wedsync.connections.contract import ReconnectNeeded, Rejected, RetryLater
from wedsync.connectors.icloud_calendar.tests.scripted import (
    EVENT,
    NOW,
    OBJECT,
    PATH,
    Script,
    failure,
    many,
    one,
    pushed,
    refusal,
    reply,
    there,
)
from wedsync.kit.http import Failure, Reply

OURS = new_object(EVENT, uid="k1", marker="m-k1", at=NOW)
NEWER = structs.replace(EVENT, title="Ceremony, later")
MEETING = OBJECT.replace(
    "SUMMARY:Tasting\r\n",
    "SUMMARY:Tasting\r\nORGANIZER:mailto:boss@flora.example\r\nATTENDEE:mailto:vera@flora.example\r\n",
)
EXCEPTION = f"{PATH}#2027-06-12T12:00:00"


def got(body: str | bytes = OBJECT, etag: str = '"e1"', status: int = 200) -> Reply:
    return reply(status, body, etag=etag) if etag else reply(status, body)


@pytest.mark.parametrize(
    ("answers", "kind", "says"),
    [
        ((reply(201),), Pushed, ""),
        ((reply(401),), ReconnectNeeded, "app-specific password"),
        ((refusal(403, "C:supported-calendar-data"),), ReadOnly, "403 (supported-calendar-data)"),
        ((reply(400, "<html>no XML"),), ReadOnly, "answered 400: it"),
        ((reply(404), there()), ReadOnly, "404"),
        ((reply(405),), ReadOnly, "405"),
        ((refusal(409, "C:min-date-time"), there()), ReadOnly, "min-date-time"),
        ((reply(410), there()), RetryLater, "cannot be found"),
        ((reply(415),), ReadOnly, "415"),
        ((reply(422),), ReadOnly, "422"),
        ((reply(409), reply(503)), RetryLater, "503"),
        ((reply(423),), RetryLater, "423"),
        ((reply(429),), RetryLater, "429"),
        ((reply(500),), RetryLater, "500"),
        ((reply(503),), RetryLater, "503"),
        ((reply(507),), Rejected, "no space"),
        ((failure("refused"),), ReconnectNeeded, "refused"),
        ((reply(412), reply(404)), Moved, "exists"),
        ((refusal(409, "C:no-uid-conflict"), reply(404)), Moved, "exists"),
        ((reply(412), got(OBJECT)), Moved, "exists"),
        ((reply(412), got("BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n")), Moved, "exists"),
        ((reply(412), got(OURS[:-9])), RetryLater, "only a part"),
        ((reply(412), reply(200, OURS, ending="cut")), RetryLater, "only a part"),
    ],
)
async def test_every_answer_to_a_new_event_means_one_thing(
    answers: tuple[Reply | Failure, ...], kind: type[Any], says: str
) -> None:
    script = Script(*answers)
    found = await pushed(script)
    assert isinstance(found, kind)
    assert says in getattr(found, "reason", "")
    assert script.left == []
    assert script.asked[0].headers["if-none-match"] == "*"


async def test_a_calendar_that_is_gone_with_the_event_is_told_apart_from_the_event() -> None:
    elsewhere = many(one("/1/cal/", "<resourcetype><collection/></resourcetype>"))
    none = many(one("/1/cal/", status="404 Not Found"))
    for state in (elsewhere, none, many()):
        principal = many(one("/", "<current-user-principal><href>/p/</href></current-user-principal>"))
        home = many(one("/p/", "<C:calendar-home-set><href>/1/</href></C:calendar-home-set>"))
        for asked, id in ((reply(404), ""), (reply(404), PATH)):
            gone = await pushed(Script(asked, state, principal, home), id=id)
            assert isinstance(gone, Gone)
            assert gone.is_calendar
    event = await pushed(Script(reply(410), there()), id=PATH)
    assert isinstance(event, Gone)
    assert not event.is_calendar


async def test_what_we_made_already_is_taken_for_made_with_its_etag() -> None:
    found = await pushed(Script(reply(412), got(OURS, 'W/"e7"')))
    assert (found.id, found.etag) == ("/1/cal/k1.ics", '"e7"')
    assert isinstance(await pushed(Script(reply(412), got(OURS)), NEWER), Moved)
    assert isinstance(await pushed(Script(reply(412), got(OURS)), marker="another's"), Moved)


async def test_a_key_that_is_no_file_name_becomes_one_and_stays_the_same() -> None:
    first, again, other = [Script(reply(201)) for _ in range(3)]
    for script, key in ((first, "a/../b?c"), (again, "a/../b?c"), (other, ".hidden")):
        assert isinstance(await pushed(script, key=key), Pushed)
    assert first.said == again.said != other.said
    assert first.asked[0].path.startswith("/1/cal/")
    assert len(first.asked[0].path) == len("/1/cal/") + 40 + len(".ics")


async def test_taking_away_what_was_never_made_needs_nobody() -> None:
    script = Script()
    assert isinstance(await pushed(script, None), Gone)
    assert script.asked == []


@pytest.mark.parametrize(
    ("answers", "kind", "says"),
    [
        ((reply(404), there()), Gone, ""),
        ((got(status=403),), ReadOnly, "403"),
        ((got(status=423),), RetryLater, "423"),
        ((got(status=415),), ReadOnly, "415"),
        ((got(etag='"e2"'),), Moved, "meanwhile"),
        ((got(etag=""),), Moved, "meanwhile"),
        ((got(MEETING),), ReadOnly, "another organizer"),
        ((got("BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"),), Gone, ""),
        ((got(OBJECT[:-5]),), RetryLater, "only a part"),
        ((reply(200, OBJECT, ending="capped", etag='"e1"'),), RetryLater, "only a part"),
        ((got(OBJECT.replace("DTSTART:20270605T120000Z", "DTSTART:whenever")),), ReadOnly, "cannot be read"),
        ((got(OBJECT.replace("SUMMARY:Tasting", "END:VTODO")),), ReadOnly, "cannot be read"),
        ((got(OBJECT.replace("VERSION:2.0", "no property")),), ReadOnly, "so it cannot"),
        ((got(), reply(204, etag='"e2"')), Pushed, ""),
        ((got(), reply(412)), Moved, "meanwhile"),
        ((got(), reply(404), there()), Gone, ""),
        ((got(), refusal(403, "need-privileges")), ReadOnly, "need-privileges"),
        ((got(), reply(405)), ReadOnly, "405"),
        ((got(), reply(423)), RetryLater, "423"),
        ((got(), reply(503, retry_after="9")), RetryLater, "503"),
    ],
)
async def test_every_answer_to_a_change_means_one_thing(answers: tuple[Reply, ...], kind: type[Any], says: str) -> None:
    script = Script(*answers)
    found = await pushed(script, id=PATH, etag='"e1"')
    assert isinstance(found, kind), found
    assert says in getattr(found, "reason", "")
    assert script.left == []


async def test_without_an_etag_a_change_is_on_a_condition_that_nothing_meets() -> None:
    script = Script(got(etag=""), reply(412))
    assert isinstance(await pushed(script, id=PATH), Moved)
    assert script.asked[1].headers["if-match"] == '""'
    ours = Script(got(OURS, '"e9"'))
    found = await pushed(ours, id=PATH, etag='"e1"')
    assert (found.id, found.etag) == (PATH, '"e9"')


@pytest.mark.parametrize(
    ("answers", "etag", "kind", "condition"),
    [
        ((reply(204),), '"e1"', Pushed, '"e1"'),
        ((got(), reply(204)), "", Pushed, '"e1"'),
        ((got(etag=""), reply(412)), "", Moved, '""'),
        ((reply(412),), '"e1"', Moved, '"e1"'),
        ((reply(410), there()), '"e1"', Gone, '"e1"'),
        ((reply(403),), '"e1"', ReadOnly, '"e1"'),
        ((reply(423),), '"e1"', RetryLater, '"e1"'),
    ],
)
async def test_deleting_is_on_the_condition_of_what_was_seen(
    answers: tuple[Reply, ...], etag: str, kind: type[Any], condition: str
) -> None:
    script = Script(*answers)
    assert isinstance(await pushed(script, None, id=PATH, etag=etag), kind)
    assert next(one for one in script.asked if one.method == "DELETE").headers["if-match"] == condition


async def test_deleting_what_is_gone_writes_nothing() -> None:
    script = Script(reply(404), there())
    assert isinstance(await pushed(script, None, id=PATH), Gone)
    assert script.said == [f"GET {PATH}", "PROPFIND /1/cal/"]


SERIES = OBJECT.replace("SUMMARY:Tasting", "RRULE:FREQ=WEEKLY;COUNT=4\r\nSUMMARY:Tasting")
OTHER = (
    "BEGIN:VEVENT\r\nUID:x\r\nRECURRENCE-ID:20270612T120000Z\r\nDTSTART:20270613T120000Z\r\nDTEND:20270613T130000Z\r\n"
    "SUMMARY:A day later\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)
WITH = SERIES.replace("END:VCALENDAR\r\n", OTHER)
ALONE = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Somebody//EN\r\n" + OTHER


@pytest.mark.parametrize(
    ("body", "event", "kind"),
    [
        (WITH, EVENT, Pushed),
        (WITH, None, Pushed),
        (SERIES, EVENT, Gone),
        (SERIES, None, Gone),
        (ALONE, EVENT, Pushed),
        # Who is invited to one day of a series has no series to take the day out of.
        (ALONE, None, ReadOnly),
    ],
)
async def test_an_exception_is_changed_within_its_object(
    body: str, event: CalendarEvent | None, kind: type[Any]
) -> None:
    script = Script(got(body), reply(204))
    found = await pushed(script, event, id=EXCEPTION, etag='"e1"')
    assert isinstance(found, kind), found
    if kind is Pushed:
        assert found.id == EXCEPTION
        put = script.asked[1].body.decode()
        assert ("EXDATE:20270612T120000Z" in put) is (event is None)
        assert ("RECURRENCE-ID" in put) is (event is not None)


async def test_an_exception_taken_away_already_is_taken_away() -> None:
    script = Script(got(SERIES, '"e5"'))
    found = await pushed(script, None, id=EXCEPTION, etag='"e1"')
    assert isinstance(found, Pushed)
    assert found.etag == '"e5"'
