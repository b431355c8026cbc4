"""Parties: people added together, their settings, what they are invited to, their RSVP link, the mailed invitation."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Response, get, post

from wedsync.guests import actions, editing, invitations, listing, model, new_party, party_form, words
from wedsync.guests.pages.people import conflict_page, fields_of
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Tx
from wedsync.kit.errors import FieldError, Refusal
from wedsync.web import forms, respond
from wedsync.web.context import Context, expected_version
from wedsync.web.forms import AnyRequest, Form, signed_in
from wedsync.weddings.shell import couple_shell

queries = sql.load("wedsync.guests")
SAVED = {
    "sent": "The invitation is on its way.",
    "link": "This is the new link. The old one has ended.",
    "saved": "Saved.",
}


@get("/me/{wedding_id:uuid}/guests/new", include_in_schema=False)
async def new(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[str]:
    """An empty form, invited to everything that takes answers."""
    return await _new_page(request, ctx, actor, wedding_id, form=None, refusal=None)


async def _new_page(
    request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, *, form: Form | None, refusal: Refusal | None
) -> Response[str]:
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        shell = await couple_shell(request, ctx, tx, wedding_id, "guests")
        items = await listing.items(tx, wedding_id)
        couple = await tx.row(queries.partners, wedding_id)
    names = ("party_name", "names", "side", "plus_ones_allowed", "email")
    values: dict[str, Any] = {name: form.text(name) if form else "" for name in names}
    values["items"] = form.many("items") if form else [id for id, _ in items]
    values["plus_ones_allowed"] = values["plus_ones_allowed"] or 0
    errors = forms.errors_of(refusal) if refusal else {}
    return respond.html(
        "guests/guest_new.html",
        shell,
        code=refusal.status if refusal else 200,
        values=values,
        items=items,
        sides=words.sides(couple["partner_a"], couple["partner_b"]) if couple else [],
        errors=errors,
        problems=list(errors.items()),
    )


@post("/me/{wedding_id:uuid}/guests", include_in_schema=False)
async def add(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[Any]:
    """Add a party with its people and invitations, all of it or nothing."""
    form = await forms.read(request)
    try:
        party = _party(form)
        async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
            _, guests = await actions.add_party(tx, ctx.ring, wedding_id, party)
    except Refusal as refusal:
        if refusal.status != 422:
            raise
        return await _new_page(request, ctx, actor, wedding_id, form=form, refusal=refusal)
    return respond.see_other(f"/me/{wedding_id}/guests#guest-{guests[0]}")


def _party(form: Form) -> model.NewParty:
    """Raises Refusal 422 that names each field."""
    guests = new_party.read_names(form.text("names"))
    errors = _wrong(form, guests)
    if errors:
        raise Refusal(422, "invalid", "; ".join(f"{e.field} {e.reason}" for e in errors), errors=errors)
    if form.text("email"):
        guests[0] = msgspec.structs.replace(guests[0], contact=model.Contact(email=form.text("email")))
    name = actions.clean(form.text("party_name")) or new_party.party_name(guests)
    said = {"name": name, "side": form.text("side"), "plus_ones_allowed": form.number("plus_ones_allowed") or 0}
    items = [id for id in (_uuid(text) for text in form.many("items")) if id is not None]
    return msgspec.structs.replace(msgspec.convert(said, type=model.NewParty), guests=guests, schedule_item_ids=items)


def _wrong(form: Form, guests: list[model.NewGuest]) -> list[FieldError]:
    errors = []
    if not guests:
        errors.append(FieldError("names", "is empty", "Write at least one name."))
    if len(guests) > new_party.GUESTS_MAX:
        errors.append(
            FieldError("names", "is too many at once", f"Add at most {new_party.GUESTS_MAX} people together.")
        )
    if not editing.is_address(form.text("email")):
        errors.append(FieldError("email", "is not an e-mail address", "Write it like carla@example.org."))
    if len(form.text("party_name")) > 300 or any(len(g.display_name) > 300 for g in guests):
        errors.append(FieldError("names", "holds a name that is too long", "At most 300 letters."))
    if not 0 <= (form.number("plus_ones_allowed") or 0) <= 20:
        errors.append(FieldError("plus_ones_allowed", "is not from 0 to 20", "Give a number from 0 to 20."))
    if form.text("side") not in words.SIDE_KEYS:
        errors.append(FieldError("side", "is not one of the choices"))
    return errors


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


@get("/me/{wedding_id:uuid}/parties/{party_id:uuid}", include_in_schema=False)
async def party(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, party_id: UUID) -> Response[str]:
    """Settings and link."""
    told = SAVED.get(request.query_params.get("done", ""), "")
    return await _page(request, ctx, actor, wedding_id, party_id, notice_words=told)


async def _page(
    request: AnyRequest,
    ctx: Context,
    actor: Actor,
    wedding_id: UUID,
    party_id: UUID,
    *,
    notice_words: str = "",
    refusal: Refusal | None = None,
) -> Response[str]:
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        shell = await couple_shell(request, ctx, tx, wedding_id, "guests")
        values = await _values(ctx, tx, wedding_id, party_id)
    values |= {"notice_words": notice_words, "errors": forms.errors_of(refusal) if refusal else {}}
    return respond.html("guests/party.html", shell, code=refusal.status if refusal else 200, **values)


async def _values(ctx: Context, tx: Tx, wedding_id: UUID, party_id: UUID) -> dict[str, Any]:
    opened = await party_form.open_party(tx, wedding_id, party_id)
    couple = await tx.row(queries.partners, wedding_id)
    token = (await invitations.links(tx, ctx.settings.jwt_secret, wedding_id, [party_id])).get(party_id)
    reached = await invitations.addresses(tx, ctx.ring, wedding_id, [party_id])
    return {
        "party": {
            **{k: opened.party[k] for k in ("id", "name", "side", "plus_ones_allowed", "invited_at")},
            "version": opened.version,
            "guests": opened.guests,
        },
        "base": editing.as_base(opened.values),
        "items": [(id, title) for id, title in opened.titles.items()],
        "invited": opened.values["items"],
        "sides": words.sides(couple["partner_a"], couple["partner_b"]) if couple else [],
        "rsvp_url": f"{ctx.settings.public_url}/rsvp/{token}" if token else None,
        "address": reached.get(party_id, ""),
    }


@post("/me/{wedding_id:uuid}/parties/{party_id:uuid}", include_in_schema=False)
async def save(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, party_id: UUID) -> Response[Any]:
    """Save what the form changed."""
    form = await forms.read(request)
    version = expected_version(request.headers.get("if-match")) or form.number("version")
    try:
        async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
            await party_form.save(tx, wedding_id, party_id, fields_of(form), version=version)
    except editing.Conflict as conflict:
        if forms.is_fragment(request):
            raise
        return await conflict_page(request, ctx, actor, wedding_id, conflict, back=f"parties/{party_id}")
    except Refusal as refusal:
        if forms.is_fragment(request) or refusal.status != 422:
            raise
        return await _page(request, ctx, actor, wedding_id, party_id, refusal=refusal)
    return _done(request, wedding_id, party_id, "saved")


@post("/me/{wedding_id:uuid}/parties/{party_id:uuid}/link", include_in_schema=False)
async def new_link(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, party_id: UUID) -> Response[Any]:
    """A new link; the old one ends at once."""
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        await invitations.renew_link(tx, ctx.settings.jwt_secret, wedding_id, party_id)
    return _done(request, wedding_id, party_id, "link")


@post("/me/{wedding_id:uuid}/parties/{party_id:uuid}/invite", include_in_schema=False)
async def invite(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, party_id: UUID) -> Response[Any]:
    """Mail the link."""
    try:
        async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
            await invitations.invite_by_mail(tx, ctx.ring, ctx.settings.jwt_secret, wedding_id, [party_id])
    except Refusal as refusal:
        if refusal.status != 422:
            raise
        return await _page(request, ctx, actor, wedding_id, party_id, refusal=refusal)
    return _done(request, wedding_id, party_id, "sent")


def _done(request: AnyRequest, wedding_id: UUID, party_id: UUID, what: str) -> Response[Any]:
    path = f"/me/{wedding_id}/parties/{party_id}?done={what}"
    if forms.is_fragment(request):
        return Response("", media_type="text/html", headers={"HX-Redirect": path})
    return respond.see_other(path)


ROUTES = (new, add, party, save, new_link, invite)
