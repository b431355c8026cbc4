"""The operator's page of the preflight: how it stands now, and what was found before."""

from typing import Any, Final

from litestar import Response, get

from wedsync.kit.actor import Actor
from wedsync.operations.platform import entered, operator
from wedsync.operations.preflight import actions
from wedsync.operations.preflight.actions import Kept, Look
from wedsync.operations.preflight.model import Report
from wedsync.operations.shell import BASE, operator_shell
from wedsync.operations.slo import actions as alerts
from wedsync.web import respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest, signed_in

PAGE: Final = f"{BASE}/preflight"
STATUS: Final = {"bad": ("Now", "bad"), "look": ("Look", "wait"), "good": ("Well", "good")}


@get(PAGE, include_in_schema=False)
async def show(request: AnyRequest, ctx: Context, actor: Actor, look: Look) -> Response[str]:
    """Of this moment, as the process that answers sees its machine."""
    operator(signed_in(request, actor))
    machine = await look()
    async with entered(ctx, actor) as tx:
        report = await actions.examine(tx.value, ctx.settings, machine)
        made = await actions.reports(tx)
        waiting = await alerts.waiting(tx)
    return respond.html(
        "operations/preflight.html",
        operator_shell(request, ctx, actor, "preflight", waiting=waiting),
        **values(report, made),
    )


def values(report: Report, made: list[Kept]) -> dict[str, Any]:
    """What the template is given."""
    well = [one for one in report.checks if one.status == "good"]
    return {
        "report": report,
        "to_do": [(one, *STATUS[one.status]) for one in report.to_do],
        "well": well,
        "made": [(one, *STATUS["good" if one.is_ready else "bad"]) for one in made],
    }


ROUTES = (show,)
