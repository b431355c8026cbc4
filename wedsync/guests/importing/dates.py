"""Dates in a column: day first or month first is decided once for the whole column, never cell by cell.

A cell gives an ISO date or nothing; a column that cannot be decided says so, and the person is asked with samples in
words ("4 July 2027").
"""

import re
from collections.abc import Iterable, Sequence
from datetime import date, timedelta

import msgspec

# Countries that write the month first; the rest of the world writes the day or the year first.
MONTH_FIRST_COUNTRIES = frozenset({"US", "PH", "FM", "MH", "PW", "PR", "GU", "VI", "AS", "UM"})
EXCEL_EPOCH = date(1899, 12, 30)
EXCEL_SERIALS = range(20_000, 80_000)  # 1954 to 2119
TWO_DIGIT_PIVOT = 70  # "70" is 1970, "69" is 2069
MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip

_FOREIGN_MONTHS = {
    "januar": 1, "janvier": 1, "enero": 1, "gennaio": 1, "januari": 1, "februar": 2, "fevrier": 2, "février": 2,
    "febrero": 2, "febbraio": 2, "februari": 2, "märz": 3, "maerz": 3, "mars": 3, "marzo": 3, "maart": 3, "avril": 4,
    "abril": 4, "aprile": 4, "mai": 5, "mayo": 5, "maggio": 5, "mei": 5, "juni": 6, "juin": 6, "junio": 6,
    "giugno": 6, "juli": 7, "juillet": 7, "julio": 7, "luglio": 7, "août": 8, "aout": 8, "agosto": 8, "augustus": 8,
    "septembre": 9, "septiembre": 9, "settembre": 9, "oktober": 10, "octobre": 10, "octubre": 10, "ottobre": 10,
    "novembre": 11, "noviembre": 11, "dezember": 12, "décembre": 12, "decembre": 12, "diciembre": 12, "dicembre": 12,
}  # fmt: skip
_MONTH_NUMBERS = (
    {name.lower(): number for number, name in enumerate(MONTHS, start=1)}
    | {name[:3].lower(): number for number, name in enumerate(MONTHS, start=1)}
    | {"sept": 9}
    | _FOREIGN_MONTHS
)

_TIME = (
    r"(?:[T\s,]+(?:at\s+)?\d{1,2}[:.]\d{2}(?:[:.]\d{2}(?:\.\d+)?)?\s*(?:[AaPp]\.?[Mm]\.?)?"
    r"\s*(?:Z|UTC|GMT|[+-]\d{2}:?\d{2})?)?"
)
_NUMBERS = re.compile(rf"(\d{{1,2}})\s?[/.\-]\s?(\d{{1,2}})\s?[/.\-]\s?(\d{{4}}|\d{{2}}){_TIME}")
_YEAR_FIRST = re.compile(rf"(\d{{4}})\s?[/.\-]\s?(\d{{1,2}})\s?[/.\-]\s?(\d{{1,2}}){_TIME}")
_WEEKDAY = re.compile(r"^[^\W\d]{2,10}\.?,?\s+(?=\d|[^\W\d]{3,9}\.?\s+\d)")
_DAY_MONTH = re.compile(
    r"(\d{1,2})(?:st|nd|rd|th|\.)?[\s\-/]+(?:of\s+|de\s+)?([^\W\d]{3,10})\.?,?[\s\-/]+(?:de\s+)?(\d{4}|'?\d{2})" + _TIME
)
_MONTH_DAY = re.compile(rf"([^\W\d]{{3,10}})\.?\s+(\d{{1,2}})(?:st|nd|rd|th)?,?\s+(\d{{4}}|'?\d{{2}}){_TIME}")
_SERIAL = re.compile(r"\d{5}(?:\.\d+)?")


class DayOrder(msgspec.Struct, frozen=True):
    """How a column writes its dates. `is_sure` is false when only the country speaks for it."""

    day_first: bool
    is_sure: bool
    reason: str


def day_order(values: Iterable[str], *, country: str) -> DayOrder:
    """Decide a column: any first part above 12 means day first, any second part above 12 month first.

    Both in one column is a column of two habits: the more frequent one wins, unsure. Neither: the country decides.
    """
    day_votes = month_votes = numeric = 0
    for value in values:
        match = _NUMBERS.fullmatch(value.strip())
        if match is None:
            continue
        first, second = int(match.group(1)), int(match.group(2))
        numeric += 1
        day_votes += first > 12 >= second
        month_votes += second > 12 >= first
    habit = country.upper() not in MONTH_FIRST_COUNTRIES
    if not numeric:
        return DayOrder(habit, True, "The dates name their month or start with the year.")
    if day_votes and month_votes:
        both = "Some dates can only be day first and some only month first; please check them."
        return DayOrder(day_votes >= month_votes, False, both)
    if day_votes or month_votes:
        word = "day" if day_votes else "month"
        return DayOrder(bool(day_votes), True, f"Some dates can only be {word} first.")
    return DayOrder(habit, False, "Every date could be read both ways; the wedding's country decided.")


def read_date(text: str, *, day_first: bool) -> str:
    """The ISO date a cell holds, or "" when it holds none that exists. A time of day is left out."""
    text = " ".join(text.split())
    match = _YEAR_FIRST.fullmatch(text)
    if match:
        return _iso(int(match.group(1)), int(match.group(2)), int(match.group(3)))
    match = _NUMBERS.fullmatch(text)
    if match:
        first, second = int(match.group(1)), int(match.group(2))
        day, month = (first, second) if day_first else (second, first)
        return _iso(_year(match.group(3)), month, day)
    if _SERIAL.fullmatch(text) and int(float(text)) in EXCEL_SERIALS:
        return (EXCEL_EPOCH + timedelta(days=int(float(text)))).isoformat()
    return _in_letters(text)


def in_words(iso: str) -> str:
    """ "2027-07-04" -> "4 July 2027", which nobody reads the wrong way round."""
    day = date.fromisoformat(iso)
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def samples(values: Sequence[str], *, day_first: bool, count: int = 3) -> list[str]:
    """The first different dates of a column in words."""
    found: dict[str, None] = {}
    for value in values:
        iso = read_date(value, day_first=day_first)
        if iso:
            found.setdefault(in_words(iso))
        if len(found) == count:
            break
    return list(found)


def _in_letters(text: str) -> str:
    for candidate in (text, _WEEKDAY.sub("", text, count=1)):
        match = _DAY_MONTH.fullmatch(candidate)
        if match:
            return _iso(_year(match.group(3)), _MONTH_NUMBERS.get(match.group(2).lower(), 0), int(match.group(1)))
        match = _MONTH_DAY.fullmatch(candidate)
        if match:
            return _iso(_year(match.group(3)), _MONTH_NUMBERS.get(match.group(1).lower(), 0), int(match.group(2)))
    return ""


def _year(text: str) -> int:
    text = text.lstrip("'")
    if len(text) == 4:
        return int(text)
    return int(text) + (1900 if int(text) >= TWO_DIGIT_PIVOT else 2000)


def _iso(year: int, month: int, day: int) -> str:
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return ""
