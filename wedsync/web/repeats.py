"""`Idempotency-Key` on POST: what was carried out once is answered again, and never done again.

The key is claimed inside the transaction of the change (`Once` is the door's guard), so a crash at any instant leaves
both or neither. The answer is kept after the commit; where a crash took it, a repeat is told so instead of being done.
"""

import hashlib
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID, uuid4

import msgspec
import structlog
from litestar import Litestar, Request
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Door, Tx
from wedsync.kit.errors import FieldError, Refusal
from wedsync.kit.seal import KeyRing, SealError
from wedsync.web.context import Context

queries = sql.load("wedsync.web")
log = structlog.get_logger("web")

HEADER: Final = "Idempotency-Key"
KEY_CHARS_MAX: Final = 200
RETRY_AFTER_S: Final = "1"
HARMLESS_BYTES_MAX: Final = 64 * 1024
"""An answer to a request that changed nothing is kept up to here: asking again is as good."""
TABLE: Final = "kept_answers"
KEPT_HEADERS: Final = (b"content-type", b"etag", b"location")
FIX: Final = f"Send 1 to {KEY_CHARS_MAX} visible ASCII characters, a new UUID for each change, say."
LOST: Final = (
    "The first request with this Idempotency-Key was carried out. If that was a moment ago, its answer is being kept: "
    "send it again after Retry-After. Otherwise the answer was lost in a crash: read {read} for what is there now, and "
    "send a new key to do it once more."
)


class Answer(msgspec.Struct, frozen=True):
    """What is given again."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class Once:
    """One request under one key: the guard of its transactions (`Door.guarded`)."""

    def __init__(self, *, person: UUID, place: bytes, request: bytes, ring: KeyRing) -> None:
        self.person = person
        self.place = place
        self.id = uuid4()
        self.is_held = False
        self.wants = False
        self._ring = ring
        self._request = request

    async def begun(self, tx: Tx) -> None:
        """Refuse where another request holds the key. Raises Refusal 409."""
        if not self.is_held and await tx.value(queries.begin_once, self.place) != "free":
            raise _under_way()

    async def ending(self, tx: Tx) -> None:
        """Claim the key in the transaction that changes something."""
        if not self.is_held:
            self.wants = await self._claim(tx, changes=bool(tx.facts))

    def committed(self) -> None:
        """The change and the claim are in."""
        self.is_held = self.is_held or self.wants

    async def keep(self, door: Door, actor: Actor, answer: Answer) -> None:
        """Store the answer. A request that changed nothing claims its key only now, where its answer is small."""
        if not self.is_held and len(answer.body) > HARMLESS_BYTES_MAX:
            return
        sealed = self._seal(msgspec.msgpack.encode(answer), "answer")
        async with door.bare(actor) as tx:
            if self.is_held or await self._claim(tx, changes=True):
                await tx.value(queries.keep_answer, self.person, self.place, self.id, sealed)

    async def _claim(self, tx: Tx, *, changes: bool) -> bool:
        request = self._seal(self._request, "request")
        held: bool = await tx.value(queries.claim_once, self.person, self.place, self.id, request, changes)
        return held

    def _seal(self, plain: bytes, column: str) -> bytes:
        return self._ring.seal(plain, tenant=self.person, table=TABLE, column=column, row=self.id)


class Repeats:
    """ASGI middleware behind the authentication: answers repeats, and gives the others' transactions their guard."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or scope["method"] != "POST" or not scope["path"].startswith("/api/v1/"):
            await self.app(scope, receive, send)
            return
        actor: Actor = scope["state"]["actor"]
        values = [value for name, value in scope["headers"] if name == b"idempotency-key"]
        if not values or actor.id is None:
            await self.app(scope, receive, send)
            return
        ctx: Context = scope["litestar_app"].state.ctx
        place = _place(actor, scope["path"], _key(values))
        asked = await _digest(Request(scope, receive, send))
        known = await _known(ctx, actor, place, asked, scope)
        if known is not None:
            await _give(known, send)
            return
        once = Once(person=actor.id, place=place, request=asked, ring=ctx.ring)
        scope["state"]["once"] = once
        await self._done(scope, receive, send, once)

    async def _done(self, scope: HTTPScope, receive: Receive, send: Send, once: Once) -> None:
        """Run the handler; its answer is kept before it is given, so that whoever has it can ask for it again."""
        gathered: list[Message] = []

        async def gather(message: Message) -> None:
            gathered.append(message)
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                await _keep(scope, once, gathered)
                for each in gathered:
                    await send(each)

        await self.app(scope, receive, gather)


