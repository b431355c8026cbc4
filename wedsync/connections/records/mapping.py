"""The part of maps in a run: what was read is read by a new map anew, and a field that is named no more is told."""

from functools import cache
from typing import Final
from uuid import UUID

import msgspec

from wedsync.connections import manifest as manifests
from wedsync.connections.records import mapped
from wedsync.connections.records.contract import Found
from wedsync.connections.records.record import TITLES, Record
from wedsync.connections.records.run import Ended, Run
from wedsync.kit import sql

queries = sql.load("wedsync.connections.records")
TOGETHER_MAX: Final = 200
NAMED_NEVER_MIN: Final = 3
"""Records of one run that have lost a field which none of them has: fewer may each have been cleared."""
UNMAPPED: Final = "Say first which of its fields are which of yours, under Its fields."
_FIRST: Final = UUID(int=0)


@cache
def documentary() -> frozenset[str]:
    """The connectors whose records are documents that only a map makes records of."""
    found = manifests.find()
    return frozenset(name for name, one in found.items() if one.records is not None and one.records.is_document)


async def again(run: Run) -> None:
    """Read by the map that holds now, from what each record was when it was read last; the CRM is not asked."""
    if run.map_version == run.mapped_version:
        return
    after = _FIRST
    while True:
        async with run.enter() as tx:
            rows = await tx.rows(queries.remapped, run.id, after, TOGETHER_MAX)
            for row in rows:
                kept = run.seals.kept(row["id"], row["sealed"])
                if row["document_sealed"] is None or kept.theirs is None:
                    # Read before documents were kept: it is read again when the CRM next names it.
                    continue
                told = run.seals.told(row["id"], row["document_sealed"])
                theirs = _by_map(run, kept.remote_id, told.own, told.document, kept.theirs)
                sealed = run.seals.item(row["id"], msgspec.structs.replace(kept, theirs=theirs))
                is_news = theirs != kept.theirs
                await tx.run(queries.put_seen, row["id"], row["state"], row["etag"], sealed, is_news)
            if len(rows) < TOGETHER_MAX:
                await tx.run(queries.mapped, run.id, run.map_version)
                run.mapped_version = run.map_version
                return
            after = rows[-1]["id"]


def _by_map(run: Run, id: str, own: Record, document: dict[str, object], before: Record) -> Record:
    """What only goes out is nobody's news; of what is not there the connector's own reading stands."""
    found = mapped.read(run.map, Found(id=id, record=own, document=document))
    only_out = frozenset() if run.map is None else run.map.only_out
    kept = {field: getattr(before, field) for field in only_out}
    return mapped.heard(found, msgspec.structs.replace(own, **kept))


async def told_missing(run: Run, ended: Ended) -> Ended:
    """Remember the fields that this run has missed, forget those it has seen; while there are any, people are asked."""
    if run.map is None:
        return ended
    lost = {field for field, count in run.unnamed.items() if count >= NAMED_NEVER_MIN} - run.named
    missing = ((run.missing & run.map.targets) | lost) - run.named
    if missing != run.missing:
        async with run.enter() as tx:
            await tx.run(queries.missing, run.id, sorted(missing))
    if not missing or ended.word != "done":
        return ended
    words = ", ".join(title for field, title in TITLES.items() if field in missing)
    reason = (
        f"It does not send these any more: {words}. What you have stays. Say under Its fields what they are called now."
    )
    return msgspec.structs.replace(ended, word="held", reason=reason)
