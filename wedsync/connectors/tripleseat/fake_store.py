"""What the fake Tripleseat remembers of its venues: sites, bookings and contacts, and where hooks go.

Money is in every booking, so that a test can look for where it must not get to.
"""

import itertools
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final

from wedsync.connections.records.record import Record
from wedsync.connections.standin import StandInError

BOOKINGS_MAX: Final = 20_000
MONEY: Final = {"grand_total": "734511.00", "actual_amount": "912733.00", "deposit_total": "555017.00"}
NOTES: Final = "Their budget is 734511 at most, do not tell."
STATUS: Final = {
    "enquiry": "PROSPECT",
    "held": "TENTATIVE",
    "booked": "DEFINITE",
    "fulfilled": "DEFINITE",
    "completed": "CLOSED",
    "cancelled": "LOST",
}
OURS: Final[Mapping[str, Any]] = {
    **{status: stage for stage, status in STATUS.items() if stage != "fulfilled"},
}
OF_BOOKING: Final = frozenset({"status", "start_date", "end_date", "name"})
OF_CONTACT: Final = frozenset({"first_name", "last_name", "email_addresses", "phone_numbers"})
Thing = dict[str, Any]


class TripleseatError(StandInError):
    """An error as Tripleseat tells it."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(status, text, {"errors": [text]})


class Venue:
    """One customer of Tripleseat's: its sites, and what is booked there."""

    def __init__(self, name: str, sites: Mapping[int, str], now: Callable[[], datetime]) -> None:
        self.name = name
        self.sites = dict(sites)
        self.bookings: dict[int, Thing] = {}
        self.contacts: dict[int, Thing] = {}
        self.hooks: dict[str, str] = {}
        self._now = now
        self._numbers = itertools.count(min(sites) * 100_000)

    def make(self, record: Record, site: int | None = None) -> int:
        """As the venue's people make a booking there. Raises TripleseatError where there are too many."""
        if len(self.bookings) >= BOOKINGS_MAX:
            raise TripleseatError(422, "This sandbox is full. Start it anew.")
        people = [self._person(*one) for one in _two(record) if any(one)]
        id = next(self._numbers)
        self.bookings[id] = {
            "id": id,
            "site_id": site or min(self.sites),
            "name": f"{record.name} Wedding",
            "status": STATUS[record.stage],
            "start_date": us_of(record.wedding_on),
            "end_date": us_of(record.wedding_on),
            "contact_ids": people,
            "location": {"id": 1, "name": record.venue} if record.venue else None,
            "rooms": [],
            "guest_count": 80,
            "description": NOTES,
            **MONEY,
        }
        self.touch(id)
        return id

    def change(self, id: int, fields: Mapping[str, Any]) -> None:
        """As its people change one there."""
        booking, now = self.booking(id), self.record(id)
        then = Record(**{**{name: getattr(now, name) for name in Record.__struct_fields__}, **fields})
        if "stage" in fields:
            booking["status"] = STATUS[then.stage]
        if "wedding_on" in fields:
            booking["start_date"] = booking["end_date"] = us_of(then.wedding_on)
        if "venue" in fields:
            booking["location"] = {"id": 1, "name": then.venue}
        for contact, (name, email, phone) in zip(booking["contact_ids"], _two(then), strict=False):
            self.contacts[contact] |= _said(name, email, phone)
        self.touch(id)

    def put_booking(self, id: int, fields: Mapping[str, Any]) -> Thing:
        """By the API. Raises TripleseatError 422 for dates that are not as they write them."""
        booking = self.booking(id)
        _check(fields, OF_BOOKING)
        for name in ("start_date", "end_date"):
            if fields.get(name):
                date_of(fields[name])
        booking |= fields
        self.touch(id)
        return booking

    def put_contact(self, id: int, fields: Mapping[str, Any]) -> Thing:
        """By the API. Whatever it is on has changed with it."""
        if id not in self.contacts:
            raise TripleseatError(404, "Couldn't find Contact")
        _check(fields, OF_CONTACT)
        self.contacts[id] |= fields
        for booking in self.bookings.values():
            if id in booking["contact_ids"]:
                self.touch(booking["id"])
        return self.contacts[id]

    def remove(self, id: int) -> None:
        self.booking(id)
        del self.bookings[id]

    def touch(self, id: int) -> None:
        self.bookings[id]["updated_at"] = self._now().isoformat(timespec="seconds")

    def booking(self, id: int) -> Thing:
        """Raises TripleseatError 404."""
        if id not in self.bookings:
            raise TripleseatError(404, "Couldn't find Booking")
        return self.bookings[id]

    def shown(self, booking: Thing) -> Thing:
        """With its people, as an answer has it."""
        people = [self.contacts[id] for id in booking["contact_ids"]]
        rest = {name: value for name, value in booking.items() if name != "contact_ids"}
        return {**rest, "contact": people[0] if people else None, "contacts": people}

    def rows(self, site: int, since: date | None) -> list[Thing]:
        """Raises TripleseatError 404 for a site of another's."""
        if site not in self.sites:
            raise TripleseatError(404, "Couldn't find Site")
        there = [one for one in self.bookings.values() if one["site_id"] == site]
        fresh = [one for one in there if since is None or date.fromisoformat(one["updated_at"][:10]) >= since]
        return [self.shown(one) for one in sorted(fresh, key=lambda one: int(one["id"]))]

    def record(self, id: int) -> Record:
        """A booking as the venue's people see it."""
        booking = self.booking(id)
        words: dict[str, str] = {}
        for contact, prefix in zip(booking["contact_ids"], ("", "partner_"), strict=False):
            person = self.contacts[contact]
            words |= {
                f"{prefix}name": " ".join(one for one in (person["first_name"], person["last_name"]) if one),
                f"{prefix}email": "".join(one["address"] for one in person["email_addresses"]),
                f"{prefix}phone": "".join(one["number"] for one in person["phone_numbers"]),
            }
        on = date_of(booking["start_date"]) if booking["start_date"] else None
        venue = booking["location"]["name"] if booking["location"] else ""
        return Record(stage=OURS[booking["status"]], wedding_on=on, venue=venue, **words)

    def lengthen(self, id: int, days: int) -> None:
        """It ends so many days after it begins."""
        booking = self.booking(id)
        booking["end_date"] = us_of(date_of(booking["start_date"]) + timedelta(days=days))

    def _person(self, name: str, email: str, phone: str) -> int:
        id = next(self._numbers)
        self.contacts[id] = {"id": id, "title": None, **_said(name, email, phone)}
        return id


