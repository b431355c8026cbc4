"""Feeds that are sent on, answer oddly or not at all, and the publisher's pages where a person changes them."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest

from wedsync.connections import published
from wedsync.connections.calendars.contract import Gone, Pull, Pulled
from wedsync.connections.calendars.driven import ACCOUNTS
from wedsync.connections.calendars.event import Days, Timed
from wedsync.connections.contract import Account, Connection, ReconnectNeeded, Rejected, RetryLater, Tools
from wedsync.connections.stage import serving
from wedsync.connectors.ics import fake, mapper
from wedsync.connectors.ics.connector import CALENDAR, Ics, connect
from wedsync.connectors.ics.fake import Publisher
from wedsync.kit.errors import Refusal
from wedsync.kit.http import Ending, Failure, Kind, Reply, Timing, Wire

NOW = datetime(2027, 1, 5, 12, tzinfo=UTC)
SINCE, UNTIL = datetime(2027, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
ADDRESS = "https://feeds.example/a.ics"
FEED = (
    b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nX-WR-CALNAME:Gigs\\, ours\r\nX-WR-TIMEZONE:Europe/Berlin\r\n"
    b"BEGIN:VEVENT\r\nUID:1\r\nDTSTART:20270612T120000Z\r\nDTEND:20270612T130000Z\r\nSUMMARY:Gig\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


class Script(Wire):
    """Gives its answers one after the other, and keeps what was asked."""

    def __init__(self, *answers: Reply | Failure) -> None:
        super().__init__()
        self.left = list(answers)
        self.asked: list[tuple[str, dict[str, str]]] = []

    async def request(self, method: str, url: str, **how: Any) -> Reply | Failure:
        assert not how.get("trusted"), "what a tenant typed is judged"
        self.asked.append((url, how["headers"]))
        return self.left.pop(0)


def reply(status: int = 200, body: bytes = FEED, *, ending: Ending = "whole", **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status=status, headers=named, body=body, ending=ending, timing=Timing())


def failure(kind: Kind) -> Failure:
    return Failure(kind=kind, reason=f"It is {kind}.", may_have_arrived=False, timing=Timing())


def connection(address: str = ADDRESS) -> Connection:
    secrets = {"address": (address,)} if address else {}
    return Connection(id=UUID("01970000-0000-7000-8000-00000000c004"), secrets=secrets)


def connector(script: Script) -> Ics:
    return connect(Tools(wire=script, machine_now=lambda: NOW))


async def pulled(script: Script, cursor: str = "", *, calendar: str = CALENDAR, address: str = ADDRESS) -> Any:
    pull = Pull(calendar=calendar, cursor=cursor, since=SINCE, until=UNTIL)
    return await connector(script).pull(pull, connection(address))


@pytest.mark.parametrize(
    ("answer", "kind", "says"),
    [
        (reply(401), ReconnectNeeded, "any more (401)"),
        (reply(403), ReconnectNeeded, "403"),
        (reply(410), ReconnectNeeded, "410"),
        (reply(405), RetryLater, "405"),
        (reply(429, retry_after="40"), RetryLater, "429"),
        (reply(500), RetryLater, "500"),
        (reply(301), RetryLater, "301"),
        (reply(ending="cut"), RetryLater, "Only a part"),
        (reply(body=FEED[:-9]), RetryLater, "Only a part"),
        (reply(ending="capped", content_length="52428800"), Rejected, "50 MiB"),
        (reply(ending="capped", content_length="many"), Rejected, "larger"),
        (reply(body=b"PK\x03\x04"), Rejected, "begins with BEGIN:VCALENDAR"),
        (reply(body=b"  <!DOCTYPE html>"), Rejected, "web page"),
        (reply(body=b"sign in", content_type="text/HTML"), Rejected, "web page"),
        (failure("refused"), ReconnectNeeded, "refused"),
        (failure("timeout"), RetryLater, "timeout"),
    ],
)
async def test_every_answer_means_one_thing(answer: Reply | Failure, kind: type[Any], says: str) -> None:
    found = await pulled(Script(answer))
    assert isinstance(found, kind)
    assert says in found.reason
    assert "feeds.example" not in repr(found)
    for asked in (connector(Script(answer)).account, connector(Script(answer)).calendars):
        assert isinstance(await asked(connection(), timeout_s=5), kind)


async def test_a_feed_is_followed_to_where_it_went_and_not_for_ever() -> None:
    script = Script(reply(302, location="/b.ics"), reply(308, location="https://other.example/c.ics"), reply())
    assert isinstance(await pulled(script), Pulled)
    assert [url for url, _ in script.asked] == [
        ADDRESS,
        "https://feeds.example/b.ics",
        "https://other.example/c.ics",
    ]
    again = Script(*[reply(302, location="/a.ics") for _ in range(published.REDIRECTS_MAX)])
    found = await pulled(again)
    assert isinstance(found, RetryLater)
    assert (found.tries_max, len(again.asked)) == (3, published.REDIRECTS_MAX)


async def test_a_server_without_etags_is_read_again_and_the_same_feed_is_told_as_the_same() -> None:
    first = await pulled(Script(reply()))
    assert [change.id for change in first.changes] == ["1"]
    script = Script(reply())
    again = await pulled(script, first.cursor)
    assert (again.changes, again.is_listing, again.cursor) == ((), False, first.cursor)
    assert set(script.asked[0][1]) == {"accept"}
    changed = await pulled(Script(reply(body=FEED.replace(b"Gig\r", b"Two\r"))), first.cursor)
    assert changed.is_listing
    dated = await pulled(Script(reply(last_modified="Tue, 05 Jan 2027 12:00:00 GMT")))
    script = Script(reply(304, b""))
    assert (await pulled(script, dated.cursor)).changes == ()
    assert script.asked[0][1]["if-modified-since"] == "Tue, 05 Jan 2027 12:00:00 GMT"


async def test_another_window_is_another_reading() -> None:
    first = await pulled(Script(reply(etag='"1"')))
    script = Script(reply(etag='"1"'))
    later = Pull(calendar=CALENDAR, cursor=first.cursor, since=SINCE, until=datetime(2028, 2, 1, tzinfo=UTC))
    found = await connector(script).pull(later, connection())
    assert isinstance(found, Pulled)
    assert found.is_listing
    assert "if-none-match" not in script.asked[0][1]


async def test_too_many_events_are_told_and_another_calendar_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapper, "EVENTS_MAX", 0)
    found = await pulled(Script(reply()))
    assert isinstance(found, Rejected)
    assert "a calendar with 1 events" in found.reason
    assert isinstance(await pulled(Script(), calendar="other"), Gone)
    assert isinstance(await pulled(Script(), address=""), ReconnectNeeded)


async def test_a_feed_is_called_as_it_calls_itself() -> None:
    found = await connector(Script(reply())).account(connection(), timeout_s=5)
    assert isinstance(found, Account)
    assert (found.title, found.id.partition(":")[0]) == ("Gigs, ours", "feeds.example")
    (own,) = await connector(Script(reply())).calendars(connection(), timeout_s=5)  # type: ignore[misc]
    assert (own.title, own.zone, own.is_writable) == ("Gigs, ours", "Europe/Berlin", False)
    bare = FEED.replace(b"X-WR-", b"X-NO-")
    (own,) = await connector(Script(reply(body=bare))).calendars(connection(), timeout_s=5)  # type: ignore[misc]
    assert (own.title, own.zone) == ("feeds.example", "UTC")


@pytest.mark.parametrize(
    ("lines", "is_read"),
    [
        ("SUMMARY:no start", True),
        ("DTSTART:20290101T000000Z", False),
        ("DTSTART:20200101T000000Z\r\nDTEND:20200102T000000Z", False),
        ("DTSTART:20200101T000000Z", False),
        ("DTSTART:20200101T000000Z\r\nDTEND:20270102T000000Z", True),
        ("DTSTART:20200101T000000Z\r\nRRULE:FREQ=YEARLY", True),
    ],
)
def test_what_is_surely_far_away_is_not_parsed(lines: str, is_read: bool) -> None:
    body = f"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\n{lines}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n".encode()
    found = mapper.read(mapper.opened(body, content_type=""), since=SINCE, until=UNTIL)
    assert bool(found.changes or found.unread) is is_read


@pytest.fixture(scope="module")
async def served() -> AsyncIterator[tuple[Publisher, str]]:
    publisher = Publisher()
    async with serving([publisher]) as at:
        yield publisher, at


async def test_a_visitor_adds_and_takes_away_events_by_hand(served: tuple[Publisher, str]) -> None:
    publisher, at = served
    feed = publisher.feeds[ACCOUNTS[0]]
    wire = Wire()
    headers = {"content-type": "application/x-www-form-urlencoded"}

    async def send(path: str, **form: str) -> int:
        done = await wire.request(
            "POST", f"{at}/ics{path}", headers=headers, body=urlencode(form).encode(), trusted=True
        )
        assert isinstance(done, Reply)
        return done.status

    async def page() -> str:
        shown = await wire.request("GET", f"{at}/ics", trusted=True)
        assert isinstance(shown, Reply)
        return shown.body.decode()

    before = set(feed.entries)
    own = f"/at/{feed.token}"
    assert await send(own, what="make", title="By hand", start="2027-06-12T14:00", minutes="90") == 303
    (id,) = set(feed.entries) - before
    assert feed.entries[id].times == Timed(start="2027-06-12T14:00:00", end="2027-06-12T15:30:00", zone=feed.zone)
    assert "By hand" in await page()
    for fields in ({}, {"start": "soon"}, {"start": "2027-06-12T14:00", "minutes": "long"}):
        assert await send(own, **fields) == 422
    assert await send(own, what="delete", id=id) == await send(own, what="delete", id=id) == 303
    assert set(feed.entries) == before
    assert await send("/at/nobody", title="x", start="2027-06-12T14:00") == 404
    assert (await send("/mood", mood="5xx", times="2"), publisher.moods.left) == (303, 2)
    assert (await send("/mood", mood="fine", times="x"), publisher.moods.left) == (303, None)
    days = await publisher.make(CALENDAR, title="Days", times=Days(on="2027-06-14", until="2027-06-15"))
    assert "2027-06-14" in await page()
    assert [one.id for one in publisher.seen(CALENDAR)] == [*before, days]
    await publisher.delete(CALENDAR, days)
    for missing in (
        publisher.delete(CALENDAR, days),
        publisher.move(CALENDAR, days, Days(on="2027-01-01", until="2027-01-02")),
    ):
        with pytest.raises(Refusal):
            await missing
    await wire.close()


async def test_the_huge_feed_ends_where_it_should(
    served: tuple[Publisher, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher, at = served
    monkeypatch.setattr(fake, "HUGE_BYTES", 200_000)
    wire = Wire()
    whole = await wire.request("GET", f"{at}/ics/huge.ics", trusted=True, body_max_bytes=1_000_000)
    assert isinstance(whole, Reply)
    assert (whole.ending, whole.body.endswith(b"END:VCALENDAR\r\n")) == ("whole", True)
    publisher.stopping.set()
    cut = await wire.request("GET", f"{at}/ics/huge.ics", trusted=True, body_max_bytes=1_000_000)
    publisher.stopping.clear()
    assert isinstance(cut, Reply)
    assert b"END:VCALENDAR" not in cut.body
    await wire.close()
