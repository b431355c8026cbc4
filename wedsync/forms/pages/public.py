"""A form by its own address, without an account: no more of the record than the supplier sees itself."""

from typing import Any

import msgspec
from litestar import Response, get, post

from wedsync.forms import answering, model, view
from wedsync.forms.pages.filling import filled
from wedsync.kit import sql
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.web import forms, respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest
from wedsync.web.visitor import plain_shell
from wedsync.weddings.actions import token_hash

queries = sql.load("wedsync.forms")
LOST = {
    404: "We do not know this link. See that all of it was copied.",
    410: "This link has ended. Ask whoever sent it to you for a new one.",
}


@get("/form/{token:str}", include_in_schema=False)
async def one(request: AnyRequest, ctx: Context, token: str) -> Response[Any]:
    """To be filled in, or what was answered where it is final."""
    return await _page(request, ctx, token)


async def _page(
    request: AnyRequest,
    ctx: Context,
    token: str,
    *,
    typed: dict[str, Any] | None = None,
    refusal: Refusal | None = None,
) -> Response[Any]:
    try:
        async with ctx.door.enter_pass("form", token_hash(token)) as tx:
            row = await _asked(tx, token)
            me: Any = await tx.row(queries.me)
            values = await filled(tx, ctx.ring, row, typed=typed, refusal=refusal)
    except Refusal as lost:
        if lost.status not in LOST or "text/html" not in request.headers.get("accept", ""):
            raise
        words, shell = LOST[lost.status], plain_shell(request)
        return respond.html(f"errors/{lost.status}.html", shell, code=lost.status, detail=words, back="/")
    code = 200 if refusal is None else refusal.status
    shell = msgspec.structs.replace(plain_shell(request), now=me["now"])
    return respond.html(
        "forms/public.html",
        shell,
        code=code,
        path=f"/form/{token}",
        couple=me["couple_names"],
        on=me["on"],
        is_sent=request.query_params.get("sent") == "1",
        **values,
    )


async def _asked(tx: Tx, token: str) -> Row:
    request_id = await tx.value(queries.by_pass, token_hash(token))
    row = await tx.row(queries.request, request_id)
    if row is None:
        raise not_found("form")
    return row


@post("/form/{token:str}", include_in_schema=False)
async def send(request: AnyRequest, ctx: Context, token: str) -> Response[Any]:
    """All answers. What differs from the record is proposed to the couple."""
    typed, seen = view.typed_of(await forms.read(request))
    try:
        async with ctx.door.enter_pass("form", token_hash(token)) as tx:
            row = await _asked(tx, token)
            await answering.submit(tx, ctx.ring, row["id"], model.FormDraft(answers=typed, seen=seen))
    except Refusal as refusal:
        if refusal.status not in (409, 412, 422):
            raise
        return await _page(request, ctx, token, typed=typed, refusal=refusal)
    return respond.done(request, f"/form/{token}?sent=1")


@post("/form/{token:str}/draft", include_in_schema=False)
async def keep(request: AnyRequest, ctx: Context, token: str) -> Response[Any]:
    """As it is typed; without scripts by a button."""
    typed, seen = view.typed_of(await forms.read(request))
    async with ctx.door.enter_pass("form", token_hash(token)) as tx:
        row = await _asked(tx, token)
        await answering.keep_draft(tx, ctx.ring, row["id"], model.FormDraft(answers=typed, seen=seen))
    if forms.is_fragment(request):
        return respond.html("forms/_kept.html", None)
    return respond.see_other(f"/form/{token}")


ROUTES = (one, send, keep)
