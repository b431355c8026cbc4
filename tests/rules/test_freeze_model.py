"""When the platform is frozen: by hand for known places and days, and held against a slow second opinion."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from wedsync.operations.freeze import model
from wedsync.operations.freeze.model import Dated, Facts, LiveDay, Override, Rule, Stretch, judge

AUCKLAND, HONOLULU, LONDON = "Pacific/Auckland", "Pacific/Honolulu", "Europe/London"
TUESDAY = datetime(2027, 6, 8, 12, tzinfo=UTC)
LIVE = Rule(env="production", weekdays=frozenset(), guards_peaks=False)
SATURDAYS = Rule(env="production", guards_peaks=False)
HOUR = timedelta(hours=1)


def at(text: str, zone: str = "UTC") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def day(begins: datetime, hours: float = 10, wedding: UUID | None = None) -> LiveDay:
    return LiveDay(wedding_id=wedding or uuid4(), live_from=begins, live_until=begins + hours * HOUR)


def asked_at(now: datetime, facts: Facts, rule: Rule) -> model.Verdict:
    return judge(rule, replace(facts, now=now))


@pytest.mark.parametrize("zone", [AUCKLAND, HONOLULU])
def test_a_live_wedding_freezes_by_its_own_clock_and_not_a_moment_longer(zone: str) -> None:
    """Wednesday 12:00 to 23:00 there: another day in UTC for each of the two."""
    begins, ends = at("2027-06-09T12:00", zone), at("2027-06-09T23:00", zone)
    facts = Facts(now=begins, days=[day(begins, 11)], dates=[Dated(zone=zone, on=date(2027, 6, 9), weddings=1)])
    found = asked_at(begins, facts, LIVE)
    assert (found.is_frozen, found.since, found.until) == (True, begins, ends)
    assert found.reason == "1 wedding is live."
    assert found.next_window == model.Window(starts_at=ends)
    for free in (begins - timedelta(microseconds=1), ends):
        assert not asked_at(free, facts, LIVE).is_frozen


@pytest.mark.parametrize(
    ("zone", "first", "last"),
    [
        (AUCKLAND, "2027-06-04T12:00", "2027-06-05T12:00"),
        (HONOLULU, "2027-06-05T10:00", "2027-06-06T10:00"),
        (LONDON, "2027-06-04T23:00", "2027-06-05T23:00"),
    ],
)
def test_a_saturday_is_guarded_where_it_is_saturday(zone: str, first: str, last: str) -> None:
    facts = Facts(now=TUESDAY, dates=[Dated(zone=zone, on=date(2027, 7, 14), weddings=1)])
    found = asked_at(at(first), facts, SATURDAYS)
    assert (found.is_frozen, found.since, found.until) == (True, at(first), at(last))
    assert found.reason == f"It is Saturday 5 June in {zone}, a guarded day where weddings are held."
    assert not asked_at(at(first) - HOUR, facts, SATURDAYS).is_frozen
    assert not asked_at(at(last), facts, SATURDAYS).is_frozen


def test_saturdays_of_all_zones_are_one_stretch() -> None:
    zones = (AUCKLAND, LONDON, HONOLULU)
    facts = Facts(now=TUESDAY, dates=[Dated(zone=zone, on=date(2027, 7, 14), weddings=1) for zone in zones])
    found = asked_at(at("2027-06-05T15:00"), facts, SATURDAYS)
    assert (found.since, found.until) == (at("2027-06-04T12:00"), at("2027-06-06T10:00"))
    assert len(found.reasons) == 2, "in Auckland it is Sunday already"
    assert found.reason.endswith("(and 1 more).")


@pytest.mark.parametrize(("on", "hours"), [(date(2027, 3, 28), 23), (date(2027, 10, 31), 25), (date(2027, 6, 6), 24)])
def test_a_day_is_as_long_as_its_clocks_make_it(on: date, hours: int) -> None:
    begins, ends = model.day_of(on, LONDON)
    assert ends - begins == hours * HOUR


def test_a_day_whose_midnight_is_skipped_begins_with_its_first_instant() -> None:
    """Cairo's clocks go from 00:00 to 01:00 on 30 April 2027."""
    begins, _ = model.day_of(date(2027, 4, 30), "Africa/Cairo")
    assert begins.astimezone(ZoneInfo("Africa/Cairo")).isoformat() == "2027-04-30T01:00:00+03:00"
    assert begins == model.day_of(date(2027, 4, 29), "Africa/Cairo")[1]


