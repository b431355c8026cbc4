"""What a hook has named and is not there yet is looked for a few times more, never for ever, and never too often."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from wedsync.connections.records import waiting

START = datetime(2027, 6, 5, tzinfo=UTC)
IDS = st.sets(st.integers(0, 300).map(str), max_size=60)


@given(st.lists(st.tuples(IDS, IDS, st.integers(0, 900)), max_size=30))
def test_nothing_is_looked_for_more_often_or_for_longer_than_is_said(
    rounds: list[tuple[set[str], set[str], int]],
) -> None:
    waits: dict[str, waiting.Wait] = {}
    now = START
    for named, there, seconds in rounds:
        now += timedelta(seconds=seconds)
        looked = named | set(waiting.due(waits, now))
        waits = waiting.after(waits, looked, looked - there, now)
        assert waits == waiting.read(waiting.written(waits))
        assert len(waits) <= waiting.WAITS_MAX
        assert not there & looked & set(waits), "what was there is waited for no longer"
        assert all(1 <= one.tries <= len(waiting.DELAYS) for one in waits.values())
        assert waiting.due(waits, now) == [], "what was just looked for has its time"
        assert waiting.next_at(waits) == min((one.due_at for one in waits.values()), default=None)
    for _ in waiting.DELAYS:
        now += max(waiting.DELAYS)
        due = waiting.due(waits, now)
        assert sorted(due) == sorted(waits)
        waits = waiting.after(waits, due, due, now)
    assert waits == {}
