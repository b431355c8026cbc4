"""Conflicts and days: found the moment either side changes, over when they are, told to both sides, leaking nothing."""

from typing import Any
from uuid import UUID

import pytest_asyncio

from tests.contracts.bookings_house import DAY, Studio, opened
from tests.contracts.town import Town

LATER = "2027-07-03"
PLAN = """explain (format json) select b.id from bookings b where b.supplier_id = '{supplier}' and b.blocked &&
    tstzrange('2027-06-05Z', '2027-06-06Z') and b.state in ('hold', 'booked')"""


@pytest_asyncio.fixture
async def studio(town: Town) -> Studio:
    return await opened(town)


def busy(*times: tuple[str, str, str]) -> list[dict[str, str]]:
    return [{"external_id": name, "starts_at": start, "ends_at": end} for name, start, end in times]


def days_of(facts: Any) -> list[tuple[str, str]]:
    return [(e.record["on"], e.record["state"]) for e in facts]


async def test_a_link_with_a_date_is_given_a_hold_once_and_both_sides_see_it(town: Town) -> None:
    couple = await town.person()
    wedding = await town.wedding(couple, on=DAY)
    business = await town.linked(couple, wedding)
    studio = Studio(town=town, business=business, couple=couple, wedding=wedding)
    await studio.react()
    path = f"{studio.path}/bookings?from=2027-01-01&to=2027-12-31"
    (held,) = (await studio.owner.got("GET", path))["items"]
    assert (held["state"], held["reason"], held["on"], held["days"]) == ("hold", "proposed", DAY, 1)
    assert (held["link_id"], held["couple_names"], held["is_open"]) == (business.link, "Ana & Ben", True)
    (known,) = (await couple.got("GET", f"/api/v1/weddings/{wedding}/bookings"))["items"]
    assert (known["id"], known["state"], known["link_id"]) == (held["id"], "hold", business.link)
    facts = await studio.told("link_booking.changed", "link_day.changed", of_wedding=True)
    assert [(e.type, e.record["state"]) for e in facts][-2:] == [
        ("link_booking.changed", "hold"),
        ("link_day.changed", "yours"),
    ]
    await studio.owner.got("POST", f"/api/v1/bookings/{held['id']}/book")
    await studio.react()
    (known,) = (await couple.got("GET", f"/api/v1/weddings/{wedding}/bookings"))["items"]
    assert known["state"] == "booked"
    await studio.owner.got("POST", f"/api/v1/bookings/{held['id']}/cancel")
    await couple.got("PATCH", f"/api/v1/weddings/{wedding}", {"couple_names": "Ana and Ben"})
    await studio.react()
    assert (await studio.owner.got("GET", path))["items"] == []


async def test_the_couple_hears_once_that_its_supplier_is_taken_on_the_day(town: Town) -> None:
    couple = await town.person()
    wedding = await town.wedding(couple, on=DAY)
    business = await town.linked(couple, wedding)
    studio = Studio(town=town, business=business, couple=couple, wedding=wedding)
    await studio.react()
    path = f"{studio.path}/bookings?from=2027-01-01&to=2027-12-31"
    (held,) = (await studio.owner.got("GET", path))["items"]
    await studio.owner.got("POST", f"/api/v1/bookings/{held['id']}/cancel")
    await studio.react()

    async def notices() -> list[str]:
        inbox = (await couple.got("GET", "/api/v1/me/inbox"))["items"]
        return [one["title"] for one in inbox if one["type"] == "link_day.changed"]

    assert await notices() == []
    calendar = f"{studio.path}/busy-calendars/team-calendar"
    whole = {"busy": busy(("a", f"{DAY}T00:00:00Z", f"{DAY}T23:59:00Z"))}
    for _ in range(2):
        await studio.owner.got("PUT", calendar, whole)
        await studio.react()
    (told,) = await notices()
    assert "is taken on your day by something else" in told
    await studio.owner.got("PUT", calendar, {"busy": []})
    await studio.react()
    assert len(await notices()) == 1


