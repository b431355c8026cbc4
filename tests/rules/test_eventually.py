"""Waiting for a fact returns it, forgives what is not yet so, and says what was still missing at the end."""

import itertools

import pytest

from tests.eventually import eventually


async def test_the_first_true_answer_is_returned() -> None:
    answers = itertools.chain([0, "", None], itertools.repeat("ready"))
    assert await eventually(lambda: next(answers)) == "ready"


async def test_an_assertion_that_fails_is_asked_again() -> None:
    counts = itertools.count()

    async def ask() -> bool:
        assert next(counts) >= 2
        return True

    assert await eventually(ask)


async def test_the_last_answer_is_told_when_time_is_over() -> None:
    with pytest.raises(AssertionError, match="still 0 after"):
        await eventually(lambda: 0, within_s=0.0)


async def test_an_error_that_is_no_assertion_is_not_forgiven() -> None:
    with pytest.raises(ZeroDivisionError):
        await eventually(lambda: 1 // 0)
