"""When each step of a journey is due for one wedding, and why one is not; pure.

A plan is made anew from the wedding as it stands, so a moved date moves everything that was not taken. What was taken
is never planned again. A step counts days where the wedding is, so an hour stays that hour when clocks change.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

import msgspec

from wedsync.journeys.model import Answer, Step, When

PlanState = Literal["planned", "held", "waiting", "skipped", "done"]
AT: Final = time(10)
AROUND_DAYS: Final = 2
"""So many days before and after a wedding nobody wants to be sold anything."""
GRACE: Final = timedelta(days=1)
"""A step that was due so shortly before a wedding began its way is taken still."""
PATIENCE: Final = timedelta(days=3)
"""What nobody took for so long (a date that moved here, a machine that was off) is past."""
POLITE: Final = (time(8), time(20, 30))
ACTED: Final = ("planned", "held")


class Anchors(msgspec.Struct, frozen=True, kw_only=True):
    """What days are counted from. `first_on` and `last_on` are the days the wedding lasts; `is_off`: it was cancelled
    or put off, so nothing is due."""

    zone: str
    booked_at: datetime
    began_at: datetime
    on: date | None = None
    first_on: date | None = None
    last_on: date | None = None
    ended_at: datetime | None = None
    is_off: bool = False


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """A step that was taken, whatever became of it."""

    due_at: datetime
    done_at: datetime
    reason: str = ""
    answer: Answer = ""


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a plan: when it is due, and why it is not. `due_at` of a waiting one is a guess, or unknown."""

    key: str
    state: PlanState
    due_at: datetime | None
    reason: str = ""


class _Way(msgspec.Struct, kw_only=True):
    """How far the look along the steps has come. `at`: where the step before it stands; `floor`: nothing below happens
    earlier; `answers`: of the branches that were decided, and when."""

    at: datetime | None
    floor: datetime | None = None
    answers: dict[str, tuple[Answer, datetime]] = {}


def plan(
    steps: Sequence[Step],
    anchors: Anchors,
    *,
    now: datetime,
    since: datetime,
    taken: Mapping[str, Taken],
    reached: Mapping[str, datetime],
) -> list[Planned]:
    """The steps in their order. `since`: what was due before is past; `reached`: milestones and when."""
    way = _Way(at=anchors.began_at)
    return [_planned(step, way, anchors, now=now, since=since, taken=taken, reached=reached) for step in steps]


def next_at(found: Sequence[Planned]) -> datetime | None:
    """When somebody must look again."""
    return min((one.due_at for one in found if one.state in ACTED and one.due_at is not None), default=None)


def due(found: Sequence[Planned], now: datetime) -> Planned | None:
    """The step to take now: the one that waited longest."""
    ready = [one for one in found if one.state in ACTED and one.due_at is not None and one.due_at <= now]
    return min(ready, key=lambda one: one.due_at or now, default=None)


def is_around(day: date, first_on: date, last_on: date) -> bool:
    """Whether it is one of the days of a wedding on which nothing is sold."""
    return first_on - timedelta(days=AROUND_DAYS) <= day <= last_on + timedelta(days=AROUND_DAYS)


def local_day(at: datetime, zone: str) -> date:
    """Which day it is there."""
    return at.astimezone(ZoneInfo(zone)).date()


def _planned(
    step: Step,
    way: _Way,
    anchors: Anchors,
    *,
    now: datetime,
    since: datetime,
    taken: Mapping[str, Taken],
    reached: Mapping[str, datetime],
) -> Planned:
    done = taken.get(step.key)
    if done is not None:
        way.at = done.done_at
        if step.kind == "branch":
            way.answers[step.key] = (done.answer, done.done_at)
        return Planned(key=step.key, state="done", due_at=done.due_at, reason=done.reason)
    lane = _lane(step, way)
    if lane == "other_answer":
        return Planned(key=step.key, state="skipped", due_at=None, reason=lane)
    moment = _moment(step.when, anchors, way.at)
    if moment is None or anchors.is_off:
        way.at = None
        reason = "off" if anchors.is_off else "no_date" if step.when.anchor != "before" else "step_before"
        return Planned(key=step.key, state="waiting", due_at=None, reason=reason)
    at = max(moment, way.floor or moment)
    if step.kind == "wait":
        return _wait(step, way, at, now=now, reached=reached)
    if lane == "undecided":
        way.at = at
        return Planned(key=step.key, state="waiting", due_at=at, reason=lane)
    found = _settled(step, at, anchors, now=now, since=since)
    way.at = found.due_at
    return found


