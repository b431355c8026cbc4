"""The couple's page of the schedule: the days, a form per item, the ripple before it is saved, whom to call."""

from typing import Any
from uuid import UUID

from litestar import Response, get, post

from wedsync.kit.actor import Actor
from wedsync.kit.db import Tx
from wedsync.schedule import desk
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest, signed_in
from wedsync.web.shell import Shell
from wedsync.weddings.shell import couple_shell


def _seat(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> desk.Seat:
    async def frame(tx: Tx) -> Shell:
        return await couple_shell(request, ctx, tx, wedding_id, "schedule")

    return desk.Seat(
        request=request,
        ctx=ctx,
        actor=signed_in(request, actor),
        wedding_id=wedding_id,
        base=f"/me/{wedding_id}",
        frame=frame,
    )


@get("/me/{wedding_id:uuid}/schedule", include_in_schema=False)
async def schedule(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[Any]:
    """`?edit=` opens an item's form, `?new=1` an empty one."""
    return await desk.show(_seat(request, ctx, actor, wedding_id))


@get("/me/{wedding_id:uuid}/fragments/schedule", include_in_schema=False)
async def items_fragment(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[Any]:
    """The days, when an item or an acknowledgement changed."""
    return await desk.items(_seat(request, ctx, actor, wedding_id))


@post("/me/{wedding_id:uuid}/schedule", include_in_schema=False)
async def add(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[Any]:
    """A new item."""
    return await desk.add(_seat(request, ctx, actor, wedding_id))


@post("/me/{wedding_id:uuid}/schedule/{item_id:uuid}/preview", include_in_schema=False)
async def preview(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, item_id: UUID) -> Response[Any]:
    """What saving would move."""
    return await desk.preview(_seat(request, ctx, actor, wedding_id), item_id)


@post("/me/{wedding_id:uuid}/schedule/{item_id:uuid}", include_in_schema=False)
async def save(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, item_id: UUID) -> Response[Any]:
    """Change an item and everything that moves with it."""
    return await desk.save(_seat(request, ctx, actor, wedding_id), item_id)


@post("/me/{wedding_id:uuid}/schedule/{item_id:uuid}/remove", include_in_schema=False)
async def remove(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, item_id: UUID) -> Response[Any]:
    """What followed it stays where it is."""
    return await desk.remove(_seat(request, ctx, actor, wedding_id), item_id)


@post("/me/{wedding_id:uuid}/schedule/contacts", include_in_schema=False)
async def add_contact(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[Any]:
    """Somebody to ring on the day."""
    return await desk.add_contact(_seat(request, ctx, actor, wedding_id))


@post("/me/{wedding_id:uuid}/schedule/contacts/{contact_id:uuid}/remove", include_in_schema=False)
async def remove_contact(
    request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, contact_id: UUID
) -> Response[Any]:
    """They are no longer shown to anybody."""
    return await desk.remove_contact(_seat(request, ctx, actor, wedding_id), contact_id)


ROUTES = (schedule, items_fragment, add, preview, save, remove, add_contact, remove_contact)
