"""What the clock takes away with age: logs, hooks, decisions, uploads, whole months of the ledger."""

from collections.abc import Mapping
from typing import Any

import structlog

from wedsync.events.jobs import queries
from wedsync.kit import sql
from wedsync.kit.config import Settings
from wedsync.processes.ticks import Tick

accounts = sql.load("wedsync.connections.accounts")
answers = sql.load("wedsync.web")
calendars = sql.load("wedsync.connections.calendars")
mailing = sql.load("wedsync.connections.mailing")
commerce = sql.load("wedsync.commerce")
records = sql.load("wedsync.connections.records")
hooks = sql.load("wedsync.connections")
phoning = sql.load("wedsync.connections.phoning")
imports = sql.load("wedsync.guests.importing")
notices = sql.load("wedsync.notices")
log = structlog.get_logger("clock")


async def forget_phones(connection: Any) -> None:
    """Words of texts that nobody needs any more, and hooks that cannot be repeated."""
    await connection.fetchval(phoning.forget)


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


def forgetting_decisions(days: int) -> Tick:
    """Why people were told, or not, so many days ago."""

    async def forget(connection: Any) -> None:
        await connection.fetchval(notices.forget_decisions, days)

    return forget


def forgetting_mail(days: int) -> Tick:
    """What providers said of mails so many days ago."""

    async def forget(connection: Any) -> None:
        await connection.fetchval(mailing.forget_events, days)

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


def kept_days(settings: Settings) -> dict[str, int]:
    """How long each table that is kept by months is kept; what refers to others first."""
    return {
        "attempts": settings.attempt_retention_days,
        "deliveries": settings.delivery_retention_days,
        "events": settings.event_retention_days,
        "access_log": settings.access_log_retention_days,
        "security_events": settings.security_retention_days,
    }
