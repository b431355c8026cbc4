"""Reads Workspace's lists from a cursor on: which jobs may have changed, by themselves or by one of their people."""

from datetime import datetime

import msgspec

from wedsync.connections.contract import Outcome, RetryLater
from wedsync.connections.records.contract import Gone, Hint, Pull, Pulled
from wedsync.connectors.tave import cursor as cursors
from wedsync.connectors.tave.answers import read
from wedsync.connectors.tave.client import NEWEST, Client
from wedsync.connectors.tave.cursor import YOUNG, Cursor, Mark
from wedsync.connectors.tave.mapper import JobContacts, Row, Rows, etag_of
from wedsync.kit import clock

JOBS_PAGE = 100
CONTACTS_PAGE = 10
"""Each contact that changed costs a question of its own: whose jobs it is in."""


async def pull(asked: Pull, client: Client, *, now: datetime) -> Pulled | Outcome:
    """One page, and where to go on."""
    cursor = cursors.read(asked.cursor)
    until = clock.monotonic() + asked.timeout_s
    if cursor.phase == "contacts":
        return await _contacts(cursor, client, now=now, until=until)
    return await _jobs(cursor, client, now=now, until=until)


async def _contacts(cursor: Cursor, client: Client, *, now: datetime, until: float) -> Pulled | Outcome:
    """People who changed. The first time nobody is asked after, for every job is read anyway."""
    left_s = until - clock.monotonic()
    rows = read(
        await client.list_contacts(sort=NEWEST, page=cursor.page, size=CONTACTS_PAGE, timeout_s=left_s), Rows, now=now
    )
    if not isinstance(rows, Rows):
        return _unlisted(rows)
    mark = cursor.next_contacts or _mark(rows, cursor.contacts, now)
    fresh = _fresh(rows, cursor.contacts)
    hints: list[Hint] = []
    for row in fresh if cursor.contacts is not None else ():
        exchange = await client.list_jobs_of(row.id, timeout_s=until - clock.monotonic())
        found = read(exchange, JobContacts, now=now)
        if not isinstance(found, JobContacts):
            return _unlisted(found)
        hints += [Hint(id=one.job_id) for one in found.items]
    has_more = cursor.contacts is not None and _goes_on(rows, fresh)
    after = (
        msgspec.structs.replace(cursor, next_contacts=mark, page=cursor.page + 1)
        if has_more
        else msgspec.structs.replace(cursor, next_contacts=mark, phase="jobs", page=1)
    )
    return Pulled(hints=tuple(hints), cursor=cursors.written(after), has_more=True)


async def _jobs(cursor: Cursor, client: Client, *, now: datetime, until: float) -> Pulled | Outcome:
    left_s = until - clock.monotonic()
    exchange = await client.list_jobs(sort=NEWEST, page=cursor.page, size=JOBS_PAGE, timeout_s=left_s)
    rows = read(exchange, Rows, now=now)
    if not isinstance(rows, Rows):
        return _unlisted(rows)
    mark = cursor.next_jobs or _mark(rows, cursor.jobs, now)
    fresh = _fresh(rows, cursor.jobs)
    # What changed a moment ago may change once more in the same second, so it has no etag yet.
    hints = [Hint(id=row.id, etag=etag_of(row.modified) if now - row.modified > YOUNG else "") for row in fresh]
    has_more = _goes_on(rows, fresh)
    after = (
        msgspec.structs.replace(cursor, next_jobs=mark, page=cursor.page + 1)
        if has_more
        else Cursor(jobs=mark, contacts=cursor.next_contacts or cursor.contacts)
    )
    return Pulled(hints=tuple(hints), cursor=cursors.written(after), has_more=has_more)


def _mark(rows: Rows, before: Mark | None, now: datetime) -> Mark | None:
    """The newest change there is, as the first page of a reading shows it."""
    newest = max((row.modified for row in rows.items), default=None)
    at = max(found) if (found := [one for one in (newest, before.at if before else None) if one]) else None
    return None if at is None else Mark(at=at, asked=now)


def _fresh(rows: Rows, mark: Mark | None) -> list[Row]:
    return [row for row in rows.items if mark is None or row.modified > mark.floor]


def _goes_on(rows: Rows, fresh: list[Row]) -> bool:
    return bool(fresh) and len(fresh) == len(rows.items) and rows.meta.current_page < rows.meta.total_pages


def _unlisted(said: Gone | Outcome) -> Outcome:
    return RetryLater(reason="Workspace answered 404 to a list.", tries_max=3) if isinstance(said, Gone) else said
