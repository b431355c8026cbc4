"""The page of a supplier whom a couple named: the core of the wedding by its link, and taking its place there."""

from typing import Any, Final
from uuid import UUID

from litestar import Response, get, post

from wedsync.invitations import joining
from wedsync.invitations.joining import Claim
from wedsync.kit.actor import Actor
from wedsync.kit.errors import FieldError, Refusal
from wedsync.people import signing_in
from wedsync.people.model import SIGN_IN_MINUTES
from wedsync.web import forms, respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest, Form
from wedsync.web.visitor import plain_shell
from wedsync.weddings.model import CATEGORIES

WORDS: Final = {
    "name": FieldError("name", "is missing", "Say what your business is called."),
    "category": FieldError("category", "is none of the list", "Choose one."),
}


@get("/join/{token:str}", include_in_schema=False)
async def show(request: AnyRequest, ctx: Context, actor: Actor, token: str) -> Response[str]:
    """Names, date, places and times; no account is needed to look."""
    return await _page(request, ctx, actor, token, {}, {}, 200)


async def _page(
    request: AnyRequest,
    ctx: Context,
    actor: Actor,
    token: str,
    typed: dict[str, str],
    errors: dict[str, str],
    code: int,
) -> Response[str]:
    link = await joining.named(ctx.door, token)
    is_theirs = actor.id is not None and actor.email.lower() == link.invited_email
    businesses = []
    if is_theirs and actor.id is not None:
        async with ctx.door.enter(actor, actor.id) as tx:
            rows = await tx.rows("select * from app.places($1)", actor.id)
        businesses = [
            (str(r["id"]), r["name"]) for r in rows if r["kind"] == "supplier" and r["role"] in ("owner", "admin")
        ]
    return respond.html(
        "invitations/join.html",
        plain_shell(request, actor),
        code=code,
        token=token,
        link=link,
        businesses=[*businesses, ("", "A new business")] if businesses else [],
        chosen=typed.get("supplier_id", businesses[0][0] if businesses else ""),
        typed={"name": link.supplier_name, "category": link.category} | typed,
        categories=[(key, key.replace("_", " ").capitalize()) for key in CATEGORIES],
        errors=errors,
        signed_in_as="" if is_theirs else actor.email,
    )


@post("/join/{token:str}", include_in_schema=False)
async def claim(request: AnyRequest, ctx: Context, actor: Actor, token: str) -> Response[Any]:
    """On to the studio's page of this wedding; who has an account is sent a link to sign in with first."""
    form = await forms.read(request)
    typed = {name: form.text(name) for name in ("name", "category", "supplier_id")}
    try:
        wanted = forms.checked(Claim, {**typed, "supplier_id": _supplier(form)}, WORDS)
        link = await joining.named(ctx.door, token)
        arrived = await joining.claim(ctx.door, actor, token, wanted)
    except Refusal as refusal:
        if refusal is joining.SIGN_IN:
            email = link.invited_email or ""
            await signing_in.ask(request, ctx, email, next_path=f"/join/{token}")
            return respond.html("people/sent.html", plain_shell(request), email=email, minutes=SIGN_IN_MINUTES)
        if refusal.status != 422:
            raise
        return await _page(request, ctx, actor, token, typed, dict(forms.errors_of(refusal)), 422)
    answer = respond.see_other(f"/studio/{arrived.tenant}/weddings/{link.wedding_id}")
    if arrived.session:
        answer.set_cookie(signing_in.session_cookie(ctx, arrived.session))
    return answer


def _supplier(form: Form) -> UUID | None:
    text = form.text("supplier_id")
    try:
        return UUID(text) if text else None
    except ValueError as error:
        raise Refusal(422, "invalid", "The page was not sent whole. Open the link again.") from error


ROUTES = (show, claim)
