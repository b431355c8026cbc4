"""The couple's pages of the gallery: overview, suppliers and what they may see, activity."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from tests.browser.people import (
    CATEGORIES,
    CATEGORY_OPTIONS,
    LIVE,
    WEDDING_FACTS,
    Scene,
    ago,
    couple,
    headcounts,
)

SUPPLIERS = ("Hartley & Finch", "Marrow & Thyme", "The Tithe Barn", "Bramble Florals", "The Brass Quarter")
STATES = ("acknowledged", "acknowledged", "seen", "open", "acknowledged")


def who(*states: str) -> list[dict[str, str]]:
    return [{"name": name, "state": state} for name, state in zip(SUPPLIERS, states, strict=False)]


def changes() -> list[dict[str, Any]]:
    return [
        {
            "id": "a1",
            "words": "Ceremony moved",
            "before": "13:30",
            "after": "14:00",
            "by": "Ben",
            "at": ago(hours=2),
            "who": who(*STATES),
            "done": 3,
            "of": 5,
            "late_words": "",
        },
        {
            "id": "a2",
            "words": "Dietary sheet 3 sent",
            "before": "",
            "after": "",
            "by": "Ana",
            "at": ago(days=2),
            "who": who("acknowledged", "late"),
            "done": 1,
            "of": 2,
            "late_words": "Marrow & Thyme has not opened it for two days. We have reminded them twice.",
        },
    ]


def news() -> list[dict[str, Any]]:
    keys = ("id", "who", "words", "before", "after", "at", "icon", "is_new", "href")
    rows = [
        ("n1", "Hartley & Finch", "confirmed the new ceremony time", "", "", ago(minutes=4), "circle-check", True, ""),
        (
            "n2",
            "The Mendes family",
            "answered: three coming to dinner",
            "",
            "",
            ago(minutes=26),
            "users",
            True,
            "/guests",
        ),
        ("n3", "Ben", "moved the ceremony", "13:30", "14:00", ago(hours=2), "calendar-clock", True, "/schedule"),
        (
            "n4",
            "The Tithe Barn",
            "finished “Floor plan to the caterer”",
            "",
            "",
            ago(days=1),
            "list-checks",
            False,
            "/tasks",
        ),
        ("n5", "Auntie Bea", "cannot come", "", "", ago(days=1, hours=4), "users", False, "/guests"),
    ]
    return [dict(zip(keys, row, strict=True)) for row in rows]


def scenes() -> Iterator[Scene]:
    overview = {
        "wedding": WEDDING_FACTS,
        "changes": changes(),
        "headcounts": headcounts(),
        "news": news(),
        "src": "/news",
    }
    following = [
        {
            "words": "Chase 12 who have not answered",
            "detail": "Replies are due in a month",
            "href": "/guests",
            "due": date(2027, 8, 14),
        },
        {"words": "Choose the first song", "detail": "", "href": "/tasks", "due": date(2027, 7, 12)},
        {"words": "Second payment, The Tithe Barn", "detail": "£3,200", "href": "/budget", "due": date(2027, 7, 20)},
    ]
    overview |= {"next": following, "setup": []}
    overview |= {"promised": {"of": 3, "done": 1, "unseen": 1, "next_on": date(2027, 8, 3)}}
    overview |= {"fit": {"of": 3, "over": 1, "names": ["The Tithe Barn"]}}
    yield Scene("overview", "weddings/overview.html", couple("overview", live=LIVE), overview)
    first = [
        {"words": "Set the date", "done": True, "href": ""},
        {"words": "Bring your guest list", "done": False, "href": "/import"},
        {"words": "Invite a supplier", "done": False, "href": "/suppliers"},
    ]
    blank = WEDDING_FACTS | {"on": None, "date_status": "undecided", "ceremony_venue": "", "ceremony_at": None}
    nothing: dict[str, Any] = {key: [] for key in ("changes", "headcounts", "news", "next")}
    fresh = {"wedding": blank, "src": "/news", "setup": first, "promised": {}, "fit": {}} | nothing
    yield Scene("overview-first", "weddings/overview.html", couple("overview"), fresh)
    yield Scene("suppliers", "suppliers/suppliers.html", couple("suppliers", live=LIVE), suppliers_values())
    yield Scene("supplier-end", "suppliers/end.html", couple("suppliers"), end_values())
    activity = {"filter": "all", "new_count": 3, "news": news(), "src": "/news", "before": None, "after": "?after=5"}
    filters = [
        ("all", "Everything", "?", 3),
        ("suppliers", "Suppliers", "?of=suppliers", 1),
        ("guests", "Guests", "?of=guests", 1),
        ("us", "The two of you", "?of=us", None),
    ]
    yield Scene("activity", "weddings/activity.html", couple("activity", live=LIVE), activity | {"filters": filters})


def link(name: str, category: str, status: str = "active", level: str = "standard", **more: Any) -> dict[str, Any]:
    made = {
        "id": name.lower().replace(" ", "-").replace("&", "and"),
        "supplier_name": name,
        "category": category,
        "status": status,
        "level": level,
        "version": 2,
        "invited_by": "couple",
        "invited_email": f"hello@{category}.example",
        "can_view_guests": level == "full",
        "can_view_dietary": category == "caterer",
        "can_view_contacts": False,
        "can_edit_timeline": False,
        "sees": [
            "Names, date, venues and times",
            "The schedule and whom to call",
            "Tasks you give them",
            "Head counts, without names",
        ],
        "never": [
            "Your budget and payments",
            "Your notes and messages",
            "Guests’ names and contacts",
            "What other suppliers agreed with you",
        ],
        "open": [],
        "last_seen_at": ago(hours=5),
        "booked": [
            {"words": "Booked 12:00 to 22:00", "tone": "good", "warning": "The ceremony is at 11:00, outside of it"}
        ],
    }
    return made | more


def suppliers_values() -> dict[str, Any]:
    moved = [{"words": "Ceremony 13:30 → 14:00", "state": "open", "since": ago(hours=2)}]
    links = [
        link("Hartley & Finch", "photographer"),
        link("Bramble Florals", "florist", level="basic", open=moved),
        link("Marrow & Thyme", "caterer", level="full"),
        link("The Brass Quarter", "band", status="requested", last_seen_at=None),
        link("Sugar & Salt Cakes", "cake", status="invited", last_seen_at=None),
    ]
    invite = {"email": "", "supplier_name": "", "category": "photographer", "level": "standard"}
    return {
        "links": links,
        "categories": CATEGORIES,
        "category_options": CATEGORY_OPTIONS,
        "invite": invite,
        "errors": {},
    }


def end_values() -> dict[str, Any]:
    return {
        "link": {"id": "l1", "supplier_name": "Hartley & Finch", "version": 2},
        "loses": ["The schedule and tasks", "Head counts", "Every later change"],
        "keeps": ["What they did is in your activity", "Calendar entries they already copied"],
    }
