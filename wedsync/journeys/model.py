"""What a journey is made of, what a wedding keeps of it, and which steps can be taken at all; pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from wedsync.kit.errors import FieldError, Refusal
from wedsync.schedule import wording

Kind = Literal["mail", "text", "form", "task", "wait", "branch", "webhook", "review"]
Anchor = Literal["booking", "wedding", "end", "before"]
Milestone = Literal["booked", "six_months", "final_details", "form_submitted", "date_passed", "photos_delivered"]
Answer = Literal["", "yes", "no"]
Starts = Literal["booking", "by_hand"]
State = Literal["active", "paused", "stopped"]
RunState = Literal["due", "sent", "done", "skipped", "failed"]

KINDS: Final[Mapping[str, str]] = {
    "mail": "Mail",
    "text": "Text message",
    "form": "Form",
    "task": "Task",
    "wait": "Wait",
    "branch": "Yes or no",
    "webhook": "Call to your systems",
    "review": "Review request",
}
ANCHORS: Final[Mapping[str, str]] = {
    "booking": "the booking",
    "wedding": "the wedding",
    "end": "the end of the wedding",
    "before": "the step before",
}
MILESTONES: Final[Mapping[str, str]] = {
    "booked": "Booking confirmed",
    "six_months": "Six months to go",
    "final_details": "Final details are in",
    "form_submitted": "A form was answered",
    "date_passed": "The wedding is over",
    "photos_delivered": "Photos are delivered",
}
BY_HAND: Final = frozenset({"final_details"})
"""What a supplier itself may say has been reached; all else follows from what happens."""
VARIABLES: Final = ("couple", "name", "business", "date", "venue", "days_to_go")
OF_A_DATE: Final = frozenset({"date", "days_to_go"})
SPOKEN: Final = frozenset({"mail", "text", "review"})
"""Steps with words that somebody receives."""
STEPS_MAX: Final = 40
TEXT_MAX: Final = 300
_VARIABLE: Final = re.compile(r"\{([^{}]*)\}")
_HOUR: Final = r"^$|^([01][0-9]|2[0-3]):[0-5][0-9]$"
_KEY: Final = r"^[a-z0-9]{0,12}$"


class When(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """So many days from an anchor (negative is before it), at an hour where the wedding is; without an hour at ten, or,
    with no days at all from a moment, at once."""

    anchor: Anchor = "wedding"
    days: Annotated[int, Meta(ge=-1100, le=1100)] = 0
    at: Annotated[str, Meta(pattern=_HOUR)] = ""


class Lane(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Only where a branch above was answered so."""

    step: Annotated[str, Meta(pattern=_KEY)]
    answer: Literal["yes", "no"] = "yes"


class Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One step. `late`: what becomes of it where its moment has passed before it could be taken. `days_max`: how long a
    wait lasts at most; `milestone`: what a wait waits for, or what a branch asks."""

    key: Annotated[str, Meta(pattern=_KEY)] = ""
    kind: Kind
    title: Annotated[str, Meta(min_length=1, max_length=120)]
    when: When = When()
    late: Literal["skip", "now"] = "skip"
    only: Lane | None = None
    is_marketing: bool = False
    subject: Annotated[str, Meta(max_length=200)] = ""
    words: Annotated[str, Meta(max_length=6000)] = ""
    url: Annotated[str, Meta(max_length=500)] = ""
    form: Annotated[str, Meta(max_length=120)] = ""
    for_whom: Literal["couple", "us"] = "us"
    due_days: Annotated[int, Meta(ge=0, le=365)] | None = None
    milestone: Milestone | Literal[""] = ""
    days_max: Annotated[int, Meta(ge=0, le=730)] = 0
    call: Annotated[str, Meta(pattern="^[a-z0-9_.-]{0,60}$")] = ""


class Journey(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `journeys`. `starts`: whether a booking begins it by itself."""

    id: UUID
    supplier_id: UUID
    name: str
    starts: Starts
    is_active: bool
    steps: list[Step]
    version: int
    created_at: datetime
    updated_at: datetime


