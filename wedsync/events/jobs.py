"""The queue as a worker sees it: claim jobs, fetch what they need, say how they ended, keep their leases.

Every call is one round trip for a whole batch, through the service door, in a transaction of its own. All time is the
database's; a lease is fenced by its token, so whoever was slow changes nothing.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextvars import ContextVar
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import structlog

from wedsync.events import breakers
from wedsync.events.breakers import HostStanding, Standing
from wedsync.events.hints import Hints
from wedsync.events.retry import TRIES_MAX
from wedsync.kit import failpoints, sql
from wedsync.kit.breaker import Result
from wedsync.kit.db import Door, Row, Tx
from wedsync.kit.db_hosts import is_away

log = structlog.get_logger("jobs")

queries = sql.load("wedsync.events")

LEASE_S = 60.0
"""As `app.claim` and `app.heartbeat` give it; at least twice the longest try."""
BATCH_MAX = 96
PER_MIN = 100
"""Deliveries a minute to one destination, where neither it nor the operator says otherwise."""

_ENCODER = msgspec.json.Encoder()
_finished: ContextVar[dict[UUID, bool]] = ContextVar("finished")


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A leased job. `id` is the delivery's id for a delivery; `args` JSON text of work; `attempt` counts from 1."""

    id: UUID
    kind: str
    name: str
    lane: int
    tenant_id: UUID
    destination_id: UUID
    made_at: datetime
    event_id: UUID | None
    args: str | None
    attempt: int
    live_until: datetime | None
    expires_at: datetime | None
    lease_token: UUID
    is_ordered: bool
    traceparent: str | None = None
    event: str | None = None
    """Of a reaction that somebody waits for, which is claimed with it."""


class Payload(msgspec.Struct, frozen=True, kw_only=True):
    """What may leave now for one leased job; everything secret is still sealed.

    `event` is JSON in live form. Webhooks have `url`, `secret_sealed`, `old_secrets` (JSON `[{sealed, until}]`) and,
    where the endpoint has any, `credentials_sealed`; `as_new` marks a replay with an id of its own.
    Mails have a recipient: a person's `email`, a guest's `contact_sealed` (row `contact_id`), or only the `sealed`
    message itself (deliveries.sealed of the job's id). `link_id` is the link through which a supplier is told, `shape`
    the field map of the rule that took the event.
    """

    job: Job
    type: str
    event: str | None = None
    previous_seq: int | None = None
    replay_of: UUID | None = None
    url: str | None = None
    secret_sealed: bytes | None = None
    old_secrets: str | None = None
    recipient_kind: str | None = None
    recipient_id: UUID | None = None
    email: str | None = None
    contact_id: UUID | None = None
    contact_sealed: bytes | None = None
    sealed: bytes | None = None
    credentials_sealed: bytes | None = None
    as_new: bool | None = None
    link_id: UUID | None = None
    shape: str | None = None
    is_test: bool = False

    def __repr__(self) -> str:
        return f"Payload({self.job.kind} {self.job.id}, type={self.type!r})"


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """How one try ended: the type `app.ending` of the database, and what the try says about its destination (`result`)
    and that one's host (`is_reached`).
    """

    job: UUID
    lease: UUID
    kind: str
    made_at: datetime
    tenant: UUID
    destination: UUID
    number: int
    state: str
    reason: str
    delay_s: float
    expires_at: datetime | None
    close: str | None
    rest_s: float | None
    is_overrun: bool
    result: Result | None
    is_reached: bool | None
    outcome: str
    status: int | None
    detail: str
    response_head: str
    address: str
    resolve_ms: float | None
    first_byte_ms: float | None
    total_ms: float | None
    started_at: datetime
    is_well: bool | None
    request_headers: Mapping[str, str]


