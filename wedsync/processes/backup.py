"""`wedsync backup`: a copy of the bundled cluster while it runs, verified, and with what is needed to judge it later.

A backup is a folder named by when it began: `cluster` is what `pg_basebackup` made, `backup.json` says of what. It
holds all data, so it is for its owner's eyes only; it holds no key, so that what is sealed stays sealed to a thief.
"""

import re
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from wedsync.kit import clock
from wedsync.kit.config import Settings
from wedsync.kit.config_secrets import write_private
from wedsync.kit.seal import KeyRing
from wedsync.processes.children import run as run_program
from wedsync.processes.engine_account import PLAIN_ENVIRON
from wedsync.processes.engines import archive_folder, bundled
from wedsync.processes.failures import CannotRun
from wedsync.processes.migrate_command import running_database
from wedsync.processes.postgres import ADMIN, MAJOR, Postgres, last_line

NAME: Final = "%Y%m%dT%H%M%SZ"
ABOUT: Final = "backup.json"
CLUSTER: Final = "cluster"
DRILLED: Final = "restore-drill.json"
"""In the folder of data: when a restore was drilled last, and what it found."""
OURS_ALONE: Final = (
    "This database is run by you, and WedSync copies only the PostgreSQL that it starts itself. Use the tools of "
    "whoever runs it (pgBackRest, your provider's snapshots); after a restore say `wedsync restore --begin-epoch`."
)
START_SEGMENT: Final = re.compile(r"\(file ([0-9A-F]{24})\)")


class Backup(msgspec.Struct, frozen=True, kw_only=True):
    """What `backup.json` says: nothing before `finished_at` can be gone back to by this backup."""

    began_at: datetime
    finished_at: datetime
    postgres: int = MAJOR
    seal_keys: tuple[str, ...] = ()
    """Ids of the keys that opened what is sealed, the first one seals; never the keys."""


class Drilled(msgspec.Struct, frozen=True):
    """What a drill of a restore leaves behind, for whoever asks whether backups can be brought back."""

    at: datetime
    flaws: int


def run(settings: Settings, *, to: Path | None) -> None:
    """Make one and say where it is; raises CannotRun and EngineFailed with what to do."""
    folder = to or settings.data_dir / "backups"
    with running_database(settings) as (_, engines):
        postgres = bundled(settings) if engines is None else engines.postgres
        if postgres is None:
            raise CannotRun(OURS_ALONE)
        place, about = make(postgres, settings, folder)
        size = sum(file.stat().st_size for file in place.rglob("*") if file.is_file())
        print(f"{place}: {size / 1e6:.0f} MB, as of {about.finished_at:%Y-%m-%d %H:%M:%S} UTC, verified.")
        archive = archive_folder(settings, postgres.account)
        for gone in forget(postgres, folder, archive, days=settings.recovery_days):
            print(f"{gone} is older than {settings.recovery_days} days and was removed.")
    if archive is None:
        print("WEDSYNC_WAL_ARCHIVE_DIR is not set: a restore brings back this moment, and no later one.")


def make(postgres: Postgres, settings: Settings, folder: Path) -> tuple[Path, Backup]:
    """A verified backup below `folder`. It appears there whole, under its name."""
    began_at = clock.machine_now()
    place = folder / began_at.strftime(NAME)
    draft = folder / f".{place.name}.part"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for left in folder.glob(".*.part"):
        shutil.rmtree(left)
    draft.mkdir(mode=0o700)
    _copy(postgres, draft / CLUSTER)
    verify(postgres, draft)
    keys = KeyRing.from_setting(settings.seal_keys).key_ids
    about = Backup(began_at=began_at, finished_at=clock.machine_now(), seal_keys=tuple(keys))
    write_private(draft / ABOUT, msgspec.json.format(msgspec.json.encode(about)) + b"\n")
    draft.rename(place)
    return place, about


