"""Routing rules in the gallery: the list, the builder new and refused, removing, and why one event went where."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from tests.browser.people import NOW, Scene, ago, couple
from tests.browser.scenes_webhooks import PATH, studio
from wedsync.processes import registry
from wedsync.subscriptions import wording as picker
from wedsync.subscriptions.pages import rule_form
from wedsync.subscriptions.rules.fields import Fields

FIELDS = Fields(registry.catalogue().types)
ACTIVE = picker.ENDPOINTS["active"]


def line(number: int, name: str, **more: Any) -> dict[str, Any]:
    made = {
        "id": f"r{number}",
        "name": name,
        "number": number,
        "version": 1,
        "is_active": True,
        "is_first": number == 1,
    }
    made |= {"is_last": False, "events": "Invitations and answers", "conditions": "", "lane": "", "mode": ""}
    return made | {"shape": "", "quiet": ""} | more


RULES = [
    line(1, "Who does not come", conditions="Status is one of declined, tentative", lane="high"),
    line(2, "Table plan", mode="Only the newest state of each thing", shape="guest.name, table", is_active=False),
    line(3, "Everything calm", events="Tasks; Menus", quiet="22:00 to 07:00 (Europe/London), Fri, Sat", is_last=True),
]
CRM = {"id": "crm", "name": "CRM", "url": "https://hooks.example.com/crm/in", "version": 3, "badge": ACTIVE}
SHEET = CRM | {"id": "she", "name": "https://hooks.example.com/sheet", "url": "https://hooks.example.com/sheet"}


def state(**more: Any) -> rule_form.State:
    asked = rule_form.Asked(field="record.status", operator="one_of", values=["declined"])
    late = rule_form.Asked(field="record.responded_by", operator="contains", values=["guest"])
    sent = [rule_form.Sent(target="guest", source="record.guest_id"), rule_form.Sent(target="from", constant="us")]
    made: dict[str, Any] = {"id": "r1", "version": 2, "name": "Who does not come", "endpoint_id": "crm", "lane": "1"}
    made |= {"types": ["rsvp.replied"], "rows": [asked, late], "shaped": "on", "shape": sent, "quiet": "on"}
    return rule_form.State(**(made | {"quiet_days": ["5", "6"]} | more))


def builder(given: rule_form.State, errors: dict[str, str] | None = None, said: str = "") -> dict[str, Any]:
    place: Any = SimpleNamespace(path=PATH, face="supplier")
    rows: list[Any] = [CRM | {"description": "CRM"}, SHEET | {"description": ""}]
    return rule_form.values(place, given, FIELDS, rows, errors) | {"said": said}


def verdict(name: str, answer: str, words: str, **more: Any) -> Any:
    made = {"rule_id": UUID(int=1), "name": name, "answer": answer, "words": words, "is_newer": False}
    return SimpleNamespace(**(made | more))


def why() -> dict[str, Any]:
    steps = "high (needs.changed by itself), critical (severe)"
    event = {"type": "needs.changed", "sequence": 412, "occurred_at": ago(minutes=9), "is_severe": True}
    event |= {"event_id": "0198c0de-7f00-7000-8000-0000000000d1", "may_see": False}
    owed = {"endpoint_id": "crm", "delivery_id": "d1", "endpoint": "CRM", "name": "Allergies", "is_test": False}
    owed |= {"replay_of": None, "rule_id": UUID(int=1), "state": "deferred", "made_at": ago(minutes=9)}
    owed |= {"reason": "The receiver answered 503."}
    rows = [
        (verdict("Small", "condition", "Not so: Severity is high."), "Not so", "", steps),
        (verdict("Allergies", "takes", "It takes it.", is_newer=True), "Takes it", "good", steps),
        (verdict("The endpoint's own list", "earlier_rule", "Taken.", rule_id=None), "Taken before", "", steps),
    ]
    values = {"path": PATH, "now": NOW, "states": picker.STATES, "event": SimpleNamespace(**event)}
    return values | {"happened": [(SimpleNamespace(**owed), steps)], "now_by_endpoint": [("CRM", "crm", rows)]}


def scenes() -> Iterator[Scene]:
    full = [
        CRM | {"rules": RULES, "rest": "Names, date, places and times"},
        SHEET | {"rules": [], "rest": "Everything"},
    ]
    listed = {"path": PATH, "endpoints": full, "said": "The order is changed."}
    yield Scene("rules", "subscriptions/rules/list.html", studio(), listed)
    empty = {"path": "/me/webhooks", "endpoints": [], "said": ""}
    yield Scene("rules-empty", "subscriptions/rules/list.html", couple("settings"), empty)
    new = rule_form.State(id="r9")
    yield Scene("rule-new", "subscriptions/rules/builder.html", studio(), builder(new))
    wrong = {"types": "Choose at least one kind of event.", "conditions[1].value": "Needs some letters to look for."}
    refused = builder(state(), wrong | {"quiet.zone": "Is not an IANA time zone."}, "Somebody changed this rule.")
    yield Scene("rule-refused", "subscriptions/rules/builder.html", studio(), refused)
    yield Scene("rule-remove", "subscriptions/rules/remove.html", studio(), {"path": PATH, "rule": RULES[0]})
    yield Scene("rule-why", "subscriptions/rules/why.html", studio(), why())
