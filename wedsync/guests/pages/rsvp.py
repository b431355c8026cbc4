"""The guests' own page: a party answers for all of its people at once, by its link, without an account.

Browsers get pages and send a form; programs get and send JSON at the same address. Nobody else's name is ever in it.
"""

from typing import Any

import msgspec
from litestar import Response, get, post, put

from wedsync.guests import letters, model, parties, replies, rsvp_form
from wedsync.guests.pages.people import fields_of
from wedsync.kit.errors import Refusal
from wedsync.web import forms, respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest
from wedsync.web.shell import Shell
from wedsync.web.visitor import plain_shell
from wedsync.weddings.actions import token_hash

LOST = {
    404: "We do not know this link. See that all of it was copied, or find your invitation on the wedding website.",
    410: "This link has ended, most likely because a newer one was sent. Look for it in your mail, or ask the couple.",
}


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /rsvp/{token}` as JSON: the party, what it is invited to, and its answers so far."""

    party: dict[str, Any]
    wedding: dict[str, Any]
    is_locked: bool
    items: list[dict[str, Any]]
    guests: list[dict[str, Any]]
    answers: list[dict[str, Any]]


@get(
    "/rsvp/{token:str}",
    summary="A party's answers",
    description="By the party's own link; no account. JSON, or a page for browsers. Shows nobody outside of the party.",
)
async def show(request: AnyRequest, ctx: Context, token: str) -> Response[Any]:
    """404 for an unknown link, 410 for one that has ended."""
    try:
        async with ctx.door.enter_pass("rsvp", token_hash(token)) as tx:
            held = await parties.read(tx, ctx.ring)
    except Refusal as refusal:
        return _lost(request, refusal)
    if not _is_page(request):
        return Response(_answers(held))
    return respond.html("guests/rsvp.html", _shell(request, held), **rsvp_form.page(held, token=token))


@put(
    "/rsvp/{token:str}",
    summary="Answer for a party",
    description="All answers, meals and needs at once, or nothing. Answers stop at final numbers; needs never do.",
)
async def answer(request: AnyRequest, ctx: Context, token: str, data: model.PartyAnswers) -> Answers:
    """What did not change records nothing; the answer is what `GET` would say now."""
    async with ctx.door.enter_pass("rsvp", token_hash(token)) as tx:
        await replies.answer_party(tx, ctx.ring, data)
        return _answers(await parties.read(tx, ctx.ring))


@post("/rsvp/{token:str}", include_in_schema=False)
async def send(request: AnyRequest, ctx: Context, token: str) -> Response[Any]:
    """The form. What cannot be taken is shown again with what was typed."""
    fields = fields_of(await forms.read(request))
    names: dict[str, str] = {}
    try:
        async with ctx.door.enter_pass("rsvp", token_hash(token)) as tx:
            held = await parties.read(tx, ctx.ring)
            said = rsvp_form.read(held, fields)
            names = said.fields
            if said.answers.answers or said.answers.plus_ones:
                await replies.answer_party(tx, ctx.ring, said.answers)
            elif not any(one.status != "needs_action" for p in held.people.values() for one in p.invited.values()):
                raise Refusal(422, "nothing_said", "Say yes or no for at least one of you, then send it.")
    except Refusal as refusal:
        if refusal.status not in (409, 422):
            return _lost(request, refusal)
        return await _again(request, ctx, token, fields, names, refusal)
    return respond.see_other(f"/rsvp/{token}/thanks")


async def _again(
    request: AnyRequest, ctx: Context, token: str, fields: dict[str, list[str]], names: dict[str, str], refusal: Refusal
) -> Response[Any]:
    async with ctx.door.enter_pass("rsvp", token_hash(token)) as tx:
        held = await parties.read(tx, ctx.ring)
    problems = rsvp_form.in_form(refusal, names)
    values = {**rsvp_form.page(held, token=token, fields=fields), "problems": problems, "errors": dict(problems)}
    return respond.html("guests/rsvp.html", _shell(request, held), code=refusal.status, **values)


@get("/rsvp/{token:str}/thanks", include_in_schema=False)
async def thanks(request: AnyRequest, ctx: Context, token: str) -> Response[Any]:
    """What was understood."""
    try:
        async with ctx.door.enter_pass("rsvp", token_hash(token)) as tx:
            held = await parties.read(tx, ctx.ring)
    except Refusal as refusal:
        return _lost(request, refusal)
    invited = [one.status for person in held.people.values() for one in person.invited.values()]
    return respond.html(
        "guests/rsvp_done.html",
        _shell(request, held),
        token=token,
        names=held.couple_names,
        on=held.on,
        party={"name": held.name},
        coming="accepted" in invited,
        lines=letters.of_party(held),
        reply_by=None,
        site_url=f"/w/{held.slug}" if held.slug else "",
        calendar_url="",
    )


def _is_page(request: AnyRequest) -> bool:
    return "text/html" in request.headers.get("accept", "")


def _shell(request: AnyRequest, held: parties.Held) -> Shell:
    return msgspec.structs.replace(plain_shell(request), now=held.now)


def _lost(request: AnyRequest, refusal: Refusal) -> Response[Any]:
    """A page that says what to do; everything else is refused as everywhere."""
    if refusal.status not in LOST or not _is_page(request):
        raise refusal
    return respond.html(
        f"errors/{refusal.status}.html",
        plain_shell(request),
        code=refusal.status,
        detail=LOST[refusal.status],
        back="/",
    )


def _answers(held: parties.Held) -> Answers:
    return Answers(
        party={"id": held.id, "name": held.name, "plus_ones_left": held.plus_ones_left},
        wedding={"couple_names": held.couple_names, "on": held.on, "time_zone": held.time_zone, "venue": held.venue},
        is_locked=held.is_locked,
        items=[
            {
                **{k: getattr(item, k) for k in ("id", "title", "on", "at_local", "place", "is_locked")},
                "menu": [{"id": id, "name": name} for id, name in item.menu.items()],
            }
            for item in held.items.values()
        ],
        guests=[
            {k: getattr(person, k) for k in ("id", "display_name", "kind", "age_band", "needs")}
            for person in held.people.values()
        ],
        answers=[
            {
                "guest_id": person.id,
                "schedule_item_id": item,
                **{k: getattr(one, k) for k in ("status", "menu_option_id", "responded_at", "version")},
            }
            for person in held.people.values()
            for item, one in person.invited.items()
        ],
    )


ROUTES = (show, answer, send, thanks)
