"""A calendar elsewhere and ours come to the same, whoever changes what, and whatever the provider does meanwhile."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import msgspec
import pytest_asyncio

from tests.contracts.bookings_house import DAY, Studio, opened
from tests.contracts.calendar_house import Kept, Provider, of_studio
from tests.contracts.town import Town, built
from tests.engines_fixture import Database, RunningPostgres
from wedsync.connections.calendars.event import CalendarEvent, Timed
from wedsync.kit.config import Settings

LATER = "2027-07-03"


@pytest_asyncio.fixture(scope="module")
async def town(database: Database, postgres: RunningPostgres, settings: Settings) -> AsyncIterator[Town]:
    async with built(database, postgres, settings) as made:
        yield made


@pytest_asyncio.fixture
async def studio(town: Town) -> Studio:
    return await opened(town)


@pytest_asyncio.fixture
async def kept(studio: Studio) -> Kept:
    return await of_studio(studio, Provider())


def at(start: str, end: str, zone: str = "Europe/London", **more: Any) -> CalendarEvent:
    return CalendarEvent(times=Timed(start=f"{start}:00", end=f"{end}:00", zone=zone), **more)


def moved(event: CalendarEvent, start: str, end: str) -> CalendarEvent:
    return msgspec.structs.replace(event, times=at(start, end).times)


async def test_a_booking_is_in_the_calendar_follows_its_moves_and_goes_with_it(studio: Studio, kept: Kept) -> None:
    booking = await studio.book(on=LATER, title="Portraits", place="Studio 4", note="secret note")
    await kept.settle()
    (entry,) = kept.diary.ours()
    assert entry.event == at(f"{LATER}T12:00", f"{LATER}T22:00", title="Portraits", place="Studio 4")
    await studio.owner.got("PATCH", f"/api/v1/bookings/{booking['id']}", {"at_local": "13:00:00", "minutes": 60})
    await kept.settle()
    (entry,) = kept.diary.ours()
    assert entry.event is not None
    assert entry.event.times == at(f"{LATER}T13:00", f"{LATER}T14:00").times
    writes = kept.diary.writes
    await kept.poll()
    assert kept.diary.writes == writes == 2
    await studio.owner.got("POST", f"/api/v1/bookings/{booking['id']}/cancel")
    await kept.settle()
    assert kept.diary.live() == {}


async def test_our_event_moved_there_is_a_booking_moved(studio: Studio, kept: Kept) -> None:
    booking = await studio.book(on=LATER, title="Portraits")
    await kept.settle()
    (entry,) = kept.diary.ours()
    assert entry.event is not None
    kept.diary.put(moved(entry.event, f"{LATER}T15:00", f"{LATER}T16:30"), entry.id)
    await kept.poll()
    now = await studio.owner.got("GET", f"/api/v1/bookings/{booking['id']}")
    assert (now["at_local"], now["minutes"], now["title"]) == ("15:00:00", 90, "Portraits")
    writes = kept.diary.writes
    await kept.poll()
    assert kept.diary.writes == writes
    assert await kept.conflicts() == []


async def test_their_events_are_busy_time_and_no_word_of_them_is_kept(studio: Studio, kept: Kept) -> None:
    word = "Zahnarzt-4711"
    one = kept.diary.put(at(f"{LATER}T09:00", f"{LATER}T10:00", title=word, text=word, place=word))
    kept.diary.put(at(f"{LATER}T11:00", f"{LATER}T12:00", title=word, is_busy=False))
    kept.diary.put(at(f"{LATER}T12:00", f"{LATER}T13:00", title=word, status="cancelled"))
    await kept.poll()
    rows = await studio.town.admin.fetch(
        "select lower(during) as start, upper(during) as end, external_id from busy_times where supplier_id = $1",
        UUID(kept.tenant),
    )
    assert [(r["start"].isoformat(), r["end"].isoformat()) for r in rows] == [
        (f"{LATER}T08:00:00+00:00", f"{LATER}T09:00:00+00:00")
    ]
    dump = await studio.town.admin.fetch("select * from calendar_events where tenant_id = $1", UUID(kept.tenant))
    assert word not in str(dump)
    assert one not in str(dump)
    kept.diary.put(None, one)
    await kept.poll()
    assert (
        await studio.town.admin.fetchval("select count(*) from busy_times where supplier_id = $1", UUID(kept.tenant))
        == 0
    )
