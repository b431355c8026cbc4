"""The way out of mails that offer something: one press, no account, nothing to type. A GET only shows it (RFC 8058)."""

from typing import Any

from litestar import Response, get, post

from wedsync.consents import actions
from wedsync.consents.model import Method, Out, opened
from wedsync.kit.actor import ANONYMOUS
from wedsync.kit.errors import not_found
from wedsync.web import forms, respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest
from wedsync.web.visitor import plain_shell

PATH = "/unsubscribe/{token:str}"


@get(PATH, include_in_schema=False)
async def show(request: AnyRequest, ctx: Context, token: str) -> Response[str]:
    """What will stop."""
    out = _out(ctx, token)
    return respond.html(
        "consents/unsubscribe.html",
        plain_shell(request),
        token=token,
        sender=out.sender,
        done=request.query_params.get("done", ""),
    )


@post(PATH, include_in_schema=False)
async def stop(request: AnyRequest, ctx: Context, token: str) -> Response[Any]:
    """From the page, or by the mail program itself, which sends `List-Unsubscribe=One-Click` and wants no page."""
    form = await forms.read(request)
    out, is_program = _out(ctx, token), form.text("List-Unsubscribe") == "One-Click"
    wanted = "all" if form.text("what") == "all" else "again" if form.text("what") == "again" else "these"
    async with ctx.door.bare(ANONYMOUS) as tx:
        if wanted == "again" and not is_program:
            await actions.take_back(tx, ctx.ring, out)
        else:
            method: Method = "one_click" if is_program else "page"
            await actions.withdraw(tx, ctx.ring, out, method=method, is_everybody=wanted == "all")
    return Response(None, status_code=204) if is_program else respond.see_other(f"/unsubscribe/{token}?done={wanted}")


def _out(ctx: Context, token: str) -> Out:
    out = opened(ctx.ring, token)
    if out is None:
        raise not_found("page")
    return out


ROUTES = (show, stop)
