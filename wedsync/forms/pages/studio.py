"""The studio's forms: the list, the builder, one question of it, and a look at it as a couple sees it."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post

from wedsync.forms import actions, building, content, core, model, view
from wedsync.forms.pages import supplier
from wedsync.forms.starting import TEMPLATES
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.suppliers.shell import supplier_shell
from wedsync.web import forms, respond
from wedsync.web.context import Context
from wedsync.web.formats import day_year
from wedsync.web.forms import AnyRequest, Form, signed_in
from wedsync.web.shell import Shell

queries = sql.load("wedsync.forms")
FORMS: Final = "/studio/{supplier_id:uuid}/forms"
ONE: Final = f"{FORMS}/{{form_id:uuid}}"
MADE_UP: Final = {
    "couple_names": "Ana & Ben",
    "partner_a": "Ana",
    "partner_b": "Ben",
    "on": "2027-06-05",
    "ceremony_venue": "St Mary",
    "ceremony_address": "1 Church Lane",
    "ceremony_at": "14:00",
    "reception_venue": "The Old Barn",
    "reception_address": "2 Mill Lane",
    "reception_at": "17:00",
    "guest_estimate": 90,
    "head_count": 84,
    "dietary": "Vegetarian: 7\nAllergy: nuts: 3",
    "day_contacts": "Priya, coordinator, 07700 900123",
}
TYPED: Final = ("label", "hint", "kind", "maps_to", "options", "show_field")


@get(FORMS, include_in_schema=False)
async def page(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID) -> Response[Any]:
    """All of them, and what became of each."""
    async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
        shell = await supplier_shell(request, ctx, tx, supplier_id, "weddings")
        rows = await tx.rows(queries.forms, None)
        sent = {row["form_id"]: dict(row) for row in await tx.rows(queries.sent)}
        may_manage = await _manages(tx)
    none = {"asked": 0, "answered": 0, "known": 0, "avoided": 0}
    listed = [
        {**dict(row), **sent.get(row["id"], none), "questions": len(list(content.fields_of(_sections(row))))}
        for row in rows
    ]
    return respond.html(
        "forms/studio.html",
        shell,
        forms=listed,
        known=sum(one["known"] for one in sent.values()),
        avoided=sum(one["avoided"] for one in sent.values()),
        may_manage=may_manage,
        templates=[(key, one.title) for key, one in TEMPLATES.items()],
    )


@post(FORMS, include_in_schema=False)
async def add(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID) -> Response[Any]:
    """From one of ours, or empty; then it is built on."""
    form = await forms.read(request)
    template, title = form.text("template"), form.text("title")[:120]
    wanted = forms.checked(
        model.NewForm, {"template": template, "title": title if template or title else "New form"}, {}
    )
    async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
        made = await actions.add(tx, wanted)
    return respond.done(request, f"/studio/{supplier_id}/forms/{made}")


@get(ONE, include_in_schema=False)
async def one(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, form_id: UUID) -> Response[Any]:
    """The builder."""
    return await _builder(request, ctx, actor, supplier_id, form_id)


async def _builder(
    request: AnyRequest,
    ctx: Context,
    actor: Actor,
    supplier_id: UUID,
    form_id: UUID,
    *,
    refusal: Refusal | None = None,
) -> Response[Any]:
    async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
        shell = await supplier_shell(request, ctx, tx, supplier_id, "weddings")
        row = await _read(tx, form_id)
        may_manage = await _manages(tx)
        weddings = [
            (str(w["wedding_id"]), f"{w['couple_names']}, {day_year(w['on'])}") for w in await tx.rows(queries.weddings)
        ]
    errors = {} if refusal is None else forms.errors_of(refusal)
    named = {name: words for name, words in errors.items() if name in ("title", "intro")}
    return respond.html(
        "forms/builder.html",
        shell,
        code=200 if refusal is None else refusal.status,
        row=row,
        built=view.built(row["sections"]),
        may_manage=may_manage,
        weddings=weddings,
        errors=named,
        problems=list(named.items()),
        said="" if refusal is None or named else _said(refusal),
    )


def _said(refusal: Refusal) -> str:
    """A step that cannot be taken, without the places of fields that no page shows."""
    told = [
        f"A question {e.reason.removeprefix('is ')}." if e.field.startswith("sections[") else "" for e in refusal.errors
    ]
    if any("hangs on no earlier choice" in e.reason for e in refusal.errors):
        return "A question is shown only for some answers of another one, which has to stay above it."
    return " ".join(filter(None, told)) or refusal.detail


@post(f"{ONE}/{{step:str}}", include_in_schema=False)
async def take_step(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, form_id: UUID, step: str
) -> Response[Any]:
    """One change of the form, or asking a couple with it."""
    form = await forms.read(request)
    back = f"/studio/{supplier_id}/forms"
    try:
        if step == "ask":
            wedding = forms.checked(_Chosen, {"wedding_id": form.text("wedding_id")}, {}).wedding_id
            return await supplier.asked(request, ctx, actor, supplier_id, wedding, form, str(form_id))
        async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
            if step == "remove":
                await actions.remove(tx, form_id, version=form.number("version"))
                return respond.done(request, back)
            row = await _read(tx, form_id)
            change = building.step(row, step, form)
            await actions.change(tx, form_id, change, version=form.number("version"))
    except Refusal as refusal:
        if refusal.status not in (409, 412, 422):
            raise
        return await _builder(request, ctx, actor, supplier_id, form_id, refusal=refusal)
    return respond.done(request, f"{back}/{form_id}")


@get(f"{ONE}/preview", include_in_schema=False)
async def preview(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, form_id: UUID) -> Response[Any]:
    """Filled in from the record of a made-up wedding."""
    async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
        shell = await supplier_shell(request, ctx, tx, supplier_id, "weddings")
        row = await _read(tx, form_id)
    mapped = {f.key: MADE_UP[f.maps_to] for f in content.fields_of(row["sections"]) if f.maps_to}
    guests = {"1": "Nana Rose", "2": "Uncle Theo", "3": "Ines Marlow", "4": "Sam Price"}
    drawn = view.sections(row["sections"], typed={}, record=mapped, guests=guests)
    return respond.html("forms/preview.html", shell, form=row, sections=drawn, errors={})


@get(f"{ONE}/fields/{{key:str}}", include_in_schema=False)
async def question(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, form_id: UUID, key: str
) -> Response[Any]:
    """One question; `new` with the number of its section."""
    text = request.query_params.get("section", "0")
    async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
        shell = await supplier_shell(request, ctx, tx, supplier_id, "weddings")
        row = await _read(tx, form_id)
        if not await _manages(tx):
            raise Refusal(403, "forbidden", "Only an owner or admin changes forms. Ask one of them.")
    field = content.field_of(row["sections"], key)
    if field is None and key != "new":
        raise not_found("question")
    return _question(shell, row, key, int(text) if text.isascii() and text.isdigit() and len(text) < 3 else 0, field)


def _question(
    shell: Shell,
    row: Mapping[str, Any],
    key: str,
    section: int,
    field: model.FormField | None,
    *,
    typed: Mapping[str, Any] | None = None,
    errors: Mapping[str, str] | None = None,
) -> Response[Any]:
    before = _choices_before(row["sections"], key, section)
    values = dict(typed or _typed(field))
    problems = dict(errors or {})
    return respond.html(
        "forms/field.html",
        shell,
        code=422 if problems else 200,
        form=row,
        key=key,
        section=section,
        typed=values,
        is_required=values["is_required"],
        shown_for=values["shown_for"],
        kinds=list(model.KINDS.items()),
        cores=[(name, one.words) for name, one in core.CORE.items()],
        choices_before=before,
        errors=problems,
        problems=list(problems.items()),
    )


def _typed(field: model.FormField | None) -> dict[str, Any]:
    if field is None:
        return dict.fromkeys(TYPED, "") | {"kind": "text", "is_required": False, "shown_for": [], "show_not": ""}
    shown = field.show_if
    return {
        **{name: getattr(field, name) for name in ("label", "hint", "kind", "maps_to", "is_required")},
        "options": "\n".join(field.options),
        "show_field": shown.field if shown else "",
        "shown_for": list(shown.values) if shown else [],
        "show_not": "on" if shown and shown.is_not else "",
    }


def _choices_before(sections: content.Content, key: str, section: int) -> list[dict[str, Any]]:
    """What a question can hang on: choices above it."""
    place = content.place_of(sections, key)
    n, m = place if place else (section, len(sections[section].fields) if section < len(sections) else 0)
    above = [f for i, s in enumerate(sections) for j, f in enumerate(s.fields) if (i, j) < (n, m)]
    return [
        {"key": f.key, "pair": (f.key, f"Depending on: {f.label}"), "options": list(f.options)}
        for f in above
        if f.kind == "choice"
    ]


@post(f"{ONE}/fields/{{key:str}}", include_in_schema=False)
async def put_question(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, form_id: UUID, key: str
) -> Response[Any]:
    """The question again where something is not right."""
    form = await forms.read(request)
    async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
        shell = await supplier_shell(request, ctx, tx, supplier_id, "weddings")
        row = await _read(tx, form_id)
    try:
        sections = building.field(row["sections"], key, form)
        async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
            await actions.change(tx, form_id, {"sections": sections}, version=form.number("version"))
    except Refusal as refusal:
        if refusal.status not in (412, 422):
            raise
        errors = forms.errors_of(refusal) or {"label": refusal.detail}
        return _question(shell, row, key, form.number("section") or 0, None, typed=_again(form), errors=errors)
    return respond.done(request, f"/studio/{supplier_id}/forms/{form_id}")


def _again(form: Form) -> dict[str, Any]:
    asked = form.text("show_field")
    return {
        **{name: form.text(name) for name in TYPED},
        "is_required": form.on("is_required"),
        "shown_for": form.many(f"show_{asked}"),
        "show_not": form.text(f"not_{asked}"),
    }


class _Chosen(msgspec.Struct, frozen=True):
    wedding_id: UUID


async def _manages(tx: Tx) -> bool:
    return await tx.value(queries.role) in ("owner", "admin")


def _sections(row: Mapping[str, Any]) -> content.Content:
    return actions.opened(row["sections"])


async def _read(tx: Tx, form_id: UUID) -> dict[str, Any]:
    row = await tx.row(queries.forms, form_id)
    if row is None:
        raise not_found("form")
    return {**dict(row), "sections": _sections(row)}


ROUTES = (page, add, one, take_step, preview, question, put_question)
