"""The way out of invitations: one press, no account, from everybody. A GET only shows it (RFC 8058)."""

from typing import Any

from litestar import Response, get, post

from wedsync.invitations import joining
from wedsync.web import forms, respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest
from wedsync.web.visitor import plain_shell


@get("/no-mail/{token:str}", include_in_schema=False)
async def show(request: AnyRequest, ctx: Context, token: str) -> Response[str]:
    """What will stop."""
    supplier = await joining.addressed(ctx.door, ctx.settings, token)
    return respond.html(
        "invitations/stop.html",
        plain_shell(request),
        token=token,
        supplier=supplier,
        is_done="done" in request.query_params,
    )


@post("/no-mail/{token:str}", include_in_schema=False)
async def stop(request: AnyRequest, ctx: Context, token: str) -> Response[Any]:
    """From the page, or by the mail program itself, which sends `List-Unsubscribe=One-Click` and wants no page."""
    form = await forms.read(request)
    is_complaint = form.text("why") == "unwanted"
    await joining.stop(ctx.door, ctx.ring, ctx.settings, token, is_complaint=is_complaint)
    if form.text("List-Unsubscribe") == "One-Click":
        return Response(None, status_code=204)
    return respond.see_other(f"/no-mail/{token}?done")


ROUTES = (show, stop)
