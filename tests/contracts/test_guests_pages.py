"""The couple's guest list: found, edited by two at once, added to, invited, removed; and what others may not."""

import html
import re
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from tests.contracts.guest_house import Builder, GuestHouse, Visitor, edited, fields
from wedsync.guests import actions, model, replies, sealed


@pytest_asyncio.fixture
async def ana(house: GuestHouse) -> Visitor:
    return await house.visitor(house.wedding.ana)


@pytest_asyncio.fixture
async def ben(house: GuestHouse) -> Visitor:
    return await house.visitor(house.wedding.ben.actor)


async def test_an_empty_list_says_how_to_begin(house: GuestHouse, ana: Visitor) -> None:
    page = await ana.see(f"/me/{house.id}/guests")
    assert "Nobody here yet" in page
    assert "0 people in 0 parties" in page


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", {"Carla Mendes", "Ola Mendes", "Łukasz Nowak", "Elizabeth Hart"}),
        ("q=lukasz", {"Łukasz Nowak"}),
        ("q=Liz+Hart", {"Elizabeth Hart"}),
        ("q=mend", {"Carla Mendes", "Ola Mendes"}),
        ("q=pells", {"Elizabeth Hart"}),
        ("status=accepted", {"Carla Mendes"}),
        ("status=accepted&item={ceremony}", set()),
        ("status=needs_action&item={dinner}", {"Ola Mendes", "Łukasz Nowak", "Elizabeth Hart"}),
        ("need=dietary", {"Ola Mendes"}),
        ("need=access", {"Elizabeth Hart"}),
        ("need=unanswered", {"Carla Mendes", "Łukasz Nowak"}),
        (
            "status=nonsense&item=nonsense&need=nonsense&page=99999",
            {"Carla Mendes", "Ola Mendes", "Łukasz Nowak", "Elizabeth Hart"},
        ),
    ],
)
async def test_guests_are_found(house: GuestHouse, ana: Visitor, query: str, names: set[str]) -> None:
    _, (carla, ola) = await house.party("Carla Mendes", "Ola Mendes")
    await house.party("Łukasz Nowak")
    _, (liz,) = await house.party("Elizabeth Hart", name="The Pells")
    async with house.wedding.as_(house.wedding.ana) as tx:
        await replies.answer_many(tx, [(carla, house.dinner, "accepted")], by="couple")
        await actions.put_needs(tx, house.ring, house.id, ola, model.Needs(diets=["vegan"]))
        await actions.put_needs(tx, house.ring, house.id, liz, model.Needs(access=["step_free"]))
    wanted = query.format(ceremony=house.ceremony, dinner=house.dinner)
    for path in (f"/me/{house.id}/guests?{wanted}", f"/me/{house.id}/fragments/guests?{wanted}"):
        page = await ana.see(path)
        assert set(re.findall(r'<div class="guest__name">\s*<b>([^<]*)</b>', page)) == names


async def test_a_long_list_comes_in_pages(house: GuestHouse, ana: Visitor) -> None:
    async with house.wedding.as_(house.wedding.ana) as tx:
        for n in range(53):
            new = model.NewParty(
                name=f"Party {n:02}", guests=[model.NewGuest(first_name=f"Guest{n:02}", last_name="Z")]
            )
            await actions.add_party(tx, house.ring, house.id, new)
    first = await ana.see(f"/me/{house.id}/guests?status=needs_action")
    assert first.count('class="party"') == 50
    assert f"/me/{house.id}/guests?status=needs_action&amp;page=2" in first
    second = await ana.see(f"/me/{house.id}/guests?status=needs_action&page=2")
    assert second.count('class="party"') == 3
    assert "fragments/guests?page=2" in second


async def test_a_row_is_edited_in_place(house: GuestHouse, ana: Visitor) -> None:
    _, (carla,) = await house.party("Carla Mendes")
    said = await edited(ana, house, carla)
    assert (said["first_name"], said[f"rsvp.{house.dinner}"]) == ("Carla", "needs_action")
    said |= {
        "last_name": "Mendes Okafor",
        "table_label": "4",
        "age_band": "teen",
        "email": "carla@example.org",
        f"rsvp.{house.dinner}": "accepted",
        f"menu.{house.dinner}": str(house.meals["Short rib"]),
        "allergen": ["milk"],
        "severity_milk": "severe",
        "access": ["high_chair"],
    }
    answer = await ana.send(f"/me/{house.id}/guests/{carla}", said, by_script=True, If_Match=f'"{said["version"]}"')
    assert answer.status_code == 200
    assert "Carla Mendes Okafor" in answer.text
    assert "Short rib" in answer.text
    assert "Milk, severe" in answer.text
    types = [e.type for e in await house.events() if e.type.split(".")[0] in ("guest", "rsvp", "contact", "needs")][-4:]
    assert types == ["guest.changed", "contact.changed", "rsvp.replied", "needs.changed"]
    replied = (await house.events("rsvp.replied"))[0]
    assert (replied.record or {})["responded_by"] == "couple"
    row = await ana.part(f"/me/{house.id}/guests/{carla}/row")
    assert "Teen" in row


