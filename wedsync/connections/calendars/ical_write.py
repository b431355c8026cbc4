"""Writes events as iCalendar objects (RFC 5545, 4791): new ones, and changes into objects that hold more than we know.

Of an object from elsewhere only what changed is touched: alarms, attachments, guests and whatever a client put there
stay. DTEND is always written, for iCloud refuses events without; each zone named brings its VTIMEZONE.
"""

import re
from datetime import UTC, date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event
from icalendar.prop import vInline

from wedsync.connections.calendars.event import CalendarEvent, Days, EventError, Timed, group, in_utc
from wedsync.connections.calendars.ical_read import (
    MARKER,
    ZONE_OF_UTC,
    Blocks,
    Part,
    cut,
    hidden,
    in_series_zone,
    part,
    shown,
)
from wedsync.connections.calendars.ical_zones import vtimezone

PRODUCT: Final = "-//WedSync//Calendars 1//EN"

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_TZID = re.compile(r";TZID=([^:;,]+)")


def new_object(event: CalendarEvent, *, uid: str, marker: str, at: datetime) -> bytes:
    """A calendar object with this one event. `at`: now."""
    calendar = Calendar()
    calendar.add("VERSION", "2.0")
    calendar.add("PRODID", PRODUCT)
    component = Event()
    component.add("UID", uid)
    component.add("CREATED", at.astimezone(UTC))
    _write(component, None, event, marker=marker, at=at)
    calendar.add_component(component)
    return _finished(calendar, [event])


def changed_object(data: bytes, event: CalendarEvent, *, original: str, marker: str, at: datetime) -> bytes:
    """The object with its event, or the exception of its series that `original` names, as `event` says.

    Raises EventError where the object cannot be read, KeyError where it does not hold that one.
    """
    calendar, blocks = _opened(data)
    component, now = _found(calendar, blocks, original)
    _write(component, now.event, event, marker=marker, at=at)
    return _finished(calendar, [event])


def without_exception(data: bytes, *, original: str, at: datetime) -> bytes:
    """The series without the day that an exception stood for. Raises EventError, KeyError."""
    calendar, blocks = _opened(data)
    component, _ = _found(calendar, blocks, original)
    master, series = _found(calendar, blocks, "")
    calendar.subcomponents.remove(component)
    _add_rule(master, f"EXDATE{_of_original(original, series.event)}")
    _stamp(master, at)
    return _finished(calendar, [series.event])


def parts(data: bytes, *, own: frozenset[str] = frozenset()) -> tuple[list[Part], int]:
    """The event or the series of an object with its exceptions, the series first, and how many could not be read."""
    blocks = cut(data)
    found: list[Part] = []
    unread = 0
    for block in blocks.events:
        try:
            found.append(part(block, blocks.zones, own=own))
        except EventError:
            unread += 1
    return sorted(found, key=lambda one: one.original), unread


def _opened(data: bytes) -> tuple[Any, Blocks]:
    try:
        return Calendar.from_ical(hidden(data)), cut(data)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as cause:
        raise EventError("the event there cannot be read, so it cannot be changed either") from cause


def _found(calendar: Any, blocks: Blocks, original: str) -> tuple[Any, Part]:
    """The component and what it says. Raises KeyError."""
    for component in calendar.events:
        read = part(shown(component.to_ical()), blocks.zones)
        if read.original == original:
            return component, read
    raise KeyError(original)


def _write(component: Any, now: CalendarEvent | None, event: CalendarEvent, *, marker: str, at: datetime) -> None:
    if now is None or group(now, "times") != group(event, "times"):
        _write_times(component, event)
        _write_rules(component, event)
        if now is not None:
            _put(component, "SEQUENCE", str(int(component.get("SEQUENCE", 0)) + 1))
    if now is None or group(now, "text") != group(event, "text"):
        for key, text in (("SUMMARY", event.title), ("DESCRIPTION", event.text), ("LOCATION", event.place)):
            component.pop(key, None)
            if text:
                component.add(key, _CONTROL.sub("", text))
    if now is None or group(now, "status") != group(event, "status"):
        _put(component, "STATUS", event.status.upper())
        _put(component, "TRANSP", "OPAQUE" if event.is_busy else "TRANSPARENT")
        component.pop("X-MICROSOFT-CDO-BUSYSTATUS", None)
    _write_class(component, now, event)
    if marker:
        _put(component, MARKER, marker)
    _stamp(component, at)


