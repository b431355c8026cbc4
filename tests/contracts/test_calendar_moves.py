"""Whose move it is: a couple's in its own calendar, of whoever repeats our event there, and nobody's in an import."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
import pytest_asyncio

from tests.contracts.bookings_house import Studio, opened
from tests.contracts.calendar_house import Kept, Provider, connected, of_studio
from tests.contracts.day_house import DayHouse, house
from tests.contracts.town import Town
from wedsync.connections.calendars.event import CalendarEvent, Timed

LATER = "2027-07-03"
BUSY = "select lower(during) as at from busy_times where supplier_id = $1 order by 1"


@pytest_asyncio.fixture
async def studio(town: Town) -> Studio:
    return await opened(town)


@pytest_asyncio.fixture
async def kept(studio: Studio) -> Kept:
    return await of_studio(studio, Provider())


def timed(on: str, start: str, end: str) -> Timed:
    return Timed(start=f"{on}T{start}:00", end=f"{on}T{end}:00", zone="Europe/London")


async def busy(kept: Kept) -> list[str]:
    rows = await kept.town.admin.fetch(BUSY, UUID(kept.tenant))
    return [row["at"].strftime("%m-%d %H:%M") for row in rows]


async def couples(town: Town, title: str) -> tuple[DayHouse, Kept, Any]:
    """A couple's own calendar with its schedule in it, five days before the wedding; and one item as it is there."""
    day = await house(town)
    kept = await connected(town, Provider(), day.wedding, day.ana)
    await kept.choose("both")
    await kept.settle()
    await day.put_at(timedelta(days=5))
    await town.admin.execute("update calendar_progress set is_unmarked = true where calendar_id = $1", UUID(kept.id))
    await kept.poll()
    entry = next(one for one in kept.diary.ours() if one.event and one.event.title == title)
    return day, kept, entry


def later(event: CalendarEvent, hours: int) -> CalendarEvent:
    times = event.times
    assert isinstance(times, Timed)
    start, end = (datetime.fromisoformat(one) + timedelta(hours=hours) for one in (times.start, times.end))
    moved = Timed(start=start.isoformat(), end=end.isoformat(), zone=times.zone)
    return msgspec.structs.replace(event, times=moved)


async def waiting(day: DayHouse) -> dict[str, Any]:
    (one,) = (await day.ana.got("GET", day.at("proposals?state=waiting")))["items"]
    found: dict[str, Any] = one
    return found


async def test_in_the_last_week_a_couples_own_drag_moves_nobody_until_they_say_yes(town: Town) -> None:
    day, kept, entry = await couples(town, "Ceremony")
    item = f"/api/v1/schedule/{day.items['Ceremony']}"
    before = await day.ana.got("GET", item)
    dragged = later(entry.event, 2)
    kept.diary.put(dragged, entry.id)
    await kept.poll()
    assert (await day.ana.got("GET", item))["at_local"] == before["at_local"]
    proposal = await waiting(day)
    assert (proposal["origin"], proposal["subject"]) == ("hook", "schedule_items")
    assert isinstance(dragged.times, Timed)
    on, _, at = dragged.times.start.partition("T")
    # The day begins at this hour: late in the evening two hours later is tomorrow.
    assert proposal["wanted"] == {"at_local": at, **({"on": on} if on != before["on"] else {})}
    await kept.poll()
    assert (await waiting(day))["id"] == proposal["id"], "asked once, however often it is looked at"
    assert kept.diary.entries[entry.id].event == dragged, "and what they dragged is left where they put it meanwhile"
    await day.ana.got("POST", f"/api/v1/proposals/{proposal['id']}/refuse", {"word": "The registrar comes then."})
    await kept.settle()
    assert kept.diary.entries[entry.id].event == entry.event
    assert (await day.ana.got("GET", item))["at_local"] == before["at_local"]
    assert await kept.conflicts() == []


async def test_a_drag_that_the_couple_says_yes_to_is_done_and_stays(town: Town) -> None:
    day, kept, entry = await couples(town, "Photos")
    dragged = later(entry.event, 1)
    kept.diary.put(dragged, entry.id)
    await kept.poll()
    one = await waiting(day)
    said = {"version": one["version"], "subject_version": one["subject_version"]}
    await day.ana.got("POST", f"/api/v1/proposals/{one['id']}/accept", said)
    await kept.settle()
    now = await day.ana.got("GET", f"/api/v1/schedule/{day.items['Photos']}")
    assert now["at_local"] == dragged.times.start[11:]  # type: ignore[union-attr]
    writes = kept.diary.writes
    await kept.poll()
    assert (kept.diary.entries[entry.id].event, kept.diary.writes) == (dragged, writes)
    assert await kept.conflicts() == []


async def test_an_import_reads_and_never_writes_whatever_changes_on_either_side(studio: Studio, kept: Kept) -> None:
    booking = await studio.book(on=LATER, title="Portraits")
    await kept.settle()
    (entry,) = kept.diary.ours()
    await kept.choose("import")
    await kept.settle()
    kept.diary.asked.clear()
    await studio.owner.got("PATCH", f"/api/v1/bookings/{booking['id']}", {"at_local": "08:00:00", "minutes": 60})
    await studio.book(on="2027-07-10", title="Another")
    kept.diary.put(later(entry.event, 3), entry.id)  # type: ignore[arg-type]
    theirs = kept.diary.put(CalendarEvent(times=timed("2027-07-04", "09:00", "10:00"), title="Dentist"))
    await kept.poll()
    assert await busy(kept) == ["07-04 08:00"], "their time is known, and ours is not theirs"
    assert (await studio.owner.got("GET", f"/api/v1/bookings/{booking['id']}"))["at_local"] == "08:00:00"
    kept.diary.put(None, entry.id)
    kept.diary.put(None, theirs)
    await studio.owner.got("POST", f"/api/v1/bookings/{booking['id']}/cancel")
    await kept.poll()
    assert set(kept.diary.asked) == {"pull"}
    assert (await busy(kept), await kept.conflicts()) == ([], [])


