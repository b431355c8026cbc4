"""Emergencies in the gallery: the couple's page with the ladder, a supplier's, one alert as it stands, and the link."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from tests.browser.people import LIVE, SUPPLIER, WEDDING, Scene, ago, couple, public, supplier
from wedsync.alerts import model
from wedsync.alerts.pages import shown

ME = f"/me/{WEDDING}/alerts"
STUDIO = f"/studio/{SUPPLIER}/weddings/{WEDDING}/alerts"
DETAIL = "The band has not come, nobody answers their phone.\nThe first dance is at eight: can anybody play records?"


def alert(number: int = 1, **more: Any) -> model.Alert:
    blank: dict[str, Any] = {
        "id": UUID(int=number),
        "wedding_id": UUID(WEDDING),
        "kind": "emergency",
        "what": "supplier_missing",
        "severity": "p1",
        "place": "Tithe Barn, small door",
        "detail": DETAIL,
        "state": "triggered",
        "times": 2,
        "step": 4,
        "next_at": ago(minutes=0),
        "is_breached": True,
        "raised_name": "Theodora Papadopoulou-Featherstonehaugh (Marlow Photo)",
        "raised_at": ago(minutes=2),
        "acknowledged_name": "",
        "acknowledged_via": None,
        "acknowledged_at": None,
        "held_until": None,
        "outcome": "",
        "ended_at": None,
        "version": 3,
    }
    return model.Alert(**(blank | more))


def call(number: int, name: str, ways: str, **more: Any) -> dict[str, Any]:
    row = {"person_id": f"p{number}", "name": name, "tier": number, "ways": ways, "first_at": ago(minutes=2)}
    return row | {"last_at": ago(minutes=1), "calls": 1, "answer": None, "answered_at": None} | more


def calls() -> list[dict[str, Any]]:
    return [
        call(1, "Petra Quill (Quill & Lantern Weddings)", "here, mail, text, call", calls=3),
        call(2, "Dora", "here, mail", answer="cannot", answered_at=ago(minutes=1)),
        call(3, "Uma Okafor (The Tithe Barn Estate)", "here", answer="acknowledged", answered_at=ago(seconds=20)),
    ]


def listed(base: str, **more: Any) -> dict[str, Any]:
    acknowledged = {"state": "acknowledged", "acknowledged_name": "Uma Okafor (The Tithe Barn Estate)"}
    alerts = [
        alert(),
        alert(2, what="weather", place="", **acknowledged),
        alert(3, kind="drill", what="other", place="", state="resolved", raised_name="The morning's drill"),
    ]
    blank = {"alerts": alerts, "about": about(), "people": [], "base": base, "typed": shown.BLANK, "errors": {}}
    return blank | {"problems": [], "words": model, "back": [("Weddings", "/")]} | more


def about(**more: Any) -> dict[str, Any]:
    return {"may_raise": True, "role": "couple", "couple_names": "Ana & Ben", "id": None} | more


def one(base: str, shown_alert: model.Alert, **more: Any) -> dict[str, Any]:
    blank = {"alert": shown_alert, "calls": calls(), "about": about(), "base": base, "words": model}
    return blank | more


def scenes() -> Iterator[Scene]:
    people = [
        {"id": "p1", "name": "Petra Quill", "what": "Quill & Lantern Weddings", "tier": None, "usual": 1},
        {"id": "p2", "name": "Uma Okafor", "what": "The Tithe Barn Estate", "tier": 0, "usual": 1},
        {"id": "p3", "name": "Ana", "what": "You two", "tier": None, "usual": 0},
    ]
    ours = couple("schedule", live=LIVE)
    yield Scene("alerts", "alerts/list.html", ours, listed(ME, people=people))
    error = {"what": "Is missing. Choose what it is about."}
    wrong = {"errors": error, "problems": list(error.items()), "alerts": []}
    yield Scene("alerts-none", "alerts/list.html", couple("schedule"), listed(ME, people=people, **wrong))
    theirs = supplier("weddings", live=LIVE)
    yield Scene("alerts-studio", "alerts/list.html", theirs, listed(STUDIO, about=about(may_raise=False)))
    yield Scene("alert", "alerts/one.html", ours, one(ME, alert()))
    held = alert(state="acknowledged", acknowledged_name="Uma Okafor", is_breached=False)
    yield Scene("alert-held", "alerts/one.html", theirs, one(STUDIO, held, about=about(role="supplier")))
    done = alert(state="resolved", ended_at=ago(minutes=0), outcome="They were in the wrong car park.")
    yield Scene("alert-over", "alerts/one.html", ours, one(ME, done, calls=[]))
    yield Scene("alarm", "alerts/alarm.html", public(), one("/alarm/token", alert(), about=about(role="pass")))
