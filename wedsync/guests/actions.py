"""Every write of parties and guests: added, changed, moved, removed; their contacts and needs."""

from typing import Any
from uuid import UUID, uuid4

import msgspec

from wedsync.events.record import record
from wedsync.guests import facts, model, sealed
from wedsync.guests.importing.names import name_sort
from wedsync.kit import sql
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import FieldError, Refusal, not_found
from wedsync.kit.seal import KeyRing
from wedsync.web.context import stale

queries = sql.load("wedsync.guests")
_REMOVED = {
    "guests": facts.GUEST_REMOVED,
    "rsvps": facts.UNINVITED,
    "guest_contacts": facts.CONTACT_CHANGED,
    "guest_needs": facts.NEEDS_CHANGED,
}
_MOVED = {**_REMOVED, "rsvps": facts.INVITED}


def clean(text: str) -> str:
    """A name without control characters and doubled spaces; emoji and right-to-left scripts stay."""
    return " ".join("".join(c if c.isprintable() or c in "\u200c\u200d" else " " for c in text).split())


def display_name(first: str, last: str, given: str = "") -> str:
    """What a guest is called on screens. Raises Refusal 422 when nothing is left."""
    name = clean(given) or clean(f"{first} {last}")
    if not name:
        raise Refusal(
            422,
            "invalid",
            "display_name: a guest needs a name",
            errors=[FieldError("display_name", "is empty", "Give a first or last name.")],
        )
    return name


def guest_row(guest: model.NewGuest, party_id: UUID, *, position: int = 0) -> dict[str, Any]:
    """The columns of a new guest."""
    first, last = clean(guest.first_name), clean(guest.last_name)
    name = display_name(first, last, guest.display_name)
    return {
        "id": uuid4(),
        "party_id": party_id,
        "first_name": first,
        "last_name": last,
        "display_name": name,
        "name_sort": name_sort(name, last=last),
        "kind": guest.kind,
        "age_band": guest.age_band,
        "plus_one_of": None,
        "role": clean(guest.role),
        "source_key": None,
        "position": position,
    }


async def add_party(tx: Tx, ring: KeyRing, wedding_id: UUID, party: model.NewParty) -> tuple[UUID, list[UUID]]:
    """A party with its guests and invitations; returns (party id, guest ids)."""
    row = await tx.row(
        queries.add_party, None, wedding_id, clean(party.name), party.side, party.tags, party.plus_ones_allowed
    )
    if row is None:
        raise not_found("wedding")
    record(tx, facts.PARTY_ADDED, op="INSERT", row=row)
    guests = [guest_row(g, row["id"], position=n) for n, g in enumerate(party.guests)]
    await add_rows(tx, wedding_id, guests)
    ids = [g["id"] for g in guests]
    await _details(tx, ring, wedding_id, dict(zip(ids, party.guests, strict=True)))
    await invite(tx, wedding_id, ids, party.schedule_item_ids)
    return row["id"], ids


async def add_guest(tx: Tx, ring: KeyRing, wedding_id: UUID, guest: model.NewGuest) -> UUID:
    """A guest, in the named party or in a new one of their own."""
    if guest.party_id is None:
        name = display_name(guest.first_name, guest.last_name, guest.display_name)
        party = model.NewParty(name=name[:300], guests=[guest], schedule_item_ids=guest.schedule_item_ids)
        return (await add_party(tx, ring, wedding_id, party))[1][0]
    if await tx.row(queries.party_current, guest.party_id) is None:
        raise Refusal(
            422,
            "unknown_reference",
            "party_id: there is no such party",
            errors=[FieldError("party_id", "is not a party of this wedding")],
        )
    row = guest_row(guest, guest.party_id)
    await add_rows(tx, wedding_id, [row])
    await _details(tx, ring, wedding_id, {row["id"]: guest})
    await invite(tx, wedding_id, [row["id"]], guest.schedule_item_ids)
    guest_id: UUID = row["id"]
    return guest_id


async def add_rows(tx: Tx, wedding_id: UUID, guests: list[dict[str, Any]], *, bulk: bool = False) -> None:
    """Insert any number of guests in one statement."""
    if guests:
        for row in await tx.rows(queries.add_guests, wedding_id, msgspec.json.encode(guests).decode()):
            record(tx, facts.GUEST_ADDED, op="INSERT", row=row, bulk=bulk)


async def invite(
    tx: Tx, wedding_id: UUID, guest_ids: list[UUID], item_ids: list[UUID] | None, *, bulk: bool = False
) -> None:
    """Invite guests to schedule items; None means all that take RSVPs. Inviting twice changes nothing."""
    if not guest_ids:
        return
    if item_ids is None:
        item_ids = [r["id"] for r in await tx.rows(queries.rsvp_items, wedding_id)]
    for row in await tx.rows(queries.invite, wedding_id, guest_ids, item_ids):
        record(tx, facts.INVITED, op="INSERT", row=row, bulk=bulk)


async def invite_pairs(tx: Tx, wedding_id: UUID, pairs: list[tuple[UUID, UUID]]) -> None:
    """Invite each guest to the schedule item beside them."""
    if pairs:
        guests, items = [guest for guest, _ in pairs], [item for _, item in pairs]
        for row in await tx.rows(queries.invite_pairs, wedding_id, guests, items):
            record(tx, facts.INVITED, op="INSERT", row=row)


async def _details(tx: Tx, ring: KeyRing, wedding_id: UUID, guests: dict[UUID, model.NewGuest]) -> None:
    for guest_id, guest in guests.items():
        if guest.contact is not None:
            await put_contact(tx, ring, wedding_id, guest_id, guest.contact)
        if guest.needs is not None:
            await put_needs(tx, ring, wedding_id, guest_id, guest.needs)


