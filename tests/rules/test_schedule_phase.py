"""Local times, the days that items make, and the phase a wedding is in: over zones, clock changes and long nights."""

from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wedsync.kit.errors import Refusal
from wedsync.schedule import model
from wedsync.schedule.rows import MoveItem, Slot, Span

ZONES = (
    *("Europe/London", "America/New_York", "Pacific/Auckland", "Asia/Kolkata", "Australia/Lord_Howe"),
    *("Africa/Casablanca", "America/St_Johns", "Pacific/Apia", "Asia/Kathmandu", "UTC"),
)
ORDER = (
    *("planning", "readiness", "soft_freeze", "supplier_confirm", "hard_freeze", "live", "stand_down", "aftercare"),
)
zones = st.sampled_from(ZONES)
dates = st.dates(date(2020, 1, 1), date(2040, 12, 31))
times = st.times().map(lambda t: t.replace(second=0, microsecond=0))


def slot(on: date, at_local: time, zone: str = "Europe/London", minutes: int = 60, **more: object) -> Slot:
    """One item."""
    fields = {"title": "Item", "kind": "other", "minutes": minutes, "buffer_minutes": 0, "is_anchored": False}
    return model.draft(uuid4(), fields | {"on": on, "at_local": at_local, "zone": zone} | more)


@given(dates, times, zones)
def test_a_local_time_and_its_instant_agree_unless_clocks_skip_it(on: date, at_local: time, zone: str) -> None:
    back = model.local_of(model.instant(on, at_local, zone), zone)
    if back != (on, at_local):
        shown = datetime.combine(on, at_local, ZoneInfo(zone)).astimezone(UTC).astimezone(ZoneInfo(zone))
        assert shown.replace(tzinfo=None) != datetime.combine(on, at_local)
        assert model.instant(*back, zone) == model.instant(on, at_local, zone)


def test_a_time_shown_twice_is_the_second_and_a_skipped_one_is_later() -> None:
    assert model.instant(date(2026, 10, 25), time(1, 30), "Europe/London") == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert model.instant(date(2027, 3, 28), time(1, 30), "Europe/London") == datetime(2027, 3, 28, 1, 30, tzinfo=UTC)


@st.composite
def days(draw: st.DrawFn) -> Span:
    first = slot(draw(dates), draw(times), draw(zones), draw(st.integers(0, 2880)))
    (made,) = model.days_of([first])
    return made


@given(days(), st.lists(st.integers(-40 * 1440, 10 * 1440), min_size=2, max_size=30))
def test_phases_follow_each_other_in_order(day: Span, minutes: list[int]) -> None:
    at = [day.live_from + timedelta(minutes=m) for m in sorted(minutes)]
    found = [ORDER.index(model.phase(day, now)) for now in at]
    assert found == sorted(found)


@given(days())
def test_each_phase_begins_when_it_says(day: Span) -> None:
    first, over = day.live_from + timedelta(hours=2), day.live_until - timedelta(hours=2)
    moment = timedelta(microseconds=1)
    for at, phase in (
        (first - timedelta(hours=72), "supplier_confirm"),
        (first - timedelta(hours=24), "hard_freeze"),
        (day.live_from, "live"),
        (day.live_until, "stand_down"),
        (over + timedelta(hours=24), "aftercare"),
    ):
        assert model.phase(day, at) == phase
        assert model.phase(day, at - moment) == ORDER[ORDER.index(phase) - 1]


@given(days())
def test_freezes_of_days_begin_at_the_same_local_time(day: Span) -> None:
    on, at_local = model.local_of(day.live_from + timedelta(hours=2), day.zone)
    for before, phase in ((21, "readiness"), (7, "soft_freeze")):
        at = model.instant(on - timedelta(days=before), at_local, day.zone)
        assert model.phase(day, at) == phase
        assert model.phase(day, at - timedelta(microseconds=1)) != phase


def test_a_party_over_the_night_the_clocks_go_back_is_live_an_hour_longer() -> None:
    day = model.days_of([slot(date(2026, 10, 24), time(14, 0)), slot(date(2026, 10, 25), time(2, 0), minutes=60)])
    assert [(d.on, d.live_until - d.live_from) for d in day] == [(date(2026, 10, 24), timedelta(hours=18))]


