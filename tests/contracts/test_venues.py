"""Spaces of a venue through the door: who gives which to what, and that both sides hear when too many accept."""

import asyncio
from typing import Any

import pytest
import pytest_asyncio

from tests.contracts.guest_house import GuestHouse
from tests.contracts.import_house import importer, working
from tests.contracts.town import Somebody, Town
from tests.contracts.venue_house import ORANGERY, Given, given, inbox
from wedsync.events import record
from wedsync.kit.config import Settings
from wedsync.kit.db import Door
from wedsync.venues import actions, model

pytestmark = pytest.mark.usefixtures("nothing_owed")


@pytest_asyncio.fixture
async def orangery(town: Town, ana: Somebody) -> Given:
    return await given(town, ana)


async def test_one_guest_too_many_is_told_to_both_sides_once_and_one_fewer_fits_again(orangery: Given) -> None:
    await orangery.accept(0, 10)
    assert (await orangery.types(), await orangery.is_over()) == (["space.given"], False)
    await orangery.reply(orangery.guests[10])
    await orangery.reply(orangery.guests[11])
    assert (await orangery.types(), await orangery.is_over()) == (["space.given", "space.exceeded"], True)
    await orangery.reply(orangery.guests[11], "declined")
    await orangery.reply(orangery.guests[10], "tentative")
    assert (await orangery.types(), await orangery.is_over()) == (
        ["space.given", "space.exceeded", "space.fits_again"],
        False,
    )
    await orangery.town.react(orangery.wedding)
    told = await inbox(orangery.owner)
    assert sorted(one["type"] for one in told) == ["space.exceeded", "space.fits_again"]
    assert any("More guests have accepted than Orangery takes (10 seated)" in one["title"] for one in told)
    assert {one["href"] for one in told} == {orangery.page}
    ours = await inbox(orangery.ana)
    assert sorted(one["type"] for one in ours) == ["space.exceeded", "space.fits_again"]
    assert {one["href"] for one in ours} == {f"/me/{orangery.wedding}/spaces"}
    assert await inbox(orangery.other.owner) == []
    for somebody in (orangery.ana, orangery.owner):
        mails = await orangery.town.mails(orangery.wedding, to=somebody.email)
        assert sum("More guests have accepted than Orangery" in mail["text"] for mail in mails) == 1
    (fact,) = await orangery.town.events(orangery.wedding, "space.exceeded")
    assert (str(fact.link_id), fact.op, fact.subject.table) == (orangery.venue.link, "UPDATE", "space_uses")
    assert fact.record is not None
    assert "11" not in {str(value) for value in fact.record.values()}


async def test_answers_that_come_at_once_turn_it_once(town: Town, ana: Somebody) -> None:
    one = await given(town, ana, guests=20)
    await one.accept(0, 20)
    assert await one.types() == ["space.given", "space.exceeded"]
    await asyncio.gather(*(one.reply(guest, "declined") for guest in one.guests))
    assert await one.types() == ["space.given", "space.exceeded", "space.fits_again"]


async def test_a_change_of_the_venues_and_answers_do_not_wait_for_each_other(town: Town, ana: Somebody) -> None:
    one = await given(town, ana, guests=20)

    async def turn(arrangement: str) -> None:
        await one.owner.got("PATCH", one.path, {"arrangement": arrangement})

    turns = (turn("standing" if number % 2 else "seated") for number in range(8))
    await asyncio.gather(one.accept(0, 12), *turns)
    now = await one.owner.got("GET", one.path)
    assert now["is_over"] is (now["capacity"] < 12)
    facts = [kind for kind in await one.types() if kind in ("space.exceeded", "space.fits_again")]
    assert facts == [("space.exceeded", "space.fits_again")[n % 2] for n in range(len(facts))]
    assert bool(len(facts) % 2) is now["is_over"]


async def test_a_link_without_head_counts_learns_that_it_is_too_small_and_no_number(town: Town, ana: Somebody) -> None:
    one = await given(town, ana, level="basic", can_edit_timeline=True)
    await one.accept(0, 11)
    assert await one.is_over()
    await town.react(one.wedding)
    assert [told["type"] for told in await inbox(one.owner)] == ["space.exceeded"]
    log = await one.owner.got("GET", f"/api/v1/weddings/{one.wedding}/events?limit=500")
    assert {e["subject"]["table"] for e in log["items"]}.isdisjoint({"headcounts", "rsvps", "guests"})
    page = await one.owner.see(one.page)
    assert "More have accepted than it takes" in page
    assert "11 " not in page[page.index('id="spaces"') :].partition("</section>")[0]


