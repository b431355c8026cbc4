"""A supplier's tasks of one wedding, on its page: done, taken on or declined with one press."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from litestar import Response, post

from wedsync.kit.actor import Actor
from wedsync.kit.db import Tx
from wedsync.suppliers import view as weddings
from wedsync.suppliers.shell import supplier_shell
from wedsync.tasks import actions, answering
from wedsync.web import forms, respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest, signed_in

AT = "/studio/{supplier_id:uuid}/weddings/{wedding_id:uuid}/tasks/{task_id:uuid}"
Act = Callable[[Tx], Awaitable[object]]


@post(f"{AT}/done", include_in_schema=False)
async def finish(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID, task_id: UUID
) -> Response[Any]:
    """One press."""
    return await _after(request, ctx, actor, supplier_id, wedding_id, lambda tx: actions.finish(tx, task_id))


@post(f"{AT}/answer", include_in_schema=False)
async def answer(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID, task_id: UUID
) -> Response[Any]:
    """They do it, or cannot."""
    said = answering.answer(await forms.read(request))
    return await _after(request, ctx, actor, supplier_id, wedding_id, lambda tx: actions.answer(tx, task_id, said))


@post(f"{AT}/hush", include_in_schema=False)
async def hush(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID, task_id: UUID
) -> Response[Any]:
    """Reminded later, or not any more."""
    form = await forms.read(request)

    async def act(tx: Tx) -> None:
        await actions.hush(tx, task_id, await answering.hush(tx, task_id, form))

    return await _after(request, ctx, actor, supplier_id, wedding_id, act)


async def _after(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID, act: Act
) -> Response[Any]:
    """The list alone for scripts, the page for everybody else."""
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        await act(tx)
    if not forms.is_fragment(request):
        return respond.see_other(f"/studio/{supplier_id}/weddings/{wedding_id}#tasks")
    async with ctx.door.enter(actor, supplier_id) as tx:
        shell = await supplier_shell(request, ctx, tx, supplier_id, "weddings", wedding_id=wedding_id)
    async with ctx.door.enter(actor, wedding_id) as tx:
        seen = await weddings.wedding(tx, wedding_id)
    values = weddings.values(seen, base=f"{shell.base}/weddings/{wedding_id}", may_acknowledge=True)
    return respond.html("suppliers/_wedding_tasks.html", shell, **values)


ROUTES = (finish, answer, hush)
