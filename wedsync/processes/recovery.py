"""Recovery of a copied cluster by PostgreSQL itself: by its own log and the archive, up to a moment, to a new timeline.

A restored cluster never goes on with the timeline it came from: what it writes from now on has other names in the
archive than what the cluster before it wrote there, so the one never stands in the way of the other.
"""

import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from wedsync.processes.children import Account, run, spawn
from wedsync.processes.engine_account import PLAIN_ENVIRON
from wedsync.processes.failures import EngineFailed
from wedsync.processes.postgres import Postgres, archived, literal

PATIENCE_S: Final = 3600.0
"""A week of log is replayed in minutes; where it needs longer than this, something is wrong."""
SEGMENT: Final = re.compile(r"[0-9A-F]{24}|[0-9A-F]{8}\.history")
SYSTEM: Final = "Database system identifier"
TIMELINE: Final = "Latest checkpoint's TimeLineID"
SINGLE_PATIENCE_S: Final = 60.0
# Single-user mode takes no parameters; a password of ours is of letters, digits, - and _.
LET_IN: Final = "alter role wedsync_admin password 'secret'\n"


def recover(postgres: Postgres, *, port: int, moment: datetime | str, archive: Path | None, stands: Path) -> None:
    """Start it, and come back when it takes changes. `moment`: a time, "latest", or "" for the end of the backup.

    `stands` is the cluster that is in use: of all that was ever restored its history is followed.
    """
    (postgres.folder / "recovery.signal").touch(mode=0o600)
    if postgres.account:
        _give(postgres.folder / "recovery.signal", postgres.account)
    postgres.extra = _configuration(postgres, moment, archive, stands)
    postgres.patience_s = PATIENCE_S
    try:
        postgres.start(port)
    except EngineFailed as problem:
        if "before configured recovery target was reached" in str(problem):
            raise EngineFailed(
                f"The log that is known ends before {moment}. Name an earlier moment, or --at latest for all of it; if "
                "there should be more, look whether WEDSYNC_WAL_ARCHIVE_DIR is the folder it was."
            ) from problem
        raise
    postgres.extra = ""


def _configuration(postgres: Postgres, moment: datetime | str, archive: Path | None, stands: Path) -> str:
    # While it may be read during recovery it says that it is ready, and takes no changes yet.
    lines = ["recovery_target_action = promote", "hot_standby = off"]
    command = "false" if archive is None else f"cp {archived(archive, '%f')} %p"
    lines.append(f"restore_command = {literal(command)}")
    if isinstance(moment, datetime):
        lines.append(f"recovery_target_time = {literal(moment.astimezone(UTC).strftime('%Y-%m-%d %H:%M:%S.%f+00'))}")
    elif not moment:
        lines.append("recovery_target = immediate")
    own = int(_control(postgres, postgres.folder).get(TIMELINE, "1"))
    followed = _control(postgres, stands)
    if not moment:
        lines.append("recovery_target_timeline = current")
    elif followed.get(SYSTEM) == _control(postgres, postgres.folder).get(SYSTEM):
        lines.append(f"recovery_target_timeline = '{max(own, int(followed.get(TIMELINE, '1')))}'")
    else:
        lines.append("recovery_target_timeline = latest")
    return "\n".join(lines) + "\n"


def bring_log(postgres: Postgres, stands: Path) -> None:
    """What the cluster that stands has written and not archived yet is at hand too, where it is the same cluster's."""
    log = stands / "pg_wal"
    if not log.is_dir() or stands == postgres.folder:
        return
    if _control(postgres, stands).get(SYSTEM) != _control(postgres, postgres.folder).get(SYSTEM):
        return
    for file in sorted(log.iterdir()):
        if SEGMENT.fullmatch(file.name):
            to = postgres.folder / "pg_wal" / file.name
            shutil.copyfile(file, to)
            to.chmod(0o600)
            if postgres.account:
                _give(to, postgres.account)


def _control(postgres: Postgres, folder: Path) -> dict[str, str]:
    """What a cluster says of itself; {} where there is none, or it cannot be read."""
    said = run([postgres.bin / "pg_controldata", "-D", folder], environ=PLAIN_ENVIRON, folder=postgres.bin)
    if said.returncode != 0:
        return {}
    return {
        name.strip(): value.strip() for name, _, value in (line.partition(":") for line in said.stdout.splitlines())
    }


def set_password(postgres: Postgres) -> None:
    """Give the administrator this data folder's password, whatever it was where the backup was made."""
    postgres.stop()
    process = spawn(
        [postgres.bin / "postgres", "--single", "-D", postgres.folder, "postgres"],
        environ=PLAIN_ENVIRON,
        folder=postgres.folder,
        account=postgres.account,
        log=postgres.log,
        stdin=subprocess.PIPE,
    )
    process.communicate(LET_IN.replace("secret", postgres.admin_password).encode(), timeout=SINGLE_PATIENCE_S)
    if process.returncode != 0:
        raise EngineFailed(f"The administrator of the restored cluster could not be let in (more in {postgres.log}).")
    postgres.start(postgres.port)


def _give(file: Path, account: Account) -> None:
    shutil.chown(file, account.uid, account.gid)
