"""One connector on stage: its fake served alone, the connector pointed at it, and somebody who is notified."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import Any

import msgspec
from litestar import MediaType, Request, Response, post

from wedsync.connections import manifest as manifests
from wedsync.connections.calendars.contract import Calendars, Change, Pull, Pulled, Push, RemoteCalendar
from wedsync.connections.calendars.driven import ACCOUNTS, Driven
from wedsync.connections.calendars.event import CalendarEvent, Times
from wedsync.connections.contract import Tools
from wedsync.connections.manifest import Manifest
from wedsync.connections.stage import serving
from wedsync.kit import clock
from wedsync.kit.config import Settings
from wedsync.kit.http import Wire

SINCE, UNTIL = datetime(2026, 1, 1, tzinfo=UTC), datetime(2028, 12, 31, tzinfo=UTC)
PAGES_MAX = 200


class Notified(msgspec.Struct, frozen=True):
    """One notification as it came."""

    headers: dict[str, str]
    body: bytes
    url: str


class Bell:
    """Where notifications go. Providers that ask whether we are there (`validationToken`) are told so."""

    def __init__(self) -> None:
        self.rung: list[Notified] = []
        self._ringing = asyncio.Condition()

    async def wait_for(self, check: Callable[[list[Notified]], bool], *, within_s: float = 30.0) -> None:
        async with asyncio.timeout(within_s), self._ringing:
            await self._ringing.wait_for(lambda: check(self.rung))

    def route(self) -> Any:
        @post("/bell", status_code=202)
        async def ring(request: "Request[Any, Any, Any]") -> Response[str]:
            asked = request.query_params.get("validationToken")
            if asked is not None:
                return Response(asked, status_code=200, media_type=MediaType.TEXT)
            headers = {name.lower(): value for name, value in request.headers.items()}
            self.rung.append(Notified(headers, await request.body(), str(request.url)))
            async with self._ringing:
                self._ringing.notify_all()
            return Response("", status_code=202, media_type=MediaType.TEXT)

        return ring


class Stage:
    def __init__(self, manifest: Manifest, fake: Driven, at: str, wire: Wire, bell: Bell) -> None:
        self.manifest = manifest
        self.fake = fake
        self.at = at
        self.bell = bell
        self.is_writing = manifest.status != "import only"
        self._settings = msgspec.structs.replace(Settings(), **fake.settings_at(at))
        self._wire = wire
        self.connector = self.another()
        self.connection = fake.connection(at, ACCOUNTS[0])
        self.other = fake.connection(at, ACCOUNTS[1])

    def another(self) -> Calendars:
        """The connector as another process has it: whatever one kept between calls is not there."""
        names = (*self.manifest.operator_settings, *self.manifest.operator_secrets)
        own = {name: getattr(self._settings, name) for name in names}
        made: Calendars = manifests.module(self.manifest.name, "connector").connect(
            Tools(wire=self._wire, machine_now=clock.machine_now, settings=own)
        )
        return made

    @contextmanager
    def mood(self, mood: str) -> Any:
        self.fake.moods.switch(mood)
        try:
            yield
        finally:
            self.fake.moods.switch("fine")

    @contextmanager
    def pages_of(self, size: int) -> Any:
        usual, self.fake.page_size = self.fake.page_size, size
        try:
            yield
        finally:
            self.fake.page_size = usual

    async def calendar(self) -> RemoteCalendar:
        """The one that the tests use: one that can be written, where there is one."""
        found = await self.connector.calendars(self.connection, timeout_s=20)
        assert isinstance(found, tuple), found
        return max(found, key=lambda one: (one.is_writable, one.is_primary))

    async def pull(self, calendar: RemoteCalendar, cursor: str, *, timeout_s: float = 20.0) -> Any:
        """One page, or what came in its place."""
        wanted = Pull(
            calendar=calendar.id, cursor=cursor, since=SINCE, until=UNTIL, zone=calendar.zone, timeout_s=timeout_s
        )
        return await self.connector.pull(wanted, self.connection)

    async def pulled(self, calendar: RemoteCalendar, cursor: str = "") -> tuple[list[Pulled], str]:
        """Every page from a cursor on, and the cursor for the next time."""
        pages: list[Pulled] = []
        while not pages or pages[-1].has_more:
            page = await self.pull(calendar, cursor)
            assert isinstance(page, Pulled), page
            pages.append(page)
            cursor = page.cursor
            assert len(pages) < PAGES_MAX, "it never ends"
        return pages, cursor

    async def there(self, calendar: RemoteCalendar) -> dict[str, Change]:
        """What a full listing tells, by id; without what is gone."""
        pages, _ = await self.pulled(calendar)
        return {one.id: one for page in pages for one in page.changes if one.event is not None}

    async def push(self, calendar: RemoteCalendar, event: CalendarEvent | None, *, key: str, **more: Any) -> Any:
        wanted = Push(calendar=calendar.id, key=key, marker=f"m-{key}", event=event, zone=calendar.zone, timeout_s=20.0)
        return await self.connector.push(msgspec.structs.replace(wanted, **more), self.connection)

    def titled(self, calendar: RemoteCalendar, title: str) -> list[Times]:
        """When the events of this title are there, as a person sees them."""
        return [one.times for one in self.fake.seen(calendar.id) if one.title == title]


@asynccontextmanager
async def staged(name: str) -> AsyncIterator[Stage]:
    fake: Driven = manifests.module(name, "fake").build(Settings())
    bell, wire = Bell(), Wire(allow=("127.0.0.0/8",))
    try:
        async with serving([fake], others=[bell.route()]) as at:
            yield Stage(manifests.find()[name], fake, at, wire, bell)
    finally:
        await wire.close()
