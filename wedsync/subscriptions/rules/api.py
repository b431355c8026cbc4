"""The JSON door of rules of a wedding or a supplier: kept, tried on past events, sent as a test, explained."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Response, delete, get, patch, post

from wedsync.events.images import opener
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Row
from wedsync.kit.errors import not_found
from wedsync.subscriptions.rules import actions, explain, model
from wedsync.subscriptions.rules.fields import Fields
from wedsync.web.context import Context, IfMatch, Page, etag, expected_version

queries = sql.load("wedsync.subscriptions.rules")


@get(
    ["/api/v1/weddings/{tenant:uuid}/rules", "/api/v1/suppliers/{tenant:uuid}/rules"],
    summary="Routing rules",
    description="For the couple, or a supplier's owner and admins. Endpoint by endpoint, in the order they are asked.",
)
async def list_rules(ctx: Context, actor: Actor, tenant: UUID) -> Page:
    """The first of an endpoint that matches takes an event."""
    async with ctx.door.enter(actor, tenant) as tx:
        rows = await tx.rows(queries.rules, tenant)
    return Page([model.read(row) for row in rows])


@post(
    ["/api/v1/weddings/{tenant:uuid}/rules", "/api/v1/suppliers/{tenant:uuid}/rules"],
    summary="Add a routing rule",
    description="When these types, under these conditions, in this lane, to this endpoint, shaped like this. It comes "
    "after the other rules of its endpoint and before the endpoint's own list.",
)
async def add_rule(
    ctx: Context, actor: Actor, rule_fields: Fields, tenant: UUID, data: model.NewRule
) -> Response[model.Rule]:
    """Try it first: `POST …/rules/preview`."""
    async with ctx.door.enter(actor, tenant) as tx:
        rule_id = await actions.add(tx, rule_fields, data)
        rule = _rule(await tx.row(queries.rule, rule_id))
    return Response(rule, status_code=201, headers=etag(rule.version))


@post(
    ["/api/v1/weddings/{tenant:uuid}/rules/preview", "/api/v1/suppliers/{tenant:uuid}/rules/preview"],
    status_code=200,
    summary="Try a rule on past events",
    description="Nothing is saved or sent. The newest events of these types that you may see, which of them the draft "
    "would take, and the body of each.",
)
async def preview_rule(
    ctx: Context, actor: Actor, rule_fields: Fields, tenant: UUID, data: model.Draft
) -> model.Preview:
    """Real events, at most 50."""
    async with ctx.door.enter(actor, tenant) as tx:
        return await actions.preview(tx, rule_fields, data, opener(ctx.ring))


@get("/api/v1/rules/{rule_id:uuid}", summary="One routing rule", description="With its conditions and shape.")
async def get_rule(ctx: Context, actor: Actor, rule_id: UUID) -> Response[model.Rule]:
    """With its ETag."""
    async with ctx.door.enter_at(actor, "rules", rule_id) as tx:
        rule = _rule(await tx.row(queries.rule, rule_id))
    return Response(rule, headers=etag(rule.version))


@patch(
    "/api/v1/rules/{rule_id:uuid}",
    summary="Change a routing rule",
    description="What is absent stays; `position` puts it before or after others of its endpoint.",
)
async def change_rule(
    ctx: Context, actor: Actor, rule_fields: Fields, rule_id: UUID, data: model.RuleChange, if_match: IfMatch = None
) -> Response[model.Rule]:
    """For events from now on."""
    given = {name: v for name in data.__struct_fields__ if (v := getattr(data, name)) is not msgspec.UNSET}
    async with ctx.door.enter_at(actor, "rules", rule_id) as tx:
        await actions.change(tx, rule_fields, rule_id, given, version=expected_version(if_match))
        rule = _rule(await tx.row(queries.rule, rule_id))
    return Response(rule, headers=etag(rule.version))


@delete(
    "/api/v1/rules/{rule_id:uuid}",
    summary="Remove a routing rule",
    description="What it took before stays in the ledger; what is not sent yet is cancelled.",
)
async def remove_rule(ctx: Context, actor: Actor, rule_id: UUID) -> None:
    """From now on its events go by the next rule that matches."""
    async with ctx.door.enter_at(actor, "rules", rule_id) as tx:
        await actions.remove(tx, rule_id)


@post(
    "/api/v1/rules/{rule_id:uuid}/test",
    status_code=202,
    summary="Send a test",
    description="The newest past event that the rule takes, or a named one of a type it asks for, as a real delivery "
    "to its endpoint: shaped, signed, with `test: true` in the body, an id of its own as webhook-id, and marked in the "
    "ledger. Only of what has happened since the endpoint was added; with its other tests at most 30 a minute.",
)
async def test_rule(ctx: Context, actor: Actor, rule_id: UUID, data: model.TestSend | None = None) -> model.TestSent:
    """Also for a rule that is switched off."""
    async with ctx.door.enter_at(actor, "rules", rule_id) as tx:
        return await actions.send_test(tx, rule_id, data.event_id if data else None)


@get(
    [
        "/api/v1/weddings/{tenant:uuid}/events/{event_id:uuid}/routing",
        "/api/v1/suppliers/{tenant:uuid}/events/{event_id:uuid}/routing",
    ],
    summary="Why an event went where it went",
    description="What was owed and how it stands, and what each rule and endpoint would do with it now, with the steps "
    "to its lane. For a supplier: events of its own and of the weddings it is linked to, as far as it may see them.",
)
async def explain_event(ctx: Context, actor: Actor, tenant: UUID, event_id: UUID) -> explain.Routing:
    """For the couple, or owner and admins."""
    async with ctx.door.enter(actor, tenant) as tx:
        return await explain.routing(tx, event_id)


def _rule(row: Row | None) -> model.Rule:
    if row is None:
        raise not_found("rule")
    return model.read(row)


ROUTES: tuple[Any, ...] = (
    list_rules,
    add_rule,
    preview_rule,
    get_rule,
    change_rule,
    remove_rule,
    test_rule,
    explain_event,
)
