"""`record`: append a fact to the transaction; the door flushes all of them by one SQL call before commit.

What a fact owes (deliveries, acknowledgements, reactions, derived head counts) is decided inside `app.record`, under
the stream's lock, where nobody's row security hides a subscription.
"""

from typing import Any

import msgspec

from wedsync.events.catalogue import EventType
from wedsync.kit import failpoints
from wedsync.kit.db import Fact, Row, Tx

_ENCODER = msgspec.json.Encoder()


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
) -> None:
    """Append the fact that `row` changed. `row` holds `id`, and the images `record` and `old_record` as jsonb text.

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
        )
    )


def _image(text: str | None) -> msgspec.Raw | None:
    return None if text is None else msgspec.Raw(text.encode())


async def flush(tx: Tx) -> str | None:
    """Write all facts of the transaction and what they owe; returns the nudge to publish after commit."""
    nudge: str | None = await tx.value("select app.record($1)", _ENCODER.encode(tx.facts).decode())
    failpoints.hit("before_commit")
    return nudge
