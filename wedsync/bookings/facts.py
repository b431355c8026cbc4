"""The events of bookings, with what each means and an image of its row."""

import builtins
from typing import Any

import msgspec

from wedsync.bookings import rows
from wedsync.events.catalogue import EventType, Lane
from wedsync.events.scope import Scope

_S, _R, _B, _W, _L, _AT = (
    "01920000-0000-7000-8000-00000000000a",
    "01920000-0000-7000-8000-000000000031",
    "01920000-0000-7000-8000-000000000032",
    "01920000-0000-7000-8000-000000000001",
    "01920000-0000-7000-8000-00000000000b",
    "2026-11-21T10:00:00+00:00",
)
_VERSION: dict[str, Any] = {"version": 1, "updated_at": _AT}
_RESOURCE: dict[str, Any] = {
    "id": _R,
    "supplier_id": _S,
    "name": "Second shooter",
    "is_default": False,
    "is_active": True,
    "position": 1,
    "created_at": _AT,
    **_VERSION,
}
_SETTINGS: dict[str, Any] = {
    "id": _S,
    "supplier_id": _S,
    "is_public": True,
    "link_number": 1,
    "has_link": True,
    "hold_hours": 72,
    **_VERSION,
}
_TIMES: dict[str, Any] = {
    "on": "2027-06-05",
    "at_local": "12:00:00",
    "zone": "Europe/London",
    "minutes": 600,
    "days": None,
    "starts_at": "2027-06-05T11:00:00+00:00",
    "ends_at": "2027-06-05T21:00:00+00:00",
    "expires_at": None,
}
_BOOKING: dict[str, Any] = {
    "id": _B,
    "supplier_id": _S,
    "resource_id": _R,
    "category": "wedding",
    "state": "booked",
    "reason": "",
    "wedding_id": _W,
    "link_id": _L,
    **_TIMES,
    "before_minutes": 60,
    "after_minutes": 30,
    "blocked": '["2027-06-05 10:00:00+00","2027-06-05 21:30:00+00")',
    "created_by": "01920000-0000-7000-8000-000000000003",
    "created_at": _AT,
    **_VERSION,
}
_SOURCE: dict[str, Any] = {
    "id": "01920000-0000-7000-8000-000000000033",
    "supplier_id": _S,
    "source": "studio-calendar",
    "name": "Studio calendar",
    "resource_id": _R,
    "times": 12,
    "changed": '{["2027-06-05 10:00:00+00","2027-06-05 11:00:00+00")}',
    "refreshed_at": _AT,
    **_VERSION,
}
_CONFLICT: dict[str, Any] = {
    "id": "01920000-0000-7000-8000-000000000034",
    "supplier_id": _S,
    "kind": "busy",
    "booking_id": _B,
    "link_id": _L,
    "other_table": "busy_times",
    "other_id": "01920000-0000-7000-8000-000000000035",
    "during": '["2027-06-05 11:00:00+00","2027-06-05 12:00:00+00")',
    "state": "open",
    "since": _AT,
    "resolved_at": None,
    "ignored_by": None,
    "ignored_at": None,
    **_VERSION,
}
_DAY: dict[str, Any] = {
    "id": "01920000-0000-7000-8000-000000000036",
    "supplier_id": _S,
    "on": "2027-06-05",
    "state": "taken",
    **_VERSION,
}
_LINK_BOOKING: dict[str, Any] = {"id": _B, "wedding_id": _W, "link_id": _L, "state": "booked", **_TIMES, **_VERSION}
_LINK_DAY: dict[str, Any] = {
    "id": _L,
    "wedding_id": _W,
    "link_id": _L,
    "on": "2027-06-05",
    "state": "yours",
    **_VERSION,
}
_IMAGES: dict[str, tuple["builtins.type[msgspec.Struct]", dict[str, Any]]] = {
    "resources": (rows.Resource, _RESOURCE),
    "booking_settings": (rows.BookingSettings, _SETTINGS),
    "bookings": (rows.Booking, _BOOKING),
    "busy_sources": (rows.BusySource, _SOURCE),
    "booking_conflicts": (rows.Conflict, _CONFLICT),
    "availability_days": (rows.AvailabilityDay, _DAY),
    "link_bookings": (rows.LinkBooking, _LINK_BOOKING),
    "link_days": (rows.LinkDay, _LINK_DAY),
}


def _type(name: str, table: str, says: str, lane: Lane = Lane.NORMAL) -> EventType:
    row, example = _IMAGES[table]
    return EventType(type=name, scope=Scope.CORE, table=table, row=row, description=says, example=example, lane=lane)


RESOURCE_ADDED = _type("resource.added", "resources", "A supplier has one more resource that can be booked.")
RESOURCE_CHANGED = _type("resource.changed", "resources", "A resource was renamed, or takes bookings no longer.")
SETTINGS_CHANGED = _type(
    "booking_settings.changed", "booking_settings", "Who may ask for free days, or how long holds last, changed."
)
HELD = _type("booking.held", "bookings", "Time of a resource is held until the hold expires.", Lane.HIGH)
BOOKED = _type("booking.booked", "bookings", "Time of a resource is booked.", Lane.HIGH)
CHANGED = _type("booking.changed", "bookings", "A booking is at another time, or something else of it changed.")
CANCELLED = _type("booking.cancelled", "bookings", "A hold or booking was let go.", Lane.HIGH)
EXPIRED = _type("booking.expired", "bookings", "A hold's time was over; what it held is free again.", Lane.HIGH)
FULFILLED = _type("booking.fulfilled", "bookings", "What was booked is over.", Lane.LOW)
REFRESHED = _type("busy_source.refreshed", "busy_sources", "Another calendar told when it is busy.")
ENDED = _type("busy_source.ended", "busy_sources", "Another calendar is not heard of any more.")
FOUND = _type(
    "conflict.found", "booking_conflicts", "Two things known of the supplier cannot both be right.", Lane.HIGH
)
RESOLVED = _type("conflict.resolved", "booking_conflicts", "A conflict is over.")
IGNORED = _type("conflict.ignored", "booking_conflicts", "Somebody knows of a conflict and leaves it, or no longer.")
DAY_CHANGED = _type("availability.changed", "availability_days", "A day is free, partly free or taken now.", Lane.HIGH)
LINK_BOOKING_CHANGED = _type(
    "link_booking.changed", "link_bookings", "A supplier holds or booked time for the wedding, moved it or let it go."
)
LINK_DAY_CHANGED = _type(
    "link_day.changed", "link_days", "A linked supplier is free on the wedding's date, or no longer.", Lane.HIGH
)
EVENTS = (
    *(RESOURCE_ADDED, RESOURCE_CHANGED, SETTINGS_CHANGED),
    *(HELD, BOOKED, CHANGED, CANCELLED, EXPIRED, FULFILLED),
    *(REFRESHED, ENDED, FOUND, RESOLVED, IGNORED, DAY_CHANGED),
    *(LINK_BOOKING_CHANGED, LINK_DAY_CHANGED),
)