class Queue:
    """The service door's functions on jobs."""

    def __init__(
        self,
        door: Door,
        *,
        per_min: int = PER_MIN,
        published: Callable[[str], Awaitable[None]] | None = None,
        hints: Hints | None = None,
        prompt: Collection[str] = (),
    ) -> None:
        """`per_min`: the rate of destinations without one of their own. `published` hears what ends have recorded.
        `prompt`: reactions that are claimed with their event."""
        self._pool = door.pool
        self._per_min = per_min
        self._published = published
        self._prompt = sorted(prompt)
        self.hints = hints or Hints()

    async def claim(self, own: Sequence[int], shared: int) -> list[Job]:
        """Lease what is ready: up to `own[lane]` for each lane, critical first, and `shared` for any."""
        shunned = self.hints.shunned()
        rows = await self._pool.fetch(queries.claim, list(own), shared, self._per_min, shunned, self._prompt)
        failpoints.hit("after_claim")
        return [Job(**row) for row in rows]

    async def payloads(self, jobs: Sequence[Job]) -> list[Payload]:
        """What may still leave; a job that is missing was ended or put aside by the database. Work needs nothing, nor
        what was claimed with its event."""
        asked = [job for job in jobs if job.kind != "work" and job.event is None]
        rows = await self._pool.fetch(queries.payloads, *_ids(asked)) if asked else []
        failpoints.hit("after_load")
        by_id = {job.id: job for job in asked}
        works = [Payload(job=job, type="", event=job.event) for job in jobs if job.kind == "work" or job.event]
        return [*works, *(_payload(by_id, row) for row in rows)]

    async def complete(self, endings: Sequence[Ending]) -> set[UUID]:
        """Record how tries ended; returns the jobs whose lease had been lost meanwhile."""
        failpoints.hit("before_complete")
        told = _ENCODER.encode(endings).decode()
        rows = None
        if not breakers.is_any_bad(endings):
            rows = await self._pool.fetch(queries.complete, told, None, None)
        if rows is None or any(row["is_counted"] for row in rows):
            rows = await self._complete_judged(endings, told)
        failpoints.hit("after_complete")
        if self._published is not None:
            for row in rows:
                if row["nudge"] is not None:
                    await self._published(row["nudge"])
        return {row["job"] for row in rows if row["job"] is not None}

    async def _complete_judged(self, endings: Sequence[Ending], told: str) -> list[Any]:
        """With their destinations' breakers: locked, judged and written in the transaction that writes the ends."""
        ended = sorted({e.destination for e in endings if e.kind == "delivery"})
        closing = sorted({e.destination for e in endings if e.close is not None})
        async with self._pool.acquire() as connection, connection.transaction():
            rows = await connection.fetch(queries.breakers, ended, closing)
            bad = [e.job for e in endings if e.kind == "delivery" and e.result is not None and e.result.is_failure]
            live = {row[0] for row in await connection.fetch(queries.live_deliveries, bad)} if bad else set()
            standing = breakers.judged(rows, endings, live)
            hosts = await connection.fetch(queries.host_breakers, ended, breakers.bad(endings))
            shared = breakers.judged_hosts(hosts, endings)
            texts = (_ENCODER.encode(standing).decode(), _ENCODER.encode(shared).decode())
            told_rows: list[Any] = await connection.fetch(queries.complete, told, *texts)
        await self._tell_opened(standing, shared)
        return told_rows

    async def _tell_opened(self, standing: Sequence[Standing], hosts: Sequence[HostStanding]) -> None:
        for one in standing:
            if one.open_until is not None:
                log.warning("breaker_opened", destination_id=str(one.destination), pause_s=one.open_until - one.now_s)
        for host in hosts:
            if host.open_until is not None:
                log.warning("host_breaker_opened", host=host.host, pause_s=host.open_until - host.now_s)
        await self.hints.tell(standing, hosts)

    async def sweep(self, statement: str) -> int:
        """Have a noun's function do what waits of a merged reaction, and end it; returns how many jobs are done."""
        rows = await self._pool.fetch(statement)
        if self._published is not None:
            for row in rows:
                if row["nudge"] is not None:
                    await self._published(row["nudge"])
        return sum(row["done"] or 0 for row in rows)

    async def heartbeat(self, jobs: Sequence[Job]) -> set[UUID]:
        """Keep leases for another minute; returns the jobs that are still held."""
        return {row["job"] for row in await self._pool.fetch(queries.heartbeat, *_ids(jobs))}

    async def release(self, jobs: Sequence[Job]) -> None:
        """Give back what was not begun: it is ready at once and has burnt no attempt."""
        await self._pool.fetch(queries.release, *_ids(jobs))

    async def reclaim(self) -> int:
        """Take back leases that lapsed; returns how many."""
        lapsed: int = await self._pool.fetchval(queries.reclaim, TRIES_MAX)
        return lapsed

    async def vacate(self, seat: int) -> int:
        """Take back what whoever had this seat before still holds; returns how many."""
        freed: int = await self._pool.fetchval(queries.vacate, seat, TRIES_MAX)
        return freed

    async def expire(self) -> int:
        """End jobs whose time has passed; returns how many."""
        ended: int = await self._pool.fetchval(queries.expire)
        return ended


async def finish(tx: Tx, job: Job) -> None:
    """End a reaction or work inside the transaction of what it did. Raises Refusal 409 when the lease was lost."""
    failpoints.hit("before_finish")
    note_finished(job, is_waited=await tx.value(queries.finish_job, job.id, job.lease_token))


async def finish_by(tx: Tx, job: Job, statement: str, *values: Any) -> Row:
    """The same by a statement that does more, which calls `app.finish_job` and tells its word as `is_waited`."""
    failpoints.hit("before_finish")
    row = await tx.row(statement, *values)
    assert row is not None
    note_finished(job, is_waited=row["is_waited"])
    return row


async def finish_with(job: Job, asked: Callable[[], Awaitable[Row | None]]) -> bool:
    """End it together with others, by a statement of their own; `asked` tells `is_waited`, None where it goes on."""
    failpoints.hit("before_finish")
    row = await asked()
    if row is not None:
        note_finished(job, is_waited=row["is_waited"])
    return row is not None


def finish_last(tx: Tx, job: Job) -> None:
    """The same as the very last, in the round trip of the commit; it is taken for granted that others wait."""
    failpoints.hit("before_finish")
    tx.ends_job = (job.id, job.lease_token)
    note_finished(job, is_waited=True)


def note_finished(job: Job, *, is_waited: bool) -> None:
    """It has ended, or does with the transaction that is open."""
    _finished.get({})[job.id] = is_waited


def noting_finished() -> dict[UUID, bool]:
    """The jobs that end themselves from now on in the task that asks, and whether others wait for their destination."""
    finished: dict[UUID, bool] = {}
    _finished.set(finished)
    return finished


def is_passing(error: BaseException) -> bool:
    """Whether the database is only away, starting, full or crossed: the same call may work in a moment."""
    return is_away(error)


def _ids(jobs: Sequence[Job]) -> tuple[list[UUID], list[UUID]]:
    return [job.id for job in jobs], [job.lease_token for job in jobs]


def _payload(by_id: Mapping[UUID, Job], row: Any) -> Payload:
    values = dict(row)
    is_test = bool(values.pop("is_test"))
    return Payload(job=by_id[values.pop("job")], type=values.pop("type") or "", is_test=is_test, **values)
