"""The JSON door of channels: a tenant's, asking for one, pausing it, closing it."""

from typing import Annotated
from uuid import UUID

from litestar import Response, delete, get, patch, post
from litestar.params import Parameter

from wedsync.connections.chatting import actions, model
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Tx
from wedsync.kit.errors import not_found
from wedsync.web.context import Context, Page, as_struct, expected_version, versioned

queries = sql.load("wedsync.connections.chatting")
IfMatch = Annotated[str | None, Parameter(header="If-Match")]


@get(
    ["/api/v1/weddings/{tenant:uuid}/chats", "/api/v1/suppliers/{tenant:uuid}/chats"],
    summary="Channels in chat programs",
    description="Newest first, without those that are closed; of one wedding with `wedding_id`.",
)
async def list_chats(ctx: Context, actor: Actor, tenant: UUID, wedding_id: UUID | None = None) -> Page:
    """For the couple, and for everybody of a business."""
    async with ctx.door.enter(actor, tenant) as tx:
        rows = await tx.rows(queries.chats, tenant, wedding_id)
    return Page([as_struct(model.Chat, row) for row in rows])


@post(
    "/api/v1/weddings/{tenant:uuid}/chats",
    summary="Make a channel for the couple",
    description="In a connected workspace of the couple's own; made in a moment, with both of them invited.",
)
async def create_of_couple(ctx: Context, actor: Actor, tenant: UUID, data: model.NewChat) -> Response[model.Chat]:
    """409 where this wedding has one in this workspace."""
    return await _created(ctx, actor, tenant, data, is_couple=True)


@post(
    "/api/v1/suppliers/{tenant:uuid}/chats",
    summary="Make a channel for a wedding",
    description="In a connected workspace of the business; made in a moment, with owners, admins and those who work at "
    "the wedding invited by their e-mail addresses. It hears exactly what the link to the wedding may see.",
)
async def create_of_supplier(ctx: Context, actor: Actor, tenant: UUID, data: model.NewChat) -> Response[model.Chat]:
    """409 where this wedding has one in this workspace."""
    return await _created(ctx, actor, tenant, data, is_couple=False)


@patch(
    "/api/v1/chats/{chat_id:uuid}",
    summary="Pause a channel, or go on",
    description="While it is paused nothing is posted, nor posted later. For owners and admins, or the couple.",
)
async def change(
    ctx: Context, actor: Actor, chat_id: UUID, data: model.ChatChange, if_match: IfMatch = None
) -> Response[model.Chat]:
    """409 for one that is not made yet, or failed."""
    async with ctx.door.enter_at(actor, "chats", chat_id) as tx:
        await actions.change(tx, chat_id, data, version=expected_version(if_match))
        return versioned(await _one(tx, chat_id))


@delete(
    "/api/v1/chats/{chat_id:uuid}",
    summary="Close a channel",
    description="Nothing is posted any more, and the workspace archives it; what was said there stays there.",
)
async def close(ctx: Context, actor: Actor, chat_id: UUID) -> None:
    """Twice is once."""
    async with ctx.door.enter_at(actor, "chats", chat_id) as tx:
        await actions.close(tx, chat_id)


async def _created(
    ctx: Context, actor: Actor, tenant: UUID, wanted: model.NewChat, *, is_couple: bool
) -> Response[model.Chat]:
    async with ctx.door.enter(actor, tenant) as tx:
        chat_id = await actions.create(tx, tenant, wanted, is_couple=is_couple)
        return versioned(await _one(tx, chat_id), status=201)


async def _one(tx: Tx, chat_id: UUID) -> model.Chat:
    row = await tx.row(queries.chat, chat_id)
    if row is None:
        raise not_found("chat")
    return as_struct(model.Chat, row)


ROUTES = (list_chats, create_of_couple, create_of_supplier, change, close)
