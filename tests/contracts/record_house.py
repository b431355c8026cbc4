"""A business whose CRM is connected: the served app, the fake Workspace beside it, and the worker's part by hand."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import msgspec

from tests.contracts.town import LEASE_WORK, Linked, Somebody, Town
from tests.engines_fixture import Database, RunningPostgres
from tests.served import served
from wedsync.connections import incoming, stage
from wedsync.connections.accounts.connecting import Desk
from wedsync.connections.calendars.driven import ACCOUNTS
from wedsync.connections.records import sync
from wedsync.connections.records.record import Record
from wedsync.connections.records.through import Connected
from wedsync.connectors.custom_api.fake import Api
from wedsync.connectors.tave.fake import KEYS, Tave
from wedsync.events.jobs import Job
from wedsync.kit.config import Settings
from wedsync.kit.seal import SealError

CARLA, DARIO = ACCOUNTS
RUNS_MAX = 200
URL = "https://wedsync.test"
JOIN = "update clients set wedding_id = $2, link_id = $3 where id = $1"
PASSED = """update record_progress set look_at = look_at - make_interval(secs => $2::double precision),
    waits = (select coalesce(jsonb_object_agg(w.id, w.one || jsonb_build_object('due_at',
      (w.one ->> 'due_at')::timestamptz - make_interval(secs => $2::double precision))), '{}')
      from jsonb_each(waits) as w (id, one)) where book_id = $1"""
RESUME = "update record_progress set not_before = null, next_poll_at = '-infinity' where book_id = $1"


class Lane(Town):
    """The town, with a street of photographers."""

    tave: Tave
    api: Api
    at: str
    remote: Connected

    def forget(self) -> None:
        """Nothing is in anybody's Workspace."""
        self.tave.moods.switch("fine")
        self.api.moods.switch("fine")
        self.api.exchanges.clear()
        for bookings in self.api.studios.values():
            bookings.clear()
        self.tave.exchanges.clear()
        for studio in self.tave.studios.values():
            for table in (
                studio.jobs,
                studio.contacts,
                studio.parts,
                studio.events,
                studio.hooks,
                studio.galleries,
                studio.notes,
            ):
                table.clear()

    def unsealed(self, table: str, row: Any) -> list[str]:
        """What stands sealed in a row, opened; nothing where it is sealed for another place."""
        found = []
        for column, value in row.items():
            if not isinstance(value, bytes):
                continue
            tenant = row.get("tenant_id") or row.get("supplier_id")
            for key in ("id", "book_id", "connection_id", "item_id"):
                try:
                    plain = self.ring.open(value, tenant=tenant, table=table, column=column, row=row[key])
                except (SealError, KeyError):
                    continue
                found.append(plain.decode("utf-8", "replace"))
        return found

    async def studio(self, account: str = CARLA, direction: str = "both") -> "Book":
        """A business whose Workspace is connected, and in step."""
        business = await self.supplier()
        path = f"/api/v1/suppliers/{business.supplier}/connections/tave"
        made = await business.owner.got("POST", path, {"password": KEYS[account]}, code=201)
        book = Book(lane=self, business=business, account=account, id=made["connection"]["id"])
        await book.settle()
        if direction != "import":
            await book.choose(direction)
        return book


