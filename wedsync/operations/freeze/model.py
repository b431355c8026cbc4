"""When the platform is frozen, why, and until when: pure, from the live hours and the dates of its weddings.

A day is guarded where it is that day: Saturday in Auckland begins on Friday at noon in UTC, in Honolulu it ends on
Sunday morning. Only profile production is ever frozen, and a platform without weddings never.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate, groupby
from typing import Final, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

FROZEN_PROFILE: Final = "production"
BEHIND: Final = timedelta(days=3)
AHEAD: Final = timedelta(days=21)
"""So far the stretches are planned; guarded days and live hours further away say nothing yet."""
WINDOW_MIN: Final = timedelta(hours=1)
"""A shorter gap between two stretches is no time to change anything in."""
WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
PEAK: Final = "peak"

Kind = Literal["live", "guarded"]


class LiveDay(msgspec.Struct, frozen=True, kw_only=True):
    """The live hours of one day of one wedding; a wedding of two days at once is one wedding."""

    wedding_id: UUID
    live_from: datetime
    live_until: datetime


class Dated(msgspec.Struct, frozen=True, kw_only=True):
    """How many weddings are on a date in a zone."""

    zone: str
    on: date
    weddings: int


class Override(msgspec.Struct, frozen=True, kw_only=True):
    """Two operators' word that something may be changed nevertheless. It counts from `confirmed_at`."""

    id: UUID
    reason: str
    minutes: int
    asked_by: UUID
    asked_by_name: str
    asked_at: datetime
    expires_at: datetime
    confirmed_by: UUID | None = None
    confirmed_by_name: str = ""
    confirmed_at: datetime | None = None
    ended_at: datetime | None = None

    def state(self, now: datetime) -> Literal["asked", "in_force", "over"]:
        if self.ended_at is not None or now >= self.expires_at:
            return "over"
        return "asked" if self.confirmed_at is None else "in_force"


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What the database knows at `now`, which is wedding time."""

    now: datetime
    days: Sequence[LiveDay] = ()
    dates: Sequence[Dated] = ()
    overrides: Sequence[Override] = ()


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator set: how many weddings may be live, and which days are guarded."""

    env: str
    live_max: int = 0
    weekdays: frozenset[int] = frozenset({5})
    dates: frozenset[date] = frozenset()
    yearly: frozenset[tuple[int, int]] = frozenset()
    guards_peaks: bool = True

    @property
    def is_enforced(self) -> bool:
        return self.env == FROZEN_PROFILE


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """A time in which the platform is frozen, its end not included, and the first reason for it."""

    starts_at: datetime
    ends_at: datetime
    kind: Kind
    reason: str

    def holds(self, at: datetime) -> bool:
        return self.starts_at <= at < self.ends_at


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """A time in which the platform may be changed; without an end as far as is known."""

    starts_at: datetime
    ends_at: datetime | None = None


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """`is_frozen` is what counts at every gate: an override in force has been taken into account."""

    is_frozen: bool
    reason: str
    reasons: Sequence[str]
    at: datetime
    since: datetime | None = None
    until: datetime | None = None
    next_window: Window | None = None
    override: Override | None = None
    live_weddings: int = 0
    live_max: int = 0
    ahead: Sequence[Stretch] = ()


def rule_of(env: str, live_max: int, guarded: Iterable[str]) -> Rule:
    """The setting's words: names of weekdays, `peak`, days such as 12-31 (of each year) and 2027-06-04. Raises
    ValueError, with the word.
    """
    words = [word.strip().lower() for word in guarded if word.strip().lower() != "none"]
    days = [word for word in words if word not in WEEKDAYS and word != PEAK]
    return Rule(
        env=env,
        live_max=live_max,
        weekdays=frozenset(WEEKDAYS.index(word) for word in words if word in WEEKDAYS),
        dates=frozenset(date.fromisoformat(day) for day in days if len(day) > 5),
        yearly=frozenset(_month_and_day(day) for day in days if len(day) <= 5),
        guards_peaks=PEAK in words,
    )


def _month_and_day(text: str) -> tuple[int, int]:
    leap = date.fromisoformat(f"2024-{text}")
    return leap.month, leap.day


def judge(rule: Rule, facts: Facts) -> Verdict:
    """Whether anything of the platform may be changed now, why not, until when, and when next."""
    live = sum(1 for spans in _spans(facts.days).values() if any(a <= facts.now < b for a, b in spans))
    free = Verdict(
        is_frozen=False,
        reason=f"Profile {rule.env} holds no real wedding and is never frozen.",
        reasons=(),
        at=facts.now,
        next_window=Window(starts_at=facts.now),
        live_weddings=live,
        live_max=rule.live_max,
    )
    if not rule.is_enforced:
        return free
    causes = sorted(_causes(rule, facts), key=lambda cause: (cause.starts_at, cause.ends_at))
    ahead = [stretch for stretch in merged(causes) if stretch.ends_at > facts.now]
    here = next((stretch for stretch in ahead if stretch.holds(facts.now)), None)
    override = next((one for one in facts.overrides if one.state(facts.now) == "in_force"), None)
    holding = sorted((cause for cause in causes if cause.holds(facts.now)), key=lambda cause: cause.kind != "live")
    reasons = tuple(cause.reason for cause in holding)
    return msgspec.structs.replace(
        free,
        is_frozen=here is not None and override is None,
        reason=_words(here, override, reasons),
        reasons=reasons,
        since=here.starts_at if here else None,
        until=here.ends_at if here else None,
        next_window=window(ahead, facts.now),
        override=override,
        ahead=ahead,
    )


