"""The wedding's schedule against what its suppliers hold or have booked for it, as a couple sees both; pure.

Of a supplier's own calendar only that is known which a link shares: their bookings for this wedding, and whether they
are free on its date. What else they do, and when on the day they do it, is not among what is read here.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from wedsync.schedule.model import grouped_by_day, local_of
from wedsync.schedule.rows import PlannedItem
from wedsync.web.formats import clock, day_short

WIDTH: Final = 1000
"""Of a strip, in units of its drawing."""
DAY_STATES: Final[Mapping[str, tuple[str, str, str]]] = {
    "free": ("Free, nothing booked yet", "wait", "hourglass"),
    "partly": ("Not free all day, nothing booked yet", "wait", "hourglass"),
    "taken": ("Not free", "bad", "circle-x"),
}


class Engagement(msgspec.Struct, frozen=True, kw_only=True):
    """A booking as its wedding knows it."""

    link_id: UUID
    state: str
    on: date
    at_local: time | None
    starts_at: datetime
    ends_at: datetime


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of a strip: `kind` is item, booked, hold or outside (an item at which they are not there)."""

    kind: str
    x: int
    width: int


class Lane(msgspec.Struct, frozen=True, kw_only=True):
    """One supplier on one day. `times` are words; `problems` what does not fit, each {words, fix}."""

    key: str
    name: str
    what: str
    state: str
    tone: str
    icon: str
    times: list[str]
    bars: list[Bar]
    problems: list[dict[str, str]]


class DayAgainst(msgspec.Struct, frozen=True, kw_only=True):
    """One day: its items, and a lane for each supplier. `hours` are [(x, words)] along the strips."""

    on: date
    items: list[dict[str, str]]
    bars: list[Bar]
    hours: list[tuple[int, str]]
    lanes: list[Lane]


class Scale(msgspec.Struct, frozen=True):
    """From when until when a strip is drawn."""

    first: datetime
    last: datetime

    def bar(self, kind: str, start: datetime, end: datetime) -> Bar | None:
        """None for what lies outside; a moment is drawn as ten minutes."""
        start, end = max(start, self.first), min(max(end, start + timedelta(minutes=10)), self.last)
        if start >= end:
            return None
        x = self.x(start)
        return Bar(kind=kind, x=x, width=max(4, self.x(end) - x))

    def x(self, at: datetime) -> int:
        return round((at - self.first) / (self.last - self.first) * WIDTH)


def days(
    plan: Iterable[PlannedItem],
    engagements: Sequence[Engagement],
    links: Sequence[Mapping[str, Any]],
    *,
    states: Mapping[UUID, str],
    on: date | None,
    zone: str,
) -> list[DayAgainst]:
    """Each day that has items, and the wedding's own. `links` {id, supplier_name, category}; `states` of its date."""
    by_day = grouped_by_day(plan)
    shown = sorted({*by_day, *([on] if on else [])})
    return [_day(day, by_day.get(day, []), engagements, links, states if day == on else {}, zone) for day in shown]


def _day(
    on: date,
    items: Sequence[PlannedItem],
    engagements: Sequence[Engagement],
    links: Sequence[Mapping[str, Any]],
    states: Mapping[UUID, str],
    zone: str,
) -> DayAgainst:
    scale = _scale(on, items, engagements, zone)
    lanes = []
    for link in links:
        hers = [one for one in engagements if one.link_id == link["id"]]
        here = [one for one in hers if one.starts_at < scale.last and one.ends_at > scale.first]
        asked = [item for item in items if concerns(item, link["id"])]
        if here or link["id"] in states or any(item.owner_link_id == link["id"] for item in asked):
            lanes.append(_lane(link, here, hers, asked, states.get(link["id"], ""), scale, zone))
    return DayAgainst(
        on=on,
        items=[{"at": clock(item.at_local, zone), "title": item.title} for item in items],
        bars=_bars(scale, (("item", item.starts_at, item.ends_at) for item in items)),
        hours=_hours(scale, zone),
        lanes=lanes,
    )


def concerns(item: PlannedItem, link_id: UUID) -> bool:
    """Theirs, or the ceremony unless somebody's: the same as the conflicts of a supplier's calendar (`app.clashes`)."""
    return item.owner_link_id == link_id or (item.kind == "ceremony" and item.owner_link_id is None)


