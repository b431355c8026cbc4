"""Reads what has changed: the view of a calendar as delta, page by page, and each series and event of ours by itself.

The view tells occurrences, not what makes them: which series an occurrence belongs to is fetched, once in a round, with
its exceptions and what is left out of it. It tells no extended properties either, so what bears a transactionId of ours
is fetched for its marker. What is still to be fetched goes into the cursor, so that no call does more than its share.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from wedsync.connections.calendars.contract import Change, CursorLost, Gone, Pull, Pulled
from wedsync.connections.calendars.event import EventError
from wedsync.connections.contract import Attempt, Connection, Outcome
from wedsync.connections.graph import Answer, list_of, segment
from wedsync.connectors.outlook_calendar import answers, mapper
from wedsync.connectors.outlook_calendar.client import Graph, stamp
from wedsync.kit import clock

FETCHED_MAX: Final = 8
"""Events fetched by themselves in one call; Graph lets four at a time through for a mailbox, we ask for one."""

WINDOW_DAYS: Final = 7
"""So long a listing is gone on from. The days it spans are in its token, so what comes nearer later is not told."""

EXCEPTION_PAGES_MAX: Final = 20
REST: Final = "exceptionOccurrences@odata.nextLink"

_FIELDS: Final = (
    "id,subject,body,start,end,isAllDay,showAs,sensitivity,isCancelled,isOrganizer,responseStatus,location,recurrence,"
    "originalStartTimeZone,originalEndTimeZone,originalStart,attendees,type,seriesMasterId,transactionId,"
    "lastModifiedDateTime,createdDateTime"
)
_MARKER: Final = f"singleValueExtendedProperties($filter=id eq '{mapper.MARKER}' or id eq '{mapper.ZONES}')".replace(
    " ", "%20"
)
SINGLE: Final = f"$select={_FIELDS}&$expand={_MARKER}"
SERIES: Final = f"$select={_FIELDS},cancelledOccurrences&$expand=exceptionOccurrences,{_MARKER}"


class Cursor(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename={"listed_at": "at"}):
    """Where a round stands: the link to go on from, and what is still to be fetched. `is_read`: all its pages are."""

    link: str
    listed_at: datetime
    is_listing: bool = False
    is_read: bool = False
    series: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    done: tuple[str, ...] = ()

    @property
    def is_over(self) -> bool:
        return self.is_read and not self.series and not self.own


class _Found:
    """What one call has found so far; of an event told twice the last counts."""

    def __init__(self) -> None:
        self.changes: dict[str, Change] = {}
        self.unread = 0
        self.attempt: Attempt | None = None

    def add(self, change: Change) -> None:
        self.changes[change.id] = change


async def pull(
    graph: Graph, asked: Pull, connection: Connection, *, now: datetime
) -> Pulled | CursorLost | Gone | Outcome:
    """One page, and as many of the events to be fetched as time allows."""
    until = clock.monotonic() + asked.timeout_s
    cursor = _cursor(asked, now)
    if cursor is None:
        return CursorLost(reason="The window of this listing has moved on.")
    found = _Found()
    if not cursor.is_read:
        answer = await graph.call("GET", cursor.link, connection, timeout_s=_left_s(until))
        if not answer.is_fine:
            return answers.to_loss(answer, now=now)
        following = _follow(graph, cursor, answer)
        if following is None:
            return answers.elsewhere(answer)
        found.attempt = answer.attempt
        cursor = _taken(following, answer, found, asked.zone)
    for due in (*cursor.series, *cursor.own)[:FETCHED_MAX]:
        if found.attempt is not None and clock.monotonic() > until:
            break
        answer = await _fetch(graph, due, connection, due in cursor.series, until)
        if not answer.is_fine and answer.status not in (400, 403, 404):
            return answers.to_outcome(answer, now=now)
        _fetched(due, answer, found, asked.zone)
        cursor = _without(cursor, due)
    return _pulled(cursor, found)


def _cursor(asked: Pull, now: datetime) -> Cursor | None:
    if asked.cursor:
        cursor = _decoded(asked.cursor)
        is_old = cursor is None or (cursor.is_over and now - cursor.listed_at > timedelta(days=WINDOW_DAYS))
        if is_old or cursor is None:
            return None
        return msgspec.structs.replace(cursor, is_read=False, done=()) if cursor.is_over else cursor
    window = f"startDateTime={stamp(asked.since)}&endDateTime={stamp(asked.until)}"
    link = f"/me/calendars/{segment(asked.calendar)}/calendarView/delta?{window}"
    return Cursor(link=link, listed_at=now, is_listing=True)


def _decoded(text: str) -> Cursor | None:
    try:
        return msgspec.json.decode(text, type=Cursor)
    except msgspec.DecodeError:
        return None


def _follow(graph: Graph, cursor: Cursor, answer: Answer) -> Cursor | None:
    """Goes on from the page's own link: with a nextLink in this round, with a deltaLink in the next."""
    data = answer.data or {}
    link = graph.path_of(str(data.get("@odata.nextLink") or data.get("@odata.deltaLink") or ""))
    if link is None:
        return None
    return msgspec.structs.replace(cursor, link=link, is_read="@odata.nextLink" not in data)


