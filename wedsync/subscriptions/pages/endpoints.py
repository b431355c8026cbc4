"""The list of endpoints, adding one, changing it; its secret is on the page that answers, and on no other."""

from typing import Any, TypeVar
from uuid import UUID, uuid4

import msgspec
from litestar import Response, get, post
from msgspec import UNSET, structs

from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.errors import Refusal
from wedsync.subscriptions import actions, model, snippets, view, wording
from wedsync.subscriptions.pages import proof
from wedsync.subscriptions.pages.place import Place, entered, is_stale, paths, version_of
from wedsync.subscriptions.vetting import vet
from wedsync.web import conflict, forms, respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest, Form

queries = sql.load("wedsync.subscriptions")
S = TypeVar("S", bound=msgspec.Struct)
LABELS = {"url": "Address", "description": "What it is for", "patterns": "Events"}


@get(paths(), include_in_schema=False)
async def listed(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID) -> Response[str]:
    """Every endpoint with its state and its last seven days."""
    async with entered(request, ctx, actor, tenant) as place:
        return await _list(place, "subscriptions/webhooks.html")


@get(paths("/fragments/list"), include_in_schema=False)
async def listed_fragment(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID) -> Response[str]:
    """The list, as it is now."""
    async with entered(request, ctx, actor, tenant) as place:
        return await _list(place, "subscriptions/_webhooks.html")


async def _list(place: Place, template: str) -> Response[str]:
    rows = await place.tx.rows(queries.endpoints, place.tenant)
    cards = await view.cards(place.tx, place.tenant, rows, face=place.face, now=place.now)
    return respond.html(template, place.shell, path=place.path, endpoints=cards, now=place.now)


@get(paths("/new"), include_in_schema=False)
async def new(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID) -> Response[str]:
    """The form; it brings the id, so that sending it twice adds one endpoint."""
    async with entered(request, ctx, actor, tenant) as place:
        return _form(place, {"id": str(uuid4()), "events": [wording.EVERYTHING]})


def _form(place: Place, given: dict[str, Any], *, errors: Any = None, code: int = 200) -> Response[str]:
    """`given`: id, url, description, events; with a version it is a change."""
    events = given.get("events", [])
    boxes = wording.offered(place.face)
    return respond.html(
        "subscriptions/form.html",
        place.shell,
        code=code,
        path=place.path,
        endpoint={"url": "", "description": "", "version": None, **given},
        everything=wording.EVERYTHING in events,
        groups=[(g.words, [(p, words, p in events) for p, words in g.patterns]) for g in wording.groups(place.face)],
        patterns=", ".join(e for e in events if e not in boxes),
        errors=errors or {},
        **proof.values(given),
    )


def _given(form: Form) -> dict[str, Any]:
    """Ticked patterns and written ones, each once."""
    written = form.text("patterns").replace(",", " ").split()
    events = list(dict.fromkeys([*form.many("events"), *written]))
    return {"url": form.text("url"), "description": form.text("description"), "events": events}


def _wanted(given: dict[str, Any]) -> model.NewEndpoint:
    return _checked(model.NewEndpoint, given)


def _changed(given: dict[str, Any]) -> model.EndpointChange:
    return _checked(model.EndpointChange, given)


def _checked(kind: type[S], given: dict[str, Any]) -> S:
    """Raises Refusal 422 by the form's fields: one bad pattern is the picker's."""
    try:
        return forms.checked(kind, given, wording.FIELDS)
    except Refusal as refusal:
        field = refusal.errors[0].field.partition("[")[0]
        if field in wording.FIELDS:
            raise forms.wrong(wording.FIELDS[field]) from refusal
        raise


@post(paths(), include_in_schema=False)
async def add(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID) -> Response[Any]:
    """The new endpoint's secret, once; the form again where something is not right."""
    form = await forms.read(request)
    given = _given(form)
    endpoint_id = _id(form.text("id"))
    try:
        wanted = _wanted(given | proof.of_form(form))
        await vet(ctx, actor, wanted, ctx.door.enter(forms.signed_in(request, actor), tenant))
        async with entered(request, ctx, actor, tenant) as place:
            _, secret = await actions.add(
                place.tx, ctx.ring, tenant, wanted, allow=ctx.settings.egress_allow, endpoint_id=endpoint_id
            )
            return await _secret(place, endpoint_id, secret, overlap_hours=None)
    except Refusal as refusal:
        async with entered(request, ctx, actor, tenant) as place:
            if refusal.status == 409:
                return respond.see_other(f"{place.path}/{endpoint_id}")
            if refusal.status != 422:
                raise
            typed = given | _typed(form) | {"id": str(endpoint_id)}
            return _form(place, typed, errors=proof.errors_of(refusal), code=422)


