"""The page of feeds: made, copied and ended, alike for the couple, a business and a helper with a pass."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Response, get, post

from wedsync.feeds import actions, model, reading
from wedsync.feeds.model import NewFeed
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.suppliers.shell import supplier_shell
from wedsync.web import forms, respond
from wedsync.web.context import Context, invalid
from wedsync.web.forms import AnyRequest, Form, signed_in
from wedsync.web.shell import Shell
from wedsync.web.visitor import theme_of
from wedsync.weddings.actions import token_hash
from wedsync.weddings.shell import couple_shell

queries = sql.load("wedsync.feeds")
COUPLE, STUDIO, HELPER = "/me/{wedding_id:uuid}/feeds", "/studio/{supplier_id:uuid}/feeds", "/help/{token:str}/feeds"
SHOWS = {
    "couple": "Your day and everything on its schedule.",
    "supplier": "Your bookings, and of each wedding what it lets you see.",
    "public": "The day as it is planned, and what you have to do by when.",
}


@get(COUPLE, include_in_schema=False)
async def couples_feeds(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[Any]:
    """With their helpers', which they can end."""
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        return await _page(ctx, tx, await couple_shell(request, ctx, tx, wedding_id, "settings"))


@post(COUPLE, include_in_schema=False)
async def make_couples_feed(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[Any]:
    """Made, and shown with its address."""
    form = await forms.read(request)
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        await couple_shell(request, ctx, tx, wedding_id, "settings")
        return await _made(request, tx, form)


@post(COUPLE + "/{feed_id:uuid}/end", include_in_schema=False)
async def end_couples_feed(
    request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, feed_id: UUID
) -> Response[Any]:
    """Its address opens nothing from now on."""
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        await actions.revoke(tx, feed_id)
    return respond.done(request, f"/me/{wedding_id}/feeds")


@get(STUDIO, include_in_schema=False)
async def suppliers_feeds(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID) -> Response[Any]:
    """One's own; owners and admins see the team's, which they can end."""
    async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
        return await _page(ctx, tx, await supplier_shell(request, ctx, tx, supplier_id, "calendar"))


@post(STUDIO, include_in_schema=False)
async def make_suppliers_feed(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID) -> Response[Any]:
    """Made, and shown with its address."""
    form = await forms.read(request)
    async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
        await supplier_shell(request, ctx, tx, supplier_id, "calendar")
        return await _made(request, tx, form)


@post(STUDIO + "/{feed_id:uuid}/end", include_in_schema=False)
async def end_suppliers_feed(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, feed_id: UUID
) -> Response[Any]:
    """Its address opens nothing from now on."""
    async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
        await actions.revoke(tx, feed_id)
    return respond.done(request, f"/studio/{supplier_id}/feeds")


@get(HELPER, include_in_schema=False)
async def helpers_feeds(request: AnyRequest, ctx: Context, token: str) -> Response[Any]:
    """What a helper's pass opens, as a calendar."""
    async with ctx.door.enter_pass("help", token_hash(token)) as tx:
        home = await tx.row(queries.home)
        if home is None:
            raise not_found("page")
        shell = Shell(
            base=f"/help/{token}",
            path=request.url.path,
            theme=theme_of(request),
            heading=home["name"],
            now=home["now"],
        )
        return await _page(ctx, tx, shell)


@post(HELPER, include_in_schema=False)
async def make_helpers_feed(request: AnyRequest, ctx: Context, token: str) -> Response[Any]:
    """Made, and shown with its address. It outlives the pass that made it, not the helper."""
    form = await forms.read(request)
    async with ctx.door.enter_pass("help", token_hash(token)) as tx:
        return await _made(request, tx, form)


@post(HELPER + "/{feed_id:uuid}/end", include_in_schema=False)
async def end_helpers_feed(request: AnyRequest, ctx: Context, token: str, feed_id: UUID) -> Response[Any]:
    """Its address opens nothing from now on."""
    async with ctx.door.enter_pass("help", token_hash(token)) as tx:
        await actions.revoke(tx, feed_id)
    return respond.done(request, f"/help/{token}/feeds")


async def _page(ctx: Context, tx: Tx, shell: Shell) -> Response[Any]:
    feeds = await reading.listed(tx, ctx.settings)
    return respond.html(
        "feeds/feeds.html",
        shell,
        own=[one for one in feeds if one.is_own],
        others=[one for one in feeds if not one.is_own],
        shows=SHOWS[shell.face],
        is_full=sum(one.is_own for one in feeds) >= model.FEEDS_MAX,
    )


async def _made(request: AnyRequest, tx: Tx, form: Form) -> Response[Any]:
    """Raises Refusal 422 for a title that is too long."""
    try:
        new = msgspec.convert({"title": form.text("title")}, type=NewFeed)
    except msgspec.ValidationError as cause:
        raise invalid("title", "is too long", "Use at most 120 letters.") from cause
    try:
        await actions.make(tx, new)
    except Refusal as refusal:
        if refusal.status != 409:
            raise
    return respond.done(request, request.url.path)


ROUTES = (
    *(couples_feeds, make_couples_feed, end_couples_feed),
    *(suppliers_feeds, make_suppliers_feed, end_suppliers_feed),
    *(helpers_feeds, make_helpers_feed, end_helpers_feed),
)
