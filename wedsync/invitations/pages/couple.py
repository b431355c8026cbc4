"""The couple's page of an invitation, opened from the mail without an account; then who else works for them."""

from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post

from wedsync.invitations import joining, model
from wedsync.invitations.joining import Answer, Shown
from wedsync.kit.actor import Actor
from wedsync.kit.errors import FieldError, Refusal
from wedsync.people import signing_in
from wedsync.people.model import SIGN_IN_MINUTES
from wedsync.suppliers import actions as suppliers
from wedsync.suppliers.model import LEVELS, NEVER, SEES, NewLink
from wedsync.web import forms, respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest, Form, signed_in
from wedsync.web.visitor import plain_shell
from wedsync.weddings.model import CATEGORIES
from wedsync.weddings.shell import couple_shell

WORDS: Final = {
    "couple_names": FieldError("couple_names", "is missing", "Tell us what the two of you are called."),
    "ceremony_venue": FieldError("ceremony_venue", "is too long", "Shorten it."),
    "level": FieldError("level", "is none of the three", "Choose one."),
}
ROWS: Final = 3
BLANK: Final = {"supplier_name": "", "email": "", "category": "florist"}


@get("/invite/{token:str}", include_in_schema=False)
async def show(request: AnyRequest, ctx: Context, actor: Actor, token: str) -> Response[str]:
    """What is known, and who asks. A GET changes nothing: programs that look into mails follow links."""
    found = await joining.shown(ctx.door, ctx.ring, token)
    typed = {**model.wedding_fields(found.known, found.on), "level": "standard", "taken": [found.own]}
    return _page(request, actor, token, found, typed, {})


def _page(
    request: AnyRequest,
    actor: Actor,
    token: str,
    found: Shown,
    typed: dict[str, Any],
    errors: dict[str, str],
    *,
    code: int = 200,
) -> Response[str]:
    shell = plain_shell(request, actor)
    if found.is_over:
        return respond.html("invitations/over.html", shell, code=410, found=found, is_here=actor.id is not None)
    return respond.html(
        "invitations/couple.html",
        shell,
        code=code,
        token=token,
        found=found,
        typed=typed,
        errors=errors,
        levels=[(key, key.capitalize(), "") for key in LEVELS],
        sees=[SEES[scope] for scope in SEES if scope in LEVELS["standard"] or scope == 1],
        never=NEVER,
    )


@post("/invite/{token:str}/seen", include_in_schema=False)
async def seen(ctx: Context, token: str) -> Response[None]:
    """Told by the page's script once a person has it before them."""
    await joining.see(ctx.door, token)
    return Response(None, status_code=204)


@post("/invite/{token:str}", include_in_schema=False)
async def confirm(request: AnyRequest, ctx: Context, actor: Actor, token: str) -> Response[Any]:
    """On to their wedding; who has an account already is sent a link to sign in with, and comes back here."""
    form = await forms.read(request)
    found = await joining.shown(ctx.door, ctx.ring, token)
    if form.text("answer") == "no":
        await joining.decline(ctx.door, token)
        return respond.see_other(f"/invite/{token}")
    typed = {name: form.text(name) for name in ("couple_names", "ceremony_venue", "level")}
    try:
        taken = _ids(form)
        said = forms.checked(Answer, {**typed, "on": form.day("on"), "taken": taken}, WORDS)
        arrived = await joining.confirm(ctx.door, ctx.ring, actor, token, said)
    except Refusal as refusal:
        if refusal is joining.SIGN_IN:
            return await _sign_in(request, ctx, found.known.to, f"/invite/{token}")
        if refusal.status != 422:
            raise
        again = {**typed, "on": form.text("on"), "taken": form.many("taken")}
        return _page(request, actor, token, found, again, dict(forms.errors_of(refusal)), code=422)
    answer = respond.see_other(f"/me/{arrived.tenant}/others")
    if arrived.session:
        answer.set_cookie(signing_in.session_cookie(ctx, arrived.session))
    return answer


def _ids(form: Form) -> list[UUID]:
    try:
        return [UUID(text) for text in form.many("taken")]
    except ValueError as error:
        raise Refusal(422, "invalid", "The page was not sent whole. Open the link again.") from error


async def _sign_in(request: AnyRequest, ctx: Context, email: str, path: str) -> Response[str]:
    await signing_in.ask(request, ctx, email, next_path=path)
    return respond.html("people/sent.html", plain_shell(request), email=email, minutes=SIGN_IN_MINUTES)


@get("/me/{wedding_id:uuid}/others", include_in_schema=False)
async def others(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[str]:
    """Who else works for them: three at once, any of them left empty."""
    return await _others(request, ctx, actor, wedding_id, [dict(BLANK) for _ in range(ROWS)], {}, 200)


async def _others(
    request: AnyRequest,
    ctx: Context,
    actor: Actor,
    wedding_id: UUID,
    rows: list[dict[str, str]],
    errors: dict[str, str],
    code: int,
) -> Response[str]:
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        shell = await couple_shell(request, ctx, tx, wedding_id, "suppliers")
    categories = [(key, key.replace("_", " ").capitalize()) for key in CATEGORIES]
    return respond.html("invitations/others.html", shell, code=code, rows=rows, errors=errors, categories=categories)


@post("/me/{wedding_id:uuid}/others", include_in_schema=False)
async def name_others(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[Any]:
    """Each is sent a link to the core of the wedding; all of them, or none with what is wrong."""
    form = await forms.read(request)
    rows = [{name: form.text(f"{name}_{n}") for name in BLANK} for n in range(ROWS)]
    errors: dict[str, str] = {}
    try:
        async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
            for n, row in enumerate(rows):
                if row["supplier_name"] or row["email"]:
                    errors |= await _name(tx, wedding_id, n, row)
            if errors:
                raise Refusal(422, "invalid", "Something needs your attention.")
    except Refusal as refusal:
        if not errors:
            raise
        return await _others(request, ctx, actor, wedding_id, rows, errors, refusal.status)
    return respond.see_other(f"/me/{wedding_id}/suppliers")


async def _name(tx: Any, wedding_id: UUID, n: int, row: dict[str, str]) -> dict[str, str]:
    """Invite one; what is wrong by its field."""
    try:
        new = msgspec.convert({**row, "email": row["email"].lower(), "level": "standard"}, type=NewLink)
        await suppliers.invite(tx, wedding_id, new)
    except msgspec.ValidationError:
        if not row["supplier_name"]:
            return {f"supplier_name_{n}": "Who is it?"}
        return {f"email_{n}": "That does not look like an e-mail address."}
    except Refusal as refusal:
        return {f"email_{n}": refusal.detail}
    return {}


ROUTES = (show, seen, confirm, others, name_others)
