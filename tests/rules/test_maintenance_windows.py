"""Maintenance is proposed where weddings leave room, and there where the least is hit."""

import itertools
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from wedsync.operations.freeze.model import AHEAD, Stretch
from wedsync.operations.status import windows

NOW = datetime(2027, 6, 2, 10, 20, tzinfo=UTC)
HOURS = st.integers(min_value=0, max_value=24 * 21)


@st.composite
def stretches(draw: st.DrawFn) -> list[Stretch]:
    found = []
    for _ in range(draw(st.integers(0, 12))):
        begins = NOW + timedelta(hours=draw(HOURS), minutes=draw(st.integers(0, 59)))
        ends = begins + timedelta(minutes=draw(st.integers(10, 60 * 72)))
        found.append(Stretch(starts_at=begins, ends_at=ends, kind="live", reason="1 wedding is live"))
    return found


LOADS = st.dictionaries(st.integers(0, 167), st.floats(0, 1e6), max_size=168)
LENGTHS = st.integers(1, 6).map(lambda hours: timedelta(hours=hours))


@given(stretches(), LOADS, LENGTHS)
def test_a_window_is_clear_of_every_wedding_and_within_what_is_planned(
    held: list[Stretch], load: dict[int, float], length: timedelta
) -> None:
    for one in windows.propose(NOW, held, load, length=length):
        assert one.ends_at - one.starts_at == length
        assert one.starts_at >= NOW + windows.NOTICE and one.ends_at + windows.MARGIN <= NOW + AHEAD
        assert (one.starts_at.minute, one.starts_at.second) == (0, 0)
        for stretch in held:
            before, after = stretch.starts_at - windows.MARGIN, stretch.ends_at + windows.MARGIN
            assert one.ends_at <= before or one.starts_at >= after


@given(stretches(), LOADS)
def test_the_quietest_hour_of_all_is_among_them_and_no_two_are_of_one_day(
    held: list[Stretch], load: dict[int, float]
) -> None:
    found = windows.propose(NOW, held, load)
    assert len(found) <= windows.PROPOSED
    begins = [one.starts_at for one in found]
    assert begins == sorted(begins)
    assert all(b - a >= timedelta(days=1) for a, b in itertools.pairwise(begins))
    first = (NOW + windows.NOTICE).replace(minute=0) + timedelta(hours=1)
    hours = [first + timedelta(hours=n) for n in range(24 * 21)]
    free = [
        at
        for at in hours
        if at + windows.LENGTH + windows.MARGIN <= NOW + AHEAD and windows.clear(at, at + windows.LENGTH, held)
    ]
    assert bool(found) == bool(free)
    if free:
        least = min(windows.cost(at, windows.LENGTH, load) for at in free)
        assert least == min(windows.cost(at, windows.LENGTH, load) for at in begins)


def test_a_quiet_night_is_taken_before_a_busy_noon() -> None:
    load = {hour: (5.0 if hour % 24 == 3 else 900.0) for hour in range(168)}
    assert {one.starts_at.hour for one in windows.propose(NOW, [], load)} == {3}
    assert windows.propose(NOW, [], {})[0].load is None
