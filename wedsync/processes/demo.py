"""The demo world: three weddings in three time zones, their suppliers, guests and answers, and links that sign in.

Built once, through the same doors and actions as everybody's data; a later start finds it and only makes new tokens.
Dates are relative to the first start: one wedding is sixty days ahead, one is live today, one is past.
"""

import random
import secrets
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from wedsync.budget import actions as budget
from wedsync.budget.model import NewLine, NewPayment
from wedsync.events import record
from wedsync.guests import actions as guests
from wedsync.guests import replies
from wedsync.journeys import actions as journeys
from wedsync.journeys import starters
from wedsync.kit.actor import ANONYMOUS, Actor
from wedsync.kit.config import Settings
from wedsync.kit.db import Door, Tx, connect_pool
from wedsync.kit.seal import KeyRing
from wedsync.people.actions import digest
from wedsync.processes import demo_clients, demo_days, demo_forms, demo_market, demo_people, demo_photos, demo_venues
from wedsync.processes.migrate import connected
from wedsync.schedule import actions as schedule
from wedsync.schedule.rows import After, Audience, Kind, NewContact, NewItem
from wedsync.suppliers import actions as suppliers
from wedsync.suppliers import model as supplier_model
from wedsync.tasks import actions as tasks
from wedsync.tasks.model import NewTask
from wedsync.web import auth
from wedsync.weddings import actions as weddings
from wedsync.weddings import model as wedding_model

TOKEN_DAYS = 7
TODAY = "noor-and-max"
PEOPLE = {
    "couple": ("ana@demo.invalid", "Ana Amari"),
    "partner": ("ben@demo.invalid", "Ben Birch"),
    "photographer": ("pia@demo.invalid", "Pia Petal"),
    "caterer": ("karl@demo.invalid", "Karl Kettle"),
    "venue": ("vera@demo.invalid", "Vera Vale"),
    "florist": ("flo@demo.invalid", "Flo Fern"),
    "operator": ("otto@demo.invalid", "Otto Orr"),
    "second_couple": ("noor@demo.invalid", "Noor Nile"),
    "third_couple": ("tam@demo.invalid", "Tam Tui"),
}
BUSINESSES = {
    "photographer": ("Petal & Frame Photography", "photographer"),
    "caterer": ("Copper Kettle Catering", "caterer"),
    "venue": ("The Old Glasshouse", "venue"),
    "florist": ("Fern & Fable Flowers", "florist"),
}
LEVELS = {"photographer": "standard", "caterer": "standard", "venue": "full", "florist": "basic"}


class World(msgspec.Struct, kw_only=True):
    """What the demo is made of; kept as a row of the wedding's own data nowhere, found again by people's addresses."""

    people: dict[str, UUID]
    businesses: dict[str, UUID]


async def build(settings: Settings) -> dict[str, Any]:
    """Build what is missing, make new tokens, and return the ready file's `demo` part."""
    pool = await connect_pool(settings.door("user"), size=4, application="wedsync-demo")
    try:
        async with connected(settings.door("owner")) as owner:
            return await Demo(Door(pool, flush=record.flush), settings, owner).ready()
    finally:
        await pool.close()


