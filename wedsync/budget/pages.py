"""The couple's page of the budget: lines and payments, typed as people write money, for the two of them only."""

from typing import Any
from uuid import UUID

from litestar import Response, get, post

from wedsync.budget import actions, model, view
from wedsync.budget.reading import read
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.errors import Refusal, not_found
from wedsync.web import conflict, forms, respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest, Form, signed_in
from wedsync.web.shell import Shell
from wedsync.weddings.model import changed_fields
from wedsync.weddings.shell import couple_shell

queries = sql.load("wedsync.budget")


@get("/me/{wedding_id:uuid}/budget", include_in_schema=False)
async def budget(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[Any]:
    """`?edit=` opens a line's form and its payments."""
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        shell = await couple_shell(request, ctx, tx, wedding_id, "budget")
        held = await read(tx)
    line = view.find(held, request.query_params.get("edit"))
    return _page(shell, held, line, editing=view.form_values(line))


def _page(
    shell: Shell,
    held: model.Budget,
    line: model.PlannedLine | None,
    *,
    editing: dict[str, Any],
    errors: dict[str, str] | None = None,
    code: int = 200,
) -> Response[Any]:
    return respond.html(
        "budget/budget.html",
        shell,
        code=code,
        editing=editing,
        categories=view.categories(line),
        kinds=view.KINDS,
        errors=errors or {},
        problems=list((errors or {}).items()),
        **view.values(held),
    )


@get("/me/{wedding_id:uuid}/fragments/budget", include_in_schema=False)
async def lines_fragment(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[Any]:
    """The lines, when one of them, a payment or a head count changed."""
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        shell = await couple_shell(request, ctx, tx, wedding_id, "budget")
        held = await read(tx)
    return respond.html("budget/_lines.html", shell, **view.values(held))


@post("/me/{wedding_id:uuid}/budget", include_in_schema=False)
async def add(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[Any]:
    """A new line; the form again where something is not right."""
    form = await forms.read(request)
    try:
        async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
            held = await read(tx)
            await actions.add_line(tx, forms.checked(model.NewLine, view.fields(form, held.currency), view.WRONG))
    except Refusal as refusal:
        return await _again(request, ctx, actor, wedding_id, form, refusal)
    return respond.done(request, f"/me/{wedding_id}/budget")


@post("/me/{wedding_id:uuid}/budget/{line_id:uuid}", include_in_schema=False)
async def save(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, line_id: UUID) -> Response[Any]:
    """What a line is for and what it costs."""
    form = await forms.read(request)
    try:
        async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
            line = view.find(await read(tx), line_id)
            if line is None:
                raise not_found("item")
            change = forms.checked(model.LineChange, view.fields(form, line.currency), view.WRONG)
            await actions.change_line(tx, line_id, changed_fields(change), version=form.number("version"))
    except Refusal as refusal:
        return await _again(request, ctx, actor, wedding_id, form, refusal, line_id)
    return respond.done(request, f"/me/{wedding_id}/budget")


async def _again(
    request: AnyRequest,
    ctx: Context,
    actor: Actor,
    wedding_id: UUID,
    form: Form,
    refusal: Refusal,
    line_id: UUID | None = None,
) -> Response[Any]:
    """Who was slower chooses; what is not right stands beside its field as typed; other refusals go their way."""
    is_asked = conflict.is_asked(refusal, form, view.LABELS)
    if not is_asked and (refusal.status != 422 or forms.is_fragment(request)):
        raise refusal
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        shell = await couple_shell(request, ctx, tx, wedding_id, "budget")
        held = await read(tx)
        line = view.find(held, line_id)
        if is_asked:
            return await conflict.page(tx, shell, form, view.edited(line, f"{shell.base}/budget"))
    kept = view.form_values(line)
    editing = view.typed(form, kept) if form.has("title") else kept
    return _page(shell, held, line, editing=editing, errors=view.errors(refusal), code=422)


@post("/me/{wedding_id:uuid}/budget/{line_id:uuid}/remove", include_in_schema=False)
async def remove(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, line_id: UUID) -> Response[Any]:
    """With its payments."""
    form = await forms.read(request)
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        await actions.remove_line(tx, line_id, version=form.number("version"))
    return respond.done(request, f"/me/{wedding_id}/budget")


@post("/me/{wedding_id:uuid}/budget/{line_id:uuid}/payments", include_in_schema=False)
async def add_payment(
    request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, line_id: UUID
) -> Response[Any]:
    """Scheduled, or made already."""
    form = await forms.read(request)
    try:
        async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
            line = view.find(await read(tx), line_id)
            if line is None:
                raise not_found("item")
            new = forms.checked(model.NewPayment, view.payment_fields(form, line.currency), view.WRONG)
            await actions.add_payment(tx, line_id, new)
    except Refusal as refusal:
        return await _again(request, ctx, actor, wedding_id, form, refusal, line_id)
    return respond.done(request, f"/me/{wedding_id}/budget?edit={line_id}#payment-form")


@post("/me/{wedding_id:uuid}/budget/payments/{payment_id:uuid}/paid", include_in_schema=False)
async def paid(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, payment_id: UUID) -> Response[Any]:
    """Paid today; who was slower changes nothing."""
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        payment = await tx.row(queries.payment, payment_id)
        if payment is None:
            raise not_found("item")
        if payment["paid_on"] is None:
            today = await tx.value(queries.today)
            await actions.change_payment(tx, payment_id, {"paid_on": today})
    return respond.done(request, f"/me/{wedding_id}/budget?edit={payment['budget_line_id']}#payment-form")


ROUTES = (budget, lines_fragment, add, save, remove, add_payment, paid)
