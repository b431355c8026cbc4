"""`wedsync restore`: brings a backup back, up to a moment, examines it, and only then puts it in the cluster's place.

It is built beside the cluster that stands: nothing is overwritten, and what stood before stays under another name.
Every stream is then of a new epoch, for numbers of events that clients have seen may mean other events from now on.
"""

import asyncio
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.markup import escape

from wedsync.kit import clock
from wedsync.kit.config import Settings
from wedsync.kit.seal import KeyRing
from wedsync.processes import doctor_deep, migrate, recovery, swap
from wedsync.processes.backup import ABOUT, CLUSTER, NAME, Backup, backups, note_drill, read, verify
from wedsync.processes.doctor import MARKS
from wedsync.processes.engine_account import engine_account, own, reachable_folder
from wedsync.processes.engines import (
    archive_folder,
    cluster_folder,
    free_port,
    held,
    log_folder,
    passwords_of,
    reach,
    require,
)
from wedsync.processes.failures import CannotRun
from wedsync.processes.postgres import DATABASE, Postgres

LATEST: Final = "latest"
AFTERWARDS: Final = (
    "What was sent after that moment and is owed still is sent once more, under the same ids. Links, sessions and "
    "suppressions are as they were then. docs/runbooks/restore.md says what to look at before you start."
)


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What to bring back: of a backup, `at` a moment, "latest", or "" for the moment of the backup itself."""

    source: Path
    at: str = ""
    is_drill: bool = False
    despite_flaws: bool = False


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """What became of it: `until` is when the newest change that it has was made."""

    until: datetime | None
    epoch: int
    broken: int
    took_s: float


def run(settings: Settings, wish: Wish) -> int:
    """Bring it back and say what was found; 1 where something is broken. Raises CannotRun and EngineFailed."""
    console = Console(highlight=False, soft_wrap=True)

    def tell(finding: doctor_deep.Finding) -> None:
        console.print(f"{MARKS[finding.level]}  {escape(finding.text)}", markup=True)

    if wish.is_drill:
        restored = drill(settings, wish, tell=tell)
        note_drill(settings.data_dir, flaws=restored.broken)
        print(f"{_words(restored)} It was a drill: the copy is gone, and nothing else was touched.")
        return 1 if restored.broken else 0
    with held(settings.data_dir):
        restored, before = replace(settings, wish, tell=tell)
    print(
        f"{_words(restored)} It stands in the cluster's place{f'; what stood there is in {before}' if before else ''}."
    )
    print(AFTERWARDS)
    return 1 if restored.broken else 0


def _words(restored: Restored) -> str:
    until = "" if restored.until is None else f" The newest change is of {restored.until:%Y-%m-%d %H:%M:%S} UTC."
    return f"Restored in {restored.took_s:.0f} s, epoch {restored.epoch}.{until}"


def drill(settings: Settings, wish: Wish, *, tell: Callable[[doctor_deep.Finding], None]) -> Restored:
    """Bring it back in a folder of its own, examine it and throw it away; what runs goes on."""
    draft = reachable_folder(settings.data_dir / "restore-drill", engine_account())
    try:
        return _rebuilt(settings, wish, draft, archive=None, tell=tell)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def replace(
    settings: Settings, wish: Wish, *, tell: Callable[[doctor_deep.Finding], None]
) -> tuple[Restored, Path | None]:
    """Put it in the place of the cluster, which is kept beside; the data folder is held by the caller."""
    place = cluster_folder(settings.data_dir)
    draft = place.with_name(f"{place.name}.restoring")
    archive = archive_folder(settings, engine_account())
    restored = _rebuilt(settings, wish, draft, archive=archive, tell=tell)
    if restored.broken and not wish.despite_flaws:
        raise CannotRun(
            f"What was restored has flaws, so it was not put in place: it is in {draft}. Restore another backup or "
            "moment, or say --despite-flaws."
        )
    before = place.with_name(f"{place.name}.before-{clock.machine_now().strftime(NAME)}")
    return restored, swap.put(settings.data_dir, draft=draft, place=place, before=before)


def _rebuilt(
    settings: Settings,
    wish: Wish,
    draft: Path,
    *,
    archive: Path | None,
    tell: Callable[[doctor_deep.Finding], None],
) -> Restored:
    """The cluster as it was, in `draft`, stopped; examined, with a new epoch. `archive`: its log goes on there."""
    began = time.monotonic()
    moment = moment_of(wish.at)
    source, about = chosen(wish.source, moment)
    check_keys(about, settings)
    passwords = passwords_of(settings.data_dir)
    postgres = Postgres(
        folder=draft,
        log=log_folder(settings.data_dir) / "restore.log",
        account=engine_account(),
        admin_password=passwords["wedsync_admin"],
        is_durable=settings.env != "test",
        archive=archive,
    )
    verify(postgres, source)
    shutil.rmtree(draft, ignore_errors=True)
    shutil.copytree(source / CLUSTER, draft, symlinks=True)
    draft.chmod(0o700)
    own(draft, postgres.account)
    stands = cluster_folder(settings.data_dir)
    log = archive_folder(settings, postgres.account)
    if wish.at:
        recovery.bring_log(postgres, stands)
    recovery.recover(postgres, port=free_port(), moment=moment or wish.at, archive=log, stands=stands)
    try:
        until = asyncio.run(_let_in(postgres))
        epoch = asyncio.run(_opened(postgres, settings, passwords))
        broken = 0
        for finding in asyncio.run(_examined(postgres, passwords)):
            tell(finding)
            broken += finding.level == "broken"
    finally:
        postgres.stop()
    return Restored(until=until, epoch=epoch, broken=broken, took_s=time.monotonic() - began)


async def _let_in(postgres: Postgres) -> datetime | None:
    """See to it that the administrator is let in; returns of when the newest change is, where that is known."""
    if not await migrate.is_let_in(postgres.url(database="postgres")):
        recovery.set_password(postgres)
    async with migrate.connected(postgres.url(database="postgres")) as connection:
        until: datetime | None = await connection.fetchval("select pg_last_xact_replay_timestamp()")
        return until


async def _opened(postgres: Postgres, settings: Settings, passwords: dict[str, str]) -> int:
    """Let this data folder's logins in, bring the schema forward, and begin a new epoch."""
    logins = {role: password for role, password in passwords.items() if role in migrate.ROLE_SETTINGS}
    await migrate.prepare(postgres.url(database="postgres"), database=DATABASE, passwords=logins)
    owner = postgres.url("wedsync_owner", passwords["wedsync_owner"])
    await migrate.migrate(owner, default_plan=settings.plan)
    async with migrate.connected(owner) as connection:
        epoch: int = await connection.fetchval("select app.begin_epoch()")
        return epoch


