"""A venue's booking system that remembers: two houses behind the venue API, with moods and pages to look in.

The API is below `/venue-system/api/<house>`. A visitor makes, changes and deletes bookings at `/venue-system` as the
venue's people would; changes are told by signed hooks to where somebody has said.
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import msgspec
from litestar import Response, Router, get, patch, post
from litestar.enums import MediaType
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from wedsync.clients.model import STAGES
from wedsync.connections.calendars import driven
from wedsync.connections.calendars.driven import ACCOUNTS
from wedsync.connections.contract import Connection
from wedsync.connections.fakes import given, pages
from wedsync.connections.records.driven import MOODS, READ_ONLY
from wedsync.connections.records.record import Record
from wedsync.connections.standin import (
    SHOWN_MAX,
    AnyRequest,
    Posted,
    StandIn,
    StandInError,
    refused,
    switched,
    typed,
)
from wedsync.connectors.venue_booking.fake_store import House, Thing, VenueError
from wedsync.kit import clock
from wedsync.kit.errors import not_found

HOUSES: Final = {ACCOUNTS[0]: ("quinta", "Quinta da Serra"), ACCOUNTS[1]: ("orangery", "The Orangery")}
KEYS: Final = {account: f"sandbox-house-{id}" for account, (id, _) in HOUSES.items()}

REFUSALS: Final[Mapping[str, StandInError]] = {
    driven.BUSY: VenueError(429, "Too many calls."),
    driven.BROKEN: VenueError(503, "Out of order."),
    READ_ONLY: VenueError(403, "This key only reads."),
}


class VenueSystem(StandIn):
    """The provider. A `Driven`: what the venue's people do in it can be done by methods."""

    title = "A venue's booking system"
    address = "/venue-system/api/{house:str}"

    def __init__(self) -> None:
        super().__init__(MOODS, REFUSALS, page_size=100)
        self.houses = {
            account: House(id, name, KEYS[account], clock.machine_now) for account, (id, name) in HOUSES.items()
        }
        for house in self.houses.values():
            house.space("hall", "Great hall", seated=120, standing=180)
            house.space("terrace", "Terrace", seated=None, standing=90)
        routes = {"system": given(self)}
        self.routes: Sequence[ControllerRouterHandler] = [
            Router(self.address, route_handlers=API, dependencies=routes),
            Router("/venue-system", route_handlers=PAGES_OF_IT, dependencies=routes),
        ]

    def settings_at(self, at: str) -> Mapping[str, Any]:
        return {}

    def connection(self, at: str, account: str) -> Connection:
        return Connection(id=uuid4(), secrets=self.credentials(at, account))

    def credentials(self, at: str, account: str) -> dict[str, tuple[str, ...]]:
        """What a person types to connect."""
        return {"password": (KEYS[account],), "address": (f"{at}/venue-system/api/{HOUSES[account][0]}",)}

    async def make(self, account: str, record: Record) -> str:
        id = self.houses[account].make(record)
        self.tell(self.houses[account], id)
        return id

    async def change(self, account: str, id: str, **fields: Any) -> None:
        self.houses[account].change(id, fields)
        self.tell(self.houses[account], id)

    async def delete(self, account: str, id: str) -> None:
        self.houses[account].remove(id)

    def seen(self, account: str) -> dict[str, Record]:
        house = self.houses[account]
        return {id: house.record(id) for id in house.bookings}

    def subscribe(self, account: str, address: str, key: str) -> None:
        """As somebody types it into the settings there: the same address again is one hook."""
        self.houses[account].hooks[address] = key

    def house(self, account: str) -> House:
        """Raises Refusal 404."""
        if account not in self.houses:
            raise not_found("house")
        return self.houses[account]

    def tell(self, house: House, id: str) -> None:
        """Everybody who is to be told, without waiting for them; the booking goes with it, its price too."""
        body = msgspec.json.encode({"type": "booking.changed", "booking": house.bookings[id]})
        for url, key in house.hooks.items():
            self.hook(url, {"x-signature": hmac.digest(key.encode(), body, hashlib.sha256).hex()}, body)

    def place(self, path: str) -> str:
        return "/" + path.split("/", 4)[-1]


