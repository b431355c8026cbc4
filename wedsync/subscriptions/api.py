"""The JSON door of webhooks out: endpoints of a wedding or a supplier, deliveries, attempts, replay."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Response, delete, get, patch, post
from litestar.params import Parameter

from wedsync.events.catalogue import Catalogue
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Row
from wedsync.kit.errors import not_found
from wedsync.subscriptions import actions, listening, model, secured
from wedsync.subscriptions.vetting import vet
from wedsync.web.context import Context, IfMatch, Page, as_struct, etag, expected_version, from_time_cursor, time_cursor

queries = sql.load("wedsync.subscriptions")
Limit = Annotated[int, Parameter(ge=1, le=200)]


class Secret(msgspec.Struct, frozen=True):
    """A new signing secret, shown once."""

    secret: str


class WithAttempts(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery and every try of it."""

    delivery: model.Delivery
    attempts: list[model.Attempt]


@get(
    ["/api/v1/weddings/{tenant:uuid}/endpoints", "/api/v1/suppliers/{tenant:uuid}/endpoints"],
    summary="Webhook endpoints",
    description="For the couple, or a supplier's owner and admins.",
)
async def list_endpoints(ctx: Context, actor: Actor, tenant: UUID) -> Page:
    """Without secrets."""
    async with ctx.door.enter(actor, tenant) as tx:
        rows = await tx.rows(queries.endpoints, tenant)
    return Page([_endpoint(r) for r in rows])


@post(
    ["/api/v1/weddings/{tenant:uuid}/endpoints", "/api/v1/suppliers/{tenant:uuid}/endpoints"],
    summary="Add a webhook endpoint",
    description="The answer holds the signing secret, only then. Events are Standard Webhooks. Headers of your own and "
    "the secrets of `auth` are never shown again.",
)
async def add_endpoint(ctx: Context, actor: Actor, tenant: UUID, data: model.NewEndpoint) -> Response[model.Endpoint]:
    """A supplier's endpoint gets what each of its links may see."""
    await vet(ctx, actor, data, ctx.door.enter(actor, tenant))
    async with ctx.door.enter(actor, tenant) as tx:
        endpoint_id, secret = await actions.add(tx, ctx.ring, tenant, data, allow=ctx.settings.egress_allow)
        endpoint = _endpoint(await tx.row(queries.endpoint, endpoint_id))
    return Response(msgspec.structs.replace(endpoint, secret=secret), status_code=201, headers=etag(endpoint.version))


@get("/api/v1/endpoints/{endpoint_id:uuid}", summary="One endpoint", description="Without its secret.")
async def get_endpoint(ctx: Context, actor: Actor, endpoint_id: UUID) -> Response[model.Endpoint]:
    """With its ETag."""
    async with ctx.door.enter_at(actor, "endpoints", endpoint_id) as tx:
        endpoint = _endpoint(await tx.row(queries.endpoint, endpoint_id))
    return Response(endpoint, headers=etag(endpoint.version))


@patch(
    "/api/v1/endpoints/{endpoint_id:uuid}",
    summary="Change an endpoint",
    description="Address, event patterns, description, order, headers, authentication, paused or active.",
)
async def change_endpoint(
    ctx: Context, actor: Actor, endpoint_id: UUID, data: model.EndpointChange, if_match: IfMatch = None
) -> Response[model.Endpoint]:
    """Resuming releases what was parked."""
    fields = {f: v for f in data.__struct_fields__ if (v := getattr(data, f)) is not msgspec.UNSET}
    allow = ctx.settings.egress_allow
    await vet(ctx, actor, data, ctx.door.enter_at(actor, "endpoints", endpoint_id))
    async with ctx.door.enter_at(actor, "endpoints", endpoint_id) as tx:
        await actions.change(tx, ctx.ring, endpoint_id, fields, version=expected_version(if_match), allow=allow)
        endpoint = _endpoint(await tx.row(queries.endpoint, endpoint_id))
    return Response(endpoint, headers=etag(endpoint.version))


@delete(
    "/api/v1/endpoints/{endpoint_id:uuid}",
    summary="Remove an endpoint",
    description="What it was still owed is cancelled.",
)
async def remove_endpoint(ctx: Context, actor: Actor, endpoint_id: UUID) -> None:
    """Deliveries stay in the ledger."""
    async with ctx.door.enter_at(actor, "endpoints", endpoint_id) as tx:
        await actions.remove(tx, endpoint_id)


