"""The studio's calendar as its pages draw it: weeks of days, each with what is in it; pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, Final, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from wedsync.bookings.reading import BookingView, BusyView
from wedsync.web.formats import clock

View = Literal["month", "week"]
#: Category or source: its words, its sign, its kind of colour. The sign and the words say it without the colour.
KINDS: Mapping[str, tuple[str, str]] = {
    "wedding": ("Wedding", "heart"),
    "client": ("Client", "briefcase"),
    "supplier": ("Own work", "store"),
    "private": ("Private", "lock"),
    "busy": ("Another calendar", "link"),
}
DAY_WORDS = {"free": "free", "partly": "partly free", "taken": "taken"}
TONES: Final = 6
"""Colours of other calendars (`.chip--source-1` …); the seventh has the first one's again, and its name beside it."""
STATE_WORDS = {"hold": "Held", "booked": "Booked", "fulfilled": "Done", "cancelled": "Let go"}


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One thing of one day. `href` is empty for what is not the reader's to open; `source` is a calendar elsewhere, and
    `tone` its colour, both empty for what is ours.
    """

    key: str
    kind: str
    words: str
    when: str
    resource: str
    state: str
    has_conflict: bool
    href: str
    source: str = ""
    tone: str = ""


class DayBox(msgspec.Struct, frozen=True, kw_only=True):
    """A day of the calendar."""

    on: date
    is_outside: bool
    is_today: bool
    state: str
    entries: list[Entry]


def window(view: View, on: date) -> tuple[date, date]:
    """The first and the last day drawn: whole weeks from Monday."""
    first = on if view == "week" else on.replace(day=1)
    last = on if view == "week" else _next_month(on) - timedelta(days=1)
    return first - timedelta(days=first.weekday()), last + timedelta(days=6 - last.weekday())


def neighbours(view: View, on: date) -> tuple[date, date]:
    """A day of what is drawn before, and after."""
    if view == "week":
        return on - timedelta(days=7), on + timedelta(days=7)
    return (on.replace(day=1) - timedelta(days=1)).replace(day=1), _next_month(on)


def _next_month(on: date) -> date:
    return (on.replace(day=28) + timedelta(days=4)).replace(day=1)


def boxes(
    view: View,
    on: date,
    *,
    today: date,
    states: Mapping[date, str],
    bookings: Sequence[BookingView],
    busy: Sequence[BusyView],
    sources: Sequence[str],
    resources: Mapping[UUID, str],
    zone: str,
    base: str,
) -> list[DayBox]:
    """The days of a month or week with what is in them, in order of its start. `sources` is every calendar that is
    known, in the order of their colours, so that each keeps its own from month to month.
    """
    first, last = window(view, on)
    found: dict[date, list[tuple[datetime, Entry]]] = {}
    for one in bookings:
        for day in _days(one.starts_at, one.ends_at, zone):
            found.setdefault(day, []).append((one.starts_at, _booked(one, day, resources, zone, base)))
    tones = {source: f"source-{number % TONES + 1}" for number, source in enumerate(sources)}
    for other in busy:
        for day in _days(other.starts_at, other.ends_at, zone):
            found.setdefault(day, []).append((other.starts_at, _busy(other, day, resources, zone, tones)))
    return [
        DayBox(
            on=day,
            is_outside=view == "month" and day.month != on.month,
            is_today=day == today,
            state=states.get(day, "free"),
            entries=[entry for _, entry in sorted(found.get(day, []), key=lambda pair: (pair[0], pair[1].key))],
        )
        for day in (first + timedelta(days=n) for n in range((last - first).days + 1))
    ]


def _days(start: datetime, end: datetime, zone: str) -> Iterable[date]:
    """The days it is seen on; what ends before five in the morning belongs to the night before."""
    first = start.astimezone(ZoneInfo(zone)).date()
    until = end.astimezone(ZoneInfo(zone))
    last = max(first, until.date() - timedelta(days=1 if until.time() <= time(5) else 0))
    return (first + timedelta(days=n) for n in range((last - first).days + 1))


def _booked(one: BookingView, day: date, resources: Mapping[UUID, str], zone: str, base: str) -> Entry:
    if one.is_open:
        words = one.couple_names or one.title or KINDS[one.category][0]
        words = f"{one.couple_names}: {one.title}" if one.couple_names and one.title else words
    else:
        words = "Busy"
    return Entry(
        key=f"{one.id}-{day}",
        kind=one.category if one.is_open else "private",
        words=words,
        when="all day" if one.at_local is None else _when(one.starts_at, one.ends_at, day, zone),
        resource=one.resource if len(resources) > 1 else "",
        state=one.state,
        has_conflict=bool(one.conflicts),
        href=f"{base}/calendar/bookings/{one.id}" if one.is_open else "",
    )


def _busy(one: BusyView, day: date, resources: Mapping[UUID, str], zone: str, tones: Mapping[str, str]) -> Entry:
    """Where it is from and that it is busy; nothing else is known of it here, not even by mistake."""
    source = one.name or one.source
    return Entry(
        key=f"{one.id}-{day}",
        kind="busy",
        words=f"Busy, {source}",
        when=_when(one.starts_at, one.ends_at, day, zone),
        resource=resources.get(one.resource_id, "") if len(resources) > 1 else "",
        state="booked",
        has_conflict=one.has_conflict,
        href="",
        source=source,
        tone=tones.get(one.source, "source-1"),
    )


def _when(start: datetime, end: datetime, day: date, zone: str) -> str:
    there, until = start.astimezone(ZoneInfo(zone)), end.astimezone(ZoneInfo(zone))
    first = clock(there, zone) if there.date() == day else ""
    is_last = until.date() == day or (until.date() == day + timedelta(days=1) and until.time() <= time(5))
    last = clock(until, zone) if is_last else ""
    if first and last:
        return f"{first}–{last}"
    return f"from {first}" if first else f"until {last}" if last else "all day"


def legend(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """The kinds that are on the page, in one order, and each calendar from elsewhere with its colour."""
    shown = list(entries)
    kinds = {entry.kind for entry in shown} - {"busy"}
    sources = sorted({(entry.tone, entry.source) for entry in shown if entry.source})
    ours = [
        {"kind": kind, "words": words, "icon": icon, "tone": ""}
        for kind, (words, icon) in KINDS.items()
        if kind in kinds
    ]
    icon = KINDS["busy"][1]
    return ours + [{"kind": "busy", "words": name, "icon": icon, "tone": tone} for tone, name in sources]
