"""Emergencies through the door: who is called when, that acknowledging stops it, and that nobody hears too much."""

import asyncio
import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from tests.contracts.alert_house import HELP, House, house
from tests.contracts.town import Somebody, Town
from wedsync.alerts import actions, calling, model
from wedsync.events import jobs
from wedsync.kit import clock


@pytest_asyncio.fixture
async def coming(town: Town, ana: Somebody) -> House:
    """Two months before the day."""
    return await house(town, ana, clock.now() + timedelta(days=60))


@pytest_asyncio.fixture
async def today(town: Town, ana: Somebody) -> House:
    """On the day."""
    return await house(town, ana, clock.now())


def link_in(mail: dict[str, Any]) -> str:
    found = re.search(r"(/alarm/[\w-]+)", mail["text"])
    assert found is not None
    return found[1]


async def test_the_first_are_called_at_once_the_others_by_the_second(coming: House) -> None:
    alert = await coming.raised()
    await coming.work()
    assert await coming.called(alert) == {"planner": {"in_app", "sms", "email"}}
    (notice,) = (await coming.planner.owner.got("GET", "/api/v1/me/inbox"))["items"]
    assert notice["title"] == "Ana & Ben: Emergency: A supplier has not come (Barn)"
    assert notice["href"] == f"/studio/{coming.planner.supplier}/weddings/{coming.wedding}/alerts/{alert}"
    await coming.later(9)
    assert "voice" not in (await coming.called(alert))["planner"]
    await coming.later(1)
    assert "voice" in (await coming.called(alert))["planner"], "nobody has it before them: voices do not wait"
    await coming.later(14)
    assert set(await coming.called(alert)) == {"planner"}
    await coming.later(1)
    assert set(await coming.called(alert)) == {"planner", "photographer"}, "nobody is second, so the last move up"
    await coming.later(35)
    assert (await coming.one(alert))["is_breached"] is True
    assert (await coming.types()).count("alert.breached") == 1
    await coming.later(361)
    assert (await coming.one(alert))["state"] == "unanswered"
    assert (await coming.types())[-1] == "alert.unanswered"
    assert set(await coming.called(alert)) == {"planner", "photographer"}, "never the couple, nor who sees no schedule"


async def test_what_happened_stays_in_the_product(coming: House) -> None:
    alert = await coming.raised()
    await coming.work()
    assert (await coming.one(alert))["detail"] == HELP["detail"]
    (mail,) = await coming.mails(coming.planner.owner)
    assert "A supplier has not come (Barn)" in mail["text"]
    assert "say that you see to it, or that you cannot" in mail["text"]
    for told in (str(mail), str((await coming.planner.owner.got("GET", "/api/v1/me/inbox"))["items"])):
        assert "mauve-otter-41" not in told
    rows = await coming.town.admin.fetch(
        "select to_jsonb(a)::text as t from alerts a union all select to_jsonb(e)::text from events e "
        "where e.subject_table = 'alerts'"
    )
    assert not any("mauve-otter-41" in row["t"] for row in rows)


async def test_acknowledging_takes_back_what_has_not_left(coming: House) -> None:
    alert = await coming.raised()
    await coming.work()
    await coming.planner.owner.got("POST", f"/api/v1/alerts/{alert}/acknowledge")
    now = await coming.one(alert)
    assert (now["state"], now["acknowledged_via"], now["next_at"]) == ("acknowledged", "api", None)
    assert "Planner" in now["acknowledged_name"]
    states = await coming.town.admin.fetch(
        "select state from deliveries where tenant_id = $1 and type = 'alert.raised'", UUID(coming.wedding)
    )
    assert [row["state"] for row in states] == ["cancelled"]
    await coming.later(120)
    assert set(await coming.called(alert)) == {"planner"}
    await coming.photographer.owner.got("POST", f"/api/v1/alerts/{alert}/acknowledge")
    assert "Planner" in (await coming.one(alert))["acknowledged_name"], "the second is an answer, not another owner"
    assert (await coming.types()).count("alert.acknowledged") == 1


async def test_a_link_from_a_mail_shows_and_only_a_press_acknowledges(coming: House) -> None:
    alert = await coming.raised()
    await coming.work()
    (mail,) = await coming.mails(coming.planner.owner)
    page = link_in(mail)
    for _ in range(2):
        assert HELP["detail"] in await coming.town.public.see(page)
    assert (await coming.one(alert))["state"] == "triggered", "whoever scans mails opens links"
    assert (await coming.town.public.send(page, do="acknowledge")).status_code == 303
    now = await coming.one(alert)
    assert (now["state"], now["acknowledged_via"]) == ("acknowledged", "link")
    assert "sees to it" in await coming.town.public.see(page)
    await coming.town.public.see("/alarm/unknown", code=404)
    await coming.town.admin.execute("update alert_calls set first_at = first_at - interval '25 hours'")
    await coming.town.public.see(page, code=410)


