"""A webhook receiver that takes anything, checks signatures, shows what came, and can be as unkind as real ones.

`POST /hooks/<name>` is a receiver of its own for each name. Given secrets (`PUT /api/hooks/<name>`) it verifies.
"""

import asyncio
import gzip
import secrets
from base64 import b64decode
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import unquote_plus

import msgspec
from litestar import Request, Response, Router, delete, get, post, put
from litestar.enums import MediaType, RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect, Stream
from litestar.types import ControllerRouterHandler

from wedsync.connections import signatures
from wedsync.connections.fakes import Moods, Shelf, drop_connection, given, pages
from wedsync.kit import clock

RECEIVERS_MAX = 100
KEPT_MAX = 20_000
KEPT_MAX_BYTES = 64 * 1024 * 1024
SHOWN_MAX = 200
SLOW_S = 5.0
HANGING_MAX_S = 120.0

MOODS = {
    "slow": f"Answers after {SLOW_S:g} seconds.",
    "hanging": "Takes the request and never answers.",
    "dropped": "Takes the request and closes the connection without an answer.",
    "busy": "Answers 429 with Retry-After: 2.",
    "booked": "Answers 429 with a date as Retry-After, 90 seconds from now.",
    "early": "Answers 425.",
    "large": "Answers 413.",
    "broken": "Answers 500.",
    "down": "Answers 503.",
    "refusing": "Answers 400.",
    "moved": "Answers 302.",
    "inward": "Answers 307 and points to a cloud's metadata.",
    "swollen": "Takes the request and answers 200 with 20 MB of zeros, packed by gzip into 20 kB.",
    "gone": "Answers 410: no more deliveries.",
    "leaving": "Takes the request and asks for no more deliveries (webhook-delivery: disable).",
    "aborting": "Answers 503 and asks for no repeat of this one (webhook-delivery: abort-message).",
    "endless": "Takes the request and answers 200 with a body that has no end.",
    "trickling": "Takes the request and answers 200 with a byte now and then.",
    "duplicate": "Takes the request and answers 409, as if it had it already.",
}
ANSWERS = {
    "busy": 429,
    "booked": 429,
    "early": 425,
    "large": 413,
    "broken": 500,
    "down": 503,
    "aborting": 503,
    "refusing": 400,
    "moved": 302,
    "inward": 307,
    "gone": 410,
    "duplicate": 409,
}
HEADERS = {
    "busy": {"retry-after": "2"},
    "moved": {"location": "/hooks/elsewhere"},
    "inward": {"location": "http://169.254.169.254/latest/meta-data/"},
    "swollen": {"content-encoding": "gzip"},
    "leaving": {"webhook-delivery": "disable"},
    "aborting": {"webhook-delivery": "abort-message"},
}
BOOKED_S = 90.0
TRICKLE_S = 0.1
# What a provider in this mood never gets to keep: it fails before it looks at the request.
UNKEPT = frozenset(ANSWERS) - {"duplicate"}
TOKEN_MOODS = {
    "down": "Answers 503.",
    "refusing": "Answers 401: invalid_client.",
    "odd": "Answers 200 without a token.",
    "hanging": "Takes the request and never answers.",
}


class Received(msgspec.Struct, kw_only=True):
    """One request as it came. `verified` is None where no secret is known; `times` counts repeats of one webhook-id."""

    id: str
    receiver: str
    at: str
    headers: dict[str, str]
    body: str
    webhook_id: str
    type: str
    verified: bool | None
    problem: str
    times: int = 1


class TokenServer:
    """Gives access tokens by OAuth 2 client credentials for one receiver, which then takes only the newest."""

    def __init__(self) -> None:
        self.moods = Moods(TOKEN_MOODS)
        self.client = ("", "")
        self.life_s: int | None = 3600
        self.asked: list[dict[str, str]] = []
        self.current = ""

    def take(self, authorization: str, fields: dict[str, str]) -> Response[dict[str, Any]]:
        """One request for a token: by the header, or by the body."""
        self.asked.append(fields)
        given = _basic(authorization) if authorization else (fields.get("client_id"), fields.get("client_secret"))
        mood = self.moods.take()
        if mood == "down":
            return Response({}, status_code=503)
        if mood == "refusing" or given != self.client or fields.get("grant_type") != "client_credentials":
            return Response({"error": "invalid_client"}, status_code=401)
        if mood == "odd":
            return Response({"token_type": "bearer"}, status_code=200)
        self.current = f"token-{secrets.token_hex(8)}"
        life = {} if self.life_s is None else {"expires_in": self.life_s}
        return Response({"access_token": self.current, "token_type": "Bearer", **life}, status_code=200)


