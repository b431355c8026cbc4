"""The operators' pages of openings, and the couple's button that ends one."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from litestar import Response, get, post

from wedsync.kit import clock
from wedsync.kit.actor import Actor
from wedsync.kit.db import Tx
from wedsync.kit.errors import FieldError, Refusal, not_found
from wedsync.operations import security
from wedsync.operations.openings import actions
from wedsync.operations.openings.model import MINUTES, PARTS, AskOpening, Part
from wedsync.operations.platform import entered
from wedsync.operations.shell import BASE, operator_shell
from wedsync.operations.slo import actions as alerts
from wedsync.web import forms, respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest, signed_in

PAGE: Final = f"{BASE}/openings"
HEADS: Final[Mapping[Part, str]] = {
    "wedding": "couple_names",
    "schedule": "title",
    "guests": "display_name",
    "suppliers": "supplier_name",
    "tasks": "title",
    "deliveries": "type",
}
STATES: Final = {"asked": ("Waits for another operator", "wait"), "open": ("Open", "bad"), "over": ("Over", "")}
WRONG: Final = {
    "wedding_id": FieldError("wedding_id", "is not the id of a wedding", "Take it from Tenants or from an alert."),
    "reason": FieldError("reason", "says too little or too much", "Write 10 to 500 characters; the couple reads it."),
    "minutes": FieldError("minutes", "is not from 5 to 240", "Ask again when it is not enough."),
}


@get(PAGE, include_in_schema=False)
async def show(request: AnyRequest, ctx: Context, actor: Actor) -> Response[str]:
    """Of this moment."""
    async with entered(ctx, signed_in(request, actor)) as tx:
        return await _page(request, ctx, tx)


@post(PAGE, include_in_schema=False)
async def ask(request: AnyRequest, ctx: Context, actor: Actor) -> Response[Any]:
    """Ask another operator; what is wrong is shown again."""
    form = await forms.read(request)
    given = {name: form.text(name) for name in ("wedding_id", "reason", "minutes")}
    async with entered(ctx, signed_in(request, actor)) as tx:
        try:
            minutes = form.number("minutes") or MINUTES
            asked = forms.checked(AskOpening, given | {"minutes": minutes}, WRONG)
        except Refusal as refusal:
            return await _page(request, ctx, tx, given=given, errors=forms.errors_of(refusal), code=422)
        await actions.ask(tx, asked)
    return respond.done(request, PAGE)


@post(f"{PAGE}/{{opening_id:uuid}}/approve", include_in_schema=False)
async def approve(request: AnyRequest, ctx: Context, actor: Actor, opening_id: UUID) -> Response[Any]:
    """By another operator."""
    async with entered(ctx, signed_in(request, actor)) as tx:
        await actions.approve(tx, opening_id)
    return respond.done(request, PAGE)


@post(f"{PAGE}/{{opening_id:uuid}}/end", include_in_schema=False)
async def end(request: AnyRequest, ctx: Context, actor: Actor, opening_id: UUID) -> Response[Any]:
    """Before its time."""
    async with entered(ctx, signed_in(request, actor)) as tx:
        await actions.end(tx, opening_id)
    return respond.done(request, PAGE)


@get(f"{PAGE}/{{opening_id:uuid}}/{{part:str}}", include_in_schema=False)
async def look(request: AnyRequest, ctx: Context, actor: Actor, opening_id: UUID, part: str) -> Response[str]:
    """One part of the wedding; that it was looked at is kept first."""
    known = next((one for one in PARTS if one == part), None)
    if known is None:
        raise not_found("part")
    shown = await actions.look(ctx.door.regardless(), signed_in(request, actor), opening_id, known)
    return respond.html(
        "operations/opened.html",
        operator_shell(request, ctx, actor, "openings"),
        shown=shown,
        parts=PARTS,
        columns=list(shown.items[0]) if shown.items else [],
        head=HEADS[known],
        opening_id=opening_id,
    )


@post("/me/{wedding_id:uuid}/openings/{opening_id:uuid}/end", include_in_schema=False)
async def close(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, opening_id: UUID) -> Response[Any]:
    """The couple closes its wedding again, in read-only mode too."""
    async with ctx.door.regardless().enter(signed_in(request, actor), wedding_id) as tx:
        await security.allow(tx, "couple")
        await actions.end(tx, opening_id)
    return respond.done(request, f"/me/{wedding_id}/access")


async def _page(
    request: AnyRequest, ctx: Context, tx: Tx, *, given: Any = None, errors: Any = None, code: int = 200
) -> Response[str]:
    found = await actions.listed(tx)
    waiting = await alerts.waiting(tx)
    return respond.html(
        "operations/openings.html",
        operator_shell(request, ctx, tx.actor, "openings", waiting=waiting),
        code=code,
        openings=[(one, *STATES[one.state]) for one in found],
        parts=PARTS,
        me=tx.actor.id,
        given=given or {"wedding_id": "", "reason": "", "minutes": f"{MINUTES}"},
        errors=errors or {},
        now=clock.now(),
    )


ROUTES = (show, ask, approve, end, look, close)
