"""The studio's page of a wedding's schedule, where the couple lets the supplier change it: the couple's own page."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Response, get, post

from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Tx
from wedsync.kit.errors import Refusal
from wedsync.schedule import desk
from wedsync.suppliers.shell import supplier_shell
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest, signed_in
from wedsync.web.shell import Shell

queries = sql.load("wedsync.suppliers")
WEDDING = "/studio/{supplier_id:uuid}/weddings/{wedding_id:uuid}"
ITEM = f"{WEDDING}/schedule/{{item_id:uuid}}"


async def _seat(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID) -> desk.Seat:
    async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
        shell = await supplier_shell(request, ctx, tx, supplier_id, "weddings", wedding_id=wedding_id)
    below: Shell = msgspec.structs.replace(shell, base=f"{shell.base}/weddings/{wedding_id}")

    async def frame(tx: Tx) -> Shell:
        if not await tx.value(queries.may_edit_timeline):
            raise Refusal(403, "forbidden", "You may see the schedule, but not change it. Ask the couple to let you.")
        return below

    return desk.Seat(request=request, ctx=ctx, actor=actor, wedding_id=wedding_id, base=below.base, frame=frame)


@get(f"{WEDDING}/schedule", include_in_schema=False)
async def schedule(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID
) -> Response[Any]:
    """`?edit=` opens an item's form, `?new=1` an empty one."""
    return await desk.show(await _seat(request, ctx, actor, supplier_id, wedding_id))


@get(f"{WEDDING}/fragments/schedule", include_in_schema=False)
async def items_fragment(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID
) -> Response[Any]:
    """The days, when an item or an acknowledgement changed."""
    return await desk.items(await _seat(request, ctx, actor, supplier_id, wedding_id))


@post(f"{WEDDING}/schedule", include_in_schema=False)
async def add(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID) -> Response[Any]:
    """A new item."""
    return await desk.add(await _seat(request, ctx, actor, supplier_id, wedding_id))


@post(f"{ITEM}/preview", include_in_schema=False)
async def preview(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID, item_id: UUID
) -> Response[Any]:
    """What saving would move."""
    return await desk.preview(await _seat(request, ctx, actor, supplier_id, wedding_id), item_id)


@post(ITEM, include_in_schema=False)
async def save(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID, item_id: UUID
) -> Response[Any]:
    """Change an item and everything that moves with it."""
    return await desk.save(await _seat(request, ctx, actor, supplier_id, wedding_id), item_id)


@post(f"{ITEM}/remove", include_in_schema=False)
async def remove(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID, item_id: UUID
) -> Response[Any]:
    """What followed it stays where it is."""
    return await desk.remove(await _seat(request, ctx, actor, supplier_id, wedding_id), item_id)


@post(f"{WEDDING}/schedule/contacts", include_in_schema=False)
async def add_contact(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID
) -> Response[Any]:
    """Somebody to ring on the day."""
    return await desk.add_contact(await _seat(request, ctx, actor, supplier_id, wedding_id))


@post(f"{WEDDING}/schedule/contacts/{{contact_id:uuid}}/remove", include_in_schema=False)
async def remove_contact(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID, contact_id: UUID
) -> Response[Any]:
    """They are no longer shown to anybody."""
    return await desk.remove_contact(await _seat(request, ctx, actor, supplier_id, wedding_id), contact_id)


ROUTES = (schedule, items_fragment, add, preview, save, remove, add_contact, remove_contact)
