"""What Google may answer that its stand-in does not: pages without end or a way on, and bodies that are none."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from tests.connectors.stages import SINCE, UNTIL
from wedsync.connections.calendars.contract import CursorLost, Gone, Moved, Pull, Pulled, Push, Pushed, Watch, Watching
from wedsync.connections.calendars.event import CalendarEvent, Timed
from wedsync.connections.contract import Connection, Delivered, ReconnectNeeded, Rejected, RetryLater, Tools, Unknown
from wedsync.connectors.google_calendar import connector as connectors
from wedsync.connectors.google_calendar.connector import GoogleCalendar
from wedsync.kit.http import Ending, Failure, Reply, Timing, Wire

NOW = datetime(2027, 1, 5, 12, tzinfo=UTC)
HELD = Connection(id=UUID("01970000-0000-7000-8000-00000000c003"), secrets={"access_token": ("tulip",)})
FEAST = CalendarEvent(
    times=Timed(start="2027-06-12T14:00:00", end="2027-06-12T15:00:00", zone="Europe/Berlin"), title="Feast"
)
LOST = Failure(kind="timeout", reason="It took too long.", may_have_arrived=True, timing=Timing())
UNSENT = Failure(kind="connect", reason="Nobody there.", may_have_arrived=False, timing=Timing())


class Script(Wire):
    """Gives its answers one after the other, and keeps what was asked."""

    def __init__(self, *answers: Reply | Failure) -> None:
        super().__init__()
        self.left = list(answers)
        self.asked: list[str] = []

    async def request(self, method: str, url: str, **how: Any) -> Reply | Failure:
        self.asked.append(f"{method} {url}")
        return self.left.pop(0)


def reply(status: int, said: Any = b"", *, ending: Ending = "whole") -> Reply:
    body = said if isinstance(said, bytes) else msgspec.json.encode(said)
    return Reply(status=status, headers={"retry-after": "7"}, body=body, ending=ending, timing=Timing())


def connector(*answers: Reply | Failure) -> GoogleCalendar:
    settings = {"google_calendar_base_url": "https://google.example/v3/"}
    return connectors.connect(Tools(wire=Script(*answers), machine_now=lambda: NOW, settings=settings))


async def pulled(*answers: Reply | Failure, cursor: str = "") -> Any:
    return await connector(*answers).pull(Pull(calendar="c", cursor=cursor, since=SINCE, until=UNTIL), HELD)


async def pushed(*answers: Reply | Failure, event: CalendarEvent | None = FEAST, **more: Any) -> Any:
    push = Push(calendar="c", key="k", marker="m", event=event, zone="Europe/Berlin", **more)
    return await connector(*answers).push(push, HELD)


CURSOR = '{"form":1,"sync":"s1"}'


@pytest.mark.parametrize(
    ("answer", "cursor", "kind"),
    [
        (reply(200, {"items": [], "nextSyncToken": "s2"}), CURSOR, Pulled),
        (reply(200, {"items": []}), CURSOR, RetryLater),
        (reply(200, b"{"), CURSOR, RetryLater),
        (reply(200, {"items": [], "nextSyncToken": "s2"}, ending="cut"), CURSOR, RetryLater),
        (reply(200, {"items": 5}), CURSOR, RetryLater),
        (reply(400), CURSOR, CursorLost),
        (reply(410), CURSOR, CursorLost),
        (reply(404), CURSOR, Gone),
        (reply(401), CURSOR, ReconnectNeeded),
        (reply(429), CURSOR, RetryLater),
        (reply(503), "", RetryLater),
        (LOST, "", RetryLater),
        (reply(200), "nonsense", CursorLost),
        (reply(200), '{"form":1}', CursorLost),
    ],
)
async def test_every_answer_to_a_listing_means_one_thing(answer: Reply | Failure, cursor: str, kind: type) -> None:
    assert isinstance(await pulled(answer, cursor=cursor), kind)


async def test_an_exception_without_its_start_is_told_and_an_event_without_times_is_counted() -> None:
    item = {"id": "a", "status": "confirmed", "start": {"date": "2027-06-12"}, "end": {"date": "2027-06-13"}}
    items = [item, {**item, "id": "b", "start": {"date": "soon"}}, {**item, "id": "c", "recurringEventId": "s"}]
    found = await pulled(reply(200, {"items": items, "nextSyncToken": "s2"}))
    assert ([change.id for change in found.changes], found.unread) == (["a", "c"], 1)
    assert (found.changes[1].series, found.changes[1].original) == ("s", "")


async def test_a_list_of_calendars_without_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connectors, "LISTS_MAX", 2)
    page = reply(200, {"items": [{"id": "a", "summary": "A", "accessRole": "owner"}], "nextPageToken": "p"})
    found = await connector(page, page).calendars(HELD, timeout_s=5)
    assert isinstance(found, tuple)
    assert {one.id for one in found} == {"a"}
    assert isinstance(await connector(page, reply(503)).calendars(HELD, timeout_s=5), RetryLater)


MADE = {"id": "x", "etag": '"1"', "status": "confirmed"}
OURS = {**MADE, "extendedProperties": {"private": {}}}


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ((reply(200, MADE),), Pushed),
        ((reply(404),), Gone),
        ((reply(200, b"{"),), Unknown),
        ((LOST,), Unknown),
        ((UNSENT,), RetryLater),
        ((reply(503),), RetryLater),
        ((reply(409), reply(404)), Gone),
        ((reply(409), reply(503)), RetryLater),
        ((reply(409), reply(200, OURS)), Moved),
        ((reply(409), reply(200, {**MADE, "status": "cancelled"}), reply(200, MADE)), Pushed),
        ((reply(409), reply(200, {**MADE, "status": "cancelled"}), reply(412)), Moved),
    ],
)
async def test_every_answer_to_a_new_event_means_one_thing(answers: tuple[Reply | Failure, ...], kind: type) -> None:
    assert isinstance(await pushed(*answers), kind)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [(reply(204), Pushed), (reply(404), Gone), (reply(410), Gone), (reply(412), Moved), (LOST, Unknown)],
)
async def test_every_answer_to_a_deletion_means_one_thing(answer: Reply | Failure, kind: type) -> None:
    assert isinstance(await pushed(answer, event=None, id="x", etag='"1"'), kind)


ENDS = NOW + timedelta(hours=1)


@pytest.mark.parametrize(("expiration", "ends_at"), [(str(int(NOW.timestamp() * 1000)), NOW), ("", ENDS), ("-5", ENDS)])
async def test_a_channel_ends_when_google_says_or_else_when_we_asked(expiration: str, ends_at: datetime) -> None:
    watch = Watch(calendar="c", id="w", token="t", address="https://us.example/bell", expires_at=ENDS)
    told = {"id": "w", "resourceId": "r", "expiration": expiration}
    found = await connector(reply(200, told)).watch(watch, HELD)
    assert isinstance(found, Watching)
    assert (found.id, found.expires_at) == ("w r", ends_at)
    assert isinstance(await connector(reply(403)).watch(watch, HELD), Rejected)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [(reply(204), Delivered), (reply(404), Delivered), (reply(401), ReconnectNeeded), (reply(500), RetryLater)],
)
async def test_a_channel_is_given_up_once(answer: Reply, kind: type) -> None:
    held = Watching(id="w r", expires_at=NOW)
    assert isinstance(await connector(answer).unwatch("c", held, HELD), kind)