async def test_no_other_supplier_sees_anything_of_it(orangery: Given, town: Town) -> None:
    await orangery.accept(0, 11)
    eve, listed = await town.person("eve"), f"/api/v1/weddings/{orangery.wedding}/space-uses"
    for stranger in (orangery.other.owner, eve):
        await stranger.got("GET", orangery.path, code=404)
        await stranger.got("PATCH", orangery.path, {"arrangement": "standing"}, code=404)
        await stranger.got("DELETE", orangery.path, code=404)
        await stranger.got("GET", f"/api/v1/suppliers/{orangery.venue.supplier}/spaces", code=404)
    assert (await orangery.other.owner.got("GET", listed))["items"] == []
    log = await orangery.other.owner.got("GET", f"/api/v1/weddings/{orangery.wedding}/events?limit=500")
    assert "space_uses" not in {e["subject"]["table"] for e in log["items"]}
    (own,) = (await orangery.ana.got("GET", listed))["items"]
    assert (own["name"], own["capacity"], own["is_over"]) == ("Orangery", 10, True)
    body = {"schedule_item_id": orangery.dinner, "space_id": orangery.space}
    refused = await orangery.other.owner.got("POST", listed, body, code=422)
    assert refused["errors"][0]["field"] == "space_id"
    await orangery.ana.got("POST", listed, body, code=403)
    await orangery.ana.got("PATCH", orangery.path, {"arrangement": "standing"}, code=403)
    await orangery.ana.got("DELETE", orangery.path, code=403)


async def test_another_arrangement_or_space_is_judged_at_once(orangery: Given) -> None:
    await orangery.accept(0, 11)
    standing = await orangery.owner.got("PATCH", orangery.path, {"arrangement": "standing"})
    assert (standing["capacity"], standing["is_over"]) == (16, False)
    spaces = f"/api/v1/suppliers/{orangery.venue.supplier}/spaces"
    barn = (await orangery.owner.got("POST", spaces, {"name": "Barn", "seated_max": 8}, code=201))["id"]
    refused = await orangery.owner.got("PATCH", orangery.path, {"space_id": barn}, code=422)
    assert refused["errors"][0]["field"] == "arrangement"
    seated = await orangery.owner.got("PATCH", orangery.path, {"space_id": barn, "arrangement": "seated"})
    assert (seated["name"], seated["capacity"], seated["is_over"]) == ("Barn", 8, True)
    late = await orangery.owner.ask("PATCH", orangery.path, {"ready_by": "16:00:00"}, if_match='"1"')
    assert (late.status_code, late.json()["current"]["name"]) == (412, "Barn")
    early = await orangery.owner.got("PATCH", orangery.path, {"ready_by": "11:00:00"}, code=422)
    assert early["errors"][0]["field"] == "ready_by"
    assert await orangery.types() == [
        *("space.given", "space.exceeded", "space.rearranged", "space.fits_again"),
        *("space.rearranged", "space.exceeded"),
    ]


async def test_one_space_for_each_part_of_the_day_and_only_parts_that_are_shared(orangery: Given) -> None:
    listed = f"/api/v1/weddings/{orangery.wedding}/space-uses"
    body = {"schedule_item_id": orangery.dinner, "space_id": orangery.space}
    assert (await orangery.owner.got("POST", listed, body, code=409))["code"] == "already_given"
    refused = await orangery.owner.got("POST", listed, body | {"schedule_item_id": orangery.wedding}, code=422)
    assert refused["errors"][0]["field"] == "schedule_item_id"
    await orangery.ana.got("PATCH", f"/api/v1/links/{orangery.venue.link}", {"level": "basic"})
    refused = await orangery.owner.got("POST", listed, body, code=422)
    assert refused["errors"][0]["field"] == "schedule_item_id"
    assert [one["id"] for one in (await orangery.owner.got("GET", listed))["items"]] == [orangery.id]


