"""Ana and Ben's wedding for proofs: every audience there is, and a canary in every field that somebody must not see.

A canary is a word that appears nowhere else. `forbidden(audience)` says which of them an audience must never be given.
"""

import secrets
from datetime import date, time, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import msgspec

from tests.world_calendars import keep_calendar
from tests.world_clients import keep_clients
from tests.world_forms import answer_form, ask_form
from tests.world_market import keep_enquiry
from tests.world_venues import give_space
from wedsync.acknowledgements import actions as acknowledgements
from wedsync.alerts import actions as alerts
from wedsync.alerts.model import NewAlert
from wedsync.bookings import actions as bookings
from wedsync.bookings.rows import NewBooking
from wedsync.budget import actions as budget
from wedsync.budget.model import NewLine, NewPayment
from wedsync.connections import actions as connections
from wedsync.connections import inbox
from wedsync.connections import manifest as manifests
from wedsync.connections.accounts import actions as accounts
from wedsync.connections.accounts.model import Credentials
from wedsync.connections.contract import Account
from wedsync.connections.elements import Element
from wedsync.connections.model import NewConnection
from wedsync.events import record
from wedsync.feeds import actions as feeds
from wedsync.feeds.model import NewFeed
from wedsync.guests import actions as guests
from wedsync.guests import model as guest_model
from wedsync.kit import clock
from wedsync.kit.actor import ANONYMOUS, Actor
from wedsync.kit.config import Settings
from wedsync.kit.db import Door, connect_pool
from wedsync.kit.seal import KeyRing
from wedsync.payments import actions as payments
from wedsync.payments.model import NewLinkPayment
from wedsync.people.actions import digest
from wedsync.photos import actions as photos
from wedsync.photos.model import NewPhotoDelivery
from wedsync.processes import registry
from wedsync.processes.migrate import connected
from wedsync.proposals import actions as proposals
from wedsync.proposals.model import NewProposal
from wedsync.schedule import actions as schedule
from wedsync.schedule.rows import NewContact, NewItem
from wedsync.subscriptions import actions as subscriptions
from wedsync.subscriptions.model import NewEndpoint
from wedsync.subscriptions.rules import actions as rules
from wedsync.subscriptions.rules.fields import Fields
from wedsync.subscriptions.rules.model import NewRule
from wedsync.suppliers import actions as suppliers
from wedsync.suppliers import model as supplier_model
from wedsync.tasks import actions as tasks
from wedsync.tasks.model import NewTask
from wedsync.web import auth
from wedsync.weddings import actions as weddings
from wedsync.weddings import model as wedding_model

ON = date(2027, 6, 5)
PROVIDERS = "tests.contracts.providers"
SUPPLIERS: dict[str, dict[str, Any]] = {
    "basic": {"level": "basic"},
    "standard": {"level": "standard"},
    "twin": {"level": "standard"},
    "full": {"level": "full"},
    "caterer": {"level": "standard", "can_view_dietary": True},
    "stationer": {"level": "basic", "can_view_guests": True, "can_view_contacts": True},
    "planner": {"level": "full", "can_edit_timeline": True},
}
AUDIENCES = ("couple", "partner", "helper", *SUPPLIERS, "guest", "stranger", "other_couple")

FIELDS = Fields(registry.catalogue().types)


