"""A town whose suppliers are paid online: the served app with Stripe's fake beside it, and hooks brought one by one."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import httpx
import msgspec
import stripe as official

from tests.contracts.reacting import whole
from tests.contracts.senders import Sender
from tests.contracts.town import LEASE_WORK, Linked, Somebody, Town
from tests.engines_fixture import Database, RunningPostgres
from tests.served import served
from wedsync.connections import stage
from wedsync.connectors.stripe.fake import Stripe
from wedsync.events.event import decode
from wedsync.events.jobs import Job
from wedsync.events.reactions import Work
from wedsync.kit import clock
from wedsync.kit.config import Settings
from wedsync.processes import registry

LEASE = """update jobs set lease_token = uuidv7(), lease_until = clock_timestamp() + interval '1 minute'
    where id = (select id from jobs where kind = 'reaction' and tenant_id = $1 order by order_seq, id limit 1)
    returning id, name, lease_token, event_id"""
HOOKS = "/hooks/stripe"


class Paid(msgspec.Struct, frozen=True, kw_only=True):
    """A couple, their supplier, and the account it is paid into."""

    ana: Somebody
    wedding: str
    business: Linked
    account: str


class PaymentHouse(Town):
    """The town with Stripe beside it. The fake sends nothing by itself: tests bring its events, in their order."""

    stripe: Stripe
    at: str
    work: Work
    sender: Sender
    connect: Callable[[], Awaitable[Any]]

    async def paid(self, *, is_market: bool = True, days: int = 3) -> Paid:
        """A wedding whose photographer has connected Stripe, and who enquired so many days before the link."""
        ana = await self.person("ana")
        wedding = await self.wedding(ana)
        business = await self.linked(ana, wedding)
        if is_market:
            await self.enquired(business, wedding, days=days)
        account = await self.connected(business)
        return Paid(ana=ana, wedding=wedding, business=business, account=account)

    async def enquired(self, business: Linked, wedding: str, *, days: int, source: str = "marketplace") -> None:
        """The couple became this supplier's client so many days before they were linked: by asking on its page, or in
        another way."""
        client = await self.admin.fetchval(
            """insert into clients (supplier_id, source, wedding_id, link_id, sealed, created_at)
            select $1, $2, $3, $4, ''::bytea, l.created_at - make_interval(days => $5) from links l where l.id = $4
            returning id""",
            UUID(business.supplier),
            source,
            UUID(wedding),
            UUID(business.link),
            days,
        )
        if source == "marketplace":
            await self.admin.execute(
                """insert into enquiries (supplier_id, form_key, sealed, client_id, received_at, attributed_until)
                select c.supplier_id, gen_random_uuid(), '', c.id, c.created_at, c.created_at + interval '180 days'
                from clients c where c.id = $1""",
                client,
            )

    async def connected(self, business: Linked) -> str:
        """The supplier connects an account of its own, as a person does; its id at Stripe."""
        path = f"/api/v1/suppliers/{business.supplier}/connections/stripe"
        return await self.consented(business, await business.owner.got("POST", path, {}, code=201))

    async def consented(self, business: Linked, begun: Mapping[str, Any]) -> str:
        """The supplier says yes at Stripe; the account's id there."""
        await self.come_back(business, begun, signed_in_as=business.owner.email)
        await self.reacted(business.supplier)
        found = await self.admin.fetchval(
            "select account from payout_accounts where supplier_id = $1", UUID(business.supplier)
        )
        return str(found)

    async def come_back(self, business: Linked, begun: Mapping[str, Any], *, signed_in_as: str, code: int = 303) -> str:
        """From Stripe, where they are signed in as somebody; the page they come to."""
        async with httpx.AsyncClient() as browser:
            answer = await browser.get(f"{begun['authorize_url']}&auto={signed_in_as}")
        back = urlsplit(answer.headers["location"])
        return str(await business.owner.see(f"{back.path}?{back.query}", code=code))

    async def connection(self, paid: Paid) -> str:
        """The one that pays them."""
        id = await self.admin.fetchval("select connection_id from payout_accounts where account = $1", paid.account)
        return str(id)

    async def reacted(self, tenant: str, kind: str = "supplier") -> list[str]:
        """Run every reaction that a tenant is owed, in order."""
        reactions, done = registry.catalogue(self.settings).reactions, []
        while job := await self.admin.fetchrow(LEASE, UUID(tenant)):
            said = "select app.event_json(e, $2) from events e where id = $1"
            event = decode(await self.admin.fetchval(said, job["event_id"], kind))
            async with self.door.enter_job(job["id"], job["lease_token"]) as tx:
                await whole(reactions[job["name"]], tx, event)
            await self.admin.execute("delete from jobs where id = $1", job["id"])
            done.append(job["name"])
        return done

    async def asked(self, paid: Paid, amount_minor: int = 60000, **fields: Any) -> dict[str, Any]:
        """The supplier asks for a payment."""
        body = {"kind": "deposit", "amount_minor": amount_minor} | fields
        made: dict[str, Any] = await paid.business.owner.got(
            "POST", f"/api/v1/weddings/{paid.wedding}/payments", body, code=201
        )
        return made

    async def payment(self, paid: Paid, id: str) -> dict[str, Any]:
        """As the couple sees it now."""
        found: dict[str, Any] = await paid.ana.got("GET", f"/api/v1/payments/{id}")
        return found

    async def checkout(self, paid: Paid, payment: Mapping[str, Any]) -> str:
        """The couple is sent to Stripe's page; its id there."""
        way = await paid.ana.got("POST", f"/api/v1/payments/{payment['id']}/checkout")
        return str(way["url"]).rpartition("/")[2]

    async def collected(self, paid: Paid, amount_minor: int = 60000, **fields: Any) -> dict[str, Any]:
        """One that was asked for and paid, and of which Stripe has told; as it was asked for."""
        payment, since = await self.asked(paid, amount_minor, **fields), len(self.stripe.store.events)
        self.stripe.store.pay(await self.checkout(paid, payment))
        await self.settled(paid, self.told(since))
        return payment

    def told(self, since: int) -> list[dict[str, Any]]:
        """What Stripe has had to say since then."""
        return self.stripe.store.events[since:]

    async def bring(self, events: Sequence[Mapping[str, Any]]) -> list[int]:
        """Post hooks as Stripe does, signed by its own library; the statuses of their answers."""
        statuses = []
        for event in events:
            body = msgspec.json.encode(event)
            headers = {"stripe-signature": signed(body, self.stripe.hooks.secret)}
            answer = await self.sender.http.post(HOOKS, content=body, headers=headers)
            statuses.append(answer.status_code)
        return statuses

    async def worked(self, supplier: str, admin: Any = None) -> int:
        """Work on every hook of a supplier that waits; how many. `admin`: a connection of its own, where several do."""
        done = 0
        while row := await (admin or self.admin).fetchrow(LEASE_WORK, UUID(supplier), "hooks"):
            await self.work(self.door, Job(**row))
            done += 1
        return done

    async def worked_at_once(self, suppliers: Sequence[str]) -> int:
        """The same for several suppliers, each by a worker of its own, as they run beside each other."""

        async def one(supplier: str) -> int:
            admin = await self.connect()
            try:
                return await self.worked(supplier, admin)
            finally:
                await admin.close()

        return sum(await asyncio.gather(*(one(supplier) for supplier in suppliers)))

    async def settled(self, paid: Paid, events: Sequence[Mapping[str, Any]], rng: random.Random | None = None) -> None:
        """Bring hooks, in an order of chance where one is given, and work on them."""
        order = list(events)
        if rng is not None:
            rng.shuffle(order)
        assert set(await self.bring(order)) <= {200, 202}
        await self.worked(paid.business.supplier)
        failed = "select error from inbox_hooks where tenant_id = $1 and status in ('failed', 'received')"
        assert await self.admin.fetch(failed, UUID(paid.business.supplier)) == []

    async def ledger(self, payment_id: str) -> dict[str, int]:
        """What each account of the ledger holds of a payment: debits less credits, where that is something."""
        rows = await self.admin.fetch(
            """select account, sum(minor)::bigint as minor from (
              select debit as account, amount_minor as minor from commission_entries where payment_id = $1
              union all
              select credit, -amount_minor from commission_entries where payment_id = $1) x group by account""",
            UUID(payment_id),
        )
        return {row["account"]: row["minor"] for row in rows if row["minor"]}


def signed(body: bytes, secret: str, *, ago_s: int = 0) -> str:
    """The header as Stripe's own library makes it."""
    at = int(clock.machine_now().timestamp()) - ago_s
    made = official.WebhookSignature._compute_signature(f"{at}.{body.decode()}", secret)
    return f"t={at},v1={made}"


@asynccontextmanager
async def housed(database: Database, postgres: RunningPostgres, settings: Settings) -> AsyncIterator[PaymentHouse]:
    """The app, pointed at a Stripe of its own."""
    fake = Stripe()
    admin = await asyncpg.connect(postgres.admin_url, database=database.name)
    try:
        async with stage.serving([fake]) as at:
            own = msgspec.structs.replace(settings, **fake.settings_at(at))
            async with served(own) as app:
                house = PaymentHouse(app, own, admin)
                house.stripe, house.at, house.sender = fake, at, Sender(house)
                house.connect = partial(asyncpg.connect, postgres.admin_url, database=database.name)
                house.work = registry.works(own, host=app.state.desk.host)["hooks"]
                yield house
    finally:
        await admin.close()
