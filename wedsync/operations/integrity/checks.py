"""The questions of integrity, what each proves and what to do where it is not so; each is asked of one snapshot.

A question reads whole tables, so it is asked on a connection of its own and never inside anybody's request.
"""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec

from wedsync.kit import clock, sql

queries = sql.load("wedsync.operations.integrity")

FLAWS_MAX: Final = 1000
"""More of one kind are counted as so many: a mending begins with the first of them."""
FIRST: Final = 5
NIGHT_UTC: Final = 3
"""The hour after which each night's questions are asked."""


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One question: `holds` is what is so, `broken` what is not, `cure` what to do then."""

    name: str
    holds: str
    broken: str
    cure: str


RESTORE: Final = "Restore a copy beside this one (`wedsync restore --drill`) and compare: docs/runbooks/restore.md."
CHECKS: Final = (
    Check(
        name="log",
        holds="The log of every stream is dense.",
        broken="streams have a log with holes",
        cure=f"Facts are lost. {RESTORE}",
    ),
    Check(
        name="queue",
        holds="Whatever is owed waits in the queue, and nothing else does.",
        broken="deliveries and the queue disagree",
        cure="What no job sends is sent by `wedsync replay`; what is sent already will come twice, under the same id.",
    ),
    Check(
        name="chains",
        holds="Every delivery of a rule follows the one before it.",
        broken="deliveries are missing from the ledger",
        cure=f"Receivers were not told of these events: `wedsync replay --since` sends them again. {RESTORE}",
    ),
    Check(
        name="deliveries",
        holds="Every delivery counts its tries, and what it tells of is in the log.",
        broken="deliveries say what the ledger or the log does not",
        cure=RESTORE,
    ),
    Check(
        name="headcounts",
        holds="Head counts are what counting the answers gives.",
        broken="head counts are wrong",
        cure="The next answer for that item does not mend it: change and change back one guest's age band there.",
    ),
    Check(
        name="inboxes",
        holds="Everybody's count of notices is what counting them gives.",
        broken="people have a wrong count of notices",
        cure="The next notice, or reading one, counts them anew.",
    ),
    Check(
        name="bookings",
        holds="No two bookings of one resource overlap.",
        broken="bookings overlap",
        cure="The supplier must cancel one of the two. `reindex index bookings_once`, for it should have refused it.",
    ),
    Check(
        name="shared_bookings",
        holds="What weddings know of bookings is what their suppliers have.",
        broken="bookings are known to a wedding otherwise than to its supplier",
        cure="Changing the booking's times and changing them back tells the wedding anew.",
    ),
    Check(
        name="commission",
        holds="The commission ledger agrees with what providers said and with what payments owe.",
        broken="balances of the commission ledger are wrong",
        cure="`wedsync commission` shows both sides. The next hook of that payment posts what is missing.",
    ),
)


class Flaw(msgspec.Struct, frozen=True):
    """Something that cannot be: whose, of which row, and what is wrong."""

    tenant_id: UUID | None
    subject: UUID | None
    told: str


class Found(msgspec.Struct, frozen=True):
    """What one question found, how many at most FLAWS_MAX, and how long it took."""

    check: Check
    flaws: list[Flaw]
    took_s: float

    @property
    def is_sound(self) -> bool:
        return not self.flaws

    @property
    def count(self) -> str:
        """For people."""
        return f"{len(self.flaws)}{' or more' if len(self.flaws) == FLAWS_MAX else ''}"


async def ask(connection: Any) -> AsyncIterator[Found]:
    """Every question in turn, on a service connection: reading only, and as long as it takes."""
    for check in CHECKS:
        began = clock.monotonic()
        async with connection.transaction(readonly=True):
            await connection.execute("set local statement_timeout = 0")
            rows = await connection.fetch(queries.flaws, check.name, FLAWS_MAX)
        flaws = [Flaw(row["tenant_id"], row["subject"], row["told"]) for row in rows]
        yield Found(check, flaws, clock.monotonic() - began)


async def note(connection: Any, found: Found) -> None:
    """Keep how a question was answered, for whoever asks how things stand."""
    first = msgspec.json.encode(found.flaws[:FIRST]).decode()
    await connection.fetchval(queries.note, found.check.name, round(found.took_s * 1000), len(found.flaws), first)


async def is_due(connection: Any, now: datetime) -> bool:
    """Whether this night's questions are not asked yet: every one of them after the last hour of the night began."""
    rows = await connection.fetch(queries.standing)
    asked = {row["name"]: row["checked_at"] for row in rows}
    return any(check.name not in asked or asked[check.name] < last_night(now) for check in CHECKS)


def last_night(now: datetime) -> datetime:
    """When the newest night began whose questions are to be asked."""
    tonight = now.replace(hour=NIGHT_UTC, minute=0, second=0, microsecond=0)
    return tonight if tonight <= now else tonight - timedelta(days=1)
