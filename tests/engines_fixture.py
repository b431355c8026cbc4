"""The engines of one test run: PostgreSQL once for all workers of pytest-xdist, started by whichever needs it first.

A keeper process holds it and ends it when the pytest that was started by hand (or by CI) is gone, however it went. A
database is a copy of `wedsync_template`; the administrator makes the copies, and tests only ever get the app's roles.
"""

import asyncio
import fcntl
import os
import secrets
import select
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import asyncpg
import msgspec

from tests import tripwire
from wedsync.kit.config import Settings, load
from wedsync.processes import migrate
from wedsync.processes.engine_account import engine_account
from wedsync.processes.engines import ROLES, Engines, free_port
from wedsync.processes.valkey_server import ValkeyServer

TEMPLATE = "wedsync_template"
PATIENCE_S = 60.0
LOOPBACK = "127.0.0.0/8,::1/128"


class Database(msgspec.Struct, frozen=True):
    """One database and the addresses of its doors; there is no superuser among them."""

    name: str
    user: str
    reader: str
    service: str
    owner: str


class RunningPostgres(msgspec.Struct, frozen=True):
    """What the keeper tells the workers."""

    admin_url: str
    port: int
    passwords: dict[str, str]

    def database(self, name: str) -> Database:
        urls = {
            role: f"postgresql://wedsync_{role}:{self.passwords[f'wedsync_{role}']}@127.0.0.1:{self.port}/{name}"
            for role in ROLES
        }
        return Database(name=name, **urls)


def running_postgres(folder: Path, watched_pid: int) -> RunningPostgres:
    """The run's PostgreSQL, its template built; started when this is the first call of the run."""
    ready = folder / "ready.json"
    folder.mkdir(exist_ok=True)
    # The engines' own account must pass through; the folder's name is random and what is in it is 0700 or 0600.
    folder.chmod(0o711)
    with _alone(folder):
        if not ready.exists():
            _start_keeper(folder, watched_pid)
    return msgspec.json.decode(ready.read_bytes(), type=RunningPostgres)


