"""What a drill left behind, read from the ledger: when each fact was recorded, and what became of what it owed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from wedsync.kit.config import Settings
from wedsync.processes.migrate import connected

LANES: Final = ("critical", "high", "normal", "low")
EVENTS: Final = """select stream_id, seq, recorded_at, type,
        coalesce(pg_xact_commit_timestamp(xmin), recorded_at) as committed_at from public.events
    where stream_id = any ($1::uuid[]) and recorded_at >= $2"""
# The looks at wedding days come again and again: somebody's is always due.
OPEN: Final = """select count(*) from public.jobs
    where (kind = 'delivery' or run_at <= clock_timestamp()) and name <> 'days.mind'"""
READY: Final = "select count(*) from public.jobs where run_at <= clock_timestamp() and name <> 'days.mind'"
DELIVERIES: Final = """select d.connector, d.lane, d.state, d.reason, count(*) as count
    from public.deliveries d where d.made_at >= $1 group by 1, 2, 3, 4 order by 1, 2, 3, 4"""
FIRST: Final = """select d.lane, extract(epoch from min(a.started_at) - e.recorded_at)::float8 * 1000 as first_ms
    from public.deliveries d
    join public.events e on e.stream_id = d.stream_id and e.seq = d.seq and e.id = d.event_id
    join public.attempts a on a.delivery_id = d.id
    where d.made_at >= $1 group by d.id, d.lane, e.recorded_at"""
FAILED: Final = """select count(distinct d.id) as failed_once,
        count(distinct d.id) filter (where d.state = 'delivered') as recovered
    from public.deliveries d join public.attempts a on a.delivery_id = d.id
    where d.made_at >= $1 and d.attempts > 1"""
ALERTS: Final = """select count(*) as raised, count(acknowledged_at) as acknowledged,
        coalesce(max(extract(epoch from acknowledged_at - raised_at)), 0)::float8 as slowest_s
    from public.alerts where wedding_id = any ($1::uuid[])"""


class Owed(msgspec.Struct, frozen=True, kw_only=True):
    """So many deliveries of one connector and lane that ended, or stand, in one state."""

    connector: str
    lane: str
    state: str
    reason: str
    count: int


class Kept(msgspec.Struct, kw_only=True):
    """All of it. `recorded` maps a wedding and a position to when it was recorded, in the middle of its transaction,
    and `committed` to when that ended; times are milliseconds by lane.
    """

    recorded: dict[tuple[UUID, int], datetime]
    committed: dict[tuple[UUID, int], datetime]
    types: dict[tuple[UUID, int], str]
    owed: list[Owed]
    first_ms: dict[str, list[float]]
    failed_once: int
    recovered: int
    alerts: dict[str, float]

    @property
    def delivered(self) -> int:
        return sum(one.count for one in self.owed if one.state == "delivered")

    @property
    def total(self) -> int:
        """Deliveries that were to arrive: without those that were rightly not sent."""
        return sum(
            one.count for one in self.owed if one.state not in ("superseded", "filtered", "cancelled", "revoked")
        )


async def open_deliveries(settings: Settings) -> int:
    """How many jobs still have something to do."""
    return await _count(settings, OPEN)


async def ready_jobs(settings: Settings) -> int:
    """How many of them could be done now."""
    return await _count(settings, READY)


async def _count(settings: Settings, sql: str) -> int:
    async with connected(settings.door("owner")) as owner:
        return int(await owner.fetchval(sql))


async def kept(settings: Settings, weddings: Sequence[UUID], since: datetime) -> Kept:
    """What happened since."""
    async with connected(settings.door("owner")) as owner:
        events = await owner.fetch(EVENTS, list(weddings), since)
        owed = await owner.fetch(DELIVERIES, since)
        times = await owner.fetch(FIRST, since)
        failed = await owner.fetchrow(FAILED, since)
        alerts: Any = await owner.fetchrow(ALERTS, list(weddings))
    first_ms: dict[str, list[float]] = {}
    for row in times:
        first_ms.setdefault(LANES[row["lane"]], []).append(row["first_ms"])
    return Kept(
        recorded={(row["stream_id"], row["seq"]): row["recorded_at"] for row in events},
        committed={(row["stream_id"], row["seq"]): row["committed_at"] for row in events},
        types={(row["stream_id"], row["seq"]): row["type"] for row in events},
        owed=[
            Owed(
                connector=r["connector"], lane=LANES[r["lane"]], state=r["state"], reason=r["reason"], count=r["count"]
            )
            for r in owed
        ],
        first_ms=first_ms,
        failed_once=failed["failed_once"],
        recovered=failed["recovered"],
        alerts=dict(alerts),
    )
