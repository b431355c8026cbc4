"""What a CRM has handed out and hands out no more: a deleted gallery or message is in no page of changes.

Both are listed whole, now and then; what is not named any more is looked at to be sure. Nothing of the couple's is
moved by it: what was delivered stays delivered, and what was shared stays shared until it is taken back.
"""

from collections.abc import Mapping
from typing import Final

from wedsync.connections.contract import Outcome
from wedsync.connections.records import handed
from wedsync.connections.records.contract import Gone, Handed, Listed, Pulled, RemoteGallery, RemoteMessage
from wedsync.connections.records.kept import remote_key
from wedsync.connections.records.run import Ended, Run, stopped
from wedsync.kit import sql

galleries = sql.load("wedsync.connections.galleries")
messages = sql.load("wedsync.connections.correspondence")
KINDS: Final[Mapping[Handed, str]] = {"galleries": handed.GALLERY, "messages": handed.MESSAGE}
PAGES_MAX: Final = 1000


async def sweep(run: Run) -> Ended | None:
    """None when all was looked at."""
    for kind in KINDS:
        ended = await _sweep(run, kind)
        if ended is not None:
            return ended
    return None


async def _sweep(run: Run, kind: Handed) -> Ended | None:
    named = await _named(run, kind)
    if not isinstance(named, set):
        return stopped(named)
    for id in await _known(run, kind):
        if id in named:
            continue
        said = await run.session.look(kind, id)
        if isinstance(said, Gone):
            await _gone(run, kind, id)
        elif isinstance(said, (RemoteGallery, RemoteMessage)):
            await _there(run, said)
        else:
            return stopped(said)
    return None


async def _named(run: Run, kind: Handed) -> set[str] | Outcome:
    """Every id there is."""
    found: set[str] = set()
    cursor = ""
    for _ in range(PAGES_MAX):
        said = await run.session.handed(kind, cursor)
        if not isinstance(said, Listed):
            return said
        found.update(said.ids)
        cursor = said.cursor
        if not said.has_more:
            break
    return found


async def _known(run: Run, kind: Handed) -> list[str]:
    """The ids of those that were there the last time."""
    async with run.enter() as tx:
        if kind == "galleries":
            hung = await tx.rows(galleries.there, run.id)
            return [run.seals.hung(row["id"], row["sealed"]).told.id for row in hung]
        said = await tx.rows(messages.there, run.id)
        return [run.seals.message(row["id"], row["sealed"]).id for row in said]


async def _gone(run: Run, kind: Handed, id: str) -> None:
    key = remote_key(run.id, f"{KINDS[kind]} {id}")
    async with run.enter() as tx:
        if kind == "galleries":
            await tx.run(galleries.gone, run.id, key)
        else:
            await handed.forget(tx, run, key)
    run.counts.pulled += 1


async def _there(run: Run, one: RemoteGallery | RemoteMessage) -> None:
    """It was left out of the listing and is there all the same: a page moved while it was read."""
    if isinstance(one, RemoteGallery):
        page = Pulled(hints=(), cursor="", galleries=(one,))
    else:
        page = Pulled(hints=(), cursor="", messages=(one,))
    async with run.enter() as tx:
        await handed.keep(tx, run, page)
