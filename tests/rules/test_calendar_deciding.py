"""What is planned for one event, once done, needs nothing more; nothing of ours is deleted because of a calendar."""

from datetime import UTC, datetime
from typing import get_args

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from wedsync.connections.calendars.deciding import State, Verdict, plan
from wedsync.connections.calendars.event import CalendarEvent, Timed, taken
from wedsync.connections.calendars.kept import Kept
from wedsync.connections.calendars.merge import Direction, Policy
from wedsync.connections.calendars.ours import Ours

events = st.builds(
    CalendarEvent,
    times=st.integers(8, 10).map(
        lambda hour: Timed(start=f"2027-06-12T{hour:02}:00:00", end=f"2027-06-12T{hour:02}:30:00", zone="Europe/Berlin")
    ),
    title=st.sampled_from(["Ceremony", "First look"]),
    status=st.sampled_from(["confirmed", "tentative"]),
)
kepts = st.builds(
    Kept,
    remote_id=st.just("r1"),
    base=events,
    theirs=st.one_of(st.none(), events),
    updated_at=st.sampled_from([None, datetime(2027, 1, 2, tzinfo=UTC)]),
)
AT = datetime(2027, 1, 1, tzinfo=UTC)


@given(
    kept=kepts,
    event=st.one_of(st.none(), events),
    state=st.sampled_from(["there", "removed"]),
    direction=st.sampled_from(["both", "export"]),
    policy=st.sampled_from(get_args(Policy)),
    verdict=st.sampled_from(get_args(Verdict)),
    is_withdrawn=st.booleans(),
)
def test_a_plan_that_was_done_leaves_nothing_to_do(
    kept: Kept,
    event: CalendarEvent | None,
    state: State,
    direction: Direction,
    policy: Policy,
    verdict: Verdict,
    is_withdrawn: bool,
) -> None:
    if state == "removed":
        kept = msgspec.structs.replace(kept, theirs=None)
    ours = None if event is None else Ours(event=event, zone="Europe/Berlin", changed_at=AT)
    one = plan(kept, state, ours, direction=direction, policy=policy, verdict=verdict, is_withdrawn=is_withdrawn)
    if is_withdrawn and ours is None:
        assert one.clash is None
        assert one.write == (state == "there" and kept.theirs is not None)
    if one.take:
        assert ours is not None
        assert kept.theirs is not None
        ours = msgspec.structs.replace(ours, event=taken(ours.event, kept.theirs, "times"))
    done = msgspec.structs.replace(one.kept, remote_id=one.kept.remote_id or ("r2" if one.write else ""))
    again = plan(done, one.state, ours, direction=direction, policy=policy, is_withdrawn=is_withdrawn)
    assert (again.write, again.take) == (False, False)
    assert again.state == one.state
    if one.clash is not None and one.clash.kind != "deleted":
        assert again.clash == one.clash