class Demo:
    """One run of building and telling."""

    def __init__(self, door: Door, settings: Settings, owner: Any) -> None:
        self._door = door
        self._settings = settings
        self._owner = owner
        self._ring = KeyRing.from_setting(settings.seal_keys)
        self._rng = random.Random(7)  # noqa: S311 - the same demo each time

    async def ready(self) -> dict[str, Any]:
        """The demo part of the ready file."""
        people = await self._people()
        ana = Actor(kind="person", id=people["couple"])
        places = await self._places(ana)
        if not places:
            await self._world(people)
            places = await self._places(ana)
        return await self._told(people, ana, places[0])

    async def _people(self) -> dict[str, UUID]:
        async with self._door.bare(ANONYMOUS) as tx:
            people = {key: await tx.value("select app.person_for($1)", email) for key, (email, _) in PEOPLE.items()}
        for key, (_, name) in PEOPLE.items():
            await self._owner.execute("select app.name_person($1, $2)", people[key], name)
        await self._owner.execute("select app.make_operator($1)", people["operator"])
        return people

    async def _places(self, actor: Actor, kind: str = "wedding") -> list[UUID]:
        assert actor.id is not None
        async with self._door.enter(actor, actor.id) as tx:
            rows = await tx.rows("select * from app.places($1)", actor.id)
        return [r["id"] for r in rows if r["kind"] == kind]

    async def _world(self, people: dict[str, UUID]) -> None:
        today = datetime.now(UTC).date()
        businesses = {}
        for key, (name, category) in BUSINESSES.items():
            new = supplier_model.NewSupplier(name=name, category=category)
            businesses[key] = await suppliers.register(self._door, Actor(kind="person", id=people[key]), new)
        owner = Actor(kind="person", id=people["photographer"])
        await demo_market.open_page(self._door, self._ring, owner, businesses["photographer"], today)
        async with self._door.enter(owner, businesses["photographer"]) as tx:
            await demo_clients.keep(tx, self._ring, self._settings, today)
            quiet(tx)
        world = World(people=people, businesses=businesses)
        async with self._door.enter(owner, businesses["photographer"]) as tx:
            # Nobody is on it before somebody says so: a demo that sends by itself would speak into every test.
            await journeys.add(tx, msgspec.structs.replace(starters.PHOTOGRAPHER, starts="by_hand"))
            quiet(tx)
        async with self._door.enter(Actor(kind="person", id=people["venue"]), businesses["venue"]) as tx:
            await demo_venues.keep(tx)
            quiet(tx)
        await self._wedding(
            world, "couple", "Ana & Ben", "Europe/London", today + timedelta(days=60), 118, slug="ana-and-ben"
        )
        here = datetime.now(ZoneInfo("America/New_York")).date()
        await self._wedding(world, "second_couple", "Noor & Max", "America/New_York", here, 84, slug=TODAY)
        past = today - timedelta(days=34)
        await self._wedding(world, "third_couple", "Tam & Aroha", "Pacific/Auckland", past, 62, slug="tam-and-aroha")

    async def _wedding(
        self, world: World, couple: str, names: str, zone: str, on: date, size: int, *, slug: str
    ) -> None:
        actor = Actor(kind="person", id=world.people[couple])
        new = wedding_model.NewWedding(
            couple_names=names, time_zone=zone, currency="GBP" if zone == "Europe/London" else "USD"
        )
        wedding_id = await weddings.create(self._door, actor, new)
        first, _, second = names.partition(" & ")
        async with self._door.enter(actor, wedding_id) as tx:
            facts = {
                "on": on,
                "date_status": "confirmed",
                "partner_a": first,
                "partner_b": second,
                "guest_estimate": size + 4,
                "ceremony_venue": "St Wilfred’s Chapel",
                "ceremony_address": "1 Sample Lane, Exampleham",
                "ceremony_at": "13:30",
                "reception_venue": "The Old Glasshouse",
                "reception_address": "Garden Road, Exampleham",
                "reception_at": "16:00",
            }
            await weddings.change(tx, wedding_id, facts)
            ceremony, dinner = await self._day(tx)
            await weddings.put_site(
                tx, wedding_id, slug=slug, is_published=True, welcome="We are so glad that you will be with us."
            )
            quiet(tx)
        links = await self._links(world, actor, wedding_id)
        async with self._door.enter(actor, wedding_id) as tx:
            await self._guests(tx, wedding_id, size, [ceremony, dinner])
            quiet(tx, but_last=True)
        async with self._door.enter(actor, wedding_id) as tx:
            await self._plans(tx, wedding_id, links, on)
            quiet(tx)
        async with self._door.enter(Actor(kind="person", id=world.people["photographer"]), wedding_id) as tx:
            await demo_photos.promise(tx, on, datetime.now(UTC).date())
            quiet(tx)
        async with self._door.enter(Actor(kind="person", id=world.people["venue"]), wedding_id) as tx:
            await demo_venues.give(tx)
            quiet(tx)
        if slug == TODAY:
            there = {key: Actor(kind="person", id=world.people[key]) for key in demo_days.COMING}
            await demo_days.play(self._door, actor, wedding_id, there, on=on, dinner=dinner, quiet=quiet)
        if couple == "couple":
            async with self._door.enter(actor, wedding_id) as tx:
                await demo_days.plan_for_rain(tx, ceremony)
                quiet(tx)
            await self._company(actor, wedding_id)
            asks = {key: (world.people[key], world.businesses[key]) for key in ("photographer", "venue")}
            await demo_forms.ask(self._door, self._ring, actor, wedding_id, on, asks)

    async def _day(self, tx: Tx) -> tuple[UUID, UUID]:
        chapel, house = "St Wilfred’s Chapel", "The Old Glasshouse"
        plan: tuple[tuple[str, Kind, time, int, str, Audience, bool], ...] = (
            ("Getting ready", "preparation", time(9, 0), 180, "Garden rooms", "linked", False),
            ("Ceremony", "ceremony", time(13, 30), 45, chapel, "public", True),
            ("Group photographs", "photos", time(14, 30), 30, "Chapel lawn", "linked", False),
            ("Drinks", "drinks", time(15, 0), 60, "Orangery", "public", False),
            ("Dinner", "reception", time(16, 0), 150, house, "public", True),
            ("Speeches", "speeches", time(18, 30), 40, house, "linked", False),
            ("First dance", "music", time(19, 30), 15, house, "linked", False),
        )
        made: dict[str, UUID] = {}
        for title, kind, at, minutes, place, audience, asks in plan:
            after = [After(item_id=made["Ceremony"])] if kind == "photos" else []
            item = NewItem(
                title=title,
                kind=kind,
                at_local=at,
                minutes=minutes,
                place=place,
                audience=audience,
                takes_rsvps=asks,
                after=after,
            )
            made[title] = await schedule.add(tx, item)
        await schedule.add_contact(tx, NewContact(name="Uma Usher", what="Best woman", phone="+44 7700 900111"))
        return made["Ceremony"], made["Dinner"]

    async def _links(self, world: World, actor: Actor, wedding_id: UUID) -> dict[str, UUID]:
        links = {}
        for key, (name, category) in BUSINESSES.items():
            async with self._door.enter(actor, wedding_id) as tx:
                new = msgspec.convert(
                    {"supplier_name": name, "email": PEOPLE[key][0], "category": category, "level": LEVELS[key]},
                    type=supplier_model.NewLink,
                )
                links[key] = await suppliers.invite(tx, wedding_id, new)
                quiet(tx)
            said = supplier_model.InvitationAnswer(supplier_id=world.businesses[key])
            await suppliers.answer(self._door, Actor(kind="person", id=world.people[key]), links[key], said)
        return links

    async def _guests(self, tx: Tx, wedding_id: UUID, size: int, items: list[UUID]) -> None:
        invited: list[tuple[UUID, UUID]] = []
        for party in demo_people.parties(size, size):
            _, ids = await guests.add_party(
                tx, self._ring, wedding_id, msgspec.structs.replace(party, schedule_item_ids=items)
            )
            invited += [(guest, item) for guest in ids for item in items]
        said = [(g, i, demo_people.answer(self._rng)) for g, i in invited]
        await replies.answer_many(tx, [(g, i, s) for g, i, s in said if s != "needs_action"], by="couple")

    async def _plans(self, tx: Tx, wedding_id: UUID, links: dict[str, UUID], on: date) -> None:
        for title, days, link in (
            ("Choose the readings", 30, None),
            ("Order of service to the printer", 21, None),
            ("Send the shot list", 20, "photographer"),
            ("Confirm the menu", 24, "caterer"),
            ("Arrange the table plan", 14, None),
        ):
            await tasks.add(tx, NewTask(title=title, link_id=links[link] if link else None, due_days_before=days))
        for title, category, estimate, agreed in (
            ("Venue hire", "Venue", 650_000, 640_000),
            ("Photography", "Photographs", 210_000, 215_000),
            ("Dinner and drinks", "Food and drink", 980_000, None),
            ("Flowers", "Flowers", 120_000, 118_000),
        ):
            line = await budget.add_line(
                tx, NewLine(title=title, category=category, estimate_minor=estimate, agreed_minor=agreed)
            )
            await budget.add_payment(
                tx,
                line,
                NewPayment(
                    kind="deposit",
                    amount_minor=estimate // 5,
                    due_on=on - timedelta(days=200),
                    paid_on=on - timedelta(days=200),
                ),
            )

    async def _company(self, actor: Actor, wedding_id: UUID) -> None:
        async with self._door.enter(actor, wedding_id) as tx:
            await weddings.add_member(tx, wedding_id, role="partner", name="Ben Birch", email=PEOPLE["partner"][0])
            helper = await weddings.add_member(tx, wedding_id, role="helper", name="Dora Dale")
            await weddings.add_pass(tx, self._settings.jwt_secret, "help", wedding_id, membership_id=helper)
            await tasks.add(tx, NewTask(title="Bring the rings", membership_id=helper, due_days_before=0))
            quiet(tx)

    async def _told(self, people: dict[str, UUID], ana: Actor, wedding_id: UUID) -> dict[str, Any]:
        secret = self._settings.jwt_secret
        async with self._door.enter(ana, wedding_id) as tx:
            links = {r["supplier_name"]: r for r in await tx.rows(suppliers.queries.links, wedding_id)}
            members = await tx.rows(weddings.queries.members, wedding_id)
            parties = await tx.rows(guests.queries.parties, wedding_id, UUID(int=0), 1)
            rsvp = await weddings.add_pass(tx, secret, "rsvp", wedding_id, party_id=parties[0]["id"])
            helper = next(m for m in members if m["role"] == "helper")
            help_token = await weddings.add_pass(tx, secret, "help", wedding_id, membership_id=helper["id"])
        url = self._settings.public_url
        told: dict[str, Any] = {"wedding_id": str(wedding_id), "rsvp_url": f"{url}/rsvp/{rsvp}"}
        for key in ("couple", "partner", "photographer", "caterer", "venue", "florist", "operator"):
            told[key] = await self._signs_in(people[key], PEOPLE[key][0])
        told["helper"] = {**await self._signs_in(helper["person_id"], None), "login_url": f"{url}/help/{help_token}"}
        for key in ("photographer", "caterer", "venue", "florist"):
            link = links[BUSINESSES[key][0]]
            told[key] |= {"supplier_id": str(link["supplier_id"]), "link_id": str(link["id"])}
        return told

    async def _signs_in(self, person: UUID, email: str | None) -> dict[str, Any]:
        """A session for the token, and a link for the browser; both end after a week."""
        token = secrets.token_urlsafe(32)
        session = await self._owner.fetchval(
            "select app.issue_session($1, $2, $3)", person, digest(secrets.token_urlsafe(32)), TOKEN_DAYS
        )
        await self._owner.execute("select app.issue_sign_in($1, $2, $3)", person, digest(token), TOKEN_DAYS)
        minted = auth.mint(self._settings.jwt_secret, person=person, session=session, seconds=TOKEN_DAYS * 86400)
        return {"email": email, "login_url": f"{self._settings.public_url}/sign-in/{token}", "token": minted}


def quiet(tx: Tx, *, but_last: bool = False) -> None:
    """The demo's past owes nobody a mail: its facts are bulk; `but_last` lets the last one wake what derives."""
    for fact in tx.facts[: -1 if but_last else None]:
        fact.bulk = True
