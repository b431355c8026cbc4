"""Limits of plans: held by the database however many ask at once, said in words, and nothing of it near a wedding."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest_asyncio

from tests.contracts.client_house import HEADER, Office
from tests.contracts.plan_house import Shop, at_once
from tests.contracts.town import Somebody, Town
from wedsync.kit import clock

CROWD = 200


@pytest_asyncio.fixture
async def shop(town: Town) -> Shop:
    return Shop(town=town, business=await town.supplier())


async def join(shop: Shop, number: int) -> Any:
    email = f"colleague.{number}.{shop.id[-8:]}@example.test"
    return await shop.owner.ask("POST", f"{shop.api}/members", {"email": email})


async def test_one_of_two_hundred_takes_the_last_seat(shop: Shop) -> None:
    await shop.give("free", seats=2)
    statuses = await at_once(*(join(shop, number) for number in range(CROWD)))
    assert statuses == [201, *[402] * (CROWD - 1)]
    team = (await shop.owner.got("GET", f"{shop.api}/members"))["items"]
    assert len(team) == await shop.used("seats") == 2
    told = [e.type for e in await shop.town.events(shop.id, "supplier_member.joined", kind="supplier")]
    assert len(told) == 2


async def test_one_of_two_hundred_takes_the_last_wedding(shop: Shop, ana: Somebody) -> None:
    links = await shop.invitations(ana, CROWD)
    await shop.give("free", weddings=1)
    statuses = await at_once(*(shop.accept(link) for link in links))
    assert statuses == [204, *[402] * (CROWD - 1)]
    assert await shop.used("weddings") == 1


async def test_a_refusal_names_what_how_much_and_how_to_raise_it(shop: Shop) -> None:
    await shop.give("free")
    answer = await join(shop, 1)
    problem = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (402, "application/problem+json")
    assert problem["code"] == "limit_reached"
    named = {name: problem[name] for name in ("limit", "allowed", "used", "plan", "next_plan", "raise_at")}
    assert named == {
        "limit": "seats",
        "allowed": 1,
        "used": 1,
        "plan": "free",
        "next_plan": "professional",
        "raise_at": f"/studio/{shop.id}/plan",
    }
    assert "1 seat" in problem["detail"]
    assert "larger plan" in problem["detail"]
    page = await shop.owner.send(f"/studio/{shop.id}/team", email="noor@example.test", role="member")
    assert (page.status_code, "larger plan" in page.text) == (402, True)
    await shop.owner.got("POST", f"{shop.api}/members", {"email": shop.owner.email}, code=409)


async def test_a_couple_hears_nothing_of_the_plan(shop: Shop, ana: Somebody) -> None:
    await shop.give("free", weddings=0)
    wedding = await shop.town.wedding(ana)
    asked = {"couple_email": ana.email}
    assert (await shop.owner.ask("POST", f"{shop.api}/requests", asked)).status_code < 300
    [link] = (await ana.got("GET", f"/api/v1/weddings/{wedding}/links"))["items"]
    refused = await ana.got("PATCH", f"/api/v1/links/{link['id']}", {"status": "active"}, code=409)
    assert (refused["code"], "free" in str(refused).lower()) == ("supplier_full", False)
    await shop.give("starter")
    await ana.got("PATCH", f"/api/v1/links/{link['id']}", {"status": "active"})


async def test_nothing_is_refused_for_a_wedding_in_its_window(shop: Shop, ana: Somebody) -> None:
    await shop.give("free", weddings=1, api_calls=0)
    first = await shop.link(ana)
    second = await shop.town.wedding(ana)
    waiting = await shop.invited(ana, second)
    assert (await shop.accept(waiting)).status_code == 402
    program = await shop.program()
    assert (await program.ask("GET", f"{shop.api}/plan")).status_code == 402
    assert (await join(shop, 1)).status_code == 402
    await shop.live(first)
    # It is about the wedding that is live, not about the business's other ones.
    assert (await shop.accept(waiting)).status_code == 402
    assert (await join(shop, 1)).status_code == 201
    assert (await program.ask("GET", f"{shop.api}/plan")).status_code == 200
    assert (await program.ask("GET", f"/api/v1/weddings/{first}")).status_code == 200
    assert (await shop.plan())["is_protected"]
    await shop.live(second)
    assert (await shop.accept(waiting)).status_code == 204
    for wedding in (first, second):
        await shop.live(wedding, hours=23)
    assert (await join(shop, 2)).status_code == 201
    for wedding in (first, second):
        await shop.live(wedding, hours=25)
    assert (await join(shop, 3)).status_code == 402
    assert (await program.ask("GET", f"{shop.api}/plan")).status_code == 402


async def test_a_smaller_plan_takes_nothing_away(shop: Shop, ana: Somebody) -> None:
    weddings = [await shop.link(ana) for _ in range(4)]
    for number in range(2):
        assert (await join(shop, number)).status_code == 201
    await shop.give("free")
    report = await shop.plan()
    assert (report["plan"], report["limits"]["weddings"]["used"], report["limits"]["weddings"]["state"]) == (
        *("free", 4),
        "reached",
    )
    for wedding in weddings:
        await shop.owner.got("GET", f"/api/v1/weddings/{wedding}")
    members = (await shop.owner.got("GET", f"{shop.api}/members"))["items"]
    await shop.owner.got("PATCH", f"{shop.api}/members/{members[1]['id']}", {"name": "Noor"})
    assert (await join(shop, 9)).status_code == 402
    # What is over does not count: a year ago it was delivered.
    long_ago = (clock.now().date() - timedelta(days=91)).isoformat()
    for wedding in weddings[:2]:
        await ana.got("PATCH", f"/api/v1/weddings/{wedding}", {"on": long_ago})
    assert await shop.used("weddings") == 2
    await shop.link(ana)
    assert [e.type for e in await shop.town.events(shop.id, "plan.changed", kind="supplier")] == ["plan.changed"]


async def test_clients_beyond_the_plan_come_in_and_sleep(shop: Shop, ana: Somebody) -> None:
    await shop.give("free")
    office = Office(town=shop.town, owner=shop.owner, supplier=shop.id)
    year = clock.now().year + 1
    lines = [f"Client {n},,c{n}@example.org,{year}-{1 + n % 12:02}-{1 + n // 12:02},Hall,booked\n" for n in range(30)]
    done = await office.bring(HEADER + "".join(lines))
    assert (done["created"], done["rejected"]) == (30, 0)
    listed = await office.clients()
    assert [one["is_dormant"] for one in listed] == [False] * 3 + [True] * 27
    assert (await shop.plan())["dormant_clients"] == 27
    assert "Dormant" in await shop.owner.see(f"/studio/{shop.id}/clients")
    await shop.link(ana)
    assert (await shop.plan())["dormant_clients"] == 28
    await shop.give("starter")
    assert (await shop.plan())["dormant_clients"] == 6
    await shop.give("studio")
    assert (await shop.plan())["dormant_clients"] == 0


async def test_every_call_of_a_program_counts_once(shop: Shop, ana: Somebody) -> None:
    wedding = await shop.link(ana)
    program = await shop.program()
    await shop.owner.got("GET", f"{shop.api}/plan")
    asked = [program.ask("GET", f"/api/v1/weddings/{wedding}") for _ in range(CROWD // 2)]
    asked += [program.ask("GET", f"{shop.api}/members") for _ in range(CROWD // 2)]
    assert await at_once(*asked) == [200] * CROWD
    await shop.counted()
    await shop.counted()
    assert await shop.used("api_calls") == CROWD
    # A wedding's own program is nobody's to count, and a stranger's was not let in.
    await program.got("GET", f"/api/v1/weddings/{await shop.town.wedding(ana)}", code=404)
    await shop.counted()
    assert await shop.used("api_calls") == CROWD
    await shop.give(None, api_calls=CROWD)
    refused = await program.got("GET", f"/api/v1/weddings/{wedding}", code=402)
    assert (refused["limit"], refused["used"]) == ("api_calls", CROWD)
    assert "when a new month begins" in refused["detail"]
    await shop.owner.got("GET", f"/api/v1/weddings/{wedding}")
    [day] = (await shop.owner.got("GET", f"{shop.api}/usage"))["items"]
    assert (day["api_calls"], day["sms"]) == (CROWD, 0)


async def test_a_batch_that_is_sent_twice_counts_once(shop: Shop) -> None:
    writer, calls = uuid4(), f'{{"{shop.id}": 7}}'
    for batch in (1, 1, 2, 1):
        await shop.town.door.count_calls(writer, batch, calls)
    assert await shop.used("api_calls") == 14
    gone = f'{{"{uuid4()}": 7, "{shop.id}": 1}}'
    await shop.town.door.count_calls(writer, 3, gone)
    assert await shop.used("api_calls") == 15


async def test_logs_go_back_as_far_as_the_plan(shop: Shop, ana: Somebody) -> None:
    wedding = await shop.link(ana)
    log = f"/api/v1/weddings/{wedding}/events"
    seen = len((await shop.owner.got("GET", log))["items"])
    assert seen
    await shop.give(None, history_months=0)
    assert (await shop.owner.got("GET", log))["items"] == []
    assert (await ana.got("GET", log))["items"]
    await shop.live(wedding)
    assert len((await shop.owner.got("GET", log))["items"]) >= seen
    await shop.live(wedding, hours=30)
    await shop.give("starter")
    assert len((await shop.owner.got("GET", log))["items"]) >= seen


async def test_the_default_is_what_the_installation_says(shop: Shop) -> None:
    assert (await shop.plan())["plan"] == "studio"
    try:
        await shop.town.admin.execute("select app.set_default_plan('free')")
        report = await shop.plan()
        assert (report["plan"], report["is_default"], report["limits"]["seats"]["allowed"]) == ("free", True, 1)
        await shop.give("starter")
        assert not (await shop.plan())["is_default"]
    finally:
        await shop.town.admin.execute("delete from plan_default")
    tiers = (await shop.town.public.got("GET", "/api/v1/plans"))["items"]
    assert [tier["plan"] for tier in tiers] == ["free", "starter", "professional", "studio"]
    assert tiers[3]["limits"]["weddings"] is None
