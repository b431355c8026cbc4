"""Day packs: who finds what in theirs and when they are made, and how looks and packs of many weddings take turns."""

import re
from datetime import timedelta
from uuid import UUID

import pytest

from tests.contracts.day_house import house, mind, packed
from tests.contracts.town import Town


async def test_day_packs_say_to_each_what_they_may_see(town: Town) -> None:
    day = await house(town)
    await day.ana.got("POST", day.at("day-contacts"), {"name": "Dora Keys", "phone": "+44 20 7946 0018"}, code=201)
    await day.put_at(timedelta(hours=20))
    await mind(day)
    packs = (await day.ana.got("GET", day.at("day-packs")))["items"]
    assert sorted(str(one["link_id"]) for one in packs) == sorted(
        [day.planner.link, day.photographer.link, day.florist.link, "None"]
    )
    assert {one["because"] for one in packs} == {"day"}, "those that were missed became one"
    change = {"schedule_item_id": day.items["Dinner"], "by_minutes": 15, "reason": "mauve-otter-17"}
    await day.planner.owner.got("POST", day.at("amendments"), change, code=201)
    await day.town.react(day.wedding)
    await mind(day)
    for who, sees in ((day.ana, True), (day.photographer.owner, True), (day.florist.owner, False)):
        own = [
            one
            for one in (await who.got("GET", day.at("day-packs")))["items"]
            if who is not day.ana or not one["link_id"]
        ]
        assert [one["because"] for one in own] == ["amendment", "day"]
        answer = await who.ask("GET", day.at(f"day-packs/{own[0]['id']}"))
        assert "attachment" in answer.headers["content-disposition"]
        for words in ("mauve-otter-17", "Dora Keys", "Dinner"):
            assert (words in answer.text) == sees, words
        told = re.sub(
            r'<a class="small" rel="noreferrer" href="https://www\.openstreetmap\.org/[^"]*">', "", answer.text
        )
        assert not re.search(r"(src|href)=.(?!tel:|geo:)|url\(|@import|<script|<link", told), "nothing is fetched"
    for who, place in (
        (day.ana, f"/me/{day.wedding}/day-pack"),
        (day.florist.owner, f"/studio/{day.florist.supplier}/weddings/{day.wedding}/day-pack"),
    ):
        inbox = (await who.got("GET", "/api/v1/me/inbox"))["items"]
        assert [n["href"] for n in inbox if n["type"] == "day_pack.made"] == [place] * 2, "each its own, by each making"
        sent = [m for m in await day.town.mails(day.wedding, to=who.email) if "day pack is ready" in m["subject"]]
        assert len(sent) == 2 and "day-pack" in sent[0]["text"] and "mauve-otter-17" not in sent[1]["text"]
    theirs = (await day.planner.owner.got("GET", day.at("day-packs")))["items"][0]["id"]
    await day.photographer.owner.got("GET", day.at(f"day-packs/{theirs}"), code=404)
    for who, path in (
        (day.ana, f"/me/{day.wedding}"),
        (day.florist.owner, f"/studio/{day.florist.supplier}/weddings/{day.wedding}"),
    ):
        assert "Ana &amp; Ben" in await who.see(f"{path}/day-pack")
    rows = await town.admin.fetch("select to_jsonb(e)::text as t from events e where e.subject_table = 'day_packs'")
    assert rows and not any("sealed" in row["t"] for row in rows)
    ready = await day.ana.got("GET", day.at("readiness"))
    missing = {one["key"]: one["missing"] for one in ready["checks"] if one["done"] < one["whole"]}
    assert set(missing["arrivals"]) == {"Florist", "Photographer", "Planner"} and "Photos" not in missing["owners"]
    await day.photographer.owner.got("GET", day.at("readiness"), code=403)
    assert f"{ready['score']}" in await day.ana.see(f"/me/{day.wedding}/readiness")


async def test_what_is_amended_in_one_moment_is_one_pack(town: Town) -> None:
    day = await house(town)
    await day.put_at(timedelta(hours=1))
    await mind(day)
    waiting = """select extract(epoch from run_at - clock_timestamp())::float8 from jobs
      where name = 'days.pack' and tenant_id = $1"""
    assert not await town.admin.fetch(waiting, UUID(day.wedding)), "nothing is owed twice"
    for minutes in (5, 10, 15):
        change = {"schedule_item_id": day.items["Dinner"], "by_minutes": minutes, "reason": f"teal-heron-{minutes}"}
        await day.planner.owner.got("POST", day.at("amendments"), change, code=201)
        await town.react(day.wedding)
    (in_s,) = [row[0] for row in await town.admin.fetch(waiting, UUID(day.wedding))]
    assert 0 < in_s <= 20, "in its own turn, and soon"
    assert await packed(day) == 1
    packs = (await day.ana.got("GET", day.at("day-packs")))["items"]
    own = [one for one in packs if not one["link_id"]]
    assert [(one["because"], one["number"]) for one in own] == [("amendment", 3), ("hours", 0)]
    file = (await day.ana.ask("GET", day.at(f"day-packs/{own[0]['id']}"))).text
    assert all(f"teal-heron-{minutes}" in file for minutes in (5, 10, 15))


@pytest.mark.parametrize(("poke", "work"), [("poke_days", "days.mind"), ("poke_drills", "alerts.drill")])
async def test_weddings_of_one_day_have_turns_and_keep_no_emergency_waiting(town: Town, poke: str, work: str) -> None:
    days = [await house(town) for _ in range(3)]
    for day in days:
        await day.put_at(timedelta(hours=1))
    assert await town.admin.fetchval(f"select app.{poke}(10)") >= 3
    rows = await town.admin.fetch(
        """select tenant_id, extract(epoch from run_at - made_at)::float8 as in_s, destination_id from jobs
        where name = $2 and tenant_id = any ($1::uuid[])""",
        [UUID(day.wedding) for day in days],
        work,
    )
    assert len({round(row["in_s"], 2) for row in rows}) == 3 and all(0 <= row["in_s"] < 10.1 for row in rows)
    alerts = await town.admin.fetchval("select id from destinations where connector = 'alerts'")
    assert all(row["destination_id"] != alerts for row in rows), "they wait elsewhere"
    turns = await town.admin.fetchrow(
        """select min(app.own_turn(u, 60)) as first, max(app.own_turn(u, 60)) as last,
          count(distinct floor(extract(epoch from app.own_turn(u, 60)) / 6)) as tenths
        from (select gen_random_uuid() as u from generate_series(1, 1000)) x"""
    )
    assert timedelta() <= turns["first"] and turns["last"] < timedelta(seconds=60) and turns["tenths"] == 10
