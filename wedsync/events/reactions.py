"""Runs what is owed as a job inside the product: reactions of nouns to facts, and long work such as imports.

A reaction acts as the system in the event's tenant. What it changes, the facts it records and the end of its job are
one transaction, so it happens exactly once however often it is tried. Its facts have the cause of the event. What it
leaves to do afterwards is a transaction of its own, and the job ends with that one.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from wedsync.events import event as events
from wedsync.events import tracing
from wedsync.events.catalogue import Catalogue, Reaction
from wedsync.events.event import Event
from wedsync.events.jobs import Job, Payload, finish_last
from wedsync.events.turns import Rest
from wedsync.kit.db import Door

Work = Callable[[Door, Job], Awaitable[Any]]
"""Long work of a noun: opens `door.enter_job(job.id, job.lease_token)` as often as it needs. It may run again from its
start after a crash; where its last transaction must count once, it calls `jobs.finish` in it."""


class UnknownName(LookupError):  # noqa: N818 -- it reads as a sentence where it is raised
    """A job names a reaction or work that this installation does not have: an older or newer process owed it."""


async def react(door: Door, catalogue: Catalogue, payload: Payload) -> Rest | None:
    """Run one reaction and end its job, or return the rest that ends it: it is committed and told by then.

    Raises what the reaction raises, and Refusal 409 when the lease was lost.
    """
    job = payload.job
    reaction = catalogue.reactions.get(job.name)
    if reaction is None:
        raise UnknownName(f"there is no reaction named {job.name}")
    if payload.event is None:
        raise LookupError(f"reaction {job.name} came without its event")
    event = events.decode(payload.event)
    with tracing.working(job):
        async with door.enter_job(job.id, job.lease_token, event.cause) as tx:
            left = await reaction.run(tx, event)
            is_done = left is None or reaction.afterwards is None
            if is_done:
                finish_last(tx, job)
    return None if is_done else partial(_do_rest, door, reaction, job, event, left)


async def _do_rest(door: Door, reaction: Reaction, job: Job, event: Event, left: Any) -> None:
    with tracing.working(job):
        async with door.enter_job(job.id, job.lease_token, event.cause) as tx:
            await reaction.afterwards(tx, event, left)
            finish_last(tx, job)
