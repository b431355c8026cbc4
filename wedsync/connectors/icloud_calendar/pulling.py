"""What has changed in a calendar: by sync-collection (RFC 6578), else by its tag and the etags of all its objects.

A first listing asks only for what touches the wanted time; later everything that changes is told, wherever it lies.
"""

from datetime import timedelta
from typing import Final

from msgspec import structs

from wedsync.connections.calendars.contract import Change, CursorLost, Gone, Pull, Pulled
from wedsync.connections.contract import RetryLater
from wedsync.connectors.icloud_calendar import dav as xml
from wedsync.connectors.icloud_calendar import mapper
from wedsync.connectors.icloud_calendar.client import Dav, Told
from wedsync.connectors.icloud_calendar.dav import C, D, Multistatus, Response, S
from wedsync.connectors.icloud_calendar.mapper import Cursor
from wedsync.kit.http import Reply

PAGE: Final = 100
MULTIGET: Final = 50
#: A server may count floating times and whole days in another zone than we do.
MARGIN: Final = timedelta(days=1)


async def pull(dav: Dav, wanted: Pull, url: str) -> Pulled:
    """One page. Raises Told."""
    cursor = mapper.read_cursor(wanted.cursor) if wanted.cursor else None
    if wanted.cursor and cursor is None:
        raise Told(CursorLost(reason="This is no cursor of ours."))
    if cursor is None:
        cursor = await _begun(dav, wanted, url)
    elif not cursor.todo:
        cursor = await _asked(dav, cursor, url)
    return await _page(dav, cursor, url)


async def _page(dav: Dav, cursor: Cursor, url: str) -> Pulled:
    """Fetches the next of what is to be fetched, and tells what is gone."""
    exceptions = dict(cursor.exceptions)
    changes: list[Change] = []
    for path in cursor.gone:
        changes += mapper.gone(path, exceptions.pop(path, ()))
    unread = 0
    for path, (found, missed) in (await _fetched(dav, url, cursor.todo[:PAGE])).items():
        unread += missed
        before, here = exceptions.pop(path, ()), mapper.originals(found)
        changes += found
        if missed:
            # What cannot be read is there all the same: nothing of this object is told as gone.
            here = tuple(dict.fromkeys((*before, *here)))
        elif not found and not cursor.is_listing:
            changes.append(Change(id=path))
        if here:
            exceptions[path] = here
        changes += mapper.vanished(path, [one for one in before if one not in here])
    rest = structs.replace(cursor, todo=cursor.todo[PAGE:], gone=(), exceptions=exceptions)
    has_more = bool(rest.todo) or rest.is_cut
    return Pulled(
        changes=tuple(changes),
        cursor=mapper.written(rest if has_more else structs.replace(rest, is_listing=False)),
        has_more=has_more,
        is_listing=cursor.is_listing,
        unread=unread,
        attempt=dav.attempt,
    )


async def _begun(dav: Dav, wanted: Pull, url: str) -> Cursor:
    """The token is asked for first: what changes meanwhile is told twice rather than never."""
    token, tag = await state(dav, url)
    paths = await _touching(dav, wanted, url)
    if token:
        return Cursor(way="sync", token=token, todo=paths, is_listing=True)
    etags = await _etags(dav, url)
    some = etags if paths is None else [path for path in paths if path in etags]
    return Cursor(way="etags", token=tag, etags=etags, todo=tuple(some), is_listing=True)


async def _asked(dav: Dav, cursor: Cursor, url: str) -> Cursor:
    if cursor.way == "sync":
        return await _synchronised(dav, cursor, url)
    _, tag = await state(dav, url)
    if tag and tag == cursor.token:
        return cursor
    etags = await _etags(dav, url)
    changed = [path for path, etag in etags.items() if cursor.etags.get(path) != etag]
    return structs.replace(
        cursor,
        token=tag,
        etags=etags,
        todo=tuple(changed),
        gone=tuple(path for path in cursor.etags if path not in etags),
    )


async def state(dav: Dav, url: str) -> tuple[str, str]:
    """The calendar's sync token, where it can be used, and its tag. Raises Told with Gone."""
    _, found = await dav.propfind(url, "D:resourcetype", "D:sync-token", "S:getctag", "D:supported-report-set", depth=0)
    own = next(iter(found.responses), None)
    kinds = None if own is None else own.props.get(f"{D}resourcetype")
    if own is None or own.status in (404, 410) or kinds is None or kinds.find(f"{C}calendar") is None:
        raise Told(Gone(is_calendar=True, attempt=dav.attempt))
    reports = own.props.get(f"{D}supported-report-set")
    can_sync = reports is None or reports.find(f".//{D}sync-collection") is not None
    return own.text(f"{D}sync-token") if can_sync else "", own.text(f"{S}getctag")


