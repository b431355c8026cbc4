"""A helper's page of the wedding day, by their pass: the same screen, without an account."""

from typing import Any

import msgspec
from litestar import Response, get, post

from wedsync.days.pages import desk
from wedsync.kit import sql
from wedsync.kit.db import Tx
from wedsync.kit.errors import not_found
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest
from wedsync.web.shell import Shell
from wedsync.web.visitor import theme_of
from wedsync.weddings.actions import token_hash
from wedsync.weddings.shell import live

queries = sql.load("wedsync.days")


def _seat(request: AnyRequest, ctx: Context, token: str) -> desk.Seat:
    async def frame(tx: Tx) -> Shell:
        about = await tx.row(queries.about)
        if about is None:
            raise not_found("page")
        shell = Shell(
            base=f"/help/{token}",
            path=request.url.path,
            theme=theme_of(request),
            heading=about["couple_names"],
            now=about["now"],
        )
        if await tx.row(queries.helper_session) is None:
            return shell
        topic = f"realtime:wedding:{about['wedding_id']}"
        return msgspec.structs.replace(shell, live=live(ctx, topic, f"{shell.base}/token"))

    return desk.Seat(
        request=request,
        base=f"/help/{token}/day",
        live=f"/help/{token}/fragments/live-day",
        enter=lambda: ctx.door.enter_pass("help", token_hash(token)),
        frame=frame,
    )


@get("/help/{token:str}/day", include_in_schema=False)
async def show(request: AnyRequest, ctx: Context, token: str) -> Response[Any]:
    """410 once the couple has taken the pass back."""
    return await desk.show(_seat(request, ctx, token))


@get("/help/{token:str}/fragments/live-day", include_in_schema=False)
async def fragment(request: AnyRequest, ctx: Context, token: str) -> Response[Any]:
    """What moves by itself."""
    return await desk.fragment(_seat(request, ctx, token))


@post("/help/{token:str}/day", include_in_schema=False)
async def act(request: AnyRequest, ctx: Context, token: str) -> Response[Any]:
    """A button of their own parts."""
    return await desk.act(_seat(request, ctx, token))


ROUTES = (show, fragment, act)
