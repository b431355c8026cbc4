"""A Tripleseat that remembers: two venues' bookings behind the API's own addresses, with moods and pages to look in.

The API is below `/tripleseat/api`, OAuth below `/tripleseat/oauth`. A visitor makes, changes and deletes bookings at
`/tripleseat` as the venue's people would; new ones are told by signed hooks to where somebody has said.
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import msgspec
from litestar import Response, Router, get, post, put
from litestar.enums import MediaType
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from wedsync.clients.model import STAGES
from wedsync.connections.calendars import driven
from wedsync.connections.calendars.driven import ACCOUNTS
from wedsync.connections.contract import Connection
from wedsync.connections.fake_client import CLIENT_ID, CLIENT_SECRET
from wedsync.connections.fake_consent import Consent
from wedsync.connections.fakes import given, pages
from wedsync.connections.records.driven import MOODS as OF_ALL
from wedsync.connections.records.driven import READ_ONLY
from wedsync.connections.records.record import Record
from wedsync.connections.standin import (
    OF_HOOKS,
    SHOWN_MAX,
    AnyRequest,
    Posted,
    StandIn,
    StandInError,
    refused,
    switched,
    typed,
)
from wedsync.connectors.tripleseat.fake_store import Thing, TripleseatError, Venue, date_of
from wedsync.kit import clock
from wedsync.kit.errors import not_found

HTML: Final = "html"
DEAF: Final = "hooks refused"
MOODS: Final = {
    **OF_ALL,
    HTML: "Answers 200 with a page of HTML.",
    DEAF: "Takes every answer to its hooks for a failure, and sends each five times more.",
}
SITES: Final = ({11: "Quinta da Serra", 12: "Quinta do Mar"}, {21: "The Orangery"})
PAGE: Final = "<!doctype html><html><body>Sign in to Tripleseat</body></html>"
RESENDS: Final = 5
PER_SECOND: Final = 1000
"""As fast as a test can ask; the real one takes ten."""

REFUSALS: Final[Mapping[str, StandInError]] = {
    driven.BUSY: TripleseatError(429, "Rate limit exceeded"),
    driven.BROKEN: TripleseatError(503, "Service unavailable"),
    READ_ONLY: TripleseatError(403, "Not authorized"),
}


class Tripleseat(StandIn):
    """The provider. A `Driven`: what the venue's people do in it can be done by methods."""

    title = "Tripleseat"
    address = "/tripleseat/api"

    def __init__(self) -> None:
        super().__init__(MOODS, REFUSALS, page_size=50, silent=OF_HOOKS | {DEAF})
        self.venues = {
            account: Venue(next(iter(sites.values())), sites, clock.machine_now)
            for account, sites in zip(ACCOUNTS, SITES, strict=True)
        }
        names = {account: account.partition("@")[0].title() for account in ACCOUNTS}
        scopes = {"read": "See your bookings", "write": "Change your bookings"}
        self.consent = Consent("/tripleseat/oauth", "Tripleseat", accounts=names, scopes=scopes, life_s=7200.0)
        routes = {"seat": given(self)}
        self.routes: Sequence[ControllerRouterHandler] = [
            Router(self.address, route_handlers=API, dependencies=routes),
            Router("/tripleseat", route_handlers=PAGES_OF_IT, dependencies=routes),
            *self.consent.routes,
        ]

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
        said = {"webhook_trigger_type": "CONVERT_LEAD_TO_BOOKING", "booking": venue.shown(venue.bookings[id])}
        body = msgspec.json.encode(said)
        for url, key in venue.hooks.items():
            self.hook(
                url, {"x-signature": hmac.digest(key.encode(), body, hashlib.sha256).hex()}, body, tries=1 + RESENDS
            )

    def is_taken(self, reply: object) -> bool:
        return super().is_taken(reply) and self.moods.current != DEAF

    def worded(self, mood: str, answer: Any, status: int, headers: dict[str, str]) -> Response[bytes]:
        if mood == HTML:
            return Response(PAGE.encode(), status_code=200, media_type=MediaType.HTML)
        return super().worded(mood, answer, status, headers)


def build(settings: Any) -> Tripleseat:
    return Tripleseat()


async def answered(seat: Tripleseat, request: AnyRequest, act: Callable[[Venue, Any], Any]) -> Response[bytes]:
    return await seat.answered(request, lambda mood, body: act(_venue(seat, request, mood), body))


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
            seat.venue(account).change(_number(id), typed(data))
        else:
            await seat.make(account, Record(**typed(data)))
    except TripleseatError as error:
        raise refused(error) from error
    return Redirect(f"/tripleseat/at/{account}", status_code=303)


@post("/mood")
async def change_mood(seat: Tripleseat, data: Posted) -> Redirect:
    return switched(seat.moods, data, "/tripleseat")


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


API: Final = [list_sites, list_bookings, get_booking, put_booking, put_contact]
PAGES_OF_IT: Final = [show_venues, show, act_as_person, change_mood]
PAGES: Final = pages(Path(__file__).parent / "templates")
