"""Names of time zones: Outlook's are those of Windows, ours those of IANA; CLDR's map, from icalendar, joins them."""

from typing import Final

from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from wedsync.connections.calendars.event import EventError, known_zone

UTC_NAMES: Final = frozenset({"", "UTC", "Etc/UTC", "Etc/GMT", "GMT", "Z"})
_WINDOWS: Final = {name: windows for windows, name in WINDOWS_TO_OLSON.items()}


def to_iana(name: str) -> str:
    """ "" for a zone nobody can name: a rule of its own (`tzone://Microsoft/Custom`), or one that is unknown here."""
    if name in UTC_NAMES:
        return "UTC"
    found = WINDOWS_TO_OLSON.get(name, name)
    try:
        known_zone(found)
    except EventError:
        return ""
    return found


def to_windows(zone: str) -> str:
    """Graph takes IANA names as well, so a zone that Windows has no name of its own for keeps its own."""
    return "UTC" if zone in UTC_NAMES else _WINDOWS.get(zone, zone)
