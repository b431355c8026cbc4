"""The JSON door of the modes, for the operator; it is open in read-only mode too."""

from typing import Final
from uuid import UUID

from litestar import get, post

from wedsync.kit.actor import Actor
from wedsync.operations.modes import actions
from wedsync.operations.modes.model import EnterMode, PlatformMode, PlatformModes
from wedsync.operations.platform import entered
from wedsync.web.context import Context

PATH: Final = "/api/v1/platform/modes"


@get(
    PATH,
    summary="Modes of the platform",
    description="For the operator: which are in force, and those of the last 30 days, with who entered them and why. "
    "`shedding`: processes of the web that are late and send away what can wait, by themselves.",
)
async def modes(ctx: Context, actor: Actor) -> PlatformModes:
    """None is ever deleted."""
    async with entered(ctx, actor) as tx:
        return PlatformModes(items=await actions.recent(tx), shedding=await actions.shedding(tx))


@post(
    PATH,
    summary="Enter a mode",
    description="For the operator. `read_only`: whoever changes something is answered with 503, Retry-After and what "
    "works; deliveries go on. `late`: it is said that what leaves WedSync is late. In force within a second, shown on "
    "every page, told once to weddings that are live or will be within 72 hours, over by itself after `minutes`. "
    "Entered again it has a new end.",
)
async def enter(ctx: Context, actor: Actor, data: EnterMode) -> PlatformMode:
    """Kept with who, when and why."""
    async with entered(ctx, actor) as tx:
        return await actions.enter(tx, data)


@post(
    f"{PATH}/{{mode_id:uuid}}/leave",
    status_code=200,
    summary="Leave a mode",
    description="Before its time, by any operator; the weddings that were told are told that it is over.",
)
async def leave(ctx: Context, actor: Actor, mode_id: UUID) -> PlatformMode:
    """Twice is once."""
    async with entered(ctx, actor) as tx:
        return await actions.leave(tx, mode_id)


ROUTES = (modes, enter, leave)
