"""Publishers of calendars: a feed for each account that can be changed at `/ics`, and feeds as they should not be.

A feed answers conditional requests as a good server does. `/ics/huge.ics` has 50 MB, `/ics/page.ics` is a web page.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import uuid4

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.enums import MediaType, RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect, Stream
from litestar.types import ControllerRouterHandler

from wedsync.connections.calendars import driven
from wedsync.connections.calendars.driven import ACCOUNTS, Seen
from wedsync.connections.calendars.event import Days, Timed, Times
from wedsync.connections.contract import Connection
from wedsync.connections.fakes import Moods, drop_connection, given, pages
from wedsync.kit.errors import Refusal, not_found

HUGE_BYTES: Final = 50_000_000
MOODS: Final = {
    **{mood: does for mood, does in driven.MOODS.items() if mood not in (driven.DUPLICATE, driven.OFF)},
    "page": "Answers 200 with a web page, as publishers do who want a sign-in first.",
}
PAGE: Final = "<!doctype html><html><title>Sign in</title><p>Please sign in to see this calendar.</p></html>"
CALENDAR_TYPE: Final = "text/calendar; charset=utf-8"


class Entry(msgspec.Struct, kw_only=True):
    id: str
    title: str
    times: Times


class Feed(msgspec.Struct, kw_only=True):
    """`epoch` is part of the etag, so that a publisher can forget what it gave out."""

    account: str
    name: str
    zone: str
    token: str
    epoch: int = 1
    entries: dict[str, Entry] = msgspec.field(default_factory=dict)

    def text(self, *, is_odd: bool = False) -> str:
        lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Publisher//Feed 3//EN", f"X-WR-CALNAME:{self.name}"]
        lines += [f"X-WR-TIMEZONE:{self.zone}", *(["X-NOBODY-KNOWS;X-A=1:this"] if is_odd else [])]
        for entry in self.entries.values():
            lines += ["BEGIN:VEVENT", f"UID:{entry.id}", "DTSTAMP:20260101T000000Z", *_ends(entry.times)]
            lines += [f"SUMMARY:{_escaped(entry.title)}", *(["X-COLOUR;X-B=2:tomato"] if is_odd else []), "END:VEVENT"]
        return "\r\n".join([*lines, "END:VCALENDAR", ""])


class Publisher:
    """The provider. A `Driven` whose calendar is the first account's."""

    title = "Calendar feeds"

    def __init__(self) -> None:
        self.moods = Moods(MOODS)
        self.page_size = 1000
        self.stopping = asyncio.Event()
        offered = zip(
            ACCOUNTS, ("Carla's tour dates", "Dario's bookings"), ("Europe/Berlin", "America/New_York"), strict=True
        )
        self.feeds = {
            account: Feed(account=account, name=name, zone=zone, token=f"private-{number}f6c1b09e")
            for number, (account, name, zone) in enumerate(offered, 1)
        }
        routes = [publish, show, act_as_person, change_mood, huge, page]
        self.routes: Sequence[ControllerRouterHandler] = [
            Router("/ics", route_handlers=routes, dependencies={"publisher": given(self)})
        ]

    @property
    def address(self) -> str:
        return f"/ics/feed/{self.feeds[ACCOUNTS[0]].token}.ics"

    async def start(self) -> None:
        """Nothing to start: requests come through the sandbox."""

    async def stop(self) -> None:
        self.stopping.set()

    def settings_at(self, at: str) -> Mapping[str, Any]:
        return {}

    def connection(self, at: str, account: str) -> Connection:
        return Connection(id=uuid4(), secrets={"address": (f"{at}/ics/feed/{self.feeds[account].token}.ics",)})

    async def make(self, calendar: str, *, title: str, times: Times) -> str:
        entry = Entry(id=f"{uuid4().hex}@publisher.example", title=title, times=times)
        self._own.entries[entry.id] = entry
        return entry.id

    async def move(self, calendar: str, id: str, times: Times) -> None:
        self._entry(self._own, id).times = times

    async def delete(self, calendar: str, id: str) -> None:
        self._entry(self._own, id)
        del self._own.entries[id]

    def seen(self, calendar: str) -> list[Seen]:
        return [Seen(id=one.id, title=one.title, times=one.times) for one in self._own.entries.values()]

    def forget_cursors(self) -> None:
        for feed in self.feeds.values():
            feed.epoch += 1

    @property
    def _own(self) -> Feed:
        return self.feeds[ACCOUNTS[0]]

    def _entry(self, feed: Feed, id: str) -> Entry:
        if id not in feed.entries:
            raise not_found("event")
        return feed.entries[id]


def build(settings: Any) -> Publisher:
    return Publisher()


