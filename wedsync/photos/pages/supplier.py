"""A supplier's form of one photo delivery: promise it, say how far it is, promise a later day, hand it over."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from litestar import Response, get, post

from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Tx
from wedsync.kit.errors import FieldError, Refusal, not_found
from wedsync.photos import actions, model, view
from wedsync.suppliers.shell import wedding_shell
from wedsync.web import conflict, forms, respond
from wedsync.web.conflict import Edited
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest, Form, signed_in
from wedsync.web.shell import Shell
from wedsync.weddings.model import changed_fields

queries = sql.load("wedsync.photos")
PHOTOS: Final = "/studio/{supplier_id:uuid}/weddings/{wedding_id:uuid}/photos"
LATER: Final = {"promised_on": "", "reason": ""}
NAMED: Final = {**view.LABELS, "reason": "Why", "stage": "It is now at"}
WRONG: Final = {
    "promised_on": FieldError("promised_on", "is no day", "Choose the new day."),
    "reason": FieldError("reason", "is missing, or longer than 500 letters", "Tell the couple why, in a sentence."),
    "stage": FieldError("stage", "is none of the list", "Choose one."),
}


@get(f"{PHOTOS}/new", include_in_schema=False)
async def new(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID) -> Response[Any]:
    """An empty form."""
    shell = await wedding_shell(request, ctx, actor, supplier_id, wedding_id)
    async with ctx.door.enter(actor, wedding_id) as tx:
        return await _form(tx, shell, None, view.form_values())


@post(PHOTOS, include_in_schema=False)
async def promise(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID
) -> Response[Any]:
    """The form again where something is not right."""
    form = await forms.read(request)
    try:
        wanted = forms.checked(model.NewPhotoDelivery, view.fields(form), view.WRONG)
        async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
            made = await actions.promise(tx, wanted)
    except Refusal as refusal:
        return await _again(request, ctx, actor, supplier_id, wedding_id, None, form, refusal)
    return respond.done(request, f"{_base(supplier_id, wedding_id)}/photos/{made}")


@get(f"{PHOTOS}/{{photos_id:uuid}}", include_in_schema=False)
async def one(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID, photos_id: UUID
) -> Response[Any]:
    """How it stands, and everything that can be done about it."""
    shell = await wedding_shell(request, ctx, actor, supplier_id, wedding_id)
    async with ctx.door.enter(actor, wedding_id) as tx:
        row = await _read(tx, photos_id)
        return await _form(tx, shell, row, view.form_values(row))


@post(f"{PHOTOS}/{{photos_id:uuid}}", include_in_schema=False)
async def save(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID, photos_id: UUID
) -> Response[Any]:
    """Words, counts, the address, an earlier day."""
    form = await forms.read(request)
    try:
        change = changed_fields(forms.checked(model.PhotoDeliveryChange, view.fields(form), view.WRONG))
        async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
            await actions.change(tx, photos_id, change, version=form.number("version"))
    except Refusal as refusal:
        return await _again(request, ctx, actor, supplier_id, wedding_id, photos_id, form, refusal)
    return respond.done(request, f"{_base(supplier_id, wedding_id)}/photos/{photos_id}")


@post(f"{PHOTOS}/{{photos_id:uuid}}/{{step:str}}", include_in_schema=False)
async def take_step(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID, photos_id: UUID, step: str
) -> Response[Any]:
    """Move it on, promise a later day, put it on hold, go on, hand it over, take it back."""
    form = await forms.read(request)
    if step not in STEPS:
        raise not_found("page")
    try:
        async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
            await STEPS[step](tx, photos_id, form)
    except Refusal as refusal:
        return await _refused(request, ctx, actor, supplier_id, wedding_id, photos_id, form, refusal)
    base = _base(supplier_id, wedding_id)
    return respond.done(request, base if step == "remove" else f"{base}/photos/{photos_id}")


async def _move(tx: Tx, photos_id: UUID, form: Form) -> None:
    wanted = forms.checked(model.StageMove, {"stage": form.text("stage")}, WRONG)
    await actions.move(tx, photos_id, wanted.stage, version=form.number("version"))


async def _delay(tx: Tx, photos_id: UUID, form: Form) -> None:
    given = {name: form.text(name) for name in LATER}
    wanted = forms.checked(model.Delay, given, WRONG)
    await actions.delay(tx, photos_id, wanted, version=form.number("version"))


async def _pause(tx: Tx, photos_id: UUID, form: Form) -> None:
    wanted = forms.checked(model.Pause, {"reason": form.text("reason")}, WRONG)
    await actions.pause(tx, photos_id, wanted.reason, version=form.number("version"))


async def _resume(tx: Tx, photos_id: UUID, form: Form) -> None:
    await actions.resume(tx, photos_id, version=form.number("version"))


async def _deliver(tx: Tx, photos_id: UUID, form: Form) -> None:
    await actions.deliver(tx, photos_id, version=form.number("version"))


async def _remove(tx: Tx, photos_id: UUID, form: Form) -> None:
    await actions.remove(tx, photos_id, version=form.number("version"))


STEPS: Final = {
    "move": _move,
    "delay": _delay,
    "pause": _pause,
    "resume": _resume,
    "deliver": _deliver,
    "remove": _remove,
}


def _base(supplier_id: UUID, wedding_id: UUID) -> str:
    return f"/studio/{supplier_id}/weddings/{wedding_id}"


async def _read(tx: Tx, photos_id: UUID) -> dict[str, Any]:
    row = view.row_of(await tx.row(queries.one, photos_id))
    if row is None:
        raise not_found("item")
    return row


async def _form(
    tx: Tx,
    shell: Shell,
    row: Mapping[str, Any] | None,
    typed: Mapping[str, str],
    *,
    errors: Mapping[str, str] | None = None,
    said: str = "",
    later: Mapping[str, str] = LATER,
    code: int = 200,
) -> Response[Any]:
    about = await tx.row(queries.about)
    if about is None or about["link_id"] is None:
        raise not_found("page")
    problems = dict(errors or {})
    return respond.html(
        "photos/delivery.html",
        shell,
        code=code,
        path=f"{shell.base}/weddings/{about['id']}",
        couple=about["couple_names"],
        row=row,
        card=None if row is None else view.card({**row, "supplier_name": ""}, shell.now.date()),
        typed=typed,
        kinds=list(view.KINDS.items()),
        stages=[] if row is None else view.stages_after(row),
        stage_next="" if row is None else view.stage_next(row),
        is_working=row is None or row["stage"] in model.WORKING,
        errors=problems,
        problems=list(problems.items()),
        said=said,
        later=later,
    )


async def _again(
    request: AnyRequest,
    ctx: Context,
    actor: Actor,
    supplier_id: UUID,
    wedding_id: UUID,
    photos_id: UUID | None,
    form: Form,
    refusal: Refusal,
) -> Response[Any]:
    """Who was slower chooses; what is not right stands beside its field as typed; other refusals go their way."""
    is_asked = conflict.is_asked(refusal, form, view.LABELS)
    if not is_asked and refusal.status != 422:
        raise refusal
    shell = await wedding_shell(request, ctx, actor, supplier_id, wedding_id)
    async with ctx.door.enter(actor, wedding_id) as tx:
        row = None if photos_id is None else await _read(tx, photos_id)
        if is_asked and row is not None:
            return await conflict.page(tx, shell, form, _edited(row, f"{_base(supplier_id, wedding_id)}/photos"))
        return await _form(tx, shell, row, view.typed(form), errors=forms.errors_of(refusal), code=422)


async def _refused(
    request: AnyRequest,
    ctx: Context,
    actor: Actor,
    supplier_id: UUID,
    wedding_id: UUID,
    photos_id: UUID,
    form: Form,
    refusal: Refusal,
) -> Response[Any]:
    """A step that cannot be taken is said on top of the page; what was typed stays."""
    if refusal.status not in (409, 412, 422):
        raise refusal
    said = " ".join(f"{NAMED.get(e.field, e.field)}: {e.reason}. {e.fix}" for e in refusal.errors)
    shell = await wedding_shell(request, ctx, actor, supplier_id, wedding_id)
    async with ctx.door.enter(actor, wedding_id) as tx:
        row = await _read(tx, photos_id)
        later = {name: form.text(name) for name in LATER}
        return await _form(
            tx, shell, row, view.form_values(row), said=said or refusal.detail, later=later, code=refusal.status
        )


def _edited(row: Mapping[str, Any], back: str) -> Edited:
    return Edited(
        table="photo_deliveries",
        id=row["id"],
        version=row["version"],
        path=f"{back}/{row['id']}",
        back=f"{back}/{row['id']}",
        labels=view.LABELS,
        theirs=view.form_values(row),
    )


ROUTES = (new, promise, one, save, take_step)