class World:
    """The people, the ids, and the canaries by scope. `doors` closes with it."""

    def __init__(self, door: Door, settings: Settings) -> None:
        self.door = door
        self.settings = settings
        self.ring = KeyRing.from_setting(settings.seal_keys)
        self.people: dict[str, UUID] = {}
        self.businesses: dict[str, UUID] = {}
        self.links: dict[str, UUID] = {}
        self.tokens: dict[str, str] = {}
        self.canaries: dict[str, str] = {}
        self.ids: dict[str, UUID] = {}
        self.wedding_id = self.other_id = uuid4()
        self.passes: dict[str, str] = {}

    def actor(self, who: str) -> Actor:
        """One of the people."""
        return Actor(kind="person", id=self.people[who], name=who)

    def canary(self, scope: str) -> str:
        """A new word for a scope; one per scope and world."""
        return self.canaries.setdefault(scope, f"cnry{secrets.token_hex(6)}")

    def forbidden(self, audience: str) -> dict[str, str]:
        """The canaries that this audience must never be given, by scope."""
        allowed = self._allowed(audience)
        return {scope: word for scope, word in self.canaries.items() if scope not in allowed}

    def _allowed(self, audience: str) -> set[str]:
        if audience in ("couple", "partner"):
            return {s for s in self.canaries if s not in ("other", "studio", "own_time", "clients")}
        seen = {"other"} if audience == "other_couple" else {"core", "site"}
        if audience in ("stranger", "other_couple"):
            return seen - {"core"}
        if audience in ("helper", "help_pass"):
            return seen | {"schedule", "invited", "task_helper"}
        if audience == "ack_pass":
            return seen
        if audience == "guest":
            return seen | {"invited", "guests", "dietary", "contacts"}
        asked = SUPPLIERS[audience]
        if asked["level"] in ("standard", "full"):
            seen |= {"schedule", "invited", "task_shared"}
        if asked["level"] == "full" or asked.get("can_view_guests"):
            seen.add("guests")
        seen |= {scope for scope in ("dietary", "contacts") if asked.get(f"can_view_{scope}")}
        return seen | {f"task_{audience}"} | ({"studio", "own_time", "clients"} if audience == "standard" else set())


async def build(settings: Settings) -> World:
    """The whole world; a new one each time, beside whatever else is in the database."""
    pool = await connect_pool(settings.door("user"), size=4, application="world")
    world = World(Door(pool, flush=record.flush), settings)
    async with connected(settings.door("owner")) as owner:
        await owner.execute("select app.sync_catalogue($1)", registry.catalogue().for_database())
        await _people(world, owner)
    await _weddings(world)
    await _suppliers(world)
    await _plans(world)
    await _guests(world)
    await _helper_and_passes(world)
    await _other(world)
    await _proposals(world)
    await _bookings(world)
    await lay_hook(world, "couple", world.wedding_id)
    await lay_hook(world, "other_couple", world.other_id)
    await lay_account(world, "couple", world.wedding_id)
    await lay_account(world, "other_couple", world.other_id)
    return world


async def _people(world: World, owner: asyncpg.Connection) -> None:
    mark = secrets.token_hex(4)
    for who in ("couple", "partner", "other_couple", "stranger", *SUPPLIERS):
        async with world.door.bare(ANONYMOUS) as tx:
            world.people[who] = await tx.value("select app.person_for($1)", f"{who}.{mark}@world.invalid")
        await _token(world, owner, who)


async def _token(world: World, owner: asyncpg.Connection, who: str) -> None:
    session = await owner.fetchval(
        "select app.issue_session($1, $2, 1)", world.people[who], digest(secrets.token_hex(8))
    )
    secret = world.settings.jwt_secret
    world.tokens[who] = auth.mint(secret, person=world.people[who], session=session, seconds=3600)


async def _weddings(world: World) -> None:
    new = wedding_model.NewWedding(couple_names="Ana & Ben", on=ON)
    world.wedding_id = await weddings.create(world.door, world.actor("couple"), new)
    other = wedding_model.NewWedding(couple_names=f"Cleo & Dan {world.canary('other')}", on=ON)
    world.other_id = await weddings.create(world.door, world.actor("other_couple"), other)
    async with world.door.enter(world.actor("couple"), world.wedding_id) as tx:
        await weddings.change(
            tx, world.wedding_id, {"ceremony_venue": f"Chapel {world.canary('core')}", "date_status": "confirmed"}
        )
        slug = f"ana-ben-{secrets.token_hex(4)}"
        await weddings.put_site(
            tx, world.wedding_id, slug=slug, is_published=True, welcome=f"Hello {world.canary('site')}"
        )
        email = f"partner.{secrets.token_hex(4)}@world.invalid"
        await weddings.add_member(tx, world.wedding_id, role="partner", name="Ben", email=email)
    async with world.door.bare(ANONYMOUS) as tx:
        world.people["partner"] = await tx.value("select app.person_for($1)", email)
    async with connected(world.settings.door("owner")) as owner:
        await _token(world, owner, "partner")


