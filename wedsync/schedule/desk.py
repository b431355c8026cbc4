"""The page on which a schedule is edited, for whoever may: the couple, or a supplier whom the couple lets.

Both see the same page and get the same answers; a seat says where the page stands and how its frame is made.
"""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import msgspec
from litestar import Response

from wedsync.kit.actor import Actor
from wedsync.kit.db import Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.schedule import actions, view
from wedsync.schedule.rows import ItemChange, NewContact, NewItem
from wedsync.web import conflict, forms, respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest, Form
from wedsync.web.shell import Shell
from wedsync.weddings.model import changed_fields


class Seat(msgspec.Struct, frozen=True, kw_only=True):
    """Who edits which wedding; `base` is the address above the page's, `frame` makes its shell in the transaction."""

    request: AnyRequest
    ctx: Context
    actor: Actor
    wedding_id: UUID
    base: str
    frame: Callable[[Tx], Awaitable[Shell]]


async def show(seat: Seat) -> Response[Any]:
    """`?edit=` opens an item's form, `?new=1` an empty one."""
    shell, seen = await _read(seat)
    wanted = seat.request.query_params.get("edit", "")
    editing = next((item for item_id, item in seen.plan.items() if str(item_id) == wanted), None)
    new = view.form_values(seen) if "new" in seat.request.query_params else None
    return _page(shell, seen, editing=view.form_values(seen, editing) if editing else None, new_item=new)


async def items(seat: Seat) -> Response[Any]:
    """The days alone, when an item or an acknowledgement changed."""
    shell, seen = await _read(seat)
    return respond.html("schedule/_items.html", shell, errors={}, **view.choices(seen), **view.days(seen))


async def _read(seat: Seat) -> tuple[Shell, view.Everything]:
    async with seat.ctx.door.enter(seat.actor, seat.wedding_id) as tx:
        return await seat.frame(tx), await view.read(tx)


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


async def add(seat: Seat) -> Response[Any]:
    """A new item; the form again where something is not right."""
    form = await forms.read(seat.request)
    try:
        async with seat.ctx.door.enter(seat.actor, seat.wedding_id) as tx:
            item_id = await actions.add(tx, forms.checked(NewItem, view.fields(form), view.WRONG))
    except Refusal as refusal:
        return await _again(seat, form, refusal)
    return respond.see_other(f"{seat.base}/schedule#item-{item_id}")


async def preview(seat: Seat, item_id: UUID) -> Response[Any]:
    """What saving would move. Where nothing moves there is nothing to show, so it is saved."""
    form = await forms.read(seat.request)
    try:
        async with seat.ctx.door.enter(seat.actor, seat.wedding_id) as tx:
            shell, seen = await seat.frame(tx), await view.read(tx)
            moved = await actions.preview(tx, item_id, _change(form, seen, item_id))
    except Refusal as refusal:
        return await _again(seat, form, refusal, item_id)
    if not moved.moves:
        return await _save(seat, item_id, form)
    ripple = view.ripple_values(seen, item_id, form, moved)
    if forms.is_fragment(seat.request):
        return respond.html("schedule/_ripple.html", shell, ripple=ripple, zone=seen.wedding["time_zone"])
    return _page(shell, seen, ripple=ripple)


async def save(seat: Seat, item_id: UUID) -> Response[Any]:
    """Change an item and everything that moves with it."""
    return await _save(seat, item_id, await forms.read(seat.request))


async def _save(seat: Seat, item_id: UUID, form: Form) -> Response[Any]:
    try:
        async with seat.ctx.door.enter(seat.actor, seat.wedding_id) as tx:
            fields = _change(form, await view.read(tx), item_id)
            await actions.change(tx, item_id, fields, version=form.number("version"))
    except Refusal as refusal:
        return await _again(seat, form, refusal, item_id)
    return respond.done(seat.request, f"{seat.base}/schedule#item-{item_id}")


def _change(form: Form, seen: view.Everything, item_id: UUID) -> dict[str, Any]:
    item = seen.plan.get(item_id)
    if item is None:
        raise not_found("item")
    return changed_fields(forms.checked(ItemChange, view.fields(form, item), view.WRONG))


async def _again(seat: Seat, form: Form, refusal: Refusal, item_id: UUID | None = None) -> Response[Any]:
    """Who was slower chooses; what is not right stands beside its field as typed; other refusals go their way."""
    is_asked = conflict.is_asked(refusal, form, view.LABELS)
    if not is_asked and refusal.status not in (409, 422):
        raise refusal
    async with seat.ctx.door.enter(seat.actor, seat.wedding_id) as tx:
        shell, seen = await seat.frame(tx), await view.read(tx)
        item = None if item_id is None else seen.plan.get(item_id)
        if is_asked:
            return await conflict.page(tx, shell, form, view.edited(seen, item, f"{seat.base}/schedule"))
    values = view.typed(form, view.form_values(seen, item))
    errors = _errors(refusal)
    if forms.is_fragment(seat.request):
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


async def remove(seat: Seat, item_id: UUID) -> Response[Any]:
    """What followed it stays where it is."""
    form = await forms.read(seat.request)
    try:
        async with seat.ctx.door.enter(seat.actor, seat.wedding_id) as tx:
            await actions.remove(tx, item_id, version=form.number("version"))
    except Refusal as refusal:
        return await _again(seat, form, refusal, item_id)
    return respond.done(seat.request, f"{seat.base}/schedule")


async def add_contact(seat: Seat) -> Response[Any]:
    """Somebody to ring on the day."""
    form = await forms.read(seat.request)
    texts = {name: form.text(name) for name in ("name", "what", "phone")}
    try:
        async with seat.ctx.door.enter(seat.actor, seat.wedding_id) as tx:
            await actions.add_contact(tx, forms.checked(NewContact, texts, view.WRONG))
    except Refusal as refusal:
        if refusal.status != 422:
            raise
        shell, seen = await _read(seat)
        return _page(shell, seen, code=422, errors=forms.errors_of(refusal))
    return respond.done(seat.request, f"{seat.base}/schedule")


async def remove_contact(seat: Seat, contact_id: UUID) -> Response[Any]:
    """They are no longer shown to anybody."""
    async with seat.ctx.door.enter(seat.actor, seat.wedding_id) as tx:
        await actions.remove_contact(tx, contact_id)
    return respond.done(seat.request, f"{seat.base}/schedule")
