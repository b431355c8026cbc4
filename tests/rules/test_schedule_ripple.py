"""What moves when something moves: dependants exactly, anchors never, circles refused."""

from collections.abc import Mapping, Sequence
from datetime import date, time, timedelta
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wedsync.kit.errors import Refusal
from wedsync.schedule import model
from wedsync.schedule.ripple import Dependency, conflicts_of, follow, grouped, needed_at, ripple, shifted, standing
from wedsync.schedule.rows import After, Slot

ON = date(2027, 6, 5)


def item(n: int, at: time, minutes: int = 30, buffer: int = 0, *, anchored: bool = False, on: date = ON) -> Slot:
    """An item named by its number."""
    fields = {"title": f"Item {n}", "kind": "other", "on": on, "at_local": at, "zone": "Europe/London"}
    fields |= {"minutes": minutes, "buffer_minutes": buffer, "is_anchored": anchored}
    return model.draft(UUID(int=n), fields)


def after(later: int, earlier: int, lag: int = 0) -> Dependency:
    return Dependency(item_id=UUID(int=later), after_item_id=UUID(int=earlier), lag_minutes=lag)


def of(*items: Slot) -> dict[UUID, Slot]:
    return {i.id: i for i in items}


def at(slot: Slot, hour: int, minute: int = 0) -> Slot:
    return model.placed(slot, {"at_local": time(hour, minute)})


def starts(items: Mapping[UUID, Slot]) -> list[time]:
    return [items[i].at_local for i in sorted(items)]


CEREMONY = item(1, time(14), 45, 15)
PHOTOS = item(2, time(15), 30)
DRINKS = item(3, time(15, 30), 60)
DAY = of(CEREMONY, PHOTOS, DRINKS)
CHAIN = [after(2, 1), after(3, 2)]


def test_dependants_follow_with_buffer_and_lag() -> None:
    result = ripple(DAY, CHAIN, [at(CEREMONY, 14, 30)])
    assert [(m.title, m.before.at_local, m.after.at_local) for m in result.moves] == [
        ("Item 1", time(14), time(14, 30)),
        ("Item 2", time(15), time(15, 30)),
        ("Item 3", time(15, 30), time(16)),
    ]
    assert (result.conflicts, result.lags) == ([], [])


def test_a_longer_item_pushes_what_follows_without_moving_itself() -> None:
    result = ripple(DAY, CHAIN, [msgspec.structs.replace(CEREMONY, minutes=60)])
    assert [(m.title, m.after.at_local) for m in result.moves] == [("Item 2", time(15, 15)), ("Item 3", time(15, 45))]


def test_an_anchor_stops_the_ripple_and_says_so() -> None:
    fixed = msgspec.structs.replace(PHOTOS, is_anchored=True)
    result = ripple(of(CEREMONY, fixed, DRINKS), CHAIN, [at(CEREMONY, 14, 30)])
    assert [m.title for m in result.moves] == ["Item 1"]
    (conflict,) = result.conflicts
    assert (conflict.title, conflict.after_title) == ("Item 2", "Item 1")
    assert conflict.needed_at - conflict.starts_at == timedelta(minutes=30)


def test_an_anchor_with_time_to_spare_is_no_conflict() -> None:
    fixed = msgspec.structs.replace(PHOTOS, is_anchored=True)
    assert ripple(of(CEREMONY, fixed), CHAIN[:1], [at(CEREMONY, 13, 30)]).conflicts == []


def test_an_anchored_item_moves_by_hand() -> None:
    fixed = msgspec.structs.replace(CEREMONY, is_anchored=True)
    assert len(ripple(of(fixed, PHOTOS, DRINKS), CHAIN, [at(fixed, 15)]).moves) == 3


def test_what_is_moved_by_hand_stays_and_keeps_its_new_gap() -> None:
    result = ripple(DAY, CHAIN, [at(PHOTOS, 15, 10)])
    assert starts(result.items) == [time(14), time(15, 10), time(15, 40)]
    assert result.lags == [after(2, 1, 10)]
    again = ripple(result.items, [*result.lags, CHAIN[1]], [at(CEREMONY, 15)])
    assert starts(again.items) == [time(15), time(16, 10), time(16, 40)]


def test_of_several_things_followed_the_last_counts() -> None:
    speeches = item(4, time(16, 30))
    items = DAY | of(speeches)
    both = [after(4, 3), after(4, 1, 90)]
    assert starts(ripple(items, both, [at(CEREMONY, 14, 15)]).items)[3] == time(16, 45)
    assert starts(ripple(items, both, [at(CEREMONY, 12)]).items)[3] == time(16, 30)


def test_a_circle_is_refused_by_name() -> None:
    with pytest.raises(Refusal) as refused:
        ripple(DAY, [*CHAIN, after(1, 3)], [CEREMONY])
    assert (refused.value.status, refused.value.code) == (422, "dependency_cycle")
    assert all(f"Item {n}" in refused.value.detail for n in (1, 2, 3))


def test_a_ripple_over_midnight_takes_the_day_along() -> None:
    dance, taxis = item(1, time(22, 30), 60), item(2, time(23, 30))
    result = ripple(of(dance, taxis), [after(2, 1)], [at(dance, 23, 15)])
    assert (result.moves[1].after.on, result.moves[1].after.at_local) == (ON + timedelta(days=1), time(0, 15))


def test_a_move_out_of_the_calendar_is_refused() -> None:
    last = item(1, time(23), 120, on=date(model.YEAR_MAX, 12, 31))
    with pytest.raises(Refusal):
        ripple(of(at(last, 12), item(2, time(14), on=last.on)), [after(2, 1)], [last])


