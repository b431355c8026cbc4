"""Runs a scenario so many times: its world is built once, and a run in which the host took CPU away is repeated."""

import asyncio
import time
import traceback
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager

import msgspec

from bench.report import Budget, Figures, Line, Measured, judge, loop_ms, medians, steal_percent, ticks

STEAL_MAX_PERCENT = 2.0
REPEATS_MAX = 3

Run = Callable[[], Awaitable[Figures]]


class Plan(msgspec.Struct, frozen=True):
    """How large the load is: the whole of it, or a part to see that everything works."""

    scale: float = 1.0
    is_long: bool = False

    def count(self, whole: int, *, least: int = 1) -> int:
        """So many weddings, sockets, rows."""
        return max(least, round(whole * self.scale))

    def rate(self, per_s: float) -> float:
        return max(2.0, per_s * self.scale)

    def seconds(self, whole: float) -> float:
        """How long a load lasts; a part of it still lasts long enough to warm up."""
        return whole if self.scale >= 1 else max(3.0, whole * self.scale)


class NotRun(Exception):  # noqa: N818 -- it reads as a sentence where it is raised
    """The scenario cannot run here; says why."""


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """One budget of the design, or a few that share a world. `opened` builds the world and gives what to run in it."""

    name: str
    about: str
    budgets: Sequence[Budget]
    opened: Callable[[Plan], AbstractAsyncContextManager[Run]]
    notes: Sequence[str] = ()
    limit_s: float = 900.0
    """Everything together, the building included, ends then."""


async def measure(scenario: Scenario, plan: Plan, *, runs: int) -> Line:
    """The scenario's line; what went wrong stands in it, and on standard error with its traceback."""
    line = Line(scenario=scenario.name, met=None, scale=plan.scale, notes=list(scenario.notes))
    try:
        async with asyncio.timeout(scenario.limit_s) as limit, scenario.opened(plan) as run:
            for _ in range(runs):
                line.runs.append(await _calm(run, line))
    except NotRun as why:
        line.failed = f"not run: {why}"
    except Exception as error:
        traceback.print_exception(error)
        is_over = isinstance(error, TimeoutError) and limit.expired()
        line.failed = f"not done in {scenario.limit_s:.0f} s" if is_over else f"{type(error).__name__}: {error}"
    return conclude(line, scenario.budgets)


def conclude(line: Line, budgets: Sequence[Budget]) -> Line:
    """Medians and verdicts of the runs; whether the budgets are met is said of whole, complete measurements only."""
    line.figures = medians([run.figures for run in line.runs])
    line.budgets = judge(budgets, line.figures)
    if line.scale < 1:
        line.notes.append(f"scale {line.scale:g}: it shows that it works and measures nothing")
    elif line.failed:
        line.met = False if not line.failed.startswith("not run") else None
    else:
        line.met = all(verdict.met for verdict in line.budgets)
    return line


async def _calm(run: Run, line: Line) -> Measured:
    """One run that counts: the first that the host left alone, else the least disturbed."""
    tried: list[Measured] = []
    while len(tried) <= REPEATS_MAX:
        tried.append(await _once(run))
        if tried[-1].steal_percent <= STEAL_MAX_PERCENT:
            line.repeated += len(tried) - 1
            return tried[-1]
    line.repeated += REPEATS_MAX
    line.noisy += 1
    return min(tried, key=lambda measured: measured.steal_percent)


async def _once(run: Run) -> Measured:
    speed = loop_ms()
    began, before = time.perf_counter(), ticks()
    figures = await run()
    steal = steal_percent(before, ticks())
    seconds = round(time.perf_counter() - began, 1)
    return Measured(figures=medians([figures]), seconds=seconds, steal_percent=steal, loop_ms=speed)
