"""The operator's page of the database: what needs doing, who is connected, what is slow, what it grows by."""

from typing import Any, Final

from litestar import Response, get, post

from wedsync.kit.actor import Actor
from wedsync.kit.errors import Refusal
from wedsync.operations.database import actions, model
from wedsync.operations.database.actions import Steps
from wedsync.operations.platform import entered
from wedsync.operations.shell import BASE, operator_shell
from wedsync.operations.slo import actions as alerts
from wedsync.web import forms, respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest, signed_in

PAGE: Final = f"{BASE}/database"
STATUS: Final = {"good": ("Fit", "good"), "look": ("Look at it", "wait"), "bad": ("A wedding could be hit", "bad")}
STATES: Final = {"waiting": "wait", "applied": "good", "rehearsed": "good", "refused": "bad", "failed": "bad"}


@get(PAGE, include_in_schema=False)
async def show(request: AnyRequest, ctx: Context, actor: Actor, steps: Steps) -> Response[str]:
    """Of this moment."""
    return await _page(request, ctx, actor, steps)


@post(f"{PAGE}/migrate", include_in_schema=False)
async def migrate(request: AnyRequest, ctx: Context, actor: Actor, steps: Steps) -> Response[Any]:
    """Ask the clock; what is refused is said on the page."""
    form = await forms.read(request)
    try:
        async with entered(ctx, signed_in(request, actor)) as tx:
            await actions.ask(tx, ctx.settings, steps, model.AskMigration(dry_run=form.on("dry_run")))
    except Refusal as refusal:
        return await _page(request, ctx, actor, steps, refused=refusal.detail, code=refusal.status)
    return respond.done(request, PAGE)


async def _page(
    request: AnyRequest, ctx: Context, actor: Actor, steps: Steps, *, refused: str = "", code: int = 200
) -> Response[str]:
    async with entered(ctx, signed_in(request, actor)) as tx:
        health = await actions.health(tx, ctx.settings)
        metrics = await actions.metrics(tx, ctx.door)
        try:
            planned = await actions.plan(tx, steps)
        except Refusal as refusal:
            planned, refused = [], refused or refusal.detail
        requests = await actions.requests(tx)
        waiting = await alerts.waiting(tx)
    return respond.html(
        "operations/database.html",
        operator_shell(request, ctx, actor, "database", waiting=waiting),
        code=code,
        health=health,
        metrics=metrics,
        status=STATUS[health.status],
        planned=planned,
        requests=[(one, STATES[one.state]) for one in requests],
        refused=refused,
    )


ROUTES = (show, migrate)
