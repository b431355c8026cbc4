"""What a business is told of its plan: notices as limits come near, its page, and what the operator's command says."""

import asyncio
import re
from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from tests.contracts.account_house import House, housed
from tests.contracts.plan_house import Shop
from tests.contracts.test_plans import join
from tests.contracts.town import Somebody, Town
from tests.engines_fixture import Database, RunningPostgres
from wedsync.commerce.actions import claim_sms
from wedsync.kit.actor import SYSTEM
from wedsync.kit.config import Settings
from wedsync.kit.db import Tx
from wedsync.processes import plans
from wedsync.processes.failures import CannotRun
from wedsync.processes.forgetting import forget_usage_writers
from wedsync.processes.ticks import warning_of_limits


@pytest_asyncio.fixture
async def shop(town: Town) -> Shop:
    return Shop(town=town, business=await town.supplier())


@pytest_asyncio.fixture(scope="module")
async def house(database: Database, postgres: RunningPostgres, settings: Settings) -> AsyncIterator[House]:
    async with housed(database, postgres, settings) as made:
        yield made


async def tick(shop: Shop) -> list[str]:
    """What the clock has told the business since."""
    before = len(await told(shop))

    async def published(_: str) -> None:
        return None

    await warning_of_limits(published)(shop.town.admin)
    return (await told(shop))[before:]


async def told(shop: Shop) -> list[str]:
    events = await shop.town.events(shop.id, "limit.neared", "limit.reached", kind="supplier")
    return [f"{e.type} {(e.record or {})['name']}" for e in events]


async def test_a_limit_that_comes_near_is_told_once_and_so_is_its_end(shop: Shop, ana: Somebody) -> None:
    await shop.give("free", weddings=5)
    weddings = [await shop.link(ana) for _ in range(3)]
    assert await tick(shop) == []
    weddings.append(await shop.link(ana))
    assert await tick(shop) == ["limit.neared weddings"]
    assert await tick(shop) == []
    assert (await shop.plan())["limits"]["weddings"]["state"] == "near"
    weddings.append(await shop.link(ana))
    assert await tick(shop) == ["limit.reached weddings"]
    assert await tick(shop) == []
    await shop.town.react(shop.id)
    notices = (await shop.owner.got("GET", "/api/v1/me/inbox"))["items"]
    said = {one["type"]: (one["title"], one["href"]) for one in notices}
    assert said == {
        "plan.changed": ("Your plan is Free now", f"/studio/{shop.id}/plan"),
        "limit.neared": ("You use 4 of 5 active weddings", f"/studio/{shop.id}/plan"),
        "limit.reached": ("You use 5 of 5 active weddings", f"/studio/{shop.id}/plan"),
    }
    # There is room again, and then there is not: told again.
    await shop.give("free", weddings=9)
    assert await tick(shop) == []
    await shop.give("free", weddings=6)
    assert await tick(shop) == ["limit.neared weddings"]


async def test_the_last_message_goes_once_and_emergencies_always(
    shop: Shop, ana: Somebody, postgres: RunningPostgres, database: Database
) -> None:
    wedding = UUID(await shop.link(ana))
    await shop.give("free", sms=5)
    pool = await asyncpg.create_pool(postgres.admin_url, database=database.name, min_size=8, max_size=8)

    async def send(*, is_emergency: bool = False, is_ours: bool = True) -> bool:
        async with pool.acquire() as connection:
            try:
                async with connection.transaction():
                    await connection.execute("select app.settle(null, 'system', $1, 'system', 2047, 2047)", wedding)
                    tx = Tx(connection, SYSTEM)
                    await claim_sms(
                        tx,
                        supplier_id=UUID(shop.id) if is_ours else None,
                        wedding_id=wedding,
                        is_emergency=is_emergency,
                    )
            except asyncpg.PostgresError as error:
                assert error.sqlstate == "WS402"
                return False
        return True

    try:
        sent = await asyncio.gather(*(send() for _ in range(200)))
        assert (sum(sent), await shop.used("sms")) == (5, 5)
        assert [await send(is_emergency=True), await send(is_ours=False), await send()] == [True, True, False]
        await shop.live(str(wedding))
        assert await send()
        assert await shop.used("sms") == 7
    finally:
        await pool.close()
    assert await tick(shop) == ["limit.reached sms"]


