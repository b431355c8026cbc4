"""The JSON door of the preflight, for the operator alone."""

from typing import Final

from litestar import get, post

from wedsync.kit.actor import Actor
from wedsync.operations.platform import entered, operator
from wedsync.operations.preflight import actions
from wedsync.operations.preflight.actions import Kept, Look
from wedsync.operations.preflight.model import Report
from wedsync.web.context import Context

PATH: Final = "/api/v1/platform/preflight"


@get(
    PATH,
    summary="Preflights that were made",
    description="For the operator: the newest reports of Friday's preflight, each with what is to be done and when the "
    "operators were mailed.",
)
async def made(ctx: Context, actor: Actor) -> list[Kept]:
    """Newest first."""
    async with entered(ctx, actor) as tx:
        return await actions.reports(tx)


@post(
    PATH,
    status_code=200,
    summary="Look now",
    description="For the operator: looks at everything that the weddings of the next four days need: credentials, "
    "connections, queues, capacity, backups, certificates, freeze, standby, open matters. Nothing is kept or mailed.",
)
async def look_now(ctx: Context, actor: Actor, look: Look) -> Report:
    """As the process that answers sees its machine."""
    operator(actor)
    machine = await look()
    async with entered(ctx, actor) as tx:
        return await actions.examine(tx.value, ctx.settings, machine)


ROUTES = (made, look_now)
