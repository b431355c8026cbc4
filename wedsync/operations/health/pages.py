"""The operator's page of health: what is not well first, then what was measured, what stands in, what changed."""

from typing import Any, Final

from litestar import Response, get

from wedsync.kit.actor import Actor
from wedsync.operations.health import model, reading
from wedsync.operations.platform import entered
from wedsync.operations.shell import BASE, operator_shell
from wedsync.web import respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest, signed_in

PAGE: Final = f"{BASE}/health"
STATUS: Final = {"good": ("Well", "good"), "look": ("Look at it", "wait"), "bad": ("Not well", "bad")}
KINDS: Final = {
    "edge": "Answers",
    "lane": "Deliveries by lane",
    "channel": "Tries by connector",
    "probe": "Probes",
    "gauge": "Share of a limit",
}
HEIGHT: Final = 20.0


@get(PAGE, include_in_schema=False)
async def show(request: AnyRequest, ctx: Context, actor: Actor) -> Response[str]:
    """Of this moment."""
    async with entered(ctx, signed_in(request, actor)) as tx:
        found = await reading.health(tx, ctx.settings)
        breakers = await reading.breakers(tx)
    return respond.html(
        "operations/health.html", operator_shell(request, ctx, actor, "health"), **values(found, breakers)
    )


def values(found: reading.Health, breakers: list[reading.Breaker]) -> dict[str, Any]:
    """What the template needs."""
    return {
        "health": found,
        "status": STATUS[found.status],
        "troubles": [(one, *STATUS[one.status]) for one in found.parts if one.status != "good"],
        "well": [one for one in found.parts if one.status == "good"],
        "groups": [
            (title, [(one, spark(one)) for one in found.signals if one.kind == kind])
            for kind, title in KINDS.items()
            if any(one.kind == kind for one in found.signals)
        ],
        "breakers": [(one, one.state.replace("_", " "), _tone(one)) for one in breakers],
        "changes": [(one, STATUS[one.was][0], *STATUS[one.status]) for one in found.changes],
    }


def spark(signal: model.Signal) -> list[tuple[float, float, float, str]]:
    """Bars (x, y, height, kind) in a box of sixty by twenty; what was bad stands on top of what was good."""
    top = max([*signal.points, 1.0 if signal.kind == "gauge" else 0.0])
    if top <= 0:
        return []
    bars = []
    for x, (value, bad) in enumerate(zip(signal.points, signal.bad_points, strict=True)):
        whole, part = HEIGHT * value / top, HEIGHT * bad / top
        if value:
            bars.append((float(x), round(HEIGHT - whole, 2), round(whole, 2), "accent"))
        if bad:
            bars.append((float(x), round(HEIGHT - whole, 2), round(max(part, 2.0), 2), "bad"))
    return bars


def _tone(one: reading.Breaker) -> str:
    return {"open": "bad", "half_open": "wait"}.get(one.state, "good")


ROUTES = (show,)
