"""How often a healthy provider opens its breaker by bad luck: at most how often by the rule, and how often in play.

A healthy provider fails each call with the same small probability p, whatever the others do. By the rule, a closed
breaker opens at k failures in a row, or where of at least 10 results of a window half have failed. Both are bounded:

* in a row: openings by it are blocks of k failures that share no call. Of such blocks a course of calls has, per call,
  (1 - p) p^k / (1 - p^k) and no more: one for each mean wait for a run of k, (1 - p^k) / ((1 - p) p^k).
* by share: a window begins with a failure of its own, so there are at most p of them per call. One of n results opens
  it with the probability U(p, n) that its failures, the first among them, are ever half of ten or more. That is summed
  exactly, result by result.

So a call opens it with a probability of at most (1 - p) p^k / (1 - p^k) + p U(p, n). It is more than what happens where
windows are long: while one is counted, no other begins.
"""

import random
from typing import Final

from wedsync.kit.breaker import FAILED_SHARE, OPEN_S, RESULTS_MIN, WINDOW_S, Breaker, Result, after, state

FINE: Final = Result(is_failure=False, took_s=0.1)
FAILED: Final = Result(is_failure=True, took_s=0.1)
CERTAIN: Final = 4.0
"""Standard deviations: by luck alone a count is beyond them once in 30,000 times."""


def at_most(p: float, *, failures_max: int, calls_per_s: float) -> float:
    """Openings per call that finds the breaker closed."""
    in_a_row = (1 - p) * p**failures_max / (1 - p**failures_max)
    return in_a_row + p * _by_share(p, round(WINDOW_S * calls_per_s))


def _by_share(p: float, results: int) -> float:
    """The probability that a window of so many results opens it. `chances`: of each number of failures while closed."""
    chances, opened = {1: 1.0}, 0.0
    for known in range(2, results + 1):
        after_one: dict[int, float] = {}
        for failed, chance in chances.items():
            after_one[failed] = after_one.get(failed, 0.0) + chance * (1 - p)
            after_one[failed + 1] = after_one.get(failed + 1, 0.0) + chance * p
        is_enough = known >= RESULTS_MIN
        opened += sum(c for failed, c in after_one.items() if is_enough and failed >= FAILED_SHARE * known)
        chances = {f: c for f, c in after_one.items() if not (is_enough and f >= FAILED_SHARE * known)}
    return opened


def played(p: float, *, failures_max: int, calls_per_s: float, calls: int, seed: int) -> int:
    """Openings in so many calls that found the real breaker closed; when it opens, it is well again after its pause."""
    luck, known, now, openings = random.Random(seed), Breaker(), 0.0, 0
    for _ in range(calls):
        now += 1 / calls_per_s
        known = after(known, FAILED if luck.random() < p else FINE, now=now, failures_max=failures_max)
        if state(known, now=now) == "open":
            openings += 1
            now += OPEN_S
            known = after(known, FINE, now=now, failures_max=failures_max)
    return openings


def is_within(openings: int, *, calls: int, bound: float) -> bool:
    """Whether so many are possible where each call opens it with this probability at most."""
    expected = calls * bound
    return bool(openings <= expected + CERTAIN * max(1.0, expected**0.5))
