"""Every write of a supplier's own journeys, and having weddings begin them. Owners and admins write; the team reads."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from wedsync.events.record import record
from wedsync.journeys import facts, model
from wedsync.journeys.model import Journey, JourneyChange, NewJourney, Step
from wedsync.kit import sql
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.schedule import wording
from wedsync.web.context import as_struct, stale

queries = sql.load("wedsync.journeys")
LEADERS = ("owner", "admin")


async def page(tx: Tx, cursor: UUID | None, limit: int) -> list[Journey]:
    """The entered supplier's, oldest first; one more than asked where there is a next page. Raises Refusal 403."""
    await _member(tx)
    return [opened(row) for row in await tx.rows(queries.page, cursor, limit + 1)]


async def one(tx: Tx, journey_id: UUID) -> Journey:
    """Raises Refusal 404."""
    row = await tx.row(queries.one, journey_id)
    if row is None:
        raise not_found("journey")
    return opened(row)


async def add(tx: Tx, new: NewJourney) -> UUID:
    """Returns its id. Raises Refusal 403 or 422."""
    await _leader(tx)
    steps = model.settle(new.steps)
    row: Any = await tx.row(queries.add, _name(new.name), new.starts, new.is_active, _json(steps))
    record(tx, facts.ADDED, op="INSERT", row=row)
    made: UUID = row["id"]
    return made


async def change(tx: Tx, journey_id: UUID, wanted: JourneyChange, *, version: int | None = None) -> int:
    """What is set of it; returns its version. Raises Refusal 403, 404, 412 or 422."""
    await _leader(tx)
    before = await one(tx, journey_id)
    given = {k: v for k, v in msgspec.structs.asdict(wanted).items() if v is not msgspec.UNSET}
    if "name" in given:
        given["name"] = _name(given["name"])
    if "steps" in given:
        given["steps"] = model.settle(given["steps"])
    given = {k: v for k, v in given.items() if v != getattr(before, k)}
    if version not in (None, before.version):
        raise await stale(tx, queries.current, journey_id)
    if not given:
        return before.version
    steps = _json(given["steps"]) if "steps" in given else None
    values = (given.get("name"), given.get("starts"), given.get("is_active"), steps, version)
    row = await tx.row(queries.change, journey_id, *values)
    if row is None:
        raise await stale(tx, queries.current, journey_id)
    record(tx, facts.CHANGED, op="UPDATE", row=row)
    written: int = row["version"]
    return written


async def remove(tx: Tx, journey_id: UUID, *, version: int | None = None) -> None:
    """Weddings on their way stay on it, with the steps they have. Raises Refusal 403, 404 or 412."""
    await _leader(tx)
    row = await tx.row(queries.remove, journey_id, version)
    if row is None:
        raise await stale(tx, queries.current, journey_id)
    record(tx, facts.REMOVED, op="DELETE", row=row)


async def begin(tx: Tx, journey_id: UUID, links: list[UUID] | None, *, is_update: bool = False) -> int:
    """Work in each of these weddings, or in all that are ahead: they begin it, or follow its newest version; how many.

    `is_update`: only those that are on it already. Raises Refusal 403 or 404.
    """
    await _leader(tx)
    await one(tx, journey_id)
    owed: int = await tx.value(queries.owe_enrolments, journey_id, links, is_update)
    if owed:
        tx.nudges.append("[]")
    return owed


def opened(row: Row) -> Journey:
    """A row with its steps as structs."""
    return as_struct(Journey, {**dict(row), "steps": steps_of(row["steps"])})


def steps_of(text: str) -> list[Step]:
    """Steps as they are stored."""
    return msgspec.json.decode(text, type=list[Step])


async def _member(tx: Tx) -> str:
    role: str = await tx.value(queries.role)
    if role not in (*LEADERS, "member", "system"):
        raise not_found("supplier")
    return role


async def _leader(tx: Tx) -> None:
    if await _member(tx) not in LEADERS:
        raise Refusal(403, "forbidden", "Only an owner or admin of this business changes journeys. Ask one of them.")


def _name(text: str) -> str:
    return wording.required("name", text)


def _json(steps: Sequence[Step]) -> str:
    return msgspec.json.encode(steps).decode()
