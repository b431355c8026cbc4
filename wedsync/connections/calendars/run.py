"""One run of the sync of one calendar: what it knows, and what it has done so far."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

import msgspec

from wedsync.connections.calendars.kept import Named, Seals
from wedsync.connections.calendars.merge import Direction, Policy
from wedsync.connections.calendars.ours import Ours, Wanted
from wedsync.connections.calendars.remote import Session
from wedsync.connections.contract import Outcome, ReconnectNeeded, RetryLater
from wedsync.events.jobs import Job
from wedsync.kit import clock
from wedsync.kit.db import Door, Row, Tx
from wedsync.kit.seal import KeyRing

PAST: Final = timedelta(days=31)
AHEAD: Final = timedelta(days=550)
"""What is known of a calendar: a month back, a year and a half ahead."""
LISTED_EVERY: Final = timedelta(days=7)
"""As time goes by the window moves, and what a provider forgot to tell is found."""
Word = Literal["done", "held", "later", "failed", "reconnect", "gone"]


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """How a run ended. `after_s`: nothing is asked before; `is_more`: it goes on at once; `is_over`: so has its job."""

    word: Word = "done"
    reason: str = ""
    after_s: float | None = None
    is_more: bool = False
    is_over: bool = False


class Counts(msgspec.Struct, kw_only=True):
    """What a run did."""

    pulled: int = 0
    taken: int = 0
    written: int = 0
    conflicts: int = 0
    unread: int = 0

    @property
    def numbers(self) -> tuple[int, int, int, int, int]:
        return self.pulled, self.taken, self.written, self.conflicts, self.unread


class Progress(msgspec.Struct, kw_only=True):
    """How far it is; as `calendar_progress`, which each transaction of the run keeps up with. `is_safe`: its wedding is
    on, and what is not urgent waits. `unread`: by the listing that goes on, its earlier runs included."""

    cursor: str
    generation: int
    is_listing: bool
    listed_at: datetime | None
    expanded_until: datetime | None
    pulls_wanted: int
    pulls_done: int
    may_sweep: bool
    failures: int
    unread: int
    is_safe: bool = False


class Looked(msgspec.Struct, frozen=True, kw_only=True):
    """What is marked, and ours of it as it stands."""

    rows: Sequence[Row]
    ours: Mapping[UUID, Ours]


class Run(msgspec.Struct, kw_only=True):
    """Everything a run needs. `door` and `job` make its transactions; `looked` is what its first one saw already.

    `end_together` ends it with others, where all was well when it began: it is given the sealed cursor and what it may
    bring (key and etag) of a page that is not kept yet, and tells whether the run and its job have ended.
    """

    door: Door
    job: Job
    ring: KeyRing
    seals: Seals
    id: UUID
    tenant: UUID
    connection_id: UUID
    connector: str
    name: str
    remote: Named
    zone: str
    direction: Direction
    policy: Policy
    wanted: Wanted
    progress: Progress
    began_at: datetime
    counts: Counts
    account: Session | None = None
    looked: Looked | None = None
    end_together: Callable[[bytes | None, Sequence[tuple[bytes, str]]], Awaitable[bool]] | None = None
    open_tx: Tx | None = None
    opened: AbstractAsyncContextManager[Tx] | None = None

    @property
    def session(self) -> Session:
        """Raises LookupError before it is opened."""
        if self.account is None:
            raise LookupError("the account is not opened")
        return self.account

    @property
    def is_pull_wanted(self) -> bool:
        """Whether somebody knows of a change there."""
        return self.progress.pulls_wanted > self.progress.pulls_done

    @property
    def window(self) -> tuple[datetime, datetime]:
        return self.began_at - PAST, self.began_at + AHEAD

    @property
    def cursor_for(self) -> str:
        """What the cursor was asked with: the calendar's zone decides what its floating times are."""
        return f"1|{self.zone}"

    @property
    def source(self) -> str:
        """The calendar among the sources of busy times."""
        return f"calendar:{self.id}"

    @property
    def brings_busy(self) -> bool:
        """Whether their events are busy time of ours: of a supplier, unless it is only written to."""
        return not self.wanted.is_wedding and self.direction != "export"

    @asynccontextmanager
    async def enter(self) -> AsyncIterator[Tx]:
        """A transaction as the system in the calendar's tenant. Raises Refusal 409 where the job's lease was lost."""
        await self.commit()
        async with self.door.enter_job(self.job.id, self.job.lease_token) as tx:
            tx.is_redone = True
            yield tx

    @asynccontextmanager
    async def join(self) -> AsyncIterator[Tx]:
        """The same, and what follows at once joins it: it is open until `commit`, `exchange` or the next `enter`."""
        if self.open_tx is None:
            self.opened = self.door.enter_job(self.job.id, self.job.lease_token)
            self.open_tx = await self.opened.__aenter__()
            self.open_tx.is_redone = True
        try:
            yield self.open_tx
        except BaseException as error:
            await self.abandon(error)
            raise

    async def commit(self) -> None:
        """What is open is in, or its error is raised."""
        opened, self.opened, self.open_tx = self.opened, None, None
        if opened is not None:
            await opened.__aexit__(None, None, None)

    async def abandon(self, error: BaseException) -> None:
        """What is open is undone, and the error raised as the door tells it."""
        opened, self.opened, self.open_tx = self.opened, None, None
        if opened is not None:
            await opened.__aexit__(type(error), error, error.__traceback__)

    async def exchange(self) -> Session:
        """For an exchange with the provider: nothing is open while it lasts."""
        await self.commit()
        return self.session


def made(door: Door, job: Job, ring: KeyRing, row: Row) -> Run:
    """From the row of `begin`."""
    seals = Seals(ring, row["tenant_id"])
    wanted = Wanted(
        has_bookings=row["has_bookings"],
        has_schedule=row["has_schedule"],
        resource_id=row["resource_id"],
        is_wedding=row["home"] == "wedding",
    )
    run = Run(
        door=door,
        job=job,
        ring=ring,
        seals=seals,
        id=row["id"],
        tenant=row["tenant_id"],
        connection_id=row["connection_id"],
        connector=row["connector"],
        name=row["title"] or row["connector"].replace("_", " ").capitalize(),
        remote=seals.named(row["id"], row["sealed"]),
        zone=row["zone"],
        direction=row["direction"],
        policy=row["policy"],
        wanted=wanted,
        progress=_progress(row),
        began_at=clock.now(),
        counts=Counts(),
    )
    if row["cursor_sealed"] is not None and row["cursor_for"] == run.cursor_for:
        place: Any = {"table": "calendar_progress", "row": run.id, "column": "cursor_sealed"}
        run.progress.cursor = seals.open(row["cursor_sealed"], str, **place)
    return run


def _progress(row: Row) -> Progress:
    return Progress(
        cursor="",
        generation=row["generation"],
        is_listing=row["is_listing"],
        listed_at=row["listed_at"],
        expanded_until=row["expanded_until"],
        pulls_wanted=row["pulls_wanted"],
        pulls_done=row["pulls_done"],
        may_sweep=row["may_sweep"],
        failures=row["failures"],
        unread=row["unread"],
        is_safe=row["is_safe"],
    )


def stopped(outcome: Outcome) -> Ended:
    """What a word of the provider's means for the run."""
    if isinstance(outcome, ReconnectNeeded):
        return Ended(word="reconnect", reason=outcome.reason)
    if isinstance(outcome, RetryLater):
        return Ended(word="later", reason=outcome.reason, after_s=outcome.after_s)
    return Ended(word="failed", reason=getattr(outcome, "reason", "") or "The provider's answer says nothing.")