async def test_texts_of_other_weddings_leave_those_that_are_near_their_share(shop: Shop, ana: Somebody) -> None:
    far, soon, day = [await shop.link(ana) for _ in range(3)]
    await shop.give("free", sms=20)
    admin = shop.town.admin

    async def sent(wedding: str, *, is_emergency: bool = False) -> int:
        """How many of thirty leave."""
        left = 0
        for _ in range(30):
            try:
                async with admin.transaction():
                    await admin.execute("select app.settle(null, 'system', $1, 'system', 2047, 2047)", UUID(wedding))
                    tx = Tx(admin, SYSTEM)
                    await claim_sms(tx, supplier_id=UUID(shop.id), wedding_id=UUID(wedding), is_emergency=is_emergency)
            except asyncpg.PostgresError as error:
                assert error.sqlstate == "WS402"
                break
            left += 1
        return left

    await shop.live(soon, hours=-50)
    await shop.live(day, hours=-70)
    assert (await shop.plan())["limits"]["sms"]["kept"] == 4
    page = await shop.owner.see(f"/studio/{shop.id}/plan")
    assert "4 of them are kept for your weddings within three days" in page
    assert await sent(far) == 16, "a tenth for each of the two is left"
    assert await sent(soon) == 4, "and is theirs"
    assert (await sent(far), await sent(soon)) == (0, 0)
    assert await sent(far, is_emergency=True) == 30
    await shop.live(soon)
    assert await sent(soon) == 30, "a wedding in its window is never refused"
    await shop.live(soon, hours=100)
    await shop.live(day, hours=100)
    assert (await shop.plan())["limits"]["sms"]["kept"] == 0


async def test_accounts_are_refused_before_anybody_is_sent_to_a_provider(house: House) -> None:
    shop = Shop(town=house, business=await house.supplier())
    await shop.give("free", connections=1)
    begun = await house.begun(shop.owner, shop.id)
    rival = await house.begun(shop.owner, shop.id, "acme_calendar")
    assert rival["connection"]["id"] == begun["connection"]["id"]
    account = await house.connected(shop.business)
    assert await shop.used("connections") == 1
    path = f"{shop.api}/connections/acme_calendar"
    refused = await shop.owner.got("POST", path, {}, code=402)
    assert (refused["limit"], refused["plan"]) == ("connections", "free")
    page = await shop.owner.send(f"/studio/{shop.id}/accounts/new/acme_calendar")
    assert (page.status_code, "larger plan" in page.text) == (402, True)
    await shop.owner.got("POST", f"/api/v1/connections/{account}/disconnect", code=200)
    assert await shop.used("connections") == 0
    await house.connected(shop.business)


async def test_an_account_whose_consent_comes_back_too_late_is_refused(house: House) -> None:
    shop = Shop(town=house, business=await house.supplier())
    begun = await house.begun(shop.owner, shop.id)
    back = await house.answered(begun["authorize_url"])
    await shop.give("free")
    assert (await shop.owner.ask("GET", back)).status_code == 402
    assert await house.state(UUID(begun["connection"]["id"])) == "draft"


async def test_calendars_are_left_alone_for_as_long_as_the_plan_says(shop: Shop, ana: Somebody) -> None:
    wedding = await shop.link(ana)

    async def every(tenant: str) -> float:
        async with shop.town.admin.transaction():
            await shop.town.admin.execute("select app.settle(null, 'system', $1, 'system', 2047, 2047)", UUID(tenant))
            seconds = await shop.town.admin.fetchval("select extract(epoch from app.sync_every())")
        return float(seconds)

    assert await every(shop.id) == 0
    await shop.give("starter")
    assert [await every(shop.id), await every(wedding)] == [3600, 0]
    await shop.live(wedding)
    assert await every(shop.id) == 0


