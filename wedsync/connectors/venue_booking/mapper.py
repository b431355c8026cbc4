"""From a booking of the venue API to our record and back. Pure.

What we do not name here is never decoded: a system that sends prices with its bookings sends them in vain.
"""

from collections.abc import Mapping, Sequence
from datetime import date, time
from typing import Any, Final, get_args

import msgspec

from wedsync.clients.model import Stage
from wedsync.connections.records.contract import Found, Part, RemoteSpace, Use
from wedsync.connections.records.record import Record, checked
from wedsync.connections.records.stages import stage_of

OF_PEOPLE: Final = (("name", "email", "phone"), ("partner_name", "partner_email", "partner_phone"))
STATUS: Final[Mapping[Stage, str]] = {
    "enquiry": "enquiry",
    "held": "held",
    "booked": "booked",
    "fulfilled": "fulfilled",
    "completed": "completed",
    "cancelled": "cancelled",
}
PARTS: Final[frozenset[str]] = frozenset(get_args(Part))
SPACES_MAX: Final = 500
PEOPLE_MAX: Final = 100_000
ID_CHARACTERS_MAX: Final = 200


class Person(msgspec.Struct, frozen=True, omit_defaults=True):
    name: str | None = None
    email: str | None = None
    phone: str | None = None


class Planned(msgspec.Struct, frozen=True):
    """What is planned of one part of the day."""

    part: str
    space_id: str
    arrangement: str | None = None
    setup_at: str | None = None
    ready_by: str | None = None
    starts_at: str | None = None


class Booking(msgspec.Struct, frozen=True):
    """As far as it concerns us."""

    id: str
    version: str
    status: str
    date: str | None = None
    place: str | None = None
    couple: tuple[Person, ...] = ()
    uses: tuple[Planned, ...] = ()


class Row(msgspec.Struct, frozen=True):
    """One row of a list."""

    id: str
    version: str


class Page(msgspec.Struct, frozen=True):
    """`as_of` is the system's own clock when the reading began, `next` where the next page is."""

    bookings: tuple[Row, ...]
    as_of: str
    next: str | None = None


class Space(msgspec.Struct, frozen=True):
    id: str
    name: str
    seated_max: int | None = None
    standing_max: int | None = None
    is_active: bool = True


class Spaces(msgspec.Struct, frozen=True):
    spaces: tuple[Space, ...]


class Venue(msgspec.Struct, frozen=True):
    id: str
    name: str = ""


def to_found(booking: Booking) -> Found:
    """The record of a booking. An unknown status counts as unread and as an enquiry."""
    on, unread = _date(booking.date)
    stage = stage_of(booking.status)
    values: dict[str, str] = {}
    for person, names in zip(booking.couple, OF_PEOPLE, strict=False):
        values |= zip(names, (person.name or "", person.email or "", person.phone or ""), strict=True)
    record = Record(stage=stage or "enquiry", wedding_on=on, venue=booking.place or "", **values)
    uses = [_use(one) for one in booking.uses]
    unread += (stage is None) + uses.count(None)
    planned = tuple({use.part: use for use in uses if use is not None}.values())
    return Found(id=booking.id, record=record, etag=booking.version, unread=unread, uses=planned)


def to_spaces(found: Spaces) -> tuple[RemoteSpace, ...]:
    """As ours can be; a number that no house has is none."""
    return tuple(
        RemoteSpace(
            id=one.id,
            name=one.name,
            seated_max=_seats(one.seated_max),
            standing_max=_seats(one.standing_max),
            is_active=one.is_active,
        )
        for one in found.spaces[:SPACES_MAX]
        if 0 < len(one.id) <= ID_CHARACTERS_MAX
    )


def to_change(record: Record, fields: Sequence[str], before: Booking) -> dict[str, Any]:
    """What of the booking is to be otherwise; empty where nothing is. People are sent whole, in their order."""
    body: dict[str, Any] = {}
    if "stage" in fields:
        body["status"] = STATUS[record.stage]
    if "wedding_on" in fields:
        body["date"] = None if record.wedding_on is None else record.wedding_on.isoformat()
    if any(name in fields for names in OF_PEOPLE for name in names):
        there = checked(to_found(before).record)
        wanted = msgspec.structs.replace(there, **{name: getattr(record, name) for name in fields})
        body["couple"] = [
            dict(zip(("name", "email", "phone"), (getattr(wanted, name) for name in names), strict=True))
            for names in OF_PEOPLE
        ]
    return body


def _use(planned: Planned) -> Use | None:
    """None where it cannot be understood."""
    if planned.part not in PARTS or planned.arrangement not in (None, "seated", "standing"):
        return None
    try:
        setup, ready, starts = (_time(one) for one in (planned.setup_at, planned.ready_by, planned.starts_at))
    except ValueError:
        return None
    return Use(
        part=planned.part,  # type: ignore[arg-type]
        space_id=planned.space_id,
        arrangement=planned.arrangement or "seated",  # type: ignore[arg-type]
        setup_at=setup,
        ready_by=ready,
        starts_at=starts,
    )


def _time(text: str | None) -> time | None:
    """Local, to the minute. Raises ValueError for one with a zone."""
    if not text:
        return None
    at = time.fromisoformat(text)
    if at.tzinfo is not None:
        raise ValueError(text)
    return at.replace(second=0, microsecond=0)


def _date(text: str | None) -> tuple[date | None, int]:
    try:
        return (date.fromisoformat(text) if text else None), 0
    except ValueError:
        return None, 1


def _seats(number: int | None) -> int | None:
    return number if number is not None and 0 < number <= PEOPLE_MAX else None
