"""The weddings of a load: couples, guests, suppliers and endpoints, made through the product's own actions.

What building them owes is quiet (`bulk`), so that a measurement does not begin with a backlog of notices.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterable
from datetime import date, time, timedelta
from typing import Any, Protocol, TypeVar
from uuid import UUID

import msgspec

from wedsync.guests import actions as guests
from wedsync.guests.model import NewGuest, NewParty
from wedsync.kit.actor import ANONYMOUS, Actor
from wedsync.kit.config import LOOPBACK, Settings
from wedsync.kit.db import Door, Tx
from wedsync.kit.seal import KeyRing
from wedsync.people.actions import digest
from wedsync.processes.migrate import connected
from wedsync.schedule import actions as schedule
from wedsync.schedule.rows import NewItem
from wedsync.subscriptions import actions as subscriptions
from wedsync.subscriptions.model import NewEndpoint
from wedsync.suppliers import actions as suppliers
from wedsync.suppliers.model import InvitationAnswer, NewLink, NewSupplier
from wedsync.tasks import actions as tasks
from wedsync.tasks.model import NewTask
from wedsync.web import auth
from wedsync.weddings import actions as weddings
from wedsync.weddings.model import NewWedding

T = TypeVar("T")
R = TypeVar("R")

AT_ONCE = 6
PARTY_SIZE = 10
TOKEN_DAYS = 1
PERSONS = "select app.person_for(e) as id from unnest($1::text[]) with ordinality u(e, n) order by n"
SESSIONS = """select app.issue_session(p, h, $3) as id
    from unnest($1::uuid[], $2::bytea[]) with ordinality u(p, h, n) order by n"""
FIRST_NAMES = ("Carla", "Noor", "Mateo", "Nadia", "Jonas", "Aroha", "Wei", "Zuri", "Elif", "Tomás")
LAST_NAMES = ("Rossi", "Haddad", "Silva", "Becker", "Ngata", "Chen", "Okafor", "Demir", "Novak", "Murphy")


class Stage(Protocol):
    """A running product, as whoever builds weddings in it needs it."""

    @property
    def settings(self) -> Settings: ...
    @property
    def door(self) -> Door: ...
    @property
    def ring(self) -> KeyRing: ...
    async def analyze(self) -> None:
        """Statistics after a world was built."""
        ...


class Person(msgspec.Struct, frozen=True):
    """Somebody signed in: the token of a program, and the cookie of a browser."""

    id: UUID
    email: str
    token: str
    cookie: str

    @property
    def actor(self) -> Actor:
        return Actor(kind="person", id=self.id)


class Business(msgspec.Struct, frozen=True):
    """A supplier and its owner."""

    id: UUID
    name: str
    owner: Person


class Wedding(msgspec.Struct, kw_only=True):
    """One wedding of the load."""

    id: UUID
    couple: Person
    dinner: UUID
    guests: list[UUID] = []
    tasks: list[UUID] = []
    items: list[UUID] = []
    parties: list[UUID] = []
    businesses: list[Business] = []
    endpoint_secret: str = ""


async def people(stage: Stage, count: int, role: str) -> list[Person]:
    """So many persons, each with a session."""
    emails = [f"{role}-{number}-{secrets.token_hex(4)}@bench.invalid" for number in range(count)]
    cookies = [secrets.token_urlsafe(32) for _ in emails]
    async with stage.door.bare(ANONYMOUS) as tx:
        rows = await tx.rows(PERSONS, emails)
    ids = [row["id"] for row in rows]
    async with connected(stage.settings.door("owner")) as owner:
        sessions = await owner.fetch(
            SESSIONS,
            ids,
            [digest(cookie) for cookie in cookies],
            TOKEN_DAYS,
        )
    secret, seconds = stage.settings.jwt_secret, TOKEN_DAYS * 86400
    tokens = [
        auth.mint(secret, person=id, session=row["id"], seconds=seconds) for id, row in zip(ids, sessions, strict=True)
    ]
    return [Person(*each) for each in zip(ids, emails, tokens, cookies, strict=True)]


async def businesses(stage: Stage, count: int) -> list[Business]:
    """So many suppliers."""
    owners = await people(stage, count, "supplier")

    async def register(numbered: tuple[int, Person]) -> Business:
        number, owner = numbered
        new = NewSupplier(name=f"Supplier {number}", category="photographer")
        return Business(await suppliers.register(stage.door, owner.actor, new), new.name, owner)

    return await each(register, enumerate(owners))


async def built(
    stage: Stage,
    count: int,
    *,
    guests_each: int = 0,
    tasks_each: int = 0,
    hired: Callable[[int], Iterable[Business]] = lambda number: (),
    level: str = "full",
    endpoint: Callable[[int], NewEndpoint] | None = None,
    on: Callable[[int], date] | None = None,
) -> list[Wedding]:
    """So many weddings, each with one dinner that takes answers. `hired`, `endpoint` and `on` are asked by number; a
    day is usually one of the next year's.
    """
    couples = await people(stage, count, "couple")

    async def build(numbered: tuple[int, Person]) -> Wedding:
        number, couple = numbered
        wedding = await _wedding(stage, couple, number, on(number) if on is not None else _some_day(number))
        async with stage.door.enter(couple.actor, wedding.id) as tx:
            await _fill(tx, stage, wedding, guests_each, tasks_each)
            if endpoint is not None:
                new = endpoint(number)
                _, wedding.endpoint_secret = await subscriptions.add(tx, stage.ring, wedding.id, new, allow=LOOPBACK)
            hush(tx)
        for business in hired(number):
            await hire(stage, wedding, business, level=level)
        return wedding

    made = await each(build, enumerate(couples))
    await stage.analyze()
    return made


def _some_day(number: int) -> date:
    return date.today() + timedelta(days=40 + number % 300)


async def _wedding(stage: Stage, couple: Person, number: int, on: date) -> Wedding:
    new = NewWedding(couple_names=f"Couple {number}")
    wedding_id = await weddings.create(stage.door, couple.actor, new)
    made = Wedding(id=wedding_id, couple=couple, dinner=wedding_id)
    async with stage.door.enter(couple.actor, wedding_id) as tx:
        await weddings.change(tx, wedding_id, {"on": on, "date_status": "confirmed", "ceremony_venue": "Chapel"})
        dinner = NewItem(title="Dinner", kind="reception", at_local=time(17, 0), minutes=120, takes_rsvps=True)
        made.dinner = await schedule.add(tx, dinner)
        for hour, title in ((9, "Getting ready"), (13, "Photographs"), (19, "Speeches")):
            made.items.append(await schedule.add(tx, NewItem(title=title, at_local=time(hour, 30), minutes=45)))
        hush(tx)
    return made


async def _fill(tx: Tx, stage: Stage, wedding: Wedding, guests_each: int, tasks_each: int) -> None:
    for first in range(0, guests_each, PARTY_SIZE):
        names = [named(number) for number in range(first, min(first + PARTY_SIZE, guests_each))]
        party = NewParty(name=f"The {names[0].last_name} party", guests=names, schedule_item_ids=[wedding.dinner])
        party_id, ids = await guests.add_party(tx, stage.ring, wedding.id, party)
        wedding.parties.append(party_id)
        wedding.guests += ids
    for number in range(tasks_each):
        wedding.tasks.append(await tasks.add(tx, NewTask(title=f"Task {number}", due_days_before=10 + number)))


def named(number: int) -> NewGuest:
    """A guest's name by number."""
    return NewGuest(
        first_name=FIRST_NAMES[number % len(FIRST_NAMES)],
        last_name=f"{LAST_NAMES[number // len(FIRST_NAMES) % len(LAST_NAMES)]} {number}",
    )


async def hire(stage: Stage, wedding: Wedding, business: Business, *, level: str) -> None:
    """A supplier is invited and accepts."""
    wanted = {"supplier_name": business.name, "email": business.owner.email, "category": "photographer", "level": level}
    async with stage.door.enter(wedding.couple.actor, wedding.id) as tx:
        link = await suppliers.invite(tx, wedding.id, msgspec.convert(wanted, type=NewLink))
        hush(tx)
    await suppliers.answer(stage.door, business.owner.actor, link, InvitationAnswer(supplier_id=business.id))
    wedding.businesses.append(business)


def hush(tx: Tx) -> None:
    """What this transaction did so far feeds the log and owes nothing."""
    for fact in tx.facts:
        fact.bulk = True


async def each(work: Callable[[T], Awaitable[R]], items: Iterable[T], *, at_once: int = AT_ONCE) -> list[R]:
    """The results in order, a few at a time; the first failure ends it."""
    gate = asyncio.Semaphore(at_once)

    async def one(item: T) -> R:
        async with gate:
            return await work(item)

    async with asyncio.TaskGroup() as group:
        started: list[asyncio.Task[Any]] = [group.create_task(one(item)) for item in items]
    return [task.result() for task in started]