async def test_the_page_shows_what_is_used_in_words_bars_and_tables(shop: Shop, ana: Somebody) -> None:
    await shop.give("starter", seats=2, api_calls=10)
    await shop.town.react(await shop.link(ana))
    assert (await join(shop, 1)).status_code == 201
    await shop.town.door.count_calls(UUID(int=7 + int(shop.id[-6:], 16)), 1, f'{{"{shop.id}": 8}}')
    page = await shop.owner.see(f"/studio/{shop.id}/plan")
    states = dict(re.findall(r'data-limit="(\w+)" data-state="(\w+)"', page))
    assert states == {
        "weddings": "open",
        "seats": "reached",
        "connections": "open",
        "sms": "reached",
        "api_calls": "near",
    }
    charts = re.findall(r'<svg class="chart__bars".*?role="img" aria-label="([^"]+)"', page, re.DOTALL)
    assert charts[0].startswith("API calls by day: 8 calls in all")
    assert len(charts) == 2
    assert page.count("As a table") == 2
    assert "every hour" in page
    assert "API calls: 8 of 10 used" in page.replace("API calls this month", "API calls")
    await shop.live(await shop.link(ana))
    assert "nothing is limited" in await shop.owner.see(f"/studio/{shop.id}/plan")


async def test_only_owners_and_admins_see_the_plan(shop: Shop, town: Town) -> None:
    for role, code in (("admin", 200), ("member", 403)):
        colleague = await town.person(role)
        await shop.owner.got("POST", f"{shop.api}/members", {"email": colleague.email, "role": role}, code=201)
        for path in (f"{shop.api}/plan", f"{shop.api}/usage"):
            await colleague.got("GET", path, code=code)
        assert ("/plan" in await colleague.see(f"/studio/{shop.id}")) == (code == 200)
        await colleague.see(f"/studio/{shop.id}/plan", code=code)
    stranger = await town.person("eve")
    for path in (f"{shop.api}/plan", f"{shop.api}/usage"):
        await stranger.got("GET", path, code=404)
    wrong = await shop.owner.got("GET", f"{shop.api}/usage?since=2020-01-01", code=422)
    assert wrong["errors"][0]["field"] == "since"
    assert (await shop.owner.got("GET", f"{shop.api}/usage?until=0001-01-01"))["items"] == []


async def test_the_operator_gives_a_plan(shop: Shop, settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    async def run(supplier: str = "", give: str = "", *limits: str) -> str:
        assert await plans.run(settings, supplier=supplier, give=give, limits=limits, because="Paid for a year") == 0
        return capsys.readouterr().out

    assert "Professional" in await run()
    assert (await run(shop.id)).startswith("Studio (the default)")
    said = await run(shop.id, "professional", "seats=5", "weddings=none")
    assert said.startswith("Professional\n")
    limits = (await shop.plan())["limits"]
    assert (limits["seats"]["allowed"], limits["weddings"]["allowed"], limits["sms"]["allowed"]) == (5, None, 250)
    await run(shop.id, "", "seats=default")
    assert (await shop.plan())["limits"]["seats"]["allowed"] == 3
    await run(shop.id, "default")
    assert (await shop.plan())["is_default"]
    kinds = [e.op for e in await shop.town.events(shop.id, "plan.changed", kind="supplier")]
    assert kinds == ["INSERT", "UPDATE", "UPDATE"]
    wrong = [("nonsense", "free"), (str(UUID(int=7)), "free"), (shop.id, "gold"), ("", "free")]
    for supplier, give in wrong:
        with pytest.raises(CannotRun):
            await run(supplier, give)
    with pytest.raises(CannotRun, match="seats=5"):
        await run(shop.id, "", "seats=many")


async def test_writers_of_a_week_ago_are_forgotten(shop: Shop) -> None:
    writer = UUID(int=int(shop.id[-8:], 16))
    await shop.town.door.count_calls(writer, 1, "{}")
    await shop.town.admin.execute("update usage_writers set at = at - interval '8 days' where id = $1", writer)
    await forget_usage_writers(shop.town.admin)
    assert await shop.town.admin.fetchval("select count(*) from usage_writers where id = $1", writer) == 0
