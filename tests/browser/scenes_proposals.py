"""Proposals and sources of hooks in the gallery: what waits, a supplier's form, and the map of a program's hooks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from tests.browser.people import LIVE, NOW, SUPPLIER, WEDDING, Scene, ago, couple, supplier
from wedsync.connections.clienting import ClientRead
from wedsync.connections.model import Connection, Preview
from wedsync.connections.pages.clienting import DATES, WORDS
from wedsync.connections.pages.maps import OURS, STATES, STEPS, Drawn
from wedsync.connections.pages.sources import SCHEMES
from wedsync.connections.proposing import ProposalMap, Read
from wedsync.kit.mapping import Rule, Step
from wedsync.proposals.pages.supplier import LEVELS, YES_NO
from wedsync.proposals.subjects import SUBJECTS
from wedsync.proposals.view import STATES as STANDS

PATH = f"/me/{WEDDING}/connections"
STUDIO = f"/studio/{SUPPLIER}/weddings/{WEDDING}"
SOURCE = Connection(
    id=UUID(int=7),
    tenant_id=UUID(WEDDING),
    connector="zapier_hook",
    title="Our planner",
    scheme="bearer",
    settings={},
    version=3,
    created_at=NOW,
    updated_at=NOW,
    url=f"https://wedsync.example/hooks/zapier_hook/{UUID(int=7)}",
)


def change(label: str, now: str, wanted: str, *, seen: str | None = None) -> dict[str, Any]:
    return {"label": label, "seen": now if seen is None else seen, "now": now, "wanted": wanted, "moved": bool(seen)}


def card(id: str, title: str, *changes: dict[str, Any], state: str = "open", **more: Any) -> dict[str, Any]:
    words, tone = STANDS[state]
    made = {"id": id, "title": title, "from": "Hartley & Finch", "via": "", "why": "", "word": "", "state": state}
    made |= {"state_words": words, "tone": tone, "waits": state in ("open", "stale"), "at": ago(hours=2)}
    made |= {"decided_at": ago(minutes=5), "version": 2, "subject_version": 4, "is_gone": False, "is_weighty": False}
    return made | {"changes": list(changes)} | more


LIGHT = card(
    "p1",
    "Family photos before the speeches, on the terrace behind the orangery",
    change("Time", "15:00", "15:30"),
    change("Minutes", "30", "45"),
    why="The light is better after three, and the family will have arrived by then.",
)
STALE = card("p2", "Dinner", change("Time", "19:00", "18:30", seen="18:00"), state="stale")
OPENED = card("p3", "Hartley & Finch", change("Sees the guest list", "no", "yes"), is_weighty=True)
GONE = card("p4", "Sparkler exit", change("Time", "", "22:30"), state="stale", is_gone=True, subject_version=None)
REFUSED = card("p5", "Cake", change("Time", "20:00", "22:00"), state="refused", word="Too late for the children.")
TAKEN = card("p6", "The wedding", change("Guests, about", "80", "95"), state="accepted")


def decisions() -> dict[str, Any]:
    first = [LIGHT, card("p7", "First dance", change("Place", "", "The lawn")), STALE, OPENED]
    groups = [
        {"id": "s1", "name": "Hartley & Finch", "via": "", "proposals": first, "together": first[:2]},
        {"id": "s2", "name": "Our planner", "via": "a hook", "proposals": [GONE], "together": []},
    ]
    return {"groups": groups, "decided": [REFUSED, TAKEN]}


def own(**more: Any) -> dict[str, Any]:
    fields = [
        {"name": "title", "label": "Name", "type": "text", "options": (), "value": "Dinner"},
        {"name": "at_local", "label": "Time", "type": "time", "options": (), "value": "18:00"},
        {"name": "minutes", "label": "Minutes", "type": "number", "options": (), "value": "-4"},
        {"name": "level", "label": "Level", "type": "", "options": LEVELS, "value": "standard"},
        {"name": "can_view_guests", "label": "Sees the guest list", "type": "", "options": YES_NO, "value": "false"},
    ]
    choices = [("schedule_items:1", "Dinner"), ("schedule_items:", "Something new on the schedule")]
    made = {"path": STUDIO, "couple": "Ana & Ben", "about": "", "choices": choices, "fields": [], "why": ""}
    made |= {"errors": {}, "problems": [], "cards": [LIGHT, REFUSED]}
    wrong = {"minutes": "is not right: at least 0"}
    return made | ({"about": "schedule_items:1", "fields": fields, "errors": wrong, **more} if more else {})


def editor(*, is_empty: bool = False) -> dict[str, Any]:
    rules = (
        Rule(target="find", source=("$.session.name",)),
        Rule(target="at_local", source=("$.session.start",)),
        Rule(target="minutes", source=("$.session.length.in_minutes",), transform=(Step("integer"),)),
    )
    drawn = Drawn(
        number=0,
        title=SOURCE.title,
        version=3,
        map=ProposalMap(type="session.updated", subject="schedule_items", rules=() if is_empty else rules),
        links={},
    )
    rows = [{"source": r.source[0], "target": r.target, "step": "", "rule": "{}"} for r in drawn.map.rules]
    read = Read(subject="schedule_items", fields={"at_local": "18:30", "minutes": 90}, find="Dinner")
    samples = [("$.session.name", "Dinner"), ("$.session.start", "18:30"), ("$.session.length.in_minutes", "90")]
    seen = Preview(type="session.updated", samples=samples, map=0, read=read)
    failed = {
        "id": UUID(int=2),
        "received_at": ago(days=1),
        "type": "",
        "error": "Nothing on the schedule is called 'Tea'.",
    }
    taken = {"id": UUID(int=1), "received_at": ago(minutes=4), "type": "session.updated", "error": ""}
    fields = SUBJECTS["schedule_items"].fields
    return {
        "path": PATH,
        "source": SOURCE,
        "drawn": drawn,
        "errors": ["is missing: Choose one of the list."] if is_empty else [],
        "maps": [] if is_empty else [(0, "session.updated"), (1, "Every type")],
        "subjects": [(name, one.word.capitalize()) for name, one in SUBJECTS.items()],
        "targets": [("", "Nothing"), *OURS.items(), *fields.items()],
        "rows": rows + [{"source": "", "target": "", "step": "", "rule": ""}] * 3,
        "steps": STEPS,
        "kept": "kept",
        "seen": None if is_empty else seen,
        "chosen": None if is_empty else UUID(int=1),
        "labels": {**OURS, **fields},
        "links": [],
        "hooks": [] if is_empty else [taken | {"words": STATES["proposed"]}, failed | {"words": STATES["failed"]}],
        "may_rotate": True,
        "may_be_clients": True,
    }


def of_clients() -> dict[str, Any]:
    client = ClientRead(
        couple_names="Maria Santos & Tom Okafor", wedding_on="2027-06-05", stage="booked", external_id="J-77"
    )
    rows = [
        ("$.job_id", "J-77", "external_id"),
        ("$.bride.full", "Maria Santos", "name"),
        ("$.groom.full", "Tom Okafor", "partner_name"),
        ("$.colour", "Tomato", ""),
    ]
    seen = Preview(type="", samples=[(at, value) for at, value, _ in rows], client=client)
    told = {"path": PATH, "source": SOURCE, "rows": rows, "words": WORDS, "orders": DATES, "dates": "", "seen": seen}
    return told | {"is_on": True, "error": ""}


def scenes() -> Iterator[Scene]:
    yield Scene("proposals", "proposals/proposals.html", couple("proposals", live=LIVE), decisions())
    yield Scene("proposals-none", "proposals/proposals.html", couple("proposals"), {"groups": [], "decided": []})
    yield Scene("propose", "proposals/own.html", supplier("weddings", live=LIVE), own())
    problems = [("minutes", "is not right: at least 0")]
    yield Scene("propose-form", "proposals/own.html", supplier("weddings"), own(problems=problems))
    yield Scene("hook-map", "connections/source.html", couple("settings"), editor())
    yield Scene("hook-map-empty", "connections/source.html", couple("settings"), editor(is_empty=True))
    yield Scene("hook-clients", "connections/source_clients.html", supplier("connections"), of_clients())
    listed = {"path": PATH, "sources": [SOURCE], "schemes": SCHEMES, "made": None, "secret": "", "errors": {}}
    listed |= {"is_new": True, "overlap_hours": 24}
    yield Scene("hooks", "connections/sources.html", couple("settings"), listed)
    turned = listed | {"made": SOURCE, "secret": "whsec_" + "ShownOnce" * 5, "is_new": False}
    yield Scene("hook-secret", "connections/sources.html", couple("settings"), turned)
