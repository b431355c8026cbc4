"""A healthy provider that fails now and then is hardly ever left alone: how often at most is known, and kept to."""

import json

import pytest

from tests import trips
from wedsync.kit.breaker import FAILURES_LIVE_MAX, FAILURES_MAX

SEED = 20260418
KINDS = [
    pytest.param(p, k, per_s, id=f"{p:g}-{k}-{per_s:g}")
    for p in (0.001, 0.01, 0.05)
    for k in (FAILURES_MAX, FAILURES_LIVE_MAX)
    for per_s in (1.0, 20.0)
]


def counted(p: float, failures_max: int, calls_per_s: float, calls: int) -> bool:
    bound = trips.at_most(p, failures_max=failures_max, calls_per_s=calls_per_s)
    openings = trips.played(
        p, failures_max=failures_max, calls_per_s=calls_per_s, calls=calls, seed=SEED + round(calls_per_s)
    )
    told = {
        "breaker": "false trips",
        "fails": p,
        "opens_at": failures_max,
        "calls_per_s": calls_per_s,
        "calls": calls,
        "opened": openings,
        "per_million_calls": round(openings / calls * 1e6, 3),
        "at_most_per_million": float(f"{bound * 1e6:.3g}"),
    }
    print(json.dumps(told))
    return trips.is_within(openings, calls=calls, bound=bound)


@pytest.mark.parametrize(("p", "failures_max", "calls_per_s"), KINDS[::3])
def test_bad_luck_opens_it_no_oftener_than_the_rule_says(p: float, failures_max: int, calls_per_s: float) -> None:
    assert counted(p, failures_max, calls_per_s, 20_000)


@pytest.mark.prove
@pytest.mark.parametrize(("p", "failures_max", "calls_per_s"), KINDS)
def test_in_a_million_calls(p: float, failures_max: int, calls_per_s: float) -> None:
    assert counted(p, failures_max, calls_per_s, 1_000_000)


def test_a_breaker_that_opened_sooner_would_be_found_out() -> None:
    bound = trips.at_most(0.05, failures_max=FAILURES_MAX, calls_per_s=0.1)
    openings = trips.played(0.05, failures_max=FAILURES_MAX - 3, calls_per_s=0.1, calls=20_000, seed=1)
    assert not trips.is_within(openings, calls=20_000, bound=bound)
