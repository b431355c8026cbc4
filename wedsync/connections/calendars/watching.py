"""Lets a provider tell us of changes: a watch is renewed at half its life, or when its provider says that it ends.

It goes on where the provider can do that, else a new one is begun before the old ends.

Without one, or when it cannot be had, the calendar is polled as often as it is polite; what is told is never more than
a reason to look.
"""

from datetime import timedelta
from typing import Final
from uuid import uuid4

from wedsync.connections.calendars.contract import Watch, Watching
from wedsync.connections.calendars.kept import Watched
from wedsync.connections.calendars.run import Run
from wedsync.kit import clock, sql
from wedsync.kit.db import Row

queries = sql.load("wedsync.connections.calendars")
ASKED: Final = timedelta(minutes=4200)
"""Less than three days, which every provider gives."""
AGAIN: Final = timedelta(minutes=30)
"""After it was refused."""
UNTOLD_POLL_S: Final = 300.0


def stands(run: Run, row: Row) -> bool | None:
    """Whether there is one that lives; None where it is time to begin or to renew one."""
    now = clock.machine_now()
    if not run.session.watches:
        return False
    if row["watch_again_at"] is None or row["watch_again_at"] <= now:
        return None
    return row["watch_until"] is not None and bool(row["watch_until"] > now)


async def keep(run: Run, row: Row, address: str) -> bool:
    """Begin or renew where it is time; whether there is one that lives."""
    is_told = stands(run, row)
    if is_told is not None:
        return is_told
    now = clock.machine_now()
    asked = Watch(calendar=run.remote.id, id=uuid4().hex, token="", address=address, expires_at=now + ASKED)
    old = _old(run, row)
    held = None if old is None or old.address != address else Watching(id=old.id, expires_at=old.until)
    said = await (await run.exchange()).watch(asked, held)
    if isinstance(said, Watching):
        until = min(said.expires_at, now + ASKED * 3)
        kept = Watched(id=said.id, until=until, address=address)
        sealed = run.seals.seal(kept, table="calendar_progress", row=run.id, column="watch_sealed")
        async with run.enter() as tx:
            await tx.run(queries.put_watch, run.id, sealed, until, now + (until - now) / 2)
        if old is not None and old.id != said.id:
            await (await run.exchange()).unwatch(run.remote.id, Watching(id=old.id, expires_at=old.until))
        return True
    async with run.enter() as tx:
        await tx.run(queries.put_watch, run.id, row["watch_sealed"], row["watch_until"], now + AGAIN)
    return old is not None and old.until > now


async def end(run: Run, row: Row) -> None:
    """The calendar was switched off: nothing needs to be told any more."""
    old = _old(run, row)
    if old is not None:
        await (await run.exchange()).unwatch(run.remote.id, Watching(id=old.id, expires_at=old.until))
    async with run.enter() as tx:
        await tx.run(queries.put_watch, run.id, None, None, None)


def _old(run: Run, row: Row) -> Watched | None:
    sealed = row["watch_sealed"]
    if sealed is None:
        return None
    return run.seals.open(sealed, Watched, table="calendar_progress", row=run.id, column="watch_sealed")
