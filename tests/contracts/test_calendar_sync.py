"""A calendar elsewhere and ours come to the same, whoever changes what, and whatever the provider does meanwhile."""

from typing import Any
from uuid import UUID

import msgspec
import pytest_asyncio

from tests.contracts.bookings_house import DAY, Studio, opened
from tests.contracts.calendar_house import Kept, Provider, of_studio
from tests.contracts.town import Town
from wedsync.connections.calendars.event import CalendarEvent, Timed

LATER = "2027-07-03"


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


async def test_what_was_made_unheard_and_deleted_there_comes_back_when_somebody_says_so(
    studio: Studio, kept: Kept
) -> None:
    kept.diary.faults.append("lost")
    await studio.book(on=LATER, title="Portraits")
    await kept.settle()
    (entry,) = kept.diary.ours()
    kept.diary.put(None, entry.id)
    await kept.poll()
    assert [one["kind"] for one in await kept.conflicts()] == ["removed"]
    await kept.decide("ours")
    assert [one.event.title for one in kept.diary.ours() if one.event] == ["Portraits"]
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


async def test_what_both_changed_is_left_to_people_and_done_as_they_say(studio: Studio, kept: Kept) -> None:
    booking = await studio.book(on=LATER, title="Portraits")
    await kept.settle()
    (entry,) = kept.diary.ours()
    assert entry.event is not None
    for keep, hour in (("ours", "09"), ("theirs", "17")):
        await studio.owner.got(
            "PATCH", f"/api/v1/bookings/{booking['id']}", {"at_local": f"{hour}:00:00", "minutes": 60}
        )
        kept.diary.put(moved(entry.event, f"{LATER}T{hour}:30", f"{LATER}T{hour}:45"), entry.id)
        await kept.poll()
        (conflict,) = await kept.conflicts()
        assert (conflict["kind"], conflict["about"], conflict["of"]) == ("changed", "times", "booking")
        assert conflict["ours"]["times"]["start"] == f"{LATER}T{hour}:00:00"
        assert conflict["theirs"]["times"]["start"] == f"{LATER}T{hour}:30:00"
        await kept.poll()
        assert [one["id"] for one in await kept.conflicts()] == [conflict["id"]]
        await kept.decide(keep)
        assert await kept.conflicts() == []
        now = await studio.owner.got("GET", f"/api/v1/bookings/{booking['id']}")
        (entry,) = kept.diary.ours()
        assert entry.event is not None
        start = f"{hour}:00:00" if keep == "ours" else f"{hour}:30:00"
        assert now["at_local"] == start
        assert entry.event.times.start == f"{LATER}T{start}"  # type: ignore[union-attr]


async def test_deleted_there_it_stays_here_and_can_be_put_back(studio: Studio, kept: Kept) -> None:
    booking = await studio.book(on=LATER, title="Portraits")
    await kept.settle()
    (entry,) = kept.diary.ours()
    kept.diary.put(None, entry.id)
    await kept.poll()
    assert (await studio.owner.got("GET", f"/api/v1/bookings/{booking['id']}"))["state"] == "booked"
    (conflict,) = await kept.conflicts()
    assert conflict["kind"] == "removed"
    assert conflict["theirs"] is None
    await kept.poll()
    assert len(await kept.conflicts()) == 1
    await kept.decide("ours")
    (again,) = kept.diary.ours()
    assert (again.event, again.id != entry.id) == (entry.event, True)
    kept.diary.put(None, again.id)
    await kept.poll()
    await kept.decide("theirs")
    await kept.poll()
    assert (kept.diary.ours(), await kept.conflicts()) == ([], [])


async def test_a_move_onto_what_is_booked_is_refused_and_shown(studio: Studio, kept: Kept) -> None:
    await studio.book(on=LATER, at_local="09:00:00", minutes=120)
    other = await studio.book(on=LATER, at_local="15:00:00", minutes=60, title="Portraits")
    await kept.settle()
    entry = next(one for one in kept.diary.ours() if one.event and one.event.title == "Portraits")
    assert entry.event is not None
    kept.diary.put(moved(entry.event, f"{LATER}T10:00", f"{LATER}T11:00"), entry.id)
    await kept.poll()
    (conflict,) = await kept.conflicts()
    assert conflict["kind"] == "refused"
    assert "taken" in conflict["why"]
    assert (await studio.owner.got("GET", f"/api/v1/bookings/{other['id']}"))["at_local"] == "15:00:00"
    await kept.decide("ours")
    assert kept.diary.entries[entry.id].event == entry.event


async def test_their_words_stay_theirs_until_ours_change(studio: Studio, kept: Kept) -> None:
    booking = await studio.book(on=LATER, title="Portraits")
    await kept.settle()
    (entry,) = kept.diary.ours()
    assert entry.event is not None
    kept.diary.put(msgspec.structs.replace(entry.event, title="Portraits!!", text="bring the 85"), entry.id)
    await kept.poll()
    await studio.owner.got("PATCH", f"/api/v1/bookings/{booking['id']}", {"at_local": "13:00:00", "minutes": 60})
    await kept.settle()
    now = kept.diary.entries[entry.id].event
    assert now == moved(
        msgspec.structs.replace(entry.event, title="Portraits!!", text="bring the 85"),
        f"{LATER}T13:00",
        f"{LATER}T14:00",
    )
    await studio.owner.got("PATCH", f"/api/v1/bookings/{booking['id']}", {"title": "Family"})
    await kept.settle()
    now = kept.diary.entries[entry.id].event
    assert now is not None
    assert (now.title, now.text) == ("Family", "")


