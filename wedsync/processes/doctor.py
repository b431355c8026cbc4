"""`wedsync doctor`: looks at settings, database, Valkey, ports, clock and disk, and says in plain words what is wrong.

It changes nothing. Each finding is a fact; where it is not well, it ends in what to do. The exit code is 1 when
something is broken, 0 when there are at most warnings.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator
from typing import Any, Final

import asyncpg
from rich.console import Console
from rich.markup import escape

from wedsync.kit import clock
from wedsync.kit.config import Settings
from wedsync.kit.valkey import GONE, connect
from wedsync.processes import doctor_deep, migrate
from wedsync.processes.doctor_deep import Finding, Level
from wedsync.processes.engines import is_free, is_held, reach
from wedsync.processes.failures import MigrationRefused

VERSION_MIN: Final = 180000
SKEW_WARNING_S: Final = 1.0
SKEW_BROKEN_S: Final = 30.0
"""Signatures and tokens allow for less than this between two machines."""
DISK_WARNING: Final = 0.15
DISK_BROKEN: Final = 0.05
LONG_TRANSACTION_S: Final = 60
MARKS: Final = {"fine": "[green]fine[/]", "warning": "[yellow]look[/]", "broken": "[red]broken[/]"}

# What a setting must be, whether its absence breaks promises, and what happens otherwise.
SERVER_SETTINGS: Final[tuple[tuple[str, str, Level, str], ...]] = (
    ("fsync", "on", "broken", "a power cut destroys the database. Set fsync = on and restart PostgreSQL."),
    ("full_page_writes", "on", "broken", "a power cut can tear pages. Set full_page_writes = on."),
    ("synchronous_commit", "on", "broken", "an answered change can be lost. Set synchronous_commit = on."),
    ("data_checksums", "on", "warning", "a failing disk stays unnoticed. Enable them with pg_checksums."),
    ("server_encoding", "UTF8", "broken", "names cannot be stored. Create the database with encoding UTF8."),
    ("row_security", "on", "broken", "queries fail. Set row_security = on."),
)

SERVER: Final = """
select current_setting('server_version') as version, current_setting('server_version_num')::int as number,
  clock_timestamp() as time, current_setting('max_connections')::int as connections
"""
SETTINGS: Final = "select name, setting from pg_settings where name = any($1)"
ROLES: Final = """
select rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolcanlogin
from pg_roles where rolname like 'wedsync\\_%'
"""
OWNED: Final = """
select pg_get_userbyid(c.relowner) as owner, count(*) as tables
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname in ('public', 'app') and c.relkind in ('r', 'p')
group by 1
"""
LONG: Final = """
select pid, application_name, extract(epoch from clock_timestamp() - xact_start)::int as seconds
from pg_stat_activity
where xact_start < clock_timestamp() - make_interval(secs => $1) and backend_type = 'client backend'
order by 3 desc limit 5
"""
FENCES: Final = """
select to_regprocedure('app.refuse_ddl()') is not null as is_built,
  exists (select from pg_event_trigger where evtname = 'wedsync_freeze' and evtenabled <> 'D') as refuses_ddl,
  exists (select from pg_roles where rolname = 'wedsync_recorder')
    and pg_has_role('wedsync_recorder', 'pg_read_all_stats', 'usage') as sees_sessions,
  exists (select from pg_extension where extname = 'pg_stat_statements') as counts_statements