@post(
    "/api/v1/endpoints/{endpoint_id:uuid}/rotate-secret",
    status_code=200,
    summary="Rotate the signing secret",
    description="The old secret signs beside the new one for the overlap, 24 hours unless said otherwise.",
)
async def rotate(ctx: Context, actor: Actor, endpoint_id: UUID, data: model.Rotation | None = None) -> Secret:
    """Shown once."""
    async with ctx.door.enter_at(actor, "endpoints", endpoint_id) as tx:
        overlap = (data or model.Rotation()).overlap_hours
        return Secret(await actions.rotate(tx, ctx.ring, await tx.home(), endpoint_id, overlap))


@post(
    "/api/v1/endpoints/{endpoint_id:uuid}/recover",
    status_code=202,
    summary="Send again what failed",
    description="What ended dead, expired or cancelled (or only the `states` named) since a time and no replay has "
    "delivered, at most 10,000 at once. With `dry_run` it is counted and nothing is sent.",
)
async def recover(ctx: Context, actor: Actor, endpoint_id: UUID, data: model.Recovery) -> model.Replayed:
    """In the low lane, with the same webhook-id unless as new."""
    async with ctx.door.enter_at(actor, "endpoints", endpoint_id) as tx:
        count = await actions.recover(
            tx, endpoint_id, data.since, data.states, dry_run=data.dry_run, as_new=data.as_new
        )
    return model.Replayed(count, data.dry_run)


@post(
    "/api/v1/endpoints/{endpoint_id:uuid}/test",
    status_code=202,
    summary="Send a test",
    description="The documented example of a type, on the way that real events take: signed, limited, in the log. Its "
    'body has `"test": true`; it is tried once, and recorded in no stream. At most 30 a minute.',
)
async def send_test(
    ctx: Context, actor: Actor, catalogue: Catalogue, endpoint_id: UUID, data: model.Test
) -> model.Delivery:
    """The delivery; what becomes of it is at `/deliveries/{id}`."""
    async with ctx.door.enter_at(actor, "endpoints", endpoint_id) as tx:
        delivery_id = await actions.send_test(tx, catalogue, endpoint_id, data.type)
        row = await tx.row(queries.delivery, delivery_id)
    if row is None:
        raise not_found("delivery")
    return as_struct(model.Delivery, row)


@post(
    ["/api/v1/weddings/{tenant:uuid}/listen", "/api/v1/suppliers/{tenant:uuid}/listen"],
    status_code=200,
    summary="Listen",
    description="What an endpoint would be sent from now on, without one: ask without `after` for where everything "
    "stands, then again and again with the `after` of the answer before. Waits up to `wait_s` (5) for something to "
    "happen. Nothing is kept for a listener: what it has not read is read with its `after`, whenever it asks.",
)
async def listen(ctx: Context, actor: Actor, tenant: UUID, data: model.Listen) -> model.Heard:
    """For the couple, or a supplier's owner and admins, like endpoints."""
    await listening.allow(ctx, actor)
    return await listening.hear(ctx, actor, tenant, data)


@get(
    ["/api/v1/weddings/{tenant:uuid}/deliveries", "/api/v1/suppliers/{tenant:uuid}/deliveries"],
    summary="The delivery ledger",
    description="Newest first; by status and endpoint.",
)
async def list_deliveries(
    ctx: Context,
    actor: Actor,
    tenant: UUID,
    status: model.Status | None = None,
    endpoint: UUID | None = None,
    cursor: str = "",
    limit: Limit = 50,
) -> Page:
    """Every channel: webhooks and mails."""
    at, after = from_time_cursor(cursor)
    async with ctx.door.enter(actor, tenant) as tx:
        rows = await tx.rows(queries.deliveries, tenant, status, endpoint, at, after, limit)
    items = [as_struct(model.Delivery, r) for r in rows]
    return Page(list(items), time_cursor(items[-1].made_at, items[-1].id) if len(items) == limit else None)