async def test_saving_an_untouched_form_records_nothing(house: GuestHouse, ana: Visitor) -> None:
    _, (carla,) = await house.party("Carla Mendes")
    before = len(await house.events())
    answer = await ana.send(f"/me/{house.id}/guests/{carla}", await edited(ana, house, carla))
    assert (answer.status_code, answer.headers["location"]) == (303, f"/me/{house.id}/guests#guest-{carla}")
    assert len(await house.events()) == before


async def test_two_who_change_different_things_both_keep_them(house: GuestHouse, ana: Visitor, ben: Visitor) -> None:
    _, (carla,) = await house.party("Carla Mendes")
    path = f"/me/{house.id}/guests/{carla}"
    hers, his = await edited(ana, house, carla), await edited(ben, house, carla)
    hers |= {"table_label": "4", "allergen": ["milk"], "severity_milk": "severe"}
    his |= {f"rsvp.{house.dinner}": "accepted", "allergen": ["eggs"], "severity_eggs": "mild", "phone": "123"}
    assert (await ana.send(path, hers, by_script=True, If_Match=f'"{hers["version"]}"')).status_code == 200
    second = await ben.send(path, his, by_script=True, If_Match=f'"{his["version"]}"')
    assert second.status_code == 200
    told = msgspec.json.decode(second.headers["hx-trigger"])["toast"]["text"]
    assert re.fullmatch(r"ana\.\w+ changed this a moment ago\. Both changes are kept\.", told)
    row = await house.wedding.admin.fetchrow("select * from guests where id = $1", carla)
    assert row["table_label"] == "4"
    assert (await house.answers(carla))[house.dinner][0] == "accepted"
    text = await house.wedding.admin.fetchval("select sealed from guest_needs where guest_id = $1", carla)
    kept = sealed.open_needs(house.ring, house.id, carla, text)
    assert {a.key: a.severity for a in kept.allergens} == {"milk": "severe", "eggs": "mild"}


async def test_the_second_of_two_is_asked_and_chooses(house: GuestHouse, ana: Visitor, ben: Visitor) -> None:
    _, (carla,) = await house.party("Carla Mendes")
    path = f"/me/{house.id}/guests/{carla}"
    hers, his = await edited(ana, house, carla), await edited(ben, house, carla)
    await ana.send(path, hers | {"table_label": "4"}, by_script=True, If_Match=f'"{hers["version"]}"')
    mine = his | {"table_label": "7", "first_name": "Carlota"}
    refused = await ben.send(path, mine, by_script=True, If_Match=f'"{his["version"]}"')
    assert refused.status_code == 412
    problem = refused.json()
    assert problem["current"]["table_label"] == "4"
    assert problem["changed_by"].startswith("ana.")
    assert await house.wedding.admin.fetchval("select first_name from guests where id = $1", carla) == "Carla"
    again = mine | {"version": str(problem["version"])}
    assert (await ben.send(path, again, by_script=True, If_Match=f'"{problem["version"]}"')).status_code == 200
    row = await house.wedding.admin.fetchrow("select * from guests where id = $1", carla)
    assert (row["table_label"], row["first_name"]) == ("7", "Carlota")


async def test_without_scripts_the_choice_is_a_page(house: GuestHouse, ana: Visitor, ben: Visitor) -> None:
    _, (carla,) = await house.party("Carla Mendes")
    path = f"/me/{house.id}/guests/{carla}"
    hers, his = await edited(ana, house, carla), await edited(ben, house, carla)
    await ana.send(path, hers | {"table_label": "4", "diet": ["vegan"]})
    refused = await ben.send(path, his | {"table_label": "7", "first_name": "Carlota", "diet": ["halal"]})
    assert refused.status_code == 412
    assert "saved first" in refused.text
    chosen = fields(refused.text)
    assert chosen["table_label"] == "7"
    chosen["table_label"] = "4"
    pairs = [
        (k, html.unescape(v)) for k, v in re.findall(r'type="hidden" name="([^"]*)" value="([^"]*)"', refused.text)
    ]
    posted: dict[str, Any] = {}
    for name, value in pairs:
        posted.setdefault(name, []).append(value)
    saved = await ben.send(path, posted | {"table_label": "4"})
    assert saved.status_code == 303
    row = await house.wedding.admin.fetchrow("select * from guests where id = $1", carla)
    assert (row["table_label"], row["first_name"]) == ("4", "Carlota")
    text = await house.wedding.admin.fetchval("select sealed from guest_needs where guest_id = $1", carla)
    assert set(sealed.open_needs(house.ring, house.id, carla, text).diets) == {"vegan", "halal"}


