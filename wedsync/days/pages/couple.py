"""The couple's page of their wedding day."""

from typing import Any
from uuid import UUID

from litestar import Response, get, post

from wedsync.days.pages import desk
from wedsync.kit.actor import Actor
from wedsync.kit.db import Tx
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest, signed_in
from wedsync.web.shell import Shell
from wedsync.weddings.shell import couple_shell


def _seat(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> desk.Seat:
    async def frame(tx: Tx) -> Shell:
        return await couple_shell(request, ctx, tx, wedding_id, "schedule")

    who = signed_in(request, actor)
    return desk.Seat(
        request=request,
        base=f"/me/{wedding_id}/day",
        live=f"/me/{wedding_id}/fragments/live-day",
        enter=lambda: ctx.door.enter(who, wedding_id),
        frame=frame,
    )


@get("/me/{wedding_id:uuid}/day", include_in_schema=False)
async def show(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[Any]:
    """Now, next, who is there, what was amended."""
    return await desk.show(_seat(request, ctx, actor, wedding_id))


@get("/me/{wedding_id:uuid}/fragments/live-day", include_in_schema=False)
async def fragment(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[Any]:
    """What moves by itself."""
    return await desk.fragment(_seat(request, ctx, actor, wedding_id))


@post("/me/{wedding_id:uuid}/day", include_in_schema=False)
async def act(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[Any]:
    """A button or a form of it."""
    return await desk.act(_seat(request, ctx, actor, wedding_id))


ROUTES = (show, fragment, act)
