"""What a drill left behind, read from the ledger: when each fact was recorded, and what became of what it owed."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from wedsync.kit.config import Settings
from wedsync.processes.migrate import connected

NOT_SENT: Final = ("superseded", "filtered", "cancelled", "revoked")
"""What was rightly not sent."""
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
TAKEN: Final = """select d.lane, app.deadline_s(d.lane) as within_s,
        extract(epoch from min(a.made_at) filter (where a.outcome = 'delivered') - e.recorded_at)::float8 * 1000
          as took_ms
    from public.deliveries d
    join public.events e on e.stream_id = d.stream_id and e.seq = d.seq and e.id = d.event_id
    left join public.attempts a on a.delivery_id = d.id
    where d.made_at >= $1 and d.state <> all ($2::app.delivery_state[]) group by d.id, d.lane, e.recorded_at"""
# A mail is one try of its chain, however many providers it asked: what each of them said stands in the detail.
TRIES: Final = """select d.id, d.connector, d.state, a.outcome, a.detail
    from public.deliveries d join public.attempts a on a.delivery_id = d.id
    where d.made_at >= $1 and d.state <> all ($2::app.delivery_state[])
      and (a.outcome <> 'delivered' or d.connector = 'mail' and a.detail <> '')"""
ALERTS: Final = """select count(*) as raised, count(acknowledged_at) as acknowledged,
        coalesce(max(extract(epoch from acknowledged_at - raised_at)), 0)::float8 as slowest_s
    from public.alerts where wedding_id = any ($1::uuid[])"""


class Failed(msgspec.Struct, frozen=True, kw_only=True):
    """Tries that failed `at` one connector, or one provider of mail: of so many deliveries, of which so many were taken
    by another provider in the same moment, and so many had arrived in the end.
    """

    at: str
    tries: int
    deliveries: int
    elsewhere: int
    arrived: int


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """When a lane's deliveries were there, from the change; those that never were are null. `within_s`: the promise."""

    within_s: float
    took_ms: list[float | None]


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
    taken: dict[str, Taken]
    failed: list[Failed]
    failed_once: int
    recovered: int
    """Deliveries of which a try failed anywhere, and those of them that arrived."""
    alerts: dict[str, float]

    @property
    def delivered(self) -> int:
        return sum(one.count for one in self.owed if one.state == "delivered")

    @property
    def total(self) -> int:
        """Deliveries that were to arrive: without those that were rightly not sent."""
        return sum(one.count for one in self.owed if one.state not in NOT_SENT)


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
        taken = await owner.fetch(TAKEN, since, list(NOT_SENT))
        tries = await owner.fetch(TRIES, since, list(NOT_SENT))
        alerts: Any = await owner.fetchrow(ALERTS, list(weddings))
    first_ms: dict[str, list[float]] = {}
    for row in times:
        first_ms.setdefault(LANES[row["lane"]], []).append(row["first_ms"])
    lanes: dict[str, Taken] = {}
    for row in taken:
        lane = lanes.setdefault(LANES[row["lane"]], Taken(within_s=row["within_s"], took_ms=[]))
        lane.took_ms.append(row["took_ms"])
    failed = failed_at(tries, [one.strip() for one in settings.mail_chain.split(",")])
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
        taken=lanes,
        failed=failed.by_place,
        failed_once=len(failed.deliveries),
        recovered=sum(state == "delivered" for state in failed.deliveries.values()),
        alerts=dict(alerts),
    )


class FailedTries(msgspec.Struct, frozen=True):
    """All of them by place, most first, and the state of each delivery that one of them was of."""

    by_place: list[Failed]
    deliveries: dict[UUID, str]


def failed_at(rows: Iterable[Mapping[str, Any]], providers: Collection[str]) -> FailedTries:
    """What failed at whom, of rows of TRIES; `providers` are those of mail."""
    deliveries: dict[UUID, str] = {}
    places: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        for place in _places(row, providers):
            deliveries[row["id"]] = row["state"]
            places.setdefault(place, []).append(row)
    found = [
        Failed(
            at=place,
            tries=len(tries),
            deliveries=len({row["id"] for row in tries}),
            elsewhere=len({row["id"] for row in tries if row["outcome"] == "delivered"}),
            arrived=len({row["id"] for row in tries if row["state"] == "delivered"}),
        )
        for place, tries in places.items()
    ]
    return FailedTries(sorted(found, key=lambda one: -one.tries), deliveries)


def _places(row: Mapping[str, Any], providers: Collection[str]) -> list[str]:
    """Where this try failed: each provider of a chain that said anything but that it has it."""
    said = [part.partition(": ") for part in row["detail"].split("; ")] if row["connector"] == "mail" else []
    asked = [name for name, is_said, word in said if is_said and name in providers and word != "delivered"]
    return asked or ([] if row["outcome"] == "delivered" else [row["connector"]])
