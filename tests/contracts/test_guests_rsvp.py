"""What a guest does on the page of an RSVP link: answers for the whole party, changes it, and sees nobody else."""

from uuid import UUID, uuid4

import pytest

from tests.contracts.guest_house import GuestHouse, Visitor, hidden
from wedsync.guests import sealed
from wedsync.guests.kitchen import final_numbers
from wedsync.weddings import actions as weddings


async def test_a_party_answers_at_once(house: GuestHouse) -> None:
    party, (carla, tomas) = await house.party("Carla Mendes", "Tomás Mendes")
    path = await house.link(party)
    page = await house.public.see(path)
    assert "Carla Mendes" in page
    assert "Sea bass" in page
    answer = await house.public.send(
        path,
        {
            "_base": hidden(page, "_base"),
            f"{carla}.{house.ceremony}": "accepted",
            f"{carla}.{house.dinner}": "accepted",
            f"{carla}.{house.dinner}.menu": house.meals["Sea bass"],
            f"{carla}.allergen": ["tree_nuts", "milk"],
            f"{carla}.severity_tree_nuts": "anaphylaxis",
            f"{carla}.severity_milk": "mild",
            f"{carla}.severity_eggs": "severe",
            f"{carla}.note": "carries an EpiPen",
            f"{tomas}.{house.ceremony}": "accepted",
            f"{tomas}.{house.dinner}": "declined",
            f"{tomas}.{house.dinner}.menu": "",
            f"{tomas}.note": "",
            f"{tomas}.no_needs": "on",
        },
    )
    assert (answer.status_code, answer.headers["location"]) == (303, f"{path}/thanks")
    assert await house.answers(carla) == {
        house.ceremony: ("accepted", None),
        house.dinner: ("accepted", house.meals["Sea bass"]),
    }
    assert (await house.answers(tomas))[house.dinner] == ("declined", None)
    assert len(await house.events("rsvp.replied")) == 4
    assert {e.actor.kind for e in await house.events("rsvp.replied", "needs.changed")} == {"guest"}
    kept = await needs_of(house, carla)
    assert {a.key: a.severity for a in kept.allergens} == {"tree_nuts": "anaphylaxis", "milk": "mild"}
    assert kept.note == "carries an EpiPen"
    none = await needs_of(house, tomas)
    assert none.answered
    assert not none.allergens
    thanks = await house.public.see(f"{path}/thanks")
    assert "How lovely" in thanks
    assert "Ceremony and Dinner, Sea bass" in thanks


async def needs_of(house: GuestHouse, guest: UUID) -> sealed.Needs:
    text = await house.wedding.admin.fetchval("select sealed from guest_needs where guest_id = $1", guest)
    return sealed.open_needs(house.ring, house.id, guest, text)


async def test_the_same_answer_again_records_nothing(house: GuestHouse) -> None:
    party, (carla,) = await house.party("Carla Mendes")
    path = await house.link(party)
    said = {f"{carla}.{house.ceremony}": "accepted", f"{carla}.note": "no mushrooms"}
    for _ in range(2):
        assert (await house.public.send(path, said)).status_code == 303
    assert len(await house.events("rsvp.replied")) == 1
    assert len(await house.events("needs.changed")) == 1


async def test_two_of_a_party_who_answer_at_once_undo_nothing(house: GuestHouse) -> None:
    party, (carla, ola) = await house.party("Carla Mendes", "Ola Mendes")
    path = await house.link(party)
    base = hidden(await house.public.see(path), "_base")
    first = {
        "_base": base,
        f"{carla}.{house.ceremony}": "accepted",
        f"{ola}.note": "",
        f"{carla}.note": "",
        f"{carla}.allergen": ["milk"],
    }
    second = {
        "_base": base,
        f"{ola}.{house.ceremony}": "declined",
        f"{ola}.note": "",
        f"{carla}.note": "",
        f"{carla}.allergen": ["eggs"],
    }
    for said in (first, second):
        assert (await house.public.send(path, said)).status_code == 303
    assert (await house.answers(carla))[house.ceremony][0] == "accepted"
    assert (await house.answers(ola))[house.ceremony][0] == "declined"
    assert {a.key for a in (await needs_of(house, carla)).allergens} == {"milk", "eggs"}


