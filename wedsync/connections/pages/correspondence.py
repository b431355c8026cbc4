"""A link's correspondence: all of it for the supplier, who shares it bit by bit; what is shared for the couple."""

from typing import Any, Final
from uuid import UUID

from litestar import Response, get, post

from wedsync.connections.correspondence import actions, reading
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Row
from wedsync.kit.errors import not_found
from wedsync.suppliers.shell import wedding_shell
from wedsync.web import forms, respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest, signed_in
from wedsync.weddings.shell import couple_shell

queries = sql.load("wedsync.connections.correspondence")
PATH: Final = "/studio/{supplier_id:uuid}/weddings/{wedding_id:uuid}/correspondence"
SHOWN_MAX: Final = 100


@get(PATH, include_in_schema=False)
async def of_supplier(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID
) -> Response[Any]:
    """What the business's CRM holds, and what of it is shared."""
    shell = await wedding_shell(request, ctx, actor, supplier_id, wedding_id)
    about = await _about(request, ctx, actor, wedding_id)
    messages = await reading.page(ctx.door, ctx.ring, actor, about["link_id"], limit=SHOWN_MAX)
    base = f"{shell.base}/weddings/{wedding_id}"
    return respond.html(
        _template(request),
        shell,
        messages=messages,
        couple=about["couple_names"],
        supplier=shell.heading,
        back_href=base,
        path=f"{base}/correspondence",
        src=f"{base}/correspondence",
    )


@post(f"{PATH}/{{message_id:uuid}}", include_in_schema=False)
async def decide(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID, message_id: UUID
) -> Response[Any]:
    """Share it, or share it no more."""
    form = await forms.read(request)
    about = await _about(request, ctx, actor, wedding_id)
    if form.text("share") == "no":
        await actions.withdraw(ctx.door, actor, about["link_id"], message_id)
    else:
        await actions.share(ctx.door, ctx.ring, actor, about["link_id"], message_id)
    return respond.see_other(f"/studio/{supplier_id}/weddings/{wedding_id}/correspondence")


@get("/me/{wedding_id:uuid}/suppliers/{link_id:uuid}/correspondence", include_in_schema=False)
async def of_couple(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, link_id: UUID) -> Response[Any]:
    """What one supplier has shared."""
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        shell = await couple_shell(request, ctx, tx, wedding_id, "suppliers")
        standing = await tx.row(queries.standing, link_id)
    if standing is None:
        raise not_found("link")
    messages = await reading.page(ctx.door, ctx.ring, actor, link_id, limit=SHOWN_MAX)
    return respond.html(
        _template(request),
        shell,
        messages=messages,
        couple="",
        supplier=standing["supplier_name"],
        back_href=f"{shell.base}/suppliers",
        path="",
        src=f"{shell.base}/suppliers/{link_id}/correspondence",
    )


def _template(request: AnyRequest) -> str:
    """The whole page, or what of it is drawn anew when something was said, shared or taken back."""
    return "connections/_correspondence.html" if forms.is_fragment(request) else "connections/correspondence.html"


async def _about(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Row:
    """Raises Refusal 404 for who is here through no link."""
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        about = await tx.row(queries.about)
    if about is None or about["link_id"] is None:
        raise not_found("page")
    return about


ROUTES = (of_supplier, decide, of_couple)
