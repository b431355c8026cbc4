"""The operator's page of the freeze: how it stands, what is ahead, and overrides by two."""

from typing import Any, Final
from uuid import UUID

from litestar import Response, get, post

from wedsync.kit.actor import Actor
from wedsync.kit.db import Tx
from wedsync.kit.errors import FieldError, Refusal
from wedsync.operations.freeze import actions, model
from wedsync.operations.platform import entered
from wedsync.operations.shell import BASE, operator_shell
from wedsync.operations.slo import actions as alerts
from wedsync.web import forms, respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest, signed_in

PAGE: Final = f"{BASE}/freeze"
STATES: Final = {"asked": ("Waits for another operator", "wait"), "in_force": ("In force", "bad"), "over": ("Over", "")}


@get(PAGE, include_in_schema=False)
async def show(request: AnyRequest, ctx: Context, actor: Actor) -> Response[str]:
    """Of this moment."""
    async with entered(ctx, signed_in(request, actor)) as tx:
        return await _page(request, ctx, tx)


@post(f"{PAGE}/overrides", include_in_schema=False)
async def ask(request: AnyRequest, ctx: Context, actor: Actor) -> Response[Any]:
    """Ask another operator; a reason that is too short is shown again."""
    form = await forms.read(request)
    given = {"reason": form.text("reason"), "minutes": form.text("minutes")}
    async with entered(ctx, signed_in(request, actor)) as tx:
        try:
            minutes = form.number("minutes") or actions.MINUTES
            words = {
                "reason": FieldError("reason", "says too little or too much", "Write 10 to 500 characters."),
                "minutes": FieldError("minutes", "is not from 5 to 240", "Ask again when it is not enough."),
            }
            asked = forms.checked(actions.AskOverride, {"reason": given["reason"], "minutes": minutes}, words)
        except Refusal as refusal:
            return await _page(request, ctx, tx, given=given, errors=forms.errors_of(refusal), code=422)
        await actions.ask(tx, asked)
    return respond.done(request, PAGE)


@post(f"{PAGE}/overrides/{{override_id:uuid}}/confirm", include_in_schema=False)
async def confirm(request: AnyRequest, ctx: Context, actor: Actor, override_id: UUID) -> Response[Any]:
    """By another operator."""
    async with entered(ctx, signed_in(request, actor)) as tx:
        await actions.confirm(tx, override_id)
    return respond.done(request, PAGE)


@post(f"{PAGE}/overrides/{{override_id:uuid}}/end", include_in_schema=False)
async def end(request: AnyRequest, ctx: Context, actor: Actor, override_id: UUID) -> Response[Any]:
    """Before its time."""
    async with entered(ctx, signed_in(request, actor)) as tx:
        await actions.end(tx, override_id)
    return respond.done(request, PAGE)


async def _page(
    request: AnyRequest, ctx: Context, tx: Tx, *, given: Any = None, errors: Any = None, code: int = 200
) -> Response[str]:
    facts = await actions.facts(tx.value)
    found = model.judge(actions.rule_of(ctx.settings), facts)
    waiting = await alerts.waiting(tx)
    return respond.html(
        "operations/freeze.html",
        operator_shell(request, ctx, tx.actor, "freeze", waiting=waiting),
        code=code,
        verdict=found,
        is_enforced=actions.rule_of(ctx.settings).is_enforced,
        overrides=[(one, one.state(facts.now), *STATES[one.state(facts.now)]) for one in facts.overrides],
        me=tx.actor.id,
        given=given or {"reason": "", "minutes": f"{actions.MINUTES}"},
        errors=errors or {},
        now=facts.now,
    )


ROUTES = (show, ask, confirm, end)
