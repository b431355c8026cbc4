"""The product's processes under its own supervisor, on a database of a test, where one of them can be broken at a time.

A process is started anew as an operator does it: SIGTERM, and the supervisor starts its successor. What it is started
with can be changed in between: failpoints, or the folder of another release.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import asyncpg
import httpx
import msgspec
import psutil

from tests.eventually import eventually
from wedsync.events.jobs import queries
from wedsync.events.retry import TRIES_MAX
from wedsync.kit import failpoints
from wedsync.kit.config import Settings
from wedsync.processes import listening
from wedsync.processes.supervisor import Child, Part, Supervisor

NAMES = ("web", "gateway", "worker", "clock")
PATIENCE_S = 60.0
LEASED = "select count(*) from jobs where lease_token is not null and kind = 'delivery'"


class Stage:
    """The running processes, and the database behind them as its administrator sees it."""

    def __init__(self, settings: Settings, supervisor: Supervisor, admin: asyncpg.Pool, folder: Path) -> None:
        self.settings = settings
        self.supervisor = supervisor
        self.admin = admin
        self.told = folder
        self.environ: dict[str, dict[str, str]] = {}

    @property
    def web(self) -> str:
        return f"http://127.0.0.1:{self.settings.port}"

    @property
    def gateway(self) -> str:
        return f"ws://127.0.0.1:{self.settings.gateway_port}"

    def prepare(self, name: str) -> Part:
        """A process as the supervisor starts it; `environ` of it may change from start to start."""
        self.environ[name] = {**os.environ, "WEDSYNC_ENV": "test", failpoints.TOLD: str(self.told)}
        host, port = self.settings.host, {"web": self.settings.port, "gateway": self.settings.gateway_port}.get(name)
        workers = self.settings.web_workers if name == "web" else 1
        return Part(
            name=name,
            command=[sys.executable, "-m", "wedsync.processes.start", name],
            environ=self.environ[name],
            healthz=f"http://127.0.0.1:{port}/healthz" if port else "",
            listens=listening.hold(host, port, count=workers) if port else (),
        )

    def child(self, name: str) -> Child:
        return next(child for child in self.supervisor.children if child.name == name)

    async def renew(self, name: str, **environ: str) -> None:
        """Stop one process as a redeploy does, and wait for its successor, which may be started differently."""
        self.environ[name] |= environ
        child = self.child(name)
        before = child.process
        # Each restart is the first: the pauses that grow are another test's.
        child.crashes = 0
        if before is not None:
            before.terminate()
        await eventually(lambda: child.process not in (None, before), within_s=PATIENCE_S, what=f"{name} is new")
        await self.answers(name)

    async def answers(self, name: str) -> None:
        """Until web and gateway answer; the others have no port, and their work waits for them."""
        address = {"web": f"{self.web}/readyz", "gateway": f"http{self.gateway[2:]}/healthz"}.get(name)

        async def is_up() -> bool:
            assert address is not None
            with suppress(httpx.TransportError):
                return (await http.get(address)).status_code == 200
            return False

        if address is not None:
            async with httpx.AsyncClient(timeout=5) as http:
                await eventually(is_up, within_s=PATIENCE_S, what=f"{name} answers")

    async def arm(self, name: str, armed: str) -> None:
        """Start a process anew with failpoints; "" without."""
        for file in self.told.iterdir():
            file.unlink()
        await self.renew(name, **{failpoints.VARIABLE: armed})

    def happened(self, place: str) -> tuple[str, int] | None:
        """How and in which process a failpoint was hit; None while it was not."""
        file = self.told / place
        said = file.read_text().split() if file.exists() else []
        return (said[0], int(said[1])) if len(said) == 2 else None

    def happened_at(self, place: str) -> float:
        """When."""
        return (self.told / place).stat().st_mtime

    async def leased(self) -> int:
        """Deliveries that some worker holds."""
        count: int = await self.admin.fetchval(LEASED)
        return count

    async def a_minute_goes_by(self) -> None:
        """Leases lapse and retries are due, without waiting for it."""
        await self.admin.execute(
            "update jobs set lease_until = clock_timestamp() where lease_token is not null"
            " and lease_until > clock_timestamp()"
        )
        await self.admin.fetchval(queries.reclaim, TRIES_MAX)
        await self.admin.execute(
            "update jobs set run_at = clock_timestamp()"
            " where lease_token is null and run_at > clock_timestamp() and run_at < 'infinity'"
        )

    async def wake(self, pid: int) -> None:
        """Let a halted process go on."""
        with suppress(psutil.NoSuchProcess):
            await eventually(
                lambda: psutil.Process(pid).status() == psutil.STATUS_STOPPED, what="the process stands still"
            )
            psutil.Process(pid).send_signal(signal.SIGCONT)


@asynccontextmanager
async def staged(
    settings: Settings, admin_url: str, folder: Path, armed: Mapping[str, str] | None = None
) -> AsyncIterator[Stage]:
    """All four processes, with failpoints from the start where they are given; ended with the context."""
    told = folder / "told"
    told.mkdir()
    supervisor, stop = Supervisor(log_folder=folder), asyncio.Event()
    admin = await asyncpg.create_pool(admin_url, min_size=1, max_size=4)
    stage = Stage(settings, supervisor, admin, told)
    try:
        for name in NAMES:
            part = stage.prepare(name)
            stage.environ[name][failpoints.VARIABLE] = (armed or {}).get(name, "")
            supervisor.start(part)
        supervisor.release(dict.fromkeys(NAMES, msgspec.json.encode(settings.environ())))
        await supervisor.ready(PATIENCE_S)
        running = asyncio.create_task(supervisor.run(stop))
        yield stage
        stop.set()
        await running
    finally:
        for child in supervisor.children:
            if child.process is not None:
                with suppress(psutil.NoSuchProcess):
                    for one in [psutil.Process(child.process.pid), *psutil.Process(child.process.pid).children()]:
                        one.send_signal(signal.SIGCONT)
        supervisor.kill()
        await supervisor.stop()
        await admin.close()
