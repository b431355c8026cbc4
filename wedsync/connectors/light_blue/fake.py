"""A Light Blue that remembers: two photographers' Inboxes behind the API's own addresses, with moods and pages.

The API is below `/light-blue/api`. It answers 200 whatever happens, with a status in the body's first line, as theirs
does. At `/light-blue` a visitor makes shoots of what came in, which is never told to anybody.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import parse_qs
from uuid import uuid4

from litestar import Request, Response, Router, get, post
from litestar.enums import MediaType, RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from wedsync.connections.calendars import driven
from wedsync.connections.calendars.driven import ACCOUNTS
from wedsync.connections.contract import Connection
from wedsync.connections.fakes import Moods, drop_connection, given, pages
from wedsync.connections.records.driven import TAKING_MOODS, Taken
from wedsync.connectors.light_blue.fake_store import Studio, read
from wedsync.kit import clock
from wedsync.kit.errors import not_found

KEYS: Final = {account: f"sandbox-inbox-{account.partition('@')[0]}" for account in ACCOUNTS}
HTML: Final = "html"
NO_HTTPS: Final = "not https"
MOODS: Final = {
    **TAKING_MOODS,
    driven.DEAD: "Answers 200 with -1: it does not know the key.",
    HTML: "Answers 200 with a page that says that it is closed for a while.",
    NO_HTTPS: "Answers 200 with -20: the call did not come by HTTPS.",
}
SAID: Final = {0: "OK", -1: "Unknown key", -3: "No valid parameters", -4: "Duplicate", -20: "HTTPS only", -99: "Full"}
PAGE: Final = "<html><body><h1>We will be back soon</h1></body></html>"
SHOWN_MAX: Final = 100
AnyRequest = Request[Any, Any, Any]
Posted = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]


class LightBlue:
    """The provider. A `Taking`."""

    title = "Light Blue"

    def __init__(self) -> None:
        self.moods = Moods(MOODS)
        self.stopping = asyncio.Event()
        self.studios = {
            account: Studio(name, KEYS[account])
            for account, name in zip(ACCOUNTS, ("Carla Fotografie", "Studio Dario"), strict=True)
        }
        self.routes: Sequence[ControllerRouterHandler] = [
            Router(self.address, route_handlers=[check, take], dependencies={"blue": given(self)}),
            Router(
                "/light-blue", route_handlers=[show_all, show, act, change_mood], dependencies={"blue": given(self)}
            ),
        ]

    @property
    def address(self) -> str:
        return "/light-blue/api"

    async def start(self) -> None:
        """Nothing has to be opened."""

    async def stop(self) -> None:
        self.stopping.set()

    def settings_at(self, at: str) -> Mapping[str, Any]:
        return {"light_blue_base_url": f"{at}{self.address}"}

    def connection(self, at: str, account: str) -> Connection:
        return Connection(id=uuid4(), secrets={"password": (KEYS[account],)})

    def taken(self, account: str) -> list[Taken]:
        return [read(one) for one in self.studios[account].items]

    def studio(self, account: str) -> Studio:
        """Raises Refusal 404."""
        if account not in self.studios:
            raise not_found("studio")
        return self.studios[account]

    def by_key(self, key: str) -> Studio | None:
        return next((one for one in self.studios.values() if one.key == key), None)


def build(settings: Any) -> LightBlue:
    return LightBlue()


async def answered(blue: LightBlue, request: AnyRequest, *, takes: bool) -> Response[bytes]:
    """What Light Blue answers to a call, in whatever mood it is."""
    mood = blue.moods.take()
    if mood == driven.SLOW:
        with suppress(TimeoutError):
            await asyncio.wait_for(blue.stopping.wait(), driven.SLOW_S)
    if mood in (driven.BUSY, driven.BROKEN):
        busy = mood == driven.BUSY
        headers = {"retry-after": str(driven.RETRY_AFTER_S)} if busy else {}
        return Response(b"", status_code=429 if busy else 503, headers=headers, media_type=MediaType.TEXT)
    if mood == HTML:
        return Response(PAGE.encode(), status_code=200, media_type=MediaType.HTML)
    fields = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
    studio = None if mood == driven.DEAD else blue.by_key(fields.get("Key", ""))
    status = -20 if mood == NO_HTTPS else -1 if studio is None else 0
    if status == 0 and studio is not None and takes:
        status = studio.take(fields, clock.machine_now())
    if mood == driven.LOST:
        drop_connection(request)
    told = f"{status}\r{SAID[status]}\r"
    if mood == driven.ODD:
        told += "x-nobody-knows\rdeep\r"
    if mood == driven.TRUNCATED:
        # Before the end of the first line nobody knows what it says.
        told = "-"
    return Response(told.encode(), status_code=200, media_type=MediaType.TEXT)


@post("/apiCheck.php", status_code=200)
async def check(request: AnyRequest, blue: LightBlue) -> Response[bytes]:
    return await answered(blue, request, takes=False)


@post("/api.php", status_code=200)
async def take(request: AnyRequest, blue: LightBlue) -> Response[bytes]:
    return await answered(blue, request, takes=True)


@get("/", media_type=MediaType.HTML)
async def show_all(blue: LightBlue) -> str:
    return PAGES.get_template("inboxes.html").render(blue=blue, moods=blue.moods, action="/light-blue/mood")


@get("/at/{account:str}", media_type=MediaType.HTML)
async def show(account: str, blue: LightBlue) -> str:
    studio = blue.studio(account)
    items = [(one, read(one)) for one in studio.items[: -SHOWN_MAX - 1 : -1]]
    return PAGES.get_template("inbox.html").render(account=account, studio=studio, items=items)


@post("/at/{account:str}")
async def act(account: str, blue: LightBlue, data: Posted) -> Redirect:
    """What the buttons of an Inbox do: make a shoot of one, or throw it away."""
    studio, number = blue.studio(account), data.get("number", "")
    found = next((one for one in studio.items if str(one.number) == number), None)
    if found is None:
        raise not_found("message")
    found.state = "discarded" if data.get("what") == "discard" else "accepted"
    return Redirect(f"/light-blue/at/{account}", status_code=303)


@post("/mood")
async def change_mood(blue: LightBlue, data: Posted) -> Redirect:
    times = data.get("times", "")
    blue.moods.switch(data.get("mood", ""), int(times) if times.isdigit() else None)
    return Redirect("/light-blue", status_code=303)


PAGES: Final = pages(Path(__file__).parent / "templates")