async def test_a_guests_own_answer_meanwhile_is_not_undone(house: GuestHouse, ana: Visitor) -> None:
    party, (carla,) = await house.party("Carla Mendes")
    hers = await edited(ana, house, carla)
    await house.public.send(await house.link(party), {f"{carla}.{house.dinner}": "accepted"})
    answer = await ana.send(
        f"/me/{house.id}/guests/{carla}", hers | {"table_label": "4"}, by_script=True, If_Match=f'"{hers["version"]}"'
    )
    assert answer.status_code == 200
    assert "A guest changed this" in answer.headers["hx-trigger"]
    assert (await house.answers(carla))[house.dinner][0] == "accepted"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"first_name": "", "last_name": "  "}, "first_name"),
        ({"first_name": "x" * 301}, "first_name"),
        ({"table_label": "x" * 61}, "table_label"),
        ({"age_band": "ancient"}, "age_band"),
        ({"email": "carla@"}, "email"),
        ({"rsvp.{dinner}": "perhaps"}, "rsvp.{dinner}"),
        ({"menu.{dinner}": "nonsense"}, "menu.{dinner}"),
        ({"allergen": ["kryptonite"]}, "allergen"),
        ({"diet": ["air"]}, "allergen"),
        ({"note": "x" * 1001}, "note"),
    ],
)
async def test_what_is_wrong_is_named(house: GuestHouse, ana: Visitor, change: dict[str, Any], field: str) -> None:
    _, (carla,) = await house.party("Carla Mendes")
    said = await edited(ana, house, carla)
    said |= {k.format(dinner=house.dinner): v for k, v in change.items()}
    before = len(await house.events())
    path = f"/me/{house.id}/guests/{carla}"
    by_script = await ana.send(path, said, by_script=True, If_Match=f'"{said["version"]}"')
    assert by_script.status_code == 422
    assert field.format(dinner=house.dinner) in [e["field"] for e in by_script.json()["errors"]]
    page = await ana.send(path, said)
    assert page.status_code == 422
    assert f'id="guest-{carla}"' in page.text
    assert len(await house.events()) == before


async def test_a_row_opens_without_scripts(house: GuestHouse, ana: Visitor) -> None:
    _, (carla,) = await house.party("Carla Mendes")
    answer = await ana.http.get(f"/me/{house.id}/guests/{carla}/edit")
    assert answer.headers["location"] == f"/me/{house.id}/guests?edit={carla}#guest-{carla}"
    page = await ana.see(f"/me/{house.id}/guests?edit={carla}")
    assert f'action="/me/{house.id}/guests/{carla}"' in page
    filtered = await ana.see(f"/me/{house.id}/guests?edit={carla}&q=nobody")
    assert f'action="/me/{house.id}/guests/{carla}"' in filtered


async def test_removing_asks_first(house: GuestHouse, ana: Visitor) -> None:
    _, (carla,) = await house.party("Carla Mendes")
    path = f"/me/{house.id}/guests/{carla}/remove"
    asked = await ana.send(path, {"version": "1"}, by_script=True)
    assert asked.headers["hx-redirect"] == path
    assert "Remove Carla Mendes?" in await ana.see(path)
    assert (await ana.send(path, {"sure": "yes"})).headers["location"] == f"/me/{house.id}/guests"
    assert [e.type for e in await house.events("guest.removed", "party.removed", "rsvp.withdrawn")] == [
        "rsvp.withdrawn", "rsvp.withdrawn", "guest.removed", "party.removed",
    ]  # fmt: skip
    await ana.see(path, code=404)


async def test_only_the_couple_has_these_pages(house: GuestHouse) -> None:
    party, (carla,) = await house.party("Carla Mendes")
    own = ("edit", "row", "remove")
    paths = [f"guests/{carla}/{part}" for part in own] + [f"parties/{party}", "fragments/guests", "fragments/counts"]
    paths += ["guests", "guests/new", "guests/dietary", "guests/lock"]
    for who, code in (
        (house.wedding.planner.actor, 403),
        (house.wedding.dora.actor, 403),
        (house.wedding.stranger, 404),
    ):
        visitor = await house.visitor(who)
        for path in paths:
            assert "Carla" not in await visitor.part(f"/me/{house.id}/{path}", code=code)
    assert (await house.public.http.get(f"/me/{house.id}/guests")).status_code == 303


async def test_another_weddings_guest_is_not_there(house: GuestHouse, build: Builder, ana: Visitor) -> None:
    other = await build()
    party, (eve,) = await other.party("Eve Stranger")
    for path in (f"guests/{eve}/edit", f"guests/{eve}/row", f"parties/{party}", f"guests/{eve}/remove"):
        await ana.part(f"/me/{house.id}/{path}", code=404)
    assert (await ana.send(f"/me/{house.id}/guests/{eve}", {"first_name": "Mine"})).status_code == 404
    assert (await ana.send(f"/me/{house.id}/guests/{eve}/remove", {"sure": "yes"})).status_code == 404
    theirs = await other.visitor(other.wedding.ana)
    assert (await edited(theirs, other, eve))["first_name"] == "Eve"