def build(settings: Any) -> VenueSystem:
    return VenueSystem()


async def answered(
    system: VenueSystem, house: str, request: AnyRequest, act: Callable[[House, Any], Any]
) -> Response[bytes]:
    return await system.answered(request, lambda mood, body: act(_house(system, house, request, mood), body))


@get("/venue")
async def get_venue(house: str, request: AnyRequest, system: VenueSystem) -> Response[bytes]:
    return await answered(
        system, house, request, lambda one, _: {"id": one.id, "name": one.name, "time_zone": "Europe/Lisbon"}
    )


@get("/spaces")
async def list_spaces(house: str, request: AnyRequest, system: VenueSystem) -> Response[bytes]:
    return await answered(system, house, request, lambda one, _: {"spaces": list(one.spaces.values())})


@get("/bookings")
async def list_bookings(house: str, request: AnyRequest, system: VenueSystem) -> Response[bytes]:
    def act(one: House, _: Any) -> Thing:
        query = request.query_params
        rows = one.rows(query.get("updated_since", ""))
        start, size = _start(query.get("cursor", "")), min(int(query.get("limit", "100")), system.page_size)
        after = str(start + size) if start + size < len(rows) else ""
        return {"bookings": rows[start : start + size], "as_of": one.stamp(), "next": after}

    return await answered(system, house, request, act)


@get("/bookings/{booking:str}")
async def get_booking(house: str, booking: str, request: AnyRequest, system: VenueSystem) -> Response[bytes]:
    return await answered(system, house, request, lambda one, _: one.booking(booking))


@patch("/bookings/{booking:str}")
async def patch_booking(house: str, booking: str, request: AnyRequest, system: VenueSystem) -> Response[bytes]:
    version = request.headers.get("if-match", "").strip('"')
    return await answered(system, house, request, lambda one, body: one.patch(booking, version, body))


@get("/", media_type=MediaType.HTML)
async def show_houses(system: VenueSystem) -> str:
    return PAGES.get_template("houses.html").render(
        system=system, keys=KEYS, ids=HOUSES, moods=system.moods, action="/venue-system/mood"
    )


@get("/at/{account:str}", media_type=MediaType.HTML)
async def show(account: str, system: VenueSystem) -> str:
    house = system.house(account)
    bookings = [(id, house.record(id)) for id in list(house.bookings)[-SHOWN_MAX:]]
    return PAGES.get_template("house.html").render(account=account, house=house, bookings=bookings, stages=STAGES)


@post("/at/{account:str}")
async def act_as_person(account: str, system: VenueSystem, data: Posted) -> Redirect:
    """What the forms of a house's page do: make, change, plan or delete a booking, or say where hooks go."""
    what, id, house = data.get("what", ""), data.get("id", ""), system.house(account)
    try:
        if what == "hook":
            system.subscribe(account, data.get("address", ""), data.get("key", ""))
        elif what == "delete":
            house.remove(id)
        elif what == "plan":
            house.plan(id, {"part": data.get("part", "reception"), "space_id": data.get("space", "")})
            system.tell(house, id)
        elif what == "change":
            house.booking(id)
            await system.change(account, id, **typed(data))
        else:
            await system.make(account, Record(**typed(data)))
    except VenueError as error:
        raise refused(error) from error
    return Redirect(f"/venue-system/at/{account}", status_code=303)


@post("/mood")
async def change_mood(system: VenueSystem, data: Posted) -> Redirect:
    return switched(system.moods, data, "/venue-system")


def _start(cursor: str) -> int:
    """Raises VenueError 422."""
    if cursor and not (cursor.isascii() and cursor.isdigit()):
        raise VenueError(422, "cursor is none of ours.")
    return int(cursor or "0")


def _house(system: VenueSystem, id: str, request: AnyRequest, mood: str) -> House:
    for house in system.houses.values():
        if house.id == id and request.headers.get("authorization") == f"Bearer {house.key}" and mood != driven.DEAD:
            return house
    raise VenueError(401, "This key is not known.")


API: Final = [get_venue, list_spaces, list_bookings, get_booking, patch_booking]
PAGES_OF_IT: Final = [show_houses, show, act_as_person, change_mood]
PAGES: Final = pages(Path(__file__).parent / "templates")
