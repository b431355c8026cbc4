"""The gateway's HTTP routes: broadcasts by POST as Supabase's clients send them, health and metrics."""

from collections import OrderedDict
from typing import Any, Final

import msgspec
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest

from wedsync.events import wire
from wedsync.events.joins import Denied
from wedsync.events.live import Hub
from wedsync.events.reader import ReaderAway
from wedsync.events.streams import Stream
from wedsync.events.talk import Said, Unsaid
from wedsync.events.tokens import Claims, TokenRefused
from wedsync.events.wire import Encoding
from wedsync.kit import clock
from wedsync.processes.gateway_door import Answer, Request, decode_path

MESSAGES_MAX: Final = 100
RATE_PER_S: Final = 100.0
BURST: Final = 200.0
SENDERS_MAX: Final = 10_000


class Message(msgspec.Struct):
    """One message of a batch; `topic` without `realtime:`, though with it is fine."""

    topic: str
    event: str
    payload: msgspec.Raw
    private: bool = False
    scope: str | None = None


class Batch(msgspec.Struct):
    """The body of `POST …/api/broadcast`."""

    messages: list[Message]


_batches = msgspec.json.Decoder(Batch)


class Routes:
    """The routes of one gateway."""

    def __init__(self, hub: Hub, registry: CollectorRegistry) -> None:
        self._hub = hub
        self._registry = registry
        self._rates: OrderedDict[str, tuple[float, float]] = OrderedDict()

    async def answer(self, request: Request) -> Answer:
        """Any request."""
        if request.method == "OPTIONS":
            return Answer(204)
        parts = decode_path(request.path)
        if parts[:2] in (["realtime", "v1"], ["socket"]) or parts[0] == "socket":
            parts = parts[2:] if parts[0] == "realtime" else parts[1:]
        if parts[:2] == ["api", "broadcast"]:
            return await self._broadcast(request, parts[2:])
        return await self._health(request, parts)

    async def _health(self, request: Request, parts: list[str]) -> Answer:
        if parts == ["websocket"]:
            return Answer(426, {"message": "This is a WebSocket."}, headers={"upgrade": "websocket"})
        found = {
            "healthz": self._healthz,
            "readyz": self._readyz,
            "metrics": self._metrics,
            "api/ping": self._ping,
        }.get("/".join(parts))
        if found is None:
            return Answer(404, {"message": "There is nothing here."})
        if request.method not in ("GET", "HEAD"):
            return Answer(405, {"message": "Use GET."}, headers={"allow": "GET"})
        return await found()

    async def _healthz(self) -> Answer:
        return Answer(200, {"status": "ok", "sockets": len(self._hub.sockets)})

    async def _ping(self) -> Answer:
        return Answer(200, {"message": "Success"})

    async def _readyz(self) -> Answer:
        if self._hub.is_draining:
            return Answer(503, {"status": "draining"})
        try:
            await self._hub.reader.stream_tops([])
        except ReaderAway as error:
            return Answer(503, {"status": "unready", "database": type(error.__cause__ or error).__name__})
        return Answer(200, {"status": "ready", "feed": self._hub.feed_is_up})

    async def _metrics(self) -> Answer:
        text: bytes = generate_latest(self._registry)  # type: ignore[no-untyped-call]
        return Answer(200, text, content_type=CONTENT_TYPE_LATEST)

    # Broadcasts

    async def _broadcast(self, request: Request, rest: list[str]) -> Answer:
        if request.method != "POST":
            return Answer(405, {"message": "Use POST."}, headers={"allow": "POST"})
        try:
            claims = await self._claims(request)
        except TokenRefused as refused:
            return Answer(401, {"message": str(refused)})
        except ReaderAway as error:
            return self._away(error)
        wait_s, left = self._spend(claims.sid or "anon")
        limits = {"x-rate-limit": f"{RATE_PER_S:.0f}", "x-rate-limit-remaining": f"{left:.0f}"}
        limits["x-rate-rolling"] = f"{BURST - left:.0f}"
        if wait_s > 0:
            text = "Too many messages per second. Wait a little."
            return Answer(429, {"message": text}, headers={**limits, "retry-after": f"{wait_s + 1:.0f}"})
        answer = await self._send(request, rest, claims)
        return msgspec.structs.replace(answer, headers={**answer.headers, **limits})

    async def _claims(self, request: Request) -> Claims:
        if request.token is None:
            raise TokenRefused("Unauthorized", "Send a token as Authorization: Bearer, or as apikey")
        claims = self._hub.tokens.verify(request.token)
        if claims.sid is not None and not await self._hub.sessions.is_alive(claims.sid):
            raise TokenRefused("InvalidJWTToken", "The session has ended; sign in again")
        return claims

    def _spend(self, who: str) -> tuple[float, float]:
        """Seconds to wait, and what is left of the allowance."""
        now = clock.monotonic()
        left, at = self._rates.pop(who, (BURST, now))
        left = min(BURST, left + (now - at) * RATE_PER_S) - 1
        self._rates[who] = (max(left, -1.0), now)
        if len(self._rates) > SENDERS_MAX:
            self._rates.popitem(last=False)
        return (0.0 if left >= 0 else -left / RATE_PER_S), max(left, 0.0)

    async def _send(self, request: Request, rest: list[str], claims: Claims) -> Answer:
        try:
            messages = _single(request, rest) if rest else _batch(request)
        except _Unprocessable as error:
            return Answer(error.status, error.body)
        try:
            allowed = [(said, *await self._allow(claims, topic, said)) for topic, said in messages]
        except Unsaid as refused:
            status = 403 if str(refused).startswith("Unauthorized") else 422
            return Answer(status, {"message": str(refused), "errors": {"messages": [str(refused)]}})
        except Denied as denied:
            return Answer(403, {"message": str(denied)})
        except ReaderAway as error:
            return self._away(error)
        for said, stream, topic, tag in allowed:
            self._hub.talk.say(stream, topic, said, tag)
        return Answer(202)

    async def _allow(self, claims: Claims, topic: str, said: Said) -> tuple[Stream, str, Any]:
        """The stream, topic and hearers of one message. Raises Denied, Unsaid and ReaderAway."""
        topic = topic if topic.startswith("realtime:") else f"realtime:{topic}"
        stream = await self._hub.joins.stream_of(topic, claims)
        audience = await self._hub.rights.audience_of(stream, topic, claims)
        if audience is None:
            raise Unsaid("Unauthorized: you may not broadcast here")
        return stream, topic, self._hub.talk.allow(audience, said, scope=said.scope)

    def _away(self, error: ReaderAway) -> Answer:
        self._hub.reader_failed(error)
        return Answer(503, {"message": "The database does not answer. Try again."}, headers={"retry-after": "1"})


