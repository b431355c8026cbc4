"""`python -m bench [scenario …]` measures the budgets of the design and prints one line of JSON a scenario.

The first line describes the machine. A figure is the median of its runs; every run stands beside it with the CPU that
the host took away meanwhile. With --base FILE the end is 1 where a figure is more than 20 % worse than in that file.
"""

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import uvloop

from bench import (
    allergy,
    bookings,
    calendars,
    clients,
    connections,
    crms,
    drain,
    faces,
    gateway_cpu,
    hang,
    hooks,
    imports,
    inboxes,
    latency,
    mails,
    mixed,
    portfolio,
    rsvp,
    sockets,
    start,
    webhooks,
)
from bench.report import Line, compare, machine, read_lines
from bench.rounds import Plan, Scenario, measure
from wedsync.kit import log

SCENARIOS: dict[str, Scenario] = {
    module.SCENARIO.name: module.SCENARIO
    for module in (
        latency,
        gateway_cpu,
        rsvp,
        webhooks,
        hang,
        drain,
        hooks,
        imports,
        clients,
        mixed,
        sockets,
        inboxes,
        mails,
        allergy,
        portfolio,
        faces,
        bookings,
        calendars,
        crms,
        connections,
        start,
    )
}


class Printer:
    """Each line as it is known: to standard output, and to a file where one is named."""

    def __init__(self, out: Path | None) -> None:
        self._out = out
        if out is not None:
            out.write_bytes(b"")

    def print(self, line: Any) -> None:
        text = msgspec.json.encode(line)
        print(text.decode(), flush=True)
        if self._out is not None:
            with self._out.open("ab") as file:
                file.write(text + b"\n")


def main() -> None:
    asked = _asked()
    log.configure(process="bench", level="warning")
    base = read_lines(asked.base) if asked.base else []
    printer = Printer(asked.out)
    printer.print({"machine": machine()})
    chosen = [SCENARIOS[name] for name in asked.scenarios or SCENARIOS]
    plan = Plan(scale=asked.scale, is_long=asked.long)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        lines = runner.run(_measure_all(chosen, plan, asked.runs, printer))
    is_worse = _tell_regressions(base, lines)
    sys.exit(1 if is_worse or any(line.failed and not line.failed.startswith("not run") for line in lines) else 0)


async def _measure_all(chosen: Sequence[Scenario], plan: Plan, runs: int, printer: Printer) -> list[Line]:
    # SIGTERM ends it as Ctrl-C does: what was started is stopped first.
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    lines = []
    for scenario in chosen:
        sys.stderr.write(f"{scenario.name}: {scenario.about}\n")
        lines.append(await measure(scenario, plan, runs=runs))
        printer.print(lines[-1])
    return lines


def _tell_regressions(base: Sequence[Line], lines: Sequence[Line]) -> bool:
    try:
        worse = compare(base, lines)
    except ValueError as error:
        sys.stderr.write(f"bench: the files cannot be compared: {error}\n")
        return True
    for one in worse:
        by = "was nothing before" if one.worse_percent is None else f"{one.worse_percent:g} % worse"
        sys.stderr.write(f"bench: {one.scenario} {one.figure}: {one.before:g} -> {one.now:g}, {by}\n")
    return bool(worse)


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    names = "\n".join(f"  {one.name:12} {one.about}" for one in SCENARIOS.values())
    parser.add_argument("scenarios", nargs="*", metavar="scenario", help=f"none means all:\n{names}")
    parser.add_argument("--runs", type=int, default=5, help="runs of each; their median counts (5)")
    parser.add_argument(
        "--scale", type=float, default=1.0, help="a part of the load, such as 0.05, to see that it works"
    )
    parser.add_argument("--long", action="store_true", help="the mixed load for 10 minutes, a million to drain")
    parser.add_argument("--base", type=Path, help="lines of an earlier run to compare with")
    parser.add_argument("--out", type=Path, help="write the lines here too")
    asked = parser.parse_args()
    unknown = set(asked.scenarios) - set(SCENARIOS)
    if unknown:
        parser.error(f"no such scenario: {', '.join(sorted(unknown))}; there are {', '.join(SCENARIOS)}")
    if not 0 < asked.scale <= 1 or asked.runs < 1:
        parser.error("--scale is above 0 and at most 1; --runs is at least 1")
    if asked.base and not asked.base.is_file():
        parser.error(f"there is no file {asked.base}")
    return asked


if __name__ == "__main__":
    try:
        main()
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(130)