class NewJourney(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A journey to make; from a template, or from nothing."""

    name: Annotated[str, Meta(min_length=1, max_length=120)]
    starts: Starts = "by_hand"
    is_active: bool = True
    steps: Annotated[list[Step], Meta(max_length=STEPS_MAX)] = []


class JourneyChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is absent stays. Weddings on their way keep the version they follow until they are brought to the newest."""

    name: Annotated[str, Meta(min_length=1, max_length=120)] | UnsetType = UNSET
    starts: Starts | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET
    steps: Annotated[list[Step], Meta(max_length=STEPS_MAX)] | UnsetType = UNSET


class EnrolmentImage(msgspec.Struct, frozen=True, kw_only=True):
    """What facts show of a row of `enrolments`: one wedding on a journey, without the words of its steps."""

    id: UUID
    wedding_id: UUID
    link_id: UUID
    journey_id: UUID
    journey_version: int
    name: str
    state: State
    reason: str
    booked_at: datetime
    began_at: datetime
    counts_from: datetime
    next_at: datetime | None
    version: int
    created_at: datetime
    updated_at: datetime


class Enrolment(EnrolmentImage, frozen=True, kw_only=True):
    """The whole row."""

    steps: list[Step]


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `journey_runs`: a step that was taken."""

    id: UUID
    wedding_id: UUID
    link_id: UUID
    enrolment_id: UUID
    key: str
    kind: str
    title: str
    content: dict[str, Any]
    state: RunState
    reason: str
    answer: Answer
    people: int
    due_at: datetime
    done_at: datetime
    version: int
    created_at: datetime
    updated_at: datetime


class MilestoneRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `milestones`."""

    id: UUID
    wedding_id: UUID
    link_id: UUID
    supplier_id: UUID
    name: Milestone
    reached_at: datetime
    version: int
    created_at: datetime


class StopRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `marketing_stops`."""

    id: UUID
    wedding_id: UUID
    link_id: UUID
    person_id: UUID
    stopped_at: datetime
    version: int


def settle(steps: Sequence[Step]) -> list[Step]:
    """Steps fit to be kept, each with a key of its own that it keeps for ever. Raises Refusal 422 that says which."""
    keys = [step.key for step in steps if step.key]
    if len(keys) != len(set(keys)):
        raise _invalid("steps", "two steps have one key", "Leave `key` out for a new step.")
    free = iter(sorted({f"s{n}" for n in range(1, 2 * STEPS_MAX + 1)} - set(keys), key=lambda key: (len(key), key)))
    kept: list[Step] = []
    for number, step in enumerate(steps, 1):
        whole = _cleaned(step, step.key or next(free))
        for field, reason, fix in (*_faults(whole), *_lane_faults(whole, kept)):
            raise _invalid(f"steps[{number - 1}].{field}", reason, f"Step {number}, “{whole.title}”: {fix}")
        kept.append(whole)
    return kept


def _cleaned(step: Step, key: str) -> Step:
    return msgspec.structs.replace(
        step,
        key=key,
        title=wording.required("title", step.title),
        # A wait goes on from where the steps have come, unless it says otherwise.
        when=When(anchor="before") if step.kind == "wait" and step.when == When() else step.when,
        subject=" ".join(step.subject.split()),
        words=wording.paragraphs(step.words),
        form=step.form.strip(),
        url=step.url.strip(),
        # Whoever asks for a review asks for a favour: it is never part of what was booked.
        is_marketing=step.kind == "review" or (step.is_marketing and step.kind in SPOKEN),
    )


Fault = tuple[str, str, str]


def _faults(step: Step) -> Iterable[Fault]:
    yield from FAULTS[step.kind](step)
    for field in ("subject", "words") if step.kind in SPOKEN else ():
        for name in _VARIABLE.findall(getattr(step, field)):
            if name not in VARIABLES:
                known = ", ".join(f"{{{one}}}" for one in VARIABLES)
                yield field, f"names {{{name}}}, which nothing stands for", f"use {known}."
            if name == "days_to_go" and step.when.anchor == "end":
                yield field, "names {days_to_go}, and then the wedding is over", "leave it out."


def _spoken(step: Step) -> Iterable[Fault]:
    if not step.subject:
        yield "subject", "is missing", "say what the mail is about."
    if not step.words:
        yield "words", "are missing", "write what you want to say."


def _review(step: Step) -> Iterable[Fault]:
    yield from _spoken(step)
    if not re.match(r"https://[^\s/]+\.[^\s/]+", step.url) or " " in step.url:
        yield "url", "is no address", "give where a review is written, beginning with https://."


def _text(step: Step) -> Iterable[Fault]:
    if not step.words:
        yield "words", "are missing", "write what you want to say."
    if len(step.words) > TEXT_MAX:
        yield "words", f"are longer than {TEXT_MAX} letters", "say it shorter, or send a mail."
    if step.when.at and not "08:00" <= step.when.at <= "20:30":
        yield "when", "is an hour at which nobody wants a text", "choose one between 8:00 and 20:30."


ASKED_MAX: Final = 1000
"""Characters of the word that goes with a form."""


def _form(step: Step) -> Iterable[Fault]:
    if not step.form:
        yield "form", "is missing", "say which form."
    if len(step.words) > ASKED_MAX:
        yield "words", "are too long", f"ask in up to {ASKED_MAX} characters."


def _branch(step: Step) -> Iterable[Fault]:
    if not step.milestone:
        yield "milestone", "is missing", "say what decides it."


def _webhook(step: Step) -> Iterable[Fault]:
    if not step.call:
        yield "call", "is missing", "give it a name that your system knows, such as print.album."


def _wait(step: Step) -> Iterable[Fault]:
    if not step.days_max:
        yield "days_max", "is missing", "say how many days it waits at most."


def _nothing(step: Step) -> Iterable[Fault]:
    return ()


FAULTS: Final[Mapping[str, Any]] = {
    "mail": _spoken,
    "review": _review,
    "text": _text,
    "form": _form,
    "task": _nothing,
    "wait": _wait,
    "branch": _branch,
    "webhook": _webhook,
}


def _lane_faults(step: Step, above: Sequence[Step]) -> Iterable[Fault]:
    if step.only is not None and not any(one.key == step.only.step and one.kind == "branch" for one in above):
        yield "only", "names no question above it", "choose a yes-or-no step that comes before."


def filled(words: str, values: Mapping[str, str]) -> str:
    """Words with what their names stand for. Raises LookupError with the name that stands for nothing here."""

    def value(found: re.Match[str]) -> str:
        name = found[1]
        if not values.get(name):
            raise LookupError(name)
        return values[name]

    return _VARIABLE.sub(value, words)


def content_of(step: Step) -> dict[str, Any]:
    """What a program needs to know of a step that was taken."""
    given = {"form": step.form, "call": step.call, "milestone": step.milestone}
    return {name: said for name, said in given.items() if said}


def _invalid(field: str, reason: str, fix: str) -> Refusal:
    return Refusal(422, "invalid", f"{field}: {reason}", errors=[FieldError(field, reason, fix)])
