"""Brings our clients and their records together, one by one: adds, takes over, writes there, or leaves it to people.

What is written there is kept only once it was accepted: after a crash in between the same is written once more, and the
provider finds that it says so already. What was taken over or written is remembered with the client's version, so that
it is nobody's change when it comes back.
"""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import msgspec

from wedsync.clients import actions as clients
from wedsync.clients import sealed as client_seals
from wedsync.clients.matching import is_same
from wedsync.clients.model import Details, NewClient
from wedsync.connections.contract import Rejected, Unknown
from wedsync.connections.records import conflicts, couples, facts, galleries, housing, people
from wedsync.connections.records.contract import Gone, Moved, Push, Pushed, ReadOnly
from wedsync.connections.records.kept import Dispute, Kept
from wedsync.connections.records.mapped import heard
from wedsync.connections.records.merge import Decision, Sides, changed, decide
from wedsync.connections.records.record import FIELDS, Record, checked
from wedsync.connections.records.run import Ended, Run, stopped
from wedsync.kit import sql
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import Refusal

queries = sql.load("wedsync.connections.records")
TOGETHER_MAX: Final = 200
"""Records of one run; the rest goes on in the next, so that others have their turn."""
READ_ONLY: Final = "This account only reads: give us a key that may write, or choose to only read."


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """`moved`: changed there meanwhile, to be read and decided anew. `ended`: it cannot go on."""

    moved: Sequence[str] = ()
    ended: Ended | None = None
    is_more: bool = False


class One(msgspec.Struct, frozen=True, kw_only=True):
    """A record that is to be looked at, and its client if it has one."""

    row: Row
    kept: Kept
    ours: Record | None
    joined: Row | None = None

    @property
    def is_dated(self) -> bool:
        """Whether the couple has set its date on WedSync."""
        return self.joined is not None and self.joined["on"] is not None


async def settle(run: Run, leaving: Sequence[UUID] = ()) -> Settled:
    """All that is marked, but for `leaving`; one after the other."""
    async with run.enter() as tx:
        rows = await tx.rows(queries.dirty, run.id, list(leaving), TOGETHER_MAX)
        of = [row["client_id"] for row in rows if row["client_id"] is not None]
        joined = {row["client_id"]: row for row in (await tx.rows(queries.joined, of) if of else ())}
    moved: list[str] = []
    stopped_by: Ended | None = None
    for row in rows:
        one = _considered(run, row, joined)
        said = await _one(run, one)
        if isinstance(said, Ended):
            # What is not to be written can still be taken over.
            stopped_by = said
            if not run.is_read_only:
                break
        if isinstance(said, Moved):
            moved.append(one.kept.remote_id)
        if said is None and one.joined is not None and one.kept.uses != one.kept.given:
            await housing.give(run, row["id"], one.joined["link_id"])
        if said is None and one.kept.contacts != one.kept.named:
            await people.name(run, row["id"])
    if stopped_by is None or run.is_read_only:
        await galleries.hang(run)
    return Settled(moved=moved, ended=stopped_by, is_more=len(rows) == TOGETHER_MAX)


def _considered(run: Run, row: Row, joined: dict[UUID, Row]) -> One:
    kept = run.seals.kept(row["id"], row["sealed"])
    client_id = row["client_id"]
    if client_id is None:
        return One(row=row, kept=kept, ours=None)
    details = client_seals.unseal(run.ring, run.tenant, client_id, row["client_sealed"])
    couple = joined.get(client_id)
    on = row["wedding_on"] if couple is None or couple["on"] is None else couple["on"]
    return One(row=row, kept=kept, ours=record_of(details, row["stage"], on), joined=couple)


def record_of(details: Details, stage: Any, on: Any) -> Record:
    """A client as it is compared: in the same words as theirs."""
    words = {name: getattr(details, name) for name in FIELDS if name not in ("stage", "wedding_on")}
    return checked(Record(stage=stage, wedding_on=on, **words))


async def _one(run: Run, one: One) -> Moved | Ended | None:
    row, kept = one.row, one.kept
    if row["state"] == "left":
        await _leave(run, one, "left")
        return None
    if one.ours is None:
        return await _without_client(run, one)
    if kept.theirs is None:
        await _removed(run, one)
        return None
    return await _both(run, one, one.ours, kept.theirs)


async def _leave(run: Run, one: One, state: str) -> None:
    """Nothing is to be done about it."""
    async with run.enter() as tx:
        await _put(tx, run, one, one.kept, state=state)
        await conflicts.end(tx, run, one.row["id"])