async def test_a_business_as_new_as_its_link_is_held_all_the_same(town: Town) -> None:
    couple = await town.person()
    wedding = await town.wedding(couple, on=DAY)
    business = await town.linked(couple, wedding)
    await town.react(wedding)
    held = f"/api/v1/suppliers/{business.supplier}/bookings?from={DAY}&to={DAY}"
    assert [b["reason"] for b in (await business.owner.got("GET", held))["items"]] == ["proposed"]
    await town.react(business.supplier)
    told = await town.events(business.supplier, "resource.added", kind="supplier")
    assert len(told) == 1


async def test_a_busy_time_elsewhere_is_a_conflict_until_either_side_moves(studio: Studio) -> None:
    booking = await studio.book(on=LATER)
    calendar = f"{studio.path}/busy-calendars/team-calendar"
    told = {
        "name": "Team",
        "busy": busy(
            ("a", f"{LATER}T10:00:00Z", f"{LATER}T12:00:00Z"), ("b", "2027-06-09T10:00:00Z", "2027-06-09T11:00:00Z")
        ),
    }
    assert (await studio.owner.got("PUT", calendar, told))["times"] == 2
    await studio.react()
    (found,) = await studio.conflicts()
    assert (found["kind"], found["booking_id"], found["other_table"]) == ("busy", booking["id"], "busy_times")
    assert (found["starts_at"], found["ends_at"]) == (f"{LATER}T11:00:00Z", f"{LATER}T12:00:00Z")
    assert found["words"] and found["fix"]
    await studio.owner.got("PATCH", f"/api/v1/bookings/{booking['id']}", {"at_local": "13:00:00", "minutes": 60})
    await studio.react()
    assert await studio.conflicts() == []
    patch = {"busy": busy(("c", f"{LATER}T12:30:00Z", f"{LATER}T13:30:00Z")), "gone": ["a"]}
    assert (await studio.owner.got("PATCH", calendar, patch))["times"] == 2
    await studio.react()
    assert [c["starts_at"] for c in await studio.conflicts()] == [f"{LATER}T12:30:00Z"]
    assert (await studio.owner.got("PUT", calendar, {"busy": []}))["times"] == 0
    await studio.react()
    assert await studio.conflicts() == []
    types = [e.type for e in await studio.told("conflict.found", "conflict.resolved")]
    assert types == ["conflict.found", "conflict.resolved", "conflict.found", "conflict.resolved"]
    # Each time it began, and not each time it was looked at, whoever keeps the calendar was told.
    inbox = (await studio.owner.got("GET", "/api/v1/me/inbox"))["items"]
    notices = [(one["type"], one["href"]) for one in inbox if one["type"] == "conflict.found"]
    assert notices == [("conflict.found", f"/studio/{studio.supplier}/calendar")] * 2


async def test_a_calendar_that_says_the_same_again_is_no_news(studio: Studio) -> None:
    calendar = f"{studio.path}/busy-calendars/team-calendar"
    told = {"busy": busy(("a", f"{DAY}T10:00:00Z", f"{DAY}T12:00:00Z"))}
    for _ in range(3):
        await studio.owner.got("PUT", calendar, told)
    assert len(await studio.told("busy_source.refreshed")) == 1
    backwards = {"busy": busy(("a", f"{DAY}T12:00:00Z", f"{DAY}T10:00:00Z"))}
    await studio.owner.got("PUT", calendar, backwards, code=422)
    await studio.owner.got("PATCH", f"{studio.path}/busy-calendars/unknown", {"busy": []}, code=404)


async def test_the_ceremony_that_moves_before_the_booking_is_a_conflict(studio: Studio) -> None:
    wedding = f"/api/v1/weddings/{studio.wedding}"
    await studio.couple.got("PATCH", wedding, {"ceremony_at": "14:00:00"})
    booking = await studio.book(category="wedding", link_id=studio.business.link)
    await studio.react()
    assert await studio.conflicts() == []
    await studio.couple.got("PATCH", wedding, {"ceremony_at": "11:00:00"})
    await studio.react()
    (found,) = await studio.conflicts()
    assert (found["kind"], found["booking_id"], found["link_id"]) == ("too_early", booking["id"], studio.business.link)
    page = await studio.couple.see(f"/me/{studio.wedding}/suppliers")
    assert "Booked 12:00 to 22:00" in page
    assert "The ceremony is at 11:00, outside of it" in page
    await studio.owner.got("PATCH", f"/api/v1/bookings/{booking['id']}", {"at_local": "10:00:00", "minutes": 720})
    await studio.react()
    assert await studio.conflicts() == []
    assert "outside of it" not in await studio.couple.see(f"/me/{studio.wedding}/suppliers")


