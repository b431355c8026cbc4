"""`wedsync doctor --deep`: reads all data and says whether anything of it is lost, doubled, miscounted or damaged.

The questions of integrity are asked of any database. The files below it are examined by PostgreSQL's own `pg_amcheck`,
where the cluster is ours; it reads every table and index and needs no lock that anybody would notice.
"""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Literal

import asyncpg
import msgspec

from wedsync.kit import clock
from wedsync.kit.config import Settings
from wedsync.operations.integrity import checks
from wedsync.processes.children import run
from wedsync.processes.engine_account import PLAIN_ENVIRON
from wedsync.processes.engines import bundled, reach
from wedsync.processes.postgres import ADMIN, DATABASE, Postgres

Level = Literal["fine", "warning", "broken"]

NIGHTS_MISSED: Final = timedelta(hours=50)
LINES: Final = 5
NOT_READY: Final = (asyncpg.UndefinedFunctionError, asyncpg.InvalidSchemaNameError)
"""A database that was not migrated yet: the doctor says so elsewhere."""


class Finding(msgspec.Struct, frozen=True):
    level: Level
    text: str


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """What reading everything finds, question by question."""
    reached = reach(settings)
    if not reached.service_database_url:
        yield Finding("warning", "Nothing was read in depth: no database runs. Start one with `wedsync up`.")
        return
    async for finding in data(reached.service_database_url):
        yield finding
    postgres = bundled(settings)
    if postgres is None:
        text = "Its files were not examined: this database is run by you. Let its administrator run `pg_amcheck`."
        yield Finding("warning", text)
    else:
        yield files(postgres)


async def data(dsn: str) -> AsyncIterator[Finding]:
    """The questions of integrity, asked now."""
    try:
        connection = await asyncpg.connect(dsn, timeout=10, server_settings={"application_name": "wedsync-doctor"})
    except (OSError, TimeoutError, asyncpg.PostgresError) as problem:
        yield Finding("broken", f"Nothing was read in depth: the database does not let us in: {problem}.")
        return
    try:
        async for found in checks.ask(connection):
            await checks.note(connection, found)
            yield _told(found)
    except NOT_READY:
        yield Finding("broken", "Nothing was read in depth: the database lacks migrations. Run `wedsync migrate`.")
    finally:
        await connection.close(timeout=5)


def _told(found: checks.Found) -> Finding:
    check = found.check
    if found.is_sound:
        return Finding("fine", f"{check.holds} ({found.took_s:.1f} s)")
    first = "".join(f"\n        {_whose(flaw)} {flaw.subject}: {flaw.told}" for flaw in found.flaws[: checks.FIRST])
    return Finding("broken", f"{found.count} {check.broken}. {check.cure}{first}")


def _whose(flaw: checks.Flaw) -> str:
    return "" if flaw.tenant_id in (None, flaw.subject) else f"of {flaw.tenant_id},"


def files(postgres: Postgres, database: str = DATABASE) -> Finding:
    """Every table and index of the bundled cluster, by its own tool, which is installed into the database for it."""
    command: list[str | Path] = [postgres.bin / "pg_amcheck", "--install-missing", "--heapallindexed", "--no-password"]
    command += ["--host=127.0.0.1", f"--port={postgres.port}", f"--username={ADMIN}", f"--database={database}"]
    environ = PLAIN_ENVIRON | {"PGPASSWORD": postgres.admin_password}
    said = run(command, environ=environ, folder=postgres.bin, patience_s=None)
    if said.returncode == 0:
        return Finding("fine", "Every table and index of the database can be read, and each index has all rows.")
    lines = [line.strip() for line in (said.stdout + said.stderr).splitlines() if line.strip()]
    shown = "".join(f"\n        {line}" for line in lines[: LINES * 2])
    cure = "An index is made anew by `reindex index concurrently`. A table is damaged: docs/runbooks/restore.md."
    return Finding("broken", f"pg_amcheck finds damage. {cure}{shown}")


async def last_night(dsn: str) -> Finding:
    """What the clock's questions found, without asking them again."""
    try:
        connection = await asyncpg.connect(dsn, timeout=10)
        try:
            rows = await connection.fetch(checks.queries.standing)
        finally:
            await connection.close(timeout=5)
    except NOT_READY:
        return Finding("warning", "The data was never examined: the database lacks migrations.")
    except (OSError, TimeoutError, asyncpg.PostgresError) as problem:
        return Finding("warning", f"When the data was examined last could not be seen: {problem}.")
    return standing(rows)


def standing(rows: list[Any]) -> Finding:
    if not rows:
        return Finding(
            "warning", "The data was never examined. The clock does it each night; or `wedsync doctor --deep`."
        )
    broken = {row["name"]: row["found"] for row in rows if row["found"]}
    if broken:
        told = ", ".join(f"{count} by the question {name!r}" for name, count in broken.items())
        return Finding("broken", f"Examining the data found flaws: {told}. `wedsync doctor --deep` says what to do.")
    oldest = min(row["checked_at"] for row in rows)
    if clock.machine_now() - oldest > NIGHTS_MISSED:
        return Finding("warning", f"The data was examined last on {oldest:%d %B %Y}. Does a clock run?")
    return Finding("fine", f"The data was examined on {oldest:%d %B at %H:%M} UTC and is whole.")
