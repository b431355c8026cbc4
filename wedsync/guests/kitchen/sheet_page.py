"""What the page of a dietary sheet shows: to the couple how it reads now, to the kitchen the number that was sent."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from wedsync.guests.kitchen import sheets
from wedsync.kit import sql
from wedsync.kit.db import Tx
from wedsync.kit.seal import KeyRing
from wedsync.web.formats import ago

queries = sql.load("wedsync.guests.kitchen")
Tabs = list[tuple[UUID, str, str]]
"""The schedule items there are sheets for: (id, title, address)."""


async def for_couple(
    tx: Tx, ring: KeyRing, wedding_id: UUID, item: Mapping[str, Any], *, tabs: Tabs, now: datetime
) -> dict[str, Any]:
    """All of `dietary.html` but its shell. `item` has id, title, on, at_local and zone."""
    sheet = await sheets.latest(tx, ring, wedding_id, item["id"])
    draft = await sheets.draft(tx, ring, wedding_id, item["id"])
    found = sheets.changes(sheet.content if sheet else None, draft)
    asked = await tx.rows(queries.sheet_readers, wedding_id, f"dietary_sheet:{item['id']}")
    return {
        **_values(sheet, draft, found, now=now),
        "item": item,
        "items": tabs,
        "wedding_names": await tx.value(queries.couple_names, wedding_id),
        "may_publish": sheet is None or bool(found.sentences),
        "acknowledged": [dict(r) for r in asked],
    }


async def for_supplier(
    tx: Tx, ring: KeyRing, wedding_id: UUID, item_id: UUID | None, *, base: str, now: datetime
) -> dict[str, Any] | None:
    """The same for whoever holds scope dietary: the newest number of an item (None: of the first there is).

    None where none was sent. `base` is the page, which takes `?item=` and, for its live part, `&fragment=rows`.
    """
    items = {r["id"]: r for r in await tx.rows(queries.sheet_items, wedding_id)}
    chosen = item_id if item_id in items else next(iter(items), None)
    sheet = await sheets.latest(tx, ring, wedding_id, chosen) if chosen else None
    if chosen is None or sheet is None:
        return None
    return {
        **_values(sheet, sheet.content, sheets.Changes({}, [], []), now=now),
        "changes_since": "",
        "item": items[chosen],
        "items": [(id, row["title"], f"{base}?item={id}") for id, row in items.items()],
        "wedding_names": await tx.value(queries.couple_names, wedding_id),
        "may_publish": False,
        "acknowledged": [],
        "src": base,
        "since_last": sheet.content.changes,
    }


def _values(
    sheet: sheets.Sheet | None, shown: sheets.Content, found: sheets.Changes, *, now: datetime
) -> dict[str, Any]:
    return {
        "sheet": {
            "number": sheet.number if sheet else 0,
            "made_at": sheet.made_at if sheet else None,
            "made_words": f"sent {ago(sheet.made_at, now)}" if sheet else "",
        },
        "rows": sheets.rows(shown, found),
        "gone": found.gone,
        "totals": sheets.totals_in_words(shown.totals),
        "unanswered": shown.unanswered,
        "none_declared": shown.none_declared,
        "changes_since": " ".join(found.sentences),
    }
