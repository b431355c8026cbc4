"""A Tripleseat that remembers: two venues' bookings behind the API's own addresses, with moods and pages to look in.

The API is below `/tripleseat/api`, OAuth below `/tripleseat/oauth`. A visitor makes, changes and deletes bookings at
`/tripleseat` as the venue's people would; new ones are told by signed hooks to where somebody has said.
"""

import asyncio
import hashlib
import hmac
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import uuid4

import msgspec
from litestar import Request, Response, Router, get, post, put
from litestar.enums import MediaType, RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from wedsync.clients.model import STAGES
from wedsync.connections.calendars import driven
from wedsync.connections.calendars.driven import ACCOUNTS
from wedsync.connections.contract import Connection
from wedsync.connections.fake_client import CLIENT_ID, CLIENT_SECRET
from wedsync.connections.fake_consent import Consent
from wedsync.connections.fakes import FINE, Moods, drop_connection, given, pages
from wedsync.connections.records.driven import MOODS as OF_ALL
from wedsync.connections.records.driven import READ_ONLY
from wedsync.connections.records.record import Record
from wedsync.connectors.tripleseat.fake_store import Thing, TripleseatError, Venue, date_of
from wedsync.kit import clock
from wedsync.kit.errors import Refusal, not_found
from wedsync.kit.http import Reply, Wire

HTML: Final = "html"
DEAF: Final = "hooks refused"
MOODS: Final = {
    **OF_ALL,
    HTML: "Answers 200 with a page of HTML.",
    DEAF: "Takes every answer to its hooks for a failure, and sends each five times more.",
}
SILENT: Final = (driven.DUPLICATE, driven.OFF, DEAF)
"""Moods of hooks, not of the API."""
SITES: Final = ({11: "Quinta da Serra", 12: "Quinta do Mar"}, {21: "The Orangery"})
PAGE: Final = "<!doctype html><html><body>Sign in to Tripleseat</body></html>"
RESENDS: Final = 5
SHOWN_MAX: Final = 200
EXCHANGES_MAX: Final = 2000
TIMEOUT_S: Final = 10.0
PER_SECOND: Final = 1000
"""As fast as a test can ask; the real one takes ten."""
AnyRequest = Request[Any, Any, Any]
Posted = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]


class Exchange(msgspec.Struct, frozen=True):
    """One call of the API, for who wants to know what was asked. No token is kept."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    status: int


class Tripleseat:
    """The provider. A `Driven`: what the venue's people do in it can be done by methods."""

    title = "Tripleseat"

    def __init__(self) -> None:
        self.moods = Moods(MOODS)
        self.page_size = 50
        self.exchanges: deque[Exchange] = deque(maxlen=EXCHANGES_MAX)
        self.stopping = asyncio.Event()
        self.venues = {
            account: Venue(next(iter(sites.values())), sites, clock.machine_now)
            for account, sites in zip(ACCOUNTS, SITES, strict=True)
        }
        names = {account: account.partition("@")[0].title() for account in ACCOUNTS}
        scopes = {"read": "See your bookings", "write": "Change your bookings"}
        self.consent = Consent("/tripleseat/oauth", "Tripleseat", accounts=names, scopes=scopes, life_s=7200.0)
        self._wire: Wire | None = None
        self._sending: set[asyncio.Task[None]] = set()
        routes = {"seat": given(self)}
        self.routes: Sequence[ControllerRouterHandler] = [
            Router(self.address, route_handlers=API, dependencies=routes),
            Router("/tripleseat", route_handlers=PAGES_OF_IT, dependencies=routes),
            *self.consent.routes,
        ]

    @property
    def address(self) -> str:
        return "/tripleseat/api"

    async def start(self) -> None:
        self._wire = Wire(user_agent="Tripleseat")

    async def stop(self) -> None:
        self.stopping.set()
        for task in self._sending:
            task.cancel()
        if self._wire is not None:
            await self._wire.close()

    def settings_at(self, at: str) -> Mapping[str, Any]:
        return {
            "tripleseat_base_url": f"{at}{self.address}",
            "tripleseat_client_id": CLIENT_ID,
            "tripleseat_client_secret": CLIENT_SECRET,
            "tripleseat_authorize_url": f"{at}/tripleseat/oauth/authorize",
            "tripleseat_token_url": f"{at}/tripleseat/oauth/token",
            "tripleseat_per_second": PER_SECOND,
        }

    def connection(self, at: str, account: str) -> Connection:
        return Connection(id=uuid4(), secrets={"access_token": (self.consent.issue(account).access,)})

    async def make(self, account: str, record: Record, site: int | None = None) -> str:
        id = self.venues[account].make(record, site)
        self.tell(self.venues[account], id)
        return str(id)

    async def change(self, account: str, id: str, **fields: Any) -> None:
        self.venues[account].change(int(id), fields)

    async def delete(self, account: str, id: str) -> None:
        self.venues[account].remove(int(id))

    def seen(self, account: str) -> dict[str, Record]:
        venue = self.venues[account]
        return {str(id): venue.record(id) for id in venue.bookings}

    def subscribe(self, account: str, address: str, key: str) -> None:
        """As somebody types it into the settings of webhooks: the same address again is one hook."""
        self.venues[account].hooks[address] = key

    def venue(self, account: str) -> Venue:
        """Raises Refusal 404."""
        if account not in self.venues:
            raise not_found("venue")
        return self.venues[account]

    def tell(self, venue: Venue, id: int) -> None:
        """Everybody who is to be told, without waiting for them; the booking goes with it, its money too."""
        if self.moods.current == driven.OFF:
            return
        said = {"webhook_trigger_type": "CONVERT_LEAD_TO_BOOKING", "booking": venue.shown(venue.bookings[id])}
        body = msgspec.json.encode(said)
        for url, key in venue.hooks.items():
            for _ in range(2 if self.moods.current == driven.DUPLICATE else 1):
                task = asyncio.create_task(self._post(url, key, body))
                self._sending.add(task)
                task.add_done_callback(self._sending.discard)

    async def _post(self, url: str, key: str, body: bytes) -> None:
        """Until it is answered 200, and no more than five times more."""
        signature = hmac.digest(key.encode(), body, hashlib.sha256).hex()
        headers = {"content-type": "application/json", "x-signature": signature}
        for _ in range(1 + RESENDS):
            if self._wire is None:
                return
            told = await self._wire.request("POST", url, headers=headers, body=body, timeout_s=TIMEOUT_S, trusted=True)
            if isinstance(told, Reply) and told.status < 300 and self.moods.current != DEAF:
                return


