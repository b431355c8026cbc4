"""The JSON door of sources of hooks and of what they sent: added, rotated, removed; listed and worked on again."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Response, delete, get, patch, post
from litestar.params import Parameter

from wedsync.connections import actions, model, trials
from wedsync.connections.shown import connection_of
from wedsync.connections.vetting import vet
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Row
from wedsync.kit.errors import not_found
from wedsync.web.context import Context, IfMatch, Page, etag, expected_version, from_time_cursor, time_cursor

queries = sql.load("wedsync.connections")
Limit = Annotated[int, Parameter(ge=1, le=200)]


class Secret(msgspec.Struct, frozen=True):
    """A new secret, shown once."""

    secret: str


@get(
    ["/api/v1/weddings/{tenant:uuid}/connections", "/api/v1/suppliers/{tenant:uuid}/connections"],
    summary="Sources of hooks",
    description="Who may send to this wedding, for the couple; or for a supplier, for its owner and admins.",
)
async def list_connections(ctx: Context, actor: Actor, tenant: UUID) -> Page:
    """Without secrets."""
    async with ctx.door.enter(actor, tenant) as tx:
        rows = await tx.rows(queries.connections, tenant)
    return Page([connection_of(ctx.settings.public_url, r) for r in rows])


@post(
    ["/api/v1/weddings/{tenant:uuid}/connections", "/api/v1/suppliers/{tenant:uuid}/connections"],
    summary="Add a source of hooks",
    description="The answer holds the address to send to and the secret, only then. `couples` is the wedding's own. "
    "A supplier's hooks propose in the weddings it is linked to, and do nothing by themselves.",
)
async def add_connection(
    ctx: Context, actor: Actor, tenant: UUID, data: model.NewConnection
) -> Response[model.Connection]:
    """Who holds a wedding's secret acts for the couple."""
    await vet(ctx, ctx.door.enter(actor, tenant), data.settings)
    async with ctx.door.enter(actor, tenant) as tx:
        connection_id, secret = await actions.add(tx, ctx.ring, tenant, data)
        made = connection_of(ctx.settings.public_url, await tx.row(queries.connection, connection_id))
    return Response(msgspec.structs.replace(made, secret=secret), status_code=201, headers=etag(made.version))


@get("/api/v1/connections/{connection_id:uuid}", summary="One source of hooks", description="Without its secret.")
async def get_connection(ctx: Context, actor: Actor, connection_id: UUID) -> Response[model.Connection]:
    """With its ETag."""
    async with ctx.door.enter_at(actor, "connections", connection_id) as tx:
        found = connection_of(ctx.settings.public_url, await tx.row(queries.connection, connection_id))
    return Response(found, headers=etag(found.version))


@patch(
    "/api/v1/connections/{connection_id:uuid}",
    summary="Change a source of hooks",
    description="Its title; its settings as a whole, the maps to proposals (`proposes`) among them.",
)
async def change_connection(
    ctx: Context, actor: Actor, connection_id: UUID, data: model.ConnectionChange, if_match: IfMatch = None
) -> Response[model.Connection]:
    """What is received from then on, and what is worked on again, is read by the new settings."""
    await vet(ctx, ctx.door.enter_at(actor, "connections", connection_id), data.settings)
    async with ctx.door.enter_at(actor, "connections", connection_id) as tx:
        await actions.change(tx, connection_id, data, version=expected_version(if_match))
        found = connection_of(ctx.settings.public_url, await tx.row(queries.connection, connection_id))
    return Response(found, headers=etag(found.version))


@post(
    "/api/v1/connections/{connection_id:uuid}/preview",
    status_code=200,
    summary="Try maps on a received hook",
    description="What the maps (those sent, or the source's own) make of a hook it sent. Nothing is written.",
)
async def preview(ctx: Context, actor: Actor, connection_id: UUID, data: model.Trial) -> model.Preview:
    """Shows the hook's values to its owner."""
    async with ctx.door.enter_at(actor, "connections", connection_id) as tx:
        return await trials.preview(tx, ctx.ring, connection_id, data)


@post(
    "/api/v1/connections/{connection_id:uuid}/rotate-secret",
    status_code=200,
    summary="Rotate a source's secret",
    description="The old secret holds beside the new one for the overlap, 24 hours unless said otherwise.",
)
async def rotate(ctx: Context, actor: Actor, connection_id: UUID, data: model.NewSecret | None = None) -> Secret:
    """Shown once."""
    async with ctx.door.enter_at(actor, "connections", connection_id) as tx:
        tenant = await tx.home()
        return Secret(await actions.rotate(tx, ctx.ring, tenant, connection_id, data or model.NewSecret()))


@delete(
    "/api/v1/connections/{connection_id:uuid}",
    summary="Remove a source of hooks",
    description="What it sends is refused from then on; what it sent stays.",
)
async def remove_connection(ctx: Context, actor: Actor, connection_id: UUID) -> None:
    """Its address answers 404."""
    async with ctx.door.enter_at(actor, "connections", connection_id) as tx:
        await actions.remove(tx, connection_id)


@get(
    ["/api/v1/weddings/{tenant:uuid}/hooks", "/api/v1/suppliers/{tenant:uuid}/hooks"],
    summary="Received hooks",
    description="What sources sent and what came of it, newest first; bodies stay sealed.",
)
async def list_hooks(
    ctx: Context, actor: Actor, tenant: UUID, status: str | None = None, cursor: str = "", limit: Limit = 50
) -> Page:
    """For the couple."""
    at, after = from_time_cursor(cursor)
    async with ctx.door.enter(actor, tenant) as tx:
        rows = await tx.rows(queries.hooks, tenant, status, at, after, limit)
    items = [_hook(r) for r in rows]
    return Page(list(items), time_cursor(items[-1].received_at, items[-1].id) if len(items) == limit else None)


@get("/api/v1/hooks/{hook_id:uuid}", summary="One received hook", description="What came of it.")
async def get_hook(ctx: Context, actor: Actor, hook_id: UUID) -> model.Hook:
    """Its body stays sealed."""
    async with ctx.door.enter_at(actor, "inbox_hooks", hook_id) as tx:
        return _hook(await tx.row(queries.hook, hook_id))


@post(
    "/api/v1/hooks/{hook_id:uuid}/replay",
    status_code=202,
    summary="Work on a received hook again",
    description="After its mapping or the wedding has changed, say.",
)
async def replay(ctx: Context, actor: Actor, hook_id: UUID) -> model.Hook:
    """The hook as it stands: received."""
    async with ctx.door.enter_at(actor, "inbox_hooks", hook_id) as tx:
        await actions.replay(tx, hook_id)
        return _hook(await tx.row(queries.hook, hook_id))


def _hook(row: Row | None) -> model.Hook:
    if row is None:
        raise not_found("hook")
    return model.Hook(**{**dict(row), "headers": msgspec.json.decode(row["headers"])})


ROUTES: tuple[Any, ...] = (
    list_connections,
    add_connection,
    get_connection,
    change_connection,
    preview,
    rotate,
    remove_connection,
    list_hooks,
    get_hook,
    replay,
)
