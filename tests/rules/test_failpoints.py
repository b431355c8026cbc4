"""Failpoints: armed where a test says so, and nothing at all anywhere else."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.eventually import until
from wedsync.kit import failpoints
from wedsync.kit.failpoints import FailpointHit, ReplyLost

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    yield
    failpoints.arm("")


def test_an_unarmed_place_is_passed() -> None:
    for name in failpoints.NAMES:
        failpoints.hit(name)


def test_the_nth_hit_raises_once() -> None:
    failpoints.arm("before_send=raise@2,after_send=drop_reply")
    failpoints.hit("before_send")
    with pytest.raises(FailpointHit, match="before_send"):
        failpoints.hit("before_send")
    failpoints.hit("before_send")
    with pytest.raises(ReplyLost):
        failpoints.hit("after_send")


@pytest.mark.parametrize("text", ["nowhere=raise", "before_send=explode", "before_send", "before_send=raise@often"])
def test_a_wrong_name_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="places: before_commit"):
        failpoints.arm(text)


def test_only_profile_test_arms_what_the_environment_says() -> None:
    for env in ("production", "staging", "drill", "development", ""):
        failpoints.arm_from({"WEDSYNC_ENV": env, failpoints.VARIABLE: "before_send=raise"})
        failpoints.hit("before_send")
    failpoints.arm_from({"WEDSYNC_ENV": "test", failpoints.VARIABLE: "before_send=raise"})
    with pytest.raises(FailpointHit):
        failpoints.hit("before_send")


def test_a_place_happens_once_for_all_processes_of_a_folder(tmp_path: Path) -> None:
    for _ in range(2):
        failpoints.arm("before_send=raise", told=str(tmp_path))
        if not (tmp_path / "before_send").exists():
            with pytest.raises(FailpointHit):
                failpoints.hit("before_send")
        failpoints.hit("before_send")
    assert (tmp_path / "before_send").read_text() == f"raise {os.getpid()}"


def test_every_place_is_called_where_the_registry_says_and_nowhere_else() -> None:
    called = {
        name
        for file in (ROOT / "wedsync").rglob("*.py")
        for name in re.findall(r'failpoints\.hit\("(\w+)"\)|place="(\w+)"', file.read_text())
    }
    assert {a or b for a, b in called} == set(failpoints.NAMES)


def test_a_halted_process_goes_on_when_it_is_told() -> None:
    program = "from wedsync.kit import failpoints; failpoints.hit('after_claim'); print('went on')"
    environ = {"WEDSYNC_ENV": "test", failpoints.VARIABLE: "after_claim=hang"}
    with subprocess.Popen([sys.executable, "-c", program], env=environ, stdout=subprocess.PIPE) as process:
        until(lambda: psutil.Process(process.pid).status() == psutil.STATUS_STOPPED, within_s=30)
        process.send_signal(signal.SIGCONT)
        assert process.communicate(timeout=30)[0] == b"went on\n"


def test_kill9_ends_the_process_where_it_stands() -> None:
    program = "from wedsync.kit import failpoints; failpoints.hit('after_claim'); print('survived')"
    environ = {"WEDSYNC_ENV": "test", failpoints.VARIABLE: "after_claim=kill9"}
    ended = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, timeout=30, check=False)
    assert (ended.returncode, ended.stdout) == (-9, b"")