def _lane(
    link: Mapping[str, Any],
    here: Sequence[Engagement],
    hers: Sequence[Engagement],
    asked: Sequence[PlannedItem],
    state: str,
    scale: Scale,
    zone: str,
) -> Lane:
    outside = [item for item in asked if here and not _is_covered(item, here)]
    if here:
        is_booked = any(one.state != "hold" for one in here)
        words, tone, icon = ("Booked", "good", "check") if is_booked else ("Held for you", "wait", "hourglass")
    else:
        words, tone, icon = DAY_STATES.get(state, ("Nothing booked", "", "circle-help"))
    stretches = [("hold" if one.state == "hold" else "booked", one.starts_at, one.ends_at) for one in here]
    return Lane(
        key=str(link["id"]),
        name=link["supplier_name"],
        what=link["category"].replace("_", " ").capitalize(),
        state=words,
        tone=tone,
        icon=icon,
        times=[_times(one, zone) for one in here],
        bars=_bars(scale, [*stretches, *(("outside", item.starts_at, item.ends_at) for item in outside)]),
        problems=[_problem(item, zone) for item in outside]
        + ([] if here or not state else _elsewhere(hers, state, link)),
    )


def _is_covered(item: PlannedItem, here: Sequence[Engagement]) -> bool:
    return any(
        one.at_local is None or (one.starts_at <= item.starts_at and item.ends_at <= one.ends_at) for one in here
    )


def _problem(item: PlannedItem, zone: str) -> dict[str, str]:
    until = clock(local_of(item.ends_at, zone)[1], zone)
    return {
        "words": f"{item.title}, {clock(item.at_local, zone)} to {until}, is outside of what they have booked",
        "fix": "Move it, or ask them for other times.",
    }


def _elsewhere(hers: Sequence[Engagement], state: str, link: Mapping[str, Any]) -> list[dict[str, str]]:
    if hers:
        return [
            {"words": f"They have {day_short(hers[0].on)} booked instead", "fix": "Ask them to move their booking."}
        ]
    if state == "taken":
        name = link["supplier_name"]
        return [{"words": f"{name} has no time left that day", "fix": "Ask them, or choose another day together."}]
    return []


def _times(one: Engagement, zone: str) -> str:
    if one.at_local is None:
        return "the whole day"
    there = ZoneInfo(zone)
    return f"{clock(one.starts_at.astimezone(there), zone)} to {clock(one.ends_at.astimezone(there), zone)}"


def _bars(scale: Scale, stretches: Iterable[tuple[str, datetime, datetime]]) -> list[Bar]:
    return [bar for kind, start, end in stretches if (bar := scale.bar(kind, start, end)) is not None]


def _scale(on: date, items: Sequence[PlannedItem], engagements: Sequence[Engagement], zone: str) -> Scale:
    """Whole hours around all that is known of the day, from five to five at most and eight to ten in the evening
    where little is."""
    there = ZoneInfo(zone)
    dawn = datetime.combine(on, time(5), there)
    dusk = datetime.combine(on + timedelta(days=1), time(5), there)
    near = [one for one in engagements if one.at_local is not None and one.starts_at < dusk and one.ends_at > dawn]
    starts = [*(item.starts_at for item in items), *(one.starts_at for one in near)]
    ends = [*(item.ends_at for item in items), *(one.ends_at for one in near)]
    first = min([*starts, datetime.combine(on, time(8), there)]).astimezone(there).replace(minute=0)
    last = max([*ends, datetime.combine(on, time(22), there)]).astimezone(there) + timedelta(minutes=59)
    # In UTC: sums of local times would be wrong in the night the clocks change.
    return Scale(max(first, dawn).astimezone(UTC), min(last.replace(minute=0), dusk).astimezone(UTC))


def _hours(scale: Scale, zone: str) -> list[tuple[int, str]]:
    there = ZoneInfo(zone)
    count = int((scale.last - scale.first) / timedelta(hours=1))
    found = [(scale.first + timedelta(hours=n)) for n in range(0, count + 1, 3)]
    return [(scale.x(at), f"{at.astimezone(there):%H}") for at in found]
