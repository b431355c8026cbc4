"""The studio's list of clients, one client, and the form that adds or changes one."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar import Response, get, post

from wedsync.clients import actions, model, reading
from wedsync.clients.model import STAGES, ClientChange, ClientView, NewClient
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Tx
from wedsync.kit.errors import FieldError, Refusal, not_found
from wedsync.suppliers.shell import supplier_shell
from wedsync.web import forms, respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest, Form, signed_in
from wedsync.web.shell import Shell

queries = sql.load("wedsync.clients")
PAGE: Final = "/studio/{supplier_id:uuid}/clients"
ONE: Final = PAGE + "/{client_id:uuid}"
SHOWN: Final = 50
WHENS: Final = [("coming", "Coming"), ("past", "Past"), ("all", "Any date")]
TONES: Final = {"enquiry": "open", "held": "wait", "booked": "good", "fulfilled": "info"} | dict.fromkeys(
    ("completed", "cancelled"), ""
)
LONG: Final = FieldError("", "is too long", "Shorten it.")
WORDS: Final = {name: msgspec.structs.replace(LONG, field=name) for name in model.WORDS}


class Place(msgspec.Struct, frozen=True):
    """An open transaction of a business's page, its frame, and whether the reader may change clients."""

    tx: Tx
    shell: Shell
    may_manage: bool


@asynccontextmanager
async def entered(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID) -> AsyncIterator[Place]:
    """Inside the supplier, with the page's frame."""
    async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
        shell = await supplier_shell(request, ctx, tx, supplier_id, "clients")
        yield Place(tx, shell, (await actions.home(tx))["role"] in actions.MANAGERS)


@get(PAGE, include_in_schema=False)
async def show(
    request: AnyRequest,
    ctx: Context,
    actor: Actor,
    supplier_id: UUID,
    q: str = "",
    stage: str = "",
    when: str = "",
    cursor: str = "",
) -> Response[str]:
    """The list; to a script of the page, the rows alone."""
    async with entered(request, ctx, actor, supplier_id) as place:
        values = await _values(ctx, place, {"q": q[:100], "stage": stage, "when": when}, cursor)
    name = "clients/_rows.html" if forms.is_fragment(request) else "clients/clients.html"
    return respond.html(name, place.shell, may_manage=place.may_manage, **values)


async def _values(ctx: Context, place: Place, asked: Mapping[str, str], cursor: str) -> dict[str, Any]:
    """What the form does not know is taken as not said."""
    stage = next((known for known in STAGES if known == asked["stage"]), None)
    q = " ".join(asked["q"].split())
    when = asked["when"] if asked["when"] in dict(WHENS) else "all" if q else "coming"
    today = place.shell.now.date()
    first = today if when == "coming" else None
    last = today - timedelta(days=1) if when == "past" else None
    wanted = reading.Wanted(q=q, stage=stage, first=first, last=last)
    views, following = await reading.page(place.tx, ctx.ring, wanted, cursor=cursor, limit=SHOWN)
    counts = {row["stage"]: row["n"] for row in await place.tx.rows(queries.counts)}
    filters = {"q": q, "stage": stage or "", "when": when}
    return {
        "clients": views,
        "stages": STAGES,
        "tones": TONES,
        "filters": filters,
        "stage_options": [("", "Any stage"), *((k, f"{words} ({counts.get(k, 0)})") for k, words in STAGES.items())],
        "whens": WHENS,
        "total": sum(counts.values()),
        "is_filtered": bool(q or stage or when != "coming"),
        "after": f"{place.shell.base}/clients?{urlencode({**filters, 'cursor': following})}" if following else None,
        "first": f"{place.shell.base}/clients?{urlencode(filters)}" if cursor else None,
    }


@get(f"{PAGE}/new", include_in_schema=False)
async def new(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID) -> Response[str]:
    """An empty form."""
    async with entered(request, ctx, actor, supplier_id) as place:
        return _form(place, None, _typed(None), {})


