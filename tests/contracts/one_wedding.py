"""One wedding with everybody a noun's test needs: couple, partner, helper, three suppliers of different levels."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import msgspec
from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide

from tests.contracts.reacting import whole
from tests.engines_fixture import LOOPBACK, Database
from wedsync.budget import api as budget_api
from wedsync.budget import pages as budget_pages
from wedsync.events import record
from wedsync.events.event import Event, decode
from wedsync.kit import clock
from wedsync.kit.actor import ANONYMOUS, Actor
from wedsync.kit.config import load
from wedsync.kit.db import Door, Tx, connect_pool
from wedsync.kit.limits import LocalLimits
from wedsync.kit.seal import KeyRing
from wedsync.processes import registry
from wedsync.schedule import api as schedule_api
from wedsync.schedule import pages as schedule_pages
from wedsync.suppliers import actions as suppliers
from wedsync.suppliers import model as supplier_model
from wedsync.tasks import api as tasks_api
from wedsync.tasks import pages as tasks_pages
from wedsync.web import callers, limiting, problems
from wedsync.web.auth import Authentication, Remembered
from wedsync.web.context import Context, provide_actor, provide_ctx
from wedsync.weddings import actions as weddings
from wedsync.weddings import model as wedding_model

ON = date(2027, 6, 5)
DOORS = (schedule_api, tasks_api, budget_api, schedule_pages, tasks_pages, budget_pages)


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Who acts, and the link or membership they act through."""

    actor: Actor
    id: UUID


class Wedding:
    """Ana and Ben's wedding, through the user door; `admin` only looks, and leases jobs."""

    def __init__(self, door: Door, admin: asyncpg.Connection, app: Litestar, id: UUID) -> None:
        self.door = door
        self.admin = admin
        self.app = app
        self.id = id
        self.ana = Actor(kind="person")
        self.ben = Place(actor=ANONYMOUS, id=id)
        self.dora = self.ben
        self.planner = self.ben
        self.photographer = self.ben
        self.florist = self.ben
        self.stranger = ANONYMOUS

    @asynccontextmanager
    async def as_(self, who: Actor | Place) -> AsyncIterator[Tx]:
        """A transaction in the wedding."""
        async with self.door.enter(who.actor if isinstance(who, Place) else who, self.id) as tx:
            yield tx

    async def events(self, *types: str) -> list[Event]:
        """The log, in order; of some types when they are named."""
        rows = await self.admin.fetch(
            "select app.event_json(e, 'wedding') from events e where stream_id = $1 order by seq", self.id
        )
        found = [decode(r[0]) for r in rows]
        return [e for e in found if not types or e.type in types]

    async def seen_by(self, who: Actor | Place, table: str) -> list[tuple[str, str]]:
        """(type, op) of the events of a table that this audience may read, by row security."""
        async with self.as_(who) as tx:
            rows = await tx.rows(
                "select e.type, e.op from events e where e.stream_id = $1 and e.subject_table = $2 order by e.seq",
                self.id,
                table,
            )
        return [(r["type"], r["op"]) for r in rows]

    async def asked(self) -> dict[str, set[UUID]]:
        """Open acknowledgements: about what, of which links."""
        rows = await self.admin.fetch(
            "select about, link_id from acknowledgements where wedding_id = $1 and status = 'open'", self.id
        )
        found: dict[str, set[UUID]] = {}
        for r in rows:
            found.setdefault(r["about"], set()).add(r["link_id"])
        return found

    async def react(self) -> list[str]:
        """Run every owed reaction in stream order until none is left; returns their names."""
        done: list[str] = []
        reactions = registry.catalogue().reactions
        while job := await self.admin.fetchrow(
            """update jobs set lease_token = uuidv7(), lease_until = clock_timestamp() + interval '1 minute'
            where id = (select id from jobs where kind = 'reaction' and tenant_id = $1 order by order_seq, id limit 1)
            returning id, name, lease_token, event_id""",
            self.id,
        ):
            event = await self.admin.fetchval(
                "select app.event_json(e, 'wedding') from events e where id = $1", job["event_id"]
            )
            async with self.door.enter_job(job["id"], job["lease_token"]) as tx:
                await whole(reactions[job["name"]], tx, decode(event))
            await self.admin.execute("delete from jobs where id = $1", job["id"])
            done.append(job["name"])
        return done

    async def change(self, **fields: Any) -> None:
        """The couple changes the core, and everything that follows from it happens."""
        async with self.as_(self.ana) as tx:
            await weddings.change(tx, self.id, fields)
        await self.react()


class Client:
    """One person's requests to the API, through the real middleware and error handlers."""

    def __init__(self, app: Litestar, who: Actor | Place) -> None:
        actor = who.actor if isinstance(who, Place) else who
        headers = {"authorization": f"Bearer {actor.id}"} if actor.id else {}
        transport = httpx.ASGITransport(app=app)
        self._http = httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers)

    async def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        named = {k.replace("_", "-"): v for k, v in headers.items()}
        if body is None:
            return await self._http.request(method, path, headers=named)
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        named["content-type"] = "application/json"
        return await self._http.request(method, path, content=content, headers=named)


