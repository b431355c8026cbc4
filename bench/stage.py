"""The product as it is installed, in a folder that is thrown away: real engines, and the processes a scenario needs.

PostgreSQL waits for the disk as in production. Everything listens on loopback, on free ports, and ends with us.
"""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import psutil

from wedsync.events import record
from wedsync.kit import config
from wedsync.kit.config import Settings
from wedsync.kit.config_profiles import PROFILES
from wedsync.kit.db import Door, connect_pool
from wedsync.kit.seal import KeyRing
from wedsync.processes.children import end, spawn
from wedsync.processes.engines import Engines, free_port
from wedsync.processes.supervisor import answers
from wedsync.processes.up import ALL_DOORS, DOORS, build_database

DELIVERIES_PER_MIN = "1000000"
"""Out of the way: a backlog is drained as fast as it can be, not at a receiver's rate."""
PATIENCE_S = 30.0
STOP_PATIENCE_S = 20.0
SETTLE_PATIENCE_S = 120.0
PORTS = {"web": "port", "gateway": "gateway_port", "sandbox": "sandbox_port"}
READY_WORDS = {"worker": b"worker_ready", "clock": b"clock_leads"}
"""What a process without a port writes to its log when it works."""


class StageFailed(Exception):  # noqa: N818 -- it reads as a sentence where it is raised
    """A process of the product did not start, or ended while it was measured."""


class Stage:
    """Engines, processes, and doors to the database for who builds a world."""

    def __init__(self, settings: Settings, engines: Engines, admin: "asyncpg.Pool[Any]", door: Door) -> None:
        self.settings = settings
        self.admin = admin
        self.door = door
        self.ring = KeyRing.from_setting(settings.seal_keys)
        self._engines = engines
        self._parts: dict[str, subprocess.Popen[bytes]] = {}

    async def start(self, *names: str) -> None:
        """Start these processes and wait until they work."""
        began_at = {name: _size(self._log_of(name)) for name in names}
        for name in names:
            self._parts[name] = self._spawn(name)
        for name in names:
            await self._until(name, self._works, began_at[name])

    def stop(self, *names: str) -> None:
        """Ask them to end, and wait."""
        for name in names:
            process = self._parts.pop(name, None)
            if process is not None:
                end(process, (signal.SIGTERM, STOP_PATIENCE_S))

    def stop_all(self) -> None:
        self.stop(*DOORS)

    def check(self) -> None:
        """StageFailed where a process has ended by itself."""
        for name, process in self._parts.items():
            if process.poll() is not None:
                raise StageFailed(f"{name} ended with {process.returncode}.\n{self._last_words(name)}")

    def cpu_s(self, name: str) -> float:
        """Seconds of CPU that a process and its children have used; also of `postgres` and `valkey`."""
        parent = self._process(name)
        own = parent.cpu_times()
        spent = own.user + own.system
        if name == "postgres":
            # Its children are connections, which end and are counted with their parent then.
            spent += own.children_user + own.children_system
        for child in parent.children(recursive=True):
            try:
                times = child.cpu_times()
            except psutil.NoSuchProcess:
                continue
            spent += times.user + times.system
        return float(spent)

    def memory_kb(self, name: str) -> float:
        """Resident memory of one process."""
        return float(self._process(name).memory_info().rss) / 1024

    def _process(self, name: str) -> psutil.Process:
        engine = {"postgres": self._engines.postgres, "valkey": self._engines.valkey}.get(name)
        process = self._parts[name] if engine is None else engine.process
        if process is None:
            raise StageFailed(f"{name} does not run.")
        return psutil.Process(process.pid)

    async def settled(self) -> None:
        """Until the workers have done what may be done now; StageFailed when they do not."""
        try:
            async with asyncio.timeout(SETTLE_PATIENCE_S):
                while await self.admin.fetchval(
                    "select exists (select from jobs where lease_token is not null or run_at <= clock_timestamp())"
                ):
                    self.check()
                    await asyncio.sleep(0.1)
        except TimeoutError:
            left = await self.admin.fetchval("select count(*) from jobs")
            raise StageFailed(f"{left} jobs were still owed after {SETTLE_PATIENCE_S:.0f} s.") from None

    async def forget_jobs(self) -> None:
        """What building a world, or the run before, owed and no worker is there to do. Only a bench may do this."""
        await self.admin.execute("truncate jobs")
        await self.admin.execute("checkpoint")

    async def analyze(self) -> None:
        """Statistics after a world was built, so that the first run is planned like the last."""
        await self.admin.execute("vacuum analyze")

    def environ_of(self, name: str) -> dict[str, str]:
        """The variables a process is given: without the database doors that are not its own."""
        return self.settings.environ(without=set(ALL_DOORS) - set(DOORS[name]))

    def _spawn(self, name: str) -> "subprocess.Popen[bytes]":
        process = spawn(
            [sys.executable, "-m", "wedsync.processes.start", name],
            environ=plain_environ(),
            folder=Path.cwd(),
            log=self._log_of(name),
            stdin=subprocess.PIPE,
        )
        assert process.stdin is not None
        process.stdin.write(msgspec.json.encode(self.environ_of(name)))
        process.stdin.close()
        return process

    async def _works(self, name: str, read_from: int) -> bool:
        if name in PORTS:
            return await answers(f"http://127.0.0.1:{getattr(self.settings, PORTS[name])}/healthz")
        word = READY_WORDS.get(name)
        return word is None or word in _after(self._log_of(name), read_from)

    async def _until(self, name: str, works: Callable[[str, int], Awaitable[bool]], read_from: int) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not await works(name, read_from):
                    self.check()
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise StageFailed(f"{name} did not start in {PATIENCE_S:.0f} s.\n{self._last_words(name)}") from None

    def _log_of(self, name: str) -> Path:
        return self.settings.data_dir / "log" / f"{name}.log"

    def _last_words(self, name: str) -> str:
        return "\n".join(self._log_of(name).read_text(errors="replace").splitlines()[-12:])


