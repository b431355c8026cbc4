"""Busy times of a supplier's own calendars, worked out here from their events and told to bookings: when, not what."""

from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

import msgspec

from wedsync.bookings import resources
from wedsync.bookings.rows import BusyPatch, BusyReplacement, BusyTime
from wedsync.connections.calendars.event import CalendarEvent, EventError
from wedsync.connections.calendars.expansion import Busy, busy_times
from wedsync.connections.calendars.run import AHEAD, Run
from wedsync.kit import sql
from wedsync.kit.db import Row, Tx

queries = sql.load("wedsync.connections.calendars")
EXPAND_AGAIN: Final = AHEAD / 20
"""The window has moved by so much: series reach further."""


def without_words(event: CalendarEvent) -> CalendarEvent:
    """What is kept of an event of theirs."""
    return CalendarEvent(
        times=event.times,
        rules=event.rules,
        status=event.status,
        is_busy=event.is_busy,
    )


async def begin(tx: Tx, run: Run, *, is_there: bool) -> None:
    """The calendar is a source of busy times; series reach as far as the window, which moves. `is_there`: it is one."""
    if is_begun(run, is_there=is_there):
        return
    _, until = run.window
    rows = await tx.rows(queries.touched, run.id, None)
    told = BusyReplacement(busy=_busy(run, rows), resource_id=run.wanted.resource_id, name=run.name[:120])
    await resources.replace_busy(tx, run.source, told)
    await tx.run(queries.expanded, run.id, until)
    run.progress.expanded_until = until


def is_begun(run: Run, *, is_there: bool) -> bool:
    """Whether nothing is to be done of it now."""
    expanded = run.progress.expanded_until
    _, until = run.window
    return not run.brings_busy or (is_there and expanded is not None and until - expanded < EXPAND_AGAIN)


async def refresh(tx: Tx, run: Run, touched: Collection[bytes], dropped: Sequence[bytes]) -> None:
    """Events of these keys are new or changed, those are gone with all their exceptions.

    Where an exception is gone, its series has the day again.
    """
    if not run.brings_busy or not (touched or dropped):
        return
    gone = await tx.rows(queries.drop_theirs, run.id, list(dropped)) if dropped else []
    keys = {*touched, *(bytes(row["series_key"]) for row in gone if row["series_key"] is not None)}
    rows = await tx.rows(queries.touched, run.id, list(keys)) if keys else []
    busy = _busy(run, rows)
    names = [row["id"].hex for row in (*gone, *rows)]
    before = {row["external_id"] for row in await tx.rows(queries.busy_of, run.source, names)}
    left = before - {one.external_id for one in busy}
    if busy or left:
        await resources.patch_busy(tx, run.source, BusyPatch(busy=busy, gone=sorted(left)))


def _busy(run: Run, rows: Sequence[Row]) -> list[BusyTime]:
    since, until = run.window
    found: list[BusyTime] = []
    for row in rows:
        if row["event"] is None:
            continue
        event = msgspec.json.decode(row["event"], type=CalendarEvent)
        try:
            times = busy_times(event, zone=run.zone, since=since, until=until, without=row["without"])
        except EventError:
            # It is busy at some time, and we know of one.
            run.counts.unread += 1
            times = []
            if event.is_busy and event.status != "cancelled":
                times = busy_times(msgspec.structs.replace(event, rules=()), zone=run.zone, since=since, until=until)
        found += [_told(row["id"], one) for one in times]
    return found


def _told(id: UUID, one: Busy) -> BusyTime:
    return BusyTime(external_id=f"{id.hex}.{one.start:%Y%m%dT%H%M%S}", starts_at=one.start, ends_at=one.end)
