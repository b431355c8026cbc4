"""The clock of a supplier who does not come, what hangs on them, and how ready a wedding is."""

from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tests.rules.test_now_and_next import ZONES, chain, item
from wedsync.days.model import Arrival
from wedsync.operations.wedding_day import minding, noshow, packing, readiness
from wedsync.schedule.model import LIVE_BEFORE, days_of, phase
from wedsync.schedule.rows import WeddingDay

DUE = datetime(2027, 6, 5, 12, 30, tzinfo=UTC)
BAND = UUID(int=7)


def test_each_rung_comes_at_its_minute_and_whoever_is_there_is_not_looked_for() -> None:
    told = {
        minutes: noshow.rung("expected", DUE, DUE + timedelta(minutes=minutes), is_certain=True)
        for minutes in (-61, -60, -16, -15, -1, 0, 14, 15, 29, 30, 500)
    }
    assert list(told.values()) == [0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    for state in ("on_site", "ready", "left"):
        assert noshow.rung(state, DUE, DUE + timedelta(hours=3), is_certain=True) == 0
    assert noshow.rung("on_my_way", DUE, DUE - timedelta(minutes=5), is_certain=True) == 0, "they said that they come"
    assert noshow.rung("on_my_way", DUE, DUE, is_certain=True) == 3
    assert noshow.rung("expected", DUE, DUE + timedelta(hours=3), is_certain=False) == 2, "nobody said when they come"
    assert noshow.due_at(DUE, DUE + timedelta(minutes=20)) == DUE + timedelta(minutes=20)
    assert noshow.due_at(DUE, DUE - timedelta(minutes=20)) == DUE


@given(st.integers(-600, 600), st.integers(0, 120))
def test_the_clock_never_goes_back_and_says_when_it_speaks_next(at: int, more: int) -> None:
    now, later = DUE + timedelta(minutes=at), DUE + timedelta(minutes=at + more)
    first = noshow.rung("expected", DUE, now, is_certain=True)
    assert noshow.rung("expected", DUE, later, is_certain=True) >= first
    then = noshow.next_at(DUE, now)
    assert (then is None) == (first == len(noshow.RUNGS))
    if then is not None:
        assert noshow.rung("expected", DUE, then, is_certain=True) == first + 1


def test_what_hangs_on_somebody_is_what_they_do_and_what_follows_it() -> None:
    items = chain(3, "Europe/London", date(2027, 6, 5), time(14))
    items[1] = msgspec.structs.replace(items[1], owner_link_id=BAND)
    late = items[1].starts_at + timedelta(minutes=20)
    found = noshow.impact(items, BAND, "band", late)
    assert [d.title for d in found.theirs] == ["2"] and [d.title for d in found.others] == ["3"]
    assert found.severity == "p2" and found.slack_minutes is None
    assert noshow.impact(items, BAND, "celebrant", late).severity == "p1"
    items[2] = msgspec.structs.replace(items[2], kind="ceremony")
    assert noshow.impact(items, BAND, "band", late).severity == "p1", "the ceremony waits for them"
    early = noshow.impact(items, BAND, "band", items[1].starts_at - timedelta(minutes=40))
    assert (early.theirs, early.others, early.slack_minutes) == ([], [], 40)


@given(st.sampled_from((*ZONES, "Australia/Lord_Howe")), st.dates(date(2026, 3, 1), date(2027, 12, 1)), st.times())
def test_the_clock_asks_and_packs_in_the_phases_in_which_it_should(zone: str, on: date, at_local: time) -> None:
    """In every zone, through nights in which clocks change, and over midnight."""
    one = item(1, on, at_local.replace(second=0, microsecond=0), zone, minutes=600)
    (span,) = days_of([one])
    day = WeddingDay(
        id=UUID(int=1), wedding_id=UUID(int=2), on=span.on, zone=zone, live_from=span.live_from,
        live_until=span.live_until, version=1, updated_at=DUE,
    )  # fmt: skip
    first = one.starts_at
    for hours, asked, packed in ((200, 0, 0), (100, 0, 1), (71, 1, 1), (47, 2, 1), (23, 3, 2), (1, 3, 3)):
        now = first - timedelta(hours=hours)
        assert (minding.times_asked(day, now), packing.packs_due(day, now)) == (asked, packed)
    assert phase(day, first - timedelta(hours=71)) == "supplier_confirm"
    assert phase(day, first - timedelta(hours=23)) == "hard_freeze"
    assert minding.next_look(day, first) - first < minding.next_look(day, first - timedelta(days=3)) - (
        first - timedelta(days=3)
    )


def test_the_clock_looks_again_no_later_than_it_has_something_to_say() -> None:
    first = DUE
    day = WeddingDay(
        id=UUID(int=1), wedding_id=UUID(int=2), on=first.date(), zone="Europe/London", live_from=first - LIVE_BEFORE,
        live_until=first + timedelta(hours=10), version=1, updated_at=DUE,
    )  # fmt: skip
    second = timedelta(seconds=1)
    for before in (*minding.ASKED_BEFORE, *(one for one, _ in packing.PACKED_BEFORE)):
        assert minding.next_look(day, first - before - second) == first - before
    one = Arrival(
        id=UUID(int=3), wedding_id=UUID(int=2), link_id=BAND, supplier_name="Band", on=day.on, zone=day.zone,
        expected_at=first + timedelta(hours=2), contact_name="", contact_phone="", vehicle="", confirmed_at=None,
        asked=3, state="expected", eta_at=None, arrived_at=None, left_at=None, rung=0, said_by="", version=1,
        created_at=DUE, updated_at=DUE,
    )  # fmt: skip
    for minutes in noshow.RUNGS:
        then = one.expected_at + timedelta(minutes=minutes)
        assert minding.next_look(day, then - 5 * second, [one]) == then
        there = msgspec.structs.replace(one, state="on_site")
        assert minding.next_look(day, then - 5 * second, [there]) > then, "who is there is not looked for"


def test_readiness_is_a_hundred_only_where_nothing_is_missing_and_says_whose_it_is() -> None:
    ready = readiness.Standing(
        suppliers={"Band", "Barn"}, items=4, has_date=True, places=2, arriving={"Band", "Barn"}, contacts=1,
        takes_rsvps=1, locked=1, has_needs=True, has_sheet=True,
    )  # fmt: skip
    full = readiness.judge(ready)
    assert full.score == 100 and all(check.is_done for check in full.checks)
    half = readiness.judge(msgspec.structs.replace(ready, arriving={"Barn"}, unconfirmed={"Band": 2}, has_sheet=False))
    assert half.score < 100
    told = {check.key: check.missing for check in half.checks if not check.is_done}
    assert told == {"arrivals": ["Band"], "confirmed": ["Band"], "dietary": []}
    empty = readiness.judge(readiness.Standing(suppliers=set()))
    assert 0 < empty.score < 50
    for name, value in (
        ("has_date", False),
        ("contacts", 0),
        ("unowned", ["Cake"]),
        ("tasks_late", 1),
        ("unpaid", ["Band"]),
    ):
        assert readiness.judge(msgspec.structs.replace(ready, **{name: value})).score < 100, name
