"""Builds the database and brings it forward: roles, the database itself, and `db/migrations/*.sql` one after another.

Forward only, one at a time (advisory lock), each file in a transaction of its own that gives up after a second of
waiting for a lock and tries again, so that a migration never stands in front of the traffic. A file whose first line
says `-- no transaction` holds exactly one statement, such as `create index concurrently`.
`db/schema/*.sql` is the database as it is; `build_from_schema` makes one from it for the test that both are the same.
Before the first release the first file includes it (docs/decisions/0024-the-first-migration.md): `python -m
wedsync.processes.migrate FOLDER` writes the files as they run, for a linter and for the release that freezes them.
"""

import asyncio
import hashlib
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, TypeVar

import asyncpg
import msgspec

import wedsync
from wedsync.processes import registry
from wedsync.processes.failures import MigrationRefused

T = TypeVar("T")

LOCK_KEY: Final = 0x57454453
"""'WEDS': the advisory lock of whoever migrates."""
LOCK_PATIENCE: Final = "60s"
TABLE_LOCK_TIMEOUT: Final = "1s"
TRIES: Final = 8
NO_TRANSACTION: Final = "-- no transaction"
ENDS_OLDER: Final = "-- ends older releases"
INCLUDE: Final = "-- include db/schema\n"
"""A line that stands for all of db/schema but the roles, which belong to the cluster."""
FILE_NAME: Final = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")

# Limits of each login role: what an honest statement never needs. A role is never shared by two kinds of process.
ROLE_SETTINGS: Final[Mapping[str, Mapping[str, str]]] = {
    "wedsync_user": {"statement_timeout": "15s", "lock_timeout": "5s", "idle_in_transaction_session_timeout": "15s"},
    "wedsync_reader": {"statement_timeout": "10s", "lock_timeout": "2s", "idle_in_transaction_session_timeout": "15s"},
    "wedsync_service": {"statement_timeout": "60s", "lock_timeout": "5s", "idle_in_transaction_session_timeout": "60s"},
    "wedsync_owner": {"lock_timeout": "5s"},
}

TABLE: Final = """
create table if not exists public.schema_migrations (
  version integer primary key,
  name text not null,
  checksum text not null,
  ends_older boolean not null default false,
  applied_at timestamptz not null default clock_timestamp()
);
comment on table public.schema_migrations is 'Which files of db/migrations this database has, and what was in them';
comment on column public.schema_migrations.ends_older is 'Programs that do not know the file cannot work with it';
"""
EXISTS: Final = "select to_regclass('public.schema_migrations') is not null"
FENCES: Final = (
    (
        "select current_setting('shared_preload_libraries') not like '%pg_stat_statements%'"
        " or exists (select from pg_extension where extname = 'pg_stat_statements')",
        "create extension pg_stat_statements schema ops; revoke all on ops.pg_stat_statements from public; "
        "grant select on ops.pg_stat_statements to wedsync_recorder",
        "Slow queries are not counted: have a superuser run `create extension pg_stat_statements schema ops`.",
    ),
    (
        "select exists (select from pg_event_trigger where evtname = 'wedsync_freeze')",
        "create event trigger wedsync_freeze on ddl_command_start execute function app.refuse_ddl()",
        "This server's administrator may not make event triggers: DDL by hand is not refused in a freeze.",
    ),
)
READERS: Final = "grant select on public.schema_migrations to wedsync_user, wedsync_service"


class Migration(msgspec.Struct, frozen=True):
    version: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def ends_older(self) -> bool:
        """Whether it takes away what the release before still names (a contract; see docs/howto/migrations.md)."""
        return f"\n{ENDS_OLDER}\n" in f"\n{self.text.lower()}"

    @property
    def in_transaction(self) -> bool:
        return not self.text.lower().startswith(NO_TRANSACTION)


class Applied(msgspec.Struct, frozen=True):
    checksum: str
    ends_older: bool


