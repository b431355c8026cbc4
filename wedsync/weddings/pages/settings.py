"""Settings of a wedding: core facts, website, the two of you, helpers; and beginning as a couple."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Response, get, post

from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Row
from wedsync.kit.errors import Refusal, not_found
from wedsync.web import forms, respond
from wedsync.web.context import Context, expected_version, invalid
from wedsync.web.formats import and_list, plural
from wedsync.web.forms import AnyRequest, Form, signed_in
from wedsync.weddings import actions, model
from wedsync.weddings.shell import couple_shell

queries = sql.load("wedsync.weddings")
ZONES = (
    "Europe/London",
    "Europe/Dublin",
    "Europe/Lisbon",
    "Europe/Paris",
    "Europe/Berlin",
    "Europe/Madrid",
    "Europe/Rome",
    "Europe/Athens",
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "America/Toronto",
    "Asia/Kolkata",
    "Asia/Dubai",
    "Asia/Singapore",
    "Australia/Sydney",
    "Pacific/Auckland",
    "Pacific/Honolulu",
)
TEXTS = (
    "couple_names",
    "partner_a",
    "partner_b",
    "time_zone",
    "ceremony_venue",
    "ceremony_address",
    "reception_venue",
    "reception_address",
    "date_status",
)
TIMES = ("ceremony_at", "reception_at")
DATES_SHOWN = 10


@get("/me/{wedding_id:uuid}/settings", include_in_schema=False)
async def settings(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[str]:
    """Everything about the wedding that is said once."""
    return await _page(request, ctx, actor, wedding_id)


async def _page(
    request: AnyRequest,
    ctx: Context,
    actor: Actor,
    wedding_id: UUID,
    *,
    refusal: Refusal | None = None,
    helper_url: str = "",
) -> Response[str]:
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        shell = await couple_shell(request, ctx, tx, wedding_id, "settings")
        wedding = await tx.row(queries.get, wedding_id)
        site = await tx.row(queries.site, wedding_id)
        members = await tx.rows(queries.member_people, wedding_id)
        dates = await tx.rows(queries.date_history, wedding_id, None, DATES_SHOWN)
        reasks_avoided = await tx.value(queries.reasks_avoided, wedding_id)
        informed = [r["supplier_name"] for r in await tx.rows(queries.linked_names, wedding_id)]
    if wedding is None:
        raise not_found("wedding")
    zones = ZONES if wedding["time_zone"] in ZONES else (wedding["time_zone"], *ZONES)
    errors = forms.errors_of(refusal) if refusal else {}
    return respond.html(
        "weddings/settings.html",
        shell,
        code=refusal.status if refusal else 200,
        wedding=wedding,
        zones=[(z, z.replace("_", " ")) for z in zones],
        informed=informed,
        errors=errors,
        problems=list(errors.items()),
        site=_site(ctx, site),
        people=[_person(r, actor) for r in members if r["role"] != "helper"],
        helpers=[_helper(r) for r in members if r["role"] == "helper"],
        dates=[dict(r) for r in dates],
        helper_url=helper_url,
        reasks_avoided=reasks_avoided,
    )


def _helper(row: Row) -> dict[str, Any]:
    """What waits for a helper, in words: their page shows the day, their own tasks and their own parts of the day."""
    waiting = [plural(row["tasks_open"], "task")] if row["tasks_open"] else []
    waiting += [plural(row["cues"], "part of the day", "parts of the day")] if row["cues"] else []
    what = and_list(waiting) or "Nothing to do yet"
    return {"id": row["id"], "name": row["name"], "what": what, "last_seen_at": row["last_seen_at"]}


def _site(ctx: Context, row: Any) -> dict[str, Any]:
    if row is None:
        return {"slug": "", "is_published": False, "welcome": "", "version": 0, "url": ""}
    return {**dict(row), "url": f"{ctx.settings.public_url}/w/{row['slug']}"}


def _person(row: Any, actor: Actor) -> dict[str, Any]:
    return {
        **dict(row),
        "is_me": row["person_id"] == actor.id,
        "state_words": "" if row["person_id"] == actor.id else "invited",
    }


@post("/me/{wedding_id:uuid}/settings", include_in_schema=False)
async def save(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[Any]:
    """Change core facts; whoever is linked is told, and asked to confirm what concerns them."""
    form = await forms.read(request)
    version = expected_version(request.headers.get("if-match")) or form.number("version")
    try:
        change = msgspec.convert(_fields(form), type=model.WeddingChange)
        async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
            now = await actions.change(tx, wedding_id, model.changed_fields(change), version=version)
    except msgspec.ValidationError as error:
        return await _page(request, ctx, actor, wedding_id, refusal=invalid(_field_of(str(error)), str(error)))
    except Refusal as refusal:
        if forms.is_fragment(request) or refusal.status != 422:
            raise
        return await _page(request, ctx, actor, wedding_id, refusal=refusal)
    if forms.is_fragment(request):
        return Response(
            "", status_code=200, media_type="text/html", headers={"HX-Redirect": request.url.path, "ETag": f'"{now}"'}
        )
    return respond.see_other(request.url.path)


def _fields(form: Form) -> dict[str, Any]:
    fields: dict[str, Any] = {name: form.text(name) for name in TEXTS if form.has(name)}
    fields |= {name: form.text(name) or None for name in TIMES if form.has(name)}
    if form.has("on"):
        fields["on"] = form.day("on")
    if form.has("guest_estimate"):
        fields["guest_estimate"] = form.number("guest_estimate")
    return fields


def _field_of(words: str) -> str:
    """msgspec ends its sentences with "- at `$.field`"."""
    return words.rpartition("$.")[2].rstrip("`") or "form"


@post("/me/{wedding_id:uuid}/settings/site", include_in_schema=False)
async def save_site(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[Any]:
    """Open, change or close the website."""
    form = await forms.read(request)
    slug = form.text("slug").lower()
    if not model.is_slug(slug):
        refusal = invalid("slug", "must be small letters, digits and dashes, at least three of them")
        return await _page(request, ctx, actor, wedding_id, refusal=refusal)
    fields: dict[str, Any] = {"is_published": form.on("is_published"), "welcome": form.text("welcome")[:4000]}
    version = expected_version(request.headers.get("if-match")) or form.number("version")
    try:
        async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
            await actions.put_site(tx, wedding_id, slug=slug, **fields, version=version)
    except Refusal as refusal:
        if refusal.status != 409:
            raise
        return await _page(request, ctx, actor, wedding_id, refusal=invalid("slug", "is taken; choose another"))
    return _back(request, wedding_id)


def _back(request: AnyRequest, wedding_id: UUID) -> Response[Any]:
    path = f"/me/{wedding_id}/settings"
    if forms.is_fragment(request):
        return Response("", status_code=200, media_type="text/html", headers={"HX-Redirect": path})
    return respond.see_other(path)


@post("/me/{wedding_id:uuid}/settings/partner", include_in_schema=False)
async def add_partner(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[Any]:
    """The other half, by e-mail; they sign in with it."""
    form = await forms.read(request)
    email = form.text("email").lower()
    if "@" not in email:
        return await _page(request, ctx, actor, wedding_id, refusal=invalid("email", "is needed to sign in with"))
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        await actions.add_member(tx, wedding_id, role="partner", name=form.text("name")[:300], email=email)
    return _back(request, wedding_id)


@post("/me/{wedding_id:uuid}/settings/helpers", include_in_schema=False)
async def add_helper(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[Any]:
    """A helper by name; the page that follows shows the link."""
    form = await forms.read(request)
    name = form.text("name")[:300]
    if not name:
        return await _page(request, ctx, actor, wedding_id, refusal=invalid("name", "is needed"))
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        member = await actions.add_member(tx, wedding_id, role="helper", name=name)
        token = await actions.add_pass(tx, ctx.settings.jwt_secret, "help", wedding_id, membership_id=member)
    return await _page(request, ctx, actor, wedding_id, helper_url=f"{ctx.settings.public_url}/help/{token}")


@post("/me/{wedding_id:uuid}/settings/helpers/{membership_id:uuid}/link", include_in_schema=False)
async def new_link(
    request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, membership_id: UUID
) -> Response[str]:
    """A new link; the old ones end."""
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        token = await actions.renew_member_pass(tx, ctx.settings.jwt_secret, wedding_id, membership_id)
    return await _page(request, ctx, actor, wedding_id, helper_url=f"{ctx.settings.public_url}/help/{token}")


@post("/me/{wedding_id:uuid}/settings/helpers/{membership_id:uuid}/end", include_in_schema=False)
async def end_helper(
    request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, membership_id: UUID
) -> Response[Any]:
    """The helper's link stops working at once."""
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        await actions.remove_member(tx, wedding_id, membership_id)
    return _back(request, wedding_id)


ROUTES = (settings, save, save_site, add_partner, add_helper, new_link, end_helper)