async def _suppliers(world: World) -> None:
    couple = world.actor("couple")
    for who, asked in SUPPLIERS.items():
        new = supplier_model.NewSupplier(name=f"Supplier {who}", category="other")
        world.businesses[who] = await suppliers.register(world.door, world.actor(who), new)
        email = await _email(world, who)
        async with world.door.enter(couple, world.wedding_id) as tx:
            wanted = {"supplier_name": f"Supplier {who}", "email": email, "category": "other", "level": asked["level"]}
            link = await suppliers.invite(tx, world.wedding_id, msgspec.convert(wanted, type=supplier_model.NewLink))
        said = supplier_model.InvitationAnswer(supplier_id=world.businesses[who])
        await suppliers.answer(world.door, world.actor(who), link, said)
        world.links[who] = link
        flags = {k: v for k, v in asked.items() if k != "level"}
        if flags:
            async with world.door.enter(couple, world.wedding_id) as tx:
                await suppliers.change(tx, link, msgspec.convert(flags, type=supplier_model.LinkChange))


async def _email(world: World, who: str) -> str:
    async with world.door.enter(world.actor(who), world.people[who]) as tx:
        email: str = await tx.value("select p.email from persons p where p.person_id = $1", world.people[who])
    return email


async def _plans(world: World) -> None:
    async with world.door.enter(world.actor("couple"), world.wedding_id) as tx:
        place = f"Barn {world.canary('invited')}"
        dinner = NewItem(title="Dinner", kind="reception", at_local=time(17, 0), place=place, takes_rsvps=True)
        world.ids["schedule_items"] = await schedule.add(tx, dinner)
        await schedule.add_contact(tx, NewContact(name="Uma", what=world.canary("schedule"), phone="+44 7700 900111"))
        emergency = NewAlert(what="other", detail=f"Help {world.canary('schedule')}", place=world.canary("schedule"))
        world.ids["alerts"], _ = await alerts.raise_(tx, world.ring, emergency)
        world.ids["task_shared"] = await tasks.add(tx, NewTask(title=f"Shared {world.canary('task_shared')}"))
        for who, link in world.links.items():
            await tasks.add(tx, NewTask(title=f"Yours {world.canary('task_' + who)}", link_id=link))
        line = NewLine(title=f"Flowers {world.canary('budget')}", category="florist", estimate_minor=123_457)
        world.ids["budget_lines"] = await budget.add_line(tx, line)
        payment = NewPayment(amount_minor=98_321, note=world.canary("budget"))
        world.ids["budget_payments"] = await budget.add_payment(tx, world.ids["budget_lines"], payment)
        hook = NewEndpoint(url=f"https://example.com/{world.canary('private')}")
        world.ids["endpoints"], _ = await subscriptions.add(tx, world.ring, world.wedding_id, hook)
        rule = NewRule(name=f"Rule {world.canary('private')}", endpoint_id=world.ids["endpoints"], types=["task.*"])
        world.ids["rules"] = await rules.add(tx, FIELDS, rule)


async def _proposals(world: World) -> None:
    """Every supplier proposes a change of what all see, promises a gallery, and gives a space where it sees the day."""
    for who in SUPPLIERS:
        async with world.door.enter(world.actor(who), world.wedding_id) as tx:
            why = f"Please {world.canary('task_' + who)}"
            new = NewProposal(subject="weddings", fields={"guest_estimate": 70}, why=why)
            made = await proposals.suggest(tx, await proposals.source(tx), new)
            assert made is not None
            world.ids["proposals"] = made
            world.ids["photo_deliveries"] = await photos.promise(tx, NewPhotoDelivery(kind="gallery", title=why))
            asked = NewLinkPayment(kind="deposit", amount_minor=60_000, title=why)
            world.ids["payments"] = await payments.request(tx, asked, rate_bp=500)
        word = world.canary("task_" + who)
        world.ids |= await ask_form(world.door, world.actor(who), world.businesses[who], world.wedding_id, word)
        couple, asked_of = world.actor("couple"), world.ids["form_requests"]
        secret = world.canary("private")
        await answer_form(world.door, world.ring, couple, world.wedding_id, asked_of, word, secret)
        if SUPPLIERS[who]["level"] != "basic":
            world.ids |= await give_space(world.door, world.actor(who), world.businesses[who], world.wedding_id, word)
        async with world.door.enter(world.actor("couple"), world.wedding_id) as tx:
            until = clock.machine_now() + timedelta(minutes=30)
            await payments.plan_checkout(tx, world.ids["payments"], 60_000, until)
    async with world.door.enter(world.actor("other_couple"), world.other_id) as tx:
        new = NewProposal(subject="weddings", fields={"guest_estimate": 71})
        await proposals.suggest(tx, await proposals.source(tx), new)
    async with world.door.enter(world.actor("twin"), world.other_id) as tx:
        await photos.promise(tx, NewPhotoDelivery(kind="film"))
        await payments.request(tx, NewLinkPayment(kind="balance", amount_minor=90_000), rate_bp=500)
    await give_space(world.door, world.actor("twin"), world.businesses["twin"], world.other_id, "")
    await ask_form(world.door, world.actor("twin"), world.businesses["twin"], world.other_id, "")


