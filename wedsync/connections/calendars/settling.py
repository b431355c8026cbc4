"""Brings ours and theirs together, event by event: takes over, writes there, or leaves it to people.

What is written there is kept only once it was accepted: after a crash in between the same is written once more, under
the same key or with the etag from before, and the provider says what it is.
"""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import msgspec

from wedsync.connections.calendars import conflicts, deciding, taking
from wedsync.connections.calendars.contract import Gone, Moved, Push, Pushed, ReadOnly
from wedsync.connections.calendars.deciding import Plan
from wedsync.connections.calendars.event import CalendarEvent, EventError, span
from wedsync.connections.calendars.kept import Dispute, Kept, creation_key, event_key
from wedsync.connections.calendars.ours import Ours, read
from wedsync.connections.calendars.run import Ended, Looked, Run, stopped
from wedsync.connections.contract import Outcome, Rejected
from wedsync.kit import sql
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import Refusal

queries = sql.load("wedsync.connections.calendars")
TOGETHER_MAX: Final = 200
"""Events of one run; the rest goes on in the next, so that others have their turn."""


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """`moved`: changed there meanwhile, to be pulled and decided anew. `ended`: it cannot go on."""

    moved: Sequence[UUID] = ()
    ended: Ended | None = None
    is_more: bool = False
    is_blind: bool = False


class One(msgspec.Struct, frozen=True, kw_only=True):
    """An event of ours that is to be looked at."""

    row: Row
    kept: Kept
    ours: Ours | None
    plan: Plan


async def settle(run: Run, leaving: Sequence[UUID] = ()) -> Settled:
    """All that is marked, but for `leaving`; one write there after the other."""
    if run.direction == "import":
        return Settled()
    looked, run.looked = run.looked, None
    if looked is None:
        async with run.join() as tx:
            looked = await look(tx, run, leaving)
    rows = looked.rows
    moved: list[UUID] = []
    is_blind = False
    for row in rows:
        one = _considered(run, row, looked.ours.get(row["ours_id"]))
        said = await _one(run, one)
        if isinstance(said, Ended):
            return Settled(moved=moved, ended=said)
        if isinstance(said, Moved):
            moved.append(row["id"])
        is_blind = is_blind or (isinstance(said, Pushed) and not said.etag)
    return Settled(moved=moved, is_more=len(rows) == TOGETHER_MAX, is_blind=is_blind)


async def look(tx: Tx, run: Run, leaving: Sequence[UUID] = ()) -> Looked:
    """What is marked, but for `leaving`. Whoever marks something from here on owes another run."""
    rows = await tx.rows(queries.dirty, run.id, list(leaving), TOGETHER_MAX)
    return Looked(rows=rows, ours=await read(tx, run.ring, run.tenant, run.wanted, rows))


def _considered(run: Run, row: Row, ours: Ours | None) -> One:
    kept = run.seals.kept(row["id"], row["sealed"])
    is_shown = run.wanted.has_bookings if row["kind"] == "booking" else run.wanted.has_schedule
    # What of a wedding is not given any more may be gone or withheld: nobody may be told which.
    is_withdrawn = not is_shown or (row["kind"] == "item" and not run.wanted.is_wedding)
    plan = deciding.plan(
        kept,
        row["state"],
        ours,
        direction=run.direction,
        policy=run.policy,
        verdict=row["verdict"],
        is_withdrawn=is_withdrawn,
        is_waiting=row["proposal_id"] is not None,
    )
    return One(row=row, kept=kept, ours=ours, plan=plan)


async def _one(run: Run, one: One) -> Pushed | Moved | Ended | None:
    """Take over first: what is refused here must not be agreed on there."""
    plan = one.plan
    if plan.take and one.ours is not None and one.kept.theirs is not None:
        try:
            await _take(run, one, one.ours, one.kept.theirs)
        except Refusal as refusal:
            if refusal.code == "lease_lost" or refusal.status == 503:
                raise
            async with run.enter() as tx:
                await _refused(tx, run, one, refusal.detail)
            return None
        run.counts.taken += 1
        if not plan.write:
            return None
    if not plan.write:
        async with run.enter() as tx:
            await _kept(tx, run, one, plan.kept, plan.state, etag=one.row["etag"])
        return None
    return await _write(run, one)


async def _take(run: Run, one: One, ours: Ours, theirs: CalendarEvent) -> None:
    """Their move and that it is agreed on, in one transaction."""
    row, plan = one.row, one.plan
    async with run.enter() as tx:
        # What else was to be written there is still to be, so that part waits until it was.
        kept = msgspec.structs.replace(plan.kept, theirs=theirs) if plan.write else plan.kept
        if row["kind"] == "booking":
            await _kept(tx, run, one, kept, plan.state, etag=row["etag"], is_dirty=plan.write)
            await taking.booking(tx, run, row["ours_id"], theirs)
            return
        proposal_id = await taking.item(tx, run, row["ours_id"], ours, theirs)
        if ours.link_id is not None:
            await tx.value(taking.ENTER_JOB, run.job.id, run.job.lease_token)
        if ours.link_id is not None or proposal_id is not None:
            kept = msgspec.structs.replace(kept, asked=ours.event)
        await _kept(tx, run, one, kept, plan.state, etag=row["etag"], is_dirty=plan.write, proposal_id=proposal_id)
        if ours.link_id is not None:
            await tx.value(taking.ENTER_LINK, run.job.id, run.job.lease_token, ours.link_id)


