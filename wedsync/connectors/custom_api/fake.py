"""A small CRM with a JSON API that nobody has heard of: two studios' bookings, listed in every way of paging.

The API is below `/custom-api/v1/{studio}`; a visitor makes, changes and deletes bookings at `/custom-api`. Its list is
paged by `page`, `offset` or `cursor`, whichever it is asked by, and always names the next page in a Link header.
"""

import itertools
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import msgspec
from litestar import Response, Router, get, patch, post, put
from litestar.enums import MediaType
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from wedsync.clients.model import STAGES
from wedsync.connections.calendars import driven
from wedsync.connections.calendars.driven import ACCOUNTS
from wedsync.connections.contract import Connection
from wedsync.connections.fakes import given, pages
from wedsync.connections.records.described import Described
from wedsync.connections.records.driven import MOODS, READ_ONLY
from wedsync.connections.records.fields import MapRule
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
from wedsync.kit import clock
from wedsync.kit.errors import not_found
from wedsync.kit.mapping import Step

MONEY: Final = {
    "totalPrice": 734_511,
    "deposit": {"amount": 912_733, "paid": True},
    "notes": "They have 734511 at most.",
}
WORDS: Final = {
    "enquiry": "Lead",
    "held": "Lead",
    "booked": "Won",
    "fulfilled": "Shot",
    "completed": "Done",
    "cancelled": "Lost",
}
KEYS: Final = {account: f"sandbox-api-key-{account.partition('@')[0]}" for account in ACCOUNTS}
TOKENS: Final = {account: f"{key}-token" for account, key in KEYS.items()}
Thing = dict[str, Any]


class ApiError(StandInError):
    """An error as it tells it."""

    def __init__(self, status: int, what: str) -> None:
        super().__init__(status, what, {"error": what})


REFUSALS: Final[Mapping[str, StandInError]] = {
    driven.BUSY: ApiError(429, "Slowly."),
    driven.BROKEN: ApiError(503, "Out of order."),
    READ_ONLY: ApiError(403, "This key only reads."),
}


class Api(StandIn):
    """The provider. A `Driven`: what a photographer does in it can be done by methods."""

    title = "An API of a small CRM"
    address = "/custom-api/v1"

    def __init__(self) -> None:
        moods = {name: words for name, words in MOODS.items() if name not in OF_HOOKS}
        super().__init__(moods, REFUSALS, page_size=100)
        self.studios: dict[str, dict[str, Thing]] = {account: {} for account in ACCOUNTS}
        self._numbers = itertools.count(1)
        self.routes: Sequence[ControllerRouterHandler] = [
            Router(self.address, route_handlers=API, dependencies={"api": given(self)}),
            Router("/custom-api", route_handlers=PAGES_OF_IT, dependencies={"api": given(self)}),
        ]

    @property
    def rules(self) -> tuple[MapRule, ...]:
        """The map that says what its values are."""
        table = {"Lead": "enquiry", "Won": "booked", "Shot": "fulfilled", "Done": "completed", "Lost": "cancelled"}
        stage = MapRule(
            target="stage", source=("$.status",), direction="both", transform=(Step("lookup", {"table": table}),)
        )
        places = {
            "wedding_on": "$.event.day",
            "name": "$.couple.one.name",
            "partner_name": "$.couple.two.name",
            "email": "$.couple.one.email",
            "partner_email": "$.couple.two.email",
            "phone": "$.couple.one.phone",
            "partner_phone": "$.couple.two.phone",
            "venue": "$.event.venue",
        }
        plain = [{"target": field, "source": [at], "direction": "both"} for field, at in places.items()]
        return (stage, *msgspec.convert(plain, type=tuple[MapRule, ...]))

    def settings_at(self, at: str) -> Mapping[str, Any]:
        return {}

    def described(self, at: str, account: str, **fields: Any) -> Described:
        """What its owner says about it."""
        usual: dict[str, Any] = {
            "base_url": f"{at}{self.address}/{account.partition('@')[0]}",
            "list_path": "/bookings",
            "items": "$.data",
            "modified": "$.updatedAt",
            "paging": "page",
            "since_name": "updated_since",
            "item_path": "/bookings/{id}",
            "item_at": "$.booking",
            "write": "PATCH",
        }
        return msgspec.convert(usual | fields, Described)

    def connection(self, at: str, account: str, **fields: Any) -> Connection:
        description = msgspec.json.encode(self.described(at, account, **fields)).decode()
        secrets = {"description": (description,), "password": (KEYS[account],)}
        return Connection(id=uuid4(), secrets=secrets)

    async def make(self, account: str, record: Record) -> str:
        id = f"bk{next(self._numbers):06d}"
        self.studios[account][id] = _booking(id, record)
        return id

    async def change(self, account: str, id: str, **fields: Any) -> None:
        held = self.booking(account, id)
        now = msgspec.structs.replace(_record(held), **fields)
        self.studios[account][id] = _booking(id, now)

    async def delete(self, account: str, id: str) -> None:
        self.booking(account, id)
        del self.studios[account][id]

    def seen(self, account: str) -> dict[str, Record]:
        return {id: _record(one) for id, one in self.studios[account].items()}

    def booking(self, account: str, id: str) -> Thing:
        """Raises ApiError 404."""
        if id not in self.studios[account]:
            raise ApiError(404, "There is no such booking.")
        return self.studios[account][id]


