"""The way out of a supplier's offers: a page that says what will stop, and one press; the mail program presses too."""

from typing import Any

from litestar import Response, get, post

from wedsync.journeys import stopping
from wedsync.web import forms, respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest
from wedsync.web.visitor import plain_shell

PATH = f"/{stopping.PAGE}/{{token:str}}"


@get(PATH, include_in_schema=False)
async def show(request: AnyRequest, ctx: Context, token: str) -> Response[str]:
    """What will stop; a look stops nothing."""
    row = await stopping.place(ctx.door, ctx.settings, token)
    return respond.html(
        "journeys/stop.html",
        plain_shell(request),
        token=token,
        supplier=row["supplier_name"],
        is_done=row["is_stopped"],
    )


@post(PATH, include_in_schema=False)
async def stop(request: AnyRequest, ctx: Context, token: str) -> Response[Any]:
    """From the page, or by the mail program itself, which sends `List-Unsubscribe=One-Click` and wants no page."""
    form = await forms.read(request)
    await stopping.stop(ctx.door, ctx.settings, token)
    if form.text("List-Unsubscribe") == "One-Click":
        return Response(None, status_code=204)
    return respond.see_other(f"/{stopping.PAGE}/{token}")


ROUTES = (show, stop)
