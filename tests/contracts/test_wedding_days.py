"""A wedding day through the door: what may still be changed, amendments, now and next, who is there."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from tests.contracts.day_house import DayHouse, house, mind, said
from tests.contracts.import_house import working
from tests.contracts.senders import Sender, at, settled, source
from tests.contracts.town import Town
from wedsync.kit import clock
from wedsync.kit.actor import Actor
from wedsync.kit.errors import Refusal
from wedsync.weddings import actions as weddings

pytestmark = pytest.mark.usefixtures("nothing_owed")

REASON = "The registrar is held up."


@pytest_asyncio.fixture(scope="module")
async def day(town: Town) -> DayHouse:
    """One wedding, moved to where a test needs it."""
    return await house(town)


def until_noon() -> timedelta:
    """Less than a day, and far from midnight: twenty minutes later is the same day, whenever the test runs."""
    now = clock.now().replace(second=0, microsecond=0)
    return timedelta(minutes=(12 * 60 - now.hour * 60 - now.minute) % (24 * 60))


async def test_from_a_day_before_the_plan_is_amended_and_everybody_reads_why(day: DayHouse) -> None:
    ceremony = day.items["Ceremony"]
    await day.put_at(timedelta(days=30))
    early = await day.ana.got("POST", day.at("amendments"), {"title": "Rain", "reason": REASON}, code=409)
    assert early["code"] == "not_the_day"
    await day.put_at(until_noon())
    refused = await day.ana.got("PATCH", f"/api/v1/schedule/{ceremony}", {"at_local": "14:20:00"}, code=409)
    assert (refused["code"], "amendment" in refused["detail"]) == ("amend", True)
    for method, path, body in (
        ("POST", f"/api/v1/schedule/{ceremony}/move", {"by_minutes": 20}),
        ("DELETE", f"/api/v1/schedule/{ceremony}", None),
        ("POST", day.at("schedule"), {"title": "Cake", "at_local": "18:00:00"}),
    ):
        assert (await day.planner.owner.got(method, path, body, code=409))["code"] == "amend"
    before = {one["title"]: one for one in (await day.ana.got("GET", day.at("schedule")))["items"]}
    move = {"schedule_item_id": ceremony, "by_minutes": 20, "reason": REASON}
    made = await day.planner.owner.got("POST", day.at("amendments"), move, code=201)
    assert (made["number"], made["kind"], made["reason"]) == (1, "move", REASON)
    assert "Planner" in made["author_name"]
    assert made["before"]["at_local"] == before["Ceremony"]["at_local"]
    after = {one["title"]: one for one in (await day.ana.got("GET", day.at("schedule")))["items"]}
    assert after["Dinner"]["starts_at"] > before["Dinner"]["starts_at"], "what follows goes along"
    assert after["Photos"]["starts_at"] == before["Photos"]["starts_at"]
    await day.town.react(day.wedding)
    wedding = await day.ana.got("GET", f"/api/v1/weddings/{day.wedding}")
    assert wedding["ceremony_at"][:5] == after["Ceremony"]["at_local"][:5], "whoever leads the day may move it"
    (event,) = await day.town.events(day.wedding, "amendment.made")
    assert event.record is not None and event.record["reason"] == REASON
    assert not [
        e
        for e in await day.town.events(day.wedding, "acknowledgement.opened")
        if (e.record or {}).get("type") == "schedule_item.amended"
    ]
    (seen,) = (await day.photographer.owner.got("GET", day.at("amendments")))["items"]
    assert (seen["asked"], seen["confirmed"]) == (1, 0)
    assert (await day.florist.owner.got("GET", day.at("amendments")))["items"] == []
    (notice,) = [
        n
        for n in (await day.photographer.owner.got("GET", "/api/v1/me/inbox"))["items"]
        if n["type"] == "amendment.made"
    ]
    assert "Ceremony" in notice["title"]


async def test_an_amendment_is_for_ever_and_only_of_who_leads(day: DayHouse) -> None:
    await day.put_at(timedelta(hours=3))
    path = day.at("amendments")
    told = {"title": "It rains: drinks are in the orangery", "reason": "Rain from three."}
    await day.photographer.owner.got("POST", path, told, code=403)
    await day.florist.owner.got("POST", path, told, code=403)
    answers = await asyncio.gather(*(day.ana.got("POST", path, told, code=201) for _ in range(3)))
    numbers = [one["number"] for one in (await day.ana.got("GET", path))["items"]]
    assert numbers == sorted(numbers, reverse=True) == list(range(max(numbers), 0, -1)), "no gap"
    assert {one["number"] for one in answers} <= set(numbers)
    for statement in ("update amendments set reason = 'x y z'", "delete from amendments"):
        with pytest.raises(Refusal):
            async with day.town.door.enter(Actor(kind="person", id=day.ana.id), UUID(day.wedding)) as tx:
                await tx.run(statement)
    cake = {"title": "Cake", "at_local": "18:00:00", "reason": "It came after all."}
    added = await day.ana.got("POST", path, cake, code=201)
    assert added["kind"] == "add" and added["schedule_item_id"] is not None
    drop = {"schedule_item_id": added["schedule_item_id"], "is_dropped": True, "reason": "It fell."}
    await day.ana.got("POST", path, drop, code=201)
    board = await day.ana.got("GET", day.at("now"))
    assert {one["title"]: one["state"] for one in board["items"]}["Cake"] == "dropped"
    for wrong in (
        {"reason": REASON},
        {"reason": "no"},
        {"reason": REASON, "is_dropped": True},
        {"reason": REASON, "schedule_item_id": day.items["Dinner"]},
        {"reason": REASON, "schedule_item_id": day.items["Dinner"], "by_minutes": 5, "at_local": "17:00:00"},
    ):
        await day.ana.got("POST", path, wrong, code=422)


async def test_date_and_places_need_two_words_in_the_last_week(day: DayHouse) -> None:
    await day.put_at(timedelta(days=5))
    core, held = f"/api/v1/weddings/{day.wedding}", day.at("held-changes")
    refused = await day.ana.got("PATCH", core, {"ceremony_venue": "Orangery"}, code=409)
    assert refused["code"] == "needs_second_word"
    await day.ana.got("PATCH", core, {"guest_estimate": 80})
    change = {"ceremony_venue": "Orangery", "reason": "No marquee in this wind."}
    await day.planner.owner.got("POST", held, change, code=403)
    made = await day.ana.got("POST", held, change, code=201)
    assert (await day.ben.got("POST", held, change, code=409))["code"] == "waiting"
    assert (await day.ana.got("POST", f"{held}/{made['id']}/confirm", code=409))["code"] == "needs_another"
    done = await day.ben.got("POST", f"{held}/{made['id']}/confirm")
    assert done["state"] == "made"
    assert (await day.ana.got("GET", core))["ceremony_venue"] == "Orangery"
    assert (await day.ben.got("POST", f"{held}/{made['id']}/confirm", code=409))["code"] == "over"
    again = await day.ana.got("POST", held, change | {"ceremony_venue": "Barn"}, code=201)
    await day.ana.got("POST", f"{held}/{again['id']}/withdraw")
    assert (await day.photographer.owner.got("GET", held))["items"] == []
    await day.put_at(timedelta(days=8))
    await day.ana.got("PATCH", core, {"ceremony_venue": "Church"})
    assert (await day.ana.got("POST", held, change, code=409))["code"] == "not_frozen"


async def test_what_runs_late_pushes_what_is_expected_and_not_the_plan(day: DayHouse) -> None:
    await day.put_at(timedelta(hours=1))
    plan = (await day.ana.got("GET", day.at("schedule")))["items"]
    board = await day.photographer.owner.got("GET", day.at("now"))
    assert [one["title"] for one in board["next"]] == ["Ceremony"] and board["late_minutes"] == 0
    mark = day.at(f"schedule/{day.items['Ceremony']}/mark")
    await day.photographer.owner.got("POST", mark, {"late_minutes": 25}, code=403)
    own = day.at(f"schedule/{day.items['Photos']}/mark")
    await day.photographer.owner.got("POST", own, {"late_minutes": 5})
    board = await day.planner.owner.got("POST", mark, {"late_minutes": 25})
    late = {one["title"]: one["late_minutes"] for one in board["items"]}
    assert (late["Ceremony"], late["Drinks"], late["Dinner"], late["Photos"]) == (25, 25, 25, 5)
    assert (await day.ana.got("GET", day.at("schedule")))["items"] == plan
    await day.planner.owner.got("POST", mark, {}, code=422)
    await day.planner.owner.got("POST", mark, {"late_minutes": 0, "state": "planned"})
    await day.photographer.owner.got("POST", own, {"late_minutes": 0})


async def test_a_supplier_says_when_they_come_and_that_they_are_there(day: DayHouse) -> None:
    await day.put_at(timedelta(hours=60))
    path = day.at("arrivals")
    said = {"at_local": "12:30:00", "contact_name": "Carla", "contact_phone": "+44 7700 900123", "vehicle": "White van"}
    mine = await day.photographer.owner.got("POST", path, said, code=201)
    assert (mine["contact_name"], mine["state"]) == ("Carla", "expected") and mine["confirmed_at"]
    flowers = await day.florist.owner.got("POST", path, said | {"contact_name": "Flora"}, code=201)
    assert [a["id"] for a in (await day.florist.owner.got("GET", path))["items"]] == [flowers["id"]], "its own alone"
    assert len((await day.planner.owner.got("GET", path))["items"]) == 2
    await day.photographer.owner.got("POST", f"{path}?link_id={day.florist.link}", said, code=403)
    step = f"{path}/{mine['id']}/step"
    await day.florist.owner.got("POST", step, {"state": "on_site"}, code=404)
    coming = await day.photographer.owner.got("POST", step, {"state": "on_my_way", "eta_minutes": 30})
    assert coming["eta_at"]
    there = await day.planner.owner.got("POST", step, {"state": "on_site"})
    assert there["arrived_at"] and there["eta_at"] is None
    assert (await day.photographer.owner.got("POST", step, {"state": "on_my_way"}, code=409))["code"] == "already_there"
    await day.photographer.owner.got("POST", path, said | {"contact_phone": "x"}, code=422)
    kinds = [e.type for e in await day.town.events(day.wedding) if e.type.startswith("arrival.")]
    assert kinds == ["arrival.confirmed", "arrival.confirmed", "arrival.changed", "arrival.changed"]


async def test_one_screen_for_all_with_what_each_may_do(day: DayHouse) -> None:
    await day.put_at(timedelta(hours=1))
    member = await day.ana.got("POST", day.at("members"), {"role": "helper", "name": "Dora"}, code=201)
    secret, membership = day.town.settings.jwt_secret, UUID(member["id"])
    async with day.town.door.enter(Actor(kind="person", id=day.ana.id), UUID(day.wedding)) as tx:
        token = await weddings.renew_member_pass(tx, secret, UUID(day.wedding), membership)
    couple, studio = f"/me/{day.wedding}/day", f"/studio/{day.photographer.supplier}/weddings/{day.wedding}/day"
    helper = f"/help/{token}/day"
    flowers = f"/studio/{day.florist.supplier}/weddings/{day.wedding}/day"
    seen = await day.ana.see(couple)
    assert "Amend the plan" in seen and "Ceremony" in seen
    theirs = await day.photographer.owner.see(studio)
    assert "When you come" in theirs and "Amend the plan" not in theirs
    dark = await day.florist.owner.see(flowers)
    assert "When you come" in dark and "Dinner" not in dark, "who sees no schedule says at least when they come"
    assert "Amend the plan" not in await day.town.public.see(helper)
    for who, path in ((day.ana, couple), (day.photographer.owner, studio), (day.town.public, helper)):
        part = await who.see(path.replace("/day", "/fragments/live-day"), part=True)
        assert "Ceremony" in part and "<html" not in part
    photos, ceremony = day.items["Photos"], day.items["Ceremony"]
    late = await day.photographer.owner.send(studio, do="mark", item_id=photos, late_minutes=10)
    assert late.status_code == 303
    assert "10 min late" in await day.ana.see(couple)
    refused = await day.photographer.owner.send(studio, do="mark", item_id=ceremony, state="started")
    assert refused.status_code == 403 and "That was not done" in refused.text
    said: dict[str, Any] = {
        "at_local": "12:15",
        "contact_name": "Carla <b>",
        "contact_phone": "+44 7700 900123",
        "vehicle": "Van",
    }
    assert (await day.photographer.owner.send(studio, do="confirm", **said)).status_code == 303
    assert "Carla &lt;b&gt;" in await day.ana.see(couple)
    wrong = await day.florist.owner.send(flowers, do="confirm", **(said | {"contact_phone": "call me"}))
    assert wrong.status_code == 422 and "Write it with digits" in wrong.text
    amended: dict[str, Any] = {
        "schedule_item_id": ceremony,
        "by_minutes": "15",
        "at_local": "",
        "place": "",
        "title": "",
    }
    short = await day.ana.send(couple, do="amend", reason="", **amended)
    assert short.status_code == 422 and "Say why" in short.text
    assert (await day.ana.send(couple, do="amend", reason="The organist is late.", **amended)).status_code == 303
    assert "The organist is late." in await day.town.public.see(helper)
    assert (await day.ana.send(couple, do="dance")).status_code == 422


async def test_who_does_not_come_is_asked_looked_for_and_told_of(town: Town) -> None:
    day = await house(town)
    await day.put_at(timedelta(hours=70))
    await mind(day)
    arrivals = (await day.ana.got("GET", day.at("arrivals")))["items"]
    assert {one["supplier_name"] for one in arrivals} == {"Planner", "Photographer", "Florist"}
    assert await said(day, "arrival") == ["arrival.asked"] * 3
    inbox = (await day.florist.owner.got("GET", "/api/v1/me/inbox"))["items"]
    assert [n["title"] for n in inbox if n["type"] == "arrival.asked"] == [
        "Ana & Ben: When do you come, and whom do we ring there? Please say so"
    ]
    await mind(day)
    assert await said(day, "arrival") == ["arrival.asked"] * 3, "once"
    at = {"contact_name": "Carla", "contact_phone": "+44 7700 900123"}
    mine = await day.photographer.owner.got("POST", day.at("arrivals"), at | {"at_local": "12:00:00"}, code=201)
    await day.put_at(timedelta(hours=47))
    await mind(day)
    assert await said(day, "arrival.asked") == ["arrival.asked"] * 5, "whoever has said it is left alone"
    for minutes, kind in ((-59, "prompted"), (-14, "late"), (1, "missing"), (16, "undecided"), (31, "given_up")):
        await day.town.admin.execute(
            "update arrivals set expected_at = app.now() - make_interval(mins => $2), rung = rung where id = $1",
            UUID(mine["id"]),
            minutes,
        )
        await mind(day)
        assert (await said(day, "arrival"))[-1] == f"arrival.{kind}"
    (alert,) = (await day.ana.got("GET", day.at("alerts")))["items"]
    assert (alert["what"], alert["severity"], alert["times"]) == ("supplier_missing", "p2", 3)
    assert "Photographer was expected at" in alert["detail"] and "+44 7700 900123" in alert["detail"]
    assert alert["raised_name"] == "The day's clock"
    found = await day.ana.got("GET", day.at(f"arrivals/{mine['id']}/impact"))
    assert (found["supplier_name"], found["rung"], found["backups"]) == ("Photographer", 5, [])
    await day.florist.owner.got("GET", day.at(f"arrivals/{mine['id']}/impact"), code=404)
    assert "has not come" in await day.ana.see(f"/me/{day.wedding}/day/missing/{mine['id']}")
    step = day.at(f"arrivals/{mine['id']}/step")
    assert (await day.planner.owner.got("POST", step, {"state": "on_site"}))["rung"] == 0
    await day.town.react(day.wedding)
    await mind(day)
    assert (await said(day, "arrival"))[-1] == "arrival.came"
    (over,) = (await day.ana.got("GET", day.at("alerts")))["items"]
    assert (over["id"], over["state"], over["outcome"][:18]) == (alert["id"], "resolved", "Photographer came ")
    for who in (day.ana, day.ben, day.photographer.owner):
        inbox = (await who.got("GET", "/api/v1/me/inbox"))["items"]
        assert [n["title"] for n in inbox if n["type"] == "arrival.came"] == ["Ana & Ben: Photographer has come"], (
            who.email
        )
    await mind(day)
    assert await said(day, "alert.resolved") == ["alert.resolved"], "once"


async def test_what_people_raised_themselves_is_theirs_to_end(town: Town) -> None:
    day = await house(town)
    await day.put_at(timedelta(hours=1))
    raised = {"what": "supplier_missing", "detail": "The band is not here."}
    await day.ana.got("POST", day.at("alerts"), raised, code=201)
    await mind(day)
    (alert,) = (await day.ana.got("GET", day.at("alerts")))["items"]
    assert alert["state"] == "triggered"


async def test_in_the_last_week_other_programs_propose_and_on_the_day_a_yes_is_an_amendment(town: Town) -> None:
    day = await house(town)
    core, sender = f"/api/v1/weddings/{day.wedding}", Sender(town)
    made = await source(day.ana, day.wedding, scheme="bearer", title="Our planner’s tool")

    async def heard(id: str, **data: object) -> str:
        body = {"id": id, "type": "wedding.updated", "data": data}
        answer = await sender.post(at(made), body, authorization=f"Bearer {made['secret']}")
        status: str = (await settled(day.ana, answer.json()["ids"][0]))["status"]
        return status

    async def waiting() -> dict[str, Any]:
        (one,) = (await day.ana.got("GET", day.at("proposals?state=waiting")))["items"]
        found: dict[str, Any] = one
        return found

    async def accept(one: dict[str, Any]) -> None:
        path = f"/api/v1/proposals/{one['id']}/accept"
        await day.ana.got("POST", path, {"version": one["version"], "subject_version": one["subject_version"]})
        await day.town.react(day.wedding)

    async with working(town.door, town.settings):
        await day.put_at(timedelta(days=20))
        assert await heard("1", ceremony_venue="Old mill") == "applied"
        await day.put_at(timedelta(days=5))
        assert await heard("2", ceremony_venue="Orangery", guest_estimate=77) == "proposed"
        now = await day.ana.got("GET", core)
        assert (now["ceremony_venue"], now["guest_estimate"]) == ("Old mill", 77), "what nobody plans by is done"
        await accept(await waiting())
        assert (await day.ana.got("GET", core))["ceremony_venue"] == "Old mill", "a yes is the first of two words"
        (held,) = (await day.ana.got("GET", day.at("held-changes")))["items"]
        assert (held["state"], held["fields"]) == ("waiting", {"ceremony_venue": "Orangery"})
        await day.ben.got("POST", day.at(f"held-changes/{held['id']}/confirm"))
        assert (await day.ana.got("GET", core))["ceremony_venue"] == "Orangery"
        await day.put_at(timedelta(hours=1))
        assert await heard("3", couple_names="Somebody else") == "proposed"
        await day.ana.got("POST", f"/api/v1/proposals/{(await waiting())['id']}/refuse", {})
        suggested = {"subject": "schedule_items", "subject_id": day.items["Photos"], "fields": {"minutes": 75}}
        await day.photographer.owner.got("POST", day.at("proposals"), suggested | {"why": "The light."}, code=201)
        await accept(await waiting())
    (amended,) = (await day.ana.got("GET", day.at("amendments")))["items"]
    assert (amended["title"], amended["after"]["minutes"]) == ("Photos", 75) and "The light." in amended["reason"]
