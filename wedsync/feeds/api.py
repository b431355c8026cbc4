"""The JSON door of feeds, and the feeds themselves."""

import asyncio
import hashlib
from typing import Any, Final
from uuid import UUID

from litestar import Response, delete, get, post

from wedsync.feeds import actions, model, reading, writing
from wedsync.feeds.model import Feed, NewFeed
from wedsync.kit.actor import Actor
from wedsync.kit.db import Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.kit.limits import Window
from wedsync.web.callers import block_of
from wedsync.web.context import Context, IfMatch, Page, expected_version, versioned
from wedsync.web.forms import AnyRequest

READ: Final = Window("feed", count=60, window_s=3600.0)
"""Of one feed from one address: once a minute, where calendars ask every fifteen at most."""
MISSED: Final = Window("feed-missed", count=30, window_s=60.0)
"""Tokens that open nothing, from one address."""
HEADERS: Final = {"cache-control": "private, no-cache", "x-robots-tag": "noindex", "referrer-policy": "no-referrer"}
DESCRIPTION: Final = "It shows what you may see, for as long as you may. Whoever has its address reads it."


@get("/feeds/{name:str}", include_in_schema=False)
async def read_feed(request: AnyRequest, ctx: Context, name: str) -> Response[bytes]:
    """A calendar, or 304; 404 for a token of nobody, 410 for a feed that was ended."""
    block = block_of(request.scope)
    token, _, ending = name.rpartition(".")
    feed_id = model.feed_of(ctx.settings.jwt_secret, token) if ending == "ics" else None
    await _check(ctx, *((MISSED, block) if feed_id is None else (READ, f"{block}|{feed_id}")))
    if feed_id is None:
        raise not_found("feed")
    title, entries = await reading.content(ctx, feed_id)
    body = await asyncio.to_thread(writing.written, title, entries)
    etag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    if etag in [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]:
        return Response(b"", status_code=304, headers={**HEADERS, "etag": etag})
    headers = {**HEADERS, "etag": etag, "content-disposition": 'inline; filename="wedsync.ics"'}
    return Response(body, headers=headers, media_type="text/calendar; charset=utf-8")


@get("/api/v1/weddings/{wedding_id:uuid}/feeds", summary="Calendar feeds of a wedding", description=DESCRIPTION)
async def list_wedding_feeds(ctx: Context, actor: Actor, wedding_id: UUID) -> Page:
    """The couple sees helpers' too, without their addresses."""
    return await _all(ctx, actor, wedding_id)


@post("/api/v1/weddings/{wedding_id:uuid}/feeds", summary="Make a calendar feed", description=DESCRIPTION)
async def make_wedding_feed(ctx: Context, actor: Actor, wedding_id: UUID, data: NewFeed) -> Response[Feed]:
    """For anybody who may see the wedding."""
    return await _make(ctx, actor, wedding_id, data)


@delete(
    "/api/v1/weddings/{wedding_id:uuid}/feeds/{feed_id:uuid}",
    summary="End a calendar feed",
    description="Its address opens nothing from now on.",
)
async def end_wedding_feed(
    ctx: Context, actor: Actor, wedding_id: UUID, feed_id: UUID, if_match: IfMatch = None
) -> None:
    """One's own; the couple any."""
    await _end(ctx, actor, wedding_id, feed_id, if_match)


@get("/api/v1/suppliers/{supplier_id:uuid}/feeds", summary="Calendar feeds of a business", description=DESCRIPTION)
async def list_supplier_feeds(ctx: Context, actor: Actor, supplier_id: UUID) -> Page:
    """Owners and admins see the team's too, without their addresses."""
    return await _all(ctx, actor, supplier_id)


@post("/api/v1/suppliers/{supplier_id:uuid}/feeds", summary="Make a calendar feed", description=DESCRIPTION)
async def make_supplier_feed(ctx: Context, actor: Actor, supplier_id: UUID, data: NewFeed) -> Response[Feed]:
    """For everybody on the team."""
    return await _make(ctx, actor, supplier_id, data)


@delete(
    "/api/v1/suppliers/{supplier_id:uuid}/feeds/{feed_id:uuid}",
    summary="End a calendar feed",
    description="Its address opens nothing from now on.",
)
async def end_supplier_feed(
    ctx: Context, actor: Actor, supplier_id: UUID, feed_id: UUID, if_match: IfMatch = None
) -> None:
    """One's own; owners and admins any."""
    await _end(ctx, actor, supplier_id, feed_id, if_match)


async def _check(ctx: Context, window: Window, key: str) -> None:
    """Raises Refusal 429."""
    decision = await ctx.limits.hit(window, key)
    if not decision.is_allowed:
        raise Refusal(429, "too_many_requests", "Ask less often: once an hour is enough.", headers=decision.headers())


async def _all(ctx: Context, actor: Actor, tenant: UUID) -> Page:
    async with ctx.door.enter(actor, tenant) as tx:
        return Page([*await reading.listed(tx, ctx.settings)])


async def _make(ctx: Context, actor: Actor, tenant: UUID, data: NewFeed) -> Response[Any]:
    async with ctx.door.enter(actor, tenant) as tx:
        return await _one(tx, ctx, await actions.make(tx, data))


async def _one(tx: Tx, ctx: Context, feed_id: UUID) -> Response[Any]:
    found = await reading.listed(tx, ctx.settings, feed_id)
    return versioned(found[0] if found else None, status=201)


async def _end(ctx: Context, actor: Actor, tenant: UUID, feed_id: UUID, if_match: str | None) -> None:
    async with ctx.door.enter(actor, tenant) as tx:
        await actions.revoke(tx, feed_id, version=expected_version(if_match))


ROUTES = (
    read_feed,
    list_wedding_feeds,
    make_wedding_feed,
    end_wedding_feed,
    list_supplier_feeds,
    make_supplier_feed,
    end_supplier_feed,
)
