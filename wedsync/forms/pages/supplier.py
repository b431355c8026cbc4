"""A supplier's forms at one wedding: what it asks there, and what was answered."""

from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import UUID

from litestar import Response, get, post

from wedsync.forms import actions, answering, model, view
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.suppliers.shell import wedding_shell
from wedsync.web import forms, respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest, Form, signed_in

queries = sql.load("wedsync.forms")
FORMS: Final = "/studio/{supplier_id:uuid}/weddings/{wedding_id:uuid}/forms"
Step = Callable[[Tx, UUID, Form], Awaitable[None]]


@get(FORMS, include_in_schema=False)
async def page(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID) -> Response[Any]:
    """Everything this link asked, newest first."""
    shell = await wedding_shell(request, ctx, actor, supplier_id, wedding_id)
    async with ctx.door.enter(actor, wedding_id) as tx:
        me = await tx.row(queries.me)
        if me is None or me["role"] != "supplier":
            raise not_found("page")
        rows = await tx.rows(queries.requests, me["link_id"], None, 200)
        offers = [(str(row["id"]), row["title"]) for row in await tx.rows(queries.of_link, me["link_id"], None)]
    return respond.html(
        "forms/wedding.html",
        shell,
        path=f"{shell.base}/weddings/{wedding_id}",
        couple=me["couple_names"],
        asked=[view.card(row) for row in rows],
        offers=offers,
        forms_href=f"{shell.base}/forms",
    )


@post(FORMS, include_in_schema=False)
async def ask(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID) -> Response[Any]:
    """Ask with one of the supplier's forms; then it is looked at."""
    form = await forms.read(request)
    return await asked(request, ctx, actor, supplier_id, wedding_id, form, form.text("form_id"))


async def asked(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID, form: Form, form_id: str
) -> Response[Any]:
    """The same from the form's own page. Raises Refusal 403, 404 or 422."""
    given = {"form_id": form_id, "due_on": form.day("due_on"), "word": form.text("word")}
    wanted = forms.checked(model.NewFormRequest, given, {})
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        made = await actions.ask(tx, wanted)
    return respond.done(request, f"/studio/{supplier_id}/weddings/{wedding_id}/forms/{made}")


@get(f"{FORMS}/{{request_id:uuid}}", include_in_schema=False)
async def one(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID, request_id: UUID
) -> Response[Any]:
    """The answers, once they are sent."""
    return await _answers(request, ctx, actor, supplier_id, wedding_id, request_id)


async def _answers(
    request: AnyRequest,
    ctx: Context,
    actor: Actor,
    supplier_id: UUID,
    wedding_id: UUID,
    request_id: UUID,
    *,
    share_url: str = "",
    refusal: Refusal | None = None,
) -> Response[Any]:
    shell = await wedding_shell(request, ctx, actor, supplier_id, wedding_id)
    async with ctx.door.enter(actor, wedding_id) as tx:
        me = await tx.row(queries.me)
        row = await tx.row(queries.request, request_id)
        if me is None or me["role"] != "supplier" or row is None:
            raise not_found("form")
        found = await answering.shown(tx, ctx.ring, row)
    return respond.html(
        "forms/answers.html",
        shell,
        code=200 if refusal is None else refusal.status,
        path=f"{shell.base}/weddings/{wedding_id}",
        couple=me["couple_names"],
        asked=found,
        state=view.state(found),
        answered=view.answered(found, me["time_zone"]),
        open_count=view.open_questions(found),
        share_url=share_url,
        said="" if refusal is None else refusal.detail,
    )


@post(f"{FORMS}/{{request_id:uuid}}/{{step:str}}", include_in_schema=False)
async def take_step(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID, request_id: UUID, step: str
) -> Response[Any]:
    """Remind, make final, ask for more, ask no longer; an address is shown once."""
    form = await forms.read(request)
    where = (request, ctx, actor, supplier_id, wedding_id, request_id)
    try:
        async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
            if step == "pass":
                token, _ = await actions.share(tx, ctx.settings.jwt_secret, request_id)
            elif step in STEPS:
                await STEPS[step](tx, request_id, form)
            else:
                raise not_found("page")
    except Refusal as refusal:
        if refusal.status not in (409, 412, 422):
            raise
        return await _answers(*where, refusal=refusal)
    if step == "pass":
        return await _answers(*where, share_url=f"{ctx.settings.public_url}/form/{token}")
    return respond.done(request, f"/studio/{supplier_id}/weddings/{wedding_id}/forms/{request_id}")


async def _remind(tx: Tx, request_id: UUID, form: Form) -> None:
    word, due_on = form.text("word")[:1000], form.day("due_on")
    await actions.remind(tx, request_id, word=word, due_on=due_on, version=form.number("version"))


async def _lock(tx: Tx, request_id: UUID, form: Form) -> None:
    await actions.lock(tx, request_id, version=form.number("version"))


async def _reopen(tx: Tx, request_id: UUID, form: Form) -> None:
    await actions.reopen(tx, request_id, form.text("word")[:1000], version=form.number("version"))


async def _withdraw(tx: Tx, request_id: UUID, form: Form) -> None:
    await actions.withdraw(tx, request_id, version=form.number("version"))


STEPS: Final[dict[str, Step]] = {"remind": _remind, "lock": _lock, "reopen": _reopen, "withdraw": _withdraw}
ROUTES = (page, ask, one, take_step)
