"""One source of a business whose bodies are clients: which value is which field, tried on what it really sent."""

from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post

from wedsync.clients.importing.vocabulary import OUT, TARGETS
from wedsync.connections import actions, clienting, model, trials
from wedsync.connections.clienting import ClientMap
from wedsync.connections.pages.place import Place, entered, paths, queries
from wedsync.connections.records import documents
from wedsync.kit.actor import Actor
from wedsync.kit.errors import Refusal, not_found
from wedsync.web import forms, respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest, Form

SHOWN_MAX: Final = 40
WORDS: Final = (("", "Leave out"), *((name, one.label) for name, one in TARGETS.items() if name not in (*OUT, "note")))
DATES: Final = (
    ("", "As it shows"),
    ("day_first", "Day first: 5/6 is the fifth of June"),
    ("month_first", "Month first"),
)


@get(paths("/{connection_id:uuid}/clients"), include_in_schema=False)
async def page(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID, connection_id: UUID) -> Response[str]:
    """As it is, or as it is guessed from what came last."""
    async with entered(request, ctx, actor, tenant) as place:
        source = await _source(place, connection_id)
        known = msgspec.convert(source.settings, model.HookSettings).clients
        return await _page(place, source, known or ClientMap(), is_on=known is not None)


@post(paths("/{connection_id:uuid}/clients"), include_in_schema=False)
async def save(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID, connection_id: UUID) -> Response[Any]:
    """`do` is try, save or stop: only the last two write."""
    form = await forms.read(request)
    async with entered(request, ctx, actor, tenant) as place:
        source = await _source(place, connection_id)
        settings = msgspec.convert(source.settings, model.HookSettings)
        drawn = _drawn(form)
        is_on = settings.clients is not None
        try:
            clienting.check(drawn, "columns")
        except Refusal as refusal:
            return await _page(place, source, drawn, is_on=is_on, error=refusal.errors[0].fix)
        if form.text("do") not in ("save", "stop"):
            return await _page(place, source, drawn, is_on=is_on)
        wanted = msgspec.structs.replace(settings, clients=None if form.text("do") == "stop" else drawn)
        change = model.ConnectionChange(settings=wanted)
        await actions.change(place.tx, connection_id, change, version=form.number("version"))
        return respond.done(request, f"{place.path}/{connection_id}/clients")


async def _source(place: Place, connection_id: UUID) -> model.Connection:
    if place.is_couple:
        raise not_found("page")
    return await place.source(connection_id)


def _drawn(form: Form) -> ClientMap:
    """Raises Refusal 422."""
    pairs = zip(form.many("at"), form.many("target"), strict=False)
    given = {"columns": {path: target for path, target in pairs if target}, "dates": form.text("dates")}
    return forms.checked(ClientMap, given, {})


async def _page(
    place: Place, source: model.Connection, drawn: ClientMap, *, is_on: bool, error: str = ""
) -> Response[str]:
    hooks = await place.tx.rows(queries.hooks_of, source.id)
    seen = None
    if hooks:
        trial = model.Trial(hook_id=hooks[0]["id"], clients=ClientMap() if error else drawn)
        seen = await trials.preview(place.tx, place.ctx.ring, source.id, trial)
    told = [] if seen is None else [one for one in seen.samples if not documents.is_withheld(one[0])]
    samples = dict(told[:SHOWN_MAX])
    return respond.html(
        "connections/source_clients.html",
        place.shell,
        code=422 if error else 200,
        path=place.path,
        source=source,
        rows=[(at, samples.get(at, ""), drawn.columns.get(at, "")) for at in {**samples, **drawn.columns}],
        words=WORDS,
        orders=DATES,
        dates=drawn.dates,
        seen=seen,
        is_on=is_on,
        error=error,
    )


ROUTES = (page, save)