def database_files(kind: str) -> Path:
    """`db/<kind>` of the source tree, or its copy inside the installed package."""
    package = Path(wedsync.__file__).parent
    inside = package / "_db"
    return (inside if inside.is_dir() else package.parent / "db") / kind


def known_migrations(folder: Path | None = None) -> list[Migration]:
    """The files in order; MigrationRefused where a name is not `0001_words.sql` or a number is missing or double."""
    found: list[Migration] = []
    for path in sorted((folder or database_files("migrations")).glob("*.sql")):
        matched = FILE_NAME.fullmatch(path.name)
        if not matched:
            raise MigrationRefused(f"{path.name} in db/migrations must be named like 0007_what_it_does.sql.")
        found.append(Migration(int(matched[1]), path.stem, _expanded(path.read_text())))
    for place, migration in enumerate(found, start=1):
        if migration.version != place:
            raise MigrationRefused(f"{migration.name} should be number {place:04}: numbers follow each other.")
    return found


def write_down(folder: Path) -> None:
    """Each migration as it runs, as a file of `folder`."""
    for migration in known_migrations():
        (folder / f"{migration.name}.sql").write_text(migration.text)


async def migrate(owner_dsn: str, folder: Path | None = None, *, default_plan: str = "") -> list[str]:
    """Apply what is missing, as the owner; returns the names of what was applied. Safe to call from many at once.

    `default_plan` is written with the catalogue: what businesses have that were given no plan.
    """
    known = known_migrations(folder)
    if not known:
        raise MigrationRefused("There is nothing in db/migrations to build a database from.")
    async with connected(owner_dsn) as connection, _alone(connection):
        # A platform that is frozen refuses DDL, so an existing table is not made again.
        if not await connection.fetchval(EXISTS):
            await connection.execute(TABLE)
        waiting = _pending(known, await _applied(connection))
        for migration in waiting:
            await _apply(connection, migration)
        if waiting:
            await connection.execute(READERS)
        if folder is None:
            await _sync_catalogue(connection)
        if default_plan:
            await connection.execute("select app.set_default_plan($1)", default_plan)
    return [migration.name for migration in waiting]


async def rehearse(owner_dsn: str, folder: Path | None = None) -> list[str]:
    """Do what is missing in one transaction and take it back. MigrationRefused says what did not go.

    It waits a second for each lock, and holds those it has until its end.
    """
    known = known_migrations(folder)
    async with connected(owner_dsn) as connection, _alone(connection):
        waiting = _pending(known, await _applied(connection))
        apart = [migration.name for migration in waiting if not migration.in_transaction]
        if apart:
            raise MigrationRefused(f"{', '.join(apart)} works outside of a transaction, and cannot be taken back.")
        transaction = connection.transaction()
        await transaction.start()
        try:
            await connection.execute(f"set local lock_timeout = '{TABLE_LOCK_TIMEOUT}'")
            for migration in waiting:
                await _tell(_execute(connection, migration.name, migration.text), migration.name)
        finally:
            await transaction.rollback()
    return [migration.name for migration in waiting]


async def apply_asked(owner_dsn: str, folder: Path | None = None, *, default_plan: str = "") -> list[str]:
    """`migrate` for whoever is not at the terminal: what the database says is MigrationRefused in a sentence."""
    return await _tell(migrate(owner_dsn, folder, default_plan=default_plan), "the migration")


async def rehearse_asked(owner_dsn: str, folder: Path | None = None) -> list[str]:
    """`rehearse` for whoever is not at the terminal: also that the database does not let us in is MigrationRefused."""
    return await _tell(rehearse(owner_dsn, folder), "the rehearsal")


async def _tell(work: Awaitable[T], name: str) -> T:
    try:
        return await work
    except asyncpg.PostgresError as problem:
        if isinstance(problem, asyncpg.PostgresConnectionError | asyncpg.OperatorInterventionError):
            raise
        notes = " ".join(getattr(problem, "__notes__", []))
        raise MigrationRefused(f"{name}: {problem.args[0]} {notes}".strip()) from problem


