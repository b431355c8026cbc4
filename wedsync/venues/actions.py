"""Every write of venues: owners and admins keep the spaces, whoever works on a wedding gives them to its parts."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec

from wedsync.events.catalogue import EventType
from wedsync.events.record import record
from wedsync.kit import sql
from wedsync.kit.db import Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.venues import facts, model
from wedsync.web.context import stale

queries = sql.load("wedsync.venues")
USE = ("schedule_item_id", "space_id", "name", "arrangement", "capacity", "setup_at", "ready_by")
SPACE = ("name", "resource_id", "seated_max", "standing_max", "note", "is_active")


async def add(tx: Tx, new: model.NewSpace) -> UUID:
    """One more space of the entered supplier; returns its id. Raises Refusal 403 or 422."""
    await _check_manager(tx)
    fields = model.settled(msgspec.structs.asdict(new))
    model.check_space(fields)
    await _check_resource(tx, fields["resource_id"])
    row = await tx.row(queries.add_space, *(fields[name] for name in SPACE[:-1]))
    if row is None:
        raise not_found("supplier")
    record(tx, facts.ADDED, op="INSERT", row=row)
    made: UUID = row["id"]
    return made


async def change(tx: Tx, space_id: UUID, fields: Mapping[str, Any], *, version: int | None = None) -> None:
    """Another name or number, or out of use; weddings keep what they were given. Raises Refusal 403, 404, 412, 422."""
    before = await _claimed_space(tx, space_id, version)
    wanted = before | model.settled(fields)
    model.check_space(wanted)
    if wanted["resource_id"] != before["resource_id"]:
        await _check_resource(tx, wanted["resource_id"])
    if any(wanted[name] != before[name] for name in SPACE):
        row: Any = await tx.row(queries.change_space, space_id, *(wanted[name] for name in SPACE))
        record(tx, facts.CHANGED, op="UPDATE", row=row)


async def remove(tx: Tx, space_id: UUID, *, version: int | None = None) -> None:
    """Take it off the list; weddings keep what they were given. Raises Refusal 403, 404 or 412."""
    await _claimed_space(tx, space_id, version)
    row: Any = await tx.row(queries.remove_space, space_id)
    record(tx, facts.REMOVED, op="DELETE", row=row)


async def give(tx: Tx, new: model.NewSpaceUse) -> UUID:
    """Give a space to a schedule item; returns the id. Raises Refusal 403 for all but a supplier, 409 or 422."""
    about = await tx.row(queries.about)
    if about is None:
        raise not_found("wedding")
    if about["link_id"] is None:
        raise Refusal(403, "forbidden", "Only a linked supplier gives its spaces. Ask your venue to choose one.")
    await tx.run(queries.hold)
    wanted = msgspec.structs.asdict(new)
    wanted |= await _taken_over(tx, None, wanted)
    await _check(tx, None, wanted)
    row: Any = await tx.row(queries.give, *(wanted[name] for name in USE))
    record(tx, facts.GIVEN, op="INSERT", row=row, link=row["link_id"])
    made: UUID = row["id"]
    await _judge(tx, made)
    return made


async def rearrange(tx: Tx, use_id: UUID, fields: Mapping[str, Any], *, version: int | None = None) -> None:
    """Another space, arrangement, item or time. Raises Refusal 403, 404, 409, 412 or 422."""
    before = await _claimed(tx, use_id, version)
    wanted = before | dict(fields)
    if "space_id" in fields or "arrangement" in fields:
        wanted |= await _taken_over(tx, before, wanted)
    if all(wanted[name] == before[name] for name in USE):
        return
    await _check(tx, before, wanted)
    row: Any = await tx.row(queries.rearrange, use_id, *(wanted[name] for name in USE))
    record(tx, facts.REARRANGED, op="UPDATE", row=row, link=row["link_id"])
    await _judge(tx, use_id)


async def withdraw(tx: Tx, use_id: UUID, *, version: int | None = None) -> None:
    """Give it no longer. Raises Refusal 403, 404 or 412."""
    await _claimed(tx, use_id, version)
    row: Any = await tx.row(queries.withdraw, use_id)
    record(tx, facts.WITHDRAWN, op="DELETE", row=row, link=row["link_id"])


async def _judge(tx: Tx, use_id: UUID) -> None:
    """Say at once where those who have accepted fit no longer, or again; answers to come are `app.record`'s."""
    row = await tx.row(queries.judge, use_id)
    if row is not None:
        kind: EventType = facts.EXCEEDED if row["is_over"] else facts.FITS_AGAIN
        record(tx, kind, op="UPDATE", row=row, link=row["link_id"])


async def _taken_over(tx: Tx, before: Mapping[str, Any] | None, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Name and number of the space as it is now; what is in use no longer may stay where it is given."""
    space = await tx.row(queries.offered, wanted["space_id"])
    is_kept = before is not None and all(wanted[name] == before[name] for name in ("space_id", "arrangement"))
    if is_kept and (space is None or not space["is_active"]):
        return {}
    if space is None:
        raise model.invalid("space_id", "is none of your spaces", "Choose one of the list, or add it there first.")
    return {"name": space["name"], "capacity": model.capacity(space, wanted["arrangement"])}


async def _check(tx: Tx, before: Mapping[str, Any] | None, wanted: Mapping[str, Any]) -> None:
    model.check_times(wanted)
    item = wanted["schedule_item_id"]
    if before is not None and item == before["schedule_item_id"]:
        return
    if not await tx.rows(queries.items, item):
        fix = "Choose what is shared with you, or ask the couple to share the schedule."
        raise model.invalid("schedule_item_id", "is no part of the day that you see", fix)
    if await tx.value(queries.has_space, item, None if before is None else before["id"]):
        raise Refusal(
            409,
            "already_given",
            "You give a space to this part of the day already. Change that one; for several at once, add a space that "
            "is all of them and takes their sum.",
        )


async def _claimed(tx: Tx, use_id: UUID, version: int | None) -> dict[str, Any]:
    """What is given, as nobody changes it meanwhile, for its supplier who has read this version."""
    seen = await tx.row(queries.claim, use_id)
    if seen is None:
        raise not_found("item")
    if not seen["is_supplier"]:
        raise Refusal(403, "forbidden", "Only the supplier whose space it is changes this. Write to them.")
    await tx.run(queries.hold)
    before = await tx.row(queries.claim, use_id)
    if before is None:
        raise not_found("item")
    if version not in (None, before["version"]):
        raise await stale(tx, queries.current, use_id)
    return dict(before)


async def _claimed_space(tx: Tx, space_id: UUID, version: int | None) -> dict[str, Any]:
    await _check_manager(tx)
    before = await tx.row(queries.claim_space, space_id)
    if before is None:
        raise not_found("space")
    if version not in (None, before["version"]):
        raise await stale(tx, queries.space_current, space_id)
    return dict(before)


async def _check_resource(tx: Tx, resource_id: UUID | None) -> None:
    if resource_id is not None and resource_id not in {row["id"] for row in await tx.rows(queries.resources)}:
        raise model.invalid("resource_id", "is no resource here", "Send one of the list of resources, or none.")


async def _check_manager(tx: Tx) -> None:
    role = await tx.value(queries.role)
    if role not in ("owner", "admin", "system", "member"):
        raise not_found("supplier")
    if role == "member":
        raise Refusal(403, "forbidden", "Only an owner or admin of this business changes this. Ask one of them.")
