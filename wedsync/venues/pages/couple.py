"""The couple's page of spaces: which part of the day is where, and whether all who have accepted fit."""

from typing import Any
from uuid import UUID

from litestar import Response, get

from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.venues import view
from wedsync.web import respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest, signed_in
from wedsync.weddings.shell import couple_shell

queries = sql.load("wedsync.venues")


@get("/me/{wedding_id:uuid}/spaces", include_in_schema=False)
async def spaces(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[Any]:
    """Everything that venues give, live."""
    return await _page("venues/couple.html", request, ctx, actor, wedding_id)


@get("/me/{wedding_id:uuid}/fragments/spaces", include_in_schema=False)
async def spaces_fragment(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[Any]:
    """The same, when a space or a head count changed."""
    return await _page("venues/_couple.html", request, ctx, actor, wedding_id)


async def _page(name: str, request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[Any]:
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        shell = await couple_shell(request, ctx, tx, wedding_id, "suppliers")
        rows = await tx.rows(queries.shown)
        about = await tx.row(queries.about)
    zone = "" if about is None else about["time_zone"]
    return respond.html(name, shell, uses=view.cards(rows, zone))


ROUTES = (spaces, spaces_fragment)
