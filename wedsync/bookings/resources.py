"""Every write of what can be booked, of who may ask for free days, and of other calendars' busy times."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from msgspec import UNSET

from wedsync.bookings import actions, facts, model
from wedsync.bookings.rows import BusyPatch, BusyReplacement, BusyTime, NewResource, ResourceChange, SettingsChange
from wedsync.events.record import record
from wedsync.kit import sql
from wedsync.kit.db import Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.web.context import stale

queries = sql.load("wedsync.bookings")


async def add(tx: Tx, new: NewResource) -> UUID:
    """One more thing that can be booked; returns its id. Raises Refusal 403."""
    await _check_manager(tx)
    await actions.default_resource(tx)
    row = await tx.row(queries.add_resource, _name(new.name))
    if row is None:
        raise not_found("supplier")
    record(tx, facts.RESOURCE_ADDED, op="INSERT", row=row)
    resource_id: UUID = row["id"]
    return resource_id


async def change(tx: Tx, resource_id: UUID, wanted: ResourceChange, *, version: int | None = None) -> None:
    """Rename it, or let it take no more bookings. Raises Refusal 403, 404, 412, 409 for the business itself."""
    await _check_manager(tx)
    before = await tx.row(queries.resources, resource_id)
    if before is None:
        raise not_found("resource")
    name = before["name"] if wanted.name is UNSET else _name(wanted.name)
    is_active = before["is_active"] if wanted.is_active is UNSET else wanted.is_active
    if before["is_default"] and not is_active:
        raise Refusal(409, "default_resource", "The business itself can always be booked. Rename it instead.")
    row = await tx.row(queries.change_resource, resource_id, name, is_active, version)
    if row is None:
        raise await stale(tx, queries.resource_current, resource_id)
    record(tx, facts.RESOURCE_CHANGED, op="UPDATE", row=row)


async def change_settings(tx: Tx, wanted: SettingsChange, *, version: int | None = None) -> None:
    """Whether anybody may ask for free days, and how long holds last. Raises Refusal 403, 412."""
    is_public = None if wanted.is_public is UNSET else wanted.is_public
    hours = None if wanted.hold_hours is UNSET else wanted.hold_hours
    await _put_settings(tx, is_public, hours, None, None, version)


async def new_link(tx: Tx) -> None:
    """A link by which free days may be asked for; what was given out before ends. Raises Refusal 403."""
    before = await tx.row(queries.settings)
    await _put_settings(tx, None, None, True, (before["link_number"] if before else 0) + 1, None)


async def end_link(tx: Tx) -> None:
    """Whatever link was given out ends. Raises Refusal 403."""
    await _put_settings(tx, None, None, False, None, None)


async def _put_settings(tx: Tx, *given: Any) -> None:
    await _check_manager(tx)
    row = await tx.row(queries.put_settings, *given)
    if row is None:
        raise await stale(tx, queries.settings_current)
    op = "INSERT" if row["old_record"] is None else "UPDATE"
    record(tx, facts.SETTINGS_CHANGED, op=op, row=row)


async def replace_busy(tx: Tx, source: str, told: BusyReplacement) -> None:
    """All that a calendar elsewhere is busy with; what is not among it is gone. Raises Refusal 403, 422."""
    resource_id = told.resource_id
    if resource_id is not None and await tx.row(queries.resources, resource_id) is None:
        raise model.invalid("resource_id", "is no resource here", "Send one of the list of resources.")
    await _put_busy(tx, source, told.busy, resource_id=resource_id, name=told.name, is_whole=True, gone=[])


async def patch_busy(tx: Tx, source: str, told: BusyPatch) -> None:
    """What changed in a calendar elsewhere; the rest of it stays. Raises Refusal 403, 404, 422."""
    if await tx.row(queries.sources, source) is None:
        raise not_found("calendar")
    await _put_busy(tx, source, told.busy, resource_id=None, name=None, is_whole=False, gone=told.gone)


async def end_busy(tx: Tx, source: str) -> None:
    """A calendar elsewhere is heard of no more: what it was busy with is gone, and so is it. Raises Refusal 403."""
    known = await tx.row(queries.sources, source)
    if known is None:
        return
    await _put_busy(tx, source, [], resource_id=known["resource_id"], name=None, is_whole=True, gone=[])
    row: Any = await tx.row(queries.end_source, source)
    record(tx, facts.ENDED, op="DELETE", row=row)


async def _put_busy(
    tx: Tx,
    source: str,
    busy: Sequence[BusyTime],
    *,
    resource_id: UUID | None,
    name: str | None,
    is_whole: bool,
    gone: Sequence[str],
) -> None:
    """A fact only where something changed: a calendar that is polled every few minutes mostly says the same."""
    await _check_manager(tx)
    by_id = {one.external_id: one for one in busy}
    _check_busy(by_id)
    if resource_id is None and is_whole:
        resource_id = await actions.default_resource(tx)
    put: Any = await tx.row(queries.put_source, source, name, resource_id)
    columns = (
        list(by_id),
        [one.starts_at for one in by_id.values()],
        [one.ends_at for one in by_id.values()],
        [one.is_private for one in by_id.values()],
    )
    changed = await tx.value(queries.put_busy, put["id"], put["resource_id"], *columns, is_whole, list(gone))
    is_new = put["old_record"] is None
    if changed == "{}" and not is_new and not put["is_renamed"]:
        return
    row: Any = await tx.row(queries.note_change, put["id"], changed)
    record(tx, facts.REFRESHED, op="INSERT" if is_new else "UPDATE", row=row)


def _check_busy(by_id: dict[str, BusyTime]) -> None:
    for one in by_id.values():
        if one.starts_at.tzinfo is None or one.ends_at.tzinfo is None:
            raise model.invalid("busy", "has a time without its offset", "Send instants such as 2027-06-05T10:00:00Z.")
        if one.ends_at <= one.starts_at:
            raise model.invalid("busy", "has a time that ends before it starts", "Leave out what has no length.")


def _name(text: str) -> str:
    name = " ".join(text.split())
    if not name:
        raise model.invalid("name", "is empty", "Say what it is, such as Second shooter.")
    return name


async def _check_manager(tx: Tx) -> None:
    if (await actions.found_home(tx))["role"] not in ("owner", "admin", "system"):
        raise Refusal(403, "forbidden", "Only an owner or admin of this business changes this. Ask one of them.")
