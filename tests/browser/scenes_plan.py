"""The couple's planning pages of the gallery: schedule and what moves along, tasks, budget, settings, a conflict."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, time
from typing import Any

from tests.browser.people import LIVE, ON, WEDDING, WEDDING_FACTS, ZONE, Scene, ago, couple


def scenes() -> Iterator[Scene]:
    schedule = couple("schedule")
    yield Scene("schedule", "schedule/schedule.html", couple("schedule", live=LIVE), schedule_values())
    yield Scene("schedule-ripple", "schedule/schedule.html", schedule, schedule_values(ripple=ripple()))
    yield Scene("schedule-edit", "schedule/schedule.html", schedule, schedule_values(editing=item_form()))
    blank = schedule_values(days=[], contacts=[], new_item=item_form(id=""))
    yield Scene("schedule-empty", "schedule/schedule.html", schedule, blank)
    yield Scene("tasks", "tasks/tasks.html", couple("tasks"), tasks_values())
    yield Scene("tasks-owed", "tasks/owed.html", couple("tasks"), owed_values())
    yield Scene("budget", "budget/budget.html", couple("budget"), budget_values())
    yield Scene("settings", "weddings/settings.html", couple("settings"), settings_values())
    yield Scene("conflict", "errors/conflict.html", couple("guests"), conflict_values())


def entry(key: str, title: str, at: time, until: time, minutes: int, **more: Any) -> dict[str, Any]:
    made = {
        "id": key,
        "title": title,
        "on": ON,
        "at_local": at,
        "until": until,
        "minutes": minutes,
        "place": "The Tithe Barn",
    }
    made |= {
        "owner": "",
        "after_words": "",
        "is_anchored": False,
        "takes_rsvps": False,
        "was": None,
        "version": 1,
        "unconfirmed": [],
    }
    return made | more


def schedule_values(**more: Any) -> dict[str, Any]:
    day = [
        entry("s1", "Hair and make-up", time(9, 0), time(12, 30), 210, place="Mill House", owner="Nina"),
        entry(
            "s2",
            "Ceremony",
            time(14, 0),
            time(14, 45),
            45,
            place="St Leonard’s, Hartley",
            is_anchored=True,
            was=time(13, 30),
            unconfirmed=["Bramble Florals"],
        ),
        entry(
            "s3",
            "Confetti and group photographs",
            time(14, 45),
            time(15, 30),
            45,
            place="Churchyard",
            owner="Hartley & Finch",
            after_words="after Ceremony",
        ),
        entry("s4", "Drinks", time(15, 45), time(17, 0), 75, after_words="after photographs"),
        entry("s5", "Dinner and speeches", time(17, 0), time(19, 30), 150, owner="Marrow & Thyme", takes_rsvps=True),
        entry("s6", "First dance", time(20, 0), time(20, 10), 10, owner="The Brass Quarter"),
    ]
    return {
        "zone": ZONE,
        "zone_words": "in London",
        "may_edit": True,
        "days": [{"on": ON, "heading": "Saturday 11 September", "items": day}],
        "editing": None,
        "new_item": None,
        "ripple": None,
        "contacts": [
            {
                "id": "k1",
                "name": "Nina Duarte",
                "what": "Everything before two",
                "phone": "+44 7700 900456",
                "version": 1,
            }
        ],
        "kinds": [("ceremony", "Ceremony"), ("other", "Something else")],
        "owners": [("", "Nobody yet"), ("link:1", "Hartley & Finch")],
        "after_options": [("", "Nothing"), ("s2", "Ceremony")],
        "errors": {},
    } | more


def item_form(**more: Any) -> dict[str, Any]:
    made = {
        "id": "s3",
        "title": "Confetti and group photographs",
        "kind": "other",
        "on": ON,
        "at_local": time(14, 45),
        "minutes": 45,
    }
    made |= {"buffer_minutes": 15, "place": "Churchyard", "owner": "link:1", "after_item_id": "s2", "lag_minutes": 0}
    return made | {"is_anchored": False, "takes_rsvps": False, "audience": "linked", "version": 1} | more


def ripple() -> dict[str, Any]:
    keys = ("title", "was", "now", "place", "owner", "is_anchored")
    moves = [
        ("Ceremony", time(13, 30), time(14, 0), "St Leonard’s, Hartley", "", True),
        ("Confetti and group photographs", time(14, 15), time(14, 45), "Churchyard", "Hartley & Finch", False),
        ("Drinks", time(15, 15), time(15, 45), "The Tithe Barn", "Marrow & Thyme", False),
    ]
    return {
        "item_id": "s2",
        "title": "Ceremony",
        "version": 4,
        "fields": {"at_local": "14:00"},
        "moves": [dict(zip(keys, row, strict=True)) for row in moves],
        "clashes": ["The coach is fixed at 15:30 and would leave before the photographs end."],
        "informed": ["Hartley & Finch", "Marrow & Thyme"],
    }


def task(key: str, title: str, due: date | None, who_words: str, status: str = "open", **more: Any) -> dict[str, Any]:
    made = {"id": key, "title": title, "detail": "", "status": status, "due": due, "due_words": "", "who": who_words}
    said = {
        "answer": None,
        "answer_note": "",
        "noted_at": None,
        "snoozed_until": None,
        "waits_for": 0,
        "photo_id": None,
    }
    made |= {"origin": "couple", "version": 1, "may_finish": True, "may_edit": True, "may_answer": False}
    return made | said | more


def task_groups() -> list[dict[str, Any]]:
    late = [
        task("t1", "Choose the first song", date(2027, 7, 12), "Ana"),
        task("t2", "Send the logo for the menus", date(2027, 7, 13), "Marrow & Thyme", "waiting_on"),
    ]
    week = [
        task(
            "t3",
            "Second payment to the barn",
            date(2027, 7, 20),
            "Ben",
            detail="£3,200, account on the invoice",
            due_words="53 days before",
        ),
        task(
            "t4",
            "Shot list for the family photographs",
            date(2027, 7, 18),
            "Hartley & Finch",
            "in_progress",
            answer="accepted",
        ),
        task("t6", "Drive Grandma", date(2027, 7, 19), "Nina", answer="declined", answer_note="I arrive at four only."),
        task("t7", "Print the song sheet", date(2027, 7, 20), "Nina", waits_for=1),
    ]
    done = [task("t5", "Book the registrar", date(2027, 6, 1), "Ben", "done")]
    return [
        {"key": "late", "heading": "Overdue", "tasks": late},
        {"key": "week", "heading": "This week", "tasks": week},
        {"key": "done", "heading": "Done", "tasks": done},
    ]


def tasks_values() -> dict[str, Any]:
    filters = [
        ("all", "All", "?", 14),
        ("us", "Ours", "?of=us", 6),
        ("helpers", "Helpers", "?of=helpers", 3),
        ("suppliers", "Suppliers", "?of=suppliers", 5),
    ]
    blank = {
        "id": "",
        "title": "",
        "detail": "",
        "assignee": "",
        "due_kind": "before",
        "due_on": None,
        "due_days_before": 30,
        "after": ["t4"],
        "version": 0,
    }
    others = [("t1", "Choose the first song"), ("t4", "Shot list for the family photographs")]
    assignees = [
        ("", "Nobody yet"),
        ("membership:1", "Ben"),
        ("membership:3", "Nina, helper"),
        ("link:1", "Hartley & Finch"),
    ]
    groups = {"filter": "all", "filters": filters, "groups": task_groups(), "done": 31, "total": 45}
    return groups | {"editing": blank, "assignees": assignees, "others": others, "errors": {}, "problems": []}


def owed_values() -> dict[str, Any]:
    def owes(key: str, title: str, due: date, **more: Any) -> dict[str, Any]:
        said = {"answer": None, "answer_note": "", "noted_at": None, "reminded_at": None, "waits_for": 0}
        return {"id": key, "title": title, "status": "open", "due_on": due} | said | more

    def person(key: str, name: str, tasks: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
        counts = {"open": len(tasks), "overdue": 0, "unanswered": 0, "declined": 0, "is_reached": True, "seen_at": None}
        return {"id": key, "name": name, "kind": "membership", "tasks": tasks} | counts | more

    nina = [
        owes(
            "t1", "Drive Grandma to the church", date(2027, 7, 20), answer="declined", answer_note="I arrive at four."
        ),
        owes("t2", "Collect the buttonholes", date(2027, 7, 12), reminded_at=ago(days=1), answer="accepted"),
    ]
    late = [owes("t3", "Send the logo for the menus", date(2027, 7, 13), reminded_at=ago(days=2))]
    quiet = [
        owes("t4", "Bring the lamps", date(2027, 8, 2)),
        owes("t5", "Hang the lamps", date(2027, 8, 3), waits_for=1),
    ]
    return {
        "members": "/me/made-up/settings",
        "owing": [
            person("m1", "Nina Duarte", nina, overdue=1, declined=1, seen_at=ago(days=1)),
            person("l1", "Marrow & Thyme", late, overdue=1, unanswered=1, kind="link"),
            person("m2", "Uncle Theo", quiet, unanswered=2, is_reached=False),
        ],
    }


BUDGET_BLANK: dict[str, Any] = {
    "id": "b1",
    "category": "venue",
    "title": "Hire of the barn",
    "supplier_name": "The Tithe Barn",
    "estimate": "6000.00",
    "agreed": "6400.00",
    "per_guest": False,
    "version": 1,
    "payments": [
        {
            "id": "p2",
            "kind": "balance",
            "amount": "4800.00",
            "due_on": date(2027, 7, 20),
            "paid_on": None,
            "version": 1,
        }
    ],
}
BUDGET_TOTALS = {
    "estimate_minor": 1_400_000,
    "agreed_minor": 1_173_200,
    "paid_minor": 160_000,
    "due_minor": 1_013_200,
    "target_minor": 1_500_000,
}


def budget_values() -> dict[str, Any]:
    def line(
        key: str, title: str, supplier: str, estimate: int, agreed: int | None, *payments: dict[str, Any], per: str = ""
    ) -> dict[str, Any]:
        paid = sum(one["amount_minor"] for one in payments if one["paid_on"])
        made = {
            "id": key,
            "title": title,
            "supplier_name": supplier,
            "estimate_minor": estimate,
            "agreed_minor": agreed,
        }
        return made | {"paid_minor": paid, "per_guest_words": per, "version": 1, "payments": list(payments)}

    def payment(key: str, words: str, amount: int, due: date | None, paid: date | None) -> dict[str, Any]:
        return {"id": key, "words": words, "amount_minor": amount, "due_on": due, "paid_on": paid}

    barn = line(
        "b1",
        "Hire of the barn",
        "The Tithe Barn",
        600_000,
        640_000,
        payment("p1", "deposit", 160_000, None, date(2026, 10, 2)),
        payment("p2", "balance", 480_000, date(2027, 7, 20), None),
    )
    food = line(
        "b2",
        "Dinner",
        "Marrow & Thyme",
        560_000,
        533_200,
        payment("p3", "deposit", 100_000, date(2027, 7, 1), None),
        per="£62 for each of 86 guests",
    )
    photos = line("b3", "Photographs, ten hours", "Hartley & Finch", 240_000, None)
    keys = ("category", "words", "estimate_minor", "agreed_minor", "lines")
    groups = [
        ("venue", "Venue", 600_000, 640_000, [barn]),
        ("food", "Food and drink", 560_000, 533_200, [food]),
        ("photos", "Photographs", 240_000, 0, [photos]),
    ]
    return {
        "currency": "GBP",
        "totals": BUDGET_TOTALS,
        "groups": [dict(zip(keys, row, strict=True)) for row in groups],
        "editing": BUDGET_BLANK,
        "categories": [("venue", "Venue"), ("food", "Food and drink")],
        "kinds": [("deposit", "Deposit"), ("balance", "Balance")],
        "errors": {},
        "problems": [],
    }


def settings_values() -> dict[str, Any]:
    wrong = "The wedding cannot be before today. Choose a later day."
    return {
        "wedding": WEDDING_FACTS,
        "zones": [("Europe/London", "London"), ("Pacific/Auckland", "Auckland")],
        "informed": ["Hartley & Finch", "Marrow & Thyme", "The Tithe Barn"],
        "errors": {"on": wrong},
        "problems": [("on", wrong)],
        "site": {
            "slug": "ana-and-ben",
            "is_published": True,
            "welcome": "We are so glad you can be there.",
            "version": 1,
            "url": "/w/ana-and-ben",
        },
        "people": [
            {
                "id": "m1",
                "name": "Ana Duarte",
                "email": "ana@example.org",
                "role": "couple",
                "is_me": True,
                "state_words": "here now",
            },
            {
                "id": "m2",
                "name": "Ben Okafor",
                "email": "ben@example.org",
                "role": "partner",
                "is_me": False,
                "state_words": "2 hours ago",
            },
        ],
        "helpers": [{"id": "h1", "name": "Nina Duarte", "what": "2 tasks", "last_seen_at": ago(days=1)}],
        "dates": [
            {"on": date(2027, 9, 4), "date_status": "provisional", "changed_at": ago(days=40), "who": "Ben Okafor"},
            {"on": None, "date_status": "undecided", "changed_at": ago(days=90), "who": ""},
        ],
        "helper_url": "https://wedsync.example/help/made-up",
        "reasks_avoided": 41,
    }


def conflict_values() -> dict[str, Any]:
    return {
        "who": "Ben",
        "action": f"/me/{WEDDING}/guests/g2",
        "version": 5,
        "fields": [{"name": "table_label", "label": "Table", "theirs": "7", "mine": "4"}],
        "kept": {"first_name": "Ola"},
        "back": f"/me/{WEDDING}/guests",
    }