def _write_class(component: Any, now: CalendarEvent | None, event: CalendarEvent) -> None:
    if event.is_private != (now is not None and now.is_private):
        _put(component, "CLASS", "PRIVATE" if event.is_private else "PUBLIC")


def _write_times(component: Any, event: CalendarEvent) -> None:
    for key in ("DTSTART", "DTEND", "DURATION", ZONE_OF_UTC):
        component.pop(key, None)
    times = event.times
    if isinstance(times, Days):
        _put(component, "DTSTART", _compact(times.on), VALUE="DATE")
        _put(component, "DTEND", _compact(times.until), VALUE="DATE")
        return
    if times.zone and (times.start_fold or times.end_fold):
        # The second of two equal wall times cannot be said with a zone (RFC 5545 3.3.5), only in UTC.
        _put(component, "DTSTART", _in_utc(times.start, times.zone, times.start_fold))
        _put(component, "DTEND", _in_utc(times.end, times.end_zone or times.zone, times.end_fold))
        _put(component, ZONE_OF_UTC, times.zone)
        return
    _put_wall(component, "DTSTART", times.start, times.zone)
    _put_wall(component, "DTEND", times.end, times.end_zone or times.zone)


def _write_rules(component: Any, event: CalendarEvent) -> None:
    for key in ("RRULE", "RDATE", "EXDATE"):
        component.pop(key, None)
    for rule in event.rules:
        _add_rule(component, rule)


def _add_rule(component: Any, line: str) -> None:
    head, _, value = in_utc(line).partition(":")
    name, *parameters = head.split(";")
    component.add(
        name, vInline(value, params=dict(one.split("=", 1) for one in parameters if "=" in one)), encode=False
    )


def _of_original(original: str, series: CalendarEvent) -> str:
    """`;TZID=Europe/Berlin:20260614T100000`: of the same kind and zone as the start of the series."""
    if not isinstance(series.times, Timed):
        return f";VALUE=DATE:{_compact(original)}"
    zone = series.times.zone
    written = _compact(in_series_zone(original, zone, series))
    return f":{written}Z" if zone == "UTC" else f";TZID={zone}:{written}" if zone else f":{written}"


def _put_wall(component: Any, key: str, wall: str, zone: str) -> None:
    written = _compact(wall)
    if zone == "UTC":
        _put(component, key, f"{written}Z")
    elif zone:
        _put(component, key, written, TZID=zone)
    else:
        _put(component, key, written)


def _put(component: Any, key: str, value: str, **parameters: str) -> None:
    component.pop(key, None)
    component.add(key, vInline(value, params=parameters), encode=False)


def _stamp(component: Any, at: datetime) -> None:
    written = f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    _put(component, "DTSTAMP", written)
    _put(component, "LAST-MODIFIED", written)


def _in_utc(wall: str, zone: str, fold: int) -> str:
    at = datetime.fromisoformat(wall).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)
    return f"{at:%Y%m%dT%H%M%SZ}"


def _compact(text: str) -> str:
    if "T" in text:
        at = datetime.fromisoformat(text)
        return f"{at.year:04}{at:%m%dT%H%M%S}"
    on = date.fromisoformat(text)
    return f"{on.year:04}{on:%m%d}"


def _finished(calendar: Any, events: list[CalendarEvent]) -> bytes:
    """With a VTIMEZONE for each zone it names and has none for."""
    named = {zone for event in events for zone in _zones_of(event)}
    there = {str(component.get("TZID", "")) for component in calendar.walk("VTIMEZONE")}
    head, event, rest = shown(bytes(calendar.to_ical())).partition(b"BEGIN:VEVENT\r\n")
    return b"".join((head, *(vtimezone(zone) for zone in sorted(named - there)), event, rest))


def _zones_of(event: CalendarEvent) -> set[str]:
    zones = {zone for rule in event.rules for zone in _TZID.findall(rule)}
    if isinstance(event.times, Timed) and not (event.times.start_fold or event.times.end_fold):
        zones |= {event.times.zone, event.times.end_zone}
    return zones - {"", "UTC"}
