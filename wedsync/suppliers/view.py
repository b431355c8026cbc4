"""One wedding as one link sees it: read part by part under row security, so that a missing scope is a missing part."""

from typing import Any
from uuid import UUID

import msgspec

from wedsync.events.scope import Scope
from wedsync.kit import sql
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import not_found
from wedsync.suppliers import model
from wedsync.weddings import news

queries = sql.load("wedsync.suppliers")
# Whom the couple has not called anything may make pictures too.
MAKES_PICTURES = ("photographer", "videographer", "other")
HAS_SPACES = ("venue", "other")


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What was read; None where the scope is missing."""

    wedding: dict[str, Any]
    mask: int
    open: list[dict[str, Any]]
    schedule: list[dict[str, Any]] | None
    tasks: list[dict[str, Any]] | None
    headcounts: list[dict[str, Any]] | None
    contacts: list[dict[str, Any]] | None
    photos: list[dict[str, Any]] | None
    spaces: list[dict[str, Any]] | None


async def wedding(tx: Tx, wedding_id: UUID) -> Seen:
    """Read it, in the transaction of whoever looks (the supplier, or the couple seeing as it)."""
    head = await tx.row(queries.wedding, wedding_id)
    if head is None:
        raise not_found("wedding")
    mask = head["mask"]
    counts = await tx.rows(queries.wedding_counts, wedding_id) if mask & Scope.COUNTS else None
    menu = {str(r["id"]): r["name"] for r in await tx.rows(queries.wedding_menu, wedding_id)} if counts else {}
    return Seen(
        wedding=dict(head),
        mask=mask,
        open=[opened(r) for r in await tx.rows(queries.wedding_open, wedding_id)],
        schedule=await _schedule(tx, wedding_id) if mask & Scope.SCHEDULE else None,
        tasks=await _tasks(tx, wedding_id, mask),
        headcounts=None if counts is None else [counted(r, menu) for r in counts],
        contacts=[dict(r) for r in await tx.rows(queries.wedding_contacts, wedding_id)]
        if mask & Scope.SCHEDULE
        else None,
        photos=await _photos(tx, wedding_id, head["category"]),
        spaces=await _spaces(tx, wedding_id, head["category"]),
    )


async def _tasks(tx: Tx, wedding_id: UUID, mask: int) -> list[dict[str, Any]] | None:
    """What is the link's own it sees whatever its level; that there is nothing, only with the scope."""
    rows = [dict(r) for r in await tx.rows(queries.wedding_tasks, wedding_id)]
    return rows if rows or mask & Scope.TASKS else None


async def _photos(tx: Tx, wedding_id: UUID, category: str | None) -> list[dict[str, Any]] | None:
    """What this link promised to hand over; no part of the page for those who make no pictures."""
    rows = [dict(r) for r in await tx.rows(queries.wedding_photos, wedding_id)]
    return rows if rows or category in MAKES_PICTURES else None


async def _spaces(tx: Tx, wedding_id: UUID, category: str | None) -> list[dict[str, Any]] | None:
    """What this link gives to the parts of the day; no part of the page for those who have nothing to give."""
    rows = [dict(r) for r in await tx.rows(queries.wedding_spaces, wedding_id)]
    return rows if rows or category in HAS_SPACES else None


async def _schedule(tx: Tx, wedding_id: UUID) -> list[dict[str, Any]]:
    return [{**dict(r), "was": None, "owner": ""} for r in await tx.rows(queries.wedding_schedule, wedding_id)]


def opened(row: Row) -> dict[str, Any]:
    """An acknowledgement that waits, in words."""
    words, before, after = news.summary_words(row["type"], msgspec.json.decode(row["summary"]))
    return {
        "id": row["id"],
        "words": words,
        "before": before,
        "after": after,
        "since": row["opened_at"],
        "state": row["status"],
    }


def counted(row: Row, menu: dict[str, str]) -> dict[str, Any]:
    """Counts with meals by name; dietary cells are already hidden where they are small, meals are hidden here."""
    meals = msgspec.json.decode(row["meals"])
    dietary = msgspec.json.decode(row["dietary"])
    since = ""
    if row["locked"] is not None:
        more = row["accepted"] - msgspec.json.decode(row["locked"]).get("accepted", row["accepted"])
        since = f"{more:+d} since" if more else "unchanged since"
    return {
        **{
            k: row[k]
            for k in ("item_id", "invited", "accepted", "declined", "tentative", "pending", "children", "locked_at")
        },
        "title": row["title"] or "Guests",
        "since_lock": since,
        "meals": [(menu.get(key, "Meal"), n if n >= 3 else None) for key, n in meals.items()],
        "dietary": [
            (_need(group, code), n if isinstance(n, int) else None)
            for group, cells in dietary.items()
            for code, n in cells.items()
        ],
    }


def _need(group: str, code: str) -> str:
    """A cell of the dietary totals in words; an allergen is never mistaken for a diet."""
    words = code.replace("_", " ")
    return f"Allergy: {words}" if group == "allergens" else words.capitalize()


def values(seen: Seen, *, base: str, may_acknowledge: bool) -> dict[str, Any]:
    """The template's values."""
    sees, _, never = model.panel(seen.mask)
    links_out = []
    if base and seen.mask & Scope.GUESTS:
        links_out.append(("Guests", f"{base}/guests", "users"))
    if base and seen.mask & Scope.DIETARY:
        links_out.append(("Dietary sheet", f"{base}/dietary", "utensils"))
    if base:
        links_out.append(("Forms", f"{base}/forms", "list-checks"))
        links_out.append(("Payments", f"{base}/payments", "wallet"))
        links_out.append(("Journeys", f"{base}/journeys", "send"))
        links_out.append(("Propose a change", f"{base}/proposals", "message-circle"))
    return {
        "wedding": seen.wedding,
        "may_acknowledge": may_acknowledge,
        "open": seen.open,
        "schedule": seen.schedule,
        "tasks": seen.tasks,
        "headcounts": seen.headcounts,
        "contacts": seen.contacts,
        "photos": seen.photos,
        "photos_href": f"{base}/photos" if base else "",
        "spaces": seen.spaces,
        "spaces_href": f"{base}/spaces" if base else "",
        "sees": sees,
        "never": never,
        "tabs": [],
        "tab": "",
        "asked_href": "",
        "edit_href": f"{base}/schedule" if base and seen.wedding["may_edit"] else "",
        "links_out": links_out,
    }