async def _guests(world: World) -> None:
    carla = guest_model.NewGuest(
        first_name="Carla",
        last_name=world.canary("guests"),
        contact=guest_model.Contact(
            email=f"{world.canary('contacts')}@world.invalid", address=world.canary("contacts")
        ),
        needs=guest_model.Needs(allergens=[guest_model.Allergen(key="peanuts")], note=world.canary("dietary")),
    )
    async with world.door.enter(world.actor("couple"), world.wedding_id) as tx:
        party = guest_model.NewParty(name=f"The {world.canary('guests')} party", guests=[carla])
        world.ids["parties"], (world.ids["guests"],) = await guests.add_party(tx, world.ring, world.wedding_id, party)


async def _helper_and_passes(world: World) -> None:
    secret = world.settings.jwt_secret
    async with world.door.enter(world.actor("couple"), world.wedding_id) as tx:
        member = await weddings.add_member(tx, world.wedding_id, role="helper", name="Dora")
        await tasks.add(tx, NewTask(title=f"Rings {world.canary('task_helper')}", membership_id=member))
        world.passes["help"] = await weddings.add_pass(tx, secret, "help", world.wedding_id, membership_id=member)
        world.passes["rsvp"] = await weddings.add_pass(
            tx, secret, "rsvp", world.wedding_id, party_id=world.ids["parties"]
        )
        link = world.links["standard"]
        world.passes["ack"] = await weddings.add_pass(tx, secret, "ack", world.wedding_id, link_id=link)
        rows = await tx.rows(weddings.queries.members, world.wedding_id)
        await weddings.change(tx, world.wedding_id, {"guest_estimate": 95})
    world.people["helper"] = next(r["person_id"] for r in rows if r["id"] == member)
    async with connected(world.settings.door("owner")) as owner:
        await _token(world, owner, "helper")
    async with world.door.enter(world.actor("standard"), world.wedding_id) as tx:
        await acknowledgements.see(tx, world.wedding_id)
    await _watched(world, world.wedding_id, world.links["standard"])


async def _watched(world: World, wedding: UUID, link: UUID) -> None:
    """A supplier's look and a refusal, as a process writes them."""
    seen = [{"tenant": wedding, "link": link, "scopes": 1, "source": "api", "times": 1}]
    place = {"place": "tenant", "name": wedding}
    refused = [{"at": clock.machine_now(), "kind": "hook.refused", "address": "203.0.113.9", "detail": {}, **place}]
    await world.door.keep_watch(msgspec.json.encode(seen).decode(), msgspec.json.encode(refused).decode())


