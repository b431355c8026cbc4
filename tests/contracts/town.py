"""A town of people who marry and people who work at weddings, each with a browser and a program of their own."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import asyncpg
import httpx
import msgspec
from litestar import Litestar

from tests.contracts.reacting import whole
from tests.engines_fixture import Database, RunningPostgres
from tests.served import served
from wedsync.bookings import following
from wedsync.events.event import Event, decode
from wedsync.events.jobs import Job
from wedsync.kit.actor import ANONYMOUS
from wedsync.kit.config import Settings
from wedsync.kit.db import Door
from wedsync.kit.seal import KeyRing
from wedsync.people.actions import digest
from wedsync.processes import registry
from wedsync.web import auth

SAME_ORIGIN = {"sec-fetch-site": "same-origin"}
LEASE = """update jobs set lease_token = uuidv7(), lease_until = clock_timestamp() + interval '1 minute'
    where id = (select id from jobs where kind = 'reaction' and tenant_id = $1 order by order_seq, id limit 1)
    returning id, name, lease_token, event_id"""
LEASE_WORK = """update jobs set lease_token = uuidv7(), lease_until = clock_timestamp() + interval '1 minute'
    where id = (select id from jobs where name = $2 and tenant_id = $1 and lease_token is null
      and run_at <= clock_timestamp() order by id limit 1)
    returning id, kind, name, lane, tenant_id, destination_id, made_at, event_id, args, attempt, live_until, expires_at,
      lease_token, order_key is not null as is_ordered"""


class Somebody:
    """A person, or nobody in particular: asks as a program (JSON) and as a browser (forms), and follows no redirect."""

    def __init__(self, app: Litestar, *, id: UUID | None = None, email: str = "", bearer: str = "") -> None:
        self.id = id
        self.email = email
        self.bearer = bearer
        headers = {"authorization": f"Bearer {bearer}"} if bearer else {}
        transport = httpx.ASGITransport(app=app)
        self._http = httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers)
        self._http.event_hooks = {"response": [self._forget_cookies]}

    async def _forget_cookies(self, _: httpx.Response) -> None:
        """A cookie is sent only by the test that says so."""
        self._http.cookies.clear()

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """As a program does."""
        named = {"accept": "application/json"} | {k.replace("_", "-"): v for k, v in headers.items()}
        if body is None:
            return await self._http.request(method, path, headers=named)
        named["content-type"] = "application/json"
        return await self._http.request(method, path, content=msgspec.json.encode(body), headers=named)

    async def got(self, method: str, path: str, body: Any = None, *, code: int = 200, **headers: str) -> Any:
        """The decoded answer, which must have this status."""
        answer = await self.ask(method, path, body, **headers)
        assert answer.status_code == code, answer.text
        return msgspec.json.decode(answer.content) if answer.content else None

    async def see(self, path: str, *, code: int = 200, part: bool = False) -> str:
        """A page's text; `part` as a script of the page asks."""
        answer = await self._http.get(path, headers={"accept": "text/html"} | ({"hx-request": "true"} if part else {}))
        assert answer.status_code == code, answer.text
        return answer.text

    async def send(self, path: str, *, part: bool = False, headers: Any = None, **fields: Any) -> httpx.Response:
        """Post a form, as a browser does; `part` as a script of the page does."""
        named = {"accept": "text/html", "content-type": "application/x-www-form-urlencoded"} | SAME_ORIGIN
        named |= ({"hx-request": "true"} if part else {}) | (headers or {})
        return await self._http.post(path, content=urlencode(fields, doseq=True), headers=named)


class Linked(msgspec.Struct, frozen=True, kw_only=True):
    """A supplier's owner, their business, and its link into one wedding."""

    owner: Somebody
    supplier: str
    link: str


