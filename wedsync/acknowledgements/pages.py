"""One tap: confirming from the supplier's pages, and from a mail without signing in. A GET never acknowledges."""

from typing import Any
from uuid import UUID

from litestar import Response, get, post

from wedsync.acknowledgements import actions
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.suppliers import view
from wedsync.suppliers.shell import supplier_shell
from wedsync.web import forms, respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest, signed_in
from wedsync.web.visitor import plain_shell
from wedsync.weddings.actions import token_hash

queries = sql.load("wedsync.acknowledgements")


@post(
    "/studio/{supplier_id:uuid}/weddings/{wedding_id:uuid}/acknowledgements/{acknowledgement_id:uuid}",
    include_in_schema=False,
)
async def confirm(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID, acknowledgement_id: UUID
) -> Response[Any]:
    """Seen and fine, from a page; the answer redraws what still waits."""
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        await actions.give(tx, acknowledgement_id, via="page")
    if not forms.is_fragment(request):
        return respond.see_other(f"/studio/{supplier_id}/weddings/{wedding_id}")
    async with ctx.door.enter(actor, supplier_id) as tx:
        shell = await supplier_shell(request, ctx, tx, supplier_id, "weddings")
    async with ctx.door.enter(actor, wedding_id) as tx:
        waiting = [view.opened(r) for r in await tx.rows(queries.waiting, wedding_id)]
    return respond.html(
        "suppliers/_wedding_waiting.html", shell, wedding={"id": wedding_id}, open=waiting, may_acknowledge=True
    )


@get("/ack/{token:str}", include_in_schema=False)
async def open_pass(request: AnyRequest, ctx: Context, token: str) -> Response[str]:
    """What is asked of one link, opened from a mail: seen, not yet confirmed."""
    async with ctx.door.enter_pass("ack", token_hash(token)) as tx:
        await actions.see(tx, await tx.home())
    async with ctx.door.enter_pass("ack", token_hash(token)) as tx:
        return await _page(request, tx, token)


async def _page(request: AnyRequest, tx: Tx, token: str) -> Response[str]:
    head = await tx.row(queries.pass_head)
    if head is None:
        raise not_found("page")
    rows = await tx.rows(queries.of_link, head["wedding_id"])
    named = [{**view.opened(r), "by": head["couple_names"], "acknowledged_at": r["acknowledged_at"]} for r in rows]
    return respond.html(
        "acknowledgements/ack.html",
        plain_shell(request),
        token=token,
        supplier_name=head["supplier_name"],
        couple_names=head["couple_names"],
        on=head["on"],
        open=[n for n in named if n["state"] != "acknowledged"],
        done=[n for n in named if n["state"] == "acknowledged"],
        plan_href="/",
    )


@post("/ack/{token:str}", include_in_schema=False)
async def confirm_by_pass(request: AnyRequest, ctx: Context, token: str) -> Response[None]:
    """Confirm what the page listed; what changed in between stays open."""
    form = await forms.read(request)
    try:
        wanted = [UUID(text) for text in form.many("id")][:100]
    except ValueError as error:
        raise Refusal(422, "invalid", "The page was not sent whole. Open the link again.") from error
    async with ctx.door.enter_pass("ack", token_hash(token)) as tx:
        await actions.give_all(tx, wanted, via="pass")
    return respond.see_other(f"/ack/{token}")


ROUTES = (confirm, open_pass, confirm_by_pass)
