"""What the page of the guest list shows: to the couple, and, with nothing to edit, to suppliers who may see guests."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from wedsync.guests import listing, words
from wedsync.guests.kitchen import final_numbers
from wedsync.kit import sql
from wedsync.kit.db import Tx
from wedsync.kit.seal import KeyRing

queries = sql.load("wedsync.guests")
ANY_PART = ("", "Any part of the day")
FIELDS = ("q", "status", "item", "need")


async def values(
    tx: Tx, ring: KeyRing, wedding_id: UUID, query: Mapping[str, str], *, base: str, may_edit: bool
) -> dict[str, Any]:
    """All of `guests.html` but its shell; the list lives at `{base}/guests`, its live parts at `{base}/fragments/…`."""
    wanted = listing.filters(**_asked(query))
    total = await tx.row(queries.totals, wedding_id)
    return {
        **await rows(tx, ring, wedding_id, query, base=base, may_edit=may_edit),
        "total": dict(total) if total else {"guests": 0, "parties": 0},
        "headcounts": await final_numbers.counts(tx, wedding_id),
        "filters": {"q": wanted.q, "status": wanted.status, "item": wanted.item, "need": wanted.need},
        "items": [ANY_PART, *await listing.items(tx, wedding_id)],
    }


async def rows(
    tx: Tx, ring: KeyRing, wedding_id: UUID, query: Mapping[str, str], *, base: str, may_edit: bool
) -> dict[str, Any]:
    """All of `_rows.html`: one page of the list behind the filters."""
    asked = _asked(query)
    number = query.get("page", "1")
    page = int(number) if number.isascii() and number.isdigit() and len(number) < 6 else 1
    found = await listing.page(tx, ring, wedding_id, listing.filters(**asked), number=page)
    kept = {name: value for name, value in asked.items() if value}

    def at(place: int) -> str | None:
        is_there = 1 <= place <= found["pages"] and place != found["page"]
        return f"{base}/guests?{urlencode({**kept, 'page': place})}" if is_there else None

    return {
        **found,
        "before": at(found["page"] - 1),
        "after": at(found["page"] + 1),
        "may_edit": may_edit,
        "editing": None,
        "vocabulary": words.vocabulary(),
        "errors": {},
    }


def _asked(query: Mapping[str, str]) -> dict[str, str]:
    return {name: query.get(name, "") for name in FIELDS}
