"""The job that keeps one audience in step: who has left there, who is to go, who is new or changed, tags, templates.

In this order, so that nobody is written into a list after they have said no. It looks at what stands and sends what
differs; what cannot go on now is tried again later by the clock, so the job itself always ends.
"""

import random
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
import structlog

from wedsync.connections.contract import ReconnectNeeded, Rejected, RetryLater
from wedsync.connections.marketing import filling, starter
from wedsync.connections.marketing import run as runs
from wedsync.connections.marketing.contract import Reports, Spent, Written
from wedsync.connections.marketing.run import Ended, Run
from wedsync.connections.marketing.through import Marketers
from wedsync.events import jobs
from wedsync.events.jobs import Job
from wedsync.events.reactions import Work
from wedsync.kit import clock, sql
from wedsync.kit.db import Door
from wedsync.kit.seal import KeyRing

log = structlog.get_logger("marketing")
queries = sql.load("wedsync.connections.marketing")
WORK: Final = "marketing.sync"
HOOKED_EVERY: Final = timedelta(days=1)
REPORTED_EVERY: Final = timedelta(hours=1)
RECONNECT_POLL_S: Final = 3600.0
BACKOFF_S: Final = 15.0
BACKOFF_MAX_S: Final = 3600.0
UNCHOSEN: Final = "Choose the list that your clients are to be kept in. Until then nothing leaves."


class Args(msgspec.Struct, frozen=True):
    """What the job says."""

    audience_id: UUID


def works(ring: KeyRing, marketers: Marketers, public_url: str) -> Mapping[str, Work]:
    """What a worker does of marketing; `marketers` is its way to the providers."""

    async def sync(door: Door, job: Job) -> None:
        await keep_in_step(door, job, ring, marketers, public_url)

    return {WORK: sync}


async def keep_in_step(door: Door, job: Job, ring: KeyRing, marketers: Marketers, public_url: str) -> None:
    """One run. Raises only for bugs of our own and a database that is away."""
    run, before = await _begin(door, job, ring)
    if run is None:
        return
    account = await marketers.open(run.connector, run.id, run.tenant, door, asked=run.asked, sharers=run.sharers)
    if isinstance(account, (ReconnectNeeded, RetryLater)):
        ended = runs.stopped(account)
    else:
        run.account = account
        ended = await _kept(run, f"{public_url}/hooks/{run.connector}/{run.id}")
    await _end(run, ended, before)


async def _begin(door: Door, job: Job, ring: KeyRing) -> tuple[Run | None, str]:
    """The run and how the last one ended; None where nothing is to be done now, and then the job has ended."""
    audience_id = msgspec.json.decode(job.args or "{}", type=Args).audience_id
    async with door.enter_job(job.id, job.lease_token) as tx:
        row = await tx.row(queries.begin, audience_id)
        if row is None:
            await jobs.finish(tx, job)
            return None, ""
        if row["not_before"] is not None and row["not_before"] > clock.now():
            await tx.value(queries.poke, [audience_id], False, False)
            await jobs.finish(tx, job)
            return None, ""
        return runs.made(door, job, ring, row), row["outcome"]


async def _kept(run: Run, address: str) -> Ended:
    """Step by step, each told to end the run or to go on."""
    if run.is_asked_for:
        ended = await _lists(run)
        if ended is not None:
            return ended
    if not run.list_id:
        return Ended(word="held", reason=UNCHOSEN)
    for step in (filling.gone, filling.pended, filling.fill):
        ended = await step(run)
        if ended is not None:
            return ended
    return await _hook(run, address) or await _templates(run) or await _reports(run) or Ended()


async def _lists(run: Run) -> Ended | None:
    """The lists there are: for who chooses, and to see that the chosen one is still there."""
    said = await run.account.lists()
    if not isinstance(said, tuple):
        return runs.stopped(said)
    async with run.enter() as tx:
        await tx.run(queries.keep_lists, run.id, msgspec.json.encode(said).decode())
        if not run.list_id:
            await tx.run(queries.pulled, run.id, run.pulls_wanted)
    if run.list_id and run.list_id not in {one.id for one in said}:
        return Ended(word="failed", reason="The list that was chosen is not there any more. Choose another one.")
    return None


async def _hook(run: Run, address: str) -> Ended | None:
    """Hints are asked for once a day, for they may be lost there; an account that may not ask goes without."""
    if not run.account.tells or (run.hook_asked_at is not None and run.began_at - run.hook_asked_at < HOOKED_EVERY):
        return None
    said = await run.account.hook(run.list_id, address)
    if isinstance(said, (ReconnectNeeded, RetryLater, Spent)):
        return runs.stopped(said)
    async with run.enter() as tx:
        await tx.run(queries.hooked, run.id)
    return None


async def _templates(run: Run) -> Ended | None:
    """The starter set, where its words are others than were written last."""
    if not run.has_templates:
        return None
    async with run.enter() as tx:
        held = {row["name"]: row for row in await tx.rows(queries.templates, run.id)}
    for template in starter.templates(run.business):
        row, digest = held.get(template.name), starter.digest(template)
        if row is not None and row["digest"] == digest:
            continue
        said = await run.account.write(
            template if row is None else msgspec.structs.replace(template, remote_id=row["remote_id"])
        )
        if isinstance(said, Written):
            async with run.enter() as tx:
                await tx.run(queries.put_template, run.id, template.name, said.id, digest)
        elif isinstance(said, Rejected):
            log.info("marketing_template_refused", audience_id=str(run.id), template=template.name)
        else:
            return runs.stopped(said)
    return None


async def _reports(run: Run) -> Ended | None:
    """What became of campaigns, not oftener than once an hour."""
    is_due = run.reports_at is None or run.began_at - run.reports_at >= REPORTED_EVERY
    if not (run.is_asked_for and is_due):
        return None
    said = await run.account.reports()
    if not isinstance(said, Reports):
        return runs.stopped(said)
    async with run.enter() as tx:
        for one in said.reports:
            counts = (one.sends, one.opens, one.clicks, one.bounces, one.unsubscribes, one.complaints)
            await tx.run(queries.put_campaign, run.id, one.id, one.title[:300], one.sent_at, *counts)
        await tx.run(queries.reported, run.id)
    return None


async def _end(run: Run, ended: Ended, before: str) -> None:
    rest_s = 0.0
    if ended.word in ("later", "failed", "quota"):
        wait_s = min(BACKOFF_MAX_S, BACKOFF_S * 2 ** min(run.failures, 10))
        rest_s = ended.after_s if ended.after_s is not None else wait_s
        rest_s *= random.uniform(1.0, 1.25)  # noqa: S311 -- jitter, not a secret
    async with run.enter() as tx:
        asked = 0 if run.account is None else run.account.asked
        values = (ended.word, ended.reason[:1000], rest_s, _poll_s(run, ended, rest_s), asked, runs.today())
        await tx.run(queries.end_run, run.id, *values)
        if ended.is_more:
            await tx.value(queries.poke, [run.id], False, False)
        if run.account is not None:
            await run.account.tell(tx)
        await jobs.finish(tx, run.job)
    if ended.word != before:
        say: Any = log.info if ended.word in ("done", "held") else log.warning
        say("marketing_sync", audience_id=str(run.id), outcome=ended.word, was=before)


def _poll_s(run: Run, ended: Ended, rest_s: float) -> float:
    """When it is looked at again by itself."""
    if ended.word == "reconnect" or run.account is None:
        return RECONNECT_POLL_S
    return rest_s or float(run.account.poll_s) * random.uniform(0.9, 1.1)  # noqa: S311 -- jitter, not a secret
