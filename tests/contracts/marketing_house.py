"""A business whose mailing lists are connected: the served app, both fakes beside it, and the worker's part by hand."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import asyncpg
import httpx
import msgspec

from tests.contracts.town import LEASE_WORK, Linked, Somebody, Town
from tests.engines_fixture import Database, RunningPostgres
from tests.served import served
from wedsync.connections import incoming, stage
from wedsync.connections.accounts.connecting import Desk
from wedsync.connections.calendars.driven import ACCOUNTS
from wedsync.connections.marketing import sync
from wedsync.connections.marketing.through import Marketers
from wedsync.connectors.constant_contact.fake import ConstantContact
from wedsync.connectors.mailchimp.fake import Mailchimp
from wedsync.events.jobs import Job
from wedsync.kit.config import Settings

CARLA, DARIO = ACCOUNTS
URL = "https://wedsync.test"
RESUME = """update marketing_progress set not_before = null, next_poll_at = '-infinity', reports_at = null
where audience_id = $1"""
WORDS = "Yes, write to me about offers, four times a year."
RUNS_MAX = 100


class Fair(Town):
    """The town, with a street of businesses that write to their clients."""

    chimp: Mailchimp
    contact: ConstantContact
    at: str
    marketers: Marketers

    def forget(self) -> None:
        """Nobody is in anybody's list."""
        self.chimp.moods.switch("fine")
        self.contact.moods.switch("fine")
        for fake in (self.chimp, self.contact):
            fake.exchanges.clear()
            for home in fake.accounts.values():
                for table in ("members", "contacts", "segments", "tags", "templates", "emails", "hooks", "campaigns"):
                    getattr(home, table, []).clear()
        for one in self.chimp.accounts.values():
            one.begun.clear()

    async def shop(self, business: Linked | None = None) -> "Shop":
        """A business that has connected nothing yet."""
        return Shop(fair=self, business=business or await self.supplier())


class Shop(msgspec.Struct, kw_only=True):
    """One business."""

    fair: Fair
    business: Linked

    @property
    def owner(self) -> Somebody:
        return self.business.owner

    @property
    def tenant(self) -> str:
        return self.business.supplier

    async def connect(self, connector: str = "mailchimp", *, chooses: bool = True) -> "Audience":
        """By consent at the provider, as a person does it."""
        path = f"/api/v1/suppliers/{self.tenant}/connections/{connector}"
        begun = await self.owner.got("POST", path, {}, code=201)
        async with httpx.AsyncClient() as browser:
            answer = await browser.get(f"{begun['authorize_url']}&auto={CARLA}")
        back = urlsplit(answer.headers["location"])
        await self.owner.see(f"{back.path}?{back.query}", code=303)
        made = Audience(shop=self, connector=connector, id=begun["connection"]["id"])
        await self.settle()
        if chooses:
            fake = self.fair.chimp if connector == "mailchimp" else self.fair.contact
            await self.owner.got("PATCH", made.path, {"list_id": fake.list_of(CARLA)})
            await self.settle()
        return made

    async def client(self, name: str, *, agrees: bool = True, **fields: Any) -> dict[str, Any]:
        """Somebody with an address of their own."""
        body = {"name": name, "email": f"{name.split(maxsplit=1)[0].lower()}.{uuid4().hex[:6]}@example.org"} | fields
        made: dict[str, Any] = await self.owner.got("POST", f"/api/v1/suppliers/{self.tenant}/clients", body, code=201)
        if agrees:
            await self.say(made)
        return made

    async def say(self, client: dict[str, Any], act: str = "given", who: str = "client") -> Any:
        body = {"act": act, "who": who, "wording": WORDS if act == "given" else "", "source": "The fair in May"}
        return await self.owner.got(
            "POST", f"/api/v1/suppliers/{self.tenant}/clients/{client['id']}/marketing-consents", body, code=201
        )

    async def edit(self, client: dict[str, Any], **fields: Any) -> None:
        await self.owner.got("PATCH", f"/api/v1/suppliers/{self.tenant}/clients/{client['id']}", fields)

    async def ledger(self) -> list[tuple[str, str, str, str]]:
        """Newest first: (address, act, method, source)."""
        found = await self.owner.got("GET", f"/api/v1/suppliers/{self.tenant}/marketing-consents")
        return [(one["email"], one["act"], one["method"], one["source"]) for one in found["items"]]

    async def work(self) -> int:
        """Run what is owed of this business's lists; returns how much that was."""
        done = 0
        for name in (incoming.WORK, sync.WORK):
            while row := await self.fair.admin.fetchrow(LEASE_WORK, UUID(self.tenant), name):
                job = Job(**row)
                if name == incoming.WORK:
                    await incoming.works(self.fair.ring)[name](self.fair.door, job)
                else:
                    await sync.keep_in_step(self.fair.door, job, self.fair.ring, self.fair.marketers, URL)
                done += 1
                assert done < RUNS_MAX, f"{name} is owed again and again"
        return done

    async def settle(self, *others: str) -> None:
        """Reactions and runs, until there are none."""
        for _ in range(30):
            done = [await self.fair.react(tenant) for tenant in (self.tenant, *others)]
            if not await self.work() and not any(done):
                return
        raise AssertionError("it does not come to rest")


class Audience(msgspec.Struct, kw_only=True):
    """One connected account."""

    shop: Shop
    connector: str
    id: str

    @property
    def path(self) -> str:
        return f"/api/v1/connections/{self.id}/marketing"

    async def state(self) -> Any:
        return await self.shop.owner.got("GET", self.path)

    async def members(self) -> dict[str, tuple[str, str]]:
        """(state, reason) by address."""
        found = await self.shop.owner.got("GET", f"{self.path}/members?limit=200")
        return {one["email"]: (one["state"], one["reason"]) for one in found["items"]}

    async def poll(self) -> None:
        """The clock comes by, whatever was to be waited for, and what it owes is done."""
        await self.shop.fair.admin.execute(RESUME, UUID(self.id))
        await self.shop.fair.admin.fetchval("select app.poke_due_marketing()")
        await self.shop.settle()


@asynccontextmanager
async def fairly(database: Database, postgres: RunningPostgres, settings: Settings) -> AsyncIterator[Fair]:
    """The app, and the two providers that it is pointed at."""
    chimp, contact = Mailchimp(), ConstantContact()
    admin = await asyncpg.connect(postgres.admin_url, database=database.name)
    try:
        async with stage.serving([chimp, contact]) as at:
            own = msgspec.structs.replace(settings, **chimp.settings_at(at), **contact.settings_at(at))
            async with served(own) as app:
                fair = Fair(app, own, admin)
                desk: Desk = app.state.desk
                fair.chimp, fair.contact, fair.at = chimp, contact, at
                fair.marketers = Marketers(desk.host, lambda door: desk.accounts)
                # As fast as a test can ask.
                desk.host._connectors["constant_contact"]._pace._gap_s = 0.0  # type: ignore[attr-defined]
                yield fair
    finally:
        await admin.close()
