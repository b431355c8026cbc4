"""Sketches: a percentile of what is merged is that of the whole, within one per cent."""

import math

from hypothesis import given
from hypothesis import strategies as st

from wedsync.kit import sketch

times = st.lists(st.floats(0.2, 3_000_000), min_size=1, max_size=60)


@given(st.lists(times, min_size=1, max_size=5), st.floats(0.01, 1))
def test_merged_sketches_are_the_sketch_of_everything(parts: list[list[float]], share: float) -> None:
    everything = sorted(ms for part in parts for ms in part)
    whole = sketch.of(everything)
    merged = sketch.merged(sketch.of(part) for part in parts)
    assert merged == whole
    exact = everything[max(1, math.ceil(share * len(everything))) - 1]
    told = merged.quantile(share)
    assert told is not None
    assert abs(told - exact) <= sketch.ERROR * exact * 1.0001
    assert sketch.read(sketch.written(whole)) == whole


@given(times, st.floats(0.2, 3_000_000))
def test_what_is_above_is_counted_to_the_bucket(values: list[float], limit: float) -> None:
    above = sketch.of(values).above(limit)
    assert sum(ms > limit * 1.03 for ms in values) <= above <= sum(ms > limit * 0.97 for ms in values)


def test_nothing_has_no_percentile() -> None:
    assert sketch.of([]).quantile(0.5) is None
    assert sketch.bucket(0) == sketch.bucket(sketch.LEAST_MS)
    assert sketch.bucket(1e12) == sketch.bucket(sketch.MOST_MS)