async def test_an_empty_form_is_asked_for_an_answer(house: GuestHouse) -> None:
    party, (carla,) = await house.party("Carla Mendes")
    answer = await house.public.send(await house.link(party), {f"{carla}.note": ""})
    assert answer.status_code == 422
    assert "Say yes or no for at least one of you" in answer.text


async def test_a_refused_form_keeps_what_was_typed(house: GuestHouse) -> None:
    party, (carla,) = await house.party("Carla Mendes")
    said = {
        f"{carla}.{house.dinner}": "accepted",
        f"{carla}.{house.dinner}.menu": uuid4(),
        f"{carla}.note": "no cress",
        f"{carla}.diet": ["vegan"],
    }
    answer = await house.public.send(await house.link(party), said)
    assert answer.status_code == 422
    assert "not one of the meals" in answer.text
    assert 'value="no cress"' in answer.text
    assert 'value="vegan" checked' in answer.text
    assert f'name="{carla}.{house.dinner}" value="accepted" checked' in answer.text
    assert not await house.events("rsvp.replied", "needs.changed")


async def test_a_plus_one_is_named_and_more_are_brought(house: GuestHouse) -> None:
    party, (lukas, unnamed) = await house.party("Łukasz Nowak", "Guest of Łukasz", plus_ones=1)
    path = await house.link(party)
    page = await house.public.see(path)
    assert "You may bring somebody" in page
    said = {
        "_base": hidden(page, "_base"),
        f"name.{unnamed}": "Maria Lopez",
        f"{unnamed}.{house.ceremony}": "accepted",
        "name.new1": "Zoë",
        f"new1.{house.dinner}": "accepted",
        f"new1.{house.dinner}.menu": house.meals["Short rib"],
        "new1.note": "no beef after all",
    }
    assert (await house.public.send(path, said)).status_code == 303
    rows = await house.wedding.admin.fetch(
        "select * from guests where party_id = $1 order by position, created_at", party
    )
    assert [r["display_name"] for r in rows] == ["Łukasz Nowak", "Maria Lopez", "Zoë"]
    zoe = rows[2]["id"]
    assert await house.answers(zoe) == {house.dinner: ("accepted", house.meals["Short rib"])}
    assert (await needs_of(house, zoe)).note == "no beef after all"
    assert rows[2]["plus_one_of"] == lukas
    again = await house.public.send(path, said)
    assert again.status_code == 303
    assert await house.wedding.admin.fetchval("select count(*) from guests where party_id = $1", party) == 3
    assert "You may bring somebody" not in await house.public.see(path)
    third = {"name.new1": "Yet another", f"new1.{house.dinner}": "accepted"}
    assert (await house.public.send(path, third)).status_code == 422


async def test_final_numbers_stop_answers_and_never_needs(house: GuestHouse) -> None:
    party, (carla,) = await house.party("Carla Mendes")
    path = await house.link(party)
    said = {f"{carla}.{house.ceremony}": "accepted", f"{carla}.{house.dinner}": "accepted"}
    assert (await house.public.send(path, said)).status_code == 303
    async with house.wedding.as_(house.wedding.ana) as tx:
        await final_numbers.lock(tx, house.id, house.dinner)
    refused = await house.public.send(path, {f"{carla}.{house.dinner}": "declined"})
    assert refused.status_code == 409
    assert "given to the caterer" in refused.text
    assert (await house.public.send(path, {f"{carla}.{house.ceremony}": "declined"})).status_code == 303
    assert (await house.public.send(path, {f"{carla}.note": "", f"{carla}.allergen": "peanuts"})).status_code == 303
    assert (await needs_of(house, carla)).allergens[0].key == "peanuts"
    async with house.wedding.as_(house.wedding.ana) as tx:
        await final_numbers.lock(tx, house.id, house.ceremony)
    page = await house.public.see(path)
    assert "The answers are final now" in page
    assert "Send what we need" in page