class Browser:
    """One person's browser: pages and forms, never following a redirect by itself."""

    def __init__(self, app: Litestar, who: Actor | Place) -> None:
        actor = who.actor if isinstance(who, Place) else who
        headers = {"accept": "text/html"} | ({"authorization": f"Bearer {actor.id}"} if actor.id else {})
        transport = httpx.ASGITransport(app=app)
        self._http = httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers)

    async def see(self, path: str, *, code: int = 200) -> str:
        """A page's text."""
        answer = await self._http.get(path)
        assert answer.status_code == code, answer.text
        return answer.text

    async def send(self, path: str, *, by_script: bool = False, **fields: Any) -> httpx.Response:
        """Post a form, as htmx does or as a browser without scripts."""
        headers = {"hx-request": "true"} if by_script else {}
        return await self._http.post(path, data=fields, headers=headers)


def application(door: Door) -> Litestar:
    """API and pages of these nouns; a bearer is the id of a person."""

    async def lookup(secret: str) -> Actor | None:
        return Actor(kind="person", id=UUID(secret))

    settings = load({"WEDSYNC_ENV": "test", "WEDSYNC_EGRESS_ALLOW": LOOPBACK})
    context = Context(settings=settings, door=door, ring=KeyRing.from_setting(KeyRing.new_setting()))
    lookups = {kind: Remembered(lookup) for kind in ("session", "token", "key")}
    return Litestar(
        route_handlers=[route for noun in DOORS for route in noun.ROUTES],
        dependencies={
            "ctx": Provide(provide_ctx, sync_to_thread=False),
            "actor": Provide(provide_actor, sync_to_thread=False),
        },
        middleware=[Authentication],
        exception_handlers=problems.HANDLERS,
        state=State(
            {
                "ctx": context,
                "lookups": lookups,
                "limits": LocalLimits(clock.monotonic),
                "rates": limiting.rates(settings),
                "residents": callers.Residents(),
            }
        ),
    )


async def person(door: Door, name: str) -> Actor:
    """Somebody new."""
    async with door.bare(ANONYMOUS) as tx:
        id = await tx.value("select app.person_for($1)", f"{name}.{uuid4().hex}@example.test")
        email = await tx.value("select p.email from persons p where p.person_id = $1", id) or ""
    return Actor(kind="person", id=id, name=name, email=email)


class Stage(msgspec.Struct, frozen=True):
    """Doors of one database, on which any number of weddings are held."""

    door: Door
    admin: asyncpg.Connection
    app: Litestar

    async def wedding(self) -> Wedding:
        """A new wedding with new people."""
        ana = await person(self.door, "ana")
        new = wedding_model.NewWedding(couple_names="Ana & Ben", time_zone="Europe/London", on=ON)
        made = Wedding(self.door, self.admin, self.app, await weddings.create(self.door, ana, new))
        made.ana = ana
        made.ben = await _member(made, "partner", "Ben")
        made.dora = await _member(made, "helper", "Dora")
        made.planner = await _supplier(made, "planner", "full", can_edit_timeline=True)
        made.photographer = await _supplier(made, "photographer", "standard")
        made.florist = await _supplier(made, "florist", "basic")
        made.stranger = await person(self.door, "stranger")
        return made


@asynccontextmanager
async def opened(database: Database, admin_url: str) -> AsyncIterator[Stage]:
    """The doors of a database; they close with the context."""
    pool = await connect_pool(database.user, size=4, application="tests")
    admin = await asyncpg.connect(admin_url, database=database.name)
    try:
        door = Door(pool, flush=record.flush)
        yield Stage(door, admin, application(door))
    finally:
        await admin.close()
        await pool.close()


async def _member(wedding: Wedding, role: str, name: str) -> Place:
    email = f"{name.lower()}.{uuid4().hex}@example.test"
    async with wedding.as_(wedding.ana) as tx:
        id = await weddings.add_member(tx, wedding.id, role=role, name=name, email=email)
    found = await wedding.admin.fetchval("select person_id from memberships where id = $1", id)
    return Place(actor=Actor(kind="person", id=found, name=name), id=id)


async def _supplier(wedding: Wedding, category: str, level: str, **flags: bool) -> Place:
    email = f"{category}.{uuid4().hex}@example.test"
    async with wedding.door.bare(ANONYMOUS) as tx:
        owner = Actor(kind="person", id=await tx.value("select app.person_for($1)", email), name=category, email=email)
    business = supplier_model.NewSupplier(name=category.title(), category=category)
    supplier_id = await suppliers.register(wedding.door, owner, business)
    link = supplier_model.NewLink(supplier_name=category.title(), email=email, category=category, level=level)
    async with wedding.as_(wedding.ana) as tx:
        link_id = await suppliers.invite(tx, wedding.id, link)
    said = supplier_model.InvitationAnswer(supplier_id=supplier_id)
    await suppliers.answer(wedding.door, owner, link_id, said)
    if flags:
        async with wedding.as_(wedding.ana) as tx:
            await suppliers.change(tx, link_id, supplier_model.LinkChange(**flags))
    return Place(actor=owner, id=link_id)
