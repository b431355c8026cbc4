"""Every write of a wedding on its way: begin a journey, let it rest, go on, end it, and know when to look again.

The plan is never stored: `look` makes it from what stands, for pages and for the work alike.
"""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from wedsync.events.record import record
from wedsync.journeys import facts, planning
from wedsync.journeys.actions import queries, steps_of
from wedsync.journeys.model import Enrolment, MilestoneRow, Run, Step
from wedsync.journeys.planning import Anchors, Planned, Taken
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.web.context import as_struct

OFF: Final = ("cancelled", "postponed")


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """One wedding on one journey as it stands: every step with its day, and what was taken."""

    enrolment: Enrolment
    plan: list[Planned]
    runs: list[Run]


async def about(tx: Tx, link_id: UUID) -> Row:
    """The entered wedding and one link of it. Raises Refusal 404."""
    row = await tx.row(queries.about, link_id)
    if row is None:
        raise not_found("link")
    return row


async def enrol(tx: Tx, link_id: UUID, journey_id: UUID, *, restarts: bool = False) -> UUID:
    """Begin a journey, or follow its newest version; returns the enrolment. One that was stopped goes on only where
    somebody says so. Raises Refusal 403, 404, and 409 for a journey that is switched off.
    """
    whose = await _supplier(tx, link_id)
    row = await tx.row(queries.journeys_for, link_id, journey_id)
    if row is None:
        raise not_found("journey")
    if not row["is_active"]:
        raise Refusal(409, "journey_off", "This journey is switched off. Switch it on first.")
    enrolment_id = await _put(tx, whose, row)
    if restarts:
        before = await _claimed(tx, enrolment_id)
        if before.state == "stopped":
            await _set(tx, before, "active", "", counts=True)
    await replan(tx, enrolment_id)
    return enrolment_id


async def begin_booked(tx: Tx, link_id: UUID) -> None:
    """All journeys of the link's supplier that a booking begins."""
    whose = await about(tx, link_id)
    for row in await tx.rows(queries.journeys_for, link_id, None):
        await replan(tx, await _put(tx, whose, row))


async def _put(tx: Tx, whose: Row, journey: Row) -> UUID:
    values = (whose["link_id"], journey["id"], journey["version"], journey["name"], journey["steps"])
    row = await tx.row(queries.enrol, *values, whose["booked_at"] or whose["now"])
    if row is not None:
        kind, op = (facts.STARTED, "INSERT") if row["is_new"] else (facts.PLANNED, "UPDATE")
        record(tx, kind, op=op, row=row, link=whose["link_id"])
        made: UUID = row["id"]
        return made
    there = await tx.rows(queries.enrolments, whose["link_id"])
    found: UUID = next(one["id"] for one in there if one["journey_id"] == journey["id"])
    return found


async def pause(tx: Tx, enrolment_id: UUID) -> int:
    """Nothing is done until it is resumed; twice is once; returns its version. Raises Refusal 403, 404 or 409."""
    before = await _claimed(tx, enrolment_id)
    _refuse_stopped(before)
    return before.version if before.state == "paused" else await _set(tx, before, "paused", "by_hand")


async def resume(tx: Tx, enrolment_id: UUID) -> int:
    """Go on: what was due meanwhile is past. Returns its version. Raises Refusal 403, 404 or 409."""
    before = await _claimed(tx, enrolment_id)
    _refuse_stopped(before)
    if before.state == "active":
        return before.version
    await _set(tx, before, "active", "", counts=True)
    return await replan(tx, enrolment_id)


async def stop(tx: Tx, enrolment_id: UUID, *, reason: str = "by_hand") -> int:
    """End it for this wedding; twice is once; returns its version. Raises Refusal 403 or 404."""
    before = await _claimed(tx, enrolment_id)
    return before.version if before.state == "stopped" else await _set(tx, before, "stopped", reason)


async def stop_of(tx: Tx, link_id: UUID) -> None:
    """The reaction to a link that ended."""
    for row in await tx.rows(queries.enrolments, link_id):
        if row["state"] != "stopped":
            await stop(tx, row["id"], reason="link_ended")


async def follow(tx: Tx) -> None:
    """The wedding moved, or a milestone was passed: look again when the next step is due, of every journey."""
    for row in await tx.rows(queries.enrolments, None):
        if row["state"] == "active":
            await replan(tx, row["id"])


