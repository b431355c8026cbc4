"""What callers send in about bookings: as the rows say it, but a time may be written `14:30` or `14:30:00`."""

from datetime import time
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from wedsync.bookings import rows
from wedsync.schedule.bodies import TimeText
from wedsync.web.context import invalid
from wedsync.weddings.model import changed_fields


class NewBooking(rows.NewBooking, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Held or booked at once; on the business itself where no resource is named."""

    at_local: TimeText | None = None  # type: ignore[assignment]


class BookingChange(rows.BookingChange, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is absent stays; `at_local` and `minutes` together, or `days`, as in a new one."""

    at_local: TimeText | None | UnsetType = UNSET  # type: ignore[assignment]


def new(body: NewBooking) -> rows.NewBooking:
    """The booking that was sent."""
    return rows.NewBooking(**_timed(msgspec.structs.asdict(body)))


def change(body: BookingChange) -> dict[str, Any]:
    """The fields that were sent."""
    return _timed(changed_fields(body))


def local_time(text: str) -> time | None:
    """A time of a query; nothing for an empty one. Raises Refusal 422."""
    try:
        return time.fromisoformat(text) if text else None
    except ValueError as error:
        raise invalid("at_local", "is not a time", "Write hours and minutes, such as 14:30.") from error


def _timed(fields: dict[str, Any]) -> dict[str, Any]:
    """The pattern of the text has let nothing else through than a time."""
    text = fields.get("at_local")
    return fields if text is None else {**fields, "at_local": time.fromisoformat(text)}
