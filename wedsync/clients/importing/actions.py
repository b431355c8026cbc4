"""Every write of an import of clients: the file kept, the list brought in and taken back, each in one transaction."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import msgspec

from wedsync.clients import actions, facts, sealed
from wedsync.clients.importing import merge as merging
from wedsync.clients.importing.merge import There
from wedsync.clients.importing.stored import open_journal, seal_journal, seal_upload
from wedsync.clients.importing.values import Before, Choices, Journal, Merge, Plan, Upload, masked
from wedsync.events.catalogue import EventType
from wedsync.events.record import record
from wedsync.kit import sql
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.kit.seal import KeyRing

queries = sql.load("wedsync.clients.importing")
ERRORS_KEPT: Final = 500
"""Rows named in the row of the import; the file of rejected rows has all of them."""
UNDO_DAYS: Final = 30


class Kept(msgspec.Struct, frozen=True):
    """A client the import made or changed who stays as they are, because somebody changed them since."""

    id: UUID
    couple_names: str


class Undone(msgspec.Struct, frozen=True, kw_only=True):
    """`removed` clients are gone, `restored` are as they were; whoever is `kept` was changed since."""

    removed: int
    restored: int
    kept: list[Kept]


async def keep(tx: Tx, ring: KeyRing, upload: Upload, plan: Plan) -> UUID:
    """Keep a file until somebody says what to do with it. Raises Refusal 403."""
    await actions.managed(tx)
    supplier_id = await tx.home()
    [import_id] = await _new_ids(tx, 1)
    plain = await asyncio.to_thread(seal_upload, ring, supplier_id, import_id, upload)
    await tx.run(
        queries.add_import, import_id, plan.source[:60], upload.filename[:255], plan.rows, plan.rejected, plain
    )
    return import_id


async def choose(tx: Tx, ring: KeyRing, import_id: UUID, upload: Upload, plan: Plan) -> None:
    """The same file with other choices. Raises Refusal 403, 404, and 409 when it was brought in already."""
    await actions.managed(tx)
    plain = await asyncio.to_thread(seal_upload, ring, await tx.home(), import_id, upload)
    if not await tx.run(queries.choose, import_id, plan.source[:60], plan.rows, plan.rejected, plain):
        raise await _why_not(tx, import_id)


async def compared(tx: Tx, ring: KeyRing, plan: Plan, choices: Choices) -> tuple[list[There], Merge]:
    """The clients there are, opened, and what the plan would do about them. Raises Refusal 403."""
    await actions.managed(tx)
    return await _compared(ring, await tx.home(), await tx.rows(queries.stored), plan, choices)


async def _compared(
    ring: KeyRing, supplier_id: UUID, rows: Sequence[Row], plan: Plan, choices: Choices
) -> tuple[list[There], Merge]:
    def work() -> tuple[list[There], Merge]:
        there = [_there(ring, supplier_id, row) for row in rows]
        return there, merging.merge(plan, there, choices)

    return await asyncio.to_thread(work)


async def bring_in(tx: Tx, ring: KeyRing, import_id: UUID, plan: Plan, choices: Choices) -> None:
    """Change the clients and end the import, all of it or nothing. Raises Refusal 403, 404, and 409 where it was."""
    supplier_id = await tx.home()
    merged, journal = await _merged(tx, ring, supplier_id, plan, choices, is_list=True)
    undo = await asyncio.to_thread(seal_journal, ring, supplier_id, import_id, journal)
    change = {
        "status": "finished",
        "source": plan.source[:60],
        "rows": plan.rows,
        "created": merged.created,
        "updated": merged.updated,
        "skipped": merged.skipped,
        "rejected": merged.rejected,
        "errors": [masked(issue) for issue in plan.errors[:ERRORS_KEPT]],
    }
    await _end(tx, import_id, "pending", facts.IMPORTED, change, undo)


async def take(tx: Tx, ring: KeyRing, plan: Plan, choices: Choices) -> Merge:
    """What another program says of single clients, without an import to take back. Raises Refusal 403."""
    merged, _ = await _merged(tx, ring, await tx.home(), plan, choices, is_list=False)
    return merged


async def _merged(
    tx: Tx, ring: KeyRing, supplier_id: UUID, plan: Plan, choices: Choices, *, is_list: bool
) -> tuple[Merge, Journal]:
    """The clients made and changed; of a whole list its import speaks, and each of them is bulk."""
    await actions.hold(tx)
    held = sorted(await tx.rows(queries.hold_stored), key=lambda row: (row["created_at"], row["id"]))
    there, merged = await _compared(ring, supplier_id, held, plan, choices)
    ids = await _new_ids(tx, merged.created) if merged.created else []
    new, changed = await asyncio.to_thread(_lines, ring, supplier_id, plan, choices, there, merged, ids)
    for row in await _written(tx, queries.insert_clients, new):
        record(tx, facts.ADDED, op="INSERT", row=row, bulk=is_list)
    for row in await _written(tx, queries.update_clients, changed):
        record(tx, facts.CHANGED, op="UPDATE", row=row, bulk=is_list)
    before = [_before(there[s.client]) for s in merged.steps if s.op == "update" and s.client is not None]
    return merged, Journal(made=[str(one) for one in ids], changed=before)


async def undo(tx: Tx, ring: KeyRing, import_id: UUID) -> Undone:
    """Take an import back within 30 days. Raises Refusal 403, 404, and 409 for one that cannot be."""
    await actions.hold(tx)
    row = await tx.row(queries.one, import_id)
    if row is None:
        raise not_found("import")
    if not row["can_undo"]:
        detail = f"Only a finished import of the last {UNDO_DAYS} days can be taken back."
        raise Refusal(409, "import_not_undoable", detail)
    supplier_id = await tx.home()
    kept = await tx.value(queries.sealed_undo, import_id)
    journal = await asyncio.to_thread(open_journal, ring, supplier_id, import_id, kept)
    await _end(tx, import_id, "finished", facts.UNDONE, {"status": "undone"}, None)
    made = [UUID(one) for one in journal.made]
    removed = await tx.rows(queries.delete_untouched, made)
    for gone in removed:
        record(tx, facts.REMOVED, op="DELETE", row=gone, bulk=True)
    lines = await asyncio.to_thread(_restoring, ring, supplier_id, journal.changed)
    restored = await tx.rows(queries.update_clients, _json(lines)) if lines else []
    for back in restored:
        record(tx, facts.CHANGED, op="UPDATE", row=back, bulk=True)
    done = {one["id"] for one in restored}
    stay = [*made, *(UUID(one.id) for one in journal.changed if UUID(one.id) not in done)]
    return Undone(removed=len(removed), restored=len(restored), kept=await _kept(tx, ring, supplier_id, stay))


async def _kept(tx: Tx, ring: KeyRing, supplier_id: UUID, ids: list[UUID]) -> list[Kept]:
    rows = await tx.rows(queries.kept, ids)

    def named() -> list[Kept]:
        return [Kept(r["id"], sealed.unseal(ring, supplier_id, r["id"], r["sealed"]).couple_names) for r in rows]

    return await asyncio.to_thread(named)


def _there(ring: KeyRing, supplier_id: UUID, row: Row) -> There:
    return There(
        id=str(row["id"]),
        version=row["version"],
        details=sealed.unseal(ring, supplier_id, row["id"], row["sealed"]),
        wedding_on=row["wedding_on"],
        stage=row["stage"],
        source=row["source"],
        external_id=row["external_id"],
    )


def _before(there: There) -> Before:
    """How somebody was, with the version that the import leaves."""
    fields = {name: getattr(there, name) for name in Before.__struct_fields__ if name != "version"}
    return Before(version=there.version + 1, **fields)


def _lines(
    ring: KeyRing,
    supplier_id: UUID,
    plan: Plan,
    choices: Choices,
    there: Sequence[There],
    merged: Merge,
    ids: Sequence[UUID],
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """(rows to insert, rows to update), sealed."""
    free = iter(ids)
    new: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    for step in merged.steps:
        planned = plan.clients[step.place]
        if step.op == "new":
            one = There(
                id=str(next(free)),
                version=1,
                details=planned.details,
                wedding_on=planned.wedding_on,
                stage=planned.stage or choices.stage,
                source=plan.source,
                external_id=planned.external_id or None,
            )
            new.append(_line(ring, supplier_id, one))
        elif step.op == "update" and step.client is not None:
            one = merging.after(there[step.client], step.changes, plan.source)
            changed.append(_line(ring, supplier_id, one))
    return new, changed


def _restoring(ring: KeyRing, supplier_id: UUID, changed: Sequence[Before]) -> list[dict[str, Any]]:
    """Sealed anew, for the keys may have been rotated since."""
    kept = There.__struct_fields__
    return [_line(ring, supplier_id, There(**{name: getattr(one, name) for name in kept})) for one in changed]


def _line(ring: KeyRing, supplier_id: UUID, one: There) -> dict[str, Any]:
    indexes = sealed.email_indexes(ring, supplier_id, one.details)
    return {
        "id": one.id,
        "version": one.version,
        "stage": one.stage,
        "wedding_on": one.wedding_on,
        "source": one.source,
        "external_id": one.external_id,
        "sealed": sealed.seal(ring, supplier_id, UUID(one.id), one.details).hex(),
        "email_index": indexes[0].hex() if indexes[0] else None,
        "partner_email_index": indexes[1].hex() if indexes[1] else None,
    }


async def _new_ids(tx: Tx, count: int) -> list[UUID]:
    ids: list[UUID] = await tx.value(queries.new_ids, count) or []
    return ids


async def _written(tx: Tx, statement: str, lines: list[dict[str, Any]]) -> list[Row]:
    """Rows that were read under the lock of this transaction are as they were read."""
    return await tx.rows(statement, _json(lines)) if lines else []


def _json(lines: Sequence[dict[str, Any]]) -> str:
    return msgspec.json.encode(lines).decode()


async def _end(
    tx: Tx, import_id: UUID, state: str, kind: EventType, change: dict[str, Any], undo: bytes | None
) -> None:
    row = await tx.row(queries.end_import, import_id, state, change, undo)
    if row is None:
        raise await _why_not(tx, import_id)
    record(tx, kind, op="UPDATE", row=row)


async def _why_not(tx: Tx, import_id: UUID) -> Refusal:
    row = await tx.row(queries.one, import_id)
    if row is None:
        return not_found("import")
    return Refusal(409, "import_" + row["status"], f"This import is {row['status']} already. Look at what it did.")
