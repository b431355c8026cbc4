"""The wedding day in the gallery: live and late, before it, a supplier's; what is missing; who does not come."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from tests.browser.people import LIVE, SUPPLIER, WEDDING, Scene, ago, couple, public, supplier
from wedsync.days import view
from wedsync.days.model import DayStage
from wedsync.days.pages import desk
from wedsync.operations.wedding_day import noshow, readiness
from wedsync.operations.wedding_day.reading import Afterwards, Backup, LeftToDo, Missing, Owed, Promised

ME = f"/me/{WEDDING}"
STUDIO = f"/studio/{SUPPLIER}/weddings/{WEDDING}"
ON = date(2027, 6, 5)
LONG = "Theodora Papadopoulou-Featherstonehaugh (Quill & Lantern Weddings)"


def entry(number: int, title: str, at: str, until: str, state: str, **more: Any) -> dict[str, Any]:
    blank = {
        "id": UUID(int=number),
        "title": title,
        "place": "Tithe Barn",
        "state": state,
        "at": at,
        "was": "",
        "until": until,
    }
    return blank | {"late_minutes": 0, "is_mine": False, "said_by": "", "may_mark": True} | more


def arrival(number: int, name: str, state: Any, **more: Any) -> dict[str, Any]:
    blank = {"id": UUID(int=number), "name": name, "contact": "", "phone": "", "vehicle": "", "on": ON, "at": "12:30"}
    shown = {"eta": "", "since": "", "is_confirmed": True, "badge": view.STATES[state], "is_missing": False}
    return blank | shown | {"is_mine": False, "version": 1, "steps": view.STEPS[state]} | more


def values(base: str, phase: Any = "live", **more: Any) -> dict[str, Any]:
    title, says = view.PHASES[phase]
    late = {"was": "14:00", "late_minutes": 20, "said_by": LONG}
    items = [
        entry(1, "Hair and make-up", "09:00", "13:00", "done"),
        entry(2, "Ceremony", "14:20", "15:05", "now", **late),
        entry(3, "Drinks on the lawn", "15:05", "16:35", "next", was="14:45", late_minutes=20),
        entry(4, "Photographs with both families, all cousins included", "15:20", "16:20", "later", is_mine=True),
        entry(5, "Lawn games", "15:30", "17:00", "dropped"),
        entry(6, "Dinner", "16:35", "18:35", "later", was="16:15", late_minutes=20),
    ]
    call = {"contact": "Carla Sample", "phone": "+44 7700 900123", "vehicle": "White van, AB12 CDE"}
    missing = {"badge": (view.LATE[3], "bad", "triangle-alert"), "is_missing": True}
    amendment = {"number": 2, "title": "Ceremony", "kind": "move", "changes": [("at", "14:00", "14:20")], "by": LONG}
    dropped = {
        "number": 1,
        "title": "Lawn games",
        "kind": "drop",
        "changes": [],
        "reason": "The lawn is under water.",
        "by": "Ana",
    }
    blank: dict[str, Any] = {
        "base": base,
        "live_src": f"{base}-live",
        "typed": desk.BLANK,
        "errors": {},
        "said": "",
        "phase": {"key": phase, "title": title, "says": says},
        "zone": "Europe/London",
        "may_write": True,
        "may_amend": True,
        "may_hold": False,
        "sees_plan": True,
        "late_minutes": 20,
        "now": [items[1]],
        "next": [items[2]],
        "days": [{"on": ON, "entries": items}],
        "arrivals": [
            arrival(1, "Marlow Photo", "on_site", since="12:24", **call),
            arrival(2, "The Very Late Brass Band of Lower Slaughter", "expected", **call, **missing),
            arrival(3, "Petal & Stem", "on_my_way", eta="13:05", is_confirmed=False),
        ],
        "mine": None,
        "amendments": [
            amendment | {"reason": "The registrar is held up at Oxford.", "at": ago(minutes=12)} | counted(2, 5),
            dropped | {"at": ago(minutes=90)} | counted(5, 5),
        ],
        "held": [],
        "gates": [gate(), gate(state="switched", reason="Rain from three o’clock.", by_name=LONG)],
        "items": [(str(one["id"]), f"{one['title']}, {one['at']}") for one in items],
    }
    return blank | more


def gate(state: Any = "asked", **more: Any) -> dict[str, Any]:
    is_open = state == "asked"
    blank = {
        "id": UUID(int=31 if is_open else 32),
        "title": "Drinks on the lawn",
        "plan_b": "Drinks under the gallery, with the quartet on the stairs",
        "place": "Tithe Barn",
        "by": "Sat 5 Jun, 11:00",
        "badge": view.GATE_STATES[state],
        "forecast": "6.4 mm of rain, gusts of 52 km/h, 12 to 16 °C",
        "as_of": ago(minutes=25),
        "crossed": ["rain", "gusts"],
        "trouble": "",
        "reason": "",
        "by_name": "",
        "may_decide": is_open,
        "may_remove": True,
    }
    return blank | more


def afterwards() -> Afterwards:
    at = datetime.fromisoformat("2027-06-06T20:15:00+00:00")
    stages: list[Any] = ["stand_down", "aftercare"]
    film = {"supplier_name": "Marlow Photo", "kind": "film", "title": "", "stage": "editing"}
    return Afterwards(
        stages=[
            DayStage(id=UUID(int=n), wedding_id=UUID(int=9), on=ON, stage=stage, began_at=at)
            for n, stage in enumerate(stages)
        ],
        promised=[Promised(id=UUID(int=1), promised_on=date(2027, 8, 28), **film)],
        owed=[Owed(id=UUID(int=2), supplier_name=LONG, title="Second half", due_on=date(2027, 6, 19))],
        left_to_do=[LeftToDo(id=UUID(int=3), title="Return the chairs and both ladders", due_on=None)],
    )


def counted(confirmed: int, asked: int) -> dict[str, Any]:
    waiting = ["Petal & Stem", "Marlow Photo", "The Very Late Brass Band of Lower Slaughter"][: asked - confirmed]
    return {"asked": asked, "confirmed": confirmed, "waiting_for": waiting}


def ready() -> readiness.Readiness:
    return readiness.judge(
        readiness.Standing(
            suppliers={"Marlow Photo", "Petal & Stem", "Tithe Barn"},
            invited={"The Very Late Brass Band of Lower Slaughter"},
            items=12,
            has_date=True,
            places=1,
            unowned=["Cake", "First dance", "Lawn games"],
            unconfirmed={"Petal & Stem": 2},
            arriving={"Tithe Barn"},
            contacts=1,
            takes_rsvps=2,
            locked=1,
            has_needs=True,
            tasks_late=2,
        )
    )


def missing() -> Missing:
    at = datetime.fromisoformat("2027-06-05T11:30:00+00:00")
    delayed = noshow.Delayed(
        item_id=UUID(int=4), title="First dance", planned_at=at, expected_at=at + timedelta(hours=1)
    )
    impact = noshow.Impact(severity="p2", theirs=[delayed], others=[], slack_minutes=None)
    backups = [
        Backup(supplier_id=UUID(int=5), name="Strings Attached Quartet", place="Stow-on-the-Wold", slug="strings"),
        Backup(supplier_id=UUID(int=6), name="DJ Eleanor", place="Cheltenham and around", slug="eleanor"),
    ]
    call = {"contact_name": "Carla Sample", "contact_phone": "+44 7700 900123"}
    name = "The Very Late Brass Band of Lower Slaughter"
    return Missing(
        arrival_id=UUID(int=2), supplier_name=name, expected_at=at, zone="Europe/London", rung=3, impact=impact,
        backups=backups, **call,
    )  # fmt: skip


def scenes() -> Iterator[Scene]:
    ours, theirs = couple("schedule", live=LIVE), supplier("weddings", live=LIVE)
    yield Scene("day", "days/day.html", ours, values(f"{ME}/day"))
    held = {
        "id": UUID(int=8), "changes": [("the ceremony venue", "The Orangery")], "reason": "No marquee in this wind.",
        "state": "waiting", "asked_name": "Ana", "asked_at": ago(minutes=9), "ended_name": "", "is_mine": False,
    }  # fmt: skip
    before = {
        "may_hold": True,
        "held": [held],
        "now": [],
        "arrivals": [],
        "amendments": [],
        "may_amend": False,
        "late_minutes": 0,
    }
    yield Scene("day-before", "days/day.html", ours, values(f"{ME}/day", "soft_freeze", **before))
    mine = {
        "on": ON,
        "at_local": "12:30",
        "contact_name": "",
        "contact_phone": "",
        "vehicle": "",
        "is_confirmed": False,
    }
    refused = {
        "said": "Only whoever is responsible for this, or leads the day, says how far it is.",
        "may_amend": False,
    }
    yield Scene("day-studio", "days/day.html", theirs, values(f"{STUDIO}/day", mine=mine, **refused))
    dark = {"sees_plan": False, "may_amend": False, "arrivals": [], "mine": mine | {"is_confirmed": True}}
    yield Scene("day-studio-basic", "days/day.html", theirs, values(f"{STUDIO}/day", "supplier_confirm", **dark))
    yield Scene("day-helper", "days/day.html", public(), values("/help/token/day", may_amend=False, days=[]))
    yield Scene("readiness", "operations/readiness.html", ours, {"found": ready()})
    after = {"found": afterwards(), "up": (f"{ME}/day", "The day")}
    yield Scene("afterwards", "operations/afterwards.html", ours, after)
    delayed = [("First dance", "12:30", "13:30")]
    yield Scene("missing", "operations/missing.html", ours, {"one": missing(), "expected": "12:30", "delayed": delayed})
