"""What the kitchen gets: totals without names, numbered sheets with them, final numbers; each for whom it is meant."""

import re
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
import pytest_asyncio

from tests.contracts.guest_house import GuestHouse, Visitor
from wedsync.guests import actions, list_page, model, replies
from wedsync.guests.kitchen import sheet_page, sheets
from wedsync.kit import clock
from wedsync.kit.errors import Refusal
from wedsync.suppliers import actions as suppliers
from wedsync.suppliers import model as supplier_model
from wedsync.web import render
from wedsync.web.shell import Shell


@pytest_asyncio.fixture
async def ana(house: GuestHouse) -> Visitor:
    return await house.visitor(house.wedding.ana)


async def coming(house: GuestHouse, *names: str) -> list[UUID]:
    """A party that comes to dinner."""
    _, ids = await house.party(*names)
    async with house.wedding.as_(house.wedding.ana) as tx:
        await replies.answer_many(tx, [(id, house.dinner, "accepted") for id in ids], by="couple")
    return ids


async def need(house: GuestHouse, guest: UUID, **needs: object) -> None:
    async with house.wedding.as_(house.wedding.ana) as tx:
        await actions.put_needs(tx, house.ring, house.id, guest, msgspec.convert(needs, type=model.Needs))


async def totals(house: GuestHouse) -> object:
    text = await house.wedding.admin.fetchval(
        "select dietary from headcounts where wedding_id = $1 and schedule_item_id = $2", house.id, house.dinner
    )
    return msgspec.json.decode(text)


PEANUTS = {"allergens": [{"key": "peanuts"}]}


async def test_totals_follow_needs_and_answers(house: GuestHouse) -> None:
    guests = await coming(house, "Carla Mendes", "Ola Mendes", "Tomás Mendes", "Ngozi Okafor")
    for guest in guests[:3]:
        await need(house, guest, **PEANUTS, diets=["vegan"])
    await need(house, guests[3], access=["step_free"])
    await house.react()
    assert await totals(house) == {"allergens": {"peanuts": 3}, "diets": {"vegan": 3}, "access": {"step_free": "<3"}}
    counted = await house.events("headcount.changed")
    assert (counted[-1].op, counted[-1].actor.kind, counted[-1].scope) == ("UPDATE", "system", 8)
    async with house.wedding.as_(house.wedding.ana) as tx:
        await replies.answer_many(tx, [(guests[0], house.dinner, "declined")], by="couple")
    await house.react()
    assert await totals(house) == {
        "allergens": {"peanuts": "<3"},
        "diets": {"vegan": "<3"},
        "access": {"step_free": "<3"},
    }
    async with house.wedding.as_(house.wedding.ana) as tx:
        await actions.remove_guests(tx, house.id, guests[1:3])
        await replies.withdraw(tx, house.id, [guests[3]], [house.dinner])
    await house.react()
    assert await totals(house) == {}


async def test_what_changes_no_total_records_none(house: GuestHouse) -> None:
    carla, ola = await coming(house, "Carla Mendes", "Ola Mendes")
    await need(house, carla, **PEANUTS)
    await house.react()
    before = [e.id for e in await house.events("headcount.changed")]
    await need(house, carla, **PEANUTS, note="really")
    await need(house, ola)
    async with house.wedding.as_(house.wedding.ana) as tx:
        await replies.save(
            tx,
            [
                model.Answer(
                    guest_id=carla,
                    schedule_item_id=house.dinner,
                    status="accepted",
                    menu_option_id=house.meals["Sea bass"],
                )
            ],
            by="couple",
        )
    assert "guests.recount_dietary" in await house.react()
    after = [e for e in await house.events("headcount.changed") if e.id not in before]
    assert [(e.record or {})["dietary"] for e in after] == [{"allergens": {"peanuts": "<3"}}]


async def caterer(house: GuestHouse) -> Visitor:
    """The photographer's link, with named needs and no guest list."""
    async with house.wedding.as_(house.wedding.ana) as tx:
        await suppliers.change(tx, house.wedding.photographer.id, supplier_model.LinkChange(can_view_dietary=True))
    return await house.visitor(house.wedding.photographer.actor)


