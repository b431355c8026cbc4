"""The JSON door of a link's correspondence."""

from typing import Annotated, Any
from uuid import UUID

from litestar import delete, get, post
from litestar.params import Parameter

from wedsync.connections.correspondence import actions, reading
from wedsync.kit.actor import Actor
from wedsync.web.context import Context, Page, from_time_cursor, time_cursor

Limit = Annotated[int, Parameter(ge=1, le=200)]


@get(
    "/api/v1/links/{link_id:uuid}/correspondence",
    summary="The correspondence of a link",
    description="Newest first. The couple reads what the supplier has shared; the supplier's owner and admins also "
    "read what their CRM holds of it, `shared_at` null where nobody else does.",
)
async def list_messages(ctx: Context, actor: Actor, link_id: UUID, cursor: str = "", limit: Limit = 50) -> Page:
    """In plain text."""
    before = from_time_cursor(cursor)
    items = await reading.page(ctx.door, ctx.ring, actor, link_id, before=before, limit=limit)
    return Page(list(items), time_cursor(items[-1].said_at, items[-1].id) if len(items) == limit else None)


@post(
    "/api/v1/links/{link_id:uuid}/correspondence/{message_id:uuid}/share",
    status_code=204,
    summary="Share a message with the couple",
    description="As it is now: what changes in the CRM afterwards is shared once more or not at all. Twice is once.",
)
async def share_message(ctx: Context, actor: Actor, link_id: UUID, message_id: UUID) -> None:
    """For owners and admins of the supplier."""
    await actions.share(ctx.door, ctx.ring, actor, link_id, message_id)


@delete(
    "/api/v1/links/{link_id:uuid}/correspondence/{message_id:uuid}/share",
    status_code=204,
    summary="Share a message no more",
    description="The supplier keeps it.",
)
async def withdraw_message(ctx: Context, actor: Actor, link_id: UUID, message_id: UUID) -> None:
    """404 for one that is not shared."""
    await actions.withdraw(ctx.door, actor, link_id, message_id)


ROUTES: tuple[Any, ...] = (list_messages, share_message, withdraw_message)