@post(f"{PAGE}/new", include_in_schema=False)
async def add(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID) -> Response[Any]:
    """On to the list; a couple that is there already is named, and can be added all the same."""
    form = await forms.read(request)
    try:
        given = {**_given(form), "is_another": form.on("is_another")}
        async with entered(request, ctx, actor, supplier_id) as place:
            client_id = await actions.add(place.tx, ctx.ring, forms.checked(NewClient, given, WORDS))
    except Refusal as refusal:
        if refusal.status not in (409, 422):
            raise
        known = str(refusal.extra.get("client_id", ""))
        async with entered(request, ctx, actor, supplier_id) as place:
            return _form(place, None, _written(form), forms.errors_of(refusal), known=known, code=refusal.status)
    return respond.see_other(f"/studio/{supplier_id}/clients/{client_id}")


@get(ONE, include_in_schema=False)
async def one(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, client_id: UUID) -> Response[str]:
    """To be changed by owners and admins, to be read by the others."""
    async with entered(request, ctx, actor, supplier_id) as place:
        client = await _found(ctx, place, client_id)
        return _form(place, client, _typed(client), {})


@post(ONE, include_in_schema=False)
async def change(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, client_id: UUID) -> Response[Any]:
    """Back to the same page, with what is wrong or with what is saved."""
    form = await forms.read(request)
    try:
        fields = model.changes_of(forms.checked(ClientChange, _given(form), WORDS))
        async with entered(request, ctx, actor, supplier_id) as place:
            await actions.change(place.tx, ctx.ring, client_id, fields, version=form.number("version"))
    except Refusal as refusal:
        if refusal.status not in (412, 422):
            raise
        async with entered(request, ctx, actor, supplier_id) as place:
            client = await _found(ctx, place, client_id)
            errors = forms.errors_of(refusal)
            return _form(place, client, _written(form), errors, code=refusal.status, stale=refusal.status == 412)
    return respond.see_other(f"/studio/{supplier_id}/clients/{client_id}")


@post(f"{ONE}/remove", include_in_schema=False)
async def remove(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, client_id: UUID) -> Response[Any]:
    """Off the records."""
    form = await forms.read(request)
    async with entered(request, ctx, actor, supplier_id) as place:
        await actions.remove(place.tx, client_id, version=form.number("version"))
    return respond.see_other(f"/studio/{supplier_id}/clients")


async def _found(ctx: Context, place: Place, client_id: UUID) -> ClientView:
    client = await reading.one(place.tx, ctx.ring, client_id)
    if client is None:
        raise not_found("client")
    return client


def _form(
    place: Place,
    client: ClientView | None,
    typed: Mapping[str, Any],
    errors: Mapping[str, str],
    *,
    known: str = "",
    stale: bool = False,
    code: int = 200,
) -> Response[str]:
    if client is None and not place.may_manage:
        raise Refusal(403, "forbidden", "Only an owner or admin of this business adds clients. Ask one of them.")
    return respond.html(
        "clients/client.html",
        place.shell,
        code=code,
        client=client,
        typed=typed,
        errors=errors,
        known=known,
        stale=stale,
        may_manage=place.may_manage,
        stages=list(STAGES.items()),
        tones=TONES,
    )


def _typed(client: ClientView | None) -> dict[str, Any]:
    """The fields of the form; of nobody, those of an enquiry."""
    if client is None:
        return {**dict.fromkeys(model.WORDS, ""), "wedding_on": "", "stage": "enquiry"}
    said = msgspec.structs.asdict(client)
    return {**{name: said[name] for name in (*model.WORDS, "stage")}, "wedding_on": client.wedding_on or ""}


def _written(form: Form) -> dict[str, Any]:
    return {name: form.text(name) for name in (*model.WORDS, "wedding_on", "stage")}


def _given(form: Form) -> dict[str, Any]:
    given: dict[str, Any] = {name: form.text(name) for name in model.WORDS}
    return {**given, "wedding_on": form.day("wedding_on"), "stage": form.text("stage") or "enquiry"}


ROUTES = (show, new, add, one, change, remove)
