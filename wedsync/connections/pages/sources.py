"""The list of sources: adding, a new secret, removing; a secret is on the page that answers, and on no other."""

from typing import Any, Final
from uuid import UUID

from litestar import Response, get, post

from wedsync.connections import actions, model
from wedsync.connections.pages.place import Place, entered, paths, queries
from wedsync.connections.shown import connection_of
from wedsync.kit.actor import Actor
from wedsync.kit.errors import FieldError, Refusal
from wedsync.web import forms, respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest

SCHEMES: Final = (
    ("bearer", "It sends a secret word (Zapier, Make)"),
    ("hmac", "It signs the body (GitHub and most others)"),
    ("standard", "Standard Webhooks"),
    ("basic", "User and password"),
)
WRONG: Final = {"title": FieldError("title", "is too long", "At most 200 letters.")}


@get(paths(), include_in_schema=False)
async def listed(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID) -> Response[str]:
    """Who may send."""
    async with entered(request, ctx, actor, tenant) as place:
        return await _list(place)


async def _list(
    place: Place,
    *,
    made: model.Connection | None = None,
    secret: str = "",
    is_new: bool = True,
    errors: Any = None,
) -> Response[str]:
    rows = await place.tx.rows(queries.connections, place.tenant)
    return respond.html(
        "connections/sources.html",
        place.shell,
        code=422 if errors else 200,
        path=place.path,
        sources=[connection_of(place.ctx.settings.public_url, row) for row in rows if row["state"] is None],
        schemes=SCHEMES,
        made=made,
        secret=secret,
        is_new=is_new,
        overlap_hours=model.OVERLAP_HOURS,
        errors=errors or {},
    )


@post(paths(), include_in_schema=False)
async def add(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID) -> Response[str]:
    """A new source; its address and its secret, once."""
    form = await forms.read(request)
    given: dict[str, Any] = {"connector": "zapier_hook", "title": form.text("title"), "scheme": form.text("scheme")}
    if given["scheme"] == "basic":
        given["settings"] = {"options": {"user": "wedsync"}}
    try:
        new = forms.checked(model.NewConnection, given, WRONG)
        async with entered(request, ctx, actor, tenant) as place:
            made, secret = await actions.add(place.tx, ctx.ring, tenant, new)
            return await _list(place, made=await place.source(made), secret=secret)
    except Refusal as refusal:
        if refusal.status != 422:
            raise
        async with entered(request, ctx, actor, tenant) as place:
            return await _list(place, errors=forms.errors_of(refusal))


@post(paths("/{connection_id:uuid}/rotate"), include_in_schema=False)
async def rotate(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID, connection_id: UUID) -> Response[str]:
    """The next secret, once; the one before holds beside it for a while."""
    async with entered(request, ctx, actor, tenant) as place:
        source = await place.source(connection_id)
        secret = await actions.rotate(place.tx, ctx.ring, tenant, connection_id, model.NewSecret())
        return await _list(place, made=source, secret=secret, is_new=False)


@post(paths("/{connection_id:uuid}/remove"), include_in_schema=False)
async def remove(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID, connection_id: UUID) -> Response[Any]:
    """What it sends is refused from now on."""
    async with entered(request, ctx, actor, tenant) as place:
        await place.source(connection_id)
        await actions.remove(place.tx, connection_id)
        return respond.see_other(place.path)


ROUTES = (listed, add, rotate, remove)
