"""The pages of connected calendars: choosing, looking now, deciding; for the couple and for a business alike."""

from typing import Any
from uuid import UUID

from tests.contracts.bookings_house import opened
from tests.contracts.calendar_house import Kept, Provider, connected
from tests.contracts.town import LEASE_WORK, Somebody, Town
from wedsync.connections import incoming
from wedsync.connections.calendars.event import CalendarEvent, Timed
from wedsync.events.jobs import Job
from wedsync.kit.actor import Actor

LATER = "2027-07-03"
THREE = Timed(start="2027-06-05T15:00:00", end="2027-06-05T15:45:00", zone="Europe/London")
OWE = """insert into inbox_hooks (id, tenant_id, source_id, connector, dedupe_key, sealed, verified_by)
    values ($1, $2, $3, 'google_calendar', 'one', $4, 'google')"""


async def test_a_business_chooses_a_calendar_and_decides_on_pages(town: Town) -> None:
    studio = await opened(town)
    kept = await connected(town, Provider(), studio.supplier, studio.owner)
    base = f"/studio/{studio.supplier}/calendars"
    assert "Not used" in await studio.owner.see(base)
    form: dict[str, Any] = {
        "version": 1,
        "direction": "both",
        "policy": "manual",
        "has_bookings": "on",
        "has_schedule": "on",
    }
    assert (await studio.owner.send(f"{base}/{kept.id}", **form)).status_code == 303
    await studio.book(on=LATER, title="Portraits")
    await kept.settle(studio.wedding)
    page = await studio.owner.see(f"{base}/{kept.id}")
    assert "In step" in page
    assert "1 written" in page
    (entry,) = kept.diary.ours()
    kept.diary.put(None, entry.id)
    assert (await studio.owner.send(f"{base}/{kept.id}/sync")).status_code == 303
    await kept.settle()
    (conflict,) = await kept.conflicts()
    page = await studio.owner.see(base)
    assert "Deleted in the calendar" in page
    assert "Put it back" in page
    assert (await studio.owner.send(f"{base}/conflicts/{conflict['id']}", keep="ours")).status_code == 303
    assert (await studio.owner.send(f"{base}/conflicts/{conflict['id']}", keep="ours")).status_code == 303
    await kept.settle()
    assert len(kept.diary.ours()) == 1
    stale: dict[str, Any] = form | {"version": 1, "direction": "off"}
    assert "Somebody else changed this" in (await studio.owner.send(f"{base}/{kept.id}", **stale)).text
    member = await studio.colleague()
    await member.see(base, code=404)


async def test_a_couples_own_schedule_goes_both_ways(town: Town) -> None:
    studio = await opened(town)
    kept = await connected(town, Provider(), studio.wedding, studio.couple)
    base = f"/me/{studio.wedding}/calendars"
    form: dict[str, Any] = {"version": 1, "direction": "both", "policy": "theirs", "has_schedule": "on"}
    assert (await studio.couple.send(f"{base}/{kept.id}", **form)).status_code == 303
    new = {"title": "Ceremony", "at_local": "14:00", "minutes": 45}
    item = await studio.couple.got("POST", f"/api/v1/weddings/{studio.wedding}/schedule", new, code=201)
    await kept.settle()
    (entry,) = kept.diary.ours()
    assert entry.event is not None
    assert entry.event.title == "Ceremony"
    kept.diary.put(CalendarEvent(times=THREE, title="Ceremony"), entry.id)
    await _notified(kept)
    await kept.settle()
    now = await studio.couple.got("GET", f"/api/v1/schedule/{item['id']}")
    assert now["at_local"] == "15:00:00"
    assert "Ceremony" not in await studio.owner.see(f"/studio/{studio.supplier}/calendars")


async def test_whoever_keeps_calendars_is_told_once_of_what_waits_and_no_word_of_it(town: Town) -> None:
    studio = await opened(town)
    admin, member = await studio.colleague("admin"), await studio.colleague()
    kept = await connected(town, Provider(), studio.supplier, studio.owner)
    await kept.choose("both")
    await studio.book(on=LATER, title="SECRET-77")
    await kept.settle()
    (entry,) = kept.diary.ours()
    kept.diary.put(None, entry.id)
    for _ in range(2):
        await kept.poll()
    for somebody in (studio.owner, admin):
        (told,) = await _of_calendars(somebody)
        assert told["title"] == "A connected calendar and WedSync disagree"
        assert told["href"] == f"/studio/{studio.supplier}/calendars"
        assert "SECRET-77" not in str(told)
    assert (await _of_calendars(member), await _of_calendars(studio.couple)) == ([], [])
    assert "Deleted in the calendar" in await admin.see(f"/studio/{studio.supplier}/calendars")


async def test_a_couple_is_told_of_its_own_calendar_and_a_business_is_not(town: Town) -> None:
    studio = await opened(town)
    kept = await connected(town, Provider(), studio.wedding, studio.couple)
    await kept.choose("both")
    await studio.couple.got(
        "POST", f"/api/v1/weddings/{studio.wedding}/schedule", {"title": "Ceremony", "at_local": "14:00"}, code=201
    )
    await kept.settle(studio.supplier)
    (entry,) = kept.diary.ours()
    kept.diary.put(None, entry.id)
    await kept.poll()
    (told,) = await _of_calendars(studio.couple)
    assert told["href"] == f"/me/{studio.wedding}/calendars"
    assert await _of_calendars(studio.owner) == []


async def _of_calendars(somebody: Somebody) -> list[Any]:
    items = (await somebody.got("GET", "/api/v1/me/inbox"))["items"]
    return [one for one in items if one["type"] == "calendar_conflict.found"]


async def _notified(kept: Kept) -> None:
    """The provider says that something has changed, and no more."""
    id = UUID(int=kept.connection.int ^ 1)
    sealed = kept.town.ring.seal(b"", tenant=UUID(kept.tenant), table="inbox_hooks", column="sealed", row=id)
    await kept.town.admin.execute(OWE, id, UUID(kept.tenant), kept.connection, sealed)
    async with kept.town.door.enter(Actor(kind="person", id=kept.owner.id), UUID(kept.tenant)) as tx:
        await tx.value("select app.owe_hook($1)", id)
    row = await kept.town.admin.fetchrow(LEASE_WORK, UUID(kept.tenant), incoming.WORK)
    await incoming.works(kept.town.ring)[incoming.WORK](kept.town.door, Job(**row))
