"""The retry policy: what every outcome leads to, for any attempt, any wish of the receiver and any fall of the die."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wedsync.events.retry import (
    JITTER,
    PAUSE_MAX_S,
    SCHEDULE_S,
    TRIES_MAX,
    UNSURE_TRIES_MAX,
    Outcome,
    decide,
    pause_s,
)

attempts = st.integers(1, 3 * TRIES_MAX)
seconds = st.none() | st.floats(0, 10 * PAUSE_MAX_S)
seeds = st.integers(0, 2**32).map(random.Random)
outcomes = st.builds(
    Outcome,
    word=st.sampled_from(["delivered", "retry_later", "reconnect_needed", "rejected", "unknown"]),
    reason=st.text(max_size=20),
    after_s=seconds,
    tries_max=st.none() | st.integers(1, 20),
    disable=st.booleans(),
    repeat_is_safe=st.booleans(),
)


@given(attempts, seconds, seeds)
def test_a_pause_keeps_to_the_schedule_and_to_what_was_asked(
    attempt: int, after_s: float | None, rng: random.Random
) -> None:
    paused = pause_s(attempt, after_s=after_s, rng=rng)
    planned = SCHEDULE_S[min(attempt, TRIES_MAX - 1)]
    asked = min(after_s or 0.0, PAUSE_MAX_S)
    assert paused >= max(planned * (1 - JITTER), asked)
    assert paused <= max(planned * (1 + JITTER), asked)


@given(outcomes, attempts, seeds)
def test_every_outcome_has_one_end(outcome: Outcome, attempt: int, rng: random.Random) -> None:
    verdict = decide(outcome, attempt=attempt, rng=rng)
    assert (verdict.state == "delivered") == (outcome.word == "delivered")
    assert (verdict.state == "parked") <= (verdict.close is not None or outcome.tries_max is not None)
    assert (verdict.close is not None) == (outcome.disable or outcome.word == "reconnect_needed")
    assert (verdict.delay_s > 0) == (verdict.state == "deferred")
    assert verdict.rest_s is None or 0 <= verdict.rest_s <= verdict.delay_s


@given(outcomes, st.integers(TRIES_MAX, 100), seeds)
def test_nothing_is_tried_for_ever(outcome: Outcome, attempt: int, rng: random.Random) -> None:
    assert decide(outcome, attempt=attempt, rng=rng).state != "deferred"


@given(st.integers(1, TRIES_MAX - 1), seeds)
def test_a_reason_that_passes_is_tried_until_the_schedule_is_over(attempt: int, rng: random.Random) -> None:
    assert decide(Outcome(word="retry_later"), attempt=attempt, rng=rng).state == "deferred"


@pytest.mark.parametrize(
    ("outcome", "tries", "end"),
    [
        (Outcome(word="retry_later"), TRIES_MAX, "dead"),
        (Outcome(word="retry_later", tries_max=3), 3, "parked"),
        (Outcome(word="unknown"), TRIES_MAX, "dead"),
        (Outcome(word="unknown", repeat_is_safe=False), UNSURE_TRIES_MAX, "dead"),
        (Outcome(word="rejected"), 1, "dead"),
    ],
)
def test_how_often_it_is_tried_and_what_hardly_passes_waits_for_a_person(
    outcome: Outcome, tries: int, end: str
) -> None:
    states = [decide(outcome, attempt=n, rng=random.Random(1)).state for n in range(1, tries + 1)]
    assert states == ["deferred"] * (tries - 1) + [end]


def test_a_receiver_that_is_gone_closes_its_destination_and_keeps_the_delivery() -> None:
    verdict = decide(Outcome(word="rejected", reason="It is gone.", disable=True), attempt=1, rng=random.Random(1))
    assert (verdict.state, verdict.close) == ("parked", "It is gone.")


def test_a_receiver_that_took_it_and_wants_no_more_got_it() -> None:
    verdict = decide(Outcome(word="delivered", disable=True), attempt=1, rng=random.Random(1))
    assert verdict.state == "delivered"
    assert verdict.close


def test_the_schedule_is_about_three_days() -> None:
    assert SCHEDULE_S[0] == 0
    assert len(SCHEDULE_S) == TRIES_MAX == 12
    assert 3 * 86_400 < sum(SCHEDULE_S) < 4 * 86_400