@get("/feed/{name:str}")
async def publish(name: str, request: "Request[Any, Any, Any]", publisher: Publisher) -> Response[bytes]:
    """A feed, in whatever mood the publisher is."""
    mood = publisher.moods.take()
    if mood == driven.SLOW:
        with suppress(TimeoutError):
            await asyncio.wait_for(publisher.stopping.wait(), driven.SLOW_S)
    refused = {driven.BUSY: 429, driven.BROKEN: 503, driven.DEAD: 401}.get(mood)
    feed = next((one for one in publisher.feeds.values() if name == f"{one.token}.ics"), None)
    if refused is not None or feed is None:
        headers = {"retry-after": str(driven.RETRY_AFTER_S)} if mood == driven.BUSY else {}
        return Response(b"", status_code=refused or 404, headers=headers)
    if mood == driven.LOST:
        drop_connection(request)
    if mood == "page":
        return Response(PAGE.encode(), media_type=MediaType.HTML)
    body = feed.text(is_odd=mood == driven.ODD).encode()
    etag = f'"{feed.epoch}-{blake2b(body, digest_size=8).hexdigest()}"'
    if request.headers.get("if-none-match") == etag:
        return Response(b"", status_code=304, headers={"etag": etag})
    if mood == driven.TRUNCATED:
        body = body[: len(body) // 2]
    return Response(body, headers={"etag": etag}, media_type=CALENDAR_TYPE)


@get("/huge.ics")
async def huge(publisher: Publisher) -> Stream:
    """A calendar of 50 MB."""

    async def pour() -> AsyncIterator[bytes]:
        yield b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n"
        event = b"BEGIN:VEVENT\r\nUID:1\r\nDTSTART:20270101T000000Z\r\nSUMMARY:again\r\nEND:VEVENT\r\n" * 1000
        for _ in range(HUGE_BYTES // len(event) + 1):
            if publisher.stopping.is_set():
                return
            yield event
        yield b"END:VCALENDAR\r\n"

    return Stream(pour(), media_type=CALENDAR_TYPE)


@get("/page.ics", media_type=MediaType.HTML)
async def page() -> str:
    """A web page where a calendar should be."""
    return PAGE


@get("/", media_type=MediaType.HTML)
async def show(request: "Request[Any, Any, Any]", publisher: Publisher) -> str:
    at = str(request.base_url).rstrip("/")
    return PAGES.get_template("feeds.html").render(
        publisher=publisher, moods=publisher.moods, action="/ics/mood", at=at, start=_start
    )


@post("/at/{token:str}")
async def act_as_person(
    token: str, publisher: Publisher, data: Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]
) -> Redirect:
    """What the forms of a feed do: add an event, or take one away."""
    feed = next((one for one in publisher.feeds.values() if one.token == token), None)
    if feed is None:
        raise not_found("feed")
    if data.get("what") == "delete":
        feed.entries.pop(data.get("id", ""), None)
    else:
        entry = Entry(id=f"{uuid4().hex}@publisher.example", title=data.get("title", ""), times=_typed(data, feed.zone))
        feed.entries[entry.id] = entry
    return Redirect("/ics", status_code=303)


@post("/mood")
async def change_mood(
    publisher: Publisher, data: Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]
) -> Redirect:
    times = data.get("times", "")
    publisher.moods.switch(data.get("mood", ""), int(times) if times.isdigit() else None)
    return Redirect("/ics", status_code=303)


def _typed(data: Mapping[str, str], zone: str) -> Times:
    """Raises Refusal 422."""
    try:
        start = datetime.fromisoformat(data.get("start", "")).replace(tzinfo=None)
        end = start + timedelta(minutes=int(data.get("minutes") or 60))
    except (ValueError, OverflowError) as cause:
        raise Refusal(422, "bad_time", "Give a start such as 2027-06-12T14:00 and minutes.") from cause
    return Timed(start=start.isoformat(timespec="seconds"), end=end.isoformat(timespec="seconds"), zone=zone)


def _ends(times: Times) -> list[str]:
    if isinstance(times, Days):
        first, last = (f"{date.fromisoformat(one):%Y%m%d}" for one in (times.on, times.until))
        return [f"DTSTART;VALUE=DATE:{first}", f"DTEND;VALUE=DATE:{last}"]
    ends = (("DTSTART", times.start, times.zone), ("DTEND", times.end, times.end_zone or times.zone))
    return [f"{key};TZID={zone}:{datetime.fromisoformat(wall):%Y%m%dT%H%M%S}" for key, wall, zone in ends]


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")


def _start(times: Times) -> str:
    return times.on if isinstance(times, Days) else times.start.replace("T", " ")[:16]


PAGES = pages(Path(__file__).parent / "templates")
