"""The studio's pages of spaces: the list, and the form of one."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from litestar import Response, get, post

from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.suppliers.shell import supplier_shell
from wedsync.venues import actions, model, view
from wedsync.web import forms, respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest, Form, signed_in
from wedsync.web.shell import Shell

queries = sql.load("wedsync.venues")
SPACES: Final = "/studio/{supplier_id:uuid}/spaces"


@get(SPACES, include_in_schema=False)
async def page(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID) -> Response[Any]:
    """All of them, and how many each takes."""
    async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
        shell = await supplier_shell(request, ctx, tx, supplier_id, "spaces")
        rows = await tx.rows(queries.spaces, None)
        may_manage = await _manages(tx)
    listed = [{**dict(row), "takes": view.takes(row)} for row in rows]
    return respond.html("venues/spaces.html", shell, spaces=listed, may_manage=may_manage)


@get(f"{SPACES}/new", include_in_schema=False)
async def new(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID) -> Response[Any]:
    """An empty form."""
    async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
        shell = await supplier_shell(request, ctx, tx, supplier_id, "spaces")
        return await _form(tx, shell, None, view.space_values())


@post(SPACES, include_in_schema=False)
async def add(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID) -> Response[Any]:
    """The form again where something is not right."""
    form = await forms.read(request)
    try:
        wanted = forms.checked(model.NewSpace, view.space_fields(form), view.WRONG)
        async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
            await actions.add(tx, wanted)
    except Refusal as refusal:
        return await _again(request, ctx, actor, supplier_id, None, form, refusal)
    return respond.done(request, f"/studio/{supplier_id}/spaces")


@get(f"{SPACES}/{{space_id:uuid}}", include_in_schema=False)
async def one(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, space_id: UUID) -> Response[Any]:
    """What is known of it."""
    async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
        shell = await supplier_shell(request, ctx, tx, supplier_id, "spaces")
        row = await _read(tx, space_id)
        return await _form(tx, shell, row, view.space_values(row))


@post(f"{SPACES}/{{space_id:uuid}}", include_in_schema=False)
async def save(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, space_id: UUID) -> Response[Any]:
    """Name, numbers, calendar, note."""
    form = await forms.read(request)
    try:
        given = view.space_fields(form)
        forms.checked(model.NewSpace, given, view.WRONG)
        change = forms.checked(model.SpaceChange, given, view.WRONG)
        async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
            fields = {name: getattr(change, name) for name in given}
            await actions.change(tx, space_id, fields, version=form.number("version"))
    except Refusal as refusal:
        return await _again(request, ctx, actor, supplier_id, space_id, form, refusal)
    return respond.done(request, f"/studio/{supplier_id}/spaces")


@post(f"{SPACES}/{{space_id:uuid}}/{{step:str}}", include_in_schema=False)
async def take_step(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, space_id: UUID, step: str
) -> Response[Any]:
    """Out of use, into use again, off the list."""
    form = await forms.read(request)
    async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
        if step == "remove":
            await actions.remove(tx, space_id, version=form.number("version"))
        elif step in ("retire", "revive"):
            await actions.change(tx, space_id, {"is_active": step == "revive"}, version=form.number("version"))
        else:
            raise not_found("page")
    return respond.done(request, f"/studio/{supplier_id}/spaces")


async def _manages(tx: Tx) -> bool:
    return await tx.value(queries.role) in ("owner", "admin")


async def _read(tx: Tx, space_id: UUID) -> Row:
    row = await tx.row(queries.spaces, space_id)
    if row is None:
        raise not_found("space")
    return row


async def _form(
    tx: Tx,
    shell: Shell,
    row: Mapping[str, Any] | None,
    typed: Mapping[str, str],
    *,
    errors: Mapping[str, str] | None = None,
    said: str = "",
    code: int = 200,
) -> Response[Any]:
    if not await _manages(tx):
        raise Refusal(403, "forbidden", "Only an owner or admin changes spaces. Ask one of them.")
    problems = dict(errors or {})
    booked = [("", "Not booked by itself")] + [(str(r["id"]), r["name"]) for r in await tx.rows(queries.resources)]
    return respond.html(
        "venues/space.html",
        shell,
        code=code,
        row=row,
        typed=typed,
        resources=booked,
        errors=problems,
        problems=list(problems.items()),
        said=said,
    )


async def _again(
    request: AnyRequest,
    ctx: Context,
    actor: Actor,
    supplier_id: UUID,
    space_id: UUID | None,
    form: Form,
    refusal: Refusal,
) -> Response[Any]:
    """What is not right stands beside its field as typed; who was slower goes on from what it is now."""
    if refusal.status not in (412, 422):
        raise refusal
    async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
        shell = await supplier_shell(request, ctx, tx, supplier_id, "spaces")
        row = None if space_id is None else await _read(tx, space_id)
        is_late = refusal.status == 412
        typed = view.space_values(row) if is_late else view.typed(form, view.SPACE)
        said, errors = refusal.detail if is_late else "", forms.errors_of(refusal)
        return await _form(tx, shell, row, typed, errors=errors, said=said, code=refusal.status)


ROUTES = (page, new, add, one, save, take_step)
