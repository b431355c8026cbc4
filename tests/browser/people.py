"""The made-up wedding of Ana and Ben that the gallery draws, and the frame around each of its pages."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

from wedsync.web.shell import Live, Person, Shell, couple_sections, supplier_sections

NOW = datetime(2027, 7, 14, 9, 30, tzinfo=UTC)
ON = date(2027, 9, 11)
WEDDING = "0198c0de-0000-7000-8000-000000000001"
SUPPLIER = "0198c0de-0000-7000-8000-0000000000aa"
ZONE = "Europe/London"


class Scene(NamedTuple):
    name: str
    template: str
    shell: Shell
    values: dict[str, Any]


def ago(**passed: float) -> datetime:
    return NOW - timedelta(**passed)


def couple(here: str, **more: Any) -> Shell:
    base = f"/me/{WEDDING}"
    return Shell(
        face="couple",
        base=base,
        here=here,
        path=base,
        nonce="gallery",
        person=Person(name="Ana Duarte", email="ana@example.org"),
        heading="Ana & Ben",
        on=ON,
        sections=couple_sections(base, new=3, tasks=2),
        now=NOW,
        **more,
    )


def supplier(here: str, **more: Any) -> Shell:
    base = f"/studio/{SUPPLIER}"
    return Shell(
        face="supplier",
        base=base,
        here=here,
        path=base,
        nonce="gallery",
        person=Person(name="Mira Hartley", email="mira@example.org"),
        heading="Hartley & Finch",
        sections=supplier_sections(base, waiting=6, enquiries=2, role="owner"),
        now=NOW,
        **more,
    )


def public(base: str = "", **more: Any) -> Shell:
    return Shell(face="public", base=base, path=base or "/", nonce="gallery", now=NOW, **more)


LIVE = Live(topic=f"realtime:wedding:{WEDDING}", url="ws://127.0.0.1:9/realtime/v1")

VOCABULARY = {
    "allergens": [
        ("celery", "Celery"),
        ("gluten", "Cereals with gluten"),
        ("crustaceans", "Crustaceans"),
        ("eggs", "Eggs"),
        ("fish", "Fish"),
        ("lupin", "Lupin"),
        ("milk", "Milk"),
        ("molluscs", "Molluscs"),
        ("mustard", "Mustard"),
        ("nuts", "Tree nuts"),
        ("peanuts", "Peanuts"),
        ("sesame", "Sesame"),
        ("soya", "Soya"),
        ("sulphites", "Sulphites"),
    ],
    "severities": [("mild", "Mild"), ("moderate", "Moderate"), ("severe", "Severe"), ("anaphylaxis", "Anaphylaxis")],
    "diets": [
        ("vegetarian", "Vegetarian"),
        ("vegan", "Vegan"),
        ("halal", "Halal"),
        ("kosher", "Kosher"),
        ("no_pork", "No pork"),
        ("no_alcohol", "No alcohol"),
        ("child_meal", "Children’s meal"),
    ],
}

WEDDING_FACTS: dict[str, Any] = {
    "id": WEDDING,
    "couple_names": "Ana & Ben",
    "partner_a": "Ana Duarte",
    "partner_b": "Ben Okafor",
    "on": ON,
    "date_status": "confirmed",
    "time_zone": ZONE,
    "currency": "GBP",
    "ceremony_venue": "St Leonard’s, Hartley",
    "ceremony_address": "Church Lane, Hartley GU12 4QP",
    "ceremony_at": time(14, 0),
    "reception_venue": "The Tithe Barn",
    "reception_address": "Mill End, Hartley GU12 4RR",
    "reception_at": time(16, 30),
    "guest_estimate": 130,
    "version": 7,
}

CATEGORIES = {
    "photographer": ("Photographer", "camera"),
    "caterer": ("Caterer", "utensils"),
    "venue": ("Venue", "building-2"),
    "florist": ("Florist", "flower-2"),
    "band": ("Band", "music"),
    "cake": ("Cake", "cake-slice"),
    "transport": ("Transport", "car"),
}
CATEGORY_OPTIONS = [(key, words) for key, (words, _) in CATEGORIES.items()]


def headcounts() -> list[dict[str, Any]]:
    keys = (
        "item_id",
        "title",
        "invited",
        "accepted",
        "declined",
        "tentative",
        "pending",
        "children",
        "locked_at",
        "since_lock",
    )
    rows = [
        ("c1", "Ceremony", 128, 94, 14, 3, 17, 11, None, ""),
        ("d1", "Dinner", 112, 86, 12, 2, 12, 9, ago(days=2), "2 more, 1 fewer"),
        ("b1", "Brunch on Sunday", 64, 31, 9, 4, 20, 4, None, ""),
    ]
    return [dict(zip(keys, row, strict=True)) for row in rows]
