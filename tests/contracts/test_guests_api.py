"""The JSON door of guests: pages of lists, versions, scopes, and answers that say what is wrong."""

from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from tests.contracts.guest_house import GuestHouse, Visitor


@pytest_asyncio.fixture
async def ana(house: GuestHouse) -> Visitor:
    visitor = await house.visitor(house.wedding.ana)
    visitor.http.headers["accept"] = "application/json"
    return visitor


async def test_guests_and_parties_come_in_pages(house: GuestHouse, ana: Visitor) -> None:
    for name in ("Carla Mendes", "Ola Anders", "Zoë Day"):
        await house.party(name)
    api = f"/api/v1/weddings/{house.id}"
    first = (await ana.http.get(f"{api}/guests?limit=2")).json()
    second = (await ana.http.get(f"{api}/guests", params={"limit": 2, "cursor": first["next"]})).json()
    names = [g["display_name"] for g in first["items"] + second["items"]]
    assert (names, second["next"]) == (["Ola Anders", "Zoë Day", "Carla Mendes"], None)
    parties = (await ana.http.get(f"{api}/parties?limit=2")).json()
    rest = (await ana.http.get(f"{api}/parties", params={"cursor": parties["next"]})).json()
    assert len(parties["items"] + rest["items"]) == 3
    rsvps = (await ana.http.get(f"{api}/rsvps?limit=5")).json()
    assert len(rsvps["items"]) == 5
    counts = {c["schedule_item_id"]: c["pending"] for c in (await ana.http.get(f"{api}/headcounts")).json()["items"]}
    assert counts == {str(house.ceremony): 3, str(house.dinner): 3}
    assert (await ana.http.get(f"{api}/guests?cursor=x~y")).status_code == 422


async def test_a_guest_is_added_read_changed_and_removed(house: GuestHouse, ana: Visitor) -> None:
    api = f"/api/v1/weddings/{house.id}"
    new = {
        "first_name": "Carla",
        "last_name": "Mendes",
        "contact": {"email": "c@example.org"},
        "needs": {"diets": ["vegan"]},
    }
    made = (await ana.http.post(f"{api}/guests", json=new)).json()["id"]
    seen = await ana.http.get(f"/api/v1/guests/{made}")
    assert (seen.json()["contact"]["email"], seen.json()["needs"]["diets"]) == ("c@example.org", ["vegan"])
    changed = await ana.http.patch(
        f"/api/v1/guests/{made}", json={"last_name": "Okafor"}, headers={"if-match": seen.headers["etag"]}
    )
    assert changed.json()["display_name"] == "Carla Okafor"
    stale = await ana.http.patch(
        f"/api/v1/guests/{made}", json={"last_name": "X"}, headers={"if-match": seen.headers["etag"]}
    )
    assert (stale.status_code, stale.json()["current"]["last_name"]) == (412, "Okafor")
    assert (await ana.http.put(f"/api/v1/guests/{made}/contact", json={"phone": "1"})).status_code == 204
    assert (await ana.http.put(f"/api/v1/guests/{made}/needs", json={})).status_code == 204
    into = {"display_name": "Guest of Carla", "kind": "plus_one", "party_id": seen.json()["party_id"]}
    assert (await ana.http.post(f"{api}/guests", json=into)).status_code == 201
    nowhere = await ana.http.post(f"{api}/guests", json=into | {"party_id": str(uuid4())})
    assert (nowhere.status_code, nowhere.json()["errors"][0]["field"]) == (422, "party_id")
    assert (await ana.http.delete(f"/api/v1/guests/{made}")).status_code == 204
    for path in (f"/api/v1/guests/{made}", f"/api/v1/guests/{uuid4()}"):
        assert (await ana.http.get(path)).status_code == 404


async def test_a_party_is_added_and_changed(house: GuestHouse, ana: Visitor) -> None:
    new: dict[str, Any] = {
        "name": "The Mendes",
        "guests": [{"first_name": "Carla"}, {"first_name": "Ola"}],
        "tags": ["family"],
    }
    made = (await ana.http.post(f"/api/v1/weddings/{house.id}/parties", json=new)).json()
    assert len(made["guest_ids"]) == 2
    path = f"/api/v1/parties/{made['id']}"
    changed = await ana.http.patch(path, json={"plus_ones_allowed": 2}, headers={"if-match": '"1"'})
    assert (changed.status_code, changed.json()["plus_ones_allowed"]) == (200, 2)
    assert (await ana.http.patch(path, json={"name": "x"}, headers={"if-match": '"1"'})).status_code == 412
    assert (await ana.http.patch(path, json={"plus_ones_allowed": 99})).status_code == 422
    nameless = {"name": "x", "guests": [{"first_name": " "}]}
    assert (await ana.http.post(f"/api/v1/weddings/{house.id}/parties", json=nameless)).status_code == 422


async def test_answering_for_a_guest(house: GuestHouse, ana: Visitor) -> None:
    _, (carla,) = await house.party("Carla Mendes")
    path = f"/api/v1/guests/{carla}/rsvps"
    bass = str(house.meals["Sea bass"])
    said = await ana.http.put(f"{path}/{house.dinner}", json={"status": "accepted", "menu_option_id": bass})
    assert said.json()["status"] == "accepted"
    wrong = await ana.http.put(f"{path}/{house.ceremony}", json={"status": "accepted", "menu_option_id": bass})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "menu_option_id")
    assert (await ana.http.put(f"{path}/{uuid4()}", json={"status": "accepted"})).status_code == 404
    assert (await ana.http.put(f"{path}/{house.dinner}", json={"status": "perhaps"})).status_code == 422


async def test_final_numbers(house: GuestHouse, ana: Visitor) -> None:
    await house.party("Carla Mendes")
    path = f"/api/v1/weddings/{house.id}/final-numbers"
    assert (await ana.http.post(f"{path}/{house.dinner}")).status_code == 201
    assert (await ana.http.post(f"{path}/{house.dinner}")).status_code == 409
    assert (await ana.http.delete(f"{path}/{house.dinner}")).status_code == 204
    assert (await ana.http.post(f"{path}/{uuid4()}")).status_code == 404


@pytest.mark.parametrize("who", ["photographer", "planner", "florist"])
async def test_suppliers_see_what_their_scopes_say(house: GuestHouse, who: str) -> None:
    _, (carla,) = await house.party("Carla Mendes", email="c@example.org")
    visitor = await house.visitor(getattr(house.wedding, who).actor)
    visitor.http.headers["accept"] = "application/json"
    guests = (await visitor.http.get(f"/api/v1/weddings/{house.id}/guests")).json()["items"]
    assert [g["display_name"] for g in guests] == (["Carla Mendes"] if who == "planner" else [])
    one = await visitor.http.get(f"/api/v1/guests/{carla}")
    assert one.status_code == (200 if who == "planner" else 404)
    assert "c@example.org" not in one.text
    refused = await visitor.http.put(f"/api/v1/guests/{carla}/rsvps/{house.dinner}", json={"status": "accepted"})
    assert refused.status_code == (403 if who == "planner" else 404)
