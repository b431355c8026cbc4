"""The operator's page of the modes, and the bar that every page shows while one is in force."""

from typing import Any, Final
from uuid import UUID

from litestar import Response, get, post

from wedsync.kit.actor import Actor
from wedsync.kit.db import Tx
from wedsync.kit.errors import FieldError, Refusal
from wedsync.kit.modes import WORDS
from wedsync.operations.modes import actions
from wedsync.operations.modes.model import EnterMode
from wedsync.operations.platform import entered
from wedsync.operations.shell import BASE, operator_shell
from wedsync.operations.slo import actions as alerts
from wedsync.web import forms, respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest, signed_in

PAGE: Final = f"{BASE}/modes"
MINUTES: Final = "30"
NAMES: Final = {"read_only": "Read only", "late": "Late"}


@get("/fragments/modes", include_in_schema=False, sync_to_thread=False)
def bar() -> Response[str]:
    """Asked for when the weddings of a page are told of a mode."""
    return respond.html("_modes.html")


@get(PAGE, include_in_schema=False)
async def show(request: AnyRequest, ctx: Context, actor: Actor) -> Response[str]:
    """Of this moment."""
    async with entered(ctx, signed_in(request, actor)) as tx:
        return await _page(request, ctx, tx)


@post(PAGE, include_in_schema=False)
async def enter(request: AnyRequest, ctx: Context, actor: Actor) -> Response[Any]:
    """What is wrong is shown beside what was said."""
    form = await forms.read(request)
    given = {name: form.text(name) for name in ("kind", "reason", "minutes")}
    async with entered(ctx, signed_in(request, actor)) as tx:
        try:
            words = {
                "kind": FieldError("kind", "is none that there is", "Choose one."),
                "reason": FieldError("reason", "says too little or too much", "Write 10 to 500 characters."),
                "minutes": FieldError("minutes", "is not from 1 to 720", "Enter it again when it is not enough."),
            }
            asked = forms.checked(EnterMode, {**given, "minutes": form.number("minutes") or 0}, words)
        except Refusal as refusal:
            return await _page(request, ctx, tx, given=given, errors=forms.errors_of(refusal), code=422)
        await actions.enter(tx, asked)
    return respond.done(request, PAGE)


@post(f"{PAGE}/{{mode_id:uuid}}/leave", include_in_schema=False)
async def leave(request: AnyRequest, ctx: Context, actor: Actor, mode_id: UUID) -> Response[Any]:
    """Before its time."""
    async with entered(ctx, signed_in(request, actor)) as tx:
        await actions.leave(tx, mode_id)
    return respond.done(request, PAGE)


async def _page(
    request: AnyRequest, ctx: Context, tx: Tx, *, given: Any = None, errors: Any = None, code: int = 200
) -> Response[str]:
    return respond.html(
        "operations/modes.html",
        operator_shell(request, ctx, tx.actor, "modes", waiting=await alerts.waiting(tx)),
        code=code,
        recent=await actions.recent(tx),
        shedding=await actions.shedding(tx),
        names=NAMES,
        words=WORDS,
        given=given or {"kind": "read_only", "reason": "", "minutes": MINUTES},
        errors=errors or {},
    )


ROUTES = (bar, show, enter, leave)