class Town:
    """The app, and a look behind it."""

    def __init__(self, app: Litestar, settings: Settings, admin: asyncpg.Connection) -> None:
        self.app = app
        self.settings = settings
        self.admin = admin
        self.ring = KeyRing.from_setting(settings.seal_keys)
        self.public = Somebody(app)

    @property
    def door(self) -> Door:
        door: Door = self.app.state.ctx.door
        return door

    async def watched(self) -> None:
        """Have written what the process counted, as it does every few seconds."""
        await self.app.state.ctx.watch.flush(self.door.keep_watch)

    async def person(self, name: str = "ana") -> Somebody:
        """Somebody new, signed in."""
        email = f"{name}.{secrets.token_hex(6)}@example.test"
        async with self.door.bare(ANONYMOUS) as tx:
            id: UUID = await tx.value("select app.person_for($1)", email)
        session = await self.admin.fetchval("select app.issue_session($1, $2, 1)", id, digest(secrets.token_hex(8)))
        bearer = auth.mint(self.settings.jwt_secret, person=id, session=session, seconds=3600)
        return Somebody(self.app, id=id, email=email, bearer=bearer)

    async def operator(self, name: str = "otto") -> Somebody:
        """Somebody new who operates the platform."""
        made = await self.person(name)
        await self.admin.execute("select app.make_operator($1)", made.id)
        return made

    async def wedding(self, couple: Somebody, **fields: Any) -> str:
        """A new wedding of theirs; its id."""
        body = {"couple_names": "Ana & Ben", "on": "2027-06-05"} | fields
        made = await couple.got("POST", "/api/v1/weddings", body, code=201)
        id: str = made["id"]
        return id

    async def supplier(self, name: str = "Marlow Photo") -> Linked:
        """A new business, linked to nobody yet."""
        owner = await self.person("owner")
        made = await owner.got("POST", "/api/v1/suppliers", {"name": name, "category": "photographer"}, code=201)
        return Linked(owner=owner, supplier=made["id"], link="")

    async def linked(self, couple: Somebody, wedding: str, level: str = "standard", **flags: bool) -> Linked:
        """A business that the couple invited and that took the invitation up."""
        business = await self.supplier()
        asked = {"supplier_name": "Marlow Photo", "email": business.owner.email, "level": level}
        link = (await couple.got("POST", f"/api/v1/weddings/{wedding}/links", asked, code=201))["id"]
        said = {"supplier_id": business.supplier}
        await business.owner.got("POST", f"/api/v1/links/{link}/answer", said, code=204)
        if flags:
            await couple.got("PATCH", f"/api/v1/links/{link}", flags)
        return Linked(owner=business.owner, supplier=business.supplier, link=link)

    async def events(self, tenant: str | UUID, *types: str, kind: str = "wedding") -> list[Event]:
        """The log of a tenant, in order."""
        rows = await self.admin.fetch(
            "select app.event_json(e, $2) from events e where stream_id = $1 order by seq", UUID(str(tenant)), kind
        )
        return [e for e in (decode(r[0]) for r in rows) if not types or e.type in types]

    async def react(self, wedding: str) -> list[str]:
        """Run every reaction that is owed, in order, and what they leave to do; returns their names."""
        return [*await self.reactions(wedding), *await self.follow(wedding)]

    async def reactions(self, wedding: str) -> list[str]:
        """Run every reaction that is owed, in order; returns their names."""
        reactions, done = registry.catalogue(self.settings).reactions, []
        while job := await self.admin.fetchrow(LEASE, UUID(wedding)):
            text = await self.admin.fetchval(
                "select app.event_json(e, 'wedding') from events e where id = $1", job["event_id"]
            )
            event = decode(text)
            async with self.door.enter_job(job["id"], job["lease_token"], event.cause) as tx:
                await whole(reactions[job["name"]], tx, event)
            await self.admin.execute("delete from jobs where id = $1", job["id"])
            done.append(job["name"])
        return done

    async def follow(self, wedding: str) -> list[str]:
        """Run what following the wedding owes for each of its suppliers; returns the names of what was run."""
        done = []
        while job := await self.following(wedding):
            await following.follow(self.door, job)
            done.append(job.name)
        return done

    async def following(self, wedding: str) -> Job | None:
        """Lease the oldest job that follows the wedding for one of its suppliers."""
        row = await self.admin.fetchrow(LEASE_WORK, UUID(wedding), following.WORK)
        return Job(**row) if row else None

    async def mails(self, tenant: str | UUID | None, *, to: str = "") -> list[dict[str, Any]]:
        """What is owed by mail for a tenant, opened; to one address when it is named."""
        rows = await self.admin.fetch(
            """select id, tenant_id, sealed from deliveries
            where tenant_id = $1 and connector = 'mail' order by made_at, id""",
            UUID(str(tenant)),
        )
        opened = [
            msgspec.json.decode(
                self.ring.open(r["sealed"], tenant=r["tenant_id"], table="deliveries", column="sealed", row=r["id"])
            )
            for r in rows
        ]
        return [m for m in opened if not to or m["to"] == to]


@asynccontextmanager
async def built(database: Database, postgres: RunningPostgres, settings: Settings) -> AsyncIterator[Town]:
    """The served app with an observer of its database."""
    admin = await asyncpg.connect(postgres.admin_url, database=database.name)
    try:
        async with served(settings) as app:
            yield Town(app, settings, admin)
    finally:
        await admin.close()
