"""The supervisor keeps parts running, tells when they are ready, and stops them in order, leaving nobody behind."""

import asyncio
import gc
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import psutil
import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from tests.eventually import eventually, until
from wedsync.processes import children
from wedsync.processes.engines import free_port
from wedsync.processes.failures import CannotRun, EngineFailed, PartFailed
from wedsync.processes.start import module, staying
from wedsync.processes.supervisor import LOG_BYTES_MAX, Child, Part, Supervisor, answers

STARTING = """
import signal, sys
from granian.constants import Interfaces
from wedsync.processes.web import Server
async def app(scope, receive, send): pass
def factory():
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    print("starting", flush=True)
    signal.sigwait({signal.SIGTERM})
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    print("missed", flush=True)
    return app
if __name__ == "__main__":
    Server("slowly:factory", address="127.0.0.1", port=int(sys.argv[1]), interface=Interfaces.ASGINL, workers=1,
        factory=True, log_enabled=False).serve()
"""
SERVER = """
import http.server, signal, sys
name, port = sys.argv[1], int(sys.argv[2])
class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/healthz" else 404)
        self.end_headers()
    def log_message(self, *_): pass
signal.signal(signal.SIGTERM, lambda *_: (print(name, "stopped", flush=True), sys.exit(0)))
http.server.HTTPServer(("127.0.0.1", port), Health).serve_forever()
"""
IDLE = "import signal; signal.pause()"
STUBBORN = (
    "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True)\nwhile True: signal.pause()"
)
WITH_WORKER = f"""
import signal, subprocess, sys
print(subprocess.Popen([sys.executable, "-c", {IDLE!r}]).pid, flush=True)
signal.pause()
"""

ON_ASYNCIO = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def event_loop_policy() -> asyncio.AbstractEventLoopPolicy:
    """The supervisor runs on asyncio's loop: on the other processes' one nobody else hears of children that end."""
    return asyncio.DefaultEventLoopPolicy()


def part(name: str, code: str, *arguments: str, healthz: str = "", patience_s: float = 5) -> Part:
    command = [sys.executable, "-c", code, *arguments]
    return Part(name=name, command=command, environ=dict(os.environ), healthz=healthz, stop_patience_s=patience_s)


def server(name: str) -> Part:
    port = free_port()
    return part(name, SERVER, name, str(port), healthz=f"http://127.0.0.1:{port}/healthz")


def process_of(supervisor: Supervisor, name: str) -> subprocess.Popen[bytes] | None:
    return next(child.process for child in supervisor.children if child.name == name)


@pytest_asyncio.fixture(loop_scope="module")
async def supervisor(tmp_path: Path) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(log_folder=tmp_path)
    yield supervisor
    supervisor.kill()
    for child in supervisor.children:
        if child.process is not None:
            child.process.wait()


@ON_ASYNCIO
async def test_ready_when_every_part_answers(supervisor: Supervisor) -> None:
    web = server("web")
    assert not await answers(web.healthz)
    supervisor.start(web)
    supervisor.start(part("worker", IDLE))
    await supervisor.ready(60)
    assert await answers(web.healthz)
    assert not await answers(web.healthz.replace("healthz", "other"))


@ON_ASYNCIO
async def test_a_part_that_keeps_crashing_at_first_ends_the_start_with_its_last_words(supervisor: Supervisor) -> None:
    supervisor.start(part("web", "raise SystemExit('no such database')", healthz="http://127.0.0.1:1/healthz"))
    with pytest.raises(PartFailed, match="web ended 3 times while starting") as failed:
        await supervisor.ready(20)
    assert "no such database" in str(failed.value)


@ON_ASYNCIO
async def test_a_part_that_stays_silent_ends_the_start(supervisor: Supervisor) -> None:
    supervisor.start(part("web", IDLE, healthz="http://127.0.0.1:1/healthz"))
    with pytest.raises(PartFailed, match="After 0 s still silent: web"):
        await supervisor.ready(0)


@ON_ASYNCIO
async def test_a_crashed_part_is_back_and_said(supervisor: Supervisor) -> None:
    web, stop = server("web"), asyncio.Event()
    supervisor.start(web)
    await supervisor.ready(60)
    first = process_of(supervisor, "web")
    assert first is not None
    running = asyncio.create_task(supervisor.run(stop))
    with capture_logs() as lines:
        first.kill()
        await eventually(lambda: process_of(supervisor, "web") not in (None, first))
        await eventually(lambda: answers(web.healthz))
    assert [line["event"] for line in lines] == ["part_ended", "part_restarted"]
    assert lines[0]["exit_code"] == -signal.SIGKILL
    stop.set()
    await running


