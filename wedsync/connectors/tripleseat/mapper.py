"""From a booking of Tripleseat to our record and back. Pure.

What we do not name here is never decoded: of a booking's money, its documents and its notes nothing gets as far as a
variable of ours.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

import msgspec

from wedsync.clients.model import Stage
from wedsync.connections.records.contract import Found
from wedsync.connections.records.record import Record, checked
from wedsync.connections.records.stages import stage_of
from wedsync.connectors.tripleseat.client import us

THEIRS: Final[Mapping[Stage, str]] = {
    "enquiry": "PROSPECT",
    "held": "TENTATIVE",
    "booked": "DEFINITE",
    "fulfilled": "DEFINITE",
    "completed": "CLOSED",
    "cancelled": "LOST",
}
OF_PEOPLE: Final = (("name", "email", "phone"), ("partner_name", "partner_email", "partner_phone"))
_US: Final = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
_ISO: Final = re.compile(r"(\d{4})-(\d{2})-(\d{2})")


class Address(msgspec.Struct, frozen=True):
    """Of e-mail."""

    address: str | None = None


class Number(msgspec.Struct, frozen=True):
    """Of a phone; as somebody typed it."""

    number: str | None = None


class Contact(msgspec.Struct, frozen=True):
    id: int
    first_name: str | None = None
    last_name: str | None = None
    email_addresses: tuple[Address, ...] | None = None
    phone_numbers: tuple[Number, ...] | None = None


class Named(msgspec.Struct, frozen=True):
    """A location, or one of its rooms."""

    name: str | None = None


class Booking(msgspec.Struct, frozen=True):
    """As far as it concerns us. `contact` is whom it is for; `contacts` are all who belong to it, maybe it again."""

    id: int
    name: str | None = None
    status: str | None = None
    start_date: str | None = None
    end_date: str | None = None
    updated_at: str | None = None
    contact: Contact | None = None
    contacts: tuple[Contact, ...] | None = None
    location: Named | None = None
    rooms: tuple[Named, ...] | None = None


class One(msgspec.Struct, frozen=True):
    booking: Booking


class Row(msgspec.Struct, frozen=True):
    """One row of a list."""

    id: int
    updated_at: str | None = None


class Rows(msgspec.Struct, frozen=True):
    results: tuple[Row, ...]
    total_pages: int = 1


class Site(msgspec.Struct, frozen=True):
    id: int
    name: str | None = None


class Sites(msgspec.Struct, frozen=True):
    results: tuple[Site, ...]


def to_found(booking: Booking) -> Found:
    """The record of a booking. An unknown status counts as unread and as an enquiry."""
    on, unread = day_of(booking.start_date)
    stage = stage_of(booking.status or "")
    values: dict[str, str] = {}
    for person, (name, email, phone) in zip(couple(booking), OF_PEOPLE, strict=False):
        values[name] = " ".join(one for one in (person.first_name, person.last_name) if one)
        values[email] = next((one.address for one in person.email_addresses or () if one.address), "")
        values[phone] = next((one.number for one in person.phone_numbers or () if one.number), "")
    record = Record(stage=stage or "enquiry", wedding_on=on, venue=_venue(booking), **values)
    unread += stage is None
    return Found(id=str(booking.id), record=record, etag=booking.updated_at or "", unread=unread)


def couple(booking: Booking) -> list[Contact]:
    """The two it is for: its contact, then the next of all who belong to it."""
    first = [booking.contact] if booking.contact is not None else []
    others = sorted(booking.contacts or (), key=lambda one: one.id)
    return (first + [one for one in others if not first or one.id != first[0].id])[:2]


def spelled(record: Record) -> Record:
    """As it reads back: a wedding that was is definite there, as one that is to come."""
    stage = stage_of(THEIRS[record.stage])
    names = {name: " ".join(_parts(getattr(record, name))).strip() for name in ("name", "partner_name")}
    return checked(msgspec.structs.replace(record, stage=stage or "enquiry", **names))


def to_booking(record: Record, fields: Sequence[str], before: Booking) -> dict[str, Any]:
    """What of the booking itself is to be otherwise; empty where nothing is. One of several days keeps its length."""
    body: dict[str, Any] = {}
    if "stage" in fields:
        body["status"] = THEIRS[record.stage]
    if "wedding_on" in fields:
        on = record.wedding_on
        body |= {"start_date": on and us(on), "end_date": on and us(on + _length(before, on))}
    return body


def to_contacts(record: Record, fields: Sequence[str], people: Sequence[Contact]) -> list[tuple[int, dict[str, Any]]]:
    """(contact, what of them is to be otherwise). Nobody is made: who is not on the booking there is not written."""
    made: list[tuple[int, dict[str, Any]]] = []
    for person, (name, email, phone) in zip(people, OF_PEOPLE, strict=False):
        body: dict[str, Any] = {}
        if name in fields:
            first, last = _parts(getattr(record, name))
            body |= {"first_name": first, "last_name": last}
        if email in fields:
            body["email_addresses"] = [{"address": text} for text in (getattr(record, email),) if text]
        if phone in fields:
            body["phone_numbers"] = [{"number": text} for text in (getattr(record, phone),) if text]
        if body:
            made.append((person.id, body))
    return made


def day_of(text: str | None) -> tuple[date | None, int]:
    """A date as Tripleseat writes it, m/d/yyyy, or by ISO; and how many could not be read."""
    if not text:
        return None, 0
    us_, iso = _US.match(text.strip()), _ISO.match(text.strip())
    try:
        if us_ is not None:
            return date(int(us_[3]), int(us_[1]), int(us_[2])), 0
        if iso is not None:
            return date(int(iso[1]), int(iso[2]), int(iso[3])), 0
    except ValueError:
        return None, 1
    return None, 1


def instant_of(text: str | None) -> datetime | None:
    """When something was changed, where it says so with a zone; else nobody knows how long ago that was."""
    try:
        at = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return at if at.tzinfo is not None else None


def _length(booking: Booking, on: date) -> timedelta:
    """From the first day to the last, as far as the calendar goes."""
    (first, _), (last, _) = day_of(booking.start_date), day_of(booking.end_date)
    length = max(last - first, timedelta()) if first is not None and last is not None else timedelta()
    return min(length, date.max - on)


def _venue(booking: Booking) -> str:
    """The house and its rooms."""
    house = (booking.location.name or "") if booking.location is not None else ""
    rooms = " and ".join(one.name for one in booking.rooms or () if one.name)
    return ", ".join(one for one in (house, rooms) if one)


def _parts(name: str) -> tuple[str, str]:
    """First names and the last one; who has one name has a first one."""
    first, _, last = name.rpartition(" ")
    return (first, last) if first else (last, "")
