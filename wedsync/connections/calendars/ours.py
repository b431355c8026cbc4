"""Our side of a calendar: bookings and schedule items as events, and nothing of them that must not leave.

Of a booking go its title, its place and the couple's names, of private time that there is some. Notes never leave, and
of a wedding a supplier's calendar holds what `app.linked_items` gives it: the items of links that see the schedule.
"""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from wedsync.bookings.actions import open_details
from wedsync.bookings.rows import Details
from wedsync.connections.calendars.event import CalendarEvent, Days, Times, checked, from_instants
from wedsync.kit import sql
from wedsync.kit.db import Row, Tx
from wedsync.kit.seal import KeyRing
from wedsync.schedule.model import instant

queries = sql.load("wedsync.connections.calendars")
WORDS: Final = {"wedding": "Wedding", "client": "Client", "supplier": "Own work", "private": "Private"}


class Ours(msgspec.Struct, frozen=True, kw_only=True):
    """One thing of ours. `link_id` is set where it is the couple's and only they may move it; `zone` is its own."""

    event: CalendarEvent
    zone: str
    changed_at: datetime
    link_id: UUID | None = None
    wedding_id: UUID | None = None
    is_whole_days: bool = False


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a calendar is to hold."""

    has_bookings: bool
    has_schedule: bool
    resource_id: UUID | None
    is_wedding: bool


async def read(tx: Tx, ring: KeyRing, tenant: UUID, wanted: Wanted, rows: Collection[Row]) -> dict[UUID, Ours]:
    """Those of rows of `dirty` that are there and may be shown in this calendar."""
    found: dict[UUID, Ours] = {}
    items = [row["ours_id"] for row in rows if row["kind"] == "item"]
    if wanted.has_bookings and not wanted.is_wedding:
        for row in rows:
            is_there = row["category"] is not None and row["booked"] != "cancelled"
            if is_there and wanted.resource_id in (None, row["resource_id"]):
                found[row["ours_id"]] = _booking(ring, tenant, row)
    if items and wanted.has_schedule:
        statement = queries.own_items if wanted.is_wedding else queries.linked_items
        for row in await tx.rows(statement, items):
            found[row["id"]] = _item(row)
    return found


def _booking(ring: KeyRing, tenant: UUID, row: Row) -> Ours:
    words = Details() if row["words"] is None else open_details(ring, tenant, row["ours_id"], row["words"])
    is_private = row["category"] == "private"
    if is_private:
        words = Details()
    title = ": ".join(part for part in (row["couple_names"], words.title) if part) or WORDS[row["category"]]
    event = CalendarEvent(
        times=_booked(row),
        title=title,
        place=words.place,
        status="tentative" if row["booked"] == "hold" else "confirmed",
        is_private=is_private,
    )
    return Ours(
        event=checked(event), zone=row["zone"], changed_at=row["updated_at"], is_whole_days=row["days"] is not None
    )


def _booked(row: Row) -> Times:
    if row["days"] is not None:
        on = row["on"]
        return Days(on=on.isoformat(), until=(on + timedelta(days=row["days"])).isoformat())
    return from_instants(row["starts_at"], row["ends_at"], row["zone"])


def _item(row: Row) -> Ours:
    start = instant(row["on"], row["at_local"], row["zone"]).astimezone(UTC)
    end = start + timedelta(minutes=row["minutes"])
    title = ": ".join(part for part in (row["couple_names"], row["title"]) if part)
    # A supplier's own time is its booking; what of the wedding happens when is only shown.
    event = CalendarEvent(
        times=from_instants(start, end, row["zone"]),
        title=title,
        place=row["place"],
        is_busy=row["link_id"] is None,
    )
    return Ours(
        event=checked(event),
        zone=row["zone"],
        changed_at=row["updated_at"],
        link_id=row["link_id"],
        wedding_id=row["wedding_id"],
    )
