"""`record`: append a fact to the transaction; the door flushes all of them by one SQL call before commit.

What a fact owes (deliveries, acknowledgements, reactions, derived head counts) is decided inside `app.record`, under
the stream's lock, where nobody's row security hides a subscription.
"""

from typing import Any, Final
from uuid import UUID

import msgspec

from wedsync.events.catalogue import EventType
from wedsync.kit import failpoints
from wedsync.kit.db import Fact, Published, Row, Tx
from wedsync.kit.valkey import Publisher

FEED: Final = "wedsync:events"
"""The channel of what was committed: JSON arrays of events in live form."""
_ENCODER = msgspec.json.Encoder()
MANY = 256


def record(
    tx: Tx,
    kind: EventType,
    *,
    op: str,
    row: Row,
    link: Any = None,
    membership: Any = None,
    bulk: bool = False,
    about: str | None = None,
    summary: dict[str, Any] | None = None,
    concerns: list[Any] | None = None,
    is_severe: bool = False,
) -> None:
    """Append the fact that `row` changed. `row` holds `id`, and the images `record` and `old_record` as jsonb text.

    `is_severe`: what hangs on it is more than on others of its type; nothing of it is opened to find that out later.
    The statement that changed the row returns them: `new.id, to_jsonb(new) as record, to_jsonb(old) as old_record`.
    """
    tx.facts.append(
        Fact(
            type=kind.type,
            version=kind.version,
            scope=int(kind.scope),
            table=kind.table,
            id=row["id"],
            op=op,
            record=None if op == "DELETE" else _image(row["record"]),
            old=None if op == "INSERT" else _image(row["old_record"]),
            link=link,
            membership=membership,
            bulk=bulk,
            about=about,
            summary=summary,
            concerns=concerns,
            severity="high" if is_severe or kind.is_severe else None,
        )
    )


def _image(text: str | None) -> msgspec.Raw | None:
    return None if text is None else msgspec.Raw(text.encode())


def record_inserted(tx: Tx, kind: EventType, ids: list[UUID]) -> None:
    """Append that work of the system inserted many rows; bulk facts, whose images the database takes from the table."""
    if ids:
        of = Fact(type=kind.type, version=kind.version, scope=int(kind.scope), table=kind.table, id=ids[0], op="INSERT")
        tx.facts.append(msgspec.structs.replace(of, bulk=True, ids=ids))


async def flush(tx: Tx) -> str | None:
    """Write all facts of the transaction and what they owe; returns the nudge to publish after commit.

    Where many are bulk, these go as arrays and get their numbers first: whoever reads the summary has read the rows.
    """
    many = [fact for fact in tx.facts if fact.bulk and fact.link is None and fact.membership is None]
    if len(many) < MANY and not any(fact.ids for fact in many):
        nudge: str | None = await tx.value("select app.record($1)", _ENCODER.encode(tx.facts).decode())
    else:
        nudge = await _flush_many(tx, many)
    failpoints.hit("before_commit")
    return nudge


async def _flush_many(tx: Tx, many: list[Fact]) -> str | None:
    inserted, told = [fact for fact in many if fact.ids], [fact for fact in many if not fact.ids]
    few = [fact for fact in tx.facts if not fact.bulk or fact.link is not None or fact.membership is not None]
    cause: UUID | None = None
    if inserted:
        kinds = [{"type": f.type, "version": f.version, "scope": f.scope, "table": f.table} for f in inserted]
        ids = [fact.ids or [] for fact in inserted]
        counts = [len(some) for some in ids]
        flat = [one for some in ids for one in some]
        cause = await tx.value("select app.record_inserted($1, $2, $3)", kinds, counts, flat)
    call = "select app.record_bulk($1, $2, $3, $4, $5, $6, $7)"
    nudge: str | None = await tx.value(call, *_arrays(told), _text(few), cause)
    return nudge


def _arrays(facts: list[Fact]) -> tuple[str, list[int], list[UUID], list[str | None], list[str | None]]:
    """What `app.record_bulk` takes: the kinds there are, and for each fact its kind, id and images."""
    kinds: dict[tuple[Any, ...], int] = {}
    places = [kinds.setdefault((f.type, f.version, f.scope, f.table, f.op), len(kinds) + 1) for f in facts]
    named = [dict(zip(("type", "version", "scope", "table", "op"), kind, strict=True)) for kind in kinds]
    images = [_text(f.record) for f in facts], [_text(f.old) for f in facts]
    return _ENCODER.encode(named).decode(), places, [f.id for f in facts], *images


def _text(image: Any) -> str | None:
    return None if image is None else _ENCODER.encode(image).decode()


def feeding(publisher: Publisher) -> Published:
    """What a door does with the nudges of a commit: all that gather while a publish is in flight go with the next."""

    async def published(nudge: str) -> None:
        # One without events says that something is owed: it goes as an empty array where nothing else does.
        publisher.gather(FEED, *(() if nudge == "[]" else (nudge[1:-1].encode(),)))

    return published