async def test_a_part_taken_off_the_schedule_takes_its_space_along_and_says_so(orangery: Given) -> None:
    path = f"/api/v1/weddings/{orangery.wedding}"
    tea = {"title": "Tea", "on": "2027-06-05", "at_local": "15:00:00", "takes_rsvps": False}
    item = (await orangery.ana.got("POST", f"{path}/schedule", tea, code=201))["id"]
    body = {"schedule_item_id": item, "space_id": orangery.space, "arrangement": "standing"}
    made = (await orangery.owner.got("POST", f"{path}/space-uses", body, code=201))["id"]
    await orangery.ana.got("DELETE", f"/api/v1/schedule/{item}", code=204)
    await orangery.owner.got("GET", f"/api/v1/space-uses/{made}", code=404)
    (gone,) = await orangery.town.events(orangery.wedding, "space.withdrawn")
    assert (str(gone.subject.id), gone.op, str(gone.link_id)) == (made, "DELETE", orangery.venue.link)


async def test_a_link_that_ended_is_told_nothing_more(orangery: Given) -> None:
    await orangery.ana.got("DELETE", f"/api/v1/links/{orangery.venue.link}", code=204)
    await orangery.accept(0, 11)
    assert await orangery.types() == ["space.given"]


async def test_spaces_are_kept_by_owners_and_admins(orangery: Given, town: Town) -> None:
    base = f"/api/v1/suppliers/{orangery.venue.supplier}"
    colleague = await town.person("colleague")
    added = await orangery.owner.got("POST", f"{base}/members", {"email": colleague.email, "role": "member"}, code=201)
    await colleague.got("POST", f"{base}/spaces", ORANGERY, code=403)
    assert [one["name"] for one in (await colleague.got("GET", f"{base}/spaces"))["items"]] == ["Orangery"]
    await orangery.owner.got("PUT", f"{base}/members/{added['id']}/assignments/{orangery.venue.link}", code=204)
    await colleague.got("PATCH", orangery.path, {"setup_at": "10:00:00"})
    nobody: dict[str, Any] = {"name": "Lawn"}
    assert (await orangery.owner.got("POST", f"{base}/spaces", nobody, code=422))["errors"][0]["field"] == "seated_max"
    hall = (await orangery.owner.got("POST", f"{base}/resources", {"name": "Hall"}, code=201))["id"]
    path = f"{base}/spaces/{orangery.space}"
    changed = await orangery.owner.got("PATCH", path, {"resource_id": hall, "seated_max": 4, "is_active": False})
    assert (changed["resource_id"], changed["version"]) == (hall, 2)
    await orangery.owner.got("PATCH", path, {"resource_id": orangery.wedding}, code=422)
    assert (await orangery.owner.got("GET", orangery.path))["capacity"] == 10
    refused = await orangery.owner.got("PATCH", orangery.path, {"arrangement": "standing"}, code=409)
    assert refused["code"] == "not_in_use"
    await orangery.owner.got("DELETE", path, code=204)
    await orangery.owner.got("PATCH", orangery.path, {"setup_at": "09:00:00"})
    facts = await town.events(orangery.venue.supplier, kind="supplier")
    kinds = [e.type for e in facts if e.type.startswith("space.")]
    assert kinds == ["space.added", "space.changed", "space.removed"]


async def test_a_whole_list_that_is_brought_in_turns_it_once(house: GuestHouse, settings: Settings) -> None:
    wedding, planner = house.wedding, house.wedding.planner
    async with wedding.as_(planner) as tx:
        supplier = await tx.value("select l.supplier_id from links l where l.id = app.link()")
    async with wedding.door.enter(planner.actor, supplier) as tx:
        space = await actions.add(tx, model.NewSpace(name="Barn", seated_max=100))
    async with wedding.as_(planner) as tx:
        use = await actions.give(tx, model.NewSpaceUse(schedule_item_id=house.dinner, space_id=space))
    rows = "\n".join(f"Guest {number},Family {number},yes" for number in range(320))
    ana = await importer(house)
    async with working(Door(wedding.door.pool, flush=record.flush), settings):
        done = await ana.bring(f"First name,Last name,RSVP\n{rows}\n".encode())
        assert done["created"] >= 320, done
        async with wedding.as_(planner) as tx:
            row: Any = await tx.row(actions.queries.one, use)
        assert row["is_over"] is True
        await ana.undo(done["id"])
    events = await house.events("space.exceeded", "space.fits_again")
    assert [event.type for event in events] == ["space.exceeded", "space.fits_again"]
