"""Notices in the gallery: an inbox full and empty, why one came or waits, and how one wants to be told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

from tests.browser.people import NOW, Scene, couple, supplier
from wedsync.notices import why
from wedsync.notices.deciding import Step
from wedsync.notices.facts import Notice
from wedsync.notices.pages.choose import HOWS, _kinds
from wedsync.notices.pages.inbox import SIGNS, TABS
from wedsync.notices.pages.reasons import _ways

WHO = UUID(int=7)


def notice(number: int, title: str, detail: str, category: str, **more: Any) -> Notice:
    fields: dict[str, Any] = dict.fromkeys(("delivered_at", "seen_at", "read_at", "acted_at", "archived_at"))
    fields |= {
        "id": UUID(int=number),
        "person_id": WHO,
        "event_id": UUID(int=number),
        "stream_id": WHO,
        "type": "x.done",
    }
    fields |= {"occurred_at": NOW - timedelta(minutes=7 * number), "created_at": NOW, "updated_at": NOW, "version": 1}
    return Notice(
        **fields | {"title": title, "detail": detail, "category": category, "severity": "normal"} | more, href=""
    )


def notices() -> list[Notice]:
    read = {"read_at": NOW, "seen_at": NOW}
    return [
        notice(9, "Ana & Ben: The ceremony has changed", "13:30 → 14:00", "changes"),
        notice(8, "Ana & Ben: There is a task for you: Bring the long ladder and two lamps", "", "tasks"),
        notice(7, "Ana & Ben: €450.00 was received: Deposit", "", "money", **read),
        notice(6, "Our CRM must be connected again", "The key was withdrawn in VSCO Workspace.", "account", **read),
    ]


def inbox(items: list[Notice], shown: str = "all") -> dict[str, Any]:
    return {
        "items": items,
        "signs": SIGNS,
        "shown": shown,
        "tabs_": [(key, words, f"/inbox?state={key}", None) for key, words in TABS],
        "unread": len([one for one in items if not one.read_at]),
        "src": "/fragments/inbox?state=all",
        "query": "?state=all",
        "after": "/inbox?cursor=1" if items else "",
    }


def decided() -> why.Decided:
    return why.Decided(
        event_id=WHO,
        stream_id=WHO,
        type="task.assigned",
        title="Ana & Ben: There is a task for you: Bring the long ladder",
        category="tasks",
        severity="normal",
        outcomes={
            "email": {"do": "defer", "reason": "quiet hours"},
            "sms": {"do": "suppress", "reason": "switched off"},
        },
        trace=[
            Step("email", "law", "nothing forbids it"),
            Step("email", "quiet hours", "quiet hours"),
            Step("sms", "preference", "switched off by you"),
        ],
        decided_at=NOW,
        waiting=[why.Waiting(channel="email", due_at=NOW + timedelta(hours=8), ended_at=None, ended=None)],
    )


def choosing(**more: Any) -> dict[str, Any]:
    return {
        "said": "",
        "errors": {},
        "version": 3,
        "channels": [("email", "E-mail", True)],
        "kinds": _kinds({"tasks": {"email": "digest"}}),
        "everybody": None,
        "weddings": [("w1", "Ana & Ben", ""), ("w2", "Ines & Kofi", "off")],
        "hows": HOWS,
        "zone": "Europe/London",
        "zones": ["Europe/London", "Europe/Paris"],
        "is_quiet": True,
        "quiet_from": "22:00",
        "quiet_until": "07:00",
        "digest_at": "18:00",
        "locale": "nl",
        "locales": [("de", "Deutsch"), ("en", "English"), ("nl", "Nederlands")],
    } | more


def scenes() -> Iterator[Scene]:
    studio, me = supplier("inbox", unread=2), couple("inbox", unread=0)
    one = decided()
    yield Scene("inbox", "notices/inbox.html", studio, inbox(notices()))
    yield Scene("inbox-empty", "notices/inbox.html", me, inbox([], "unread"))
    ways = _ways(one, "Europe/London")
    yield Scene("notice-why", "notices/why.html", studio, {"one": one, "ways": ways, "zone": "Europe/London"})
    refused = {
        "zone": "is not an IANA time zone. Use a name such as Europe/London.",
        "quiet": "until is when they begin.",
    }
    yield Scene("preferences", "notices/preferences.html", studio, choosing(errors=refused))
    everybody = {"version": 1, "kinds": _kinds({})}
    yield Scene("preferences-couple", "notices/preferences.html", me, choosing(said="Saved.", everybody=everybody))