async def test_programs_answer_in_json(house: GuestHouse) -> None:
    party, (carla,) = await house.party("Carla Mendes", plus_ones=2)
    path = await house.link(party)
    program = Visitor(house.app, accept="application/json")
    seen = (await program.http.get(path)).json()
    assert [g["display_name"] for g in seen["guests"]] == ["Carla Mendes"]
    assert {i["title"]: len(i["menu"]) for i in seen["items"]} == {"Ceremony": 0, "Dinner": 3}
    line = {"guest_id": str(carla), "schedule_item_id": str(house.dinner), "status": "accepted"}
    line |= {"menu_option_id": str(house.meals["Sea bass"]), "needs": {"diets": ["vegan"]}}
    extra = {"name": "Zoë Day", "schedule_item_ids": [str(house.dinner)]}
    done = (await program.http.put(path, json={"answers": [line], "plus_ones": [extra]})).json()
    assert done["party"]["plus_ones_left"] == 1
    assert [(a["status"], a["menu_option_id"]) for a in done["answers"] if a["guest_id"] == str(carla)][1] == (
        "accepted", str(house.meals["Sea bass"]),
    )  # fmt: skip
    assert done["guests"][0]["needs"]["diets"] == ["vegan"]
    assert done["guests"][1]["display_name"] == "Zoë Day"
    kept = (
        await program.http.put(
            path, json={"answers": [{k: line[k] for k in ("guest_id", "schedule_item_id", "status")}]}
        )
    ).json()
    assert kept["answers"] == done["answers"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"guest_id": "00000000-0000-7000-8000-000000000000"}, "answers[0].guest_id"),
        ({"schedule_item_id": "00000000-0000-7000-8000-000000000000"}, "answers[0].schedule_item_id"),
        ({"schedule_item_id": None}, "answers[0].schedule_item_id"),
        ({"menu_option_id": "00000000-0000-7000-8000-000000000000"}, "answers[0].menu_option_id"),
        ({"name": "Somebody else"}, "answers[0].name"),
    ],
)
async def test_a_wrong_line_is_named_and_nothing_is_saved(
    house: GuestHouse, change: dict[str, object], field: str
) -> None:
    party, (carla,) = await house.party("Carla Mendes")
    program = Visitor(house.app, accept="application/json")
    line = {"guest_id": str(carla), "schedule_item_id": str(house.dinner), "status": "accepted"} | change
    good = {"guest_id": str(carla), "schedule_item_id": str(house.ceremony), "status": "accepted"}
    answer = await program.http.put(await house.link(party), json={"answers": [line, good]})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert [e["field"] for e in answer.json()["errors"]] == [field]
    assert not await house.events("rsvp.replied")


async def test_a_party_sees_nobody_else(house: GuestHouse) -> None:
    party, _ = await house.party("Carla Mendes")
    _, (stranger,) = await house.party("Beatrice Featherstonehaugh")
    path = await house.link(party)
    assert "Featherstonehaugh" not in await house.public.see(path)
    program = Visitor(house.app, accept="application/json")
    assert "Featherstonehaugh" not in (await program.http.get(path)).text
    line = {"guest_id": str(stranger), "schedule_item_id": str(house.dinner), "status": "declined"}
    assert (await program.http.put(path, json={"answers": [line]})).status_code == 422
    assert (await house.answers(stranger))[house.dinner][0] == "needs_action"


