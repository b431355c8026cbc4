"""A wedding day as its page shows it, for everybody who sees the schedule: the same day, with what each may do."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from wedsync.days import actions, model, running, weather
from wedsync.days.actions import SCHEDULE, queries
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import not_found
from wedsync.schedule.actions import planned
from wedsync.schedule.model import local_of, wedding_phase
from wedsync.schedule.rows import Phase, WeddingDay
from wedsync.web.context import as_struct
from wedsync.web.formats import clock, day_short
from wedsync.weddings import news

AMENDMENTS_MAX: Final = 30
PHASES: Final[Mapping[Phase, tuple[str, str]]] = {
    "planning": ("Being planned", "The plan can be changed as you like."),
    "readiness": ("Three weeks to go", "Now is the time to see what is still missing."),
    "soft_freeze": ("The last week", "Date, places and times need a second word. Everything else can be changed."),
    "supplier_confirm": ("The last three days", "Suppliers say when they come and whom to ring there."),
    "hard_freeze": ("The plan stands", "What changes now is an amendment: with a reason, told to everybody at once."),
    "live": ("Live", "What changes now is an amendment: with a reason, told to everybody at once."),
    "stand_down": ("It is over", "Time to take down, and to find what was lost."),
    "aftercare": ("Afterwards", "Thank you all."),
}
STATES: Final[Mapping[model.ArrivalState, tuple[str, str, str]]] = {
    "expected": ("Expected", "open", "hourglass"),
    "on_my_way": ("On the way", "wait", "car"),
    "on_site": ("On site", "good", "map-pin"),
    "ready": ("Ready", "good", "check"),
    "left": ("Has left", "", "log-out"),
}
LATE: Final = (
    "",
    "Asked whether they come",
    "Nothing heard",
    "Missing",
    "Missing, to be decided",
    "Call somebody else",
)
STEPS: Final[Mapping[model.ArrivalState, tuple[tuple[str, str], ...]]] = {
    "expected": (("on_my_way", "On my way"), ("on_site", "I am here")),
    "on_my_way": (("on_site", "I am here"),),
    "on_site": (("ready", "Ready"), ("left", "I have left")),
    "ready": (("left", "I have left"),),
    "left": (("on_site", "I am here again"),),
}
GATE_STATES: Final[Mapping[weather.GateState, tuple[str, str, str]]] = {
    "waiting": ("Nothing to decide yet", "open", "hourglass"),
    "asked": ("To be decided", "bad", "triangle-alert"),
    "kept": ("As planned", "good", "check"),
    "switched": ("Plan for bad weather", "wait", "shield-check"),
    "lapsed": ("As planned, nobody decided", "", "clock"),
}
OVER: Final = ("done", "dropped")
FIELD_WORDS: Final = {"title": "called", "on": "on", "at_local": "at", "minutes": "minutes", "place": "in"}


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """Everything of one wedding's days that this audience may see."""

    about: Row
    days: list[WeddingDay]
    phase: Phase
    board: running.Board
    arrivals: list[model.Arrival]
    amendments: list[Row]
    standing: dict[str, Row]
    held: list[Row]
    guard: str | None
    gates: list[Row]


async def read(tx: Tx) -> Seen:
    """Raises Refusal 404 for whoever neither sees the schedule nor works at the wedding."""
    about = await tx.row(queries.about)
    if about is None or not (about["mask"] & SCHEDULE or about["link_id"]):
        raise not_found("wedding")
    known = await actions.days(tx)
    items = list(planned(await tx.rows(queries.plan)).values())
    marks = [as_struct(model.ItemMark, row) for row in await tx.rows(queries.marks)]
    return Seen(
        about=about,
        days=known,
        phase=wedding_phase(known, about["now"]),
        board=running.board(items, marks, about["now"]),
        arrivals=[as_struct(model.Arrival, row) for row in await tx.rows(queries.arrivals, None)],
        amendments=await tx.rows(queries.amendments, None, AMENDMENTS_MAX),
        standing={row["about"]: row for row in await tx.rows(queries.standing)},
        held=await tx.rows(queries.held_changes, None) if about["is_couple"] else [],
        guard=await tx.value(queries.guard),
        gates=await tx.rows(queries.gates, None),
    )


def values(seen: Seen) -> dict[str, Any]:
    """For the page and its fragment."""
    zone = seen.about["time_zone"]
    title, says = PHASES[seen.phase]
    return {
        "phase": {"key": seen.phase, "title": title, "says": says},
        "zone": zone,
        "may_write": seen.about["may_write"],
        "may_amend": seen.about["may_write"] and seen.phase in model.AMENDED,
        "may_hold": seen.about["is_couple"] and seen.guard is not None,
        "sees_plan": bool(seen.about["mask"] & SCHEDULE),
        "late_minutes": seen.board.late_minutes,
        "now": [_entry(seen, one) for one in seen.board.now],
        "next": [_entry(seen, one) for one in seen.board.next],
        "days": _days(seen),
        "arrivals": [_arrival(seen, one) for one in seen.arrivals],
        "mine": _mine(seen),
        "amendments": [_amendment(seen, row, zone) for row in seen.amendments],
        "held": [_held(seen, row) for row in seen.held],
        "gates": [_gate(seen, row) for row in seen.gates],
        "items": [(str(one.id), f"{one.title}, {_clock(one.expected_at, one.zone)}") for one in seen.board.items],
    }


