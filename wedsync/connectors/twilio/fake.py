"""A Twilio that remembers, with a page of telephones: every text and call is seen there, and can be answered.

The API is below `/twilio/2010-04-01`, the telephones are at `/twilio`; tests read `/api/twilio`. What people do is told
by hooks that are signed as Twilio signs them.
"""

import asyncio
import base64
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.enums import MediaType, RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from wedsync.connections.fake_client import HOOK_SECRET, PHONE_ACCOUNT, PHONE_NUMBER
from wedsync.connections.fakes import FINE, Moods, drop_connection, given, pages
from wedsync.connectors.twilio import fake_hooks
from wedsync.connectors.twilio.fake_hooks import Hooks
from wedsync.connectors.twilio.fake_store import LOST, Object, Store, TwilioError, shown
from wedsync.kit.errors import not_found

SLOW_S: Final = 3.0
RETRY_AFTER_S: Final = 7
MOODS: Final = {
    "slow": f"Answers after {SLOW_S:g} seconds.",
    "429": f"Answers 429 (20429) with Retry-After: {RETRY_AFTER_S}.",
    "5xx": "Answers 503 (20503).",
    "dead token": "Refuses the credentials: 401 (20003).",
    "lost reply": "Does what is asked and closes the connection without an answer.",
    "truncated": "Answers with the first half of the answer.",
    "unknown fields": "Answers with members that nobody has heard of.",
    "not a mobile": "Refuses every number as no mobile: 21614.",
    **{mood: f"Takes texts and says later that they did not arrive: {code}." for mood, code in LOST.items()},
    **fake_hooks.MOODS,
}
SHOWN_MAX: Final = 50
ApiRequest = Request[Any, Any, Any]
Posted = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]


class Twilio:
    """The provider. What people do with their phones can be done by the methods of its `store`."""

    title = "Phones"

    def __init__(self, texts_url: str = "", secret: str = HOOK_SECRET) -> None:
        self.moods = Moods(MOODS)
        self.hooks = Hooks(self.moods, secret)
        self.store = Store(self.hooks, texts_url)
        self.stopping = asyncio.Event()
        routes = {"twilio": given(self)}
        self.routes: Sequence[ControllerRouterHandler] = [
            Router(f"/twilio/2010-04-01/Accounts/{PHONE_ACCOUNT}", route_handlers=API, dependencies=routes),
            Router("/twilio", route_handlers=PAGES_OF_IT, dependencies=routes),
            Router("/api/twilio", route_handlers=[read_all, write_as], dependencies=routes),
        ]

    @property
    def address(self) -> str:
        return "/twilio"

    async def start(self) -> None:
        await self.hooks.start()

    async def stop(self) -> None:
        self.stopping.set()
        await self.hooks.stop()

    async def forget(self) -> None:
        """Every text and call, and who wants none."""
        self.store.forget()

    def settings_at(self, at: str) -> Mapping[str, Any]:
        return {
            "twilio_base_url": f"{at}{self.address}",
            "twilio_account_sid": PHONE_ACCOUNT,
            "twilio_auth_token": self.hooks.secret,
            "twilio_from": PHONE_NUMBER,
            "twilio_messaging_service": "",
            "twilio_emergency_service": "",
        }

    def check(self, request: ApiRequest) -> None:
        """Raises TwilioError for other credentials."""
        wanted = base64.b64encode(f"{PHONE_ACCOUNT}:{self.hooks.secret}".encode()).decode()
        if request.headers.get("authorization", "") != f"Basic {wanted}":
            raise TwilioError(20003, "Authenticate")


def build(settings: Any) -> Twilio:
    """Tells the product of the same settings."""
    public = getattr(settings, "public_url", "")
    return Twilio(f"{public}/hooks/twilio/phone/texts" if public else "")


