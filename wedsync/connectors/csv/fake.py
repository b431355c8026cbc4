"""Lists of clients at addresses: one for each studio that can be changed at `/csv`, and answers as they should not be.

It answers conditional requests as a good server does. `/csv/page.csv` is a web page.
"""

import asyncio
import csv
import io
import itertools
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date
from hashlib import blake2b
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import uuid4

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.enums import MediaType, RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from wedsync.connections.calendars import driven
from wedsync.connections.calendars.driven import ACCOUNTS
from wedsync.connections.contract import Connection
from wedsync.connections.fakes import Moods, drop_connection, given, pages
from wedsync.connections.records.driven import MOODS
from wedsync.connections.records.fields import MapRule
from wedsync.connections.records.record import Record
from wedsync.kit.errors import Refusal, not_found
from wedsync.kit.mapping import Step

HEADINGS: Final = {
    "Job number": "",
    "Name": "name",
    "Partner name": "partner_name",
    "Email": "email",
    "Partner email": "partner_email",
    "Phone": "phone",
    "Partner phone": "partner_phone",
    "Wedding date": "wedding_on",
    "Venue": "venue",
    "Status": "stage",
}
MONEY: Final = {"Total price": "734511", "Notes": "They have 734511 at most."}
WORDS: Final = {
    "enquiry": "Lead",
    "held": "Lead",
    "booked": "Booked",
    "fulfilled": "Shot",
    "completed": "Done",
    "cancelled": "Lost",
}
STAGES_SAID: Final = {
    "Lead": "enquiry",
    "Booked": "booked",
    "Shot": "fulfilled",
    "Done": "completed",
    "Lost": "cancelled",
}
PAGE: Final = "<!doctype html><html><title>Sign in</title><p>Please sign in to see this list.</p></html>"
TOKENS: Final = {account: f"private-{number}c0ffee51" for number, account in enumerate(ACCOUNTS, 1)}


class Lists:
    """The provider. A `Driven`: what a studio does in its list can be done by methods."""

    title = "Lists at an address"

    def __init__(self) -> None:
        self.moods = Moods({name: words for name, words in MOODS.items() if name not in (driven.DUPLICATE, driven.OFF)})
        self.page_size = 1000
        self.stopping = asyncio.Event()
        self.lists: dict[str, dict[str, Record]] = {account: {} for account in ACCOUNTS}
        self._numbers = itertools.count(1001)
        self.routes: Sequence[ControllerRouterHandler] = [
            Router(
                "/csv", route_handlers=[publish, show, change, change_mood, page], dependencies={"lists": given(self)}
            )
        ]

    @property
    def address(self) -> str:
        return "/csv"

    @property
    def rules(self) -> tuple[MapRule, ...]:
        """The map that says what its headings are."""
        steps = {
            "stage": (Step("lookup", {"table": STAGES_SAID}),),
            "wedding_on": (Step("date", {"format": "%d/%m/%Y"}),),
        }
        plain = {heading: field for heading, field in HEADINGS.items() if field}
        made = [{"target": field, "source": [heading]} for heading, field in plain.items()]
        rules = msgspec.convert(made, type=tuple[MapRule, ...])
        return tuple(msgspec.structs.replace(rule, transform=steps.get(rule.target, ())) for rule in rules)

    async def start(self) -> None:
        """Nothing is to be opened."""

    async def stop(self) -> None:
        self.stopping.set()

    def settings_at(self, at: str) -> Mapping[str, Any]:
        return {}

    def connection(self, at: str, account: str) -> Connection:
        return Connection(id=uuid4(), secrets={"address": (f"{at}/csv/list/{TOKENS[account]}.csv",)})

    async def make(self, account: str, record: Record) -> str:
        id = str(next(self._numbers))
        self.lists[account][id] = record
        return id

    async def change(self, account: str, id: str, **fields: Any) -> None:
        self.lists[account][id] = msgspec.structs.replace(self.lists[account][id], **fields)

    async def delete(self, account: str, id: str) -> None:
        if self.lists[account].pop(id, None) is None:
            raise not_found("client")

    def seen(self, account: str) -> dict[str, Record]:
        return dict(self.lists[account])

    def text(self, account: str, *, is_odd: bool = False) -> str:
        """The list as a spreadsheet writes it: in days first, with what nobody is to read."""
        out = io.StringIO()
        rows = csv.writer(out)
        rows.writerow([*HEADINGS, *MONEY, *(["Nobody knows this"] if is_odd else [])])
        for id, one in self.lists[account].items():
            said = [id, *(_cell(field, getattr(one, field)) for field in HEADINGS.values() if field)]
            rows.writerow([*said, *MONEY.values(), *(["tomato"] if is_odd else [])])
        return out.getvalue()


