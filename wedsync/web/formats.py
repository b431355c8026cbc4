"""How values read on a page: days, times, money, counts and names, as filters of the templates.

Only English is written so far; every wording of a value is in this file so that a second language has one place to go.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from typing import Any

from wedsync.kit.clock import now as clock_now

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_SYMBOLS = {"GBP": "£", "EUR": "€", "USD": "$", "AUD": "A$", "NZD": "NZ$", "CAD": "CA$", "JPY": "¥", "INR": "₹"}
# ISO 4217 currencies whose minor unit is not a hundredth.
_EXPONENTS = {"JPY": 0, "KRW": 0, "CLP": 0, "ISK": 0, "VND": 0, "UGX": 0, "XAF": 0, "XOF": 0, "XPF": 0}
_EXPONENTS |= {"BHD": 3, "JOD": 3, "KWD": 3, "OMR": 3, "TND": 3, "IQD": 3, "LYD": 3}
# Zones whose people read 2:30 pm rather than 14:30 (CLDR "h" preference), by their tz prefix.
_TWELVE_HOUR = ("America/", "US/", "Canada/", "Australia/", "Pacific/Auckland", "Pacific/Honolulu", "Asia/Kolkata")


def _local_date(value: date | datetime) -> date:
    return value.date() if isinstance(value, datetime) else value


def day(value: date | datetime | None) -> str:
    """`Saturday 12 September 2026`."""
    if value is None:
        return "Date to be decided"
    on = _local_date(value)
    return f"{_DAYS[on.weekday()]} {on.day} {_MONTHS[on.month - 1]} {on.year}"


def day_short(value: date | datetime | None) -> str:
    """`Sat 12 Sep`, with the year only where a reader could take it for another."""
    if value is None:
        return "no date"
    on = _local_date(value)
    return f"{_DAYS[on.weekday()][:3]} {on.day} {_MONTHS[on.month - 1][:3]}"


def day_year(value: date | datetime | None) -> str:
    """`12 Sep 2026`."""
    if value is None:
        return "no date"
    on = _local_date(value)
    return f"{on.day} {_MONTHS[on.month - 1][:3]} {on.year}"


def clock(value: time | datetime | None, zone: str = "") -> str:
    """`14:30`, or `2:30 pm` where the wedding's time zone reads so."""
    if value is None:
        return "–"
    if zone.startswith(_TWELVE_HOUR):
        half = "am" if value.hour < 12 else "pm"
        return f"{(value.hour - 1) % 12 + 1}:{value.minute:02} {half}"
    return f"{value.hour:02}:{value.minute:02}"


def iso(value: date | datetime | time | None) -> str:
    """For `datetime` attributes and form fields; empty where there is no value."""
    return "" if value is None else value.isoformat()


def ago(value: datetime, now: datetime | None = None) -> str:
    """`just now`, `12 min ago`, `3 h ago`, `yesterday`, `5 days ago`, then the day itself."""
    seconds = int(((now or clock_now()) - value).total_seconds())
    days = seconds // 86400
    if seconds < 60:
        return "just now"
    if seconds < 3600:
        return f"{seconds // 60} min ago"
    if not days:
        return f"{seconds // 3600} h ago"
    if days == 1:
        return "yesterday"
    return f"{days} days ago" if days < 14 else day_year(value)


def days_until(on: date, now: datetime | date) -> int:
    """Whole days from now to the day; negative once it has passed."""
    return (on - _local_date(now)).days


def in_days(on: date | None, now: datetime | date) -> str:
    """`today`, `tomorrow`, `in 12 days`, `3 days ago`."""
    if on is None:
        return "no date"
    left = days_until(on, now)
    fixed = {0: "today", 1: "tomorrow", -1: "yesterday"}
    return fixed.get(left) or (f"in {left} days" if left > 0 else f"{-left} days ago")


def money(minor: int | None, currency: str = "GBP") -> str:
    """`£1,234.50` from minor units; whole amounts drop their zeros: `£1,200`."""
    if minor is None:
        return "–"
    exponent = _EXPONENTS.get(currency, 2)
    whole, part = divmod(abs(minor), 10**exponent)
    sign = "−" if minor < 0 else ""
    symbol = _SYMBOLS.get(currency, f"{currency} ")
    return f"{sign}{symbol}{whole:,}" + (f".{part:0{exponent}}" if exponent and part else "")


def amount_input(minor: int | None, currency: str = "GBP") -> str:
    """The same amount as a form field wants it: `1234.50`, empty for none."""
    if minor is None:
        return ""
    exponent = _EXPONENTS.get(currency, 2)
    whole, part = divmod(minor, 10**exponent)
    return f"{whole}.{part:0{exponent}}" if exponent else str(whole)


def count(number: int | None) -> str:
    """`1,204`; a hidden small cell (None) shows as `under 3`, as the scope `counts` promises."""
    return "under 3" if number is None else f"{number:,}"


def plural(number: int, one: str, many: str = "") -> str:
    """`1 guest`, `3 guests`; pass the plural where it is not the singular and an s."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def share(part: int, whole: int) -> float:
    """Percent for a meter's width, 0 where there is no whole."""
    return round(100 * part / whole, 2) if whole else 0.0


def initials(name: str) -> str:
    """`Ana & Ben` -> `AB`, `Clara Okafor` -> `CO`, `Studio` -> `S`."""
    words = [word for word in name.replace("&", " ").split() if word[0].isalnum()]
    if not words:
        return "?"
    return (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper()


def and_list(items: Sequence[str]) -> str:
    """`Ana, Ben and Carla`."""
    names = [str(item) for item in items]
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1] if names else ""


def file_size(size_bytes: int) -> str:
    """`48 kB`, `1.2 MB`."""
    power = min(int(math.log(max(size_bytes, 1), 1000)), 3)
    value = size_bytes / 1000**power
    digits = 0 if power == 0 or value >= 10 else 1
    return f"{value:.{digits}f} {('bytes', 'kB', 'MB', 'GB')[power]}"


FILTERS: dict[str, Callable[..., Any]] = {
    "day": day,
    "day_short": day_short,
    "day_year": day_year,
    "clock": clock,
    "iso": iso,
    "ago": ago,
    "days_until": days_until,
    "in_days": in_days,
    "money": money,
    "amount_input": amount_input,
    "count": count,
    "plural": plural,
    "share": share,
    "initials": initials,
    "and_list": and_list,
    "file_size": file_size,
}
