"""A Google that remembers: calendars of two suppliers behind the API's own addresses, with moods and pages to look in.

The API is below `/google/calendar/v3`, OAuth below `/google/oauth2`. A visitor makes, moves and deletes events at
`/google` as the supplier would in Google's own pages; whoever watches the calendar is notified.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import quote
from uuid import uuid4

import msgspec
from litestar import Request, Response, Router, delete, get, patch, post
from litestar.enums import MediaType, RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from wedsync.connections.calendars import driven
from wedsync.connections.calendars.driven import ACCOUNTS, Seen
from wedsync.connections.calendars.event import Times
from wedsync.connections.contract import Connection
from wedsync.connections.fake_client import CLIENT_ID, CLIENT_SECRET
from wedsync.connections.fake_consent import Consent
from wedsync.connections.fakes import FINE, Moods, drop_connection, given, pages
from wedsync.connectors.google_calendar.fake_channels import Channels
from wedsync.connectors.google_calendar.fake_forms import cleared, ends, odd, times_of, typed
from wedsync.connectors.google_calendar.fake_store import Calendar, GoogleError, Store
from wedsync.kit.errors import Refusal, not_found

SCOPE: Final = "https://www.googleapis.com/auth/calendar"
SCOPES: Final = {
    f"{SCOPE}.calendarlist.readonly": "See the list of your calendars",
    f"{SCOPE}.events": "See and change events in all your calendars",
}
RATE: Final = "403 rate"
MOODS: Final = {**driven.MOODS, RATE: "Answers 403 rateLimitExceeded, as Google may do in place of 429."}
EXCHANGES_MAX: Final = 2000
SHOWN_MAX: Final = 200


class Exchange(msgspec.Struct, frozen=True):
    """One call of the API, for who wants to know what was said. No token is kept."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    status: int
    answer: Any


class Google:
    """The provider. A `Driven`: what a person does in it can be done by methods."""

    title = "Google Calendar"

    def __init__(self) -> None:
        self.moods = Moods(MOODS)
        self.store = Store()
        self.channels = Channels(self.moods)
        self.exchanges: deque[Exchange] = deque(maxlen=EXCHANGES_MAX)
        self.stopping = asyncio.Event()
        first, second = ACCOUNTS
        for calendar in (
            Calendar(first, first, "Carla", zone="Europe/Berlin", primary=True),
            Calendar("weddings@group.calendar.google.com", first, "Weddings", zone="Europe/Berlin"),
            Calendar("de#holiday@group.v.calendar.google.com", first, "Holidays", zone="Europe/Berlin", role="reader"),
            Calendar(second, second, "Dario", zone="America/New_York", primary=True),
        ):
            self.store.calendars[calendar.id] = calendar
        names = {account: account.partition("@")[0].title() for account in ACCOUNTS}
        self.consent = Consent(
            "/google/oauth2", "Google", accounts=names, scopes=SCOPES, offline=("access_type", "offline")
        )
        routes = {"google": given(self)}
        self.routes: Sequence[ControllerRouterHandler] = [
            Router("/google/calendar/v3", route_handlers=API, dependencies=routes),
            Router("/google", route_handlers=PAGES_OF_IT, dependencies=routes),
            *self.consent.routes,
        ]

    @property
    def address(self) -> str:
        return "/google/calendar/v3"

    @property
    def page_size(self) -> int:
        return self.store.page_size

    @page_size.setter
    def page_size(self, size: int) -> None:
        self.store.page_size = size

    async def start(self) -> None:
        await self.channels.start()

    async def stop(self) -> None:
        self.stopping.set()
        await self.channels.stop()

    def settings_at(self, at: str) -> Mapping[str, Any]:
        return {
            "google_calendar_base_url": f"{at}{self.address}",
            "google_calendar_client_id": CLIENT_ID,
            "google_calendar_client_secret": CLIENT_SECRET,
            "google_calendar_authorize_url": f"{at}/google/oauth2/authorize",
            "google_calendar_token_url": f"{at}/google/oauth2/token",
            "google_calendar_revoke_url": f"{at}/google/oauth2/revoke",
        }

    def connection(self, at: str, account: str) -> Connection:
        return Connection(id=uuid4(), secrets={"access_token": (self.consent.issue(account).access,)})

    async def make(self, calendar: str, *, title: str, times: Times) -> str:
        made = self.store.insert(self.calendar(calendar), {"summary": title, **ends(times)})
        self.channels.changed(self.calendar(calendar))
        return str(made["id"])

    async def move(self, calendar: str, id: str, times: Times) -> None:
        self.store.patch(self.calendar(calendar), id, cleared(ends(times)))
        self.channels.changed(self.calendar(calendar))

    async def delete(self, calendar: str, id: str) -> None:
        self.store.remove(self.calendar(calendar), id)
        self.channels.changed(self.calendar(calendar))

    def seen(self, calendar: str) -> list[Seen]:
        events = self.calendar(calendar).living()
        return [Seen(id=one["id"], title=one.get("summary", ""), times=times_of(one)) for one in events]

    def forget_cursors(self) -> None:
        self.store.epoch += 1

    def calendar(self, id: str) -> Calendar:
        """Raises Refusal 404."""
        found = self.store.calendars.get(id)
        if found is None:
            raise not_found("calendar")
        return found


