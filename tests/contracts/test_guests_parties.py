"""Parties: added as people write them, changed by two at once, invited to more, reached by a link."""

import re
from uuid import uuid4

import pytest
import pytest_asyncio

from tests.contracts.guest_house import GuestHouse, Visitor, fields


@pytest_asyncio.fixture
async def ana(house: GuestHouse) -> Visitor:
    return await house.visitor(house.wedding.ana)


@pytest_asyncio.fixture
async def ben(house: GuestHouse) -> Visitor:
    return await house.visitor(house.wedding.ben.actor)


async def test_a_party_is_added_as_people_write(house: GuestHouse, ana: Visitor) -> None:
    page = await ana.see(f"/me/{house.id}/guests/new")
    assert page.count('name="items"') == 2
    said = {
        "names": "Carla Mendes\nTomás Mendes (child)\nGuest of Carla\n\nMr & Mrs John Pell",
        "party_name": "",
        "side": "partner_a",
        "plus_ones_allowed": "1",
        "email": "carla@example.org",
        "items": [str(house.dinner)],
    }
    answer = await ana.send(f"/me/{house.id}/guests", said)
    assert answer.status_code == 303
    rows = await house.wedding.admin.fetch("select * from guests where wedding_id = $1 order by position", house.id)
    assert [(r["display_name"], r["kind"], r["age_band"]) for r in rows[:3]] == [
        ("Carla Mendes", "named", "adult"), ("Tomás Mendes", "named", "child"), ("Guest of Carla", "plus_one", "adult"),
    ]  # fmt: skip
    assert len(rows) == 5
    assert set(await house.answers(rows[0]["id"])) == {house.dinner}
    party = await house.wedding.admin.fetchrow("select * from parties where wedding_id = $1", house.id)
    assert (party["side"], party["plus_ones_allowed"]) == ("partner_a", 1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"names": " \n "}, "Write at least one name"),
        ({"names": "\n".join(f"Guest {chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(51))}, "at most 50"),
        ({"email": "carla@"}, "not an e-mail address"),
        ({"plus_ones_allowed": "99"}, "from 0 to 20"),
        ({"plus_ones_allowed": "many"}, "whole number"),
        ({"side": "neither"}, "not one of the choices"),
        ({"party_name": "x" * 301}, "too long"),
    ],
)
async def test_a_wrong_party_is_shown_again(
    house: GuestHouse, ana: Visitor, change: dict[str, str], words: str
) -> None:
    said = {"names": "Carla Mendes", "party_name": "", "side": "", "plus_ones_allowed": "0", "email": ""} | change
    answer = await ana.send(f"/me/{house.id}/guests", said)
    assert answer.status_code == 422
    assert words in answer.text
    assert await house.wedding.admin.fetchval("select count(*) from guests where wedding_id = $1", house.id) == 0


async def test_a_party_is_changed_and_invited_to_more(house: GuestHouse, ana: Visitor, ben: Visitor) -> None:
    party, (carla, ola) = await house.party("Carla Mendes", "Ola Mendes")
    path = f"/me/{house.id}/parties/{party}"
    hers, his = fields(await ana.see(path)), fields(await ben.see(path))
    assert sorted(hers["items"]) == sorted([str(house.ceremony), str(house.dinner)])
    assert (await ana.send(path, hers | {"items": [str(house.ceremony)]})).status_code == 303
    assert set(await house.answers(carla)) == set(await house.answers(ola)) == {house.ceremony}
    assert {e.op for e in await house.events("rsvp.withdrawn")} == {"DELETE"}
    merged = await ben.send(path, his | {"name": "The Mendes"}, by_script=True, If_Match=f'"{his["version"]}"')
    assert merged.headers["hx-redirect"] == f"{path}?done=saved"
    assert set(await house.answers(carla)) == {house.ceremony}
    again = fields(await ana.see(path))
    assert again["name"] == "The Mendes"
    assert (await ana.send(path, again | {"items": [str(house.ceremony), str(house.dinner)]})).status_code == 303
    assert set(await house.answers(carla)) == {house.ceremony, house.dinner}


async def test_two_names_for_a_party_are_asked_about(house: GuestHouse, ana: Visitor, ben: Visitor) -> None:
    party, _ = await house.party("Carla Mendes")
    path = f"/me/{house.id}/parties/{party}"
    hers, his = fields(await ana.see(path)), fields(await ben.see(path))
    await ana.send(path, hers | {"name": "Hers"})
    by_script = await ben.send(path, his | {"name": "His"}, by_script=True, If_Match=f'"{his["version"]}"')
    assert (by_script.status_code, by_script.json()["current"]["name"]) == (412, "Hers")
    page = await ben.send(path, his | {"name": "His"})
    assert page.status_code == 412
    assert "Name of the party" in page.text
    for change in ({"name": ""}, {"plus_ones_allowed": "99"}, {"side": "x"}):
        assert (await ana.send(path, hers | change | {"_base": ""})).status_code == 422


async def test_the_link_of_a_party(house: GuestHouse, ana: Visitor) -> None:
    party, _ = await house.party("Carla Mendes", email="carla@example.org")
    path = f"/me/{house.id}/parties/{party}"
    assert "Make a link" in await ana.see(path)
    assert (await ana.send(f"{path}/link", {})).status_code == 303
    shown = re.search(r'value="[^"]*(/rsvp/[^"]+)"', await ana.see(f"{path}?done=link"))
    assert shown is not None
    assert "Carla Mendes" in await house.public.see(shown.group(1))
    await ana.send(f"{path}/link", {})
    await house.public.see(shown.group(1), code=410)
    assert (await ana.send(f"{path}/invite", {})).headers["location"] == f"{path}?done=sent"
    (invited,) = await house.events("party.invited")
    assert (invited.record or {})["invited_at"] is not None
    assert "Send it again to carla@example.org" in await ana.see(path)
    silent, _ = await house.party("Ola Mendes")
    refused = await ana.send(f"/me/{house.id}/parties/{silent}/invite", {})
    assert refused.status_code == 422
    assert (await ana.send(f"/me/{house.id}/parties/{uuid4()}/link", {})).status_code == 404
