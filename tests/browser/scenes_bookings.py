"""The calendar's pages of the gallery: a month and a week with conflicts, the form, one booking, set up, free days."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import msgspec

from tests.browser.people import NOW, SUPPLIER, ZONE, Scene, ago, couple, public, supplier
from wedsync.bookings import against, calendar, reading
from wedsync.bookings.pages.booking import BLANK, BUFFERS
from wedsync.schedule.model import instant
from wedsync.schedule.rows import PlannedItem

DAY = date(2027, 7, 17)
US, SECOND = UUID(int=1), UUID(int=2)
RESOURCES = {US: "Us", SECOND: "Second shooter"}


def booking(number: int, on: date, category: str, words: str, **more: Any) -> reading.BookingView:
    starts_at = instant(on, time(12), ZONE)
    fields: dict[str, Any] = {
        **dict.fromkeys(reading.BookingView.__struct_fields__, ""),
        "id": UUID(int=number),
        "supplier_id": UUID(SUPPLIER),
        "resource_id": US,
        "resource": "Us",
        "category": category,
        "state": "booked",
        "expires_at": None,
        "wedding_id": None,
        "link_id": None,
        "title": words,
        "is_open": True,
        "on": on,
        "at_local": time(12),
        "zone": ZONE,
        "minutes": 600,
        "days": None,
        "before_minutes": 60,
        "after_minutes": 30,
        "conflicts": [],
        "version": 1,
        "starts_at": starts_at,
        "ends_at": starts_at + timedelta(hours=10),
        "created_at": NOW,
        "updated_at": NOW,
    }
    return reading.BookingView(**(fields | more))


def bookings() -> list[reading.BookingView]:
    hers = UUID(int=7)
    return [
        booking(1, DAY, "wedding", "", couple_names="Ana & Ben", link_id=hers, conflicts=["too_early"]),
        booking(2, DAY, "client", "Osei family", resource_id=SECOND, resource="Second shooter"),
        booking(3, date(2027, 7, 16), "private", "Dentist", is_open=False, title=""),
        booking(4, date(2027, 7, 24), "wedding", "Priya & Tom", state="hold", expires_at=NOW + timedelta(days=3)),
        booking(5, date(2027, 7, 20), "supplier", "Album design", at_local=None, minutes=None, days=2),
    ]


def month(view: calendar.View) -> dict[str, Any]:
    start = datetime(2027, 7, 14, 10, tzinfo=NOW.tzinfo)
    named = ["Google", "Outlook", "Fern’s iCloud", "Hall", "Team", "School"]
    busy = [
        reading.BusyView(
            id=UUID(int=90 + n),
            resource_id=US,
            starts_at=start + timedelta(days=n),
            ends_at=start + timedelta(days=n, hours=30 - 4 * n),
            source=f"s{n}",
            name=name,
            has_conflict=n == 3,
        )
        for n, name in enumerate(named)
    ]
    days = calendar.boxes(
        view,
        DAY,
        today=NOW.date(),
        states={DAY: "taken", date(2027, 7, 14): "partly"},
        bookings=bookings(),
        busy=busy,
        sources=[one.source for one in busy],
        resources=RESOURCES,
        zone=ZONE,
        base=f"/studio/{SUPPLIER}",
    )
    words, fix = reading.WORDS["too_early"]
    clash = {"id": "c1", "name": "Ana & Ben", "words": words, "fix": fix, "href": "/b1", "on": DAY}
    before, after = calendar.neighbours(view, DAY)
    return {
        "view": view,
        "on": DAY,
        "before": before,
        "after": after,
        "title": "July 2027",
        "query": "",
        "days": days,
        "legend": calendar.legend(entry for box in days for entry in box.entries),
        "kinds": calendar.KINDS,
        "day_words": calendar.DAY_WORDS,
        "may_manage": True,
        "conflicts": [clash, clash | {"id": "c2", "href": ""}],
    }


def against_days() -> dict[str, Any]:
    """A day where one fits, one comes too late, one only holds, and one is not free."""
    photographer, venue, florist, band = (UUID(int=70 + n) for n in range(4))

    def item(number: int, title: str, kind: str, at: time, minutes: int, owner: UUID | None = None) -> PlannedItem:
        fields = dict.fromkeys(PlannedItem.__struct_fields__, None) | {"id": UUID(int=number), "on": DAY, "zone": ZONE}
        times = {"at_local": at, "minutes": minutes, "starts_at": instant(DAY, at, ZONE)}
        return PlannedItem(**(fields | times | {"title": title, "kind": kind, "owner_link_id": owner}))

    def held(link: UUID, state: str, first: time, hours: int) -> against.Engagement:
        at = instant(DAY, first, ZONE)
        return against.Engagement(
            link_id=link, state=state, on=DAY, at_local=first, starts_at=at, ends_at=at + timedelta(hours=hours)
        )

    names = ("Petal & Frame Photography", "The Old Glasshouse", "Fern & Fable Flowers", "The Night Owls")
    links = [
        {"id": id, "supplier_name": name, "category": category}
        for id, name, category in zip(
            (photographer, venue, florist, band), names, ("photographer", "venue", "florist", "band"), strict=True
        )
    ]
    plan = [
        item(1, "Getting ready", "preparation", time(9), 180),
        item(2, "Ceremony", "ceremony", time(13, 30), 45),
        item(3, "Dinner", "reception", time(16), 150),
        item(4, "First dance", "music", time(19, 30), 15, band),
    ]
    engaged = [
        held(photographer, "booked", time(9), 12),
        held(venue, "booked", time(14), 10),
        held(florist, "hold", time(8), 6),
    ]
    days = against.days(plan, engaged, links, states={band: "taken", venue: "yours"}, on=DAY, zone=ZONE)
    return {"days": days, "zone": ZONE, "width": against.WIDTH}


def form(**more: Any) -> dict[str, Any]:
    offered = [
        ("Sat 17 Jul, 12:00 to 22:00", "Second shooter is free at the same time"),
        ("Sat 24 Jul", "Free a week later"),
    ]
    answer: dict[str, Any] = {"is_known": True, "is_free": False}
    answer |= {"alternatives": [{"when": when, "reason": why, "href": "/new"} for when, why in offered]}
    return {
        "typed": BLANK | {"on": DAY.isoformat()},
        "errors": {},
        "resources": [(str(k), v) for k, v in RESOURCES.items()],
        "weddings": [("", "No wedding here"), ("l1", "Ana & Ben, Sat 17 Jul")],
        "buffers": BUFFERS,
        "booking": None,
        "categories": [(key, words, sign) for key, (words, sign) in calendar.KINDS.items() if key != "busy"],
        "may_manage": True,
        "state_words": calendar.STATE_WORDS,
        "conflicts": [],
        "answer": answer,
        **more,
    }


def scenes() -> Iterator[Scene]:
    shell = supplier("calendar")
    yield Scene("calendar-month", "bookings/calendar.html", shell, month("month"))
    yield Scene("calendar-week", "bookings/calendar.html", shell, month("week"))
    yield Scene("against", "bookings/against.html", couple("suppliers"), against_days())
    yield Scene("against-empty", "bookings/against.html", couple("suppliers"), against_days() | {"days": []})
    yield Scene("booking-new", "bookings/booking.html", shell, form(errors={"on": "That time is taken."}))
    held = msgspec.structs.replace(bookings()[3], reason="proposed", link_id=UUID(int=7))
    free = {"is_known": True, "is_free": True, "alternatives": []}
    one = form(booking=held, conflicts=[reading.WORDS["busy"]], answer=free)
    yield Scene("booking-one", "bookings/booking.html", shell, one)
    settings = reading.SettingsView(
        is_public=False, hold_hours=72, free_url="https://wedsync.example/free/x", version=1
    )
    named = [("Us", True, True), ("Second shooter", False, True), ("Third shooter", False, False)]
    resources = [
        {"id": f"r{n}", "name": name, "is_default": is_default, "is_active": is_active, "version": 1}
        for n, (name, is_default, is_active) in enumerate(named)
    ]
    sources = [{"name": "Google", "source": "g", "times": 12, "refreshed_at": ago(minutes=4)}]
    values = {"resources": resources, "sources": sources, "settings": settings, "errors": {}}
    yield Scene("calendar-setup", "bookings/setup.html", shell, values)
    days = [reading.PublicDay(on=DAY + timedelta(days=n), is_free=n % 7 != 0) for n in range(56)]
    asked = {"name": "Hartley & Finch", "on": DAY, "asked": days[0], "days": days}
    yield Scene("free-days", "bookings/free.html", public(), asked)
