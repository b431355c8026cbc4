"""The couple's dietary sheet: what it would say now, what has changed since it was sent, sending the next number."""

from uuid import UUID

from litestar import Response, get, post

from wedsync.guests.kitchen import sheet_page, sheets
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Row
from wedsync.kit.errors import Refusal, not_found
from wedsync.web import forms, respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest, signed_in
from wedsync.weddings.shell import couple_shell

queries = sql.load("wedsync.guests")


@get("/me/{wedding_id:uuid}/guests/dietary", include_in_schema=False)
async def dietary(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[str] | Response[None]:
    """One schedule item's sheet, `?item=`; the first with a meal otherwise. `?fragment=rows` is its live part."""
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        shell = await couple_shell(request, ctx, tx, wedding_id, "guests")
        items = await tx.rows(queries.items, wedding_id)
        item = _chosen(items, request.query_params.get("item", ""), await tx.rows(queries.menus, wedding_id))
        if item is None:
            return respond.see_other(f"{shell.base}/guests")
        tabs = [(i["id"], i["title"], f"{shell.base}/guests/dietary?item={i['id']}") for i in items]
        values = await sheet_page.for_couple(tx, ctx.ring, wedding_id, dict(item), tabs=tabs, now=shell.now)
    if request.query_params.get("fragment") == "rows":
        return respond.html("guests/_dietary_rows.html", shell, **values)
    return respond.html("guests/dietary.html", shell, **values)


def _chosen(items: list[Row], wanted: str, menus: list[Row]) -> Row | None:
    if wanted:
        found = next((item for item in items if str(item["id"]) == wanted), None)
        if found is None:
            raise not_found("schedule item")
        return found
    eaten = {row["item_id"] for row in menus}
    return next((item for item in items if item["id"] in eaten), items[0] if items else None)


@post("/me/{wedding_id:uuid}/guests/dietary", include_in_schema=False)
async def send(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[None]:
    """Make the next number; whoever may see it is told and asked to confirm."""
    form = await forms.read(request)
    item_id = item_of(form.text("item_id"))
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        await sheets.make(tx, ctx.ring, wedding_id, item_id)
    return respond.see_other(f"/me/{wedding_id}/guests/dietary?item={item_id}")


def item_of(text: str) -> UUID:
    """The schedule item a form names. Raises Refusal 404."""
    try:
        return UUID(text)
    except ValueError:
        raise Refusal(404, "not_found", "There is no such part of the day. Go back and choose one.") from None


ROUTES = (dietary, send)
