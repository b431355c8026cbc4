"""Why somebody was told, or was not: what was decided, by which rule, and what became of what had to wait."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from wedsync.events.event import decode
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Door, Row, Tx
from wedsync.kit.errors import not_found
from wedsync.notices import model
from wedsync.notices.deciding import Step
from wedsync.web.context import person_of

queries = sql.load("wedsync.notices")
NOT_TEXTED: Final = "no text was left for it this month, or the number takes none any more"
"""A text is decided for a person and counted for a business: what was to be sent and could not is no text."""


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """What waited on a channel: until when, and what became of it (`sent`, `stale`, `revoked`; null: it waits)."""

    channel: str
    due_at: datetime
    ended_at: datetime | None
    ended: str | None


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided for a person of one fact. Outcomes by channel: `do` is send, defer, digest or suppress."""

    event_id: UUID
    stream_id: UUID
    type: str
    title: str
    category: str
    severity: str
    outcomes: Mapping[str, Mapping[str, Any]]
    trace: Sequence[Step]
    decided_at: datetime
    waiting: Sequence[Waiting] = ()


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """Whether somebody was told of an event, and why (not). `decision` where one was made."""

    is_told: bool
    reason: str
    decision: Decided | None = None


async def listed(tx: Tx, person: UUID, at: datetime | None, after: UUID | None, limit: int) -> list[Decided]:
    """One's own decisions, newest first, from a place on."""
    rows = await tx.rows(queries.decisions, person, at, after, limit)
    kept = await _kept(tx, person, [row["event_id"] for row in rows])
    return [_decided(row, kept) for row in rows]


async def one(tx: Tx, person: UUID, event_id: UUID) -> Decided:
    """One's own decision of one fact. Raises Refusal 404 where none was made."""
    row = await tx.row(queries.decision, person, event_id)
    if row is None:
        raise not_found("notice")
    return _decided(row, await _kept(tx, person, [event_id]))


async def ask(door: Door, actor: Actor, wedding_id: UUID, event_id: UUID) -> Answer:
    """Of an event of a wedding that the actor may see. Raises Refusal 404 for any other."""
    person = person_of(actor)
    async with door.enter(actor, wedding_id) as tx:
        seen = await tx.row(queries.seen_event, wedding_id, event_id)
    if seen is None:
        raise not_found("event")
    async with door.enter(actor, person) as tx:
        row = await tx.row(queries.decision, person, event_id)
        kept = await _kept(tx, person, [event_id])
    if row is not None:
        return Answer(is_told=True, reason="It is in your inbox.", decision=_decided(row, kept))
    me = model.Recipient(
        person_id=person,
        email=actor.email,
        name=actor.name,
        role=seen["role"],
        link_id=seen["link_id"],
        supplier_id=None,
        mask=seen["mask"],
        since=seen["since"],
    )
    over = model.passed_over(decode(seen["event"]), me)
    return Answer(is_told=False, reason=over or "It is being decided, or was before decisions were kept.")


class _Kept(msgspec.Struct, frozen=True):
    """What is known of these facts beside their decisions: what waited, and of which a text was made."""

    held: Sequence[Row]
    texted: frozenset[UUID]


async def _kept(tx: Tx, person: UUID, events: Sequence[UUID]) -> _Kept:
    held = await tx.rows(queries.held, person, events)
    return _Kept(held, frozenset(row["event_id"] for row in await tx.rows(queries.texted, events)))


def _decided(row: Row, kept: _Kept) -> Decided:
    waiting = [
        Waiting(channel=h["channel"], due_at=h["due_at"], ended_at=h["ended_at"], ended=h["ended"])
        for h in kept.held
        if h["event_id"] == row["event_id"]
    ]
    named = ("event_id", "stream_id", "type", "title", "category", "severity", "decided_at")
    outcomes: dict[str, dict[str, Any]] = msgspec.json.decode(row["outcomes"])
    if outcomes.get("sms", {}).get("do") == "send" and row["event_id"] not in kept.texted:
        outcomes["sms"] = {"do": "suppress", "reason": NOT_TEXTED}
    return Decided(
        **{name: row[name] for name in named},
        outcomes=outcomes,
        trace=msgspec.json.decode(row["trace"], type=list[Step]),
        waiting=waiting,
    )
