"""A calendar event as every calendar can say it: planned times are local times with their zone, never instants.

A timed event has wall times and an IANA zone; an event of whole days has dates and no zone at all (RFC 5545 3.3.4).
What instants that makes is derived, here and nowhere else, with the zone rules of the `tzdata` that is installed.
"""

import hashlib
import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

TITLE_MAX = 1000
TEXT_MAX = 8000
RULES_MAX = 100

Status = Literal["confirmed", "tentative", "cancelled"]
Group = Literal["times", "text", "status"]
GROUPS: Final[tuple[Group, ...]] = ("times", "text", "status")
"""What is compared and merged as one; each field of an event but `is_private` belongs to one."""

_SPACE = re.compile(r"[ \t\r\f\v]+")


class Timed(msgspec.Struct, frozen=True, kw_only=True, tag="timed", omit_defaults=True):
    """From one wall time to another. `zone` "" is a floating time: it takes the zone of the calendar it lies in.

    `start` and `end` are ISO local times of whole seconds; `end_zone` only where it differs. A fold of 1 is the second
    of two equal wall times, when clocks go back.
    """

    start: str
    end: str
    zone: str
    end_zone: str = ""
    start_fold: int = 0
    end_fold: int = 0


class Days(msgspec.Struct, frozen=True, kw_only=True, tag="days"):
    """Whole days: `on` is the first, `until` the first that is free again (exclusive, as in RFC 5545 3.6.1)."""

    on: str
    until: str


Times = Timed | Days


class CalendarEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`rules` are RRULE, RDATE and EXDATE lines of RFC 5545, sorted; `is_private`: title and text are nobody's."""

    times: Times
    title: str = ""
    text: str = ""
    place: str = ""
    rules: tuple[str, ...] = ()
    status: Status = "confirmed"
    is_busy: bool = True
    is_private: bool = False


class EventError(ValueError):
    """What a calendar said cannot be understood; says why, without quoting it."""


def checked(event: CalendarEvent) -> CalendarEvent:
    """The same event in the one form that is compared. Raises EventError."""
    if len(event.rules) > RULES_MAX:
        raise EventError(f"the event has more than {RULES_MAX} recurrence lines")
    return msgspec.structs.replace(
        event,
        times=_checked_times(event.times),
        title=_line(event.title)[:TITLE_MAX],
        text=_text(event.text)[:TEXT_MAX],
        place=_line(event.place)[:TITLE_MAX],
        rules=tuple(sorted(in_utc(_line(rule)) for rule in event.rules)),
    )


def in_utc(rule: str) -> str:
    """A recurrence line in the one form that is compared: in UTC it ends with Z and names no zone (RFC 5545 3.2.19)."""
    head, _, values = rule.partition(":")
    if not head.endswith(";TZID=UTC"):
        return rule
    return f"{head.removesuffix(';TZID=UTC')}:{','.join(one.rstrip('Z') + 'Z' for one in values.split(','))}"


def span(times: Times, *, calendar_zone: str) -> tuple[datetime, datetime]:
    """The instants an event takes, in UTC. Raises EventError for a zone that nobody knows.

    Whole days begin and end at local midnight of the calendar, so they have 23 or 25 hours at times. An event that
    falls into the hour that clocks skip keeps its planned length: an empty range would overlap nothing.
    """
    if isinstance(times, Days):
        zone = known_zone(calendar_zone)
        first, free = date.fromisoformat(times.on), date.fromisoformat(times.until)
        return _instant(datetime.combine(first, time()), zone, 0), _instant(datetime.combine(free, time()), zone, 0)
    zone = known_zone(times.zone or calendar_zone)
    end_zone = known_zone(times.end_zone) if times.end_zone else zone
    start, end = datetime.fromisoformat(times.start), datetime.fromisoformat(times.end)
    first_at = _instant(start, zone, times.start_fold)
    last_at = _instant(end, end_zone, times.end_fold)
    if last_at <= first_at and not times.end_zone:
        last_at = first_at + max(end - start, timedelta())
    return first_at, max(first_at, last_at)