async def replan(tx: Tx, enrolment_id: UUID) -> int:
    """Note when somebody must look next; returns the version."""
    enrolment = await claim(tx, enrolment_id)
    seen, _ = await look(tx, enrolment)
    following = planning.next_at(seen.plan) if enrolment.state == "active" else None
    row = await tx.row(queries.set_next, enrolment_id, following)
    if row is None:
        return enrolment.version
    record(tx, facts.PLANNED, op="UPDATE", row=row, link=enrolment.link_id)
    return enrolment.version + 1


async def look(tx: Tx, enrolment: Enrolment) -> tuple[Look, datetime]:
    """Its plan as it stands, and the time it was made at. Raises Refusal 404."""
    whose = await about(tx, enrolment.link_id)
    rows = await tx.rows(queries.runs, enrolment.id)
    runs = [as_struct(Run, {**dict(r), "content": msgspec.json.decode(r["content"])}) for r in rows]
    taken = {r.key: Taken(due_at=r.due_at, done_at=r.done_at, reason=r.reason, answer=r.answer) for r in runs}
    found = await planned(
        tx, whose, enrolment.steps, taken=taken, began_at=enrolment.began_at, since=enrolment.counts_from
    )
    return Look(enrolment=enrolment, plan=found, runs=runs), whose["now"]


async def planned(
    tx: Tx, whose: Row, steps: list[Step], *, taken: dict[str, Taken], began_at: datetime, since: datetime
) -> list[Planned]:
    """A plan of these steps for one link of the entered wedding, whether it is on their way or not."""
    reached = {m["name"]: m["reached_at"] for m in await tx.rows(queries.milestones, whose["link_id"])}
    anchors = Anchors(
        zone=whose["time_zone"],
        booked_at=whose["booked_at"] or whose["now"],
        began_at=began_at,
        on=whose["on"],
        first_on=whose["first_on"],
        last_on=whose["last_on"],
        ended_at=whose["ended_at"],
        is_off=whose["date_status"] in OFF,
    )
    return planning.plan(steps, anchors, now=whose["now"], since=since, taken=taken, reached=reached)


async def milestones(tx: Tx, link_id: UUID) -> list[MilestoneRow]:
    """What one link has passed, oldest first."""
    return [as_struct(MilestoneRow, row) for row in await tx.rows(queries.milestones, link_id)]


async def offers(tx: Tx, link_id: UUID, *, wanted: bool) -> None:
    """Whether whoever asks takes offers and review requests of this supplier. Raises Refusal 403 or 404."""
    whose = await about(tx, link_id)
    if not whose["is_couple"]:
        raise Refusal(403, "forbidden", "Only the couple says whether they take offers.")
    kind, op = (facts.MARKETING_TAKEN, "DELETE") if wanted else (facts.MARKETING_STOPPED, "INSERT")
    row = await tx.row(queries.take_offers if wanted else queries.stop_offers, link_id)
    if row is not None:
        record(tx, kind, op=op, row=row, link=link_id)


def opened(row: Row) -> Enrolment:
    """A row with its steps as structs."""
    return as_struct(Enrolment, {**dict(row), "steps": steps_of(row["steps"])})


async def claim(tx: Tx, enrolment_id: UUID) -> Enrolment:
    """Locked until the end of the transaction. Raises Refusal 404."""
    row = await tx.row(queries.claim, enrolment_id)
    if row is None:
        raise not_found("enrolment")
    return opened(row)


async def _claimed(tx: Tx, enrolment_id: UUID) -> Enrolment:
    """The same, for its supplier and the system."""
    seen = await tx.row(queries.enrolment, enrolment_id)
    if seen is None:
        raise not_found("enrolment")
    await _supplier(tx, seen["link_id"])
    return await claim(tx, enrolment_id)


async def _supplier(tx: Tx, link_id: UUID) -> Row:
    whose = await about(tx, link_id)
    if not whose["is_supplier"] and whose["role"] != "system":
        raise Refusal(403, "forbidden", "A supplier's journey is the supplier's. You can stop their offers.")
    return whose


def _refuse_stopped(before: Enrolment) -> None:
    if before.state == "stopped":
        raise Refusal(409, "stopped", "This journey has ended for this wedding. Begin it again instead.")


async def _set(tx: Tx, before: Enrolment, state: str, reason: str, *, counts: bool = False) -> int:
    row: Any = await tx.row(queries.set_state, before.id, state, reason, None, counts)
    kind = {"paused": facts.PAUSED, "active": facts.RESUMED, "stopped": facts.STOPPED}[state]
    record(tx, kind, op="UPDATE", row=row, link=before.link_id)
    written: int = row["version"]
    return written