async def _without_client(run: Run, one: One) -> Ended | None:
    """A record that is no client: it becomes one, unless it is over before we knew it, or its client was removed."""
    theirs = one.kept.theirs
    if theirs is None or one.kept.base is not None:
        await _leave(run, one, "left")
        return None
    if theirs.stage == "cancelled":
        await _leave(run, one, "passed")
        return None
    try:
        async with run.enter() as tx:
            await clients.hold(tx)
            client_id = await _alike(tx, run, one, theirs)
            if client_id is None:
                client_id = await _added(tx, run, one.kept.remote_id, theirs)
                base: Record | None = theirs
                run.counts.added += 1
            else:
                base = None
            version = (await _client(tx, client_id))["version"] if base is not None else 0
            kept = msgspec.structs.replace(one.kept, base=base)
            # One that was there already is brought together with it by the next look.
            run.is_unsettled = run.is_unsettled or base is None
            await _put(tx, run, one, kept, client_id=client_id, version=version, is_dirty=base is None, state="there")
            await conflicts.end(tx, run, one.row["id"])
    except Refusal as refusal:
        await _refused(run, one, refusal)
    return None


async def _alike(tx: Tx, run: Run, one: One, theirs: Record) -> UUID | None:
    """The client that this record is: one that came with a list of the same CRM, or one that is the same couple."""
    found = await tx.value(queries.by_external_id, run.id, run.connector, one.kept.remote_id)
    if found is not None:
        return UUID(str(found))
    details = details_of(theirs)
    wanted = client_seals.wanted(run.ring, run.tenant, details)
    for row in await tx.rows(queries.alike, run.id, wanted, theirs.wedding_on):
        there = client_seals.unseal(run.ring, run.tenant, row["id"], row["sealed"])
        if is_same(details, theirs.wedding_on, there, row["wedding_on"]):
            same: UUID = row["id"]
            return same
    return None


def details_of(record: Record) -> Details:
    """The words of a record as a client holds them."""
    return Details(**{name: getattr(record, name) for name in FIELDS if name not in ("stage", "wedding_on")})


async def _added(tx: Tx, run: Run, remote_id: str, theirs: Record) -> UUID:
    words = msgspec.structs.asdict(theirs)
    new = NewClient(**words, source=run.connector, external_id=remote_id[:200], is_another=True)
    return await clients.add(tx, run.ring, new)


async def _removed(run: Run, one: One) -> None:
    """They deleted it. Nothing of ours goes with it: people say what becomes of the client."""
    row = one.row
    async with run.enter() as tx:
        if row["verdict"] == "theirs":
            await clients.change(tx, run.ring, row["client_id"], {"stage": "cancelled"})
        if row["verdict"]:
            await _put(tx, run, one, one.kept, version=0, state="left")
            await conflicts.end(tx, run, row["id"])
            return
        await _put(tx, run, one, one.kept, version=row["version"], state="removed")
        await conflicts.keep(tx, run, row["id"], row["client_id"], "removed", "", Dispute(ours=one.ours))


async def _both(run: Run, one: One, ours: Record, theirs: Record) -> Moved | Ended | None:
    """Take over first: what is refused here must not be agreed on there. Ours is compared as it would read there."""
    ours = checked(run.session.spelled(ours))
    sides = Sides(base=one.kept.base, ours=ours, theirs=theirs, is_joined=one.joined is not None)
    verdict = one.row["verdict"]
    decided, why = decide(sides, writes=run.writes, verdict=verdict), ""
    is_moved = decided.ours.wedding_on != ours.wedding_on or "wedding_on" in decided.clashes
    if one.joined is not None and one.is_dated and is_moved:
        was = one.kept.base or theirs
        decided = couples.kept(decided, ours, theirs, was, verdict=verdict, writes=run.writes)
        why = couples.THEIRS
        if verdict == "theirs":
            why = await couples.proposed(run, one.joined["link_id"], theirs.wedding_on)
    return await _done(run, one, Sides(base=sides.base, ours=ours, theirs=theirs), decided, why)


async def _done(run: Run, one: One, sides: Sides, decided: Decision, why: str) -> Moved | Ended | None:
    """What was decided, on both sides."""
    ours, theirs = sides.ours, sides.theirs
    about = ",".join(decided.clashes)
    version = one.row["version"]
    if decided.ours != ours or decided.theirs == theirs:
        try:
            async with run.enter() as tx:
                version = await _taken(tx, run, one, ours, decided.ours)
                # What else is to be written there is agreed on once it was.
                base = _without(decided, theirs)
                kept = msgspec.structs.replace(one.kept, base=base)
                is_dirty = decided.theirs != theirs
                verdict = one.row["verdict"] if is_dirty else ""
                await _put(tx, run, one, kept, version=version, is_dirty=is_dirty, verdict=verdict)
                await _told(tx, run, one, about, Dispute(ours=decided.ours, theirs=theirs, why=why))
        except Refusal as refusal:
            await _refused(run, one, refusal)
            return None
    if decided.theirs == theirs:
        return None
    dispute = Dispute(ours=decided.ours, why=why)
    return await _write(run, one, decided, theirs, version=version, about=about, dispute=dispute)


def _without(decided: Decision, theirs: Record) -> Record:
    """What is agreed on as long as nothing was written there: in the fields to be written, what was there."""
    unwritten = {name: getattr(theirs, name) for name in changed(decided.theirs, theirs)}
    return msgspec.structs.replace(decided.base, **unwritten) if unwritten else decided.base


