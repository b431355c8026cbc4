"""The operator's pages: the freeze with its overrides by two, and the database with what it needs."""

from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest
import pytest_asyncio
from msgspec.structs import replace

from tests.contracts.town import Somebody, Town
from tests.engines_fixture import Database, RunningPostgres, copied, settings_for
from tests.served import served

OVERRIDES = "/ops/freeze/overrides"


@pytest_asyncio.fixture(scope="module")
async def own(postgres: RunningPostgres, worker: str) -> AsyncIterator[Database]:
    async with copied(postgres, f"wedsync_{worker}_opspages") as made:
        yield made


@pytest_asyncio.fixture(scope="module")
async def platform(
    own: Database, postgres: RunningPostgres, valkey_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Town]:
    """In production, with a wedding that is live now."""
    settings = replace(settings_for(tmp_path_factory.mktemp("ops"), own, valkey_url), env="production")
    admin = await asyncpg.connect(postgres.admin_url, database=own.name)
    async with served(settings) as app:
        town = Town(app, settings, admin)
        couple = await town.person()
        wedding = await town.wedding(couple)
        await admin.execute(
            """insert into wedding_days (wedding_id, "on", zone, live_from, live_until)
            values ($1::uuid, current_date, 'Pacific/Auckland', now() - $2::interval, now() + $2::interval)""",
            wedding,
            timedelta(hours=5),
        )
        yield town
    await admin.close()


@pytest_asyncio.fixture(scope="module")
async def otto(platform: Town) -> Somebody:
    return await platform.operator("otto")


async def test_the_freeze_is_told_and_two_operators_lift_it(platform: Town, otto: Somebody) -> None:
    olga = await platform.operator("olga")
    assert (await otto.send("/ops/freeze/overrides", reason="too short", minutes="60")).status_code == 422
    page = await otto.see("/ops/freeze")
    assert "Nothing may be changed" in page
    assert "1 wedding is live" in page
    asked = await otto.send(OVERRIDES, reason="A leak must be closed <now>.", minutes="30")
    assert asked.headers["location"] == "/ops/freeze"
    page = await otto.see("/ops/freeze")
    assert "A leak must be closed &lt;now&gt;." in page
    assert "/confirm" not in page, "not by the one who asked"
    page = await olga.see("/ops/freeze")
    confirm = page.partition(f'action="{OVERRIDES}/')[2].partition('"')[0]
    assert (await otto.send(f"{OVERRIDES}/{confirm}")).status_code == 403
    assert (await olga.send(f"{OVERRIDES}/{confirm}")).status_code == 303
    page = await otto.see("/ops/freeze")
    assert "May be changed" in page
    assert "Overridden by" in page
    await otto.send(f"{OVERRIDES}/{confirm.replace('confirm', 'end')}")
    assert "Nothing may be changed" in await otto.see("/ops/freeze")


async def test_the_database_page_shows_what_it_needs_and_refuses_in_a_freeze(platform: Town, otto: Somebody) -> None:
    page = await otto.see("/ops/database")
    for words in ("1 wedding in the next 72 hours, 1 live", "pages and API", "Largest tables", "at this release"):
        assert words in page, words
    refused = await otto.send("/ops/database/migrate")
    assert refused.status_code == 423
    assert "The platform is frozen. 1 wedding is live" in refused.text


async def test_the_pages_are_the_operators_alone(platform: Town, otto: Somebody) -> None:
    ana = await platform.person()
    for path in ("/ops/freeze", "/ops/database"):
        await ana.see(path, code=403)
        answer = await platform.public._http.get(path, headers={"accept": "text/html"})
        assert answer.headers["location"] == f"/?next={path}"
    assert "The weddings of today" in await otto.see("/ops")