async def _examined(postgres: Postgres, passwords: dict[str, str]) -> list[doctor_deep.Finding]:
    service = postgres.url("wedsync_service", passwords["wedsync_service"])
    return [*[finding async for finding in doctor_deep.data(service)], doctor_deep.files(postgres)]


def moment_of(at: str) -> datetime | None:
    """The moment that was named; None for "" and "latest". Raises CannotRun for what is no time with a zone."""
    if at in ("", LATEST):
        return None
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        raise CannotRun(f"--at {at} is not a time. Write it as 2027-06-05T14:30:00Z, or say latest.") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if moment > clock.machine_now():
        raise CannotRun(f"--at {at} is in the future. Name a moment that has been, or say latest.")
    return moment


def chosen(source: Path, moment: datetime | None) -> tuple[Path, Backup]:
    """The backup that was named, or of a folder of backups the newest that ended before the moment."""
    if (source / ABOUT).exists() or not source.is_dir():
        place, about = source, read(source)
        if moment is not None and about.finished_at > moment:
            raise CannotRun(
                f"{place} ended at {about.finished_at:%Y-%m-%dT%H:%M:%SZ}, and no backup leads to a moment before its "
                f"end. Name an older one, or the folder of all."
            )
        return place, about
    fitting = [(place, about) for place, about in backups(source) if moment is None or about.finished_at <= moment]
    if not fitting:
        raise CannotRun(f"No backup in {source} ended {'before that moment' if moment else 'yet'}.")
    return fitting[-1]


def check_keys(about: Backup, settings: Settings) -> None:
    """Without the keys what is sealed would stay closed for ever: better told before than found after."""
    have = KeyRing.from_setting(settings.seal_keys).key_ids
    missing = [key for key in about.seal_keys if key not in have]
    if missing:
        raise CannotRun(
            f"What this backup holds is sealed with keys that are not here: {', '.join(missing)}. Add them to "
            "WEDSYNC_SEAL_KEYS (a data folder that makes its own keeps them in secrets.json), then restore again."
        )


async def begin_epoch(settings: Settings) -> int:
    """For a database that its own administrator restored: clients are told, as after a restore of ours."""
    reached = reach(settings)
    require(reached, "owner_database_url")
    async with migrate.connected(reached.owner_database_url) as connection:
        epoch: Any = await connection.fetchval("select app.begin_epoch()")
    print(f"Epoch {epoch}: clients read anew from where things stand now. `wedsync doctor --deep` examines the data.")
    return 0
