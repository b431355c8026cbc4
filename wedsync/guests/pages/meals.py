"""Meals to choose from, part of the day by part of the day."""

from typing import Any
from uuid import UUID

from litestar import Response, get, post

from wedsync.guests.kitchen import menus
from wedsync.guests.pages.dietary import item_of
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.errors import Refusal
from wedsync.web import forms, respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest, Form, signed_in
from wedsync.weddings.shell import couple_shell

queries = sql.load("wedsync.guests")
kitchen = sql.load("wedsync.guests.kitchen")


@get("/me/{wedding_id:uuid}/guests/meals", include_in_schema=False)
async def meals(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[str]:
    """Every part of the day guests answer for."""
    return await _page(request, ctx, actor, wedding_id)


async def _page(
    request: AnyRequest,
    ctx: Context,
    actor: Actor,
    wedding_id: UUID,
    *,
    form: Form | None = None,
    refusal: Refusal | None = None,
) -> Response[str]:
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        shell = await couple_shell(request, ctx, tx, wedding_id, "guests")
        items = await tx.rows(queries.items, wedding_id)
        by_item: dict[UUID, list[dict[str, Any]]] = {}
        for row in await tx.rows(kitchen.meals, wedding_id):
            by_item.setdefault(row["item_id"], []).append(dict(row))
    return respond.html(
        "guests/meals.html",
        shell,
        code=refusal.status if refusal else 200,
        items=[{"id": i["id"], "title": i["title"], "meals": by_item.get(i["id"], [])} for i in items],
        open=form.text("item_id") if form else "",
        typed=dict(form.items()) if form else {},
        errors=forms.errors_of(refusal) if refusal else {},
    )


@post("/me/{wedding_id:uuid}/guests/meals", include_in_schema=False)
async def save(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[Any]:
    """One part of the day at a time."""
    form = await forms.read(request)
    item_id = item_of(form.text("item_id"))
    names = {item_of(k.removeprefix("name.")): v for k, v in form.items() if k.startswith("name.")}
    try:
        async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
            await menus.put(tx, wedding_id, item_id, names, form.text("added").splitlines())
    except Refusal as refusal:
        if refusal.status not in (409, 422):
            raise
        return await _page(request, ctx, actor, wedding_id, form=form, refusal=refusal)
    return respond.see_other(f"/me/{wedding_id}/guests/meals#meals-{item_id}")


ROUTES = (meals, save)
