"""A venue's own system says what its house has and what is planned in it, and the couple's wedding follows."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest_asyncio

from tests.contracts.record_house import Book, Lane
from tests.contracts.town import Somebody
from tests.contracts.venue_house import invited
from tests.engines_fixture import Database, RunningPostgres
from tests.served import served
from wedsync.connections import stage
from wedsync.connections.accounts.connecting import Desk
from wedsync.connections.calendars.driven import ACCOUNTS
from wedsync.connections.records.record import Record
from wedsync.connections.records.through import Connected
from wedsync.connectors.venue_booking.fake import VenueSystem
from wedsync.connectors.venue_booking.fake_store import House
from wedsync.kit.config import Settings

CARLA = ACCOUNTS[0]
DAY = date(2027, 6, 5)
DINNER = {"part": "reception", "space_id": "hall", "setup_at": "12:00", "ready_by": "16:30", "starts_at": "18:00"}


class Manor(Book):
    """One connected booking system."""

    system: VenueSystem

    @property
    def house(self) -> House:
        return self.system.houses[self.account]

    async def make(self, **fields: Any) -> str:
        return await self.system.make(self.account, Record(**fields))

    async def spaces(self) -> dict[str, tuple[Any, ...]]:
        found = await self.owner.got("GET", f"/api/v1/suppliers/{self.business.supplier}/spaces")
        return {one["name"]: (one["seated_max"], one["standing_max"], one["is_active"]) for one in found["items"]}

    async def given(self, wedding: str) -> list[tuple[Any, ...]]:
        found = await self.owner.got("GET", f"/api/v1/weddings/{wedding}/space-uses")
        names = ("name", "arrangement", "capacity", "setup_at", "ready_by", "is_over")
        return [tuple(one[name] for name in names) for one in found["items"]]


class Valley(Lane):
    system: VenueSystem
    at: str

    async def manor(self, couple: Somebody | None = None) -> tuple[Manor, str]:
        """A venue whose system is connected; linked to a couple's wedding where there is one."""
        for house in self.system.houses.values():
            house.bookings.clear()
            house.space("hall", "Great hall", seated=10, standing=180)
            house.space("terrace", "Terrace", seated=None, standing=90)
        wedding = "" if couple is None else await self.wedding(couple)
        business = await self.supplier() if couple is None else await self.linked(couple, wedding)
        said = {name: value[0] for name, value in self.system.credentials(self.at, CARLA).items()}
        path = f"/api/v1/suppliers/{business.supplier}/connections/venue_booking"
        made = await business.owner.got("POST", path, said, code=201)
        manor = Manor(lane=self, business=business, account=CARLA, id=made["connection"]["id"], system=self.system)
        await manor.settle()
        return manor, wedding


@pytest_asyncio.fixture(scope="module")
async def valley(database: Database, postgres: RunningPostgres, settings: Settings) -> AsyncIterator[Valley]:
    system = VenueSystem()
    admin = await asyncpg.connect(postgres.admin_url, database=database.name)
    try:
        async with stage.serving([system]) as at:
            own = msgspec.structs.replace(settings, egress_allow=("127.0.0.0/8",))
            async with served(own) as app:
                made = Valley(app, own, admin)
                desk: Desk = app.state.desk
                made.system, made.at, made.remote = system, at, Connected(desk.host, lambda door: desk.accounts)
                yield made
    finally:
        await admin.close()


async def test_spaces_are_ours_and_only_what_changes_there_is_taken_over_again(valley: Valley) -> None:
    manor, _ = await valley.manor()
    assert await manor.spaces() == {"Great hall": (10, 180, True), "Terrace": (None, 90, True)}
    path = f"/api/v1/suppliers/{manor.business.supplier}/spaces"
    hall, terrace = (await manor.owner.got("GET", path))["items"]
    await manor.owner.got("PATCH", f"{path}/{hall['id']}", {"name": "Hall of mirrors"})
    manor.house.space("hall", "Great hall", seated=12, standing=180)
    manor.house.space("nook", "Nook", seated=0)
    await manor.poll()
    assert await manor.spaces() == {"Hall of mirrors": (12, 180, True), "Terrace": (None, 90, True)}
    await manor.owner.ask("DELETE", f"{path}/{terrace['id']}")
    del manor.house.spaces["hall"], manor.house.spaces["nook"]
    manor.house.space("terrace", "Terrace", seated=None, standing=95)
    await manor.poll()
    assert await manor.spaces() == {"Hall of mirrors": (12, 180, False)}
    manor.house.space("hall", "Great hall", seated=12, standing=180)
    await manor.poll()
    assert await manor.spaces() == {"Hall of mirrors": (12, 180, True)}


