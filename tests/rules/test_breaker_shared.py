"""The breaker of a host that many share: opens when it fails several and most of them, never for one of them."""

from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from wedsync.kit.breaker import (
    FAILURES_MAX,
    OPEN_MAX_S,
    OPEN_S,
    RESULTS_MIN,
    SHARERS_MAX,
    WINDOW_S,
    Shared,
    after_shared,
    state,
)

FAILED, FINE = True, False
MANY = [UUID(int=n) for n in range(60)]
ONE, OTHER = MANY[:2]


def fed(*results: tuple[UUID, bool], shared: Shared | None = None, now: float = 0.0) -> Shared:
    known = shared or Shared()
    for sharer, is_failure in results:
        known = after_shared(known, is_failure=is_failure, sharer=sharer, now=now)
    return known


def test_five_failures_in_a_row_open_it_if_they_are_of_two_or_more() -> None:
    assert state(fed(*[(ONE, FAILED)] * 40), now=0.0) == "closed"
    assert state(fed(*[(ONE, FAILED)] * 3, (OTHER, FAILED)), now=0.0) == "closed"
    assert state(fed(*[(ONE, FAILED)] * (FAILURES_MAX - 1), (OTHER, FAILED)), now=0.0) == "open"


def test_half_of_ten_open_it_though_others_are_well_between() -> None:
    mixed = [(one, FAILED if number % 2 else FINE) for number, one in enumerate(MANY[: RESULTS_MIN + 1])]
    assert state(fed((ONE, FAILED), *mixed[1:-1]), now=0.0) == "open"
    assert state(fed((ONE, FAILED), *[(one, FINE) for one in MANY[2:9]], *[(OTHER, FAILED)] * 9), now=0.0) == "closed"


def test_a_host_that_is_well_for_many_is_not_closed_by_many_others() -> None:
    well = [(one, FINE) for one in MANY[1 : SHARERS_MAX + 1]]
    broken = [(UUID(int=1_000 + n), FAILED) for n in range(200)]
    assert state(fed((ONE, FAILED), *well, *broken), now=0.0) == "closed"


def test_a_host_that_dies_is_left_alone_within_a_minute_whoever_was_well_before() -> None:
    known = fed((ONE, FAILED), *[(one, FINE) for one in MANY[1:]])
    known = fed(*[(one, FAILED) for one in MANY], shared=known, now=WINDOW_S)
    assert state(known, now=WINDOW_S) == "open"


class Lives(RuleBasedStateMachine):
    """A host's life beside a model that remembers the last result of each in the window."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_000.0
        self.known = Shared()
        self.row = self.openings = 0
        self.began: float | None = None
        self.last: dict[UUID, bool] = {}

    @rule(seconds=st.sampled_from([0.1, 5.0, 31.0, 61.0, 901.0]))
    def time_goes_by(self, seconds: float) -> None:
        self.now += seconds

    @rule(sharer=st.sampled_from(MANY[:14]), is_failure=st.booleans())
    def a_call_ends(self, sharer: UUID, is_failure: bool) -> None:
        before, was = self.known, state(self.known, now=self.now)
        self.known = after_shared(before, is_failure=is_failure, sharer=sharer, now=self.now)
        if was == "open":
            assert self.known == before
        elif was == "half_open":
            self.forget()
            self.opened(self.openings + 1) if is_failure else self.closed()
        else:
            self.counted(sharer, is_failure)

    def counted(self, sharer: UUID, is_failure: bool) -> None:
        self.row = self.row + 1 if is_failure else 0
        if self.began is None or self.now - self.began >= WINDOW_S:
            self.began, self.last = (self.now if is_failure else None), {}
        if self.began is not None:
            self.last[sharer] = is_failure
        bad = sum(self.last.values())
        is_enough = self.row >= FAILURES_MAX or len(self.last) >= RESULTS_MIN
        if bad >= 2 and bad * 2 >= len(self.last) and is_enough:
            self.forget()
            self.opened(1)
        else:
            assert state(self.known, now=self.now) == "closed"

    def forget(self) -> None:
        self.row, self.began, self.last = 0, None, {}

    def closed(self) -> None:
        assert self.known == Shared()
        self.openings = 0

    def opened(self, openings: int) -> None:
        self.openings = openings
        assert state(self.known, now=self.now) == "open"
        assert self.known.open_until == self.now + min(OPEN_S * 2 ** (openings - 1), OPEN_MAX_S)

    @invariant()
    def nobody_is_both(self) -> None:
        assert not set(self.known.failing) & set(self.known.well)
        assert len(self.known.failing) < SHARERS_MAX >= len(self.known.well)


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)


@pytest.mark.prove
def test_a_long_life() -> None:
    run_state_machine_as_test(Lives, settings=settings(max_examples=3_000, stateful_step_count=80, deadline=None))