async def test_a_moved_wedding_and_an_ended_link_leave_the_booking_to_a_person(studio: Studio) -> None:
    booking = await studio.book(category="wedding", link_id=studio.business.link)
    await studio.couple.got("PATCH", f"/api/v1/weddings/{studio.wedding}", {"on": "2027-06-12"})
    await studio.react()
    assert [c["kind"] for c in await studio.conflicts()] == ["other_day"]
    (day,) = await studio.town.admin.fetch("select * from link_days where link_id = $1", UUID(studio.business.link))
    assert (str(day["on"]), day["state"]) == ("2027-06-12", "free")
    await studio.couple.got("DELETE", f"/api/v1/links/{studio.business.link}", code=204)
    await studio.react()
    assert [c["kind"] for c in await studio.conflicts()] == ["link_ended"]
    assert (await studio.owner.got("GET", f"/api/v1/bookings/{booking['id']}"))["state"] == "booked"
    assert (await studio.couple.got("GET", f"/api/v1/weddings/{studio.wedding}/bookings"))["items"] == []


async def test_a_wedding_without_room_is_told_what_stands_in_its_way(studio: Studio) -> None:
    taken = await studio.book()
    await studio.react()
    (found,) = await studio.conflicts()
    assert (found["kind"], found["link_id"], found["other_id"]) == ("no_room", studio.business.link, taken["id"])
    await studio.owner.got("POST", f"{studio.path}/conflicts/{found['id']}/ignore", {})
    assert await studio.conflicts() == []
    await studio.owner.got("PATCH", f"/api/v1/bookings/{taken['id']}", {"minutes": 540, "at_local": "12:00:00"})
    await studio.react()
    assert [c["id"] for c in await studio.conflicts("ignored")] == [found["id"]]
    await studio.owner.got("POST", f"{studio.path}/conflicts/{found['id']}/ignore", {"is_ignored": False})
    await studio.owner.got("POST", f"{studio.path}/resources", {"name": "Second shooter"}, code=201)
    await studio.couple.got("PATCH", f"/api/v1/weddings/{studio.wedding}", {"ceremony_at": "15:00:00"})
    await studio.react()
    assert await studio.conflicts() == []
    await studio.owner.got("POST", f"{studio.path}/conflicts/{found['id']}/ignore", {}, code=409)


async def test_days_are_told_live_to_the_team_and_to_who_considers_them(studio: Studio) -> None:
    assert await studio.days("2027-06-04", "2027-06-06") == {"2027-06-04": "free", DAY: "free", "2027-06-06": "free"}
    await studio.book(at_local="08:00:00", minutes=300)
    await studio.react()
    assert (await studio.days(DAY))[DAY] == "partly"
    late = await studio.book(at_local="13:00:00", minutes=14 * 60)
    await studio.react()
    assert await studio.days(DAY, "2027-06-06") == {DAY: "taken", "2027-06-06": "free"}
    seen = await studio.couple.got("GET", f"/api/v1/links/{studio.business.link}/availability?from={DAY}&to=2027-06-06")
    assert seen["items"] == [{"on": DAY, "state": "taken"}, {"on": "2027-06-06", "state": "free"}]
    facts = await studio.told("link_day.changed", of_wedding=True)
    assert days_of(facts)[-2:] == [(DAY, "partly"), (DAY, "taken")]
    assert all(e.link_id == UUID(studio.business.link) for e in facts)
    await studio.owner.got("POST", f"/api/v1/bookings/{late['id']}/cancel")
    await studio.react()
    assert days_of(await studio.told("availability.changed"))[-3:] == [(DAY, "partly"), (DAY, "taken"), (DAY, "partly")]


