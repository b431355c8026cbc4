"""The couple's page of suppliers: invitations, permission switches, who sees what, see-as, the end of a link."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Response, get, post

from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.suppliers import actions, booked, model, view
from wedsync.web import forms, respond
from wedsync.web.context import Context, expected_version
from wedsync.web.forms import AnyRequest, Form, signed_in
from wedsync.web.shell import Shell
from wedsync.weddings import news
from wedsync.weddings.model import CATEGORIES
from wedsync.weddings.shell import couple_shell

queries = sql.load("wedsync.suppliers")
ICONS = {
    "venue": "building-2",
    "photographer": "camera",
    "videographer": "camera",
    "caterer": "utensils",
    "bar": "utensils",
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
    "officiant": "church",
}
WORDS = {c: (c.replace("_", " ").capitalize(), ICONS.get(c, "briefcase")) for c in CATEGORIES}
BLANK = {"email": "", "supplier_name": "", "category": "photographer", "level": "standard"}


@get("/me/{wedding_id:uuid}/suppliers", include_in_schema=False)
async def suppliers(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[str]:
    """Everybody who is linked, and what each may see."""
    return await _page(request, ctx, actor, wedding_id, invite=BLANK, errors={}, code=200)


async def _page(
    request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, *, invite: dict[str, str], errors: Any, code: int
) -> Response[str]:
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        shell = await couple_shell(request, ctx, tx, wedding_id, "suppliers")
        links = await _links(tx, wedding_id)
    asked = [link for link in links if link["status"] == "active"]
    return respond.html(
        "suppliers/suppliers.html",
        shell,
        code=code,
        links=links,
        categories=WORDS,
        category_options=[(key, words) for key, (words, _) in WORDS.items()],
        confirmed={"done": sum(not link["open"] for link in asked), "of": len(asked)},
        invite=invite,
        errors=errors,
    )


async def _links(tx: Tx, wedding_id: UUID) -> list[dict[str, Any]]:
    open_by: dict[UUID, list[dict[str, Any]]] = {}
    for row in await tx.rows(queries.open_of_links, wedding_id):
        words = news.summary_words(row["type"], msgspec.json.decode(row["summary"]))[0]
        open_by.setdefault(row["link_id"], []).append(
            {"words": words, "state": row["status"], "since": row["opened_at"]}
        )
    seen = {r["link_id"]: r["at"] for r in await tx.rows(queries.last_seen, wedding_id)}
    times = await booked.lines(tx, wedding_id)
    return [
        _link(dict(r), open_by.get(r["id"], []), seen.get(r["id"]), times.get(r["id"], []))
        for r in await tx.rows(queries.links, wedding_id)
    ]


def _link(
    row: dict[str, Any], open_now: list[dict[str, Any]], seen_at: Any, times: list[dict[str, str]]
) -> dict[str, Any]:
    sees, _, never = model.panel(row["mask"])
    return {**row, "sees": sees, "never": never, "open": open_now, "last_seen_at": seen_at, "booked": times}


@get("/me/{wedding_id:uuid}/fragments/suppliers", include_in_schema=False)
async def links_fragment(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[str]:
    """The list, when a link or an acknowledgement changed."""
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        shell = await couple_shell(request, ctx, tx, wedding_id, "suppliers")
        return respond.html("suppliers/_links.html", shell, links=await _links(tx, wedding_id), categories=WORDS)


@post("/me/{wedding_id:uuid}/suppliers", include_in_schema=False)
async def invite(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[Any]:
    """Invite by e-mail."""
    form = await forms.read(request)
    typed = {k: form.text(k) for k in BLANK}
    try:
        new = msgspec.convert({**typed, "email": typed["email"].lower()}, type=model.NewLink)
        async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
            await actions.invite(tx, wedding_id, new)
    except msgspec.ValidationError:
        errors = (
            {"email": "That does not look like an e-mail address."}
            if "@" not in typed["email"]
            else {"supplier_name": "Who is it?"}
        )
        return await _page(request, ctx, actor, wedding_id, invite=typed, errors=errors, code=422)
    except Refusal as refusal:
        return await _page(
            request, ctx, actor, wedding_id, invite=typed, errors={"email": refusal.detail}, code=refusal.status
        )
    return respond.see_other(f"/me/{wedding_id}/suppliers")


@post("/me/{wedding_id:uuid}/suppliers/{link_id:uuid}/access", include_in_schema=False)
async def access(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, link_id: UUID) -> Response[Any]:
    """Switches. A changed level sets its scopes afresh; otherwise each flag is what the form says."""
    form = await forms.read(request)
    version = expected_version(request.headers.get("if-match")) or form.number("version")
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        before = await tx.row(queries.link, link_id)
        if before is None:
            raise not_found("link")
        await actions.change(tx, link_id, _wanted(form, before["level"]), version=version)
    return await _one(request, ctx, actor, wedding_id, link_id)


def _wanted(form: Form, level_before: str) -> model.LinkChange:
    level = form.text("level", level_before)
    if level not in model.LEVELS:
        raise Refusal(422, "invalid", "level: must be basic, standard or full")
    if level != level_before:
        return msgspec.convert({"level": level}, type=model.LinkChange)
    return model.LinkChange(
        can_view_guests=form.on("can_view_guests"),
        can_view_dietary=form.on("can_view_dietary"),
        can_view_contacts=form.on("can_view_contacts"),
        can_edit_timeline=form.on("can_edit_timeline"),
    )


async def _one(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, link_id: UUID) -> Response[Any]:
    if not forms.is_fragment(request):
        return respond.see_other(f"/me/{wedding_id}/suppliers#link-{link_id}")
    async with ctx.door.enter(actor, wedding_id) as tx:
        shell = await couple_shell(request, ctx, tx, wedding_id, "suppliers")
        link = next((one for one in await _links(tx, wedding_id) if one["id"] == link_id), None)
    if link is None:
        return Response("", media_type="text/html")
    return respond.html("suppliers/_link.html", shell, link=link, categories=WORDS)


@post("/me/{wedding_id:uuid}/suppliers/{link_id:uuid}/{answer:str}", include_in_schema=False)
async def decide(
    request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, link_id: UUID, answer: str
) -> Response[Any]:
    """Accept or decline a supplier's request, or end the link."""
    if answer not in ("accept", "decline", "revoke"):
        raise not_found("page")
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        if answer == "revoke":
            await actions.revoke(tx, link_id)
        else:
            status = "active" if answer == "accept" else "declined"
            await actions.change(tx, link_id, msgspec.convert({"status": status}, type=model.LinkChange))
    return await _one(request, ctx, actor, wedding_id, link_id)


