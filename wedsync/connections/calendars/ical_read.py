"""Reads iCalendar (RFC 5545) from strangers into events: each VEVENT by itself, so that a bad one spoils no other.

Times are taken as they are written and their zone is found by `ical_zones`; nothing is expanded here.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import msgspec
from icalendar import Event

from wedsync.connections.calendars.event import (
    CalendarEvent,
    Days,
    EventError,
    Status,
    Timed,
    checked,
    known_zone,
    span,
)
from wedsync.connections.calendars.ical_zones import Zones

MARKER: Final = "X-WEDSYNC-ID"
ZONE_OF_UTC: Final = "X-WEDSYNC-ZONE"
EVENT_MAX_BYTES: Final = 256 * 1024

_BEGIN, _END = (
    re.compile(rb"^BEGIN:([A-Z]+)[ \t]*\r?$", re.I | re.M),
    re.compile(rb"^END:([A-Z]+)[ \t]*\r?$", re.I | re.M),
)
_NAMED_ZONE = re.compile(rb"^((?:DTSTART|DTEND|RECURRENCE-ID|EXDATE|RDATE)[^:\r\n]*);TZID=", re.I | re.M)
_HIDDEN: Final = "X-WEDSYNC-TZID"
#: Lines are folded after 75 bytes, so wherever the name stands it may be cut.
_FOLDED_HIDDEN = re.compile(rb"(?:\r\n )?".join(re.escape(bytes([one])) for one in f";{_HIDDEN}=".encode()))
_FOLD = re.compile(rb"\r?\n[ \t]")
#: Without these an event would silently be another one.
_NEEDED: Final = frozenset({"DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID"})
_STATUSES: Final[dict[str, Status]] = {"CONFIRMED": "confirmed", "TENTATIVE": "tentative", "CANCELLED": "cancelled"}
_FREE: Final = frozenset({"FREE", "WORKINGELSEWHERE"})


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One VEVENT: an event, a series, or with `original` an exception of the series with this `uid`.

    `original` is the start it had, in the zone of the series as far as it is known (`in_zone`).
    """

    uid: str
    event: CalendarEvent
    original: str = ""
    marker: str = ""
    is_editable: bool = True
    updated_at: datetime | None = None
    sequence: int = 0


class Blocks(msgspec.Struct, frozen=True, kw_only=True):
    """An iCalendar object cut into its events as they came. `is_calendar`: it began as one."""

    events: list[bytes]
    zones: Zones
    is_calendar: bool
    is_complete: bool


def cut(data: bytes) -> Blocks:
    """Linear in the size, however the text is spoilt."""
    data = _FOLD.sub(b"", data.removeprefix(b"\xef\xbb\xbf"))
    events: list[bytes] = []
    vtimezones: list[bytes] = []
    for name, block in _components(data):
        (events if name == b"VEVENT" else vtimezones).append(block)
    head = data.lstrip()[:15].upper()
    tail = data.rstrip()[-13:].upper()
    return Blocks(
        events=events,
        zones=Zones(vtimezones),
        is_calendar=head == b"BEGIN:VCALENDAR",
        is_complete=tail == b"END:VCALENDAR",
    )


def part(block: bytes, zones: Zones, *, own: frozenset[str] = frozenset()) -> Part:
    """One VEVENT. `own`: the account's mail addresses, lower case. Raises EventError, which quotes nothing of it."""
    if len(block) > EVENT_MAX_BYTES:
        raise EventError("the event is larger than an event should be")
    try:
        component = Event.from_ical(hidden(block).decode("utf-8", "replace"))
        return _part(component, zones, own)
    except EventError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError) as cause:
        raise EventError("the event is no iCalendar event") from cause


def hidden(data: bytes) -> bytes:
    """With its times' zones under a name that the library leaves alone: it would resolve them by what it saw before."""
    return _NAMED_ZONE.sub(rb"\1;" + _HIDDEN.encode() + b"=", _FOLD.sub(b"", data))


def shown(data: bytes) -> bytes:
    """The reverse of `hidden`."""
    return _FOLDED_HIDDEN.sub(b";TZID=", data)


