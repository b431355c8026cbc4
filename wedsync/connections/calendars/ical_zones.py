"""Which IANA zone an iCalendar time is in, whatever the sender calls it, and the VTIMEZONE that we send with ours.

By the name first (also Windows names and prefixed ones), then by the rules the object itself brings along. Never by
rules of another object: libraries that keep one registry of TZIDs let one user's calendar bend another's times.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo, available_timezones

from icalendar import Timezone
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from wedsync.connections.calendars.event import EventError

#: Longer rules are no zone's, and reading them costs time.
RULES_MAX_BYTES: Final = 32 * 1024
SAMPLES: Final = 52

_TZID = re.compile(rb"^TZID(?:;[^:\r\n]*)?:(.+?)\r?$", re.MULTILINE | re.IGNORECASE)
_LOCATION = re.compile(rb"^X-LIC-LOCATION:(.+?)\r?$", re.MULTILINE | re.IGNORECASE)
_FREQUENCY = re.compile(rb"FREQ=([A-Z]+)", re.IGNORECASE)
_UTC_NAMES: Final = frozenset({"utc", "z", "gmt", "etc/utc", "tzone://microsoft/utc"})


class Zones:
    """The zones of one iCalendar object. `vtimezones` are its VTIMEZONE components as they came."""

    def __init__(self, vtimezones: list[bytes]) -> None:
        self._rules: Mapping[str, bytes] = {tzid_of(block): block for block in vtimezones}

    def name(self, tzid: str, year: int) -> str | None:
        """The IANA name; None where only the object's own rules tell what its times are. Raises EventError."""
        tzid = tzid.strip('" ')
        known = known_name(tzid)
        if known is not None:
            return known
        block = self._rules.get(tzid)
        if block is None:
            raise EventError("the event is in a time zone that nobody knows")
        located = _LOCATION.search(block)
        if located is not None and (known := known_name(located.group(1).decode("utf-8", "replace"))) is not None:
            return known
        return _equal_zone(block, year)

    def instant(self, tzid: str, wall: datetime) -> datetime:
        """A wall time by the object's own rules, in UTC. Raises EventError."""
        block = self._rules.get(tzid.strip('" '))
        if block is None:
            raise EventError("the event is in a time zone that nobody knows")
        return wall.replace(tzinfo=_zone_of_rules(block)).astimezone(UTC)


@lru_cache(maxsize=1024)
def known_name(tzid: str) -> str | None:
    """`/citadel.org/20210210_1/Europe/Berlin` and `W. Europe Standard Time` are Europe/Berlin."""
    tzid = tzid.strip('" ')
    if tzid.lower() in _UTC_NAMES:
        return "UTC"
    parts = tzid.strip("/").split("/")
    tries = [tzid, *("/".join(parts[-count:]) for count in (3, 2, 1) if tzid.startswith("/") and len(parts) > count)]
    for name in tries:
        if name in _names():
            return name
    return WINDOWS_TO_OLSON.get(tzid)


def tzid_of(vtimezone: bytes) -> str:
    """What a VTIMEZONE calls itself; "" where it is none."""
    found = _TZID.search(vtimezone)
    return "" if found is None else found.group(1).decode("utf-8", "replace").strip('" ')


@lru_cache(maxsize=64)
def vtimezone(zone: str) -> bytes:
    """A VTIMEZONE with the zone's rules from 1970 on, as CalDAV wants it beside each time (RFC 4791 4.1)."""
    return bytes(Timezone.from_tzid(zone).to_ical())


@lru_cache(maxsize=1)
def _names() -> frozenset[str]:
    return frozenset(available_timezones())


@lru_cache(maxsize=256)
def _zone_of_rules(block: bytes) -> tzinfo:
    """Raises EventError. Rules that repeat faster than yearly are no zone's and would take for ever to follow."""
    if len(block) > RULES_MAX_BYTES or any(found.upper() != b"YEARLY" for found in _FREQUENCY.findall(block)):
        raise EventError("the event brings a time zone with rules that no zone has")
    try:
        read: Any = Timezone.from_ical(block)
        zone: tzinfo = read.to_tz(lookup_tzid=False)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as cause:
        raise EventError("the event brings a time zone that cannot be read") from cause
    return zone


@lru_cache(maxsize=256)
def _equal_zone(block: bytes, year: int) -> str | None:
    """A zone whose clocks go as the rules say for a whole year."""
    rules = _zone_of_rules(block)
    began = datetime(min(max(year, 1970), 2037), 1, 4, 12)
    samples = [began + timedelta(days=7 * week) for week in range(SAMPLES)]
    try:
        wanted = [sample.replace(tzinfo=rules).utcoffset() for sample in samples]
    except (ValueError, OverflowError, TypeError) as cause:
        raise EventError("the event brings a time zone that cannot be read") from cause
    for name in sorted(_names(), key=_preference):
        zone = ZoneInfo(name)
        if all(
            sample.replace(tzinfo=zone).utcoffset() == offset for sample, offset in zip(samples, wanted, strict=True)
        ):
            return name
    return None


def _preference(name: str) -> tuple[int, str]:
    """Cities of the regions people live in before old aliases."""
    first = ("UTC", "Europe/Berlin", "Europe/London", "America/New_York", "America/Chicago", "America/Los_Angeles")
    if name in first:
        return first.index(name), name
    return (
        10 if name.partition("/")[0] in ("Europe", "America", "Asia", "Australia", "Africa", "Pacific") else 20
    ), name
