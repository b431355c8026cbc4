"""The couple's forms: what waits for them, and one to fill in, which keeps what is typed as it is typed."""

from typing import Any
from uuid import UUID

from litestar import Response, get, post

from wedsync.forms import actions, answering, model, view
from wedsync.forms.pages.filling import filled
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.errors import Refusal, not_found
from wedsync.web import forms, respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest, signed_in
from wedsync.weddings.shell import couple_shell

queries = sql.load("wedsync.forms")
ONE = "/me/{wedding_id:uuid}/forms/{request_id:uuid}"


@get("/me/{wedding_id:uuid}/forms", include_in_schema=False)
async def page(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[Any]:
    """Everything anybody asks, live."""
    return await _list("forms/forms.html", request, ctx, actor, wedding_id)


@get("/me/{wedding_id:uuid}/fragments/forms", include_in_schema=False)
async def fragment(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[Any]:
    """The same, when one was asked or answered."""
    return await _list("forms/_forms.html", request, ctx, actor, wedding_id)


async def _list(name: str, request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[Any]:
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        shell = await couple_shell(request, ctx, tx, wedding_id, "suppliers")
        rows = await tx.rows(queries.requests, None, None, 200)
        tally: Any = await tx.row(queries.tally)
    cards = [view.card(row) for row in rows if row["state"] != "withdrawn"]
    return respond.html(
        name,
        shell,
        waiting=[one for one in cards if one["is_waiting"]],
        done=[one for one in cards if not one["is_waiting"]],
        avoided=tally["avoided"],
    )


@get(ONE, include_in_schema=False)
async def one(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, request_id: UUID) -> Response[Any]:
    """Filled in as far as the record, the answers and the draft go."""
    return await _form(request, ctx, actor, wedding_id, request_id)


async def _form(
    request: AnyRequest,
    ctx: Context,
    actor: Actor,
    wedding_id: UUID,
    request_id: UUID,
    *,
    typed: dict[str, Any] | None = None,
    refusal: Refusal | None = None,
    share_url: str = "",
) -> Response[Any]:
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        shell = await couple_shell(request, ctx, tx, wedding_id, "suppliers")
        row = await tx.row(queries.request, request_id)
        if row is None:
            raise not_found("form")
        values = await filled(tx, ctx.ring, row, typed=typed, refusal=refusal)
    return respond.html(
        "forms/form.html",
        shell,
        code=200 if refusal is None else refusal.status,
        path=f"{shell.base}/forms/{request_id}",
        is_shared=row["pass_until"] is not None and row["pass_until"] > shell.now,
        share_url=share_url,
        **values,
    )


@post(ONE, include_in_schema=False)
async def send(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, request_id: UUID) -> Response[Any]:
    """All answers; what is not right stands beside its field, and what was typed is kept."""
    typed, seen = view.typed_of(await forms.read(request))
    try:
        async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
            await answering.submit(tx, ctx.ring, request_id, model.FormDraft(answers=typed, seen=seen))
    except Refusal as refusal:
        if refusal.status not in (409, 412, 422):
            raise
        return await _form(request, ctx, actor, wedding_id, request_id, typed=typed, refusal=refusal)
    return respond.done(request, f"/me/{wedding_id}/forms/{request_id}")


@post(f"{ONE}/draft", include_in_schema=False)
async def keep(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, request_id: UUID) -> Response[Any]:
    """As it is typed; without scripts by a button."""
    typed, seen = view.typed_of(await forms.read(request))
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        await answering.keep_draft(tx, ctx.ring, request_id, model.FormDraft(answers=typed, seen=seen))
    if forms.is_fragment(request):
        return respond.html("forms/_kept.html", None)
    return respond.see_other(f"/me/{wedding_id}/forms/{request_id}")


@post(f"{ONE}/pass", include_in_schema=False)
async def share(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, request_id: UUID) -> Response[Any]:
    """An address for somebody who helps; shown once."""
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        token, _ = await actions.share(tx, ctx.settings.jwt_secret, request_id)
    url = f"{ctx.settings.public_url}/form/{token}"
    return await _form(request, ctx, actor, wedding_id, request_id, share_url=url)


ROUTES = (page, fragment, one, send, keep, share)
