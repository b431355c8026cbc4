"""A page a step: what is there already, the one thing to do, and the way past it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post

from wedsync.clients import sealed
from wedsync.connections.accounts import connecting
from wedsync.connections.accounts.connecting import Desk
from wedsync.connections.accounts.model import NewAccount
from wedsync.invitations import actions as invitations
from wedsync.invitations import writing
from wedsync.invitations.model import Known
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import FieldError, Refusal, not_found
from wedsync.onboarding import actions, model
from wedsync.onboarding.model import Key, Step
from wedsync.onboarding.pages.begin import ZONES
from wedsync.suppliers import actions as suppliers
from wedsync.suppliers.model import InvitationAnswer, LinkRequest, trade
from wedsync.suppliers.shell import supplier_shell
from wedsync.web import forms, respond
from wedsync.web.context import Context, invalid
from wedsync.web.forms import AnyRequest, Form, signed_in
from wedsync.web.shell import Shell
from wedsync.weddings.model import CATEGORIES

queries = sql.load("wedsync.onboarding")
PAGE: Final = "/studio/{supplier_id:uuid}/start"
SIGNS: Final = {
    "venue": "building-2",
    "planner": "list-checks",
    "officiant": "church",
    "photographer": "camera",
    "caterer": "utensils",
    "cake": "cake-slice",
    "florist": "flower-2",
    "stylist": "paintbrush",
    "band": "music",
    "dj": "music",
    "musicians": "music",
    "attire": "shirt",
    "transport": "car",
    "accommodation": "bed",
    "childcare": "baby",
    "security": "shield-check",
    "stationery": "mail",
    "hire": "layout-grid",
}
ADDRESS: Final = {"address": FieldError("address", "is too long", "Copy the address of the feed once more.")}


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """An open transaction of a business that is being set up, its frame, and how far it is."""

    tx: Tx
    shell: Shell
    home: Row
    steps: list[Step]


@asynccontextmanager
async def entered(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID) -> AsyncIterator[Place]:
    """Raises Refusal 403 for whoever does not keep the business."""
    async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
        shell = await supplier_shell(request, ctx, tx, supplier_id, "start")
        home = await actions.home(tx)
        yield Place(tx=tx, shell=shell, home=home, steps=actions.progress(home))


@get(PAGE, include_in_schema=False)
async def show(
    request: AnyRequest, ctx: Context, desk: Desk, actor: Actor, supplier_id: UUID, step: str = ""
) -> Response[str]:
    """The step that is asked for, else the first that is open; when none is, what has come of it."""
    async with entered(request, ctx, actor, supplier_id) as place:
        return await page(ctx, desk, place, actor, model.current(place.steps, step))


@get(PAGE + "/fragments/weddings", include_in_schema=False)
async def weddings(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID) -> Response[str]:
    """What is in step by now."""
    async with entered(request, ctx, actor, supplier_id) as place:
        rows = await place.tx.rows(queries.weddings)
    return respond.html("onboarding/_weddings.html", place.shell, weddings=[dict(row) for row in rows])


@post(PAGE + "/{step:str}", include_in_schema=False)
async def go_on(
    request: AnyRequest, ctx: Context, desk: Desk, actor: Actor, supplier_id: UUID, step: str
) -> Response[Any]:
    """Do the step or skip it; on to the next that is open."""
    key = next((known for known in model.TITLES if known == step), None)
    form = await forms.read(request)
    try:
        if key is None:
            return await _end(request, ctx, actor, supplier_id, step)
        if form.text("action") == "skip":
            async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
                await actions.say(tx, skipped=key)
        else:
            await _DOES[key](ctx, desk, signed_in(request, actor), supplier_id, form)
    except Refusal as refusal:
        if refusal.status not in (409, 422, 503) or key is None:
            raise
        async with entered(request, ctx, actor, supplier_id) as place:
            asked = model.current(place.steps, key)
            return await page(ctx, desk, place, actor, asked, typed=form, refusal=refusal)
    # A wedding is in step a moment after its couple was answered: its page says when.
    stays = "?step=wedding" if key == "wedding" and form.text("action") != "skip" else ""
    return respond.see_other(f"/studio/{supplier_id}/start{stays}")


async def _end(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, step: str) -> Response[Any]:
    if step != "end":
        raise not_found("page")
    async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
        await actions.say(tx, is_end=True)
    return respond.see_other(f"/studio/{supplier_id}")


async def page(
    ctx: Context,
    desk: Desk,
    place: Place,
    actor: Actor,
    step: Step | None,
    *,
    typed: Form | None = None,
    refusal: Refusal | None = None,
    more: Mapping[str, Any] | None = None,
) -> Response[str]:
    """One step, or the end where none is left."""
    values = await _values(ctx, desk, place, actor, step.key if step else "wedding")
    return respond.html(
        f"onboarding/{step.key}.html" if step else "onboarding/end.html",
        place.shell,
        code=refusal.status if refusal else 200,
        steps=place.steps,
        step=step,
        following=_following(place.steps, step),
        typed=typed or Form([]),
        errors=forms.errors_of(refusal) if refusal else {},
        problem=refusal.detail if refusal and not refusal.errors else "",
        **{**values, **(more or {})},
    )


def _following(steps: list[Step], step: Step | None) -> str:
    """The key of the next open step after one, or "" where only the end is left."""
    later = steps[steps.index(step) + 1 :] if step else []
    return next((one.key for one in (*later, *steps) if one.state == "open" and one is not step), "")


async def _values(ctx: Context, desk: Desk, place: Place, actor: Actor, key: Key) -> dict[str, Any]:
    tx, home = place.tx, place.home
    match key:
        case "business":
            return {"name": home["name"], "zone": home["time_zone"], "zones": ZONES}
        case "category":
            words = [(c, trade(c), SIGNS.get(c, "store")) for c in CATEGORIES]
            return {"categories": words, "chosen": home["category"] if place.steps[1].state == "done" else ""}
        case "calendar":
            offers = [one for one in connecting.offers(desk) if one.name in actions.CALENDARS and one.is_configured]
            return {
                "offers": [offer for offer in offers if offer.name != "ics"],
                "connected": [dict(row) for row in await tx.rows(queries.connected, actions.CALENDARS)],
            }
        case "clients":
            return {"counts": dict(await tx.row(queries.client_counts) or {}), "trial": None}
        case "invitation":
            return {"letter": await _letter(ctx, tx)}
        case "wedding":
            waiting = await tx.rows("select * from app.invitations($1)", actor.id)
            client = await _client(ctx, tx)
            return {
                "weddings": [dict(row) for row in await tx.rows(queries.weddings)],
                "waiting": [dict(row) for row in waiting],
                "suggested": client[0].email if client else "",
            }


async def _client(ctx: Context, tx: Tx) -> tuple[Any, Row] | None:
    row = await tx.row(queries.soonest_client)
    return (sealed.unseal(ctx.ring, row["supplier_id"], row["id"], row["sealed"]), row) if row else None


async def _letter(ctx: Context, tx: Tx) -> dict[str, Any]:
    """With the next of the clients, or with made-up ones where there are none."""
    found = await _client(ctx, tx)
    details, on = (found[0], found[1]["wedding_on"]) if found else (None, None)
    known = None
    if details is not None:
        known = Known(to=details.email, name=details.name, partner_name=details.partner_name, venue=details.venue)
    supplier, reply_to, style = await invitations.style(tx)
    letter = writing.sample(supplier, reply_to, style, known=known, on=on, site=ctx.settings.public_url)
    words = writing.words(letter)
    return {
        "subject": words.subject,
        "paragraphs": writing.paragraphs(words),
        "to": details.couple_names if details else "",
    }


Does = Callable[[Context, Desk, Actor, UUID, Form], Awaitable[None]]


async def _business(ctx: Context, desk: Desk, actor: Actor, supplier_id: UUID, form: Form) -> None:
    name = form.text("business")
    if not 0 < len(name) <= 300:
        raise invalid("business", "is missing or too long", "Write the name couples know, in up to 300 letters.")
    async with ctx.door.enter(actor, supplier_id) as tx:
        await suppliers.describe(tx, name=name, zone=form.text("zone"))
        await actions.say(tx, done="business")


async def _category(ctx: Context, desk: Desk, actor: Actor, supplier_id: UUID, form: Form) -> None:
    if (chosen := form.text("category")) not in CATEGORIES:
        raise invalid("category", "is not one of these", "Choose what comes closest.")
    async with ctx.door.enter(actor, supplier_id) as tx:
        await suppliers.describe(tx, category=chosen)
        await actions.say(tx, done="category")


async def _calendar(ctx: Context, desk: Desk, actor: Actor, supplier_id: UUID, form: Form) -> None:
    if not form.text("address"):
        raise invalid("address", "is missing", "Paste the address of the feed, or connect one of the others.")
    new = forms.checked(NewAccount, {"address": form.text("address")}, ADDRESS)
    await connecting.begin(ctx, desk, actor, supplier_id, "ics", new)
    async with ctx.door.enter(actor, supplier_id) as tx:
        await actions.say(tx, done="calendar")


async def _clients(ctx: Context, desk: Desk, actor: Actor, supplier_id: UUID, form: Form) -> None:
    raise invalid("file", "is missing", "Choose the list you have, or skip this step.")


async def _invitation(ctx: Context, desk: Desk, actor: Actor, supplier_id: UUID, form: Form) -> None:
    async with ctx.door.enter(actor, supplier_id) as tx:
        await actions.say(tx, done="invitation")


async def _wedding(ctx: Context, desk: Desk, actor: Actor, supplier_id: UUID, form: Form) -> None:
    """Take up an invitation that waits, or ask a couple."""
    if form.text("link_id"):
        link = forms.checked(_Chosen, {"link_id": form.text("link_id")}, {}).link_id
        await suppliers.answer(ctx.door, actor, link, InvitationAnswer(supplier_id=supplier_id))
    else:
        words = {"couple_email": FieldError("couple_email", "is not an e-mail address", "Write name@example.com.")}
        asked = forms.checked(LinkRequest, {"couple_email": form.text("couple_email").lower()}, words)
        await suppliers.request(ctx.door, actor, supplier_id, asked.couple_email)
    async with ctx.door.enter(actor, supplier_id) as tx:
        await actions.say(tx, done="wedding")


class _Chosen(msgspec.Struct, frozen=True, kw_only=True):
    link_id: UUID


_DOES: Final[Mapping[Key, Does]] = {
    "business": _business,
    "category": _category,
    "calendar": _calendar,
    "clients": _clients,
    "invitation": _invitation,
    "wedding": _wedding,
}
ROUTES = (show, weddings, go_on)
