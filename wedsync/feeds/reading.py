"""What a feed shows: read under the row security of its maker, wedding by wedding, so a feed can leak nothing."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from wedsync.bookings import reading as bookings
from wedsync.feeds import model
from wedsync.feeds.model import Entry, Feed
from wedsync.kit import sql
from wedsync.kit.config import Settings
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.web.context import Context

queries = sql.load("wedsync.feeds")
PAST, AHEAD = timedelta(days=90), timedelta(days=730)
WORDS = {"wedding": "Wedding", "client": "Booked", "supplier": "Booked", "private": "Private"}


async def listed(tx: Tx, settings: Settings, feed_id: UUID | None = None) -> list[Feed]:
    """All of the entered home that the actor may see, or one."""
    return [
        Feed(**dict(row), url=address(settings, row["id"]) if row["is_own"] else None)
        for row in await tx.rows(queries.list, feed_id)
    ]


def address(settings: Settings, feed_id: UUID) -> str:
    return f"{settings.public_url}/feeds/{model.token(settings.jwt_secret, feed_id)}.ics"


async def content(ctx: Context, feed_id: UUID) -> tuple[str, list[Entry]]:
    """Its name and what stands in it. Raises Refusal 404 and 410."""
    async with ctx.door.enter_feed(feed_id) as tx:
        home = await tx.row(queries.home)
        if home is None:
            raise not_found("feed")
        name, now = home["name"], home["now"]
        if home["role"] not in ("owner", "admin", "member"):
            return name, await _wedding(tx, names_it=False)
        found = await bookings.between(tx, ctx.ring, now - PAST, now + AHEAD)
        entries = [_booking(one) for one in found]
        weddings = [row["wedding_id"] for row in await tx.rows(queries.weddings)]
    for wedding_id in weddings:
        try:
            async with ctx.door.enter_feed(feed_id, wedding_id) as tx:
                entries += await _wedding(tx, names_it=True)
        except Refusal as refusal:
            # The link ended since the portfolio was written.
            if refusal.status != 404:
                raise
    return name, entries


async def _wedding(tx: Tx, *, names_it: bool) -> list[Entry]:
    """The day, what is planned, and what the reader has to do; each only as far as their scopes go."""
    day = await tx.row(queries.wedding)
    names = day["couple_names"] if day is not None and names_it else ""
    entries = [] if day is None else [_day(day)]
    entries += [_item(row, names) for row in await tx.rows(queries.items)]
    entries += [_task(row) for row in await tx.rows(queries.tasks)]
    return entries


def _day(row: Row) -> Entry:
    return Entry(
        uid=_uid("wedding", row["id"]),
        title=f"Wedding: {row['couple_names']}",
        on=row["on"],
        place=row["ceremony_venue"],
        is_tentative=row["date_status"] != "confirmed",
        is_busy=False,
        changed_at=row["updated_at"],
        version=row["version"],
    )


def _item(row: Row, names: str) -> Entry:
    # A helper's own cue stands out from the rest of the day.
    title = f"You: {row['title']}" if row["is_own"] else row["title"]
    return Entry(
        uid=_uid("item", row["id"]),
        title=f"{title} ({names})" if names else title,
        on=row["on"],
        at_local=row["at_local"],
        zone=row["zone"],
        minutes=row["minutes"],
        place=row["place"],
        changed_at=row["updated_at"],
        version=row["version"],
    )


def _task(row: Row) -> Entry:
    return Entry(
        uid=_uid("task", row["id"]),
        title=f"To do: {row['title']}",
        on=row["on"],
        is_busy=False,
        changed_at=row["updated_at"],
        version=row["version"],
    )


def _booking(one: Any) -> Entry:
    """Not open to the reader it is busy time: no words, no names."""
    words = WORDS.get(one.category, "Booked") if one.is_open else "Booked"
    about = one.title or one.couple_names
    return Entry(
        uid=_uid("booking", one.id),
        title=f"{words}: {about}" if one.is_open and about else words,
        on=one.on,
        at_local=one.at_local,
        zone=one.zone,
        minutes=one.minutes or 0,
        days=one.days or 1,
        place=one.place if one.is_open else "",
        text=f"Resource: {one.resource}",
        is_tentative=one.state == "hold",
        changed_at=one.updated_at,
        version=one.version,
    )


def _uid(kind: str, id: UUID) -> str:
    return f"{kind}-{id}@wedsync"
