"""Proposals: suggested by a supplier or a program, decided by the couple, and never written over a newer change."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest_asyncio

from tests.contracts.town import Linked, Somebody, Town, built
from tests.engines_fixture import Database, RunningPostgres
from wedsync.kit.config import Settings

DINNER = {"title": "Dinner", "kind": "reception", "at_local": "18:00", "takes_rsvps": True}


@pytest_asyncio.fixture(scope="module")
async def town(database: Database, postgres: RunningPostgres, settings: Settings) -> AsyncIterator[Town]:
    async with built(database, postgres, settings) as made:
        yield made


class House(msgspec.Struct, frozen=True):
    """A wedding with a dinner, and a photographer who sees its schedule."""

    ana: Somebody
    wedding: str
    dinner: str
    photographer: Linked

    async def suggest(self, who: Somebody, *, code: int = 201, **fields: Any) -> dict[str, Any]:
        new = {"subject": "schedule_items", "subject_id": self.dinner, "fields": {"at_local": "18:30"}} | fields
        made: dict[str, Any] = await who.got("POST", f"/api/v1/weddings/{self.wedding}/proposals", new, code=code)
        return made

    async def item(self) -> dict[str, Any]:
        found: dict[str, Any] = await self.ana.got("GET", f"/api/v1/schedule/{self.dinner}")
        return found

    async def decide(self, proposal: dict[str, Any], how: str, body: Any = None, *, code: int = 200) -> dict[str, Any]:
        path = f"/api/v1/proposals/{proposal['id']}/{how}"
        answer: dict[str, Any] = await self.ana.got("POST", path, body, code=code)
        return answer

    async def waiting(self) -> list[dict[str, Any]]:
        page = await self.ana.got("GET", f"/api/v1/weddings/{self.wedding}/proposals?state=waiting")
        items: list[dict[str, Any]] = page["items"]
        return items


@pytest_asyncio.fixture
async def house(town: Town) -> House:
    ana = await town.person()
    wedding = await town.wedding(ana)
    dinner = (await ana.got("POST", f"/api/v1/weddings/{wedding}/schedule", DINNER, code=201))["id"]
    return House(ana, wedding, dinner, await town.linked(ana, wedding))


async def test_accepting_makes_the_change_by_its_owner_and_tells_both(town: Town, house: House) -> None:
    made = await house.suggest(house.photographer.owner, why="The light is better.")
    assert (made["state"], made["source_name"], made["title"]) == ("open", "Marlow Photo", "Dinner")
    (change,) = made["changes"]
    assert (change["now"], change["wanted"]) == ("18:00:00", "18:30:00")
    assert (await house.item())["at_local"] == "18:00:00"
    done = await house.decide(made, "accept")
    assert done["state"] == "accepted"
    assert (await house.item())["at_local"] == "18:30:00"
    told = await town.events(house.wedding, "proposal.opened", "proposal.accepted", "schedule_item.moved")
    assert [e.type for e in told] == ["proposal.opened", "schedule_item.moved", "proposal.accepted"]
    assert told[1].cause == told[2].cause
    assert str(told[0].link_id) == house.photographer.link
    again = await house.decide(made, "accept", code=409)
    assert again["code"] == "already_decided"
    own = await house.photographer.owner.got("GET", f"/api/v1/weddings/{house.wedding}/proposals")
    assert [one["state"] for one in own["items"]] == ["accepted"]


async def test_a_field_that_changed_meanwhile_is_shown_beside_and_not_overwritten(town: Town, house: House) -> None:
    made = await house.suggest(house.photographer.owner)
    await house.ana.got("PATCH", f"/api/v1/schedule/{house.dinner}", {"at_local": "19:00"})
    (waits,) = await house.waiting()
    assert (waits["state"], waits["changes"][0]["seen"]) == ("stale", "18:00:00")
    refused = await house.decide(made, "accept", code=409)
    assert (refused["code"], refused["current"]["changes"][0]["now"]) == ("stale", "19:00:00")
    assert (await house.item())["at_local"] == "19:00:00"
    assert await town.events(house.wedding, "proposal.overtaken")
    await house.decide(made, "accept", {"subject_version": waits["subject_version"]})
    assert (await house.item())["at_local"] == "18:30:00"


async def test_said_again_it_replaces_what_waits_and_said_as_it_is_it_is_taken_back(house: House) -> None:
    first = await house.suggest(house.photographer.owner)
    second = await house.suggest(house.photographer.owner, fields={"at_local": "18:45"})
    assert (second["id"], second["version"]) == (first["id"], 2)
    assert [one["wanted"] for one in await house.waiting()] == [{"at_local": "18:45:00"}]
    await house.suggest(house.photographer.owner, fields={"at_local": "18:00"}, code=204)
    assert await house.waiting() == []
    found = await house.ana.got("GET", f"/api/v1/proposals/{first['id']}")
    assert found["state"] == "withdrawn"


async def test_a_refusal_says_its_word_and_changes_nothing(house: House) -> None:
    made = await house.suggest(house.photographer.owner)
    await house.decide(made, "refuse", {"word": "Grandmother is tired by then."})
    found = await house.photographer.owner.got("GET", f"/api/v1/proposals/{made['id']}")
    assert (found["state"], found["word"]) == ("refused", "Grandmother is tired by then.")
    assert (await house.item())["version"] == 1


async def test_only_what_is_seen_can_be_suggested_and_only_the_couple_decides(town: Town, house: House) -> None:
    owner, others = house.photographer.owner, await town.linked(house.ana, house.wedding, "basic")
    made = await house.suggest(owner)
    for how in ("accept", "refuse"):
        await owner.got("POST", f"/api/v1/proposals/{made['id']}/{how}", code=403)
        await others.owner.got("POST", f"/api/v1/proposals/{made['id']}/{how}", code=404)
    await others.owner.got("GET", f"/api/v1/proposals/{made['id']}", code=404)
    await house.suggest(others.owner, code=404)
    await house.suggest(others.owner, subject_id=None, fields={"title": "Cake", "at_local": "16:00"}, code=403)
    await house.suggest(
        owner, subject="links", subject_id=house.photographer.link, fields={"can_view_budget": True}, code=422
    )
    await house.suggest(owner, fields={"owner_link_id": house.photographer.link}, code=422)
    await house.suggest(owner, fields={"at_local": "half past"}, code=422)
    await owner.got("POST", f"/api/v1/proposals/{made['id']}/withdraw")
    assert await house.waiting() == []


async def test_every_subject_is_changed_by_its_owner(house: House) -> None:
    base = f"/api/v1/weddings/{house.wedding}"
    guest = (await house.ana.got("POST", f"{base}/guests", {"first_name": "Carla"}, code=201))["id"]
    (answer,) = (await house.ana.got("GET", f"{base}/rsvps"))["items"]
    link, owner = house.photographer.link, house.photographer.owner
    for who, fields in (
        (owner, {"subject": "weddings", "subject_id": None, "fields": {"guest_estimate": 90}}),
        (owner, {"subject": "links", "subject_id": link, "fields": {"can_view_guests": True}}),
        (owner, {"subject_id": None, "fields": {"title": "Cake", "at_local": "20:00"}}),
        (house.ana, {"subject": "guests", "subject_id": guest, "fields": {"last_name": "Rossi"}}),
        (house.ana, {"subject": "guests", "subject_id": None, "fields": {"first_name": "Dan"}}),
        (house.ana, {"subject": "rsvps", "subject_id": answer["id"], "fields": {"status": "accepted"}}),
    ):
        await house.decide(await house.suggest(who, **fields), "accept")
    assert (await house.ana.got("GET", base))["guest_estimate"] == 90
    assert (await house.ana.got("GET", f"/api/v1/links/{link}"))["can_view_guests"]
    assert {i["title"] for i in (await house.ana.got("GET", f"{base}/schedule"))["items"]} == {"Dinner", "Cake"}
    names = {g["display_name"] for g in (await house.ana.got("GET", f"{base}/guests"))["items"]}
    assert names == {"Carla Rossi", "Dan"}
    statuses = {a["status"] for a in (await house.ana.got("GET", f"{base}/rsvps"))["items"] if a["guest_id"] == guest}
    assert statuses == {"accepted"}


async def test_the_pages_suggest_show_and_decide(house: House) -> None:
    owner = house.photographer.owner
    studio = f"/studio/{house.photographer.supplier}/weddings/{house.wedding}"
    assert f"{studio}/proposals" in await owner.see(studio)
    about = f"schedule_items:{house.dinner}"
    assert 'value="18:00"' in await owner.see(f"{studio}/proposals?about={about}")
    nothing = await owner.send(f"{studio}/proposals", about=about, at_local="18:00", title="Dinner")
    assert nothing.status_code == 422
    bad = await owner.send(f"{studio}/proposals", about=about, minutes="-4")
    assert bad.status_code == 422
    sent = await owner.send(
        f"{studio}/proposals", about=about, at_local="18:30", minutes="60", title="Dinner", why="Light"
    )
    assert sent.status_code == 303, sent.text
    me = f"/me/{house.wedding}/proposals"
    page = await house.ana.see(me)
    assert "Marlow Photo" in page
    assert "“Light”" in page
    (one,) = await house.waiting()
    assert one["wanted"] == {"at_local": "18:30:00", "minutes": 60}
    await owner.send(f"{studio}/proposals", about=f"weddings:{house.wedding}", guest_estimate="90")
    answer = await house.ana.send(f"{me}/accept", source_id=house.photographer.link)
    assert answer.headers["location"] == f"{me}?said=accepted"
    assert (await house.item())["minutes"] == 60
    assert await house.waiting() == []
    await owner.send(f"{studio}/proposals", about=about, at_local="21:00")
    (one,) = await house.waiting()
    await house.ana.send(f"{me}/{one['id']}/refuse", word="Too late for us.")
    assert "Too late for us." in await owner.see(f"{studio}/fragments/proposals", part=True)
