"""The JSON door of the database: health, metrics, and the request to bring it forward; for the operator alone."""

from typing import Final

from litestar import Response, get, post

from wedsync.kit.actor import Actor
from wedsync.operations.database import actions, model
from wedsync.operations.database.actions import Steps
from wedsync.operations.platform import entered
from wedsync.web.context import Context

PATH: Final = "/api/database"


@get(
    f"{PATH}/health",
    summary="Health of the database",
    description="For the operator: whether it is fit for the weddings of the next 72 hours, connections by face, "
    "replication, the oldest transaction, bloat, storage and its growth, the season ahead, and what to do.",
)
async def health(ctx: Context, actor: Actor) -> model.Health:
    """Of this moment."""
    async with entered(ctx, actor) as tx:
        return await actions.health(tx, ctx.settings)


@get(
    f"{PATH}/metrics",
    summary="Metrics of the database",
    description="For the operator: slow queries with what to do about them and the weddings at risk, how much is read "
    "from memory, pools by face, the largest tables.",
)
async def metrics(ctx: Context, actor: Actor) -> model.Metrics:
    """Statements come from pg_stat_statements where the server has it; what runs now always."""
    async with entered(ctx, actor) as tx:
        return await actions.metrics(tx, ctx.door)


@get(
    f"{PATH}/migrate",
    summary="What would be migrated",
    description="For the operator: the files that the database lacks, and what in them would hold people up.",
)
async def planned(ctx: Context, actor: Actor, steps: Steps) -> list[model.Planned]:
    """Changes nothing."""
    async with entered(ctx, actor) as tx:
        return await actions.plan(tx, steps)


@get(
    f"{PATH}/migrations",
    summary="Requests to migrate",
    description="For the operator: the newest requests, and what came of them.",
)
async def requested(ctx: Context, actor: Actor) -> list[model.Request]:
    """None is ever deleted."""
    async with entered(ctx, actor) as tx:
        return await actions.requests(tx)


@post(
    f"{PATH}/migrate",
    status_code=202,
    summary="Ask for the migration",
    description="For the operator: plans, and stores a request that the clock applies. 423 with the reason and the "
    "next window while the platform is frozen. `dry_run` does everything in one transaction and takes it back.",
)
async def migrate(
    ctx: Context, actor: Actor, steps: Steps, data: model.AskMigration | None = None
) -> Response[model.Request]:
    """What came of it stands at /api/database/migrations."""
    async with entered(ctx, actor) as tx:
        asked = await actions.ask(tx, ctx.settings, steps, data or model.AskMigration())
    return Response(asked, status_code=202)


ROUTES = (health, metrics, planned, requested, migrate)
