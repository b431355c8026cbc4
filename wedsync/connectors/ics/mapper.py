"""A feed as changes: every event by itself, so that one that cannot be read spoils no other.

Feeds are careless: UIDs are missing or the same for all, series lack their first event, a calendar of ten years comes
whole each time. What lies far from the wanted time is told from the raw text and never parsed.
"""

import hashlib
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

import msgspec

from wedsync.connections.calendars.contract import Change
from wedsync.connections.calendars.event import EventError, digest
from wedsync.connections.calendars.ical_read import Blocks, Part, cut, part

#: So many in the wanted time are no business's calendar any more; reading them would take seconds.
EVENTS_MAX: Final = 10_000
MARGIN: Final = timedelta(days=2)

_START = re.compile(rb"^DTSTART[^:\r\n]*:(\d{8})", re.M | re.I)
_END = re.compile(rb"^DTEND[^:\r\n]*:(\d{8})", re.M | re.I)
_LASTS = re.compile(rb"^(?:RRULE|RDATE|DURATION|RECURRENCE-ID)[:;]", re.M | re.I)
_NAME = re.compile(rb"^(?:X-WR-CALNAME|NAME)(?:;[^:\r\n]*)?:(.*?)\r?$", re.M | re.I)
_ZONE = re.compile(rb"^X-WR-TIMEZONE(?:;[^:\r\n]*)?:(.*?)\r?$", re.M | re.I)


class FeedError(ValueError):
    """It is no calendar; says what it is, for whoever typed the address."""


class Read(msgspec.Struct, frozen=True, kw_only=True):
    changes: tuple[Change, ...]
    unread: int


def opened(body: bytes, *, content_type: str) -> Blocks:
    """Raises FeedError."""
    blocks = cut(body)
    if not blocks.is_calendar:
        start = body.lstrip()[:300].lower()
        if "html" in content_type or start.startswith((b"<!doctype", b"<html")):
            raise FeedError(
                "a web page, not a calendar. Look for a link called ICS, iCal or subscribe, and copy that address"
            )
        raise FeedError("not a calendar. An ICS feed begins with BEGIN:VCALENDAR")
    return blocks


def title(body: bytes, *, otherwise: str) -> str:
    found = _NAME.search(body[:8192])
    text = "" if found is None else found.group(1).decode("utf-8", "replace")
    return text.replace("\\,", ",").replace("\\;", ";").replace("\\\\", "\\").strip()[:200] or otherwise


def zone(body: bytes) -> str:
    found = _ZONE.search(body[:8192])
    return "" if found is None else found.group(1).decode("utf-8", "replace").strip()


def read(blocks: Blocks, *, since: datetime, until: datetime) -> Read:
    """Raises FeedError for more events than a feed may have."""
    near = [block for block in blocks.events if _is_near(block, since, until)]
    if len(near) > EVENTS_MAX:
        raise FeedError(f"a calendar with {len(near)} events in the next months; at most {EVENTS_MAX} are read")
    found: dict[str, Part] = {}
    unread = 0
    for block in near:
        try:
            one = part(block, blocks.zones)
        except EventError:
            unread += 1
            continue
        _keep(found, one)
    series = {id for id, one in found.items() if not one.original}
    return Read(changes=tuple(_changes(found, series)), unread=unread)


def _keep(found: dict[str, Part], one: Part) -> None:
    """Under its id; of two with the same UID the newer, unless they are two events of a feed that numbers none."""
    uid = one.uid or _digest(one)
    id = f"{uid}#{one.original}" if one.original else uid
    before = found.get(id)
    if before is None or (before.event.times == one.event.times and before.sequence <= one.sequence):
        found[id] = one
    elif before.sequence != one.sequence:
        found[id] = max(before, one, key=lambda either: either.sequence)
    else:
        found[f"{id}~{_digest(one)}"] = one


def _changes(found: dict[str, Part], series: set[str]) -> Iterator[Change]:
    for id, one in found.items():
        uid = id.partition("#")[0] if one.original else id
        yield Change(
            id=id,
            etag=_digest(one),
            event=one.event,
            series=uid if one.original and uid in series else "",
            original=one.original,
            is_editable=False,
            updated_at=one.updated_at,
        )


def _digest(one: Part) -> str:
    return hashlib.blake2b(digest(one.event) + one.original.encode(), digest_size=12).hexdigest()


def _is_near(block: bytes, since: datetime, until: datetime) -> bool:
    """False only where the raw text leaves no doubt."""
    start = _START.search(block)
    if start is None:
        return True
    if start.group(1).decode() > f"{until + MARGIN:%Y%m%d}":
        return False
    if _LASTS.search(block) is not None:
        return True
    end = _END.search(block) or start
    return max(start.group(1), end.group(1)).decode() >= f"{since - MARGIN:%Y%m%d}"
