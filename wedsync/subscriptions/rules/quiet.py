"""Quiet hours of a rule: local times between which nothing but the urgent leaves; the database says until when."""

from datetime import time
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from wedsync.kit.zones import zones

Clock = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Weekday = Annotated[int, Meta(ge=1, le=7)]


class Quiet(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """From a local time until another, the next day's where it is not later; on the days named, by where they begin.

    Days count from 1 (Monday). Without days, every day.
    """

    zone: Annotated[str, Meta(max_length=64)]
    from_: Clock = msgspec.field(name="from")
    until: Clock
    days: Annotated[list[Weekday], Meta(min_length=1, max_length=7)] | None = None


def fault(quiet: Quiet) -> tuple[str, str]:
    """(field, what is wrong) for people; two empty texts when nothing is."""
    if quiet.zone not in zones():
        return "quiet.zone", "is not an IANA time zone such as Europe/London"
    whole_days = quiet.days is None or len(set(quiet.days)) == 7
    if whole_days and time.fromisoformat(quiet.from_) == time.fromisoformat(quiet.until):
        return "quiet.until", "leaves no hour in which anything is sent"
    return "", ""


def stored(quiet: Quiet | None) -> str | None:
    """As the database keeps it."""
    return None if quiet is None else msgspec.json.encode(quiet).decode()


def read(text: str | None) -> Quiet | None:
    """As it was stored."""
    return None if text is None else msgspec.json.decode(text, type=Quiet)


def same_each_day(quiet: Quiet) -> list[Any]:
    """Its days in order, all seven where it names none."""
    return sorted(set(quiet.days)) if quiet.days else list(range(1, 8))
