"""When an event of a calendar is busy: its occurrences within a window, in UTC, with the rules of its own zone.

A series is expanded here and not by the provider: servers disagree on clock changes. It is
worked out in wall times, and each occurrence becomes an instant by itself.
"""

import itertools
from collections.abc import Collection, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from typing import Final

import msgspec
from dateutil.rrule import rrule, rruleset, rrulestr

from wedsync.connections.calendars.event import CalendarEvent, Days, EventError, Timed, known_zone, span

OCCURRENCES_MAX: Final = 1000
"""Of one series in the window: daily for two years is less. What repeats more often is no appointment."""
DAYS_MAX: Final = 370
"""Of one occurrence; what is longer is cut."""
EVERY: Final[Mapping[str, int]] = {"DAILY": 1, "WEEKLY": 7, "MONTHLY": 0, "YEARLY": 0}
"""Days from one to the next, where that is always so many. Nothing that repeats within a day is an appointment."""
MONTH_DAYS: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class Busy(msgspec.Struct, frozen=True):
    """One stretch of busy time."""

    start: datetime
    end: datetime


def busy_times(
    event: CalendarEvent,
    *,
    zone: str,
    since: datetime,
    until: datetime,
    without: Collection[str] = (),
) -> list[Busy]:
    """Of an event that is busy, what of it touches the window. `without`: the starts that occurrences had which
    exceptions have taken the place of. Raises EventError for rules that cannot be read or repeat without end."""
    if not event.is_busy or event.status == "cancelled":
        return []
    if not event.rules:
        start, end = span(event.times, calendar_zone=zone)
        return _cut([Busy(start, end)], since, until)
    replaced = {_plain(one) for one in without}
    found = [
        Busy(*span(times, calendar_zone=zone))
        for times in _occurrences(event, zone, since, until)
        if _start_of(times) not in replaced
    ]
    return _cut(found, since, until)


def is_expandable(event: CalendarEvent) -> bool:
    """Whether its rules can be worked out at all."""
    try:
        list(_starts(event, "UTC", datetime(2000, 1, 1), datetime(2000, 1, 2)))
    except EventError:
        return False
    return True


def _cut(found: list[Busy], since: datetime, until: datetime) -> list[Busy]:
    """Without what has no length, which overlaps nothing."""
    longest = timedelta(days=DAYS_MAX)
    cut = (Busy(one.start, min(one.end, one.start + longest)) for one in found)
    return [one for one in cut if one.start < one.end and one.start < until and one.end > since]


def _occurrences(event: CalendarEvent, zone: str, since: datetime, until: datetime) -> Iterator[Timed | Days]:
    """By their starts as walls there show them; what began before the window may reach into it."""
    first, last = _walls(event)
    length = last - first
    early = since.replace(tzinfo=None) - length - timedelta(days=2)
    found = list(_starts(event, zone, early, until.replace(tzinfo=None) + timedelta(days=2)))
    if len(found) > OCCURRENCES_MAX:
        raise EventError(f"the event repeats more than {OCCURRENCES_MAX} times")
    return (_at(event, start, start + length) for start in found)


def _walls(event: CalendarEvent) -> tuple[datetime, datetime]:
    times = event.times
    if isinstance(times, Timed):
        return datetime.fromisoformat(times.start), datetime.fromisoformat(times.end)
    return _midnight(times.on), _midnight(times.until)


def _midnight(on: str) -> datetime:
    return datetime.combine(date.fromisoformat(on), time())


