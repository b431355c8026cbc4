"""Every write of weather gates: set, looked at by the clock, asked, decided.

A decision on the day is an amendment, which everybody reads and confirms; before it the schedule is simply changed.
"""

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec

from wedsync.days import actions, facts, model, weather
from wedsync.days.actions import queries
from wedsync.events.record import record
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.schedule import actions as schedule
from wedsync.schedule import wording
from wedsync.schedule.model import wedding_phase
from wedsync.web.context import as_struct

GATES_MAX: Final = 20
FINE: Final = "The forecast was fine."
UNANSWERED: Final = "Nobody decided, so it stays as planned."


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """A gate to be looked at, and when its item is."""

    gate: weather.WeatherGate
    starts_at: datetime
    ends_at: datetime


async def put(tx: Tx, new: weather.NewGate) -> UUID:
    """Set the gate of an item, or set it anew. Raises Refusal 403, 404, 409 or 422."""
    weather.check(new)
    about = await actions.leading(tx)
    item = await tx.row(queries.item, new.schedule_item_id)
    if item is None:
        raise not_found("item")
    decide_by = item["starts_at"] - timedelta(hours=new.decide_hours_before)
    if decide_by <= about["now"]:
        raise Refusal(409, "too_late", "That moment has passed. Decide it now, by an amendment or on the schedule.")
    if await tx.value(queries.gate_count, new.schedule_item_id) >= GATES_MAX:
        raise Refusal(409, "too_many", f"A wedding has {GATES_MAX} plans for bad weather at most.")
    limits = (new.rain_mm_max, new.gust_kmh_max, new.cold_c_min, new.heat_c_max)
    said = (wording.required("plan_b", new.plan_b), wording.required("plan_b_place", new.plan_b_place), item["zone"])
    row: Any = await tx.row(
        queries.put_gate, new.schedule_item_id, new.latitude, new.longitude, *said, decide_by, *limits
    )
    record(tx, facts.GATE_SET, op="INSERT" if row["old_record"] is None else "UPDATE", row=row)
    made: UUID = row["id"]
    return made


async def remove(tx: Tx, gate_id: UUID) -> None:
    """It needs none any more. Raises Refusal 403 or 404."""
    await actions.leading(tx)
    row = await tx.row(queries.remove_gate, gate_id)
    if row is None:
        raise not_found("weather gate")
    record(tx, facts.GATE_REMOVED, op="DELETE", row=row)


async def decide(tx: Tx, gate_id: UUID, said: weather.GateDecision) -> None:
    """Keep the plan, or take the other one. Raises Refusal 403, 404, or 409 where it was decided or is too late."""
    about, gate = await actions.leading(tx), await _claimed(tx, gate_id)
    if gate.state not in weather.OPEN:
        raise Refusal(409, "over", "This was decided already. What changes now is an amendment of its own.")
    reason = wording.required("reason", said.reason)
    await _done(tx, gate, said.choice, reason, about["now"])
    state = "kept" if said.choice == "keep" else "switched"
    row: Any = await tx.row(queries.decide_gate, gate_id, state, about["name"], reason)
    record(tx, facts.GATE_DECIDED, op="UPDATE", row=row)


async def _done(tx: Tx, gate: weather.WeatherGate, choice: str, reason: str, now: datetime) -> None:
    """As an amendment on the day, else as a change of the schedule."""
    is_the_day = wedding_phase(await actions.days(tx), now) in model.AMENDED
    if choice == "plan_b" and is_the_day:
        await actions.amend(tx, _other_plan(gate, reason))
    elif choice == "plan_b":
        await schedule.change(tx, gate.schedule_item_id, {"place": gate.plan_b_place})
    elif is_the_day:
        item: Any = await tx.row(queries.item, gate.schedule_item_id)
        title = f"As planned: {item['title']}"[:300]
        await actions.amend(tx, model.NewAmendment(reason=reason, title=title))


def _other_plan(gate: weather.WeatherGate, reason: str) -> model.NewAmendment:
    return model.NewAmendment(reason=reason, schedule_item_id=gate.schedule_item_id, place=gate.plan_b_place)


async def due(tx: Tx) -> list[Due]:
    """Gates of the entered wedding whose time to be looked at has come."""
    return [_due(row) for row in await tx.rows(queries.gates_due)]


async def note(tx: Tx, one: Due, found: weather.Worst | str, now: datetime) -> None:
    """What a forecast says of a gate, or why there is none; asks people where it is too much. By the clock alone."""
    gate = await _claimed(tx, one.gate.id)
    if gate.state not in weather.OPEN:
        return
    if isinstance(found, str):
        row: Any = await tx.row(queries.gate_trouble, gate.id, found[:300], min(now + weather.AGAIN, gate.decide_by))
        record(tx, facts.GATE_LOOKED, op="UPDATE", row=row)
    else:
        await _seen(tx, gate, one, found, now)
    if now >= gate.decide_by:
        await _pass(tx, gate.id)


async def _seen(tx: Tx, gate: weather.WeatherGate, one: Due, found: weather.Worst, now: datetime) -> None:
    beyond = weather.crossed(gate, found)
    is_asked = bool(beyond) and weather.may_ask(gate, now)
    links = [row["id"] for row in await tx.rows(queries.leading_links)] if is_asked else gate.asked_links
    state = "asked" if is_asked else gate.state
    next_at = weather.next_look(one.starts_at, gate.decide_by, now)
    values = (found.rain_mm, found.rain_chance, found.gust_kmh, found.low_c, found.high_c)
    row: Any = await tx.row(queries.gate_seen, gate.id, state, beyond, *values, next_at, links)
    record(tx, facts.GATE_ASKED if is_asked else facts.GATE_LOOKED, op="UPDATE", row=row)


async def _pass(tx: Tx, gate_id: UUID) -> None:
    """Its time is over: what nobody decided stays as planned."""
    gate = await _claimed(tx, gate_id)
    is_fine = gate.state == "waiting" or not gate.crossed
    row: Any = await tx.row(
        queries.decide_gate, gate_id, "kept" if is_fine else "lapsed", "", FINE if is_fine else UNANSWERED
    )
    record(tx, facts.GATE_PASSED, op="UPDATE", row=row)


async def _claimed(tx: Tx, gate_id: UUID) -> weather.WeatherGate:
    row = await tx.row(queries.claim_gate, gate_id)
    if row is None:
        raise not_found("weather gate")
    return as_struct(weather.WeatherGate, row)


def _due(row: Row) -> Due:
    known = {name: row[name] for name in weather.WeatherGate.__struct_fields__}
    return Due(gate=weather.WeatherGate(**known), starts_at=row["starts_at"], ends_at=row["ends_at"])
