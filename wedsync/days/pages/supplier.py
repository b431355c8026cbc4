"""A supplier's page of a wedding day: the same screen, their own parts and their own coming to be said."""

from typing import Any
from uuid import UUID

from litestar import Response, get, post

from wedsync.days.pages import desk
from wedsync.kit.actor import Actor
from wedsync.kit.db import Tx
from wedsync.suppliers.shell import wedding_shell
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest, signed_in
from wedsync.web.shell import Shell

WEDDING = "/studio/{supplier_id:uuid}/weddings/{wedding_id:uuid}"


async def _seat(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID) -> desk.Seat:
    who, base = signed_in(request, actor), f"/studio/{supplier_id}/weddings/{wedding_id}"
    shell = await wedding_shell(request, ctx, who, supplier_id, wedding_id)

    async def frame(tx: Tx) -> Shell:
        return shell

    return desk.Seat(
        request=request,
        base=f"{base}/day",
        live=f"{base}/fragments/live-day",
        enter=lambda: ctx.door.enter(who, wedding_id),
        frame=frame,
    )


@get(f"{WEDDING}/day", include_in_schema=False)
async def show(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID) -> Response[Any]:
    """Now, next, who is there; whoever sees no schedule says at least when they come."""
    return await desk.show(await _seat(request, ctx, actor, supplier_id, wedding_id))


@get(f"{WEDDING}/fragments/live-day", include_in_schema=False)
async def fragment(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID
) -> Response[Any]:
    """What moves by itself."""
    return await desk.fragment(await _seat(request, ctx, actor, supplier_id, wedding_id))


@post(f"{WEDDING}/day", include_in_schema=False)
async def act(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID) -> Response[Any]:
    """A button or a form of it."""
    return await desk.act(await _seat(request, ctx, actor, supplier_id, wedding_id))


ROUTES = (show, fragment, act)
