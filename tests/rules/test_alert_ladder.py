"""The ladder of alerts: nobody is left out or called as two, and a minute is enough for a voice to all."""

from itertools import pairwise
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from wedsync.alerts import ladder
from wedsync.alerts.model import OnCall

PEOPLE = st.lists(
    st.builds(
        OnCall,
        person_id=st.integers(1, 9).map(lambda n: UUID(int=n)),
        name=st.just("Somebody"),
        email=st.none(),
        role=st.sampled_from(["couple", "helper", "supplier"]),
        link_id=st.none(),
        supplier_id=st.none(),
        supplier_name=st.none(),
        category=st.sampled_from(["planner", "venue", "florist", None]),
        mask=st.just(3),
        tier=st.sampled_from([None, None, 0, 1, 2, 3]),
    ),
    max_size=12,
)


@given(PEOPLE, st.integers(0, 9).map(lambda n: UUID(int=n)))
def test_everybody_is_called_once_from_the_first_tier_on(people: list[OnCall], raiser: UUID) -> None:
    ranked = ladder.ranked(people, but=raiser)
    ids = [one.person_id for _, one in ranked]
    assert len(ids) == len(set(ids))
    assert raiser not in ids
    others = {one.person_id for one in people} - {raiser}
    assert bool(ranked) is bool(others), "where anybody is left, somebody is called"
    assert sorted({tier for tier, _ in ranked}) == list(range(1, len({tier for tier, _ in ranked}) + 1))
    never = {
        id
        for id in others
        if all((ladder.usual_tier(one) if one.tier is None else one.tier) == 0 for one in people if one.person_id == id)
    }
    assert set(ids) in (others - never, others)


def test_a_voice_reaches_everybody_within_45_seconds_and_every_step_is_later_than_the_one_before() -> None:
    voiced = {tier for step in ladder.EMERGENCY if step.at_s <= 45 and "voice" in step.ways for tier in step.tiers}
    assert voiced == {1, 2, 3}
    for steps in ladder.LADDERS.values():
        assert all(before.at_s < after.at_s for before, after in pairwise(steps))
        assert steps[0].at_s == 0
        assert steps[-1].act == "give_up"
