"""The JSON door of the platform: how its parts stand, and which breakers are open; for the operator alone."""

from litestar import get

from wedsync.kit.actor import Actor
from wedsync.operations.health import reading
from wedsync.operations.platform import entered
from wedsync.web.context import Context


@get(
    "/api/v1/platform/health",
    summary="Health of the platform",
    description="For the operator: every part with its status; what was measured in the last hour with percentiles, "
    "rates and freshness; processes; what stands in for what; what changed lately; the freeze.",
)
async def health(ctx: Context, actor: Actor) -> reading.Health:
    """Of this moment; the database's own is at /api/database/health."""
    async with entered(ctx, actor) as tx:
        return await reading.health(tx, ctx.settings)


@get(
    "/api/v1/platform/breakers",
    summary="Breakers",
    description="For the operator: of each connector how many destinations fail, and hosts that several tenants share.",
)
async def breakers(ctx: Context, actor: Actor) -> list[reading.Breaker]:
    """A host is named only where more than one tenant uses it, and something was wrong with it."""
    async with entered(ctx, actor) as tx:
        return await reading.breakers(tx)


ROUTES = (health, breakers)
