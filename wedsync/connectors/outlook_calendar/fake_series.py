"""Which days a series of the fake's falls on, by Graph's own words for patterns; knows nothing of RRULE.

Day by day on purpose: it is read against the documentation in a minute, and judges the connector's recurrence mapping.
"""

from calendar import monthrange
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any, Final

WEEK: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
PLACES: Final = {"first": 0, "second": 1, "third": 2, "fourth": 3, "last": -1}


def days(recurrence: Mapping[str, Any], *, until: date) -> Iterator[date]:
    """The days from the first on, `until` excluded."""
    pattern, extent = recurrence["pattern"], recurrence["range"]
    start = date.fromisoformat(extent["startDate"])
    if extent["type"] == "endDate":
        until = min(until, date.fromisoformat(extent["endDate"]) + timedelta(days=1))
    left = extent["numberOfOccurrences"] if extent["type"] == "numbered" else -1
    day = start
    while day < until and left != 0:
        if _fits(pattern, start, day):
            left -= 1
            yield day
        day += timedelta(days=1)


def _fits(pattern: Mapping[str, Any], start: date, day: date) -> bool:
    kind, interval = pattern["type"], pattern["interval"]
    if kind == "daily":
        return bool((day - start).days % interval == 0)
    if kind == "weekly":
        first = WEEK.index(pattern.get("firstDayOfWeek", "sunday"))
        weeks = (_week_of(day, first) - _week_of(start, first)).days // 7
        return weeks % interval == 0 and WEEK[day.weekday()] in pattern["daysOfWeek"]
    if kind.endswith("Monthly"):
        months = (day.year - start.year) * 12 + day.month - start.month
        return months % interval == 0 and _is_day_of_month(pattern, day)
    is_year = (day.year - start.year) % interval == 0 and day.month == pattern["month"]
    return bool(is_year) and _is_day_of_month(pattern, day)


def _is_day_of_month(pattern: Mapping[str, Any], day: date) -> bool:
    last = monthrange(day.year, day.month)[1]
    if pattern["type"].startswith("absolute"):
        return day.day == min(int(pattern["dayOfMonth"]), last)
    fitting = [n for n in range(1, last + 1) if WEEK[day.replace(day=n).weekday()] in pattern["daysOfWeek"]]
    return fitting[PLACES[pattern.get("index", "first")]] == day.day


def _week_of(day: date, first: int) -> date:
    """The day its week begins on."""
    return day - timedelta(days=(day.weekday() - first) % 7)