def _starts(event: CalendarEvent, zone: str, since: datetime, until: datetime) -> Iterator[datetime]:
    """At most one more than is allowed."""
    first, _ = _walls(event)
    own = "" if isinstance(event.times, Days) else event.times.zone
    series = rruleset()
    has_rule = False
    try:
        for line in event.rules:
            name, _, value = line.partition(":")
            what = name.partition(";")[0].upper()
            if what == "RRULE":
                has_rule = True
                series.rrule(_read(_rule(value, own or zone), _near(first, value, since)))
            else:
                add = {"RDATE": series.rdate, "EXDATE": series.exdate}[what]
                for moment in value.split(","):
                    add(_wall(moment, name, own or zone, first))
        if not has_rule:
            series.rdate(first)
        found = itertools.takewhile(lambda start: start < until, series.xafter(since, inc=True))
        yield from itertools.islice(found, OCCURRENCES_MAX + 1)
    except (ValueError, KeyError, TypeError, OverflowError) as cause:
        raise EventError("the event repeats in a way that cannot be worked out") from cause


def _read(rule: str, first: datetime) -> rrule:
    """Raises ValueError where a line holds more than one rule."""
    read = rrulestr(rule, dtstart=first)
    if not isinstance(read, rrule):
        raise ValueError("more than one rule")
    return read


def _rule(value: str, zone: str) -> str:
    """The rule in wall times; rrule wants its end as its beginning is. Raises ValueError for what is no appointment."""
    parts = dict(part.split("=", 1) for part in value.upper().split(";") if part)
    if parts.get("FREQ") not in EVERY or not _is_possible(parts):
        raise ValueError("it repeats too often, or never")
    if "UNTIL" in parts:
        until = parts["UNTIL"]
        at = _wall(until, "", zone, None)
        parts["UNTIL"] = (at if "T" in until else at.replace(hour=23, minute=59, second=59)).strftime("%Y%m%dT%H%M%S")
    return ";".join(f"{name}={said}" for name, said in parts.items())


def _is_possible(parts: Mapping[str, str]) -> bool:
    """A 30 February would be looked for until the year 9999."""
    if "BYMONTHDAY" not in parts or "BYMONTH" not in parts:
        return True
    days = [abs(int(day)) for day in parts["BYMONTHDAY"].split(",")]
    return any(min(days) <= MONTH_DAYS[int(month) - 1] for month in parts["BYMONTH"].split(","))


def _near(first: datetime, value: str, since: datetime) -> datetime:
    """A later beginning that makes the same series from then on, so that decades are not counted through."""
    parts = dict(part.split("=", 1) for part in value.upper().split(";") if part)
    days = EVERY.get(parts.get("FREQ", ""), 0) * int(parts.get("INTERVAL", "1"))
    if not days or "COUNT" in parts or first >= since:
        return first
    return first + (since - first) // timedelta(days=days) * timedelta(days=days)


def _wall(moment: str, name: str, zone: str, first: datetime | None) -> datetime:
    """A date or time of RFC 5545 as a wall time of the series; a date takes the series' time of day."""
    text = moment.strip()
    if len(text) == 8:
        day = datetime.strptime(text, "%Y%m%d")
        return day if first is None else datetime.combine(day, first.time())
    at = datetime.strptime(text.rstrip("Zz"), "%Y%m%dT%H%M%S")
    named = next((p[5:].strip('"') for p in name.split(";") if p.upper().startswith("TZID=")), "")
    if text[-1] in "Zz":
        named = "UTC"
    if not named or named == zone:
        return at
    return at.replace(tzinfo=known_zone(named)).astimezone(known_zone(zone)).replace(tzinfo=None, fold=0)


def _at(event: CalendarEvent, start: datetime, end: datetime) -> Timed | Days:
    if isinstance(event.times, Days):
        return Days(on=start.date().isoformat(), until=end.date().isoformat())
    return Timed(
        start=start.isoformat(timespec="seconds"),
        end=end.isoformat(timespec="seconds"),
        zone=event.times.zone,
        end_zone=event.times.end_zone,
    )


def _start_of(times: Timed | Days) -> str:
    return times.on if isinstance(times, Days) else times.start


def _plain(start: str) -> str:
    """A start as it is compared: without an offset."""
    return start if len(start) <= 10 else start[:19]
