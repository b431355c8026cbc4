"""The JSON door of accounts: what can be connected, connecting and its consent, health, log, and how it ends."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import Parameter

from wedsync.connections.accounts import actions, connecting, model
from wedsync.connections.accounts.connecting import Desk
from wedsync.connections.accounts.model import Begun, NewAccount, Report, Revealed
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.web.context import Context, Page, etag, invalid

queries = sql.load("wedsync.connections.accounts")
Limit = Annotated[int, Parameter(ge=1, le=200)]


class Disconnected(msgspec.Struct, frozen=True):
    """We hold nothing any more. `is_revoked`: the provider has confirmed that our access is over."""

    is_revoked: bool


@get(
    ["/api/v1/weddings/{tenant:uuid}/connectors", "/api/v1/suppliers/{tenant:uuid}/connectors"],
    summary="What can be connected",
    description="Every connector that accounts are connected of, with its honest status, and what of the operator's "
    "settings is missing where it is not configured.",
)
async def list_connectors(ctx: Context, desk: Desk, actor: Actor, tenant: UUID) -> Page:
    """For whoever belongs to the tenant."""
    async with ctx.door.enter(actor, tenant) as tx:
        return Page(list(connecting.offers(desk, is_couples=await actions.is_couples(tx))))


@post(
    [
        "/api/v1/weddings/{tenant:uuid}/connections/{connector:str}",
        "/api/v1/suppliers/{tenant:uuid}/connections/{connector:str}",
    ],
    summary="Connect an account",
    description="By what the connector's form asks for; or, where the provider asks itself (OAuth 2), a draft with the "
    "`authorize_url` to send the person's browser to within ten minutes, in the session of this request.",
)
async def connect(
    ctx: Context, desk: Desk, actor: Actor, tenant: UUID, connector: str, data: NewAccount
) -> Response[Begun]:
    """For owners and admins, or the couple."""
    begun = await connecting.begin(ctx, desk, actor, tenant, connector, data)
    return Response(begun, status_code=201, headers=etag(begun.connection.version))


@post(
    "/api/v1/connections/{connection_id:uuid}/reconnect",
    status_code=200,
    summary="Connect an account again",
    description="The same account, with fresh consent or credentials; the connection keeps its id and its calendars.",
)
async def reconnect(
    ctx: Context, desk: Desk, actor: Actor, connection_id: UUID, data: NewAccount | None = None
) -> Begun:
    """Another account is refused."""
    return await connecting.again(ctx, desk, actor, connection_id, data or NewAccount())


@get(
    "/api/v1/connections/{connection_id:uuid}/health",
    summary="How an account is",
    description="Its state and what its last exchanges with the provider came to.",
)
async def health(ctx: Context, actor: Actor, connection_id: UUID) -> Report:
    """Members see it too."""
    async with ctx.door.enter_at(actor, "connections", connection_id) as tx:
        return await connecting.report(tx, connection_id)


@get(
    "/api/v1/connections/{connection_id:uuid}/log",
    summary="Log of an account",
    description="What was said between us and the provider and what people did, newest first; the same again counts "
    "in its line. For owners and admins, or the couple.",
)
async def log(ctx: Context, actor: Actor, connection_id: UUID, cursor: str = "", limit: Limit = 50) -> Page:
    """Without anything secret."""
    if cursor and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise invalid("cursor", "is not a place in this list", "Start without it.")
    async with ctx.door.enter_at(actor, "connections", connection_id) as tx:
        await connecting.report(tx, connection_id)
        rows = await tx.rows(queries.log, connection_id, int(cursor) if cursor else None, limit)
    items = [model.LogEntry(**dict(row)) for row in rows]
    return Page(list(items), str(items[-1].id) if len(items) == limit else None)


@post(
    "/api/v1/connections/{connection_id:uuid}/check",
    status_code=200,
    summary="Check an account now",
    description="Asks the provider whether it lets us in. The answer counts like any other exchange.",
)
async def check(ctx: Context, desk: Desk, actor: Actor, connection_id: UUID) -> Report:
    """The health afterwards."""
    return await connecting.check(ctx, desk, actor, connection_id)


@post(
    "/api/v1/connections/{connection_id:uuid}/pause",
    status_code=200,
    summary="Pause an account",
    description="Nothing goes either way until it is resumed.",
)
async def pause(ctx: Context, actor: Actor, connection_id: UUID) -> Report:
    """The health afterwards."""
    return await connecting.pause(ctx, actor, connection_id)


@post(
    "/api/v1/connections/{connection_id:uuid}/resume",
    status_code=200,
    summary="Resume an account",
    description="It goes on, and is checked at once.",
)
async def resume(ctx: Context, desk: Desk, actor: Actor, connection_id: UUID) -> Report:
    """The health afterwards."""
    return await connecting.resume(ctx, desk, actor, connection_id)


@post(
    "/api/v1/connections/{connection_id:uuid}/disconnect",
    status_code=200,
    summary="Disconnect an account",
    description="Takes our access back at the provider and forgets all we hold of it. For the owner, or the couple.",
)
async def disconnect(ctx: Context, desk: Desk, actor: Actor, connection_id: UUID) -> Disconnected:
    """Its calendars stay as they are, and are kept no more."""
    return Disconnected(await connecting.disconnect(ctx, desk, actor, connection_id))


@post(
    "/api/v1/connections/{connection_id:uuid}/reveal",
    status_code=200,
    summary="Reveal which account it is",
    description="Its name there, its username or address; never a password or token. For the owner, or the couple; "
    "the log says who has looked.",
)
async def reveal(ctx: Context, actor: Actor, connection_id: UUID) -> Revealed:
    """Noted in the log."""
    return await connecting.reveal(ctx, actor, connection_id)


ROUTES: tuple[Any, ...] = (
    list_connectors,
    connect,
    reconnect,
    health,
    log,
    check,
    pause,
    resume,
    disconnect,
    reveal,
)
