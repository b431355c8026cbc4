"""The inbound door: `POST /hooks/{connector}/{connection_id}` for a source, `POST /api/webhooks/couples` for couples.

Verify, keep, commit, answer, in this order; what a hook changes is worked on afterwards (`incoming`). A database that
is away is a 503, so that the sender comes again.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from uuid import UUID

import msgspec
import structlog
from litestar import Response, get, head, post
from litestar.exceptions import HTTPException

from wedsync.connections import couples, model
from wedsync.connections.accounts.connecting import Desk
from wedsync.connections.charging import platforms
from wedsync.connections.chatting import pressing
from wedsync.connections.elements import document, split
from wedsync.connections.inbox import Denied, Received, Source, away
from wedsync.connections.keysets import Found
from wedsync.connections.mailing import taking as mails
from wedsync.connections.reception import Reception
from wedsync.connections.sources import Held
from wedsync.connections.verify.keys import key_id
from wedsync.connections.verify.request import Request
from wedsync.connections.verify.scheme import verify
from wedsync.events.jobs import is_passing
from wedsync.kit import clock
from wedsync.kit.actor import ANONYMOUS
from wedsync.kit.errors import Refusal
from wedsync.kit.limits import Bucket, Limit, LocalLimits, Window
from wedsync.web.callers import block_of
from wedsync.web.context import Context
from wedsync.web.respond import AnyRequest
from wedsync.web.watching import note

log = structlog.get_logger("hooks")
KNOCKS: Final = Bucket("hook-knocks", per_s=2000, burst=4000)
"""Of one address, before anything is looked up."""
TRIES: Final = 3
"""How often a hook is verified anew because its source changed between looking and keeping."""
UNVERIFIED: Final = Window("unverified-hooks", 10, 60)
REFUSED: Final = "This request could not be verified. Check secret, signature and clock of the sender."
UNKNOWN: Final = "There is nothing at this address. Check it with whoever gave it to you."


class Taken(msgspec.Struct, frozen=True):
    """The inbox ids of what was sent, in its order; of a repeat the first ones."""

    ids: list[UUID]


@post(
    "/hooks/{connector:str}/{connection_id:uuid}",
    summary="Send a hook",
    description="By a source of a wedding or a supplier, signed by its scheme. 202 once it is kept, 200 for a repeat.",
)
async def receive(request: AnyRequest, ctx: Context, connector: str, connection_id: UUID) -> Response[Any]:
    """Handshakes of Slack and Graph are answered here, too."""

    async def take() -> Response[Any]:
        body = await _body(request)
        known = None if connector == model.COUPLES else _reception(request).sources.known(connector, connection_id)
        is_handshake = _is_handshake(request, body)
        if known is None or is_handshake:
            known = await _held(request, connector, connection_id)
        if known.scheme == "graph" and (token := request.query_params.get("validationToken")):
            return Response(token, status_code=200, media_type="text/plain")
        held, asked = await _verified(request, ctx, connector, body, known)
        if held.scheme == "slack" and (challenge := _challenge(body)) is not None:
            return Response(challenge, status_code=200, media_type="text/plain")
        await _allow(ctx, Window("hooks", held.settings.rate_per_minute, 60), f"{connection_id}", held.tenant)
        kept = await _kept(request, ctx, connector, body, held, asked)
        code = 202 if any(one.is_new for one in kept) else 200
        return Response(Taken([one.id for one in kept]), status_code=code)

    return await _answered(request, ctx, take)


@post(
    "/hooks/{connector:str}",
    summary="Send a platform's hook",
    description="By a provider that tells of all connected accounts, or of the mails it sent, at one address, signed "
    "with the operator's secret for it. 202 once it is kept, 200 for a repeat, for what is nobody's here and for what "
    "was said of mails.",
)
async def receive_of_platform(request: AnyRequest, ctx: Context, desk: Desk, connector: str) -> Response[Any]:
    """Whose it is stands in the body, which is believed once its signature is verified."""

    async def take() -> Response[Any]:
        body = await _body(request)
        if mails.tells(desk.host, connector):
            said = mails.heard(desk.host, desk.settings, connector, _headers(request), body)
            if isinstance(said, str):
                raise await _unverified(request, ctx, connector, said, None)
            await mails.keep(ctx.door, ctx.ring, connector, said)
            return Response(Taken([]), status_code=200)
        if pressing.is_pressed(desk, connector):
            return await _pressed(request, ctx, desk, connector, body)
        addressed = platforms.addressed(desk, connector, _headers(request), body)
        if isinstance(addressed, str):
            raise await _unverified(request, ctx, connector, addressed, None)
        source = await platforms.source(ctx, connector, addressed)
        if source is None:
            return Response(Taken([]), status_code=200)
        await _allow(ctx, Window("platform-hooks", platforms.RATE_PER_MINUTE, 60), f"{source.id}", source.tenant)
        kept = await _reception(request).inbox.keep(source, [addressed.element], _headers(request))
        return Response(Taken([one.id for one in kept]), status_code=202 if kept[0].is_new else 200)

    return await _answered(request, ctx, take)


@get("/hooks/{connector:str}/{connection_id:uuid}", include_in_schema=False)
async def look(request: AnyRequest, ctx: Context, connector: str, connection_id: UUID) -> Response[Any]:
    """Mailchimp asks whether the address is there before it is saved, without its secret."""

    async def found() -> Response[Any]:
        await _held(request, connector, connection_id)
        return Response("ok", media_type="text/plain")

    return await _answered(request, ctx, found)


@head("/hooks/{connector:str}/{connection_id:uuid}", include_in_schema=False)
async def look_at_head(request: AnyRequest, ctx: Context, connector: str, connection_id: UUID) -> None:
    """Mandrill does the same by HEAD, and gives its key only then."""

    async def found() -> Response[Any]:
        await _held(request, connector, connection_id)
        return Response(None)

    await _answered(request, ctx, found)


@post(
    "/api/webhooks/couples",
    status_code=202,
    summary="The couples' hook",
    description="Signed with `X-WedSync-Signature: sha256=…` over the body, or by Standard Webhooks. "
    "202 with the inbox id, 200 with the first id for a repeat.",
)
async def receive_couples(request: AnyRequest, ctx: Context) -> Response[couples.Accepted]:
    """The couple's own secret, or the platform's."""

    async def take() -> Response[couples.Accepted]:
        body = await _body(request)
        wedding_id = couples.wedding_of(body)
        held, by = await _signer(request, ctx, wedding_id, body)
        said = couples.read(body)
        async with ctx.door.bare(ANONYMOUS) as tx:
            is_there = held is not None or await tx.value("select app.is_wedding($1)", said.couple_id)
        if not is_there:
            raise _malformed("couple_id: there is no such wedding", None)
        rate = model.RATE_PER_MINUTE if held is None else held.settings.rate_per_minute
        await _allow(ctx, Window("couples", rate, 60), f"{said.couple_id}", said.couple_id)
        for _ in range(TRIES):
            source = _couples_source(said.couple_id, held, by)
            elements = [couples.element(said, body)]
            kept = await _reception(request).inbox.keep(source, elements, _headers(request))
            if kept:
                return Response(couples.Accepted(kept[0].id), status_code=202 if kept[0].is_new else 200)
            held, by = await _signer(request, ctx, wedding_id, body, is_anew=True)
        # Its secret changed at every try.
        raise away(1)

    return await _answered(request, ctx, take)


async def _pressed(request: AnyRequest, ctx: Context, desk: Desk, connector: str, body: bytes) -> Response[Any]:
    """A button of a chat program: kept, and answered with nothing at all, which is what leaves the message as it is."""
    found = pressing.heard(desk, connector, _headers(request), body)
    if isinstance(found, str):
        raise await _unverified(request, ctx, connector, found, None)
    source = None if found is None else await pressing.source(ctx, desk, connector, found)
    if found is not None and source is not None:
        await _allow(ctx, Window("buttons", pressing.RATE_PER_MINUTE, 60), f"{source.id}", source.tenant)
        await _reception(request).inbox.keep(source, [pressing.element(found, body)], _headers(request))
    return Response(b"", status_code=200, media_type="text/plain")


async def _answered(request: AnyRequest, ctx: Context, take: Callable[[], Awaitable[Response[Any]]]) -> Response[Any]:
    """The answer; refusals are noted with their reasons, and a database that is away is told as what it is."""
    limits: LocalLimits = request.app.state.limits
    try:
        try:
            decision = limits.hit(KNOCKS, block_of(request.scope))
            if not decision.is_allowed:
                raise _too_many(decision.headers(), "the address knocks too often", None)
            return await take()
        except Denied as refusal:
            place = None if refusal.tenant is None else ("tenant", str(refusal.tenant))
            note(request.scope, "hook.refused", reason=refusal.reason, status=refusal.status, place=place)
            request.scope["state"]["is_noted"] = True
            raise
    except Refusal:
        raise
    except Exception as error:
        if not is_passing(error):
            raise
        log.warning("hook_not_kept", reason=type(error).__name__)
        raise away(5) from error


async def _body(request: AnyRequest) -> bytes:
    try:
        return await request.body()
    except HTTPException as error:
        if error.status_code != 413:
            raise
        raise Denied(413, "too_large", "The body is too large: 1 MiB at most.", reason="too large") from error


def _reception(request: AnyRequest) -> Reception:
    reception: Reception = request.app.state.reception
    return reception


async def _held(request: AnyRequest, connector: str, connection_id: UUID) -> Held:
    """The source as it is now. Raises Denied 404."""
    sources = _reception(request).sources
    held = None if connector == model.COUPLES else await sources.read(connector, connection_id)
    if held is None:
        raise Denied(404, "not_found", UNKNOWN, reason="there is no such source")
    return held


async def _verified(
    request: AnyRequest, ctx: Context, connector: str, body: bytes, known: Held
) -> tuple[Held, Request]:
    """By what is known of the source, else by the source as it is now. Raises Denied 401, 404 or 429."""
    asked, reason = await _judged(request, ctx, body, known)
    if reason is not None:
        held = await _held(request, connector, known.id)
        if held.version != known.version:
            known = held
            asked, reason = await _judged(request, ctx, body, held)
    if reason is not None:
        raise await _unverified(request, ctx, f"{known.id}", reason, known.tenant)
    return known, asked


async def _judged(request: AnyRequest, ctx: Context, body: bytes, held: Held) -> tuple[Request, str | None]:
    """The request as its scheme reads it, and why it is not verified. Raises Denied 429."""
    found = await _keys(request, ctx, held)
    asked = _asked(request, ctx, body, held, found)
    reason = verify(held.scheme, asked)
    if reason is not None and found is not None and found.fault:
        reason = f"{reason}; the keys at jwks_url could not be fetched: {found.fault}"
    return asked, reason


async def _keys(request: AnyRequest, ctx: Context, held: Held) -> Found | None:
    """The keys of a token's issuer, where they are at an address. Raises Denied 429.

    Whoever could not be verified too often already does not make us fetch them.
    """
    options = held.settings.options
    if held.scheme != "jwt" or not options.jwks_url:
        return None
    keysets = _reception(request).keysets
    kid = key_id(request.headers.get(options.header or "authorization", ""))
    if not keysets.has(options.jwks_url, kid):
        spent = await ctx.limits.hit(UNVERIFIED, _stranger(request, f"{held.id}"), 0)
        if not spent.remaining:
            raise _too_many(spent.headers(), "unverified too often to look for its key", held.tenant)
    return await keysets.keys(options.jwks_url, kid)


async def _kept(
    request: AnyRequest, ctx: Context, connector: str, body: bytes, held: Held, asked: Request
) -> list[Received]:
    """What was committed, verified by the secrets that held at that moment."""
    for _ in range(TRIES):
        try:
            elements = split(held.scheme, asked)
        except (ValueError, AttributeError, TypeError) as error:
            raise _malformed("The body is not what this provider sends.", held.tenant) from error
        source = Source(
            id=held.id,
            tenant=held.tenant,
            connector=connector,
            verified_by=held.scheme,
            connection=held.id,
            version=held.version,
        )
        kept = await _reception(request).inbox.keep(source, elements, asked.headers)
        if kept or not elements:
            return kept
        held, asked = await _verified(request, ctx, connector, body, await _held(request, connector, held.id))
    # Its secret changed at every try.
    raise away(1)


async def _signer(
    request: AnyRequest, ctx: Context, wedding_id: UUID | None, body: bytes, *, is_anew: bool = False
) -> tuple[Held | None, str]:
    """Whose secret signed a couples' hook: the couple's source, and "couple" or "platform". Raises Denied 401, 429."""
    sources = _reception(request).sources
    known = None if wedding_id is None or is_anew else sources.known(model.COUPLES, wedding_id)
    reason, by = ("", "") if known is None else _couples_verified(request, ctx, body, known)
    if wedding_id is not None and (known is None or reason is not None):
        known = await sources.read(model.COUPLES, wedding_id)
    if known is None or reason is not None:
        reason, by = _couples_verified(request, ctx, body, known)
    if reason is not None:
        raise await _unverified(request, ctx, "couples", reason, known.tenant if known else None)
    return known, by


def _couples_verified(request: AnyRequest, ctx: Context, body: bytes, held: Held | None) -> tuple[str | None, str]:
    return couples.verified(
        _headers(request),
        body,
        url=ctx.settings.public_url + request.url.path,
        own=[] if held is None else held.secrets,
        platform=ctx.settings.couples_webhook_secret,
        now=clock.machine_now().timestamp(),
    )


def _couples_source(wedding_id: UUID, held: Held | None, by: str) -> Source:
    own = held if by == "couple" else None
    return Source(
        id=wedding_id,
        tenant=wedding_id,
        connector=model.COUPLES,
        verified_by=by,
        connection=None if own is None else own.id,
        version=None if own is None else own.version,
    )


def _asked(request: AnyRequest, ctx: Context, body: bytes, held: Held, found: Found | None) -> Request:
    options = held.settings.options
    if found is not None:
        options = msgspec.structs.replace(options, jwks={"keys": found.keys})
    query = request.scope["query_string"].decode("latin-1")
    return Request(
        headers=_headers(request),
        body=body,
        # As the provider was told it, whatever proxies made of host and scheme on the way.
        url=ctx.settings.public_url + request.url.path + (f"?{query}" if query else ""),
        secrets=held.secrets,
        now=clock.machine_now().timestamp(),
        options=options,
    )


def _headers(request: AnyRequest) -> Mapping[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in request.scope["headers"]}


def _is_handshake(request: AnyRequest, body: bytes) -> bool:
    """Rare, and answered without being kept: by the source as it is, not as it is remembered."""
    return b"validationToken" in request.scope["query_string"] or b"url_verification" in body


def _challenge(body: bytes) -> str | None:
    """Slack's handshake. A slash command is a form and holds none."""
    try:
        said = document(body)
    except ValueError:
        return None
    is_one = isinstance(said, Mapping) and said.get("type") == "url_verification"
    return str(said.get("challenge", "")) if is_one else None


