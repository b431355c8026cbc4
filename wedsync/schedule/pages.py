"""The couple's page of the schedule: the days, a form per item, the ripple before it is saved, whom to call."""

from typing import Any
from uuid import UUID

from litestar import Response, get, post

from wedsync.kit.actor import Actor
from wedsync.kit.db import Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.schedule import actions, conflict, view
from wedsync.schedule.rows import ItemChange, NewContact, NewItem
from wedsync.web import forms, respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest, Form, signed_in
from wedsync.web.shell import Shell
from wedsync.weddings.model import changed_fields
from wedsync.weddings.shell import couple_shell


@get("/me/{wedding_id:uuid}/schedule", include_in_schema=False)
async def schedule(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[Any]:
    """`?edit=` opens an item's form, `?new=1` an empty one."""
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        shell = await couple_shell(request, ctx, tx, wedding_id, "schedule")
        seen = await view.read(tx)
    editing = _asked_for(seen, request.query_params.get("edit", ""))
    new = view.form_values(seen) if "new" in request.query_params else None
    return _page(shell, seen, editing=view.form_values(seen, editing) if editing else None, new_item=new)


def _asked_for(seen: view.Everything, text: str) -> Any:
    return next((item for item_id, item in seen.plan.items() if str(item_id) == text), None)


def _page(shell: Shell, seen: view.Everything, *, code: int = 200, **more: Any) -> Response[Any]:
    zone = seen.wedding["time_zone"]
    values: dict[str, Any] = {"editing": None, "new_item": None, "ripple": None, "errors": {}}
    editing = more.get("editing")
    return respond.html(
        "schedule/schedule.html",
        shell,
        code=code,
        zone_words=f"in {zone.rpartition('/')[2].replace('_', ' ')}",
        contacts=[dict(row) for row in seen.contacts],
        **view.choices(seen, UUID(editing["id"]) if editing else None),
        **(view.days(seen) | values | more),
    )


@get("/me/{wedding_id:uuid}/fragments/schedule", include_in_schema=False)
async def items_fragment(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[Any]:
    """The days, when an item or an acknowledgement changed."""
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        shell = await couple_shell(request, ctx, tx, wedding_id, "schedule")
        seen = await view.read(tx)
    return respond.html("schedule/_items.html", shell, errors={}, **view.choices(seen), **view.days(seen))


@post("/me/{wedding_id:uuid}/schedule", include_in_schema=False)
async def add(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[Any]:
    """A new item; the form again where something is not right."""
    form = await forms.read(request)
    try:
        async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
            item_id = await actions.add(tx, view.checked(NewItem, view.fields(form)))
    except Refusal as refusal:
        return await _again(request, ctx, actor, wedding_id, form, refusal)
    return respond.see_other(f"/me/{wedding_id}/schedule#item-{item_id}")


@post("/me/{wedding_id:uuid}/schedule/{item_id:uuid}/preview", include_in_schema=False)
async def preview(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, item_id: UUID) -> Response[Any]:
    """What saving would move. Where nothing moves there is nothing to show, so it is saved."""
    form = await forms.read(request)
    try:
        async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
            shell = await couple_shell(request, ctx, tx, wedding_id, "schedule")
            seen = await view.read(tx)
            moved = await actions.preview(tx, item_id, _change(form, seen, item_id))
    except Refusal as refusal:
        return await _again(request, ctx, actor, wedding_id, form, refusal, item_id)
    if not moved.moves:
        return await _save(request, ctx, actor, wedding_id, item_id, form)
    ripple = view.ripple_values(seen, item_id, form, moved)
    if forms.is_fragment(request):
        return respond.html("schedule/_ripple.html", shell, ripple=ripple, zone=seen.wedding["time_zone"])
    return _page(shell, seen, ripple=ripple)


@post("/me/{wedding_id:uuid}/schedule/{item_id:uuid}", include_in_schema=False)
async def save(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, item_id: UUID) -> Response[Any]:
    """Change an item and everything that moves with it."""
    return await _save(request, ctx, actor, wedding_id, item_id, await forms.read(request))


async def _save(
    request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, item_id: UUID, form: Form
) -> Response[Any]:
    try:
        async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
            fields = _change(form, await view.read(tx), item_id)
            await actions.change(tx, item_id, fields, version=form.number("version"))
    except Refusal as refusal:
        if refusal.status == 412:
            return await _choose(request, ctx, actor, wedding_id, item_id, form)
        return await _again(request, ctx, actor, wedding_id, form, refusal, item_id)
    return _back(request, f"/me/{wedding_id}/schedule#item-{item_id}")


def _change(form: Form, seen: view.Everything, item_id: UUID) -> dict[str, Any]:
    item = seen.plan.get(item_id)
    if item is None:
        raise not_found("item")
    return changed_fields(view.checked(ItemChange, view.fields(form, item)))


def _back(request: AnyRequest, path: str) -> Response[Any]:
    if forms.is_fragment(request):
        return Response("", media_type="text/html", headers={"HX-Redirect": path})
    return respond.see_other(path)


async def _again(
    request: AnyRequest,
    ctx: Context,
    actor: Actor,
    wedding_id: UUID,
    form: Form,
    refusal: Refusal,
    item_id: UUID | None = None,
) -> Response[Any]:
    """The form as it was typed, each problem beside its field; other refusals go their way."""
    if refusal.status not in (409, 422):
        raise refusal
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        shell = await couple_shell(request, ctx, tx, wedding_id, "schedule")
        seen = await view.read(tx)
    item = None if item_id is None else seen.plan.get(item_id)
    values = view.typed(form, view.form_values(seen, item))
    errors = _errors(refusal)
    if forms.is_fragment(request):
        # htmx puts no 4xx into a page, so the form comes back as an answer like any other.
        headers = {"HX-Retarget": "#item-form", "HX-Reswap": "outerHTML"}
        named = {"item": values, "errors": errors, **view.choices(seen, item_id)}
        return respond.html("schedule/_item_form.html", shell, headers=headers, **named)
    place = {"editing": values} if item else {"new_item": values}
    return _page(shell, seen, code=refusal.status, errors=errors, **place)


def _errors(refusal: Refusal) -> dict[str, str]:
    """Problems of fields the form knows by another name stand beside those; what has no field stands by the title."""
    renamed = {"owner_link_id": "owner", "owner_membership_id": "owner", "after": "after_item_id"}
    found = {renamed.get(field.partition("[")[0], field): words for field, words in forms.errors_of(refusal).items()}
    return found or {"title": refusal.detail}


async def _choose(
    request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, item_id: UUID, form: Form
) -> Response[Any]:
    async with ctx.door.enter(actor, wedding_id) as tx:
        shell = await couple_shell(request, ctx, tx, wedding_id, "schedule")
        seen = await view.read(tx)
        who = await conflict.last_hand(tx, "schedule_items", item_id)
    item = seen.plan.get(item_id)
    if item is None:
        raise not_found("item")
    return conflict.page(
        shell,
        who=who,
        action=f"{shell.base}/schedule/{item_id}",
        version=item.version,
        back=f"{shell.base}/schedule",
        labels=view.LABELS,
        mine={name: form.text(name) for name in view.LABELS},
        theirs=view.as_text(view.form_values(seen, item)),
    )


@post("/me/{wedding_id:uuid}/schedule/{item_id:uuid}/remove", include_in_schema=False)
async def remove(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, item_id: UUID) -> Response[Any]:
    """What followed it stays where it is."""
    form = await forms.read(request)
    try:
        async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
            await actions.remove(tx, item_id, version=form.number("version"))
    except Refusal as refusal:
        return await _again(request, ctx, actor, wedding_id, form, refusal, item_id)
    return _back(request, f"/me/{wedding_id}/schedule")


@post("/me/{wedding_id:uuid}/schedule/contacts", include_in_schema=False)
async def add_contact(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[Any]:
    """Somebody to ring on the day."""
    form = await forms.read(request)
    try:
        async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
            await _add_contact(tx, form)
    except Refusal as refusal:
        if refusal.status != 422:
            raise
        async with ctx.door.enter(actor, wedding_id) as tx:
            shell = await couple_shell(request, ctx, tx, wedding_id, "schedule")
            return _page(shell, await view.read(tx), code=422, errors=forms.errors_of(refusal))
    return _back(request, f"/me/{wedding_id}/schedule")


async def _add_contact(tx: Tx, form: Form) -> None:
    texts = {name: form.text(name) for name in ("name", "what", "phone")}
    await actions.add_contact(tx, view.checked(NewContact, texts))


@post("/me/{wedding_id:uuid}/schedule/contacts/{contact_id:uuid}/remove", include_in_schema=False)
async def remove_contact(
    request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, contact_id: UUID
) -> Response[Any]:
    """They are no longer shown to anybody."""
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        await actions.remove_contact(tx, contact_id)
    return _back(request, f"/me/{wedding_id}/schedule")


ROUTES = (schedule, items_fragment, add, preview, save, remove, add_contact, remove_contact)