def _days(seen: Seen) -> list[dict[str, Any]]:
    """The items by the local day on which they are planned to start."""
    by_day: dict[Any, list[dict[str, Any]]] = {}
    for one in seen.board.items:
        by_day.setdefault(local_of(one.planned_at, one.zone)[0], []).append(_entry(seen, one))
    return [{"on": on, "entries": by_day[on]} for on in sorted(by_day)]


def _entry(seen: Seen, one: running.Entry) -> dict[str, Any]:
    about = seen.about
    mine = {about["link_id"], about["membership_id"]} - {None}
    is_mine = bool({one.owner_link_id, one.owner_membership_id} & mine)
    is_moved = one.expected_at != one.planned_at
    return {
        "id": one.id,
        "title": one.title,
        "place": one.place,
        "state": one.state,
        "at": _clock(one.expected_at, one.zone),
        "was": _clock(one.planned_at, one.zone) if is_moved else "",
        "until": _clock(one.ends_at, one.zone),
        "late_minutes": one.late_minutes,
        "is_mine": is_mine,
        "said_by": one.said_by,
        "may_mark": (is_mine or about["may_write"]) and one.state not in OVER and seen.phase in model.AMENDED,
    }


def _arrival(seen: Seen, one: model.Arrival) -> dict[str, Any]:
    words, tone, sign = STATES[one.state]
    if one.rung >= (2 if one.state == "expected" else 3) and one.state in ("expected", "on_my_way"):
        words, tone, sign = LATE[one.rung], "bad", "triangle-alert"
    is_mine = one.link_id == seen.about["link_id"]
    return {
        "id": one.id,
        "name": one.supplier_name,
        "contact": one.contact_name,
        "phone": one.contact_phone,
        "vehicle": one.vehicle,
        "on": one.on,
        "at": _clock(one.expected_at, one.zone),
        "eta": _clock(one.eta_at, one.zone) if one.eta_at else "",
        "since": _clock(one.arrived_at, one.zone) if one.arrived_at else "",
        "is_confirmed": one.confirmed_at is not None,
        "badge": (words, tone, sign),
        "is_missing": one.rung >= 3 and one.state in ("expected", "on_my_way"),
        "is_mine": is_mine,
        "version": one.version,
        "steps": STEPS[one.state] if is_mine or seen.about["may_write"] else (),
    }


def _mine(seen: Seen) -> dict[str, Any] | None:
    """The form in which a supplier says when they come; none for others, and where no day is ahead."""
    day = next((day for day in seen.days if day.live_until > seen.about["now"]), None)
    if seen.about["link_id"] is None or day is None:
        return None
    known = next((a for a in seen.arrivals if a.link_id == seen.about["link_id"] and a.on == day.on), None)
    return {
        "on": day.on,
        "at_local": f"{local_of(known.expected_at, known.zone)[1]:%H:%M}" if known else "",
        "contact_name": known.contact_name if known else "",
        "contact_phone": known.contact_phone if known else "",
        "vehicle": known.vehicle if known else "",
        "is_confirmed": known is not None and known.confirmed_at is not None,
    }


def _amendment(seen: Seen, row: Row, zone: str) -> dict[str, Any]:
    stands = seen.standing.get(f"amendments:{row['id']}")
    was, now = msgspec.json.decode(row["before"]), msgspec.json.decode(row["after"])
    changes = [
        (FIELD_WORDS[name], news.shown(name, was.get(name)), news.shown(name, now[name]))
        for name in FIELD_WORDS
        if name in now and (row["kind"] != "add" or name in ("at_local", "place"))
    ]
    return {
        "number": row["number"],
        "title": row["title"],
        "kind": row["kind"],
        "changes": [change for change in changes if change[2]],
        "reason": row["reason"],
        "by": row["author_name"],
        "at": row["made_at"],
        "asked": stands["asked"] if stands else 0,
        "confirmed": stands["confirmed"] if stands else 0,
        "waiting_for": list(stands["waiting_for"]) if stands else [],
    }


def _held(seen: Seen, row: Row) -> dict[str, Any]:
    fields = msgspec.json.decode(row["fields"])
    return {
        "id": row["id"],
        "changes": [(news.FIELDS.get(name, name), news.shown(name, value)) for name, value in fields.items()],
        "reason": row["reason"],
        "state": row["state"],
        "asked_name": row["asked_name"],
        "asked_at": row["asked_at"],
        "ended_name": row["ended_name"],
        "is_mine": row["asked_by"] == seen.about["actor_id"],
    }


def _gate(seen: Seen, row: Row) -> dict[str, Any]:
    gate = weather.WeatherGate(**{name: row[name] for name in weather.WeatherGate.__struct_fields__})
    words, tone, sign = GATE_STATES[gate.state]
    return {
        "id": gate.id,
        "title": row["title"],
        "plan_b": gate.plan_b,
        "place": gate.plan_b_place,
        "by": f"{day_short(local_of(gate.decide_by, gate.zone)[0])}, {_clock(gate.decide_by, gate.zone)}",
        "badge": (words, tone, sign),
        "forecast": weather.told(gate),
        "as_of": gate.forecast_at,
        "crossed": [weather.WORDS[one] for one in gate.crossed],
        "trouble": gate.trouble,
        "reason": gate.reason,
        "by_name": gate.decided_name,
        "may_decide": seen.about["may_write"] and gate.state in weather.OPEN,
        "may_remove": seen.about["may_write"],
    }


def _clock(at: datetime, zone: str) -> str:
    return clock(local_of(at, zone)[1], zone)
