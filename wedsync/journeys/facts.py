"""The events of journeys: of the supplier's own, of each wedding on its way, and the milestones that others follow."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from wedsync.events.catalogue import EventType, Lane
from wedsync.events.scope import Scope
from wedsync.journeys import model

_W, _L = "01920000-0000-7000-8000-000000000001", "01920000-0000-7000-8000-00000000000b"
_S, _AT = "01920000-0000-7000-8000-00000000000a", "2026-11-21T10:00:00+00:00"
_STAMPS = {"version": 1, "created_at": _AT, "updated_at": _AT}
_STEP: dict[str, Any] = {
    "key": "s1",
    "kind": "form",
    "title": "Questions about your photographs",
    "when": {"anchor": "wedding", "days": -60, "at": "10:00"},
    "form": "Photo questionnaire",
}
_JOURNEY: dict[str, Any] = {
    "id": "01920000-0000-7000-8000-000000000081",
    "supplier_id": _S,
    "name": "From booking to album",
    "starts": "booking",
    "is_active": True,
    "steps": [_STEP],
    **_STAMPS,
}
_ENROLMENT: dict[str, Any] = {
    "id": "01920000-0000-7000-8000-000000000082",
    "wedding_id": _W,
    "link_id": _L,
    "journey_id": _JOURNEY["id"],
    "journey_version": 1,
    "name": _JOURNEY["name"],
    "state": "active",
    "reason": "",
    "booked_at": _AT,
    "began_at": _AT,
    "counts_from": _AT,
    "next_at": "2027-04-06T09:00:00+00:00",
    **_STAMPS,
}
_RUN: dict[str, Any] = {
    "id": "01920000-0000-7000-8000-000000000083",
    "wedding_id": _W,
    "link_id": _L,
    "enrolment_id": _ENROLMENT["id"],
    "key": "s2",
    "kind": "mail",
    "title": "Six weeks to go",
    "content": {},
    "state": "due",
    "reason": "",
    "answer": "",
    "people": 0,
    "due_at": "2027-04-24T09:00:00+00:00",
    "done_at": "2027-04-24T09:00:12+00:00",
    **_STAMPS,
}
_MILESTONE: dict[str, Any] = {
    "id": "01920000-0000-7000-8000-000000000084",
    "wedding_id": _W,
    "link_id": _L,
    "supplier_id": _S,
    "name": "booked",
    "reached_at": _AT,
    "version": 1,
    "created_at": _AT,
}
_STOP: dict[str, Any] = {
    "id": "01920000-0000-7000-8000-000000000085",
    "wedding_id": _W,
    "link_id": _L,
    "person_id": "01920000-0000-7000-8000-000000000002",
    "stopped_at": _AT,
    "version": 1,
}


def _type(
    name: str,
    description: str,
    table: str,
    row: type[msgspec.Struct],
    example: Mapping[str, Any],
    image: Mapping[str, Any] = MappingProxyType({}),
) -> EventType:
    return EventType(
        type=name,
        scope=Scope.CORE,
        table=table,
        row=row,
        description=description,
        example={**example, **image},
        lane=Lane.NORMAL,
    )


def _journey(name: str, description: str) -> EventType:
    return _type(f"journey.{name}", description, "journeys", model.Journey, _JOURNEY)


def _enrolment(name: str, description: str, image: Mapping[str, Any] = MappingProxyType({})) -> EventType:
    return _type(f"enrolment.{name}", description, "enrolments", model.EnrolmentImage, _ENROLMENT, image)


def _run(name: str, description: str, image: Mapping[str, Any] = MappingProxyType({})) -> EventType:
    return _type(name, description, "journey_runs", model.Run, _RUN, image)


ADDED = _journey("added", "A supplier made a journey.")
CHANGED = _journey("changed", "A journey's name or steps changed; weddings on their way keep their version.")
REMOVED = _journey("removed", "A supplier took a journey away; weddings on their way stay on it.")
STARTED = _enrolment("started", "A wedding began a journey of one of its suppliers.")
PLANNED = _enrolment("planned", "The next step of a wedding's journey is due at another time, or it has other steps.")
PAUSED = _enrolment("paused", "A journey rests for one wedding.", {"state": "paused", "next_at": None})
RESUMED = _enrolment("resumed", "A journey that rested goes on.")
STOPPED = _enrolment("stopped", "A journey ended for one wedding before its last step.", {"state": "stopped"})
DUE = _run("journey_step.due", "A step with words is due: they are written and sent now.")
SENT = _run("journey_step.sent", "The words of a step are on their way.", {"state": "sent", "people": 2})
DONE = _run("journey_step.done", "A step without words was taken.", {"kind": "task", "state": "done"})
SKIPPED = _run("journey_step.skipped", "A step was not taken, and why.", {"state": "skipped", "reason": "unsubscribed"})
FAILED = _run(
    "journey_step.failed",
    "A step could not be said: its words name what is not known.",
    {"state": "failed", "reason": "no_date"},
)
CALLED = _run(
    "journey_step.called",
    "A step calls your systems: subscribe to this and read `content.call`.",
    {"kind": "webhook", "state": "done", "content": {"call": "print.album"}},
)
FORM_REQUESTED = _run(
    "form.requested",
    "A step asks the couple to fill in a form; `content.form` says which.",
    {"kind": "form", "state": "done", "content": {"form": "Photo questionnaire"}},
)
REACHED = _type(
    "milestone.reached",
    "A supplier's work for a wedding passed a milestone.",
    "milestones",
    model.MilestoneRow,
    _MILESTONE,
)
WITHDRAWN = _type(
    "milestone.withdrawn", "The date moved away from a milestone.", "milestones", model.MilestoneRow, _MILESTONE
)
MARKETING_STOPPED = _type(
    "marketing.stopped",
    "Somebody of the couple wants no offers and review requests of a supplier.",
    "marketing_stops",
    model.StopRow,
    _STOP,
)
MARKETING_TAKEN = _type("marketing.taken_up", "They take them again.", "marketing_stops", model.StopRow, _STOP)
EVENTS = (
    *(ADDED, CHANGED, REMOVED, STARTED, PLANNED, PAUSED, RESUMED, STOPPED),
    *(DUE, SENT, DONE, SKIPPED, FAILED, CALLED, FORM_REQUESTED),
    *(REACHED, WITHDRAWN, MARKETING_STOPPED, MARKETING_TAKEN),
)