async def _touching(dav: Dav, wanted: Pull, url: str) -> tuple[str, ...]:
    """What lies in the wanted time; a server that cannot say tells everything."""
    body = xml.calendar_query(wanted.since - MARGIN, wanted.until + MARGIN)
    reply = await dav.report(url, body, depth=1)
    if reply.status in (400, 403, 404, 405, 415, 501):
        return tuple(await _etags(dav, url))
    found = await dav.understood(reply)
    return tuple(response.path for response in _objects(found, url) if response.status == 200)


async def _etags(dav: Dav, url: str) -> dict[str, str]:
    _, found = await dav.propfind(url, "D:getetag", "D:resourcetype", depth=1)
    return {
        response.path: xml.etag_of(response.text(f"{D}getetag"))
        for response in _objects(found, url)
        if response.status == 200 and f"{D}getetag" in response.props
    }


async def _synchronised(dav: Dav, cursor: Cursor, url: str) -> Cursor:
    reply = await dav.report(url, xml.sync_collection(cursor.token), depth=0)
    if _is_lost(reply):
        raise Told(CursorLost(reason="The server does not know how far we were.", attempt=dav.attempt))
    found = await dav.understood(reply)
    if not found.token:
        raise Told(RetryLater(reason="The server does not say how far it has told.", attempt=dav.attempt))
    objects = _objects(found, url)
    cut = any(response.path == xml.path_of(url) and response.status == 507 for response in found.responses)
    return structs.replace(
        cursor,
        token=found.token,
        todo=tuple(response.path for response in objects if response.status == 200),
        gone=tuple(response.path for response in objects if response.status in (404, 410)),
        is_cut=cut and found.token != cursor.token,
    )


def _is_lost(reply: Reply) -> bool:
    """Radicale 403, Xandikos 412, others 409 or 410; a server that no longer can do it at all is asked anew, too."""
    if reply.status in (403, 409, 412):
        return "valid-sync-token" in xml.condition(reply.body)
    return reply.status in (400, 405, 410, 501)


def _objects(found: Multistatus, url: str) -> list[Response]:
    """Without the calendar itself, which iCloud tells as a member of its own, and without collections."""
    own = xml.path_of(url).rstrip("/")
    return [
        response for response in found.responses if response.path.rstrip("/") != own and not response.path.endswith("/")
    ]


async def _fetched(dav: Dav, url: str, paths: tuple[str, ...]) -> dict[str, tuple[list[Change], int]]:
    """The objects as changes, in the order asked, each with how much of it could not be read; no changes and nothing
    unread for what holds no event or is gone."""
    now: dict[str, tuple[list[Change], int]] = {}
    for start in range(0, len(paths), MULTIGET):
        now |= await _multiget(dav, url, paths[start : start + MULTIGET])
    return now


async def _multiget(dav: Dav, url: str, paths: tuple[str, ...]) -> dict[str, tuple[list[Change], int]]:
    reply = await dav.report(url, xml.multiget(paths), depth=1)
    if reply.ending == "capped":
        if len(paths) == 1:
            return {paths[0]: ([], 1)}
        middle = len(paths) // 2
        return await _multiget(dav, url, paths[:middle]) | await _multiget(dav, url, paths[middle:])
    found = {response.path: response for response in (await dav.understood(reply)).responses}
    return {path: await _one(dav, url, path, found.get(path)) for path in paths}


async def _one(dav: Dav, url: str, path: str, response: Response | None) -> tuple[list[Change], int]:
    if response is None:
        # Asked for and not answered: looked at by itself, for silence must not delete it.
        reply = await dav.call("GET", dav.absolute(path, url))
        if reply.status in (404, 410):
            return [], 0
        if reply.status != 200 or reply.ending != "whole":
            raise Told(RetryLater(reason="The server leaves out an event it told of.", attempt=dav.attempt))
        return mapper.to_changes(path, xml.etag_of(reply.headers.get("etag", "")), reply.body, own=dav.own)
    if response.status in (404, 410):
        return [], 0
    data = response.props.get(f"{C}calendar-data")
    text = "" if data is None else data.text or ""
    if not text:
        raise Told(RetryLater(reason="The server tells of an event without its content.", attempt=dav.attempt))
    return mapper.to_changes(path, xml.etag_of(response.text(f"{D}getetag")), text.encode(), own=dav.own)
