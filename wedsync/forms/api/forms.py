"""The JSON door of a supplier's forms: the list, one as a whole, what to begin from."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Response, delete, get, patch, post
from litestar.params import Parameter

from wedsync.forms import actions, model
from wedsync.forms.core import CORE
from wedsync.forms.starting import TEMPLATES
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import not_found
from wedsync.web.context import Context, IfMatch, as_struct, expected_version, versioned
from wedsync.weddings.model import changed_fields

queries = sql.load("wedsync.forms")
Limit = Annotated[int, Parameter(ge=1, le=200)]
Answer = Response[model.Form]


class FormPage(msgspec.Struct, frozen=True, kw_only=True):
    """Forms, oldest first; `next` goes back in as `?cursor=`."""

    items: list[model.Form]
    next: str | None = None


class FormTemplate(msgspec.Struct, frozen=True, kw_only=True):
    """A form to begin from: send its `key` as `template`."""

    key: str
    category: str
    title: str
    intro: str
    sections: list[model.FormSection]


class MappedField(msgspec.Struct, frozen=True, kw_only=True):
    """What a field can be mapped to. `goes_back`: an answer that differs changes the record."""

    key: str
    words: str
    kind: model.Kind
    goes_back: bool


class FormBeginnings(msgspec.Struct, frozen=True, kw_only=True):
    """What a form is made of."""

    templates: list[FormTemplate]
    core: list[MappedField]


@get(
    "/api/v1/form-templates",
    summary="Forms to begin from",
    description="And the core fields of a wedding's record that a field can be mapped to.",
)
async def beginnings() -> FormBeginnings:
    """The same for everybody."""
    return FormBeginnings(
        templates=[
            FormTemplate(key=t.key, category=t.category, title=t.title, intro=t.intro, sections=list(t.sections))
            for t in TEMPLATES.values()
        ],
        core=[
            MappedField(key=key, words=one.words, kind=one.kind, goes_back=bool(one.column) or key == "day_contacts")
            for key, one in CORE.items()
        ],
    )


@get(
    "/api/v1/suppliers/{supplier_id:uuid}/forms",
    summary="Forms of a supplier",
    description="Its questionnaires, with all their sections and fields. For its whole team.",
)
async def list_forms(
    ctx: Context,
    actor: Actor,
    supplier_id: UUID,
    cursor: Annotated[UUID | None, Parameter(description="`next` of the page before")] = None,
    limit: Limit = 50,
) -> FormPage:
    """Also those that are in use no longer."""
    async with ctx.door.enter(actor, supplier_id) as tx:
        if await tx.value(queries.role) not in ("owner", "admin", "member"):
            raise not_found("supplier")
        rows = await tx.rows(queries.page, cursor, limit + 1)
    next_cursor = str(rows[limit - 1]["id"]) if len(rows) > limit else None
    return FormPage(items=[_opened(row) for row in rows[:limit]], next=next_cursor)


@post(
    "/api/v1/suppliers/{supplier_id:uuid}/forms",
    summary="Make a form",
    description="Of its own sections, or from a `template`. For owners and admins.",
)
async def add_form(ctx: Context, actor: Actor, supplier_id: UUID, data: model.NewForm) -> Answer:
    """422 names what does not fit together."""
    async with ctx.door.enter(actor, supplier_id) as tx:
        return await _form(tx, await actions.add(tx, data), status=201)


@get("/api/v1/forms/{form_id:uuid}", summary="One form", description="With its ETag.")
async def get_form(ctx: Context, actor: Actor, form_id: UUID) -> Answer:
    """For the team of its supplier."""
    async with ctx.door.enter_at(actor, "forms", form_id) as tx:
        return await _form(tx, form_id)


@patch(
    "/api/v1/forms/{form_id:uuid}",
    summary="Change a form",
    description="`sections` replaces all of them. Whoever was asked keeps what they were asked.",
)
async def change_form(
    ctx: Context, actor: Actor, form_id: UUID, data: model.FormChange, if_match: IfMatch = None
) -> Answer:
    """With the new ETag; 412 carries the current row."""
    async with ctx.door.enter_at(actor, "forms", form_id) as tx:
        await actions.change(tx, form_id, changed_fields(data), version=expected_version(if_match))
        return await _form(tx, form_id)


@delete(
    "/api/v1/forms/{form_id:uuid}",
    summary="Remove a form",
    description="What was asked with it, and the answers, stay with the weddings.",
)
async def remove_form(ctx: Context, actor: Actor, form_id: UUID, if_match: IfMatch = None) -> None:
    """For owners and admins."""
    async with ctx.door.enter_at(actor, "forms", form_id) as tx:
        await actions.remove(tx, form_id, version=expected_version(if_match))


async def _form(tx: Tx, form_id: UUID, *, status: int = 200) -> Answer:
    row = await tx.row(queries.forms, form_id)
    return versioned(None if row is None else _opened(row), status=status)


def _opened(row: Row) -> model.Form:
    fields: dict[str, Any] = {**dict(row), "sections": actions.opened(row["sections"])}
    return as_struct(model.Form, fields)


ROUTES = (beginnings, list_forms, add_form, get_form, change_form, remove_form)