async def test_a_sheet_is_numbered_and_says_what_changed(house: GuestHouse, ana: Visitor) -> None:
    carla, ola, tomas = await coming(house, "Carla Mendes", "Ola Mendes", "Tomás Mendes")
    await need(house, carla, allergens=[{"key": "milk", "severity": "mild"}], note="a little cheese is fine")
    await need(house, ola)
    path = f"/me/{house.id}/guests/dietary"
    page = await ana.see(path)
    assert "Not sent yet" in page
    assert "Send sheet 1" in page
    assert "a little cheese is fine" in page
    assert "1 guest said they have none" in " ".join(page.split())
    sent = await ana.send(path, {"item_id": house.dinner})
    assert sent.headers["location"] == f"{path}?item={house.dinner}"
    page = await ana.see(f"{path}?item={house.dinner}")
    assert "Sheet 1, sent just now" in page
    assert "Send sheet" not in page
    assert (await ana.send(path, {"item_id": house.dinner})).status_code == 409
    await need(house, carla, allergens=[{"key": "milk", "severity": "anaphylaxis"}])
    await need(house, tomas, diets=["vegan"])
    part = await ana.part(f"{path}?item={house.dinner}&fragment=rows")
    assert "Carla Mendes: Milk, anaphylaxis, instead of Milk, mild." in part
    assert "Tomás Mendes is new: Vegan." in part
    await ana.send(path, {"item_id": house.dinner})
    async with house.wedding.as_(house.wedding.ana) as tx:
        await replies.answer_many(tx, [(carla, house.dinner, "declined")], by="couple")
    assert "Carla Mendes is no longer on it." in await ana.see(f"{path}?item={house.dinner}")
    made = await house.events("dietary_sheet.made")
    assert [(e.record or {})["number"] for e in made] == [1, 2]
    assert "Mendes" not in msgspec.json.encode([e.record for e in made]).decode()


async def test_whoever_may_see_the_sheet_is_asked_and_reads_it(house: GuestHouse, ana: Visitor) -> None:
    kitchen = await caterer(house)
    (carla,) = await coming(house, "Carla Mendes")
    await need(house, carla, **PEANUTS)
    await ana.send(f"/me/{house.id}/guests/dietary", {"item_id": house.dinner})
    about = f"dietary_sheet:{house.dinner}"
    assert (await house.wedding.asked())[about] == {house.wedding.photographer.id}
    summary = await house.wedding.admin.fetchval("select summary from acknowledgements where about = $1", about)
    assert msgspec.json.decode(summary) == {"words": "Dietary sheet 1: Dinner", "number": 1, "changes": 0}
    api = f"/api/v1/weddings/{house.id}/dietary-sheets/{house.dinner}"
    sheet = (await kitchen.http.get(api)).json()
    assert sheet["content"]["lines"][0]["name"] == "Carla Mendes"
    assert sheet["content"]["totals"]["allergens"] == {"peanuts": 1}
    assert (await kitchen.http.post(api)).status_code == 403
    assert len(await house.events("dietary_sheet.made")) == 1
    assert "Photographer" in await ana.see(f"/me/{house.id}/guests/dietary?item={house.dinner}")
    planner = await house.visitor(house.wedding.planner.actor)
    assert (await planner.http.get(api)).status_code == 404
    couple_api = await ana.http.get(f"/api/v1/weddings/{house.id}/dietary-sheets/{house.ceremony}")
    assert couple_api.status_code == 404
    again = await ana.http.post(api)
    assert (again.status_code, again.json()["code"]) == (409, "unchanged")


async def test_a_sheet_of_nothing_is_refused(house: GuestHouse, ana: Visitor) -> None:
    path = f"/me/{house.id}/guests/dietary"
    for wrong in ("nonsense", str(uuid4())):
        assert (await ana.send(path, {"item_id": wrong})).status_code == 404
    await ana.see(f"{path}?item={uuid4()}", code=404)
    async with house.wedding.as_(house.wedding.ana) as tx:
        with pytest.raises(Refusal):
            await sheets.make(tx, house.ring, house.id, uuid4())


async def test_final_numbers_are_taken_compared_and_opened_again(house: GuestHouse, ana: Visitor) -> None:
    carla, _ = await coming(house, "Carla Mendes", "Ola Mendes")
    _, (tomas,) = await house.party("Tomás Mendes")
    path = f"/me/{house.id}/guests/lock"
    page = await ana.see(path)
    assert "1 guest has not answered" in page
    assert "Photographer" in page
    assert (await ana.send(path, {"item_id": house.dinner})).headers["location"] == path
    assert (await ana.send(path, {"item_id": house.dinner})).status_code == 409
    assert (await house.wedding.asked())[f"final_numbers:{house.dinner}"] == {
        house.wedding.photographer.id, house.wedding.planner.id,
    }  # fmt: skip
    async with house.wedding.as_(house.wedding.ana) as tx:
        await actions.change_guest(tx, tomas, {"age_band": "child"})
        said = [
            model.Answer(guest_id=tomas, schedule_item_id=house.dinner, status="accepted"),
            model.Answer(
                guest_id=carla, schedule_item_id=house.dinner, status="accepted", menu_option_id=house.meals["Sea bass"]
            ),
        ]
        await replies.save(tx, said, by="couple")
    page = await ana.see(path)
    for line in ("1 more coming: 3 instead of 2", "Children among them: 1 instead of 0", "Sea bass: 1 instead of 0"):
        assert line in page
    (stamp,) = re.findall(r"Stamp ([0-9a-f]{12})", page)
    kept = await house.wedding.admin.fetchval("select sha256 from headcount_locks where wedding_id = $1", house.id)
    assert kept.startswith(stamp)
    assert "1 more" in await ana.see(f"/me/{house.id}/fragments/counts")
    assert (await ana.send(f"{path}/release", {"item_id": house.dinner})).status_code == 303
    assert (await ana.send(f"{path}/release", {"item_id": house.dinner})).status_code == 404
    assert [e.type for e in await house.events("headcount.locked", "headcount.unlocked")] == [
        "headcount.locked",
        "headcount.unlocked",
    ]


