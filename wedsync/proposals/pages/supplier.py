"""A supplier's page of proposals in one wedding: suggest a change of what they see, and how each one stands."""

from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post

from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import Refusal
from wedsync.proposals import actions, model, view
from wedsync.proposals.subjects import SUBJECTS
from wedsync.suppliers.shell import wedding_shell
from wedsync.web import forms, respond
from wedsync.web.context import Context, from_time_cursor
from wedsync.web.forms import AnyRequest, Form, signed_in
from wedsync.web.shell import Shell

queries = sql.load("wedsync.proposals")
WEDDING: Final = "/studio/{supplier_id:uuid}/weddings/{wedding_id:uuid}"
SHOWN: Final = 50
YES_NO: Final = (("true", "Yes"), ("false", "No"))
LEVELS: Final = (("basic", "Basic"), ("standard", "Standard"), ("full", "Full"))
CONTROLS: Final[dict[str, tuple[str, tuple[tuple[str, str], ...]]]] = {
    "on": ("date", ()),
    **dict.fromkeys(("ceremony_at", "reception_at", "at_local"), ("time", ())),
    **dict.fromkeys(("minutes", "buffer_minutes", "guest_estimate"), ("number", ())),
    **dict.fromkeys(("can_view_guests", "can_view_dietary", "can_view_contacts", "can_edit_timeline"), ("", YES_NO)),
    "level": ("", LEVELS),
}
# Asked for by programs, or by nobody.
HIDDEN: Final = frozenset({"kind", "date_status", "couple_names"})
NEW_ITEM: Final = "schedule_items:"


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """Something a change can be suggested of, with what is there now."""

    key: str
    title: str
    subject: model.SubjectName
    id: UUID | None
    now: dict[str, Any]


@get(f"{WEDDING}/proposals", include_in_schema=False)
async def proposals(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID
) -> Response[Any]:
    """`?about=` opens the form of one thing."""
    shell = await wedding_shell(request, ctx, actor, supplier_id, wedding_id)
    async with ctx.door.enter(actor, wedding_id) as tx:
        return await _page(tx, shell, wedding_id, request.query_params.get("about", ""), {}, None)


@get(f"{WEDDING}/fragments/proposals", include_in_schema=False)
async def proposals_fragment(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID
) -> Response[Any]:
    """How each stands, when one is decided."""
    shell = await wedding_shell(request, ctx, actor, supplier_id, wedding_id)
    async with ctx.door.enter(actor, wedding_id) as tx:
        cards = await _cards(tx)
    return respond.html("proposals/_own.html", shell, cards=cards, path=f"{shell.base}/weddings/{wedding_id}")


@post(f"{WEDDING}/proposals", include_in_schema=False)
async def suggest(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID
) -> Response[Any]:
    """What differs from what is there is suggested; the form again where something is not right."""
    form = await forms.read(request)
    about = form.text("about")
    try:
        async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
            choice = _chosen(await _choices(tx), about)
            if choice is None:
                raise Refusal(404, "not_found", "This is no longer on the schedule. Open the page again.")
            fields = _changed(form, choice)
            wanted = {"subject": choice.subject, "subject_id": choice.id, "fields": fields, "why": form.text("why")}
            new = msgspec.convert(wanted, model.NewProposal)
            await actions.suggest(tx, await actions.source(tx), new, strict=False)
    except msgspec.ValidationError:
        nothing = {"all": "Change something first; what stays as it is, is not suggested."}
        return await _again(request, ctx, actor, supplier_id, wedding_id, form, nothing)
    except Refusal as refusal:
        if refusal.status != 422:
            raise
        errors = {name.removeprefix("fields."): words for name, words in forms.errors_of(refusal).items()}
        return await _again(request, ctx, actor, supplier_id, wedding_id, form, errors)
    return respond.done(request, f"/studio/{supplier_id}/weddings/{wedding_id}/proposals")


@post(f"{WEDDING}/proposals/{{proposal_id:uuid}}/withdraw", include_in_schema=False)
async def withdraw(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID, proposal_id: UUID
) -> Response[Any]:
    """Taken back."""
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        await actions.withdraw(tx, proposal_id)
    return respond.done(request, f"/studio/{supplier_id}/weddings/{wedding_id}/proposals")


async def _again(
    request: AnyRequest,
    ctx: Context,
    actor: Actor,
    supplier_id: UUID,
    wedding_id: UUID,
    form: Form,
    errors: dict[str, str],
) -> Response[Any]:
    shell = await wedding_shell(request, ctx, actor, supplier_id, wedding_id)
    async with ctx.door.enter(actor, wedding_id) as tx:
        return await _page(tx, shell, wedding_id, form.text("about"), errors, form)


async def _page(
    tx: Tx, shell: Shell, wedding_id: UUID, about: str, errors: dict[str, str], form: Form | None
) -> Response[Any]:
    choices = await _choices(tx)
    chosen = _chosen(choices, about)
    return respond.html(
        "proposals/own.html",
        shell,
        code=422 if errors else 200,
        path=f"{shell.base}/weddings/{wedding_id}",
        couple=await tx.value(queries.couple_names),
        about="" if chosen is None else chosen.key,
        choices=[(one.key, one.title) for one in choices],
        fields=[] if chosen is None else _fields(chosen, form),
        why="" if form is None else form.text("why"),
        errors=errors,
        problems=list(errors.items()),
        cards=await _cards(tx),
    )


async def _cards(tx: Tx) -> list[dict[str, Any]]:
    rows = await tx.rows(queries.page, "", None, *from_time_cursor(""), SHOWN)
    return [view.card(one) for one in await view.shown(tx, rows)]


async def _choices(tx: Tx) -> list[Choice]:
    rows: list[Row] = await tx.rows(queries.choices)
    found = [
        Choice(
            key=f"{row['subject']}:{row['id']}",
            title=row["title"],
            subject=row["subject"],
            id=row["id"],
            now=msgspec.json.decode(row["record"]),
        )
        for row in rows
    ]
    sees_schedule = any(one.subject == "schedule_items" for one in found)
    new = Choice(key=NEW_ITEM, title="Something new on the schedule", subject="schedule_items", id=None, now={})
    return [*found, *([new] if sees_schedule else [])]


def _chosen(choices: list[Choice], key: str) -> Choice | None:
    return next((one for one in choices if one.key == key), None)


def _fields(choice: Choice, form: Form | None) -> list[dict[str, Any]]:
    """The form's controls, each with what was typed or what is there now."""
    shown = []
    for name, label in SUBJECTS[choice.subject].fields.items():
        if name in HIDDEN:
            continue
        kind, options = CONTROLS.get(name, ("text", ()))
        value = _typed(choice.now.get(name)) if form is None else form.text(name)
        shown.append({"name": name, "label": label, "type": kind, "options": options, "value": value})
    return shown


def _changed(form: Form, choice: Choice) -> dict[str, Any]:
    """What was typed otherwise than it is, as text; an emptied field says nothing."""
    names = [name for name in SUBJECTS[choice.subject].fields if name not in HIDDEN and form.text(name)]
    return {name: form.text(name) for name in names if form.text(name) != _typed(choice.now.get(name))}


def _typed(value: Any) -> str:
    """A value as its control holds it: times in minutes."""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = "" if value is None else str(value)
    return text[:5] if len(text) == 8 and text[2] == text[5] == ":" else text


ROUTES = (proposals, proposals_fragment, suggest, withdraw)
