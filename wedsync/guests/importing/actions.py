"""Every write of an import: the upload kept, the work owed, its progress, the guest list changed."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from wedsync.events.catalogue import EventType
from wedsync.events.record import record, record_inserted
from wedsync.guests import facts as guest_facts
from wedsync.guests.importing import facts
from wedsync.guests.importing.reading import Ground
from wedsync.guests.importing.standing import Rows, ground_of
from wedsync.guests.importing.stored import Change, Journal, Made, seal_journal
from wedsync.guests.importing.values import CellIssue, ImportResult, Plan
from wedsync.guests.importing.writing import SEALED, Batch, Line, hung
from wedsync.kit import sql
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.kit.seal import KeyRing

queries = sql.load("wedsync.guests.importing")
WORK = "guests.import"
ERRORS_KEPT = 500
"""Rows named in the row of the import; the file of rejected rows has all of them."""
MASK = "…"


class Moved(Exception):  # noqa: N818 -- it reads as a sentence where it is raised
    """The guest list changed between deciding and writing: decide again."""


async def ground(tx: Tx, wedding_id: UUID) -> Ground:
    """What reading a list needs to know. Raises Refusal 404, and 403 for whoever may not import."""
    row = await tx.row(queries.ground, wedding_id)
    if row is None:
        raise not_found("wedding")
    if not row["may_import"]:
        raise Refusal(403, "forbidden", "Only the couple brings in guest lists. Send them your list.")
    events = await tx.rows(queries.events, wedding_id)
    return ground_of(row["country"], events, await tx.rows(queries.menus, wedding_id))


async def rows(tx: Tx, wedding_id: UUID, source: str) -> Rows:
    """Everything a list of this source is compared with."""
    return Rows(
        state=await tx.value(queries.state_of, wedding_id),
        guests=await tx.rows(queries.stored_guests, wedding_id),
        parties=await tx.rows(queries.stored_parties, wedding_id),
        contacts=await tx.rows(queries.stored_contacts, wedding_id),
        needs=await tx.rows(queries.stored_needs, wedding_id),
        answers=await tx.rows(queries.stored_answers, wedding_id),
        journals=await tx.rows(queries.journals, wedding_id, source),
    )


async def new_ids(tx: Tx, count: int) -> list[UUID]:
    """Ids in the order of the clock, as the database makes them."""
    ids: list[UUID] = await tx.value(queries.new_ids, count)
    return ids


async def keep(tx: Tx, wedding_id: UUID, import_id: UUID, *, filename: str, plan: Plan, sealed: bytes) -> None:
    """Keep an upload until somebody says what to do with it."""
    row = await tx.row(
        queries.add_import,
        import_id,
        wedding_id,
        plan.source[:60],
        filename[:255],
        plan.rows,
        len(plan.rejected),
        sealed,
    )
    if row is None:
        raise not_found("wedding")
    record(tx, facts.UPLOADED, op="INSERT", row=row, bulk=True)


async def choose(tx: Tx, wedding_id: UUID, import_id: UUID, plan: Plan, sealed: bytes) -> None:
    """The same upload with other choices, and the plan they make."""
    change = {"source": plan.source[:60], "rows": plan.rows, "rejected": len(plan.rejected)}
    await _change(tx, wedding_id, import_id, facts.UPLOADED, ("pending",), change, plan=sealed, bulk=True)


async def start(tx: Tx, wedding_id: UUID, import_id: UUID) -> None:
    """Owe the work. Raises Refusal 409 where it was begun already."""
    await _change(tx, wedding_id, import_id, facts.STARTED, ("pending",), {"status": "running"})
    await tx.value("select app.owe_work($1, $2)", WORK, {"import_id": str(import_id)})


async def progress(tx: Tx, wedding_id: UUID, import_id: UUID, done: int) -> None:
    """Tell screens how far it is; a bulk fact, which owes nothing."""
    await _change(tx, wedding_id, import_id, facts.PROGRESSED, ("running",), {"done": done}, bulk=True)


async def fail(tx: Tx, wedding_id: UUID, import_id: UUID, reason: str) -> None:
    """It cannot be brought in; nothing was changed."""
    errors = [CellIssue(0, "", "", reason)]
    change = {"status": "failed", "errors": msgspec.to_builtins(errors)}
    await _change(tx, wedding_id, import_id, facts.FAILED, ("running",), change)


async def apply(
    tx: Tx, ring: KeyRing, wedding_id: UUID, import_id: UUID, ready: "Ready", sealing: "asyncio.Task[dict[str, str]]"
) -> None:
    """Change the guest list and end the import, all of it or nothing. Raises Moved when it changed meanwhile.

    `sealing` gives the lines of contacts and needs, which are sealed while the names before them are written.
    """
    await tx.rows(queries.hold_imports, wedding_id)
    if await tx.value(queries.state_of, wedding_id) != ready.state:
        raise Moved
    await tx.plan_anew()
    changes = await _write(tx, wedding_id, ready, sealing)
    made = [Made(guest, *what) for guest, what in hung(ready.batch).items()]
    parties = [line["id"] for line in ready.batch.insert_parties]
    journal = Journal(bases=ready.bases, guests=made, parties=parties, changes=changes)
    undo = await asyncio.to_thread(seal_journal, ring, wedding_id, import_id, journal)
    result = ready.result
    change = {
        "status": "finished",
        "rows": result.rows,
        "done": result.rows,
        "created": result.created,
        "updated": result.updated,
        "skipped": result.skipped,
        "rejected": result.rejected,
        "errors": [masked(issue) for issue in result.errors[:ERRORS_KEPT]],
    }
    await _change(tx, wedding_id, import_id, facts.FINISHED, ("running",), change, undo=undo)


class Ready(msgspec.Struct, kw_only=True):
    """A decided import, worked out so far that only statements are left. `texts`: lines as jsonb, the sealed apart."""

    state: str
    batch: Batch
    texts: dict[str, str]
    bases: dict[str, dict[str, str]]
    result: ImportResult


def masked(issue: CellIssue) -> dict[str, Any]:
    """An error as it may stand in a dump: which cell and why, not what was in it."""
    return {**msgspec.to_builtins(issue), "value": MASK if issue.value else ""}


# In the order that references want: a statement's name, the fact of each row, whether it adds rows.
_STATEMENTS: Sequence[tuple[str, str, EventType, bool]] = (
    ("insert_parties", queries.insert_parties, guest_facts.PARTY_ADDED, True),
    ("update_parties", queries.update_parties, guest_facts.PARTY_CHANGED, False),
    ("insert_guests", queries.insert_guests, guest_facts.GUEST_ADDED, True),
    ("update_guests", queries.update_guests, guest_facts.GUEST_CHANGED, False),
    ("insert_contacts", queries.insert_contacts, guest_facts.CONTACT_CHANGED, True),
    ("update_contacts", queries.update_contacts, guest_facts.CONTACT_CHANGED, False),
    ("insert_needs", queries.insert_needs, guest_facts.NEEDS_CHANGED, True),
    ("update_needs", queries.update_needs, guest_facts.NEEDS_CHANGED, False),
    ("insert_answers", queries.insert_answers, guest_facts.INVITED, True),
    ("update_answers", queries.update_answers, guest_facts.REPLIED, False),
)


async def _write(tx: Tx, wedding_id: UUID, ready: Ready, sealing: "asyncio.Task[dict[str, str]]") -> list[Change]:
    """One statement for each kind of row; returns what changed about guests and parties that were there before."""
    own = {line["id"] for line in (*ready.batch.insert_guests, *ready.batch.insert_parties)}
    changes: list[Change] = []
    for name, statement, kind, is_new in _STATEMENTS:
        lines: list[Line] = getattr(ready.batch, name)
        if not lines:
            continue
        texts = await sealing if name in SEALED else ready.texts
        written = await tx.rows(statement, wedding_id, texts[name])
        if len(written) != len(lines):
            raise Moved
        if is_new:
            record_inserted(tx, kind, [row["id"] for row in written])
        else:
            for row in written:
                record(tx, kind, op="UPDATE", row=row, bulk=True)
        changes += [_change_of(kind, row, is_new) for row in written if _whose(name, row) not in own]
    return changes


def _whose(name: str, row: Row) -> str:
    return str(row["guest_id"] if name == "insert_answers" else row["id"])


def _change_of(kind: EventType, row: Row, is_new: bool) -> Change:
    return Change(kind.table, str(row["id"]), row["version"], None if is_new else row["old_record"])


async def _change(
    tx: Tx,
    wedding_id: UUID,
    import_id: UUID,
    kind: EventType,
    states: Sequence[str],
    change: dict[str, Any],
    *,
    plan: bytes | None = None,
    undo: bytes | None = None,
    bulk: bool = False,
) -> Row:
    row = await tx.row(queries.change_import, wedding_id, import_id, list(states), change, plan, undo)
    if row is None:
        raise await _why_not(tx, wedding_id, import_id)
    record(tx, kind, op="UPDATE", row=row, bulk=bulk)
    return row


async def _why_not(tx: Tx, wedding_id: UUID, import_id: UUID) -> Refusal:
    row = await tx.row(queries.one, wedding_id, import_id)
    if row is None:
        return not_found("import")
    return Refusal(409, "import_" + row["status"], f"This import is {row['status']} already. Look at what it did.")


# --- taking it back ---------------------------------------------------------------------------------------------------


async def end_undone(tx: Tx, wedding_id: UUID, import_id: UUID) -> None:
    """The import counts as taken back."""
    await _change(tx, wedding_id, import_id, facts.UNDONE, ("finished",), {"status": "undone"})
