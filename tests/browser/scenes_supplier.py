"""The supplier's pages of the gallery: what needs me this week, all weddings, one wedding, an invitation, see-as."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, time
from typing import Any

from tests.browser.people import LIVE, NOW, WEDDING, WEDDING_FACTS, Scene, ago, couple, headcounts, supplier
from tests.browser.scenes_plan import item_form, schedule_values

ME = {"name": "Hartley & Finch"}


NEEDS_ROWS = [
    (
        "k1",
        "acknowledge",
        WEDDING,
        "Ana & Ben",
        date(2027, 9, 11),
        "Ceremony moved, 13:30 → 14:00",
        "Your arrival 12:30 → 13:00",
        None,
        "/w1",
        "seen",
        "/ack/1",
        "Seen and fine",
    ),
    (
        "k2",
        "clash",
        "w4",
        "Priya & Tom",
        date(2027, 8, 7),
        "Two weddings on one day",
        "Sofie & Jan is the same Saturday, 94 km away",
        None,
        "/w4",
        "",
        "",
        "Look at both",
    ),
    (
        "k3",
        "task",
        "w2",
        "Sofie & Jan",
        date(2027, 8, 7),
        "Send the shot list",
        "",
        date(2027, 7, 12),
        "/w2",
        "",
        "",
        "Open",
    ),
    (
        "k4",
        "task",
        WEDDING,
        "Ana & Ben",
        date(2027, 9, 11),
        "Family photographs: confirm the order",
        "",
        date(2027, 7, 18),
        "/w1",
        "",
        "",
        "Open",
    ),
    (
        "k5",
        "numbers",
        "w2",
        "Sofie & Jan",
        date(2027, 8, 7),
        "Final numbers are missing",
        "Due to the caterer in a week",
        date(2027, 7, 21),
        "/w2",
        "",
        "",
        "Ask them",
    ),
    (
        "k6",
        "request",
        "w9",
        "Mae & Olu",
        date(2028, 5, 20),
        "Invite you to their wedding",
        "",
        None,
        "/w9",
        "",
        "/accept/9",
        "Join",
    ),
]
NEEDS_SOON = [
    ("w2", "Sofie & Jan", date(2027, 8, 7), "Kasteel Wijnendale", "Europe/Brussels", "24 days", 2, "/w2"),
    ("w4", "Priya & Tom", date(2027, 8, 7), "Hackney Town Hall", "Europe/London", "24 days", 0, "/w4"),
    (WEDDING, "Ana & Ben", date(2027, 9, 11), "St Leonard’s, Hartley", "Europe/London", "59 days", 2, "/w1"),
    ("w9", "Mae & Olu", None, "", "Africa/Lagos", "date open", 1, "/w9"),
]


def portfolio_values(**more: Any) -> dict[str, Any]:
    keys = (
        "key",
        "kind",
        "wedding_id",
        "couple",
        "on",
        "words",
        "detail",
        "due",
        "href",
        "state",
        "action_href",
        "action_label",
    )
    soon_keys = ("wedding_id", "couple", "on", "place", "zone", "status_words", "waiting", "href")
    return {
        "supplier": ME,
        "week_words": "12 to 18 July",
        "counts": {"waiting": 6, "weddings": 4, "clashes": 1},
        "needs": [dict(zip(keys, row, strict=True)) for row in NEEDS_ROWS],
        "soon": [dict(zip(soon_keys, row, strict=True)) for row in NEEDS_SOON],
    } | more


WEDDING_DAY = [
    ("s1", "Hair and make-up", time(9, 0), None, "Mill House", "", True, False, 210),
    ("s2", "Ceremony", time(14, 0), time(13, 30), "St Leonard’s, Hartley", "", False, True, 45),
    ("s3", "Confetti and group photographs", time(14, 45), time(14, 15), "Churchyard", "You", True, False, 45),
    ("s5", "Dinner and speeches", time(17, 0), None, "The Tithe Barn", "", False, False, 150),
]


TASKS = [
    {
        "id": "t1",
        "title": "Family photographs: confirm the order",
        "due": date(2027, 7, 18),
        "status": "open",
        "answer": None,
        "waits_for": 0,
        "version": 1,
        "is_mine": True,
    },
    {
        "id": "t2",
        "title": "Send your insurance",
        "due": None,
        "status": "done",
        "answer": "accepted",
        "waits_for": 0,
        "version": 2,
        "is_mine": True,
    },
]


def wedding_values(**more: Any) -> dict[str, Any]:
    keys = ("id", "title", "at_local", "was", "place", "owner", "is_mine", "is_anchored", "minutes")
    counts = [row | {"meals": [], "dietary": []} for row in headcounts()[:2]]
    counts[1] |= {
        "meals": [("Short rib", 41), ("Sea bass", 33), ("Pithivier", 12)],
        "dietary": [("Vegan", 3), ("Tree nuts", None)],
    }
    return {
        "seeing_as": "",
        "back_href": "",
        "may_acknowledge": True,
        "wedding": WEDDING_FACTS,
        "supplier_name": "Hartley & Finch",
        "tabs": [
            ("plan", "Plan", "#", None),
            ("activity", "Activity", "#", 4),
            ("connections", "Connections", "#", None),
        ],
        "tab": "plan",
        "open": [
            {
                "id": "a1",
                "words": "Ceremony moved",
                "before": "13:30",
                "after": "14:00",
                "since": ago(hours=2),
                "state": "seen",
            }
        ],
        "sees": [
            "Names, date, venues and times",
            "The schedule and whom to call",
            "Your tasks",
            "Head counts, without names",
        ],
        "never": ["Their budget", "Their notes", "Guests’ names, needs and contacts", "What others agreed with them"],
        "asked_href": "/ask",
        "edit_href": "",
        "schedule": [dict(zip(keys, row, strict=True)) for row in WEDDING_DAY],
        "tasks": TASKS,
        "headcounts": counts,
        "contacts": [{"name": "Nina Duarte", "what": "Everything before two", "phone": "+44 7700 900456"}],
        "links_out": [("Dietary sheet", "/dietary", "utensils")],
        "photos": None,
        "photos_href": "",
        "spaces": None,
        "spaces_href": "",
    } | more


def colleague(name: str, role: str, **more: Any) -> dict[str, Any]:
    weddings = [
        {"link_id": "l1", "words": "Ana & Ben", "on": date(2027, 9, 11), "is_on": True},
        {"link_id": "l2", "words": "Mae & Olu", "on": None, "is_on": False},
    ]
    made = {
        "id": name.split(maxsplit=1)[0].lower(),
        "name": name,
        "email": f"{name.split(maxsplit=1)[0].lower()}@example.org",
        "role": role,
    }
    made |= {"is_me": False, "may_manage": True, "version": 1, "weddings": weddings}
    return made | {"roles": [("member", "Member"), ("admin", "Admin"), ("owner", "Owner")]} | more


def team_values(**more: Any) -> dict[str, Any]:
    return {
        "role_words": {"owner": "Owner", "admin": "Admin", "member": "Member"},
        "members": [
            colleague("Mira Hartley", "owner", is_me=True),
            colleague("Tomas Finch", "admin"),
            colleague("Noor Aziz", "member"),
        ],
        "may_invite": True,
        "invite": {"email": "", "name": "", "role": "member"},
        "invite_roles": [("member", "Member", ""), ("admin", "Admin", ""), ("owner", "Owner", "")],
        "errors": {},
        "said": "",
    } | more


def team_scenes() -> Iterator[Scene]:
    yield Scene("team", "suppliers/team.html", supplier("team", live=LIVE), team_values())
    typed = {"email": "noor@example.org", "name": "", "role": "member"}
    refused = team_values(
        invite=typed,
        errors={"email": "They are in your team already. Change their role instead."},
        said="A business needs an owner. Make somebody else owner first.",
    )
    yield Scene("team-refused", "suppliers/team.html", supplier("team"), refused)
    seen = [colleague("Mira Hartley", "owner", may_manage=False), colleague("Noor Aziz", "member", may_manage=False)]
    yield Scene("team-member", "suppliers/team.html", supplier("team"), team_values(members=seen, may_invite=False))
    ended = {"member": colleague("Noor Aziz", "member"), "is_me": False}
    yield Scene("team-end", "suppliers/team_end.html", supplier("team"), ended)


def scenes() -> Iterator[Scene]:
    yield Scene("portfolio", "suppliers/portfolio.html", supplier("portfolio", live=LIVE), portfolio_values())
    quiet = portfolio_values(needs=[], counts={"waiting": 0, "weddings": 4, "clashes": 0})
    yield Scene("portfolio-quiet", "suppliers/portfolio.html", supplier("portfolio"), quiet)
    yield Scene("supplier-wedding", "suppliers/wedding.html", supplier("weddings", live=LIVE), wedding_values())
    planner = wedding_values(edit_href="/studio/schedule")
    yield Scene("supplier-wedding-planner", "suppliers/wedding.html", supplier("weddings"), planner)
    edited = schedule_values(editing=item_form())
    yield Scene("supplier-schedule", "schedule/schedule.html", supplier("weddings", live=LIVE), edited)
    yield from team_scenes()
    bare = {
        "schedule": None,
        "tasks": None,
        "headcounts": None,
        "contacts": None,
        "links_out": [],
        "open": [],
        "tabs": [],
    }
    yield Scene("supplier-wedding-basic", "suppliers/wedding.html", supplier("weddings"), wedding_values(**bare))
    seen = {
        "seeing_as": "Hartley & Finch",
        "back_href": "/suppliers",
        "may_acknowledge": False,
        "asked_href": "",
        "tabs": [],
    }
    yield Scene("see-as", "suppliers/wedding.html", couple("suppliers"), wedding_values(**seen))
    row = {
        "wedding_id": WEDDING,
        "couple": "Ana & Ben",
        "on": NOW.date(),
        "date_status": "provisional",
        "place": "St Leonard’s, Hartley",
    }
    row |= {"level": "standard", "status": "active", "waiting": 1, "tasks_open": 1, "href": "/w1"}
    groups = [
        (
            "Ahead",
            [
                row,
                row
                | {
                    "couple": "Priya & Tom",
                    "wedding_id": "w4",
                    "date_status": "confirmed",
                    "waiting": 0,
                    "tasks_open": 0,
                },
            ],
        )
    ]
    all_of_them = {"supplier": ME, "groups": groups, "before": None, "after": "?after=x"}
    yield Scene("supplier-weddings", "suppliers/weddings.html", supplier("weddings"), all_of_them)
    values = {"email": "", "couple_names": "", "on": "", "ceremony_venue": "", "note": ""}
    yield Scene(
        "supplier-invite",
        "suppliers/invite.html",
        supplier("invite"),
        {"values": values, "errors": {}, "problems": [], "sent": "mae@example.org"},
    )