def _words(here: Stretch | None, override: Override | None, reasons: Sequence[str]) -> str:
    if here is None:
        return "No wedding keeps the platform from being changed."
    more = "" if len(reasons) == 1 else f" (and {len(reasons) - 1} more)"
    said = f"{reasons[0]}{more}."
    if override is None:
        return said
    names = f"{override.asked_by_name} and {override.confirmed_by_name}"
    return f"{said} Overridden by {names} until {override.expires_at:%H:%M} UTC: {override.reason}"


def merged(causes: Iterable[Stretch]) -> list[Stretch]:
    """Stretches that neither touch nor overlap, in order; `causes` come by their start."""
    found: list[Stretch] = []
    for cause in causes:
        if found and cause.starts_at <= found[-1].ends_at:
            found[-1] = msgspec.structs.replace(found[-1], ends_at=max(found[-1].ends_at, cause.ends_at))
        else:
            found.append(cause)
    return found


def window(ahead: Sequence[Stretch], now: datetime) -> Window:
    """The first time from now on, long enough to do something in, that is not frozen."""
    begins = now
    for stretch in ahead:
        if stretch.starts_at - begins >= WINDOW_MIN:
            return Window(starts_at=begins, ends_at=stretch.starts_at)
        begins = max(begins, stretch.ends_at)
    return Window(starts_at=begins)


def _causes(rule: Rule, facts: Facts) -> Iterator[Stretch]:
    yield from _live(rule, facts.days)
    yield from _guarded(rule, facts)


def _spans(days: Iterable[LiveDay]) -> Mapping[UUID, list[tuple[datetime, datetime]]]:
    """The live hours of each wedding, none over another."""
    found: dict[UUID, list[tuple[datetime, datetime]]] = {}
    for day in sorted(days, key=lambda one: one.live_from):
        spans = found.setdefault(day.wedding_id, [])
        if spans and day.live_from <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], day.live_until))
        else:
            spans.append((day.live_from, day.live_until))
    return found


def _live(rule: Rule, days: Iterable[LiveDay]) -> Iterator[Stretch]:
    """While more weddings than the rule lets are live."""
    steps = [step for spans in _spans(days).values() for a, b in spans for step in ((a, 1), (b, -1))]
    changes = [(at, sum(by for _, by in same)) for at, same in groupby(sorted(steps), key=lambda step: step[0])]
    counts = list(accumulate(by for _, by in changes))
    begun: tuple[datetime, int] | None = None
    for (at, _), count in zip(changes, counts, strict=True):
        if count > rule.live_max:
            begun = (begun[0], max(begun[1], count)) if begun else (at, count)
        elif begun:
            yield _live_stretch(begun[0], at, begun[1], rule.live_max)
            begun = None


def _live_stretch(starts_at: datetime, ends_at: datetime, weddings: int, live_max: int) -> Stretch:
    many = "1 wedding is live" if weddings == 1 else f"{weddings} weddings are live"
    reason = many if live_max == 0 else f"{many}, and with more than {live_max} nothing is changed"
    return Stretch(starts_at=starts_at, ends_at=ends_at, kind="live", reason=reason)


def _guarded(rule: Rule, facts: Facts) -> Iterator[Stretch]:
    """The guarded days of every zone in which a wedding is still to come, or was yesterday."""
    first, last = (facts.now - BEHIND).date(), (facts.now + AHEAD).date()
    zones = sorted({one.zone for one in facts.dates if one.on >= facts.now.date() - timedelta(days=1)})
    peaks = _peaks(facts.dates) if rule.guards_peaks else {}
    for zone in zones:
        for number in range((last - first).days + 1):
            on = first + timedelta(days=number)
            why = _why(rule, on, peaks.get((zone, on), 0))
            if why:
                starts_at, ends_at = day_of(on, zone)
                reason = f"It is {on:%A} {on.day} {on:%B} in {zone}, {why}"
                yield Stretch(starts_at=starts_at, ends_at=ends_at, kind="guarded", reason=reason)


def _why(rule: Rule, on: date, weddings: int) -> str:
    if weddings:
        return f"a peak day with {weddings} weddings on the platform" if weddings > 1 else "the day of a wedding"
    is_guarded = on.weekday() in rule.weekdays or on in rule.dates or (on.month, on.day) in rule.yearly
    return "a guarded day where weddings are held" if is_guarded else ""


def _peaks(dates: Iterable[Dated]) -> Mapping[tuple[str, date], int]:
    """Days with more than half as many weddings as the fullest, in the zones where those are."""
    totals: dict[date, int] = {}
    held = list(dates)
    for one in held:
        totals[one.on] = totals.get(one.on, 0) + one.weddings
    most = max(totals.values(), default=0)
    return {(one.zone, one.on): totals[one.on] for one in held if 2 * totals[one.on] > most}


def day_of(on: date, zone: str) -> tuple[datetime, datetime]:
    """From the first instant of the day to the first of the next, also where clocks change at midnight."""
    # A midnight that clocks show twice is the first one; one they skip is as much later as they jump.
    begins, ends = (datetime.combine(day, time(), tzinfo=ZoneInfo(zone)) for day in (on, on + timedelta(days=1)))
    return begins.astimezone(UTC), ends.astimezone(UTC)
