"""What people do with their notices: see, read, act on, put away, take back."""

from typing import Final, Literal
from uuid import UUID

from wedsync.events.record import record
from wedsync.kit import sql
from wedsync.kit.db import Tx
from wedsync.notices import facts

queries = sql.load("wedsync.notices")
Mark = Literal["delivered", "seen", "read", "unread", "acted", "archived", "restored"]
Shown = Literal["all", "unread", "archived"]
MARKED_MAX: Final = 200
"""Notices that one call marks; who has more calls again."""
FIRST: Final = UUID("ffffffff-ffff-ffff-ffff-ffffffffffff")
"""Before the newest."""


async def mark(tx: Tx, wanted: Mark, *, ids: list[UUID] | None = None, until: UUID | None = None) -> int:
    """Mark one's own notices: these, or all up to one; returns how many changed. What is so already changes nothing.

    The counts that follow are recorded with it, as they are then.
    """
    rows = await tx.rows(queries.mark, ids or [], until, wanted)
    kind = facts.NOTICE_READ if wanted == "read" else facts.NOTICE_MARKED
    marked = [row for row in rows if row["subject"] == "inbox"]
    for row in marked:
        record(tx, kind, op="UPDATE", row=row, bulk=len(marked) > 1)
    for row in rows[len(marked) :]:
        record(tx, facts.INBOX_COUNTED, op="UPDATE" if row["old_record"] else "INSERT", row=row)
    return len(marked)
