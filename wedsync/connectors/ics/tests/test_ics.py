"""Feeds as they are found: the nasty ones are read as they are meant, and what is no calendar is told plainly."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from wedsync.connections.calendars.contract import Change, CursorLost, Pull, Pulled, Push, ReadOnly
from wedsync.connections.calendars.driven import ACCOUNTS
from wedsync.connections.calendars.event import CalendarEvent, Days, Timed, span
from wedsync.connections.contract import Connection, ReconnectNeeded, Rejected, RetryLater, Tools
from wedsync.connections.stage import serving
from wedsync.connectors.ics import client, mapper
from wedsync.connectors.ics.connector import Ics, connect
from wedsync.connectors.ics.fake import Publisher
from wedsync.kit import clock
from wedsync.kit.http import Wire

FEEDS = Path(__file__).parent / "feeds"
SINCE, UNTIL = datetime(2027, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)


class Stage:
    def __init__(self, publisher: Publisher, connector: Ics, at: str) -> None:
        self.publisher, self.connector, self.at = publisher, connector, at

    async def pull(self, path: str = "", cursor: str = "") -> object:
        address = f"{self.at}{path}" if path else self.publisher.connection(self.at, ACCOUNTS[0]).secrets["address"][0]
        connection = Connection(id=uuid4(), secrets={"address": (address,)})
        return await self.connector.pull(
            Pull(calendar="feed", cursor=cursor, since=SINCE, until=UNTIL, timeout_s=20.0), connection
        )


@pytest.fixture(scope="module")
async def stage() -> AsyncIterator[Stage]:
    publisher, wire = Publisher(), Wire(allow=("127.0.0.0/8",))
    async with serving([publisher]) as at:
        yield Stage(publisher, connect(Tools(wire=wire, machine_now=clock.machine_now)), at)
    await wire.close()


def read(name: str) -> tuple[dict[str, Change], int]:
    found = mapper.read(mapper.opened((FEEDS / name).read_bytes(), content_type=""), since=SINCE, until=UNTIL)
    return {one.id: one for one in found.changes}, found.unread


def event(changes: dict[str, Change], id: str) -> CalendarEvent:
    found = changes[id].event
    assert found is not None
    return found


def test_a_series_of_outlook_keeps_its_zone_its_gaps_and_its_exception() -> None:
    changes, unread = read("outlook_series.ics")
    uid = "040000008200E00074C5B7101A82E008"
    assert unread == 0
    master = event(changes, uid)
    assert master.times == Timed(start="2027-03-01T10:00:00", end="2027-03-01T11:00:00", zone="Europe/Berlin")
    assert "EXDATE;TZID=Europe/Berlin:20270315T100000,20270322T100000" in master.rules
    moved = changes[f"{uid}#2027-03-29T10:00:00"]
    assert (moved.series, moved.original) == (uid, "2027-03-29T10:00:00")
    assert moved.event is not None
    assert (moved.event.title, moved.event.is_busy) == ("Weekly, after the clocks changed", False)
    assert span(moved.event.times, calendar_zone="UTC")[0] == datetime(2027, 3, 29, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("uid", "start", "lasts"),
    [
        ("gap", datetime(2027, 3, 28, 1, 30, tzinfo=UTC), timedelta(hours=1)),
        ("over-the-gap", datetime(2027, 3, 27, 19, tzinfo=UTC), timedelta(hours=25)),
        ("all-day-in-spring", datetime(2027, 3, 27, 23, tzinfo=UTC), timedelta(hours=23)),
        ("all-day-in-autumn", datetime(2027, 10, 30, 22, tzinfo=UTC), timedelta(hours=25)),
        ("fold", datetime(2027, 10, 31, 0, 30, tzinfo=UTC), timedelta(hours=1)),
        ("floating", datetime(2027, 6, 12, 12, tzinfo=UTC), timedelta(hours=1)),
        ("flight", datetime(2027, 6, 13, 8, tzinfo=UTC), timedelta(hours=9)),
    ],
)
def test_on_weekends_when_clocks_change_times_are_what_was_meant(uid: str, start: datetime, lasts: timedelta) -> None:
    changes, unread = read("clock_changes.ics")
    first, last = span(event(changes, uid).times, calendar_zone="Europe/Berlin")
    assert (first, last - first, unread) == (start, lasts, 0)


def test_a_careless_feed_loses_nothing_but_what_cannot_be_understood() -> None:
    changes, unread = read("careless.ics")
    titles = sorted(one.event.title for one in changes.values() if one.event is not None)
    assert unread == 2
    assert titles == [
        "",
        "a title that is folded in the middle of a word",
        "birthday",
        "first",
        "new",
        "no uid",
        "one day of a series that is not here",
        "second",
    ]
    assert changes["orphan#2027-06-15T10:00:00"].series == ""
    assert event(changes, "secret").is_private
    assert event(changes, "every-year").times == Days(on="1990-06-17", until="1990-06-18")
    again, _ = read("careless.ics")
    assert again == changes


async def test_a_feed_that_has_not_changed_is_not_sent_again(stage: Stage) -> None:
    await stage.publisher.make("feed", title="Gig", times=Days(on="2027-06-12", until="2027-06-13"))
    first = await stage.pull()
    assert isinstance(first, Pulled)
    assert first.is_listing
    again = await stage.pull(cursor=first.cursor)
    assert again == Pulled(changes=(), cursor=first.cursor)


async def test_a_web_page_in_place_of_a_calendar_is_told_plainly(stage: Stage) -> None:
    found = await stage.pull("/ics/page.ics")
    assert isinstance(found, Rejected)
    assert found.reason.startswith("The address leads to a web page, not a calendar.")


async def test_a_feed_of_50_mb_is_told_to_be_too_large_and_not_read(stage: Stage) -> None:
    found = await stage.pull("/ics/huge.ics")
    assert isinstance(found, Rejected)
    assert (
        found.reason == "The feed is larger; at most 10 MiB are read. Publish only the months to come, and reconnect."
    )


async def test_what_is_gone_asks_to_be_connected_again_and_a_strange_cursor_is_lost(stage: Stage) -> None:
    assert isinstance(await stage.pull("/ics/feed/nobody.ics"), ReconnectNeeded)
    assert isinstance(await stage.pull(cursor="{"), CursorLost)


async def test_half_a_feed_deletes_nothing(stage: Stage) -> None:
    stage.publisher.moods.switch("truncated", times=1)
    assert isinstance(await stage.pull(), RetryLater)


async def test_nothing_is_ever_written(stage: Stage) -> None:
    connection = stage.publisher.connection(stage.at, ACCOUNTS[0])
    push = Push(calendar="feed", key="k", marker="m")
    assert isinstance(await stage.connector.push(push, connection), ReadOnly)


async def test_an_address_inside_our_network_is_not_called() -> None:
    wire = Wire()
    connector = connect(Tools(wire=wire, machine_now=clock.machine_now))
    connection = Connection(id=uuid4(), secrets={"address": ("webcal://169.254.169.254/latest",)})
    found = await connector.calendars(connection, timeout_s=2)
    await wire.close()
    assert isinstance(found, ReconnectNeeded)
    assert "a link-local address" in found.reason


@pytest.mark.parametrize(
    ("typed", "called"),
    [
        ("webcal://example.com/a.ics", "https://example.com/a.ics"),
        ("WEBCALS://example.com/a.ics", "https://example.com/a.ics"),
        (" https://example.com/a.ics ", "https://example.com/a.ics"),
        ("example.com/a.ics", "https://example.com/a.ics"),
    ],
)
def test_addresses_are_taken_as_calendar_programs_write_them(typed: str, called: str) -> None:
    assert client.address_of(typed) == called


def test_events_of_the_past_are_left_out_without_being_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    one = b"BEGIN:VEVENT\r\nUID:%d\r\nDTSTART:20100101T000000Z\r\nDTEND:20100101T010000Z\r\nEND:VEVENT\r\n"
    body = b"BEGIN:VCALENDAR\r\n" + b"".join(one % number for number in range(4000)) + b"END:VCALENDAR\r\n"
    monkeypatch.delattr(mapper, "part")
    found = mapper.read(mapper.opened(body, content_type=""), since=SINCE, until=UNTIL)
    assert found == mapper.Read(changes=(), unread=0)
