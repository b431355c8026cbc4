"""The alert behind the link of a mail or text, without signing in: a GET never acknowledges; and the bar of alarms."""

from typing import Any
from uuid import UUID

from litestar import Response, get, post

from wedsync.alerts.pages import shown
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import not_found
from wedsync.web import forms, respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest
from wedsync.web.visitor import plain_shell
from wedsync.weddings.actions import token_hash

queries = sql.load("wedsync.alerts")


@get("/alarm/{token:str}", include_in_schema=False)
async def open_alarm(request: AnyRequest, ctx: Context, token: str) -> Response[Any]:
    """What calls, and two buttons."""
    async with ctx.door.enter_pass("alarm", token_hash(token)) as tx:
        mine = await _mine(tx, token)
        return await shown.one(
            ctx, tx, plain_shell(request), mine["alert_id"], base=f"/alarm/{token}", name="alerts/alarm.html"
        )


@post("/alarm/{token:str}", include_in_schema=False)
async def answer_alarm(request: AnyRequest, ctx: Context, token: str) -> Response[Any]:
    """I see to it, I cannot, I am on it, it is over."""
    form = await forms.read(request)
    async with ctx.door.enter_pass("alarm", token_hash(token)) as tx:
        mine = await _mine(tx, token)
        await shown.act(tx, mine["alert_id"], form, via="link", name=mine["name"])
    return respond.see_other(f"/alarm/{token}")


@get("/fragments/alarms", include_in_schema=False)
async def alarms(ctx: Context, actor: Actor) -> Response[Any]:
    """What calls the reader just now, over all weddings; nothing for most people on most days."""
    rows: list[Row] = []
    if actor.id is not None:
        async with ctx.door.enter(actor, UUID(str(actor.id))) as tx:
            rows = await tx.rows(queries.alarms)
    return respond.html("alerts/_alarms.html", alarms=rows)


async def _mine(tx: Tx, token: str) -> Row:
    row = await tx.row(queries.my_alert, token_hash(token))
    if row is None:
        raise not_found("alert")
    return row


ROUTES = (open_alarm, answer_alarm, alarms)
