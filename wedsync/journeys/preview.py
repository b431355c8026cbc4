"""Plans as people and programs read them: each step with its day, its state and why, for a real wedding."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal
from uuid import UUID

import msgspec

from wedsync.journeys import enrolling
from wedsync.journeys.actions import queries
from wedsync.journeys.enrolling import Look
from wedsync.journeys.model import Enrolment, Run, Step
from wedsync.journeys.planning import Planned
from wedsync.journeys.sending import WHY
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import not_found

Shown = Literal["planned", "held", "waiting", "skipped", "due", "sent", "done", "failed"]


class StepView(msgspec.Struct, frozen=True, kw_only=True):
    """One step of one wedding. `due_at` is when it was or will be due, null where nobody knows; `why` is for people,
    `reason` for programs; `people` is how many it was sent to, and `arrived` how it stands with how many of them:
    `waiting`, `accepted`, `delayed`, `delivered`, `opened`, `undelivered`, `refused`, `failed`, `suppressed`,
    `bounced`, `complained`."""

    key: str
    kind: str
    title: str
    state: Shown
    due_at: datetime | None
    done_at: datetime | None = None
    reason: str = ""
    why: str = ""
    answer: str = ""
    people: int = 0
    arrived: dict[str, int] = {}
    is_marketing: bool = False


class EnrolmentView(msgspec.Struct, frozen=True, kw_only=True):
    """A wedding on a journey as it stands now. The plan is made at the time of asking."""

    id: UUID
    wedding_id: UUID
    link_id: UUID
    journey_id: UUID
    journey_version: int
    name: str
    state: str
    reason: str
    began_at: datetime
    next_at: datetime | None
    version: int
    steps: list[StepView]


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """A journey for a wedding that is not on it; `whose` is that wedding."""

    whose: Any
    steps: list[StepView]


async def of(tx: Tx, supplier_id: UUID, steps: Sequence[Step]) -> Preview:
    """If the entered wedding began these steps now. Raises Refusal 404 where this supplier has no link."""
    link_id = await tx.value(queries.my_link, supplier_id)
    if link_id is None:
        raise not_found("wedding")
    whose = await enrolling.about(tx, link_id)
    now = whose["now"]
    found = await enrolling.planned(tx, whose, list(steps), taken={}, began_at=now, since=now)
    return Preview(whose=whose, steps=views(steps, found, ()))


async def enrolment(tx: Tx, row: Row) -> EnrolmentView:
    """A row of `enrolments` with its plan."""
    seen, _ = await enrolling.look(tx, enrolling.opened(row))
    arrived: dict[str, dict[str, int]] = {}
    for said in await tx.rows(queries.said, row["id"]):
        arrived.setdefault(said["key"], {})[said["status"]] = said["people"]
    return seen_as(seen, arrived)


def seen_as(seen: Look, arrived: Mapping[str, dict[str, int]]) -> EnrolmentView:
    """What was looked at, as it is told."""
    one: Enrolment = seen.enrolment
    kept = ("id", "wedding_id", "link_id", "journey_id", "journey_version", "name", "state", "reason", "began_at")
    given = {name: getattr(one, name) for name in (*kept, "next_at", "version")}
    return EnrolmentView(**given, steps=views(one.steps, seen.plan, seen.runs, arrived))


def views(
    steps: Sequence[Step],
    plan: Sequence[Planned],
    runs: Sequence[Run],
    arrived: Mapping[str, dict[str, int]] = MappingProxyType({}),
) -> list[StepView]:
    """Each step in its order."""
    taken = {run.key: run for run in runs}
    return [_view(step, found, taken, arrived.get(step.key, {})) for step, found in zip(steps, plan, strict=True)]


def _view(step: Step, found: Planned, taken: Mapping[str, Run], arrived: dict[str, int]) -> StepView:
    run = taken.get(step.key)
    reason = found.reason if run is None else run.reason
    return StepView(
        key=step.key,
        kind=step.kind,
        title=step.title,
        state=found.state if run is None else run.state,
        due_at=found.due_at,
        done_at=None if run is None else run.done_at,
        reason=reason,
        why=WHY.get(reason, ""),
        answer="" if run is None else run.answer,
        people=0 if run is None else run.people,
        arrived=arrived,
        is_marketing=step.is_marketing,
    )
