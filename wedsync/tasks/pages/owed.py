"""The couple's chase list: who still owes them what, and one press that asks how it goes."""

from typing import Any
from uuid import UUID

from litestar import Response, get, post

from wedsync.kit.actor import Actor
from wedsync.kit.db import Tx
from wedsync.kit.errors import Refusal
from wedsync.tasks import actions, owing, photos, view
from wedsync.web import respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest, signed_in
from wedsync.web.shell import Shell
from wedsync.weddings.shell import couple_shell


@get("/me/{wedding_id:uuid}/tasks/owed", include_in_schema=False)
async def owed(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[Any]:
    """Those first who need a word."""
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        shell = await couple_shell(request, ctx, tx, wedding_id, "tasks")
        return await _list(tx, shell, "tasks/owed.html")


@get("/me/{wedding_id:uuid}/fragments/owed", include_in_schema=False)
async def owed_fragment(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[Any]:
    """The list, when a task changed."""
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        shell = await couple_shell(request, ctx, tx, wedding_id, "tasks")
        return await _list(tx, shell, "tasks/_owed.html")


@post("/me/{wedding_id:uuid}/tasks/{task_id:uuid}/chase", include_in_schema=False)
async def chase(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, task_id: UUID) -> Response[Any]:
    """Whoever was asked an hour ago is not asked again; the list says when they were."""
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        try:
            await actions.chase(tx, task_id)
        except Refusal as refusal:
            if refusal.status != 409:
                raise
    return respond.done(request, f"/me/{wedding_id}/tasks/owed")


@get("/me/{wedding_id:uuid}/tasks/{task_id:uuid}/photo", include_in_schema=False)
async def photo(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, task_id: UUID) -> Response[bytes]:
    """The photograph that shows a task is done."""
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        return await photos.served(tx, ctx.ring, task_id)


async def _list(tx: Tx, shell: Shell, template: str) -> Response[Any]:
    wedding = await tx.row(view.queries.wedding)
    found = [] if wedding is None else await owing.read(tx, wedding["today"])
    return respond.html(template, shell, owing=found, members=f"{shell.base}/settings")


ROUTES = (owed, owed_fragment, chase, photo)
