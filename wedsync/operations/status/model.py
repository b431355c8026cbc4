"""How the platform does, for anybody: parts as people know them, in five words; pure, from what the clock judged.

What one business or one provider's account has wrong is nobody's business here: a breaker of one receiver, an
account to be connected again. A part of ours says so at once, by the same judgement that alerts its operators.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, Final, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

State = Literal["works", "slow", "partly", "down", "planned", "unknown"]
Judged = Literal["good", "look", "bad"]
WORST: Final[tuple[State, ...]] = ("works", "planned", "unknown", "slow", "partly", "down")
DAYS: Final = 90
STALE: Final = timedelta(minutes=2)
"""The clock judges every 30 seconds; when it has not for so long, nobody knows."""


class Area(msgspec.Struct, frozen=True, kw_only=True):
    """A part as people know it. A `core` part that is bad takes it down, a `side` part that is bad only a share of it.

    Parts are named as in health, `*` at the end is any. `series` are what its history is counted from.
    """

    name: str
    title: str
    about: str
    core: tuple[str, ...]
    side: tuple[str, ...] = ()
    series: tuple[tuple[str, str], ...]


AREAS: Final = (
    Area(
        name="pages",
        title="Pages and API",
        about="Signing in, reading and changing a wedding, RSVPs, programs that ask.",
        core=("probe database", "process web", "answers web"),
        side=("pool web",),
        series=(("edge", "web"),),
    ),
    Area(
        name="screens",
        title="Live screens",
        about="Changes that appear on open pages by themselves.",
        core=("process gateway",),
        side=("answers screens", "pool gateway"),
        series=(("edge", "screens"),),
    ),
    Area(
        name="deliveries",
        title="Deliveries",
        about="Webhooks, calendars, CRMs and whatever else is told of a change.",
        core=("process worker", "clock", "queue critical", "queue high"),
        side=("queue normal", "pool worker"),
        series=(("lane", "critical"), ("lane", "high"), ("lane", "normal")),
    ),
    Area(
        name="mail",
        title="E-mail",
        about="Invitations, notices and sign-in links.",
        core=("mail *",),
        side=("deliveries mail",),
        series=(("channel", "mail"),),
    ),
    Area(
        name="phones",
        title="Texts and calls",
        about="Notices and calls for help on phones.",
        core=(),
        side=("deliveries twilio",),
        series=(("channel", "twilio"),),
    ),
    Area(
        name="accounts",
        title="Calendars and CRMs",
        about="Google, Outlook, iCloud and the tools of suppliers. A provider of theirs may have troubles of its own.",
        core=(),
        side=("accounts *",),
        series=(("channel", "google_calendar"), ("channel", "outlook_calendar"), ("channel", "icloud_calendar")),
    ),
)
BY_NAME: Final[Mapping[str, Area]] = {one.name: one for one in AREAS}


class PartState(msgspec.Struct, frozen=True, kw_only=True):
    part: str
    status: Judged
    since: datetime


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """One more word on something announced."""

    at: datetime
    says: str


class Announcement(msgspec.Struct, frozen=True, kw_only=True):
    """What operators told everybody. An incident is open until it has an end; a maintenance has both from the start."""

    id: UUID
    kind: Literal["incident", "maintenance"]
    state: State
    areas: list[str]
    title: str
    says: str
    starts_at: datetime
    ends_at: datetime | None
    updates: list[Said]
    made_at: datetime
    changed_at: datetime

    def holds(self, now: datetime) -> bool:
        return self.starts_at <= now and (self.ends_at is None or now < self.ends_at)

    def is_ahead(self, now: datetime) -> bool:
        return self.starts_at > now


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What `app.public_status` told. A day is (date, kind, name, good, bad)."""

    now: datetime
    machine_now: datetime
    judged_at: datetime | None
    parts: list[PartState]
    days: list[tuple[date, str, str, int, int]]
    announcements: list[Announcement]


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """A day of UTC; `available` is null where nothing happened."""

    on: date
    available: float | None


class AreaStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How a part does now, and how it did."""

    name: str
    title: str
    about: str
    state: State
    available: Annotated[float | None, Meta(description="The share that went well in 90 days; null: nothing happened.")]
    days: list[Day]


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """The page. `as_of` is when it was asked; `is_known` is false where nobody has judged lately."""

    state: State
    as_of: datetime
    is_known: bool
    areas: list[AreaStatus]
    open: list[Announcement]
    ahead: list[Announcement]
    past: list[Announcement]


def status(facts: Facts) -> Status:
    """Of one look. What an operator announced counts where it is worse than what was measured."""
    is_known = facts.judged_at is not None and facts.machine_now - facts.judged_at <= STALE
    open_now = [one for one in facts.announcements if one.holds(facts.now)]
    areas = [_area(one, facts, open_now, is_known=is_known) for one in AREAS]
    return Status(
        state=max((one.state for one in areas), key=WORST.index),
        as_of=facts.machine_now,
        is_known=is_known,
        areas=areas,
        open=open_now,
        ahead=sorted((one for one in facts.announcements if one.is_ahead(facts.now)), key=lambda one: one.starts_at),
        past=[one for one in facts.announcements if not one.holds(facts.now) and not one.is_ahead(facts.now)],
    )


def unreachable(last: Status, at: datetime) -> Status:
    """When the database cannot be asked: what is certain is that pages do not work, and of the rest nobody knows."""
    areas = [msgspec.structs.replace(one, state="down" if one.name == "pages" else "unknown") for one in last.areas]
    return msgspec.structs.replace(last, state="down", as_of=at, is_known=False, areas=areas)


def unheard(at: datetime) -> Status:
    """Before anything was ever asked."""
    days: list[tuple[date, str, str, int, int]] = []
    nothing = Facts(now=at, machine_now=at, judged_at=None, parts=[], days=days, announcements=[])
    return status(nothing)


def _area(area: Area, facts: Facts, announced: Sequence[Announcement], *, is_known: bool) -> AreaStatus:
    measured = judged(area, facts.parts) if is_known else "unknown"
    said = [one.state for one in announced if area.name in one.areas]
    days = _days(area, facts)
    good, bad = _sum(area, facts.days)
    return AreaStatus(
        name=area.name,
        title=area.title,
        about=area.about,
        state=max((measured, *said), key=WORST.index),
        available=good / (good + bad) if good + bad else None,
        days=days,
    )


def judged(area: Area, parts: Iterable[PartState]) -> State:
    """From the parts of health alone. Where several stand in for each other (mail), only all of them are down."""
    found = list(parts)
    state: State = "works"
    for pattern in area.core:
        mine = [one.status for one in found if matches(pattern, one.part)]
        if mine and all(one == "bad" for one in mine):
            return "down"
        if pattern.endswith("*"):
            continue
        if any(one == "look" for one in mine):
            state = "slow"
    if any(one.status == "bad" and matches(pattern, one.part) for one in found for pattern in area.side):
        state = "partly"
    return state


def matches(pattern: str, part: str) -> bool:
    """`mail *` is every provider of mail."""
    return part.startswith(pattern[:-1]) if pattern.endswith("*") else part == pattern


def _days(area: Area, facts: Facts) -> list[Day]:
    last = facts.machine_now.date()
    by_day: dict[date, tuple[int, int]] = {}
    for on, kind, name, good, bad in facts.days:
        if (kind, name) in area.series:
            had = by_day.get(on, (0, 0))
            by_day[on] = (had[0] + good, had[1] + bad)
    found = []
    for ago in reversed(range(DAYS)):
        on = last - timedelta(days=ago)
        good, bad = by_day.get(on, (0, 0))
        found.append(Day(on=on, available=good / (good + bad) if good + bad else None))
    return found


def _sum(area: Area, days: Iterable[tuple[date, str, str, int, int]]) -> tuple[int, int]:
    mine = [(good, bad) for _, kind, name, good, bad in days if (kind, name) in area.series]
    return sum(good for good, _ in mine), sum(bad for _, bad in mine)
