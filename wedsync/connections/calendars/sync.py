"""The job that keeps one calendar in step: pull what changed there, decide, write what changed here; one at a time.

It is owed by whoever knows of a change (a fact of ours, a notification, the clock, a person) and looks at what stands.
What cannot go on now is tried again later by the clock, so the job itself always ends.
"""

import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import msgspec
import structlog

from wedsync.connections.calendars import busy, conflicts, finding, pulling, settling, watching
from wedsync.connections.calendars import run as runs
from wedsync.connections.calendars.kept import Dispute
from wedsync.connections.calendars.remote import Remote, Session, Where
from wedsync.connections.calendars.run import Ended, Run
from wedsync.connections.calendars.together import End, Together
from wedsync.connections.contract import ReconnectNeeded, RetryLater
from wedsync.events import jobs
from wedsync.events.jobs import Job
from wedsync.events.reactions import Work
from wedsync.kit import clock, sql
from wedsync.kit.db import Door, Row, Tx
from wedsync.kit.seal import KeyRing

log = structlog.get_logger("calendars")
queries = sql.load("wedsync.connections.calendars")
WORK: Final = "calendars.sync"
ROUNDS_MAX: Final = 3
"""How often an event is decided anew because it has changed there meanwhile."""
RECONNECT_POLL_S: Final = 3600.0
GONE_POLL_S: Final = 86_400.0
BACKOFF_S: Final = 15.0
BACKOFF_MAX_S: Final = 3600.0
NOTHING: Final = (None,) * 7
"""Nothing is heard of the account."""


class Args(msgspec.Struct, frozen=True):
    """What the job says."""

    calendar_id: UUID


def works(ring: KeyRing, remote: Remote, public_url: str) -> Mapping[str, Work]:
    """What a worker does of calendars; `remote` is its way to the accounts."""

    together = Together()

    async def sync(door: Door, job: Job) -> None:
        await keep_in_step(door, job, ring, remote, public_url, together)

    async def find(door: Door, job: Job) -> None:
        await finding.find(door, job, ring, remote)

    return {WORK: sync, finding.WORK: find}


async def keep_in_step(
    door: Door, job: Job, ring: KeyRing, remote: Remote, public_url: str, together: Together
) -> None:
    """One run. Raises only for bugs of our own and a database that is away."""
    read_at = clock.machine_now()
    row, run = await _begun(door, job, ring, together)
    if run is None or row is None:
        return
    tenant, connector = run.tenant, run.connector
    where = Where(connection_id=run.connection_id, tenant=tenant, connector=connector, held=row, read_at=read_at)
    try:
        await _keep(run, row, await remote.open(where, door), public_url, together)
    except BaseException as error:
        await run.abandon(error)
        raise


async def _keep(
    run: Run, row: Row, account: Session | ReconnectNeeded | RetryLater, public_url: str, together: Together
) -> None:
    is_told = False
    if isinstance(account, (ReconnectNeeded, RetryLater)):
        ended = runs.stopped(account)
    else:
        run.account = account
        if row["direction"] == "off":
            await watching.end(run, row)
            async with run.enter() as tx:
                await account.tell(tx)
                await jobs.finish(tx, run.job)
            return
        run.end_together = _joined(run, row, together)
        ended = await _rounds(run)
        if ended.is_over:
            return
        if ended.word in ("done", "held"):
            address = f"{public_url}/hooks/{run.connector}/{run.connection_id}"
            is_told = await watching.keep(run, row, address)
    if run.end_together is None or ended != Ended() or not await run.end_together(None, ()):
        await _end(run, ended, row["outcome"], is_told=is_told)


async def _begun(door: Door, job: Job, ring: KeyRing, together: Together) -> tuple[Row | None, Run | None]:
    """The run, begun with others where that is all there is to its beginning."""
    row = await together.begin(door, job)
    if row is not None and row["direction"] != "off" and not row["is_unmarked"] and not _is_early(row):
        run = runs.made(door, job, ring, row)
        if busy.is_begun(run, is_there=row["has_source"]):
            return row, run
    return await _begin(door, job, ring)


def _is_early(row: Row) -> bool:
    """Whether the provider has asked to be left alone until later."""
    return row["not_before"] is not None and bool(row["not_before"] > clock.now())


async def _begin(door: Door, job: Job, ring: KeyRing) -> tuple[Row | None, Run | None]:
    """The run, or None where nothing is to be done now; then the job has ended."""
    calendar_id = msgspec.json.decode(job.args or "{}", type=Args).calendar_id
    async with door.enter_job(job.id, job.lease_token) as tx:
        row = await tx.row(queries.begin, calendar_id)
        if row is None or (row["direction"] == "off" and row["watch_sealed"] is None):
            await jobs.finish(tx, job)
            return None, None
        if _is_early(row):
            await tx.value(queries.poke, [calendar_id], False, False)
            await jobs.finish(tx, job)
            return None, None
        run = runs.made(door, job, ring, row)
        if row["direction"] == "off":
            return row, run
        if row["is_unmarked"] and run.direction != "import":
            wanted = run.wanted
            await tx.run(queries.mark_known, run.id)
            await tx.run(queries.mark_ours, run.id, wanted.resource_id, wanted.has_bookings, wanted.has_schedule)
        if row["is_unmarked"]:
            await tx.run(queries.marked, run.id)
        await busy.begin(tx, run, is_there=row["has_source"])
        if not run.is_pull_wanted and run.direction != "import":
            run.looked = await settling.look(tx, run)
    return row, run


