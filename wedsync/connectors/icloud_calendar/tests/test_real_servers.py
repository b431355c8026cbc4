"""Against Radicale and Xandikos: what is made, moved and deleted on either side is seen on the other."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec import structs

from wedsync.connections.calendars.contract import Change, CursorLost, Gone, Moved, Pull, Pulled, Push, Pushed
from wedsync.connections.calendars.event import CalendarEvent, Days, Timed, checked
from wedsync.connections.contract import Account, Connection, ReconnectNeeded
from wedsync.connectors.icloud_calendar import mapper, pulling
from wedsync.connectors.icloud_calendar.tests.servers import Served, served

SINCE, UNTIL = datetime(2026, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
WEDDING = checked(
    CalendarEvent(
        times=Timed(start="2027-06-12T14:00:00", end="2027-06-12T15:30:00", zone="Europe/Berlin"),
        title="Ceremony: Ana & Ben <3",
        text="Bring both cameras;\nsecond shooter at 13:00",
        place="Schloss, Hof 1",
    )
)
LATER = structs.replace(
    WEDDING, times=Timed(start="2027-06-12T16:00:00", end="2027-06-12T17:30:00", zone="Europe/Berlin")
)
SERIES = """BEGIN:VCALENDAR\r
VERSION:2.0\r
PRODID:-//Somebody//EN\r
BEGIN:VEVENT\r
UID:series-1\r
DTSTAMP:20260101T000000Z\r
DTSTART:20270605T120000Z\r
DTEND:20270605T130000Z\r
RRULE:FREQ=WEEKLY;COUNT=10\r
SUMMARY:Tasting\r
X-KEPT:yes\r
END:VEVENT\r
{exception}END:VCALENDAR\r
"""
EXCEPTION = """BEGIN:VEVENT\r
UID:series-1\r
DTSTAMP:20260101T000000Z\r
RECURRENCE-ID:20270612T120000Z\r
DTSTART:20270613T120000Z\r
DTEND:20270613T130000Z\r
SUMMARY:Tasting, a day later\r
END:VEVENT\r
"""


@pytest.fixture(scope="module", params=["radicale", "xandikos"])
async def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    async with served(request.param, Path(tmp_path_factory.mktemp(request.param))) as one:
        yield one


async def pulled(server: Served, calendar: str, cursor: str = "") -> tuple[dict[str, Change], str]:
    """All pages, by id."""
    changes: dict[str, Change] = {}
    while True:
        answer = await server.connector.pull(
            Pull(calendar=calendar, cursor=cursor, since=SINCE, until=UNTIL), server.connection
        )
        assert isinstance(answer, Pulled), answer
        changes |= {change.id: change for change in answer.changes}
        cursor = answer.cursor
        if not answer.has_more:
            return changes, cursor


def push(calendar: str, key: str = "", id: str = "", etag: str = "", event: CalendarEvent | None = WEDDING) -> Push:
    return Push(calendar=calendar, key=key, marker=f"m-{key}" if key else "", id=id, etag=etag, event=event)


async def done(server: Served, wanted: Push) -> Pushed:
    answer = await server.connector.push(wanted, server.connection)
    assert isinstance(answer, Pushed), answer
    return answer


async def test_an_account_and_its_calendars_are_found_from_the_address(server: Served) -> None:
    url = await server.new_calendar("found")
    account = await server.connector.account(server.connection, timeout_s=5)
    assert isinstance(account, Account)
    assert account.title == "vera@flora.example"
    calendars = await server.connector.calendars(server.connection, timeout_s=5)
    assert isinstance(calendars, tuple)
    assert url in {calendar.id for calendar in calendars if calendar.is_writable}
    assert sum(calendar.is_primary for calendar in calendars) == 1


async def test_what_we_make_move_and_delete_is_there_and_comes_back_as_it_was(server: Served) -> None:
    calendar = await server.new_calendar("ours")
    _, cursor = await pulled(server, calendar)
    made = await done(server, push(calendar, "k1"))
    changes, cursor = await pulled(server, calendar, cursor)
    assert [(change.event, change.marker) for change in changes.values()] == [(WEDDING, "m-k1")]
    assert changes[made.id].etag
    moved = await done(server, push(calendar, "k1", made.id, changes[made.id].etag, LATER))
    changes, cursor = await pulled(server, calendar, cursor)
    assert changes[moved.id].event == LATER
    await done(server, push(calendar, "k1", made.id, changes[made.id].etag, None))
    changes, cursor = await pulled(server, calendar, cursor)
    assert changes == {made.id: Change(id=made.id)}
    assert isinstance(await server.connector.push(push(calendar, "k1", made.id, '"x"', LATER), server.connection), Gone)
    assert (await pulled(server, calendar, cursor))[0] == {}


async def test_what_others_make_move_and_delete_is_seen(server: Served) -> None:
    calendar = await server.new_calendar("theirs")
    _, cursor = await pulled(server, calendar)
    url = f"{calendar}other.ics"
    body = SERIES.format(exception="").replace("RRULE:FREQ=WEEKLY;COUNT=10\r\n", "")
    for text, title in ((body, "Tasting"), (body.replace("Tasting", "Tasting II"), "Tasting II")):
        assert (await server.call("PUT", url, text)).status in (201, 204)
        changes, cursor = await pulled(server, calendar, cursor)
        (change,) = changes.values()
        assert change.event is not None
        assert change.event.title == title
    assert (await server.call("DELETE", url)).status in (200, 204)
    changes, cursor = await pulled(server, calendar, cursor)
    assert [change.event for change in changes.values()] == [None]


async def test_a_creation_tried_again_makes_one_event_and_never_overwrites_another(server: Served) -> None:
    calendar = await server.new_calendar("twice")
    first, second = [await done(server, push(calendar, "k2")) for _ in range(2)]
    assert first.id == second.id
    assert isinstance(await server.connector.push(push(calendar, "k2", event=LATER), server.connection), Moved)
    assert [change.event for change in (await pulled(server, calendar))[0].values()] == [WEDDING]


async def test_a_change_against_an_old_etag_is_refused_and_one_whose_answer_was_lost_is_not(server: Served) -> None:
    calendar = await server.new_calendar("stale")
    made = await done(server, push(calendar, "k3"))
    changes, _ = await pulled(server, calendar)
    old = changes[made.id].etag
    await done(server, push(calendar, "k3", made.id, old, LATER))
    again = await server.connector.push(push(calendar, "k3", made.id, old, LATER), server.connection)
    assert isinstance(again, Pushed)
    other = structs.replace(LATER, title="Something else")
    assert isinstance(await server.connector.push(push(calendar, "k3", made.id, old, other), server.connection), Moved)
    assert isinstance(await server.connector.push(push(calendar, "k3", made.id, old, None), server.connection), Moved)
    assert [change.event for change in (await pulled(server, calendar))[0].values()] == [LATER]


async def test_a_series_and_its_exceptions_live_in_one_object(server: Served) -> None:
    calendar = await server.new_calendar("series")
    assert (await server.call("PUT", f"{calendar}s.ics", SERIES.format(exception=EXCEPTION))).status == 201
    changes, cursor = await pulled(server, calendar)
    master = next(change for change in changes.values() if not change.original)
    exception = next(change for change in changes.values() if change.original)
    assert (exception.series, exception.original) == (master.id, "2027-06-12T12:00:00")
    assert exception.event is not None
    moved = structs.replace(
        exception.event, times=Timed(start="2027-06-14T12:00:00", end="2027-06-14T13:00:00", zone="UTC")
    )
    await done(server, push(calendar, "", exception.id, exception.etag, moved))
    changes, cursor = await pulled(server, calendar, cursor)
    assert changes[exception.id].event == moved
    assert changes[master.id].event == master.event
    raw = (await server.call("GET", f"{calendar}s.ics")).body.decode()
    assert "X-KEPT:yes" in raw
    await done(server, push(calendar, "", exception.id, changes[master.id].etag, None))
    changes, cursor = await pulled(server, calendar, cursor)
    assert changes[exception.id].event is None
    now = changes[master.id].event
    assert now is not None
    assert [rule for rule in now.rules if rule.startswith("EXDATE")] == ["EXDATE:20270612T120000Z"]


async def test_an_exception_taken_back_by_somebody_else_is_told_as_gone(server: Served) -> None:
    calendar = await server.new_calendar("taken-back")
    url = f"{calendar}s.ics"
    await server.call("PUT", url, SERIES.format(exception=EXCEPTION))
    changes, cursor = await pulled(server, calendar)
    exception = next(change for change in changes.values() if change.original)
    await server.call("PUT", url, SERIES.format(exception=""))
    changes, cursor = await pulled(server, calendar, cursor)
    taken_back = changes[exception.id]
    assert (taken_back.event, taken_back.series) == (None, ""), (
        "the series has its day again, nothing is left out of it"
    )
    await server.call("PUT", url, SERIES.format(exception=EXCEPTION))
    _, cursor = await pulled(server, calendar, cursor)
    await server.call("DELETE", url)
    changes, _ = await pulled(server, calendar, cursor)
    assert {change.id for change in changes.values() if change.event is None} == {exception.id, exception.series}


async def test_many_events_come_in_pages_and_a_listing_says_that_it_is_one(
    server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulling, "PAGE", 3)
    monkeypatch.setattr(pulling, "MULTIGET", 2)
    calendar = await server.new_calendar("many")
    ids = [(await done(server, push(calendar, f"n{number}"))).id for number in range(7)]
    long_ago = structs.replace(WEDDING, times=Days(on="2019-06-12", until="2019-06-13"))
    await done(server, push(calendar, "long-ago", event=long_ago))
    cursor, pages = "", []
    while True:
        answer = await server.connector.pull(
            Pull(calendar=calendar, cursor=cursor, since=SINCE, until=UNTIL), server.connection
        )
        assert isinstance(answer, Pulled)
        pages.append(answer)
        cursor = answer.cursor
        if not answer.has_more:
            break
    assert [(len(page.changes), page.is_listing) for page in pages] == [(3, True), (3, True), (1, True)]
    assert sorted(change.id for page in pages for change in page.changes) == sorted(ids)


async def test_without_sync_collection_changes_are_found_by_etags(
    server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    calendar = await server.new_calendar("by-etags")
    kept = await done(server, push(calendar, "kept"))
    gone = await done(server, push(calendar, "gone"))
    real = pulling.state

    async def no_sync(*given: object) -> tuple[str, str]:
        return "", (await real(*given))[1]  # type: ignore[arg-type]

    monkeypatch.setattr(pulling, "state", no_sync)
    changes, cursor = await pulled(server, calendar)
    assert set(changes) == {kept.id, gone.id}
    assert (await pulled(server, calendar, cursor)) == ({}, cursor)
    await done(server, push(calendar, "gone", gone.id, changes[gone.id].etag, None))
    await done(server, push(calendar, "kept", kept.id, changes[kept.id].etag, LATER))
    changes, cursor = await pulled(server, calendar, cursor)
    assert {id: change.event for id, change in changes.items()} == {kept.id: LATER, gone.id: None}


async def test_a_cursor_that_nobody_knows_is_lost_and_a_calendar_that_is_gone_is_gone(server: Served) -> None:
    calendar = await server.new_calendar("lost")
    for cursor in ("nonsense", mapper.written(mapper.Cursor(way="sync", token="http://radicale.org/ns/sync/0123"))):
        answer = await server.connector.pull(
            Pull(calendar=calendar, cursor=cursor, since=SINCE, until=UNTIL), server.connection
        )
        assert isinstance(answer, CursorLost)
    missing = calendar.replace("lost", "never-was")
    answer = await server.connector.pull(Pull(calendar=missing, cursor="", since=SINCE, until=UNTIL), server.connection)
    assert answer == Gone(is_calendar=True, attempt=answer.attempt)
    made = await server.connector.push(push(missing, "k9"), server.connection)
    assert made == Gone(is_calendar=True, attempt=made.attempt)


async def test_a_wrong_password_asks_to_be_connected_again(server: Served) -> None:
    if server.name == "xandikos":
        pytest.skip("without TLS it asks for no password")
    wrong = Connection(
        id=server.connection.id, secrets={"username": ("vera@flora.example",), "password": ("nonsense",)}
    )
    assert isinstance(await server.connector.account(wrong, timeout_s=5), ReconnectNeeded)
