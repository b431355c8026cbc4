"""What ran is watched by code of ours; it must see what coverage.py's own tracer sees, in a killed process too."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import coverage
import pytest

from tests.measuring.seen import kept

MEASURING = Path(__file__).parents[1] / "measuring"
SAMPLE = '''"""Every statement that has a line or a branch of its own."""

from __future__ import annotations

import asyncio
import contextlib

KNOWN = {
    "one": 1,
}
"""Words behind a name."""


class Thing:
    """What has an inside."""

    size: int = 0

    @property
    @contextlib.contextmanager
    def inside(self):
        try:
            yield self
        finally:
            self.size += 1


def branches(number):
    if number > 2:
        said = "much"
    elif number == 2:
        said = "two"
    else:
        said = "little"
    if (
        number
        and said
    ):
        said += "!"
    for one in range(number):
        if one == 1:
            continue
        if one == 5:
            break
    else:
        said += "?"
    while number:
        number -= 1
    with contextlib.suppress(KeyError):
        if said:
            KNOWN["two"]
    return said


def cases(value):
    match value:
        case 1:
            return "one"
        case [first, *_] if first:
            return "list"
        case "never":
            return "never"
    match value:
        case None:
            said = "none"
        case _:
            said = "any"
    return said


def errors(kind):
    try:
        if kind is not None:
            raise kind("x")
    except KeyError:
        return "key"
    except (ValueError, TypeError) as error:
        return str(error)
    except OSError:
        pass
    else:
        return "none"
    finally:
        KNOWN.clear()
    return "os"


async def waits():
    async with asyncio.Lock():
        await asyncio.sleep(0)
    async for one in numbers():
        if one:
            return one


async def numbers():
    yield 0
    yield 1


def never(one):
    if one:
        return 1
    for two in one:
        print(two)
    try:
        return 2
    except ValueError:
        return 3


with Thing().inside:
    print([branches(n) for n in (0, 1, 2, 7)])
print([cases(value) for value in (1, [1], [], None)])
print([errors(kind) for kind in (None, KeyError, ValueError)])
print(asyncio.run(waits()))
'''


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree as ours is, whose package is the sample."""
    shutil.copytree(MEASURING, tmp_path / "tests" / "measuring")
    package = tmp_path / "wedsync" / "sample"
    package.mkdir(parents=True)
    for folder in (package, package.parent):
        (folder / "__init__.py").touch()
    (package / "all.py").write_text(SAMPLE)
    (package / "unread.py").write_text("NEVER = 1\n")
    (tmp_path / "tests" / "coverage.ini").write_text("[run]\nbranch = true\nsource = wedsync\ndata_file = traced\n")
    return tmp_path


def run(tree: Path, *command: str, path: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "PYTHONPATH": f"{tree / path}:{tree}"}
    return subprocess.run(
        [sys.executable, *command], cwd=tree, env=environ, capture_output=True, text=True, timeout=60, check=False
    )


def judged(tree: Path, data: str) -> dict[str, tuple[list[int], dict[int, list[int]]]]:
    """The lines and branches that were missed, by module."""
    report = coverage.Coverage(config_file=str(tree / "tests" / "coverage.ini"), data_file=str(tree / data))
    report.load()
    missed = {}
    for file in sorted(report.get_data().measured_files()):
        seen = report._analyze(file)
        missed[Path(file).name] = (sorted(seen.missing), dict(seen.missing_branch_arcs()))
    return missed


@pytest.mark.parametrize("times", [1, 2], ids=["changed", "kept"])
def test_it_sees_what_a_tracer_sees_and_a_kill_takes_nothing(tree: Path, times: int) -> None:
    said = run(tree, "-m", "coverage", "run", "--rcfile=tests/coverage.ini", "-m", "wedsync.sample.all", path="")
    assert said.returncode == 0, said.stderr
    program = "import os, signal, wedsync.sample.all as a; print(end='', flush=True); os.kill(os.getpid(), 9)"
    for _ in range(times):
        ours = run(tree, "-c", program, path="tests/measuring")
        assert ours.returncode == -signal.SIGKILL, ours.stderr
        assert ours.stdout == said.stdout
    told = run(tree, "-m", "tests.measuring.report", path="")
    assert told.returncode == 0, told.stderr
    traced, seen = judged(tree, "traced"), judged(tree, "var/coverage/data")
    assert seen["unread.py"][0] == [1]
    assert seen["all.py"] == traced["all.py"]
    assert seen["all.py"][1], "something was missed, or this compares nothing"


def test_a_module_that_is_run_is_seen_as_one_that_is_imported(tree: Path) -> None:
    assert run(tree, "-m", "wedsync.sample.all", path="tests/measuring").returncode == 0
    seen = kept(tree / "var" / "coverage")["wedsync.sample.all"]
    assert seen.count(1) > 50
