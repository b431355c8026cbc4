"""Public pages and enquiries as they are read: the row as a struct, opened for the team, in words for a page."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

import msgspec

from wedsync.kit import clock, sql
from wedsync.kit.actor import ANONYMOUS
from wedsync.kit.db import Door, Row, Tx
from wedsync.kit.errors import not_found
from wedsync.kit.seal import KeyRing
from wedsync.market import model, sealed
from wedsync.market.model import EnquiryView, ListingView, State, Work
from wedsync.suppliers.model import trade
from wedsync.web.context import from_time_cursor, time_cursor

queries = sql.load("wedsync.market")
STORED: Final = tuple(name for name in ListingView.__struct_fields__ if name not in ("portfolio", "url"))


async def published(door: Door, slug: str) -> Row:
    """A page that anybody may see. Raises Refusal 404."""
    async with door.bare(ANONYMOUS) as tx:
        row = await tx.row("select * from app.listing($1)", slug)
    if row is None:
        raise not_found("page")
    return row


async def listing(tx: Tx, public_url: str) -> ListingView | None:
    """The entered business's own, published or not."""
    row = await tx.row(queries.listing)
    if row is None:
        return None
    works = msgspec.json.decode(row["portfolio"], type=list[Work])
    url = f"{public_url}/s/{row['slug']}"
    return ListingView(portfolio=works, url=url, **{name: row[name] for name in STORED})


async def suggested_slug(tx: Tx, name: str) -> str:
    """A free address for a business without a page; "" where its name makes none."""
    wanted = model.proposals(model.slug_of(name)) if model.slug_of(name) else []
    return (await tx.value(queries.free_slug, wanted) or "") if wanted else ""


async def one(tx: Tx, ring: KeyRing, enquiry_id: UUID) -> EnquiryView | None:
    """One, or none of this business's."""
    row = await tx.row(queries.one, enquiry_id)
    return None if row is None else view(ring, row)


async def page(
    tx: Tx, ring: KeyRing, state: State | None, *, cursor: str = "", limit: int
) -> tuple[list[EnquiryView], str | None]:
    """(a page, newest first, and where the next begins). Raises Refusal 422 for a cursor that is none."""
    rows = await tx.rows(queries.page, state or "", *from_time_cursor(cursor), limit + 1)
    following = time_cursor(rows[limit - 1]["received_at"], rows[limit - 1]["id"]) if len(rows) > limit else None
    return [view(ring, row) for row in rows[:limit]], following


def today() -> date:
    """For the form; who asks is nowhere in particular."""
    return clock.now().date()


def view(ring: KeyRing, row: Row) -> EnquiryView:
    """A row of the queries, opened."""
    asked = sealed.unseal(ring, row["supplier_id"], row["id"], row["sealed"])
    given: dict[str, Any] = {**dict(row), **msgspec.structs.asdict(asked), "couple_names": asked.couple_names}
    return EnquiryView(**{name: given[name] for name in EnquiryView.__struct_fields__})


def shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """What the public page shows of a business: its row, or a draft of it."""
    works = row["portfolio"]
    works = msgspec.json.decode(works) if isinstance(works, str) else works
    return {
        "name": row["name"],
        "category": trade(row["category"]),
        "slug": row["slug"],
        "tagline": row["tagline"],
        "place": row["place"],
        "about": model.in_paragraphs(row["about"]),
        "works": [{**work, "host": (urlsplit(work["url"]).hostname or "").removeprefix("www.")} for work in works],
        "takes_enquiries": row["takes_enquiries"],
    }
