"""A Google Calendar of any number of accounts that takes 50 ms for every call, in a process of its own.

`python -m bench.provider` serves the connector's own fake and tells its address on the first line. Each line on
standard input is answered by one: `accounts` opens so many and tells their tokens; `move` is the owner of a calendar
who drags our event to another day there, and is answered with the moment it was done; `take` tells which writes and
questions have come, which are then forgotten.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec
import uvloop
from litestar import Router
from litestar.types import ASGIApp, ControllerRouterHandler, Receive, Scope, Send

from bench.lines import say, told
from wedsync.connections.calendars.event import Timed
from wedsync.connections.fakes import Fake
from wedsync.connections.stage import serving
from wedsync.connectors.google_calendar.fake import Google
from wedsync.connectors.google_calendar.fake_store import Calendar, Event, Store
from wedsync.kit import log

LATENCY_S = 0.05
TOKEN_LIFE_S = 86_400.0
ZONE = "Europe/London"
START, END = "12:00:00", "13:00:00"
"""Every booking of the load has this hour; only its day changes, so the day says which change it is."""


class Asked(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line on standard input. `calendar` and `on` are for a move, `count` for accounts."""

    ask: Literal["accounts", "move", "take"]
    count: int = 0
    calendar: str = ""
    on: str = ""


class Write(msgspec.Struct, frozen=True, array_like=True):
    """An event of ours was accepted in a new place; seconds since 1970."""

    at: float
    calendar: str
    on: str


class Question(msgspec.Struct, frozen=True, array_like=True):
    """Somebody has begun to ask what has changed in a calendar."""

    at: float
    calendar: str


class Taken(msgspec.Struct):
    """What has come since it was last taken."""

    writes: list[Write] = []
    questions: list[Question] = []


class Noting(Store):
    """The fake's memory, which notes who writes and asks, and finds one of thousands of calendars without looking
    through all of them: here an account has one, of its own name."""

    def __init__(self) -> None:
        super().__init__()
        self.taken = Taken()

    def of(self, account: str) -> list[Calendar]:
        found = self.calendars.get(account)
        return super().of(account) if found is None else [found]

    def patch(self, calendar: Calendar, id: str, body: Event, *, etag: str = "") -> Event:
        """A person's own move names no version."""
        kept = super().patch(calendar, id, body, etag=etag)
        if etag:
            self.taken.writes.append(Write(time.time(), calendar.id, kept["start"]["dateTime"][:10]))
        return kept

    def page(self, calendar: Calendar, query: Mapping[str, str]) -> Event:
        self.taken.questions.append(Question(time.time() - LATENCY_S, calendar.id))
        return super().page(calendar, query)


class Slow:
    """A fake with a steady latency before each call of its API, the first of its routes; consent and its pages are as
    quick as ever."""

    def __init__(self, fake: Fake) -> None:
        api, *others = fake.routes
        self.title = fake.title
        self._fake = fake
        self.routes: Sequence[ControllerRouterHandler] = [
            Router("/", route_handlers=[api], middleware=[delaying]),
            *others,
        ]

    @property
    def address(self) -> str:
        return self._fake.address

    async def start(self) -> None:
        await self._fake.start()

    async def stop(self) -> None:
        await self._fake.stop()


def delaying(app: ASGIApp) -> ASGIApp:
    """Every call takes so long before anything of it is done."""

    async def later(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(LATENCY_S)
        await app(scope, receive, send)

    return later


def accounts(google: Google, count: int) -> list[tuple[str, str]]:
    """So many new ones with a calendar each, and their tokens."""
    made = []
    for number in range(count):
        account = f"owner-{number}@bench.invalid"
        google.store.calendars[account] = Calendar(account, account, account, zone=ZONE, primary=True)
        made.append((account, google.consent.issue(account).access))
    return made


async def move(google: Google, calendar: str, on: str) -> float:
    """The one event there, to another day."""
    (event,) = google.calendar(calendar).living()
    at = time.time()
    await google.move(calendar, event["id"], Timed(start=f"{on}T{START}", end=f"{on}T{END}", zone=ZONE))
    return at


async def answer(google: Google, store: Noting, asked: Asked) -> Any:
    if asked.ask == "accounts":
        return accounts(google, asked.count)
    if asked.ask == "move":
        return await move(google, asked.calendar, asked.on)
    taken, store.taken = store.taken, Taken()
    return taken


async def main() -> None:
    log.configure(process="provider", level="warning")
    google = Google()
    google.store = store = Noting()
    google.consent.grants.life_s = TOKEN_LIFE_S
    async with serving([Slow(google)]) as at:
        say(at)
        async for one in told(Asked):
            say(await answer(google, store, one))


if __name__ == "__main__":
    uvloop.run(main())