def build(settings: Any) -> Google:
    return Google()


async def answered(
    google: Google, request: "Request[Any, Any, Any]", act: Callable[[str, Any], Any], *, scope: str, status: int = 200
) -> Response[bytes]:
    """What Google answers to a call, in whatever mood it is. `act` is given the account and the body."""
    mood = FINE if google.moods.current in (driven.DUPLICATE, driven.OFF) else google.moods.take()
    if mood == driven.SLOW:
        with suppress(TimeoutError):
            await asyncio.wait_for(google.stopping.wait(), driven.SLOW_S)
    raw = await request.body()
    body = msgspec.json.decode(raw) if raw else None
    headers: dict[str, str] = {}
    try:
        _refuse(mood)
        answer = act(_account(google, request, mood, scope), body)
    except GoogleError as error:
        answer, status = error.body, error.status
        headers = {"retry-after": str(driven.RETRY_AFTER_S)} if mood == driven.BUSY else {}
    path = request.url.path.removeprefix(google.address)
    google.exchanges.append(Exchange(request.method, path, dict(request.query_params), body, status, answer))
    if mood == driven.LOST:
        drop_connection(request)
    told = b"" if answer is None else msgspec.json.encode(odd(answer) if mood == driven.ODD else answer)
    if mood == driven.TRUNCATED:
        told = told[: len(told) // 2]
    return Response(told, status_code=status, headers=headers, media_type=MediaType.JSON)


@get("/users/me/calendarList")
async def list_calendars(request: "Request[Any, Any, Any]", google: Google) -> Response[bytes]:
    def act(account: str, _: Any) -> Any:
        entries = [calendar.entry() for calendar in google.store.of(account)]
        return {"kind": "calendar#calendarList", "etag": '"1"', "nextSyncToken": "c-1", "items": entries}

    return await answered(google, request, act, scope=".calendarlist.readonly")


@get("/users/me/calendarList/{calendar:str}")
async def get_calendar(calendar: str, request: "Request[Any, Any, Any]", google: Google) -> Response[bytes]:
    return await answered(
        google,
        request,
        lambda account, _: google.store.calendar(calendar, account).entry(),
        scope=".calendarlist.readonly",
    )


@get("/calendars/{calendar:str}/events")
async def list_events(calendar: str, request: "Request[Any, Any, Any]", google: Google) -> Response[bytes]:
    def act(account: str, _: Any) -> Any:
        return google.store.page(google.store.calendar(calendar, account), dict(request.query_params))

    return await answered(google, request, act, scope=".events")


@get("/calendars/{calendar:str}/events/{event:str}")
async def get_event(calendar: str, event: str, request: "Request[Any, Any, Any]", google: Google) -> Response[bytes]:
    def act(account: str, _: Any) -> Any:
        return google.store.get(google.store.calendar(calendar, account), event)

    return await answered(google, request, act, scope=".events")


@post("/calendars/{calendar:str}/events")
async def insert_event(calendar: str, request: "Request[Any, Any, Any]", google: Google) -> Response[bytes]:
    def act(account: str, body: Any) -> Any:
        place = google.store.calendar(calendar, account)
        made = google.store.insert(place, body)
        google.channels.changed(place)
        return made

    return await answered(google, request, act, scope=".events")


@patch("/calendars/{calendar:str}/events/{event:str}")
async def patch_event(calendar: str, event: str, request: "Request[Any, Any, Any]", google: Google) -> Response[bytes]:
    def act(account: str, body: Any) -> Any:
        place = google.store.calendar(calendar, account)
        changed = google.store.patch(place, event, body, etag=request.headers.get("if-match", ""))
        google.channels.changed(place)
        return changed

    return await answered(google, request, act, scope=".events")


@delete("/calendars/{calendar:str}/events/{event:str}", status_code=200)
async def delete_event(calendar: str, event: str, request: "Request[Any, Any, Any]", google: Google) -> Response[bytes]:
    def act(account: str, _: Any) -> None:
        place = google.store.calendar(calendar, account)
        google.store.remove(place, event, etag=request.headers.get("if-match", ""))
        google.channels.changed(place)

    return await answered(google, request, act, scope=".events", status=204)


@post("/calendars/{calendar:str}/events/watch")
async def watch_events(calendar: str, request: "Request[Any, Any, Any]", google: Google) -> Response[bytes]:
    def act(account: str, body: Any) -> Any:
        return google.channels.watch(google.store.calendar(calendar, account), body)

    return await answered(google, request, act, scope=".events")


@post("/channels/stop")
async def stop_channel(request: "Request[Any, Any, Any]", google: Google) -> Response[bytes]:
    return await answered(
        google, request, lambda account, body: google.channels.end(body, account), scope=".events", status=204
    )


@get("/", media_type=MediaType.HTML)
async def show_calendars(google: Google) -> str:
    return PAGES.get_template("calendars.html").render(google=google, moods=google.moods, action="/google/mood")


@get("/at/{calendar:str}", media_type=MediaType.HTML)
async def show(calendar: str, google: Google) -> str:
    place = google.calendar(calendar)
    events = sorted(place.living(), key=lambda one: str(one["start"]))[:SHOWN_MAX]
    watching = [one for one in google.channels.open.values() if one.calendar == place.id]
    return PAGES.get_template("calendar.html").render(place=place, events=events, watching=watching)


@post("/at/{calendar:str}")
async def act_as_person(
    calendar: str, google: Google, data: Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]
) -> Redirect:
    """What the forms of a calendar's page do: make, move or delete."""
    what, id = data.get("what", ""), data.get("id", "")
    place = google.calendar(calendar)
    try:
        if what == "delete":
            await google.delete(calendar, id)
        elif what == "move":
            await google.move(calendar, id, typed(data, place.zone))
        else:
            await google.make(calendar, title=data.get("title", ""), times=typed(data, place.zone))
    except GoogleError as error:
        raise Refusal(error.status, "refused", f"{error} Go back and change it.") from error
    return Redirect(f"/google/at/{quote(calendar, safe='')}", status_code=303)


