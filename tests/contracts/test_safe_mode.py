"""While a wedding is on, its accounts are asked a quarter as often at most, and what is urgent goes out as before."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import asyncpg
import httpx
import msgspec
import pytest
import pytest_asyncio

from tests.contracts.day_house import DayHouse, house
from tests.contracts.marketing_house import Fair, Shop
from tests.contracts.record_house import CARLA, Book, Lane
from tests.contracts.town import LEASE_WORK, Town
from tests.engines_fixture import Database, RunningPostgres, copied
from tests.served import served
from wedsync.connections import stage
from wedsync.connections.accounts.connecting import Desk
from wedsync.connections.calendars import finding, sync
from wedsync.connections.calendars.through import Connected as Calendars
from wedsync.connections.calendars.together import Together
from wedsync.connections.marketing.through import Marketers
from wedsync.connections.records.record import Record
from wedsync.connections.records.through import Connected as Records
from wedsync.connectors.google_calendar.fake import Google
from wedsync.connectors.mailchimp.fake import Mailchimp
from wedsync.connectors.tave.fake import KEYS, Tave
from wedsync.events.jobs import Job
from wedsync.kit import clock
from wedsync.kit.config import Settings

SPAN = timedelta(hours=6)
PROGRESS = ("calendar_progress", "record_progress", "marketing_progress")
AMENDMENTS = 3
DOORS = ("", "reader_", "service_", "owner_")
WHOSE = "tenant_id = $1 and coalesce(to_jsonb(g) ->> 'calendar_id', $2) = $2"
UNSWEPT = """update jobs set run_at = clock_timestamp() where lease_token is null and attempt = 0
  and run_at between clock_timestamp() and clock_timestamp() + interval '1 second'"""
NEXT = """select least((select min(next_poll_at) from calendar_progress),
  (select min(next_poll_at) from record_progress), (select min(next_poll_at) from marketing_progress))"""


class Street(msgspec.Struct, kw_only=True):
    """A photographer with a CRM, a calendar and a mailing list, who works at one wedding."""

    day: DayHouse
    lane: Lane
    fair: Fair
    google: Google
    calendars: Calendars
    book: Book
    shop: Shop
    calendar: str = ""
    jobs: list[str] = []

    @property
    def tenant(self) -> UUID:
        return UUID(self.book.business.supplier)

    async def move(self, to: datetime) -> None:
        """Wedding time, in the database and in this process."""
        admin = self.day.town.admin
        await admin.execute("delete from clock_setting")
        row = await admin.fetchrow("insert into clock_setting (base) values ($1) returning base, set_at, speed", to)
        clock.follow(clock.Clock(**dict(row)), env="test")

    async def work(self) -> None:
        """All that is owed now, as workers do it; nobody sweeps here, and what was left to sweeps is not waited for."""
        await self.day.town.admin.execute(UNSWEPT)
        for _ in range(30):
            done = [await self.day.town.react(tenant) for tenant in (self.day.wedding, str(self.tenant))]
            ran = await self.book.work() + await self.shop.work()
            for name in (finding.WORK, sync.WORK):
                while row := await self.day.town.admin.fetchrow(LEASE_WORK, self.tenant, name):
                    ran += 1
                    if name == finding.WORK:
                        await finding.find(self.day.town.door, Job(**row), self.day.town.ring, self.calendars)
                    else:
                        args = (self.day.town.ring, self.calendars, "https://wedsync.test", Together())
                        await sync.keep_in_step(self.day.town.door, Job(**row), *args)
            if not ran and not any(done):
                return
        raise AssertionError("it does not come to rest")

    async def tick(self) -> None:
        """The clock comes by."""
        for name in ("calendars", "records", "marketing"):
            await self.day.town.admin.fetchval(f"select app.poke_due_{name}()")
        await self.work()

    async def connect(self) -> None:
        """Each account as a person connects it."""
        owner, path = self.book.owner, f"/api/v1/suppliers/{self.tenant}"
        made = await owner.got("POST", f"{path}/connections/tave", {"password": KEYS[CARLA]}, code=201)
        self.book.id = made["connection"]["id"]
        await self.work()
        begun = await owner.got("POST", f"{path}/connections/google_calendar", {}, code=201)
        async with httpx.AsyncClient() as browser:
            answer = await browser.get(f"{begun['authorize_url']}&auto={CARLA}")
        back = urlsplit(answer.headers["location"])
        await owner.see(f"{back.path}?{back.query}", code=303)
        await self.work()
        found = (await owner.got("GET", f"{path}/calendars"))["items"]
        self.calendar = next(one["id"] for one in found if one["title"] == "Weddings")
        await owner.got("PATCH", f"/api/v1/calendars/{self.calendar}", {"direction": "both", "has_schedule": True})
        await self.shop.connect()
        await self.work()

    async def announce(self) -> None:
        """Each provider tells by a hook that something has changed there."""
        gus = Record(name=f"Gus {uuid4().hex[:6]}", email="gus@example.org")
        job = self.jobs[0] if self.jobs else await self.lane.tave.make(CARLA, gus)
        self.jobs = [job]
        hooks = self.lane.tave.studios[CARLA].hooks.values()
        (tave,) = [one["url"] for one in hooks if one["event"] == "order.booked" and self.book.id in one["url"]]
        await self.hooked(tave, json={"event": "order.booked", "data": {"jobId": job}, "at": uuid4().hex})
        (channel,) = self.google.channels.open.values()
        channel.number += 2
        told = {"id": channel.id, "token": channel.token}
        headers = {f"x-goog-channel-{name}": value for name, value in told.items()}
        headers |= {
            "x-goog-resource-id": channel.resource,
            "x-goog-resource-state": "exists",
            "x-goog-message-number": str(channel.number),
        }
        await self.hooked(channel.address, headers=headers)
        (chimp,) = self.fair.chimp.accounts[CARLA].hooks.values()
        await self.hooked(chimp["url"], data={"type": "profile", "fired_at": uuid4().hex, "data[email]": gus.email})

    async def hooked(self, address: str, **said: Any) -> None:
        split = urlsplit(address)
        answer = await self.day.town.public._http.post(f"{split.path}?{split.query}", **said)
        assert answer.status_code in (200, 202, 204), answer.text

    async def counted(self, begins: datetime, announced_every: timedelta = SPAN) -> dict[str, int]:
        """Calls of each provider in a span, our writes to the calendar, urgent deliveries; each poll when it is due."""
        asked = {"tave": 0, "google": 0, "mailchimp": 0, "written": 0, "urgent": 0}
        fakes: dict[str, Any] = {"tave": self.lane.tave, "google": self.google, "mailchimp": self.fair.chimp}
        amended = [begins + SPAN * part / (AMENDMENTS + 1) for part in range(1, AMENDMENTS + 1)]
        announced = [begins + announced_every * n for n in range(1, SPAN // announced_every)]
        at = begins
        for table in PROGRESS:
            await self.day.town.admin.execute(f"update {table} set not_before = null, next_poll_at = $1", begins)
        while at < begins + SPAN:
            await self.move(at)
            for fake in fakes.values():
                fake.exchanges.clear()
            if amended and at >= amended[0]:
                amended.pop(0)
                asked["urgent"] += await self.amend()
                written = [one for one in self.google.exchanges if one.method in ("PATCH", "POST")]
                asked["written"] += len(written)
                asked["google"] -= len(self.google.exchanges) if announced_every == SPAN else len(written)
            if announced and at >= announced[0]:
                announced.pop(0)
                await self.announce()
            await self.tick()
            for name, fake in fakes.items():
                asked[name] += len(fake.exchanges)
            due = await self.day.town.admin.fetchval(NEXT)
            at = min(max(due, at + timedelta(seconds=1)), *amended, *announced, begins + SPAN)
        return asked

    async def amend(self) -> int:
        """The photographs begin five minutes later: how many were told of it at once, in the lanes that do not wait."""
        admin = self.day.town.admin
        sql = "select count(*) from deliveries where type = 'amendment.made' and lane < 2"
        before = await admin.fetchval(sql)
        change = {"schedule_item_id": self.day.items["Photos"], "by_minutes": 5, "reason": "The light is better."}
        await self.day.ana.got("POST", self.day.at("amendments"), change, code=201)
        await self.work()
        told: int = await admin.fetchval(sql) - before
        return told


@pytest_asyncio.fixture(scope="module")
async def own_database(postgres: RunningPostgres, worker: str) -> AsyncIterator[Database]:
    """In the one that tests share, the clock would come by the accounts of a thousand others too."""
    async with copied(postgres, f"wedsync_{worker}_street") as made:
        yield made


@pytest_asyncio.fixture(scope="module")
async def street(own_database: Database, postgres: RunningPostgres, settings: Settings) -> AsyncIterator[Street]:
    """The app, and the three providers that it is pointed at."""
    database = own_database
    tave, google, chimp = Tave(), Google(), Mailchimp()
    admin = await asyncpg.connect(postgres.admin_url, database=database.name)
    try:
        async with stage.serving([tave, google, chimp]) as at:
            given = {**tave.settings_at(at), **google.settings_at(at), **chimp.settings_at(at)}
            urls = {f"{door}database_url": getattr(database, door.rstrip("_") or "user") for door in DOORS}
            own = msgspec.structs.replace(settings, **given, **urls)
            async with served(own) as app:
                desk: Desk = app.state.desk
                lane, fair = Lane(app, own, admin), Fair(app, own, admin)
                lane.tave, fair.chimp = tave, chimp
                lane.remote = Records(desk.host, lambda door: desk.accounts)
                fair.marketers = Marketers(desk.host, lambda door: desk.accounts)
                day = await house(Town(app, own, admin))
                business = day.photographer
                made = Street(
                    day=day,
                    lane=lane,
                    fair=fair,
                    google=google,
                    calendars=Calendars(desk.host, lambda door: desk.accounts),
                    book=Book(lane=lane, business=business, account=CARLA, id=""),
                    shop=Shop(fair=fair, business=business),
                )
                await day.put_at(timedelta(hours=10))
                await made.connect()
                yield made
    finally:
        clock.follow(None, env="test")
        await admin.execute("delete from clock_setting")
        await admin.close()


async def live_from(day: DayHouse) -> datetime:
    found: datetime = await day.town.admin.fetchval(
        "select min(live_from) from wedding_days where wedding_id = $1", UUID(day.wedding)
    )
    return found


async def test_a_live_weddings_accounts_are_asked_a_quarter_as_often_and_what_is_urgent_goes_out_as_before(
    street: Street,
) -> None:
    begins = await live_from(street.day)
    before = await street.counted(begins - SPAN)
    live = await street.counted(begins)
    print(f"\ncalls in {SPAN}: {before} before, {live} while it is live")
    assert min(before["tave"], before["google"], before["mailchimp"]) >= 20, before
    for name in ("tave", "google", "mailchimp"):
        assert live[name] <= before[name] * 0.25, (name, before, live)
    assert (live["written"], live["urgent"]) == (before["written"], before["urgent"])
    assert live["written"] == AMENDMENTS and live["urgent"] >= AMENDMENTS


@pytest.mark.prove  # in each run the test below says it of one look, and the test above of those that nobody announces
async def test_however_often_hooks_announce_it_is_asked_for_a_quarter_as_often(street: Street) -> None:
    begins = await live_from(street.day)
    minutes = timedelta(minutes=10)
    before = await street.counted(begins - SPAN, minutes)
    live = await street.counted(begins, minutes)
    assert min(before["tave"], before["google"], before["mailchimp"]) >= 30, before
    for name in ("tave", "google", "mailchimp"):
        assert live[name] <= before[name] * 0.25, (name, before, live)
    assert (live["written"], live["urgent"]) == (AMENDMENTS, before["urgent"])


async def test_what_hooks_announce_meanwhile_is_asked_for_with_the_next_look_and_afterwards_at_the_latest(
    street: Street,
) -> None:
    until = await street.day.town.admin.fetchval(
        "select max(live_until) from wedding_days where wedding_id = $1", UUID(street.day.wedding)
    )
    for table in PROGRESS:
        await street.day.town.admin.execute(f"update {table} set not_before = null, next_poll_at = $1", until - SPAN)
    await street.move(until - timedelta(minutes=2))
    await street.tick()
    await street.move(until - timedelta(minutes=1))
    await street.announce()
    await street.work()
    each = (f"(select max(pulls_wanted - pulls_done) > 0 from {name} g where {WHOSE})" for name in PROGRESS)
    waiting, whose = f"select array[{', '.join(each)}]", (street.tenant, street.calendar)
    assert await street.day.town.admin.fetchval(waiting, *whose) == [True, True, True]
    await street.move(until)
    await street.tick()
    assert await street.day.town.admin.fetchval(waiting, *whose) == [False, False, False]


async def test_it_is_said_where_the_account_is_and_ends_by_itself(street: Street) -> None:
    day, owner = street.day, street.book.owner
    begins = await live_from(day)
    path, page = f"/api/v1/connections/{street.book.id}/health", f"/studio/{street.tenant}/accounts/{street.book.id}"
    await street.move(begins - timedelta(minutes=1))
    assert (await owner.got("GET", path))["safe_until"] is None and "Safe mode" not in await owner.see(page)
    await street.move(begins + timedelta(minutes=1))
    until = await day.town.admin.fetchval(
        "select max(live_until) from wedding_days where wedding_id = $1", UUID(day.wedding)
    )
    said = await owner.got("GET", path)
    assert (datetime.fromisoformat(said["safe_until"]), said["safe_why"]) == (until, "live")
    assert "Safe mode until" in await owner.see(page) and "A wedding of yours is on." in await owner.see(page)
    await street.move(until)
    assert (await owner.got("GET", path))["safe_until"] is None and "Safe mode" not in await owner.see(page)


async def test_a_provider_that_fails_in_the_day_before_puts_its_account_in_safe_mode(street: Street) -> None:
    day, owner = street.day, street.book.owner
    await street.move(await live_from(day) - timedelta(hours=12))
    path = f"/api/v1/connections/{street.book.id}/health"
    assert (await owner.got("GET", path))["safe_why"] is None
    sick = "update connections set state = $2, state_reason = '' where id = $1"
    await day.town.admin.execute(sick, UUID(street.book.id), "degraded")
    assert (await owner.got("GET", path))["safe_why"] == "failing"
    await day.town.admin.execute(sick, UUID(street.book.id), "active")
    assert (await owner.got("GET", path))["safe_why"] is None
    await street.move(await live_from(day) - timedelta(days=3))
    await day.town.admin.execute(sick, UUID(street.book.id), "degraded")
    assert (await owner.got("GET", path))["safe_why"] is None, "on other days it is only unwell"
    await day.town.admin.execute(sick, UUID(street.book.id), "active")


async def test_the_operator_sees_how_many_accounts_are_spared_and_nobody_else_does(street: Street) -> None:
    town = street.day.town
    await street.move(await live_from(street.day) + timedelta(hours=1))
    await street.day.ana.got("GET", "/api/v1/platform/wedding-days", code=403)
    olga = await town.operator("olga")
    found = await olga.got("GET", "/api/v1/platform/wedding-days")
    spared = {one["connector"]: one["accounts"] for one in found["safe"]}
    assert found["live"] >= 1 and {"tave", "google_calendar", "mailchimp"} <= spared.keys()
    page = await olga.see("/ops/days")
    assert "live</h2>" in page and "Google calendar" in page
    await street.move(await live_from(street.day) - timedelta(days=9))
    later = await olga.got("GET", "/api/v1/platform/wedding-days")
    left = {one["connector"]: one["accounts"] for one in later["safe"]}
    assert later["live"] < found["live"]
    assert all(left.get(name, 0) < spared[name] for name in ("tave", "google_calendar", "mailchimp"))
