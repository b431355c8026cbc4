"""Now and next: late things push what follows, nothing is pulled earlier, and what was said goes before the clock."""

from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from wedsync.days import running
from wedsync.days.model import ItemMark
from wedsync.schedule.model import draft, instant
from wedsync.schedule.rows import After, PlannedItem

AT = datetime(2027, 6, 5, tzinfo=UTC)
ZONES = ("Europe/London", "Pacific/Auckland", "Pacific/Honolulu")


def item(n: int, on: date, at_local: time, zone: str, *, minutes: int = 30, after: int | None = None) -> PlannedItem:
    fields = {"kind": "other", "title": f"{n}", "on": on, "at_local": at_local, "zone": zone, "minutes": minutes}
    slot = draft(UUID(int=n), fields | {"buffer_minutes": 0, "is_anchored": False})
    given = {name: getattr(slot, name) for name in slot.__struct_fields__}
    follows = [] if after is None else [After(item_id=UUID(int=after), lag_minutes=0)]
    more = {"wedding_id": UUID(int=99), "place": "", "takes_rsvps": False, "audience": "linked", "position": 0}
    return PlannedItem(**given, **more, version=1, created_at=AT, updated_at=AT, after=follows)


def mark(
    n: int, state: str = "planned", late: int = 0, started: datetime | None = None, done: datetime | None = None
) -> ItemMark:
    given = {"id": UUID(int=n), "schedule_item_id": UUID(int=n), "wedding_id": UUID(int=99), "state": state}
    times = {"started_at": started, "done_at": done, "updated_at": AT}
    return ItemMark(**given, late_minutes=late, said_by="", version=1, **times)


def chain(count: int, zone: str, on: date, first: time) -> list[PlannedItem]:
    """Items of half an hour, each straight after the one before."""
    begins = instant(on, first, zone)
    made = []
    for n in range(count):
        from zoneinfo import ZoneInfo

        there = (begins + timedelta(minutes=30 * n)).astimezone(ZoneInfo(zone))
        made.append(item(n + 1, there.date(), there.time().replace(fold=0), zone, after=n or None))
    return made


@given(
    st.sampled_from(ZONES),
    st.integers(2, 6),
    st.dictionaries(st.integers(1, 6), st.integers(0, 120), max_size=4),
    st.integers(-120, 400),
)
def test_nothing_is_expected_earlier_than_planned_and_lateness_only_adds_up(
    zone: str, count: int, late: dict[int, int], after: int
) -> None:
    items = chain(count, zone, date(2027, 6, 5), time(21, 30))
    now = items[0].starts_at + timedelta(minutes=after)
    board = running.board(items, [mark(n, late=minutes) for n, minutes in late.items()], now)
    assert {entry.id for entry in board.items} == {one.id for one in items}
    by_id = {entry.id: entry for entry in board.items}
    before = 0
    for n, one in enumerate(items, 1):
        entry = by_id[one.id]
        assert entry.late_minutes == max(before, late.get(n, 0)), "what follows is as late as what it follows"
        before = entry.late_minutes
    assert all(entry.expected_at <= now < entry.ends_at for entry in board.now)
    assert len({entry.expected_at for entry in board.next}) <= 1


def test_what_was_started_late_or_is_not_over_holds_up_the_rest() -> None:
    items = chain(3, "Europe/London", date(2027, 6, 5), time(14))
    first = items[0].starts_at
    started = mark(1, "started", started=first + timedelta(minutes=10))
    board = running.board(items, [started], first + timedelta(minutes=20))
    assert [(e.title, e.late_minutes) for e in board.items] == [("1", 10), ("2", 10), ("3", 10)]
    assert [e.title for e in board.now] == ["1"] and [e.title for e in board.next] == ["2"]
    board = running.board(items, [started], first + timedelta(minutes=75))
    assert [e.late_minutes for e in board.items] == [10, 45, 45], "it is not over yet, whatever was planned"
    done = mark(1, "done", started=first, done=first + timedelta(minutes=5))
    board = running.board(items, [done], first + timedelta(minutes=10))
    assert [e.late_minutes for e in board.items] == [0, 0, 0], "who is early waits"
    assert board.now == [] and [e.title for e in board.next] == ["2"]
    dropped = running.board(items, [mark(2, "dropped")], first + timedelta(minutes=40))
    assert [e.state for e in dropped.items] == ["done", "dropped", "next"]


def test_a_night_in_which_clocks_change_is_as_long_as_it_is() -> None:
    """London, the last Sunday of October: half past one comes twice, and a party of three hours ends after two."""
    party = item(1, date(2026, 10, 24), time(23, 30), "Europe/London", minutes=180)
    board = running.board([party], [], instant(date(2026, 10, 25), time(1, 15), "Europe/London"))
    assert [e.title for e in board.now] == ["1"]
    assert board.now[0].ends_at == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
