"""The operator's pages of wording: all texts, one text with its previews and versions, and its mail as it is sent."""

import re
from typing import Any, Final

from litestar import Response, get, post

from wedsync.kit.actor import Actor
from wedsync.kit.db import Tx
from wedsync.kit.errors import FieldError, Refusal
from wedsync.notices.wording import actions, checking
from wedsync.notices.wording.checking import KEYS, WordingChange
from wedsync.notices.wording.tongues import PARTS, SHARED
from wedsync.operations.platform import entered
from wedsync.operations.shell import BASE, operator_shell
from wedsync.operations.slo import actions as alerts
from wedsync.web import forms, respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest, signed_in

PAGE: Final = f"{BASE}/wording"
ONE: Final = f"{PAGE}/{{key:str}}/{{locale:str}}"
SAID: Final = {
    "saved": "Saved. It is used from the next notice on.",
    "back": "Rolled back. It is used from the next notice on.",
    "sent": "Sent to your own address.",
}
MAIL_POLICY: Final = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'"}
"""The look of a mail is in its own attributes, as mail programs want it."""
NAMED: Final = {
    "change": "What all notices say",
    "digest": "Several told as one",
    "emergency": "An emergency",
    "wedding.date_changed": "The date has changed",
    "wedding.venue_changed": "A venue has changed",
    "wedding.times_changed": "A time of the day has changed",
    "wedding.estimate_changed": "The estimated guest count has changed",
    "wedding.changed": "Names have changed",
}
LABELS: Final = {
    "title": "Title",
    "body": "Below it",
    "ask": "Below it, where its reader is asked to confirm",
    "button": "Button",
    "confirm": "Button that confirms",
}


@get(PAGE, include_in_schema=False)
async def index(request: AnyRequest, ctx: Context, actor: Actor) -> Response[str]:
    """Every text in every language."""
    async with entered(ctx, signed_in(request, actor)) as tx:
        known = {(one.key, one.locale): one for one in await actions.listed(tx)}
        languages = checking.names()
        return respond.html(
            "operations/wordings.html",
            operator_shell(request, ctx, tx.actor, "wording", waiting=await alerts.waiting(tx)),
            languages=languages,
            rows=[(key, named(key), [known[key, locale] for locale in languages]) for key in KEYS],
        )


@get(ONE, include_in_schema=False)
async def show(request: AnyRequest, ctx: Context, actor: Actor, key: str, locale: str) -> Response[str]:
    """One text: what it says, how it looks, what it said before."""
    async with entered(ctx, signed_in(request, actor)) as tx:
        return await _page(request, ctx, tx, key, locale)


@get(f"{ONE}/mail", include_in_schema=False)
async def letter(request: AnyRequest, ctx: Context, actor: Actor, key: str, locale: str) -> Response[str]:
    """The mail itself."""
    async with entered(ctx, signed_in(request, actor)) as tx:
        drawn = await actions.preview(tx, key, locale)
    return Response(drawn.html, media_type="text/html", headers=MAIL_POLICY)


@post(ONE, include_in_schema=False)
async def save(request: AnyRequest, ctx: Context, actor: Actor, key: str, locale: str) -> Response[Any]:
    """A version more, or only a look at it; what could not be sent is shown again with why."""
    form = await forms.read(request)
    given = {name: form.text(name) for name in (*PARTS, "note")}
    async with entered(ctx, signed_in(request, actor)) as tx:
        try:
            words = {name: FieldError(name, "is too long", "Say it in fewer words.") for name in given}
            change = forms.checked(WordingChange, given, words)
            if form.text("do") == "preview":
                return await _page(request, ctx, tx, key, locale, given=given, change=change)
            await actions.write(tx, key, locale, change, version=form.number("version"))
        except Refusal as refusal:
            if refusal.status not in (412, 422):
                raise
            errors = forms.errors_of(refusal) or {"title": refusal.detail}
            return await _page(request, ctx, tx, key, locale, given=given, errors=errors, code=422)
    return respond.done(request, f"{PAGE}/{key}/{locale}?said=saved")


@post(f"{ONE}/roll-back", include_in_schema=False)
async def roll_back(request: AnyRequest, ctx: Context, actor: Actor, key: str, locale: str) -> Response[Any]:
    """To an earlier version, or to what WedSync ships."""
    form = await forms.read(request)
    async with entered(ctx, signed_in(request, actor)) as tx:
        await actions.roll_back(tx, key, locale, form.number("number") or 0)
    return respond.done(request, f"{PAGE}/{key}/{locale}?said=back")


@post(f"{ONE}/sample", include_in_schema=False)
async def sample(request: AnyRequest, ctx: Context, actor: Actor, key: str, locale: str) -> Response[Any]:
    """To oneself."""
    async with entered(ctx, signed_in(request, actor)) as tx:
        await actions.send_sample(tx, ctx.ring, key, locale, email=actor.email, name=actor.name)
    return respond.done(request, f"{PAGE}/{key}/{locale}?said=sent")


async def _page(
    request: AnyRequest,
    ctx: Context,
    tx: Tx,
    key: str,
    locale: str,
    *,
    given: dict[str, str] | None = None,
    change: WordingChange | None = None,
    errors: Any = None,
    code: int = 200,
) -> Response[str]:
    found = await actions.read(tx, key, locale)
    own = {name: getattr(found.own, name) for name in PARTS} | {"note": ""}
    return respond.html(
        "operations/wording.html",
        operator_shell(request, ctx, tx.actor, "wording", waiting=await alerts.waiting(tx)),
        code=code,
        found=found,
        named=named(key),
        languages=checking.names(),
        parts=[(name, LABELS[name]) for name in PARTS if name != "title" or key not in SHARED],
        given=given or own,
        drawn=await actions.preview(tx, key, locale, change),
        is_draft=change is not None,
        errors=errors or {},
        said=SAID.get(request.query_params.get("said", ""), ""),
    )


def named(key: str) -> str:
    """What a text is, for who reads English."""
    return NAMED.get(key) or re.sub(r"\{[a-z_]+\}", "…", checking.english_title(key))


ROUTES = (index, show, letter, save, roll_back, sample)
