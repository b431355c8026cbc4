"""What a task is, when it is due, who may change what of it, and the events it makes."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from graphlib import CycleError, TopologicalSorter
from types import MappingProxyType
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from wedsync.events.catalogue import EventType, Lane
from wedsync.events.scope import Scope
from wedsync.kit.errors import FieldError, Refusal
from wedsync.schedule import wording

Status = Literal["open", "in_progress", "waiting_on", "done", "cancelled"]
Origin = Literal["couple", "supplier", "template", "helper"]
Title = Annotated[str, Meta(min_length=1, max_length=300)]
Detail = Annotated[str, Meta(max_length=4000)]
DaysBefore = Annotated[int, Meta(ge=-366, le=1100, description="Days before the wedding; negative is after it")]
Position = Annotated[int, Meta(ge=0, le=100_000)]
YEAR_MIN, YEAR_MAX = 1990, 2190
CLOSED = frozenset({"done", "cancelled"})
# Whoever a task was given to says how it goes; what it says is for those who wrote it.
ASSIGNEE_FIELDS = frozenset({"status"})


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `tasks`. `due_on` is the effective day, also where the task is due relative to the wedding."""

    id: UUID
    wedding_id: UUID
    link_id: UUID | None
    membership_id: UUID | None
    title: str
    detail: str
    status: Status
    due_on: date | None
    due_days_before: int | None
    origin: Origin
    done_at: datetime | None
    done_by: UUID | None
    position: int
    answer: Literal["accepted", "declined"] | None
    answer_note: str
    answered_at: datetime | None
    reminded_rung: int
    reminded_at: datetime | None
    noted_at: datetime | None
    snoozed_until: date | None
    after_ids: list[UUID]
    waits_for: int
    photo_id: UUID | None
    version: int
    created_at: datetime
    updated_at: datetime


class TaskView(Task, frozen=True, kw_only=True):
    """A task as it is answered; `warnings` name what its supplier would read and perhaps should not."""

    warnings: list[FieldError] = []


