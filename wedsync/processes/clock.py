"""The clock process: what must happen by itself, done by one leader however many clocks run.

The leader holds an advisory lock on the connection it works with, so it loses both together and another takes over
within seconds. A tick that comes twice does nothing the second time.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, Final

import msgspec
import structlog
import uvloop

from wedsync.events.catalogue import Lane
from wedsync.events.jobs import is_passing, queries
from wedsync.events.retry import TRIES_MAX
from wedsync.kit import clock, failpoints, sql
from wedsync.kit.config import Settings
from wedsync.kit.db import Door, connect_pool
from wedsync.kit.valkey import Publisher
from wedsync.operations.freeze import actions as freeze
from wedsync.processes import migration_requests
from wedsync.processes.worker import EVENTS, stop_on_signals

accounts = sql.load("wedsync.connections.accounts")
answers = sql.load("wedsync.web")
bookings = sql.load("wedsync.bookings")
calendars = sql.load("wedsync.connections.calendars")
commerce = sql.load("wedsync.commerce")
database = sql.load("wedsync.operations.database")
records = sql.load("wedsync.connections.records")
hooks = sql.load("wedsync.connections")
imports = sql.load("wedsync.guests.importing")
invitations = sql.load("wedsync.invitations")
photos = sql.load("wedsync.photos")
log = structlog.get_logger("clock")

LEADER_KEY: Final = 0x57434C4B
"""'WCLK': the advisory lock of the clock that leads."""
TRY_AGAIN_S: Final = 2.0
PATIENCE_S: Final = (5.0, 30.0, 60.0, 600.0)
"""How long a ready job of each lane may wait, critical first, before the operator is told."""
DENSITY_WINDOW: Final = timedelta(days=2)

Tick = Callable[[Any], Awaitable[None]]
"""Takes the leader's connection."""


class Timer(msgspec.Struct):
    """One tick and when it comes next, in this process's monotonic seconds."""

    name: str
    every_s: float
    tick: Tick
    due: float = 0.0


async def reclaim(connection: Any) -> None:
    """Jobs whose worker is gone are ready again."""
    lapsed = await connection.fetchval(queries.reclaim, TRIES_MAX)
    if lapsed:
        log.warning("leases_lapsed", jobs=lapsed)


async def expire(connection: Any) -> None:
    """Jobs whose time has passed end."""
    ended = await connection.fetchval(queries.expire)
    if ended:
        log.info("jobs_expired", jobs=ended)


def ending_bookings(published: Callable[[str], Awaitable[Any]]) -> Tick:
    """Holds whose time is over end, and bookings that are over are fulfilled; each supplier by itself."""

    async def end(connection: Any) -> None:
        for due in await connection.fetch(bookings.suppliers_due):
            nudge = await connection.fetchval(bookings.end_bookings, due["supplier_id"])
            if nudge is not None:
                await published(nudge)

    return end


def warning_of_photos(published: Callable[[str], Awaitable[Any]]) -> Tick:
    """Promised photographs that become late, or are: their suppliers are told, once of each promise."""

    async def warn(connection: Any) -> None:
        for late in await connection.fetch(photos.weddings_of_late):
            nudge = await connection.fetchval(photos.warn_of_late, late["id"])
            if nudge is not None:
                await published(nudge)

    return warn


def minding_invitations(published: Callable[[str], Awaitable[Any]]) -> Tick:
    """What became of invitations' mails, those that nobody answered, and whose mails are due: suppliers' workers."""

    async def mind(connection: Any) -> None:
        for statement in (invitations.follow, invitations.expire):
            for row in await connection.fetch(statement):
                await published(row[0])
        if await connection.fetchval(invitations.poke):
            await published("[]")

    return mind


def warning_of_limits(published: Callable[[str], Awaitable[Any]]) -> Tick:
    """Businesses whose limits come near, or are reached: told once of each, and again after there was room."""

    async def warn(connection: Any) -> None:
        for near in await connection.fetch(commerce.near):
            nudge = await connection.fetchval(commerce.warn, near["id"])
            if nudge is not None:
                await published(nudge)

    return warn


def poking_accounts(published: Callable[[str], Awaitable[Any]]) -> Tick:
    """Connected calendars whose time to be asked has come, or whose watch is to be renewed; and CRMs."""

    async def poke(connection: Any) -> None:
        for due in (calendars.poke_due, records.poke_due):
            if await connection.fetchval(due):
                await published("[]")

    return poke


