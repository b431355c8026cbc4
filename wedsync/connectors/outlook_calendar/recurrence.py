"""Recurrence both ways: Graph's pattern and range <-> RRULE and EXDATE lines of RFC 5545.

Outlook knows six patterns, and in a month that is too short it takes the last day where RFC 5545 skips the month. What
one side cannot say the other way round raises `Unholdable`; nothing is simplified in silence.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from wedsync.connections.calendars.event import Days, EventError, Times, known_zone
from wedsync.connectors.outlook_calendar.zones import to_iana, to_windows

DAYS: Final = {
    "MO": "monday",
    "TU": "tuesday",
    "WE": "wednesday",
    "TH": "thursday",
    "FR": "friday",
    "SA": "saturday",
    "SU": "sunday",
}
CODES: Final = {name: code for code, name in DAYS.items()}
INDEXES: Final = {"1": "first", "2": "second", "3": "third", "4": "fourth", "-1": "last"}
NUMBERS: Final = {name: number for number, name in INDEXES.items()}
INTERVAL_MAX: Final = 999
SHORTEST_MONTH: Final = 28
_DAY = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)")
_KEPT: Final = frozenset({"FREQ", "INTERVAL", "BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS", "WKST", "COUNT", "UNTIL"})

Rule = Mapping[str, str]


class Unholdable(Exception):  # noqa: N818 -- it reads as a sentence where it is raised
    """Outlook has no word for this; says for what."""


def to_lines(recurrence: Mapping[str, Any], times: Times, cancelled: Iterable[date]) -> tuple[str, ...]:
    """RRULE, and an EXDATE for each cancelled occurrence. Raises EventError."""
    pattern, extent = recurrence["pattern"], recurrence["range"]
    parts = [*_frequency(pattern), *_end(extent, times)]
    return ("RRULE:" + ";".join(f"{name}={value}" for name, value in parts), *(_exdate(on, times) for on in cancelled))


def to_recurrence(lines: Sequence[str], times: Times) -> tuple[dict[str, Any] | None, frozenset[date]]:
    """Graph's recurrence (None: it does not recur) and the dates left out. Raises Unholdable."""
    kinds = {line.partition(":")[0].partition(";")[0].upper() for line in lines}
    rules = [line for line in lines if line.upper().startswith("RRULE")]
    if kinds - {"RRULE", "EXDATE"}:
        raise Unholdable("dates added to a series (RDATE)")
    if len(rules) > 1 or (lines and not rules):
        raise Unholdable("a series of more than one rule, or of none")
    if not rules:
        return None, frozenset()
    rule = _parsed(rules[0])
    pattern = _pattern(rule, times)
    left_out = frozenset(on for line in lines if line not in rules for on in _dates(line, times))
    return {"pattern": pattern, "range": _range(rule, times)}, left_out


def same(ours: Mapping[str, Any] | None, theirs: Mapping[str, Any] | None) -> bool:
    """Whether both recur alike; Graph fills in whatever a pattern does not need."""
    if not ours or not theirs:
        return not ours and not theirs
    return _essence(ours) == _essence(theirs)


def first_on(times: Times) -> date:
    return date.fromisoformat(times.on if isinstance(times, Days) else times.start[:10])


def _frequency(pattern: Mapping[str, Any]) -> list[tuple[str, str]]:
    kind, interval = pattern.get("type"), pattern.get("interval") or 1
    head = [("INTERVAL", str(interval))] if interval != 1 else []
    days = [CODES[name.lower()] for name in pattern.get("daysOfWeek") or ()]
    month = [("BYMONTH", str(pattern.get("month")))]
    if kind == "daily":
        return [("FREQ", "DAILY"), *head]
    if kind == "weekly":
        # Only every other week or rarer it matters on which day a week begins.
        first = CODES[(pattern.get("firstDayOfWeek") or "sunday").lower()]
        week = [("WKST", first)] if interval != 1 and first != "MO" else []
        return [("FREQ", "WEEKLY"), *head, ("BYDAY", ",".join(sorted(days, key=list(DAYS).index))), *week]
    if kind == "absoluteMonthly":
        return [("FREQ", "MONTHLY"), *head, *_month_day(pattern["dayOfMonth"])]
    if kind == "relativeMonthly":
        return [("FREQ", "MONTHLY"), *head, *_nth(days, pattern)]
    if kind == "absoluteYearly":
        return [("FREQ", "YEARLY"), *head, *month, *_month_day(pattern["dayOfMonth"])]
    if kind == "relativeYearly":
        return [("FREQ", "YEARLY"), *head, *month, *_nth(days, pattern)]
    raise EventError("the series recurs in a way that is not known")


def _month_day(day: int) -> list[tuple[str, str]]:
    if day <= SHORTEST_MONTH:
        return [("BYMONTHDAY", str(day))]
    if day >= 31:
        return [("BYMONTHDAY", "-1")]
    return [("BYMONTHDAY", ",".join(str(one) for one in range(SHORTEST_MONTH, day + 1))), ("BYSETPOS", "-1")]


