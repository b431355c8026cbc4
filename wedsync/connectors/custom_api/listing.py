"""Reads an API's list page by page, in the way of paging that is described, from where the last reading ended.

What changed in the two minutes before the newest change that was seen is asked for again: clocks and whole seconds.
"""

from datetime import datetime, timedelta
from typing import Final

import msgspec

from wedsync.connections.contract import Attempt, Outcome, ReconnectNeeded, RetryLater
from wedsync.connections.records import documents
from wedsync.connections.records.answers import tried
from wedsync.connections.records.contract import Gone, Hint, Pulled
from wedsync.connections.records.described import Described
from wedsync.connectors.custom_api import mapper
from wedsync.connectors.custom_api.answers import Whole, read
from wedsync.connectors.custom_api.client import Client
from wedsync.connectors.custom_api.mapper import Item
from wedsync.kit import clock
from wedsync.kit.http import Failure, Reply

OVERLAP: Final = timedelta(minutes=2)
YOUNG: Final = timedelta(minutes=10)
SCANNED_MAX: Final = 50
"""Pages that one record is looked for in where it has no address of its own."""
NOWHERE: Final = "There is no list in its answer at the place that is described. Look at where the items are."


class Cursor(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`since` is what was read to the end; `top` the newest change of the reading that is under way, at `at`: a page's
    number, how many came, a cursor of theirs, or an address. `first` is the first id of the page before: a list that
    always gives the same page has no more."""

    since: str = ""
    top: str = ""
    at: str = ""
    first: str = ""


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Items, and where the list goes on; "" where it has ended."""

    items: list[Item]
    next: str = ""
    attempt: Attempt = Attempt()


def cursor(text: str) -> Cursor:
    """What cannot be read begins anew."""
    try:
        return msgspec.json.decode(text, type=Cursor) if text else Cursor()
    except msgspec.DecodeError:
        return Cursor()


def written(one: Cursor) -> str:
    return msgspec.json.encode(one).decode()


async def found(api: Described, client: Client, id: str, *, now: datetime, until: float) -> Item | Gone | Outcome:
    """One record, looked for in the list: without an address of its own there is no other way."""
    asked = Cursor()
    for _ in range(SCANNED_MAX):
        left_s = until - clock.monotonic()
        page = await fetched(api, client, asked, since="", now=now, timeout_s=left_s)
        if not isinstance(page, Page):
            return page
        one = next((item for item in page.items if item.id == id), None)
        if one is not None:
            return one
        if not page.next:
            return Gone(attempt=page.attempt)
        asked = msgspec.structs.replace(asked, at=page.next, first=page.items[0].id)
    return RetryLater(reason=f"The record is not on the first {SCANNED_MAX} pages of the list.", tries_max=3)


async def pull(api: Described, client: Client, text: str, *, now: datetime, timeout_s: float) -> Pulled | Outcome:
    """One page of what may have changed."""
    asked = cursor(text)
    page = await fetched(api, client, asked, since=asked.since, now=now, timeout_s=timeout_s)
    if not isinstance(page, Page):
        return page
    top = max((asked.top, *(one.modified for one in page.items)), key=_order)
    after = msgspec.structs.replace(asked, top=top, at=page.next, first=page.items[0].id if page.items else "")
    if not page.next:
        after = Cursor(since=top or asked.since)
    hints = tuple(_hint(api, one, now) for one in page.items)
    return Pulled(hints=hints, cursor=written(after), has_more=bool(page.next), attempt=page.attempt)


async def fetched(
    api: Described, client: Client, asked: Cursor, *, since: str, now: datetime, timeout_s: float
) -> Page | Outcome:
    """The page that a cursor is at."""
    is_address = asked.at.startswith(("https://", "http://"))
    exchange = (
        await client.follow(asked.at, timeout_s=timeout_s)
        if is_address
        else await client.list(_query(api, asked.at, since), timeout_s=timeout_s)
    )
    answer = read(exchange, now=now)
    if isinstance(answer, Gone):
        return RetryLater(reason="The API answered 404 to its list.", tries_max=3, attempt=answer.attempt)
    if not isinstance(answer, Whole):
        return answer
    items = mapper.items(api, answer.value)
    if items is None:
        return ReconnectNeeded(reason=NOWHERE, attempt=tried(exchange))
    is_over = not items or (asked.first != "" and items[0].id == asked.first)
    following = "" if is_over else _next(api, asked.at, len(items), exchange, answer)
    return Page(items=items, next="" if following == asked.at else following, attempt=tried(exchange))


def _hint(api: Described, one: Item, now: datetime) -> Hint:
    found = mapper.to_found(api, one)
    is_young = found.updated_at is not None and now - found.updated_at < YOUNG
    if api.item_path:
        # What changed a moment ago may change once more in the same second, so it has no etag yet.
        return Hint(id=one.id, etag="" if is_young else found.etag)
    return Hint(id=one.id, etag="" if is_young else found.etag, found=found)


def _order(text: str) -> tuple[float, str]:
    found = mapper.moment(text)
    return (found.timestamp() if found is not None else 0.0, text)


def _query(api: Described, at: str, since: str) -> dict[str, str]:
    query = {api.size_name: str(api.size)} if api.size_name else {}
    if api.paging == "page":
        query[api.page_name] = at or str(api.first_page)
    elif at:
        query[api.page_name] = at
    moment = mapper.moment(since) if api.since_name and since else None
    if moment is not None:
        query[api.since_name] = mapper.like(since, moment - OVERLAP)
    return query


def _next(api: Described, at: str, count: int, exchange: Reply | Failure, answer: Whole) -> str:
    if api.paging == "page":
        return str(int(at or api.first_page) + 1)
    if api.paging == "offset":
        return str(int(at or 0) + count)
    if api.paging == "cursor":
        found = documents.at(answer.value, api.next_at)[1]
        return str(found) if isinstance(found, str | int) and not isinstance(found, bool) and found != "" else ""
    if api.paging == "link" and isinstance(exchange, Reply):
        return linked(exchange.headers.get("link", ""))
    return ""


def linked(header: str) -> str:
    """The address of `rel="next"` (RFC 8288), "" where there is none."""
    for part in header.split(","):
        address, _, rest = part.strip().partition(">")
        names = [
            one.partition("=")[2].strip().strip('"').split() for one in rest.split(";") if one.strip()[:4] == "rel="
        ]
        if address.startswith("<") and any("next" in several for several in names):
            return address.removeprefix("<")
    return ""
