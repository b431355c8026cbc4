"""An iCloud that remembers: CalDAV below `/caldav`, and at `/dav` pages where its calendars are looked at and changed.

Sign in as carla@sandbox.example or dario@sandbox.example with the app-specific password that the page shows.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import uuid4

from litestar import Request, Router, asgi, get, post
from litestar.enums import MediaType, RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler, Receive, Scope, Send

from wedsync.connections.calendars import driven
from wedsync.connections.calendars.driven import ACCOUNTS, Seen
from wedsync.connections.calendars.event import Days, Timed, Times
from wedsync.connections.contract import Connection
from wedsync.connections.fakes import Moods, drop_connection, given, pages
from wedsync.connectors.icloud_calendar import fake_store
from wedsync.connectors.icloud_calendar.fake_speech import (
    PASSWORD,
    PREFIX,
    Account,
    Answer,
    Asked,
    Talk,
    account_of,
    path_at,
    refused,
    speak,
)
from wedsync.connectors.icloud_calendar.fake_store import Calendar
from wedsync.kit.errors import Refusal, not_found

SHOWN_MAX: Final = 200
BODY_MAX_BYTES: Final = 4 * 1024 * 1024
MOODS: Final = {mood: does for mood, does in driven.MOODS.items() if mood not in (driven.DUPLICATE, driven.OFF)}
OFFERED: Final = (
    ("home", "Home", "VEVENT", True),
    ("weddings", "Weddings", "VEVENT", True),
    ("holidays", "Holidays", "VEVENT", False),
    ("reminders", "Reminders", "VTODO", True),
)


class Icloud:
    """The provider. A `Driven`: what a person does in it can be done by methods."""

    title = "CalDAV server"

    def __init__(self) -> None:
        self.moods = Moods(MOODS)
        self.page_size = 1000
        self.epoch = 1
        self.stopping = asyncio.Event()
        self.accounts: dict[str, Account] = {}
        for number, (name, zone) in enumerate(
            zip(ACCOUNTS, ("Europe/Berlin", "America/New_York"), strict=True), 10000001
        ):
            account = Account(name=name, number=str(number), calendars=[])
            account.calendars = [
                Calendar(
                    path=f"{account.home}{key}/", title=title, zone=zone, component=component, is_writable=is_writable
                )
                for key, title, component, is_writable in OFFERED
            ]
            self.accounts[name] = account
        self.routes: Sequence[ControllerRouterHandler] = [
            _speaking(self),
            Router(
                "/dav",
                route_handlers=[show_calendars, show, act_as_person, change_mood, forget],
                dependencies={"icloud": given(self)},
            ),
        ]

    @property
    def address(self) -> str:
        return f"{PREFIX}/"

    async def start(self) -> None:
        """Nothing to start: requests come through the sandbox."""

    async def stop(self) -> None:
        self.stopping.set()

    def settings_at(self, at: str) -> Mapping[str, Any]:
        return {"icloud_calendar_base_url": f"{at}{self.address}"}

    def connection(self, at: str, account: str) -> Connection:
        return Connection(id=uuid4(), secrets={"username": (account,), "password": (PASSWORD,)})

    async def make(self, calendar: str, *, title: str, times: Times) -> str:
        place = self.calendar(calendar)
        path = f"{place.path}{str(uuid4()).upper()}.ics"
        place.put(path, fake_store.written(title, times))
        return path

    async def move(self, calendar: str, id: str, times: Times) -> None:
        place = self.calendar(calendar)
        place.put(id, fake_store.moved(self._body(place, id), times))

    async def delete(self, calendar: str, id: str) -> None:
        place = self.calendar(calendar)
        self._body(place, id)
        place.remove(id)

    def seen(self, calendar: str) -> list[Seen]:
        found = [fake_store.seen(path, one.body) for path, one in self.calendar(calendar).objects.items()]
        return [one for one in found if one is not None]

    def forget_cursors(self) -> None:
        self.epoch += 1

    def calendar(self, address: str) -> Calendar:
        path = path_at(address)
        for account in self.accounts.values():
            for one in account.calendars:
                if one.path == path:
                    return one
        raise not_found("calendar")

    async def answer(self, asked: Asked) -> tuple[Answer, str]:
        """In whatever mood it is, which is told too."""
        mood = self.moods.take()
        if mood == driven.SLOW:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.stopping.wait(), driven.SLOW_S)
        if mood == driven.BUSY:
            return Answer(status=429, headers={"retry-after": str(driven.RETRY_AFTER_S)}), mood
        if mood == driven.BROKEN:
            return Answer(status=503), mood
        account = account_of(asked.headers.get("authorization", ""), self.accounts)
        if account is None or mood == driven.DEAD:
            return refused(), mood
        talk = Talk(epoch=self.epoch, page_size=self.page_size, is_odd=mood == driven.ODD)
        answer = speak(asked, account, talk)
        if mood == driven.TRUNCATED:
            answer.body = answer.body[: len(answer.body) // 2]
        return answer, mood

    def _body(self, place: Calendar, id: str) -> str:
        found = place.objects.get(id.partition("#")[0])
        if found is None:
            raise not_found("event")
        return found.body


def build(settings: Any) -> Icloud:
    return Icloud()


def _speaking(icloud: Icloud) -> ControllerRouterHandler:
    """Litestar routes no PROPFIND, so what is below the prefix is an application of its own."""

    @asgi(PREFIX, is_mount=True, copy_scope=True)
    async def speaking(scope: Scope, receive: Receive, send: Send) -> None:
        request: Request[Any, Any, Any] = Request(scope, receive, send)
        headers = {name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]}
        body = await _body_of(receive)
        asked = Asked(
            method=str(request.method),
            path=scope["raw_path"].decode().partition("?")[0],
            headers=headers,
            body=body.decode("utf-8", "replace"),
            at=f"http://{headers.get('host', '')}",
        )
        answer, mood = await icloud.answer(asked)
        if mood == driven.LOST:
            drop_connection(request)
        told = [(name.encode(), value.encode()) for name, value in answer.headers.items()]
        content = answer.body.encode()
        told.append((b"content-length", str(len(content)).encode()))
        await send({"type": "http.response.start", "status": answer.status, "headers": told})
        await send({"type": "http.response.body", "body": content, "more_body": False})

    return speaking


async def _body_of(receive: Receive) -> bytes:
    """At most what a calendar object may be; Litestar reads none for an application below a prefix."""
    body: bytes = b""
    while len(body) <= BODY_MAX_BYTES:
        message: Any = await receive()
        body += bytes(message.get("body", b""))
        if not message.get("more_body", False):
            return body
    raise Refusal(413, "too_large", "Send less.")


@get("/", media_type=MediaType.HTML)
async def show_calendars(icloud: Icloud) -> str:
    return PAGES.get_template("calendars.html").render(
        icloud=icloud, moods=icloud.moods, action="/dav/mood", password=PASSWORD
    )


@get("/at/{number:str}/{key:str}", media_type=MediaType.HTML)
async def show(number: str, key: str, icloud: Icloud) -> str:
    place = _place(icloud, number, key)
    events = sorted(icloud.seen(place.path), key=lambda one: _start(one.times), reverse=True)[:SHOWN_MAX]
    return PAGES.get_template("calendar.html").render(
        place=place, events=events, start=_start, objects=place.objects, own=f"/dav/at/{number}/{key}"
    )


@post("/at/{number:str}/{key:str}")
async def act_as_person(
    number: str,
    key: str,
    icloud: Icloud,
    data: Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Redirect:
    """What the forms of a calendar's page do: make, move or delete."""
    place, id = _place(icloud, number, key), data.get("id", "")
    what = data.get("what", "")
    if what == "delete":
        await icloud.delete(place.path, id)
    elif what == "move":
        await icloud.move(place.path, id, _typed(data, place.zone))
    else:
        await icloud.make(place.path, title=data.get("title", ""), times=_typed(data, place.zone))
    return Redirect(f"/dav/at/{number}/{key}", status_code=303)


