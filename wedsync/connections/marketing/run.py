"""One run of an audience: what it knows, what it has done, and how a provider's word ends it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from wedsync.connections.contract import Outcome, ReconnectNeeded, RetryLater
from wedsync.connections.marketing.contract import Spent
from wedsync.connections.marketing.kept import Seals
from wedsync.events.jobs import Job
from wedsync.kit import clock
from wedsync.kit.db import Door, Row, Tx
from wedsync.kit.seal import KeyRing

Word = Literal["done", "held", "later", "quota", "failed", "reconnect"]


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """How a run ended. `after_s`: nothing is asked before; `is_more`: it goes on at once."""

    word: Word = "done"
    reason: str = ""
    after_s: float | None = None
    is_more: bool = False


class Run(msgspec.Struct, kw_only=True):
    """Everything a run needs. `door` and `job` make its transactions; `account` is opened before anything is asked."""

    door: Door
    job: Job
    ring: KeyRing
    seals: Seals
    id: UUID
    tenant: UUID
    connector: str
    business: str
    list_id: str
    has_templates: bool
    cursor: str
    pending: str
    pulls_wanted: int
    pulls_done: int
    hook_asked_at: datetime | None
    reports_at: datetime | None
    asked: int
    sharers: int
    failures: int
    began_at: datetime
    account: Any = None

    @asynccontextmanager
    async def enter(self) -> AsyncIterator[Tx]:
        """A transaction as the system of the supplier. Raises Refusal 409 where the job's lease was lost."""
        async with self.door.enter_job(self.job.id, self.job.lease_token) as tx:
            yield tx

    @property
    def is_asked_for(self) -> bool:
        """Whether somebody knows that it is time to ask there."""
        return self.pulls_wanted > self.pulls_done


def made(door: Door, job: Job, ring: KeyRing, row: Row) -> Run:
    """From the row of `begin`. What was asked yesterday counts no more."""
    return Run(
        door=door,
        job=job,
        ring=ring,
        seals=Seals(ring, row["tenant_id"]),
        id=row["id"],
        tenant=row["tenant_id"],
        connector=row["connector"],
        business=row["business"],
        list_id=row["list_id"],
        has_templates=row["has_templates"],
        cursor=row["cursor_at"],
        pending=row["pending"],
        pulls_wanted=row["pulls_wanted"],
        pulls_done=row["pulls_done"],
        hook_asked_at=row["hook_asked_at"],
        reports_at=row["reports_at"],
        asked=row["asked"] if row["asked_on"] == today() else 0,
        sharers=row["sharers"],
        failures=row["failures"],
        began_at=clock.now(),
    )


def today() -> date:
    """The day by which providers count what they allow, in UTC and in their time."""
    return clock.machine_now().date()


def stopped(outcome: Outcome | Spent) -> Ended:
    """What a word of the provider's means for the run. An allowance that is used up is no passing trouble."""
    if isinstance(outcome, Spent):
        return Ended(word="quota", reason=outcome.reason, after_s=outcome.after_s)
    if isinstance(outcome, ReconnectNeeded):
        return Ended(word="reconnect", reason=outcome.reason)
    if isinstance(outcome, RetryLater):
        return Ended(word="later", reason=outcome.reason, after_s=outcome.after_s)
    return Ended(word="failed", reason=getattr(outcome, "reason", "") or "The provider's answer says nothing.")
