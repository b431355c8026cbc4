"""Writes one event: always on a condition, so that nothing of anybody is overwritten and nothing is made twice.

Never `If-Match: *`, which iCloud understands the wrong way round. What is changed is read first and patched.
"""

import hashlib
import re
from typing import Final
from urllib.parse import urljoin

from wedsync.connections.calendars.contract import Gone, Moved, Push, Pushed, ReadOnly
from wedsync.connections.calendars.event import CalendarEvent, EventError, checked, digest
from wedsync.connections.calendars.ical_read import Part, cut
from wedsync.connections.calendars.ical_write import changed_object, new_object, parts, without_exception
from wedsync.connections.contract import Outcome, RetryLater
from wedsync.connectors.icloud_calendar import dav as xml
from wedsync.connectors.icloud_calendar import mapper
from wedsync.connectors.icloud_calendar.client import Dav, Told
from wedsync.connectors.icloud_calendar.pulling import state
from wedsync.kit.http import Reply

_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_DONE: Final = frozenset({200, 201, 204})


async def push(dav: Dav, wanted: Push, url: str) -> Pushed | Moved | Gone | ReadOnly | Outcome:
    """Raises Told."""
    if not wanted.id:
        return await _made(dav, wanted, url)
    path, original = mapper.split_id(wanted.id)
    if wanted.event is None and not original:
        return await _deleted(dav, wanted, url, path)
    return await _changed(dav, wanted, url, path, original)


async def _made(dav: Dav, wanted: Push, url: str) -> Pushed | Moved | Gone | ReadOnly | Outcome:
    """At an address made of the key, so that whoever tries again meets what is there already."""
    if wanted.event is None:
        return Gone(attempt=dav.attempt)
    name = (
        wanted.key if _PLAIN.fullmatch(wanted.key) else hashlib.blake2b(wanted.key.encode(), digest_size=20).hexdigest()
    )
    target = urljoin(url, f"{name}.ics")
    body = new_object(wanted.event, uid=name, marker=wanted.marker, at=dav.now)
    reply = await dav.call("PUT", target, body=body, headers={"if-none-match": "*"})
    path = xml.path_of(target)
    if reply.status in _DONE:
        return Pushed(id=path, etag=xml.etag_of(reply.headers.get("etag", "")), attempt=dav.attempt)
    if reply.status == 412 or (reply.status == 409 and "no-uid-conflict" in xml.condition(reply.body)):
        return await _met(dav, wanted, target)
    return await _refused(dav, reply, url)


async def _met(dav: Dav, wanted: Push, target: str) -> Pushed | Moved:
    """What is there already is ours from a try whose answer was lost, unless it says something else by now."""
    reply = await dav.call("GET", target)
    if reply.status == 200:
        etag = xml.etag_of(reply.headers.get("etag", ""))
        if _is_said(_part(reply, ""), wanted):
            return Pushed(id=xml.path_of(target), etag=etag, attempt=dav.attempt)
    return Moved(reason="The event exists there already.", attempt=dav.attempt)


async def _changed(
    dav: Dav, wanted: Push, url: str, path: str, original: str
) -> Pushed | Moved | Gone | ReadOnly | Outcome:
    target = dav.absolute(path, url)
    there = await dav.call("GET", target)
    if there.status in (404, 410):
        return await _gone(dav, url)
    if there.status != 200:
        return await _refused(dav, there, url)
    etag = xml.etag_of(there.headers.get("etag", ""))
    now = _part(there, original)
    if wanted.etag and etag != wanted.etag:
        if _is_said(now, wanted):
            return Pushed(id=wanted.id, etag=etag, attempt=dav.attempt)
        return Moved(reason="The event was changed there meanwhile.", attempt=dav.attempt)
    if now is None:
        return Gone(attempt=dav.attempt)
    if not _is_editable(dav, there, original):
        return ReadOnly(reason="The event belongs to another organizer.", attempt=dav.attempt)
    try:
        body = _rewritten(dav, there.body, wanted.event, original=original, marker=wanted.marker)
    except EventError as cause:
        return ReadOnly(reason=f"It was not changed: {cause}.", attempt=dav.attempt)
    # Without an etag nothing could keep us from overwriting what somebody writes just now.
    reply = await dav.call("PUT", target, body=body, headers={"if-match": etag or '""'})
    return await _told(dav, reply, wanted.id, url)


