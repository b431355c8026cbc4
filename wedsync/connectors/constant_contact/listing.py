"""Who has unsubscribed: Constant Contact tells nobody, so it is asked for those who have since the last time."""

from datetime import datetime, timedelta
from typing import Final

import msgspec

from wedsync.connections.contract import Outcome
from wedsync.connections.marketing.contract import Left, Spent
from wedsync.connectors.constant_contact import mapper
from wedsync.connectors.constant_contact.answers import read
from wedsync.connectors.constant_contact.client import Client

OVERLAP: Final = timedelta(minutes=10)
"""Clocks differ, and what is told late is told twice rather than never."""


class Cursor(msgspec.Struct, frozen=True, omit_defaults=True):
    """Since when, and the page that comes next; `asked_at` is when the first page was asked for."""

    since: str = ""
    asked_at: str = ""
    page: str = ""


async def left(client: Client, cursor: str, *, now: datetime, timeout_s: float) -> Left | Spent | Outcome:
    """One page."""
    at = msgspec.json.decode(cursor, type=Cursor) if cursor else Cursor()
    asked_at = at.asked_at or now.isoformat(timespec="seconds")
    if at.page:
        exchange = await client.following(at.page, timeout_s=timeout_s)
    else:
        query = {"status": "unsubscribed", "limit": "500"} | ({"optout_after": at.since} if at.since else {})
        exchange = await client.contacts(query, timeout_s=timeout_s)
    found = read(exchange, mapper.People, now=now)
    if not isinstance(found, mapper.People):
        return found
    page = "" if found.links is None or found.links.next is None else found.links.next.href
    if page:
        following = Cursor(since=at.since, asked_at=asked_at, page=page)
    else:
        since = datetime.fromisoformat(asked_at) - OVERLAP
        following = Cursor(since=since.isoformat(timespec="seconds"))
    return Left(gone=mapper.to_gone(found.contacts), cursor=msgspec.json.encode(following).decode(), is_more=bool(page))