async def test_who_acknowledged_and_does_not_come_back_is_called_again(coming: House) -> None:
    alert = await coming.raised()
    await coming.work()
    await coming.planner.owner.got("POST", f"/api/v1/alerts/{alert}/acknowledge")
    await coming.later(500)
    await coming.planner.owner.got("POST", f"/api/v1/alerts/{alert}/hold")
    await coming.later(300)
    assert (await coming.one(alert))["state"] == "acknowledged"
    await coming.later(301)
    assert (await coming.one(alert))["state"] == "triggered"
    assert "alert.lapsed" in await coming.types()
    calls = (await coming.ana.got("GET", f"/api/v1/alerts/{alert}/calls"))["items"]
    assert [(one["answer"], one["calls"]) for one in calls] == [(None, 2)]


async def test_when_all_who_were_called_cannot_the_next_do_not_wait(coming: House) -> None:
    alert = await coming.raised()
    await coming.work()
    await coming.planner.owner.got("POST", f"/api/v1/alerts/{alert}/decline")
    await coming.later(1)
    assert set(await coming.called(alert)) == {"planner", "photographer"}
    assert "voice" not in (await coming.called(alert))["planner"]


async def test_the_same_matter_is_one_alert_however_many_raise_it(today: House) -> None:
    who = (today.ana, today.planner.owner, today.photographer.owner)
    answers = await asyncio.gather(*(one.ask("POST", today.path, HELP) for one in who))
    assert sorted(a.status_code for a in answers) == [200, 200, 201]
    assert len({a.json()["id"] for a in answers}) == 1
    alert = answers[0].json()["id"]
    assert (await today.one(alert))["times"] == 3
    for what in ("medical", "weather", "venue", "transport"):
        await today.raised(what=what)
    last = await today.raised(what="safety", detail="There is smoke.", code=200)
    assert "Somebody is in danger. There is smoke." in (await today.one(last))["detail"]
    assert len((await today.ana.got("GET", today.path))["items"]) == model.STORM_MAX


async def test_before_the_day_only_the_couple_calls_and_on_it_everybody(coming: House, today: House) -> None:
    refused = await coming.photographer.owner.got("POST", coming.path, HELP, code=403)
    assert refused["code"] == "not_the_day"
    alert = await today.raised(today.photographer.owner)
    await today.work()
    assert set(await today.called(alert)) == {"planner"}, "whoever raised it knows"
    for answer in ("acknowledge", "decline", "hold"):
        await today.florist.owner.got("POST", f"/api/v1/alerts/{alert}/{answer}", code=404)
    await today.florist.owner.got("GET", f"/api/v1/alerts/{alert}", code=404)
    assert (await today.florist.owner.got("GET", today.path))["items"] == []
    await today.florist.owner.got("POST", today.path, HELP, code=404)
    log = await today.florist.owner.got("GET", f"/api/v1/weddings/{today.wedding}/events?limit=500")
    assert "alerts" not in {e["subject"]["table"] for e in log["items"]}


async def test_an_end_is_an_end(today: House) -> None:
    alert = await today.raised(today.photographer.owner)
    path = f"/api/v1/alerts/{alert}"
    await today.planner.owner.got("POST", f"{path}/hold", code=409)
    await today.planner.owner.got("POST", f"{path}/cancel", {}, code=403)
    await today.planner.owner.got("POST", f"{path}/acknowledge")
    done = await today.planner.owner.got("POST", f"{path}/resolve", {"outcome": "They were in the car park."})
    assert (done["state"], done["outcome"]) == ("resolved", "They were in the car park.")
    for answer in ("acknowledge", "decline", "hold"):
        assert (await today.planner.owner.got("POST", f"{path}/{answer}", code=409))["code"] == "over"
    await today.ana.got("POST", f"{path}/cancel", {}, code=409)
    await today.later(700)
    assert (await today.one(alert))["state"] == "resolved"
    again = await today.raised(today.photographer.owner)
    cancelled = await today.photographer.owner.got("POST", f"/api/v1/alerts/{again}/cancel", {"outcome": "Found."})
    assert cancelled["state"] == "cancelled"


