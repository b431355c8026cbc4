"""The couple's page of proposals: what waits by who suggested it, old beside new; accept, refuse, accept all of one."""

from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post

from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Tx
from wedsync.kit.errors import Refusal
from wedsync.proposals import actions, view
from wedsync.web import forms, respond
from wedsync.web.context import Context, from_time_cursor, invalid
from wedsync.web.forms import AnyRequest, Form, signed_in
from wedsync.web.shell import Toast
from wedsync.weddings.shell import couple_shell

queries = sql.load("wedsync.proposals")
WEDDING: Final = "/me/{wedding_id:uuid}"
DECIDED_SHOWN: Final = 30
OF_ONE_SHOWN: Final = 50
"""Of each source that waits: what is decided makes room for the next."""
SAID: Final = {
    "accepted": Toast(text="Accepted, and changed everywhere.", tone="good"),
    "refused": Toast(text="Refused. They see it, with your word."),
    "stale": Toast(text=actions.STALE, tone="wait"),
    "changed": Toast(text=actions.CHANGED, tone="wait"),
    "some": Toast(text="Accepted as far as nothing had changed meanwhile; look at the rest.", tone="wait"),
}


@get(f"{WEDDING}/proposals", include_in_schema=False)
async def proposals(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[Any]:
    """`?said=` names the toast of what was done."""
    return await _page(request, ctx, actor, wedding_id, "proposals/proposals.html")


@get(f"{WEDDING}/fragments/proposals", include_in_schema=False)
async def proposals_fragment(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[Any]:
    """The list, when a proposal changed or what one is about."""
    return await _page(request, ctx, actor, wedding_id, "proposals/_proposals.html")


async def _page(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, template: str) -> Response[Any]:
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        shell = await couple_shell(request, ctx, tx, wedding_id, "proposals")
        toast = SAID.get(request.query_params.get("said", ""))
        if toast is not None:
            shell = msgspec.structs.replace(shell, toasts=(*shell.toasts, toast))
        return respond.html(template, shell, **await _listed(tx))


async def _listed(tx: Tx) -> dict[str, Any]:
    nothing = from_time_cursor("")
    waiting = await tx.rows(queries.waiting, OF_ONE_SHOWN)
    recent = await tx.rows(queries.page, "", None, *nothing, DECIDED_SHOWN)
    cards = [(one.source_id, view.card(one)) for one in await view.shown(tx, waiting)]
    decided = [view.card(one) for one in await view.shown(tx, recent)]
    return {"groups": view.sources(cards), "decided": [one for one in decided if not one["waits"]]}


@post(f"{WEDDING}/proposals/{{proposal_id:uuid}}/accept", include_in_schema=False)
async def accept(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, proposal_id: UUID) -> Response[Any]:
    """The change is made, unless it, or what it is about, is another than the page showed."""
    form = await forms.read(request)
    version = form.number("version")
    if version is None:
        raise invalid("version", "is missing", "Open the page again.")
    about = form.number("subject_version")
    try:
        async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
            is_made = await actions.accept(tx, ctx.ring, proposal_id, version=version, subject_version=about)
    except Refusal as refusal:
        if refusal.status != 412:
            raise
        return respond.done(request, f"/me/{wedding_id}/proposals?said=changed")
    return respond.done(request, f"/me/{wedding_id}/proposals?said={'accepted' if is_made else 'stale'}")


@post(f"{WEDDING}/proposals/{{proposal_id:uuid}}/refuse", include_in_schema=False)
async def refuse(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, proposal_id: UUID) -> Response[Any]:
    """With a word, or without."""
    form = await forms.read(request)
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        await actions.refuse(tx, proposal_id, form.text("word")[:1000])
    return respond.done(request, f"/me/{wedding_id}/proposals?said=refused")


@post(f"{WEDDING}/proposals/accept", include_in_schema=False)
async def accept_all(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[Any]:
    """What the page showed of one source, and nothing that came since.

    Each by itself, so that one that cannot be does not stop the others.
    """
    form = await forms.read(request)
    shown = _shown(form)
    made = 0
    for proposal_id, version in shown:
        made += await _accepted(ctx, signed_in(request, actor), wedding_id, proposal_id, version)
    return respond.done(request, f"/me/{wedding_id}/proposals?said={'accepted' if made == len(shown) else 'some'}")


async def _accepted(ctx: Context, actor: Actor, wedding_id: UUID, proposal_id: UUID, version: int) -> bool:
    try:
        async with ctx.door.enter(actor, wedding_id) as tx:
            return await actions.accept(tx, ctx.ring, proposal_id, version=version, is_alone=False)
    except Refusal as refusal:
        if refusal.status in (401, 403):
            raise
        return False


def _shown(form: Form) -> list[tuple[UUID, int]]:
    """The proposals that the page showed, each with its version."""
    told = [one.partition(":") for one in form.many("seen")[:OF_ONE_SHOWN]]
    try:
        found = [(UUID(proposal_id), int(version)) for proposal_id, _, version in told]
    except ValueError as error:
        raise invalid("seen", "is not of this page", "Open the page again.") from error
    if not found:
        raise invalid("seen", "is missing", "Open the page again.")
    return found


ROUTES = (proposals, proposals_fragment, accept, refuse, accept_all)
