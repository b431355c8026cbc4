"""The couple's pages: overview, activity, settings; and the fragments that keep them live."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Response, get, post

from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import Refusal
from wedsync.web import forms, respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest, signed_in
from wedsync.web.shell import Shell
from wedsync.weddings import news
from wedsync.weddings.shell import couple_shell

queries = sql.load("wedsync.weddings")
NEWEST = 2**62
PER_PAGE = 40


@get("/me/{wedding_id:uuid}", include_in_schema=False)
async def overview(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[str]:
    """Countdown, tally, answers, what happened, what is next."""
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        shell = await couple_shell(request, ctx, tx, wedding_id, "overview")
        wedding = await tx.row(queries.get, wedding_id)
        values: dict[str, Any] = {
            "changes": await _tally(tx, wedding_id),
            "headcounts": [dict(r) for r in await tx.rows(queries.counts, wedding_id)],
            "news": await _news(tx, shell, wedding_id, actor, limit=8),
            "next": await _next(tx, shell, wedding_id),
            "setup": await _setup(tx, shell, wedding_id),
            "promised": await _promised(tx, wedding_id),
            "fit": await _fit(tx, wedding_id),
        }
    return respond.html("weddings/overview.html", shell, wedding=wedding, src=f"{shell.base}/fragments/news", **values)


@get("/me/{wedding_id:uuid}/fragments/{part:str}", include_in_schema=False)
async def fragment(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID, part: str) -> Response[str]:
    """One live part of the overview."""
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        shell = await couple_shell(request, ctx, tx, wedding_id, "overview")
        found = await _part(tx, shell, wedding_id, actor, part)
    if found is None:
        raise Refusal(404, "not_found", "There is no such part of the page.")
    template, values = found
    return respond.html(template, shell, **values)


async def _part(tx: Tx, shell: Shell, wedding_id: UUID, actor: Actor, part: str) -> tuple[str, dict[str, Any]] | None:
    """The template of a part and what it shows; it is rendered when the connection is given back."""
    if part == "tally":
        return "weddings/_tally.html", {"changes": await _tally(tx, wedding_id)}
    if part == "answers":
        return "weddings/_answers.html", {"headcounts": [dict(r) for r in await tx.rows(queries.counts, wedding_id)]}
    if part == "news":
        lines = await _news(tx, shell, wedding_id, actor, limit=8)
        return "weddings/_news.html", {"news": lines, "src": f"{shell.base}/fragments/news"}
    if part == "promised":
        return "weddings/_promised.html", {"promised": await _promised(tx, wedding_id)}
    if part == "fit":
        return "weddings/_fit.html", {"fit": await _fit(tx, wedding_id)}
    if part == "core":
        return "weddings/_core.html", {"wedding": await tx.row(queries.get, wedding_id)}
    return None


async def _tally(tx: Tx, wedding_id: UUID) -> list[dict[str, Any]]:
    matters: dict[str, dict[str, Any]] = {}
    for row in await tx.rows(queries.tally, wedding_id):
        words, before, after = news.summary_words(row["type"], msgspec.json.decode(row["summary"]))
        one = matters.setdefault(
            row["about"],
            {
                "id": row["about"],
                "words": words,
                "before": before,
                "after": after,
                "by": "You",
                "at": row["opened_at"],
                "who": [],
                "done": 0,
                "of": 0,
            },
        )
        one["who"].append({"name": row["supplier_name"], "state": row["status"]})
        one["of"] += 1
        one["done"] += row["status"] == "acknowledged"
    for one in matters.values():
        unseen = [w["name"] for w in one["who"] if w["state"] == "open"]
        one["late_words"] = f"{unseen[0]} has not seen it." if one["done"] and len(unseen) == 1 else ""
    return list(matters.values())[:12]


async def _news(tx: Tx, shell: Shell, wedding_id: UUID, actor: Actor, *, limit: int) -> list[news.Line]:
    rows = await tx.rows(queries.news, wedding_id, NEWEST, list(news.TYPES), limit)
    return await _lines(tx, shell, wedding_id, actor, rows)


async def _lines(tx: Tx, shell: Shell, wedding_id: UUID, actor: Actor, rows: list[Row]) -> list[news.Line]:
    read = await tx.value(queries.read_until, wedding_id, actor.id) or 0
    names = {str(r["id"]): r["display_name"] for r in await tx.rows(queries.guest_names, wedding_id, _guests_of(rows))}
    return [news.line(r, base=shell.base, read=read, me=actor.id, guest_names=names) for r in rows]


def _guests_of(rows: list[Any]) -> list[UUID]:
    return [
        UUID(msgspec.json.decode(r["record"])["guest_id"]) for r in rows if r["type"] == "rsvp.replied" and r["record"]
    ]


async def _next(tx: Tx, shell: Shell, wedding_id: UUID) -> list[dict[str, Any]]:
    rows = await tx.rows(queries.next_tasks, wedding_id)
    return [
        {"words": r["title"], "detail": r["detail"][:120], "href": f"{shell.base}/tasks", "due": r["due_on"]}
        for r in rows
    ]


async def _promised(tx: Tx, wedding_id: UUID) -> dict[str, Any]:
    """Photographs and films: how many are promised and delivered, and which day comes next."""
    row = await tx.row(queries.promised, wedding_id)
    return {} if row is None or not row["of"] else dict(row)


async def _fit(tx: Tx, wedding_id: UUID) -> dict[str, Any]:
    """Whether all who have accepted fit into the spaces that venues give."""
    row = await tx.row(queries.fit, wedding_id)
    return {} if row is None or not row["of"] else dict(row)


async def _setup(tx: Tx, shell: Shell, wedding_id: UUID) -> list[dict[str, Any]]:
    row = await tx.row(queries.first_steps, wedding_id)
    if row is None or all(row.values()):
        return []
    steps = (
        ("schedule", "Put the day together", "schedule"),
        ("guests", "Bring your guest list", "guests/import"),
        ("suppliers", "Invite your suppliers", "suppliers"),
        ("site", "Open your website", "settings"),
    )
    return [{"words": words, "done": row[key], "href": f"{shell.base}/{path}"} for key, words, path in steps]


FILTERS = (
    ("all", "Everything", ""),
    ("suppliers", "Suppliers", "link acknowledgement schedule_item photos space payment form"),
    ("guests", "Guests", "rsvp guest party import headcount"),
    ("plan", "Plans", "wedding schedule_item task"),
)


@get("/me/{wedding_id:uuid}/activity", include_in_schema=False)
async def activity(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[str]:
    """Everything, live; what is new is marked."""
    chosen = request.query_params.get("filter", "all")
    nouns = next((f[2].split() for f in FILTERS if f[0] == chosen), [])
    types = tuple(t for t in news.TYPES if not nouns or t.partition(".")[0] in nouns)
    at = request.query_params.get("before", "")
    before = int(at) if at.isdigit() and len(at) < 18 else NEWEST
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        shell = await couple_shell(request, ctx, tx, wedding_id, "activity")
        rows = await tx.rows(queries.news, wedding_id, before, list(types), PER_PAGE)
        lines = await _lines(tx, shell, wedding_id, actor, rows)
    src = f"{shell.base}/activity?filter={chosen}" + (f"&before={before}" if before != NEWEST else "")
    if forms.is_fragment(request):
        return respond.html("weddings/_news.html", shell, news=lines, src=src)
    older = f"{shell.base}/activity?filter={chosen}&before={rows[-1]['seq']}" if len(rows) == PER_PAGE else None
    return respond.html(
        "weddings/activity.html",
        shell,
        filter=chosen,
        filters=[(key, label, f"{shell.base}/activity?filter={key}", None) for key, label, _ in FILTERS],
        new_count=sum(s.count for s in shell.sections if s.key == "activity"),
        news=lines,
        src=src,
        before=f"{shell.base}/activity?filter={chosen}" if before != NEWEST else None,
        after=older,
    )


@post("/me/{wedding_id:uuid}/activity/read", include_in_schema=False)
async def mark_read(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[None]:
    """All that is there now has been seen by this person."""
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        await tx.run(queries.mark_read, wedding_id, actor.id)
    return respond.see_other(f"/me/{wedding_id}/activity")


ROUTES = (overview, fragment, activity, mark_read)