def _nth(days: Sequence[str], pattern: Mapping[str, Any]) -> list[tuple[str, str]]:
    number = NUMBERS[(pattern.get("index") or "first").lower()]
    if len(days) == 1:
        return [("BYDAY", f"{number}{days[0]}")]
    return [("BYDAY", ",".join(sorted(days, key=list(DAYS).index))), ("BYSETPOS", number)]


def _end(extent: Mapping[str, Any], times: Times) -> list[tuple[str, str]]:
    if extent.get("type") == "numbered":
        return [("COUNT", str(extent["numberOfOccurrences"]))]
    if extent.get("type") != "endDate":
        return []
    last = date.fromisoformat(extent["endDate"])
    if isinstance(times, Days):
        return [("UNTIL", f"{last:%Y%m%d}")]
    # UNTIL of a series with a zone is an instant (RFC 5545 3.3.10); that of the last day's occurrence includes it.
    wall = datetime.combine(last, datetime.fromisoformat(times.start).time(), known_zone(times.zone or "UTC"))
    return [("UNTIL", f"{wall.astimezone(UTC):%Y%m%dT%H%M%SZ}")]


def _exdate(on: date, times: Times) -> str:
    if isinstance(times, Days):
        return f"EXDATE;VALUE=DATE:{on:%Y%m%d}"
    zone = f";TZID={times.zone}" if times.zone else ""
    return f"EXDATE{zone}:{on:%Y%m%d}T{datetime.fromisoformat(times.start):%H%M%S}"


def _parsed(line: str) -> Rule:
    pairs = [part.partition("=") for part in line.partition(":")[2].upper().split(";") if part]
    rule = {name: value for name, _, value in pairs}
    if set(rule) - _KEPT:
        raise Unholdable("a rule with " + ", ".join(sorted(set(rule) - _KEPT)))
    interval = rule.get("INTERVAL", "1")
    if not (interval.isdigit() and 1 <= int(interval) <= INTERVAL_MAX):
        raise Unholdable(f"an interval of {interval}")
    return rule


def _pattern(rule: Rule, times: Times) -> dict[str, Any]:
    """The pattern the rule makes; `times` fills in what the rule leaves to its start."""
    start = first_on(times)
    interval = int(rule.get("INTERVAL", "1"))
    frequency = rule.get("FREQ", "")
    days = _days(rule)
    if frequency == "DAILY" and not set(rule) & {"BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS"}:
        return {"type": "daily", "interval": interval}
    if frequency == "WEEKLY" and not set(rule) & {"BYMONTHDAY", "BYMONTH", "BYSETPOS"}:
        return _weekly(rule, interval, days, start)
    if frequency == "MONTHLY" and "BYMONTH" not in rule:
        return _in_month(rule, "Monthly", {"interval": interval}, days, start)
    if frequency == "YEARLY" and ("BYMONTH" in rule or not set(rule) & {"BYDAY", "BYSETPOS", "BYMONTHDAY"}):
        month = rule.get("BYMONTH", str(start.month))
        if month != str(start.month):
            raise Unholdable("a rule of several months, or that its first day does not fit")
        return _in_month(rule, "Yearly", {"interval": interval, "month": start.month}, days, start)
    raise Unholdable(f"a rule of this kind ({frequency.lower() or 'none'})")


def _weekly(rule: Rule, interval: int, days: Sequence[tuple[str, str]], start: date) -> dict[str, Any]:
    codes = [code for _, code in days] or [list(DAYS)[start.weekday()]]
    if any(number for number, _ in days) or list(DAYS)[start.weekday()] not in codes:
        raise Unholdable("a weekly rule that its first day does not fit")
    return {
        "type": "weekly",
        "interval": interval,
        "daysOfWeek": [DAYS[code] for code in sorted(set(codes), key=list(DAYS).index)],
        "firstDayOfWeek": DAYS.get(rule.get("WKST", "MO"), "monday"),
    }


def _in_month(
    rule: Rule, kind: str, rest: dict[str, Any], days: Sequence[tuple[str, str]], start: date
) -> dict[str, Any]:
    if days:
        if "BYMONTHDAY" in rule:
            raise Unholdable("a rule of weekdays and days of the month")
        return {"type": f"relative{kind}", **rest, **_relative(rule, days, start)}
    return {"type": f"absolute{kind}", **rest, "dayOfMonth": _day_of_month(rule, start)}


def _relative(rule: Rule, days: Sequence[tuple[str, str]], start: date) -> dict[str, Any]:
    numbers = {number.lstrip("+") for number, _ in days if number}
    if rule.get("BYSETPOS") and not numbers:
        numbers = {rule["BYSETPOS"].lstrip("+")}
    elif rule.get("BYSETPOS") or len(days) > 1:
        raise Unholdable("a rule of several weekdays in a month")
    if len(numbers) != 1 or not numbers <= set(INDEXES):
        raise Unholdable("a rule of every such weekday of a month")
    (number,) = numbers
    codes = {code for _, code in days}
    if _nth_of_month(start, codes, int(number)) != start:
        raise Unholdable("a rule that its first day does not fit")
    names = [DAYS[code] for code in sorted(codes, key=list(DAYS).index)]
    return {"daysOfWeek": names, "index": INDEXES[number]}


