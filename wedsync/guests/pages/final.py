"""Final numbers: what each part of the day counts, sending them, what has changed since, opening them again."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Response, get, post

from wedsync.guests.kitchen import final_numbers
from wedsync.guests.pages.dietary import item_of
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Row
from wedsync.web import forms, respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest, signed_in
from wedsync.weddings.shell import couple_shell

queries = sql.load("wedsync.guests")
kitchen = sql.load("wedsync.guests.kitchen")


@get("/me/{wedding_id:uuid}/guests/lock", include_in_schema=False)
async def numbers(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[str]:
    """Every part of the day that counts guests."""
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        shell = await couple_shell(request, ctx, tx, wedding_id, "guests")
        menu = {str(r["id"]): r["name"] for r in await tx.rows(queries.menus, wedding_id)}
        items = [_item(row, menu) for row in await tx.rows(kitchen.counts_now, wedding_id)]
        recipients = [r["supplier_name"] for r in await tx.rows(kitchen.count_readers, wedding_id)]
    return respond.html("guests/lock.html", shell, items=items, recipients=recipients)


def _item(row: Row, menu: dict[str, str]) -> dict[str, Any]:
    meals, dietary = (msgspec.json.decode(row[key]) for key in ("meals", "dietary"))
    now = {**{k: row[k] for k in ("accepted", "children")}, "meals": meals, "dietary": dietary}
    then = msgspec.json.decode(row["locked"]) if row["locked"] else {}
    return {
        "id": row["item_id"],
        **{k: row[k] for k in ("title", "accepted", "pending", "children", "locked_at")},
        "meals": sorted((menu.get(key, "without a meal"), n) for key, n in meals.items()),
        "sha256": row["sha256"] or "",
        "changes": final_numbers.sentences({k: then.get(k) for k in now}, now, menu) if then else [],
    }


@post("/me/{wedding_id:uuid}/guests/lock", include_in_schema=False)
async def take(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[None]:
    """Take the numbers of one part of the day; from then on guests ask the couple."""
    item_id = item_of((await forms.read(request)).text("item_id"))
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        await final_numbers.lock(tx, wedding_id, item_id)
    return respond.see_other(f"/me/{wedding_id}/guests/lock")


@post("/me/{wedding_id:uuid}/guests/lock/release", include_in_schema=False)
async def release(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[None]:
    """Guests may answer again."""
    item_id = item_of((await forms.read(request)).text("item_id"))
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        await final_numbers.unlock(tx, wedding_id, item_id)
    return respond.see_other(f"/me/{wedding_id}/guests/lock")


ROUTES = (numbers, take, release)
