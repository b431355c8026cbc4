"""The page of a business for everybody who has its address, and the form by which couples ask.

Everything that is cheap to refuse is refused before the form is read: its size, who sends many, a page that takes none.
"""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID, uuid4

import msgspec
from litestar import Response, get, post

from wedsync.kit.actor import Actor
from wedsync.kit.db import Row
from wedsync.kit.errors import FieldError, Refusal
from wedsync.kit.limits import Limits, Window
from wedsync.market import actions, model, reading, sealed
from wedsync.market.model import NewEnquiry
from wedsync.web import forms, respond
from wedsync.web.callers import block_of
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest, Form
from wedsync.web.visitor import plain_shell

PAGE: Final = "/s/{slug:str}"
BODY_BYTES_MAX: Final = 32 * 1024
TRIES: Final = Window("enquire", 10, 3600.0)
"""Of one address at one business."""
TRIES_OF_ALL: Final = Window("enquire-page", 120, 3600.0)
COPIES: Final = Window("enquire-copy", 3, 86400.0)
"""Mails to an address that anybody may type, of all businesses together."""
TRAP: Final = "company"
"""A field that no person sees, and programs that fill in everything fill in."""
FIELDS: Final = ("name", "partner_name", "email", "phone", "venue", "message")
WORDS: Final = {name: FieldError(name, "is too long", "Shorten it.") for name in FIELDS} | {
    "form_key": FieldError("message", "could not be sent from this copy of the page", "Open the page again.")
}


@get(PAGE, include_in_schema=False)
async def show(request: AnyRequest, ctx: Context, actor: Actor, slug: str) -> Response[str]:
    """What the business published, and the form."""
    listing = await reading.published(ctx.door, slug)
    return page(request, actor, listing, form_key=uuid4())


@post(f"{PAGE}/enquiry", include_in_schema=False, request_max_body_size=BODY_BYTES_MAX)
async def enquire(request: AnyRequest, ctx: Context, actor: Actor, slug: str) -> Response[Any]:
    """On to a page that says what has happened; the same form sent twice is one enquiry."""
    listing = await reading.published(ctx.door, slug)
    await _allow(ctx.limits, TRIES, f"{slug}|{block_of(request.scope)}")
    await _allow(ctx.limits, TRIES_OF_ALL, slug)
    form = await forms.read(request)
    try:
        new = _asked(form)
        counted = sealed.counted(ctx.ring, model.asked(new, reading.today()).email)
        sends_copy = (await ctx.limits.hit(COPIES, counted)).is_allowed
        await actions.enquire(ctx.door, ctx.ring, listing, new, sends_copy=sends_copy)
    except Refusal as refusal:
        if refusal.status != 422:
            raise
        typed = {name: form.text(name) for name in (*FIELDS, "wedding_on")}
        key = _key(form) or uuid4()
        return page(request, actor, listing, form_key=key, typed=typed, errors=forms.errors_of(refusal), code=422)
    return respond.see_other(f"/s/{listing['slug']}/sent")


@get(f"{PAGE}/sent", include_in_schema=False)
async def sent(request: AnyRequest, ctx: Context, actor: Actor, slug: str) -> Response[str]:
    """What has happened and what has not; says nothing of who asked, because the address is anybody's."""
    listing = reading.shown(await reading.published(ctx.door, slug))
    return respond.html("market/sent.html", plain_shell(request, actor), listing=listing)


def page(
    request: AnyRequest,
    actor: Actor,
    listing: Row | Mapping[str, Any],
    *,
    form_key: UUID,
    typed: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
    code: int = 200,
    back: str = "",
) -> Response[str]:
    """The public page; `back` is where a preview goes back to, and keeps its form from being sent."""
    return respond.html(
        "market/page.html",
        plain_shell(request, actor),
        code=code,
        listing=reading.shown(listing),
        form_key=form_key,
        typed=typed or dict.fromkeys((*FIELDS, "wedding_on"), ""),
        errors=errors or {},
        today=reading.today(),
        trap=TRAP,
        back=back,
    )


def _asked(form: Form) -> NewEnquiry:
    """Raises Refusal 422 in words for people."""
    if form.text(TRAP):
        fix = "Leave the field “Company” empty: it is there to tell people from programs."
        raise forms.wrong(FieldError("message", "looks like a program's", fix))
    given: dict[str, Any] = {name: form.text(name) for name in FIELDS}
    given |= {"wedding_on": form.day("wedding_on"), "form_key": form.text("form_key")}
    return forms.checked(NewEnquiry, given, WORDS)


def _key(form: Form) -> UUID | None:
    try:
        return msgspec.convert(form.text("form_key"), UUID)
    except msgspec.ValidationError:
        return None


async def _allow(limits: Limits, window: Window, key: str) -> None:
    decision = await limits.hit(window, key)
    if not decision.is_allowed:
        detail = "There were many enquiries from here just now. Wait an hour and send it again, or call them."
        raise Refusal(429, "too_many_tries", detail, headers=decision.headers())


ROUTES = (show, enquire, sent)