async def fence(admin_dsn: str) -> list[str]:
    """What only an administrator may lay: statements are counted, and a frozen database refuses DDL. Idempotent.

    Returns in words what this one may not.
    """
    refused: list[str] = []
    async with connected(admin_dsn) as connection:
        for is_there, statement, without in FENCES:
            try:
                if not await connection.fetchval(is_there):
                    await connection.execute(statement)
            except asyncpg.InsufficientPrivilegeError:
                refused.append(without)
    return refused


async def pending(dsn: str, folder: Path | None = None) -> list[str]:
    """Names of migrations that this database lacks; changes nothing. MigrationRefused as `migrate` would."""
    known = known_migrations(folder)
    async with connected(dsn) as connection:
        exists = await connection.fetchval(EXISTS)
        applied = await _applied(connection) if exists else {}
    return [migration.name for migration in _pending(known, applied)]


async def build_from_schema(owner_dsn: str, folder: Path | None = None) -> None:
    """Make an empty database from `db/schema/*.sql`, all or nothing. 00_roles.sql belongs to `prepare`."""
    async with connected(owner_dsn) as connection:
        await connection.execute(TABLE)
        async with connection.transaction():
            for path in _schema(folder or database_files("schema")):
                await _execute(connection, path.name, path.read_text())
        await connection.execute(READERS)
        if folder is None:
            await _sync_catalogue(connection)


def _schema(folder: Path) -> list[Path]:
    """What belongs to the database itself, in the order it is built in."""
    return [path for path in sorted(folder.glob("*.sql")) if not path.name.startswith("00_")]


def _expanded(text: str) -> str:
    if INCLUDE not in text:
        return text
    parts = [f"-- {path.name}\n{path.read_text()}" for path in _schema(database_files("schema"))]
    return text.replace(INCLUDE, "\n".join(parts))


