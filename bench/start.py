"""`wedsync up --demo` in an empty folder: how long until everything answers, how long to stop, and to start again."""

import asyncio
import importlib.util
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bench.report import Budget, Figures
from bench.rounds import NotRun, Plan, Run, Scenario
from bench.stage import StageFailed, plain_environ
from wedsync.processes.children import end, spawn

PATIENCE_S = 90.0
PORTS = ("--port", "--gateway-port", "--sandbox-port")


@asynccontextmanager
async def opened(plan: Plan) -> AsyncIterator[Run]:
    for part in ("web", "gateway", "worker", "clock", "sandbox", "demo"):
        if importlib.util.find_spec(f"wedsync.processes.{part}") is None:
            raise NotRun(f"wedsync.processes.{part} is missing")

    async def run() -> Figures:
        with tempfile.TemporaryDirectory(prefix="wedsync-bench-", ignore_cleanup_errors=True) as folder:
            Path(folder).chmod(0o711)
            ready_s, stop_s = await _up(Path(folder))
            again_s, _ = await _up(Path(folder))
            return {"ready_s": ready_s, "stop_s": stop_s, "again_s": again_s}

    yield run


async def _up(folder: Path) -> tuple[float, float]:
    """Seconds from the command to the ready file, and from the signal to the end."""
    ready = folder / "ready.json"
    environ = {**plain_environ(), "WEDSYNC_SANDBOX_SMTP_PORT": "0"}
    options = [*(part for port in PORTS for part in (port, "0")), "--data-dir", str(folder), "--ready-file", str(ready)]
    began = time.perf_counter()
    command = [sys.executable, "-m", "wedsync.processes.cli", "up", "--demo", *options]
    process = spawn(command, environ=environ, folder=Path.cwd(), log=folder / "up.log")
    try:
        while not ready.exists():
            if process.poll() is not None or time.perf_counter() - began > PATIENCE_S:
                words = (folder / "up.log").read_text(errors="replace").splitlines()[-12:]
                raise StageFailed("`wedsync up --demo` did not come up:\n" + "\n".join(words))
            await asyncio.sleep(0.01)
    except BaseException:
        end(process, (signal.SIGTERM, PATIENCE_S))
        raise
    ready_s = time.perf_counter() - began
    asked = time.perf_counter()
    end(process, (signal.SIGINT, PATIENCE_S))
    return ready_s, time.perf_counter() - asked


SCENARIO = Scenario(
    name="start",
    about="`wedsync up --demo` from installed to ready",
    budgets=(Budget("ready_s", 10.0),),
    opened=opened,
    notes=("an empty data folder each time; again_s is the second start on the same data",),
)
