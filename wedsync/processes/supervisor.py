"""Keeps child processes running: starts them, restarts what crashes with growing pauses, stops them in order.

A part that keeps crashing before everything has been ready once is a broken installation, so the supervisor gives up
with the part's last lines; after that it never gives up. Waiting is for signals of the kernel, not for a timer.
"""

import asyncio
import contextlib
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec
import structlog

from wedsync.processes import listening
from wedsync.processes.children import end, kill_group, spawn
from wedsync.processes.failures import EngineFailed, PartFailed

log = structlog.get_logger()

PAUSE_FIRST_S: Final = 0.1
PAUSE_MAX_S: Final = 5.0
STEADY_AFTER_S: Final = 30.0
"""A part that has run this long starts again with the first pause."""
EARLY_CRASHES_MAX: Final = 3
EARLY_PATIENCE_S: Final = 2.0
"""To stop a part before all were ready: it has begun nothing, and may not listen to signals yet."""
POLL_S: Final = 0.05
ANSWER_TIMEOUT_S: Final = 2.0
LOG_BYTES_MAX: Final = 20_000_000


class Part(msgspec.Struct, frozen=True):
    """What to run, and how to know that it is ready: an address that answers 200, or simply that it lives.

    A part reads what it is `told` from its standard input, where it waits until `release` has said it. What it
    listens on is ours and inherited by each of its successors.
    """

    name: str
    command: Sequence[str]
    environ: Mapping[str, str]
    healthz: str = ""
    stop_patience_s: float = 10.0
    listens: tuple[socket.socket, ...] = ()
    nice: int = 0
    """By how many steps it gives way to others, as `nice` counts them."""


class Child:
    """One running part, or an engine: anything with a process that can be started again."""

    def __init__(
        self, name: str, start: Callable[[], "subprocess.Popen[bytes] | None"], stop_patience_s: float
    ) -> None:
        self.name = name
        self.stop_patience_s = stop_patience_s
        self.process: subprocess.Popen[bytes] | None = None
        self.crashes = 0
        self.restart_at: float | None = None
        self._start = start
        self._started_at = 0.0

    def start(self) -> None:
        self._started_at = time.monotonic()
        self.restart_at = None
        self.process = self._start()

    def adopt(self, process: "subprocess.Popen[bytes] | None") -> None:
        """Watch a process that was started before."""
        self._started_at = time.monotonic()
        self.process = process

    def note_crash(self) -> float:
        """Plan the restart; returns the pause."""
        ran_s = time.monotonic() - self._started_at
        self.crashes = 1 if ran_s > STEADY_AFTER_S else self.crashes + 1
        pause = min(PAUSE_FIRST_S * 2 ** (self.crashes - 1), PAUSE_MAX_S)
        self.restart_at = time.monotonic() + pause
        return float(pause)


