"""The suppliers' pages: what needs me this week, all weddings, one wedding, asking a couple to link."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import msgspec
from litestar import Response, get, post

from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Row
from wedsync.kit.errors import Refusal
from wedsync.suppliers import actions, model, view
from wedsync.suppliers.shell import supplier_shell
from wedsync.web import forms, respond
from wedsync.web.context import Context
from wedsync.web.formats import plural
from wedsync.web.forms import AnyRequest, signed_in
from wedsync.web.shell import Shell
from wedsync.weddings import news

queries = sql.load("wedsync.suppliers")


@get("/studio/{supplier_id:uuid}", include_in_schema=False)
async def portfolio(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID) -> Response[str]:
    """What needs this business over all its weddings."""
    async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
        shell = await supplier_shell(request, ctx, tx, supplier_id, "portfolio")
        rows = await tx.rows(queries.portfolio, supplier_id)
        invitations = await tx.rows("select * from app.invitations($1)", actor.id)
        clashes = await tx.row(queries.clashes, supplier_id)
    listed = _listed(shell, rows, invitations, clashes)
    today = shell.now.date()
    week = f"{today.day} {today:%B} to {today + timedelta(days=6):%-d %B}"
    counts = {
        "waiting": len(listed["needs"]),
        "weddings": sum(r["status"] == "active" for r in rows),
        "clashes": clashes["open"] if clashes else 0,
    }
    return respond.html(
        "suppliers/portfolio.html", shell, supplier={"name": shell.heading}, week_words=week, counts=counts, **listed
    )


@get("/studio/{supplier_id:uuid}/fragments/portfolio", include_in_schema=False)
async def portfolio_fragment(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID) -> Response[str]:
    """The same list, when a row of the index changed."""
    async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
        shell = await supplier_shell(request, ctx, tx, supplier_id, "portfolio")
        rows = await tx.rows(queries.portfolio, supplier_id)
        invitations = await tx.rows("select * from app.invitations($1)", actor.id)
        clashes = await tx.row(queries.clashes, supplier_id)
    return respond.html("suppliers/_portfolio.html", shell, **_listed(shell, rows, invitations, clashes))


def _listed(shell: Shell, rows: list[Row], invitations: list[Row], clashes: Row | None) -> dict[str, Any]:
    needs = [_invited(shell, r) for r in invitations]
    needs += [_clash(shell, clashes)] if clashes and clashes["open"] else []
    for row in rows:
        needs += [_need(shell, row, one) for one in msgspec.json.decode(row["open"])]
    needs.sort(key=lambda n: (n["due"] or date.max, n["on"] or date.max))
    today = shell.now.date()
    soon = [r for r in rows if r["status"] == "active" and (r["on"] is None or r["on"] >= today)][:12]
    return {"needs": needs, "soon": [_card(shell, r) for r in soon]}


def _need(shell: Shell, row: Row, one: dict[str, Any]) -> dict[str, Any]:
    href = f"{shell.base}/weddings/{row['wedding_id']}"
    common = {
        "key": one["id"],
        "wedding_id": row["wedding_id"],
        "couple": row["couple_names"],
        "on": row["on"],
        "href": href,
    }
    if one["kind"] == "task":
        due = date.fromisoformat(one["due_on"]) if one["due_on"] else None
        return {
            **common,
            "kind": "task",
            "words": one["title"],
            "detail": "",
            "due": due,
            "state": "",
            "action_href": "",
            "action_label": "Open",
        }
    words, before, after = news.summary_words(one["type"], one["summary"])
    return {
        **common,
        "kind": "acknowledge",
        "words": words,
        "detail": f"{before} → {after}" if after else "",
        "due": None,
        "state": one["status"],
        "action_href": f"{href}/acknowledgements/{one['id']}",
        "action_label": "Seen and fine",
    }


def _invited(shell: Shell, row: Row) -> dict[str, Any]:
    return {
        "key": row["link_id"],
        "kind": "request",
        "wedding_id": row["wedding_id"],
        "couple": row["couple_names"],
        "on": row["on"],
        "words": f"{row['couple_names']} invite you as {row['supplier_name']}",
        "detail": f"At level {row['level']}.",
        "due": None,
        "href": shell.base,
        "state": "",
        "action_href": f"{shell.base}/invitations/{row['link_id']}",
        "action_label": "Accept",
    }


def _clash(shell: Shell, row: Row) -> dict[str, Any]:
    return {
        "key": "clashes",
        "kind": "clash",
        "wedding_id": None,
        "couple": "Calendar",
        "on": row["first_on"],
        "words": f"{plural(row['open'], 'conflict')} in your calendar",
        "detail": "What cannot both be right, and what to do about it.",
        "due": None,
        "href": f"{shell.base}/calendar?on={row['first_on']}",
        "state": "",
        "action_href": "",
        "action_label": "Look",
    }


def _card(shell: Shell, row: Row) -> dict[str, Any]:
    return {
        "wedding_id": row["wedding_id"],
        "couple": row["couple_names"],
        "on": row["on"],
        "place": row["venue"],
        "zone": row["time_zone"],
        "status_words": row["level"].capitalize()
        if row["date_status"] in ("confirmed", "undecided")
        else row["date_status"].capitalize(),
        "waiting": row["waiting"] + row["tasks_open"],
        "href": f"{shell.base}/weddings/{row['wedding_id']}",
    }


@get("/studio/{supplier_id:uuid}/weddings", include_in_schema=False)
async def weddings(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID) -> Response[str]:
    """All of them: coming, without a date, past."""
    async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
        shell = await supplier_shell(request, ctx, tx, supplier_id, "weddings")
        rows = await tx.rows(queries.portfolio, supplier_id)
    today = shell.now.date()
    named = [
        ("Coming", [r for r in rows if r["on"] and r["on"] >= today]),
        ("Without a date", [r for r in rows if r["on"] is None]),
        ("Past", [r for r in reversed(rows) if r["on"] and r["on"] < today]),
    ]
    groups = [(heading, [{**dict(r), **_card(shell, r)} for r in some]) for heading, some in named if some]
    if forms.is_fragment(request):
        return respond.html("suppliers/_weddings.html", shell, groups=groups)
    return respond.html(
        "suppliers/weddings.html", shell, supplier={"name": shell.heading}, groups=groups, before=None, after=None
    )


async def _read(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID
) -> tuple[Shell, view.Seen]:
    async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
        shell = await supplier_shell(request, ctx, tx, supplier_id, "weddings", wedding_id=wedding_id)
    async with ctx.door.enter(actor, wedding_id) as tx:
        seen = await view.wedding(tx, wedding_id)
    return shell, seen


@get("/studio/{supplier_id:uuid}/weddings/{wedding_id:uuid}", include_in_schema=False)
async def wedding(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID
) -> Response[str]:
    """One wedding, live."""
    shell, seen = await _read(request, ctx, actor, supplier_id, wedding_id)
    base = f"{shell.base}/weddings/{wedding_id}"
    return respond.html(
        "suppliers/wedding.html",
        shell,
        seeing_as="",
        back_href=shell.base,
        supplier_name=shell.heading,
        **view.values(seen, base=base, may_acknowledge=True),
    )


@get("/studio/{supplier_id:uuid}/weddings/{wedding_id:uuid}/fragments/{part:str}", include_in_schema=False)
async def fragment(
    request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, wedding_id: UUID, part: str
) -> Response[str]:
    """One live part. A part whose scope was taken away answers 404 and the page withdraws it."""
    shell, seen = await _read(request, ctx, actor, supplier_id, wedding_id)
    known = {
        "core": seen.wedding,
        "day": seen.schedule,
        "tasks": seen.tasks,
        "photos": seen.photos,
        "spaces": seen.spaces,
        "counts": seen.headcounts,
        "waiting": seen.open,
    }
    if known.get(part) is None:
        raise Refusal(404, "not_found", "This part is not shared with you.")
    base = f"{shell.base}/weddings/{wedding_id}"
    values = view.values(seen, base=base, may_acknowledge=True)
    return respond.html(f"suppliers/_wedding_{part}.html", shell, **values)


@get("/studio/{supplier_id:uuid}/invite", include_in_schema=False)
async def ask(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID) -> Response[str]:
    """Ask a couple to link."""
    return await _ask_page(request, ctx, actor, supplier_id, {}, {}, "", 200)


@post("/studio/{supplier_id:uuid}/invite", include_in_schema=False)
async def send_ask(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID) -> Response[str]:
    """The answer is the same whether or not the couple is here."""
    form = await forms.read(request)
    email = form.text("email").lower()
    try:
        said = msgspec.convert({"couple_email": email}, type=model.LinkRequest)
    except msgspec.ValidationError:
        errors = {"email": "That does not look like an e-mail address."}
        return await _ask_page(request, ctx, actor, supplier_id, {"email": email}, errors, "", 422)
    await actions.request(ctx.door, signed_in(request, actor), supplier_id, said.couple_email)
    return await _ask_page(request, ctx, actor, supplier_id, {}, {}, email, 200)


async def _ask_page(
    request: AnyRequest,
    ctx: Context,
    actor: Actor,
    supplier_id: UUID,
    typed: dict[str, str],
    errors: dict[str, str],
    sent: str,
    code: int,
) -> Response[str]:
    async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
        shell = await supplier_shell(request, ctx, tx, supplier_id, "invite")
    return respond.html(
        "suppliers/invite.html", shell, code=code, values={"email": "", **typed}, errors=errors, sent=sent
    )


@post("/studio/{supplier_id:uuid}/invitations/{link_id:uuid}", include_in_schema=False)
async def accept(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID, link_id: UUID) -> Response[Any]:
    """Take up an invitation as this business."""
    await actions.answer(ctx.door, signed_in(request, actor), link_id, model.InvitationAnswer(supplier_id=supplier_id))
    if forms.is_fragment(request):
        return Response("", status_code=200, media_type="text/html", headers={"HX-Redirect": f"/studio/{supplier_id}"})
    return respond.see_other(f"/studio/{supplier_id}")


ROUTES = (portfolio, portfolio_fragment, weddings, wedding, fragment, ask, send_ask, accept)
