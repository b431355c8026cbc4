"""The couple's page of photographs: how far each delivery is, by when it was promised, and the way to look at it."""

from typing import Any
from uuid import UUID

from litestar import Response, get, post

from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.errors import not_found
from wedsync.photos import actions, view
from wedsync.web import respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest, signed_in
from wedsync.weddings.shell import couple_shell

queries = sql.load("wedsync.photos")


@get("/me/{wedding_id:uuid}/photos", include_in_schema=False)
async def photos(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[Any]:
    """Everything that was promised, live."""
    return await _page("photos/photos.html", request, ctx, actor, wedding_id)


@get("/me/{wedding_id:uuid}/fragments/photos", include_in_schema=False)
async def photos_fragment(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[Any]:
    """The same, when a delivery changed."""
    return await _page("photos/_photos.html", request, ctx, actor, wedding_id)


async def _page(name: str, request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[Any]:
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        shell = await couple_shell(request, ctx, tx, wedding_id, "suppliers")
        rows = await view.read(tx)
    return respond.html(name, shell, photos=view.cards(rows, shell.now.date()))


@post("/me/{wedding_id:uuid}/photos/{photos_id:uuid}/open", include_in_schema=False)
async def look(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, photos_id: UUID) -> Response[Any]:
    """The first look counts. A page goes on to the gallery, for a form must not lead away from our own."""
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        shell = await couple_shell(request, ctx, tx, wedding_id, "suppliers")
        url = await actions.see(tx, photos_id)
        row = await tx.row(queries.one, photos_id)
    if row is None:
        raise not_found("item")
    if not url:
        return respond.see_other(f"/me/{wedding_id}/photos")
    # A header holds no letters beyond Latin; whoever's gallery has them taps once more.
    onward = {"Refresh": f"0; url={url}"} if url.isascii() else {}
    return respond.html(
        "photos/onward.html", shell, headers=onward, url=url, heading=view.heading(row), hint=row["gallery_hint"]
    )


ROUTES = (photos, photos_fragment, look)