def _nth_of_month(start: date, codes: set[str], number: int) -> date | None:
    first = start.replace(day=1)
    month = [first + timedelta(days=n) for n in range(31)]
    fitting = [on for on in month if on.month == first.month and list(DAYS)[on.weekday()] in codes]
    place = number - 1 if number > 0 else number
    return fitting[place] if -len(fitting) <= place < len(fitting) else None


def _day_of_month(rule: Rule, start: date) -> int:
    text, position = rule.get("BYMONTHDAY", str(start.day)), rule.get("BYSETPOS", "")
    last = (start.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    clamped = {str(dict(_month_day(day))["BYMONTHDAY"]): day for day in (29, 30)}
    if text == "-1" and not position:
        day = 31
    elif text in clamped and position == "-1":
        day = clamped[text]
    elif text.isdigit() and 1 <= int(text) <= SHORTEST_MONTH and not position:
        day = int(text)
    else:
        raise Unholdable("a rule of a day that not every month has, or of several days")
    if start.day != min(day, last.day):
        raise Unholdable("a rule that its first day does not fit")
    return day


def _days(rule: Rule) -> list[tuple[str, str]]:
    """Pairs of number and code, such as ("-1", "FR")."""
    if "BYDAY" not in rule:
        return []
    found = [_DAY.fullmatch(part) for part in rule["BYDAY"].split(",")]
    if not all(found):
        raise Unholdable("weekdays that are none")
    return [(match[1] or "", match[2]) for match in found if match]


def _range(rule: Rule, times: Times) -> dict[str, Any]:
    zone = "UTC" if isinstance(times, Days) else times.zone
    extent: dict[str, Any] = {"startDate": first_on(times).isoformat(), "recurrenceTimeZone": to_windows(zone)}
    if "COUNT" in rule:
        return {"type": "numbered", "numberOfOccurrences": int(rule["COUNT"]), **extent}
    if "UNTIL" not in rule:
        return {"type": "noEnd", **extent}
    return {"type": "endDate", "endDate": _last_on(rule["UNTIL"], times).isoformat(), **extent}


def _last_on(until: str, times: Times) -> date:
    """The last date an occurrence may begin on: a whole day less where UNTIL comes before that day's occurrence."""
    day = date.fromisoformat(until[:8])
    if isinstance(times, Days) or "T" not in until:
        return day
    wall = datetime.fromisoformat(until.removesuffix("Z"))
    if until.endswith("Z"):
        wall = wall.replace(tzinfo=UTC).astimezone(known_zone(times.zone or "UTC")).replace(tzinfo=None)
    begins = datetime.fromisoformat(times.start).time()
    return wall.date() if wall.time() >= begins else wall.date() - timedelta(days=1)


def _dates(line: str, times: Times) -> list[date]:
    """The local dates of an EXDATE line. Raises Unholdable for what leaves out none of the series' own starts."""
    head, _, values = line.partition(":")
    zone = next((part[5:] for part in head.split(";") if part.upper().startswith("TZID=")), "")
    return [_left_out(value, zone, times) for value in values.split(",")]


def _left_out(value: str, zone: str, times: Times) -> date:
    try:
        if "T" not in value or isinstance(times, Days):
            return date.fromisoformat(value[:8])
        wall = datetime.fromisoformat(value.removesuffix("Z"))
        own = known_zone(times.zone or "UTC")
        said = UTC if value.endswith("Z") else known_zone(to_iana(zone) if zone else times.zone or "UTC")
    except (ValueError, EventError) as cause:
        raise Unholdable("a left-out date that is none") from cause
    return wall.replace(tzinfo=said).astimezone(own).date()


def _essence(recurrence: Mapping[str, Any]) -> tuple[object, ...]:
    pattern, extent = recurrence["pattern"], recurrence["range"]
    kind, interval = pattern.get("type"), pattern.get("interval") or 1
    uses: dict[str, object] = {
        "days": sorted(name.lower() for name in pattern.get("daysOfWeek") or ()),
        "week": (pattern.get("firstDayOfWeek") or "sunday").lower(),
        "index": (pattern.get("index") or "first").lower(),
        "day": pattern.get("dayOfMonth"),
        "month": pattern.get("month"),
    }
    wanted = {
        "daily": (),
        "weekly": ("days", "week") if interval != 1 else ("days",),
        "absoluteMonthly": ("day",),
        "relativeMonthly": ("days", "index"),
        "absoluteYearly": ("day", "month"),
        "relativeYearly": ("days", "index", "month"),
    }.get(str(kind), tuple(uses))
    end = extent.get("endDate") if extent.get("type") == "endDate" else None
    count = extent.get("numberOfOccurrences") if extent.get("type") == "numbered" else None
    return (kind, interval, *(str(uses[name]) for name in wanted), extent.get("startDate"), end, count)
