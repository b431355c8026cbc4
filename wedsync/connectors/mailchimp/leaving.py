"""Who has left an audience: first those who unsubscribed, then whose mailbox is gone; each by the time it changed."""

from datetime import datetime, timedelta
from typing import Final

import msgspec

from wedsync.connections.contract import Outcome
from wedsync.connections.marketing.contract import Left
from wedsync.connectors.mailchimp import mapper
from wedsync.connectors.mailchimp.answers import read
from wedsync.connectors.mailchimp.client import Client

STATUSES: Final = ("unsubscribed", "cleaned")
PAGE: Final = 1000
SECOND: Final = timedelta(seconds=1)


class Cursor(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where it goes on: the last change seen of each status, and how far into the one that is being read."""

    since: tuple[str, str] = ("", "")
    status: int = 0
    offset: int = 0
    last: str = ""


async def left(client: Client, list_id: str, cursor: str, *, now: datetime, timeout_s: float) -> Left | Outcome:
    """One page. Mailchimp tells what changed after a time, by whole seconds: it is asked from a second before the last
    change seen, so the last of a page comes twice, and who left in the same second is not missed."""
    at = msgspec.json.decode(cursor, type=Cursor) if cursor else Cursor()
    exchange = await client.members(
        list_id,
        status=STATUSES[at.status],
        since=at.since[at.status],
        offset=at.offset,
        count=PAGE,
        timeout_s=timeout_s,
    )
    found = read(exchange, mapper.Members, now=now)
    if not isinstance(found, mapper.Members):
        return found
    last = found.members[-1].last_changed if found.members else at.last
    is_full = len(found.members) == PAGE
    following = _after(at, last, is_full=is_full)
    is_more = is_full or at.status + 1 < len(STATUSES)
    return Left(gone=mapper.to_gone(found.members), cursor=msgspec.json.encode(following).decode(), is_more=is_more)


def _before(text: str) -> str:
    """A second earlier; as it is where it is no time."""
    found = mapper.time_of(text)
    return text if found is None else (found - SECOND).isoformat(timespec="seconds")


def _after(at: Cursor, last: str, *, is_full: bool) -> Cursor:
    if is_full:
        return msgspec.structs.replace(at, offset=at.offset + PAGE, last=last)
    before = _before(last) if last else at.since[at.status]
    since = (before, at.since[1]) if at.status == 0 else (at.since[0], before)
    return Cursor(since=since, status=(at.status + 1) % len(STATUSES))
