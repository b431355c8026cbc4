"""Every write of milestones: what happened, what the calendar says, and what a supplier says by hand."""

from uuid import UUID

from wedsync.events.record import record
from wedsync.journeys import enrolling, facts, model
from wedsync.journeys.actions import queries
from wedsync.kit.db import Tx
from wedsync.kit.errors import Refusal, not_found


async def reach(tx: Tx, link_id: UUID | None, name: str) -> bool:
    """One link has passed it, or all active ones; once each. Whether any is new."""
    rows = await tx.rows(queries.reach, link_id, name)
    for row in rows:
        record(tx, facts.REACHED, op="INSERT", row=row, link=row["link_id"])
    return bool(rows)


async def say(tx: Tx, link_id: UUID, name: str, *, is_reached: bool = True) -> None:
    """A supplier says that something of its own work is done, or not after all. Raises Refusal 403, 404, 409 or 422."""
    whose = await enrolling.about(tx, link_id)
    if not whose["is_supplier"]:
        raise Refusal(403, "forbidden", "Only the supplier says what its own work has reached.")
    if name not in model.BY_HAND:
        raise Refusal(422, "follows_by_itself", f"“{model.MILESTONES[name]}” follows from what happens.")
    if whose["status"] != "active":
        raise not_found("link")
    if is_reached:
        await reach(tx, link_id, name)
        return
    row = await tx.row(queries.withdraw_one, link_id, name)
    if row is not None:
        record(tx, facts.WITHDRAWN, op="DELETE", row=row, link=link_id)


async def follow_calendar(tx: Tx) -> None:
    """What the calendar says of the entered wedding is noted for every link; what holds no more is withdrawn."""
    names: list[str] = await tx.value(queries.calendar_names) or []
    for row in await tx.rows(queries.withdraw, names):
        record(tx, facts.WITHDRAWN, op="DELETE", row=row, link=row["link_id"])
    for name in names:
        await reach(tx, None, name)
