"""Reads HoneyBook's list of projects from a cursor on, or all ids there are, page by page.

There is no log of changes: each reading begins ten minutes before the last one did. What was read already is not read
again, unless it is so young that it may have changed once more within its `updated_at`.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from wedsync.connections.contract import Outcome, RetryLater
from wedsync.connections.records.contract import Gone, Hint, Listed, Pull, Pulled
from wedsync.connectors.honeybook import mapper
from wedsync.connectors.honeybook.answers import read
from wedsync.connectors.honeybook.client import Client

LIMIT: Final = 100
OVERLAP: Final = timedelta(minutes=10)
"""Two clocks may differ by less."""


class Cursor(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Changes are asked for from `since` on; a reading that is under way began at `began` and is at `offset`."""

    since: str = ""
    began: str = ""
    offset: int = 0


async def pull(asked: Pull, client: Client, *, now: datetime) -> Pulled | Outcome:
    """One page, and where to go on."""
    cursor = _cursor(asked.cursor)
    rows = await _rows(cursor.since, cursor.offset, client, now=now, timeout_s=asked.timeout_s)
    if not isinstance(rows, mapper.Rows):
        return rows
    began = cursor.began or (now - OVERLAP).astimezone(UTC).isoformat()
    hints = tuple(Hint(id=row.id, etag=_etag(row, now)) for row in rows.data)
    then, has_more = cursor.offset + len(rows.data), _goes_on(rows, cursor.offset)
    after = Cursor(since=cursor.since, began=began, offset=then) if has_more else Cursor(since=began)
    return Pulled(hints=hints, cursor=msgspec.json.encode(after).decode(), has_more=has_more)


async def listed(cursor: str, client: Client, *, now: datetime, timeout_s: float) -> Listed | Outcome:
    """One page of all ids."""
    offset = int(cursor) if cursor.isascii() and cursor.isdigit() else 0
    rows = await _rows("", offset, client, now=now, timeout_s=timeout_s)
    if not isinstance(rows, mapper.Rows):
        return rows
    ids = tuple(row.id for row in rows.data)
    return Listed(ids=ids, cursor=str(offset + len(ids)), has_more=_goes_on(rows, offset))


def nowhere() -> RetryLater:
    """There is no such API at this address, at least not now."""
    return RetryLater(reason="HoneyBook answered 404 where its API should be.", tries_max=3)


async def _rows(since: str, offset: int, client: Client, *, now: datetime, timeout_s: float) -> mapper.Rows | Outcome:
    exchange = await client.list_workspaces(since=since, offset=offset, limit=LIMIT, timeout_s=timeout_s)
    found = read(exchange, mapper.Rows, now=now)
    return nowhere() if isinstance(found, Gone) else found


def _cursor(text: str) -> Cursor:
    """What cannot be read begins anew."""
    try:
        return msgspec.json.decode(text, type=Cursor) if text else Cursor()
    except msgspec.DecodeError:
        return Cursor()


def _goes_on(rows: mapper.Rows, offset: int) -> bool:
    return bool(rows.data) and offset + len(rows.data) < rows.total


def _etag(row: mapper.Row, now: datetime) -> str:
    """Empty for what changed a moment ago, or nobody knows when."""
    at = mapper.instant_of(row.updated_at)
    return row.updated_at if at is not None and now - at > OVERLAP else ""