@get("/me/{wedding_id:uuid}/suppliers/{link_id:uuid}/end", include_in_schema=False)
async def end(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, link_id: UUID) -> Response[str]:
    """Asked once before it ends."""
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        shell = await couple_shell(request, ctx, tx, wedding_id, "suppliers")
        link = await tx.row(queries.link, link_id)
    if link is None:
        raise not_found("link")
    keeps = ["What they have confirmed, with times", "The history of what they could see"]
    return respond.html("suppliers/end.html", shell, link=link, loses=model.panel(link["mask"])[0], keeps=keeps)


@get("/me/{wedding_id:uuid}/suppliers/{link_id:uuid}/see-as", include_in_schema=False)
async def see_as(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, link_id: UUID) -> Response[str]:
    """The wedding through the supplier's eyes: the same queries under the same row security, read only."""
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        frame = await couple_shell(request, ctx, tx, wedding_id, "suppliers")
        link = await tx.row(queries.link, link_id)
    if link is None:
        raise not_found("link")
    async with ctx.door.enter_as(actor, wedding_id, link_id) as tx:
        seen = await view.wedding(tx, wedding_id)
    shell: Shell = msgspec.structs.replace(frame, live=None)
    return respond.html(
        "suppliers/wedding.html",
        shell,
        seeing_as=link["supplier_name"],
        back_href=f"/me/{wedding_id}/suppliers",
        supplier_name=link["supplier_name"],
        **view.values(seen, base="", may_acknowledge=False),
    )


ROUTES = (suppliers, links_fragment, invite, access, decide, end, see_as)
