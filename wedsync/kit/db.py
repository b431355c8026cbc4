"""The one door to PostgreSQL: a transaction entered as one actor in one tenant.

Nothing outside of this file holds a connection. `begin` and the entering go in one simple query, so an action costs
four round trips: enter, change, record, commit. Ids in that query are UUIDs by type, never text from outside.
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from copy import copy
from functools import partial
from typing import Any, Literal, Protocol, TypeAlias
from uuid import UUID

import asyncpg
import msgspec

from wedsync.kit import db_hosts, failpoints, traces
from wedsync.kit.absence import Absence
from wedsync.kit.actor import SYSTEM, Actor
from wedsync.kit.db_entering import as_uuid, person_of, suffix_of
from wedsync.kit.db_refusals import as_refusal
from wedsync.kit.errors import Refusal
from wedsync.kit.looks import ENTERED, Entered, Reads
from wedsync.kit.modes import Mode, Modes
from wedsync.kit.pools import Waiting
from wedsync.kit.traces import Span
from wedsync.kit.watch import Place

Row: TypeAlias = asyncpg.Record
Flush = Callable[["Tx"], Awaitable[str | None]]
Published = Callable[[str], Awaitable[None]]
Entering = AbstractAsyncContextManager["Tx"]


class Fact(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One changed row as `app.record` takes it: whole images; `concerns` narrows who must acknowledge."""

    type: str
    scope: int
    table: str
    id: UUID
    op: str
    record: msgspec.Raw | dict[str, Any] | None = None
    old: msgspec.Raw | dict[str, Any] | None = None
    version: int = 1
    link: UUID | None = None
    membership: UUID | None = None
    bulk: bool = False
    about: str | None = None
    summary: dict[str, Any] | None = None
    concerns: list[UUID] | None = None
    severity: Literal["high"] | None = None
    """One lane more urgent than its type, and for conditions to ask of."""
    ids: list[UUID] | None = None
    """Many rows inserted in this transaction, `id` the first of them: the database has their images."""


class Tx:
    """An open transaction. `facts` are what it will record before commit, `nudges` what is published after it."""

    def __init__(self, connection: asyncpg.Connection, actor: Actor, entered: Entered | None = None) -> None:
        self._connection = connection
        self._entered = entered
        self.actor = actor
        self.facts: list[Fact] = []
        self.nudges: list[str] = []
        self.ends_job: tuple[UUID, UUID] | None = None
        """The job and lease that end with the commit, in its round trip."""
        self.is_redone = False
        """Its job does it anew should a crash of the database undo it: nobody waits for the disk. What it records is
        promised to others, and never left to that."""

    def _touch(self, statement: str) -> None:
        if self._entered is not None:
            self._entered.touch(statement)

    async def home(self) -> UUID:
        """The entered tenant, where the path did not name it."""
        tenant: UUID = await self.value("select app.tenant()")
        return tenant

    async def rows(self, statement: str, *values: Any) -> list[Row]:
        """All rows."""
        self._touch(statement)
        return await self._connection.fetch(statement, *values)  # type: ignore[no-any-return]

    async def row(self, statement: str, *values: Any) -> Row | None:
        """The first row, or None."""
        self._touch(statement)
        return await self._connection.fetchrow(statement, *values)

    async def value(self, statement: str, *values: Any) -> Any:
        """The first column of the first row, or None."""
        self._touch(statement)
        return await self._connection.fetchval(statement, *values)

    async def run(self, statement: str, *values: Any) -> int:
        """Execute and return how many rows it touched."""
        status = await self._connection.execute(statement, *values)
        last = status.rsplit(" ", 1)[-1]
        return int(last) if last.isdigit() else 0

    async def plan_anew(self) -> None:
        """Forget this connection's plans: made for small tables, they would read ten thousand new rows row by row."""
        await self._connection.execute("discard plans")

    async def many(self, statement: str, values: Iterable[Sequence[Any]]) -> None:
        """Execute one statement for many value rows in one round trip."""
        await self._connection.executemany(statement, values)


class Guard(Protocol):
    """What else a request's transactions must do: as they begin, just before they record and commit, and afterwards."""

    async def begun(self, tx: Tx) -> None:
        """Entered; nothing is done yet. Raises Refusal to stop it here."""

    async def ending(self, tx: Tx) -> None:
        """All is done but recording: what is written now is in with the rest, or not at all."""

    def committed(self) -> None:
        """It is in."""


async def _no_reset(_: asyncpg.Connection) -> None:
    """Every path below commits or rolls back, so the pool's reset round trip would buy nothing."""


