"""Every write of calendars by people: chosen and kept so or so, looked at now, and what they decide of conflicts."""

from typing import Any, Final
from uuid import UUID

from msgspec import UNSET

from wedsync.bookings import resources
from wedsync.connections.calendars import conflicts, facts, model
from wedsync.events.record import record
from wedsync.kit import sql
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import FieldError, Refusal, not_found
from wedsync.web.context import stale

queries = sql.load("wedsync.connections.calendars")
KEEPERS: Final = ("couple", "owner", "admin")
FIELDS: Final = ("direction", "policy", "has_bookings", "has_schedule", "resource_id")
OURS: Final = ("both", "export")


async def change(tx: Tx, calendar_id: UUID, wanted: model.CalendarChange, *, version: int | None = None) -> int:
    """Choose a calendar, or keep it otherwise; returns the version. Raises Refusal 403, 404, 409, 412 or 422."""
    held = await _held(tx, calendar_id)
    if version not in (None, held["version"]):
        raise await stale(tx, queries.calendar_current, calendar_id)
    then = {name: held[name] if getattr(wanted, name) is UNSET else getattr(wanted, name) for name in FIELDS}
    known: int = held["version"]
    if all(then[name] == held[name] for name in FIELDS):
        return known
    model.check(then["direction"], is_writable=held["is_writable"], is_there=held["is_there"])
    await _check_resource(tx, held, then["resource_id"])
    row: Any = await tx.row(queries.change_calendar, calendar_id, *(then[name] for name in FIELDS))
    record(tx, facts.CHANGED, op="UPDATE", row=row)
    await tx.run(queries.begin_anew, calendar_id, then["direction"] == "off")
    if held["home"] != "wedding" and then["direction"] in ("off", "export"):
        await forget_busy(tx, calendar_id)
    return int(row["version"])


async def sync_now(tx: Tx, calendar_id: UUID) -> None:
    """Look at both sides at once. Raises Refusal 403, 404 or 409."""
    held = await _held(tx, calendar_id)
    if held["direction"] == "off":
        raise Refusal(409, "calendar_off", "This calendar is not used. Choose a direction first.")
    await tx.value(queries.poke, [calendar_id], True, True)
    tx.nudges.append("[]")


async def find(tx: Tx, connection_id: UUID) -> None:
    """Look which calendars the account has. Raises Refusal 403 or 409."""
    await _check_keeper(tx)
    if await tx.value(queries.connector_of, connection_id) is None:
        raise Refusal(409, "not_connected", "This account is not connected now. Connect it first.")
    await tx.value(queries.find_calendars, connection_id)
    tx.nudges.append("[]")


async def resolve(tx: Tx, conflict_id: UUID, keep: model.Side) -> None:
    """Say which side holds. Raises Refusal 403, 404, or 409 for what was decided already."""
    await _check_keeper(tx)
    held = await tx.row(queries.hold_conflict, conflict_id)
    if held is None:
        raise not_found("conflict")
    if not await conflicts.resolve(tx, conflict_id, keep):
        raise Refusal(409, "conflict_resolved", "This is decided already.")
    calendar_id: UUID = held["calendar_id"]
    if held["event_id"] is not None:
        await tx.run(queries.give_verdict, held["event_id"], keep)
    elif held["kind"] == "sweep":
        await tx.run(queries.let_sweep if keep == "theirs" else queries.adopt_vanished, calendar_id)
    elif keep == "theirs":
        await change(tx, calendar_id, model.CalendarChange(direction="off"))
        return
    await tx.value(queries.poke, [calendar_id], held["kind"] == "sweep", True)
    tx.nudges.append("[]")


async def forget_busy(tx: Tx, calendar_id: UUID) -> None:
    """Nothing of theirs is known any more, and nobody is busy because of it."""
    await tx.run(queries.forget_theirs, calendar_id)
    await resources.end_busy(tx, f"calendar:{calendar_id}")


async def _held(tx: Tx, calendar_id: UUID) -> Row:
    await _check_keeper(tx)
    held = await tx.row(queries.hold_calendar, calendar_id)
    if held is None:
        raise not_found("calendar")
    return held


async def _check_resource(tx: Tx, held: Row, resource_id: UUID | None) -> None:
    if resource_id is None or resource_id == held["resource_id"]:
        return
    if held["home"] == "wedding" or not await tx.value(queries.known_resource, resource_id):
        reason = "is no resource here"
        errors = [FieldError("resource_id", reason, "Send one of the list of resources.")]
        raise Refusal(422, "invalid", f"resource_id: {reason}", errors=errors)


async def _check_keeper(tx: Tx) -> None:
    if await tx.value(queries.my_role) not in KEEPERS:
        raise Refusal(403, "forbidden", "Only an owner or admin decides about calendars. Ask one of them.")
