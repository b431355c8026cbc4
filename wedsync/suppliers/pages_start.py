"""Beginning: as a couple, or as a supplier."""

from typing import Any

import msgspec
from litestar import Response, post

from wedsync.kit.actor import Actor
from wedsync.people.pages import rename
from wedsync.suppliers import actions, model
from wedsync.web import forms, respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest, signed_in
from wedsync.weddings import actions as weddings
from wedsync.weddings import model as wedding_model
from wedsync.weddings.pages import start_page


@post("/start", include_in_schema=False)
async def start(request: AnyRequest, ctx: Context, actor: Actor) -> Response[Any]:
    """Set up a wedding or register a business, and go there."""
    signed_in(request, actor)
    form = await forms.read(request)
    name = form.text("name")[:300]
    if not name:
        return await start_page(request, ctx, actor, {"name": "Tell us your name."}, 422)
    try:
        if form.text("kind") == "supplier":
            wanted = {"name": form.text("supplier_name"), "category": form.text("category") or "other"}
            path = f"/studio/{await actions.register(ctx.door, actor, msgspec.convert(wanted, type=model.NewSupplier))}"
        else:
            new = msgspec.convert(
                {"couple_names": form.text("couple_names"), "on": form.day("on")}, type=wedding_model.NewWedding
            )
            path = f"/me/{await weddings.create(ctx.door, actor, new)}"
    except msgspec.ValidationError:
        field = "supplier_name" if form.text("kind") == "supplier" else "couple_names"
        return await start_page(request, ctx, actor, {field: "A name is needed."}, 422)
    await rename(ctx, actor, name)
    return respond.see_other(path)


ROUTES = (start,)