async def _write(run: Run, one: One) -> Pushed | Moved | Ended | None:
    row, plan = one.row, one.plan
    creation = _creation(one)
    remote_id = "" if plan.is_new else one.kept.remote_id
    if not plan.is_new and not remote_id:
        async with run.enter() as tx:
            await _kept(tx, run, one, plan.kept, plan.state, etag="")
        return None
    push = Push(
        calendar=run.remote.id,
        key=creation_key(row["id"], creation),
        marker=str(row["id"]),
        id=remote_id,
        etag="" if plan.is_new else row["etag"],
        event=plan.theirs,
        zone=run.zone,
    )
    said = await (await run.exchange()).push(push)
    return await _answered(run, one, said, remote_id=remote_id, creation=creation)


def _creation(one: One) -> int:
    """Which making of it this is: a try that follows no answer is the same one."""
    return int(one.row["creation"]) + (one.plan.is_new and one.row["state"] != "new")


async def _answered(
    run: Run,
    one: One,
    said: Pushed | Moved | Gone | ReadOnly | Outcome,
    *,
    remote_id: str,
    creation: int,
) -> Pushed | Moved | Ended | None:
    plan = one.plan
    if isinstance(said, Moved):
        return said
    if isinstance(said, Gone) and said.is_calendar:
        return Ended(word="gone", reason="The calendar is not there any more.")
    if isinstance(said, Pushed):
        run.counts.written += 1
        kept = msgspec.structs.replace(plan.kept, remote_id=said.id or remote_id)
        async with run.join() as tx:
            await _kept(tx, run, one, kept, plan.state, etag=said.etag, creation=creation, seen=run.progress.generation)
        return said
    async with run.enter() as tx:
        if isinstance(said, Gone):
            # Deleted there before the next pull could tell: decided anew as that.
            gone = Kept() if plan.theirs is None else msgspec.structs.replace(one.kept, theirs=None, remote_id="")
            state = plan.state if plan.theirs is None else one.row["state"]
            await _kept(tx, run, one, gone, state, etag="", is_dirty=plan.theirs is not None)
            return None if plan.theirs is None else Moved(reason="It is not there any more.")
        if isinstance(said, (ReadOnly, Rejected)):
            await _refused(tx, run, one, f"It cannot be changed there: {said.reason}")
            return None
    return stopped(said)


async def _refused(tx: Tx, run: Run, one: One, why: str) -> None:
    """Both sides stay as they are until somebody says which holds, or one of them changes."""
    row = one.row
    await _put(tx, run, one, one.kept, row["state"], etag=row["etag"], verdict="")
    await conflicts.keep(tx, run, row["id"], "refused", "times" if one.plan.take else "event", _dispute(one, why))


async def tangled(run: Run, event_ids: Sequence[UUID]) -> bool:
    """What was in the way each time it was to be written; whether some of it can be decided anew.

    One that is to be made and is there already, though no pull shows it, was made by a try whose answer we never had
    and was deleted there since: it cannot come back under that key, so it is treated as removed by them.
    """
    is_more = False
    async with run.enter() as tx:
        rows = await tx.rows(queries.dirty, run.id, [], TOGETHER_MAX)
        mine = [row for row in rows if row["id"] in event_ids]
        ours = await read(tx, run.ring, run.tenant, run.wanted, mine)
        for row in mine:
            one = _considered(run, row, ours.get(row["ours_id"]))
            if one.plan.is_new:
                kept = msgspec.structs.replace(one.plan.kept, theirs=None)
                made = _creation(one)
                await _put(tx, run, one, kept, "removed", etag="", creation=made, is_dirty=True, verdict=row["verdict"])
                is_more = True
            else:
                await _refused(tx, run, one, "It changes there all the time.")
    return is_more


async def _kept(
    tx: Tx,
    run: Run,
    one: One,
    kept: Kept,
    state: str,
    *,
    etag: str,
    creation: int | None = None,
    is_dirty: bool = False,
    proposal_id: UUID | None = None,
    seen: int | None = None,
) -> None:
    """What became of it, and the conflict that there is now or no more."""
    told: dict[str, Any] = {"creation": creation, "is_dirty": is_dirty, "proposal_id": proposal_id, "seen": seen}
    await _put(tx, run, one, kept, state, etag=etag, verdict="", **told)
    clash = one.plan.clash
    if clash is None:
        if one.row["is_disputed"]:
            await conflicts.end(tx, run, one.row["id"])
    else:
        await conflicts.keep(tx, run, one.row["id"], clash.kind, clash.about, _dispute(one, ""))


async def _put(
    tx: Tx,
    run: Run,
    one: One,
    kept: Kept,
    state: str,
    *,
    etag: str,
    verdict: str,
    creation: int | None = None,
    is_dirty: bool = False,
    proposal_id: UUID | None = None,
    seen: int | None = None,
) -> None:
    row = one.row
    waits = proposal_id
    if waits is None and one.ours is not None and kept.asked is not None and kept.asked == one.ours.event:
        waits = row["proposal_id"]
    first, last = times_of(kept.theirs, run.zone)
    made = row["creation"] if creation is None else creation
    values: tuple[Any, ...] = (
        *(state, event_key(run.id, kept.remote_id) if kept.remote_id else None, etag),
        *(run.seals.seal(kept, table="calendar_events", row=row["id"]), made),
        *(is_dirty, row["marks"], verdict, waits, first, last, seen),
    )
    await tx.run(queries.put_state, row["id"], *values)


def times_of(event: CalendarEvent | None, zone: str) -> tuple[Any, Any]:
    """From when to when it is there; a series has no end."""
    if event is None:
        return None, None
    try:
        first, last = span(event.times, calendar_zone=zone)
    except EventError:
        return None, None
    return first, None if event.rules else last


def _dispute(one: One, why: str) -> Dispute:
    return Dispute(ours=one.ours.event if one.ours else None, theirs=one.kept.theirs, why=why)
