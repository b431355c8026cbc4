"""A ledger to try the delivery engine on: weddings with endpoints, facts that owe deliveries, a look at every table.

Facts are recorded as a couple does it, through the user door; what is looked at is read as the administrator, for no
role of the app may see the queue.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import asyncpg
import msgspec

from tests.engines_fixture import Database, RunningPostgres
from wedsync.events import record
from wedsync.events.catalogue import Catalogue, EventType, Lane, Reaction
from wedsync.events.jobs import Job, Queue
from wedsync.events.scope import Scope
from wedsync.kit.actor import Actor
from wedsync.kit.db import Door, Published, Tx, connect_pool


class PartyRow(msgspec.Struct):
    """A row of parties, as far as these tests read it."""

    id: UUID
    name: str


def event_type(word: str, *, scope: Scope = Scope.GUESTS, lane: Lane = Lane.NORMAL) -> EventType:
    """A type of fact about parties: the smallest rows there are."""
    return EventType(type=word, scope=scope, table="parties", row=PartyRow, description="A try.", example={}, lane=lane)


TRIED = event_type("party.tried")
URGENT = event_type("party.urged", lane=Lane.CRITICAL)
TYPES = (TRIED, URGENT)

ADD_PARTY = (
    "insert into parties (wedding_id, name) values ($1, $2)"
    " returning id, to_jsonb(new) as record, null::jsonb as old_record"
)
ADD_SUPPLIER = "select app.create_supplier($1, $2, 'Light & Lens', 'photographer', 'Europe/London')"
ADD_ENDPOINT = "insert into endpoints (id, tenant_id, url, events, secret_sealed) values ($1, $2, $3, $4, $5)"
NOWHERE = "http://127.0.0.1:9/"
CONNECT = "select app.connect_endpoint($1)"
UNHURRIED = 1_000_000
"""Deliveries a minute: what these tests are about is not the rate."""


class Wedding(msgspec.Struct, frozen=True):
    """One wedding and who may act in it."""

    id: UUID
    couple: Actor


class Ledger:
    """The doors of one database, and its administrator."""

    def __init__(self, *, user: Door, service: Door, admin: asyncpg.Pool) -> None:
        self.user = user
        self.scene = Door(admin, flush=record.flush)
        """Enters like the user door, for changes that a test makes up: whoever is behind it owes no fact."""
        self.service = service
        self.admin = admin
        self.queue = Queue(service, per_min=UNHURRIED)

    async def know(self, reactions: Iterable[Reaction] = (), types: Iterable[EventType] = TYPES) -> Catalogue:
        """Make the types and reactions known to the database."""
        catalogue = Catalogue(types, reactions)
        await self.admin.execute("select app.sync_catalogue($1)", catalogue.for_database())
        return catalogue

    async def wedding(self) -> Wedding:
        wedding_id = uuid4()
        person = await self.admin.fetchval("select app.person_for($1)", f"{wedding_id.hex}@example.test")
        await self.admin.execute(
            "select app.create_wedding($1, $2, 'Ana & Ben', 'Europe/London', 'GB', 'GBP')", person, wedding_id
        )
        return Wedding(wedding_id, Actor(kind="person", id=person))

    async def endpoint(
        self,
        wedding: Wedding,
        *,
        url: str = "",
        types: Sequence[str] = ("*",),
        mode: str = "parallel",
    ) -> UUID:
        """An endpoint of the couple, on a host of its own; its id is also its destination's and its subscription's."""
        endpoint = uuid4()
        await self.add_endpoint(endpoint, wedding.id, url or f"http://{endpoint.hex}.test:9/", types)
        await self.admin.execute("update endpoints set mode = $2 where id = $1", endpoint, mode)
        async with self.user.enter(wedding.couple, wedding.id) as tx:
            await tx.run(CONNECT, endpoint)
        return endpoint

    async def add_endpoint(self, endpoint: UUID, tenant: UUID, url: str, types: Sequence[str] = ("*",)) -> None:
        """An endpoint that nothing is sent to before CONNECT."""
        await self.admin.execute(ADD_ENDPOINT, endpoint, tenant, url, list(types), b"sealed")

    async def supplier(self, wedding: Wedding, *, scopes: int, url: str = NOWHERE) -> tuple[UUID, UUID]:
        """A supplier with an active link and an endpoint of its own; returns (link, endpoint)."""
        supplier, link, endpoint = uuid4(), uuid4(), uuid4()
        owner = await self.admin.fetchval("select app.person_for($1)", f"{supplier.hex}@example.test")
        await self.admin.execute(
            "select app.create_supplier($1, $2, 'Light & Lens', 'photographer', 'Europe/London')", owner, supplier
        )
        await self.admin.execute(
            "insert into links (id, wedding_id, supplier_id, supplier_name, category, status, scopes)"
            " values ($1, $2, $3, 'Light & Lens', 'photographer', 'active', $4)",
            *(link, wedding.id, supplier, scopes),
        )
        await self.add_endpoint(endpoint, supplier, url)
        async with self.user.enter(Actor(kind="person", id=owner), supplier) as tx:
            await tx.run(CONNECT, endpoint)
        return link, endpoint

    async def facts(self, wedding: Wedding, count: int = 1, *, kind: EventType = TRIED) -> None:
        """So many facts, each in a transaction of its own."""
        for number in range(count):
            async with self.user.enter(wedding.couple, wedding.id) as tx:
                await fact(tx, wedding.id, kind, f"party {number}")

    async def claim(self, limit: int = 64) -> list[Job]:
        return await self.queue.claim([0, 0, 0, 0], limit)

    async def jobs(self, destination: UUID) -> list[asyncpg.Record]:
        return await self.admin.fetch(
            "select * from jobs where destination_id = $1 order by order_seq, made_at, id", destination
        )

    async def deliveries(self, destination: UUID) -> list[asyncpg.Record]:
        return await self.admin.fetch(
            "select * from deliveries where destination_id = $1 order by seq, made_at", destination
        )

    async def attempts(self, delivery: UUID) -> list[asyncpg.Record]:
        return await self.admin.fetch(
            "select * from attempts where delivery_id = $1 order by number, made_at", delivery
        )

    async def make_due(self) -> None:
        """What waits for its next try may run now, as if hours had gone by."""
        await self.admin.execute(
            "update jobs set run_at = clock_timestamp()"
            " where lease_token is null and run_at > clock_timestamp() and run_at < 'infinity'"
        )

    async def let_leases_lapse(self, destination: UUID | None = None) -> None:
        """As if a minute had gone by without a heartbeat."""
        await self.admin.execute(
            "update jobs set lease_until = clock_timestamp()"
            " where lease_token is not null and ($1::uuid is null or destination_id = $1)",
            destination,
        )


async def fact(tx: Tx, wedding: UUID, kind: EventType = TRIED, name: str = "Smith") -> None:
    """One changed row and its fact, in an open transaction."""
    row = await tx.row(ADD_PARTY, wedding, name)
    assert row is not None
    record.record(tx, kind, op="INSERT", row=row)


def admin_url(postgres: RunningPostgres, database: Database) -> str:
    """The administrator's address of one database."""
    return urlsplit(postgres.admin_url)._replace(path=f"/{database.name}").geturl()


@asynccontextmanager
async def opened(
    *, user: str, service: str, admin: str, size: int = 4, published: Published | None = None
) -> AsyncIterator[Ledger]:
    """A ledger on these addresses, with the types of this file known."""
    pools: list[Any] = []
    try:
        for dsn in (user, service):
            pools.append(await connect_pool(dsn, size=size, application="tests"))
        pools.append(await asyncpg.create_pool(admin, min_size=1, max_size=size))
        ledger = Ledger(
            user=Door(pools[0], flush=record.flush, published=published), service=Door(pools[1]), admin=pools[2]
        )
        await ledger.know()
        yield ledger
    finally:
        for pool in pools:
            await pool.close()
