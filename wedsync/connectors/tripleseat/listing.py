"""Reads Tripleseat's lists from a cursor on: site by site, for no question may mix them, and page by page.

Changes can only be asked for by the day. So each reading begins a day before the last one did, whatever zone a site is
in; rows whose `updated_at` was read already are not read again, unless they are so young that they may have changed
once more within it.
"""

from datetime import date, datetime, timedelta
from typing import Final

import msgspec

from wedsync.connections.contract import Outcome, RetryLater
from wedsync.connections.records.contract import Gone, Hint, Listed, Pull, Pulled
from wedsync.connectors.tripleseat.answers import read
from wedsync.connectors.tripleseat.client import Client
from wedsync.connectors.tripleseat.mapper import Row, Rows, Sites, instant_of
from wedsync.kit import clock

OVERLAP: Final = timedelta(days=1)
YOUNG: Final = timedelta(minutes=10)
"""Two clocks may differ by less."""


class Cursor(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`since` is the day from which on changes are asked for, null for all there are. `sites` are those of the reading
    that is under way, the one being read first, at `page`; `began` is when it began."""

    since: date | None = None
    sites: tuple[int, ...] = ()
    page: int = 1
    began: date | None = None


def written(cursor: Cursor) -> str:
    return msgspec.json.encode(cursor).decode()


def _cursor(text: str) -> Cursor:
    """What cannot be read begins anew."""
    try:
        return msgspec.json.decode(text, type=Cursor) if text else Cursor()
    except msgspec.DecodeError:
        return Cursor()


async def pull(asked: Pull, client: Client, *, now: datetime) -> Pulled | Outcome:
    """One page, and where to go on."""
    until = clock.monotonic() + asked.timeout_s
    cursor = await _begun(_cursor(asked.cursor), client, now=now, timeout_s=asked.timeout_s)
    if not isinstance(cursor, Cursor):
        return cursor
    if not cursor.sites:
        return Pulled(hints=(), cursor=written(_ended(cursor)))
    rows = await _page(cursor, client, now=now, timeout_s=until - clock.monotonic())
    if not isinstance(rows, Rows):
        return rows
    hints = tuple(Hint(id=str(row.id), etag=_etag(row, now)) for row in rows.results)
    after = _after(cursor, rows)
    has_more = bool(after.sites)
    return Pulled(hints=hints, cursor=written(after if has_more else _ended(after)), has_more=has_more)


async def listed(text: str, client: Client, *, now: datetime, timeout_s: float) -> Listed | Outcome:
    """One page of all ids."""
    until = clock.monotonic() + timeout_s
    cursor = await _begun(_cursor(text), client, now=now, timeout_s=timeout_s)
    if not isinstance(cursor, Cursor):
        return cursor
    if not cursor.sites:
        return Listed(ids=())
    rows = await _page(cursor, client, now=now, timeout_s=until - clock.monotonic())
    if not isinstance(rows, Rows):
        return rows
    after = _after(cursor, rows)
    ids = tuple(str(row.id) for row in rows.results)
    return Listed(ids=ids, cursor=written(after), has_more=bool(after.sites))


async def _begun(cursor: Cursor, client: Client, *, now: datetime, timeout_s: float) -> Cursor | Outcome:
    """A reading that is under way, or a new one of the sites there are now."""
    if cursor.sites:
        return cursor
    found = read(await client.list_sites(timeout_s=timeout_s), Sites, now=now)
    if not isinstance(found, Sites):
        return nowhere() if isinstance(found, Gone) else found
    sites = tuple(sorted(site.id for site in found.results))
    return msgspec.structs.replace(cursor, sites=sites, page=1, began=now.date())


async def _page(cursor: Cursor, client: Client, *, now: datetime, timeout_s: float) -> Rows | Outcome:
    site = cursor.sites[0]
    if cursor.since is None:
        exchange = await client.list_bookings(site=site, page=cursor.page, timeout_s=timeout_s)
    else:
        exchange = await client.search_bookings(site=site, since=cursor.since, page=cursor.page, timeout_s=timeout_s)
    rows = read(exchange, Rows, now=now)
    return nowhere() if isinstance(rows, Gone) else rows


def _after(cursor: Cursor, rows: Rows) -> Cursor:
    if rows.results and cursor.page < rows.total_pages:
        return msgspec.structs.replace(cursor, page=cursor.page + 1)
    return msgspec.structs.replace(cursor, sites=cursor.sites[1:], page=1)


def _ended(cursor: Cursor) -> Cursor:
    return Cursor(since=None if cursor.began is None else cursor.began - OVERLAP)


def _etag(row: Row, now: datetime) -> str:
    """Empty for what changed a moment ago, or nobody knows when."""
    at = instant_of(row.updated_at)
    return row.updated_at or "" if at is not None and now - at > YOUNG else ""


def nowhere() -> RetryLater:
    return RetryLater(reason="Tripleseat answered 404 where its API should be.", tries_max=3)
