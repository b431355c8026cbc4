"""Day packs are made by work of their own, a few at a time: they are the heaviest thing that a wedding day brings.

A plan is amended, or the day comes near, for many weddings in the same second. Packs are for where there is no network,
so they have seconds; screens have not. Each wedding has its own turn, what is amended meanwhile goes along, and a pack
is written beside the loop, while nothing is held in the database.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from wedsync.days import actions as days
from wedsync.days.actions import queries as plans
from wedsync.days.model import Because
from wedsync.events import jobs
from wedsync.events.jobs import Job
from wedsync.events.reactions import Work
from wedsync.kit import sql
from wedsync.kit.db import Door, Tx
from wedsync.kit.seal import KeyRing
from wedsync.operations.wedding_day import pack
from wedsync.schedule.model import LIVE_BEFORE
from wedsync.schedule.rows import WeddingDay

queries = sql.load("wedsync.operations.wedding_day")
PACK: Final = "days.pack"
ENTER: Final = "select app.enter_job($1, $2)"
PACKED_BEFORE: Final[tuple[tuple[timedelta, Because], ...]] = (
    (timedelta(days=7), "week"),
    (timedelta(hours=24), "day"),
    (timedelta(hours=2), "hours"),
)


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Why packs are made, and how many the clock has made of each day then."""

    because: Because
    number: int
    made: Mapping[date, int]


def works(ring: KeyRing) -> Mapping[str, Work]:
    """By the name it is owed under."""

    async def make(door: Door, job: Job) -> None:
        async with door.enter_job(job.id, job.lease_token) as tx:
            wanted = await _wanted(tx)
            said = await _read(tx, ring, job) if wanted is not None else []
        files = await asyncio.to_thread(lambda: [(whose, pack.written(words)) for whose, words in said])
        async with door.enter_job(job.id, job.lease_token) as tx:
            await tx.run(queries.hold_packs)
            # Another job may have made them meanwhile.
            if wanted is not None and await _wanted(tx) is not None:
                await _keep(tx, ring, wanted, files)
            await jobs.finish(tx, job)

    return {PACK: make}


def packs_due(day: WeddingDay, now: datetime) -> int:
    """How many packs the clock has made by now."""
    return sum(1 for before, _ in PACKED_BEFORE if now >= first_of(day) - before)


def first_of(day: WeddingDay) -> datetime:
    """When its first item begins."""
    return day.live_from + LIVE_BEFORE


async def _wanted(tx: Tx) -> Wanted | None:
    """What the clock owes of days to come, several that were missed as one; else what was amended since the last."""
    head = await tx.row(queries.head)
    if head is None:
        return None
    made = {row["on"]: row["packs"] for row in await tx.rows(queries.watches)}
    known = await days.days(tx) if head["stands"] else []
    due = {day.on: packs_due(day, head["now"]) for day in known if day.live_until > head["now"]}
    ahead = {on: count for on, count in due.items() if count > made.get(on, 0)}
    number = await tx.value(plans.last_number)
    if ahead:
        return Wanted(because=PACKED_BEFORE[max(ahead.values()) - 1][1], number=number, made=ahead)
    if number > await tx.value(queries.packed):
        return Wanted(because="amendment", number=number, made={})
    return None


async def _read(tx: Tx, ring: KeyRing, job: Job) -> Sequence[tuple[UUID | None, Mapping[str, object]]]:
    """The couple's and every supplier's, each as they may see it."""
    said: list[tuple[UUID | None, Mapping[str, object]]] = [(None, await pack.read(tx, ring))]
    links = [row["id"] for row in await tx.rows(queries.links) if row["status"] == "active"]
    for link in links:
        if await tx.value(queries.look_as, link):
            said.append((link, await pack.read(tx, ring)))
        await tx.run(ENTER, job.id, job.lease_token)
    return said


async def _keep(tx: Tx, ring: KeyRing, wanted: Wanted, files: Sequence[tuple[UUID | None, bytes]]) -> None:
    for whose, file in files:
        await days.keep_pack(tx, ring, file, link_id=whose, because=wanted.because, number=wanted.number)
    for on, count in wanted.made.items():
        await tx.run(queries.put_packed, on, count)
