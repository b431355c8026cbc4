"""The gallery for people without an account: signing in, the website, a helper, a confirmation, refusals."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, time
from typing import Any

from markupsafe import Markup

from tests.browser.people import CATEGORY_OPTIONS, LIVE, ON, WEDDING_FACTS, ZONE, Scene, ago, public
from tests.browser.scenes_plan import task
from wedsync.web.admission import Kind
from wedsync.web.shedding import DETAIL


def scenes() -> Iterator[Scene]:
    yield Scene("sign-in", "people/sign_in.html", public(), {"email": "", "errors": {}, "next": "", "notice_words": ""})
    wrong = {
        "email": "ana@",
        "errors": {"email": "This is not an e-mail address. Write it like ana@example.org."},
        "next": "",
    }
    yield Scene(
        "sign-in-refused",
        "people/sign_in.html",
        public(),
        wrong | {"notice_words": "That link has run out. Ask for a new one."},
    )
    yield Scene("sent", "people/sent.html", public(), {"email": "ana@example.org", "minutes": 15})
    yield Scene("arrive", "people/arrive.html", public(), {"action": "/sign-in/made-up", "presses_itself": False})
    start = {"name": "Ana Duarte", "weddings": [{"href": "/me/1", "words": "Ana & Ben", "on": ON}], "studios": []}
    yield Scene(
        "start", "people/start.html", public(), start | {"consoles": [], "categories": CATEGORY_OPTIONS, "errors": {}}
    )
    yield Scene("site", "weddings/site.html", public(live=LIVE), site_values())
    yield Scene("site-postponed", "weddings/site.html", public(), site_values(date_status="postponed", on=None))
    yield Scene("helper", "tasks/helper.html", public("/help/made-up", live=LIVE), helper_values())
    yield Scene("ack", "acknowledgements/ack.html", public(), ack_values())
    yield Scene("ack-done", "acknowledgements/ack.html", public(), ack_values(open=[]))
    for status in ("403", "404", "410", "500"):
        yield Scene(f"error-{status}", f"errors/{status}.html", public(), {"request_id": "0198c0de"})
    yield Scene("error-busy", "errors/busy.html", public(), {"detail": DETAIL[Kind.READ], "is_act": False})
    problem = {
        "status": 422,
        "title": "Some of it cannot be saved",
        "detail": "Two fields need mending; nothing was changed.",
    }
    problem["errors"] = [{"field": "minutes", "reason": "Must be at most 2880.", "fix": "Split it into two items."}]
    yield Scene("error-problem", "errors/problem.html", public(), problem)


def site_values(**more: Any) -> dict[str, Any]:
    keys = ("title", "on", "at_local", "place", "address", "map_href")
    items = [
        (
            "Ceremony",
            ON,
            time(14, 0),
            "St Leonard’s, Hartley",
            "Church Lane, Hartley GU12 4QP",
            "https://maps.example/1",
        ),
        (
            "Dinner and dancing",
            ON,
            time(17, 0),
            "The Tithe Barn",
            "Mill End, Hartley GU12 4RR",
            "https://maps.example/2",
        ),
        ("Brunch", date(2027, 9, 12), time(11, 0), "Mill House", "", ""),
    ]
    site = {"names": "Ana & Ben", "on": ON, "date_status": "confirmed", "zone": ZONE}
    site |= {"items": [dict(zip(keys, row, strict=True)) for row in items]}
    site["welcome_html"] = Markup(
        "<p>We met on a platform in Porto, and have been missing trains together ever since.</p>"
        "<p>Come and celebrate with us.</p>"
    )
    return {"slug": "ana-and-ben", "site": site | more, "rsvp_open": True}


def helper_values() -> dict[str, Any]:
    cues = [
        {
            "id": "c1",
            "title": "Ceremony",
            "on": ON,
            "at_local": time(14, 0),
            "place": "St Leonard’s",
            "detail": "Rings to Ben before the hymn",
            "is_mine": True,
        },
        {
            "id": "c2",
            "title": "Drinks",
            "on": ON,
            "at_local": time(15, 45),
            "place": "The Tithe Barn",
            "detail": "",
            "is_mine": False,
        },
    ]
    mine = [
        task("t1", "Collect the buttonholes", date(2027, 9, 10), "", may_edit=False, may_answer=True),
        task("t2", "Test the microphone", None, "", may_edit=False, may_answer=True, answer="accepted"),
    ]
    return {
        "name": "Nina",
        "wedding": WEDDING_FACTS,
        "groups": [{"key": "mine", "heading": "Before the day", "tasks": mine}],
        "cues": cues,
        "contacts": [{"name": "Ben Okafor", "what": "If anything is on fire", "phone": "+44 7700 900789"}],
    }


def ack_values(**more: Any) -> dict[str, Any]:
    return {
        "token": "made-up",
        "supplier_name": "Bramble Florals",
        "couple_names": "Ana & Ben",
        "on": ON,
        "open": [
            {
                "id": "a1",
                "words": "Ceremony moved",
                "before": "13:30",
                "after": "14:00",
                "by": "Ben",
                "since": ago(hours=2),
                "state": "open",
            },
            {
                "id": "a2",
                "words": "Reception is now at",
                "before": "The Long Room",
                "after": "The Tithe Barn",
                "by": "Ana",
                "since": ago(days=1),
                "state": "open",
            },
        ],
        "done": [{"words": "Date confirmed", "after": "Saturday 11 September 2027", "acknowledged_at": ago(days=30)}],
        "plan_href": "/",
    } | more
