"""What a guest answers on, in the gallery: open, answered, refused, locked, thanked, and looking for their link."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, time
from typing import Any

from tests.browser.people import ON, VOCABULARY, ZONE, Scene, ago, public
from tests.browser.scenes_guests import MENU, needs


def rsvp_values(**more: Any) -> dict[str, Any]:
    keys = ("id", "display_name", "first_name", "is_plus_one", "age_band", "answers", "menus", "invited", "needs")
    rows = [
        (
            "g1",
            "Carla Mendes",
            "Carla",
            False,
            "adult",
            {"c1": "accepted", "d1": "accepted"},
            {"d1": "m2"},
            ["c1", "d1"],
            needs("g1"),
        ),
        ("g3", "Tomás Mendes", "Tomás", False, "child", {}, {}, ["c1", "d1"], needs("g3", {"milk": "moderate"})),
        ("g9", "Your guest", "", True, "adult", {}, {}, ["d1"], needs("g9")),
    ]
    return {
        "token": "t",
        "names": "Ana & Ben",
        "on": ON,
        "zone": ZONE,
        "venue": "St Leonard’s, Hartley",
        "reply_by": date(2027, 8, 14),
        "party": {"name": "Carla and Tomás", "plus_ones_left": 1},
        "is_locked": False,
        "locked_words": "",
        "contact_words": "",
        "items": [
            {"id": "c1", "title": "Ceremony", "on": ON, "at_local": time(14, 0), "place": "St Leonard’s, Hartley"},
            {"id": "d1", "title": "Dinner and dancing", "on": ON, "at_local": time(17, 0), "place": "The Tithe Barn"},
        ],
        "vocabulary": VOCABULARY,
        "version": 4,
        "guests": [dict(zip(keys, row, strict=True)) for row in rows],
        "menu_options": {"d1": MENU},
        "answered_at": None,
        "problems": [],
        "errors": {},
        "message": "",
    } | more


def scenes() -> Iterator[Scene]:
    yield Scene("rsvp", "guests/rsvp.html", public(), rsvp_values())
    yield Scene("rsvp-answered", "guests/rsvp.html", public(), rsvp_values(answered_at=ago(days=3)))
    words = "Please choose a meal for Carla."
    yield Scene(
        "rsvp-refused",
        "guests/rsvp.html",
        public(),
        rsvp_values(problems=[("g1.d1.menu", words)], errors={"g1.d1.menu": words}),
    )
    locked = {
        "is_locked": True,
        "answered_at": ago(days=3),
        "locked_words": "Ana and Ben have sent the final count.",
        "contact_words": "Ring Ben if something changes.",
    }
    yield Scene("rsvp-locked", "guests/rsvp.html", public(), rsvp_values(**locked))
    done = {
        "token": "t",
        "names": "Ana & Ben",
        "on": ON,
        "party": {"name": "Carla and Tomás"},
        "coming": True,
        "lines": [
            {"name": "Carla Mendes", "words": "Ceremony and dinner, sea bass"},
            {"name": "Tomás Mendes", "words": "Ceremony"},
        ],
        "reply_by": date(2027, 8, 14),
        "site_url": "/w/ana-and-ben",
        "calendar_url": "/rsvp/t/calendar.ics",
    }
    yield Scene("rsvp-done", "guests/rsvp_done.html", public(), done)
    find = {"slug": "ana-and-ben", "names": "Ana & Ben", "name": "Lukasz", "state": "unsure", "hint": ""}
    yield Scene("rsvp-find", "guests/rsvp_find.html", public(), find)