class Receiver:
    def __init__(self, name: str) -> None:
        self.tokens = TokenServer()
        self.name = name
        self.secrets: tuple[str, ...] = ()
        self.moods = Moods(MOODS)
        self.calls = 0


class ReceiverChange(msgspec.Struct, forbid_unknown_fields=True):
    secrets: tuple[str, ...] | None = None
    mood: str | None = None
    times: int | None = None


class Hooks:
    """All receivers of one sandbox."""

    title = "Webhook receiver"

    def __init__(self) -> None:
        self.kept: Shelf[Received] = Shelf(items_max=KEPT_MAX, bytes_max=KEPT_MAX_BYTES)
        self.receivers: OrderedDict[str, Receiver] = OrderedDict()
        self.number = 0
        self.stopping = asyncio.Event()
        self.routes: Sequence[ControllerRouterHandler] = [
            Router(
                "/",
                route_handlers=[take, give_token, list_receivers, show, change_mood, set_secrets, read, change, empty],
                dependencies={"hooks": given(self)},
            )
        ]

    @property
    def address(self) -> str:
        return "/hooks/demo"

    async def start(self) -> None:
        """Nothing to start: requests come through the sandbox."""

    async def stop(self) -> None:
        """Lets go of the callers it keeps hanging."""
        self.stopping.set()

    def receiver(self, name: str) -> Receiver:
        """The receiver of this name, made when it is first spoken of; the one unused longest makes room."""
        if name not in self.receivers:
            self.receivers[name] = Receiver(name)
        self.receivers.move_to_end(name)
        while len(self.receivers) > RECEIVERS_MAX:
            self.receivers.popitem(last=False)
        return self.receivers[name]

    async def keep(self, receiver: Receiver, headers: dict[str, str], body: bytes) -> Received:
        """Notes a request; a repeat of the same webhook-id is counted on the first."""
        message_id = headers.get(signatures.ID) or headers.get("svix-id") or ""
        self.number += 1
        key = f"{receiver.name}:{message_id or self.number}"
        before = self.kept.get(key)
        verified, problem = _verified(receiver.secrets, headers, body)
        received = Received(
            id=key,
            receiver=receiver.name,
            at=clock.machine_now().isoformat(timespec="milliseconds"),
            headers=headers,
            body=body.decode("utf-8", errors="replace"),
            webhook_id=message_id,
            type=_type(body),
            verified=verified,
            problem=problem,
            times=1 if before is None else before.times + 1,
        )
        await self.kept.put(key, received, len(body) + 2000)
        return received

    def switches(self) -> dict[str, Moods]:
        """Each receiver has its own; the newest first."""
        return {name: self.receivers[name].moods for name in reversed(self.receivers)}

    async def forget(self) -> None:
        """Every receiver, and what it kept."""
        self.kept.clear()
        self.receivers.clear()

    async def pour(self, *, drop: bytes, every_s: float) -> AsyncIterator[bytes]:
        """A body that goes on until the caller has had enough, or the sandbox stops."""
        until = clock.monotonic() + HANGING_MAX_S
        while not self.stopping.is_set() and clock.monotonic() < until:
            yield drop
            with suppress(TimeoutError):
                await asyncio.wait_for(self.stopping.wait(), every_s)

    def of(self, name: str) -> list[Received]:
        return [received for received in self.kept if received.receiver == name]


def build(settings: Any) -> Hooks:
    return Hooks()


@post("/hooks/{name:str}", status_code=200)
async def take(name: str, request: "Request[Any, Any, Any]", hooks: Hooks) -> Response[Any]:
    """What a provider's endpoint does: take, keep, answer; or whatever its mood is."""
    receiver = hooks.receiver(name)
    receiver.calls += 1
    body = await request.body()
    if receiver.tokens.client[0] and request.headers.get("authorization") != f"Bearer {receiver.tokens.current}":
        return Response("Who is this?", status_code=401, media_type=MediaType.TEXT)
    mood = receiver.moods.take()
    if mood not in UNKEPT:
        await hooks.keep(receiver, {key.lower(): value for key, value in request.headers.items()}, body)
    if mood == "dropped":
        drop_connection(request)
    elif mood == "slow":
        await asyncio.sleep(SLOW_S)
    elif mood == "hanging":
        with suppress(TimeoutError):
            await asyncio.wait_for(hooks.stopping.wait(), HANGING_MAX_S)
    elif mood in ("endless", "trickling"):
        return Stream(hooks.pour(drop=b"x" * 4096 if mood == "endless" else b"x", every_s=_pace_s(mood)))
    return _answer(mood)


