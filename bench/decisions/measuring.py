"""How a choice is measured: CPU of this process or of a peer, medians of rounds, and what the machine was like."""

import asyncio
import gc
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import uvloop

Figures = dict[str, float]
ROUNDS = 5


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """What one choice printed; `figures` are named for docs/decisions (`read_us`), units last."""

    choice: str
    figures: Figures
    versions: dict[str, str]
    cores: int
    python: str
    seconds: float
    steal_percent: float


def cpu_us(work: Callable[[], object], *, times: int) -> float:
    """CPU of this process per call, in microseconds: the median of rounds, so that one bad spell does not count."""
    work()
    return statistics.median(_round(work, times) for _ in range(ROUNDS))


def _round(work: Callable[[], object], times: int) -> float:
    gc.collect()
    began = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - began) / times * 1e6


async def cpu_us_of(work: Callable[[], Awaitable[object]], *, times: int) -> float:
    """The same for a coroutine; every thread of the process counts, those of a Rust runtime included."""
    await work()
    rounds = []
    for _ in range(ROUNDS):
        gc.collect()
        began = time.process_time()
        for _ in range(times):
            await work()
        rounds.append((time.process_time() - began) / times * 1e6)
    return statistics.median(rounds)


async def wall_us_of(work: Callable[[], Awaitable[object]], *, times: int) -> float:
    """Wall time per call, in microseconds: the median of all calls."""
    await work()
    spans = []
    for _ in range(times):
        began = time.perf_counter()
        await work()
        spans.append(time.perf_counter() - began)
    return statistics.median(spans) * 1e6


@contextmanager
def peer(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A second process, `python -m bench.decisions.peer …`; it says its port on its first line."""
    command = [sys.executable, "-m", "bench.decisions.peer", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, int(process.stdout.readline())
        finally:
            process.terminate()


def cpu_ticks() -> tuple[int, int]:
    """Ticks of all cores, and those the host took away, since boot; zeros where /proc is not there."""
    try:
        fields = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:]
    except OSError:
        return 0, 0
    return sum(map(int, fields[:8])), int(fields[7])


def line(choice: str, measure: Callable[[], Figures], versions: dict[str, str]) -> Line:
    """Run one measurement and say what the machine was like meanwhile."""
    began, (ticks, stolen) = time.perf_counter(), cpu_ticks()
    figures = measure()
    ticks_after, stolen_after = cpu_ticks()
    return Line(
        choice=choice,
        figures={name: round(value, 2) for name, value in figures.items()},
        versions=versions,
        cores=len(os.sched_getaffinity(0)),
        python=platform.python_version(),
        seconds=round(time.perf_counter() - began, 1),
        steal_percent=round(100 * (stolen_after - stolen) / max(1, ticks_after - ticks), 2),
    )


def run(work: Coroutine[Any, Any, Figures]) -> Figures:
    """Run a coroutine on the loop that the product uses."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)
