"""The sync at its edges: watches and their renewal, calendars that come and go, and what a person must allow first."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
import pytest_asyncio

from tests.contracts.bookings_house import Studio, opened
from tests.contracts.calendar_house import Kept, Provider, connected, of_studio
from tests.contracts.town import Town
from wedsync.connections.calendars import finding
from wedsync.connections.calendars.event import CalendarEvent, Days, Timed
from wedsync.connections.contract import ReconnectNeeded, RetryLater
from wedsync.kit import clock
from wedsync.kit.errors import Refusal

LATER = "2027-07-03"
BUSY = "select count(*) from busy_times where supplier_id = $1"
WATCH_AGAIN = "update calendar_progress set watch_again_at = $2 where calendar_id = $1"


@pytest_asyncio.fixture
async def studio(town: Town) -> Studio:
    return await opened(town)


@pytest_asyncio.fixture
async def kept(studio: Studio) -> Kept:
    return await of_studio(studio, Provider())


def hour(on: str, at: int, **more: Any) -> CalendarEvent:
    return CalendarEvent(
        times=Timed(start=f"{on}T{at:02}:00:00", end=f"{on}T{at + 1:02}:00:00", zone="Europe/London"), **more
    )


async def busy(kept: Kept) -> int:
    count: int = await kept.town.admin.fetchval(BUSY, UUID(kept.tenant))
    return count


async def test_a_watch_is_kept_renewed_and_ended(studio: Studio) -> None:
    provider = Provider()
    provider.is_telling = True
    kept = await of_studio(studio, provider)
    assert (await kept.calendar())["is_told"]
    (first,) = kept.diary.watches
    await kept.poll()
    assert list(kept.diary.watches) == [first]
    await kept.town.admin.execute(WATCH_AGAIN, UUID(kept.id), clock.machine_now() - timedelta(minutes=1))
    await kept.poll()
    (second,) = kept.diary.watches
    assert second != first
    await kept.choose("off")
    await kept.settle()
    assert kept.diary.watches == {}
    assert not (await kept.calendar())["is_told"]


async def test_a_watch_that_is_refused_is_asked_for_again_and_the_poll_goes_on(studio: Studio) -> None:
    provider = Provider()
    kept = await of_studio(studio, provider)
    provider.is_telling = True
    kept.diary.faults.append("500")
    row = "select watch_again_at, watch_until from calendar_progress where calendar_id = $1"
    while not (found := await kept.town.admin.fetchrow(row, UUID(kept.id)))["watch_again_at"]:
        # The pull meets the fault first, and the watch the next one.
        kept.diary.faults[:] = ["500"] if not kept.diary.faults else kept.diary.faults
        await kept.poll()
        kept.diary.faults[:] = []
        await kept.poll()
    assert found["watch_again_at"] > clock.machine_now()
    kept.diary.put(hour(LATER, 9))
    await kept.poll()
    assert await busy(kept) == 1


async def test_a_calendar_that_is_gone_says_so_and_goes_on_when_it_is_back(studio: Studio, kept: Kept) -> None:
    await studio.book(on=LATER, title="Portraits")
    await kept.settle()
    kept.diary.is_there = False
    await kept.poll()
    assert (await kept.calendar())["outcome"] == "gone"
    (conflict,) = await kept.conflicts()
    assert (conflict["kind"], conflict["event_id"]) == ("gone", None)
    kept.diary.is_there = True
    await kept.poll()
    assert ((await kept.calendar())["outcome"], await kept.conflicts()) == ("done", [])
    kept.diary.is_there = False
    await kept.poll()
    await kept.decide("theirs")
    assert (await kept.calendar())["direction"] == "off"


async def test_looking_again_follows_names_rights_and_what_is_no_more(studio: Studio, kept: Kept) -> None:
    find = f"/api/v1/connections/{kept.connection}/find-calendars"
    kept.diary.is_writable = False
    await studio.owner.got("POST", find, code=202)
    await kept.work(finding.WORK)
    now = await kept.calendar()
    assert (now["is_writable"], now["direction"]) == (False, "import")
    await studio.owner.got("PATCH", f"/api/v1/calendars/{kept.id}", {"direction": "both"}, code=409)
    kept.diary.is_there = False
    await studio.owner.got("POST", find, code=202)
    await kept.work(finding.WORK)
    assert not (await kept.calendar())["is_there"]
    await studio.owner.got("POST", find, code=202)
    await kept.work(finding.WORK)
    assert not (await kept.calendar())["is_there"]


async def test_an_account_that_does_not_open_is_asked_again_or_left_to_people(studio: Studio, kept: Kept) -> None:
    find = f"/api/v1/connections/{kept.connection}/find-calendars"
    kept.provider.closed[kept.connection] = RetryLater(reason="It is away.")
    await studio.owner.got("POST", find, code=202)
    with pytest.raises(Refusal, match="away"):
        await kept.work(finding.WORK)
    kept.provider.closed[kept.connection] = ReconnectNeeded(reason="The access has ended.")
    await kept.town.admin.execute("update jobs set lease_token = null where tenant_id = $1", UUID(kept.tenant))
    await kept.work(finding.WORK)
    await kept.poll()
    now = await kept.calendar()
    assert (now["outcome"], now["reason"]) == ("reconnect", "The access has ended.")
    del kept.provider.closed[kept.connection]
    await kept.poll()
    assert (await kept.calendar())["outcome"] == "done"


async def test_so_much_that_vanishes_at_once_waits_for_a_person(studio: Studio, kept: Kept) -> None:
    for day in range(1, 25):
        kept.diary.put(hour(f"2027-08-{day:02}", 9))
    await kept.poll()
    assert await busy(kept) == 24
    known = dict(kept.diary.entries)
    for keep, left in (("ours", 24), ("theirs", 0)):
        # Vanished without a word, and the cursor with it: only a full listing tells.
        kept.diary.entries.clear()
        kept.diary.faults.append("410")
        await kept.poll()
        (conflict,) = await kept.conflicts()
        assert (conflict["kind"], conflict["about"]) == ("sweep", "24")
        assert (await kept.calendar())["outcome"] == "held"
        assert await busy(kept) == 24
        await kept.decide(keep)
        await kept.poll()
        assert (await busy(kept), await kept.conflicts()) == (left, [])
        kept.diary.entries.update(known)


async def test_a_few_that_vanish_are_gone_ours_among_them_are_told(studio: Studio, kept: Kept) -> None:
    kept.diary.put(hour(LATER, 9))
    await studio.book(on=LATER, at_local="14:00:00", minutes=60, title="Portraits")
    await kept.poll()
    kept.diary.entries.clear()
    kept.diary.faults.append("410")
    await kept.poll()
    assert await busy(kept) == 0
    assert [one["kind"] for one in await kept.conflicts()] == ["removed"]


async def test_what_cannot_be_read_is_not_taken_for_gone(studio: Studio, kept: Kept) -> None:
    one, other = kept.diary.put(hour(LATER, 9)), kept.diary.put(hour(LATER, 12))
    await kept.poll()
    kept.diary.garbled.add(one)
    del kept.diary.entries[other]
    kept.diary.faults.append("410")
    await kept.poll()
    assert await busy(kept) == 2
    kept.diary.garbled.clear()
    kept.diary.faults.append("410")
    await kept.poll()
    assert await busy(kept) == 1


async def test_what_could_not_be_read_is_not_taken_for_gone_by_another_run(studio: Studio, kept: Kept) -> None:
    one, *_ = [kept.diary.put(hour(LATER, at)) for at in range(8, 13)]
    await kept.poll()
    kept.diary.garbled.add(one)
    await interrupted(kept)
    await kept.poll()
    assert ((await kept.calendar())["outcome"], await busy(kept)) == ("done", 5)
    kept.diary.garbled.clear()
    await interrupted(kept)
    del kept.diary.entries[one]
    kept.diary.faults.append("410")
    await kept.poll()
    assert await busy(kept) == 4


async def test_what_is_in_a_zone_that_nobody_knows_is_not_taken_for_gone(studio: Studio, kept: Kept) -> None:
    one = kept.diary.put(hour(LATER, 9))
    await kept.poll()
    kept.diary.put(hour(LATER, 10), one)
    odd = Timed(start=f"{LATER}T10:00:00", end=f"{LATER}T11:00:00", zone="Mars/Olympus")
    kept.diary.entries[one].event = CalendarEvent(times=odd)
    kept.diary.faults.append("410")
    await kept.poll()
    assert await busy(kept) == 1


@pytest.mark.parametrize("is_begun_anew", [False, True], ids=["gone on", "begun anew in another zone"])
async def test_a_series_that_goes_while_its_listing_waits_is_busy_no_more(
    studio: Studio, kept: Kept, is_begun_anew: bool
) -> None:
    weekly = msgspec.structs.replace(hour(LATER, 7), rules=("RRULE:FREQ=WEEKLY;COUNT=3",))
    series = kept.diary.put(weekly)
    for at in range(8, 13):
        kept.diary.put(hour(LATER, at))
    await kept.poll()
    assert await busy(kept) == 8
    await interrupted(kept)
    kept.diary.put(None, series)
    if is_begun_anew:
        kept.diary.zone = "Europe/Berlin"
        await studio.owner.got("POST", f"/api/v1/connections/{kept.connection}/find-calendars", code=202)
        await kept.work(finding.WORK)
    await kept.poll()
    await kept.poll()
    assert await busy(kept) == 5


async def interrupted(kept: Kept) -> None:
    """The cursor is lost, and of the listing that follows only the first page comes."""
    kept.diary.faults.extend(("410", "twice", "500"))
    await kept.poll()
    assert ((await kept.calendar())["outcome"], kept.diary.faults) == ("later", [])


async def test_a_locked_event_is_left_to_people(studio: Studio, kept: Kept) -> None:
    booking = await studio.book(on=LATER, title="Portraits")
    await kept.settle()
    kept.diary.locked = "Somebody else holds it."
    await studio.owner.got("PATCH", f"/api/v1/bookings/{booking['id']}", {"title": "Family"})
    await kept.settle()
    (conflict,) = await kept.conflicts()
    assert (conflict["kind"], "Somebody else holds it." in conflict["why"]) == ("refused", True)
    kept.diary.locked = ""
    await kept.decide("ours")
    assert [one.event.title for one in kept.diary.ours() if one.event] == ["Family"]


@pytest.mark.parametrize("series", [True, False])
async def test_a_move_that_no_booking_can_make_is_shown(studio: Studio, kept: Kept, series: bool) -> None:
    await studio.book(on=LATER, title="Portraits")
    await kept.settle()
    (entry,) = kept.diary.ours()
    long = CalendarEvent(times=Days(on=LATER, until="2027-12-24"), title="Portraits")
    kept.diary.put(hour(LATER, 9, title="Portraits", rules=("RRULE:FREQ=DAILY",)) if series else long, entry.id)
    await kept.poll()
    (conflict,) = await kept.conflicts()
    assert conflict["kind"] == "refused"
    assert ("repeats" in conflict["why"]) == series
    await kept.decide("ours")
    assert kept.diary.entries[entry.id].event == entry.event


async def test_whole_days_there_are_whole_days_of_the_booking(studio: Studio, kept: Kept) -> None:
    booking = await studio.book(on=LATER, title="Portraits")
    await kept.settle()
    (entry,) = kept.diary.ours()
    kept.diary.put(CalendarEvent(times=Days(on="2027-07-04", until="2027-07-06"), title="Portraits"), entry.id)
    await kept.poll()
    now = await studio.owner.got("GET", f"/api/v1/bookings/{booking['id']}")
    assert (now["on"], now["days"]) == ("2027-07-04", 2)


async def test_only_whoever_keeps_accounts_chooses_and_what_cannot_be_is_said(studio: Studio, kept: Kept) -> None:
    member = await studio.colleague()
    path = f"/api/v1/calendars/{kept.id}"
    await member.got("PATCH", path, {"direction": "off"}, code=403)
    unknown = {"resource_id": "01a1fef6-0000-7000-8000-000000000000"}
    await studio.owner.got("PATCH", path, unknown, code=422)
    version = (await kept.calendar())["version"]
    assert (await studio.owner.got("PATCH", path, {"direction": "both"}))["version"] == version
    kept.diary.put(hour(LATER, 9))
    await kept.poll()
    assert await busy(kept) == 1
    await kept.choose("export")
    await kept.settle()
    assert await busy(kept) == 0
    await kept.choose("off")
    await studio.owner.got("POST", f"{path}/sync", code=409)
    await kept.choose("import")
    await studio.owner.got("POST", f"{path}/sync", code=202)
    await kept.settle()
    assert await busy(kept) == 1


async def test_one_decision_is_enough_and_an_account_that_is_away_is_not_searched(studio: Studio, kept: Kept) -> None:
    await studio.book(on=LATER, title="Portraits")
    await kept.settle()
    (entry,) = kept.diary.ours()
    kept.diary.put(None, entry.id)
    await kept.poll()
    (conflict,) = await kept.conflicts()
    decide = f"/api/v1/calendar-conflicts/{conflict['id']}/resolve"
    await studio.owner.got("POST", decide, {"keep": "theirs"})
    await studio.owner.got("POST", decide, {"keep": "ours"}, code=409)
    await kept.town.admin.execute("update connections set state = 'paused' where id = $1", kept.connection)
    find = f"/api/v1/connections/{kept.connection}/find-calendars"
    await studio.owner.got("POST", find, code=409)


async def test_a_second_calendar_of_one_business_has_its_own_busy_times(studio: Studio, kept: Kept) -> None:
    other = await connected(studio.town, kept.provider, studio.supplier, studio.owner, id="second@example.test")
    await other.choose("import")
    await other.settle()
    for one in (kept, other):
        one.diary.put(hour(LATER, 9))
        await one.poll()
    assert await busy(kept) == 2
    await other.choose("off")
    await other.settle()
    assert await busy(kept) == 1
    # Nobody asks for it any more, so it is no calendar that was last heard of at some time.
    assert [one["source"] for one in await sources(studio)] == [f"calendar:{kept.id}"]


async def test_a_disconnected_calendar_is_no_source_of_busy_times(studio: Studio, kept: Kept) -> None:
    kept.diary.put(hour(LATER, 9))
    await kept.poll()
    (source,) = await sources(studio)
    assert source["times"] == 1
    await studio.owner.got("POST", f"/api/v1/connections/{kept.connection}/disconnect")
    await studio.react()
    assert await sources(studio) == []
    assert await busy(kept) == 0
    told = await studio.told("busy_source.refreshed", "busy_source.ended")
    assert [(e.type, e.op) for e in told][-2:] == [("busy_source.refreshed", "UPDATE"), ("busy_source.ended", "DELETE")]


async def sources(studio: Studio) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await studio.owner.got("GET", f"{studio.path}/busy-calendars"))["items"]
    return found
