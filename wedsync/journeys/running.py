"""The work of journeys: what is due in one wedding, a step at a time; and a wedding that is to begin one.

Each enrolment is one transaction that holds it: a step that comes twice, late, or after somebody has paused is not
taken. What a step sends is owed by the fact of the same transaction, so it is sent exactly if the step was taken.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec

from wedsync.events import jobs
from wedsync.events.catalogue import EventType
from wedsync.events.jobs import Job
from wedsync.events.reactions import Work
from wedsync.events.record import record
from wedsync.forms import actions as forms
from wedsync.forms.model import NewFormRequest
from wedsync.journeys import enrolling, facts, milestones, model, planning
from wedsync.journeys.actions import queries
from wedsync.journeys.model import Enrolment, Step
from wedsync.journeys.planning import Planned
from wedsync.kit.db import Door, Tx
from wedsync.kit.errors import Refusal
from wedsync.tasks import actions as tasks
from wedsync.tasks.model import NewTask

MIND: Final = "journeys.mind"
ENROL: Final = "journeys.enrol"
STEPS_MAX: Final = 2 * model.STEPS_MAX
"""More than a journey has: a look that finds no end would be a mistake of ours."""


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """What a job of `app.owe_enrolments` says."""

    journey: UUID
    link: UUID


async def mind(door: Door, job: Job) -> None:
    """What the calendar says, and every step that is due."""
    async with door.enter_job(job.id, job.lease_token) as tx:
        await milestones.follow_calendar(tx)
        due = [row["id"] for row in await tx.rows(queries.due)]
    for enrolment_id in due:
        async with door.enter_job(job.id, job.lease_token) as tx:
            await take_due(tx, enrolment_id)
    async with door.enter_job(job.id, job.lease_token) as tx:
        await jobs.finish(tx, job)


async def enrol(door: Door, job: Job) -> None:
    """A supplier had many weddings begin a journey: this one."""
    begun = msgspec.json.decode(job.args or "{}", type=Begun)
    async with door.enter_job(job.id, job.lease_token) as tx:
        try:
            await enrolling.enrol(tx, begun.link, begun.journey)
        except Refusal as refusal:
            # The journey was taken away or switched off, or the link has ended, since somebody asked.
            if refusal.status not in (404, 409):
                raise
        await jobs.finish(tx, job)


WORKS: Mapping[str, Work] = {MIND: mind, ENROL: enrol}


async def take_due(tx: Tx, enrolment_id: UUID) -> None:
    """All steps of one wedding that are due, the longest waiting first: each may make another one due."""
    enrolment = await enrolling.claim(tx, enrolment_id)
    for _ in range(STEPS_MAX):
        seen, now = await enrolling.look(tx, enrolment)
        found = planning.due(seen.plan, now) if enrolment.state == "active" else None
        if found is None:
            await enrolling.replan(tx, enrolment_id)
            return
        await _take(tx, enrolment, found)
    raise RuntimeError(f"enrolment {enrolment_id} has no end of steps")


async def _take(tx: Tx, enrolment: Enrolment, found: Planned) -> None:
    step = next(one for one in enrolment.steps if one.key == found.key)
    act = ACTS[step.kind]
    state, answer, kind = await act(tx, enrolment, step)
    content = msgspec.json.encode(model.content_of(step)).decode()
    told = (enrolment.link_id, enrolment.id, step.key, step.kind, step.title, content, state, answer, found.due_at)
    row = await tx.row(queries.take, *told)
    if row is not None:
        record(tx, kind, op="INSERT", row=row, link=enrolment.link_id)


Did = tuple[str, str, EventType]
"""How it stands, what was answered or why it failed, and what is told."""


async def _say(tx: Tx, enrolment: Enrolment, step: Step) -> Did:
    """Its words are written by the reaction to this fact, which looks once more whether they may leave."""
    return "due", "", facts.DUE


async def _ask(tx: Tx, enrolment: Enrolment, step: Step) -> Did:
    """A form that is gone, or switched off, asks nothing: its supplier is told."""
    form_id = await forms.named(tx, enrolment.link_id, step.form)
    if form_id is None:
        return "failed", "no_form", facts.FAILED
    await forms.ask(tx, NewFormRequest(form_id=form_id, word=step.words), link_id=enrolment.link_id)
    return "done", "", facts.FORM_REQUESTED


async def _call(tx: Tx, enrolment: Enrolment, step: Step) -> Did:
    return "done", "", facts.CALLED


async def _decide(tx: Tx, enrolment: Enrolment, step: Step) -> Did:
    names = {row["name"] for row in await tx.rows(queries.milestones, enrolment.link_id)}
    return "done", "yes" if step.milestone in names else "no", facts.DONE


async def _note_task(tx: Tx, enrolment: Enrolment, step: Step) -> Did:
    """For the couple alone, or for the supplier, whose tasks the couple sees."""
    whose = await enrolling.about(tx, enrolment.link_id)
    today: date = planning.local_day(whose["now"], whose["time_zone"])
    due_on = None if step.due_days is None else today + timedelta(days=step.due_days)
    is_ours = step.for_whom == "us"
    member = None if is_ours else await tx.value(queries.first_of_couple)
    link = enrolment.link_id if is_ours else None
    detail = step.words
    await tasks.add(tx, NewTask(title=step.title, detail=detail, link_id=link, membership_id=member, due_on=due_on))
    return "done", "", facts.DONE


Act = Callable[[Tx, Enrolment, Step], Awaitable[Did]]
ACTS: Mapping[Any, Act] = {
    "mail": _say,
    "text": _say,
    "review": _say,
    "form": _ask,
    "webhook": _call,
    "branch": _decide,
    "task": _note_task,
}
