"""The fake Graph refuses what Graph refuses and forgets what it may; a person changes calendars in it by hand."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from wedsync.connections.calendars.driven import ACCOUNTS
from wedsync.connections.calendars.event import Days, Timed
from wedsync.connections.stage import serving
from wedsync.connectors.outlook_calendar import fake_graph, fake_mailbox, fake_watchers
from wedsync.connectors.outlook_calendar.fake import Outlook
from wedsync.connectors.outlook_calendar.fake_graph import Call
from wedsync.connectors.outlook_calendar.fake_mailbox import GraphError, Span
from wedsync.connectors.outlook_calendar.fake_times import said, times_of, typed
from wedsync.connectors.outlook_calendar.tests.staged import BERLIN, timed
from wedsync.kit import clock
from wedsync.kit.errors import Refusal
from wedsync.kit.http import Reply, Wire

NOON = timed("2027-06-12T12:00:00", "2027-06-12T13:00:00")
DAILY = {
    "pattern": {"type": "daily", "interval": 1},
    "range": {"type": "noEnd", "startDate": "2027-06-12", "recurrenceTimeZone": "UTC"},
}


class Desk:
    """Calls of the first account, without a network."""

    def __init__(self) -> None:
        self.fake = Outlook()
        self.box = self.fake.mailboxes[ACCOUNTS[0]]
        self.calendar, self.birthdays = self.box.books

    async def call(
        self, method: str, path: str, body: Any = None, *, etag: str = "", page: int = 10, **query: str
    ) -> Any:
        named = {
            f"${name}" if name.startswith(("skip", "delta", "filter", "expand", "select")) else name: value
            for name, value in query.items()
        }
        call = Call(
            method=method,
            path=path,
            query=named,
            body=body or {},
            etag=etag,
            mailbox=self.box,
            at="http://x",
            page=page,
        )
        _, told = await self.fake.api.answer(call)
        return told

    async def refused(self, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, str]:
        with pytest.raises(GraphError) as error:
            await self.call(method, path, body, **more)
        return error.value.status, error.value.code

    async def make(self, **more: Any) -> str:
        return await self.fake.make(self.calendar, title="Shoot", times=NOON, more=more)

    def subscription(self, **more: Any) -> dict[str, Any]:
        ends_at = (clock.machine_now() + timedelta(hours=1)).isoformat()
        return {"resource": f"me/calendars/{self.calendar}/events", "expirationDateTime": ends_at, **more}


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def test_what_is_asked_in_a_way_that_graph_does_not_know_is_refused(desk: Desk) -> None:
    id = await desk.make()
    assert await desk.refused("GET", "/me/messages") == (400, "BadRequest")
    assert await desk.refused("PATCH", "/me") == (400, "BadRequest")
    assert await desk.refused("GET", f"/me/calendars/{desk.calendar}/events", filter="subject eq 'x'") == (
        400,
        "BadRequest",
    )
    assert await desk.refused(
        "GET", f"/me/events/{id}/instances", startDateTime="2027-01-01", endDateTime="2027-02-01"
    ) == (
        400,
        "ErrorInvalidRequest",
    )
    series = await desk.make(recurrence=DAILY)
    path = f"/me/events/{series}/instances"
    assert (await desk.refused("GET", path, startDateTime="2027-01-01", endDateTime="2031-01-01"))[0] == 400
    assert await desk.refused("GET", path, startDateTime="soon") == (400, "ErrorInvalidParameter")
    told = await desk.call("GET", path, startDateTime="2027-06-13T00:00:00Z", endDateTime="2027-06-15")
    assert len(told["value"]) == 2
    assert (await desk.refused("GET", f"/me/calendars/{desk.calendar}/calendarView/delta"))[
        1
    ] == "ErrorInvalidParameter"


async def test_what_may_not_be_read_or_written_is_denied(desk: Desk) -> None:
    body = {"subject": "x", **said(NOON)}
    assert await desk.refused("POST", f"/me/calendars/{desk.birthdays}/events", body) == (403, "ErrorAccessDenied")
    theirs = await desk.fake.make(desk.birthdays, title="Bo", times=NOON)
    for method in ("PATCH", "DELETE"):
        assert await desk.refused(method, f"/me/events/{theirs}", {"subject": "y"}) == (403, "ErrorAccessDenied")
    id = await desk.make()
    assert await desk.refused("PATCH", f"/me/events/{id}", {"subject": "y"}, etag='W/"old"') == (
        412,
        "ErrorIrresolvableConflict",
    )
    desk.fake.api.closed.add(id)
    assert await desk.refused("GET", f"/me/events/{id}") == (403, "ErrorAccessDenied")
    assert desk.fake.seen(desk.calendar)[0].title == "Shoot"


async def test_an_occurrence_is_read_by_its_own_id_before_and_after_it_is_an_exception(desk: Desk) -> None:
    series = await desk.make(recurrence=DAILY)
    id = f"{series}.2027-06-14"
    assert (await desk.call("GET", f"/me/events/{id}"))["type"] == "occurrence"
    await desk.call("PATCH", f"/me/events/{id}", {"subject": "Another day"})
    told = await desk.call("GET", f"/me/events/{id}")
    assert (told["type"], told["subject"]) == ("exception", "Another day")
    await desk.call("DELETE", f"/me/events/{id}")
    assert await desk.refused("GET", f"/me/events/{id}") == (404, "ErrorItemNotFound")


async def test_calendars_are_told_in_pages(desk: Desk) -> None:
    first = await desk.call("GET", "/me/calendars", page=1)
    assert first["@odata.nextLink"] == "http://x/me/calendars?$skip=1"
    rest = await desk.call("GET", "/me/calendars", page=1, skip="1")
    assert ([*first["value"], *rest["value"]][1]["id"], "@odata.nextLink" in rest) == (desk.birthdays, False)


async def test_tokens_are_forgotten_when_they_are_old_or_too_many(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    path = f"/me/calendars/{desk.calendar}/calendarView/delta"
    window: dict[str, Any] = {"startDateTime": "2027-01-01", "endDateTime": "2028-01-01"}

    async def token() -> str:
        link = (await desk.call("GET", path, **window))["@odata.deltaLink"]
        return str(link).partition("deltatoken=")[2]

    first = await token()
    assert await desk.refused("GET", f"/me/calendars/{desk.birthdays}/calendarView/delta", deltatoken=first) == (
        410,
        "SyncStateNotFound",
    )
    monkeypatch.setattr(fake_graph, "TOKENS_MAX", 1)
    second = await token()
    assert (await desk.refused("GET", path, deltatoken=first))[0] == 410
    later = clock.machine_now() + fake_graph.TOKEN_LIFE + timedelta(seconds=1)
    monkeypatch.setattr(clock, "machine_now", lambda: later)
    assert (await desk.refused("GET", path, deltatoken=second))[0] == 410


async def test_the_oldest_events_go_where_there_are_too_many(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fake_mailbox, "EVENTS_MAX", 2)
    ids = [await desk.make() for _ in range(3)]
    assert [one.id for one in desk.fake.seen(desk.calendar)] == ids[1:]


@pytest.mark.parametrize(
    ("start", "end", "more", "code"),
    [
        ("", "2027-06-12T13:00:00", {}, "ErrorInvalidRequest"),
        ("2027-06-12T13:00:00", "2027-06-12T12:00:00", {}, "ErrorCalendarEndDateIsEarlierThanStartDate"),
        (
            "2027-06-12T00:00:00",
            "2027-06-12T00:00:00",
            {"isAllDay": True},
            "ErrorCalendarEndDateIsEarlierThanStartDate",
        ),
        ("2027-06-12T01:00:00", "2027-06-13T00:00:00", {"isAllDay": True}, "ErrorInvalidAllDayEvent"),
    ],
)
async def test_times_that_are_none_are_refused(
    desk: Desk, start: str, end: str, more: dict[str, Any], code: str
) -> None:
    body = {"start": {"dateTime": start}, "end": {"dateTime": end}, **more}
    assert await desk.refused("POST", f"/me/calendars/{desk.calendar}/events", body) == (400, code)
    mars = {"start": {"dateTime": "2027-06-12T12:00:00", "timeZone": "Mars/Olympus"}, "end": said(NOON)["end"]}
    assert (await desk.refused("POST", f"/me/calendars/{desk.calendar}/events", mars))[1].startswith("TimeZone")


async def test_subscriptions_that_graph_would_not_make_are_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for body in (
        desk.subscription(resource="me/messages"),
        desk.subscription(resource=f"me/calendars/{desk.calendar}"),
        desk.subscription(clientState="x" * 129),
        desk.subscription(notificationUrl="http://127.0.0.1:9/"),
    ):
        assert await desk.refused("POST", "/subscriptions", body) == (400, "ValidationError")
    far = (clock.machine_now() + fake_watchers.LIFE_MAX + timedelta(minutes=1)).isoformat()
    assert (await desk.refused("POST", "/subscriptions", desk.subscription(expirationDateTime=far)))[
        1
    ] == "ExtensionError"
    assert await desk.refused("PATCH", "/subscriptions/none", {}) == (404, "ResourceNotFound")
    assert await desk.refused("DELETE", "/subscriptions/none") == (404, "ResourceNotFound")
    held = await desk.call("POST", "/subscriptions", desk.subscription())
    monkeypatch.setattr(fake_watchers, "SUBSCRIPTIONS_MAX", 1)
    assert (await desk.refused("POST", "/subscriptions", desk.subscription()))[0] == 400
    other = desk.fake.mailboxes[ACCOUNTS[1]]
    with pytest.raises(GraphError):
        desk.fake.watchers.find(held["id"], other)


async def test_who_cannot_be_reached_is_told_nothing_and_a_subscription_that_ended_is_left_alone(desk: Desk) -> None:
    watchers = desk.fake.watchers
    await watchers.start()
    assert await desk.refused(
        "POST", "/subscriptions", desk.subscription(notificationUrl="http://127.0.0.1:9/x?y=1")
    ) == (
        400,
        "ValidationError",
    )
    held = watchers.held[(await watchers.make(desk.box, desk.subscription()))["id"]]
    held.said["notificationUrl"] = "http://127.0.0.1:9/"
    await desk.make()
    assert (held.sent, held.answered) == (1, 0)
    held.ends_at = datetime(2020, 1, 1, tzinfo=UTC)
    await desk.make()
    assert held.sent == 1
    await watchers.tell_lifecycle("subscriptionRemoved")
    assert watchers.held == {}
    await watchers.stop()


async def test_what_is_still_being_sent_ends_with_the_fake(desk: Desk) -> None:
    watchers = desk.fake.watchers
    held = watchers.held[(await watchers.make(desk.box, desk.subscription()))["id"]]
    held.said["notificationUrl"] = "http://127.0.0.1:9/"
    await watchers.start()
    entry = desk.box.books[desk.calendar].entries[await desk.make()]
    sending = watchers.tell(desk.box, entry, "updated", times=1)
    await watchers.stop()
    assert sending.cancelled()


def test_times_are_read_as_a_person_means_them() -> None:
    day = timedelta(days=1)
    start = datetime(2027, 6, 12, 12, tzinfo=UTC)
    flight = Span(start=start, end=start + day, start_zone=BERLIN, end_zone="America/New_York", is_all_day=False)
    assert times_of(flight) == Timed(
        start="2027-06-12T14:00:00", end="2027-06-13T08:00:00", zone=BERLIN, end_zone="America/New_York"
    )
    second = Timed(start="2027-10-31T02:30:00", end="2027-10-31T03:30:00", zone=BERLIN, start_fold=1)
    assert said(second)["start"] == {"dateTime": "2027-10-31T01:30:00", "timeZone": "UTC"}
    assert typed({"start": "2027-06-12", "end": "2027-06-13"}) == Days(on="2027-06-12", until="2027-06-13")
    for form in ({}, {"start": "2027-06-12T10:00", "end": "later"}, {"start": "2027-13-12", "end": "2027-06-13"}):
        with pytest.raises(Refusal):
            typed(form)


@pytest.fixture
async def served() -> AsyncIterator[tuple[Outlook, str]]:
    fake = Outlook()
    async with serving([fake]) as at:
        yield fake, at


async def test_a_visitor_makes_moves_and_deletes_events_by_hand(served: tuple[Outlook, str]) -> None:
    fake, at = served
    wire = Wire()
    calendar = next(iter(fake.mailboxes[ACCOUNTS[0]].books))
    headers = {"content-type": "application/x-www-form-urlencoded"}

    async def send(path: str, **form: str) -> int:
        body = urlencode({"calendar": calendar, **form}).encode()
        done = await wire.request("POST", f"{at}/graph{path}", headers=headers, body=body, trusted=True)
        assert isinstance(done, Reply)
        return done.status

    async def page() -> str:
        shown = await wire.request("GET", f"{at}/graph", trusted=True)
        assert isinstance(shown, Reply)
        return shown.body.decode()

    assert await send("/events/make", title="By hand", start="2027-06-12T10:00", end="2027-06-12T11:00") == 303
    assert await send("/events/make", start="2027-06-20", end="2027-06-21") == 303
    shown = await page()
    assert "By hand" in shown and "(no title)" in shown and 'value="2027-06-20"' in shown
    id = next(one.id for one in fake.seen(calendar) if one.title == "By hand")
    assert await send("/events/move", id=id, start="2027-06-13T10:00", end="2027-06-13T12:00") == 303
    moved = next(one.times for one in fake.seen(calendar) if one.id == id)
    assert isinstance(moved, Timed)
    assert (moved.start, moved.end) == ("2027-06-13T10:00:00", "2027-06-13T12:00:00")
    assert await send("/events/move", id=id, start="soon") == 422
    assert await send("/events/move", id="none", start="2027-06-13T10:00") == 404
    assert await send("/events/delete", id=id) == 303
    assert await send("/events/delete", id=id) == 404
    assert await send("/events/make", calendar="none", start="2027-06-20") == 404
    assert "By hand" not in await page()
    assert (await send("/mood", mood="5xx", times="2"), fake.moods.left) == (303, 2)
    assert (await send("/mood", mood="fine", times="x"), fake.moods.left) == (303, None)
    for word in ("missed", "nonsense"):
        assert await send("/lifecycle", word=word) == 303
    await wire.close()


async def test_whoever_signs_in_has_a_mailbox() -> None:
    fake = Outlook()
    assert fake.mailbox("new@sandbox.example") is fake.mailbox("new@sandbox.example")
    with pytest.raises(Refusal):
        fake.book("none")