async def _other(world: World) -> None:
    """The other wedding holds a row of everything too, so that a gate that is gone shows something."""
    email = await _email(world, "twin")
    async with world.door.enter(world.actor("other_couple"), world.other_id) as tx:
        wanted = {"supplier_name": "Supplier twin", "email": email, "level": "full"}
        link = await suppliers.invite(tx, world.other_id, msgspec.convert(wanted, type=supplier_model.NewLink))
    said = supplier_model.InvitationAnswer(supplier_id=world.businesses["twin"])
    await suppliers.answer(world.door, world.actor("twin"), link, said)
    world.ids["other_link"] = link
    async with world.door.enter(world.actor("other_couple"), world.other_id) as tx:
        await schedule.add(tx, NewItem(title="Dinner", kind="reception", at_local=time(17, 0), takes_rsvps=True))
        await schedule.add_contact(tx, NewContact(name="Ida"))
        await tasks.add(tx, NewTask(title="Theirs", link_id=link))
        line = await budget.add_line(tx, NewLine(title="Cake", estimate_minor=5))
        await budget.add_payment(tx, line, NewPayment(amount_minor=5))
        hook = NewEndpoint(url="https://example.com/other")
        theirs, _ = await subscriptions.add(tx, world.ring, world.other_id, hook)
        await rules.add(tx, FIELDS, NewRule(name="Theirs", endpoint_id=theirs, types=["task.*"]))
        guest = guest_model.NewGuest(
            first_name="Eve", contact=guest_model.Contact(email="eve@world.invalid"), needs=guest_model.Needs()
        )
        party, _ = await guests.add_party(
            tx, world.ring, world.other_id, guest_model.NewParty(name="Eve", guests=[guest])
        )
        await weddings.add_pass(tx, world.settings.jwt_secret, "rsvp", world.other_id, party_id=party)
        slug = f"other-{secrets.token_hex(4)}"
        await weddings.put_site(tx, world.other_id, slug=slug, is_published=False, welcome="")
        await weddings.change(tx, world.other_id, {"date_status": "confirmed"})
    await _watched(world, world.other_id, link)


JOINED = """insert into joins (wedding_id, joined, joined_id, brought_by, brought_by_id, first_supplier_id)
    values ($1, 'couple', $1, 'supplier', $2, $2)"""


async def _bookings(world: World) -> None:
    """Two suppliers are booked for a wedding each and keep time of their own; the weddings are told of it."""
    given = (("standard", world.links["standard"]), ("twin", world.ids["other_link"]))
    for who, link in given:
        word = world.canary("studio") if who == "standard" else ""
        async with world.door.enter(world.actor(who), world.businesses[who]) as tx:
            job = NewBooking(on=ON + timedelta(days=2), days=1, link_id=link, title=word, note=word)
            await bookings.add(tx, world.ring, job)
            word = world.canary("own_time") if who == "standard" else ""
            own = NewBooking(on=ON + timedelta(days=1), days=1, category="private", title=word)
            await bookings.add(tx, world.ring, own)
            word = world.canary("clients") if who == "standard" else who
            world.ids = await keep_clients(tx, world.ring, world.settings, who, word=word) | world.ids
        business = world.businesses[who]
        world.ids = await keep_enquiry(world.door, world.ring, world.actor(who), business, word=word) | world.ids
    async with connected(world.settings.door("owner")) as owner, owner.transaction():
        for who, link in given:
            await owner.execute("select app.settle(null, 'system', $1, 'system', 2047, 2047)", world.businesses[who])
            await owner.execute("select app.tell_weddings($1, '{}')", [link])
        await owner.execute("set local role wedsync_recorder")
        for who, wedding in (("standard", world.wedding_id), ("twin", world.other_id)):
            await owner.execute(JOINED, wedding, world.businesses[who])


async def lay_hook(world: World, who: str, wedding: UUID) -> None:
    """A source of hooks, one that it sent, and a feed."""
    async with world.door.enter(world.actor(who), wedding) as tx:
        await feeds.make(tx, NewFeed(title="Phone"))
        source, _ = await connections.add(tx, world.ring, wedding, NewConnection(connector="zapier_hook"))
    whose = inbox.Source(id=source, tenant=wedding, connector="zapier_hook", verified_by="hmac")
    await inbox.Inbox(world.door, world.ring).keep(whose, [Element("1", world.canary("private").encode())], {})
    if who == "couple":
        async with world.door.enter(world.actor(who), wedding) as tx:
            (row, *_) = await tx.rows("select id from inbox_hooks")
        world.ids |= {"connection": source, "hook": row["id"]}


async def lay_account(world: World, who: str, wedding: UUID) -> None:
    """An account at a provider, with a name there and credentials of its own."""
    vault = manifests.find(PROVIDERS)["vault"]
    word = world.canary("private")
    async with world.door.enter(world.actor(who), wedding) as tx:
        made = await accounts.draft(tx, world.ring, wedding, vault, "Vault")
        held = Credentials(username=word, password=word)
        await accounts.connected(tx, world.ring, vault, made, Account(id=word, title=word), held)
        kept = await keep_calendar(tx, world.ring, wedding, made, word)
    if wedding == world.wedding_id:
        world.ids |= kept
