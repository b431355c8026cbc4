"""Every write of bookings: hold, book, move, let go. Whoever comes second to a time is told what else would do."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from wedsync.bookings import alternatives, facts, model
from wedsync.bookings.alternatives import Alternative, Gap
from wedsync.bookings.model import Stretch
from wedsync.bookings.rows import Details, NewBooking
from wedsync.events.record import record
from wedsync.kit import sql
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.kit.seal import KeyRing
from wedsync.web.context import stale

queries = sql.load("wedsync.bookings")
_WORDS = ("title", "place", "note")


async def add(tx: Tx, ring: KeyRing, new: NewBooking) -> UUID:
    """Hold or book; returns the id. Raises Refusal 403, 422, or 409 `taken` with alternatives."""
    home = await found_home(tx)
    model.check_category(home["role"], new.category, new.link_id)
    stretch = model.stretch(new, home["time_zone"])
    if new.state == "hold" and stretch.ends_at <= home["now"]:
        raise model.invalid("on", "is over", "A hold is for a time to come.")
    wedding_id = await _wedding_of(tx, new.link_id)
    resource_id = await _resource(tx, new.resource_id)
    await _reclaim(tx, resource_id, stretch)
    hours = new.hold_hours or home["hold_hours"]
    expires_at = model.expiry(home["now"], hours) if new.state == "hold" else None
    given = (resource_id, new.category, new.state, expires_at, wedding_id, new.link_id)
    row = await tx.row(queries.add, *given, *_times(stretch))
    if row is None:
        raise await taken(tx, stretch, resource_id, home["now"])
    record(tx, facts.HELD if new.state == "hold" else facts.BOOKED, op="INSERT", row=row)
    booking_id: UUID = row["id"]
    words = Details(title=new.title.strip(), place=new.place.strip(), note=new.note.strip())
    await _put_details(tx, ring, booking_id, words, category=new.category, link_id=new.link_id, by=home["actor"])
    return booking_id


async def change(
    tx: Tx, ring: KeyRing, booking_id: UUID, fields: dict[str, Any], *, version: int | None = None
) -> None:
    """Move a booking or change what it is. Raises Refusal 403, 404, 412, 422, 409 when it is over or the time taken."""
    before = await _claimed(tx, booking_id, version)
    model.check_alive(before["state"])
    home = await found_home(tx)
    after = {**dict(before), **{k: v for k, v in fields.items() if k not in ("hold_hours", *_WORDS)}}
    if after["category"] != "wedding" and "link_id" not in fields:
        after["link_id"] = None
    model.check_category(home["role"], after["category"], after["link_id"])
    if after["link_id"] != before["link_id"]:
        after["wedding_id"] = await _wedding_of(tx, after["link_id"])
    if after["resource_id"] != before["resource_id"]:
        after["resource_id"] = await _resource(tx, after["resource_id"])
    if before["state"] == "hold" and "hold_hours" in fields:
        after["expires_at"] = model.expiry(home["now"], fields["hold_hours"])
    slot = model.changed_slot(before, fields)
    stretch = model.stretch(slot, home["time_zone"]) if slot else _stretch_of(before)
    if slot or after["resource_id"] != before["resource_id"]:
        await _check_free(tx, booking_id, after["resource_id"], stretch, home["now"])
    given = (after["resource_id"], after["category"], after["expires_at"], after["wedding_id"], after["link_id"])
    row = await tx.row(queries.change, booking_id, *given, *_times(stretch))
    record(tx, facts.CHANGED, op="UPDATE", row=_written(row))
    if fields.keys().isdisjoint(_WORDS) and _reader(after) == _reader(before):
        return
    words = await _words(tx, ring, booking_id, fields)
    await _put_details(
        tx, ring, booking_id, words, category=after["category"], link_id=after["link_id"], by=before["created_by"]
    )


def _reader(booking: Mapping[str, Any]) -> tuple[bool, UUID | None]:
    """What decides who reads its words: these are sealed anew where it changes."""
    return booking["category"] == "private", booking["link_id"]


async def book(tx: Tx, booking_id: UUID, *, version: int | None = None) -> None:
    """A hold becomes a booking; twice is once. Raises Refusal 403, 404, 412, 409 for what is over."""
    before = await _claimed(tx, booking_id, version)
    model.check_alive(before["state"])
    if before["state"] == "hold":
        await _set_state(tx, booking_id, "booked", "", before["state"])


async def cancel(tx: Tx, booking_id: UUID, *, version: int | None = None) -> None:
    """Let a hold or booking go; twice is once. Raises Refusal 403, 404, 412, 409 for what took place."""
    before = await _claimed(tx, booking_id, version)
    if before["state"] == "cancelled":
        return
    model.check_alive(before["state"])
    await _set_state(tx, booking_id, "cancelled", "withdrawn", before["state"])


async def ignore(tx: Tx, conflict_id: UUID, *, is_ignored: bool) -> None:
    """Somebody knows of a conflict and leaves it, or no longer does. Raises Refusal 403, 404, 409 when it is over."""
    await tx.run(queries.lock_conflicts)
    row = await tx.row(queries.conflict_current, conflict_id)
    if row is None:
        raise not_found("conflict")
    if msgspec.json.decode(row["record"])["state"] == "resolved":
        raise Refusal(409, "conflict_resolved", "This conflict is over by itself.")
    changed = await tx.row(queries.set_ignored, conflict_id, is_ignored)
    record(tx, facts.IGNORED, op="UPDATE", row=_written(changed))


async def suggest(
    tx: Tx, stretch: Stretch, resource_id: UUID | None, now: datetime, *, leaving_out: UUID | None = None
) -> tuple[bool, list[Alternative]]:
    """(whether it is free as asked, what else would do)."""
    margin = timedelta(days=alternatives.NEAR_DAYS + 2)
    window = (stretch.blocked_from - margin, stretch.blocked_until + margin)
    rows = await tx.rows(queries.free_gaps, *window, leaving_out)
    gaps = [Gap(**dict(r)) for r in rows]
    wanted = resource_id or await tx.value(queries.default_resource)
    if wanted is None:
        return True, []
    return (
        any(g.resource_id == wanted and alternatives.fits(stretch, g) for g in gaps),
        alternatives.ranked(stretch, wanted, gaps, now),
    )


async def taken(
    tx: Tx, stretch: Stretch, resource_id: UUID, now: datetime, *, leaving_out: UUID | None = None
) -> Refusal:
    """The answer to whoever came second."""
    _, offered = await suggest(tx, stretch, resource_id, now, leaving_out=leaving_out)
    return Refusal(
        409,
        "taken",
        "That time is taken. Choose one of the alternatives, or another time.",
        extra={"alternatives": [alternatives.offer(one) for one in offered]},
    )


async def found_home(tx: Tx) -> Row:
    """The entered supplier and who acts. Raises Refusal 404 in another kind of tenant."""
    row = await tx.row(queries.home, model.HOLD_HOURS)
    if row is None:
        raise not_found("supplier")
    return row


async def default_resource(tx: Tx) -> UUID:
    """The business itself as something to book; made where it is not there yet."""
    row = await tx.row(queries.add_default_resource, model.DEFAULT_RESOURCE)
    if row is not None:
        record(tx, facts.RESOURCE_ADDED, op="INSERT", row=row)
    found: UUID = row["id"] if row is not None else await tx.value(queries.default_resource)
    return found


async def _resource(tx: Tx, wanted: UUID | None) -> UUID:
    if wanted is None:
        found: UUID | None = await tx.value(queries.default_resource)
        return found or await default_resource(tx)
    row = await tx.row(queries.resources, wanted)
    if row is None or not row["is_active"]:
        raise model.invalid("resource_id", "is no resource in use here", "Send one of the list of resources.")
    return wanted


async def _wedding_of(tx: Tx, link_id: UUID | None) -> UUID | None:
    if link_id is None:
        return None
    found: UUID | None = await tx.value(queries.wedding_of_link, link_id)
    if found is None:
        raise model.invalid("link_id", "is no active link of this business", "Send the id of one of its links.")
    return found


async def _reclaim(tx: Tx, resource_id: UUID, stretch: Stretch) -> None:
    for row in await tx.rows(queries.reclaim, resource_id, stretch.blocked_from, stretch.blocked_until):
        record(tx, facts.EXPIRED, op="UPDATE", row=row)


async def _check_free(tx: Tx, booking_id: UUID, resource_id: UUID, stretch: Stretch, now: datetime) -> None:
    await tx.run(queries.lock_resource, str(resource_id))
    await _reclaim(tx, resource_id, stretch)
    blocked = (stretch.blocked_from, stretch.blocked_until)
    if await tx.value(queries.is_taken, resource_id, booking_id, *blocked):
        raise await taken(tx, stretch, resource_id, now, leaving_out=booking_id)


async def _claimed(tx: Tx, booking_id: UUID, version: int | None) -> Row:
    """Locked, if the actor may change it; RLS hides from a lock what it may only see."""
    row = await tx.row(queries.for_change, booking_id)
    if row is None:
        if await tx.row(queries.current, booking_id) is None:
            raise not_found("booking")
        raise Refusal(403, "forbidden", "Only an owner or admin changes this booking. Ask one of them.")
    if row["category"] == "private" and row["created_by"] != await tx.value("select app.actor()"):
        raise Refusal(403, "forbidden", "This is somebody's private time. Ask them to change it.")
    if version is not None and version != row["version"]:
        raise await stale(tx, queries.current, booking_id)
    return row


async def _set_state(tx: Tx, booking_id: UUID, state: str, reason: str, before: str) -> None:
    row = _written(await tx.row(queries.set_state, booking_id, state, reason))
    record(tx, model.kind_of(state, before), op="UPDATE", row=row)


async def _words(tx: Tx, ring: KeyRing, booking_id: UUID, fields: dict[str, Any]) -> Details:
    sealed = await tx.value(queries.details, booking_id)
    before = Details() if sealed is None else open_details(ring, await tx.home(), booking_id, sealed)
    return msgspec.structs.replace(before, **{k: fields[k].strip() for k in _WORDS if k in fields})


async def _put_details(
    tx: Tx, ring: KeyRing, booking_id: UUID, words: Details, *, category: str, link_id: UUID | None, by: UUID | None
) -> None:
    sealed = seal_details(ring, await tx.home(), booking_id, words)
    await tx.run(queries.put_details, booking_id, category == "private", link_id, by, sealed)


def seal_details(ring: KeyRing, supplier_id: UUID, booking_id: UUID, words: Details) -> bytes:
    """Names and notes of a booking as they are kept."""
    plain = msgspec.json.encode(words)
    return ring.seal(plain, tenant=supplier_id, table="booking_details", column="sealed", row=booking_id)


def open_details(ring: KeyRing, supplier_id: UUID, booking_id: UUID, sealed: bytes) -> Details:
    """Raises SealError when it was sealed for another row."""
    plain = ring.open(sealed, tenant=supplier_id, table="booking_details", column="sealed", row=booking_id)
    return msgspec.json.decode(plain, type=Details)


def _times(stretch: Stretch) -> tuple[Any, ...]:
    return (
        *(stretch.on, stretch.at_local, stretch.zone, stretch.minutes, stretch.days),
        *(stretch.before_minutes, stretch.after_minutes),
    )


def _stretch_of(row: Row) -> Stretch:
    return Stretch(**{name: row[name] for name in Stretch.__struct_fields__})


def _written(row: Row | None) -> Any:
    if row is None:
        raise Refusal(403, "forbidden", "Only an owner or admin changes this. Ask one of them.")
    return row