async def _sync_catalogue(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """What `app.record` needs to know of event types and reactions is this release's."""
    await connection.execute("select app.sync_catalogue($1)", registry.catalogue().for_database())


async def prepare(admin_dsn: str, *, database: str, passwords: Mapping[str, str]) -> None:
    """Roles with their passwords and limits, and the database, as an administrator of the cluster. Idempotent.

    `admin_dsn` leads to the maintenance database (`postgres`); `passwords` is login role -> password.
    """
    async with connected(admin_dsn) as connection:
        await connection.execute((database_files("schema") / "00_roles.sql").read_text())
        for role, password in passwords.items():
            settings = ROLE_SETTINGS.get(role, {})
            await connection.execute(await _quoted(connection, "alter role %I password %L", role, password))
            for name, value in settings.items():
                await connection.execute(await _quoted(connection, "alter role %I set %I = %L", role, name, value))
        if not await connection.fetchval("select rolsuper from pg_roles where rolname = current_user"):
            # A managed server's administrator makes roles, and is none of them until it says so.
            await connection.execute("grant wedsync_owner to current_user with inherit true, set true")
        if not await connection.fetchval("select exists (select from pg_database where datname = $1)", database):
            made = "create database %I owner wedsync_owner template template0 encoding 'UTF8' "
            made += "locale_provider builtin builtin_locale 'C.UTF-8' locale 'C'"
            await connection.execute(await _quoted(connection, made, database))
        await open_to_doors(connection, database)


async def open_to_doors(connection: "asyncpg.Connection[asyncpg.Record]", database: str) -> None:
    """Only our login roles may connect to the database. A copy made from a template needs this again."""
    await connection.execute(await _quoted(connection, "revoke all on database %I from public", database))
    for role in ROLE_SETTINGS:
        await connection.execute(await _quoted(connection, "grant connect on database %I to %I", database, role))


async def is_let_in(dsn: str) -> bool:
    """Whether this login's password holds."""
    try:
        async with connected(dsn):
            return True
    except asyncpg.InvalidPasswordError:
        return False


@asynccontextmanager
async def connected(dsn: str) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    connection = await asyncpg.connect(dsn, timeout=10, server_settings={"application_name": "wedsync migrate"})
    try:
        yield connection
    finally:
        await connection.close(timeout=5)


@asynccontextmanager
async def _alone(connection: "asyncpg.Connection[asyncpg.Record]") -> AsyncIterator[None]:
    await connection.execute(f"set lock_timeout = '{LOCK_PATIENCE}'")
    try:
        await connection.execute("select pg_advisory_lock($1)", LOCK_KEY)
    except asyncpg.LockNotAvailableError:
        raise MigrationRefused(
            f"Another process has been migrating this database for more than {LOCK_PATIENCE}. Wait for it to end."
        ) from None
    try:
        yield
    finally:
        await connection.execute("select pg_advisory_unlock($1)", LOCK_KEY)


async def _applied(connection: "asyncpg.Connection[asyncpg.Record]") -> dict[int, Applied]:
    rows = await connection.fetch("select version, checksum, ends_older from public.schema_migrations order by version")
    return {row["version"]: Applied(row["checksum"], row["ends_older"]) for row in rows}


def _pending(known: Sequence[Migration], applied: Mapping[int, Applied]) -> list[Migration]:
    """What is missing. Refuses a database that a newer program has closed to this one, and a file that changed after it
    was applied; what a newer one has only added is no obstacle."""
    closed = max((version for version, kept in applied.items() if kept.ends_older), default=0)
    if closed > len(known):
        raise MigrationRefused(
            f"The database is at migration {max(applied):04}, this program knows only {len(known):04}, and {closed:04} "
            "has ended releases as old as this one. Start the newer program; going back is done by restoring a backup."
        )
    changed = [m.name for m in known if m.version in applied and applied[m.version].checksum != m.checksum]
    if changed:
        raise MigrationRefused(
            f"{', '.join(changed)} was changed after it had been applied. "
            "Restore the file and put the change into a new one."
        )
    return [migration for migration in known if migration.version not in applied]


async def _apply(connection: "asyncpg.Connection[asyncpg.Record]", migration: Migration) -> None:
    await connection.execute(f"set lock_timeout = '{TABLE_LOCK_TIMEOUT}'")
    for attempt in range(1, TRIES + 1):
        try:
            await _apply_once(connection, migration)
        except asyncpg.LockNotAvailableError:
            if attempt == TRIES:
                raise MigrationRefused(
                    f"{migration.name} could not get its locks in {TRIES} tries: a long transaction is in the way. "
                    "`wedsync doctor` names it. Nothing was changed; try again later."
                ) from None
            await asyncio.sleep(0.25 * 2**attempt)
        else:
            return


async def _apply_once(connection: "asyncpg.Connection[asyncpg.Record]", migration: Migration) -> None:
    if not migration.in_transaction:
        await _execute(connection, migration.name, migration.text)
        await _note(connection, migration)
        return
    async with connection.transaction():
        await _execute(connection, migration.name, migration.text)
        await _note(connection, migration)


async def _execute(connection: "asyncpg.Connection[asyncpg.Record]", name: str, text: str) -> None:
    """Run a file; a `set role` in it ends with it. An error is told with the file and line it stands in."""
    try:
        await connection.execute(text)
        await connection.execute("reset role")
    except asyncpg.LockNotAvailableError:
        raise
    except asyncpg.PostgresError as problem:
        line = text[: int(problem.position or 0)].count("\n") + 1
        problem.add_note(f"in {name}, line {line}")
        raise


async def _note(connection: "asyncpg.Connection[asyncpg.Record]", migration: Migration) -> None:
    await connection.execute(
        "insert into public.schema_migrations (version, name, checksum, ends_older) values ($1, $2, $3, $4)",
        migration.version,
        migration.name,
        migration.checksum,
        migration.ends_older,
    )


async def _quoted(connection: "asyncpg.Connection[asyncpg.Record]", template: str, *values: str) -> str:
    """The server's own quoting, for statements that take no parameters."""
    text: str = await connection.fetchval("select format($1, variadic $2::text[])", template, list(values))
    return text


if __name__ == "__main__":
    write_down(Path(sys.argv[1]))
