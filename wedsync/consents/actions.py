"""Every write of consents, and the question that is asked before a mail that offers something."""

from collections.abc import Mapping, Sequence
from typing import cast
from uuid import UUID, uuid4

import msgspec

from wedsync.consents import sealed
from wedsync.consents.model import Act, Method, Out, Reason, Topic
from wedsync.kit import sql
from wedsync.kit.db import Tx
from wedsync.kit.seal import KeyRing

queries = sql.load("wedsync.consents")


async def note(
    tx: Tx,
    ring: KeyRing,
    email: str,
    *,
    topic: Topic,
    act: Act,
    method: Method,
    supplier_id: UUID | None = None,
    wording: str = "",
    source: str = "",
) -> None:
    """Given, to which words, or withdrawn; from one supplier, or (null) from everybody."""
    row = uuid4()
    kept = (row, sealed.index(ring, email), sealed.seal_address(ring, row, email))
    await tx.value(queries.note, *kept, supplier_id, topic, act, method, wording, source)


async def refused(
    tx: Tx, ring: KeyRing, emails: Sequence[str], *, topic: Topic, supplier_id: UUID | None
) -> Mapping[str, Reason]:
    """Which of these get no such mail, and why; asked as late as can be, in one statement for all."""
    asked = [{"n": n, "index": [i.hex() for i in sealed.indexes(ring, email)]} for n, email in enumerate(emails)]
    rows = await tx.rows(queries.refusals, msgspec.json.encode(asked).decode(), topic, supplier_id)
    return {emails[row["n"]]: cast(Reason, row["reason"]) for row in rows}


async def withdraw(tx: Tx, ring: KeyRing, out: Out, *, method: Method, is_everybody: bool = False) -> None:
    """By whoever holds a mail: of this kind and sender, or of everything that offers something, from everybody."""
    await note(
        tx,
        ring,
        out.email,
        topic="all" if is_everybody else out.topic,
        act="withdrawn",
        method=method,
        supplier_id=None if is_everybody else out.supplier_id,
        source=f"mail of {out.sender}"[:300],
    )


async def take_back(tx: Tx, ring: KeyRing, out: Out) -> None:
    """By the same person, on the page: these mails again."""
    scopes: tuple[tuple[Topic, UUID | None], ...] = ((out.topic, out.supplier_id), ("all", None))
    for topic, supplier in scopes:
        await note(
            tx,
            ring,
            out.email,
            topic=topic,
            act="given",
            method="page",
            supplier_id=supplier,
            wording="These mails again",
            source=f"mail of {out.sender}"[:300],
        )