def in_series_zone(original: str, zone: str, series: CalendarEvent) -> str:
    """A start written in another zone than the series' (Outlook writes UTC), as the series' own wall time."""
    if not isinstance(series.times, Timed) or not zone or not series.times.zone or zone == series.times.zone:
        return original
    moved = Timed(start=original, end=original, zone=zone)
    start, _ = span(moved, calendar_zone="UTC")
    return _wall(start, series.times.zone)


def _components(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The outermost VEVENTs and VTIMEZONEs; alarms and the like stay inside."""
    at = 0
    while (begin := _BEGIN.search(data, at)) is not None:
        name = begin.group(1).upper()
        at = begin.end()
        if name not in (b"VEVENT", b"VTIMEZONE"):
            continue
        end = _end_of(data, name, at)
        if end is None:
            return
        yield name, data[begin.start() : end]
        at = end


def _end_of(data: bytes, name: bytes, at: int) -> int | None:
    for found in _END.finditer(data, at):
        if found.group(1).upper() == name:
            return found.end()
    return None


def _part(component: Any, zones: Zones, own: frozenset[str]) -> Part:
    if any(key in _NEEDED for key, _ in component.errors):
        raise EventError("the event has a time or a rule that cannot be read")
    marker = str(component.get(MARKER, ""))
    is_private = str(component.get("CLASS", "PUBLIC")).upper() in ("PRIVATE", "CONFIDENTIAL")
    is_hidden = is_private and not marker
    event = CalendarEvent(
        times=_times(component, zones),
        title="" if is_hidden else str(component.get("SUMMARY", "")),
        text="" if is_hidden else str(component.get("DESCRIPTION", "")),
        place="" if is_hidden else str(component.get("LOCATION", "")),
        rules=tuple(_rules(component, zones)),
        status=_STATUSES.get(str(component.get("STATUS", "")).upper(), "confirmed"),
        is_busy=_is_busy(component, own),
        is_private=is_private,
    )
    checked_event = checked(event)
    return Part(
        uid=str(component.get("UID", "")),
        event=checked_event,
        original=_original(component, zones, checked_event),
        marker=marker,
        is_editable=_is_own(component, own),
        updated_at=_updated_at(component),
        sequence=_number(component.get("SEQUENCE", 0)),
    )


def _times(component: Any, zones: Zones) -> Timed | Days:
    start = component.get("DTSTART")
    if start is None or isinstance(start, list):
        raise EventError("the event has no start, or several")
    end, duration = component.get("DTEND"), component.get("DURATION")
    if not isinstance(start.dt, datetime):
        return _days(start.dt, end, duration)
    first, zone, fold = _wall_of(start, component, zones)
    if end is not None and isinstance(end.dt, datetime):
        last, end_zone, end_fold = _wall_of(end, component, zones)
        return Timed(start=first, end=last, zone=zone, end_zone=end_zone, start_fold=fold, end_fold=end_fold)
    if end is not None:
        # Of whole days until which a timed event goes, the first moment is meant.
        return Timed(start=first, end=f"{end.dt.isoformat()}T00:00:00", zone=zone, start_fold=fold)
    return _lasting(first, zone, fold, timedelta() if duration is None else duration.dt)


def _days(first: date, end: Any, duration: Any) -> Days:
    """Without an end it is one day (RFC 5545 3.6.1)."""
    if end is not None:
        last = end.dt.date() if isinstance(end.dt, datetime) else end.dt
        return Days(on=first.isoformat(), until=last.isoformat())
    days = 1 if duration is None else max(1, -(-duration.dt // timedelta(days=1)))
    return Days(on=first.isoformat(), until=(first + timedelta(days=days)).isoformat())


def _lasting(first: str, zone: str, fold: int, duration: timedelta) -> Timed:
    """Days of a duration are those of the calendar, hours are exact (RFC 5545 3.3.6)."""
    start = datetime.fromisoformat(first) + timedelta(days=max(duration, timedelta()).days)
    rest = timedelta(seconds=max(duration, timedelta()).seconds)
    began, _ = span(Timed(start=_iso(start), end=_iso(start), zone=zone or "UTC", start_fold=fold), calendar_zone="UTC")
    return Timed(start=first, end=_wall(began + rest, zone or "UTC"), zone=zone, start_fold=fold)


def _wall_of(value: Any, component: Any, zones: Zones) -> tuple[str, str, int]:
    """Wall time, zone and fold of a DATE-TIME."""
    at: datetime = value.dt
    tzid = str(value.params.get(_HIDDEN, ""))
    wall = at.replace(tzinfo=None, fold=0, microsecond=0)
    if tzid:
        zone = zones.name(tzid, wall.year)
        if zone is not None:
            return _iso(wall), zone, 0
        if component.get("RRULE") is not None or component.get("RDATE") is not None:
            raise EventError("the event repeats in a time zone that nobody knows")
        return _iso(zones.instant(tzid, wall).replace(tzinfo=None)), "UTC", 0
    if at.tzinfo is None:
        return _iso(wall), "", 0
    meant = str(component.get(ZONE_OF_UTC, ""))
    if not meant:
        return _iso(wall), "UTC", 0
    local = _local(wall.replace(tzinfo=UTC), meant)
    return _iso(local.replace(tzinfo=None, fold=0)), meant, local.fold


def _original(component: Any, zones: Zones, event: CalendarEvent) -> str:
    value = component.get("RECURRENCE-ID")
    if value is None:
        return ""
    if str(value.params.get("RANGE", "")).upper() == "THISANDFUTURE":
        raise EventError("the event changes this and all following ones at once, which cannot be kept apart")
    if not isinstance(value.dt, datetime):
        return str(value.dt.isoformat())
    wall, zone, _ = _wall_of(value, component, zones)
    return in_series_zone(wall, zone, event)


def _rules(component: Any, zones: Zones) -> Iterator[str]:
    for key in ("RRULE", "RDATE", "EXDATE"):
        found = component.get(key)
        for value in found if isinstance(found, list) else [] if found is None else [found]:
            written = value.to_ical().decode()
            kind = str(value.params.get("VALUE", ""))
            tzid = str(value.params.get(_HIDDEN, ""))
            zone = zones.name(tzid, int(written[:4])) if tzid else ""
            if zone is None:
                raise EventError("the event repeats in a time zone that nobody knows")
            is_date = key != "RRULE" and len(written.split(",")[0]) == 8
            yield _rule(key, "DATE" if is_date else kind, zone, written)


def _rule(key: str, kind: str, zone: str, written: str) -> str:
    value = f";VALUE={kind}" if kind in ("DATE", "PERIOD") else ""
    if zone == "UTC" and not written.endswith("Z"):
        written = ",".join(f"{one}Z" for one in written.split(","))
    tzid = f";TZID={zone}" if zone not in ("", "UTC") else ""
    return f"{key}{value}{tzid}:{written}"


def _is_busy(component: Any, own: frozenset[str]) -> bool:
    if str(component.get("TRANSP", "OPAQUE")).upper() == "TRANSPARENT":
        return False
    if str(component.get("X-MICROSOFT-CDO-BUSYSTATUS", "")).upper() in _FREE:
        return False
    return not any(
        _mail(who) in own and str(who.params.get("PARTSTAT", "")).upper() == "DECLINED"
        for who in _several(component.get("ATTENDEE"))
    )


def _is_own(component: Any, own: frozenset[str]) -> bool:
    """Only the organizer's copy of a meeting counts, so ours is to be read only."""
    organizer = component.get("ORGANIZER")
    if organizer is None or not _several(component.get("ATTENDEE")):
        return True
    return _mail(organizer) in own


def _mail(value: Any) -> str:
    return str(value).lower().removeprefix("mailto:")


def _several(found: Any) -> list[Any]:
    return [] if found is None else found if isinstance(found, list) else [found]


def _updated_at(component: Any) -> datetime | None:
    value = component.get("LAST-MODIFIED") or component.get("DTSTAMP")
    at = getattr(value, "dt", None)
    return at.astimezone(UTC) if isinstance(at, datetime) and at.tzinfo is not None else None


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _local(at: datetime, zone: str) -> datetime:
    return at.astimezone(known_zone(zone))


def _wall(at: datetime, zone: str) -> str:
    return _iso(_local(at, zone).replace(tzinfo=None))


def _iso(wall: datetime) -> str:
    return wall.isoformat(timespec="seconds")
