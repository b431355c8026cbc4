"""What the fake booking system remembers of its houses: spaces, bookings, who made them, and where hooks go.

It sends prices with its bookings, which the venue API does not have, so that a test can look for where they must not
get to.
"""

import itertools
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, Final

from wedsync.connections.records.record import Record
from wedsync.connections.standin import StandInError

BOOKINGS_MAX: Final = 20_000
PRICE: Final = {"price": "734511.00", "deposit": "555017.00", "internal_note": "They would pay 912733."}
WRITABLE: Final = frozenset({"status", "date", "couple"})
Thing = dict[str, Any]


class VenueError(StandInError):
    """An error as the venue API has it."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(status, detail, {"status": status, "detail": detail})


class House:
    """One venue, and the key of its system."""

    def __init__(self, id: str, name: str, key: str, now: Callable[[], datetime]) -> None:
        self.id = id
        self.name = name
        self.key = key
        self.spaces: dict[str, Thing] = {}
        self.bookings: dict[str, Thing] = {}
        self.hooks: dict[str, str] = {}
        self._now = now
        self._numbers = itertools.count(1)

    def stamp(self) -> str:
        return self._now().isoformat()

    def space(
        self, id: str, name: str, *, seated: int | None, standing: int | None = None, active: bool = True
    ) -> None:
        """There is this space from now on, so."""
        self.spaces[id] = {
            "id": id,
            "name": name,
            "seated_max": seated,
            "standing_max": standing,
            "is_active": active,
        }

    def make(self, record: Record) -> str:
        """As the venue's people make a booking there. Raises VenueError where there are too many."""
        if len(self.bookings) >= BOOKINGS_MAX:
            raise VenueError(409, "This sandbox is full. Start it anew.")
        id = f"{self.id}-{next(self._numbers)}"
        self.bookings[id] = {"id": id, "uses": [], "guest_count": 80, **_said(record), **PRICE}
        self.touch(id)
        return id

    def change(self, id: str, fields: Mapping[str, Any]) -> None:
        """As its people change one there."""
        now = self.record(id)
        then = Record(**{**{name: getattr(now, name) for name in Record.__struct_fields__}, **fields})
        self.bookings[id] |= _said(then)
        self.touch(id)

    def plan(self, id: str, *uses: Mapping[str, Any]) -> None:
        """What is planned of its parts, from now on."""
        self.booking(id)["uses"] = [dict(use) for use in uses]
        self.touch(id)

    def patch(self, id: str, version: str, body: Mapping[str, Any]) -> Thing:
        """By the API. Raises VenueError 404, 412 or 422."""
        booking = self.booking(id)
        if version != booking["version"]:
            raise VenueError(412, "It has another version now.")
        wrong = sorted(set(body) - WRITABLE)
        if wrong:
            raise VenueError(422, f"These cannot be written: {', '.join(wrong)}.")
        booking |= body
        self.touch(id)
        return booking

    def remove(self, id: str) -> None:
        self.booking(id)
        del self.bookings[id]

    def touch(self, id: str) -> None:
        booking = self.bookings[id]
        booking |= {"version": str(int(booking.get("version", "0")) + 1), "updated_at": self.stamp()}

    def booking(self, id: str) -> Thing:
        """Raises VenueError 404."""
        if id not in self.bookings:
            raise VenueError(404, "There is no such booking.")
        return self.bookings[id]

    def rows(self, since: str) -> list[Thing]:
        """Raises VenueError 422 for a time that is none."""
        try:
            floor = datetime.fromisoformat(since) if since else None
        except ValueError as cause:
            raise VenueError(422, "updated_since is no time.") from cause
        fresh = (
            one for one in self.bookings.values() if floor is None or datetime.fromisoformat(one["updated_at"]) >= floor
        )
        return sorted(fresh, key=lambda one: str(one["id"]))

    def record(self, id: str) -> Record:
        """A booking as the venue's people see it."""
        booking = self.booking(id)
        words: dict[str, str] = {}
        for person, prefix in zip(booking["couple"], ("", "partner_"), strict=False):
            words |= {f"{prefix}{name}": person.get(name) or "" for name in ("name", "email", "phone")}
        on = date.fromisoformat(booking["date"]) if booking["date"] else None
        return Record(stage=booking["status"], wedding_on=on, venue=booking["place"] or "", **words)


def _said(record: Record) -> Thing:
    couple = [
        {"name": record.name, "email": record.email, "phone": record.phone},
        {"name": record.partner_name, "email": record.partner_email, "phone": record.partner_phone},
    ]
    return {
        "status": record.stage,
        "date": None if record.wedding_on is None else record.wedding_on.isoformat(),
        "place": record.venue,
        "couple": couple,
    }