def _taken(cursor: Cursor, answer: Answer, found: _Found, zone: str) -> Cursor:
    """Notes what a page says, and what it leaves to be fetched."""
    series, own = dict.fromkeys(cursor.series), dict.fromkeys(cursor.own)
    for item in list_of(answer.data):
        id, of = str(item.get("id") or ""), _series_of(item)
        if item.get("@removed") == {"reason": "changed"}:
            # It is there yet, but in this view no longer (OData 4.01 JSON 15.3): moved out of the days it spans.
            own[id] = None
        elif "@removed" in item:
            found.add(Change(id=id))
        elif of and of not in cursor.done:
            series[of] = None
        elif not of and mapper.is_own(item):
            own[id] = None
        elif not of:
            _add(found, item, zone)
    return msgspec.structs.replace(cursor, series=tuple(series), own=tuple(own))


def _series_of(item: Mapping[str, Any]) -> str:
    """The id of the series that an item is, or is one of; "" for a single event."""
    if item.get("type") == "seriesMaster" or item.get("recurrence"):
        return str(item.get("id") or "")
    return str(item.get("seriesMasterId") or "")


def _add(found: _Found, item: Mapping[str, Any], zone: str) -> None:
    try:
        found.add(mapper.to_change(item, zone=zone))
    except EventError:
        found.unread += 1


async def _fetch(graph: Graph, id: str, connection: Connection, is_series: bool, until: float) -> Answer:
    """An event, a series with all of its exceptions, however many pages they are."""
    query = SERIES if is_series else SINGLE
    answer = await graph.call("GET", f"/me/events/{segment(id)}?{query}", connection, timeout_s=_left_s(until))
    link = (answer.data or {}).get(REST)
    for _ in range(EXCEPTION_PAGES_MAX):
        path = graph.path_of(link) if link else None
        if path is None or answer.data is None:
            break
        more = await graph.call("GET", path, connection, timeout_s=_left_s(until))
        if not more.is_fine:
            return more
        exceptions = [*answer.data.get("exceptionOccurrences", ()), *list_of(more.data)]
        link = (more.data or {}).get("@odata.nextLink")
        data = {**answer.data, "exceptionOccurrences": exceptions, REST: link}
        answer = msgspec.structs.replace(answer, data=data)
    return answer


def _fetched(id: str, answer: Answer, found: _Found, zone: str) -> None:
    found.attempt = answer.attempt
    if answer.status == 404:
        found.add(Change(id=id))
        return
    if not answer.is_fine:
        # One event that may not be read, or not by this id, must not keep all others from being read.
        found.unread += 1
        return
    item = answer.data or {}
    unread = found.unread
    _add(found, item, zone)
    for exception in item.get("exceptionOccurrences") or ():
        try:
            found.add(mapper.to_exception(exception, item, zone=zone))
        except EventError:
            found.unread += 1
    if found.unread == unread and not item.get(REST) and item.get("recurrence"):
        # Graph tells nothing of an exception that was deleted, or that a change of its series did away with.
        found.add(msgspec.structs.replace(found.changes[str(item["id"])], is_whole=True))


def _without(cursor: Cursor, id: str) -> Cursor:
    return msgspec.structs.replace(
        cursor,
        series=tuple(one for one in cursor.series if one != id),
        own=tuple(one for one in cursor.own if one != id),
        done=(*cursor.done, id) if id in cursor.series else cursor.done,
    )


def _pulled(cursor: Cursor, found: _Found) -> Pulled:
    is_listing = cursor.is_listing
    if cursor.is_over:
        cursor = msgspec.structs.replace(cursor, is_listing=False, done=())
    return Pulled(
        changes=tuple(found.changes.values()),
        cursor=msgspec.json.encode(cursor).decode(),
        has_more=not cursor.is_over,
        is_listing=is_listing,
        unread=found.unread,
        attempt=found.attempt or Attempt(),
    )


def _left_s(until: float) -> float:
    return max(until - clock.monotonic(), 0.001)
