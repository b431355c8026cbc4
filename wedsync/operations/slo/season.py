"""How strict the thresholds are: the season of the markets in which weddings are held, and how many are due.

A market is told from the time zone of the venue. What a minute of trouble costs follows the weddings, not the calendar
of whoever operates the platform: May to September north of the equator, November to March south of it.
"""

from collections.abc import Mapping
from datetime import date
from typing import Final

import msgspec

SOUTH: Final = (
    *("Australia/", "Pacific/Auckland", "Pacific/Chatham", "Pacific/Fiji", "Africa/Johannesburg", "Africa/Windhoek"),
    *("America/Argentina/", "America/Sao_Paulo", "America/Montevideo", "America/Santiago", "America/Asuncion"),
    *("Indian/Mauritius", "Antarctica/"),
)
TROPICS: Final = ("Asia/Bali", "Asia/Makassar", "Asia/Bangkok", "Asia/Singapore", "Pacific/Honolulu", "America/Cancun")
"""Weddings all year round."""
NORTHERN_PEAK: Final = frozenset({5, 6, 7, 8, 9})
SOUTHERN_PEAK: Final = frozenset({11, 12, 1, 2, 3})
CALM: Final = 1.0
STRICT: Final = 0.5


class Season(msgspec.Struct, frozen=True, kw_only=True):
    """`factor` of every threshold of latency and errors. `share` of the weddings due are in a market in its season."""

    factor: float
    share: float
    says: str


def is_peak(zone: str, month: int) -> bool:
    """Whether a market is in its season."""
    if zone.startswith(TROPICS):
        return True
    return month in (SOUTHERN_PEAK if zone.startswith(SOUTH) else NORTHERN_PEAK)


def season(due: Mapping[str, int], on: date) -> Season:
    """Of the weddings of the next two weeks by time zone: half as much is too much where most are in their season."""
    weddings = sum(due.values())
    peak = sum(number for zone, number in due.items() if is_peak(zone, on.month))
    share = peak / weddings if weddings else 0.0
    factor = STRICT if share > 0.5 else CALM
    words = f"{peak} of {weddings} weddings of the next two weeks are in a market in its season"
    return Season(factor=factor, share=share, says=f"{words}: {'thresholds are halved' if factor < 1 else 'as usual'}.")
