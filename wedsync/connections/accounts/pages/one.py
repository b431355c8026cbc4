"""One account: how it is, what was said last, its log, and what may be done with it by whom."""

from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Response, get, post

from wedsync.connections.accounts import connecting, wording
from wedsync.connections.accounts.connecting import Desk
from wedsync.connections.accounts.model import Revealed
from wedsync.connections.accounts.pages.place import entered, paths, queries
from wedsync.kit.actor import Actor
from wedsync.kit.db import Row
from wedsync.kit.errors import Refusal, not_found
from wedsync.web import respond
from wedsync.web.context import Context
from wedsync.web.formats import clock, day_short
from wedsync.web.forms import AnyRequest, signed_in

LINES_MAX: Final = 50


@get(paths("/{connection_id:uuid}"), include_in_schema=False)
async def page(
    request: AnyRequest, ctx: Context, desk: Desk, actor: Actor, tenant: UUID, connection_id: UUID
) -> Response[str]:
    """The log is for whoever keeps it."""
    return await _page(request, ctx, desk, actor, tenant, connection_id)


@post(paths("/{connection_id:uuid}/{verb:str}"), include_in_schema=False)
async def act(
    request: AnyRequest, ctx: Context, desk: Desk, actor: Actor, tenant: UUID, connection_id: UUID, verb: str
) -> Response[Any]:
    """check, pause, resume, disconnect."""
    who = signed_in(request, actor)
    async with entered(request, ctx, actor, tenant) as place:
        await place.one(connection_id)
    try:
        match verb:
            case "check":
                await connecting.check(ctx, desk, who, connection_id)
            case "pause":
                await connecting.pause(ctx, who, connection_id)
            case "resume":
                await connecting.resume(ctx, desk, who, connection_id)
            case "disconnect":
                await connecting.disconnect(ctx, desk, who, connection_id)
            case _:
                raise not_found("page")
    except Refusal as refusal:
        if refusal.status != 409:
            raise
        return await _page(request, ctx, desk, actor, tenant, connection_id, refusal=refusal)
    return respond.done(request, request.url.path.rpartition("/")[0])


@post(paths("/{connection_id:uuid}/reveal"), include_in_schema=False)
async def reveal(
    request: AnyRequest, ctx: Context, desk: Desk, actor: Actor, tenant: UUID, connection_id: UUID
) -> Response[str]:
    """It is on the page that answers, and in no address."""
    async with entered(request, ctx, actor, tenant) as place:
        await place.one(connection_id)
    revealed = await connecting.reveal(ctx, signed_in(request, actor), connection_id)
    return await _page(request, ctx, desk, actor, tenant, connection_id, revealed=revealed)


async def _page(
    request: AnyRequest,
    ctx: Context,
    desk: Desk,
    actor: Actor,
    tenant: UUID,
    connection_id: UUID,
    *,
    revealed: Revealed | None = None,
    refusal: Refusal | None = None,
) -> Response[str]:
    async with entered(request, ctx, actor, tenant) as place:
        row = await place.one(connection_id)
        lines = await place.tx.rows(queries.log, connection_id, None, LINES_MAX)
        offer = next((offer for offer in connecting.offers(desk) if offer.name == row["connector"]), None)
        return respond.html(
            "connections/account.html",
            place.shell,
            code=409 if refusal is not None else 200,
            path=f"{place.path}/{connection_id}",
            up=place.path,
            one=row,
            words=wording.STATES[row["state"]],
            last=wording.what(row["what"]) if row["what"] else "",
            provider=offer.title if offer is not None else row["connector"],
            has_calendars=offer is not None and "calendars" in offer.does,
            has_chats=offer is not None and "chats" in offer.does,
            has_lists=offer is not None and "markets" in offer.does and "/studio/" in request.url.path,
            has_records=offer is not None and {"records", "sends"} & set(offer.does) and "/studio/" in request.url.path,
            safe=None if row["safe_until"] is None else (wording.SAFE[row["safe_why"]], _local(row)),
            status=wording.STATUS[offer.status] if offer is not None else None,
            log=[
                {
                    **dict(line),
                    "words": wording.WORDS.get(line["word"], (line["word"], "")),
                    "what": wording.what(line["what"]),
                }
                for line in lines
            ],
            may=place.may,
            revealed=revealed,
            refusal=refusal,
        )


def _local(row: Row) -> str:
    """Until when it is in safe mode, by the clock of the wedding."""
    at = row["safe_until"].astimezone(ZoneInfo(row["safe_zone"]))
    return f"{day_short(at)}, {clock(at, row['safe_zone'])}"


ROUTES = (page, act, reveal)