def build(settings: Any) -> Tripleseat:
    return Tripleseat()


async def answered(seat: Tripleseat, request: AnyRequest, act: Callable[[Venue, Any], Any]) -> Response[bytes]:
    """What Tripleseat answers to a call, in whatever mood it is."""
    mood = FINE if seat.moods.current in SILENT else seat.moods.take()
    if mood == driven.SLOW:
        with suppress(TimeoutError):
            await asyncio.wait_for(seat.stopping.wait(), driven.SLOW_S)
    raw = await request.body()
    body = msgspec.json.decode(raw) if raw else None
    headers: dict[str, str] = {}
    status = 200
    try:
        _refuse(mood, request.method)
        answer = act(_venue(seat, request, mood), body)
    except TripleseatError as error:
        answer, status = error.body, error.status
        headers = {"retry-after": str(driven.RETRY_AFTER_S)} if mood == driven.BUSY else {}
    path = request.url.path.removeprefix(seat.address)
    seat.exchanges.append(Exchange(request.method, path, dict(request.query_params), body, status))
    if mood == HTML:
        return Response(PAGE.encode(), status_code=200, media_type=MediaType.HTML)
    if mood == driven.LOST:
        drop_connection(request)
    told = msgspec.json.encode(_odd(answer) if mood == driven.ODD else answer)
    if mood == driven.TRUNCATED:
        told = told[: len(told) // 2]
    return Response(told, status_code=status, headers=headers, media_type=MediaType.JSON)


@get("/v1/sites.json")
async def list_sites(request: AnyRequest, seat: Tripleseat) -> Response[bytes]:
    def act(venue: Venue, _: Any) -> Thing:
        return {"results": [{"id": id, "name": name, "time_zone": "Lisbon"} for id, name in venue.sites.items()]}

    return await answered(seat, request, act)


@get(["/v1/bookings.json", "/v1/bookings/search.json"])
async def list_bookings(request: AnyRequest, seat: Tripleseat) -> Response[bytes]:
    def act(venue: Venue, _: Any) -> Thing:
        query = request.query_params
        since = date_of(query["updated_since"]) if "updated_since" in query else None
        rows = venue.rows(int(query["site_id"]), since)
        page, pages_ = int(query.get("page", "1")), max(1, -(-len(rows) // seat.page_size))
        return {"total_pages": pages_, "results": rows[(page - 1) * seat.page_size : page * seat.page_size]}

    return await answered(seat, request, act)


@get("/v1/bookings/{booking:str}")
async def get_booking(booking: str, request: AnyRequest, seat: Tripleseat) -> Response[bytes]:
    return await answered(seat, request, lambda venue, _: {"booking": venue.shown(venue.booking(_number(booking)))})


@put("/v1/bookings/{booking:str}")
async def put_booking(booking: str, request: AnyRequest, seat: Tripleseat) -> Response[bytes]:
    def act(venue: Venue, body: Any) -> Thing:
        return {"booking": venue.shown(venue.put_booking(_number(booking), body["booking"]))}

    return await answered(seat, request, act)


@put("/v1/contacts/{contact:str}")
async def put_contact(contact: str, request: AnyRequest, seat: Tripleseat) -> Response[bytes]:
    return await answered(
        seat, request, lambda venue, body: {"contact": venue.put_contact(_number(contact), body["contact"])}
    )


@get("/", media_type=MediaType.HTML)
async def show_venues(seat: Tripleseat) -> str:
    return PAGES.get_template("venues.html").render(seat=seat, moods=seat.moods, action="/tripleseat/mood")


@get("/at/{account:str}", media_type=MediaType.HTML)
async def show(account: str, seat: Tripleseat) -> str:
    venue = seat.venue(account)
    bookings = [(id, venue.record(id)) for id in list(venue.bookings)[-SHOWN_MAX:]]
    return PAGES.get_template("venue.html").render(account=account, venue=venue, bookings=bookings, stages=STAGES)


@post("/at/{account:str}")
async def act_as_person(account: str, seat: Tripleseat, data: Posted) -> Redirect:
    """What the forms of a venue's page do: make, change or delete a booking, or say where hooks go."""
    what, id = data.get("what", ""), data.get("id", "")
    seat.venue(account)
    try:
        if what == "hook":
            seat.subscribe(account, data.get("address", ""), data.get("key", ""))
        elif what == "delete":
            seat.venue(account).remove(_number(id))
        elif what == "change":
            seat.venue(account).change(_number(id), _typed(data))
        else:
            await seat.make(account, Record(**_typed(data)))
    except TripleseatError as error:
        raise Refusal(error.status, "refused", f"{error} Go back and change it.") from error
    return Redirect(f"/tripleseat/at/{account}", status_code=303)


@post("/mood")
async def change_mood(seat: Tripleseat, data: Posted) -> Redirect:
    times = data.get("times", "")
    seat.moods.switch(data.get("mood", ""), int(times) if times.isdigit() else None)
    return Redirect("/tripleseat", status_code=303)


def _typed(data: Mapping[str, str]) -> dict[str, Any]:
    """The fields of a form. Raises Refusal 422."""
    found: dict[str, Any] = {name: data[name].strip() for name in ("name", "partner_name") if name in data}
    try:
        if "wedding_on" in data:
            found["wedding_on"] = date.fromisoformat(data["wedding_on"]) if data["wedding_on"] else None
    except ValueError as cause:
        raise Refusal(422, "bad_date", "Give a day such as 2027-06-12.") from cause
    if data.get("stage") in STAGES:
        found["stage"] = data["stage"]
    return found


def _number(text: str) -> int:
    """Raises TripleseatError 404."""
    digits = text.removesuffix(".json")
    if not (digits.isascii() and digits.isdigit()):
        raise TripleseatError(404, "Couldn't find it")
    return int(digits)


def _venue(seat: Tripleseat, request: AnyRequest, mood: str) -> Venue:
    account = None if mood == driven.DEAD else seat.consent.account_of(request)
    if account is None:
        raise TripleseatError(401, "Invalid access token.")
    # Whoever connects as somebody else in the sandbox is shown the first venue.
    return seat.venues.get(account) or seat.venues[ACCOUNTS[0]]


def _refuse(mood: str, method: str) -> None:
    """What is refused whoever asks. Raises TripleseatError."""
    if mood == driven.BUSY:
        raise TripleseatError(429, "Rate limit exceeded")
    if mood == driven.BROKEN:
        raise TripleseatError(503, "Service unavailable")
    if mood == READ_ONLY and method != "GET":
        raise TripleseatError(403, "Not authorized")


def _odd(answer: Any) -> Any:
    """With members that nobody has heard of, all the way down."""
    if isinstance(answer, list):
        return [_odd(one) for one in answer]
    if isinstance(answer, dict):
        return {**{name: _odd(one) for name, one in answer.items()}, "x_nobody_knows": {"deep": [1, None, "x"]}}
    return answer


API: Final = [list_sites, list_bookings, get_booking, put_booking, put_contact]
PAGES_OF_IT: Final = [show_venues, show, act_as_person, change_mood]
PAGES: Final = pages(Path(__file__).parent / "templates")