def minding(published: Callable[[str], Awaitable[Any]]) -> Tick:
    """Endpoints that fail for long: their owners are warned, in the end they are switched off."""

    async def mind(connection: Any) -> None:
        for row in await connection.fetch(queries.mind_failing):
            await published(row["nudge"])

    return mind


def judging_connections(published: Callable[[str], Awaitable[Any]]) -> Tick:
    """Accounts that were not judged for 30 seconds (10 on a wedding day), by their own traffic."""

    async def judge(connection: Any) -> None:
        for row in await connection.fetch(accounts.judge_connections):
            await published(row["nudge"])

    return judge


def planning_freezes(settings: Settings) -> Tick:
    """The stretches in which the platform is frozen, for the database to refuse by itself; said when it changes."""
    last: list[bool] = [False]

    async def plan(connection: Any) -> None:
        found = await freeze.plan(connection.fetchval, settings)
        if found.is_frozen != last[0]:
            log.info("freeze_entered" if found.is_frozen else "freeze_left", reason=found.reason)
        last[0] = found.is_frozen

    return plan


async def forget_consents(connection: Any) -> None:
    """Who was sent to a provider a day ago."""
    await connection.fetchval(accounts.forget_consents)


async def forget_hosts(connection: Any) -> None:
    """Breakers of hosts that nobody calls any more."""
    await connection.fetchval(queries.forget_hosts)


async def forget_positions(connection: Any) -> None:
    """Sockets that did not come back within ten minutes."""
    await connection.fetchval(queries.forget_positions)


async def forget_usage_writers(connection: Any) -> None:
    """Processes that have counted no call for a week."""
    await connection.fetchval(commerce.forget_writers)


async def make_partitions(connection: Any) -> None:
    """Three months ahead there is always a place for events."""
    made = await connection.fetchval(queries.make_partitions)
    if made:
        log.info("partitions_made", partitions=made)


async def forget_sessions(connection: Any) -> None:
    """Sessions and sign-in passes long over."""
    await connection.fetchval(queries.forget_sessions)


async def forget_answers(connection: Any) -> None:
    """Answers kept for repeats of requests, a day old."""
    await connection.fetchval(answers.forget_answers)


def forgetting_uploads(days: int) -> Tick:
    """The files of imports that ended so many days ago."""

    async def forget(connection: Any) -> None:
        forgotten = await connection.fetchval(imports.forget_uploads, days)
        if forgotten:
            log.info("uploads_forgotten", uploads=forgotten)

    return forget


def forgetting_hooks(days: int) -> Tick:
    """Hooks received so many days ago."""

    async def forget(connection: Any) -> None:
        forgotten = await connection.fetchval(hooks.forget_hooks, days)
        if forgotten:
            log.info("hooks_forgotten", hooks=forgotten)

    return forget


def forgetting_syncs(days: int) -> Tick:
    """Runs of the sync of calendars and CRMs, and conflicts that were over, so many days ago."""

    async def forget(connection: Any) -> None:
        await connection.fetchval(calendars.forget_syncs, days)
        await connection.fetchval(records.forget_runs, days)

    return forget


async def expire_parked(connection: Any, days: int) -> None:
    """What nobody released in all this time."""
    ended = await connection.fetchval(queries.expire_parked, days)
    if ended:
        log.warning("parked_too_long", jobs=ended, days=days)


def forgetting_months(kept_days: Mapping[str, int]) -> Tick:
    """Months of these tables that ended so many days ago, and that nothing needs any more."""

    async def forget(connection: Any) -> None:
        if "deliveries" in kept_days:
            await expire_parked(connection, kept_days["deliveries"])
        for table, days in kept_days.items():
            while partition := await connection.fetchval(queries.forget_months, table, days):
                log.info("month_forgotten", partition=partition)

    return forget


async def sample_sizes(connection: Any) -> None:
    """How large the tables are today: their growth is told from it."""
    await connection.fetchval(database.sample)


async def check_density(connection: Any) -> None:
    """The log of every stream is dense: a hole would be a lost fact, so it is an error for the operator."""
    for row in await connection.fetch(queries.sparse_streams, DENSITY_WINDOW):
        log.error("stream_not_dense", **{key: str(value) for key, value in row.items()})


def kept_days(settings: Settings) -> dict[str, int]:
    """How long each table that is kept by months is kept; what refers to others first."""
    return {
        "attempts": settings.attempt_retention_days,
        "deliveries": settings.delivery_retention_days,
        "events": settings.event_retention_days,
        "access_log": settings.access_log_retention_days,
        "security_events": settings.security_retention_days,
    }


