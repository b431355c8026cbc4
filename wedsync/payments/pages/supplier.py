"""A supplier's payments of one wedding: ask for one, change it, note what came outside, see what became of it."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from litestar import Response, get, post

from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.payments import actions, model, view
from wedsync.suppliers.shell import wedding_shell
from wedsync.web import forms, respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest, Form, signed_in
from wedsync.web.shell import Shell

queries = sql.load("wedsync.payments")
PAYMENTS: Final = "/studio/{supplier_id:uuid}/weddings/{wedding_id:uuid}/payments"
SHOWN_AGAIN: Final = (409, 412, 422)


@get(PAYMENTS, include_in_schema=False)
async def listed(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID) -> Response[Any]:
    """What was asked for, and the form to ask for more."""
    shell = await wedding_shell(request, ctx, actor, supplier_id, wedding_id)
    async with ctx.door.enter(actor, wedding_id) as tx:
        return await _list(tx, shell, view.form_values())


@get("/studio/{supplier_id:uuid}/weddings/{wedding_id:uuid}/fragments/payments", include_in_schema=False)
async def fragment(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID
) -> Response[Any]:
    """The list, when a payment changed."""
    shell = await wedding_shell(request, ctx, actor, supplier_id, wedding_id)
    async with ctx.door.enter(actor, wedding_id) as tx:
        about = await _about(tx)
        rows = await tx.rows(queries.shown)
    found = view.cards(rows, shell.now.date())
    path = _path(shell, about)
    return respond.html("payments/_asked.html", shell, wedding_id=wedding_id, path=path, payments=found)


@post(PAYMENTS, include_in_schema=False)
async def ask(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID) -> Response[Any]:
    """The form again where something is not right."""
    form = await forms.read(request)
    shell = await wedding_shell(request, ctx, actor, supplier_id, wedding_id)
    try:
        async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
            about = await _about(tx)
            wanted = forms.checked(model.NewLinkPayment, view.fields(form, about["currency"]), view.WRONG)
            made = await actions.request(tx, wanted, rate_bp=ctx.settings.commission_bp)
    except Refusal as refusal:
        if refusal.status != 422:
            raise
        async with ctx.door.enter(actor, wedding_id) as tx:
            return await _list(tx, shell, view.typed(form), refusal)
    return respond.done(request, f"{_path(shell, about)}/{made}")


@get(f"{PAYMENTS}/{{link_payment_id:uuid}}", include_in_schema=False)
async def one(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID, link_payment_id: UUID
) -> Response[Any]:
    """How it stands, and everything that can be done about it."""
    shell = await wedding_shell(request, ctx, actor, supplier_id, wedding_id)
    is_ordered = request.query_params.get("refund") == "ordered"
    async with ctx.door.enter(actor, wedding_id) as tx:
        return await _one(tx, shell, link_payment_id, is_ordered=is_ordered)


@post(f"{PAYMENTS}/{{link_payment_id:uuid}}", include_in_schema=False)
async def save(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID, link_payment_id: UUID
) -> Response[Any]:
    """Words, the day, and the amount while none of it was paid."""
    return await _step(request, ctx, actor, supplier_id, wedding_id, link_payment_id, _save)


@post(f"{PAYMENTS}/{{link_payment_id:uuid}}/{{step:str}}", include_in_schema=False)
async def take_step(
    request: AnyRequest,
    ctx: Context,
    actor: Actor,
    supplier_id: UUID,
    wedding_id: UUID,
    link_payment_id: UUID,
    step: str,
) -> Response[Any]:
    """Cancel it, or note what came outside."""
    if step not in STEPS:
        raise not_found("page")
    return await _step(request, ctx, actor, supplier_id, wedding_id, link_payment_id, STEPS[step])


async def _save(tx: Tx, row: Row, form: Form) -> None:
    given = view.fields(form, row["currency"])
    forms.checked(model.LinkPaymentChange, given, view.WRONG)
    await actions.change(tx, row["id"], given, version=form.number("version"))


async def _cancel(tx: Tx, row: Row, form: Form) -> None:
    await actions.cancel(tx, row["id"], version=form.number("version"))


async def _receive(tx: Tx, row: Row, form: Form) -> None:
    amount = view.amount(form, row["currency"], least=0)
    await actions.note_receipt(tx, row["id"], amount, version=form.number("version"))


STEPS: Final = {"cancel": _cancel, "receive": _receive}


async def _step(
    request: AnyRequest,
    ctx: Context,
    actor: Actor,
    supplier_id: UUID,
    wedding_id: UUID,
    link_payment_id: UUID,
    act: Any,
) -> Response[Any]:
    """What cannot be done is said on top of the page; what was typed stays."""
    form = await forms.read(request)
    shell = await wedding_shell(request, ctx, actor, supplier_id, wedding_id)
    try:
        async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
            await act(tx, await _read(tx, link_payment_id), form)
    except Refusal as refusal:
        if refusal.status not in SHOWN_AGAIN:
            raise
        async with ctx.door.enter(actor, wedding_id) as tx:
            return await _one(tx, shell, link_payment_id, form=form if act is _save else None, refusal=refusal)
    return respond.done(request, f"{shell.base}/weddings/{wedding_id}/payments/{link_payment_id}")


async def _list(tx: Tx, shell: Shell, typed: Mapping[str, str], refusal: Refusal | None = None) -> Response[Any]:
    about = await _about(tx)
    errors = {} if refusal is None else view.errors(refusal)
    rows = await tx.rows(queries.shown)
    return respond.html(
        "payments/asked.html",
        shell,
        code=200 if refusal is None else refusal.status,
        path=_path(shell, about),
        wedding_id=about["id"],
        couple=about["couple_names"],
        currency=about["currency"],
        is_paid_online=about["is_paid_online"],
        payments=view.cards(rows, shell.now.date()),
        kinds=list(view.KINDS.items()),
        typed=typed,
        errors=errors,
        problems=list(errors.items()),
    )


async def _one(
    tx: Tx,
    shell: Shell,
    link_payment_id: UUID,
    *,
    form: Form | None = None,
    refusal: Refusal | None = None,
    is_ordered: bool = False,
) -> Response[Any]:
    about, row = await _about(tx), await _read(tx, link_payment_id)
    errors = {} if refusal is None else view.errors(refusal)
    return respond.html(
        "payments/payment.html",
        shell,
        code=200 if refusal is None else refusal.status,
        path=_path(shell, about),
        couple=about["couple_names"],
        row=row,
        card=view.card({**row, "supplier_name": ""}, shell.now.date()),
        kinds=list(view.KINDS.items()),
        typed=view.form_values(row) if form is None else view.typed(form),
        errors=errors if form is not None else {},
        problems=list(errors.items()) if form is not None else [],
        said="" if refusal is None or (errors and form is not None) else refusal.detail,
        is_ordered=is_ordered,
    )


async def _about(tx: Tx) -> Row:
    about = await tx.row(queries.about)
    if about is None or about["link_id"] is None:
        raise not_found("page")
    return about


async def _read(tx: Tx, link_payment_id: UUID) -> Row:
    row = await tx.row(queries.one, link_payment_id)
    if row is None:
        raise not_found("item")
    return row


def _path(shell: Shell, about: Row) -> str:
    return f"{shell.base}/weddings/{about['id']}/payments"


ROUTES = (listed, fragment, ask, one, save, take_step)