async def test_the_other_side_knows_its_own_booking_and_nobody_elses(studio: Studio) -> None:
    await studio.book(title="canary-title", on="2027-08-01")
    mine = await studio.book(category="wedding", link_id=studio.business.link, title="canary-mine")
    florist = await studio.town.linked(studio.couple, studio.wedding, level="full")
    await studio.react()
    known = await studio.couple.got("GET", f"/api/v1/weddings/{studio.wedding}/bookings")
    assert [b["id"] for b in known["items"] if b["state"] == "booked"] == [mine["id"]]
    assert "canary" not in str(known)
    theirs = (await florist.owner.got("GET", f"/api/v1/weddings/{studio.wedding}/bookings"))["items"]
    assert [b["link_id"] for b in theirs] == [florist.link]
    days = f"/api/v1/links/{studio.business.link}/availability?from={DAY}&to={DAY}"
    await florist.owner.got("GET", days, code=404)
    facts = await studio.told(of_wedding=True)
    assert "canary" not in str([(e.record, e.old_record) for e in facts])
    told = {(e.link_id, e.record["link_id"]) for e in facts if e.type == "link_booking.changed"}
    assert told == {(UUID(link), link) for link in (studio.business.link, florist.link)}
    cleo = await studio.town.person("cleo")
    await cleo.got("GET", f"/api/v1/weddings/{studio.wedding}/bookings", code=404)
    await cleo.got("GET", days, code=404)


async def test_anybody_may_ask_for_free_days_where_the_supplier_lets_them(studio: Studio, town: Town) -> None:
    settings = f"{studio.path}/booking-settings"
    public = f"/api/v1/free/{studio.supplier}?from={DAY}&to=2027-06-06"
    await town.public.got("GET", public, code=404)
    first = await studio.owner.got("POST", f"{settings}/link")
    by_link = first["free_url"].partition("/free/")[2]
    asked = f"/api/v1/free/{by_link}?from={DAY}&to=2027-06-06"
    await studio.book(category="private", title="canary-private")
    one = (await town.public.got("GET", asked))["items"]
    assert one == [{"on": DAY, "is_free": False}, {"on": "2027-06-06", "is_free": True}]
    assert "No longer free" in await town.public.see(f"/free/{by_link}?on={DAY}")
    assert "is free" in await town.public.see(f"/free/{by_link}?on=2027-06-06")
    await town.public.got("GET", public, code=404)
    await studio.owner.got("PATCH", settings, {"is_public": True})
    assert (await town.public.got("GET", public))["items"] == one
    await studio.owner.got("POST", f"{settings}/link")
    await town.public.got("GET", asked, code=404)
    await studio.owner.got("PATCH", settings, {"is_public": False})
    absent = await town.public.ask("GET", f"/api/v1/free/{UUID(int=9)}?from={DAY}&to=2027-06-06")
    closed = await town.public.ask("GET", public)
    assert (absent.status_code, absent.content) == (404, closed.content)
    member = await studio.colleague()
    await member.got("POST", f"{settings}/link", code=403)
    await town.public.got("GET", asked.replace("2027-06-06", "2027-09-06"), code=422)


async def test_a_private_event_and_a_wedding_look_alike_from_outside(studio: Studio, town: Town) -> None:
    token = (await studio.owner.got("POST", f"{studio.path}/booking-settings/link"))["free_url"].partition("/free/")[2]
    await studio.book(on="2027-08-01", category="private")
    await studio.book(on="2027-08-02", category="wedding", link_id=studio.business.link)
    asked = [
        await town.public.ask("GET", f"/api/v1/free/{token}?from=2027-08-0{day}&to=2027-08-0{day}") for day in (1, 2)
    ]
    assert asked[0].content == asked[1].content.replace(b"08-02", b"08-01")
    assert {k for k in asked[0].headers if k != "date"} == {k for k in asked[1].headers if k != "date"}


async def test_the_check_reads_by_its_index(studio: Studio) -> None:
    async with studio.town.admin.transaction():
        await studio.town.admin.execute("set local enable_seqscan = off")
        text = await studio.town.admin.fetchval(PLAN.format(supplier=studio.supplier))
    assert "bookings_once" in text and "blocked &&" in text