def queue_watch() -> Tick:
    """Says once when a lane's oldest job has waited too long, and once when it no longer has."""
    waiting: set[int] = set()

    async def watch(connection: Any) -> None:
        ages = {row["lane"]: row["oldest_s"] for row in await connection.fetch(queries.queue_ages)}
        late = {lane for lane, oldest_s in ages.items() if oldest_s > PATIENCE_S[lane]}
        for lane in late - waiting:
            log.warning("lane_waits", lane=Lane(lane).name.lower(), oldest_s=round(ages[lane], 1))
        for lane in waiting - late:
            log.info("lane_flows", lane=Lane(lane).name.lower())
        waiting.clear()
        waiting.update(late)

    return watch


def timers(settings: Settings, published: Callable[[str], Awaitable[Any]]) -> list[Timer]:
    """What is due when; everything once at the start. `published` hears what a tick has recorded."""
    minute, hour, day = 60.0, 3_600.0, 86_400.0
    return [
        Timer("reclaim", 5.0, reclaim),
        Timer("expire", 5.0, expire),
        Timer("end_bookings", 5.0, ending_bookings(published)),
        Timer("poke_calendars", 5.0, poking_accounts(published)),
        Timer("queue_watch", 10.0, queue_watch()),
        Timer("judge_connections", 5.0, judging_connections(published)),
        Timer("warn_of_photos", 5 * minute, warning_of_photos(published)),
        Timer("warn_of_limits", 5 * minute, warning_of_limits(published)),
        Timer("mind_invitations", minute, minding_invitations(published)),
        Timer("mind_failing", minute, minding(published)),
        Timer("apply_migrations", 2.0, migration_requests.applying(settings)),
        Timer("plan_freezes", 30.0, planning_freezes(settings)),
        Timer("forget_positions", minute, forget_positions),
        Timer("forget_hosts", hour, forget_hosts),
        Timer("forget_sessions", hour, forget_sessions),
        Timer("forget_consents", hour, forget_consents),
        Timer("forget_answers", hour, forget_answers),
        Timer("forget_usage_writers", hour, forget_usage_writers),
        Timer("forget_uploads", hour, forgetting_uploads(settings.import_retention_days)),
        Timer("forget_hooks", hour, forgetting_hooks(settings.inbound_retention_days)),
        Timer("forget_syncs", hour, forgetting_syncs(settings.inbound_retention_days)),
        Timer("forget_months", hour, forgetting_months(kept_days(settings))),
        Timer("make_partitions", day, make_partitions),
        Timer("sample_sizes", 6 * hour, sample_sizes),
        Timer("check_density", day, check_density),
    ]


async def serve(settings: Settings, *, stop: asyncio.Event, ticks: Sequence[Timer] | None = None) -> None:
    """Lead, or wait to, until `stop`."""
    pool = await connect_pool(settings.door("service"), size=1, application="wedsync-clock")
    publisher = Publisher(settings.valkey_url)
    waiting = ticks if ticks is not None else timers(settings, partial(publisher.publish, EVENTS))
    log.info("clock_ready")
    try:
        while not stop.is_set():
            try:
                await _lead(Door(pool), waiting, stop)
            except Exception as error:
                if not is_passing(error):
                    raise
                log.warning("clock_lost_database", reason=f"{type(error).__name__}: {error}")
            await _pause(stop, TRY_AGAIN_S)
    finally:
        await publisher.close()
        await pool.close()
    log.info("clock_stopped")


async def _lead(door: Door, waiting: Sequence[Timer], stop: asyncio.Event) -> None:
    """Take the lead and tick, or return when another has it. Raises what the database raises."""
    async with door.pool.acquire() as connection:
        if not await connection.fetchval(queries.lead, LEADER_KEY):
            return
        log.info("clock_leads")
        while not stop.is_set():
            for timer in waiting:
                if clock.monotonic() >= timer.due:
                    timer.due = clock.monotonic() + timer.every_s
                    failpoints.hit("before_tick")
                    await timer.tick(connection)
                    failpoints.hit("after_tick")
            await _pause(stop, max(0.05, min(timer.due for timer in waiting) - clock.monotonic()))


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()


def main(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT."""
    uvloop.run(_until_signalled(settings))


async def _until_signalled(settings: Settings) -> None:
    stop = asyncio.Event()
    stop_on_signals(stop)
    await serve(settings, stop=stop)
