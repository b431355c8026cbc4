"""Clients as the team of their supplier reads them: opened, filtered, and found by a piece of what is sealed."""

import asyncio
from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

import msgspec

from wedsync.clients import sealed
from wedsync.clients.model import UNDATED, ClientView, Stage
from wedsync.guests.importing.names import fold
from wedsync.kit import sql
from wedsync.kit.db import Row, Tx
from wedsync.kit.seal import KeyRing
from wedsync.web.context import invalid

queries = sql.load("wedsync.clients")
BATCH = 1000
"""Rows opened at once while searching: opening one costs some 10 us."""
QUERY_CHARS_MAX = 100


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which clients: a piece of a name, address, place or package; a stage; days, both included."""

    q: str = ""
    stage: Stage | None = None
    first: date | None = None
    last: date | None = None


async def one(tx: Tx, ring: KeyRing, client_id: UUID) -> ClientView | None:
    """One, or none of this supplier's."""
    row = await tx.row(queries.one, client_id)
    return None if row is None else view(ring, row)


async def page(
    tx: Tx, ring: KeyRing, wanted: Wanted, *, cursor: str = "", limit: int
) -> tuple[list[ClientView], str | None]:
    """(a page by date, where the next begins). Raises Refusal 422 for a cursor that is none."""
    after = from_cursor(cursor)
    needle = fold(wanted.q[:QUERY_CHARS_MAX])
    size = BATCH if needle else limit + 1
    found: list[ClientView] = []
    while True:
        rows = await tx.rows(queries.page, wanted.stage or "", wanted.first, wanted.last, *after, size)
        found += await asyncio.to_thread(_opened, ring, rows, needle)
        if len(found) > limit:
            return found[:limit], to_cursor(found[limit - 1])
        if len(rows) < size:
            return found, None
        after = (rows[-1]["wedding_on"] or UNDATED, rows[-1]["id"])


def _opened(ring: KeyRing, rows: Sequence[Row], needle: str) -> list[ClientView]:
    views = (view(ring, row) for row in rows)
    return [one for one in views if not needle or _holds(one, needle)]


def _holds(one: ClientView, needle: str) -> bool:
    """Every word of the needle begins or stands in something of the client's."""
    texts = (one.couple_names, one.email, one.partner_email, one.venue, one.package, one.phone, one.external_id or "")
    hay = fold(" ".join(texts))
    return needle in hay or all(word in hay for word in needle.split())


def view(ring: KeyRing, row: Row) -> ClientView:
    """A row of the queries, opened."""
    details = sealed.unseal(ring, row["supplier_id"], row["id"], row["sealed"])
    given: dict[str, Any] = {**dict(row), **msgspec.structs.asdict(details), "couple_names": details.couple_names}
    return ClientView(**{name: given[name] for name in ClientView.__struct_fields__})


def to_cursor(one: ClientView) -> str:
    """The place after a client."""
    return f"{one.wedding_on or UNDATED}~{one.id}"


def from_cursor(text: str) -> tuple[date | None, UUID | None]:
    """Raises Refusal 422."""
    if not text:
        return None, None
    on, _, last = text.partition("~")
    try:
        return date.fromisoformat(on), UUID(last)
    except ValueError as error:
        raise invalid("cursor", "is not a place in this list", "Start without it.") from error
