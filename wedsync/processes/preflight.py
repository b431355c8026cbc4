"""The preflight of a weekend: the clock makes it from Friday morning on, `wedsync preflight` whenever it is asked.

What only this machine can see (backups, the certificate, the disk, files of migrations) is looked at here, in a
thread: verifying a backup reads all of it.
"""

import asyncio
import shutil
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
import structlog
from cryptography import x509

from wedsync.events.jobs import is_passing
from wedsync.kit import clock
from wedsync.kit.config import Settings
from wedsync.kit.config_checks import DATABASES, is_local
from wedsync.kit.db import connect_pool
from wedsync.kit.seal import KeyRing
from wedsync.operations.preflight import actions, model
from wedsync.operations.preflight.actions import queries
from wedsync.operations.preflight.model import Machine, Report
from wedsync.processes import backup, migrate
from wedsync.processes.engines import bundled, reach
from wedsync.processes.failures import CannotRun, MigrationRefused
from wedsync.processes.postgres import Postgres

log = structlog.get_logger("preflight")

NO_ADDRESSES: Final = dict.fromkeys(DATABASES, "")


async def run(settings: Settings, *, is_json: bool, tells: bool) -> int:
    """Look, keep and show it; 1 where something is bad."""
    settings = reach(settings)
    machine = await see(settings)
    pool = await connect_pool(settings.door("service"), size=1, application="wedsync-preflight")
    try:
        report = await actions.examine(pool.fetchval, settings, machine)
        id = await actions.keep(pool.fetchval, report)
        told = 0
        if tells:
            ring = KeyRing.from_setting(settings.seal_keys)
            told = await actions.tell(pool.fetchval, pool.fetch, ring, settings.public_url, id=id, report=report)
    finally:
        await pool.close()
    if is_json:
        sys.stdout.write(msgspec.json.encode(report).decode() + "\n")
    else:
        _show(report, told if tells else None)
    return 0 if report.is_ready else 1


def _show(report: Report, told: int | None) -> None:
    weddings = "1 wedding" if report.weddings == 1 else f"{report.weddings} weddings"
    sys.stdout.write(f"{weddings} in the next four days; the weekend of {report.weekend:%d %B %Y}.\n")
    for line in model.lines(report):
        sys.stdout.write(f"{line}\n")
    if told is not None:
        sys.stdout.write(f"{told} operators were mailed.\n" if told else "This weekend's letter had left before.\n")


def by_clock(settings: Settings, published: Callable[[str], Awaitable[Any]]) -> Callable[[Any], Awaitable[None]]:
    """A tick that makes it when it is due, beside the clock's other work, and mails the operators once a weekend."""
    running: list[asyncio.Task[None]] = []

    async def tick(connection: Any) -> None:
        if running:
            if not running[0].done():
                return
            await running.pop()
        now = clock.now()
        last = await connection.fetchrow(queries.of_weekend, model.weekend_of(now.date()))
        if settings.seal_keys and model.is_due(now, last["at"]):
            running.append(asyncio.create_task(_made(settings, published)))

    return tick


async def _made(settings: Settings, published: Callable[[str], Awaitable[Any]]) -> None:
    """A database that goes away meanwhile is asked again by the next tick."""
    try:
        machine = await see(settings)
        pool = await connect_pool(settings.door("service"), size=1, application="wedsync-clock")
        try:
            report = await actions.examine(pool.fetchval, settings, machine)
            id = await actions.keep(pool.fetchval, report)
            ring = KeyRing.from_setting(settings.seal_keys)
            if report.weddings and await actions.tell(
                pool.fetchval, pool.fetch, ring, settings.public_url, id=id, report=report
            ):
                await published("[]")
        finally:
            await pool.close()
    except Exception as error:
        if not is_passing(error):
            raise
        log.warning("preflight_interrupted", reason=f"{type(error).__name__}: {error}")


def looking(settings: Settings) -> actions.Look:
    """For the doors: the newest backup is not read there, only looked at."""
    return partial(see, settings, is_thorough=False)


async def see(settings: Settings, *, is_thorough: bool = True) -> Machine:
    """This machine, now."""
    machine = await asyncio.to_thread(_see, settings, is_thorough=is_thorough)
    url = settings.service_database_url or settings.database_url
    try:
        pending = await migrate.pending(url) if url else []
    except MigrationRefused as refused:
        pending = [str(refused)]
    except Exception as problem:
        if not is_passing(problem):
            raise
        pending = [f"what is missing could not be seen ({type(problem).__name__})"]
    return msgspec.structs.replace(machine, pending=pending)


def _see(settings: Settings, *, is_thorough: bool) -> Machine:
    postgres = cluster(settings)
    backup_at, flaw = None, ""
    if postgres is not None:
        backup_at, flaw = _newest_backup(settings, postgres, is_thorough=is_thorough)
    drilled = backup.drilled(settings.data_dir)
    return Machine(
        env=settings.env,
        has_certificate=settings.tls_cert is not None,
        certificate_ends_at=None if settings.tls_cert is None else certificate_end(settings.tls_cert),
        is_bundled=postgres is not None,
        backup_at=backup_at,
        backup_flaw=flaw,
        has_archive=settings.wal_archive_dir is not None,
        drilled_at=None if drilled is None else drilled.at,
        drill_flaws=0 if drilled is None else drilled.flaws,
        disk_free=_disk_free(settings.data_dir),
    )


def cluster(settings: Settings) -> Postgres | None:
    """The bundled cluster, also for a process whose supervisor gave it the cluster's addresses; None elsewhere."""
    postgres = bundled(msgspec.structs.replace(settings, **NO_ADDRESSES))
    url = settings.service_database_url or settings.database_url
    if postgres is None or (url and not (is_local(url) and urlsplit(url).port == postgres.port)):
        return None
    return postgres


def _newest_backup(settings: Settings, postgres: Postgres, *, is_thorough: bool) -> tuple[datetime | None, str]:
    folder = settings.data_dir / "backups"
    if not folder.is_dir():
        return None, ""
    try:
        known = list(backup.backups(folder))
        if not known:
            return None, ""
        place, about = known[-1]
        if is_thorough:
            backup.verify(postgres, place)
    except CannotRun as problem:
        return clock.machine_now(), str(problem)
    return about.finished_at, ""


def certificate_end(path: Path) -> datetime | None:
    """When the first certificate of the chain ends; None where the file holds none."""
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())[0].not_valid_after_utc
    except (OSError, ValueError):
        return None


def _disk_free(folder: Path) -> float:
    usage = shutil.disk_usage(next(place for place in (folder, *folder.parents) if place.exists()))
    return usage.free / usage.total