def _copy(postgres: Postgres, to: Path) -> None:
    command: list[str | Path] = [
        postgres.bin / "pg_basebackup",
        f"--pgdata={to}",
        "--format=plain",
        "--wal-method=stream",
    ]
    command += ["--checkpoint=fast", "--manifest-checksums=SHA256", "--label=wedsync", "--no-password"]
    command += ["--host=127.0.0.1", f"--port={postgres.port}", f"--username={ADMIN}"]
    environ = PLAIN_ENVIRON | {"PGPASSWORD": postgres.admin_password}
    said = run_program(command, environ=environ, folder=to.parent, patience_s=None)
    if said.returncode != 0:
        raise CannotRun(f"The copy into {to.parent} failed: {last_line(said.stderr)}")


def verify(postgres: Postgres, place: Path) -> None:
    """Every file is there as it was copied, and the log to bring it into order can be read."""
    command: list[str | Path] = [postgres.bin / "pg_verifybackup", "--exit-on-error", "--quiet", place / CLUSTER]
    said = run_program(command, environ=PLAIN_ENVIRON, folder=place, patience_s=None)
    if said.returncode != 0:
        told = last_line(said.stderr + said.stdout)
        raise CannotRun(f"The backup {place} is not what was copied: {told}. Use another one; docs/runbooks/restore.md")


def read(place: Path) -> Backup:
    """What is known of a backup; raises CannotRun where this is none, or not of this PostgreSQL."""
    try:
        about = msgspec.json.decode((place / ABOUT).read_bytes(), type=Backup)
    except FileNotFoundError:
        raise CannotRun(
            f"{place} is no backup: {ABOUT} is missing. Name a folder that `wedsync backup` made."
        ) from None
    except (OSError, msgspec.DecodeError) as problem:
        raise CannotRun(f"{place / ABOUT} cannot be read: {problem}.") from problem
    if about.postgres != MAJOR:
        raise CannotRun(f"{place} is of PostgreSQL {about.postgres}, and this program brings {MAJOR}.")
    return about


def backups(folder: Path) -> Iterator[tuple[Path, Backup]]:
    """Those in a folder, the oldest first."""
    for place in sorted(folder.iterdir()):
        if not place.name.startswith(".") and (place / ABOUT).exists():
            yield place, read(place)


def forget(postgres: Postgres, folder: Path, archive: Path | None, *, days: int) -> list[Path]:
    """Remove backups that no moment of so many days needs, and the archived log before the oldest that stays."""
    since = clock.machine_now() - timedelta(days=days)
    known = list(backups(folder))
    needed = [n for n, (_, about) in enumerate(known) if about.finished_at <= since]
    first = needed[-1] if needed else 0
    gone = [place for place, _ in known[:first]]
    for place in gone:
        shutil.rmtree(place)
    if archive is not None and (segment := _first_segment(known[first][0])):
        command: list[str | Path] = [postgres.bin / "pg_archivecleanup", archive, segment]
        said = run_program(command, environ=PLAIN_ENVIRON, folder=archive, patience_s=None)
        if said.returncode != 0:
            raise CannotRun(f"The archive {archive} could not be cleaned: {last_line(said.stderr)}")
    return gone


def _first_segment(place: Path) -> str:
    """The first file of the log that a backup needs."""
    found = START_SEGMENT.search((place / CLUSTER / "backup_label").read_text())
    return found[1] if found else ""


def note_drill(data_dir: Path, *, flaws: int) -> None:
    """A restore was drilled now."""
    write_private(data_dir / DRILLED, msgspec.json.encode(Drilled(clock.machine_now(), flaws)) + b"\n")


def drilled(data_dir: Path) -> Drilled | None:
    """The last drill of a restore on this machine, where there was one."""
    try:
        return msgspec.json.decode((data_dir / DRILLED).read_bytes(), type=Drilled)
    except (OSError, msgspec.DecodeError):
        return None
