"""Waiting for a fact returns it, and says what was still missing when the time is over."""

import itertools

import pytest

from tests.eventually import eventually, until


async def test_the_first_true_answer_is_returned() -> None:
    answers = itertools.chain([0, "", None], itertools.repeat("ready"))
    assert await eventually(lambda: next(answers)) == "ready"


def test_outside_of_a_loop_too() -> None:
    answers = itertools.chain([0, "", None], itertools.repeat("ready"))
    assert until(lambda: next(answers)) == "ready"


async def test_the_last_answer_is_told_when_time_is_over() -> None:
    with pytest.raises(AssertionError, match=r"the socket is open within .* last answer: 0"):
        await eventually(lambda: 0, within_s=0.0, what="the socket is open")


async def test_an_error_is_not_forgiven() -> None:
    with pytest.raises(ZeroDivisionError):
        await eventually(lambda: 1 // 0)
