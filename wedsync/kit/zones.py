"""The time zones there are. To find them Python reads a folder of six hundred files, so it is asked once."""

from functools import cache
from zoneinfo import available_timezones

UNPLACED = frozenset({"localtime", "Factory"})
"""Files of the zone database that are no places: the machine's own zone, and "not set up". PostgreSQL knows neither."""


@cache
def zones() -> frozenset[str]:
    """Their IANA names."""
    return frozenset(available_timezones() - UNPLACED)
