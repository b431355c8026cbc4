"""The JSON door of openings: the operators' own, and what a couple sees and ends of those of its wedding."""

from typing import Final
from uuid import UUID

from litestar import get, post

from wedsync.kit.actor import Actor
from wedsync.operations import security
from wedsync.operations.openings import actions
from wedsync.operations.openings.model import AskOpening, Opening, Openings, Part, Shown
from wedsync.operations.platform import entered
from wedsync.web.context import Context

PATH: Final = "/api/v1/platform/openings"
OURS: Final = "/api/v1/weddings/{wedding_id:uuid}/openings"


@get(
    PATH,
    summary="Openings of weddings",
    description="For the operator: the last hundred, newest first, with who asked, who approved, why, and every look. "
    "Of a wedding only its id.",
)
async def openings(ctx: Context, actor: Actor) -> Openings:
    """None is ever deleted but with its wedding."""
    async with entered(ctx, actor) as tx:
        return Openings(items=await actions.listed(tx))


@post(
    PATH,
    summary="Ask for an opening",
    description="One operator asks to read one wedding, with a reason that its couple will read; within an hour "
    "another one approves, or nothing comes of it.",
)
async def ask(ctx: Context, actor: Actor, data: AskOpening) -> Opening:
    """Nothing is open yet."""
    async with entered(ctx, actor) as tx:
        return await actions.one(tx, await actions.ask(tx, data))


@post(
    f"{PATH}/{{opening_id:uuid}}/approve",
    status_code=200,
    summary="Approve an opening",
    description="By another operator than the one who asked (403). The couple is told, and from now on it is open for "
    "its minutes, to the one who asked.",
)
async def approve(ctx: Context, actor: Actor, opening_id: UUID) -> Opening:
    """Open from the commit on."""
    async with entered(ctx, actor) as tx:
        await actions.approve(tx, opening_id)
        return await actions.one(tx, opening_id)


@post(
    f"{PATH}/{{opening_id:uuid}}/end",
    status_code=200,
    summary="End an opening",
    description="Before its time, by any operator.",
)
async def end(ctx: Context, actor: Actor, opening_id: UUID) -> Opening:
    """Twice is once."""
    async with entered(ctx, actor) as tx:
        await actions.end(tx, opening_id)
        return await actions.one(tx, opening_id)


@get(
    f"{PATH}/{{opening_id:uuid}}/wedding/{{part:str}}",
    summary="Look at an opened wedding",
    description="For the operator who asked, while it is open: `wedding`, `schedule`, `guests`, `suppliers`, `tasks` "
    "or `deliveries`, up to 1000 rows. Never the budget, contacts, dietary needs or notes. Each look is kept and shown "
    "to the couple.",
)
async def look(ctx: Context, actor: Actor, opening_id: UUID, part: Part) -> Shown:
    """404 where it is not open, or no longer."""
    return await actions.look(ctx.door.regardless(), actor, opening_id, part)


@get(
    OURS,
    summary="Openings of this wedding",
    description="For the couple: which operators of WedSync may or could read it, why, until when, and each look.",
)
async def ours(ctx: Context, actor: Actor, wedding_id: UUID) -> Openings:
    """Raises Refusal 403 for everybody but the couple."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        await security.allow(tx, "couple")
        return Openings(items=await actions.listed(tx))


@post(
    f"{OURS}/{{opening_id:uuid}}/end",
    status_code=200,
    summary="Close the wedding again",
    description="For the couple: an opening ends at once, or is refused before anybody has approved it.",
)
async def close(ctx: Context, actor: Actor, wedding_id: UUID, opening_id: UUID) -> Opening:
    """In read-only mode too."""
    async with ctx.door.regardless().enter(actor, wedding_id) as tx:
        await security.allow(tx, "couple")
        await actions.end(tx, opening_id)
        return await actions.one(tx, opening_id)


ROUTES = (openings, ask, approve, end, look, ours, close)
