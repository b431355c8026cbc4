"""Proposals: suggested by a supplier or a program, decided by the couple, and never written over a newer change."""

import re
from datetime import date, datetime, time, timedelta
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from tests.contracts import day_house
from tests.contracts.town import Linked, Somebody, Town
from wedsync.proposals import model

DINNER = {"title": "Dinner", "kind": "reception", "at_local": "18:00", "takes_rsvps": True}


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
        if how == "accept":
            body = {"version": proposal["version"]} | (body or {})
        answer: dict[str, Any] = await self.ana.got("POST", path, body, code=code)
        return answer

    async def waiting(self) -> list[dict[str, Any]]:
        page = await self.ana.got("GET", f"/api/v1/weddings/{self.wedding}/proposals?state=waiting")
        items: list[dict[str, Any]] = page["items"]
        return items


def shown(page: str) -> list[str]:
    """What the button that accepts all would send."""
    return re.findall(r'name="seen" value="([^"]+)"', page)


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


async def test_what_is_said_anew_is_not_accepted_by_whoever_read_what_it_said_before(house: House) -> None:
    owner, link = house.photographer.owner, house.photographer.link
    wish: dict[str, Any] = {
        "subject": "links",
        "subject_id": link,
        "fields": {"can_view_guests": True, "level": "basic"},
    }
    read = await house.suggest(owner, **wish)
    page = await house.ana.see(me := f"/me/{house.wedding}/proposals")
    await house.suggest(owner, **wish | {"fields": {"can_view_guests": True, "level": "full"}})
    refused = await house.decide(read, "accept", code=412)
    assert (refused["code"], refused["current"]["wanted"]["level"]) == ("changed_meanwhile", "full")
    await house.ana.got("POST", f"/api/v1/proposals/{read['id']}/accept", {}, code=422)
    assert f'name="version" value="{read["version"]}"' in page
    answer = await house.ana.send(f"{me}/{read['id']}/accept", version=str(read["version"]))
    assert answer.headers["location"] == f"{me}?said=changed"
    assert (await house.ana.send(f"{me}/{read['id']}/accept")).status_code == 422
    assert not (await house.ana.got("GET", f"/api/v1/links/{link}"))["can_view_guests"]
    await house.decide(refused["current"], "accept")
    assert (await house.ana.got("GET", f"/api/v1/links/{link}"))["level"] == "full"


async def test_accepting_all_takes_what_the_page_showed_and_never_what_opens_a_link(house: House) -> None:
    owner, link, me = house.photographer.owner, house.photographer.link, f"/me/{house.wedding}/proposals"
    await house.suggest(owner)
    longer = await house.suggest(owner, fields={"minutes": 60})
    wish = await house.suggest(owner, subject="links", subject_id=link, fields={"can_view_guests": True})
    seen = shown(await house.ana.see(me))
    assert len(seen) == 2
    await house.suggest(owner, fields={"minutes": 300})
    await house.suggest(owner, fields={"place": "The barn"})
    answer = await house.ana.send(f"{me}/accept", seen=[*seen, f"{wish['id']}:{wish['version']}"])
    assert answer.headers["location"] == f"{me}?said=some"
    item = await house.item()
    assert (item["at_local"], item["minutes"] == 300, item["place"]) == ("18:30:00", False, "")
    left = {one["id"]: one["wanted"] for one in await house.waiting()}
    assert (len(left), left[longer["id"]], wish["id"] in left) == (3, {"minutes": 300}, True)
    for odd in ([], ["x"], [link]):
        assert (await house.ana.send(f"{me}/accept", seen=odd)).status_code == 422


async def test_one_source_does_not_take_the_room_of_others(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "WAITING_MAX", 2)
    owner = house.photographer.owner
    await house.suggest(owner)
    await house.suggest(owner, fields={"minutes": 60})
    assert (await house.suggest(owner, fields={"place": "The barn"}, code=409))["code"] == "too_many_waiting"
    await house.suggest(owner, fields={"minutes": 90})
    await house.suggest(house.ana, fields={"place": "The barn"})
    assert len(await house.waiting()) == 3