"""
DOOR_ROLES: Final = ("wedsync_user", "wedsync_reader", "wedsync_service")
EXPECTED_ROLES: Final = {"wedsync_owner", "wedsync_recorder", "wedsync_reporter", *DOOR_ROLES}
POWERS: Final = (
    ("rolsuper", "is a superuser", "nosuperuser"),
    ("rolbypassrls", "bypasses row security", "nobypassrls"),
    ("rolcreaterole", "may create roles", "nocreaterole"),
    ("rolcreatedb", "may create databases", "nocreatedb"),
)


async def run(settings: Settings, *, is_deep: bool = False) -> int:
    """Print the findings as they are made; returns the exit code."""
    console = Console(highlight=False, soft_wrap=True)
    findings: list[Finding] = []
    for examination in (examine, doctor_deep.examine) if is_deep else (examine,):
        async for finding in examination(settings):
            console.print(f"{MARKS[finding.level]}  {escape(finding.text)}", markup=True)
            findings.append(finding)
    broken = sum(finding.level == "broken" for finding in findings)
    told = "Nothing is broken." if not broken else f"{broken} of {len(findings)} findings need attention."
    console.print(f"\n{told}")
    return 1 if broken else 0


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """Every finding, most basic first."""
    is_running = is_held(settings.data_dir)
    settings = reach(settings)
    yield Finding("fine", f"Settings are valid, profile {settings.env}.")
    yield disk(settings)
    for finding in _ports(settings, is_running=is_running):
        yield finding
    url = settings.service_database_url or settings.database_url or settings.owner_database_url
    if url:
        async for finding in _database(url, settings):
            yield finding
    else:
        yield Finding("warning", "The embedded database is not running. `wedsync up` starts it.")
    if settings.service_database_url:
        yield await doctor_deep.last_night(settings.service_database_url)
    yield await _valkey(settings)


def disk(settings: Settings) -> Finding:
    folder = next(place for place in (settings.data_dir, *settings.data_dir.parents) if place.exists())
    usage = shutil.disk_usage(folder)
    share = usage.free / usage.total
    text = f"{usage.free / 1e9:.1f} GB ({share:.0%}) free where the data folder {settings.data_dir} is."
    if share < DISK_BROKEN:
        return Finding("broken", f"{text} PostgreSQL stops when it is full: make room now.")
    return Finding("warning", f"{text} Make room soon.") if share < DISK_WARNING else Finding("fine", text)


def _ports(settings: Settings, *, is_running: bool) -> list[Finding]:
    named = {"web": settings.port, "gateway": settings.gateway_port}
    if settings.is_play:
        named |= {"sandbox": settings.sandbox_port, "sandbox's mail server": settings.sandbox_smtp_port}
    taken = {name: port for name, port in named.items() if port and not is_free(settings.host, port)}
    if is_running:
        silent = sorted(set(named) - set(taken))
        if silent:
            return [Finding("warning", f"`wedsync up` runs on other ports than set for: {', '.join(silent)}.")]
        return [Finding("fine", "`wedsync up` runs and listens on its ports.")]
    if not taken:
        return [Finding("fine", "The ports are free.")]
    return [
        Finding("broken", f"Port {port} for the {name} is taken by another program. End it, or choose another port.")
        for name, port in taken.items()
    ]


async def _database(url: str, settings: Settings) -> AsyncIterator[Finding]:
    try:
        async with migrate.connected(url) as connection:
            before = clock.machine_now()
            server = await connection.fetchrow(SERVER)
            yield version(server)
            yield skew((server["time"] - before).total_seconds())
            yield connections(server["connections"], settings)
            for finding in _server_settings(await _settings_of(connection), settings):
                yield finding
            for finding in roles(await connection.fetch(ROLES), await connection.fetch(OWNED)):
                yield finding
            for finding in fences(await connection.fetchrow(FENCES), settings):
                yield finding
            for row in await connection.fetch(LONG, LONG_TRANSACTION_S):
                who = row["application_name"] or "a program without a name"
                text = f"A transaction of {who} has been open for {row['seconds']} s and holds its locks."
                yield Finding("warning", f"{text} If it is stuck, `select pg_terminate_backend({row['pid']})` ends it.")
    except (OSError, TimeoutError) as problem:
        yield Finding("broken", f"The database does not answer: {problem}. Is it running, and is its address right?")
        return
    except asyncpg.PostgresError as problem:
        yield Finding("broken", f"The database refuses: {problem.args[0]}. Check the address, role and password.")
        return
    yield await _migrations(settings.owner_database_url or url)


async def _settings_of(connection: "asyncpg.Connection[asyncpg.Record]") -> dict[str, str]:
    rows = await connection.fetch(SETTINGS, [name for name, *_ in SERVER_SETTINGS])
    return {row["name"]: row["setting"] for row in rows}


def version(server: Any) -> Finding:
    text = f"PostgreSQL {server['version'].split()[0]}."
    if server["number"] < VERSION_MIN:
        return Finding("broken", f"{text} WedSync needs 18 or newer: upgrade it, or let `wedsync up` start its own.")
    return Finding("fine", text)


def skew(skew_s: float) -> Finding:
    text = f"The database's clock is {abs(skew_s):.1f} s {'ahead of' if skew_s > 0 else 'behind'} this machine's."
    if abs(skew_s) < SKEW_WARNING_S:
        return Finding("fine", "The clocks of database and machine agree.")
    return Finding("broken" if abs(skew_s) > SKEW_BROKEN_S else "warning", f"{text} Let both follow NTP.")


def connections(most: int, settings: Settings) -> Finding:
    wanted = settings.pool_size * (settings.web_workers + 4) if settings.pool_size else settings.connections
    if wanted > most * 0.9:
        return Finding(
            "warning",
            f"This machine's processes may open {wanted} connections and the database allows {most} in all. "
            "Lower WEDSYNC_DATABASE_CONNECTIONS or raise max_connections.",
        )
    return Finding("fine", f"The database allows {most} connections; this machine's processes open at most {wanted}.")


def _server_settings(found: dict[str, str], settings: Settings) -> list[Finding]:
    wrong = [
        Finding("warning" if settings.env == "test" else level, f"{name} is {found.get(name)}: {why}")
        for name, wanted, level, why in SERVER_SETTINGS
        if found.get(name) != wanted
    ]
    return wrong or [Finding("fine", "The database's settings keep what was committed.")]


def roles(rows: list[Any], owned: list[Any]) -> list[Finding]:
    roles = {row["rolname"]: row for row in rows}
    missing = sorted(EXPECTED_ROLES - set(roles))
    if missing:
        return [
            Finding(
                "broken",
                f"Roles are missing: {', '.join(missing)}. `wedsync migrate --prepare` makes them, as administrator.",
            )
        ]
    found = [
        Finding("broken", f"{name} {power}, and may not. Take it away: `alter role {name} {without}`.")
        for name in sorted(EXPECTED_ROLES)
        for column, power, without in POWERS
        if roles[name][column]
    ]
    if roles["wedsync_recorder"]["rolcanlogin"]:
        found.append(
            Finding("broken", "wedsync_recorder may log in. Take it away: `alter role wedsync_recorder nologin`.")
        )
    for row in owned:
        if row["owner"] in DOOR_ROLES:
            text = f"{row['owner']} owns {row['tables']} tables, so row security does not bind it."
            found.append(Finding("broken", f"{text} Give them to wedsync_owner."))
    return found or [Finding("fine", "The roles are there and hold no power that they should not.")]


def fences(found: Any, settings: Settings) -> list[Finding]:
    """What only an administrator of the cluster can lay, and a managed one may not be permitted to."""
    if not found["is_built"]:
        return []
    lacking = (
        (
            "refuses_ddl",
            "In a freeze the database does not refuse DDL by itself. As a superuser of it: `create event trigger "
            "wedsync_freeze on ddl_command_start execute function app.refuse_ddl()`. Where that is not permitted, "
            "`wedsync migrate` and POST /api/database/migrate still refuse.",
        ),
        (
            "sees_sessions",
            "The operator's pages do not see the sessions of others. As an administrator: `grant pg_monitor to "
            "wedsync_recorder with inherit true, set false`.",
        ),
        (
            "counts_statements",
            "Slow queries are seen only while they run. Load pg_stat_statements (shared_preload_libraries), then "
            "`create extension pg_stat_statements schema ops; grant select on ops.pg_stat_statements to "
            "wedsync_recorder`.",
        ),
    )
    level: Level = "fine" if settings.is_play else "warning"
    told = [Finding(level, text) for name, text in lacking if not found[name]]
    return told or [Finding("fine", "The database refuses DDL in a freeze, and counts what is slow.")]


async def _migrations(url: str) -> Finding:
    try:
        waiting = await migrate.pending(url)
    except MigrationRefused as refused:
        return Finding("broken", str(refused))
    except (asyncpg.PostgresError, OSError) as problem:
        return Finding("warning", f"Whether migrations are pending could not be seen: {problem}.")
    if waiting:
        return Finding("broken", f"{len(waiting)} migrations are pending ({waiting[0]} …). Run `wedsync migrate`.")
    return Finding("fine", "The database is at this program's version.")


async def _valkey(settings: Settings) -> Finding:
    if not settings.valkey_url:
        return Finding("warning", "The embedded Valkey is not running. `wedsync up` starts it.")
    client = connect(settings.valkey_url)
    try:
        async with asyncio.timeout(3):
            await client.ping()
    except GONE as problem:
        return Finding(
            "warning",
            f"Valkey does not answer ({problem}). Nothing is lost, but everything waits for polling. "
            "Is it running, and is WEDSYNC_VALKEY_URL right?",
        )
    finally:
        await client.aclose()
    return Finding("fine", "Valkey answers.")
