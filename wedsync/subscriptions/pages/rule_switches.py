"""What is pressed on rules: up, down, on, off, away, a test, nothing but rules; and why an event went where."""

from typing import Any
from uuid import UUID

from litestar import Response, get, post

from wedsync.kit.actor import Actor
from wedsync.kit.errors import FieldError, Refusal, not_found
from wedsync.subscriptions import actions as endpoints
from wedsync.subscriptions import wording as picker
from wedsync.subscriptions.pages.place import Place, entered, is_stale, paths, version_of
from wedsync.subscriptions.pages.rules import queries
from wedsync.subscriptions.rules import actions, explain, wording
from wedsync.subscriptions.rules.fields import Fields
from wedsync.web import forms, respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest

MOVES = {"up": -1, "down": 1}
UNTESTED = {"nothing_to_send": "nothing", "endpoint_inactive": "inactive", "too_many_tests": "many"}
SAYS = {
    "takes": ("Takes it", "good"),
    "waits": ("Takes it", "wait"),
    "held": ("Takes it", "wait"),
    "condition": ("Not so", ""),
    "earlier_rule": ("Taken before", ""),
}


async def _known(place: Place, rule_id: UUID) -> str:
    """Its name. Raises Refusal 404, also for a rule of somebody else."""
    row = await place.tx.row(queries.rule, rule_id)
    if row is None or row["tenant_id"] != place.tenant:
        raise not_found("rule")
    return str(row["name"])


@post(paths("/rules/{rule_id:uuid}/move"), include_in_schema=False)
async def move(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID, rule_id: UUID) -> Response[Any]:
    """One place up or down among the rules of its endpoint."""
    to = (await forms.read(request)).text("to")
    if to not in MOVES:
        raise forms.wrong(FieldError("to", "is neither up nor down"))
    async with entered(request, ctx, actor, tenant) as place:
        await _known(place, rule_id)
        await actions.move(place.tx, rule_id, MOVES[to])
        return respond.see_other(f"{place.path}/rules?said=moved")


@post(paths("/rules/{rule_id:uuid}/switch"), include_in_schema=False)
async def switch(
    request: AnyRequest, ctx: Context, actor: Actor, rule_fields: Fields, tenant: UUID, rule_id: UUID
) -> Response[Any]:
    """On or off."""
    is_active = (await forms.read(request)).on("on")
    async with entered(request, ctx, actor, tenant) as place:
        await _known(place, rule_id)
        await actions.change(place.tx, rule_fields, rule_id, {"is_active": is_active}, version=None)
        return respond.see_other(f"{place.path}/rules?said=switched")


@get(paths("/rules/{rule_id:uuid}/remove"), include_in_schema=False)
async def ask_remove(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID, rule_id: UUID) -> Response[str]:
    """Asked once."""
    async with entered(request, ctx, actor, tenant) as place:
        rule = {"id": rule_id, "name": await _known(place, rule_id)}
        return respond.html("subscriptions/rules/remove.html", place.shell, path=place.path, rule=rule)


@post(paths("/rules/{rule_id:uuid}/remove"), include_in_schema=False)
async def remove(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID, rule_id: UUID) -> Response[Any]:
    """Gone from the list; what it took stays in the ledger."""
    async with entered(request, ctx, actor, tenant) as place:
        await _known(place, rule_id)
        await actions.remove(place.tx, rule_id)
        return respond.see_other(f"{place.path}/rules?said=removed")


@post(paths("/rules/{rule_id:uuid}/test"), include_in_schema=False)
async def test(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID, rule_id: UUID) -> Response[Any]:
    """A real past event, to the rule's endpoint, marked; the delivery shows how it goes."""
    try:
        async with entered(request, ctx, actor, tenant) as place:
            row = await place.tx.row(queries.rule, rule_id)
            if row is None or row["tenant_id"] != tenant:
                raise not_found("rule")
            sent = await actions.send_test(place.tx, rule_id, None)
            return respond.see_other(f"{place.path}/{row['endpoint_id']}/deliveries/{sent.delivery_id}")
    except Refusal as refusal:
        said = UNTESTED.get(refusal.code)
        if said is None:
            raise
    return respond.see_other(f"{request.url.path.removesuffix('/test')}?said={said}")


@post(paths("/rules/only"), include_in_schema=False)
async def only(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID) -> Response[Any]:
    """An endpoint's own list is emptied: what no rule takes is not sent there."""
    form = await forms.read(request)
    try:
        endpoint_id = UUID(form.text("endpoint_id"))
    except ValueError:
        raise not_found("endpoint") from None
    try:
        async with entered(request, ctx, actor, tenant) as place:
            await place.endpoint(endpoint_id)
            version = version_of(request, form)
            await endpoints.change(place.tx, ctx.ring, endpoint_id, {"events": []}, version=version)
            return respond.see_other(f"{place.path}/rules?said=only")
    except Refusal as refusal:
        if not is_stale(refusal):
            raise
    return respond.see_other(request.url.path.removesuffix("/only"))


@get(paths("/why/{event_id:uuid}"), include_in_schema=False)
async def why(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID, event_id: UUID) -> Response[str]:
    """What became of an event, and what the rules would do with it now."""
    async with entered(request, ctx, actor, tenant) as place:
        told = await explain.routing(place.tx, event_id)
        now: dict[UUID, list[Any]] = {}
        for verdict in told.now:
            says, tone = SAYS.get(verdict.answer, ("Not for it", ""))
            now.setdefault(verdict.endpoint_id, []).append((verdict, says, tone, _steps(verdict.lane_steps)))
        return respond.html(
            "subscriptions/rules/why.html",
            place.shell,
            path=place.path,
            event=told,
            happened=[(owed, _steps(owed.lane_steps)) for owed in told.happened],
            states=picker.STATES,
            now_by_endpoint=[(rows[0][0].endpoint, id, rows) for id, rows in now.items()],
            now=place.now,
        )


def _steps(steps: list[explain.LaneStep]) -> str:
    """`normal (rsvp.replied by itself), high (severe)`."""
    return ", ".join(f"{wording.LANE_NAMES[step.lane]} ({step.why})" for step in steps)


ROUTES = (move, switch, ask_remove, remove, test, only, why)
