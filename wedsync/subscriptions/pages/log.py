"""One endpoint with its delivery log, newest first and live, one delivery with every try of it, and tests."""

from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from litestar import Response, get, post

from wedsync.events.catalogue import Catalogue
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.errors import Refusal, not_found
from wedsync.subscriptions import actions, view, wording
from wedsync.subscriptions.pages.place import Place, entered, paths
from wedsync.web import forms, respond
from wedsync.web.context import Context, from_time_cursor, invalid, time_cursor
from wedsync.web.forms import AnyRequest

queries = sql.load("wedsync.subscriptions")
PAGE: Final = 50
SAID: Final = {
    "changed": "Somebody changed this endpoint after you opened the page. This is how it is now; decide again.",
    "tested": "The test is on its way: it is the newest line of the log, which tells what comes of it.",
    "inactive": "A test needs an active endpoint. Resume it first.",
    "many": "30 tests a minute are enough. Wait one, and go on.",
    "rotated": "The secret was rotated already, and shown then. If you did not keep it, rotate once more.",
}
#: How often an open page asks again: while something is on its way, and otherwise.
MOVING_S: Final = 2
RESTING_S: Final = 10


@get(paths("/{endpoint_id:uuid}"), include_in_schema=False)
async def page(
    request: AnyRequest, ctx: Context, actor: Actor, catalogue: Catalogue, tenant: UUID, endpoint_id: UUID
) -> Response[str]:
    """State, counts, the log, and a test to send."""
    async with entered(request, ctx, actor, tenant) as place:
        values = await _values(request, place, endpoint_id)
        tests = wording.testable(catalogue.types, values["endpoint"]["events"], place.face)
        types = await place.tx.rows(queries.seen_types, tenant, endpoint_id, place.now - view.WEEK, view.COUNTED_MAX)
        said = request.query_params.get("said", "")
        counts = {name: request.query_params.get(name, "") for name in ("again", "released")}
        return respond.html(
            "subscriptions/endpoint.html",
            place.shell,
            types=[("", "All types"), *((row["type"], row["type"]) for row in types)],
            tests=[(name, name) for name in tests],
            tested=request.query_params.get("tested", ""),
            said=SAID.get(said, ""),
            as_new="as_new" in request.query_params,
            sent=_count(counts["again"]),
            released=_count(counts["released"]),
            **values,
        )


def _count(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 7 else None


@post(paths("/{endpoint_id:uuid}/test"), include_in_schema=False)
async def send_test(
    request: AnyRequest, ctx: Context, actor: Actor, catalogue: Catalogue, tenant: UUID, endpoint_id: UUID
) -> Response[Any]:
    """An example, through the ledger; the log says what comes of it."""
    form = await forms.read(request)
    name, here = form.text("type"), request.url.path.removesuffix("/test")
    try:
        async with entered(request, ctx, actor, tenant) as place:
            await place.endpoint(endpoint_id)
            await actions.send_test(place.tx, catalogue, endpoint_id, name)
    except Refusal as refusal:
        said = {409: "inactive", 429: "many"}.get(refusal.status)
        if said is None:
            raise
        return respond.see_other(_address(here, {"said": said}))
    return respond.see_other(_address(here, {"said": "tested", "tested": name}))


@get(paths("/{endpoint_id:uuid}/fragments/log"), include_in_schema=False)
async def fragment(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID, endpoint_id: UUID) -> Response[str]:
    """The live part."""
    async with entered(request, ctx, actor, tenant) as place:
        return respond.html("subscriptions/_log.html", place.shell, **await _values(request, place, endpoint_id))


async def _values(request: AnyRequest, place: Place, endpoint_id: UUID) -> dict[str, Any]:
    asked = {name: request.query_params.get(name, "") for name in ("state", "type", "after")}
    states = {key: list(some) if some else None for key, _, some in wording.TABS}
    if asked["state"] not in states:
        raise invalid("state", "is not one of the tabs")
    card = await place.card(endpoint_id)
    found = await place.tx.rows(
        queries.log,
        place.tenant,
        endpoint_id,
        states[asked["state"]],
        asked["type"] or None,
        *from_time_cursor(asked["after"], field="after"),
        PAGE + 1,
    )
    shown = await view.lines(place.tx, found[:PAGE], now=place.now)
    here = f"{place.path}/{endpoint_id}"
    last = shown[-1] if len(found) > PAGE else None
    filters = {name: asked[name] for name in ("state", "type") if asked[name]}
    tabs = [(key, words, _address(here, filters | {"state": key}), None) for key, words, _ in wording.TABS]
    return {
        "path": place.path,
        "endpoint": card,
        "deliveries": shown,
        "state": asked["state"],
        "type": asked["type"],
        "tabs": tabs,
        "after": _address(here, filters | {"after": time_cursor(last["made_at"], last["id"])}) if last else None,
        "before": _address(here, filters) if asked["after"] else None,
        "src": _address(f"{here}/fragments/log", filters | {"after": asked["after"]}),
        "every_s": MOVING_S if any(one["is_moving"] for one in shown) else RESTING_S,
        "counted_max": view.COUNTED_MAX,
        "parked_words": wording.parked(card["state"]),
        "now": place.now,
    }


def _address(path: str, fields: dict[str, str]) -> str:
    query = urlencode({name: value for name, value in fields.items() if value})
    return f"{path}?{query}" if query else path


@get(paths("/{endpoint_id:uuid}/deliveries/{delivery_id:uuid}"), include_in_schema=False)
async def delivery(
    request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID, endpoint_id: UUID, delivery_id: UUID
) -> Response[str]:
    """One delivery: what it is, how it stands, every try."""
    async with entered(request, ctx, actor, tenant) as place:
        return await _delivery(place, endpoint_id, delivery_id, "subscriptions/delivery.html")


@get(paths("/{endpoint_id:uuid}/deliveries/{delivery_id:uuid}/fragments/tries"), include_in_schema=False)
async def delivery_fragment(
    request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID, endpoint_id: UUID, delivery_id: UUID
) -> Response[str]:
    """The same, as it is now."""
    async with entered(request, ctx, actor, tenant) as place:
        return await _delivery(place, endpoint_id, delivery_id, "subscriptions/_delivery.html")


async def _delivery(place: Place, endpoint_id: UUID, delivery_id: UUID, template: str) -> Response[str]:
    card = await place.card(endpoint_id)
    row = await place.tx.row(queries.delivery, delivery_id)
    if row is None or row["destination_id"] != endpoint_id:
        raise not_found("delivery")
    (one,) = await view.lines(place.tx, [row], now=place.now)
    attempts = await place.tx.rows(queries.attempts, delivery_id)
    by = await place.tx.value(queries.keeper, row["actor_id"]) if row["actor_id"] else None
    behind = await place.tx.value(queries.waiting_behind, delivery_id) if one["is_parked"] else 0
    here = f"{place.path}/{endpoint_id}"
    return respond.html(
        template,
        place.shell,
        behind=behind,
        path=place.path,
        endpoint=card,
        delivery=one,
        by=by,
        tries=view.tries(attempts, is_test=row["is_test"]),
        src=f"{here}/deliveries/{delivery_id}/fragments/tries",
        every_s=MOVING_S if one["is_moving"] else RESTING_S,
        now=place.now,
    )


ROUTES = (page, send_test, fragment, delivery, delivery_fragment)
