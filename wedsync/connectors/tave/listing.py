"""Reads Workspace's lists from a cursor on: which jobs may have changed, by themselves or by one of their people, and
the galleries and notes of them that did."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Final, TypeVar

import msgspec

from wedsync.connections.contract import Outcome
from wedsync.connections.records.contract import Gone, Hint, Pull, Pulled
from wedsync.connectors.tave import cursor as cursors
from wedsync.connectors.tave import mapper
from wedsync.connectors.tave.answers import nowhere, read
from wedsync.connectors.tave.client import NEWEST, Client
from wedsync.connectors.tave.cursor import YOUNG, Cursor, Mark, Phase
from wedsync.connectors.tave.mapper import Galleries, JobContacts, Meta, Notes, Row, Rows, etag_of
from wedsync.kit import clock
from wedsync.kit.http import Failure, Reply

PAGE = 100
CONTACTS_PAGE = 10
"""Each contact that changed costs a question of its own: whose jobs it is in."""
One = TypeVar("One", bound=Row)
Lists = TypeVar("Lists", Rows, Galleries, Notes)


class Asking(msgspec.Struct, frozen=True):
    """One page that is asked for."""

    cursor: Cursor
    client: Client
    now: datetime
    until: float

    @property
    def left_s(self) -> float:
        return self.until - clock.monotonic()

    @property
    def before(self) -> Mark | None:
        """What was read of this list when it was last read to its end."""
        return self.cursor.done.get(self.cursor.phase)

    async def page(
        self, lister: Callable[..., Awaitable[Reply | Failure]], kind: type[Lists], size: int = PAGE
    ) -> Lists | Outcome:
        """The newest first."""
        exchange = await lister(sort=NEWEST, page=self.cursor.page, size=size, timeout_s=self.left_s)
        found = read(exchange, kind, now=self.now)
        return nowhere() if isinstance(found, Gone) else found

    def mark(self, rows: Sequence[Row]) -> Mark | None:
        """The newest change there is, as the first page of a reading shows it."""
        known = self.cursor.coming.get(self.cursor.phase)
        if known is not None:
            return known
        newest = [row.modified for row in rows] + ([] if self.before is None else [self.before.at])
        return Mark(at=max(newest), asked=self.now) if newest else None

    def fresh(self, rows: Sequence[One]) -> list[One]:
        return [row for row in rows if self.before is None or row.modified > self.before.floor]

    def then(self, rows: Sequence[Row], meta: Meta, *, is_skipped: bool = False) -> Cursor:
        """Where to go on: with the next page, unless what is left was read before."""
        fresh = self.fresh(rows)
        has_more = bool(fresh) and len(fresh) == len(rows) and meta.current_page < meta.total_pages
        mark = self.mark(rows)
        return self.cursor.onward(mark) if has_more and not is_skipped else self.cursor.after(mark)


async def pull(asked: Pull, client: Client, *, now: datetime) -> Pulled | Outcome:
    """One page, and where to go on."""
    cursor = cursors.read(asked.cursor)
    asking = Asking(cursor, client, now, clock.monotonic() + asked.timeout_s)
    return await LISTS[cursor.phase](asking)


async def _contacts(asking: Asking) -> Pulled | Outcome:
    """People who changed. The first time nobody is asked after, for every job is read anyway."""
    rows = await asking.page(asking.client.list_contacts, Rows, CONTACTS_PAGE)
    if not isinstance(rows, Rows):
        return rows
    is_first = asking.before is None
    hints: list[Hint] = []
    for row in () if is_first else asking.fresh(rows.items):
        exchange = await asking.client.list_jobs_of(row.id, timeout_s=asking.left_s)
        found = read(exchange, JobContacts, now=asking.now)
        if not isinstance(found, JobContacts):
            return nowhere() if isinstance(found, Gone) else found
        hints += [Hint(id=one.job_id) for one in found.items]
    then = asking.then(rows.items, rows.meta, is_skipped=is_first)
    return Pulled(hints=tuple(hints), cursor=cursors.written(then), has_more=True)


async def _galleries(asking: Asking) -> Pulled | Outcome:
    rows = await asking.page(asking.client.list_galleries, Galleries)
    if not isinstance(rows, Galleries):
        return rows
    made = [mapper.to_gallery(row) for row in asking.fresh(rows.items)]
    then = cursors.written(asking.then(rows.items, rows.meta))
    return Pulled(hints=(), cursor=then, has_more=True, galleries=tuple(one for one in made if one is not None))


async def _notes(asking: Asking) -> Pulled | Outcome:
    rows = await asking.page(asking.client.list_notes, Notes)
    if not isinstance(rows, Notes):
        return rows
    made = [mapper.to_message(row) for row in asking.fresh(rows.items)]
    then = cursors.written(asking.then(rows.items, rows.meta))
    return Pulled(hints=(), cursor=then, has_more=True, messages=tuple(one for one in made if one is not None))


async def _jobs(asking: Asking) -> Pulled | Outcome:
    rows = await asking.page(asking.client.list_jobs, Rows)
    if not isinstance(rows, Rows):
        return rows
    now = asking.now
    # What changed a moment ago may change once more in the same second, so it has no etag yet.
    hints = [
        Hint(id=row.id, etag=etag_of(row.modified) if now - row.modified > YOUNG else "")
        for row in asking.fresh(rows.items)
    ]
    then = asking.then(rows.items, rows.meta)
    return Pulled(hints=tuple(hints), cursor=cursors.written(then), has_more=then.phase == "jobs")


LISTS: Final[Mapping[Phase, Callable[[Asking], Awaitable[Pulled | Outcome]]]] = {
    "contacts": _contacts,
    "galleries": _galleries,
    "notes": _notes,
    "jobs": _jobs,
}
