"""A Microsoft 365 of two mailboxes: Graph's calendar API, its consent screen, and a page to act as the owner.

`/graph/v1.0` is the API, `/graph/oauth` signs in with refresh tokens that are good for one use, `/graph` shows it all.
"""

import asyncio
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import UUID, uuid5

import msgspec
from litestar import HttpMethod, Request, Response, Router, get, post, route
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
from wedsync.connections.fakes import Moods, Shelf, drop_connection, given, pages
from wedsync.connectors.outlook_calendar.fake_graph import Api, Call
from wedsync.connectors.outlook_calendar.fake_mailbox import Book, Entry, GraphError, Mailbox
from wedsync.connectors.outlook_calendar.fake_times import local, said, times_of, typed
from wedsync.connectors.outlook_calendar.fake_watchers import Watchers
from wedsync.kit import clock
from wedsync.kit.errors import Refusal

PREFIX: Final = "/graph"
API: Final = f"{PREFIX}/v1.0"
OAUTH: Final = f"{PREFIX}/oauth"
NAMESPACE: Final = UUID("5a9d3c3e-7c0b-4e57-9b1e-2f6d0c8a7e11")
SCOPES: Final = {
    "offline_access": "Keep access while you are away",
    "User.Read": "See who you are",
    "Calendars.ReadWrite": "Read and change your calendars",
    "MailboxSettings.Read": "See the time zone of your mailbox",
}
IN_FLIGHT_MAX: Final = 4
PAGE_MAX: Final = 100
KEPT_MAX: Final = 500
SHOWN_MAX: Final = 200
LIFECYCLE: Final = ("reauthorizationRequired", "missed", "subscriptionRemoved")
UNTAKEN: Final = frozenset({driven.DUPLICATE, driven.OFF})


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """One call as it came and what it was answered; no token."""

    at: str
    method: str
    path: str
    query: str
    prefer: str
    said: Any
    status: int
    told: Any