async def test_what_is_planned_there_is_given_to_the_couples_day_and_too_many_guests_are_told(valley: Valley) -> None:
    ana = await valley.person()
    manor, wedding = await valley.manor(ana)
    at = f"/api/v1/weddings/{wedding}"
    item = {"title": "Dinner", "kind": "reception", "on": DAY.isoformat(), "at_local": "17:00:00", "takes_rsvps": True}
    dinner = (await ana.got("POST", f"{at}/schedule", item, code=201))["id"]
    id = await manor.make(name="Maria Santos", wedding_on=DAY, stage="booked")
    manor.house.plan(id, DINNER, {**DINNER, "part": "ceremony", "space_id": "terrace"})
    await manor.poll(wedding)
    # Nobody knows yet that this client is that couple.
    assert await manor.given(wedding) == []
    client = await manor.client(id)
    await valley.admin.execute(
        "update clients set wedding_id = $2, link_id = $3 where id = $1",
        *(UUID(client["id"]), UUID(wedding), UUID(manor.business.link)),
    )
    await valley.admin.execute("update record_items set is_dirty = true where client_id = $1", UUID(client["id"]))
    await manor.poll(wedding)
    assert await manor.given(wedding) == [("Great hall", "seated", 10, "12:00:00", "16:30:00", False)]
    proposals = (await ana.got("GET", f"{at}/proposals"))["items"]
    assert [(one["field"], one["wanted"]) for of in proposals for one in of["changes"]] == [
        ("reception_at", "18:00:00")
    ]
    guests = await invited(ana, wedding, dinner, 11)
    for guest in guests:
        await ana.got("PUT", f"/api/v1/guests/{guest}/rsvps/{dinner}", {"status": "accepted"})
    assert [one[-1] for one in await manor.given(wedding)] == [True]
    # They take the terrace for it, where so many can stand; a second look changes nothing.
    manor.house.plan(id, {**DINNER, "space_id": "terrace", "arrangement": "standing"})
    await manor.poll(wedding)
    assert await manor.given(wedding) == [("Terrace", "standing", 90, "12:00:00", "16:30:00", False)]
    told = len(await valley.events(wedding, "space.rearranged"))
    await manor.poll(wedding)
    assert len(await valley.events(wedding, "space.rearranged")) == told == 1


async def test_what_cannot_be_given_waits_and_the_rest_goes_on(valley: Valley) -> None:
    ana = await valley.person("ada")
    manor, wedding = await valley.manor(ana)
    id = await manor.make(name="Maria Santos", wedding_on=DAY, stage="held")
    # Nobody sits on the terrace, and ready before it is set up it cannot be.
    manor.house.plan(id, {**DINNER, "space_id": "terrace"}, {**DINNER, "part": "drinks", "ready_by": "11:00"})
    await manor.poll(wedding)
    client = await manor.client(id)
    await valley.admin.execute(
        "update clients set wedding_id = $2, link_id = $3 where id = $1",
        *(UUID(client["id"]), UUID(wedding), UUID(manor.business.link)),
    )
    for kind in ("reception", "drinks"):
        item = {"title": kind, "kind": kind, "on": DAY.isoformat(), "at_local": "17:00:00"}
        await ana.got("POST", f"/api/v1/weddings/{wedding}/schedule", item, code=201)
    manor.house.change(id, {"stage": "booked"})
    await manor.poll(wedding)
    assert await manor.given(wedding) == []
    assert ((await manor.client(id))["stage"], (await manor.state())["outcome"]) == ("booked", "done")
    manor.house.plan(id, DINNER)
    await manor.poll(wedding)
    assert [one[0] for one in await manor.given(wedding)] == ["Great hall"]