async def connect_pool(dsn: str, *, size: int, application: str, seat: int | None = None) -> asyncpg.Pool:
    """Open a pool for one door; must be called in the loop that uses it. `seat` is written into what it leases."""
    return await asyncpg.create_pool(
        dsn,
        min_size=min(2, size),
        max_size=size,
        reset=_no_reset,
        command_timeout=30,
        init=_plain_json,
        connect=db_hosts.connect,
        server_settings={
            "application_name": application,
            "search_path": "public",
            # Every statement is about one tenant given as a parameter. A plan for the parameter knows how large tenants
            # are on the whole; one for the value takes a tenant newer than the statistics for empty.
            "plan_cache_mode": "force_generic_plan",
            **({} if seat is None else {"app.seat": str(seat)}),
        },
    )


async def _plain_json(connection: asyncpg.Connection) -> None:
    """jsonb travels as text: images are passed on without being decoded; who needs values decodes them."""
    for kind in ("json", "jsonb"):
        await connection.set_type_codec(kind, schema="pg_catalog", encoder=_to_json, decoder=_as_is, format="text")


def _to_json(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _as_is(value: str) -> str:
    return value


class Door:
    """A pool with the ways to enter. `flush` records the facts before commit; `published` hears the nudge after."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        *,
        flush: Flush | None = None,
        published: Published | None = None,
        reads: Reads | None = None,
        modes: Modes | None = None,
    ) -> None:
        self._pool = pool
        self._modes = modes
        self._flush = flush
        self._published = published
        self._reads = reads
        self._guard: Guard | None = None
        self.waiting = Waiting()
        self._absence = Absence(pool, self.waiting)

    def guarded(self, guard: Guard) -> "Door":
        """The same door for one request whose transactions have a guard."""
        door = copy(self)
        door._guard = guard
        return door

    def regardless(self) -> "Door":
        """The same door for what goes on in read-only mode: signing in, and what the platform itself writes."""
        door = copy(self)
        door._modes = None
        return door

    @property
    def pool(self) -> asyncpg.Pool:
        """For health figures: size, idle, wait."""
        return self._pool

    def enter(self, actor: Actor, tenant: UUID) -> Entering:
        """Act in one tenant. Raises Refusal 404 where the actor has no standing, exactly as for an absent tenant."""
        call = f"select app.enter('{person_of(actor)}', '{as_uuid(tenant)}', {suffix_of(actor)})"
        return self._open(actor, call, ("tenant", str(tenant)))

    def enter_at(self, actor: Actor, table: str, id: UUID) -> Entering:
        """Act in the tenant that a flat path's id belongs to."""
        if not table.replace("_", "").isalpha():
            raise ValueError(table)
        call = f"select app.enter_at('{person_of(actor)}', '{table}', '{as_uuid(id)}', {suffix_of(actor)})"
        return self._open(actor, call, (table, str(id)))

    def enter_as(self, actor: Actor, wedding: UUID, link: UUID) -> Entering:
        """The couple sees its wedding exactly as one linked supplier does; nothing can be written."""
        call = f"select app.enter_as('{person_of(actor)}', '{as_uuid(wedding)}', '{as_uuid(link)}')"
        return self._open(actor, call, ("tenant", str(wedding)))

    def enter_opening(self, actor: Actor, look: UUID) -> Entering:
        """Read the wedding that is open to an operator, by a look that is on record; nothing can be written."""
        return self._open(actor, f"select app.enter_opening('{person_of(actor)}', '{as_uuid(look)}')")

    def enter_pass(self, purpose: str, token_hash: bytes) -> Entering:
        """Act as whoever holds a pass. Raises Refusal 404 for an unknown one and 410 for a late or revoked one."""
        if not purpose.isalpha():
            raise ValueError(purpose)
        call = f"select app.enter_pass('{purpose}', '\\x{token_hash.hex()}')"
        return self._open(Actor(kind="guest"), call, ("pass", token_hash.hex()))

    def enter_feed(self, feed: UUID, wedding: UUID | None = None) -> Entering:
        """Read what a feed shows, in its home or in one wedding. Raises Refusal 404, and 410 for one that ended."""
        into = "null" if wedding is None else f"'{as_uuid(wedding)}'"
        return self._open(Actor(kind="guest"), f"select app.enter_feed('{as_uuid(feed)}', {into})")

    def enter_job(self, job: UUID, lease: UUID, cause: UUID | None = None) -> Entering:
        """Act as the system in the tenant of a leased job; what follows from an event has the event's cause."""
        caused = "" if cause is None else f"; select app.enter_cause('{as_uuid(cause)}')"
        return self._open(SYSTEM, f"select app.enter_job('{as_uuid(job)}', '{as_uuid(lease)}'){caused}")

    def bare(self, actor: Actor) -> Entering:
        """No tenant: every policy sees nothing; only definer functions answer. They may enter by themselves."""
        return self._open(actor, "")

    async def ask(self, statement: str, *values: Any) -> Row | None:
        """One row of a definer function, outside any tenant: alone it is its own transaction, so one round trip.

        It is asked again where the connection was cut under way: nothing for what may not happen twice.
        """
        rows = await self.ask_all(statement, *values)
        return rows[0] if rows else None

    async def ask_all(self, statement: str, *values: Any) -> list[Row]:
        """The same, all rows."""
        found: list[list[Row]] = []

        async def ask(connection: asyncpg.Connection) -> None:
            try:
                found.append(await connection.fetch(statement, *values))
            except asyncpg.PostgresError as error:
                raise as_refusal(error) from error

        async with self._absence.lent(ask):
            return found[-1]

    async def keep_watch(self, reads: str, notes: str) -> None:
        """Write what a process watched: `Watch.flush` is given this."""
        async with self.regardless().bare(SYSTEM) as tx:
            await tx.value("select app.keep_watch($1, $2)", reads, notes)

    async def count_calls(self, writer: UUID, batch: int, calls: str) -> None:
        """Write a batch of counted calls: `Meter.flush` is given this."""
        async with self.regardless().bare(SYSTEM) as tx:
            await tx.value("select app.count_calls($1, $2, $3)", writer, batch, calls)

    @asynccontextmanager
    async def _open(self, actor: Actor, entering: str, place: Place | None = None) -> AsyncIterator[Tx]:
        mode = None if self._modes is None else self._modes.read_only
        span = _traced()
        entered = Entered(self._reads) if self._reads is not None and entering else None
        begin = partial(_start, entering=entering, place=place, mode=mode, span=span, entered=entered)
        async with self._absence.lent(begin) as connection:
            tx = Tx(connection, actor, entered)
            try:
                if self._guard is not None:
                    await self._guard.begun(tx)
                yield tx
                await self._end(tx)
                await connection.execute(commit_of(tx))
            except BaseException as error:
                await _roll_back(connection)
                refusal = as_refusal(error, mode)
                if entered is not None and isinstance(refusal, Refusal) and refusal.extra:
                    entered.count()  # it shows the row as it is now, so this was a look
                _told(span, tx, refusal)
                raise _placed(refusal, place, statuses=(403,)) from error
            finally:
                _stop_hearing(connection, entered)
            _told(span, tx)
            if self._guard is not None:
                self._guard.committed()
            failpoints.hit("after_commit")
        if entered is not None:
            entered.count()
        if self._published is not None:
            for nudge in tx.nudges:
                await self._published(nudge)

    async def _end(self, tx: Tx) -> None:
        """The guard comes first: it may have to wait, and recording holds the streams' locks until the commit."""
        if self._guard is not None:
            await self._guard.ending(tx)
        if tx.facts and self._flush is not None:
            nudge = await self._flush(tx)
            if nudge:
                tx.nudges.append(nudge)


def _traced() -> Span | None:
    doing = traces.current()
    return None if doing is None else doing.child("transaction", "client")


def _told(span: Span | None, tx: Tx, error: BaseException | None = None) -> None:
    """The facts are told by their types; a refusal is an answer and no fault."""
    if span is None:
        return
    at_ns = time.time_ns()
    span.say({"db.system.name": "postgresql", "wedsync.facts": len(tx.facts) or None})
    span.events.extend((fact.type, at_ns) for fact in tx.facts[: traces.FACTS_MAX] if error is None)
    if isinstance(error, Refusal):
        span.say({"wedsync.refused": error.code})
    elif error is not None:
        span.fail(type(error).__name__)
    span.end()


def _stop_hearing(connection: asyncpg.Connection, entered: Entered | None) -> None:
    if entered is not None:
        connection.remove_log_listener(entered.hear)


async def _start(
    connection: asyncpg.Connection,
    *,
    entering: str,
    place: Place | None,
    mode: Mode | None,
    span: Span | None,
    entered: Entered | None,
) -> None:
    if entered is not None:
        connection.add_log_listener(entered.hear)
    # The jobs that the transaction owes take its span over, by the default of their column.
    traced = "" if span is None else f" set local trace.parent = '{span.traceparent}';"
    try:
        await connection.execute(f"begin{' read only' if mode else ''};{traced} {entering}")
    except BaseException as error:
        try:
            await _roll_back(connection)
        finally:
            _stop_hearing(connection, entered)
        raise _placed(as_refusal(error, mode), place, statuses=(403, 404, 410)) from error
    heard = ENTERED.get()
    if heard is not None and place is not None:
        heard(place)


def _placed(error: BaseException, place: Place | None, *, statuses: Sequence[int]) -> BaseException:
    """A refusal of access knows where it was; a row that is absent inside a tenant one may enter is none."""
    if isinstance(error, Refusal) and error.place is None and error.status in statuses:
        error.place = place
    return error


def commit_of(tx: Tx) -> str:
    """What ends it well."""
    end = "set local synchronous_commit = off; commit" if tx.is_redone and not (tx.facts or tx.nudges) else "commit"
    if tx.ends_job is None:
        return end
    job, lease = map(as_uuid, tx.ends_job)
    return f"select app.finish_job('{job}', '{lease}'); {end}"


async def _roll_back(connection: asyncpg.Connection) -> None:
    if not connection.is_closed():
        await connection.execute("rollback")
