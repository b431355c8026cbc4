"""Journeys in the gallery: the list, the editor, one wedding on its way, what the couple gets, the way out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from tests.browser.people import NOW, ON, SUPPLIER, WEDDING, ZONE, Scene, ago, couple, public, supplier
from wedsync.journeys import model, planning, preview, starters, view
from wedsync.journeys.model import Journey, Run
from wedsync.journeys.pages.studio import OPTIONS
from wedsync.journeys.pages.weddings import for_couple
from wedsync.journeys.planning import Anchors, Taken

PATH = f"/studio/{SUPPLIER}/journeys/0198c0de-0000-7000-8000-000000000081"
STEPS = model.settle(starters.PHOTOGRAPHER.steps)
JOURNEY = Journey(
    id=UUID("0198c0de-0000-7000-8000-000000000081"),
    supplier_id=UUID(SUPPLIER),
    name="From booking to album",
    starts="booking",
    is_active=True,
    steps=STEPS,
    version=4,
    created_at=ago(days=200),
    updated_at=ago(days=3),
)


def run(key: str, state: Any, days: int, **more: Any) -> Run:
    step = next(one for one in STEPS if one.key == key)
    given: dict[str, Any] = {"reason": "", "answer": "", "people": 2 if state == "sent" else 0, **more}
    at = ago(days=days)
    home: dict[str, Any] = {
        "id": UUID(int=days),
        "wedding_id": UUID(WEDDING),
        "link_id": UUID(int=1),
        "enrolment_id": UUID(int=2),
    }
    stamps: dict[str, Any] = {"version": 1, "created_at": at, "updated_at": at, "due_at": at, "done_at": at}
    return Run(**home, key=key, kind=step.kind, title=step.title, content={}, state=state, **given, **stamps)


def plan(*, taken: bool, is_couple: bool = False) -> list[dict[str, Any]]:
    runs = [run("s1", "sent", 200), run("s2", "done", 1), run("s3", "failed", 0, reason="no_value")] if taken else []
    known = {one.key: Taken(due_at=one.due_at, done_at=one.done_at, reason=one.reason) for one in runs}
    over = datetime(ON.year, ON.month, ON.day, tzinfo=UTC) + timedelta(days=1)
    since = ago(days=200) if taken else NOW
    anchors = Anchors(zone=ZONE, booked_at=since, began_at=since, on=ON, first_on=ON, last_on=ON, ended_at=over)
    found = planning.plan(STEPS, anchors, now=NOW, since=since, taken=known, reached={})
    seen = preview.views(STEPS, found, runs)
    return view.plan_rows(for_couple(seen) if is_couple else seen, ZONE)


def editor(**more: Any) -> dict[str, Any]:
    on_it = [
        {"wedding_id": WEDDING, "couple_names": "Ana & Ben", "on": ON, "state": "active", "taken": 3, "failed": 1},
        {"wedding_id": WEDDING, "couple_names": "Maya & Tom", "on": ON, "state": "paused", "taken": 0, "failed": 0},
    ]
    return {
        "path": PATH,
        "journey": JOURNEY,
        "rows": [view.step_row(n, step, STEPS) for n, step in enumerate(STEPS, 1)],
        "open_key": "",
        "said": "",
        "options": OPTIONS,
        "may_write": True,
        "weddings": [(WEDDING, "Ana & Ben"), ("w2", "Maya & Tom")],
        "chosen": WEDDING,
        "plan": plan(taken=False),
        "on_it": [one | {"next_at": NOW + timedelta(days=9), "journey_version": 4 - n} for n, one in enumerate(on_it)],
        "enrolled": view.ENROLLED,
    } | more


def scenes() -> Iterator[Scene]:
    shell = supplier("weddings")
    offered = [(key, one.name, len(one.steps)) for key, one in starters.STARTERS.items()]
    off = view.summary(JOURNEY) | {"name": "A year together", "is_active": False}
    listed = {"journeys": [view.summary(JOURNEY), off], "starters": offered, "may_write": True}
    yield Scene("journeys", "journeys/journeys.html", shell, listed)
    yield Scene("journeys-none", "journeys/journeys.html", shell, listed | {"journeys": []})
    yield Scene("journey", "journeys/journey.html", shell, editor())
    said = "Step 1, “Welcome”: use {couple}, {name}, {business}, {date}, {venue}, {days_to_go}."
    yield Scene(
        "journey-refused", "journeys/journey.html", shell, editor(open_key="s1", said=said, on_it=[], weddings=[])
    )
    enrolled = {
        "id": "e1",
        "name": JOURNEY.name,
        "state": "active",
        "began_at": ago(days=200),
        "plan": plan(taken=True),
    }
    wedding = {
        "path": f"/studio/{SUPPLIER}/weddings/{WEDDING}",
        "couple": "Ana & Ben",
        "enrolments": [enrolled],
        "enrolled": view.ENROLLED,
        "free": [("j2", "A year together")],
        "milestones": [("Booking confirmed", ago(days=200)), ("Six months to go", ago(days=120))],
        "is_final": False,
    }
    yield Scene("journeys-wedding", "journeys/wedding.html", shell, wedding)
    none = wedding | {"enrolments": [], "free": [], "milestones": []}
    yield Scene("journeys-wedding-none", "journeys/wedding.html", shell, none)
    sent = plan(taken=True, is_couple=True)
    ours = [
        {"id": "l1", "name": "Hartley & Finch", "takes_offers": True, "steps": sent},
        {"id": "l2", "name": "The Tithe Barn", "takes_offers": False, "steps": []},
    ]
    yield Scene("journeys-couple", "journeys/couple.html", couple("suppliers"), {"suppliers": ours})
    stop = {"token": "t", "supplier": "Hartley & Finch", "is_done": False}
    yield Scene("journeys-stop", "journeys/stop.html", public(), stop)
    yield Scene("journeys-stopped", "journeys/stop.html", public(), stop | {"is_done": True})
