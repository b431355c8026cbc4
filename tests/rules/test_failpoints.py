"""Failpoints: armed where a test says so, and nothing at all anywhere else."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from wedsync.kit import failpoints
from wedsync.kit.failpoints import FailpointHit, ReplyLost


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
    with pytest.raises(ValueError, match="places: after_claim"):
        failpoints.arm(text)


def test_only_profile_test_arms_what_the_environment_says() -> None:
    for env in ("production", "staging", "drill", "development", ""):
        failpoints.arm_from({"WEDSYNC_ENV": env, failpoints.VARIABLE: "before_send=raise"})
        failpoints.hit("before_send")
    failpoints.arm_from({"WEDSYNC_ENV": "test", failpoints.VARIABLE: "before_send=raise"})
    with pytest.raises(FailpointHit):
        failpoints.hit("before_send")


def test_kill9_ends_the_process_where_it_stands() -> None:
    program = "from wedsync.kit import failpoints; failpoints.hit('after_claim'); print('survived')"
    environ = {"WEDSYNC_ENV": "test", failpoints.VARIABLE: "after_claim=kill9"}
    ended = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, timeout=30, check=False)
    assert (ended.returncode, ended.stdout) == (-9, b"")