def build(settings: Any) -> Api:
    return Api()


async def answered(api: Api, request: AnyRequest, studio: str, act: Callable[[str, Any], Any]) -> Response[bytes]:
    def links(answer: Any) -> dict[str, str]:
        return {"link": f'<{_address(request, answer["next"])}>; rel="next"'} if answer.get("next") else {}

    return await api.answered(request, lambda mood, body: act(_account(request, studio, mood), body), headers=links)


@get("/{studio:str}/bookings")
async def list_bookings(studio: str, request: AnyRequest, api: Api) -> Response[bytes]:
    def act(account: str, _: Any) -> Thing:
        query = request.query_params
        since = query.get("updated_since", "")
        rows = sorted(api.studios[account].values(), key=lambda one: (one["updatedAt"], one["id"]))
        rows = [one for one in rows if one["updatedAt"] >= since]
        size = min(int(query.get("per_page", "100")), api.page_size)
        start = (
            (int(query["page"]) - 1) * size if "page" in query else int(query.get("offset") or query.get("cursor") or 0)
        )
        more = str(start + size) if start + size < len(rows) else ""
        return {"data": rows[start : start + size], "next": more, "count": len(rows)}

    return await answered(api, request, studio, act)


@get("/{studio:str}/bookings/{booking:str}")
async def get_booking(studio: str, booking: str, request: AnyRequest, api: Api) -> Response[bytes]:
    return await answered(api, request, studio, lambda account, _: {"booking": api.booking(account, booking)})


@patch("/{studio:str}/bookings/{booking:str}")
async def patch_booking(studio: str, booking: str, request: AnyRequest, api: Api) -> Response[bytes]:
    def act(account: str, body: Any) -> Thing:
        found = _laid(api.booking(account, booking), body) | {"updatedAt": _stamp()}
        api.studios[account][booking] = found
        return {"booking": found}

    return await answered(api, request, studio, act)


@put("/{studio:str}/bookings/{booking:str}")
async def put_booking(studio: str, booking: str, request: AnyRequest, api: Api) -> Response[bytes]:
    def act(account: str, body: Any) -> Thing:
        api.booking(account, booking)
        if not {"id", "status", "couple", "event", *MONEY} <= set(body):
            raise ApiError(400, "A booking is put whole.")
        api.studios[account][booking] = {**body, "id": booking, "updatedAt": _stamp()}
        return {"booking": api.studios[account][booking]}

    return await answered(api, request, studio, act)


@post("/token")
async def post_token(request: AnyRequest, api: Api) -> Response[bytes]:
    """By client credentials: a studio's name and its key."""
    kind, _, pair = request.headers.get("authorization", "").partition(" ")
    user, _, key = b64decode(pair).decode().partition(":") if kind == "Basic" else ("", "", "")
    account = next((one for one in ACCOUNTS if KEYS[one] == key and one.partition("@")[0] == user), None)
    if account is None:
        return Response(b'{"error": "invalid_client"}', status_code=401, media_type=MediaType.JSON)
    told = {"access_token": TOKENS[account], "token_type": "Bearer", "expires_in": 3600}
    return Response(msgspec.json.encode(told), status_code=200, media_type=MediaType.JSON)


