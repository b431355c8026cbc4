"""A venue's booking system and its clients come to the same: connected by a person, told by hooks, both ways."""

import hashlib
import hmac
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
from wedsync.connectors.tripleseat.fake import HTML, Tripleseat
from wedsync.connectors.tripleseat.fake_store import MONEY
from wedsync.kit.config import Settings

CARLA = ACCOUNTS[0]
DAY, LATER = date(2027, 6, 5), date(2027, 6, 12)


class Diary(Book):
    """One connected Tripleseat."""

    seat: Tripleseat

    async def make(self, **fields: Any) -> str:
        return await self.seat.make(self.account, Record(**fields))

    async def change(self, id: str, **fields: Any) -> None:
        await self.seat.change(self.account, id, **fields)

    def there(self, id: str) -> Record:
        return self.seat.seen(self.account)[id]

    async def knock(self, said: Any, *, key: str = "") -> int:
        """A hook arrives, signed with the key that our page shows, or another; what it is answered."""
        place = await self.owner.got("POST", f"{self.path}/hook", {})
        signature = hmac.digest((key or place["key"]).encode(), msgspec.json.encode(said), hashlib.sha256).hex()
        path = urlsplit(place["address"]).path
        return (await self.lane.public.ask("POST", path, said, x_signature=signature)).status_code


class Estate(Lane):
    seat: Tripleseat

    async def diary(self) -> Diary:
        """A venue whose Tripleseat is connected by its page of consent, and in step."""
        self.seat.moods.switch("fine")
        self.seat.exchanges.clear()
        for venue in self.seat.venues.values():
            venue.bookings.clear()
        business = await self.supplier()
        begun = await business.owner.got(
            "POST", f"/api/v1/suppliers/{business.supplier}/connections/tripleseat", {}, code=201
        )
        async with httpx.AsyncClient() as browser:
            answer = await browser.get(f"{begun['authorize_url']}&auto={CARLA}")
        back = urlsplit(answer.headers["location"])
        await business.owner.see(f"{back.path}?{back.query}", code=303)
        diary = Diary(lane=self, business=business, account=CARLA, id=begun["connection"]["id"], seat=self.seat)
        await diary.settle()
        await diary.choose("both")
        return diary


@pytest_asyncio.fixture(scope="module")
async def estate(database: Database, postgres: RunningPostgres, settings: Settings) -> AsyncIterator[Estate]:
    seat = Tripleseat()
    admin = await asyncpg.connect(postgres.admin_url, database=database.name)
    try:
        async with stage.serving([seat]) as at:
            own = msgspec.structs.replace(settings, **seat.settings_at(at))
            async with served(own) as app:
                made = Estate(app, own, admin)
                desk: Desk = app.state.desk
                made.seat, made.remote = seat, Connected(desk.host, lambda door: desk.accounts)
                yield made
    finally:
        await admin.close()


@pytest_asyncio.fixture
async def diary(estate: Estate) -> Diary:
    return await estate.diary()


async def test_a_booking_becomes_a_client_and_is_followed_both_ways(diary: Diary) -> None:
    held = await diary.make(
        name="Maria Santos", partner_name="Tom Okafor", wedding_on=DAY, venue="Quinta", stage="held"
    )
    await diary.poll()
    client = await diary.client(held)
    assert (client["couple_names"], client["stage"], client["venue"], client["wedding_on"], client["source"]) == (
        *("Maria Santos & Tom Okafor", "held", "Quinta", DAY.isoformat()),
        "tripleseat",
    )
    await diary.change(held, stage="booked", wedding_on=LATER)
    await diary.poll()
    client = await diary.client(held)
    assert (client["stage"], client["wedding_on"]) == ("booked", LATER.isoformat())
    await diary.edit(client, stage="cancelled", phone="020 7946 0018")
    await diary.settle()
    assert (diary.there(held).stage, diary.there(held).phone) == ("cancelled", "020 7946 0018")
    puts = sum(one.method == "PUT" for one in diary.seat.exchanges)
    await diary.poll()
    assert (sum(one.method == "PUT" for one in diary.seat.exchanges), await diary.conflicts()) == (puts, [])


async def test_a_signed_hook_and_five_more_of_it_are_one_client_and_money_is_kept_nowhere(diary: Diary) -> None:
    id = await diary.make(name="Maria Santos", wedding_on=DAY)
    venue = diary.seat.venues[CARLA]
    said = {"webhook_trigger_type": "CONVERT_LEAD_TO_BOOKING", "booking": venue.shown(venue.booking(int(id)))}
    assert await diary.knock(said, key="another key") == 401
    await diary.settle()
    assert await diary.clients() == []
    # A re-send that comes much later costs one more look.
    assert {await diary.knock(said) for _ in range(6)} <= {202, 200}
    await diary.settle()
    assert [one["couple_names"] for one in await diary.clients()] == ["Maria Santos"]
    row: Any = await diary.lane.admin.fetchrow("select * from inbox_hooks where source_id = $1", UUID(diary.id))
    kept = "".join(diary.lane.unsealed("inbox_hooks", dict(row) | {"connection_id": row["id"]}))
    assert id in kept
    assert MONEY["grand_total"] not in kept
    page = f"/studio/{diary.business.supplier}/records/{diary.id}"
    place = await diary.owner.got("POST", f"{diary.path}/hook", {})
    assert place["key"] not in await diary.owner.see(page)
    shown = await diary.owner.send(f"{page}/hook")
    assert place["key"] in shown.text
    assert place["address"] in shown.text


async def test_a_page_with_200_is_waited_out_and_nothing_is_lost(diary: Diary) -> None:
    id = await diary.make(name="Maria Santos", wedding_on=DAY)
    diary.seat.moods.switch(HTML)
    await diary.poll()
    assert (await diary.state())["outcome"] == "later"
    assert "page" in (await diary.state())["reason"]
    diary.seat.moods.switch("fine")
    await diary.poll()
    assert (await diary.client(id))["couple_names"] == "Maria Santos"