@asynccontextmanager
async def staged(*parts: str, web_workers: int = 2, environ: Mapping[str, str] | None = None) -> AsyncIterator[Stage]:
    """Engines with a fresh database, and these processes; all of it gone afterwards. `environ` is set besides."""
    with tempfile.TemporaryDirectory(prefix="wedsync-bench-", ignore_cleanup_errors=True) as folder:
        # PostgreSQL's own account must pass through; the name is random and what is in it is closed.
        Path(folder).chmod(0o711)
        wanted = _settings(Path(folder), web_workers, environ or {})
        engines = Engines(wanted)
        try:
            settings = engines.start()
            await build_database(settings, engines)
            assert engines.postgres is not None
            async with _doors(settings, engines.postgres.url()) as (admin, door):
                stage = Stage(settings, engines, admin, door)
                try:
                    await stage.start(*parts)
                    yield stage
                finally:
                    stage.stop_all()
        finally:
            engines.stop()


def _settings(folder: Path, web_workers: int, environ: Mapping[str, str]) -> Settings:
    settings = config.load(
        {
            "WEDSYNC_DATA_DIR": str(folder),
            "WEDSYNC_EGRESS_ALLOW": ",".join(config.LOOPBACK),
            "WEDSYNC_WEB_WORKERS": str(web_workers),
            "WEDSYNC_DELIVERIES_PER_MIN": DELIVERIES_PER_MIN,
            "WEDSYNC_DATABASE_CONNECTIONS": str(PROFILES["production"].connections),
            **environ,
        }
    )
    ports = ("port", "gateway_port", "sandbox_port", "sandbox_smtp_port")
    return config.with_ports(settings, **{name: free_port() for name in ports})


@asynccontextmanager
async def _doors(settings: Settings, admin_url: str) -> AsyncIterator[tuple["asyncpg.Pool[Any]", Door]]:
    admin = await asyncpg.create_pool(admin_url, min_size=1, max_size=4)
    try:
        pool = await connect_pool(settings.door("user"), size=8, application="bench")
        try:
            yield admin, Door(pool, flush=record.flush)
        finally:
            await pool.close()
    finally:
        await admin.close()


def plain_environ() -> dict[str, str]:
    """Ours, without settings of the product that somebody has set for another installation."""
    return {key: value for key, value in os.environ.items() if not key.startswith(config.PREFIX)}


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _after(path: Path, offset: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        return file.read()
