"""The map of a connected CRM: which of its values is which field, tried live on the jobs that were read last."""

from typing import Any
from uuid import UUID

from litestar import Response, get, post

from wedsync.connections.pages import rule_form
from wedsync.connections.pages.place import Place, entered
from wedsync.connections.pages.records import PATH, trial_of
from wedsync.connections.records import actions, documents, looking, suggesting
from wedsync.connections.records.fields import MapRule
from wedsync.connections.records.model import RecordMap
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.errors import Refusal
from wedsync.web import forms, respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest

queries = sql.load("wedsync.connections.records")
VERSIONS_SHOWN = 10


@get(PATH + "/{book_id:uuid}/fields", include_in_schema=False)
async def page(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID, book_id: UUID) -> Response[str]:
    """`?version=` draws an old one, to be saved again. A first map is suggested where nothing is read without one."""
    asked = request.query_params.get("version", "")
    version = int(asked) if asked.isascii() and asked.isdigit() and 0 < len(asked) < 10 else None
    async with entered(request, ctx, actor, tenant, here="accounts") as place:
        held = await looking.map_of(place.tx, book_id)
        rules = held.rules if version is None else (await looking.map_of(place.tx, book_id, version)).rules
        if held.is_document and not held.version:
            told = await looking.told_of(place.tx, ctx.ring, book_id, tenant)
            rules = suggesting.suggested([one.document for one in told])
        return await _page(place, held, rules)


@post(PATH + "/{book_id:uuid}/fields", include_in_schema=False)
async def save(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID, book_id: UUID) -> Response[Any]:
    """`do` is save or try: only saving writes."""
    form = await forms.read(request)
    rules: tuple[MapRule, ...] = ()
    try:
        rules = rule_form.rules(form)
        async with entered(request, ctx, actor, tenant, here="accounts") as place:
            if form.text("do") == "try":
                return await _page(place, await looking.map_of(place.tx, book_id), rules)
            await actions.save_map(place.tx, book_id, rules, version=form.number("version"))
            return respond.see_other(f"{place.shell.base}/records/{book_id}/fields")
    except Refusal as refusal:
        if refusal.status not in (412, 422):
            raise
        async with entered(request, ctx, actor, tenant, here="accounts") as place:
            return await _page(place, await looking.map_of(place.tx, book_id), rules, refusal=refusal)


@post(PATH + "/{book_id:uuid}/fields/try", include_in_schema=False)
async def look(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID, book_id: UUID) -> Response[str]:
    """What the form as it stands makes of them: the live part of the page."""
    form = await forms.read(request)
    async with entered(request, ctx, actor, tenant, here="accounts") as place:
        held = await looking.map_of(place.tx, book_id)
        try:
            drawn = await _drawn(place, held, rule_form.rules(form))
        except Refusal as refusal:
            if refusal.status != 422:
                raise
            drawn = {"seen": None, "refusal": refusal}
        return respond.html("connections/_map_tried.html", place.shell, **drawn)


@get(PATH + "/{book_id:uuid}/jobs/{item_id:uuid}", include_in_schema=False)
async def one(
    request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID, book_id: UUID, item_id: UUID
) -> Response[str]:
    """A job whole: what the map reads of it and what nobody reads."""
    async with entered(request, ctx, actor, tenant, here="accounts") as place:
        held = await looking.map_of(place.tx, book_id)
        job = await looking.document(place.tx, ctx.ring, held, item_id)
        path = f"{place.shell.base}/records/{book_id}"
        return respond.html("connections/record.html", place.shell, path=path, held=held, job=job)


async def _page(
    place: Place, held: RecordMap, rules: tuple[MapRule, ...], *, refusal: Refusal | None = None
) -> Response[str]:
    drawn: dict[str, Any] = {"seen": None, "refusal": refusal}
    if refusal is None or refusal.status == 412:
        try:
            drawn = await _drawn(place, held, rules) | {"refusal": refusal}
        except Refusal as wrong:
            if wrong.status != 422:
                raise
            drawn = {"seen": None, "refusal": wrong}
    told = drawn["refusal"]
    versions = await place.tx.rows(queries.maps, held.book_id, None, VERSIONS_SHOWN)
    paths = await _paths(place, held)
    return respond.html(
        "connections/record_map.html",
        place.shell,
        code=200 if refusal is None else refusal.status,
        path=f"{place.shell.base}/records/{held.book_id}",
        held=held,
        rows=rule_form.rows(rules, () if told is None else told.errors),
        directions=rule_form.DIRECTIONS,
        stage_hint=rule_form.STAGE_HINT,
        versions=versions,
        paths=paths,
        **drawn,
    )


async def _drawn(place: Place, held: RecordMap, rules: tuple[MapRule, ...]) -> dict[str, Any]:
    """Raises Refusal 422."""
    return {"seen": trial_of(await looking.tried(place.tx, place.ctx.ring, held, rules)), "refusal": None}


async def _paths(place: Place, held: RecordMap) -> list[tuple[str, str]]:
    """Every value there is, with one of them as an example: what the fields of the form offer."""
    found: dict[str, str] = {}
    for told in await looking.told_of(place.tx, place.ctx.ring, held.book_id, held.tenant_id):
        for path, value in documents.leaves(told.document):
            found[path] = found.get(path) or value
    return list(found.items())


ROUTES = (page, save, look, one)