def test_pauses_grow_to_a_limit_and_shrink_after_a_steady_run(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("wedsync.processes.supervisor.time.monotonic", lambda: now[0])
    child = Child("web", lambda: None, 1)
    child.start()
    assert [round(child.note_crash(), 1) for _ in range(8)] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
    child.start()
    now[0] += 31
    assert child.note_crash() == 0.1


@ON_ASYNCIO
async def test_a_part_gives_way_as_far_as_it_is_told_and_the_supervisor_does_not(supervisor: Supervisor) -> None:
    own = psutil.Process().nice()
    supervisor.start(msgspec.structs.replace(part("modest", "import time; time.sleep(60)"), nice=3))
    (child,) = supervisor.children
    assert child.process is not None
    modest = psutil.Process(child.process.pid)
    await eventually(lambda: modest.nice() == min(own + 3, 19), what="it gives way")
    assert psutil.Process().nice() == own


@ON_ASYNCIO
async def test_what_a_crashed_part_started_goes_with_it(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start(part("web", WITH_WORKER))
    log = tmp_path / "web.log"
    await eventually(lambda: log.exists() and log.read_text().strip())
    worker = psutil.Process(int(log.read_text()))
    master = process_of(supervisor, "web")
    assert master is not None
    stop = asyncio.Event()
    running = asyncio.create_task(supervisor.run(stop))
    master.kill()
    await eventually(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE)
    stop.set()
    await running


@ON_ASYNCIO
async def test_parts_stop_in_the_order_of_their_start(supervisor: Supervisor, tmp_path: Path) -> None:
    for name in ("web", "gateway", "sandbox"):
        supervisor.start(server(name))
    await supervisor.ready(60)
    await supervisor.stop()
    stopped = [(tmp_path / f"{name}.log").stat().st_mtime_ns for name in ("web", "gateway", "sandbox")]
    assert stopped == sorted(stopped)
    assert [(tmp_path / f"{n}.log").read_text() for n in ("web", "gateway")] == ["web stopped\n", "gateway stopped\n"]
    assert all(child.process is not None and child.process.returncode == 0 for child in supervisor.children)


@ON_ASYNCIO
async def test_a_part_that_does_not_stop_is_ended(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start(part("worker", STUBBORN, patience_s=0.2))
    await eventually((tmp_path / "worker.log").read_text)
    await supervisor.stop()
    process = process_of(supervisor, "worker")
    assert process is not None
    assert process.returncode == -signal.SIGKILL


@ON_ASYNCIO
async def test_an_engine_is_restarted_and_tried_again_when_that_fails(supervisor: Supervisor) -> None:
    tries: list[int] = []

    def start() -> subprocess.Popen[bytes]:
        tries.append(1)
        if len(tries) == 1:
            raise EngineFailed("not yet")
        return subprocess.Popen([sys.executable, "-c", IDLE], process_group=0)

    first = subprocess.Popen([sys.executable, "-c", ""], process_group=0)
    supervisor.watch("postgres", start, first)
    await supervisor.ready(1)
    stop = asyncio.Event()
    running = asyncio.create_task(supervisor.run(stop))
    with capture_logs() as lines:
        await eventually(lambda: len(tries) == 2)
    assert "part_not_restarted" in [line["event"] for line in lines]
    stop.set()
    await running
    engine = process_of(supervisor, "postgres")
    assert engine is not None
    engine.kill()


@ON_ASYNCIO
async def test_a_big_log_is_put_aside(supervisor: Supervisor, tmp_path: Path) -> None:
    (tmp_path / "web.log").touch()
    os.truncate(tmp_path / "web.log", LOG_BYTES_MAX + 1)
    supervisor.start(part("web", "print('new')"))
    await eventually(lambda: (tmp_path / "web.log").read_text() == "new\n")
    assert (tmp_path / "web.log.1").stat().st_size > LOG_BYTES_MAX


def test_children_end_with_a_parent_that_is_killed() -> None:
    code = (
        "import os, sys; from pathlib import Path; from wedsync.processes.children import spawn\n"
        f"c = spawn([sys.executable, '-c', {IDLE!r}], environ=os.environ, folder=Path('/'))\n"
        "print(c.pid, flush=True); sys.stdin.read()"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.communicate()
    until(lambda: not child.is_running(), what="the child ended")


def test_the_command_of_nobody_is_empty() -> None:
    assert children.command_of(os.getpid())
    assert children.command_of(4_194_303) == []


def test_a_web_worker_that_misses_its_signal_while_it_starts_is_asked_again(tmp_path: Path) -> None:
    (tmp_path / "slowly.py").write_text(STARTING)
    process = children.spawn(
        [sys.executable, "slowly.py", str(free_port())],
        environ=os.environ | {"PYTHONPATH": f"{Path.cwd()}:{tmp_path}"},
        folder=tmp_path,
        log=tmp_path / "log",
    )
    try:
        until(lambda: "starting" in (tmp_path / "log").read_text(), within_s=60)
        process.send_signal(signal.SIGTERM)
        process.wait(15)
        assert "missed" in (tmp_path / "log").read_text()
    finally:
        children.end(process)


def test_what_stays_is_not_searched_for_waste_also_when_it_could_not_be_made() -> None:
    with pytest.raises(CannotRun), staying():
        assert not gc.isenabled()
        module("a_process_nobody_wrote")
    assert gc.isenabled()
    assert gc.get_freeze_count() > 0
