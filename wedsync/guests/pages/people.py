"""The couple's guest list: filters, live rows, editing in place, removing."""

import json
from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.datastructures import MultiDict

from wedsync.guests import actions, editing, list_page, listing, words
from wedsync.guests.kitchen import final_numbers
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.web import forms, respond
from wedsync.web.context import Context, expected_version
from wedsync.web.forms import AnyRequest, Form, signed_in
from wedsync.weddings.shell import couple_shell

queries = sql.load("wedsync.guests")


@get("/me/{wedding_id:uuid}/guests", include_in_schema=False)
async def guests(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[str]:
    """Everybody, party by party; `?edit=<guest>` opens one row without scripts."""
    return await _page(request, ctx, actor, wedding_id, edit=_guest_id(request.query_params.get("edit", "")))


async def _page(
    request: AnyRequest,
    ctx: Context,
    actor: Actor,
    wedding_id: UUID,
    *,
    edit: UUID | None = None,
    posted: Form | None = None,
    refusal: Refusal | None = None,
) -> Response[str]:
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        shell = await couple_shell(request, ctx, tx, wedding_id, "guests")
        values = await list_page.values(tx, ctx.ring, wedding_id, request.query_params, base=shell.base, may_edit=True)
        if edit is not None:
            opened = await editing.open_guest(tx, ctx.ring, wedding_id, edit)
            values["editing"] = _typed(editing.form(opened), posted) if posted else editing.form(opened)
            values["errors"] = forms.errors_of(refusal) if refusal else {}
            if all(guest["id"] != edit for party in values["parties"] for guest in party["guests"]):
                values |= await _only(tx, ctx, wedding_id, opened)
    return respond.html("guests/guests.html", shell, code=refusal.status if refusal else 200, **values)


async def _only(tx: Tx, ctx: Context, wedding_id: UUID, opened: editing.Opened) -> dict[str, Any]:
    """The row being edited is on another page of the list: show the list that has it."""
    wanted = listing.filters(q=opened.guest["display_name"])
    return {**await listing.page(tx, ctx.ring, wedding_id, wanted), "before": None, "after": None}


@get("/me/{wedding_id:uuid}/fragments/guests", include_in_schema=False)
async def rows(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[str]:
    """The list behind the filters."""
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        shell = await couple_shell(request, ctx, tx, wedding_id, "guests")
        values = await list_page.rows(tx, ctx.ring, wedding_id, request.query_params, base=shell.base, may_edit=True)
    return respond.html("guests/_rows.html", shell, **values)


@get("/me/{wedding_id:uuid}/fragments/counts", include_in_schema=False)
async def counts(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[str]:
    """Counts per part of the day."""
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        shell = await couple_shell(request, ctx, tx, wedding_id, "guests")
        return respond.html("guests/_counts.html", shell, headcounts=await final_numbers.counts(tx, wedding_id))


@get("/me/{wedding_id:uuid}/guests/{guest_id:uuid}/row", include_in_schema=False)
async def row(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, guest_id: UUID) -> Response[str]:
    """One guest's row, as it is."""
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        return await _row(request, ctx, tx, wedding_id, guest_id)


async def _row(
    request: AnyRequest, ctx: Context, tx: Tx, wedding_id: UUID, guest_id: UUID, *, told: str = ""
) -> Response[str]:
    shell = await couple_shell(request, ctx, tx, wedding_id, "guests")
    guest = await listing.one(tx, ctx.ring, wedding_id, guest_id)
    if guest is None:
        raise not_found("guest")
    # A header holds ASCII, so the words are escaped.
    headers = {"HX-Trigger": json.dumps({"toast": {"text": told}})} if told else {}
    return respond.html("guests/_row.html", shell, headers=headers, guest=guest, may_edit=True)


@get("/me/{wedding_id:uuid}/guests/{guest_id:uuid}/edit", include_in_schema=False)
async def edit(
    request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, guest_id: UUID
) -> Response[str] | Response[None]:
    """The same row as a form."""
    if not forms.is_fragment(request):
        return respond.see_other(f"/me/{wedding_id}/guests?edit={guest_id}#guest-{guest_id}")
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        shell = await couple_shell(request, ctx, tx, wedding_id, "guests")
        guest = editing.form(await editing.open_guest(tx, ctx.ring, wedding_id, guest_id))
    return respond.html("guests/_row_edit.html", shell, guest=guest, vocabulary=words.vocabulary(), errors={})


@post("/me/{wedding_id:uuid}/guests/{guest_id:uuid}", include_in_schema=False)
async def save(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, guest_id: UUID) -> Response[Any]:
    """Save the form: what its reader changed, and no more."""
    form = await forms.read(request)
    version = expected_version(request.headers.get("if-match")) or form.number("version")
    try:
        async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
            told = await editing.save(tx, ctx.ring, wedding_id, guest_id, fields_of(form), version=version)
            if forms.is_fragment(request):
                return await _row(request, ctx, tx, wedding_id, guest_id, told=told)
    except editing.Conflict as conflict:
        if forms.is_fragment(request):
            raise
        return await conflict_page(request, ctx, actor, wedding_id, conflict, back="guests")
    except Refusal as refusal:
        if forms.is_fragment(request) or refusal.status != 422:
            raise
        return await _page(request, ctx, actor, wedding_id, edit=guest_id, posted=form, refusal=refusal)
    return respond.see_other(f"/me/{wedding_id}/guests#guest-{guest_id}")


def fields_of(form: Form) -> dict[str, list[str]]:
    """Every field with all its values."""
    found: dict[str, list[str]] = {}
    for name, value in form.items():
        found.setdefault(name, []).append(value)
    return found


async def conflict_page(
    request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, conflict: editing.Conflict, *, back: str
) -> Response[str]:
    """Without scripts: the second chooses, field by field; all else is put together already."""
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        shell = await couple_shell(request, ctx, tx, wedding_id, "guests")
    kept: MultiDict[str] = MultiDict({"_base": editing.as_base(conflict.now)})
    for name, value in conflict.merged.values.items():
        if name not in conflict.merged.conflicts:
            for one in value if isinstance(value, list) else [value]:
                kept.add(name, one)
    return respond.html(
        "errors/conflict.html",
        shell,
        code=412,
        who=conflict.who,
        action=request.url.path,
        version=conflict.version,
        fields=conflict.fields,
        kept=kept,
        back=f"{shell.base}/{back}",
    )


def _typed(guest: dict[str, Any], form: Form) -> dict[str, Any]:
    """The row with what was typed into it, for a form that is shown again."""
    texts = ("first_name", "last_name", "table_label", "age_band", "email", "phone")
    typed = {name: form.text(name) for name in texts if form.has(name)}
    answers = [
        {
            **answer,
            "status": form.text(f"rsvp.{answer['item_id']}", answer["status"]),
            "menu_option_id": form.text(f"menu.{answer['item_id']}", answer["menu_option_id"]),
        }
        for answer in guest["rsvps"]
    ]
    return {**guest, **typed, "rsvps": answers, "base": form.text("_base") or guest["base"]}


@get("/me/{wedding_id:uuid}/guests/{guest_id:uuid}/remove", include_in_schema=False)
async def ask_to_remove(
    request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, guest_id: UUID
) -> Response[str]:
    """What goes with them."""
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        shell = await couple_shell(request, ctx, tx, wedding_id, "guests")
        found = await tx.row(queries.before_removal, wedding_id, guest_id)
    if found is None:
        raise not_found("guest")
    return respond.html(
        "guests/guest_remove.html", shell, guest=found, **{k: found[k] for k in ("answered", "is_last", "party_name")}
    )


@post("/me/{wedding_id:uuid}/guests/{guest_id:uuid}/remove", include_in_schema=False)
async def remove(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, guest_id: UUID) -> Response[Any]:
    """Remove, once it was asked whether that is meant."""
    form = await forms.read(request)
    path = f"/me/{wedding_id}/guests"
    if not form.on("sure"):
        path += f"/{guest_id}/remove"
    else:
        async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
            await actions.remove_guests(tx, wedding_id, [guest_id])
    if forms.is_fragment(request):
        return Response("", media_type="text/html", headers={"HX-Redirect": path})
    return respond.see_other(path)


def _guest_id(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


ROUTES = (guests, rows, counts, row, edit, save, ask_to_remove, remove)
