"""What changed there: what hooks named, then page by page what the provider names, and now and then all that is left.

A page's cursor is kept in the transaction that keeps what was read of it, so that a crash neither loses nor doubles.
What a whole listing leaves out is read before it is believed to be gone, and nothing of ours goes with it.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID, uuid4

import msgspec

from wedsync.connections.contract import Outcome, Rejected
from wedsync.connections.records import conflicts, documents, handed, sweeping, waiting
from wedsync.connections.records.contract import Found, Gone, Hint, Listed, Pulled
from wedsync.connections.records.kept import Dispute, Kept, Told, remote_key
from wedsync.connections.records.mapped import heard, is_there
from wedsync.connections.records.record import checked
from wedsync.connections.records.run import Ended, Run, stopped
from wedsync.kit import sql
from wedsync.kit.db import Row, Tx

queries = sql.load("wedsync.connections.records")
PAGES_MAX: Final = 1000
TOGETHER: Final = 3
"""Records read at once: providers count calls, and none says how many it takes."""
KEPT_EVERY: Final = 60
"""Records after which what was read is kept, so that whoever is told to wait goes on where it stopped."""
TOLD_TOGETHER: Final = 200
SWEPT_EVERY: Final = timedelta(days=7)
VANISHED_MIN: Final = 10
VANISHED_SHARE: Final = 0.2
HINTS_MAX: Final = 50


class Read(msgspec.Struct, frozen=True):
    """One record as it was read: `found` null where it is not there."""

    id: str
    found: Found | None


async def follow_hints(run: Run) -> Ended | None:
    """Whatever a hook has named is read first; what is not there and nobody knows is waited for. None when all was
    read. An id that the provider does not take for one is as good as not there: nothing else waits for it."""
    named = list(dict.fromkeys([*run.hints, *waiting.due(run.waits, run.began_at)]))[:HINTS_MAX]
    if not named:
        return None
    ended = await _read_and_keep(run, named, in_vain=(Rejected,))
    if ended is None:
        async with run.enter() as tx:
            rows = await tx.rows(queries.known, run.id, [remote_key(run.id, id) for id in named])
            known = {bytes(row["remote_key"]) for row in rows}
            missing = [id for id in named if remote_key(run.id, id) not in known]
            run.waits = waiting.after(run.waits, named, missing, run.began_at)
            values = (waiting.written(run.waits), waiting.next_at(run.waits))
            await tx.run(queries.hinted, run.id, named, *values)
    return ended


async def pull(run: Run) -> Ended | None:
    """All pages there are; None when it came to the end."""
    for _ in range(PAGES_MAX):
        said = await run.session.pull(run.cursor)
        if not isinstance(said, Pulled):
            return stopped(said)
        fresh = await _unread(run, said.hints)
        told = {hint.id: hint.found for hint in said.hints if hint.found is not None and hint.id in fresh}
        several = [Read(id, found) for id, found in told.items()]
        for start in range(0, len(several), TOLD_TOGETHER):
            async with run.enter() as tx:
                await keep(tx, run, several[start : start + TOLD_TOGETHER])
        ended = await _read_and_keep(run, [id for id in fresh if id not in told])
        if ended is not None:
            return ended
        async with run.enter() as tx:
            await handed.keep(tx, run, said)
            sealed = run.seals.seal(said.cursor, table="record_progress", row=run.id, column="cursor_sealed")
            await tx.run(queries.save_cursor, run.id, sealed)
            if not said.has_more:
                await tx.run(queries.pulled, run.id, run.pulls_wanted)
        run.cursor = said.cursor
        if not said.has_more:
            return None
    return Ended(reason="There is more than can be read at once.", is_more=True)


async def again(run: Run, ids: Sequence[str]) -> Ended | None:
    """Read these once more: they were changed there while we decided."""
    return await _read_and_keep(run, ids)


def is_sweep_due(run: Run) -> bool:
    """Once a week, not while a wedding is on, and not with the first listing, which names everything itself."""
    is_weekly = run.swept_at is not None and run.began_at - run.swept_at > SWEPT_EVERY
    return run.may_sweep or (is_weekly and not run.is_safe)


async def sweep(run: Run) -> Ended | None:
    """List every id: what is new is read, and what is not named any more is read to be sure, unless it is too much.
    Then the same with what is handed out beside."""
    named: set[str] = set()
    cursor = ""
    for _ in range(PAGES_MAX):
        said = await run.session.listed(cursor)
        if not isinstance(said, Listed):
            return stopped(said)
        named.update(said.ids)
        cursor = said.cursor
        if not said.has_more:
            break
    async with run.enter() as tx:
        rows = await tx.rows(queries.keys, run.id)
    known = {bytes(row["remote_key"]): row for row in rows}
    keys = {remote_key(run.id, id): id for id in named}
    missing = [run.seals.kept(row["id"], row["sealed"]).remote_id for key, row in known.items() if key not in keys]
    if len(missing) > max(VANISHED_MIN, VANISHED_SHARE * len(known)) and not run.may_sweep:
        why = f"{len(missing)} of {len(known)} jobs are not there any more. Say whether that is right."
        async with run.enter() as tx:
            await conflicts.keep(tx, run, None, None, "sweep", str(len(missing)), Dispute(why=why))
        return Ended(word="held", reason=why)
    ended = await _read_and_keep(run, [*(id for key, id in keys.items() if key not in known), *missing])
    if ended is None and run.session.hands:
        ended = await sweeping.sweep(run)
    if ended is None:
        async with run.enter() as tx:
            await tx.run(queries.swept, run.id)
            await conflicts.end(tx, run, None)
    return ended


async def _unread(run: Run, hints: Sequence[Hint]) -> list[str]:
    """The ids that must be read, each once: all but those whose etag is the one that was read last."""
    etags = {hint.id: hint.etag for hint in hints}
    async with run.enter() as tx:
        rows = await tx.rows(queries.known, run.id, [remote_key(run.id, id) for id in etags])
    known = {bytes(row["remote_key"]): row["etag"] for row in rows}
    return [id for id, etag in etags.items() if not etag or known.get(remote_key(run.id, id)) != etag]


async def _read_and_keep(run: Run, ids: Sequence[str], *, in_vain: tuple[type, ...] = ()) -> Ended | None:
    """What was read before something stopped it is kept. `in_vain`: answers that stop nothing."""
    for start in range(0, len(ids), KEPT_EVERY):
        several: list[Read] = []
        ended = await _read(run, ids[start : start + KEPT_EVERY], several, in_vain)
        if several:
            async with run.enter() as tx:
                await keep(tx, run, several)
        if ended is not None:
            return ended
    return None


async def _read(run: Run, ids: Sequence[str], several: list[Read], in_vain: tuple[type, ...]) -> Ended | None:
    for start in range(0, len(ids), TOGETHER):
        few = ids[start : start + TOGETHER]
        answers: list[Found | Gone | Outcome] = await asyncio.gather(*(run.session.read(id) for id in few))
        for id, said in zip(few, answers, strict=True):
            if isinstance(said, (Found, Gone)):
                several.append(Read(id, said if isinstance(said, Found) else None))
        for said in answers:
            if not isinstance(said, (Found, Gone)) and not isinstance(said, in_vain):
                return stopped(said)
    return None


async def keep(tx: Tx, run: Run, several: Sequence[Read]) -> None:
    """What is there now, in the words we compare by. What says the same as before is no news."""
    last = {one.id: one for one in several}
    rows = await tx.rows(queries.known, run.id, [remote_key(run.id, id) for id in last])
    known = {bytes(row["remote_key"]): row for row in rows}
    await _notice_missing(tx, run, last.values(), known)
    for id, one in last.items():
        row = known.get(remote_key(run.id, id))
        kept = None if row is None else run.seals.kept(row["id"], row["sealed"])
        theirs = None if one.found is None else heard(one.found, None if kept is None else kept.theirs)
        uses, contacts = ((), ()) if one.found is None else (one.found.uses, one.found.contacts)
        etag = "" if one.found is None else one.found.etag[:1000]
        run.counts.unread += 0 if one.found is None else one.found.unread
        if row is None or kept is None:
            if theirs is not None and one.found is not None:
                run.counts.pulled += 1
                item_id = uuid4()
                sealed = run.seals.item(item_id, Kept(remote_id=id, theirs=theirs, uses=uses, contacts=contacts))
                await tx.run(queries.add_item, item_id, run.id, remote_key(run.id, id), etag, sealed)
                await _put_document(tx, run, item_id, one.found)
            continue
        is_news = theirs != kept.theirs or uses != kept.uses or contacts != kept.contacts
        run.counts.pulled += is_news
        state = "removed" if theirs is None else row["state"] if row["state"] == "left" else "there"
        sealed = run.seals.item(row["id"], msgspec.structs.replace(kept, theirs=theirs, uses=uses, contacts=contacts))
        await tx.run(queries.put_seen, row["id"], state, etag, sealed, is_news)
        if one.found is not None:
            await _put_document(tx, run, row["id"], one.found)


async def _put_document(tx: Tx, run: Run, item_id: UUID, found: Found) -> None:
    """What it was made of, for the next map and for who wants to see what no map reads."""
    document = documents.kept(found.document)
    if document:
        told = Told(own=checked(found.own or found.record), document=document)
        await tx.run(queries.put_document, item_id, run.id, run.seals.document(item_id, told))


async def _notice_missing(tx: Tx, run: Run, several: Iterable[Read], known: Mapping[bytes, Row]) -> None:
    """Which mapped fields these records name, and which they do not although they did when they were read before."""
    if run.map is None:
        return
    found = [one.found for one in several if one.found is not None]
    of = {row["id"]: one for one in found if one.absent and (row := known.get(remote_key(run.id, one.id))) is not None}
    rows = await tx.rows(queries.documents_of, list(of)) if of else []
    for one in found:
        run.named |= run.map.targets - run.map.only_out - one.absent
    for row in rows:
        before = run.seals.told(row["item_id"], row["sealed"]).document
        absent = of[row["item_id"]].absent
        run.unnamed.update(rule.target for rule in run.map.rules if rule.target in absent and is_there(rule, before))
