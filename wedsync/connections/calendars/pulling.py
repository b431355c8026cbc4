"""What changed there: page by page, each with its cursor in one transaction, so that a crash neither loses nor doubles.

A cursor that is lost means a full listing under a new generation; only at its end, and only if it is not suspiciously
much, what it has not named is gone. Until then what was known stays known: nobody looks free for a minute.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from wedsync.connections.calendars import busy, conflicts
from wedsync.connections.calendars.contract import Change, CursorLost, Gone, Pull, Pulled
from wedsync.connections.calendars.deciding import in_zone
from wedsync.connections.calendars.event import CalendarEvent, EventError, Timed, checked
from wedsync.connections.calendars.kept import Dispute, Kept, event_key
from wedsync.connections.calendars.run import LISTED_EVERY, Counts, Ended, Looked, Progress, Run, stopped
from wedsync.connections.calendars.settling import times_of
from wedsync.kit import sql
from wedsync.kit.db import Row, Tx

queries = sql.load("wedsync.connections.calendars")
PAGES_MAX: Final = 1000
LOST_MAX: Final = 3
"""Cursors that a provider gives out and does not know, in one run."""
ECHOES_MAX: Final = 20
VANISHED_MIN: Final = 10
VANISHED_SHARE: Final = 0.2


async def pull(run: Run) -> Ended | None:
    """All pages there are; None when it came to the end."""
    progress = run.progress
    if not progress.is_listing and is_listing_due(progress, run.began_at):
        progress.cursor = ""
    # Without one it begins anew: what a listing named that stopped on its way may be gone since.
    progress.is_listing = progress.is_listing and bool(progress.cursor)
    lost = 0
    for _ in range(PAGES_MAX):
        since, until = run.window
        asked = Pull(calendar=run.remote.id, cursor=progress.cursor, since=since, until=until, zone=run.zone)
        said = await (await run.exchange()).pull(asked)
        if isinstance(said, CursorLost):
            lost += 1
            if lost > LOST_MAX:
                return Ended(word="failed", reason="The provider forgets at once how far we have read.")
            progress.cursor, progress.is_listing = "", False
            continue
        if isinstance(said, Gone):
            return Ended(word="gone", reason="The calendar is not there any more.")
        if not isinstance(said, Pulled):
            return stopped(said)
        ended = await _page(run, said, is_listing=said.is_listing or not asked.cursor)
        if ended is not None or not said.has_more:
            return ended
    return Ended(reason="There is more than can be read at once.", is_more=True)


def is_listing_due(progress: Progress, now: datetime) -> bool:
    """The first time, and once a week; the weekly one waits while a wedding is on."""
    if progress.listed_at is None:
        return True
    return not progress.is_safe and now - progress.listed_at > LISTED_EVERY


async def _page(run: Run, page: Pulled, *, is_listing: bool) -> Ended | None:
    progress = run.progress
    sealed = run.seals.seal(page.cursor, table="calendar_progress", row=run.id, column="cursor_sealed")
    if run.end_together is not None and _may_be_echo(run, page, is_listing=is_listing):
        echoes = [(event_key(run.id, change.id), change.etag) for change in page.changes]
        if await run.end_together(sealed, echoes):
            return Ended(is_over=True)
    if is_listing and not progress.is_listing:
        progress.generation, progress.is_listing, progress.unread = progress.generation + 1, True, 0
    if is_listing:
        progress.unread += page.unread
    is_end = not page.has_more
    run.counts.unread += page.unread
    ended: Ended | None = None
    async with run.join() as tx:
        await apply(tx, run, page.changes)
        if is_end and progress.is_listing:
            ended = await _sweep(tx, run)
        listed, is_listing = progress.is_listing and is_end, progress.is_listing and not is_end
        how_far = (sealed, run.cursor_for, progress.generation, is_listing)
        so_far = (is_end, progress.pulls_wanted, listed, progress.unread)
        is_marked = await tx.value(queries.save_page, run.id, *how_far, *so_far)
        run.looked = Looked(rows=(), ours={}) if is_end and not is_marked else None
    progress.cursor, progress.is_listing = page.cursor, is_listing
    if listed:
        progress.listed_at = run.began_at
    return ended


def _may_be_echo(run: Run, page: Pulled, *, is_listing: bool) -> bool:
    """Whether all there is may be known already, mostly as we wrote it, and nothing has come before it in this run."""
    if page.has_more or page.unread or is_listing or run.progress.is_listing or len(page.changes) > ECHOES_MAX:
        return False
    are_plain = all(one.event is not None and not one.series and not one.is_whole for one in page.changes)
    # One that the statement cannot take would keep all others from ending.
    are_told = all(one.etag and one.etag.isprintable() for one in page.changes)
    return are_plain and are_told and run.open_tx is None and run.counts == Counts()


class _Page(msgspec.Struct):
    """What a page does, gathered before it is written."""

    seen: list[UUID]
    theirs: list[tuple[bytes, str, bytes | None, str, str | None, object, object]]
    dropped: list[bytes]
    touched: set[bytes]


async def apply(tx: Tx, run: Run, changes: Sequence[Change]) -> None:
    """The effects of a page, in the transaction that keeps its cursor. A page that comes twice changes nothing."""
    if not changes:
        return
    last = {change.id: change for change in changes}
    run.counts.pulled += len(last)
    keys = {id: event_key(run.id, id) for id in last}
    markers = [found for change in last.values() if (found := _uuid(change.marker)) is not None]
    # An exception may come long after its series: whose that is decides what it is.
    series = [event_key(run.id, change.series) for change in last.values() if change.series]
    rows = await tx.rows(queries.known, run.id, [*keys.values(), *series], markers)
    by_key = {bytes(row["remote_key"]): row for row in rows if row["calendar_id"] == run.id and row["remote_key"]}
    by_id = {row["id"]: row for row in rows}
    page = _Page([], [], [], set())
    for id, change in last.items():
        row = by_key.get(keys[id])
        marked = _uuid(change.marker)
        ours = row if row is not None and row["kind"] != "theirs" else by_id.get(marked) if marked else None
        if ours is not None and ours["kind"] != "theirs":
            await _of_ours(tx, run, ours, change, keys[id], page)
        elif run.brings_busy:
            _of_theirs(run, row, change, keys[id], by_key, page)
    page.dropped += await _left_behind(tx, run, last.values(), keys)
    if page.seen:
        await tx.run(queries.seen, page.seen, run.progress.generation)
    if page.theirs:
        await tx.run(queries.put_theirs, run.id, *map(list, zip(*page.theirs, strict=True)), run.progress.generation)
    await busy.refresh(tx, run, page.touched, page.dropped)


async def _left_behind(tx: Tx, run: Run, told: Collection[Change], keys: Mapping[str, bytes]) -> list[bytes]:
    """Exceptions that we know of series which came whole, and that did not come with them."""
    whole = [keys[change.id] for change in told if change.is_whole and change.event is not None]
    if not (whole and run.brings_busy):
        return []
    rows = await tx.rows(queries.exceptions_but, run.id, whole, list(keys.values()))
    return [bytes(row["remote_key"]) for row in rows]


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


async def _of_ours(tx: Tx, run: Run, row: Row, change: Change, key: bytes, page: _Page) -> None:
    """What is there of one of ours. A copy of it, in this calendar or another, is neither ours nor busy time."""
    if row["calendar_id"] != run.id or change.series:
        return
    kept = run.seals.kept(row["id"], row["sealed"])
    is_known = row["remote_key"] is not None and bytes(row["remote_key"]) == key
    if not is_known and (change.event is None or (row["state"] == "there" and kept.theirs is not None)):
        return
    if is_known and change.etag and change.etag == row["etag"]:
        if row["generation"] != run.progress.generation:
            page.seen.append(row["id"])
        return
    theirs = _read(run, change, kept)
    is_changed = theirs != kept.theirs or not is_known
    base = kept.base
    if not is_known and row["state"] in ("new", "ended"):
        # Made by a try whose answer we never had: what is there is what we wrote then.
        base = theirs
    after = msgspec.structs.replace(
        kept,
        theirs=theirs,
        base=base,
        remote_id=change.id if theirs is not None else "",
        updated_at=change.updated_at if is_changed else kept.updated_at,
    )
    first, last = times_of(theirs, run.zone)
    sealed = run.seals.seal(after, table="calendar_events", row=row["id"])
    put_key = key if theirs is not None else None
    values = ("there", put_key, change.etag, sealed, is_changed, first, last, run.progress.generation)
    await tx.run(queries.put_ours_seen, row["id"], *values)


def _read(run: Run, change: Change, kept: Kept) -> CalendarEvent | None:
    """What they have, in the words we compare by; as it was where it cannot be read."""
    if change.event is None or change.event.status == "cancelled":
        return None
    try:
        theirs = checked(change.event)
    except EventError:
        run.counts.unread += 1
        return kept.theirs
    if kept.base is not None:
        zone = kept.base.times.zone if isinstance(kept.base.times, Timed) else ""
        theirs = in_zone(theirs, zone, run.zone) if zone else theirs
        theirs = msgspec.structs.replace(theirs, is_private=kept.base.is_private)
    return theirs


def _of_theirs(run: Run, row: Row | None, change: Change, key: bytes, by_key: dict[bytes, Row], page: _Page) -> None:
    """Busy time of theirs: when, and never a word of it."""
    series = event_key(run.id, change.series) if change.series else None
    if series is not None and by_key.get(series) is not None and by_key[series]["kind"] != "theirs":
        return
    if change.event is None and series is None:
        page.dropped.append(key)
        return
    if row is not None and change.etag and change.etag == row["etag"]:
        if row["generation"] != run.progress.generation:
            page.seen.append(row["id"])
        return
    event: CalendarEvent | None = None
    if change.event is not None:
        try:
            event = busy.without_words(checked(change.event))
        except EventError:
            run.counts.unread += 1
            # It is there all the same, and busy as we knew it.
            page.seen += [row["id"]] if row is not None else []
            return
    first, last = times_of(event, run.zone)
    text = None if event is None else msgspec.json.encode(event).decode()
    page.theirs.append((key, change.etag[:1000], series, change.original[:64], text, first, last))
    page.touched |= {key} | ({series} if series is not None else set())


async def _sweep(tx: Tx, run: Run) -> Ended | None:
    """What the listing has not named is gone, unless that is suspiciously much, or may be what could not be read."""
    if run.progress.unread:
        return None
    since, until = run.window
    gone = await tx.rows(queries.vanished, run.id, run.progress.generation, since, until)
    total = await tx.value(queries.in_window, run.id, since, until)
    if len(gone) > max(VANISHED_MIN, VANISHED_SHARE * total) and not run.progress.may_sweep:
        why = f"{len(gone)} of {total} events are not in the calendar any more. Say whether that is right."
        await conflicts.keep(tx, run, None, "sweep", str(len(gone)), Dispute(why=why))
        return Ended(word="held", reason=why)
    for row in gone:
        if row["kind"] != "theirs":
            kept = msgspec.structs.replace(run.seals.kept(row["id"], row["sealed"]), theirs=None)
            sealed = run.seals.seal(kept, table="calendar_events", row=row["id"])
            await tx.run(queries.mark_vanished, row["id"], sealed)
    keys = [bytes(row["remote_key"]) for row in gone if row["kind"] == "theirs"]
    await busy.refresh(tx, run, set(), keys)
    await conflicts.end(tx, run, None)
    return None
