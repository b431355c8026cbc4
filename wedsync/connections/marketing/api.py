"""The JSON door of marketing: which list is kept, who is in it, who agreed, what begins a journey, campaigns."""

from typing import Annotated
from uuid import UUID

from litestar import Response, get, patch, post, put
from litestar.params import Parameter

from wedsync.connections.marketing import actions, looking, model
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.errors import not_found
from wedsync.web.context import (
    Context,
    IfMatch,
    Page,
    as_struct,
    expected_version,
    from_time_cursor,
    time_cursor,
    versioned,
)

queries = sql.load("wedsync.connections.marketing")
Limit = Annotated[int, Parameter(ge=1, le=200)]


@get(
    "/api/v1/connections/{connection_id:uuid}/marketing",
    summary="Which list is kept in step",
    description="The lists there are, the one that was chosen, how fresh it is, and how many are in it by you.",
)
async def get_audience(ctx: Context, actor: Actor, connection_id: UUID) -> Response[model.Audience]:
    """With its ETag."""
    async with ctx.door.enter_at(actor, "connections", connection_id) as tx:
        return versioned(await looking.audience(tx, connection_id))


@patch(
    "/api/v1/connections/{connection_id:uuid}/marketing",
    summary="Choose the list that is kept in step",
    description="`list_id` one of its lists; `is_on` false leaves all as it is there; `has_templates` false writes no "
    "templates.",
)
async def change_audience(
    ctx: Context, actor: Actor, connection_id: UUID, data: model.AudienceChange, if_match: IfMatch = None
) -> Response[model.Audience]:
    """The first run begins at once."""
    async with ctx.door.enter_at(actor, "connections", connection_id) as tx:
        await actions.change(tx, connection_id, data, version=expected_version(if_match))
        return versioned(await looking.audience(tx, connection_id))


@post(
    "/api/v1/connections/{connection_id:uuid}/marketing/sync",
    status_code=202,
    summary="Look at a list now",
    description="Also where it was to wait for a while.",
)
async def sync_audience(ctx: Context, actor: Actor, connection_id: UUID) -> None:
    """Who left there is out a moment later."""
    async with ctx.door.enter_at(actor, "connections", connection_id) as tx:
        await actions.look_now(tx, connection_id)


@get(
    "/api/v1/connections/{connection_id:uuid}/marketing/members",
    summary="Who is in a list by you",
    description="Each with the tags that were sent and what became of it, the one that changed last first.",
)
async def list_members(ctx: Context, actor: Actor, connection_id: UUID, cursor: str = "", limit: Limit = 50) -> Page:
    """For owners and admins."""
    at, after = from_time_cursor(cursor)
    async with ctx.door.enter_at(actor, "connections", connection_id) as tx:
        found = await looking.audience(tx, connection_id)
        rows = await tx.rows(queries.members_page, connection_id, at, after, limit)
    items = looking.members(ctx.ring, found.tenant_id, rows)
    return Page(list(items), time_cursor(items[-1].changed_at, items[-1].id) if len(items) == limit else None)


@get(
    "/api/v1/connections/{connection_id:uuid}/marketing/campaigns",
    summary="What became of campaigns",
    description="In the same numbers for every provider: people, not openings. Newest first.",
)
async def list_campaigns(ctx: Context, actor: Actor, connection_id: UUID, limit: Limit = 50) -> Page:
    """At most as many as the provider was asked for."""
    async with ctx.door.enter_at(actor, "connections", connection_id) as tx:
        await looking.audience(tx, connection_id)
        return Page(list(await looking.campaigns(tx, connection_id, limit)), None)


@get(
    "/api/v1/connections/{connection_id:uuid}/marketing/triggers",
    summary="Which milestones begin a journey",
    description="Where the provider lets one be begun; every milestone is a tag beside.",
)
async def get_triggers(ctx: Context, actor: Actor, connection_id: UUID) -> model.TriggerRules:
    """All of them."""
    async with ctx.door.enter_at(actor, "connections", connection_id) as tx:
        await looking.audience(tx, connection_id)
        rows = await tx.rows(queries.triggers, connection_id)
    return model.TriggerRules(triggers=tuple(as_struct(model.TriggerRule, row) for row in rows))


@put(
    "/api/v1/connections/{connection_id:uuid}/marketing/triggers",
    summary="Say which milestones begin a journey",
    description="`place` is journey/step of a journey that starts by API, or event:name. Those not named begin none.",
)
async def put_triggers(ctx: Context, actor: Actor, connection_id: UUID, data: model.TriggerRules) -> model.TriggerRules:
    """From now on; what was reached before begins nothing."""
    async with ctx.door.enter_at(actor, "connections", connection_id) as tx:
        await actions.put_triggers(tx, connection_id, data.triggers)
    return data


@get(
    "/api/v1/suppliers/{tenant:uuid}/marketing-consents",
    summary="The ledger of who agreed to marketing mail",
    description="Every act, newest first: given to which words, withdrawn by whom. The last one of an address holds.",
)
async def list_consents(ctx: Context, actor: Actor, tenant: UUID, cursor: str = "", limit: Limit = 50) -> Page:
    """For owners and admins."""
    at, after = from_time_cursor(cursor)
    async with ctx.door.enter(actor, tenant) as tx:
        rows = await tx.rows(queries.consents_page, at, after, limit)
    items = looking.entries(ctx.ring, tenant, rows)
    return Page(list(items), time_cursor(items[-1].created_at, items[-1].id) if len(items) == limit else None)


@post(
    "/api/v1/suppliers/{tenant:uuid}/clients/{client_id:uuid}/marketing-consents",
    status_code=201,
    summary="Note that a client agreed to marketing mail, or withdrew",
    description="`act` given or withdrawn, `who` client or partner. Given takes `wording`, what they agreed to word "
    "for word, and `source`, where. A withdrawal holds for every list at once.",
)
async def add_consent(
    ctx: Context, actor: Actor, tenant: UUID, client_id: UUID, data: model.NewConsent
) -> model.ConsentEntry:
    """Never for somebody who did not say so themselves."""
    async with ctx.door.enter(actor, tenant) as tx:
        made = await actions.say(tx, ctx.ring, tenant, client_id, data, by_api=True)
        rows = await tx.rows(queries.consents_page, None, None, 1)
    if not rows or rows[0]["id"] != made:
        raise not_found("consent")
    return looking.entries(ctx.ring, tenant, rows)[0]


ROUTES = (
    *(get_audience, change_audience, sync_audience, list_members, list_campaigns, get_triggers, put_triggers),
    *(list_consents, add_consent),
)