@post("/mood")
async def change_mood(
    icloud: Icloud, data: Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]
) -> Redirect:
    times = data.get("times", "")
    icloud.moods.switch(data.get("mood", ""), int(times) if times.isdigit() else None)
    return Redirect("/dav", status_code=303)


@post("/forget")
async def forget(icloud: Icloud) -> Redirect:
    icloud.forget_cursors()
    return Redirect("/dav", status_code=303)


def _place(icloud: Icloud, number: str, key: str) -> Calendar:
    for account in icloud.accounts.values():
        if account.number == number:
            return icloud.calendar(f"{account.home}{key}/")
    raise not_found("calendar")


def _typed(data: Mapping[str, str], zone: str) -> Times:
    """The times of a form: a day, or a wall time with minutes. Raises Refusal 422."""
    try:
        if data.get("day"):
            on = date.fromisoformat(data["day"])
            return Days(on=on.isoformat(), until=(on + timedelta(days=1)).isoformat())
        start = datetime.fromisoformat(data.get("start", "")).replace(tzinfo=None)
        end = start + timedelta(minutes=int(data.get("minutes") or 60))
    except (ValueError, OverflowError) as cause:
        raise Refusal(422, "bad_time", "Give a day, or a start such as 2027-06-12T14:00 and minutes.") from cause
    return Timed(start=start.isoformat(timespec="seconds"), end=end.isoformat(timespec="seconds"), zone=zone)


def _start(times: Times) -> str:
    return times.on if isinstance(times, Days) else times.start.replace("T", " ")[:16]


PAGES = pages(Path(__file__).parent / "templates")
