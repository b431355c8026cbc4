"""Pages of rules: the list in the order they are asked, the builder, and what past events a rule would take."""

from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import msgspec
from litestar import Response, get, post

from wedsync.events.images import opener
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Row
from wedsync.kit.errors import Refusal, not_found
from wedsync.subscriptions import wording as picker
from wedsync.subscriptions.pages import rule_form
from wedsync.subscriptions.pages.place import Place, entered, is_stale, paths
from wedsync.subscriptions.rules import actions, model, wording
from wedsync.subscriptions.rules.fields import Fields
from wedsync.web import forms, respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest

queries = sql.load("wedsync.subscriptions.rules")
SAID = {
    "moved": "The order is changed.",
    "switched": "The rule is switched.",
    "removed": "The rule is removed.",
    "tested": "A test is on its way. It shows in the log of its endpoint.",
    "nothing": "Nothing that this rule takes has happened since its endpoint was added, so there is nothing to test "
    "with yet. The endpoint's own page sends an example of any type.",
    "inactive": "A test needs an active endpoint. Resume it first.",
    "many": "30 tests a minute are enough for one endpoint. Wait one, and go on.",
    "only": "Only what rules take is sent there now.",
}


@get(paths("/rules"), include_in_schema=False)
async def listed(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID) -> Response[str]:
    """Endpoint by endpoint, in the order they are asked."""
    async with entered(request, ctx, actor, tenant) as place:
        endpoints = await _endpoints(place)
        rules = [model.read(row) for row in await place.tx.rows(queries.rules, tenant)]
        return respond.html(
            "subscriptions/rules/list.html",
            place.shell,
            path=place.path,
            endpoints=[_card(row, rules, place.face) for row in endpoints],
            said=SAID.get(request.query_params.get("said", ""), ""),
        )


async def _endpoints(place: Place) -> list[Row]:
    return [row for row in await place.tx.rows(queries.every_endpoint) if row["deleted_at"] is None]


def _card(endpoint: Row, rules: list[model.Rule], face: picker.Face) -> dict[str, Any]:
    words, tone, sign = picker.ENDPOINTS[endpoint["state"]]
    mine = [rule for rule in rules if rule.endpoint_id == endpoint["id"]]
    return {
        "id": endpoint["id"],
        "name": endpoint["description"] or urlsplit(endpoint["url"]).hostname or endpoint["url"],
        "url": endpoint["url"],
        "version": endpoint["version"],
        "badge": (words, tone, sign),
        "rest": picker.events_words(endpoint["events"], face) if endpoint["events"] else "",
        "rules": [_line(rule, face, n, len(mine)) for n, rule in enumerate(mine, 1)],
    }


def _line(rule: model.Rule, face: picker.Face, number: int, count: int) -> dict[str, Any]:
    return {
        "id": rule.id,
        "name": rule.name,
        "number": number,
        "version": rule.version,
        "is_active": rule.is_active,
        "is_first": number == 1,
        "is_last": number == count,
        "events": picker.events_words(rule.types, face),
        "conditions": wording.conditions_words(rule.conditions),
        "lane": "" if rule.lane is None else wording.LANE_NAMES[rule.lane],
        "mode": "" if rule.mode == "parallel" else dict(wording.MODES)[rule.mode],
        "shape": "" if rule.shape is None else ", ".join(row.target for row in rule.shape),
        "quiet": "" if rule.quiet is None else wording.quiet_words(rule.quiet),
    }


@get(paths("/rules/new"), include_in_schema=False)
async def new(request: AnyRequest, ctx: Context, actor: Actor, rule_fields: Fields, tenant: UUID) -> Response[str]:
    """The builder; it brings the id, so that sending it twice adds one rule."""
    async with entered(request, ctx, actor, tenant) as place:
        endpoint = request.query_params.get("endpoint", "")
        state = rule_form.State(id=str(uuid4()), endpoint_id=endpoint, quiet_zone=await _zone(place))
        return await _builder(place, state, rule_fields)


async def _zone(place: Place) -> str:
    return str(await place.tx.value(queries.zone))


async def _builder(
    place: Place, state: rule_form.State, fields: Fields, *, errors: Any = None, said: str = "", code: int = 200
) -> Response[str]:
    values = rule_form.values(place, state, fields, await _endpoints(place), errors)
    return respond.html("subscriptions/rules/builder.html", place.shell, code=code, said=said, **values)


@get(paths("/rules/{rule_id:uuid}"), include_in_schema=False)
async def edit(
    request: AnyRequest, ctx: Context, actor: Actor, rule_fields: Fields, tenant: UUID, rule_id: UUID
) -> Response[str]:
    """The builder of a rule that is there."""
    async with entered(request, ctx, actor, tenant) as place:
        rule = await _rule(place, rule_id)
        said = SAID.get(request.query_params.get("said", ""), "")
        return await _builder(place, rule_form.of_rule(rule, zone=await _zone(place)), rule_fields, said=said)


async def _rule(place: Place, rule_id: UUID) -> model.Rule:
    """Raises Refusal 404, also for one that was removed."""
    row = await place.tx.row(queries.rule, rule_id)
    if row is None or row["tenant_id"] != place.tenant:
        raise not_found("rule")
    return model.read(row)