class NewTask(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new task. A supplier's or helper's own task is always theirs to do."""

    title: Title
    detail: Detail = ""
    link_id: UUID | None = None
    membership_id: UUID | None = None
    due_on: date | None = None
    due_days_before: DaysBefore | None = None
    position: Position = 0


class TaskChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change of a task; what is absent stays. A due day takes the place of days before, and the other way round."""

    title: Title | UnsetType = UNSET
    detail: Detail | UnsetType = UNSET
    status: Status | UnsetType = UNSET
    due_on: date | UnsetType | None = UNSET
    due_days_before: DaysBefore | UnsetType | None = UNSET
    position: Position | UnsetType = UNSET


class Assignment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who is to do it: a supplier's link, a partner's or helper's membership, or nobody."""

    link_id: UUID | None = None
    membership_id: UUID | None = None


class Answer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What whoever a task was given to says: they do it, or they cannot and why."""

    answer: Literal["accepted", "declined"]
    note: Annotated[str, Meta(max_length=500)] = ""


class Hush(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """No reminders until a day, or none at all where no day is named: they know."""

    until: date | None = None


class Order(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be done before a task, all of it; an empty list takes every arrow away."""

    after_ids: Annotated[list[UUID], Meta(max_length=20)]


class Owing(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who has something to do, and how they stand: the couple's chase list."""

    kind: Literal["membership", "link"]
    id: UUID
    name: str
    open: int
    overdue: int
    unanswered: int
    declined: int
    next_due_on: date | None
    reminded_at: datetime | None
    is_reached: bool
    seen_at: datetime | None
    tasks: list["Task"]


SNOOZE_MAX = timedelta(days=60)
FIRST_LATE = 5
"""The rung of the ladder (`app.task_rung`) that is the first after the due day."""


def check_snooze(until: date, today: date) -> None:
    """Raises Refusal 422 for a day that is over, or too far away to be only put off."""
    if until <= today:
        raise _invalid("until", "is not in the future", "Choose tomorrow or later.")
    if until > today + SNOOZE_MAX:
        raise _invalid("until", "is more than 60 days away", "Ask the couple for another day instead.")


def check_order(task_id: UUID, after: Sequence[UUID], rows: Iterable[Mapping[str, Any]]) -> None:
    """Raises Refusal 422 for a task that is not there, and for one that would wait for itself."""
    follows = {row["id"]: set(row["after_ids"]) for row in rows}
    for other in after:
        if other not in follows:
            raise _invalid("after_ids", "names no task of this wedding", "Take ids from the list of tasks.")
    follows[task_id] = set(after)
    try:
        TopologicalSorter(follows).prepare()
    except CycleError as error:
        raise _invalid("after_ids", "goes in a circle", "Take one of these arrows away.") from error


def due_day(due_days_before: int | None, due_on: date | None, wedding_on: date | None) -> date | None:
    """The day a task is due: its own, or so many days before the wedding; none while the wedding has no date."""
    if due_days_before is None:
        return due_on
    if wedding_on is None:
        return None
    try:
        return wedding_on - timedelta(days=due_days_before)
    except OverflowError:
        return None


def settle(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields fit to be written: text cleaned, one way of being due. Raises Refusal 422."""
    out = dict(fields)
    if "title" in out:
        out["title"] = wording.required("title", out["title"])
    if "detail" in out:
        out["detail"] = wording.paragraphs(out["detail"])
    due_on, before = out.get("due_on"), out.get("due_days_before")
    if due_on is not None and before is not None:
        raise _invalid("due_days_before", "a task is due once", "Send due_on or due_days_before, not both.")
    if due_on is not None:
        if not YEAR_MIN <= due_on.year <= YEAR_MAX:
            raise _invalid("due_on", f"is not between the years {YEAR_MIN} and {YEAR_MAX}", "Check the year.")
        out["due_days_before"] = None
    return out


def check_assignee(link_id: UUID | None, membership_id: UUID | None) -> None:
    """Raises Refusal 422 for two at once."""
    if link_id is not None and membership_id is not None:
        raise _invalid("membership_id", "a task is given to one", "Send link_id or membership_id, not both.")


def unknown_assignee(field: str) -> Refusal:
    """Nobody of this wedding, or somebody who has left it."""
    fix = {"link_id": "Take an id from the wedding's suppliers.", "membership_id": "Take an id from its members."}
    reason = "is nobody of this wedding now"
    return Refusal(422, "unknown_reference", f"{field}: {reason}", errors=[FieldError(field, reason, fix[field])])


def may_change(fields: set[str], *, is_couple: bool, origin: str) -> bool:
    """Whether somebody a task was given to may change these fields of it."""
    return is_couple or origin in ("supplier", "helper") or fields <= ASSIGNEE_FIELDS


_CODES = "gbp|eur|usd|chf|aud|nzd|cad|jpy|inr|sek|nok|dkk|pln|zar|aed|sgd|hkd"
_WORDS = r"euros?|pounds?(?!\s*(?:cake|of\b))|quid|dollars?|bucks|grand|francs?|rupees?|yen"
_SIGN = "[$¢-¥₠-⃏]"
_LETTERS = rf"(?:r\$|rs\.?|kr\.?|(?:{_CODES})\b)"
_NUMBER = r"\d[\d.,'’\u00a0\u202f ]{0,20}k?"
_MONEY = re.compile(
    rf"{_SIGN}\s?\d|(?<!\w){_LETTERS}\s?\d|{_NUMBER}\s?(?:{_SIGN}(?!\w)|kr\b|(?:{_CODES}|{_WORDS})\b)",
    flags=re.IGNORECASE,
)


def names_money(text: str) -> bool:
    """Whether a text names an amount of money: £1,200 · 1.200 € · EUR 50 · 3 grand."""
    return _MONEY.search(text) is not None


def warnings_of(task: Task) -> list[FieldError]:
    """What a supplier will read in a task and perhaps should not: amounts of money."""
    if task.link_id is None:
        return []
    reason, fix = (
        "names an amount of money, and this supplier reads it",
        "Keep it in the budget, which no supplier sees.",
    )
    return [FieldError(field, reason, fix) for field in ("title", "detail") if names_money(getattr(task, field))]


def _invalid(field: str, reason: str, fix: str) -> Refusal:
    return Refusal(422, "invalid", f"{field}: {reason}", errors=[FieldError(field, reason, fix)])


_EXAMPLE: dict[str, Any] = {
    "id": "01920000-0000-7000-8000-000000000021",
    "wedding_id": "01920000-0000-7000-8000-000000000001",
    "link_id": "01920000-0000-7000-8000-00000000000b",
    "membership_id": None,
    "title": "Send the shot list",
    "detail": "Both families, the four grandparents first.",
    "status": "open",
    "due_on": "2027-05-22",
    "due_days_before": 14,
    "origin": "couple",
    "done_at": None,
    "done_by": None,
    "position": 0,
    "answer": None,
    "answer_note": "",
    "answered_at": None,
    "reminded_rung": 0,
    "reminded_at": None,
    "noted_at": None,
    "snoozed_until": None,
    "after_ids": [],
    "waits_for": 0,
    "photo_id": None,
    "version": 1,
    "created_at": "2026-11-21T10:00:00+00:00",
    "updated_at": "2026-11-21T10:00:00+00:00",
}
_DONE = {"status": "done", "done_at": "2027-05-20T09:00:00+00:00", "done_by": "01920000-0000-7000-8000-000000000003"}


def _type(
    name: str, description: str, *, lane: Lane = Lane.NORMAL, image: Mapping[str, Any] = MappingProxyType({})
) -> EventType:
    return EventType(
        type=f"task.{name}",
        scope=Scope.TASKS,
        table="tasks",
        row=Task,
        description=description,
        example={**_EXAMPLE, **image},
        lane=lane,
    )


CREATED = _type("created", "A task was written down; whoever it is given to sees it, and the couple.")
ASSIGNED = _type("assigned", "A task was given to somebody, or back to everybody; for them it is new.", lane=Lane.HIGH)
WITHDRAWN = _type("withdrawn", "A task left the list of those who saw it: it was given to somebody else.")
CHANGED = _type("changed", "A task's words, status or due day changed.")
DONE = _type("done", "A task is done.", image=_DONE)
REOPENED = _type("reopened", "A task that was done is open again.")
REMOVED = _type("removed", "A task was taken off the list.")
_SAID = {"answered_at": "2027-05-01T09:00:00+00:00"}
ACCEPTED = _type("accepted", "Whoever a task was given to says that they do it.", image={**_SAID, "answer": "accepted"})
DECLINED = _type(
    "declined",
    "Whoever a task was given to says that they cannot do it, and may say why.",
    lane=Lane.HIGH,
    image={**_SAID, "answer": "declined", "answer_note": "I arrive at four only."},
)
NOTED = _type("noted", "They know of it and want no more reminders.", image={"noted_at": "2027-05-20T09:00:00+00:00"})
SNOOZED = _type("snoozed", "They want to be reminded on a later day.", image={"snoozed_until": "2027-05-21"})
DUE_SOON = _type(
    "due_soon",
    "A reminder of a task: two weeks, three days and a day before it is due, and on the day.",
    image={"reminded_rung": 2, "reminded_at": "2027-05-19T08:00:00+00:00"},
)
OVERDUE = _type(
    "overdue",
    "A reminder of a task whose day has passed: after one, three and seven days.",
    image={"reminded_rung": FIRST_LATE, "reminded_at": "2027-05-23T08:00:00+00:00"},
)
CHASED = _type("chased", "The couple asks how it goes.", image={"reminded_at": "2027-05-19T08:00:00+00:00"})
FREED = _type("freed", "Everything that was to be done before a task is done: it can begin.")
PHOTO_ADDED = _type(
    "photo_added",
    "A photograph shows that a task is done; it is read at the task, never in an event.",
    image={"photo_id": "01920000-0000-7000-8000-000000000022"},
)
SAID = (ACCEPTED, DECLINED, NOTED, SNOOZED, DUE_SOON, OVERDUE, CHASED, FREED, PHOTO_ADDED)
EVENTS = (CREATED, ASSIGNED, WITHDRAWN, CHANGED, DONE, REOPENED, REMOVED, *SAID)


def kind_of(before: str, after: str) -> EventType:
    """Which event a change of status is."""
    if after == "done" != before:
        return DONE
    return REOPENED if before == "done" != after else CHANGED
