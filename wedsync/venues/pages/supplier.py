"""A venue's form of what it gives to one part of a wedding: the space, its arrangement, when it is set up."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post

from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.suppliers.shell import wedding_shell
from wedsync.venues import actions, model, view
from wedsync.web import forms, respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest, Form, signed_in
from wedsync.web.shell import Shell

queries = sql.load("wedsync.venues")
USES: Final = "/studio/{supplier_id:uuid}/weddings/{wedding_id:uuid}/spaces"


@get(f"{USES}/new", include_in_schema=False)
async def new(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID) -> Response[Any]:
    """An empty form."""
    shell = await wedding_shell(request, ctx, actor, supplier_id, wedding_id)
    async with ctx.door.enter(actor, wedding_id) as tx:
        return await _form(tx, shell, None, view.use_values())


@post(USES, include_in_schema=False)
async def give(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID) -> Response[Any]:
    """The form again where something is not right."""
    form = await forms.read(request)
    try:
        wanted = forms.checked(model.NewSpaceUse, view.use_fields(form), view.WRONG)
        async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
            await actions.give(tx, wanted)
    except Refusal as refusal:
        return await _again(request, ctx, actor, supplier_id, wedding_id, None, form, refusal)
    return respond.done(request, f"/studio/{supplier_id}/weddings/{wedding_id}#spaces")


@get(f"{USES}/{{use_id:uuid}}", include_in_schema=False)
async def one(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID, use_id: UUID
) -> Response[Any]:
    """What is given."""
    shell = await wedding_shell(request, ctx, actor, supplier_id, wedding_id)
    async with ctx.door.enter(actor, wedding_id) as tx:
        row = await _read(tx, use_id)
        return await _form(tx, shell, row, view.use_values(row))


@post(f"{USES}/{{use_id:uuid}}", include_in_schema=False)
async def save(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID, use_id: UUID
) -> Response[Any]:
    """Another space, arrangement, part of the day, or time."""
    form = await forms.read(request)
    try:
        wanted = msgspec.structs.asdict(forms.checked(model.NewSpaceUse, view.use_fields(form), view.WRONG))
        async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
            await actions.rearrange(tx, use_id, wanted, version=form.number("version"))
    except Refusal as refusal:
        return await _again(request, ctx, actor, supplier_id, wedding_id, use_id, form, refusal)
    return respond.done(request, f"/studio/{supplier_id}/weddings/{wedding_id}#spaces")


@post(f"{USES}/{{use_id:uuid}}/remove", include_in_schema=False)
async def remove(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID, use_id: UUID
) -> Response[Any]:
    """Give it no longer."""
    form = await forms.read(request)
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        await actions.withdraw(tx, use_id, version=form.number("version"))
    return respond.done(request, f"/studio/{supplier_id}/weddings/{wedding_id}#spaces")


async def _read(tx: Tx, use_id: UUID) -> Row:
    row = await tx.row(queries.one, use_id)
    if row is None:
        raise not_found("item")
    return row


async def _form(
    tx: Tx,
    shell: Shell,
    row: Row | None,
    typed: Mapping[str, str],
    *,
    errors: Mapping[str, str] | None = None,
    said: str = "",
    code: int = 200,
) -> Response[Any]:
    about = await tx.row(queries.about)
    if about is None or about["link_id"] is None:
        raise not_found("page")
    problems = dict(errors or {})
    chosen = (None, "") if row is None else (row["space_id"], row["name"])
    return respond.html(
        "venues/use.html",
        shell,
        code=code,
        path=f"{shell.base}/weddings/{about['id']}",
        couple=about["couple_names"],
        row=row,
        typed=typed,
        parts=view.parts(await tx.rows(queries.items, None), about["time_zone"]),
        offers=view.offers(await tx.rows(queries.offered, None), *chosen),
        arranged=view.ARRANGED,
        errors=problems,
        problems=list(problems.items()),
        said=said,
    )


async def _again(
    request: AnyRequest,
    ctx: Context,
    actor: Actor,
    supplier_id: UUID,
    wedding_id: UUID,
    use_id: UUID | None,
    form: Form,
    refusal: Refusal,
) -> Response[Any]:
    """What is not right stands beside its field, or on top; who was slower chooses again from what it is now."""
    if refusal.status not in (409, 412, 422):
        raise refusal
    shell = await wedding_shell(request, ctx, actor, supplier_id, wedding_id)
    async with ctx.door.enter(actor, wedding_id) as tx:
        row = None if use_id is None else await _read(tx, use_id)
        said = "" if refusal.errors else refusal.detail
        typed = view.use_values(row) if refusal.status == 412 else view.typed(form, view.USE)
        errors = forms.errors_of(refusal)
        return await _form(tx, shell, row, typed, errors=errors, said=said, code=refusal.status)


ROUTES = (new, give, one, save, remove)
