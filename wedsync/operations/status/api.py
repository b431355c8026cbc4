"""The JSON doors of the public page: anybody's, and the operator's who announces."""

from typing import Final
from uuid import UUID

from litestar import Response, get, post

from wedsync.kit.actor import Actor
from wedsync.operations.platform import entered
from wedsync.operations.status import actions, model, windows
from wedsync.operations.status.actions import Kept
from wedsync.web.context import Context

PATH: Final = "/api/v1/platform"
PUBLIC: Final = {"Cache-Control": "public, max-age=15"}


@get(
    "/status.json",
    summary="Status",
    description="For anybody, without signing in: how each part of the platform does, what was announced, and what "
    "share of each day of 90 went well. At most 15 seconds old.",
)
async def status(kept: Kept) -> Response[model.Status]:
    """Nothing of any wedding or business."""
    return Response(await kept.status(), headers=PUBLIC)


@get(
    f"{PATH}/maintenance-windows",
    summary="Maintenance windows",
    description="For the operator: hours of the next three weeks that are clear of every wedding by two hours, the "
    "quietest by four weeks of load.",
)
async def proposed(ctx: Context, actor: Actor) -> list[windows.Proposal]:
    """At most three, a day apart."""
    async with entered(ctx, actor) as tx:
        return await actions.proposed(tx, ctx.settings)


@post(
    f"{PATH}/announcements",
    status_code=201,
    summary="Announce",
    description="For the operator: told to everybody at /status. A maintenance near a wedding is refused with 409.",
)
async def announce(ctx: Context, actor: Actor, kept: Kept, data: actions.Announce) -> actions.Announced:
    """Shown within 15 seconds."""
    async with entered(ctx, actor) as tx:
        id = await actions.announce(tx, ctx.settings, data)
    kept.forget()
    return actions.Announced(id=id)


@post(
    f"{PATH}/announcements/{{announcement_id:uuid}}/say",
    status_code=204,
    summary="Say more of an announcement",
    description="For the operator: one more word on what is open, how it is meanwhile, or that it is over.",
)
async def say_more(ctx: Context, actor: Actor, kept: Kept, announcement_id: UUID, data: actions.SayMore) -> None:
    """404 once it is over."""
    async with entered(ctx, actor) as tx:
        await actions.say_more(tx, announcement_id, data)
    kept.forget()


ROUTES = (status, proposed, announce, say_more)