def _lane(step: Step, way: _Way) -> str:
    """Whether the branch it hangs on was answered otherwise, or not yet."""
    if step.only is None:
        return ""
    if step.only.step not in way.answers:
        return "undecided"
    answer, decided_at = way.answers[step.only.step]
    if answer != step.only.answer:
        return "other_answer"
    way.floor = max(decided_at, way.floor or decided_at)
    return ""


def _moment(when: When, anchors: Anchors, before: datetime | None) -> datetime | None:
    """What its days and hour say, before anything holds it."""
    zone = ZoneInfo(anchors.zone)
    if when.anchor == "wedding":
        return None if anchors.on is None else _at(anchors.on, when, zone)
    begins = {"booking": anchors.booked_at, "end": anchors.ended_at, "before": before}[when.anchor]
    if begins is None:
        return None
    if not when.days and not when.at:
        return begins
    if when.anchor == "end" and anchors.last_on is not None:
        return _at(anchors.last_on, when, zone)
    return _at(begins.astimezone(zone).date(), when, zone)


def _at(on: date, when: When, zone: ZoneInfo) -> datetime:
    clock = time.fromisoformat(when.at) if when.at else AT
    return datetime.combine(on + timedelta(days=when.days), clock, zone).astimezone(ZoneInfo("UTC"))


def _wait(step: Step, way: _Way, begins: datetime, *, now: datetime, reached: Mapping[str, datetime]) -> Planned:
    """A wait holds what comes below it until it is over, at the latest after its days."""
    ends = begins + timedelta(days=step.days_max)
    if step.milestone in reached:
        ends = min(ends, max(begins, reached[step.milestone]))
    way.floor = max(ends, way.floor or ends)
    way.at = ends
    is_over = ends <= now
    return Planned(key=step.key, state="done" if is_over else "waiting", due_at=ends, reason="" if is_over else "wait")


def _settled(step: Step, at: datetime, anchors: Anchors, *, now: datetime, since: datetime) -> Planned:
    """With what holds a single step: the hour for texts, the days around the wedding, and that its moment is past."""
    natural, is_held = _shifted(step, at, anchors)
    if is_held and _is_of_before(step):
        return Planned(key=step.key, state="skipped", due_at=at, reason="around_the_day")
    if step.late == "skip" and (natural < since - GRACE or now - natural > PATIENCE):
        return Planned(key=step.key, state="skipped", due_at=natural, reason="past")
    # What is taken late must not be taken at a wrong time either.
    overdue, is_held_now = _shifted(step, max(natural, now), anchors)
    due_at = natural if overdue <= now else overdue
    if is_held or is_held_now:
        return Planned(key=step.key, state="held", due_at=due_at, reason="around_the_day")
    return Planned(key=step.key, state="planned", due_at=due_at)


def _shifted(step: Step, at: datetime, anchors: Anchors) -> tuple[datetime, bool]:
    """(when it may leave at the earliest, whether the wedding's days hold it)."""
    zone = ZoneInfo(anchors.zone)
    at = _polite(at, zone) if step.kind == "text" else at
    held = _held(at, anchors, zone) if step.is_marketing else None
    return (at, False) if held is None else (held, True)


def _is_of_before(step: Step) -> bool:
    """Whether it means nothing any more once the wedding is over."""
    return step.late == "skip" and step.when.anchor == "wedding" and step.when.days <= 0


def _held(at: datetime, anchors: Anchors, zone: ZoneInfo) -> datetime | None:
    """When marketing that falls around the wedding may leave; None where it does not."""
    if anchors.first_on is None or anchors.last_on is None:
        return None
    local = at.astimezone(zone)
    if not is_around(local.date(), anchors.first_on, anchors.last_on):
        return None
    after = anchors.last_on + timedelta(days=AROUND_DAYS + 1)
    return datetime.combine(after, local.time(), zone).astimezone(ZoneInfo("UTC"))


def _polite(at: datetime, zone: ZoneInfo) -> datetime:
    """Nobody is woken by a text: in the morning it is early enough."""
    local = at.astimezone(zone)
    if local.time() < POLITE[0]:
        return datetime.combine(local.date(), POLITE[0], zone).astimezone(ZoneInfo("UTC"))
    if local.time() > POLITE[1]:
        return datetime.combine(local.date() + timedelta(days=1), POLITE[0], zone).astimezone(ZoneInfo("UTC"))
    return at
