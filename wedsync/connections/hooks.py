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

from wedsync.connections import actions, couples, inbox, model
from wedsync.connections.elements import document, split
from wedsync.connections.inbox import Denied, Source
from wedsync.connections.verify.request import Request
from wedsync.connections.verify.scheme import verify
from wedsync.events.jobs import is_passing
from wedsync.kit import clock
from wedsync.kit.actor import ANONYMOUS
from wedsync.kit.errors import Refusal
from wedsync.kit.limits import Bucket, Limit, LocalLimits, Window
from wedsync.web.context import Context
from wedsync.web.respond import AnyRequest
from wedsync.web.watching import note

log = structlog.get_logger("hooks")
KNOCKS: Final = Bucket("hook-knocks", per_s=2000, burst=4000)
"""Of one address, before anything is looked up."""
UNVERIFIED: Final = Window("unverified-hooks", 10, 60)
AWAY: Final = "We cannot keep anything at this moment. Send it again after Retry-After."
REFUSED: Final = "This request could not be verified. Check secret, signature and clock of the sender."
UNKNOWN: Final = "There is nothing at this address. Check it with whoever gave it to you."


class Taken(msgspec.Struct, frozen=True):
    """The inbox ids of what was sent, in its order; of a repeat the first ones."""

    ids: list[UUID]


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A source as it is looked up."""

    id: UUID
    tenant: UUID
    scheme: str
    settings: model.HookSettings
    secrets: list[str]


@post(
    "/hooks/{connector:str}/{connection_id:uuid}",
    summary="Send a hook",
    description="By a source of a wedding, signed by its scheme. 202 once it is kept, 200 for a repeat.",
)
async def receive(request: AnyRequest, ctx: Context, connector: str, connection_id: UUID) -> Response[Any]:
    """Handshakes of Slack and Graph are answered here, too."""

    async def take() -> Response[Any]:
        body = await _body(request)
        held = await _held(ctx, connector, connection_id)
        if held.scheme == "graph" and (token := request.query_params.get("validationToken")):
            return Response(token, status_code=200, media_type="text/plain")
        asked = _asked(request, ctx, body, held)
        reason = verify(held.scheme, asked)
        if reason is not None:
            raise await _unverified(request, ctx, f"{connection_id}", reason, held.tenant)
        if held.scheme == "slack" and (challenge := _challenge(body)) is not None:
            return Response(challenge, status_code=200, media_type="text/plain")
        limit = Window("hooks", held.settings.rate_per_minute, 60)
        await _allow(ctx, limit, f"{connection_id}", held.tenant)
        source = Source(id=held.id, tenant=held.tenant, connector=connector, verified_by=held.scheme)
        try:
            elements = split(held.scheme, asked)
        except (ValueError, AttributeError, TypeError) as error:
            raise _malformed("The body is not what this provider sends.", held.tenant) from error
        async with ctx.door.bare(ANONYMOUS) as tx:
            kept = await inbox.receive(tx, ctx.ring, source, elements, asked.headers)
        code = 202 if any(one.is_new for one in kept) else 200
        return Response(Taken([one.id for one in kept]), status_code=code)

    return await _answered(request, ctx, take)


@get("/hooks/{connector:str}/{connection_id:uuid}", include_in_schema=False)
async def look(request: AnyRequest, ctx: Context, connector: str, connection_id: UUID) -> Response[Any]:
    """Mailchimp asks whether the address is there before it is saved, without its secret."""

    async def found() -> Response[Any]:
        await _held(ctx, connector, connection_id)
        return Response("ok", media_type="text/plain")

    return await _answered(request, ctx, found)


@head("/hooks/{connector:str}/{connection_id:uuid}", include_in_schema=False)
async def look_at_head(request: AnyRequest, ctx: Context, connector: str, connection_id: UUID) -> None:
    """Mandrill does the same by HEAD, and gives its key only then."""

    async def found() -> Response[Any]:
        await _held(ctx, connector, connection_id)
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
        headers = _headers(request)
        wedding_id = couples.wedding_of(body)
        held = None if wedding_id is None else await _lookup(ctx, model.COUPLES, wedding_id)
        own = [] if held is None else held.secrets
        url = ctx.settings.public_url + request.url.path
        now = clock.machine_now().timestamp()
        platform = ctx.settings.couples_webhook_secret
        reason, by = couples.verified(headers, body, url=url, own=own, platform=platform, now=now)
        if reason is not None:
            raise await _unverified(request, ctx, "couples", reason, held.tenant if held else None)
        said = couples.read(body)
        async with ctx.door.bare(ANONYMOUS) as tx:
            is_there = held is not None or await tx.value("select app.is_wedding($1)", said.couple_id)
        if not is_there:
            raise _malformed("couple_id: there is no such wedding", None)
        limit = Window("couples", model.RATE_PER_MINUTE if held is None else held.settings.rate_per_minute, 60)
        await _allow(ctx, limit, f"{said.couple_id}", said.couple_id)
        source = Source(id=said.couple_id, tenant=said.couple_id, connector=model.COUPLES, verified_by=by)
        async with ctx.door.bare(ANONYMOUS) as tx:
            (kept,) = await inbox.receive(tx, ctx.ring, source, [couples.element(said, body)], headers)
        return Response(couples.Accepted(kept.id), status_code=202 if kept.is_new else 200)

    return await _answered(request, ctx, take)


async def _answered(request: AnyRequest, ctx: Context, take: Callable[[], Awaitable[Response[Any]]]) -> Response[Any]:
    """The answer; refusals are noted with their reasons, and a database that is away is told as what it is."""
    limits: LocalLimits = request.app.state.limits
    try:
        try:
            decision = limits.hit(KNOCKS, _address(request))
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
        raise Refusal(503, "unavailable", AWAY, headers={"Retry-After": "5"}) from error


async def _body(request: AnyRequest) -> bytes:
    try:
        return await request.body()
    except HTTPException as error:
        if error.status_code != 413:
            raise
        raise Denied(413, "too_large", "The body is too large: 1 MiB at most.", reason="too large") from error


async def _held(ctx: Context, connector: str, connection_id: UUID) -> Held:
    held = None if connector == model.COUPLES else await _lookup(ctx, connector, connection_id)
    if held is None:
        raise Denied(404, "not_found", UNKNOWN, reason="there is no such source")
    return held


async def _lookup(ctx: Context, connector: str, id: UUID) -> Held | None:
    async with ctx.door.bare(ANONYMOUS) as tx:
        row = await tx.row("select * from app.hook_source($1, $2)", connector, id)
    if row is None:
        return None
    kept = actions.kept(ctx.ring, row["tenant_id"], row["id"], row["sealed"])
    now = clock.machine_now()
    return Held(
        id=row["id"],
        tenant=row["tenant_id"],
        scheme=row["scheme"],
        settings=msgspec.json.decode(row["settings"], type=model.HookSettings),
        secrets=[one.secret for one in kept if one.until is None or one.until > now],
    )


def _asked(request: AnyRequest, ctx: Context, body: bytes, held: Held) -> Request:
    query = request.scope["query_string"].decode("latin-1")
    return Request(
        headers=_headers(request),
        body=body,
        # As the provider was told it, whatever proxies made of host and scheme on the way.
        url=ctx.settings.public_url + request.url.path + (f"?{query}" if query else ""),
        secrets=held.secrets,
        now=clock.machine_now().timestamp(),
        options=held.settings.options,
    )


def _headers(request: AnyRequest) -> Mapping[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in request.scope["headers"]}


def _challenge(body: bytes) -> str | None:
    """Slack's handshake. A slash command is a form and holds none."""
    try:
        said = document(body)
    except ValueError:
        return None
    is_one = isinstance(said, Mapping) and said.get("type") == "url_verification"
    return str(said.get("challenge", "")) if is_one else None


async def _unverified(request: AnyRequest, ctx: Context, place: str, reason: str, tenant: UUID | None) -> Denied:
    decision = await ctx.limits.hit(UNVERIFIED, f"{place}|{_address(request)}")
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


def _address(request: AnyRequest) -> str:
    return request.client.host if request.client else ""


ROUTES: tuple[Any, ...] = (receive, look, look_at_head, receive_couples)
