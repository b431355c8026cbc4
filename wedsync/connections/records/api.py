"""The JSON door of CRMs: how each is kept, which of its jobs are clients, what its sync did and leaves to people."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Response, get, patch, post, put
from litestar.params import Parameter

from wedsync.connections.accounts.connecting import Desk
from wedsync.connections.accounts.model import Begun
from wedsync.connections.records import actions, describing, looking, model, trying
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Tx
from wedsync.kit.errors import not_found
from wedsync.web.context import (
    Context,
    IfMatch,
    Page,
    as_struct,
    etag,
    expected_version,
    from_time_cursor,
    time_cursor,
    versioned,
)

queries = sql.load("wedsync.connections.records")
galleries = sql.load("wedsync.connections.galleries")
OfState = Annotated[str, Parameter(query="state", description="open, resolved, or empty for both")]
Limit = Annotated[int, Parameter(ge=1, le=200)]


@get(
    "/api/v1/connections/{connection_id:uuid}/records",
    summary="How a CRM is kept",
    description="Its direction, how fresh it is, how many of its jobs are clients, and how many conflicts are open.",
)
async def get_book(ctx: Context, actor: Actor, connection_id: UUID) -> Response[model.Book]:
    """With its ETag."""
    async with ctx.door.enter_at(actor, "connections", connection_id) as tx:
        return versioned(await _book(tx, connection_id))


@patch(
    "/api/v1/connections/{connection_id:uuid}/records",
    summary="Keep a CRM otherwise",
    description="`direction` import (only read), both, or off. With both, what differs here is written there.",
)
async def change_book(
    ctx: Context, actor: Actor, connection_id: UUID, data: model.BookChange, if_match: IfMatch = None
) -> Response[model.Book]:
    """The first run begins at once."""
    async with ctx.door.enter_at(actor, "connections", connection_id) as tx:
        await actions.change(tx, connection_id, data, version=expected_version(if_match))
        return versioned(await _book(tx, connection_id))


@post(
    "/api/v1/connections/{connection_id:uuid}/records/sync",
    status_code=202,
    summary="Look at a CRM now",
    description="Also where it was to wait for a while.",
)
async def sync_book(ctx: Context, actor: Actor, connection_id: UUID) -> None:
    """The run is in the list a moment later."""
    async with ctx.door.enter_at(actor, "connections", connection_id) as tx:
        await actions.sync_now(tx, connection_id)


@post(
    "/api/v1/connections/{connection_id:uuid}/records/hook",
    status_code=200,
    summary="Where a CRM is to send its hooks",
    description="For CRMs that are told in their own settings: the address, and the key that they sign with.",
)
async def show_hook(ctx: Context, actor: Actor, connection_id: UUID) -> model.HookPlace:
    """For owners and admins."""
    async with ctx.door.enter_at(actor, "connections", connection_id) as tx:
        return await actions.hook_place(tx, ctx.ring, connection_id, ctx.settings.public_url)


@get(
    "/api/v1/connections/{connection_id:uuid}/records/items",
    summary="The jobs of a CRM that are clients",
    description="Each with the client it is and the CRM's own id, the one that changed last first.",
)
async def list_items(ctx: Context, actor: Actor, connection_id: UUID, cursor: str = "", limit: Limit = 50) -> Page:
    """For owners and admins."""
    at, after = from_time_cursor(cursor)
    async with ctx.door.enter_at(actor, "connections", connection_id) as tx:
        rows = await tx.rows(queries.items, connection_id, at, after, limit)
    items = [model.item(ctx.ring, row) for row in rows]
    return Page(list(items), time_cursor(items[-1].changed_at, items[-1].id) if len(items) == limit else None)


@get(
    "/api/v1/connections/{connection_id:uuid}/records/galleries",
    summary="The galleries of a CRM",
    description="Each with the photo delivery that it is in the wedding of a couple that is on WedSync, or why it is "
    "none. What opens there is delivered here.",
)
async def list_galleries(ctx: Context, actor: Actor, connection_id: UUID, cursor: str = "", limit: Limit = 50) -> Page:
    """For owners and admins."""
    at, after = from_time_cursor(cursor)
    async with ctx.door.enter_at(actor, "connections", connection_id) as tx:
        rows = await tx.rows(galleries.galleries, connection_id, at, after, limit)
    items = [model.gallery(ctx.ring, row) for row in rows]
    return Page(list(items), time_cursor(items[-1].changed_at, items[-1].id) if len(items) == limit else None)


@get(
    "/api/v1/connections/{connection_id:uuid}/records/runs",
    summary="What the sync of a CRM did",
    description="Runs that did something or went wrong, newest first.",
)
async def list_runs(ctx: Context, actor: Actor, connection_id: UUID, cursor: str = "", limit: Limit = 50) -> Page:
    """Numbers, never what is in a job."""
    at, after = from_time_cursor(cursor)
    async with ctx.door.enter_at(actor, "connections", connection_id) as tx:
        items = [as_struct(model.RecordRun, r) for r in await tx.rows(queries.runs, connection_id, at, after, limit)]
    return Page(list(items), time_cursor(items[-1].began_at, items[-1].id) if len(items) == limit else None)


@get(
    "/api/v1/suppliers/{tenant:uuid}/record-conflicts",
    summary="What the sync of CRMs leaves to people",
    description="Both sides of each, newest first. `state` open, resolved, or empty for both.",
)
async def list_conflicts(
    ctx: Context, actor: Actor, tenant: UUID, of_state: OfState = "open", cursor: str = "", limit: Limit = 50
) -> Page:
    """For owners and admins."""
    at, after = from_time_cursor(cursor)
    async with ctx.door.enter(actor, tenant) as tx:
        rows = await tx.rows(queries.conflicts, None, None, of_state, at, after, limit)
    items = [model.conflict(ctx.ring, row) for row in rows]
    return Page(list(items), time_cursor(items[-1].since, items[-1].id) if len(items) == limit else None)


@get("/api/v1/record-conflicts/{conflict_id:uuid}", summary="One conflict of a CRM", description="Both sides of it.")
async def get_conflict(ctx: Context, actor: Actor, conflict_id: UUID) -> Response[model.Conflict]:
    """With its ETag."""
    async with ctx.door.enter_at(actor, "record_conflicts", conflict_id) as tx:
        return versioned(await _conflict(ctx, tx, conflict_id))


@post(
    "/api/v1/record-conflicts/{conflict_id:uuid}/resolve",
    status_code=200,
    summary="Decide a conflict of a CRM",
    description="`keep` ours or theirs: what it means for each kind is in its words.",
)
async def resolve_conflict(
    ctx: Context, actor: Actor, conflict_id: UUID, data: model.Resolution
) -> Response[model.Conflict]:
    """Both sides are brought to it at once."""
    async with ctx.door.enter_at(actor, "record_conflicts", conflict_id) as tx:
        await actions.resolve(tx, conflict_id, data.keep)
        return versioned(await _conflict(ctx, tx, conflict_id))


@get(
    "/api/v1/connections/{connection_id:uuid}/records/map",
    summary="The map of a CRM",
    description="Which value of its records is which field of yours, which way, by which steps. Version 0 is none: "
    "records are as its connector reads them by itself.",
)
async def get_map(ctx: Context, actor: Actor, connection_id: UUID) -> Response[model.RecordMap]:
    """With its ETag."""
    async with ctx.door.enter_at(actor, "connections", connection_id) as tx:
        return versioned(await looking.map_of(tx, connection_id))


@put(
    "/api/v1/connections/{connection_id:uuid}/records/map",
    summary="Save the map of a CRM",
    description="A new version; what was read is read by it anew at once, without asking the CRM. 422 names every rule "
    "that cannot work. No rules take the map away.",
)
async def put_map(
    ctx: Context, actor: Actor, connection_id: UUID, data: model.MapChange, if_match: IfMatch = None
) -> Response[model.RecordMap]:
    """Owners and admins."""
    async with ctx.door.enter_at(actor, "connections", connection_id) as tx:
        await actions.save_map(tx, connection_id, data.rules, version=expected_version(if_match))
        return versioned(await looking.map_of(tx, connection_id))


@get(
    "/api/v1/connections/{connection_id:uuid}/records/map/versions",
    summary="Every version of the map of a CRM",
    description="Newest first. To go back to one, save its rules.",
)
async def list_maps(ctx: Context, actor: Actor, connection_id: UUID, cursor: str = "", limit: Limit = 50) -> Page:
    """The cursor is the version of the last one."""
    before = int(cursor) if cursor.isascii() and cursor.isdigit() and len(cursor) < 10 else None
    async with ctx.door.enter_at(actor, "connections", connection_id) as tx:
        rows = await tx.rows(queries.maps, connection_id, before, limit)
    items = [as_struct(model.MapVersion, {**dict(row), "rules": looking.rules_of(row)}) for row in rows]
    return Page(list(items), str(items[-1].version) if len(items) == limit else None)


@post(
    "/api/v1/connections/{connection_id:uuid}/records/map/preview",
    status_code=200,
    summary="Try a map on real records",
    description="What these rules make of the records that were read last: each as it would be, what could not be read "
    "and why, and every value there is with those that no rule reads. Nothing is kept.",
)
async def try_map(ctx: Context, actor: Actor, connection_id: UUID, data: model.MapChange) -> trying.MapTrial:
    """Owners and admins, for others see no records."""
    async with ctx.door.enter_at(actor, "connections", connection_id) as tx:
        held = await looking.map_of(tx, connection_id)
        return await looking.tried(tx, ctx.ring, held, data.rules)


@get(
    "/api/v1/connections/{connection_id:uuid}/records/items/{item_id:uuid}",
    summary="One job of a CRM whole",
    description="As it was told last, without money and notes: the values that the map reads, and what nobody reads.",
)
async def get_document(ctx: Context, actor: Actor, connection_id: UUID, item_id: UUID) -> model.Document:
    """For owners and admins."""
    async with ctx.door.enter_at(actor, "connections", connection_id) as tx:
        held = await looking.map_of(tx, connection_id)
        return await looking.document(tx, ctx.ring, held, item_id)


@post(
    "/api/v1/suppliers/{tenant:uuid}/records/trial",
    status_code=200,
    summary="Try an API of your own",
    description="Asks the API as it is described for its first records, and says what would come in by these rules, or "
    "by those that are suggested. Nothing is kept.",
)
async def try_api(ctx: Context, desk: Desk, actor: Actor, tenant: UUID, data: describing.NewApi) -> describing.ApiTrial:
    """For owners and admins."""
    return await describing.tried(ctx, desk, actor, tenant, data)


@post(
    "/api/v1/suppliers/{tenant:uuid}/records",
    status_code=201,
    summary="Connect an API of your own",
    description="By its description, what it lets us in with, and the map of its values. It is tried at once.",
)
async def connect_api(ctx: Context, desk: Desk, actor: Actor, tenant: UUID, data: describing.NewApi) -> Response[Begun]:
    """For owners and admins."""
    begun = await describing.connect(ctx, desk, actor, tenant, data)
    return Response(begun, status_code=201, headers=etag(begun.connection.version))


@get(
    "/api/v1/connections/{connection_id:uuid}/records/api",
    summary="How an API of your own is described",
    description="Without what it lets us in with.",
)
async def get_api(ctx: Context, actor: Actor, connection_id: UUID) -> describing.HeldApi:
    """For owners and admins."""
    async with ctx.door.enter_at(actor, "connections", connection_id) as tx:
        return await describing.held(tx, ctx.ring, connection_id)


@put(
    "/api/v1/connections/{connection_id:uuid}/records/api",
    summary="Describe an API of your own anew",
    description="The same connection. What it lets us in with may be left out as long as it goes to the same host in "
    "the same way. All of it is read once more.",
)
async def put_api(
    ctx: Context, desk: Desk, actor: Actor, connection_id: UUID, data: describing.NewApi
) -> describing.HeldApi:
    """For owners and admins."""
    await describing.change(ctx, desk, actor, connection_id, data)
    async with ctx.door.enter_at(actor, "connections", connection_id) as tx:
        return await describing.held(tx, ctx.ring, connection_id)


async def _book(tx: Tx, book_id: UUID) -> model.Book:
    row = await tx.row(queries.books, book_id)
    if row is None:
        raise not_found("connection")
    return as_struct(model.Book, row)


async def _conflict(ctx: Context, tx: Tx, conflict_id: UUID) -> model.Conflict:
    row = await tx.row(queries.conflicts, conflict_id, None, "", None, None, 1)
    if row is None:
        raise not_found("conflict")
    return model.conflict(ctx.ring, row)


ROUTES: tuple[Any, ...] = (
    get_book,
    change_book,
    sync_book,
    show_hook,
    list_items,
    list_galleries,
    list_runs,
    list_conflicts,
    get_conflict,
    resolve_conflict,
    get_map,
    put_map,
    list_maps,
    try_map,
    get_document,
    try_api,
    connect_api,
    get_api,
    put_api,
)