class _Unprocessable(Exception):  # noqa: N818 -- it reads as a sentence where it is raised
    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(str(body))
        self.status, self.body = status, body


def _batch(request: Request) -> list[tuple[str, Said]]:
    try:
        messages = _batches.decode(request.body).messages
    except msgspec.DecodeError as error:
        raise _Unprocessable(422, {"errors": {"messages": [str(error)]}}) from error
    if not 0 < len(messages) <= MESSAGES_MAX:
        raise _Unprocessable(422, {"errors": {"messages": [f"send 1 to {MESSAGES_MAX} messages"]}})
    return [(m.topic, Said(m.event, bytes(m.payload), scope=m.scope)) for m in messages]


def _single(request: Request, rest: list[str]) -> list[tuple[str, Said]]:
    """`/{topic}/events/{event}` with the payload as the body."""
    if len(rest) != 3 or rest[1] != "events":
        raise _Unprocessable(404, {"message": "Post to /api/broadcast/{topic}/events/{event}."})
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    scope = request.query.get("scope")
    if kind == "application/octet-stream":
        return [(rest[0], Said(rest[2], request.body, Encoding.RAW, scope, is_binary=True))]
    if kind != "application/json":
        raise _Unprocessable(415, {"message": "Send application/json or application/octet-stream."})
    try:
        wire.check_json(request.body)
    except (UnicodeDecodeError, msgspec.DecodeError) as error:
        raise _Unprocessable(422, {"errors": {"payload": [str(error)]}}) from error
    return [(rest[0], Said(rest[2], request.body, scope=scope))]