async def test_a_field_that_changed_meanwhile_is_shown_beside_and_not_overwritten(town: Town, house: House) -> None:
    made = await house.suggest(house.photographer.owner)
    await house.ana.got("PATCH", f"/api/v1/schedule/{house.dinner}", {"at_local": "19:00"})
    (waits,) = await house.waiting()
    assert (waits["state"], waits["changes"][0]["seen"]) == ("stale", "18:00:00")
    refused = await house.decide(made, "accept", code=409)
    assert (refused["code"], refused["current"]["changes"][0]["now"]) == ("stale", "19:00:00")
    assert (await house.item())["at_local"] == "19:00:00"
    assert await town.events(house.wedding, "proposal.overtaken")
    await house.decide(refused["current"], "accept", {"subject_version": waits["subject_version"]})
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
    for how, body in (("accept", {"version": 1}), ("refuse", {})):
        await owner.got("POST", f"/api/v1/proposals/{made['id']}/{how}", body, code=403)
        await others.owner.got("POST", f"/api/v1/proposals/{made['id']}/{how}", body, code=404)
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


async def test_what_a_supplier_no_longer_sees_is_not_in_its_proposals_either(town: Town, house: House) -> None:
    owner, link = house.photographer.owner, house.photographer.link
    base = f"/api/v1/weddings/{house.wedding}"
    guest = (await house.ana.got("POST", f"{base}/guests", {"first_name": "Carla"}, code=201))["id"]
    await house.ana.got("PATCH", f"/api/v1/links/{link}", {"can_view_guests": True})
    made = await house.suggest(owner, subject="guests", subject_id=guest, fields={"role": "witness"})
    assert (made["title"], made["seen"]) == ("Carla", {"role": ""})
    other = await house.suggest(owner)
    await house.ana.got("PATCH", f"/api/v1/links/{link}", {"can_view_guests": False})
    await owner.got("GET", f"/api/v1/proposals/{made['id']}", code=404)
    await owner.got("POST", f"/api/v1/proposals/{made['id']}/withdraw", code=404)
    assert [one["id"] for one in (await owner.got("GET", f"{base}/proposals"))["items"]] == [other["id"]]
    assert len(await house.waiting()) == 2
    await house.decide(made, "accept")
    for told in await town.events(house.wedding, "proposal.opened", "proposal.accepted"):
        for image in (told.record, told.old_record):
            assert image is None or {"title", "seen", "wanted"} & set(image) == {"wanted"}


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
    assert "proposed a change" in await house.ana.see(f"/me/{house.wedding}")
    assert "“Light”" in page
    (one,) = await house.waiting()
    assert one["wanted"] == {"at_local": "18:30:00", "minutes": 60}
    await owner.send(f"{studio}/proposals", about=f"weddings:{house.wedding}", guest_estimate="90")
    answer = await house.ana.send(f"{me}/accept", seen=shown(await house.ana.see(me)))
    assert answer.headers["location"] == f"{me}?said=accepted"
    assert (await house.item())["minutes"] == 60
    assert await house.waiting() == []
    await owner.send(f"{studio}/proposals", about=about, at_local="21:00")
    (one,) = await house.waiting()
    await house.ana.send(f"{me}/{one['id']}/refuse", word="Too late for us.")
    assert "Too late for us." in await owner.see(f"{studio}/fragments/proposals", part=True)


async def test_a_yes_to_another_time_of_the_ceremony_is_the_first_of_two_words(town: Town) -> None:
    day = await day_house.house(town)
    await day.put_at(timedelta(days=5))

    async def ceremony() -> Any:
        plan = (await day.ana.got("GET", day.at("schedule")))["items"]
        return next(one for one in plan if one["id"] == day.items["Ceremony"])

    before = (await ceremony())["at_local"]
    later = (datetime.combine(date.min, time.fromisoformat(before)) + timedelta(minutes=7)).time().isoformat()
    about = {"subject": "schedule_items", "subject_id": day.items["Ceremony"], "why": "The light."}
    body = about | {"fields": {"at_local": later, "place": "The walled garden"}}
    await day.photographer.owner.got("POST", day.at("proposals"), body, code=201)
    (one,) = (await day.ana.got("GET", day.at("proposals?state=waiting")))["items"]
    await day.ana.got("POST", f"/api/v1/proposals/{one['id']}/accept", {"version": one["version"]})
    assert [(await ceremony())[name] for name in ("at_local", "place")] == [before, "The walled garden"]
    (held,) = (await day.ana.got("GET", day.at("held-changes")))["items"]
    assert held["fields"]["ceremony_at"] == later
    await day.ben.got("POST", day.at(f"held-changes/{held['id']}/confirm"))
    await town.react(day.wedding)
    assert (await ceremony())["at_local"] == later
