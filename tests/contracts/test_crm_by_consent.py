"""A CRM that is connected by consent goes on after its token has ended, and is not on offer until it is configured."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import httpx
import msgspec
import pytest_asyncio

from tests.contracts.record_house import Book, Lane
from tests.engines_fixture import Database, RunningPostgres
from tests.served import served
from wedsync.connections import stage
from wedsync.connections.accounts.connecting import Desk
from wedsync.connections.calendars.driven import ACCOUNTS
from wedsync.connections.records.record import Record
from wedsync.connections.records.through import Connected
from wedsync.connectors.honeybook.fake import HoneyBook
from wedsync.kit.config import Settings

CARLA = ACCOUNTS[0]
DAY = date(2027, 6, 5)
ENDED = """update connection_accounts set refreshed_at = clock_timestamp() - interval '1 hour',
  expires_at = clock_timestamp() + interval '1 second' where connection_id = $1"""


class Hive(Lane):
    honey: HoneyBook

    async def connected(self) -> Book:
        """A business whose HoneyBook is connected by its page of consent, and in step."""
        business = await self.supplier()
        at = f"/api/v1/suppliers/{business.supplier}/connections/honeybook"
        begun = await business.owner.got("POST", at, {}, code=201)
        async with httpx.AsyncClient() as browser:
            answer = await browser.get(f"{begun['authorize_url']}&auto={CARLA}")
        back = urlsplit(answer.headers["location"])
        await business.owner.see(f"{back.path}?{back.query}", code=303)
        book = Book(lane=self, business=business, account=CARLA, id=begun["connection"]["id"])
        await book.settle()
        return book


@pytest_asyncio.fixture(scope="module")
async def hive(database: Database, postgres: RunningPostgres, settings: Settings) -> AsyncIterator[Hive]:
    honey = HoneyBook()
    admin = await asyncpg.connect(postgres.admin_url, database=database.name)
    try:
        async with stage.serving([honey]) as at:
            own = msgspec.structs.replace(settings, **honey.settings_at(at))
            async with served(own) as app:
                made = Hive(app, own, admin)
                desk: Desk = app.state.desk
                made.honey, made.remote = honey, Connected(desk.host, lambda door: desk.accounts)
                yield made
    finally:
        await admin.close()


async def test_a_project_is_followed_after_its_token_was_refreshed(hive: Hive) -> None:
    book = await hive.connected()
    id = await hive.honey.make(CARLA, Record(name="Maria Santos", wedding_on=DAY, venue="Quinta", stage="booked"))
    await book.poll()
    client = await book.client(id)
    assert (client["couple_names"], client["stage"], client["source"]) == ("Maria Santos", "booked", "honeybook")
    before = hive.honey.consent.refreshes
    await hive.admin.execute(ENDED, UUID(book.id))
    await hive.honey.change(CARLA, id, stage="completed")
    await book.poll()
    assert (await book.client(id))["stage"] == "completed"
    assert hive.honey.consent.refreshes == before + 1
    # What no stage of theirs means is left to a person, who is told what to do.
    await book.choose("both")
    del hive.honey.companies[CARLA].pipeline["archive"]
    await book.edit(client, stage="cancelled")
    await book.settle()
    (conflict,) = await book.conflicts()
    assert (conflict["kind"], "pipeline" in conflict["why"]) == ("refused", True)


async def test_it_is_not_on_offer_until_its_whole_profile_is_set(
    database: Database, postgres: RunningPostgres, settings: Settings
) -> None:
    admin: Any = await asyncpg.connect(postgres.admin_url, database=database.name)
    try:
        async with served(settings) as app:
            town = Hive(app, settings, admin)
            business = await town.supplier()
            at = f"/api/v1/suppliers/{business.supplier}"
            offers = (await business.owner.got("GET", f"{at}/connectors"))["items"]
            (offer,) = [one for one in offers if one["name"] == "honeybook"]
            assert (offer["is_configured"], len(offer["missing"])) == (False, 5)
            refused = await business.owner.got("POST", f"{at}/connections/honeybook", {}, code=409)
            assert (refused["code"], "WEDSYNC_HONEYBOOK_BASE_URL" in refused["detail"]) == ("not_configured", True)
    finally:
        await admin.close()