def _typed(form: Form) -> dict[str, Any]:
    """What was typed of the proof, for the form that is shown again; nothing of it where it cannot be read."""
    try:
        return proof.of_form(form)
    except Refusal:
        return {}


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise Refusal(422, "invalid", "id: is not the one of the form; open the form again") from error


async def _secret(place: Place, endpoint_id: UUID, secret: str, *, overlap_hours: int | None) -> Response[str]:
    return respond.html(
        "subscriptions/secret.html",
        place.shell,
        path=place.path,
        endpoint=await place.card(endpoint_id),
        secret=secret,
        overlap_hours=overlap_hours,
        snippets=[("Python", "pip install standardwebhooks", snippets.PYTHON), ("Node", INSTALL, snippets.NODE)],
    )


INSTALL = "npm install standardwebhooks"


@get(paths("/{endpoint_id:uuid}/edit"), include_in_schema=False)
async def edit(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID, endpoint_id: UUID) -> Response[str]:
    """The form of an endpoint that is there."""
    async with entered(request, ctx, actor, tenant) as place:
        row = await place.endpoint(endpoint_id)
        return _form(place, dict(row) | proof.of_row(row))


@post(paths("/{endpoint_id:uuid}"), include_in_schema=False)
async def change(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID, endpoint_id: UUID) -> Response[Any]:
    """Address, events, description, headers, authentication."""
    form = await forms.read(request)
    given, version = _given(form), version_of(request, form)
    try:
        wanted = _changed(given | (proof.of_form(form) if form.has("auth") else {}))
        await vet(ctx, actor, wanted, ctx.door.enter_at(forms.signed_in(request, actor), "endpoints", endpoint_id))
        fields = {name: value for name, value in structs.asdict(wanted).items() if value is not UNSET}
        async with entered(request, ctx, actor, tenant) as place:
            await place.endpoint(endpoint_id)
            allow = ctx.settings.egress_allow
            await actions.change(place.tx, ctx.ring, endpoint_id, fields, version=version, allow=allow)
            return respond.see_other(f"{place.path}/{endpoint_id}")
    except Refusal as refusal:
        if refusal.status not in (412, 422):
            raise
        async with entered(request, ctx, actor, tenant) as place:
            if is_stale(refusal):
                return await _both(place, given, endpoint_id)
            held = {"held": proof.of_row(await place.endpoint(endpoint_id))["held"]}
            typed = given | _typed(form) | held | {"id": str(endpoint_id), "version": version}
            return _form(place, typed, errors=proof.errors_of(refusal), code=422)


async def _both(place: Place, given: dict[str, Any], endpoint_id: UUID) -> Response[Any]:
    row = await place.endpoint(endpoint_id)
    mine = Form(
        [("url", given["url"]), ("description", given["description"]), ("patterns", ", ".join(given["events"]))]
    )
    edited = conflict.Edited(
        table="endpoints",
        id=endpoint_id,
        version=row["version"],
        path=f"{place.path}/{endpoint_id}",
        back=f"{place.path}/{endpoint_id}",
        labels=LABELS,
        theirs={"url": row["url"], "description": row["description"], "patterns": ", ".join(row["events"])},
    )
    return await conflict.page(place.tx, place.shell, mine, edited)


@get(paths("/{endpoint_id:uuid}/rotate"), include_in_schema=False)
async def ask_rotate(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID, endpoint_id: UUID) -> Response[str]:
    """How long the old secret still signs."""
    async with entered(request, ctx, actor, tenant) as place:
        card = await place.card(endpoint_id)
        return respond.html("subscriptions/rotate.html", place.shell, path=place.path, endpoint=card)


@post(paths("/{endpoint_id:uuid}/rotate"), include_in_schema=False)
async def rotate(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID, endpoint_id: UUID) -> Response[Any]:
    """The new secret, once. A form that is sent again finds another version, and rotates nothing."""
    form = await forms.read(request)
    wanted = forms.checked(model.Rotation, {"overlap_hours": form.number("overlap_hours")}, {})
    try:
        async with entered(request, ctx, actor, tenant) as place:
            await place.endpoint(endpoint_id)
            secret = await actions.rotate(
                place.tx, ctx.ring, tenant, endpoint_id, wanted.overlap_hours, version=version_of(request, form)
            )
            return await _secret(place, endpoint_id, secret, overlap_hours=wanted.overlap_hours)
    except Refusal as refusal:
        if not is_stale(refusal):
            raise
        return respond.see_other(f"{request.url.path.removesuffix('/rotate')}?said=rotated")


ROUTES = (listed, listed_fragment, new, add, edit, change, ask_rotate, rotate)
