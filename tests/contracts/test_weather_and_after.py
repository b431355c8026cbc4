"""Bad weather is decided in time by people; and what ends, and what is told, once a wedding day is over."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from tests.contracts.day_house import DayHouse, house, mind, said
from tests.contracts.town import LEASE_WORK, Town
from wedsync.days import gates, weather
from wedsync.events import jobs
from wedsync.events.jobs import Job
from wedsync.kit import clock
from wedsync.kit.actor import Actor
from wedsync.operations.wedding_day import forecasting, minding
from wedsync.weddings import actions as weddings


class Sky:
    """A provider of forecasts, as `forecasting.asked` reads it."""

    def __init__(self) -> None:
        self.says: weather.Worst | str = weather.Worst(
            rain_mm=0.0, rain_chance=5, gust_kmh=20.0, low_c=18.0, high_c=22.0
        )

    async def look(self, day: DayHouse) -> None:
        """The clock comes by: every gate is due, and what it owes is done as the worker does it."""
        await day.town.admin.execute(
            "update weather_gates set next_at = '-infinity' where wedding_id = $1", UUID(day.wedding)
        )
        await day.town.admin.fetchval("select app.poke_weather()")
        row = await day.town.admin.fetchrow(LEASE_WORK, UUID(day.wedding), forecasting.WEATHER)
        if row is None:
            return
        job = Job(**row)
        async with day.town.door.enter_job(job.id, job.lease_token) as tx:
            for one in await gates.due(tx):
                await gates.note(tx, one, self.says, clock.now())
            await jobs.finish(tx, job)
        await day.town.react(day.wedding)

    def rain(self) -> None:
        self.says = weather.Worst(rain_mm=6.4, rain_chance=95, gust_kmh=30.0, low_c=14.0, high_c=16.0)


GATE = {"plan_b": "Drinks in the orangery", "plan_b_place": "Orangery", "latitude": 51.5712, "longitude": -0.7766}


async def test_bad_weather_is_decided_by_people_and_told_to_everybody_as_an_amendment(town: Town) -> None:
    day, sky = await house(town), Sky()
    await day.put_at(timedelta(hours=20))
    path, body = day.at("weather-gates"), GATE | {"schedule_item_id": day.items["Drinks"]}
    await day.photographer.owner.got("POST", path, body, code=403)
    await day.florist.owner.got("POST", path, body, code=403)
    await day.ana.got("POST", path, body | {"cold_c_min": 40}, code=422)
    await day.ana.got("POST", path, body | {"decide_hours_before": 30}, code=409)
    gate = await day.planner.owner.got("POST", path, body, code=201)
    await sky.look(day)
    (fine,) = (await day.photographer.owner.got("GET", path))["items"]
    assert (fine["state"], fine["crossed"], fine["gust_kmh"]) == ("waiting", [], 20.0) and fine["forecast_at"]
    sky.rain()
    await sky.look(day)
    await sky.look(day)
    (asked,) = (await day.ana.got("GET", path))["items"]
    assert (asked["state"], asked["crossed"], asked["asked_links"]) == ("asked", ["rain"], [day.planner.link])
    for who, is_asked in ((day.ana, True), (day.ben, True), (day.planner.owner, True), (day.photographer.owner, False)):
        titles = [
            n["title"] for n in (await who.got("GET", "/api/v1/me/inbox"))["items"] if n["type"] == "weather_gate.asked"
        ]
        assert len(titles) == is_asked, "once each"
        assert not is_asked or "Drinks in the orangery" in titles[0]
    page = await day.ana.see(f"/me/{day.wedding}/day")
    assert "6.4 mm of rain" in page and "Take the other plan" in page
    assert "Take the other plan" not in await day.photographer.owner.see(
        f"/studio/{day.photographer.supplier}/weddings/{day.wedding}/day"
    )
    decide = f"{path}/{gate['id']}/decide"
    await day.photographer.owner.got("POST", decide, {"choice": "keep", "reason": "I like rain."}, code=403)
    said = {"choice": "plan_b", "reason": "Rain from three."}
    done = await day.planner.owner.got("POST", decide, said)
    assert (done["state"], "Planner" in done["decided_name"]) == ("switched", True)
    assert (await day.ana.got("POST", decide, said, code=409))["code"] == "over"
    await day.town.react(day.wedding)
    (amended,) = (await day.ana.got("GET", day.at("amendments")))["items"]
    assert (amended["title"], amended["after"]["place"], amended["reason"]) == (
        "Drinks",
        "Orangery",
        "Rain from three.",
    )
    assert "Drinks in the orangery" in await day.ana.see(f"/me/{day.wedding}/day")
    await day.ana.got("DELETE", f"{path}/{gate['id']}", code=204)
    assert (await day.ana.got("GET", path))["items"] == []


async def test_weather_that_nobody_decides_about_stays_as_planned_and_no_forecast_stops_nothing(town: Town) -> None:
    day, sky = await house(town), Sky()
    await day.put_at(timedelta(hours=5))
    couple = f"/me/{day.wedding}/day"
    form: dict[str, Any] = {name: str(value) for name, value in GATE.items()} | {
        "do": "gate",
        "gate_item_id": day.items["Drinks"],
    }
    wrong = await day.ana.send(couple, **(form | {"latitude": "north"}))
    assert wrong.status_code == 422 and "Write it with a point" in wrong.text
    assert (
        await day.ana.send(couple, **form, decide_hours_before="2", rain_mm_max="1", gust_kmh_max="40")
    ).status_code == 303
    sky.says = "Open-Meteo answers 503."
    await sky.look(day)
    assert "Open-Meteo answers 503." in await day.ana.see(couple) and "No forecast yet" in await day.ana.see(couple)
    sky.rain()
    await sky.look(day)
    await day.put_at(timedelta(minutes=30))
    await day.town.admin.execute(
        "update weather_gates set decide_by = app.now() where wedding_id = $1", UUID(day.wedding)
    )
    await sky.look(day)
    (gate,) = (await day.ana.got("GET", day.at("weather-gates")))["items"]
    assert (gate["state"], gate["reason"]) == ("lapsed", "Nobody decided, so it stays as planned.")
    assert [e.type for e in await day.town.events(day.wedding) if e.type == "weather_gate.passed"] == [
        "weather_gate.passed"
    ]
    assert (await day.ana.got("GET", day.at("amendments")))["items"] == []


async def test_after_the_day_alerts_end_then_the_helpers_links_and_everybody_hears_once_what_is_open(
    town: Town,
) -> None:
    day = await house(town)
    await day.put_at(timedelta(hours=1))
    member = await day.ana.got("POST", day.at("members"), {"role": "helper", "name": "Dora"}, code=201)
    async with town.door.enter(Actor(kind="person", id=day.ana.id), UUID(day.wedding)) as tx:
        token = await weddings.renew_member_pass(tx, town.settings.jwt_secret, UUID(day.wedding), UUID(member["id"]))
    raised = {"what": "other", "detail": "The cake is late."}
    await day.ana.got("POST", day.at("alerts"), raised, code=201)
    await day.ana.got("POST", day.at("tasks"), {"title": "Return the chairs"}, code=201)
    await day.put_at(-timedelta(hours=7))
    await town.admin.execute(
        "update alerts set raised_at = app.now() - interval '3 hours' where wedding_id = $1", UUID(day.wedding)
    )
    for _ in range(2):
        await mind(day)
    assert await said(day, "day_stage", "alert.resolved") == ["day_stage.begun", "alert.resolved"]
    (alert,) = (await day.ana.got("GET", day.at("alerts")))["items"]
    assert (alert["state"], alert["outcome"][:15]) == ("resolved", "The day is over")
    await town.public.see(f"/help/{token}")
    await day.put_at(-timedelta(hours=30))
    for _ in range(2):
        await mind(day)
    await town.public.see(f"/help/{token}", code=410)
    for who in (day.ana, day.photographer.owner):
        inbox = (await who.got("GET", "/api/v1/me/inbox"))["items"]
        assert [n["title"] for n in inbox if n["type"] == "day_stage.begun"] == [
            "Ana & Ben: The day is over: see what is still open"
        ]
    found = await day.ana.got("GET", day.at("afterwards"))
    assert [one["stage"] for one in found["stages"]] == ["stand_down", "aftercare"]
    assert [one["title"] for one in found["left_to_do"]] == ["Return the chairs"]
    assert "Return the chairs" in await day.ana.see(f"/me/{day.wedding}/afterwards")
    theirs = await day.florist.owner.see(f"/studio/{day.florist.supplier}/weddings/{day.wedding}/afterwards")
    assert "Return the chairs" not in theirs


async def test_a_wedding_that_was_put_off_is_nobodys_day(town: Town) -> None:
    day = await house(town)
    await day.put_at(timedelta(hours=60))
    await town.admin.execute("update weddings set date_status = 'postponed' where wedding_id = $1", UUID(day.wedding))
    await town.admin.execute("delete from jobs where tenant_id = $1", UUID(day.wedding))
    await town.admin.fetchval("select app.poke_days()")
    assert await town.admin.fetchrow(LEASE_WORK, UUID(day.wedding), minding.MIND) is None
    assert await said(day, "arrival") == []
