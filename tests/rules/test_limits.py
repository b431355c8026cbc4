"""Limits: the rules alone in one process's memory, on a clock that the test moves."""

import math
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from wedsync.kit.limits import LOCAL_KEYS_MAX, Bucket, Decision, Limit, Limits, LocalLimits, Window

STEPS = st.lists(st.floats(min_value=0, max_value=40, allow_nan=False), min_size=1, max_size=60)


class Hands:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


def limited() -> tuple[LocalLimits, Hands]:
    hands = Hands()
    return LocalLimits(hands), hands


def test_limits_of_one_key_do_not_share_what_is_left() -> None:
    limits, _ = limited()
    assert [limits.hit(Bucket("a", per_s=1, burst=1), "k").is_allowed for _ in range(2)] == [True, False]
    assert limits.hit(Bucket("b", per_s=1, burst=1), "k").is_allowed


def test_a_window_lets_its_count_pass_and_then_refuses() -> None:
    limits, hands = limited()
    window = Window("hooks", 3, 60)
    assert [limits.hit(window, "a").is_allowed for _ in range(4)] == [True, True, True, False]
    assert limits.hit(window, "b").is_allowed
    hands.at += 59.9
    assert not limits.hit(window, "a").is_allowed
    hands.at += 0.2
    assert limits.hit(window, "a").is_allowed


def test_a_refused_hit_is_not_counted_against_its_sender() -> None:
    limits, hands = limited()
    window = Window("hooks", 1, 10)
    assert limits.hit(window, "a").is_allowed
    for _ in range(20):
        hands.at += 0.4
        limits.hit(window, "a")
    hands.at = 1010.1
    assert limits.hit(window, "a").is_allowed


def test_a_refusal_says_when_to_try_again_and_then_it_passes() -> None:
    for limit in (Window("w", 2, 30), Bucket("b", per_s=0.5, burst=2)):
        limits, hands = limited()
        answers = [limits.hit(limit, "a") for _ in range(3)]
        assert [answer.is_allowed for answer in answers] == [True, True, False]
        hands.at += answers[-1].reset_s + 1e-6
        assert limits.hit(limit, "a").is_allowed


def test_a_bucket_refills_at_its_rate_and_never_beyond_its_burst() -> None:
    limits, hands = limited()
    bucket = Bucket("sms", per_s=2, burst=5)
    assert sum(limits.hit(bucket, "a").is_allowed for _ in range(9)) == 5
    hands.at += 1
    assert sum(limits.hit(bucket, "a").is_allowed for _ in range(9)) == 2
    hands.at += 3600
    assert sum(limits.hit(bucket, "a").is_allowed for _ in range(9)) == 5


def test_a_costly_use_takes_as_much_as_it_costs() -> None:
    limits, _ = limited()
    assert limits.hit(Window("w", 10, 60), "a", cost=8).remaining == 2
    assert not limits.hit(Window("w", 10, 60), "a", cost=3).is_allowed
    assert limits.hit(Bucket("b", per_s=1, burst=10), "a", cost=8).remaining == 2
    refused = limits.hit(Bucket("b", per_s=1, burst=10), "a", cost=3)
    assert (refused.is_allowed, refused.remaining, math.ceil(refused.reset_s)) == (False, 2, 1)


@given(steps=STEPS, count=st.integers(1, 6), window_s=st.floats(1, 60))
def test_no_window_ever_holds_more_than_its_count(steps: list[float], count: int, window_s: float) -> None:
    limits, hands = limited()
    limit = Window("w", count, window_s)
    passed: list[float] = []
    for step in steps:
        hands.at += step
        if limits.hit(limit, "a").is_allowed:
            passed.append(hands.at)
    for later, earlier in zip(passed[count:], passed, strict=False):
        assert later - earlier >= window_s - 1e-6


@given(steps=STEPS, per_s=st.floats(0.1, 5), burst=st.integers(1, 10))
def test_a_bucket_never_gives_more_than_it_held_and_got(steps: list[float], per_s: float, burst: int) -> None:
    limits, hands = limited()
    limit = Bucket("b", per_s=per_s, burst=burst)
    started, passed = hands.at, 0
    for step in steps:
        hands.at += step
        passed += limits.hit(limit, "a").is_allowed
        assert passed <= burst + (hands.at - started) * per_s + 1e-6


@given(steps=STEPS)
def test_what_remains_is_what_may_follow_at_once(steps: list[float]) -> None:
    for limit in (Window("w", 5, 20), Bucket("b", per_s=0.3, burst=5)):
        limits, hands = limited()
        told: list[int] = []
        for step in steps:
            hands.at += step
            told.append(limits.hit(limit, "a").remaining)
        assert all(0 <= left <= 5 for left in told)
        left = told[-1]
        assert all(limits.hit(limit, "a").is_allowed for _ in range(left))
        assert not limits.hit(limit, "a").is_allowed


def test_memory_is_bounded_and_forgets_the_least_used() -> None:
    limits, _ = limited()
    window = Window("w", 1, 60)
    for number in range(LOCAL_KEYS_MAX + 1):
        limits.hit(window, str(number))
    assert limits.hit(window, "0").is_allowed
    assert not limits.hit(window, str(LOCAL_KEYS_MAX)).is_allowed


def test_headers_follow_the_draft_and_a_refusal_says_when_to_come_back() -> None:
    limit: Limit = Window("api", 100, 60)
    assert Decision(True, limit, 40, 12.3).headers() == {
        "RateLimit-Policy": '"api";q=100;w=60',
        "RateLimit": '"api";r=40;t=13',
    }
    assert Decision(False, limit, 0, 0.2).headers()["Retry-After"] == "1"
    assert Decision(True, Bucket("sms", 0.5, 10), 9, 2).headers()["RateLimit-Policy"] == '"sms";q=10;w=20'


async def test_without_a_valkey_each_process_limits_by_itself() -> None:
    limits = Limits(None, time=Hands())
    answers = [await limits.hit(Window("w", 2, 60), "a") for _ in range(3)]
    assert [answer.is_allowed for answer in answers] == [True, True, False]
    assert [b.remaining <= a.remaining for a, b in pairwise(answers)] == [True, True]