@post("/oauth/{name:str}/token", status_code=200)
async def give_token(name: str, request: "Request[Any, Any, Any]", hooks: Hooks) -> Response[Any]:
    """A receiver's token server; it knows one client, `Receiver.tokens.client`."""
    tokens = hooks.receiver(name).tokens
    fields = {key: str(value) for key, value in (await request.form()).items()}
    if tokens.moods.current == "hanging":
        with suppress(TimeoutError):
            await asyncio.wait_for(hooks.stopping.wait(), HANGING_MAX_S)
    return tokens.take(request.headers.get("authorization", ""), fields)


@get("/hooks", media_type=MediaType.HTML)
async def list_receivers(hooks: Hooks) -> str:
    counts: dict[str, int] = {}
    for received in hooks.kept:
        counts[received.receiver] = counts.get(received.receiver, 0) + 1
    rows = [(name, counts.get(name, 0), hooks.receivers[name].moods.current) for name in reversed(hooks.receivers)]
    return PAGES.get_template("receivers.html").render(rows=rows)


@get("/hooks/{name:str}", media_type=MediaType.HTML)
async def show(name: str, hooks: Hooks) -> str:
    kept = hooks.of(name)
    receiver = hooks.receiver(name)
    return PAGES.get_template("receiver.html").render(
        receiver=receiver, kept=kept[:SHOWN_MAX], count=len(kept), moods=receiver.moods, action=f"/hooks/{name}/mood"
    )


@post("/hooks/{name:str}/mood")
async def change_mood(
    name: str, hooks: Hooks, data: Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]
) -> Redirect:
    times = data.get("times", "")
    hooks.receiver(name).moods.switch(data.get("mood", ""), int(times) if times.isdigit() else None)
    return Redirect(f"/hooks/{name}", status_code=303)


@post("/hooks/{name:str}/secrets")
async def set_secrets(
    name: str, hooks: Hooks, data: Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]
) -> Redirect:
    hooks.receiver(name).secrets = tuple(data.get("secrets", "").split())
    return Redirect(f"/hooks/{name}", status_code=303)


@get("/api/hooks/{name:str}")
async def read(name: str, hooks: Hooks, count: int = 1, wait_s: float = 0.0) -> dict[str, Any]:
    """Newest first. With `wait_s` the answer waits until there are `count`."""
    found = await hooks.kept.wait_for(count, lambda received: received.receiver == name, wait_s)
    receiver = hooks.receiver(name)
    return {"items": found, "next": None, "calls": receiver.calls, "mood": receiver.moods.current}


@put("/api/hooks/{name:str}", status_code=204)
async def change(name: str, data: ReceiverChange, hooks: Hooks) -> None:
    """Sets the secrets to verify with, the mood, or both."""
    receiver = hooks.receiver(name)
    if data.secrets is not None:
        receiver.secrets = data.secrets
    if data.mood is not None:
        receiver.moods.switch(data.mood, data.times)


@delete("/api/hooks/{name:str}")
async def empty(name: str, hooks: Hooks) -> None:
    """Empties a receiver and makes it kind again; its secrets stay."""
    hooks.kept.clear(keep=lambda received: received.receiver != name)
    receiver = hooks.receiver(name)
    receiver.calls = 0
    receiver.moods.switch("fine")


def _basic(authorization: str) -> tuple[str, ...]:
    """Both halves, form-decoded (RFC 6749 2.3.1)."""
    pair = b64decode(authorization.removeprefix("Basic ")).decode()
    return tuple(unquote_plus(half) for half in pair.split(":", 1))


def _pace_s(mood: str) -> float:
    return TRICKLE_S if mood == "trickling" else 0.0


def _answer(mood: str) -> Response[Any]:
    status, headers = ANSWERS.get(mood, 200), HEADERS.get(mood, {})
    if mood == "booked":
        free_at = clock.machine_now() + timedelta(seconds=BOOKED_S)
        headers = {"retry-after": format_datetime(free_at, usegmt=True)}
    if mood == "swollen":
        return Response(
            gzip.compress(bytes(20_000_000)), status_code=status, headers=headers, media_type=MediaType.TEXT
        )
    return Response("ok" if status == 200 else mood, status_code=status, headers=headers, media_type=MediaType.TEXT)


def _verified(secrets: tuple[str, ...], headers: dict[str, str], body: bytes) -> tuple[bool | None, str]:
    if not secrets:
        return None, "No secret given, so nothing was verified."
    try:
        signatures.verify(secrets, headers, body, now=clock.machine_now().timestamp())
    except signatures.SignatureError as error:
        return False, str(error)
    return True, ""


def _type(body: bytes) -> str:
    try:
        decoded = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    return str(decoded.get("type", "")) if isinstance(decoded, dict) else ""


PAGES = pages(Path(__file__).parent / "templates")
