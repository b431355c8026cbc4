"""Alternatives: whatever is offered is free, set-up and teardown included, and the nearest comes first."""

from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wedsync.bookings.alternatives import Gap, ranked
from wedsync.bookings.model import Stretch, public_token, read_public_token

FROM, UNTIL = datetime(2027, 5, 1, tzinfo=UTC), datetime(2027, 7, 10, tzinfo=UTC)
EARLY = datetime(2026, 1, 1, tzinfo=UTC)
US, SECOND = UUID(int=1), UUID(int=2)
Block = tuple[datetime, datetime]


def noon(**more: object) -> Stretch:
    fields = {"on": date(2027, 6, 5), "at_local": time(12), "minutes": 600, "days": None, "zone": "Europe/London"}
    return Stretch(**(fields | {"before_minutes": 0, "after_minutes": 0} | more))  # type: ignore[arg-type]


def gaps(blocks: list[Block], resource: UUID = US, name: str = "Us") -> list[Gap]:
    found, at = [], FROM
    for start, end in [*sorted(blocks), (UNTIL, UNTIL)]:
        if at < start:
            found.append(Gap(resource_id=resource, resource=name, starts_at=at, ends_at=start))
        at = max(at, end)
    return found


def at(day: int, hour: int, hours: float = 1) -> Block:
    start = datetime(2027, 6, day, hour, tzinfo=UTC)
    return start, start + timedelta(hours=hours)


blocks = st.lists(
    st.builds(
        lambda minute, long: (FROM + timedelta(minutes=minute), FROM + timedelta(minutes=minute + long)),
        st.integers(0, 70 * 24 * 60),
        st.integers(1, 6 * 24 * 60),
    ),
    max_size=25,
)
wanted = st.one_of(
    st.builds(
        lambda on, hour, minutes, before, after, zone: noon(
            on=on, at_local=time(hour), minutes=minutes, before_minutes=before, after_minutes=after, zone=zone
        ),
        st.dates(date(2027, 5, 20), date(2027, 6, 20)),
        st.integers(0, 23),
        st.integers(15, 2000),
        st.integers(0, 300),
        st.integers(0, 300),
        st.sampled_from(["Europe/London", "Pacific/Auckland", "America/St_Johns"]),
    ),
    st.builds(
        lambda on, days: noon(on=on, at_local=None, minutes=None, days=days),
        st.dates(date(2027, 5, 20), date(2027, 6, 20)),
        st.integers(1, 4),
    ),
)


@given(wanted=wanted, ours=blocks, theirs=blocks)
def test_nothing_is_offered_that_overlaps_is_past_or_is_offered_twice(
    wanted: Stretch, ours: list[Block], theirs: list[Block]
) -> None:
    now = datetime(2027, 5, 25, tzinfo=UTC)
    offered = ranked(wanted, US, gaps(ours) + gaps(theirs, SECOND, "Second"), now)
    assert len(offered) <= 3
    for one in offered:
        taken = ours if one.resource_id == US else theirs
        assert all(end <= one.stretch.blocked_from or one.stretch.blocked_until <= start for start, end in taken)
        assert one.stretch.starts_at > now and one.reason
        assert (one.resource_id, one.stretch) != (US, wanted)
        assert (one.stretch.minutes, one.stretch.days) == (wanted.minutes, wanted.days)
    assert len({(one.resource_id, one.stretch) for one in offered}) == len(offered)
    assert [one.cost for one in offered] == sorted(one.cost for one in offered)


def test_each_kind_is_offered_with_its_reason() -> None:
    offered = ranked(noon(minutes=120), US, gaps([at(5, 11, 2)]) + gaps([], SECOND, "Second shooter"), EARLY)
    assert [(one.kind, one.reason) for one in offered] == [
        ("resource", "Second shooter is free at the same time"),
        ("time", "Free the same day, 2 h earlier"),
        ("day", "Free a week earlier, Saturday"),
    ]


def test_a_whole_day_is_offered_on_near_days_of_the_same_weekday_first() -> None:
    offered = ranked(noon(at_local=None, minutes=None, days=1), US, gaps([at(5, 11)]), EARLY)
    assert [one.stretch.on for one in offered] == [date(2027, 5, 29), date(2027, 6, 12), date(2027, 5, 22)]


def test_what_is_full_has_no_alternative() -> None:
    assert ranked(noon(), US, gaps([(FROM, UNTIL)]), EARLY) == []


def test_a_link_for_free_days_opens_what_it_was_signed_for_only() -> None:
    token = public_token("secret", SECOND, 7)
    assert read_public_token("secret", token) == (SECOND, 7)
    assert read_public_token("other", token) is None
    for wrong in (token[:-1], token[:-1] + ("A" if token[-1] != "A" else "B"), "é" * 48, "!" * 48, ""):
        assert read_public_token("secret", wrong) is None


@pytest.mark.parametrize(("on", "hours"), [(date(2027, 3, 28), 23), (date(2027, 10, 31), 25), (date(2027, 6, 5), 24)])
def test_a_day_is_as_long_as_it_is_there(on: date, hours: int) -> None:
    day = noon(on=on, at_local=None, minutes=None, days=1)
    assert day.ends_at - day.starts_at == timedelta(hours=hours)
