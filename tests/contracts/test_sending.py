"""New enquiries and bookings reach a CRM that only takes in, once each, whatever becomes of the way there."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import asyncpg
import msgspec
import pytest
import pytest_asyncio

from tests.contracts.record_house import Book, Lane
from tests.engines_fixture import Database, RunningPostgres
from tests.served import served
from wedsync.connections import stage
from wedsync.connections.accounts.connecting import Desk
from wedsync.connections.calendars import driven
from wedsync.connections.calendars.driven import ACCOUNTS
from wedsync.connections.records import sending
from wedsync.connections.records.driven import Taken
from wedsync.connections.records.through import Connected
from wedsync.connectors.light_blue.fake import KEYS, NO_HTTPS, LightBlue
from wedsync.kit import clock
from wedsync.kit.config import Settings

CARLA = ACCOUNTS[0]
DAY = "2027-06-05"


class Outbox(Book):
    """One connected Light Blue. `inbox` is what came into it."""

    blue: LightBlue

    @property
    def inbox(self) -> list[Taken]:
        return self.blue.taken(self.account)

    @property
    def told(self) -> list[tuple[str, str]]:
        return [(one.record.name, one.record.stage) for one in self.inbox]

    @property
    def of(self) -> str:
        return f"/api/v1/suppliers/{self.business.supplier}/clients"

    async def add(self, **fields: Any) -> dict[str, Any]:
        made: dict[str, Any] = await self.owner.got("POST", self.of, fields, code=201)
        await self.settle()
        return made

    async def states(self) -> dict[str, str]:
        items = (await self.owner.got("GET", f"{self.path}/items"))["items"]
        return {one["couple_names"]: one["state"] for one in items}


class Street(Lane):
    blue: LightBlue

    async def outbox(self) -> Outbox:
        """A business with one client already, and then its Light Blue."""
        self.blue.moods.switch("fine")
        for studio in self.blue.studios.values():
            studio.items.clear()
        business = await self.supplier()
        at = f"/api/v1/suppliers/{business.supplier}"
        await business.owner.got("POST", f"{at}/clients", {"name": "Known Before"}, code=201)
        made = await business.owner.got("POST", f"{at}/connections/light_blue", {"password": KEYS[CARLA]}, code=201)
        box = Outbox(lane=self, business=business, account=CARLA, id=made["connection"]["id"], blue=self.blue)
        await box.settle()
        return box


@pytest_asyncio.fixture(scope="module")
async def street(database: Database, postgres: RunningPostgres, settings: Settings) -> AsyncIterator[Street]:
    blue = LightBlue()
    admin = await asyncpg.connect(postgres.admin_url, database=database.name)
    try:
        async with stage.serving([blue]) as at:
            own = msgspec.structs.replace(settings, **blue.settings_at(at))
            async with served(own) as app:
                made = Street(app, own, admin)
                desk: Desk = app.state.desk
                made.blue, made.remote = blue, Connected(desk.host, lambda door: desk.accounts)
                yield made
    finally:
        await admin.close()


@pytest_asyncio.fixture
async def box(street: Street) -> Outbox:
    return await street.outbox()


async def test_who_asks_and_who_books_is_handed_in_once_each_and_nobody_from_before(box: Outbox) -> None:
    assert (await box.state())["direction"] == "send"
    client = await box.add(name="Maria Santos", partner_name="Tom Okafor", wedding_on=DAY, venue="Quinta")
    assert box.told == [("Maria Santos", "enquiry")]
    assert box.inbox[0].record.wedding_on == date(2027, 6, 5)
    await box.edit(client, note="They have a dog.")
    await box.poll()
    assert len(box.inbox) == 1
    await box.edit(client, stage="booked")
    await box.settle()
    assert box.told[1:] == [("Maria Santos", "booked")]
    await box.edit(client, stage="fulfilled")
    await box.edit(client, stage="booked")
    await box.poll()
    assert len(box.inbox) == 2
    assert await box.states() == {"Maria Santos & Tom Okafor": "sent"}
    state = await box.state()
    assert (state["outcome"], state["clients"], state["conflicts"]) == ("done", 1, 0)
    shown = await box.owner.see(f"/studio/{box.business.supplier}/records/{box.id}")
    assert "counts as accepted" in shown
    assert "2 sent" not in shown
    assert "1 sent" in shown


async def test_a_lost_reply_is_sent_again_and_counts_as_accepted_when_it_is_there(box: Outbox) -> None:
    box.blue.moods.switch(driven.LOST, 1)
    await box.add(name="Maria Santos")
    assert len(box.inbox) == 1
    assert await box.states() == {"Maria Santos": "sending"}
    assert (await box.state())["outcome"] == "later"
    await box.poll()
    assert len(box.inbox) == 1
    assert await box.states() == {"Maria Santos": "sent"}
    assert await box.conflicts() == []


async def test_what_is_not_taken_in_waits_for_people_who_send_it_again_or_leave_it(box: Outbox) -> None:
    box.blue.moods.switch(driven.DEAD)
    client = await box.add(name="Maria Santos")
    assert (box.inbox, (await box.state())["connection_state"]) == ([], "needs_reconnect")
    box.blue.moods.switch("fine")
    await box.owner.got("POST", f"/api/v1/connections/{box.id}/reconnect", {"password": KEYS[CARLA]})
    await box.poll()
    assert await box.states() == {"Maria Santos": "sent"}
    # A 200 with -4 is no success: what is there under our reference of a booking did not come from here.
    studio = box.blue.studios[CARLA]
    studio.take(
        {"Type": "contact form", "Message": "By hand", "Reference": f"{client['id']}-booked"}, clock.machine_now()
    )
    await box.edit(client, stage="booked")
    await box.settle()
    assert await box.states() == {"Maria Santos": "refused"}
    (conflict,) = await box.conflicts()
    assert (conflict["kind"], conflict["words"]) == ("unsent", "Not taken in")
    assert "reference" in conflict["why"]
    await box.decide("ours")
    assert [one["kind"] for one in await box.conflicts()] == ["unsent"]
    studio.items.pop()
    await box.decide("ours")
    assert (await box.conflicts(), box.told[1:]) == ([], [("Maria Santos", "booked")])
    assert await box.states() == {"Maria Santos": "sent"}


async def test_what_is_over_before_it_is_a_booking_is_sent_no_more(box: Outbox) -> None:
    box.blue.moods.switch(NO_HTTPS, 1)
    client = await box.add(name="Maria Santos")
    assert (await box.state())["outcome"] == "later"
    await box.poll()
    await box.edit(client, stage="cancelled")
    await box.poll()
    assert box.told == [("Maria Santos", "enquiry")]


async def test_lists_from_elsewhere_are_not_sent_and_off_is_off(box: Outbox) -> None:
    await box.add(name="Of A List", source="tave", external_id="x1")
    assert (box.inbox, await box.states()) == ([], {})
    await box.choose("off")
    await box.add(name="While It Was Off")
    await box.choose("send")
    await box.poll()
    assert box.inbox == []
    await box.add(name="Maria Santos", email="maria@example.org")
    assert box.told == [("Maria Santos", "enquiry")]


async def test_a_crm_that_only_takes_in_cannot_be_read(box: Outbox) -> None:
    for way in ("import", "both"):
        refused = await box.owner.got("PATCH", box.path, {"direction": way}, code=422)
        assert refused["errors"][0]["field"] == "direction"


async def test_what_is_sent_waits_its_turn_and_none_is_forgotten(box: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "AT_ONCE_MAX", 2)
    box.blue.moods.switch(driven.BUSY, 1)
    for number in range(5):
        await box.owner.got("POST", box.of, {"name": f"Couple {number}"}, code=201)
    await box.settle()
    await box.poll()
    assert box.told == [(f"Couple {number}", "enquiry") for number in range(5)]