async def _keep(scope: HTTPScope, once: Once, messages: Sequence[Message]) -> None:
    """Refusals free the key. Where the answer cannot be kept, it is still the answer: the change is in."""
    answer = _answer(messages)
    if not 200 <= answer.status < 300:
        return
    ctx: Context = scope["litestar_app"].state.ctx
    try:
        await once.keep(ctx.door, scope["state"]["actor"], answer)
    except Refusal:
        log.info("answer_kept_by_another")
    except OSError as error:
        log.warning("answer_not_kept", reason=type(error).__name__)


def _answer(messages: Sequence[Message]) -> Answer:
    status, headers, body = 500, [], b""
    for message in messages:
        if message["type"] == "http.response.start":
            status, headers = message["status"], [(k, v) for k, v in message["headers"] if k.lower() in KEPT_HEADERS]
        elif message["type"] == "http.response.body":
            body += message["body"]
    return Answer(status, headers, body)


def _key(values: Sequence[bytes]) -> bytes:
    if len(values) != 1:
        raise _bad_key("is there more than once", "Send it once.")
    if not 1 <= len(values[0]) <= KEY_CHARS_MAX or not all(0x21 <= character <= 0x7E for character in values[0]):
        raise _bad_key("is empty, too long, or has characters that cannot be used", FIX)
    return values[0]


def _bad_key(reason: str, fix: str) -> Refusal:
    what = f"{HEADER} {reason}. {fix}"
    return Refusal(400, "bad_idempotency_key", what, errors=[FieldError(HEADER, reason, fix)])


def _place(actor: Actor, path: str, key: bytes) -> bytes:
    """Who, what and under which key; a person's sessions are one caller, each API key is its own."""
    caller = f"key|{actor.key_id}" if actor.kind == "key" else f"person|{actor.id}"
    return hashlib.sha256(b"\n".join([caller.encode(), b"POST", path.encode(), key])).digest()


async def _digest(request: Request[Any, Any, Any]) -> bytes:
    """What was asked: query and body. A form's boundary is made anew by each sending, so it does not count."""
    body = await request.body()
    kind, parameters = request.content_type
    boundary = parameters.get("boundary", "") if kind.startswith("multipart/") else ""
    if boundary:
        body = body.replace(boundary.encode(), b"")
    return hashlib.sha256(request.scope["query_string"] + b"\n" + body).digest()


async def _known(ctx: Context, actor: Actor, place: bytes, asked: bytes, scope: HTTPScope) -> Answer | None:
    """The answer to give again; None for a key that is new. Raises Refusal 409 and 422."""
    async with ctx.door.bare(actor) as tx:
        row = await tx.row(queries.kept_answer, actor.id, place)
    if row is None:
        return None
    where: dict[str, Any] = {"tenant": actor.id, "table": TABLE, "row": row["id"]}
    try:
        if ctx.ring.open(row["request"], column="request", **where) != asked:
            raise Refusal(
                422,
                "idempotency_key_reused",
                f"This {HEADER} was used for another body. Send a new key with a new request, or the same body again.",
            )
        if row["answer"] is not None:
            return msgspec.msgpack.decode(ctx.ring.open(row["answer"], column="answer", **where), type=Answer)
    except SealError as error:
        log.warning("kept_answer_sealed", reason=str(error))
    read = _readable(scope["litestar_app"], scope["path_template"], scope["path"])
    headers = {"Retry-After": RETRY_AFTER_S}
    raise Refusal(409, "answer_lost", LOST.format(read=read), headers=headers, extra={"read": read})


def _under_way() -> Refusal:
    return Refusal(
        409,
        "request_under_way",
        f"The first request with this {HEADER} is under way. Send it again after Retry-After for its answer.",
        headers={"Retry-After": RETRY_AFTER_S},
    )


def _readable(app: Litestar, template: str, path: str) -> str:
    """The nearest address above that can be read."""
    readable = {r.path_format for r in app.routes if "GET" in getattr(r, "methods", ())}
    while template.count("/") > 2:
        if template in readable:
            return path
        template, path = template.rpartition("/")[0], path.rpartition("/")[0]
    return "/api/v1/me"


async def _give(answer: Answer, send: Send) -> None:
    headers = [*answer.headers, (b"idempotent-replayed", b"true"), (b"content-length", str(len(answer.body)).encode())]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body, "more_body": False})