async def answered(twilio: Twilio, request: ApiRequest, act: Callable[[Store, str], Object]) -> Response[bytes]:
    """What Twilio answers to a call, in whatever mood it is."""
    mood = FINE if twilio.moods.current in fake_hooks.MOODS else twilio.moods.take()
    if mood == "slow":
        with suppress(TimeoutError):
            await asyncio.wait_for(twilio.stopping.wait(), SLOW_S)
    headers: dict[str, str] = {}
    status = 201 if request.method == "POST" else 200
    try:
        _refuse(mood)
        twilio.check(request)
        answer = act(twilio.store, mood)
    except TwilioError as error:
        answer, status = error.body, error.status
        headers = {"retry-after": str(RETRY_AFTER_S)} if mood == "429" else {}
    if mood == "lost reply":
        drop_connection(request)
    told = msgspec.json.encode({**answer, "novelty": {"of": ["tomorrow"]}} if mood == "unknown fields" else answer)
    if mood == "truncated":
        told = told[: len(told) // 2]
    return Response(told, status_code=status, headers=headers, media_type=MediaType.JSON)


@post("/Messages.json")
async def create_message(request: ApiRequest, twilio: Twilio, data: Posted) -> Response[bytes]:
    return await answered(twilio, request, lambda store, mood: store.create_message(data, mood))


@get("/Messages.json")
async def list_messages(request: ApiRequest, twilio: Twilio) -> Response[bytes]:
    to = request.query_params.get("To", "")
    return await answered(twilio, request, lambda store, _: store.page(store.messages, "messages", to))


@post("/Calls.json")
async def create_call(request: ApiRequest, twilio: Twilio) -> Response[bytes]:
    form = {name: str(value) for name, value in (await request.form()).items() if isinstance(value, str)}
    return await answered(twilio, request, lambda store, _: shown(store.create_call(form)))


@get("/Calls.json")
async def list_calls(request: ApiRequest, twilio: Twilio) -> Response[bytes]:
    to = request.query_params.get("To", "")
    return await answered(twilio, request, lambda store, _: store.page(store.calls, "calls", to))


@get("/", media_type=MediaType.HTML)
async def show(twilio: Twilio) -> str:
    """Each telephone with its texts, the one that was used last first; and calls that ring."""
    store, phones = twilio.store, dict[str, list[Object]]()
    for one in reversed(store.messages.values()):
        number = one["from"] if one["direction"] == "inbound" else one["to"]
        phones.setdefault(number, []).append(one)
    calls = list(reversed(store.calls.values()))[:SHOWN_MAX]
    values = {"phones": dict(list(phones.items())[:SHOWN_MAX]), "calls": calls, "texts_url": store.texts_url}
    return PAGES.get_template("twilio.html").render(moods=twilio.moods, action="/twilio/mood", **values)


@post("/texts")
async def write(twilio: Twilio, data: Posted) -> Redirect:
    await twilio.store.write(data.get("from", ""), data.get("text", ""))
    return Redirect("/twilio", status_code=303)


@post("/calls/{sid:str}")
async def act_on_call(sid: str, twilio: Twilio, data: Posted) -> Redirect:
    """What the buttons of the page do: pick up, press a key, hang up, let it ring."""
    store, what = twilio.store, data.get("what", "")
    if sid not in store.calls:
        raise not_found("call")
    if what in ("human", "machine_start"):
        await store.pick_up(sid, by=what)
    elif what in ("1", "2"):
        await store.press(sid, what)
    else:
        store.hang_up(sid, what if what in ("no-answer", "busy") else "completed")
    return Redirect("/twilio", status_code=303)


@post("/mood")
async def change_mood(twilio: Twilio, data: Posted) -> Redirect:
    times = data.get("times", "")
    twilio.moods.switch(data.get("mood", ""), int(times) if times.isdigit() else None)
    return Redirect("/twilio", status_code=303)


@get("/")
async def read_all(twilio: Twilio, to: str = "") -> dict[str, list[Object]]:
    """Texts and calls, newest first; `to` is a number."""
    return {
        name: [shown(one) for one in reversed(found.values()) if not to or one["to"] == to]
        for name, found in (("messages", twilio.store.messages), ("calls", twilio.store.calls))
    }


@post("/texts", status_code=200)
async def write_as(twilio: Twilio, data: dict[str, str]) -> dict[str, str]:
    """`{"from": …, "text": …}`: what is answered."""
    return {"answer": await twilio.store.write(data.get("from", ""), data.get("text", ""))}


def _refuse(mood: str) -> None:
    """What is refused whoever asks. Raises TwilioError."""
    known = {
        "dead token": (20003, "Authenticate"),
        "429": (20429, "Too Many Requests"),
        "5xx": (20503, "Service unavailable"),
        "not a mobile": (21614, "'To' number is not a valid mobile number"),
    }
    if mood in known:
        raise TwilioError(*known[mood])


API = [create_message, list_messages, create_call, list_calls]
PAGES_OF_IT = [show, write, act_on_call, change_mood]
PAGES = pages(Path(__file__).parent / "templates")
