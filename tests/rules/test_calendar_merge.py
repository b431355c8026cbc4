"""Two sides of one event become one, whatever both did to it, and nothing one of them changed is lost unseen."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from wedsync.connections.calendars.event import GROUPS, CalendarEvent, Days, Timed, group
from wedsync.connections.calendars.merge import Decision, Policy, Side, Sides, decide

times = st.one_of(
    st.builds(
        lambda hour: Timed(
            start=f"2027-06-12T{hour:02}:00:00", end=f"2027-06-12T{hour:02}:30:00", zone="Europe/Berlin"
        ),
        st.integers(8, 10),
    ),
    st.just(Days(on="2027-06-12", until="2027-06-13")),
)
events = st.builds(
    CalendarEvent,
    times=times,
    title=st.sampled_from(["Ceremony", "First look"]),
    status=st.sampled_from(["confirmed", "tentative"]),
    is_busy=st.booleans(),
)
maybe = st.one_of(st.none(), events)
policies: st.SearchStrategy[Policy] = st.sampled_from(["manual", "ours", "theirs", "latest"])
newer: st.SearchStrategy[Side | None] = st.sampled_from(["ours", "theirs", None])


@given(base=maybe, ours=maybe, theirs=maybe, newer=newer, policy=policies)
def test_deciding_again_about_what_was_decided_changes_nothing(
    base: CalendarEvent | None,
    ours: CalendarEvent | None,
    theirs: CalendarEvent | None,
    newer: Side | None,
    policy: Policy,
) -> None:
    for direction in ("both", "import", "export"):
        one = decide(Sides(base=base, ours=ours, theirs=theirs, newer=newer), direction=direction, policy=policy)
        again = decide(
            Sides(base=one.base, ours=one.ours, theirs=one.theirs, newer=newer), direction=direction, policy=policy
        )
        assert again == one
        if not one.clashes and direction == "both":
            assert one.ours == one.theirs == one.base


@given(base=events, ours=events, theirs=events, policy=policies)
def test_a_group_that_one_side_changed_is_what_both_have(
    base: CalendarEvent, ours: CalendarEvent, theirs: CalendarEvent, policy: Policy
) -> None:
    decided = decide(Sides(base=base, ours=ours, theirs=theirs), direction="both", policy=policy)
    assert decided.ours is not None
    assert decided.theirs is not None
    for name in GROUPS:
        was, mine, other = group(base, name), group(ours, name), group(theirs, name)
        if mine == was or other == was:
            wanted = other if mine == was else mine
            assert group(decided.ours, name) == group(decided.theirs, name) == wanted


@given(base=events, ours=events, theirs=events)
def test_what_both_changed_is_lost_on_neither_side_until_a_person_decides(
    base: CalendarEvent, ours: CalendarEvent, theirs: CalendarEvent
) -> None:
    decided = decide(Sides(base=base, ours=ours, theirs=theirs), direction="both", policy="manual")
    for clash in decided.clashes:
        assert clash.about != "event"
        assert decided.ours is not None
        assert decided.theirs is not None
        assert group(decided.ours, clash.about) == group(ours, clash.about)
        assert group(decided.theirs, clash.about) == group(theirs, clash.about)


@given(base=events, changed=events, policy=policies)
def test_a_deletion_meets_a_change(base: CalendarEvent, changed: CalendarEvent, policy: Policy) -> None:
    decided = decide(Sides(base=base, ours=None, theirs=changed), direction="both", policy=policy)
    if changed == base:
        assert decided == Decision(ours=None, theirs=None, base=None)
    elif policy == "theirs":
        assert decided.ours == decided.theirs == changed
    elif policy == "ours":
        assert decided.theirs is None
    else:
        assert [clash.about for clash in decided.clashes] == ["event"]
        assert decided.theirs == changed


@given(ours=maybe, theirs=maybe, base=maybe)
def test_an_import_writes_nothing_there_and_an_export_takes_nothing(
    ours: CalendarEvent | None, theirs: CalendarEvent | None, base: CalendarEvent | None
) -> None:
    sides = Sides(base=base, ours=ours, theirs=theirs)
    assert decide(sides, direction="import", policy="ours").theirs == theirs
    assert decide(sides, direction="export", policy="theirs").ours == ours


def test_what_they_deleted_comes_back_only_when_it_changes() -> None:
    event = CalendarEvent(times=Days(on="2027-06-12", until="2027-06-13"), title="Wedding")
    left = decide(Sides(base=event, ours=event, theirs=None), direction="export", policy="ours")
    assert left.theirs is None
    moved = msgspec.structs.replace(event, title="Wedding of Ana and Ben")
    assert decide(Sides(base=event, ours=moved, theirs=None), direction="export", policy="ours").theirs == moved
