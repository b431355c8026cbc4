"""The JSON door of the protocol: whether a wedding is ready, what hangs on who does not come, and day packs."""

from uuid import UUID

import msgspec
from litestar import Response, get

from wedsync.days import actions as days
from wedsync.days.actions import queries as plans
from wedsync.days.model import DayPack
from wedsync.kit.actor import Actor
from wedsync.operations.platform import entered
from wedsync.operations.wedding_day import readiness, reading
from wedsync.web.context import Context, as_struct

WEDDING = "/api/v1/weddings/{wedding_id:uuid}"


class DayPackPage(msgspec.Struct, frozen=True, kw_only=True):
    """Day packs, newest first; the last five of each audience are kept."""

    items: list[DayPack]
    next: str | None = None


@get(
    f"{WEDDING}/readiness",
    summary="Whether everything is ready",
    description="A score from 0 to 100 and what it is made of: each check says what is missing, of which supplier, and "
    "on which page it is mended. For the couple.",
)
async def get_readiness(ctx: Context, actor: Actor, wedding_id: UUID) -> readiness.Readiness:
    """403 for everybody else."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        return await reading.judged(tx)


@get(
    f"{WEDDING}/arrivals/{{arrival_id:uuid}}/impact",
    summary="What hangs on who does not come",
    description="What is held up if they came now, and businesses of the same trade that are free that day. For the "
    "couple and whoever leads the day; the latter see nobody who could stand in.",
)
async def get_impact(ctx: Context, actor: Actor, wedding_id: UUID, arrival_id: UUID) -> reading.Missing:
    """404 for whoever does not see it."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        return await reading.missing(tx, arrival_id)


@get(
    f"{WEDDING}/day-packs",
    summary="Day packs",
    description="Made a week, a day and two hours before, and with every amendment; a supplier sees its own.",
)
async def list_packs(ctx: Context, actor: Actor, wedding_id: UUID) -> DayPackPage:
    """The couple sees everybody's."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        return DayPackPage(items=[as_struct(DayPack, row) for row in await tx.rows(plans.packs)])


@get(
    f"{WEDDING}/day-packs/{{pack_id:uuid}}",
    summary="A day pack's file",
    description="One HTML file that opens without a network.",
)
async def get_pack(ctx: Context, actor: Actor, wedding_id: UUID, pack_id: UUID) -> Response[bytes]:
    """As it was made."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        return reading.as_file(await days.open_pack(tx, ctx.ring, pack_id))


@get(
    f"{WEDDING}/afterwards",
    summary="What is still open after the day",
    description="Which stages have begun, photographs and films that were promised, money that is asked for, and "
    "tasks: each as far as you see it.",
)
async def get_afterwards(ctx: Context, actor: Actor, wedding_id: UUID) -> reading.Afterwards:
    """For everybody of the wedding."""
    async with ctx.door.enter(actor, wedding_id) as tx:
        return await reading.afterwards(tx)


@get(
    "/api/v1/platform/wedding-days",
    summary="Wedding days of the platform",
    description="How many weddings are live or will be within 72 hours, and which accounts are in safe mode for them: "
    "asked a fifth as often, with what they say of the wedding proposed; and who sends mail and stands in, warm "
    "while one is live. For operators.",
)
async def get_today(ctx: Context, actor: Actor) -> reading.Today:
    """Counts only."""
    async with entered(ctx, actor) as tx:
        return await reading.today(tx)


ROUTES = (get_today, get_readiness, get_afterwards, get_impact, list_packs, get_pack)