def test_without_a_lag_the_gap_of_today_is_kept() -> None:
    stays, rows = follow(DAY, DRINKS, [After(item_id=CEREMONY.id)], stays=False)
    assert (stays, rows) == (DRINKS, [after(3, 1, 30)])


def test_with_a_lag_the_item_goes_there() -> None:
    goes, rows = follow(DAY, DRINKS, [After(item_id=CEREMONY.id, lag_minutes=5), After(item_id=PHOTOS.id)], stays=False)
    assert (goes.at_local, rows) == (time(15, 5), [after(3, 1, 5), after(3, 2, -25)])


def test_an_anchored_item_or_a_given_time_stays_where_it_is() -> None:
    fixed = msgspec.structs.replace(DRINKS, is_anchored=True)
    assert follow(DAY, fixed, [After(item_id=CEREMONY.id, lag_minutes=5)], stays=False)[0] == fixed
    assert follow(DAY, DRINKS, [After(item_id=CEREMONY.id, lag_minutes=5)], stays=True)[0] == DRINKS


@pytest.mark.parametrize(
    ("named", "field"),
    [
        ([3], "after[0].item_id"),
        ([1, 99], "after[1].item_id"),
        ([1, 2, 1], "after[2].item_id"),
    ],
)
def test_what_cannot_be_followed_is_named(named: list[int], field: str) -> None:
    with pytest.raises(Refusal) as refused:
        follow(DAY, DRINKS, [After(item_id=UUID(int=n)) for n in named], stays=False)
    assert refused.value.errors[0].field == field


def test_a_gap_of_more_than_two_weeks_is_refused() -> None:
    far = item(4, time(12), on=ON + timedelta(days=20))
    with pytest.raises(Refusal):
        follow(DAY | of(far), far, [After(item_id=CEREMONY.id)], stays=False)


def test_shifting_keeps_local_times_and_stays_in_the_calendar() -> None:
    winter = shifted(CEREMONY, 200)
    assert (winter.at_local, winter.starts_at.hour, CEREMONY.starts_at.hour) == (time(14), 14, 13)
    assert shifted(CEREMONY, 10**6) is CEREMONY
    assert shifted(CEREMONY, 10**8) is CEREMONY


@st.composite
def plans(draw: st.DrawFn) -> tuple[dict[UUID, Slot], list[Dependency]]:
    """A day that holds together: each item follows only earlier ones, and unanchored ones stand where they should."""
    count = draw(st.integers(2, 9))
    items: dict[UUID, Slot] = {}
    rows: list[Dependency] = []
    for n in range(count):
        made = item(n, time(draw(st.integers(6, 20)), draw(st.integers(0, 59))), draw(st.integers(0, 180)))
        made = msgspec.structs.replace(
            made, buffer_minutes=draw(st.integers(0, 30)), is_anchored=draw(st.integers(0, 4)) == 0
        )
        before = draw(st.lists(st.integers(0, n - 1), unique=True, max_size=3)) if n else []
        named = [After(item_id=UUID(int=k), lag_minutes=draw(st.integers(-20, 60))) for k in before]
        made, own = follow(items, made, named, stays=False)
        items[made.id] = made
        rows += own
    return items, rows


def holds(items: Mapping[UUID, Slot], rows: Sequence[Dependency]) -> bool:
    """Every item that may move starts exactly when what it follows lets it."""
    by_item = grouped(rows)
    return all(items[i].is_anchored or needed_at(items, own)[0] == items[i].starts_at for i, own in by_item.items())


@given(plans(), st.data())
def test_after_any_move_everything_stands_where_it_should(
    plan: tuple[dict[UUID, Slot], list[Dependency]], data: st.DataObject
) -> None:
    items, rows = plan
    assert holds(items, rows)
    chosen = items[UUID(int=data.draw(st.integers(0, len(items) - 1)))]
    minutes = data.draw(st.integers(-300, 300))
    moved = model.placed(
        msgspec.structs.replace(chosen, minutes=data.draw(st.integers(0, 240))),
        dict(
            zip(
                ("on", "at_local"),
                model.local_of(chosen.starts_at + timedelta(minutes=minutes), chosen.zone),
                strict=True,
            )
        ),
    )
    result = ripple(items, rows, [moved])
    new = {(d.item_id, d.after_item_id): d for d in result.lags}
    now = [new.get((d.item_id, d.after_item_id), d) for d in rows]

    assert result.items[moved.id] == moved
    assert holds(result.items, now)
    for other in items.values():
        if other.is_anchored and other.id != moved.id:
            assert result.items[other.id] == other
    assert {m.item_id for m in result.moves} <= reached(moved.id, rows)
    late = {c.item_id for c in conflicts_of(result.items, grouped(now))}
    early = {c.item_id for c in conflicts_of(items, grouped(rows))}
    assert late - early <= {c.item_id for c in result.conflicts} <= late


@given(plans(), st.data())
def test_moving_there_and_back_changes_nothing(
    plan: tuple[dict[UUID, Slot], list[Dependency]], data: st.DataObject
) -> None:
    items, rows = plan
    first = items[UUID(int=0)]
    there = at(first, data.draw(st.integers(0, 23)))
    out = ripple(items, rows, [there])
    assert ripple(out.items, rows, [first]).items == items


@given(plans())
def test_what_stands_where_it_should_needs_no_new_lag(plan: tuple[dict[UUID, Slot], list[Dependency]]) -> None:
    items, rows = plan
    assert [lag for i, own in grouped(rows).items() for lag in standing(items, i, own)] == []


def reached(start: UUID, rows: Sequence[Dependency]) -> set[UUID]:
    found = {start}
    while more := {d.item_id for d in rows if d.after_item_id in found} - found:
        found |= more
    return found
