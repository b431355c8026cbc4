"""Starts and ends child processes so that none outlives its parent, even one that is killed with -9.

Linux tells a child when its parent dies (PR_SET_PDEATHSIG); elsewhere a killed parent leaves its children running and
the next start ends them. The kernel ties the signal to the *thread* that started the child: start children from a
thread that lives as long as they should, which in practice is the main one.
"""

import contextlib
import ctypes
import os
import platform
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

import msgspec

AUTOGROUP = Path("/proc/self/autogroup")
IS_LINUX = platform.system() == "Linux"
PR_SET_PDEATHSIG = 1
_prctl: Callable[..., int] | None = ctypes.CDLL(None).prctl if IS_LINUX else None


class Account(msgspec.Struct, frozen=True):
    """The system account that a child runs as."""

    name: str
    uid: int
    gid: int


def spawn(
    command: Sequence[str | Path],
    *,
    environ: Mapping[str, str],
    folder: Path,
    account: Account | None = None,
    log: Path | None = None,
    stdin: IO[bytes] | int | None = subprocess.DEVNULL,
    death_signal: signal.Signals = signal.SIGTERM,
    pass_fds: Sequence[int] = (),
    nice: int = 0,
) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own, so that Ctrl-C reaches only the supervisor and it decides.

    And so that Linux shares the processors fairly: where sessions are scheduled as groups (`sched_autogroup_enabled`)
    each backend of PostgreSQL is a session, and all of ours together would get no more than one of them.

    `account` None keeps the caller's. `nice` is how far it gives way to others; more is always permitted. Output is
    appended to `log`, or shared with the caller where it is None.
    """
    output = log.open("ab") if log else None
    try:
        return subprocess.Popen(  # noqa: S603 -- commands are our own, never input
            [str(part) for part in command],
            env=dict(environ),
            cwd=folder,
            stdin=stdin,
            stdout=output,
            stderr=subprocess.STDOUT if output else None,
            pass_fds=pass_fds,
            start_new_session=True,
            preexec_fn=_bound(death_signal, nice),  # noqa: PLW1509 -- system calls, nothing that could lock
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
    finally:
        if output:
            output.close()


def run(
    command: Sequence[str | Path],
    *,
    environ: Mapping[str, str],
    folder: Path,
    account: Account | None = None,
    patience_s: float | None = 120,
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end and return what it said; None waits however long it takes."""
    return subprocess.run(  # noqa: S603 -- commands are our own, never input
        [str(part) for part in command],
        env=dict(environ),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=patience_s,
        check=False,
        process_group=0,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )


def end(process: subprocess.Popen[bytes], *steps: tuple[signal.Signals, float]) -> int:
    """Send each signal in turn and give it its seconds, until the process has ended; SIGKILL is the last resort.

    The whole group gets the last blow: a master that crashed may have left workers behind.
    """
    for number, patience_s in steps:
        if process.poll() is not None:
            break
        process.send_signal(number)
        try:
            process.wait(patience_s)
        except subprocess.TimeoutExpired:
            continue
    kill_group(process)
    return process.wait()


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """End whatever is left of the process and what it started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def command_of(pid: int) -> list[str]:
    """The command line of a process, [] where there is none."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
    except OSError:
        if IS_LINUX:
            return []
    said = run(["ps", "-o", "command=", "-p", str(pid)], environ=os.environ, folder=Path("/"))
    return said.stdout.split()


def _bound(death_signal: signal.Signals, nice: int) -> Callable[[], None]:
    parent = os.getpid()

    def bind() -> None:
        if _prctl is not None:
            _prctl(PR_SET_PDEATHSIG, int(death_signal))
        # The parent may have died between fork and prctl; then nobody would ever tell us.
        if os.getppid() != parent:
            os._exit(1)
        if nice:
            # A sandbox of a container may refuse it; then it runs like the others.
            with contextlib.suppress(OSError):
                os.nice(nice)
                # Where sessions are scheduled as groups, only the group's counts.
                AUTOGROUP.write_text(str(nice))

    return bind
