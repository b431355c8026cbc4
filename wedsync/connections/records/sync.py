"""The job that keeps one CRM in step: read what changed there, decide, write what changed here; one at a time.

It is owed by whoever knows of a change (a fact of ours, a hook, the clock, a person) and looks at what stands. What
cannot go on now is tried again later by the clock, so the job itself always ends.
"""

import random
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
import structlog

from wedsync.connections.contract import Delivered, ReconnectNeeded, Rejected, RetryLater
from wedsync.connections.records import housing, mapping, pulling, sending, settling
from wedsync.connections.records import run as runs
from wedsync.connections.records.contract import ReadOnly
from wedsync.connections.records.remote import Remote, Session, Where
from wedsync.connections.records.run import Ended, Run
from wedsync.events import jobs
from wedsync.events.jobs import Job
from wedsync.events.reactions import Work
from wedsync.kit import clock, sql
from wedsync.kit.db import Door
from wedsync.kit.seal import KeyRing

log = structlog.get_logger("records")
queries = sql.load("wedsync.connections.records")
WORK: Final = "records.sync"
ROUNDS_MAX: Final = 3
"""How often a record is decided anew because it has changed there meanwhile."""
HOOKED_EVERY: Final = timedelta(days=1)
RECONNECT_POLL_S: Final = 3600.0
BACKOFF_S: Final = 15.0
BACKOFF_MAX_S: Final = 3600.0


class Args(msgspec.Struct, frozen=True):
    """What the job says."""

    book_id: UUID


def works(ring: KeyRing, remote: Remote, public_url: str) -> Mapping[str, Work]:
    """What a worker does of records; `remote` is its way to the CRMs."""

    async def sync(door: Door, job: Job) -> None:
        await keep_in_step(door, job, ring, remote, public_url)

    return {WORK: sync}


async def keep_in_step(door: Door, job: Job, ring: KeyRing, remote: Remote, public_url: str) -> None:
    """One run. Raises only for bugs of our own and a database that is away."""
    run, before = await _begin(door, job, ring)
    if run is None:
        return
    where = Where(connection_id=run.id, tenant=run.tenant, connector=run.connector, map=run.map)
    if run.direction == "send":
        ended = await sending.send(run, await remote.outlet(where, door))
    else:
        ended = await _kept_alike(run, await remote.open(where, door), f"{public_url}/hooks/{run.connector}/{run.id}")
    await _end(run, ended, before)


async def _kept_alike(run: Run, account: Session | ReconnectNeeded | RetryLater, address: str) -> Ended:
    """Opened, read, settled; how that ended."""
    if isinstance(account, (ReconnectNeeded, RetryLater)):
        return runs.stopped(account)
    run.account = account
    await mapping.again(run)
    if run.map is None and run.connector in mapping.documentary():
        # What there is is read, so that a map can be made of it, and becomes nobody's client yet.
        return await pulling.follow_hints(run) or await _read(run) or Ended(word="held", reason=mapping.UNMAPPED)
    ended = await _rounds(run)
    if ended.word in ("done", "held"):
        await _hook(run, address)
    return await mapping.told_missing(run, ended)


async def _begin(door: Door, job: Job, ring: KeyRing) -> tuple[Run | None, str]:
    """The run and how the last one ended; None where nothing is to be done now, and then the job has ended."""
    book_id = msgspec.json.decode(job.args or "{}", type=Args).book_id
    async with door.enter_job(job.id, job.lease_token) as tx:
        row = await tx.row(queries.begin, book_id)
        if row is None:
            await jobs.finish(tx, job)
            return None, ""
        if row["not_before"] is not None and row["not_before"] > clock.now():
            await tx.value(queries.poke, [book_id], False, False)
            await jobs.finish(tx, job)
            return None, ""
        return runs.made(door, job, ring, row), row["outcome"]


async def _rounds(run: Run) -> Ended:
    """Read where somebody knows of a change there, then settle; again where that finds it changed meanwhile."""
    ended = await _named(run) or await _read(run)
    if ended is not None and ended.word != "held":
        # What was read before it stopped is kept, and settled once it is read to the end.
        return ended
    for _ in range(ROUNDS_MAX):
        settled = await settling.settle(run)
        if settled.ended is not None:
            return settled.ended
        if not settled.moved:
            return ended or Ended(is_more=settled.is_more)
        stopped = await pulling.again(run, settled.moved)
        if stopped is not None:
            return stopped
    settled = await settling.settle(run)
    if settled.moved:
        await settling.tangled(run, settled.moved)
    return settled.ended or ended or Ended(is_more=settled.is_more)


async def _named(run: Run) -> Ended | None:
    """What hooks have named is settled at once: it waits for no list, and not for one that cannot be read now."""
    if not run.is_named:
        return None
    ended = await pulling.follow_hints(run)
    if ended is not None:
        return ended
    settled = (await settling.settle(run)).ended
    # What may not be written, or was refused, keeps nothing else from being read; it is met again below.
    return settled if settled is not None and settled.word in ("later", "reconnect") else None


async def _read(run: Run) -> Ended | None:
    ended: Ended | None = None
    if run.pulls_wanted > run.pulls_done:
        is_first = run.cursor == ""
        ended = await housing.take_spaces(run) if run.session.houses else None
        ended = ended or await pulling.pull(run)
        if ended is None and is_first and run.swept_at is None:
            async with run.enter() as tx:
                await tx.run(queries.swept, run.id)
    if ended is None and pulling.is_sweep_due(run):
        ended = await pulling.sweep(run)
    return ended


async def _hook(run: Run, address: str) -> None:
    """Hints are asked for once a day, for they may be lost there; an account that may not ask goes without."""
    if not run.session.hooks or (run.hook_asked_at is not None and run.began_at - run.hook_asked_at < HOOKED_EVERY):
        return
    said = await run.session.hook(address)
    if isinstance(said, (Delivered, ReadOnly, Rejected)):
        async with run.enter() as tx:
            await tx.run(queries.hooked, run.id, isinstance(said, Delivered))


async def _end(run: Run, ended: Ended, before: str) -> None:
    rest_s = 0.0
    if ended.word in ("later", "failed", "read_only"):
        wait_s = min(BACKOFF_MAX_S, BACKOFF_S * 2 ** min(run.failures, 10))
        rest_s = ended.after_s if ended.after_s is not None else wait_s
        rest_s *= random.uniform(1.0, 1.25)  # noqa: S311 -- jitter, not a secret
    counts: tuple[Any, ...] = msgspec.structs.astuple(run.counts)
    async with run.enter() as tx:
        reason = ended.reason[:1000]
        await tx.run(queries.end_run, run.id, ended.word, reason, rest_s, _poll_s(run, ended, rest_s))
        if ended.word != before or any(counts):
            await tx.run(queries.add_run, run.id, run.began_at, ended.word, reason, *counts)
        if ended.is_more or run.is_unsettled:
            await tx.value(queries.poke, [run.id], False, False)
        if run.account is not None or run.outlet is not None:
            await run.opened.tell(tx)
        await jobs.finish(tx, run.job)
    if ended.word != before:
        say = log.info if ended.word in ("done", "held") else log.warning
        say("record_sync", book_id=str(run.id), outcome=ended.word, was=before)


def _poll_s(run: Run, ended: Ended, rest_s: float) -> float:
    """When it is asked again by itself."""
    if ended.word == "reconnect":
        return RECONNECT_POLL_S
    return rest_s or run.opened.poll_s * random.uniform(0.9, 1.1)  # noqa: S311 -- jitter, not a secret