def test_peaks_are_guarded_where_their_weddings_are_and_small_days_are_not() -> None:
    friday, tuesday = date(2027, 6, 11), date(2027, 6, 8)
    facts = Facts(
        now=at("2027-06-11T12:00"),
        dates=[
            Dated(zone=LONDON, on=friday, weddings=6),
            Dated(zone=HONOLULU, on=tuesday, weddings=3),
            Dated(zone=AUCKLAND, on=date(2027, 6, 12), weddings=5),
        ],
    )
    rule = replace(SATURDAYS, weekdays=frozenset(), guards_peaks=True)
    found = judge(rule, facts)
    assert found.is_frozen
    assert "Friday 11 June in Europe/London, a peak day with 6 weddings on the platform" in found.reasons[0]
    assert not asked_at(at("2027-06-08T12:00", HONOLULU), facts, rule).is_frozen
    assert not asked_at(at("2027-06-11T08:00", AUCKLAND), facts, rule).is_frozen


def test_more_weddings_may_be_live_where_the_operator_says_so() -> None:
    begins = TUESDAY
    days = [day(begins, 4), day(begins + 2 * HOUR, 4), day(begins + 3 * HOUR, 4)]
    facts = Facts(now=begins, days=days)
    rule = replace(LIVE, live_max=2)
    assert not asked_at(begins + 2 * HOUR, facts, rule).is_frozen
    found = asked_at(begins + 3 * HOUR, facts, rule)
    assert (found.is_frozen, found.until, found.live_weddings) == (True, begins + 4 * HOUR, 3)


def test_two_days_of_one_wedding_at_once_are_one_wedding() -> None:
    wedding = uuid4()
    facts = Facts(now=TUESDAY, days=[day(TUESDAY, 8, wedding), day(TUESDAY + 4 * HOUR, 8, wedding)])
    found = asked_at(TUESDAY + 5 * HOUR, facts, replace(LIVE, live_max=1))
    assert (found.is_frozen, found.live_weddings) == (False, 1)


@pytest.mark.parametrize("env", ["development", "test", "drill", "staging"])
def test_only_production_is_ever_frozen(env: str) -> None:
    facts = Facts(now=TUESDAY, days=[day(TUESDAY)], dates=[Dated(zone=LONDON, on=TUESDAY.date(), weddings=9)])
    assert judge(replace(SATURDAYS, env="production"), facts).is_frozen
    found = judge(replace(SATURDAYS, env=env), facts)
    assert (found.is_frozen, found.ahead) == (False, ())
    assert env in found.reason


def test_an_empty_platform_is_never_frozen() -> None:
    rule = model.rule_of("production", 0, [*model.WEEKDAYS, "peak"])
    assert not judge(rule, Facts(now=at("2027-06-05T12:00"))).is_frozen


def test_the_next_window_is_the_first_that_is_long_enough() -> None:
    days = [day(TUESDAY, 4), day(TUESDAY + 4.5 * HOUR, 4), day(TUESDAY + 12 * HOUR, 4)]
    found = judge(LIVE, Facts(now=TUESDAY + HOUR, days=days))
    assert found.until == TUESDAY + 4 * HOUR
    assert found.next_window == model.Window(starts_at=TUESDAY + 8.5 * HOUR, ends_at=TUESDAY + 12 * HOUR)


def override(**fields: object) -> Override:
    made = Override(
        id=uuid4(),
        reason="A leak must be closed.",
        minutes=60,
        asked_by=uuid4(),
        asked_by_name="Otto",
        asked_at=TUESDAY,
        expires_at=TUESDAY + HOUR,
    )
    return replace(made, **fields)