class Outlook:
    """The whole of it."""

    title = "Outlook"

    def __init__(self) -> None:
        self.moods = Moods(driven.MOODS)
        self.page_size = PAGE_MAX
        names = {account: account.partition("@")[0].title() for account in ACCOUNTS}
        self.mailboxes = {account: Mailbox(account, name) for account, name in names.items()}
        self.consent = Consent(
            OAUTH, self.title, accounts=names, scopes=SCOPES, rotates=True, offline=("scope", "offline_access")
        )
        self.watchers = Watchers()
        self.api = Api(self.watchers, self.changed)
        self.kept: Shelf[Exchange] = Shelf(items_max=KEPT_MAX, bytes_max=8 * 1024 * 1024)
        self.in_flight: dict[str, int] = {}
        self.stopping = asyncio.Event()
        self.routes: Sequence[ControllerRouterHandler] = [
            *self.consent.routes,
            Router(
                PREFIX,
                route_handlers=[call_api, show, change_mood, make_event, move_event, delete_event, tell_lifecycle],
                dependencies={"fake": given(self)},
            ),
        ]

    @property
    def address(self) -> str:
        return API

    async def start(self) -> None:
        await self.watchers.start()

    async def stop(self) -> None:
        self.stopping.set()
        self.consent.stopping.set()
        await self.watchers.stop()

    def settings_at(self, at: str) -> Mapping[str, Any]:
        return {
            "outlook_calendar_base_url": f"{at}{API}",
            "outlook_calendar_client_id": CLIENT_ID,
            "outlook_calendar_client_secret": CLIENT_SECRET,
            "outlook_calendar_authorize_url": f"{at}{OAUTH}/authorize",
            "outlook_calendar_token_url": f"{at}{OAUTH}/token",
        }

    def connection(self, at: str, account: str) -> Connection:
        token = self.consent.issue(account).access
        return Connection(id=uuid5(NAMESPACE, f"{at} {account}"), secrets={"access_token": (token,)})

    async def make(self, calendar: str, *, title: str, times: Times, more: Mapping[str, Any] | None = None) -> str:
        """`more` is any of Graph's own fields, such as recurrence or attendees."""
        mailbox, book = self.book(calendar)
        entry = mailbox.make(book, {"subject": title, **said(times), **(more or {})})
        await self.tell(mailbox, entry, "created")
        return entry.id

    async def move(self, calendar: str, id: str, times: Times) -> None:
        await self.edit(calendar, id, said(times))

    async def edit(self, calendar: str, id: str, fields: Mapping[str, Any]) -> None:
        """The same for any of Graph's own fields."""
        mailbox, _ = self.book(calendar)
        mailbox.change(id, fields)
        await self.tell(mailbox, mailbox.find(id)[0], "updated")

    async def delete(self, calendar: str, id: str) -> None:
        mailbox, _ = self.book(calendar)
        entry = mailbox.delete(id)
        await self.tell(mailbox, entry, "deleted" if entry.is_gone else "updated")

    def seen(self, calendar: str) -> list[Seen]:
        _, book = self.book(calendar)
        entries = [one for one in book.entries.values() if not one.is_gone]
        return [Seen(id=one.id, title=one.fields.get("subject", ""), times=times_of(one.span)) for one in entries]

    def forget_cursors(self) -> None:
        self.api.tokens.clear()

    def mailbox(self, account: str) -> Mailbox:
        """Whoever signs in has one."""
        if account not in self.mailboxes:
            self.mailboxes[account] = Mailbox(account, self.consent.accounts.get(account, account))
        return self.mailboxes[account]

    def book(self, calendar: str) -> tuple[Mailbox, Book]:
        for mailbox in self.mailboxes.values():
            if calendar in mailbox.books:
                return mailbox, mailbox.books[calendar]
        raise Refusal(404, "unknown_calendar", "There is no such calendar in the sandbox.")

    def changed(self, mailbox: Mailbox, entry: Entry, kind: str) -> "asyncio.Task[None]":
        times = {driven.OFF: 0, driven.DUPLICATE: 2}.get(self.moods.current, 1)
        return self.watchers.tell(mailbox, entry, kind, times=times)

    async def tell(self, mailbox: Mailbox, entry: Entry, kind: str) -> None:
        """The same, and waits until all have answered."""
        await self.changed(mailbox, entry, kind)

    async def take(self, request: "Request[Any, Any, Any]", path: str) -> Response[bytes]:
        """One call of the API, in whatever mood."""
        mood = self.moods.current if self.moods.current in UNTAKEN else self.moods.take()
        if mood == driven.SLOW:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.stopping.wait(), driven.SLOW_S)
        said_body = await request.body()
        status, told, headers = await self._answered(request, path, said_body, mood)
        await self._keep(request, path, said_body, status, told)
        if mood == driven.ODD and isinstance(told, dict):
            told = odd(told)
        body = b"" if told is None else msgspec.json.encode(told)
        if mood == driven.TRUNCATED:
            status, body = 200, body[: len(body) // 2]
        if mood == driven.LOST:
            drop_connection(request)
        return Response(body, status_code=status, media_type="application/json", headers=headers)

    async def _answered(
        self, request: "Request[Any, Any, Any]", path: str, body: bytes, mood: str
    ) -> tuple[int, dict[str, Any] | None, dict[str, str]]:
        headers = {"request-id": secrets.token_hex(16)}
        grant = None if mood == driven.DEAD else self.consent.grant_of(request)
        account = None if grant is None else grant.account
        running = self.in_flight.get(account or "", 0)
        self.in_flight[account or ""] = running + 1
        try:
            refuse(mood, running)
            if grant is None:
                raise GraphError(401, "InvalidAuthenticationToken", "Access token has expired or is not yet valid.")
            if scope_of(path) not in grant.scopes:
                raise GraphError(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
            call = Call(
                method=request.method,
                path=path,
                query=dict(request.query_params.items()),
                body=msgspec.json.decode(body) if body else {},
                etag=request.headers.get("if-match", ""),
                mailbox=self.mailbox(grant.account),
                at=f"{request.base_url}".rstrip("/") + API,
                page=min(self.page_size, PAGE_MAX),
            )
            status, told = await self.api.answer(call)
        except GraphError as error:
            if error.status == 429:
                headers["retry-after"] = str(driven.RETRY_AFTER_S)
            inner = {"date": stamp(), "request-id": headers["request-id"]}
            status, told = error.status, {"error": {"code": error.code, "message": error.message, "innerError": inner}}
        finally:
            self.in_flight[account or ""] -= 1
        return status, told, headers

    async def _keep(self, request: "Request[Any, Any, Any]", path: str, body: bytes, status: int, told: object) -> None:
        exchange = Exchange(
            at=stamp(),
            method=request.method,
            path=path,
            query=request.url.query,
            prefer=request.headers.get("prefer", ""),
            said=msgspec.json.decode(body) if body else None,
            status=status,
            told=told,
        )
        await self.kept.put(secrets.token_hex(8), exchange, len(body) + 2000)


def build(settings: Any) -> Outlook:
    return Outlook()


@route(
    "/v1.0/{rest:path}",
    http_method=[HttpMethod.GET, HttpMethod.POST, HttpMethod.PATCH, HttpMethod.DELETE],
    status_code=200,
)
async def call_api(rest: str, request: "Request[Any, Any, Any]", fake: Outlook) -> Response[bytes]:
    """All of Graph that is there; see fake_graph.py."""
    return await fake.take(request, "/" + rest.strip("/"))


@get("/", media_type=MediaType.HTML)
async def show(fake: Outlook) -> str:
    books = [
        (mailbox, book, sorted(_shown(book), key=lambda one: one.span.start)[:SHOWN_MAX])
        for mailbox in fake.mailboxes.values()
        for book in mailbox.books.values()
    ]
    return PAGES.get_template("outlook.html").render(
        books=books,
        moods=fake.moods,
        action=f"{PREFIX}/mood",
        watchers=list(fake.watchers.held.values()),
        kept=list(fake.kept)[:20],
        lifecycle=LIFECYCLE,
        local=local,
    )


Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]


@post("/mood")
async def change_mood(fake: Outlook, data: Form) -> Redirect:
    times = data.get("times", "")
    fake.moods.switch(data.get("mood", ""), int(times) if times.isdigit() else None)
    return Redirect(PREFIX, status_code=303)


@post("/events/make")
async def make_event(fake: Outlook, data: Form) -> Redirect:
    await fake.make(data.get("calendar", ""), title=data.get("title") or "(no title)", times=typed(data))
    return Redirect(PREFIX, status_code=303)


@post("/events/move")
async def move_event(fake: Outlook, data: Form) -> Redirect:
    with found():
        await fake.move(data.get("calendar", ""), data.get("id", ""), typed(data))
    return Redirect(PREFIX, status_code=303)


@post("/events/delete")
async def delete_event(fake: Outlook, data: Form) -> Redirect:
    with found():
        await fake.delete(data.get("calendar", ""), data.get("id", ""))
    return Redirect(PREFIX, status_code=303)


@post("/lifecycle")
async def tell_lifecycle(fake: Outlook, data: Form) -> Redirect:
    word = data.get("word", "")
    if word in LIFECYCLE:
        await fake.watchers.tell_lifecycle(word)
    return Redirect(PREFIX, status_code=303)


@contextmanager
def found() -> Iterator[None]:
    """What a form asks for may be gone by now."""
    try:
        yield
    except GraphError as error:
        raise Refusal(error.status, error.code, error.message) from error


def refuse(mood: str, running: int) -> None:
    """What the mood, or Graph's own limits, say before anything is looked at."""
    if mood == driven.BUSY or running >= IN_FLIGHT_MAX:
        raise GraphError(429, "ApplicationThrottled", "Application is over its MailboxConcurrency limit.")
    if mood == driven.BROKEN:
        raise GraphError(503, "ServiceUnavailable", "The service is unavailable.")


def scope_of(path: str) -> str:
    """The one that a call needs."""
    if path == "/me":
        return "User.Read"
    return "MailboxSettings.Read" if path.startswith("/me/mailboxSettings") else "Calendars.ReadWrite"


def odd(told: dict[str, Any]) -> dict[str, Any]:
    """The same with members nobody has heard of, in every event too."""
    extra = {"@odata.unheard": "of", "somethingNew": {"kind": "new", "parts": [1, None]}}
    items = told.get("value")
    if isinstance(items, list):
        told = {**told, "value": [{**item, **extra} if isinstance(item, dict) else item for item in items]}
    return {**told, **extra}


def stamp() -> str:
    return clock.machine_now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _shown(book: Book) -> list[Entry]:
    return [one for one in book.entries.values() if not one.is_gone]


PAGES = pages(Path(__file__).parent / "templates")
