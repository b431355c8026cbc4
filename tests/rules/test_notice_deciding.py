"""Whether, when and how one person is told: the order of the rules, the limit, quiet hours."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wedsync.notices.deciding import (
    HOUR,
    LIMIT,
    LIVE_LIMIT,
    RESERVED,
    Defer,
    Digest,
    Fact,
    Reach,
    Send,
    Suppress,
    decide,
    free_at,
    next_digest,
    quiet_until,
)
from wedsync.notices.preferences import CATEGORIES, Preferences, Want, category_of, wanted

NOON = datetime(2027, 6, 5, 11, tzinfo=UTC)
ZONES = ("UTC", "Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/Santiago")
CHANNELS = ("email", "sms", "slack")
KINDS = tuple(c.key for c in CATEGORIES)
times = st.times().map(lambda t: t.replace(second=0, microsecond=0))
moments = st.datetimes(datetime(2026, 1, 1), datetime(2029, 1, 1), timezones=st.just(UTC))
facts = st.builds(
    Fact,
    type=st.just("wedding.changed"),
    category=st.sampled_from(KINDS),
    severity=st.sampled_from(("low", "normal", "high", "critical")),
    is_emergency=st.booleans(),
    is_live=st.booleans(),
    live_from=st.none() | moments,
    stale_at=st.none() | moments,
)
wants = st.dictionaries(
    st.sampled_from(CHANNELS),
    st.builds(Want, st.sampled_from(("now", "digest", "off")), st.sampled_from(("you", "the couple", "WedSync"))),
    min_size=1,
)


@st.composite
def people(draw: Any, now: datetime) -> Reach:
    offsets = draw(st.lists(st.floats(0, 7000), max_size=15))
    waits = draw(st.none() | st.floats(-3600, 3600))
    wanted_by = draw(wants)
    return Reach(
        zone=draw(st.sampled_from(ZONES)),
        able=frozenset(draw(st.sets(st.sampled_from(CHANNELS)))) & frozenset(wanted_by),
        wants=wanted_by,
        blocked=draw(st.dictionaries(st.sampled_from(CHANNELS), st.just("they said STOP"), max_size=2)),
        quiet=draw(st.none() | st.tuples(times, times)),
        digest_at=draw(times),
        recent=tuple(now - timedelta(seconds=s) for s in offsets),
        waiting_until=None if waits is None else now + timedelta(seconds=waits),
    )


situations = moments.flatmap(lambda now: st.tuples(facts, people(now), st.just(now)))


def somebody(**fields: Any) -> Reach:
    known: dict[str, Any] = {
        "zone": "Europe/London",
        "able": frozenset({"email"}),
        "wants": {"email": Want("now", "you")},
    }
    return Reach(**(known | fields))


def fact(**fields: Any) -> Fact:
    return Fact(**({"type": "task.assigned", "category": "tasks"} | fields))


@given(situations)
def test_nothing_passes_what_law_or_the_person_forbade(situation: tuple[Fact, Reach, datetime]) -> None:
    what, person, now = situation
    decision = decide(what, person, now)
    for channel, outcome in decision.outcomes.items():
        if channel in person.blocked or channel not in person.able:
            assert isinstance(outcome, Suppress)
        elif what.is_emergency or (what.is_live and what.severity in ("high", "critical")):
            assert isinstance(outcome, Send)


@given(situations)
def test_every_channel_has_one_outcome_a_reason_and_the_way_to_it(situation: tuple[Fact, Reach, datetime]) -> None:
    what, person, now = situation
    decision = decide(what, person, now)
    assert decision == decide(what, person, now)
    assert set(decision.outcomes) == {*person.wants, *person.able, *person.blocked}
    for channel, outcome in decision.outcomes.items():
        steps = [step for step in decision.trace if step.channel == channel]
        assert outcome.reason
        assert steps[-1].said == outcome.reason
        if isinstance(outcome, Defer | Digest):
            assert outcome.until > now


@given(situations)
def test_nothing_is_dropped_but_for_a_reason_of_the_persons_or_of_the_facts(
    situation: tuple[Fact, Reach, datetime],
) -> None:
    what, person, now = situation
    for channel, outcome in decide(what, person, now).outcomes.items():
        if isinstance(outcome, Suppress):
            is_off = channel not in person.wants or person.wants[channel].how == "off"
            is_over = what.stale_at is not None and quiet_until(person.zone, person.quiet, now) is not None
            assert channel in person.blocked or channel not in person.able or is_off or is_over


@given(situations)
def test_quiet_hours_hold_what_can_wait(situation: tuple[Fact, Reach, datetime]) -> None:
    what, person, now = situation
    until = quiet_until(person.zone, person.quiet, now)
    can_wait = not what.is_live and not what.is_emergency and what.severity in ("low", "normal")
    for outcome in decide(what, person, now).outcomes.values():
        if until is not None and can_wait and what.category != "account":
            assert not isinstance(outcome, Send)
        if isinstance(outcome, Defer):
            assert until is not None
            assert now < outcome.until <= until


@given(
    st.lists(
        st.tuples(st.floats(0, 900), st.sampled_from(("low", "normal", "high")), st.booleans()),
        min_size=1,
        max_size=120,
    )
)
def test_no_hour_holds_more_than_the_limit_and_what_does_not_fit_comes_later(
    arrivals: list[tuple[float, Any, bool]],
) -> None:
    """The person's day as the database keeps it: what is sent is remembered, what is too much waits for a digest."""
    now, sent, waiting, due = NOON, [], 0, None
    digests = 0
    for gap_s, severity, is_live in arrivals:
        now += timedelta(seconds=gap_s)
        if due is not None and due <= now:
            free = free_at(sent, now, LIMIT - RESERVED)
            if free is None:
                sent.append(now)
                waiting, due, digests = 0, None, digests + 1
            else:
                due = free
        person = somebody(recent=tuple(sent), waiting_until=due)
        what = fact(severity=severity, is_live=is_live and severity != "high")
        outcome = decide(what, person, now).outcomes["email"]
        if isinstance(outcome, Send):
            sent.append(now)
            inside = [at for at in sent if at > now - HOUR]
            most = LIVE_LIMIT if what.is_live else LIMIT if severity == "high" else LIMIT - RESERVED
            assert len(inside) <= most
        else:
            assert isinstance(outcome, Digest)
            assert outcome.until > now
            waiting, due = waiting + 1, outcome.until
    assert (waiting == 0) == (due is None)


