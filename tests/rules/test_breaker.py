"""The breaker: opens by its rules and no sooner, admits a probe when its time is over, closes at the first success."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from wedsync.kit.breaker import (
    FAILURES_LIVE_MAX,
    FAILURES_MAX,
    OPEN_MAX_S,
    OPEN_S,
    RESULTS_MIN,
    SLOW_S,
    WINDOW_S,
    Breaker,
    Result,
    after,
    state,
)

FAILED = Result(is_failure=True)
FINE = Result(is_failure=False, took_s=0.1)
SLOW = Result(is_failure=False, took_s=SLOW_S + 0.1)


def fed(*results: Result, now: float = 0.0, **limits: int) -> Breaker:
    breaker = Breaker()
    for result in results:
        breaker = after(breaker, result, now=now, **limits)
    return breaker


def test_it_opens_at_the_fifth_failure_in_a_row_and_at_the_second_of_a_live_wedding() -> None:
    for failures_max in (FAILURES_MAX, FAILURES_LIVE_MAX):
        tries = [FAILED] * failures_max
        assert state(fed(*tries[1:], failures_max=failures_max), now=0.0) == "closed"
        assert state(fed(*tries, failures_max=failures_max), now=0.0) == "open"


def test_a_success_ends_the_row() -> None:
    assert state(fed(*[FAILED] * 4, FINE, *[FAILED] * 4), now=0.0) == "closed"


def test_half_of_ten_results_open_it_and_fewer_do_not() -> None:
    assert state(fed(*[FAILED, FINE] * 4, FAILED), now=0.0) == "closed"
    assert state(fed(*[FAILED, FINE] * 5), now=0.0) == "open"
    assert state(fed(FAILED, *[FINE] * 5, *[FAILED] * 3, FINE, FINE), now=0.0) == "closed"


def test_more_than_four_slow_answers_in_five_open_it() -> None:
    assert state(fed(*[SLOW] * 9), now=0.0) == "closed"
    assert state(fed(*[SLOW] * 8, FINE, FINE), now=0.0) == "closed"
    assert state(fed(*[SLOW] * 9, FINE), now=0.0) == "open"


def test_a_window_is_over_after_a_minute_but_a_row_of_failures_is_not() -> None:
    mixed = fed(*[FAILED, FINE] * 4, FAILED)
    assert state(after(mixed, FINE, now=WINDOW_S), now=WINDOW_S) == "closed"
    row = fed(*[FAILED] * 4)
    assert state(after(row, FAILED, now=WINDOW_S * 100), now=WINDOW_S * 100) == "open"


def test_each_failed_probe_doubles_the_pause_up_to_a_quarter_of_an_hour() -> None:
    breaker, now, pauses = fed(*[FAILED] * 5), 0.0, []
    for _ in range(7):
        assert breaker.open_until is not None
        pauses.append(breaker.open_until - now)
        now = breaker.open_until
        assert state(breaker, now=now) == "half_open"
        breaker = after(breaker, FAILED, now=now)
    assert pauses == [30, 60, 120, 240, 480, 900, 900]
    assert breaker.open_until is not None
    assert after(breaker, FINE, now=breaker.open_until) == Breaker()


@given(st.lists(st.sampled_from([FAILED, FINE, SLOW])))
def test_what_was_on_its_way_changes_nothing(late: list[Result]) -> None:
    opened = fed(*[FAILED] * 5)
    breaker = opened
    for result in late:
        breaker = after(breaker, result, now=OPEN_S / 2)
    assert breaker == opened


class Lives(RuleBasedStateMachine):
    """A destination's life beside a model that remembers every result."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_000.0
        self.breaker = Breaker()
        self.row = 0
        self.openings = 0
        self.window: list[tuple[float, Result]] = []

    @rule(seconds=st.sampled_from([0.1, 5.0, 29.0, 31.0, 61.0, 901.0]))
    def time_goes_by(self, seconds: float) -> None:
        self.now += seconds

    @rule(result=st.sampled_from([FAILED, FINE, SLOW]), failures_max=st.sampled_from([2, 5]))
    def a_call_ends(self, result: Result, failures_max: int) -> None:
        before, was = self.breaker, state(self.breaker, now=self.now)
        self.breaker = after(before, result, now=self.now, failures_max=failures_max)
        if was == "open":
            assert self.breaker == before
        elif was == "half_open":
            self.probed(result)
        else:
            self.counted(result, failures_max)

    def probed(self, result: Result) -> None:
        self.row, self.window = 0, []
        if result.is_failure:
            self.opened(self.openings + 1)
        else:
            assert self.breaker == Breaker()
            self.openings = 0

    def counted(self, result: Result, failures_max: int) -> None:
        self.row = self.row + 1 if result.is_failure else 0
        if self.window and self.now - self.window[0][0] >= WINDOW_S:
            self.window = []
        if self.window or result.is_bad:
            self.window.append((self.now, result))
        results = [each for _, each in self.window]
        many = len(results) >= RESULTS_MIN
        failed, slow = sum(r.is_failure for r in results), sum(r.is_slow for r in results)
        if self.row >= failures_max or (many and (failed * 2 >= len(results) or slow * 5 > len(results) * 4)):
            self.row, self.window = 0, []
            self.opened(1)
        else:
            assert state(self.breaker, now=self.now) == "closed"

    def opened(self, openings: int) -> None:
        self.openings = openings
        assert state(self.breaker, now=self.now) == "open"
        assert self.breaker.open_until == self.now + min(OPEN_S * 2 ** (openings - 1), OPEN_MAX_S)

    @invariant()
    def counts_are_possible(self) -> None:
        breaker = self.breaker
        assert max(breaker.failed, breaker.slow) <= breaker.results
        assert (breaker.open_until is None) == (breaker.openings == 0)

    @precondition(lambda self: self.breaker.open_until is not None)
    @invariant()
    def a_pause_ends(self) -> None:
        open_until: Any = self.breaker.open_until
        assert state(self.breaker, now=open_until) == "half_open"


TestLives = Lives.TestCase


@pytest.mark.parametrize("took_s", [SLOW_S, SLOW_S - 1])
def test_up_to_eight_seconds_are_not_slow(took_s: float) -> None:
    assert not Result(is_failure=False, took_s=took_s).is_bad
