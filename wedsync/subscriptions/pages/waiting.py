"""What waits for a person: one parked delivery sent or cancelled, or all sent, from the log or its own page."""

from typing import Any
from uuid import UUID

from litestar import Response, post

from wedsync.kit.actor import Actor
from wedsync.kit.errors import Refusal, not_found
from wedsync.subscriptions import actions
from wedsync.subscriptions.pages.log import queries
from wedsync.subscriptions.pages.place import Place, entered, paths
from wedsync.web import forms, respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest


@post(paths("/{endpoint_id:uuid}/release"), include_in_schema=False)
async def release_all(
    request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID, endpoint_id: UUID
) -> Response[Any]:
    """Everything parked, or all of one type; a resumed endpoint has nothing else to send."""
    form = await forms.read(request)
    async with entered(request, ctx, actor, tenant) as place:
        await place.endpoint(endpoint_id)
        count = await actions.release_all(place.tx, endpoint_id, kind=form.text("type") or None)
        return respond.see_other(f"{place.path}/{endpoint_id}?released={count}")


@post(paths("/{endpoint_id:uuid}/deliveries/{delivery_id:uuid}/release"), include_in_schema=False)
async def release(
    request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID, endpoint_id: UUID, delivery_id: UUID
) -> Response[Any]:
    """One, with all its tries before it."""
    async with entered(request, ctx, actor, tenant) as place:
        await _theirs(place, endpoint_id, delivery_id)
        count = await actions.release(place.tx, endpoint_id, [delivery_id])
        return respond.see_other(f"{place.path}/{endpoint_id}?released={count}")


@post(paths("/{endpoint_id:uuid}/deliveries/{delivery_id:uuid}/cancel"), include_in_schema=False)
async def cancel(
    request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID, endpoint_id: UUID, delivery_id: UUID
) -> Response[Any]:
    """One that waits; who is too late sees how it stands now."""
    async with entered(request, ctx, actor, tenant) as place:
        await _theirs(place, endpoint_id, delivery_id)
        here = f"{place.path}/{endpoint_id}/deliveries/{delivery_id}"
        try:
            await actions.cancel(place.tx, delivery_id)
        except Refusal as refusal:
            if refusal.code != "not_waiting":
                raise
        return respond.see_other(here)


async def _theirs(place: Place, endpoint_id: UUID, delivery_id: UUID) -> None:
    """Raises Refusal 404."""
    await place.endpoint(endpoint_id)
    row = await place.tx.row(queries.delivery, delivery_id)
    if row is None or row["destination_id"] != endpoint_id:
        raise not_found("delivery")


ROUTES = (release_all, release, cancel)