async def put_contact(tx: Tx, ring: KeyRing, wedding_id: UUID, guest_id: UUID, contact: model.Contact) -> None:
    """How a guest is reached; sealed before it leaves this process."""
    value, index = sealed.seal_contact(ring, wedding_id, guest_id, contact)
    row = await tx.row(queries.put_contact, guest_id, value, index)
    if row is None:
        raise not_found("guest")
    record(tx, facts.CONTACT_CHANGED, op=_op(row), row=row)


async def put_needs(tx: Tx, ring: KeyRing, wedding_id: UUID, guest_id: UUID, needs: model.Needs) -> None:
    """What a guest needs; sealed before it leaves this process."""
    row = await tx.row(queries.put_needs, guest_id, sealed.seal_needs(ring, wedding_id, guest_id, needs))
    if row is None:
        raise not_found("guest")
    record(tx, facts.NEEDS_CHANGED, op=_op(row), row=row, is_severe=needs.is_severe)


async def put_needs_many(tx: Tx, ring: KeyRing, wedding_id: UUID, needs: dict[UUID, model.Needs]) -> int:
    """The needs of several guests in one statement; returns how many."""
    if not needs:
        return 0
    values = [{"guest_id": g, "sealed": sealed.seal_needs(ring, wedding_id, g, n).hex()} for g, n in needs.items()]
    rows = await tx.rows(queries.put_needs_many, msgspec.json.encode(values).decode())
    for row in rows:
        record(tx, facts.NEEDS_CHANGED, op=_op(row), row=row, is_severe=needs[row["id"]].is_severe)
    return len(rows)


async def name_guests(tx: Tx, rows: list[dict[str, Any]]) -> int:
    """Name guests who had no name, or another: `[{id, first_name, last_name, display_name, name_sort}]`."""
    if not rows:
        return 0
    named = await tx.rows(queries.name_guests, msgspec.json.encode(rows).decode())
    for row in named:
        record(tx, facts.GUEST_CHANGED, op="UPDATE", row=row)
    return len(named)


async def change_guest(tx: Tx, guest_id: UUID, fields: dict[str, Any], *, version: int | None = None) -> int:
    """Change a guest; returns the new version. Raises Refusal 404, 403, 412 or 422."""
    before = await tx.row(queries.guest, guest_id)
    if before is None:
        raise not_found("guest")
    fields = _named(before, fields)
    row = await tx.row(queries.change_guest, guest_id, msgspec.json.encode(fields).decode(), version)
    if row is None:
        raise await stale(tx, queries.guest_current, guest_id)
    record(tx, facts.GUEST_CHANGED, op="UPDATE", row=row)
    if fields.get("party_id", before["party_id"]) != before["party_id"]:
        await _move(tx, before["wedding_id"], guest_id, fields["party_id"])
        await _remove_party_if_empty(tx, before["wedding_id"], before["party_id"])
    now: int = row["version"]
    return now


async def _move(tx: Tx, wedding_id: UUID, guest_id: UUID, party_id: UUID) -> None:
    """What hangs on a guest goes along; told to screens, and to nobody else, for it says nothing new."""
    for row in await tx.rows(queries.move_guest, guest_id, party_id, wedding_id):
        record(tx, _MOVED[row["subject"]], op="UPDATE", row=row, bulk=True)


def _named(before: Row, fields: dict[str, Any]) -> dict[str, Any]:
    """Another first or last name changes what a guest is called, unless that is given too; a plus-one may have none."""
    out = {k: clean(v) if isinstance(v, str) else v for k, v in fields.items()}
    if out.keys() & {"first_name", "last_name", "display_name"}:
        first, last = out.get("first_name", before["first_name"]), out.get("last_name", before["last_name"])
        unnamed = "A guest" if before["kind"] == "plus_one" and not first and not last else ""
        out["display_name"] = display_name(first, last, out.get("display_name", "") or unnamed)
        out["name_sort"] = name_sort(out["display_name"], last=last)
    return out


async def change_party(tx: Tx, party_id: UUID, fields: dict[str, Any], *, version: int | None = None) -> int:
    """Change a party; returns the new version."""
    row = await tx.row(queries.change_party, party_id, msgspec.json.encode(fields).decode(), version)
    if row is None:
        raise await stale(tx, queries.party_current, party_id)
    record(tx, facts.PARTY_CHANGED, op="UPDATE", row=row)
    now: int = row["version"]
    return now


async def remove_guests(tx: Tx, wedding_id: UUID, guest_ids: list[UUID], *, bulk: bool = False) -> None:
    """Remove guests with their answers, contacts and needs, each told as its own fact; an emptied party goes too."""
    attached = await tx.rows(queries.guest_rows, wedding_id, guest_ids)
    for row in attached:
        record(tx, _REMOVED[row["subject"]], op="DELETE", row=row, bulk=bulk)
    removed = await tx.rows(queries.remove_guests, wedding_id, guest_ids)
    if len(removed) != len(set(guest_ids)):
        raise not_found("guest")
    for row in removed:
        record(tx, facts.GUEST_REMOVED, op="DELETE", row=row, bulk=bulk)
    for party_id in {msgspec.json.decode(r["old_record"])["party_id"] for r in removed}:
        await _remove_party_if_empty(tx, wedding_id, UUID(party_id), bulk=bulk)


async def _remove_party_if_empty(tx: Tx, wedding_id: UUID, party_id: UUID, *, bulk: bool = False) -> None:
    row = await tx.row(queries.remove_empty_party, wedding_id, party_id)
    if row is not None:
        record(tx, facts.PARTY_REMOVED, op="DELETE", row=row, bulk=bulk)


def _op(row: Row) -> str:
    return "INSERT" if row["old_record"] is None else "UPDATE"
