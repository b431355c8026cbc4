"""Pausing an endpoint, resuming it with or without what waited, and removing it, which is asked first."""

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from litestar import Response, get, post

from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.errors import FieldError, Refusal
from wedsync.subscriptions import actions, view
from wedsync.subscriptions.pages.place import entered, is_stale, paths, version_of
from wedsync.web import forms, respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest

queries = sql.load("wedsync.subscriptions")
#: What is sent of that which waited, by how many hours back; None for all of it.
KEPT: Final[dict[str, int | None]] = {"all": None, "24": 24, "1": 1, "none": 0}


@post(paths("/{endpoint_id:uuid}/pause"), include_in_schema=False)
async def pause(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID, endpoint_id: UUID) -> Response[Any]:
    """What it is owed from now on waits."""
    form = await forms.read(request)
    try:
        async with entered(request, ctx, actor, tenant) as place:
            await place.endpoint(endpoint_id)
            version = version_of(request, form)
            await actions.change(place.tx, ctx.ring, endpoint_id, {"state": "paused"}, version=version)
    except Refusal as refusal:
        return _again(request, refusal, "/pause")
    return respond.see_other(request.url.path.removesuffix("/pause"))


def _again(request: AnyRequest, refusal: Refusal, end: str) -> Response[Any]:
    """Somebody was quicker: the page as it is now says what to decide anew."""
    if not is_stale(refusal):
        raise refusal
    return respond.see_other(f"{request.url.path.removesuffix(end)}?said=changed")


@get(paths("/{endpoint_id:uuid}/resume"), include_in_schema=False)
async def ask_resume(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID, endpoint_id: UUID) -> Response[str]:
    """How much waits, and what is to become of it."""
    async with entered(request, ctx, actor, tenant) as place:
        parked = await place.tx.row(queries.parked, endpoint_id, view.COUNTED_MAX)
        return respond.html(
            "subscriptions/resume.html",
            place.shell,
            path=place.path,
            endpoint=await place.card(endpoint_id),
            waiting=parked["count"] if parked else 0,
            oldest=parked["oldest"] if parked else None,
            counted_max=view.COUNTED_MAX,
            now=place.now,
        )


@post(paths("/{endpoint_id:uuid}/resume"), include_in_schema=False)
async def resume(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID, endpoint_id: UUID) -> Response[Any]:
    """Active again."""
    form = await forms.read(request)
    kept = form.text("keep", "all")
    if kept not in KEPT:
        raise forms.wrong(FieldError("keep", "is not one of the choices"))
    try:
        async with entered(request, ctx, actor, tenant) as place:
            await place.endpoint(endpoint_id)
            before = _before(place.now, KEPT[kept])
            version = version_of(request, form)
            await actions.resume(place.tx, ctx.ring, endpoint_id, let_go_before=before, version=version)
    except Refusal as refusal:
        return _again(request, refusal, "/resume")
    return respond.see_other(request.url.path.removesuffix("/resume"))


def _before(now: datetime, hours: int | None) -> datetime | None:
    return None if hours is None else now - timedelta(hours=hours)


@get(paths("/{endpoint_id:uuid}/remove"), include_in_schema=False)
async def ask_remove(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID, endpoint_id: UUID) -> Response[str]:
    """Asked once."""
    async with entered(request, ctx, actor, tenant) as place:
        card = await place.card(endpoint_id)
        return respond.html("subscriptions/remove.html", place.shell, path=place.path, endpoint=card)


@post(paths("/{endpoint_id:uuid}/remove"), include_in_schema=False)
async def remove(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID, endpoint_id: UUID) -> Response[Any]:
    """Gone from the list; its deliveries stay in the ledger."""
    async with entered(request, ctx, actor, tenant) as place:
        await place.endpoint(endpoint_id)
        await actions.remove(place.tx, endpoint_id)
        return respond.see_other(place.path)


ROUTES = (pause, ask_resume, resume, ask_remove, remove)
