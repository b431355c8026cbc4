"""The operator's page of health: what is not well first, then what was measured, what stands in, what changed."""

from typing import Final

from litestar import Response, get

from wedsync.kit.actor import Actor
from wedsync.operations.drawing import values
from wedsync.operations.health import reading
from wedsync.operations.platform import entered
from wedsync.operations.shell import BASE, operator_shell
from wedsync.operations.slo import actions as alerts
from wedsync.operations.slo import reading as slo
from wedsync.web import forms, respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest, signed_in

PAGE: Final = f"{BASE}/health"


@get(PAGE, include_in_schema=False)
async def show(request: AnyRequest, ctx: Context, actor: Actor) -> Response[str]:
    """Of this moment."""
    async with entered(ctx, signed_in(request, actor)) as tx:
        found = await reading.health(tx, ctx.settings)
        breakers = await reading.breakers(tx)
        promises = await slo.slo(tx)
        waiting = await alerts.waiting(tx)
    shell = operator_shell(request, ctx, actor, "health", waiting=waiting)
    template = "operations/_health.html" if forms.is_fragment(request) else "operations/health.html"
    return respond.html(template, shell, **values(found, breakers, promises))


ROUTES = (show,)
