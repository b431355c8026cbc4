"""Finds an account's calendars from nothing but the server's address (RFC 4791, 5397, 6764)."""

from typing import Final
from urllib.parse import urljoin, urlsplit

import msgspec

from wedsync.connections.calendars.contract import Gone, RemoteCalendar
from wedsync.connections.calendars.ical_zones import known_name, tzid_of
from wedsync.connections.contract import ReconnectNeeded
from wedsync.connectors.icloud_calendar.client import Dav, Told
from wedsync.connectors.icloud_calendar.dav import C, D, Response, S, path_of

WELL_KNOWN: Final = "/.well-known/caldav"
CALENDARS_MAX: Final = 500
_ABOUT = (
    "D:resourcetype",
    "D:displayname",
    "D:current-user-privilege-set",
    "C:supported-calendar-component-set",
    "C:calendar-timezone",
)
_WRITES: Final = frozenset({f"{D}write", f"{D}write-content", f"{D}bind", f"{D}all"})
_FIRST: Final = ("home", "calendar", "default", "personal")


class Home(msgspec.Struct, frozen=True, kw_only=True):
    """`principal` is who we are there; `url` is where the calendars lie, at iCloud on a host of its own."""

    principal: str
    url: str


async def home(dav: Dav) -> Home:
    principal = await _principal(dav)
    at, found = await dav.propfind(principal, "C:calendar-home-set", "D:displayname", depth=0)
    for response in found.responses:
        href = response.href_in(f"{C}calendar-home-set")
        if href:
            return Home(principal=at, url=dav.absolute(href, at))
    raise Told(_no_server(dav))


async def calendars(dav: Dav) -> tuple[RemoteCalendar, ...]:
    """Those that hold events, in the server's order."""
    own = await home(dav)
    at, found = await dav.propfind(own.url, *_ABOUT, depth=1)
    some = [
        _calendar(dav.absolute(response.href, at), response) for response in found.responses if _is_calendar(response)
    ]
    primary = _primary(some)
    return tuple(
        msgspec.structs.replace(calendar, is_primary=calendar.id == primary) for calendar in some[:CALENDARS_MAX]
    )


async def found_again(dav: Dav, calendar: str) -> str | None:
    """The same calendar where the account lies now: iCloud moves accounts from partition to partition."""
    try:
        own = await home(dav)
    except Told as told:
        if isinstance(told.word, Gone):
            return None
        raise
    moved = urljoin(own.url, _path(calendar))
    return None if moved == calendar else moved


async def _principal(dav: Dav) -> str:
    """Asked at the address itself, then where servers say where they are, then at the root."""
    start = dav.server.url
    unheard: Told | None = None
    for url in dict.fromkeys((start, urljoin(start, WELL_KNOWN), urljoin(start, "/"))):
        try:
            at, found = await dav.propfind(url, "D:current-user-principal", depth=0)
        except Told as told:
            if not _is_about_address(told):
                raise
            unheard = told
            continue
        for response in found.responses:
            href = response.href_in(f"{D}current-user-principal")
            if href:
                return dav.absolute(href, at)
    raise Told(_no_server(dav)) from unheard


def _is_about_address(told: Told) -> bool:
    """Another address of the same server may answer."""
    word = told.word
    return isinstance(word, Gone) or (word.attempt.status or 0) in (200, 400, 403, 404, 405, 501)


def _no_server(dav: Dav) -> ReconnectNeeded:
    return ReconnectNeeded(
        reason="There is no CalDAV server at this address. Look in your provider's help for its CalDAV address.",
        attempt=dav.attempt,
    )


def _is_calendar(response: Response) -> bool:
    kinds = response.props.get(f"{D}resourcetype")
    if kinds is None or kinds.find(f"{C}calendar") is None:
        return False
    components = response.props.get(f"{C}supported-calendar-component-set")
    names = [] if components is None else [str(one.get("name", "")).upper() for one in components]
    return not names or "VEVENT" in names


def _calendar(url: str, response: Response) -> RemoteCalendar:
    tzid = tzid_of(response.text(f"{C}calendar-timezone").encode())
    return RemoteCalendar(
        id=urlsplit(url)._replace(path=path_of(url), query="", fragment="").geturl(),
        title=response.text(f"{D}displayname") or _path(url).rstrip("/").rpartition("/")[2],
        zone=known_name(tzid) or "UTC",
        is_writable=_is_writable(response),
    )


def _is_writable(response: Response) -> bool:
    kinds = response.props.get(f"{D}resourcetype")
    if kinds is not None and kinds.find(f"{S}subscribed") is not None:
        return False
    privileges = response.props.get(f"{D}current-user-privilege-set")
    if privileges is None:
        return True
    return any(one.tag in _WRITES for privilege in privileges for one in privilege)


def _primary(some: list[RemoteCalendar]) -> str:
    writable = [calendar.id for calendar in some if calendar.is_writable]
    named = [url for url in writable if _path(url).rstrip("/").rpartition("/")[2].lower() in _FIRST]
    return next(iter([*named, *writable]), "")


def _path(url: str) -> str:
    return urlsplit(url).path