def us_of(day: date | None) -> str | None:
    return None if day is None else f"{day.month}/{day.day}/{day.year:04d}"


def date_of(text: str) -> date:
    """Raises TripleseatError 422: m/d/yyyy it must be."""
    parts = text.split("/")
    try:
        month, day, year = (int(one) for one in parts)
        if len(parts[2]) != 4:
            raise ValueError(text)
        return date(year, month, day)
    except (ValueError, IndexError) as cause:
        raise TripleseatError(422, "Dates are m/d/yyyy.") from cause


def _said(name: str, email: str, phone: str) -> Thing:
    first, _, last = name.rpartition(" ")
    return {
        "first_name": first or last,
        "last_name": last if first else "",
        "email_addresses": [{"address": email, "kind": "Work"}] if email else [],
        "phone_numbers": [{"number": phone, "kind": "Mobile"}] if phone else [],
    }


def _two(record: Record) -> list[tuple[str, str, str]]:
    return [
        (record.name, record.email, record.phone),
        (record.partner_name, record.partner_email, record.partner_phone),
    ]


def _check(fields: Mapping[str, Any], known: frozenset[str]) -> None:
    wrong = sorted(set(fields) - known)
    if wrong:
        raise TripleseatError(422, f"Unknown: {', '.join(wrong)}")