async def test_dietary_changes_show_against_final_numbers(house: GuestHouse, ana: Visitor) -> None:
    (carla,) = await coming(house, "Carla Mendes")
    await ana.send(f"/me/{house.id}/guests/lock", {"item_id": house.dinner})
    await need(house, carla, **PEANUTS)
    await house.react()
    assert "Dietary needs have changed" in await ana.see(f"/me/{house.id}/guests/lock")


async def test_meals_are_named_renamed_and_taken_away(house: GuestHouse, ana: Visitor) -> None:
    path = f"/me/{house.id}/guests/meals"
    page = await ana.see(path)
    assert "Sea bass" in page
    names = {f"name.{id}": name for name, id in house.meals.items()}
    bass, pie = (f"name.{house.meals[name]}" for name in ("Sea bass", "Mushroom pie"))
    said = names | {"item_id": house.dinner, bass: "Sea bass, fennel", pie: "", "added": "Risotto\n\n  Tart "}
    assert (await ana.send(path, said)).headers["location"] == f"{path}#meals-{house.dinner}"
    kept = await house.wedding.admin.fetch(
        "select id, name from menu_options where schedule_item_id = $1 order by position", house.dinner
    )
    assert [r["name"] for r in kept] == ["Sea bass, fennel", "Short rib", "Risotto", "Tart"]
    assert kept[0]["id"] == house.meals["Sea bass"]
    types = [e.type for e in await house.events() if e.type.startswith("menu_option.")]
    assert types == ["menu_option.changed", "menu_option.added", "menu_option.added", "menu_option.removed"]
    (carla,) = await coming(house, "Carla Mendes")
    said = [
        model.Answer(guest_id=carla, schedule_item_id=house.dinner, status="accepted", menu_option_id=kept[0]["id"])
    ]
    async with house.wedding.as_(house.wedding.ana) as tx:
        await replies.save(tx, said, by="couple")
    refused = await ana.send(path, {"item_id": house.dinner, bass: ""})
    assert refused.status_code == 409
    assert "Has been chosen by 1" in refused.text
    for wrong in ({"added": "x" * 201}, {"added": "\n".join("abcdefghijklmnopqrstuvwxyzabcdefgh")}, {bass: "x" * 201}):
        answer = await ana.send(path, {"item_id": house.dinner} | wrong)
        assert answer.status_code == 422
    assert (await ana.send(path, {"item_id": uuid4(), "added": "Soup"})).status_code == 404
    assert (await ana.send(path, {"item_id": house.dinner, "name.x": "Soup"})).status_code == 404


async def test_a_caterer_reads_the_number_that_was_sent(house: GuestHouse, ana: Visitor) -> None:
    await caterer(house)
    carla, ola = await coming(house, "Carla Mendes", "Ola Mendes")

    async def read() -> dict[str, Any] | None:
        async with house.wedding.as_(house.wedding.photographer) as tx:
            return await sheet_page.for_supplier(tx, house.ring, house.id, house.dinner, base="/b", now=clock.now())

    await need(house, carla, **PEANUTS)
    assert await read() is None
    await ana.send(f"/me/{house.id}/guests/dietary", {"item_id": house.dinner})
    await need(house, ola, diets=["vegan"])
    first = await read()
    assert first is not None
    assert [row["name"] for row in first["rows"]] == ["Carla Mendes"]
    assert "Ola" not in render.page("guests/dietary.html", Shell(), **first)
    await ana.send(f"/me/{house.id}/guests/dietary", {"item_id": house.dinner})
    second = await read()
    assert second is not None
    assert (second["sheet"]["number"], second["since_last"]) == (2, ["Ola Mendes is new: Vegan."])
    page = render.page("guests/dietary.html", Shell(), **second)
    assert 'data-live-src="/b?item=' in page
    assert "Ola Mendes is new: Vegan." in page
    async with house.wedding.as_(house.wedding.planner) as tx:
        assert await sheet_page.for_supplier(tx, house.ring, house.id, None, base="/b", now=clock.now()) is None


async def test_a_supplier_reads_the_list_and_edits_nothing(house: GuestHouse) -> None:
    (carla,) = await coming(house, "Carla Mendes")
    await need(house, carla, **PEANUTS)
    shell = Shell(base="/studio/x/weddings/y")
    async with house.wedding.as_(house.wedding.planner) as tx:
        values = await list_page.values(tx, house.ring, house.id, {"q": "carla"}, base=shell.base, may_edit=False)
    page = render.page("guests/guests.html", shell, **values)
    assert "Carla Mendes" in page
    assert "Peanuts" not in page
    assert "RSVP link" not in page
    assert ">Edit<" not in page
    async with house.wedding.as_(house.wedding.florist) as tx:
        unseen = await list_page.values(tx, house.ring, house.id, {}, base=shell.base, may_edit=False)
    assert (unseen["total"], unseen["parties"]) == ({"guests": 0, "parties": 0}, [])