@post("/mood")
async def change_mood(
    google: Google, data: Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]
) -> Redirect:
    times = data.get("times", "")
    google.moods.switch(data.get("mood", ""), int(times) if times.isdigit() else None)
    return Redirect("/google", status_code=303)


@post("/forget")
async def forget_cursors(google: Google) -> Redirect:
    google.forget_cursors()
    return Redirect("/google", status_code=303)


def _account(google: Google, request: "Request[Any, Any, Any]", mood: str, scope: str) -> str:
    grant = google.consent.grant_of(request)
    if grant is None or mood == driven.DEAD:
        raise GoogleError(401, "authError", "Invalid Credentials")
    if SCOPE + scope not in grant.scopes:
        raise GoogleError(403, "insufficientPermissions", "Request had insufficient authentication scopes.")
    return grant.account


def _refuse(mood: str) -> None:
    """What is refused whoever asks. Raises GoogleError."""
    if mood == driven.BUSY:
        raise GoogleError(429, "rateLimitExceeded", "Rate Limit Exceeded")
    if mood == RATE:
        raise GoogleError(403, "rateLimitExceeded", "Rate Limit Exceeded")
    if mood == driven.BROKEN:
        raise GoogleError(503, "backendError", "Backend Error")


API = [
    *(list_calendars, get_calendar, list_events, get_event, insert_event, patch_event, delete_event),
    *(watch_events, stop_channel),
]
PAGES_OF_IT = [show_calendars, show, act_as_person, change_mood, forget_cursors]
PAGES = pages(Path(__file__).parent / "templates")