async def test_a_calendar_that_may_no_longer_be_written_is_only_read(studio: Studio, kept: Kept) -> None:
    kept.diary.is_writable = False
    await kept.owner.got("POST", f"/api/v1/connections/{kept.connection}/find-calendars", code=202)
    await kept.work("calendars.find")
    assert (await kept.calendar())["direction"] == "import"
    kept.diary.asked.clear()
    await studio.book(on=LATER, title="Portraits")
    kept.diary.put(CalendarEvent(times=timed(LATER, "09:00", "10:00")))
    await kept.poll()
    assert (set(kept.diary.asked), await busy(kept)) == ({"pull"}, ["07-03 08:00"])


async def test_days_of_our_event_that_somebody_repeats_there_are_no_busy_time_of_theirs(
    studio: Studio, kept: Kept
) -> None:
    booking = await studio.book(on=LATER, title="Portraits")
    await kept.settle()
    (entry,) = kept.diary.ours()
    assert entry.event is not None
    kept.diary.put(msgspec.structs.replace(entry.event, rules=("RRULE:FREQ=WEEKLY;COUNT=4",)), entry.id)
    await kept.poll()
    assert [one["kind"] for one in await kept.conflicts()] == ["refused"]
    week = (date.fromisoformat(LATER) + timedelta(days=7)).isoformat()
    alone = CalendarEvent(times=timed(week, "18:00", "19:00"), title="Portraits")
    one = kept.diary.put(alone, series=entry.id, original=f"{week}T12:00:00")
    await kept.poll()
    assert await busy(kept) == []
    kept.diary.put(None, one, series=entry.id, original=f"{week}T12:00:00")
    await kept.poll()
    await kept.decide("ours")
    assert kept.diary.entries[entry.id].event == entry.event
    now = await studio.owner.got("GET", f"/api/v1/bookings/{booking['id']}")
    assert (now["on"], now["at_local"]) == (LATER, "12:00:00")
    assert (await busy(kept), await kept.conflicts()) == ([], [])


async def test_a_day_of_their_series_that_was_moved_and_then_left_out_is_free(studio: Studio, kept: Kept) -> None:
    weekly = CalendarEvent(times=timed(LATER, "09:00", "10:00"), rules=("RRULE:FREQ=WEEKLY;COUNT=3",))
    series = kept.diary.put(weekly)
    week = (date.fromisoformat(LATER) + timedelta(days=7)).isoformat()
    left = {"series": series, "original": f"{week}T09:00:00"}
    one = kept.diary.put(CalendarEvent(times=timed(week, "15:00", "16:00")), **left)
    await kept.poll()
    assert await busy(kept) == ["07-03 08:00", "07-10 14:00", "07-17 08:00"]
    kept.diary.put(None, one, **left)
    await kept.poll()
    assert await busy(kept) == ["07-03 08:00", "07-17 08:00"]


async def test_an_exception_that_is_not_among_all_of_its_series_is_gone(studio: Studio, kept: Kept) -> None:
    weekly = CalendarEvent(times=timed(LATER, "09:00", "10:00"), rules=("RRULE:FREQ=WEEKLY;COUNT=3",))
    series = kept.diary.put(weekly, is_whole=True)
    week = (date.fromisoformat(LATER) + timedelta(days=7)).isoformat()
    one = kept.diary.put(CalendarEvent(times=timed(week, "15:00", "16:00")), series=series, original=f"{week}T09:00:00")
    other = kept.diary.put(CalendarEvent(times=timed(week, "18:00", "19:00")))
    await kept.poll()
    assert await busy(kept) == ["07-03 08:00", "07-10 14:00", "07-10 17:00", "07-17 08:00"]
    kept.diary.forget(one)
    left_out = f"EXDATE;TZID=Europe/London:{week.replace('-', '')}T090000"
    kept.diary.put(msgspec.structs.replace(weekly, rules=(*weekly.rules, left_out)), series, is_whole=True)
    await kept.poll()
    assert await busy(kept) == ["07-03 08:00", "07-10 17:00", "07-17 08:00"]
    assert other in kept.diary.live()


@pytest.mark.parametrize("is_told", [True, False], ids=["as CalDAV tells it", "as a feed tells it: not at all"])
async def test_a_day_of_their_series_that_was_moved_and_is_put_back_is_busy_again(
    studio: Studio, kept: Kept, is_told: bool
) -> None:
    weekly = CalendarEvent(times=timed(LATER, "09:00", "10:00"), rules=("RRULE:FREQ=WEEKLY;COUNT=3",))
    series = kept.diary.put(weekly)
    week = (date.fromisoformat(LATER) + timedelta(days=7)).isoformat()
    moved = CalendarEvent(times=timed(week, "15:00", "16:00"))
    one = kept.diary.put(moved, series=series, original=f"{week}T09:00:00")
    await kept.poll()
    assert await busy(kept) == ["07-03 08:00", "07-10 14:00", "07-17 08:00"]
    kept.diary.put(None, one) if is_told else kept.diary.forget(one)
    kept.diary.faults.extend([] if is_told else ["410"])
    await kept.poll()
    assert await busy(kept) == ["07-03 08:00", "07-10 08:00", "07-17 08:00"]
