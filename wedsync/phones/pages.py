"""The page of a person's phone, the same for couples, suppliers and helpers who sign in."""

from typing import Any, Final

from litestar import Response, get, post

from wedsync.kit.actor import Actor
from wedsync.kit.errors import Refusal
from wedsync.phones import actions, asking, model
from wedsync.web import forms, respond
from wedsync.web.context import Context, person_of
from wedsync.web.forms import AnyRequest, errors_of, signed_in
from wedsync.web.visitor import plain_shell

PATH: Final = "/me/phone"
WORDS: Final = {
    "owed": "on its way",
    "accepted": "on its way",
    "queued": "on its way",
    "sending": "on its way",
    "sent": "sent to the carrier",
    "delivered": "on your phone",
    "read": "read",
    "undelivered": "did not arrive",
    "failed": "did not arrive",
}


@get(PATH, include_in_schema=False)
async def show(request: AnyRequest, ctx: Context, actor: Actor) -> Response[str]:
    """The number, whether it is proved, and what is agreed to."""
    return await _page(request, ctx, signed_in(request, actor), {})


@post(PATH, include_in_schema=False)
async def give(request: AnyRequest, ctx: Context, actor: Actor) -> Response[Any]:
    """A number; the code is asked for on the same page."""
    signed_in(request, actor)
    form = await forms.read(request)
    new = model.NewPhone(
        number=form.text("number")[:40],
        takes_texts=form.on("takes_texts"),
        takes_calls=form.on("takes_calls"),
        wording_version=form.text("wording_version")[:20],
    )
    try:
        await asking.give(request, ctx, actor, new, method="page")
    except Refusal as refusal:
        return await _refused(request, ctx, actor, refusal, "number", given=new)
    return respond.done(request, PATH)


@post(f"{PATH}/verify", include_in_schema=False)
async def verify(request: AnyRequest, ctx: Context, actor: Actor) -> Response[Any]:
    """The code of the text."""
    signed_in(request, actor)
    form = await forms.read(request)
    try:
        await asking.verify(ctx, actor, form.text("code")[:20])
    except Refusal as refusal:
        return await _refused(request, ctx, actor, refusal, "code")
    return respond.done(request, PATH)


@post(f"{PATH}/code", include_in_schema=False)
async def code(request: AnyRequest, ctx: Context, actor: Actor) -> Response[Any]:
    """Another one."""
    signed_in(request, actor)
    try:
        await asking.code(ctx, actor)
    except Refusal as refusal:
        return await _refused(request, ctx, actor, refusal, "code")
    return respond.done(request, PATH)


@post(f"{PATH}/consent", include_in_schema=False)
async def agree(request: AnyRequest, ctx: Context, actor: Actor) -> Response[Any]:
    """Texts and calls, on and off."""
    signed_in(request, actor)
    form = await forms.read(request)
    agreed = model.Agreed(
        takes_texts=form.on("takes_texts"),
        takes_calls=form.on("takes_calls"),
        wording_version=form.text("wording_version")[:20],
    )
    try:
        await asking.agree(request, ctx, actor, agreed, method="page")
    except Refusal as refusal:
        return await _refused(request, ctx, actor, refusal, "takes_texts")
    return respond.done(request, PATH)


@post(f"{PATH}/remove", include_in_schema=False)
async def remove(request: AnyRequest, ctx: Context, actor: Actor) -> Response[Any]:
    """Forgotten."""
    person = person_of(signed_in(request, actor))
    async with ctx.door.enter(actor, person) as tx:
        await actions.remove(tx, person, asking.evidence(request, "page"))
    return respond.done(request, PATH)


async def _refused(
    request: AnyRequest,
    ctx: Context,
    actor: Actor,
    refusal: Refusal,
    field: str,
    *,
    given: model.NewPhone | None = None,
) -> Response[str]:
    """The same page, with what is wrong at the field. Other refusals are pages of their own."""
    if refusal.status not in (409, 410, 422, 429):
        raise refusal
    errors = dict(errors_of(refusal)) or {field: refusal.detail}
    return await _page(request, ctx, actor, errors, code=refusal.status, given=given)


async def _page(
    request: AnyRequest,
    ctx: Context,
    actor: Actor,
    errors: dict[str, str],
    *,
    code: int = 200,
    given: model.NewPhone | None = None,
) -> Response[str]:
    mine = await asking.mine(ctx, actor)
    phone = mine.phone
    return respond.html(
        "phones/phone.html",
        plain_shell(request, actor),
        code=code,
        mine=mine,
        phone=phone,
        shown=model.pretty(phone.number) if phone else "",
        answers_to=model.pretty(mine.answers_to) if mine.answers_to else "",
        last=WORDS.get(phone.last_text or "", "") if phone else "",
        consents=await asking.consents(ctx, actor),
        given=given,
        errors=errors,
        minutes=model.CODE_MINUTES,
    )


ROUTES = (show, give, verify, code, agree, remove)