async def test_a_wrong_link_is_not_found_and_an_old_one_is_gone(house: GuestHouse) -> None:
    party, _ = await house.party("Carla Mendes")
    path = await house.link(party)
    await house.wedding.admin.execute("update passes set revoked_at = app.now() where party_id = $1", party)
    assert "This link has ended" in await house.public.see(path, code=410)
    assert "We do not know this link" in await house.public.see("/rsvp/nonsense", code=404)
    program = Visitor(house.app, accept="application/json")
    assert (await program.http.get(path)).json()["code"] == "gone"
    assert (await program.http.put("/rsvp/nonsense", json={"answers": []})).json()["status"] == 404
    assert (await house.public.send(path, {})).status_code == 410


async def test_names_of_all_kinds_are_taken(house: GuestHouse) -> None:
    party, (_, unnamed) = await house.party("Carla Mendes", "Guest of Carla")
    path = await house.link(party)
    said = {f"name.{unnamed}": "\u202bمحمد\u202c 🎉\x07 الأحمد", f"{unnamed}.{house.dinner}": "accepted"}
    assert (await house.public.send(path, said)).status_code == 303
    name = await house.wedding.admin.fetchval("select display_name from guests where id = $1", unnamed)
    assert name == "محمد 🎉 الأحمد"
    long = await house.public.send(path, {f"name.{unnamed}": "x" * 5000})
    assert long.status_code == 303
    assert len(await house.wedding.admin.fetchval("select display_name from guests where id = $1", unnamed)) == 300


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"{carla}.{dinner}": "perhaps"}, "Is not an answer"),
        ({"name.new1": "Zoë"}, "Zoë comes to nothing yet"),
        ({"{carla}.allergen": "kryptonite", "{carla}.note": ""}, "Is not one of the list"),
        ({"{carla}.note": "x" * 1001}, "Is too long"),
    ],
)
async def test_a_form_says_what_is_wrong_with_it(house: GuestHouse, said: dict[str, str], words: str) -> None:
    party, (carla,) = await house.party("Carla Mendes", plus_ones=1)
    named = {k.format(carla=carla, dinner=house.dinner): v for k, v in said.items()}
    answer = await house.public.send(await house.link(party), named)
    assert answer.status_code == 422
    assert words in answer.text
    assert not await house.events("rsvp.replied", "needs.changed", "guest.changed")


async def test_whom_a_party_brings_is_checked(house: GuestHouse) -> None:
    party, _ = await house.party("Carla Mendes", plus_ones=5)
    async with house.wedding.as_(house.wedding.ana) as tx:
        await final_numbers.lock(tx, house.id, house.ceremony)
    dinner, ceremony, nowhere = str(house.dinner), str(house.ceremony), str(uuid4())
    brought = [
        {"schedule_item_ids": [nowhere]},
        {"schedule_item_ids": [dinner], "menu_option_ids": [nowhere]},
        {"schedule_item_ids": [ceremony]},
        {"schedule_item_ids": [dinner]},
    ]
    program = Visitor(house.app, accept="application/json")
    answer = await program.http.put(await house.link(party), json={"plus_ones": brought})
    assert [e["field"] for e in answer.json()["errors"]] == [
        "plus_ones[0].schedule_item_ids",
        "plus_ones[1].menu_option_ids",
        "plus_ones[2].schedule_item_ids",
    ]
    done = await program.http.put(await house.link(party), json={"plus_ones": brought[3:]})
    assert done.json()["guests"][1]["display_name"] == "Guest of Carla"


async def test_a_wedding_that_is_off_takes_no_answers(house: GuestHouse) -> None:
    party, (carla,) = await house.party("Carla Mendes")
    path = await house.link(party)
    async with house.wedding.as_(house.wedding.ana) as tx:
        await weddings.change(tx, house.id, {"date_status": "cancelled"})
    assert "This wedding will not take place" in await house.public.see(path)
    assert (await house.public.send(path, {f"{carla}.{house.dinner}": "accepted"})).status_code == 409


async def test_an_unknown_link_has_no_thanks(house: GuestHouse) -> None:
    await house.public.see("/rsvp/nonsense/thanks", code=404)
    wide = await house.public.http.put("/rsvp/nonsense", json={"answers": "many"})
    assert wide.status_code == 422