@post(paths("/rules"), include_in_schema=False)
async def add(request: AnyRequest, ctx: Context, actor: Actor, rule_fields: Fields, tenant: UUID) -> Response[Any]:
    """On to the rule, where it can be tested; the builder again where something is not right."""
    state = rule_form.of_form(await forms.read(request))
    try:
        rule_id = UUID(state.id)
    except ValueError as error:
        raise Refusal(422, "invalid", "id: is not the one of the form; open the form again") from error
    try:
        wanted = _wanted(state, rule_fields)
        async with entered(request, ctx, actor, tenant) as place:
            await actions.add(place.tx, rule_fields, wanted, rule_id=rule_id)
            return respond.see_other(f"{place.path}/rules/{rule_id}")
    except Refusal as refusal:
        if refusal.status not in (409, 422):
            raise
        async with entered(request, ctx, actor, tenant) as place:
            if refusal.code == "already_added":
                return respond.see_other(f"{place.path}/rules/{rule_id}")
            errors = forms.errors_of(refusal) or {"endpoint_id": refusal.detail}
            return await _builder(place, state, rule_fields, errors=errors, code=422)


def _wanted(state: rule_form.State, fields: Fields) -> model.NewRule:
    """Raises Refusal 422 by the rule's fields."""
    given = rule_form.wanted(state, fields)
    if given["shape"] == []:
        raise model.wrong("shape[0].target", "needs a name", "Or send the event as it is.")
    return forms.checked(model.NewRule, given, wording.FIELDS)


@post(paths("/rules/{rule_id:uuid}"), include_in_schema=False)
async def change(
    request: AnyRequest, ctx: Context, actor: Actor, rule_fields: Fields, tenant: UUID, rule_id: UUID
) -> Response[Any]:
    """All of the rule but its place."""
    state = rule_form.of_form(await forms.read(request))
    try:
        wanted = _wanted(state, rule_fields)
        given = {name: getattr(wanted, name) for name in wanted.__struct_fields__}
        async with entered(request, ctx, actor, tenant) as place:
            await _rule(place, rule_id)
            await actions.change(place.tx, rule_fields, rule_id, given, version=state.version)
            return respond.see_other(f"{place.path}/rules")
    except Refusal as refusal:
        if refusal.status not in (409, 412, 422):
            raise
        async with entered(request, ctx, actor, tenant) as place:
            now = await _rule(place, rule_id)
            if not is_stale(refusal):
                errors = forms.errors_of(refusal) or {"endpoint_id": refusal.detail}
                return await _builder(place, state, rule_fields, errors=errors, code=422)
            state.version = now.version
            said = "Somebody changed this rule after you opened it. Below is what you chose; saving replaces theirs."
            return await _builder(place, state, rule_fields, said=said, code=412)


@post(paths("/rules/draft"), include_in_schema=False)
async def draft(request: AnyRequest, ctx: Context, actor: Actor, rule_fields: Fields, tenant: UUID) -> Response[str]:
    """The form with a row more or less, or with the fields of the events that are ticked now; nothing is kept."""
    form = await forms.read(request)
    state = rule_form.of_form(form)
    rule_form.pressed(state, form.text("do"))
    async with entered(request, ctx, actor, tenant) as place:
        if not forms.is_fragment(request):
            return await _builder(place, state, rule_fields)
        values = rule_form.rows_values(place, state, rule_fields)
        return respond.html("subscriptions/rules/_rows.html", place.shell, **values)


@post(paths("/rules/preview"), include_in_schema=False)
async def preview(request: AnyRequest, ctx: Context, actor: Actor, rule_fields: Fields, tenant: UUID) -> Response[str]:
    """Which past events the form as it stands would take, and what is sent; or what is missing."""
    given = rule_form.draft(rule_form.of_form(await forms.read(request)), rule_fields)
    async with entered(request, ctx, actor, tenant) as place:
        said, tried = "", None
        try:
            wanted = forms.checked(model.Draft, given | {"shape": given["shape"] or None}, wording.FIELDS)
            tried = await actions.preview(place.tx, rule_fields, wanted, opener(ctx.ring))
        except Refusal as refusal:
            if refusal.status != 422:
                raise
            said = " ".join(forms.errors_of(refusal).values())
        rows = [] if tried is None else [_tried(item, given) for item in tried.items]
        return respond.html(
            "subscriptions/rules/_preview.html",
            place.shell,
            path=place.path,
            tried=tried,
            items=sorted(rows, key=lambda row: not row["is_match"]),
            said=said,
            now=place.now,
        )


def _tried(item: model.Tried, given: dict[str, Any]) -> dict[str, Any]:
    asked = msgspec.convert(given["conditions"], type=model.Conditions)
    return {
        "event_id": item.event_id,
        "type": item.type,
        "at": item.occurred_at,
        "is_match": item.is_match,
        "not_so": "; ".join(wording.condition_words(asked[number]) for number in item.failed),
        "body": "" if item.body is None else _indented(item.body),
    }


def _indented(body: dict[str, Any]) -> str:
    return msgspec.json.format(msgspec.json.encode(body), indent=2).decode()


ROUTES = (listed, new, edit, add, change, draft, preview)
