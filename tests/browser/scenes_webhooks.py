"""Webhooks in the gallery: endpoints, a secret, the delivery log, one delivery, and what is asked first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from tests.browser.people import LIVE, NOW, SUPPLIER, Scene, ago, couple, supplier
from wedsync.subscriptions import snippets, wording
from wedsync.subscriptions.pages import proof
from wedsync.web.shell import Shell, supplier_sections

PATH = f"/studio/{SUPPLIER}/webhooks"


def studio(**more: Any) -> Shell:
    sections = supplier_sections(f"/studio/{SUPPLIER}", waiting=6, role="owner")
    return msgspec.structs.replace(supplier("webhooks", **more), sections=sections)


def endpoint(name: str, state: str = "active", **more: Any) -> dict[str, Any]:
    words, tone, sign = wording.ENDPOINTS[state]
    made = {"id": name[:3].lower(), "name": name, "url": f"https://hooks.example.com/{name[:3].lower()}/in"}
    made |= {"description": name, "state": state, "state_words": words, "tone": tone, "icon": sign, "state_reason": ""}
    made |= {"events_words": "Invitations and answers; Every item of the schedule", "version": "3", "counted": 812}
    made |= {"counts": [("delivered", "Delivered", 809), ("underway", "On their way", 3)], "events": ["rsvp.*"]}
    made |= {"restraints": [], "warning": "", "proof_words": ""}
    return made | {"delivered_at": ago(minutes=2), "failed_at": None, "failure": ""} | more


CRM = endpoint("CRM")
BROKEN = endpoint(
    "Warehouse sheet",
    "disabled",
    state_reason="The receiver answered 410: it is gone for good.",
    counts=[("delivered", "Delivered", 12), ("parked", "Waiting", 37), ("failed", "Failed", 4)],
    failed_at=ago(hours=3),
    failure="The receiver answered 410: it is gone for good.",
    delivered_at=ago(days=2),
)


RESTING = endpoint(
    "Florist's stock",
    "resting",
    restraints=[
        "It failed 5 times in a row or too often. It is left alone until 09:32:10 UTC, then one delivery tries; no "
        "delivery loses a try by it.",
        "Its host, hooks.example.com, fails several endpoints. One delivery tries now whether it is well again; the "
        "others wait for that.",
        "Nothing was delivered since 2027-07-13 08:12 UTC; after five days without a success it is switched off.",
    ],
) | {"state": "active"}


def delivery(id: str, type: str, state: str, **more: Any) -> dict[str, Any]:
    words, tone, sign = wording.STATES[state]
    made = {"id": id, "type": type, "state": state, "state_words": words, "tone": tone, "icon": sign, "again": ""}
    made |= {"reason": "", "attempts": 1, "made_at": ago(minutes=4), "done_at": ago(minutes=4), "replay_of": None}
    made |= {"event_id": "0198c0de-7f00-7000-8000-0000000000d1", "seq": 412, "previous_seq": 409, "lane": "normal"}
    made |= {"may_cancel": state in ("pending", "deferred", "parked"), "is_parked": state == "parked"}
    made |= {"asked_for": False, "expires_at": "", "is_test": False, "as_new": False}
    made |= {"webhook_id": made["event_id"]}
    return made | {"may_replay": state in ("delivered", "dead"), "is_moving": False} | more


LOG = [
    delivery("d0", "rsvp.replied", "delivered", is_test=True, event_id=None, seq=None),
    delivery("d1", "rsvp.replied", "pending", attempts=0),
    delivery("d2", "schedule_item.moved", "delivered"),
    delivery(
        "d3", "wedding.times_changed", "deferred", again="in 12 min", attempts=3, reason="The receiver answered 503."
    ),
    delivery("d4", "headcount.changed", "dead", attempts=12, reason="No answer within 10 s."),
    delivery("d5", "task.assigned", "delivered", replay_of="d0"),
]


def log_values(**more: Any) -> dict[str, Any]:
    return {
        "path": PATH,
        "endpoint": CRM,
        "deliveries": LOG,
        "state": "",
        "type": "",
        "types": [("", "All types"), ("rsvp.replied", "rsvp.replied"), ("task.assigned", "task.assigned")],
        "tests": [("rsvp.invited", "rsvp.invited"), ("rsvp.replied", "rsvp.replied")],
        "tested": "",
        "as_new": False,
        "tabs": [(key, words, f"?state={key}", None) for key, words, _ in wording.TABS],
        "before": None,
        "after": "?after=x",
        "src": f"{PATH}/crm/fragments/log",
        "every_s": 10,
        "counted_max": 10_000,
        "parked_words": wording.parked("active"),
        "said": "",
        "sent": None,
        "released": None,
        "now": NOW,
    } | more


def delivery_values() -> dict[str, Any]:
    timings = [("Name looked up", "2.1 ms"), ("First byte of the answer", "48 ms"), ("All of it", "49 ms")]
    good = {"number": 3, "is_good": True, "is_late": False, "words": "Taken.", "advice": "", "status": 200}
    good |= {"at_words": "2027-07-14 09:26:01 UTC", "address": "203.0.113.9", "timings": timings, "response_head": "ok"}
    good |= {"request_headers": [("content-type", "application/json"), ("webhook-signature", "•••")]}
    failed = good | {"number": 2, "is_good": False, "status": 401, "words": "The receiver answered 401."}
    failed |= {"advice": wording.advice(status=401, detail=""), "response_head": '{"error": "bad signature"}'}
    silent = failed | {"number": 1, "status": None, "words": "No answer within 10 s.", "response_head": ""}
    silent |= {"advice": wording.advice(status=None, detail="No answer within 10 s."), "timings": timings[:1]}
    one = delivery("d2", "schedule_item.moved", "delivered", attempts=3)
    values = {"path": PATH, "endpoint": CRM, "delivery": one, "tries": [good, failed, silent], "by": None, "behind": 3}
    return values | {"src": f"{PATH}/crm/deliveries/d2/fragments/tries", "every_s": 10, "now": NOW}


def form_values(**more: Any) -> dict[str, Any]:
    offered = [(g.words, [(p, w, p == "rsvp.*") for p, w in g.patterns]) for g in wording.groups("supplier")]
    new = {"id": "e1", "url": "", "description": "", "version": None}
    values = {"path": PATH, "endpoint": new, "everything": True, "groups": offered, "patterns": "", "errors": {}}
    proved = {"auth": {"kind": "oauth2", "client_id": "wedsync"}, "headers": {"x-tenant": None}, "held": "oauth2"}
    return values | proof.values(proved) | more


def scenes() -> Iterator[Scene]:
    listed = {
        "path": PATH,
        "endpoints": [CRM, BROKEN, RESTING, endpoint("Calendar", "paused", counts=[], delivered_at=None)],
    }
    yield Scene("webhooks", "subscriptions/webhooks.html", studio(live=LIVE), listed | {"now": NOW})
    empty = {"path": "/me/webhooks", "endpoints": [], "now": NOW}
    yield Scene("webhooks-empty", "subscriptions/webhooks.html", couple("settings"), empty)
    yield Scene("webhook-new", "subscriptions/form.html", studio(), form_values())
    wrong = {"url": "Must be an https address. Such as https://example.com/hook", "events": "Choose at least one."}
    refused = form_values(everything=False, errors=wrong, patterns="rsvp", endpoint=CRM | {"url": "ftp://x"})
    yield Scene("webhook-refused", "subscriptions/form.html", studio(), refused)
    programs = [("Python", "pip install standardwebhooks", snippets.PYTHON), ("Node", "npm install", snippets.NODE)]
    secret = {"path": PATH, "endpoint": CRM, "secret": "whsec_" + "ShownOnce" * 5, "overlap_hours": 24}
    yield Scene("webhook-secret", "subscriptions/secret.html", studio(), secret | {"snippets": programs})
    yield Scene("webhook-log", "subscriptions/endpoint.html", studio(live=LIVE), log_values())
    waiting = [delivery("d7", "rsvp.replied", "parked", reason="the receiver answered 410: it is gone for good")]
    aside = log_values(
        endpoint=BROKEN,
        parked_words=wording.parked("disabled"),
        deliveries=waiting,
        state="parked",
        sent=37,
        said="Decide again.",
        after=None,
    )
    refused_words = {"reason": "The receiver answered 404.", "attempts": 3}
    by_hand = [
        delivery(f"p{n}", kind, "parked", **refused_words) for n, kind in enumerate(("rsvp.replied", "task.done"))
    ]
    for_a_person = log_values(endpoint=RESTING, deliveries=by_hand, state="parked", released=2, after=None)
    yield Scene("webhook-waiting", "subscriptions/endpoint.html", studio(live=LIVE), for_a_person)
    one = {"delivery": by_hand[0] | {"expires_at": f"{NOW:%Y-%m-%d %H:%M} UTC"}, "endpoint": RESTING, "by": "Ana Lima"}
    yield Scene("webhook-delivery-waiting", "subscriptions/delivery.html", studio(), delivery_values() | one)
    yield Scene("webhook-parked", "subscriptions/endpoint.html", studio(), aside)
    yield Scene("webhook-delivery", "subscriptions/delivery.html", studio(live=LIVE), delivery_values())
    asked = {"path": PATH, "endpoint": CRM}
    yield Scene("webhook-rotate", "subscriptions/rotate.html", studio(), asked)
    yield Scene("webhook-remove", "subscriptions/remove.html", studio(), asked)
    held = {"path": PATH, "endpoint": BROKEN, "waiting": 37, "oldest": ago(days=2), "counted_max": 10_000, "now": NOW}
    yield Scene("webhook-resume", "subscriptions/resume.html", studio(), held)
    again = {"path": PATH, "endpoint": CRM, "count": 37, "count_max": 10_000, "what": "dead", "span": "24", "at": ""}
    again |= {
        "choices": [("dead", "What was given up"), ("missed", "Everything it missed")],
        "since_iso": NOW.isoformat(),
    }
    again |= {"spans": [("", "Ever"), ("24", "The last 24 hours"), ("at", "A time of your own")]}
    yield Scene("webhook-replay", "subscriptions/replay.html", studio(), again | {"since": "2027-07-13 09:30 UTC"})