class Book(msgspec.Struct, kw_only=True):
    """One connected Workspace. What is done by name is done there; `client…` is ours."""

    lane: Lane
    business: Linked
    account: str
    id: str

    @property
    def owner(self) -> Somebody:
        return self.business.owner

    @property
    def path(self) -> str:
        return f"/api/v1/connections/{self.id}/records"

    @property
    def writes(self) -> int:
        """How often anything was written there, but for hooks."""
        return sum(one.method == "PUT" for one in self.lane.tave.exchanges)

    @property
    def calls(self) -> int:
        return len(self.lane.tave.exchanges)

    async def choose(self, direction: str) -> None:
        await self.owner.got("PATCH", self.path, {"direction": direction})
        await self.settle()

    async def make(self, **fields: Any) -> str:
        return await self.lane.tave.make(self.account, Record(**fields))

    async def change(self, id: str, **fields: Any) -> None:
        await self.lane.tave.change(self.account, id, **fields)

    def there(self, id: str) -> Record:
        return self.lane.tave.seen(self.account)[id]

    async def clients(self) -> list[dict[str, Any]]:
        found = await self.owner.got("GET", f"/api/v1/suppliers/{self.business.supplier}/clients?limit=200")
        items: list[dict[str, Any]] = found["items"]
        return items

    async def client(self, id: str) -> dict[str, Any]:
        """Ours of this job."""
        items = (await self.owner.got("GET", f"{self.path}/items?limit=200"))["items"]
        (found,) = [one["client_id"] for one in items if one["external_id"] == id]
        return next(one for one in await self.clients() if one["id"] == found)

    async def link(self, couple: Somebody, wedding: str) -> str:
        """The business works for a couple; the link."""
        asked = {"supplier_name": "Marlow Photo", "email": self.owner.email, "level": "standard"}
        link: str = (await couple.got("POST", f"/api/v1/weddings/{wedding}/links", asked, code=201))["id"]
        said = {"supplier_id": self.business.supplier}
        await self.owner.got("POST", f"/api/v1/links/{link}/answer", said, code=204)
        return link

    async def join(self, job: str, wedding: str, link: str) -> None:
        """The client of this job is the couple of that wedding."""
        client = await self.client(job)
        await self.lane.admin.execute(JOIN, UUID(client["id"]), UUID(wedding), UUID(link))

    async def edit(self, client: dict[str, Any], **fields: Any) -> None:
        await self.owner.got("PATCH", f"/api/v1/suppliers/{self.business.supplier}/clients/{client['id']}", fields)

    async def hook(self, body: Any, event: str = "job.created") -> None:
        """Sent to where Workspace was told to, and worked on."""
        studio = self.lane.tave.studios[self.account]
        (address,) = [h["url"] for h in studio.hooks.values() if h["event"] == event and self.id in h["url"]]
        split = urlsplit(address)
        answer = await self.lane.public.ask("POST", f"{split.path}?{split.query}", body)
        assert answer.status_code == 202, answer.text
        await self.settle()

    async def work(self) -> int:
        """Run what is owed of this business's CRM; returns how much that was."""
        done = 0
        for name in (incoming.WORK, sync.WORK):
            while row := await self.lane.admin.fetchrow(LEASE_WORK, UUID(self.business.supplier), name):
                job = Job(**row)
                if name == incoming.WORK:
                    await incoming.works(self.lane.ring)[name](self.lane.door, job)
                else:
                    await sync.keep_in_step(self.lane.door, job, self.lane.ring, self.lane.remote, URL)
                done += 1
                assert done < RUNS_MAX, f"{name} is owed again and again: {dict(row)}"
        return done

    async def settle(self, *others: str) -> None:
        """Reactions and runs of this business (and of others), until there are none."""
        for _ in range(30):
            done = [await self.lane.react(tenant) for tenant in (self.business.supplier, *others)]
            if not await self.work() and not any(done):
                return
        raise AssertionError("it does not come to rest")

    async def poll(self, *others: str) -> None:
        """The clock comes by, whatever was to be waited for, and what it owes is done."""
        await self.lane.admin.execute(RESUME, UUID(self.id))
        await self.lane.admin.fetchval("select app.poke_due_records()")
        await self.settle(*others)

    async def tick(self) -> None:
        """The clock comes by, and what is due by now is done."""
        await self.lane.admin.fetchval("select app.poke_due_records()")
        await self.settle()

    async def later(self, *, seconds: float) -> None:
        """So much time has passed for what a hook has named."""
        await self.lane.admin.execute(PASSED, UUID(self.id), seconds)
        await self.tick()

    async def sweep(self) -> None:
        """A week has gone by."""
        sql = "update record_progress set swept_at = '2020-01-01' where book_id = $1"
        await self.lane.admin.execute(sql, UUID(self.id))
        await self.poll()

    async def state(self) -> Any:
        return await self.owner.got("GET", self.path)

    async def runs(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.owner.got("GET", f"{self.path}/runs"))["items"]
        return found

    async def conflicts(self) -> list[dict[str, Any]]:
        path = f"/api/v1/suppliers/{self.business.supplier}/record-conflicts"
        found: list[dict[str, Any]] = (await self.owner.got("GET", path))["items"]
        return found

    async def decide(self, keep: str) -> None:
        """All that is open."""
        for one in await self.conflicts():
            await self.owner.got("POST", f"/api/v1/record-conflicts/{one['id']}/resolve", {"keep": keep})
        await self.settle()


@asynccontextmanager
async def laned(database: Database, postgres: RunningPostgres, settings: Settings) -> AsyncIterator[Lane]:
    """The app, and a Workspace that it is pointed at."""
    tave, api = Tave(), Api()
    admin = await asyncpg.connect(postgres.admin_url, database=database.name)
    try:
        async with stage.serving([tave, api]) as at:
            own = msgspec.structs.replace(settings, **tave.settings_at(at))
            async with served(own) as app:
                lane = Lane(app, own, admin)
                desk: Desk = app.state.desk
                lane.tave, lane.api, lane.at = tave, api, at
                lane.remote = Connected(desk.host, lambda door: desk.accounts)
                yield lane
    finally:
        await admin.close()
