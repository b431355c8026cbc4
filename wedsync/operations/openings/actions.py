"""Asking for an opening, approving and ending it; every look is on record before it is taken."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec
import structlog

from wedsync.events import jobs
from wedsync.events.jobs import Job
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Door, Row, Tx
from wedsync.kit.errors import not_found
from wedsync.operations.openings.model import ROWS_MAX, AskOpening, Opening, OperatorLook, Part, Shown
from wedsync.operations.platform import PLATFORM, by_another, operator

queries = sql.load("wedsync.operations.openings")
log = structlog.get_logger("openings")

READS: Mapping[Part, str] = {
    "wedding": queries.wedding,
    "schedule": queries.schedule,
    "guests": queries.guests,
    "suppliers": queries.suppliers,
    "tasks": queries.tasks,
    "deliveries": queries.deliveries,
}


async def listed(tx: Tx) -> list[Opening]:
    """The operator's: of every wedding; a couple's: of their own. Raises Refusal 403 for everybody else."""
    return [_opening(row) for row in await tx.rows(queries.openings, None)]


async def one(tx: Tx, id: UUID) -> Opening:
    """Raises Refusal 404."""
    row = await tx.row(queries.openings, id)
    if row is None:
        raise not_found("opening")
    return _opening(row)


async def ask(tx: Tx, asked: AskOpening) -> UUID:
    """Nothing is open yet. Raises Refusal 404 where there is no such wedding."""
    id: UUID = await tx.value(queries.ask, asked.wedding_id, asked.reason, asked.minutes)
    log.warning("opening_asked", opening=str(id), person=str(tx.actor.id), minutes=asked.minutes)
    return id


async def approve(tx: Tx, id: UUID) -> None:
    """By another operator. Raises Refusal 403 for the one who asked, 409 where there is nothing to approve."""
    held = await _held(tx, id)
    by_another(tx, held, "opening", "approve")
    await tx.value(queries.approve, id)
    # The worker tells the couple; the empty nudge wakes it.
    tx.nudges.append("[]")
    log.warning("opening_approved", opening=str(id), person=str(tx.actor.id), asked_by=str(held["asked_by"]))


async def end(tx: Tx, id: UUID) -> None:
    """By an operator, or by the couple; ending twice is ending once. Raises Refusal 404."""
    await one(tx, id)
    if await tx.value(queries.end, id):
        log.warning("opening_ended", opening=str(id), person=str(tx.actor.id))


async def look(door: Door, actor: Actor, id: UUID, part: Part) -> Shown:
    """One part of the wedding, to the operator who asked. Raises Refusal 404 where it is not, or no longer, open.

    Two transactions: that somebody looks is committed before the second one shows anything.
    """
    async with door.enter(operator(actor), PLATFORM) as tx:
        noted: UUID = await tx.value(queries.note_look, id, part)
        opening = await one(tx, id)
    log.warning("opening_looked", opening=str(id), person=str(actor.id), part=part)
    async with door.enter_opening(actor, noted) as tx:
        rows = await tx.rows(READS[part], ROWS_MAX + 1)
    items = [dict(row) for row in rows[:ROWS_MAX]]
    return Shown(part=part, expires_at=opening.expires_at, items=items, is_cut=len(rows) > ROWS_MAX)


class _Args(msgspec.Struct):
    opening_id: UUID


async def tell(door: Door, job: Job) -> None:
    """The couple hears of it, once: the fact and the end of this work are one transaction."""
    args = msgspec.json.decode(job.args or "", type=_Args)
    async with door.enter_job(job.id, job.lease_token) as tx:
        nudge: str | None = await tx.value(queries.tell, args.opening_id)
        tx.nudges += [nudge] if nudge else []
        await jobs.finish(tx, job)


WORKS = {"openings": tell}


async def _held(tx: Tx, id: UUID) -> Row:
    held = await tx.row(queries.hold, id)
    if held is None:
        raise not_found("opening")
    return held


def _opening(row: Row) -> Opening:
    fields: dict[str, Any] = dict(row)
    return Opening(**fields | {"looks": msgspec.json.decode(fields["looks"], type=list[OperatorLook])})
