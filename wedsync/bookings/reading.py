"""Bookings, conflicts and days as their readers see them: words are opened only where row security left them in."""

from collections.abc import Iterable
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

import msgspec

from wedsync.bookings import actions, model
from wedsync.bookings.rows import BookingSettings, Category, DayState, Details, State
from wedsync.kit import sql
from wedsync.kit.config import Settings
from wedsync.kit.db import Row, Tx
from wedsync.kit.seal import KeyRing

queries = sql.load("wedsync.bookings")


class BookingView(msgspec.Struct, frozen=True, kw_only=True):
    """A booking. Where `is_open` is false it is busy time to the reader: no words, no wedding, nobody's name."""

    id: UUID
    supplier_id: UUID
    resource_id: UUID
    resource: str
    category: Category
    state: State
    reason: str
    expires_at: datetime | None
    wedding_id: UUID | None
    link_id: UUID | None
    couple_names: str
    title: str
    place: str
    note: str
    is_open: bool
    on: date
    at_local: time | None
    zone: str
    minutes: int | None
    days: int | None
    before_minutes: int
    after_minutes: int
    starts_at: datetime
    ends_at: datetime
    conflicts: list[str]
    version: int
    created_at: datetime
    updated_at: datetime


class BusyView(msgspec.Struct, frozen=True, kw_only=True):
    """Busy by another calendar; `has_conflict`: one of our bookings stands at the same time."""

    id: UUID
    resource_id: UUID
    starts_at: datetime
    ends_at: datetime
    source: str
    name: str
    has_conflict: bool = False


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """A day, and how it stands."""

    on: date
    state: DayState


class PublicDay(msgspec.Struct, frozen=True, kw_only=True):
    """A day for anybody who may ask: free or not."""

    on: date
    is_free: bool


class ConflictView(msgspec.Struct, frozen=True, kw_only=True):
    """A conflict, with what is wrong and what to do in words."""

    id: UUID
    kind: str
    booking_id: UUID | None
    link_id: UUID | None
    other_table: str
    other_id: UUID
    starts_at: datetime
    ends_at: datetime
    state: str
    words: str
    fix: str
    since: datetime
    resolved_at: datetime | None
    ignored_at: datetime | None
    version: int


class SettingsView(msgspec.Struct, frozen=True, kw_only=True):
    """How a business is booked. `free_url` answers anybody who has it which days are free; null where there is none."""

    is_public: bool
    hold_hours: int
    free_url: str | None
    version: int


WORDS: dict[str, tuple[str, str]] = {
    "busy": ("Another calendar is busy at the same time", "Move one of the two, or leave it if both can be done."),
    "too_early": ("Something of the wedding starts before the booking does", "Start the booking earlier."),
    "too_late": ("Something of the wedding goes on after the booking ends", "Let the booking end later."),
    "other_day": ("The wedding is on another day now", "Move the booking to the new date, or let it go."),
    "link_ended": ("The wedding no longer takes place, or no longer with you", "Let the booking go, or keep it."),
    "no_room": ("A wedding has no booking, and the whole day is taken", "Move what is in the way, or tell the couple."),
}


async def booking(tx: Tx, ring: KeyRing, booking_id: UUID) -> BookingView | None:
    """One, as the reader sees it."""
    row = await tx.row(queries.booking, booking_id)
    return None if row is None else view(ring, row)


async def between(tx: Tx, ring: KeyRing, start: datetime, end: datetime) -> list[BookingView]:
    """All of a stretch of time that are not let go."""
    rows = await tx.rows(queries.bookings, start, end, False, None, None, 1000)
    return [view(ring, row) for row in rows]


def view(ring: KeyRing, row: Row) -> BookingView:
    """A row of the queries, opened as far as it may be."""
    given = dict(row)
    words = Details()
    is_open = row["is_open"]
    if row["sealed"] is not None:
        words = actions.open_details(ring, row["supplier_id"], row["id"], row["sealed"])
    elif row["reason"] == "proposed":
        is_open = row["couple_names"] is not None
    if not is_open:
        given |= {"wedding_id": None, "link_id": None, "couple_names": None}
    given |= {"couple_names": given["couple_names"] or "", "is_open": is_open, **msgspec.structs.asdict(words)}
    return msgspec.convert({name: given[name] for name in BookingView.__struct_fields__}, type=BookingView)


def conflict(row: Row) -> ConflictView:
    """A row of the conflicts in words."""
    words, fix = WORDS[row["kind"]]
    given: dict[str, Any] = dict(row) | {"words": words, "fix": fix}
    return ConflictView(**{name: given[name] for name in ConflictView.__struct_fields__})


def days(rows: Iterable[Row]) -> list[Day]:
    """Rows of the availability."""
    return [Day(on=row["on"], state=row["state"]) for row in rows]


def settings_view(settings: Settings, supplier_id: UUID, row: Row | None) -> SettingsView:
    """A business that has set nothing answers nobody."""
    if row is None:
        return SettingsView(is_public=False, hold_hours=model.HOLD_HOURS, free_url=None, version=0)
    known = msgspec.convert(dict(row), type=BookingSettings)
    token = model.public_token(settings.jwt_secret, supplier_id, known.link_number)
    return SettingsView(
        is_public=known.is_public,
        hold_hours=known.hold_hours,
        free_url=f"{settings.public_url}/free/{token}" if known.has_link else None,
        version=known.version,
    )