@get("/api/v1/deliveries/{delivery_id:uuid}", summary="One delivery", description="With its attempts.")
async def get_delivery(ctx: Context, actor: Actor, delivery_id: UUID) -> WithAttempts:
    """Timings, address, status, the head of the answer."""
    async with ctx.door.enter_at(actor, "deliveries", delivery_id) as tx:
        row = await tx.row(queries.delivery, delivery_id)
        attempts = await tx.rows(queries.attempts, delivery_id)
    if row is None:
        raise not_found("delivery")
    return WithAttempts(delivery=as_struct(model.Delivery, row), attempts=[_attempt(a) for a in attempts])


@post(
    "/api/v1/deliveries/{delivery_id:uuid}/replay",
    status_code=202,
    summary="Send one again",
    description="Same webhook-id, low lane. With `as_new` it has a webhook-id of its own, so that a receiver that has "
    "the first one does not skip it. A test is not sent again (409).",
)
async def replay(ctx: Context, actor: Actor, delivery_id: UUID, data: model.Again | None = None) -> model.Replayed:
    """Receivers recognise it by its id."""
    async with ctx.door.enter_at(actor, "deliveries", delivery_id) as tx:
        return model.Replayed(await actions.replay_one(tx, delivery_id, as_new=(data or model.Again()).as_new))


@post(
    "/api/v1/deliveries/{delivery_id:uuid}/release",
    status_code=202,
    summary="Release a parked delivery",
    description="It waited for a person after tries that could not succeed, such as a 404. It is sent again, with all "
    "its tries before it. Where the endpoint itself is paused or disabled, resume that: 409.",
)
async def release(ctx: Context, actor: Actor, delivery_id: UUID) -> model.Released:
    """One that is not parked is left alone."""
    async with ctx.door.enter_at(actor, "deliveries", delivery_id) as tx:
        row = await tx.row(queries.delivery, delivery_id)
        if row is None:
            raise not_found("delivery")
        return model.Released(await actions.release(tx, row["destination_id"], [delivery_id]))


@post(
    "/api/v1/endpoints/{endpoint_id:uuid}/release",
    status_code=202,
    summary="Release all parked deliveries of an endpoint",
    description="Oldest first, at most 10,000 at once; `type` releases those of one event type.",
)
async def release_all(
    ctx: Context, actor: Actor, endpoint_id: UUID, kind: Annotated[str | None, Parameter(query="type")] = None
) -> model.Released:
    """As one by one."""
    async with ctx.door.enter_at(actor, "endpoints", endpoint_id) as tx:
        return model.Released(await actions.release_all(tx, endpoint_id, kind=kind))


@post(
    "/api/v1/deliveries/{delivery_id:uuid}/cancel",
    status_code=200,
    summary="Cancel a delivery that waits",
    description="Pending, parked, or waiting for its next try; 409 for one that is being sent or has ended.",
)
async def cancel(ctx: Context, actor: Actor, delivery_id: UUID) -> model.Delivery:
    """It stays in the ledger, with who did it, and can be replayed."""
    async with ctx.door.enter_at(actor, "deliveries", delivery_id) as tx:
        await actions.cancel(tx, delivery_id)
        row = await tx.row(queries.delivery, delivery_id)
    if row is None:
        raise not_found("delivery")
    return as_struct(model.Delivery, row)


#: Of an endpoint, what is not a column as it is.
MADE = ("auth", "secret", "breaker")


def _attempt(row: Row) -> model.Attempt:
    return as_struct(model.Attempt, {**dict(row), "request_headers": msgspec.json.decode(row["request_headers"])})


def _endpoint(row: Row | None) -> model.Endpoint:
    if row is None:
        raise not_found("endpoint")
    breaker = model.Restraint.of(
        row["breaker_failures"] or 0, row["breaker_until"], row["host"] or "", row["host_until"]
    )
    columns = {name: row[name] for name in model.Endpoint.__struct_fields__ if name not in MADE}
    return model.Endpoint(**columns, auth=secured.shown(row), breaker=breaker)


ROUTES: tuple[Any, ...] = (
    list_endpoints,
    add_endpoint,
    get_endpoint,
    change_endpoint,
    remove_endpoint,
    rotate,
    recover,
    send_test,
    listen,
    list_deliveries,
    get_delivery,
    replay,
    release,
    release_all,
    cancel,
)
