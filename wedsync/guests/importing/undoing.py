"""Taking an import back: what it made goes and what it changed returns, unless somebody touched it since."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from wedsync.events.catalogue import EventType
from wedsync.events.record import record
from wedsync.guests import facts
from wedsync.guests.importing import actions
from wedsync.guests.importing.standing import json_of
from wedsync.guests.importing.stored import Change, Journal, open_journal
from wedsync.kit import sql
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.kit.seal import KeyRing

queries = sql.load("wedsync.guests.importing")
_REMOVED = {
    "rsvps": facts.UNINVITED,
    "guest_contacts": facts.CONTACT_CHANGED,
    "guest_needs": facts.NEEDS_CHANGED,
}
_RESTORED: Sequence[tuple[str, str, EventType]] = (
    ("parties", queries.restore_parties, facts.PARTY_CHANGED),
    ("guests", queries.restore_guests, facts.GUEST_CHANGED),
    ("guest_contacts", queries.restore_contacts, facts.CONTACT_CHANGED),
    ("guest_needs", queries.restore_needs, facts.NEEDS_CHANGED),
    ("rsvps", queries.restore_answers, facts.REPLIED),
)
_DELETED: Sequence[tuple[str, str, EventType]] = (
    ("guest_contacts", queries.delete_contacts, facts.CONTACT_CHANGED),
    ("guest_needs", queries.delete_needs, facts.NEEDS_CHANGED),
    ("rsvps", queries.delete_answers, facts.UNINVITED),
)


class Kept(msgspec.Struct, frozen=True):
    """A guest the import made who stays, because somebody changed something about them since."""

    id: UUID
    name: str


class Undone(msgspec.Struct, frozen=True, kw_only=True):
    """`removed` guests are gone, `restored` rows are as they were; what is `kept` was touched since."""

    removed: int
    restored: int
    kept: list[Kept]
    kept_changes: int


async def undo(tx: Tx, ring: KeyRing, wedding_id: UUID, import_id: UUID) -> Undone:
    """Take an import back within 30 days. Raises Refusal 404, and 409 for one that is not finished, or too old."""
    row = await tx.row(queries.one, wedding_id, import_id)
    if row is None:
        raise not_found("import")
    if not row["can_undo"]:
        raise Refusal(409, "import_not_undoable", "Only a finished import of the last 30 days can be taken back.")
    await actions.end_undone(tx, wedding_id, import_id)
    sealed = await tx.value(queries.sealed_undo, wedding_id, import_id)
    journal = open_journal(ring, wedding_id, import_id, sealed)
    restored = await _restore(tx, wedding_id, journal.changes)
    kept, gone = await _divide(tx, wedding_id, journal)
    await _remove(tx, wedding_id, gone)
    for party in await tx.rows(queries.delete_parties, wedding_id, [UUID(p) for p in journal.parties]):
        record(tx, facts.PARTY_REMOVED, op="DELETE", row=party, bulk=True)
    return Undone(removed=len(gone), restored=restored, kept=kept, kept_changes=len(journal.changes) - restored)


async def _divide(tx: Tx, wedding_id: UUID, journal: Journal) -> tuple[list[Kept], list[UUID]]:
    """Who stays and who goes. Whoever brought somebody who stays, stays too."""
    made = [
        {"id": m.id, "answers": m.answers, "has_contact": m.has_contact, "has_needs": m.has_needs}
        for m in journal.guests
    ]
    parties = [UUID(party) for party in journal.parties]
    going = {row["id"] for row in await tx.rows(queries.untouched, wedding_id, json_of(made), parties)}
    there: dict[UUID, Row] = {
        row["id"]: row for row in await tx.rows(queries.names_of, wedding_id, [UUID(m.id) for m in journal.guests])
    }
    hosts = [row["plus_one_of"] for guest, row in there.items() if guest not in going]
    while hosts:
        host = hosts.pop()
        if host in going:
            going.remove(host)
            hosts.append(there[host]["plus_one_of"])
    kept = [Kept(guest, row["display_name"]) for guest, row in there.items() if guest not in going]
    return kept, sorted(going)


async def _remove(tx: Tx, wedding_id: UUID, guests: list[UUID]) -> None:
    for row in await tx.rows(queries.attached, wedding_id, guests):
        record(tx, _REMOVED[row["subject"]], op="DELETE", row=row, bulk=True)
    for row in await tx.rows(queries.delete_guests, wedding_id, guests):
        record(tx, facts.GUEST_REMOVED, op="DELETE", row=row, bulk=True)


async def _restore(tx: Tx, wedding_id: UUID, changes: Sequence[Change]) -> int:
    """Rows of guests who were there before: as they were, or gone if they were added; returns how many."""
    done = 0
    for table, statement, kind in _RESTORED:
        lines = [_image(c) for c in changes if c.table == table and c.before is not None]
        for row in await _told(tx, statement, wedding_id, lines):
            record(tx, kind, op="UPDATE", row=row, bulk=True)
            done += 1
    for table, statement, kind in _DELETED:
        lines = [{"id": c.id, "version": c.version} for c in changes if c.table == table and c.before is None]
        for row in await _told(tx, statement, wedding_id, lines):
            record(tx, kind, op="DELETE", row=row, bulk=True)
            done += 1
    return done


async def _told(tx: Tx, statement: str, wedding_id: UUID, lines: list[dict[str, Any]]) -> list[Row]:
    return await tx.rows(statement, wedding_id, json_of(lines)) if lines else []


def _image(change: Change) -> dict[str, Any]:
    return {"version": change.version, "before": msgspec.Raw((change.before or "null").encode())}
