"""One run of the sync of one CRM: what it knows, and what it has done so far."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from wedsync.connections.contract import Outcome, ReconnectNeeded, RetryLater
from wedsync.connections.records import waiting
from wedsync.connections.records.contract import Gone, ReadOnly
from wedsync.connections.records.fields import Compiled, MapRule, compiled
from wedsync.connections.records.kept import Seals
from wedsync.connections.records.record import Field
from wedsync.connections.records.remote import Outlet, Session
from wedsync.events.jobs import Job
from wedsync.kit import clock
from wedsync.kit.db import Door, Row, Tx
from wedsync.kit.seal import KeyRing

Word = Literal["done", "held", "later", "failed", "reconnect", "read_only"]


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """How a run ended. `after_s`: nothing is asked before; `is_more`: it goes on at once."""

    word: Word = "done"
    reason: str = ""
    after_s: float | None = None
    is_more: bool = False


class Counts(msgspec.Struct, kw_only=True):
    """What a run did."""

    pulled: int = 0
    added: int = 0
    taken: int = 0
    written: int = 0
    conflicts: int = 0
    unread: int = 0


class Run(msgspec.Struct, kw_only=True):
    """Everything a run needs. `door` and `job` make its transactions. `is_read_only`: the provider has refused a write
    because the account only reads; `is_unsettled`: some record is to be looked at once more; `is_safe`: a wedding of
    the business is on, and what is not urgent waits.

    `hints` are ids that hooks have named; `waits` those that were not there when they were read.
    `map` is null where records are as their connector reads them. `named` are its fields whose place was in a record
    that was read, `unnamed` counts the records in which it was not although it had been.
    """

    door: Door
    job: Job
    ring: KeyRing
    seals: Seals
    id: UUID
    tenant: UUID
    connector: str
    direction: Literal["import", "both", "send"]
    cursor: str
    hints: list[str]
    waits: dict[str, waiting.Wait]
    pulls_wanted: int
    pulls_done: int
    may_sweep: bool
    swept_at: datetime | None
    hook_asked_at: datetime | None
    failures: int
    is_safe: bool
    map: Compiled | None
    map_version: int
    mapped_version: int
    missing: frozenset[str]
    began_at: datetime
    counts: Counts
    account: Session | None = None
    outlet: Outlet | None = None
    is_read_only: bool = False
    is_unsettled: bool = False
    named: set[Field] = msgspec.field(default_factory=set)
    unnamed: Counter[Field] = msgspec.field(default_factory=Counter)

    @property
    def is_named(self) -> bool:
        """Whether there is something to be read because a hook has named it."""
        return bool(self.hints or waiting.due(self.waits, self.began_at))

    @property
    def session(self) -> Session:
        """Raises LookupError before it is opened."""
        if self.account is None:
            raise LookupError("the account is not opened")
        return self.account

    @property
    def opened(self) -> Session | Outlet:
        """Either way it was opened. Raises LookupError before."""
        return self.session if self.outlet is None else self.outlet

    @property
    def writes(self) -> frozenset[Field]:
        """What may be written there: nothing while it is only read."""
        return self.session.writes if self.direction == "both" else frozenset()

    @asynccontextmanager
    async def enter(self) -> AsyncIterator[Tx]:
        """A transaction as the system in the book's tenant. Raises Refusal 409 where the job's lease was lost."""
        async with self.door.enter_job(self.job.id, self.job.lease_token) as tx:
            yield tx


def made(door: Door, job: Job, ring: KeyRing, row: Row) -> Run:
    """From the row of `begin`."""
    seals = Seals(ring, row["tenant_id"])
    cursor = ""
    rules = msgspec.json.decode(row["rules"], type=tuple[MapRule, ...])
    if row["cursor_sealed"] is not None:
        cursor = seals.open(row["cursor_sealed"], str, table="record_progress", row=row["id"], column="cursor_sealed")
    return Run(
        door=door,
        job=job,
        ring=ring,
        seals=seals,
        id=row["id"],
        tenant=row["tenant_id"],
        connector=row["connector"],
        direction=row["direction"],
        cursor=cursor,
        hints=list(row["hints"]),
        waits=waiting.read(row["waits"]),
        pulls_wanted=row["pulls_wanted"],
        pulls_done=row["pulls_done"],
        may_sweep=row["may_sweep"],
        swept_at=row["swept_at"],
        hook_asked_at=row["hook_asked_at"],
        failures=row["failures"],
        is_safe=row["is_safe"],
        map=compiled(rules, may_write=True, version=row["map_version"]) if rules else None,
        map_version=row["map_version"],
        mapped_version=row["mapped_version"],
        missing=frozenset(row["missing"]),
        began_at=clock.now(),
        counts=Counts(),
    )


def stopped(outcome: Outcome | ReadOnly | Gone) -> Ended:
    """What a word of the provider's means for the run."""
    if isinstance(outcome, ReconnectNeeded):
        return Ended(word="reconnect", reason=outcome.reason)
    if isinstance(outcome, RetryLater):
        return Ended(word="later", reason=outcome.reason, after_s=outcome.after_s)
    if isinstance(outcome, ReadOnly):
        return Ended(word="read_only", reason=outcome.reason)
    return Ended(word="failed", reason=getattr(outcome, "reason", "") or "The provider's answer says nothing.")
