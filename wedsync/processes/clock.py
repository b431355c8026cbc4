"""The clock process: what must happen by itself, done by one leader however many clocks run.

The leader holds an advisory lock on the connection it works with, so it loses both together and another takes over
within seconds. A tick that comes twice does nothing the second time.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Final

import msgspec
import structlog
import uvloop

from wedsync.events import record
from wedsync.events.jobs import is_passing, queries
from wedsync.kit import clock, failpoints
from wedsync.kit.config import Settings
from wedsync.kit.db import Door, connect_pool
from wedsync.kit.valkey import Publisher
from wedsync.processes import forgetting, health_watch, integrity, migration_requests, preflight, ticks, wedding_time
from wedsync.processes.stopping import stop_on_signals
from wedsync.processes.ticks import Tick

log = structlog.get_logger("clock")

LEADER_KEY: Final = 0x57434C4B
"""'WCLK': the advisory lock of the clock that leads."""
TRY_AGAIN_S: Final = 2.0


class Timer(msgspec.Struct):
    """One tick and when it comes next, in this process's monotonic seconds."""

    name: str
    every_s: float
    tick: Tick
    due: float = 0.0


def timers(settings: Settings, published: Callable[[str], Awaitable[Any]]) -> list[Timer]:
    """What is due when; everything once at the start. `published` hears what a tick has recorded."""
    minute, hour, day = 60.0, 3_600.0, 86_400.0
    return [
        Timer("reclaim", 5.0, ticks.reclaim),
        Timer("expire", 5.0, ticks.expire),
        Timer("end_bookings", 5.0, ticks.ending_bookings(published)),
        Timer("poke_calendars", 5.0, ticks.poking_accounts(published)),
        Timer("make_digests", 5.0, ticks.making_digests(published)),
        Timer("probe_mail", 5.0, ticks.probing_mail(published)),
        Timer("mind_texts", 2.0, ticks.minding_texts(published)),
        Timer("queue_watch", 10.0, ticks.queue_watch()),
        Timer("judge_connections", 5.0, ticks.judging_connections(published)),
        Timer("warn_of_photos", 5 * minute, ticks.warning_of_photos(published)),
        Timer("remind_of_payments", 5 * minute, ticks.reminding_of_payments(published)),
        Timer("remind_of_tasks", 5 * minute, ticks.reminding_of_tasks(published)),
        Timer("remind_of_forms", 5 * minute, ticks.reminding_of_forms(published)),
        Timer("warn_of_limits", 5 * minute, ticks.warning_of_limits(published)),
        Timer("mind_alerts", 1.0, ticks.minding_alerts(published)),
        Timer("mind_days", 2.0, ticks.minding_days(published, 2.0)),
        Timer("drill", minute, ticks.drilling(published, 5 * minute)),
        Timer("mind_invitations", minute, ticks.minding_invitations(published)),
        Timer("mind_journeys", 10.0, ticks.minding_journeys(published)),
        Timer("pass_milestones", 10 * minute, ticks.passing_milestones(published, minute)),
        Timer("mind_failing", minute, ticks.minding(published)),
        Timer("forget_positions", minute, forgetting.forget_positions),
        Timer("forget_hosts", hour, forgetting.forget_hosts),
        Timer("forget_sessions", hour, forgetting.forget_sessions),
        Timer("forget_consents", hour, forgetting.forget_consents),
        Timer("forget_answers", hour, forgetting.forget_answers),
        Timer("forget_usage_writers", hour, forgetting.forget_usage_writers),
        Timer("forget_phones", hour, forgetting.forget_phones),
        Timer("forget_uploads", hour, forgetting.forgetting_uploads(settings.import_retention_days)),
        Timer("forget_hooks", hour, forgetting.forgetting_hooks(settings.inbound_retention_days)),
        Timer("forget_mail", hour, forgetting.forgetting_mail(settings.inbound_retention_days)),
        Timer("forget_syncs", hour, forgetting.forgetting_syncs(settings.inbound_retention_days)),
        Timer("forget_decisions", hour, forgetting.forgetting_decisions(settings.delivery_retention_days)),
        Timer("forget_months", hour, forgetting.forgetting_months(forgetting.kept_days(settings))),
        Timer("make_partitions", day, ticks.make_partitions),
        Timer("check_density", day, ticks.check_density),
        Timer("watch_health", health_watch.LOOK_S, health_watch.watching(settings, published)),
        Timer("forget_health", hour, health_watch.forget),
        Timer("apply_migrations", 2.0, migration_requests.applying(settings)),
        Timer("tell_of_modes", 5.0, ticks.telling_of_modes(published)),
        Timer("preflight", 10 * minute, preflight.by_clock(settings, published)),
        Timer("plan_freezes", 30.0, ticks.planning_freezes(settings)),
        Timer("sample_sizes", 6 * hour, ticks.sample_sizes),
        Timer("check_integrity", 10 * minute, integrity.nightly(settings)),
    ]


async def serve(settings: Settings, *, stop: asyncio.Event, ticks: Sequence[Timer] | None = None) -> None:
    """Lead, or wait to, until `stop`."""
    pool = await connect_pool(settings.door("service"), size=1, application="wedsync-clock")
    publisher = Publisher(settings.valkey_url)
    waiting = ticks if ticks is not None else timers(settings, partial(publisher.publish, record.FEED))
    log.info("clock_ready")
    try:
        while not stop.is_set():
            try:
                await _lead(Door(pool), waiting, stop, settings.env)
            except Exception as error:
                if not is_passing(error):
                    raise
                log.warning("clock_lost_database", reason=f"{type(error).__name__}: {error}")
            await _pause(stop, TRY_AGAIN_S)
    finally:
        await publisher.close()
        await pool.close()
    log.info("clock_stopped")


async def _lead(door: Door, waiting: Sequence[Timer], stop: asyncio.Event, env: str) -> None:
    """Take the lead and tick, or return when another has it. Raises what the database raises."""
    async with door.pool.acquire() as connection:
        if not await connection.fetchval(queries.lead, LEADER_KEY):
            return
        log.info("clock_leads")
        while not stop.is_set():
            await wedding_time.take(connection, env)
            for timer in waiting:
                if clock.monotonic() >= timer.due:
                    timer.due = clock.monotonic() + clock.pace(timer.every_s)
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