@get("/", media_type=MediaType.HTML)
async def show_studios(api: Api) -> str:
    return PAGES.get_template("studios.html").render(api=api, keys=KEYS, moods=api.moods, action="/custom-api/mood")


@get("/at/{account:str}", media_type=MediaType.HTML)
async def show(account: str, api: Api) -> str:
    if account not in api.studios:
        raise not_found("studio")
    several = list(api.seen(account).items())[-SHOWN_MAX:]
    return PAGES.get_template("studio.html").render(account=account, bookings=several, stages=STAGES)


@post("/at/{account:str}")
async def act_as_person(account: str, api: Api, data: Posted) -> Redirect:
    """What the forms of a studio's page do: make, change or delete a booking."""
    if account not in api.studios:
        raise not_found("studio")
    what, id = data.get("what", ""), data.get("id", "")
    try:
        if what == "delete":
            await api.delete(account, id)
        elif what == "change":
            await api.change(account, id, **typed(data))
        else:
            await api.make(account, Record(**typed(data)))
    except ApiError as error:
        raise refused(error) from error
    return Redirect(f"/custom-api/at/{account}", status_code=303)


@post("/mood")
async def change_mood(api: Api, data: Posted) -> Redirect:
    return switched(api.moods, data, "/custom-api")


def _account(request: AnyRequest, studio: str, mood: str) -> str:
    """By a key in a header, in the query, as a bearer, by basic authentication, or by a token that was given."""
    account = next((one for one in ACCOUNTS if one.partition("@")[0] == studio), "")
    kind, _, word = request.headers.get("authorization", "").partition(" ")
    said = {request.headers.get("x-api-key", ""), request.query_params.get("key", ""), word if kind == "Bearer" else ""}
    if kind == "Basic":
        said.add(b64decode(word).decode().partition(":")[2])
    if mood == driven.DEAD or not account or not said & {KEYS[account], TOKENS[account]}:
        raise ApiError(401, "Who are you?")
    return account


def _address(request: AnyRequest, offset: str) -> str:
    query = {name: value for name, value in request.query_params.items() if name not in ("page", "cursor", "offset")}
    rest = "".join(f"&{name}={value}" for name, value in query.items())
    return f"{request.base_url}".rstrip("/") + f"{request.url.path}?offset={offset}{rest}"


def _stamp() -> str:
    return clock.machine_now().isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _booking(id: str, record: Record) -> Thing:
    """As the CRM itself writes it."""
    one = {"name": record.name or None, "email": record.email or None, "phone": record.phone or None}
    two = {"name": record.partner_name, "email": record.partner_email or None, "phone": record.partner_phone}
    day = record.wedding_on.isoformat() if record.wedding_on is not None else None
    event = {"day": day, "venue": record.venue, "guests": 80}
    told = {"id": id, "status": WORDS[record.stage], "couple": {"one": one, "two": two}, "event": event}
    return {**told, **MONEY, "source": "Instagram", "updatedAt": _stamp()}


def _record(one: Thing) -> Record:
    stages = {word: stage for stage, word in reversed(list(WORDS.items()))}
    first, second, event = one["couple"]["one"], one["couple"]["two"], one["event"]
    texts = {
        "name": first["name"],
        "email": first["email"],
        "phone": first["phone"],
        "partner_name": second["name"],
        "partner_email": second["email"],
        "partner_phone": second["phone"],
        "venue": event["venue"],
    }
    day = date.fromisoformat(event["day"]) if event["day"] else None
    stage: Any = stages[one["status"]]
    return Record(stage=stage, wedding_on=day, **{name: text or "" for name, text in texts.items()})


def _laid(under: Thing, over: Thing) -> Thing:
    return under | {
        name: _laid(under[name], value) if isinstance(value, dict) and isinstance(under.get(name), dict) else value
        for name, value in over.items()
    }


API: Final = [list_bookings, get_booking, patch_booking, put_booking, post_token]
PAGES_OF_IT: Final = [show_studios, show, act_as_person, change_mood]
PAGES: Final = pages(Path(__file__).parent / "templates")
