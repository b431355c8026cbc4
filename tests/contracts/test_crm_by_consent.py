"""A CRM that is connected by consent goes on after its token has ended, and is not on offer until it is configured; one
that takes a key takes a partner's consent in its place."""

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
from tests.contracts.town import Linked, Somebody
from tests.engines_fixture import Database, RunningPostgres
from tests.served import served
from wedsync.connections import stage
from wedsync.connections.accounts.connecting import Desk
from wedsync.connections.calendars.driven import ACCOUNTS
from wedsync.connections.records.record import Record
from wedsync.connections.records.through import Connected
from wedsync.connectors.honeybook.fake import HoneyBook
from wedsync.connectors.tave.fake import KEYS, Tave
from wedsync.kit.config import Settings

CARLA = ACCOUNTS[0]
DAY = date(2027, 6, 5)
ENDED = """update connection_accounts set refreshed_at = clock_timestamp() - interval '1 hour',
  expires_at = clock_timestamp() + interval '1 second' where connection_id = $1"""


class Hive(Lane):
    honey: HoneyBook
    crm = "honeybook"

    async def connected(self) -> Book:
        """A business whose CRM is connected by its page of consent, and in step."""
        business = await self.supplier()
        at = f"/api/v1/suppliers/{business.supplier}/connections/{self.crm}"
        return await self.allowed(business, await business.owner.got("POST", at, {}, code=201))

    async def allowed(self, business: Linked, begun: Any) -> Book:
        """Its owner says yes on the page it was sent to."""
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


async def test_a_partners_profile_takes_the_place_of_the_key_and_keys_go_on(
    database: Database, postgres: RunningPostgres, settings: Settings
) -> None:
    tave = Tave()
    admin: Any = await asyncpg.connect(postgres.admin_url, database=database.name)
    try:
        async with stage.serving([tave]) as at:
            by_key = msgspec.structs.replace(settings, **tave.settings_at(at))
            async with served(by_key) as app:
                town = Hive(app, by_key, admin)
                old = await town.supplier()
                path = f"/api/v1/suppliers/{old.supplier}/connections/tave"
                held = (await old.owner.got("POST", path, {"password": KEYS[CARLA]}, code=201))["connection"]["id"]
            own = msgspec.structs.replace(by_key, **tave.profile_at(at))
            async with served(own) as app:
                town = Hive(app, own, admin)
                town.crm, town.tave = "tave", tave
                desk: Desk = app.state.desk
                town.remote = Connected(desk.host, lambda door: desk.accounts)
                book = await town.connected()
                assert (await offered(book.owner, book.business, "tave"))["way"] == "oauth2"
                job = await tave.make(CARLA, Record(name="Maria Santos", wedding_on=DAY))
                before = tave.consent.refreshes
                await admin.execute(ENDED, UUID(book.id))
                await book.poll()
                assert (await book.client(job))["couple_names"] == "Maria Santos"
                assert tave.consent.refreshes == before + 1
                # A studio that gave its key before needs to do nothing, and comes back by consent.
                owner = Somebody(app, id=old.owner.id, email=old.owner.email, bearer=old.owner.bearer)
                checked = await owner.got("POST", f"/api/v1/connections/{held}/check")
                assert checked["state"] == "active"
                begun = await owner.got("POST", f"/api/v1/connections/{held}/reconnect", {})
                again = await town.allowed(msgspec.structs.replace(old, owner=owner), begun)
                assert again.id == held
            async with served(msgspec.structs.replace(own, tave_token_url="")) as app:
                town = Hive(app, own, admin)
                business = await town.supplier()
                offer = await offered(business.owner, business, "tave")
                assert (offer["way"], offer["asks"], offer["is_configured"]) == ("key", ["password"], True)
    finally:
        await admin.close()


async def offered(who: Any, business: Linked, name: str) -> Any:
    offers = (await who.got("GET", f"/api/v1/suppliers/{business.supplier}/connectors"))["items"]
    (offer,) = [one for one in offers if one["name"] == name]
    return offer