async def test_the_weddings_schedule_is_shown_and_a_move_there_is_proposed(studio: Studio, kept: Kept) -> None:
    new = {"title": "Ceremony", "kind": "ceremony", "at_local": "14:00", "minutes": 45, "place": "Barn"}
    item = await studio.couple.got("POST", f"/api/v1/weddings/{studio.wedding}/schedule", new, code=201)
    await kept.settle(studio.wedding)
    (entry,) = kept.diary.ours()
    assert entry.event == at(f"{DAY}T14:00", f"{DAY}T14:45", title="Ana & Ben: Ceremony", place="Barn", is_busy=False)
    kept.diary.put(moved(entry.event, f"{DAY}T15:00", f"{DAY}T15:45"), entry.id)
    await kept.poll()
    path = f"/api/v1/weddings/{studio.wedding}/proposals"
    (proposal,) = (await studio.couple.got("GET", path))["items"]
    assert (proposal["wanted"], proposal["origin"], proposal["state"]) == (
        {"at_local": "15:00:00"},
        "supplier",
        "open",
    )
    await kept.settle(studio.wedding)
    await kept.poll()
    assert kept.diary.entries[entry.id].event == moved(entry.event, f"{DAY}T15:00", f"{DAY}T15:45")
    await studio.couple.got("POST", f"/api/v1/proposals/{proposal['id']}/refuse", {"word": "Lunch is then."})
    await kept.settle(studio.wedding)
    assert kept.diary.entries[entry.id].event == entry.event
    kept.diary.put(moved(entry.event, f"{DAY}T16:00", f"{DAY}T16:45"), entry.id)
    await kept.poll()
    found = (await studio.couple.got("GET", path))["items"]
    (again,) = [one for one in found if one["state"] == "open"]
    body = {"version": again["version"], "subject_version": again["subject_version"]}
    await studio.couple.got("POST", f"/api/v1/proposals/{again['id']}/accept", body)
    await kept.settle(studio.wedding)
    now = await studio.couple.got("GET", f"/api/v1/schedule/{item['id']}")
    assert now["at_local"] == "16:00:00"
    assert kept.diary.entries[entry.id].event == moved(entry.event, f"{DAY}T16:00", f"{DAY}T16:45")


async def test_a_scope_taken_away_takes_our_events_from_there(studio: Studio, kept: Kept) -> None:
    new = {"title": "Ceremony", "at_local": "14:00"}
    await studio.couple.got("POST", f"/api/v1/weddings/{studio.wedding}/schedule", new, code=201)
    await kept.settle(studio.wedding)
    (entry,) = kept.diary.ours()
    assert entry.event is not None
    kept.diary.put(msgspec.structs.replace(entry.event, title="Mine now"), entry.id)
    await studio.couple.got("PATCH", f"/api/v1/links/{studio.business.link}", {"level": "basic"})
    await kept.settle(studio.wedding)
    assert kept.diary.live() == {}
    await studio.couple.got("PATCH", f"/api/v1/links/{studio.business.link}", {"level": "standard"})
    await kept.settle(studio.wedding)
    (back,) = kept.diary.ours()
    assert back.event == entry.event


async def test_two_suppliers_of_one_wedding_see_nothing_of_each_other_and_nothing_private(
    town: Town, studio: Studio, kept: Kept
) -> None:
    other = Studio(
        town=town,
        business=await town.linked(studio.couple, studio.wedding),
        couple=studio.couple,
        wedding=studio.wedding,
    )
    theirs = await of_studio(other, kept.provider)
    await studio.couple.got("POST", f"/api/v1/weddings/{studio.wedding}/budget", {"title": "BUDGET-77"}, code=201)
    await studio.book(on=LATER, title="STUDIO-77", note="NOTE-77")
    await studio.book(on="2027-07-04", title="OWN-77", place="HOME-77", category="private")
    await other.book(on=LATER, title="OTHER-77")
    kept.diary.put(at(f"{LATER}T07:00", f"{LATER}T07:30", title="DENTIST-77"))
    await kept.poll()
    await kept.settle(studio.wedding, other.supplier)
    await theirs.poll()
    mine, others = str(kept.diary.ours()), str(theirs.diary.live())
    assert "STUDIO-77" in mine
    assert "OTHER-77" in others
    assert not [word for word in ("OTHER", "BUDGET", "NOTE", "OWN", "HOME", "DENTIST") if f"{word}-77" in mine]
    assert not [w for w in ("STUDIO", "BUDGET", "NOTE", "OWN", "HOME", "DENTIST") if f"{w}-77" in others]
    told = str([e.record for e in await town.events(studio.supplier, kind="supplier")])
    assert "DENTIST-77" not in told
    await studio.couple.ask("GET", f"/api/v1/calendars/{kept.id}")
    assert (await studio.couple.ask("GET", f"/api/v1/calendars/{kept.id}")).status_code == 404
