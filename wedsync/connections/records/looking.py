"""Reads maps and what they are made from, for doors: the map that holds, a trial of another one, one record whole."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import msgspec

from wedsync.connections.records import documents, mapping, trying
from wedsync.connections.records.fields import MapRule
from wedsync.connections.records.kept import Seals, Told
from wedsync.connections.records.model import Document, RecordMap, Value
from wedsync.connections.records.record import Record
from wedsync.kit import sql
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import not_found
from wedsync.kit.seal import KeyRing

queries = sql.load("wedsync.connections.records")
TRIED_MAX: Final = 200
"""Records that a map is tried on: those that were read last."""


async def map_of(tx: Tx, book_id: UUID, version: int | None = None) -> RecordMap:
    """The map that holds, or one of its versions. Raises Refusal 404."""
    row = await tx.row(queries.map, book_id, version)
    if row is None or (version is not None and row["version"] != version):
        raise not_found("map")
    return RecordMap(
        book_id=row["book_id"],
        tenant_id=row["tenant_id"],
        connector=row["connector"],
        title=row["title"],
        version=row["version"],
        rules=rules_of(row),
        missing=tuple(row["missing"]),
        is_document=row["connector"] in mapping.documentary(),
        made_by=row["made_by"],
        created_at=row["created_at"],
    )


def rules_of(row: Row) -> tuple[MapRule, ...]:
    """Of a row of the maps."""
    return msgspec.json.decode(row["rules"], type=tuple[MapRule, ...])


async def tried(tx: Tx, ring: KeyRing, held: RecordMap, rules: Sequence[MapRule]) -> trying.MapTrial:
    """These rules on what was read last. Raises Refusal 422."""
    told = await told_of(tx, ring, held.book_id, held.tenant_id)
    return trying.tried(rules, told, may_write=held.is_document)


async def told_of(tx: Tx, ring: KeyRing, book_id: UUID, tenant: UUID) -> list[trying.Told]:
    """The records that were read last."""
    seals = Seals(ring, tenant)
    rows = await tx.rows(queries.last_documents, book_id, TRIED_MAX)
    several = [
        (seals.kept(row["item_id"], row["item_sealed"]), seals.told(row["item_id"], row["sealed"])) for row in rows
    ]
    return [trying.Told(id=kept.remote_id, own=told.own, document=told.document) for kept, told in several]


async def document(tx: Tx, ring: KeyRing, held: RecordMap, item_id: UUID) -> Document:
    """One record whole. Raises Refusal 404."""
    row = await tx.row(queries.document, item_id, held.book_id)
    if row is None:
        raise not_found("record")
    seals = Seals(ring, row["tenant_id"])
    kept = seals.kept(item_id, row["item_sealed"])
    told = Told(own=Record()) if row["sealed"] is None else seals.told(item_id, row["sealed"])
    one = trying.Told(id=kept.remote_id, own=told.own, document=told.document)
    (seen,) = trying.tried(held.rules, [one], may_write=held.is_document).records
    sources = [source for rule in held.rules for source in rule.source]
    rest = documents.unmapped(told.document, sources)
    return Document(
        id=item_id,
        book_id=held.book_id,
        external_id=kept.remote_id,
        read_at=row["read_at"],
        record=kept.theirs or seen.record,
        mapped=_values([one for one in documents.leaves(told.document) if one not in rest]),
        unmapped=_values(rest),
        problems=seen.problems,
    )


def _values(several: Sequence[tuple[str, str]]) -> tuple[Value, ...]:
    return tuple(Value(path=path, value=value) for path, value in several)