async def _unverified(request: AnyRequest, ctx: Context, place: str, reason: str, tenant: UUID | None) -> Denied:
    decision = await ctx.limits.hit(UNVERIFIED, _stranger(request, place))
    if not decision.is_allowed:
        return _too_many(decision.headers(), reason, tenant)
    return Denied(401, "unverified", REFUSED, reason=reason, tenant=tenant)


async def _allow(ctx: Context, limit: Limit, key: str, tenant: UUID) -> None:
    decision = await ctx.limits.hit(limit, key)
    if not decision.is_allowed:
        raise _too_many(decision.headers(), "more than its limit", tenant)


def _too_many(headers: Mapping[str, str], reason: str, tenant: UUID | None) -> Denied:
    text = "Too many hooks in a minute. Wait as long as Retry-After says."
    return Denied(429, "too_many_requests", text, reason=reason, tenant=tenant, headers=headers)


def _malformed(detail: str, tenant: UUID | None) -> Denied:
    return Denied(422, "invalid", detail, reason="the body is not what it should be", tenant=tenant)


def _stranger(request: AnyRequest, place: str) -> str:
    return f"{place}|{block_of(request.scope)}"


ROUTES: tuple[Any, ...] = (receive, receive_of_platform, look, look_at_head, receive_couples)
