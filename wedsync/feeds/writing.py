"""Writes a feed as iCalendar (RFC 5545, 7986): the same entries make the same bytes, so that its ETag holds."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event, Timezone

from wedsync.feeds.model import Entry

PRODUCT = "-//WedSync//Feeds 1//EN"
REFRESH = "PT1H"


def written(name: str, entries: Sequence[Entry]) -> bytes:
    calendar = Calendar()
    calendar.add("VERSION", "2.0")
    calendar.add("PRODID", PRODUCT)
    calendar.add("CALSCALE", "GREGORIAN")
    calendar.add("METHOD", "PUBLISH")
    calendar.add("NAME", name)
    calendar.add("X-WR-CALNAME", name)
    calendar.add("REFRESH-INTERVAL", timedelta(hours=1), parameters={"VALUE": "DURATION"})
    calendar.add("X-PUBLISHED-TTL", REFRESH)
    for entry in entries:
        calendar.add_component(_event(entry))
    zones = sorted({entry.zone for entry in entries if entry.at_local is not None} - {"UTC"})
    head, begin, rest = bytes(calendar.to_ical()).partition(b"BEGIN:VEVENT\r\n")
    if not begin:
        return head
    return b"".join((head, *(_vtimezone(zone) for zone in zones), begin, rest))


def _event(entry: Entry) -> Event:
    event = Event()
    event.add("UID", entry.uid)
    # When it last changed, not now: the bytes of what has not changed stay the same.
    event.add("DTSTAMP", entry.changed_at.astimezone(UTC))
    event.add("LAST-MODIFIED", entry.changed_at.astimezone(UTC))
    event.add("SEQUENCE", entry.version)
    if entry.at_local is None:
        event.add("DTSTART", entry.on)
        event.add("DTEND", entry.on + timedelta(days=entry.days))
    else:
        start = datetime.combine(entry.on, entry.at_local, ZoneInfo(entry.zone))
        event.add("DTSTART", start)
        event.add("DTEND", (start.astimezone(UTC) + timedelta(minutes=entry.minutes)).astimezone(ZoneInfo(entry.zone)))
    event.add("SUMMARY", entry.title)
    if entry.place:
        event.add("LOCATION", entry.place)
    if entry.text:
        event.add("DESCRIPTION", entry.text)
    event.add("STATUS", "TENTATIVE" if entry.is_tentative else "CONFIRMED")
    event.add("TRANSP", "OPAQUE" if entry.is_busy else "TRANSPARENT")
    return event


@lru_cache(maxsize=64)
def _vtimezone(zone: str) -> bytes:
    return bytes(Timezone.from_tzid(zone).to_ical())