async def _deleted(dav: Dav, wanted: Push, url: str, path: str) -> Pushed | Moved | Gone | ReadOnly | Outcome:
    target = dav.absolute(path, url)
    etag = wanted.etag
    if not etag:
        there = await dav.call("GET", target)
        if there.status in (404, 410):
            return await _gone(dav, url)
        etag = xml.etag_of(there.headers.get("etag", "")) or '""'
    reply = await dav.call("DELETE", target, headers={"if-match": etag})
    return await _told(dav, reply, wanted.id, url)


async def _told(dav: Dav, reply: Reply, id: str, url: str) -> Pushed | Moved | Gone | ReadOnly | Outcome:
    if reply.status in _DONE:
        return Pushed(id=id, etag=xml.etag_of(reply.headers.get("etag", "")), attempt=dav.attempt)
    if reply.status == 412:
        return Moved(reason="The event was changed there meanwhile.", attempt=dav.attempt)
    if reply.status in (404, 410):
        return await _gone(dav, url)
    return await _refused(dav, reply, url)


async def _refused(dav: Dav, reply: Reply, url: str) -> Gone | ReadOnly | Outcome:
    """iCloud answers 403 and 404 to much that it does not like, so the calendar itself is looked at."""
    if reply.status in (404, 409, 410):
        gone = await _gone(dav, url)
        if gone.is_calendar:
            return gone
    if reply.status in (400, 403, 404, 405, 409, 415, 422):
        named = ", ".join(sorted(xml.condition(reply.body)))[:200]
        why = f" ({named})" if named else ""
        return ReadOnly(
            reason=f"The server answered {reply.status}{why}: it does not take this event.", attempt=dav.attempt
        )
    word = dav.refused(reply)
    return (
        word if not isinstance(word, Gone) else RetryLater(reason="The calendar cannot be found.", attempt=dav.attempt)
    )


async def _gone(dav: Dav, url: str) -> Gone:
    """The event, or the calendar with it."""
    try:
        await state(dav, url)
    except Told as told:
        if isinstance(told.word, Gone):
            return told.word
        raise
    return Gone(attempt=dav.attempt)


def _rewritten(dav: Dav, data: bytes, event: CalendarEvent | None, *, original: str, marker: str) -> bytes:
    """Raises EventError."""
    try:
        if event is None:
            return without_exception(data, original=original, at=dav.now)
        return changed_object(data, event, original=original, marker="" if original else marker, at=dav.now)
    except KeyError as cause:
        raise EventError("it is not in the object any more") from cause


def _part(reply: Reply, original: str, own: frozenset[str] = frozenset()) -> Part | None:
    """None where it is not in the object. Raises Told where the object did not come whole, or cannot be read."""
    if reply.ending != "whole" or not cut(reply.body).is_complete:
        raise Told(RetryLater(reason="The server sent only a part of the event."))
    found, unread = parts(reply.body, own=own)
    wanted = next((one for one in found if one.original == original), None)
    if wanted is None and unread:
        # It is there, so it is neither gone nor to be overwritten.
        raise Told(ReadOnly(reason="The event there cannot be read, so it is not changed."))
    return wanted


def _is_editable(dav: Dav, reply: Reply, original: str) -> bool:
    now = _part(reply, original, dav.own)
    return now is not None and now.is_editable


def _is_said(now: Part | None, wanted: Push) -> bool:
    """Whether it says what we want it to say, which happens when only the answer to our writing was lost."""
    if now is None or wanted.event is None:
        return now is None and wanted.event is None
    return now.marker == wanted.marker and digest(now.event) == digest(checked(wanted.event))