def build(settings: Any) -> Lists:
    return Lists()


@get("/list/{name:str}")
async def publish(name: str, request: "Request[Any, Any, Any]", lists: Lists) -> Response[bytes]:
    """A list, in whatever mood its server is."""
    mood = lists.moods.take()
    if mood == driven.SLOW:
        with suppress(TimeoutError):
            await asyncio.wait_for(lists.stopping.wait(), driven.SLOW_S)
    refused = {driven.BUSY: 429, driven.BROKEN: 503, driven.DEAD: 401}.get(mood)
    account = next((account for account, token in TOKENS.items() if name == f"{token}.csv"), None)
    if refused is not None or account is None:
        headers = {"retry-after": str(driven.RETRY_AFTER_S)} if mood == driven.BUSY else {}
        return Response(b"", status_code=refused or 404, headers=headers)
    if mood in (driven.LOST, driven.TRUNCATED):
        drop_connection(request)
    body = lists.text(account, is_odd=mood == driven.ODD).encode()
    etag = f'"{blake2b(body, digest_size=8).hexdigest()}"'
    if request.headers.get("if-none-match") == etag:
        return Response(b"", status_code=304, headers={"etag": etag})
    return Response(body, headers={"etag": etag}, media_type="text/csv; charset=utf-8")


@get("/page.csv", media_type=MediaType.HTML)
async def page() -> str:
    """A web page where a list should be."""
    return PAGE


@get("/", media_type=MediaType.HTML)
async def show(request: "Request[Any, Any, Any]", lists: Lists) -> str:
    at = str(request.base_url).rstrip("/")
    return PAGES.get_template("lists.html").render(
        lists=lists, tokens=TOKENS, stages=WORDS, moods=lists.moods, action="/csv/mood", at=at
    )


@post("/at/{token:str}")
async def change(
    token: str, lists: Lists, data: Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]
) -> Redirect:
    """What the forms of a list do: add a client, change one, or take one away."""
    account = next((account for account, known in TOKENS.items() if known == token), None)
    if account is None:
        raise not_found("list")
    id = data.get("id", "")
    if data.get("what") == "delete":
        await lists.delete(account, id)
    else:
        record = _typed(data)
        if id in lists.lists[account]:
            lists.lists[account][id] = record
        else:
            await lists.make(account, record)
    return Redirect("/csv", status_code=303)


@post("/mood")
async def change_mood(
    lists: Lists, data: Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]
) -> Redirect:
    times = data.get("times", "")
    lists.moods.switch(data.get("mood", ""), int(times) if times.isdigit() else None)
    return Redirect("/csv", status_code=303)


def _typed(data: Mapping[str, str]) -> Record:
    """Raises Refusal 422."""
    said = {name: data.get(name, "") for name in ("stage", "name", "partner_name", "email", "venue")}
    said["stage"] = said["stage"] or "enquiry"
    try:
        return msgspec.convert({**said, "wedding_on": data.get("wedding_on") or None}, type=Record)
    except msgspec.ValidationError as cause:
        raise Refusal(422, "bad_client", f"That is no client: {cause}") from cause


def _cell(field: str, value: Any) -> str:
    if isinstance(value, date):
        return f"{value:%d/%m/%Y}"
    return WORDS[value] if field == "stage" else str(value or "")


PAGES = pages(Path(__file__).parent / "templates")