def known_zone(name: str) -> ZoneInfo:
    """Raises EventError."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as cause:
        raise EventError("the event is in a time zone that nobody knows") from cause


def digest(event: CalendarEvent) -> bytes:
    """16 bytes that are equal for equal events."""
    return hashlib.blake2b(msgspec.json.encode(event), digest_size=16).digest()


def group(event: CalendarEvent, name: Group) -> tuple[object, ...]:
    """The fields of one group, to be compared."""
    if name == "times":
        return (event.times, event.rules)
    if name == "text":
        return (event.title, event.text, event.place)
    return (event.status, event.is_busy)


def taken(event: CalendarEvent, other: CalendarEvent, name: Group) -> CalendarEvent:
    """The event with one group of the other's."""
    if name == "times":
        return msgspec.structs.replace(event, times=other.times, rules=other.rules)
    if name == "text":
        return msgspec.structs.replace(event, title=other.title, text=other.text, place=other.place)
    return msgspec.structs.replace(event, status=other.status, is_busy=other.is_busy)


def from_instants(start: datetime, end: datetime, zone: str) -> Timed:
    """Instants as wall times of a zone. Raises EventError."""
    place = known_zone(zone)
    first, last = start.astimezone(place), end.astimezone(place)
    return Timed(
        start=first.replace(tzinfo=None, fold=0).isoformat(timespec="seconds"),
        end=last.replace(tzinfo=None, fold=0).isoformat(timespec="seconds"),
        zone=zone,
        start_fold=first.fold,
        end_fold=last.fold,
    )


def _checked_times(times: Times) -> Times:
    try:
        if isinstance(times, Days):
            first, free = date.fromisoformat(times.on), date.fromisoformat(times.until)
            # Without an end it is one day (RFC 5545 3.6.1); some calendars say the same day twice.
            return Days(on=first.isoformat(), until=max(free, first + timedelta(days=1)).isoformat())
        start, end = datetime.fromisoformat(times.start), datetime.fromisoformat(times.end)
    except (ValueError, OverflowError) as cause:
        raise EventError("the event has a date or time that is none") from cause
    if start.tzinfo is not None or end.tzinfo is not None:
        raise EventError("a planned time has no offset, its zone stands beside it")
    zone = known_zone(times.zone) if times.zone else None
    end_zone = known_zone(times.end_zone) if times.end_zone else zone
    if times.end_zone in ("", times.zone) and end < start and times.end_fold == times.start_fold:
        raise EventError("the event ends before it begins")
    return Timed(
        start=start.isoformat(timespec="seconds"),
        end=end.isoformat(timespec="seconds"),
        zone=times.zone,
        end_zone="" if times.end_zone == times.zone else times.end_zone,
        start_fold=_fold(start, zone, times.start_fold),
        end_fold=_fold(end, end_zone, times.end_fold),
    )


def _fold(wall: datetime, zone: ZoneInfo | None, fold: int) -> int:
    """A fold only where the wall time comes twice: elsewhere two equal times would compare as different."""
    if zone is None or not fold:
        return 0
    earlier, later = wall.replace(tzinfo=zone, fold=0).utcoffset(), wall.replace(tzinfo=zone, fold=1).utcoffset()
    return 1 if earlier is not None and later is not None and earlier > later else 0


def _instant(wall: datetime, zone: ZoneInfo, fold: int) -> datetime:
    try:
        return wall.replace(tzinfo=zone, fold=fold).astimezone(UTC)
    except OverflowError as cause:
        raise EventError("the event is at the end of time") from cause


def _line(text: str) -> str:
    return " ".join(text.replace("\0", "").split())


def _text(text: str) -> str:
    lines = text.replace("\r\n", "\n").replace("\0", "").split("\n")
    return "\n".join(_SPACE.sub(" ", line).strip() for line in lines).strip()