async def _taken(tx: Tx, run: Run, one: One, ours: Record, then: Record) -> int:
    """Our client as it is to be; its version."""
    fields: dict[str, Any] = {name: getattr(then, name) for name in changed(then, ours)}
    version: int = one.row["version"]
    if fields:
        await clients.change(tx, run.ring, one.row["client_id"], fields, version=version)
        run.counts.taken += 1
        version = (await _client(tx, one.row["client_id"]))["version"]
    return version


async def _write(
    run: Run, one: One, decided: Decision, theirs: Record, *, version: int, about: str, dispute: Dispute
) -> Moved | Ended | None:
    row = one.row
    if run.is_read_only:
        return Ended(word="read_only", reason=READ_ONLY)
    push = Push(id=one.kept.remote_id, etag=row["etag"], record=decided.theirs, before=theirs)
    said = await run.session.push(push)
    if isinstance(said, Moved):
        return said
    if isinstance(said, Gone):
        return Moved(reason="It is not there any more.")
    if isinstance(said, Pushed):
        run.counts.written += 1
        now = heard(said.found, decided.theirs)
        # What was not accepted stays a difference that everybody knows of, and is no change of theirs.
        left = {
            name: getattr(now, name) for name in changed(decided.theirs, theirs) if name not in changed(now, theirs)
        }
        base = msgspec.structs.replace(decided.base, **left)
        kept = msgspec.structs.replace(one.kept, base=base, theirs=now)
        async with run.enter() as tx:
            # Spelled otherwise there than we wrote it: that is taken over by the next look.
            is_dirty = now != msgspec.structs.replace(decided.theirs, **left)
            run.is_unsettled = run.is_unsettled or is_dirty
            await _put(tx, run, one, kept, version=version, etag=said.found.etag, is_dirty=is_dirty)
            await _told(tx, run, one, about, msgspec.structs.replace(dispute, theirs=now))
        return None
    if isinstance(said, Rejected):
        await _disputed(run, one, f"It cannot be changed there: {said.reason}", version=version)
        return None
    if isinstance(said, Unknown):
        return Ended(word="later", reason=said.reason)
    run.is_read_only = isinstance(said, ReadOnly)
    return stopped(said)


async def _refused(run: Run, one: One, refusal: Refusal) -> None:
    """Raises what is no answer about this record but about the job. A client that has changed meanwhile is looked at
    again anyway: whoever changed it owes that."""
    if refusal.code == "lease_lost" or refusal.status == 503:
        raise refusal
    if refusal.status == 412:
        return
    await _disputed(run, one, refusal.detail)


async def _disputed(run: Run, one: One, why: str, *, version: int | None = None) -> None:
    """Both sides stay as they are until somebody says which holds, or one of them changes."""
    row = one.row
    seen = row["version"] if version is None else version
    async with run.enter() as tx:
        await _put(tx, run, one, one.kept, version=seen or 0)
        await _kept(tx, run, one, "refused", "", Dispute(ours=one.ours, theirs=one.kept.theirs, why=why))


async def _told(tx: Tx, run: Run, one: One, about: str, dispute: Dispute) -> None:
    """The conflict that there is now, or no more."""
    if about:
        await _kept(tx, run, one, "changed", about, dispute)
    else:
        await conflicts.end(tx, run, one.row["id"])


async def _kept(tx: Tx, run: Run, one: One, kind: facts.Kind, about: str, dispute: Dispute) -> None:
    await conflicts.keep(tx, run, one.row["id"], one.row["client_id"], kind, about, dispute)


async def tangled(run: Run, remote_ids: Sequence[str]) -> None:
    """What was in the way each time it was to be written."""
    async with run.enter() as tx:
        rows = await tx.rows(queries.dirty, run.id, [], TOGETHER_MAX)
    for row in rows:
        one = _considered(run, row, {})
        if one.kept.remote_id in remote_ids:
            await _disputed(run, one, "It changes there all the time.")


async def _client(tx: Tx, client_id: UUID) -> Row:
    row = await tx.row(queries.client, client_id)
    if row is None:
        raise LookupError(f"client {client_id} is not there")
    return row


async def _put(
    tx: Tx,
    run: Run,
    one: One,
    kept: Kept,
    *,
    version: int | None = None,
    state: str = "there",
    etag: str | None = None,
    is_dirty: bool = False,
    verdict: str = "",
    client_id: UUID | None = None,
) -> None:
    """What became of it. `client_id` absent: the client it has, unless it is left alone from now on."""
    row = one.row
    whose = None if state == "left" else client_id or row["client_id"]
    values = (
        *(whose, row["client_version"] if version is None else version, state),
        *(row["etag"] if etag is None else etag, run.seals.item(row["id"], kept), is_dirty, row["marks"], verdict),
    )
    await tx.run(queries.put_state, row["id"], *values)