async def _rounds(run: Run) -> Ended:
    """Pull where somebody knows of a change there, then settle; again where that finds it changed meanwhile."""
    is_wanted = run.is_pull_wanted
    moved: list[UUID] = []
    held: Ended | None = None
    for _ in range(ROUNDS_MAX + 1):
        if is_wanted:
            ended = await pulling.pull(run)
            if ended is not None and ended.word != "held":
                return ended
            held = ended or held
        settled = await settling.settle(run)
        if settled.ended is not None:
            return settled.ended
        moved = list(settled.moved)
        if not moved and not settled.is_blind:
            return held or Ended(is_more=settled.is_more)
        is_wanted = True
        if not moved:
            # Written where the provider tells no version of it: the next pull does.
            return await pulling.pull(run) or held or Ended(is_more=settled.is_more)
    is_more = await settling.tangled(run, moved)
    return held or Ended(is_more=is_more)


def _joined(
    run: Run, row: Row, together: Together
) -> Callable[[bytes | None, Sequence[tuple[bytes, str]]], Awaitable[bool]] | None:
    """The end of a run together with others, of a calendar that was in step and an account that is well."""
    is_told = watching.stands(run, row)
    is_well = row["outcome"] == "done" and row["state"] == "active" and not run.progress.failures
    if is_told is None or not is_well or run.progress.is_safe:
        return None
    poll_s = _poll_s(run, Ended(), 0.0, is_told=is_told)

    async def end(cursor: bytes | None, echoes: Sequence[tuple[bytes, str]]) -> bool:
        well = run.session.well()
        if well is None:
            return False
        what, times = well
        told = End(
            job=run.job.id,
            lease=run.job.lease_token,
            cursor=cursor,
            cursor_for=run.cursor_for,
            wanted=run.progress.pulls_wanted,
            poll_s=poll_s,
            what=what,
            times=times,
            began_at=run.began_at,
            numbers=run.counts.numbers,
            echoes=echoes,
        )
        await run.commit()
        return await jobs.finish_with(run.job, lambda: together.end(run.door, told))

    return end


async def _end(run: Run, ended: Ended, before: str, *, is_told: bool) -> None:
    failures = run.progress.failures
    rest_s = 0.0
    if ended.word in ("later", "failed"):
        rest_s = ended.after_s if ended.after_s is not None else min(BACKOFF_MAX_S, BACKOFF_S * 2 ** min(failures, 10))
        rest_s *= random.uniform(1.0, 1.25)  # noqa: S311 -- jitter, not a secret
    async with run.join() as tx:
        reason = ended.reason[:1000]
        if ended.word == "gone":
            await conflicts.keep(tx, run, None, "gone", "", Dispute(why=reason))
        elif ended.word == "done" and before == "gone":
            await conflicts.end(tx, run, None)
        numbers = run.counts.numbers
        is_noted = ended.word != before or any(numbers)
        poll_s = _poll_s(run, ended, rest_s, is_told=is_told)
        how = (ended.word, reason, rest_s, poll_s, run.progress.is_safe)
        if ended.is_more:
            await tx.value(queries.poke, [run.id], False, False)

        async def close(tx: Tx, *well: Any) -> Row:
            """The run, its job, and what went well at last."""
            told = (is_noted, run.began_at, *numbers, run.job.id, run.job.lease_token, *(well or NOTHING))
            return await jobs.finish_by(tx, run.job, queries.end_run, run.id, *how, *told)

        if run.account is None or not await run.account.tell(tx, close):
            await close(tx)
    await run.commit()
    if ended.word != before:
        say = log.info if ended.word in ("done", "held") else log.warning
        say("calendar_sync", calendar_id=str(run.id), outcome=ended.word, was=before)


def _poll_s(run: Run, ended: Ended, rest_s: float, *, is_told: bool) -> float:
    """When it is asked again by itself: seldom where the provider tells, more often where it should and does not."""
    if ended.word == "reconnect":
        return RECONNECT_POLL_S
    if ended.word == "gone":
        return GONE_POLL_S
    if rest_s:
        return rest_s
    poll_s = run.session.poll_s
    if run.session.watches and not is_told:
        poll_s = min(poll_s, watching.UNTOLD_POLL_S)
    return poll_s * random.uniform(0.9, 1.1)  # noqa: S311 -- jitter, not a secret