async def test_the_couple_says_who_is_called_when(coming: House) -> None:
    path = f"/api/v1/weddings/{coming.wedding}/duties"
    people = {one["person_id"]: one for one in (await coming.ana.got("GET", path))["items"]}
    assert {one["usual_tier"] for one in people.values()} == {0, 1, 3}
    assert str(coming.florist.owner.id) not in people
    await coming.ana.got("PUT", f"{path}/{coming.photographer.owner.id}", {"tier": 1}, code=204)
    await coming.ana.got("PUT", f"{path}/{coming.planner.owner.id}", {"tier": 0}, code=204)
    alert = await coming.raised()
    await coming.later(100)
    assert set(await coming.called(alert)) == {"photographer"}
    await coming.ana.got("PUT", f"{path}/{coming.planner.owner.id}", {"tier": None}, code=204)
    await coming.ana.got("PUT", f"{path}/{coming.florist.owner.id}", {"tier": 1}, code=404)
    await coming.planner.owner.got("PUT", f"{path}/{coming.planner.owner.id}", {"tier": 0}, code=403)
    types = [e.type for e in await coming.town.events(coming.wedding) if e.type.startswith("duty.")]
    assert types == ["duty.set", "duty.set", "duty.cleared"]


async def test_a_step_that_dies_half_way_is_taken_once(coming: House, monkeypatch: pytest.MonkeyPatch) -> None:
    alert = await coming.raised()
    works = calling.works(coming.town.ring, coming.town.settings)

    async def die(*_: object) -> None:
        raise ConnectionError

    with monkeypatch.context() as broken:
        broken.setattr(jobs, "finish", die)
        job = await coming.leased()
        assert job is not None
        with pytest.raises(ConnectionError):
            await works[actions.STEP](coming.town.door, job)
    assert await coming.called(alert) == {}
    assert await coming.mails(coming.planner.owner) == []
    await works[actions.STEP](coming.town.door, job)
    assert len(await coming.mails(coming.planner.owner)) == 1
    again = await coming.raised(what="venue")
    await coming.town.admin.execute(
        "update alerts set next_at = next_at - interval '9 seconds' where id = $1", UUID(again)
    )
    await coming.town.admin.execute("delete from jobs where name = 'alerts.step' and args ->> 'alert' = $1", again)
    late = await coming.town.admin.fetch("select * from app.late_alerts()")
    assert again in {str(one["alert_id"]) for one in late}
    await coming.work()
    assert set(await coming.called(again)) == {"planner"}


async def test_the_morning_asks_everybody_once(today: House) -> None:
    for _ in range(2):
        await today.town.admin.fetchval("select app.poke_drills()")
        await today.work(calling.DRILL)
        await today.work()
    (drill,) = (await today.ana.got("GET", today.path))["items"]
    assert (drill["kind"], drill["state"]) == ("drill", "triggered")
    assert set(await today.called(drill["id"])) == {"planner", "photographer"}
    await today.planner.owner.got("POST", f"/api/v1/alerts/{drill['id']}/acknowledge")
    await today.later(61)
    calls = (await today.ana.got("GET", f"/api/v1/alerts/{drill['id']}/calls"))["items"]
    assert [(one["answer"], one["calls"]) for one in calls if one["answer"]] == [("acknowledged", 1)]
    assert {one["calls"] for one in calls} == {1}, "a drill does not escalate"
    await today.town.admin.execute("update jobs set run_at = clock_timestamp() where name = 'alerts.step'")
    await today.work()
    over = await today.one(drill["id"])
    assert (over["state"], over["outcome"]) == ("resolved", "1 of 2 answered.")


async def test_the_pages_raise_answer_and_end_it(today: House) -> None:
    me = f"/me/{today.wedding}/alerts"
    again = await today.ana.send(me, what="", detail="", place="")
    assert again.status_code == 422
    assert "Choose what it is about." in again.text
    sent = await today.ana.send(me, part=False, **HELP)
    page = sent.headers["location"]
    alert = page.rpartition("/")[2]
    await today.work()
    studio = f"/studio/{today.planner.supplier}/weddings/{today.wedding}/alerts"
    assert "A supplier has not come (Barn)" in await today.planner.owner.see("/fragments/alarms", part=True)
    assert "A supplier has not come" not in await today.photographer.owner.see("/fragments/alarms", part=True)
    assert HELP["detail"] in await today.planner.owner.see(f"{studio}/{alert}")
    assert (await today.planner.owner.send(f"{studio}/{alert}", do="acknowledge")).status_code == 303
    assert "A supplier has not come" not in await today.planner.owner.see("/fragments/alarms", part=True)
    assert "Somebody is on it" in await today.ana.see(f"/me/{today.wedding}/fragments/alerts", part=True)
    assert (await today.ana.send(page, do="resolve", outcome="Here now")).status_code == 303
    assert "Here now" in await today.ana.see(page)
    assert (await today.ana.send(page, do="dance")).status_code == 422
    listed = await today.planner.owner.see(studio)
    assert "Resolved" in listed
    assert "Call for help now" in listed
    await today.florist.owner.see(f"/studio/{today.florist.supplier}/weddings/{today.wedding}/alerts", code=404)
    duties = f"/me/{today.wedding}/duties/{today.photographer.owner.id}"
    assert (await today.ana.send(duties, tier="1")).status_code == 303
    assert (await today.ana.send(duties, tier="7")).status_code == 422