def _start_keeper(folder: Path, watched_pid: int) -> None:
    """Start it and wait for its word, which it gives by closing its output."""
    with (folder / "keeper.log").open("ab") as log:
        keeper = subprocess.Popen(
            [sys.executable, "-m", "tests.engines_fixture", str(folder), str(watched_pid)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=Path(__file__).parent.parent,
            start_new_session=True,
        )
    assert keeper.stdout is not None
    select.select([keeper.stdout], [], [], PATIENCE_S)
    keeper.stdout.close()
    if not (folder / "ready.json").exists():
        raise RuntimeError("the engines did not start:\n" + (folder / "keeper.log").read_text())


async def clone(postgres: RunningPostgres, name: str) -> Database:
    """A fresh copy of the template under this name, in place of an older one."""
    connection = await asyncpg.connect(postgres.admin_url)
    try:
        await connection.execute(f'drop database if exists "{name}" with (force)')
        # Nothing of it is written to disk before it goes: file by file takes half of what block by block does.
        how = f"template {TEMPLATE} owner wedsync_owner strategy file_copy"
        await connection.execute(f'create database "{name}" {how}')
        await migrate.open_to_doors(connection, name)
    finally:
        await connection.close()
    return postgres.database(name)


async def drop(postgres: RunningPostgres, name: str) -> None:
    connection = await asyncpg.connect(postgres.admin_url)
    try:
        await connection.execute(f'drop database if exists "{name}" with (force)')
    finally:
        await connection.close()


@asynccontextmanager
async def copied(postgres: RunningPostgres, name: str) -> AsyncIterator[Database]:
    """A database of somebody's own under this name, gone afterwards."""
    made = await clone(postgres, name)
    try:
        yield made
    finally:
        await drop(postgres, made.name)


@contextmanager
def own_valkey(folder: Path) -> Iterator[str]:
    """A Valkey of one worker's own: publish and subscribe know no databases, and tests may flush or stop it."""
    server = ValkeyServer(
        folder=Path("/"), log=folder / "valkey.log", account=engine_account(), password=secrets.token_urlsafe(12)
    )
    server.start(free_port())
    try:
        yield server.url
    finally:
        server.stop()


def settings_for(data_dir: Path, database: Database, valkey_url: str, **extra: str) -> Settings:
    """Settings as a process of the app would get them, on free ports and allowed to deliver to this machine."""
    environ = {
        "WEDSYNC_ENV": "test",
        "WEDSYNC_DATA_DIR": str(data_dir),
        "WEDSYNC_DATABASE_URL": database.user,
        "WEDSYNC_READER_DATABASE_URL": database.reader,
        "WEDSYNC_SERVICE_DATABASE_URL": database.service,
        "WEDSYNC_OWNER_DATABASE_URL": database.owner,
        "WEDSYNC_VALKEY_URL": valkey_url,
        "WEDSYNC_EGRESS_ALLOW": LOOPBACK,
        "WEDSYNC_POOL_SIZE": "4",
        "WEDSYNC_LOG_LEVEL": "debug",
        # A test does in a second what people do in an hour; those of the limits set their own.
        "WEDSYNC_REQUESTS_PER_PERSON": "5000",
        "WEDSYNC_ANONYMOUS_PER_ADDRESS": "5000",
        "WEDSYNC_SIGN_INS_PER_ADDRESS": "1000",
        # The application shares its loop with the test that asks it, which is busy on purpose.
        "WEDSYNC_SHED_DELAY_MS": "0",
    }
    for name in ("PORT", "GATEWAY_PORT", "SANDBOX_PORT", "SANDBOX_SMTP_PORT"):
        environ[f"WEDSYNC_{name}"] = str(free_port())
    return load(environ | extra)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def keep(folder: Path, watched_pid: int) -> None:
    """Start PostgreSQL and build the template; hold it until the watched process is gone; leave nothing behind."""
    watched = os.pidfd_open(watched_pid)
    # Valkey is not the keeper's: an address, whatever it is, keeps it from being started.
    settings = load({"WEDSYNC_ENV": "test", "WEDSYNC_DATA_DIR": str(folder / "var"), "WEDSYNC_VALKEY_URL": "unix:///"})
    engines = Engines(settings)
    try:
        engines.start()
        assert engines.postgres is not None
        admin_url = engines.postgres.url(database="postgres")
        asyncio.run(_build(admin_url, engines))
        running = RunningPostgres(admin_url=admin_url, port=engines.postgres.port, passwords=engines.passwords)
        draft = folder / "ready.draft"
        draft.touch(mode=0o600)
        draft.write_bytes(msgspec.json.encode(running))
        draft.replace(folder / "ready.json")
        os.close(sys.stdout.fileno())
        select.select([watched], [], [])
    finally:
        engines.stop()
        shutil.rmtree(folder, ignore_errors=True)


async def _build(admin_url: str, engines: Engines) -> None:
    assert engines.postgres is not None
    async with migrate.connected(admin_url) as connection:
        # Of a hundred databases that live for seconds none is worth tidying up.
        await connection.execute("alter system set autovacuum = off")
        # Two thousand times a process of the run signs in, with passwords that it made up itself.
        await connection.execute("alter system set scram_iterations = 1")
        await connection.execute("select pg_reload_conf()")
    await migrate.prepare(admin_url, database=TEMPLATE, passwords=engines.passwords)
    owner = engines.postgres.url("wedsync_owner", engines.passwords["wedsync_owner"], TEMPLATE)
    if migrate.known_migrations():
        await migrate.migrate(owner)
    else:
        await migrate.build_from_schema(owner)
    async with migrate.connected(engines.postgres.url(database=TEMPLATE)) as connection:
        await tripwire.lay(connection)


def run_folder(run_id: str) -> Path:
    return Path(tempfile.gettempdir()) / f"wedsync-tests-{run_id}"


if __name__ == "__main__":
    keep(Path(sys.argv[1]), int(sys.argv[2]))