@pytest.mark.parametrize(
    ("zone", "begins", "ends", "now", "until"),
    [
        ("Europe/London", time(22), time(7), "2027-06-05T21:30+00:00", "2027-06-06T06:00+00:00"),
        ("Europe/London", time(22), time(7), "2027-06-05T20:30+00:00", None),
        ("Europe/London", time(22), time(7), "2027-06-06T06:00+00:00", None),
        # The clocks go forward at 01:00 on 28 March 2027: 01:30 does not exist, the night is an hour shorter.
        ("Europe/London", time(22), time(7), "2027-03-27T23:00+00:00", "2027-03-28T06:00+00:00"),
        ("Europe/London", time(1, 30), time(7), "2027-03-28T01:45+00:00", "2027-03-28T06:00+00:00"),
        ("Europe/London", time(22), time(1, 30), "2027-03-28T00:30+00:00", "2027-03-28T01:30+00:00"),
        # They go back at 02:00 on 31 October 2027: 01:30 comes twice, the first one counts.
        ("Europe/London", time(22), time(1, 30), "2027-10-31T00:15+00:00", "2027-10-31T00:30+00:00"),
        ("America/New_York", time(22), time(7), "2027-03-14T06:30+00:00", "2027-03-14T11:00+00:00"),
        ("UTC", time(9), time(17), "2027-06-05T12:00+00:00", "2027-06-05T17:00+00:00"),
    ],
)
def test_quiet_hours_end_by_the_clock_of_the_place(
    zone: str, begins: time, ends: time, now: str, until: str | None
) -> None:
    found = quiet_until(zone, (begins, ends), datetime.fromisoformat(now))
    assert found == (None if until is None else datetime.fromisoformat(until))


@given(st.sampled_from(ZONES), times, times, moments)
def test_quiet_hours_are_shorter_than_a_day_and_end_outside_of_themselves(
    zone: str, begins: time, ends: time, now: datetime
) -> None:
    until = quiet_until(zone, (begins, ends), now)
    if until is not None:
        assert now < until <= now + timedelta(hours=25)


@given(st.sampled_from(ZONES), times, st.none() | st.tuples(times, times), moments)
def test_a_digest_is_due_within_two_days_and_never_in_quiet_hours(
    zone: str, at: time, quiet: Any, now: datetime
) -> None:
    person = somebody(zone=zone, digest_at=at, quiet=quiet)
    due = next_digest(person, now)
    assert now < due <= now + timedelta(hours=51)


def test_what_is_over_by_the_morning_is_dropped_with_its_reason_unless_much_hangs_on_it() -> None:
    night = datetime(2027, 6, 5, 23, tzinfo=UTC)
    person = somebody(quiet=(time(22), time(7)))
    early = night + timedelta(hours=3)
    assert decide(fact(stale_at=early), person, night).outcomes["email"] == Suppress(
        "it is over before the quiet hours are"
    )
    assert isinstance(decide(fact(stale_at=early, severity="high"), person, night).outcomes["email"], Send)
    late = night + timedelta(hours=12)
    assert isinstance(decide(fact(stale_at=late), person, night).outcomes["email"], Defer)


def test_quiet_hours_end_when_the_wedding_begins() -> None:
    night = datetime(2027, 6, 5, 23, tzinfo=UTC)
    dawn = night + timedelta(hours=5)
    outcome = decide(fact(live_from=dawn), somebody(quiet=(time(22), time(7))), night).outcomes["email"]
    assert outcome == Defer("quiet hours", dawn)
    assert isinstance(decide(fact(is_live=True), somebody(quiet=(time(22), time(7))), night).outcomes["email"], Send)


def test_the_nearest_word_counts_and_a_couple_cannot_open_a_channel() -> None:
    couple = {"tasks": {"email": "digest", "sms": "now"}}
    assert wanted("tasks", "email", own=Preferences()) == Want("now", "WedSync")
    assert wanted("tasks", "email", own=Preferences(), couple=couple) == Want("digest", "the couple")
    assert wanted("tasks", "sms", own=Preferences(), couple=couple) == Want("off", "WedSync")
    own = Preferences(choices={"tasks": {"email": "off"}}, weddings={"w": "digest"})
    assert wanted("tasks", "email", own=own, couple=couple) == Want("off", "you")
    assert wanted("tasks", "email", own=own, wedding="w", couple=couple) == Want("digest", "you, for this wedding")
    assert wanted("tasks", "email", own=Preferences(channels={"email": False}), wedding="w") == Want("off", "you")
    assert wanted("tasks", "sms", own=Preferences(channels={"sms": True})) == Want("now", "you")


def test_every_kind_of_notice_has_its_place() -> None:
    assert category_of("wedding.date_changed") == "changes"
    assert category_of("connection.broken") == "account"
    seen = [kind for category in CATEGORIES for kind in category.types]
    assert len(seen) == len(set(seen))
