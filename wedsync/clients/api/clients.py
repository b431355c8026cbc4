"""The JSON door of single clients."""

from datetime import date
from typing import Annotated
from uuid import UUID

from litestar import Response, delete, get, patch, post
from litestar.params import Parameter

from wedsync.clients import actions, model, reading
from wedsync.clients.model import ClientChange, ClientView, NewClient, Stage
from wedsync.kit.actor import Actor
from wedsync.web.context import Context, IfMatch, Page, expected_version, versioned

CLIENTS = "/api/v1/suppliers/{supplier_id:uuid}/clients"
CLIENT = CLIENTS + "/{client_id:uuid}"
Query = Annotated[str, Parameter(max_length=100, description="A piece of a name, an e-mail, a venue or a package")]
First = Annotated[date | None, Parameter(query="from", description="Weddings from this day on, and those without one")]
Last = Annotated[date | None, Parameter(query="to", description="Weddings up to this day, itself included")]
Cursor = Annotated[str, Parameter(description="`next` of the page before", max_length=200)]
Limit = Annotated[int, Parameter(ge=1, le=500)]


@get(
    CLIENTS,
    summary="Clients",
    description="A supplier's own, by the date of their wedding; who has no date comes last. For the team alone.",
)
async def list_clients(
    ctx: Context,
    actor: Actor,
    supplier_id: UUID,
    q: Query = "",
    stage: Stage | None = None,
    first: First = None,
    last: Last = None,
    cursor: Cursor = "",
    limit: Limit = 100,
) -> Page:
    """The whole team reads."""
    wanted = reading.Wanted(q=q, stage=stage, first=first, last=last)
    async with ctx.door.enter(actor, supplier_id) as tx:
        await actions.home(tx)
        views, following = await reading.page(tx, ctx.ring, wanted, cursor=cursor, limit=limit)
    return Page(list(views), following)


@post(
    CLIENTS,
    summary="Add a client",
    description="At least a name or an e-mail. 409 `client_known` with its `client_id` where the couple is there "
    "already, by e-mail or by names and date; `is_another` adds it all the same. Owners and admins.",
)
async def add(ctx: Context, actor: Actor, supplier_id: UUID, data: NewClient) -> Response[ClientView]:
    """With its ETag."""
    async with ctx.door.enter(actor, supplier_id) as tx:
        client_id = await actions.add(tx, ctx.ring, data)
        return versioned(await reading.one(tx, ctx.ring, client_id), status=201)


@get(CLIENT, summary="One client", description="With its ETag.")
async def get_client(ctx: Context, actor: Actor, supplier_id: UUID, client_id: UUID) -> Response[ClientView]:
    """The whole team reads."""
    async with ctx.door.enter(actor, supplier_id) as tx:
        return versioned(await reading.one(tx, ctx.ring, client_id))


@patch(CLIENT, summary="Change a client", description="What is absent stays. Owners and admins.")
async def change(
    ctx: Context, actor: Actor, supplier_id: UUID, client_id: UUID, data: ClientChange, if_match: IfMatch = None
) -> Response[ClientView]:
    """With the new ETag; 412 carries the current version."""
    async with ctx.door.enter(actor, supplier_id) as tx:
        fields = model.changes_of(data)
        await actions.change(tx, ctx.ring, client_id, fields, version=expected_version(if_match))
        return versioned(await reading.one(tx, ctx.ring, client_id))


@delete(CLIENT, summary="Remove a client", description="A wedding they have joined is not touched. Owners and admins.")
async def remove(ctx: Context, actor: Actor, supplier_id: UUID, client_id: UUID, if_match: IfMatch = None) -> None:
    """204."""
    async with ctx.door.enter(actor, supplier_id) as tx:
        await actions.remove(tx, client_id, version=expected_version(if_match))


ROUTES = (list_clients, add, get_client, change, remove)
