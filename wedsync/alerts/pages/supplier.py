"""A supplier's pages of the alerts of one wedding."""

from typing import Any
from uuid import UUID

from litestar import Response, get, post

from wedsync.alerts import model
from wedsync.alerts.pages import shown
from wedsync.kit.actor import Actor
from wedsync.kit.errors import Refusal
from wedsync.suppliers.shell import wedding_shell
from wedsync.web import forms, respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest

WEDDING = "/studio/{supplier_id:uuid}/weddings/{wedding_id:uuid}"
ALERTS = f"{WEDDING}/alerts"
ALERT = f"{ALERTS}/{{alert_id:uuid}}"


@get(ALERTS, include_in_schema=False)
async def listing(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID
) -> Response[Any]:
    """What is open, and the form on the days on which a supplier may raise one."""
    return await _page(request, ctx, actor, supplier_id, wedding_id, "alerts/list.html")


@get(f"{WEDDING}/fragments/alerts", include_in_schema=False)
async def listing_fragment(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID
) -> Response[Any]:
    """The list, when an alert changed."""
    return await _page(request, ctx, actor, supplier_id, wedding_id, "alerts/_list.html")


@post(ALERTS, include_in_schema=False)
async def raise_alert(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID
) -> Response[Any]:
    """The form again where something is missing."""

    async def again(typed: dict[str, str], refusal: Refusal) -> Response[Any]:
        return await _page(
            request, ctx, actor, supplier_id, wedding_id, "alerts/list.html", typed=typed, refusal=refusal
        )

    base = _base(supplier_id, wedding_id)
    return await shown.raised(request, ctx, actor, wedding_id, base=base, again=again)


@get(ALERT, include_in_schema=False)
async def one(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID, alert_id: UUID
) -> Response[Any]:
    """One alert."""
    return await _one(request, ctx, actor, supplier_id, wedding_id, alert_id, "alerts/one.html")


@get(f"{WEDDING}/fragments/alerts/{{alert_id:uuid}}", include_in_schema=False)
async def one_fragment(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID, alert_id: UUID
) -> Response[Any]:
    """The same, when it changed."""
    return await _one(request, ctx, actor, supplier_id, wedding_id, alert_id, "alerts/_one.html")


@post(ALERT, include_in_schema=False)
async def answer(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID, alert_id: UUID
) -> Response[Any]:
    """A button under it."""
    return await shown.answered(request, ctx, actor, wedding_id, alert_id, base=_base(supplier_id, wedding_id))


async def _one(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID, alert_id: UUID, name: str
) -> Response[Any]:
    shell = await wedding_shell(request, ctx, actor, supplier_id, wedding_id)
    base = _base(supplier_id, wedding_id)
    async with ctx.door.enter(actor, wedding_id) as tx:
        return await shown.one(ctx, tx, shell, alert_id, base=base, name=name)


async def _page(
    request: AnyRequest,
    ctx: Context,
    actor: Actor,
    supplier_id: UUID,
    wedding_id: UUID,
    name: str,
    *,
    typed: dict[str, str] | None = None,
    refusal: Refusal | None = None,
) -> Response[Any]:
    shell = await wedding_shell(request, ctx, actor, supplier_id, wedding_id)
    page = f"/studio/{supplier_id}/weddings/{wedding_id}"
    errors = {} if refusal is None else forms.errors_of(refusal)
    async with ctx.door.enter(actor, wedding_id) as tx:
        about = await shown.about(tx)
        return respond.html(
            name,
            shell,
            code=200 if refusal is None else 422,
            alerts=await shown.listed(ctx, tx),
            about=about,
            people=[],
            base=_base(supplier_id, wedding_id),
            back=[("Weddings", f"/studio/{supplier_id}/weddings"), (about["couple_names"], page)],
            typed=shown.BLANK | (typed or {}),
            errors=errors,
            problems=list(errors.items()),
            words=model,
        )


def _base(supplier_id: UUID, wedding_id: UUID) -> str:
    return f"/studio/{supplier_id}/weddings/{wedding_id}/alerts"


ROUTES = (listing, listing_fragment, raise_alert, one, one_fragment, answer)
