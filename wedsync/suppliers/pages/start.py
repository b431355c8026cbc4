"""Beginning: as a couple, or as a supplier."""

from typing import Any, Final

import msgspec
from litestar import Response, get, post

from wedsync.kit.actor import Actor
from wedsync.kit.errors import Refusal
from wedsync.people.actions import rename
from wedsync.suppliers import actions, model
from wedsync.web import auth, forms, respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest, signed_in
from wedsync.web.visitor import plain_shell
from wedsync.weddings import actions as weddings
from wedsync.weddings import model as wedding_model
from wedsync.weddings.model import CATEGORIES

OPERATING: Final = "/ops"


@get("/me", include_in_schema=False)
async def places(request: AnyRequest, ctx: Context, actor: Actor) -> Response[str] | Response[None]:
    """One place: go there, an operator to the console. Several, or none: choose, or begin."""
    signed_in(request, actor)
    return await start_page(request, ctx, actor, {}, 200)


async def start_page(
    request: AnyRequest, ctx: Context, actor: Actor, errors: dict[str, str], code: int
) -> Response[Any]:
    assert actor.id is not None
    async with ctx.door.enter(actor, actor.id) as tx:
        rows = await tx.rows("select * from app.places($1)", actor.id)
    weddings = [{"href": f"/me/{r['id']}", "words": r["name"], "on": r["on"]} for r in rows if r["kind"] == "wedding"]
    studios = [{"href": f"/studio/{r['id']}", "words": r["name"]} for r in rows if r["kind"] == "supplier"]
    consoles = [{"href": OPERATING, "words": "Operating WedSync"}] if actor.is_operator else []
    places = weddings + studios + consoles
    if len(places) == 1 and not errors and "new" not in request.query_params:
        return respond.see_other(places[0]["href"])
    categories = [(c, c.replace("_", " ").capitalize()) for c in CATEGORIES]
    return respond.html(
        "people/start.html",
        plain_shell(request, actor),
        code=code,
        name=actor.name,
        weddings=weddings,
        studios=studios,
        consoles=consoles,
        categories=categories,
        errors=errors,
    )


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
    except Refusal as refusal:
        return await start_page(request, ctx, actor, dict(forms.errors_of(refusal)), refusal.status)
    await rename(ctx.door, actor, name)
    if actor.session_id is not None:
        auth.forget(request.app.state.lookups, actor.session_id)
    return respond.see_other(path)


ROUTES = (places, start)
