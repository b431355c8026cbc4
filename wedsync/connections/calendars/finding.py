"""The job that looks which calendars an account has. Each becomes a row that is off until somebody chooses it."""

from typing import Any, Final
from uuid import UUID, uuid4

import msgspec

from wedsync.connections.calendars import facts
from wedsync.connections.calendars.contract import RemoteCalendar
from wedsync.connections.calendars.event import EventError, known_zone
from wedsync.connections.calendars.kept import Named, Seals
from wedsync.connections.calendars.remote import Remote, Where
from wedsync.connections.contract import ReconnectNeeded, RetryLater
from wedsync.events import jobs
from wedsync.events.jobs import Job
from wedsync.events.record import record
from wedsync.kit import sql
from wedsync.kit.db import Door, Row, Tx
from wedsync.kit.errors import Refusal
from wedsync.kit.seal import KeyRing

queries = sql.load("wedsync.connections.calendars")
WORK: Final = "calendars.find"
CALENDARS_MAX: Final = 200
TITLE_MAX: Final = 300


class Args(msgspec.Struct, frozen=True):
    """What the job says."""

    connection_id: UUID


async def find(door: Door, job: Job, ring: KeyRing, remote: Remote) -> None:
    """Raises Refusal 503 where the account does not answer: the job is tried again."""
    connection_id = msgspec.json.decode(job.args or "{}", type=Args).connection_id
    async with door.enter_job(job.id, job.lease_token) as tx:
        connector = await tx.value(queries.connector_of, connection_id)
        if connector is None:
            await jobs.finish(tx, job)
            return
    account = await remote.open(Where(connection_id=connection_id, tenant=job.tenant_id, connector=connector), door)
    if isinstance(account, (ReconnectNeeded, RetryLater)):
        await _given_up(door, job, account)
        return
    said = await account.calendars()
    if not isinstance(said, tuple):
        await _given_up(door, job, said)
        return
    async with door.enter_job(job.id, job.lease_token) as tx:
        await put(tx, Seals(ring, job.tenant_id), connection_id, said[:CALENDARS_MAX])
        await account.tell(tx)
        await jobs.finish(tx, job)


async def put(tx: Tx, seals: Seals, connection_id: UUID, found: tuple[RemoteCalendar, ...]) -> None:
    """New ones are added, known ones brought up to date; one that is there no more says so."""
    rows = await tx.rows(queries.of_connection, connection_id)
    known = {seals.named(row["id"], row["sealed"]).id: row for row in rows}
    for one in found:
        named = Named(id=one.id, title=" ".join(one.title.split())[:TITLE_MAX])
        row = known.pop(one.id, None)
        if row is None:
            calendar_id = uuid4()
            sealed = seals.seal(named, table="calendars", row=calendar_id)
            key = seals.calendar_key(one.id)
            given = (key, sealed, _zone(one.zone), one.is_writable, one.is_primary)
            added: Any = await tx.row(queries.add_calendar, calendar_id, connection_id, *given)
            record(tx, facts.FOUND, op="INSERT", row=added)
            await tx.run(queries.add_progress, calendar_id)
        else:
            await _update(tx, seals, row, named, one)
    for row in known.values():
        if row["is_there"]:
            gone: Any = await tx.row(queries.calendar_is_gone, row["id"])
            record(tx, facts.CHANGED, op="UPDATE", row=gone)


async def _update(tx: Tx, seals: Seals, row: Row, named: Named, one: RemoteCalendar) -> None:
    told = (_zone(one.zone), one.is_writable, one.is_primary, True)
    before = (row["zone"], row["is_writable"], row["is_primary"], row["is_there"])
    if told == before and seals.named(row["id"], row["sealed"]) == named:
        return
    sealed = seals.seal(named, table="calendars", row=row["id"])
    changed: Any = await tx.row(queries.refresh_calendar, row["id"], sealed, *told[:3])
    record(tx, facts.CHANGED, op="UPDATE", row=changed)


async def _given_up(door: Door, job: Job, said: Any) -> None:
    """A person must mend the connection first; or it is tried again."""
    if not isinstance(said, ReconnectNeeded):
        raise Refusal(503, "provider_away", getattr(said, "reason", "") or "The provider does not answer.")
    async with door.enter_job(job.id, job.lease_token) as tx:
        await jobs.finish(tx, job)


def _zone(name: str) -> str:
    try:
        return known_zone(name).key
    except EventError:
        return "UTC"