class Supervisor:
    """Runs inside one loop of the main thread: children are bound to the thread that starts them."""

    def __init__(self, *, log_folder: Path | None) -> None:
        self.log_folder = log_folder
        self.children: list[Child] = []
        self.parts: dict[str, Part] = {}
        self._told: dict[str, bytes] = {}
        self._is_ready = False
        self._changed = asyncio.Event()

    def watch(self, name: str, start: Callable[[], "subprocess.Popen[bytes] | None"], process: object) -> None:
        """Take over something that runs already, such as an engine."""
        child = Child(name, start, 0)
        child.adopt(process if isinstance(process, subprocess.Popen) else None)
        self.children.append(child)

    def forget(self, name: str) -> None:
        """Look after it no longer; it goes on as it is."""
        self.children = [child for child in self.children if child.name != name]

    def adopt(self, name: str, process: "subprocess.Popen[bytes] | None") -> None:
        """Another process does from now on what this one did."""
        for child in self.children:
            if child.name == name:
                child.adopt(process)

    def start(self, part: Part) -> None:
        self.parts[part.name] = part
        child = Child(part.name, lambda: self._spawn(part), part.stop_patience_s)
        child.start()
        self.children.append(child)

    def release(self, told: Mapping[str, bytes]) -> None:
        """Tell the parts that have been started, and each of their successors, what they wait for."""
        self._told |= told
        for child in self.children:
            if child.name in told and child.process is not None:
                _tell(child.process, told[child.name])

    async def ready(self, patience_s: float) -> None:
        """Until every part answers; PartFailed when one keeps crashing or time is over."""
        await self.answering(self.parts, patience_s)
        self._is_ready = True

    async def answering(self, names: Iterable[str], patience_s: float) -> None:
        """Until these parts answer; PartFailed as `ready`."""
        deadline = time.monotonic() + patience_s
        waiting = [self.parts[name] for name in names if self.parts[name].healthz]
        while waiting:
            answered = await asyncio.gather(*(answers(part.healthz) for part in waiting))
            waiting = [part for part, ok in zip(waiting, answered, strict=True) if not ok]
            if waiting and time.monotonic() > deadline:
                names = ", ".join(part.name for part in waiting)
                raise PartFailed(
                    f"After {patience_s:.0f} s still silent: {names}.\n{self._last_words(waiting[0].name)}"
                )
            self._look_after()
            await asyncio.sleep(POLL_S if waiting else 0)

    async def run(self, stop: asyncio.Event) -> None:
        """Restart what crashes until `stop` is set."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGCHLD, self._changed.set)
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                self._changed.clear()
                self._look_after()
                changed = asyncio.create_task(self._changed.wait())
                await asyncio.wait({stopping, changed}, timeout=self._next_restart_in(), return_when="FIRST_COMPLETED")
                changed.cancel()
        finally:
            loop.remove_signal_handler(signal.SIGCHLD)
            stopping.cancel()

    async def stop(self) -> None:
        """Ask each part in the order of its start and wait for it before the next: the doors close first."""
        for part in self.parts.values():
            for one in part.listens:
                one.close()
        for child in self.children:
            if child.name in self.parts and child.process is not None:
                asked_at = time.monotonic()
                patience_s = child.stop_patience_s if self._is_ready else min(child.stop_patience_s, EARLY_PATIENCE_S)
                code = await asyncio.to_thread(end, child.process, (signal.SIGTERM, patience_s))
                if code == -signal.SIGKILL:
                    log.warning("part_killed", part=child.name, after_s=round(time.monotonic() - asked_at, 1))

    def kill(self) -> None:
        """End everything at once: the second Ctrl-C."""
        for child in self.children:
            if child.process is not None and child.name in self.parts:
                kill_group(child.process)

    def _look_after(self) -> None:
        now = time.monotonic()
        for child in self.children:
            process = child.process
            if process is not None and process.poll() is not None:
                self._crashed(child, process)
            if child.restart_at is not None and now >= child.restart_at:
                self._restart(child)

    def _crashed(self, child: Child, process: "subprocess.Popen[bytes]") -> None:
        kill_group(process)
        child.process = None
        pause_s = child.note_crash()
        log.warning("part_ended", part=child.name, exit_code=process.returncode, restart_in_s=round(pause_s, 2))
        if not self._is_ready and child.crashes >= EARLY_CRASHES_MAX:
            raise PartFailed(
                f"{child.name} ended {child.crashes} times while starting.\n{self._last_words(child.name)}".rstrip()
            )

    def _restart(self, child: Child) -> None:
        try:
            child.start()
        except (EngineFailed, OSError) as problem:
            log.error("part_not_restarted", part=child.name, reason=str(problem), again_in_s=child.note_crash())
        else:
            log.info("part_restarted", part=child.name)

    def _next_restart_in(self) -> float | None:
        planned = [child.restart_at for child in self.children if child.restart_at is not None]
        return max(0.0, min(planned) - time.monotonic()) if planned else None

    def _spawn(self, part: Part) -> "subprocess.Popen[bytes]":
        process = spawn(
            part.command,
            environ={**part.environ, **listening.environ(part.listens)},
            folder=Path.cwd(),
            log=self._log_of(part.name),
            stdin=subprocess.PIPE,
            pass_fds=[one.fileno() for one in part.listens],
            nice=part.nice,
        )
        if part.name in self._told:
            _tell(process, self._told[part.name])
        return process

    def _log_of(self, name: str) -> Path | None:
        if self.log_folder is None:
            return None
        path = self.log_folder / f"{name}.log"
        if path.exists() and path.stat().st_size > LOG_BYTES_MAX:
            path.replace(path.with_suffix(".log.1"))
        return path

    def _last_words(self, name: str) -> str:
        path = self._log_of(name)
        if path is None or not path.exists():
            return ""
        lines = path.read_text(errors="replace").splitlines()[-12:]
        return "\n".join([f"The end of {path}:", *(f"  {line}" for line in lines)])


def _tell(process: "subprocess.Popen[bytes]", told: bytes) -> None:
    """Less than a pipe holds, so this never waits."""
    if process.stdin is not None:
        # It may have died before it listened; then its successor is told.
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(told)
            process.stdin.close()


async def answers(url: str) -> bool:
    """Whether GET `url` on this machine says 200."""
    parts = urlsplit(url)
    context = None
    if parts.scheme == "https":
        # We ask ourselves by address; the certificate is for the public name.
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port, ssl=context)
            try:
                request = f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n"
                writer.write(request.encode())
                status = await reader.readline()
            finally:
                writer.close()
    except OSError:
        return False
    return status.split(b" ")[1:2] == [b"200"]