def test_the_small_hours_belong_to_the_evening_before() -> None:
    saturday, sunday = date(2027, 6, 5), date(2027, 6, 6)
    party = [slot(saturday, time(14, 0)), slot(sunday, time(1, 0)), slot(sunday, time(11, 0))]
    assert [d.on for d in model.days_of(party)] == [saturday, sunday]
    assert model.days_of(party)[1].live_from == model.instant(sunday, time(9, 0), "Europe/London")
    assert [d.on for d in model.days_of([slot(sunday, time(4, 0))])] == [sunday]


@given(st.lists(st.builds(slot, dates, times, zones, st.integers(0, 600)), max_size=12))
def test_every_item_is_inside_a_live_day(items: list[Slot]) -> None:
    made = model.days_of(items)
    assert [d.on for d in made] == sorted({d.on for d in made})
    for item in items:
        assert any(d.live_from <= item.starts_at and item.ends_at <= d.live_until for d in made)
        assert model.wedding_phase(made, item.starts_at) == "live"


def test_a_wedding_of_several_days_is_at_what_asks_for_most() -> None:
    friday, sunday = date(2027, 6, 4), date(2027, 6, 6)
    made = model.days_of([slot(friday, time(18, 0)), slot(sunday, time(13, 0))])
    at = model.instant(date(2027, 6, 5), time(10, 0), "Europe/London")
    assert [model.phase(d, at) for d in made] == ["stand_down", "supplier_confirm"]
    assert model.wedding_phase(made, at) == "stand_down"
    assert model.wedding_phase(made, at + timedelta(hours=4)) == "hard_freeze"
    assert model.wedding_phase(made, at + timedelta(days=30)) == "aftercare"
    assert model.wedding_phase([], at) == "planning"


def test_the_core_item_is_the_first_of_its_kind_on_the_day() -> None:
    saturday = date(2027, 6, 5)
    legal = slot(date(2027, 6, 4), time(11, 0), kind="ceremony")
    church = slot(saturday, time(14, 0), kind="ceremony")
    second = slot(saturday, time(15, 0), kind="ceremony")
    items = [second, legal, church]
    assert model.core_item(items, "ceremony", saturday) is church
    assert model.core_item(items, "ceremony", None) is legal
    assert model.core_item(items, "reception", saturday) is None


@given(st.integers(-5000, 5000), dates, times, zones)
def test_a_move_by_minutes_is_a_move_of_the_instant(minutes: int, on: date, at_local: time, zone: str) -> None:
    item = slot(on, at_local, zone)
    moved = model.placed(item, model.fields_of_move(item, MoveItem(by_minutes=minutes)))
    off = abs(moved.starts_at - item.starts_at - timedelta(minutes=minutes))
    assert off in (timedelta(0), timedelta(minutes=30), timedelta(hours=1))
    if zone in ("Asia/Kolkata", "UTC", "Asia/Kathmandu"):
        assert not off


@pytest.mark.parametrize(
    ("move", "field"),
    [
        (MoveItem(), "at_local"),
        (MoveItem(by_minutes=5, at_local=time(9)), "by_minutes"),
    ],
)
def test_a_move_says_one_thing(move: MoveItem, field: str) -> None:
    with pytest.raises(Refusal) as refused:
        model.fields_of_move(slot(date(2027, 6, 5), time(12)), move)
    assert (refused.value.status, refused.value.errors[0].field) == (422, field)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"title": " \u0000 \u202e "}, "title"),
        ({"zone": "Europe/Atlantis"}, "zone"),
        ({"owner_link_id": UUID(int=1), "owner_membership_id": UUID(int=2)}, "owner_membership_id"),
    ],
)
def test_what_cannot_be_taken_is_named(fields: dict[str, object], field: str) -> None:
    with pytest.raises(Refusal) as refused:
        model.settle(fields)
    assert [e.field for e in refused.value.errors] == [field]
    assert refused.value.errors[0].fix


def test_naming_one_owner_takes_the_place_of_the_other() -> None:
    assert model.settle({"owner_link_id": UUID(int=1)})["owner_membership_id"] is None
    assert model.settle({"owner_link_id": None}) == {"owner_link_id": None}


@pytest.mark.parametrize("year", [1, 1989, 2191, 9999])
def test_a_year_beyond_the_calendar_is_refused(year: int) -> None:
    with pytest.raises(Refusal):
        slot(date(year, 6, 5), time(12))


def test_a_time_with_a_zone_of_its_own_is_refused_and_seconds_are_dropped() -> None:
    with pytest.raises(Refusal):
        slot(date(2027, 6, 5), time(12, tzinfo=UTC))
    assert slot(date(2027, 6, 5), time(12, 30, 15, 7)).at_local == time(12, 30)