def test_only_a_confirmed_override_in_its_time_lifts_the_freeze() -> None:
    confirmed = {"confirmed_by": uuid4(), "confirmed_by_name": "Olga", "confirmed_at": TUESDAY}
    facts = Facts(now=TUESDAY, days=[day(TUESDAY)])
    for fields, is_frozen in (
        ({}, True),
        (confirmed, False),
        ({**confirmed, "ended_at": TUESDAY}, True),
        ({**confirmed, "expires_at": TUESDAY}, True),
    ):
        found = judge(LIVE, replace(facts, overrides=[override(**fields)]))
        assert found.is_frozen is is_frozen, fields
        assert found.until == TUESDAY + 10 * HOUR
    lifted = judge(LIVE, replace(facts, overrides=[override(**confirmed)]))
    assert "Overridden by Otto and Olga until 13:00 UTC: A leak must be closed." in lifted.reason


def test_the_setting_is_read_word_by_word() -> None:
    rule = model.rule_of("production", 3, ["Friday", "peak", "02-29", "2027-06-04"])
    assert rule == Rule(
        env="production",
        live_max=3,
        weekdays=frozenset({4}),
        dates=frozenset({date(2027, 6, 4)}),
        yearly=frozenset({(2, 29)}),
    )
    assert not model.rule_of("production", 0, ["none"]).weekdays


ZONES = st.sampled_from([AUCKLAND, HONOLULU, LONDON, "America/New_York", "Asia/Kathmandu", "Pacific/Kiritimati"])
MINUTES = st.integers(-3 * 1440, 20 * 1440)
DAYS = st.lists(st.tuples(st.integers(0, 3), MINUTES, st.integers(1, 3000)), max_size=6)
DATES = st.lists(st.tuples(ZONES, st.integers(0, 30), st.integers(1, 5)), max_size=4)


@given(DAYS, DATES, st.integers(0, 2), st.lists(MINUTES, min_size=1, max_size=12))
def test_it_agrees_with_a_slow_second_opinion(
    days: list[tuple[int, int, int]], dates: list[tuple[str, int, int]], live_max: int, minutes: list[int]
) -> None:
    live = [day(TUESDAY + timedelta(minutes=m), length / 60, UUID(int=w)) for w, m, length in days]
    dated = [Dated(zone=z, on=TUESDAY.date() + timedelta(days=n), weddings=many) for z, n, many in dates]
    facts = Facts(now=TUESDAY, days=live, dates=dated)
    rule = replace(SATURDAYS, live_max=live_max)
    ahead = judge(rule, facts).ahead
    for one, other in pairwise(ahead):
        assert one.starts_at < one.ends_at < other.starts_at
    for minute in minutes:
        now = TUESDAY + timedelta(minutes=minute)
        if now < TUESDAY:
            continue
        weddings = {one.wedding_id for one in live if one.live_from <= now < one.live_until}
        guarded = any(now.astimezone(ZoneInfo(one.zone)).weekday() == 5 for one in dated)
        expected = len(weddings) > live_max or guarded
        assert any(stretch.holds(now) for stretch in ahead) is expected
        assert asked_at(now, facts, rule).live_weddings == len(weddings)


@given(DAYS)
def test_a_window_is_never_frozen_and_nothing_earlier_would_do(days: list[tuple[int, int, int]]) -> None:
    live = [day(TUESDAY + timedelta(minutes=m), length / 60, UUID(int=w)) for w, m, length in days]
    found = judge(LIVE, Facts(now=TUESDAY, days=live))
    assert found.next_window is not None
    window = Stretch(
        starts_at=found.next_window.starts_at,
        ends_at=found.next_window.ends_at or found.next_window.starts_at + model.WINDOW_MIN,
        kind="live",
        reason="free",
    )
    assert window.ends_at - window.starts_at >= model.WINDOW_MIN
    assert not any(one.starts_at < window.ends_at and window.starts_at < one.ends_at for one in found.ahead)
