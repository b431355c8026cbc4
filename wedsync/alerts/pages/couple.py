"""The couple's pages of alerts: raise one, see who is on it, and say who is called when."""

from typing import Any
from uuid import UUID

from litestar import Response, get, post

from wedsync.alerts import actions, ladder, model
from wedsync.alerts.pages import shown
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Tx
from wedsync.kit.errors import FieldError, Refusal
from wedsync.web import forms, respond
from wedsync.web.context import Context, as_struct
from wedsync.web.forms import AnyRequest, signed_in
from wedsync.weddings.shell import couple_shell

queries = sql.load("wedsync.alerts")
ALERTS = "/me/{wedding_id:uuid}/alerts"
ALERT = f"{ALERTS}/{{alert_id:uuid}}"


@get(ALERTS, include_in_schema=False)
async def listing(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[Any]:
    """Open ones first, then the form, then the ladder."""
    return await _page(request, ctx, actor, wedding_id)


@get("/me/{wedding_id:uuid}/fragments/alerts", include_in_schema=False)
async def listing_fragment(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[Any]:
    """The list, when an alert changed."""
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        shell = await couple_shell(request, ctx, tx, wedding_id, "schedule")
        return respond.html(
            "alerts/_list.html", shell, alerts=await shown.listed(ctx, tx), base=f"/me/{wedding_id}/alerts", words=model
        )


@post(ALERTS, include_in_schema=False)
async def raise_alert(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[Any]:
    """The form again where something is missing."""

    async def again(typed: dict[str, str], refusal: Refusal) -> Response[Any]:
        return await _page(request, ctx, actor, wedding_id, typed=typed, refusal=refusal)

    return await shown.raised(request, ctx, actor, wedding_id, base=f"/me/{wedding_id}/alerts", again=again)


@get(ALERT, include_in_schema=False)
async def one(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, alert_id: UUID) -> Response[Any]:
    """One alert."""
    return await _one(request, ctx, actor, wedding_id, alert_id, "alerts/one.html")


@get("/me/{wedding_id:uuid}/fragments/alerts/{alert_id:uuid}", include_in_schema=False)
async def one_fragment(
    request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, alert_id: UUID
) -> Response[Any]:
    """The same, when it changed."""
    return await _one(request, ctx, actor, wedding_id, alert_id, "alerts/_one.html")


@post(ALERT, include_in_schema=False)
async def answer(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, alert_id: UUID) -> Response[Any]:
    """A button under it."""
    return await shown.answered(request, ctx, actor, wedding_id, alert_id, base=f"/me/{wedding_id}/alerts")


@post("/me/{wedding_id:uuid}/duties/{person_id:uuid}", include_in_schema=False)
async def set_duty(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, person_id: UUID) -> Response[Any]:
    """When somebody is called; empty as is usual."""
    tier = (await forms.read(request)).number("tier")
    if tier is not None and not 0 <= tier <= ladder.LAST:
        raise forms.wrong(FieldError("tier", "is none of the list", "Choose one of it."))
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        await actions.set_duty(tx, person_id, tier)
    return respond.see_other(f"/me/{wedding_id}/alerts#duties")


async def _one(
    request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, alert_id: UUID, name: str
) -> Response[Any]:
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        shell = await couple_shell(request, ctx, tx, wedding_id, "schedule")
        return await shown.one(ctx, tx, shell, alert_id, base=f"/me/{wedding_id}/alerts", name=name)


async def _page(
    request: AnyRequest,
    ctx: Context,
    actor: Actor,
    wedding_id: UUID,
    *,
    typed: dict[str, str] | None = None,
    refusal: Refusal | None = None,
) -> Response[Any]:
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        shell = await couple_shell(request, ctx, tx, wedding_id, "schedule")
        errors = {} if refusal is None else forms.errors_of(refusal)
        return respond.html(
            "alerts/list.html",
            shell,
            code=200 if refusal is None else 422,
            alerts=await shown.listed(ctx, tx),
            about=await shown.about(tx),
            people=await _people(tx),
            base=f"/me/{wedding_id}/alerts",
            back=[("Schedule", f"/me/{wedding_id}/schedule")],
            typed=shown.BLANK | (typed or {}),
            errors=errors,
            problems=list(errors.items()),
            words=model,
        )


async def _people(tx: Tx) -> list[dict[str, Any]]:
    """Everybody who can be called, those who are called first in front."""
    people = [as_struct(model.OnCall, row) for row in await tx.rows(queries.people)]
    rows = [
        {
            "id": one.person_id,
            "name": one.name,
            "what": one.supplier_name or {"couple": "You two", "helper": "Helper"}[one.role],
            "tier": one.tier,
            "usual": ladder.usual_tier(one),
        }
        for one in people
    ]
    return sorted(rows, key=lambda row: (_place(row), row["name"]))


def _place(row: dict[str, Any]) -> int:
    tier: int = row["usual"] if row["tier"] is None else row["tier"]
    return tier or ladder.LAST + 1


ROUTES = (listing, listing_fragment, raise_alert, one, one_fragment, answer, set_duty)
