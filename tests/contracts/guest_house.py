"""A wedding with a ceremony, a dinner with three meals, and guests, seen through the real web application."""

import html
import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import time
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import httpx
import msgspec
from litestar import Litestar

from tests.contracts import one_wedding
from tests.contracts.one_wedding import Wedding
from tests.contracts.reacting import whole
from tests.engines_fixture import Database, RunningPostgres
from tests.served import served
from wedsync.events.event import Event, decode
from wedsync.guests import actions, invitations, model
from wedsync.kit.actor import Actor
from wedsync.kit.config import Settings
from wedsync.kit.seal import KeyRing
from wedsync.people.actions import digest
from wedsync.processes import registry
from wedsync.schedule import actions as schedule
from wedsync.schedule.rows import NewItem
from wedsync.web import auth

ADD_MEAL = (
    "insert into menu_options (wedding_id, schedule_item_id, name, position) values ($1, $2, $3, $4) returning id"
)
MEALS = ("Sea bass", "Short rib", "Mushroom pie")


class Visitor:
    """A browser with a session, or a guest's without one; it follows no redirect by itself."""

    def __init__(self, app: Litestar, *, token: str = "", accept: str = "text/html") -> None:
        headers = {"accept": accept} | ({"authorization": f"Bearer {token}"} if token else {})
        transport = httpx.ASGITransport(app=app)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers)

    async def see(self, path: str, *, code: int = 200, **headers: str) -> str:
        """A page's text."""
        answer = await self.http.get(path, headers=headers)
        assert answer.status_code == code, answer.text
        return answer.text

    async def part(self, path: str, *, code: int = 200) -> str:
        """What a script of the page asks for."""
        return await self.see(path, code=code, **{"hx-request": "true"})

    async def send(
        self, path: str, fields: dict[str, Any], *, by_script: bool = False, **headers: str
    ) -> httpx.Response:
        """Post a form, as forms.js does or as a browser without scripts; a list is a field that comes several times."""
        named = {k.replace("_", "-"): v for k, v in headers.items()} | {
            "content-type": "application/x-www-form-urlencoded"
        }
        if by_script:
            named |= {"hx-request": "true", "accept": "text/html, application/problem+json"}
        return await self.http.post(path, content=urlencode(fields, doseq=True), headers=named)


class GuestHouse:
    """The wedding, its app, and whoever looks at it."""

    def __init__(self, wedding: Wedding, app: Litestar, settings: Settings) -> None:
        self.wedding = wedding
        self.app = app
        self.settings = settings
        self.ring = KeyRing.from_setting(settings.seal_keys)
        self.public = Visitor(app)
        self.ceremony = self.dinner = wedding.id
        self.meals: dict[str, UUID] = {}

    @property
    def id(self) -> UUID:
        return self.wedding.id

    async def visitor(self, who: Actor) -> Visitor:
        """Signed in as one of the people."""
        assert who.id is not None
        session = await self.wedding.admin.fetchval(
            "select app.issue_session($1, $2, 1)", who.id, digest(secrets.token_hex(8))
        )
        return Visitor(
            self.app, token=auth.mint(self.settings.jwt_secret, person=who.id, session=session, seconds=3600)
        )

    async def plan(self) -> None:
        """The two parts of the day, and what is eaten."""
        async with self.wedding.as_(self.wedding.ana) as tx:
            self.ceremony = await schedule.add(
                tx, NewItem(title="Ceremony", kind="ceremony", at_local=time(14), place="Chapel")
            )
            self.dinner = await schedule.add(
                tx, NewItem(title="Dinner", kind="reception", at_local=time(17), place="Barn")
            )
        for position, name in enumerate(MEALS):
            row = (self.id, self.dinner, name, position)
            self.meals[name] = await self.wedding.admin.fetchval(ADD_MEAL, *row)

    async def party(self, *names: str, email: str = "", plus_ones: int = 0, **more: Any) -> tuple[UUID, list[UUID]]:
        """A party of these people; returns its id and theirs."""
        guests = [_guest(name) for name in names]
        if email:
            guests[0] = msgspec.structs.replace(guests[0], contact=model.Contact(email=email))
        new = model.NewParty(
            name=more.pop("name", " & ".join(names)), guests=guests, plus_ones_allowed=plus_ones, **more
        )
        async with self.wedding.as_(self.wedding.ana) as tx:
            return await actions.add_party(tx, self.ring, self.id, new)

    async def link(self, party: UUID) -> str:
        """The path of a party's link."""
        async with self.wedding.as_(self.wedding.ana) as tx:
            made = await invitations.make_links(tx, self.settings.jwt_secret, self.id, [party])
        return f"/rsvp/{made[party]}"

    async def react(self) -> list[str]:
        """Run every reaction that is owed, in order, with the keys of this app; returns their names."""
        reactions, done = registry.catalogue(self.settings).reactions, []
        while job := await self.wedding.admin.fetchrow(
            """update jobs set lease_token = uuidv7(), lease_until = clock_timestamp() + interval '1 minute'
            where id = (select id from jobs where kind = 'reaction' and tenant_id = $1 order by order_seq, id limit 1)
            returning id, name, lease_token, event_id""",
            self.id,
        ):
            text = await self.wedding.admin.fetchval(
                "select app.event_json(e, 'wedding') from events e where id = $1", job["event_id"]
            )
            async with self.wedding.door.enter_job(job["id"], job["lease_token"]) as tx:
                await whole(reactions[job["name"]], tx, decode(text))
            await self.wedding.admin.execute("delete from jobs where id = $1", job["id"])
            done.append(job["name"])
        return done

    async def events(self, *types: str) -> list[Event]:
        """The log, of these types."""
        return await self.wedding.events(*types)

    async def answers(self, guest: UUID) -> dict[UUID, tuple[str, UUID | None]]:
        """A guest's answers by schedule item."""
        rows = await self.wedding.admin.fetch(
            "select schedule_item_id, status, menu_option_id from rsvps where guest_id = $1", guest
        )
        return {r["schedule_item_id"]: (r["status"], r["menu_option_id"]) for r in rows}


def _guest(name: str) -> model.NewGuest:
    if name.startswith("Guest of"):
        return model.NewGuest(display_name=name, kind="plus_one")
    first, _, last = name.partition(" ")
    return model.NewGuest(first_name=first, last_name=last)


Builder = Callable[[], Awaitable[GuestHouse]]


def houses(stage: one_wedding.Stage, app: Litestar, settings: Settings) -> Builder:
    """Makes weddings, each with its plan."""

    async def build() -> GuestHouse:
        house = GuestHouse(await stage.wedding(), app, settings)
        await house.plan()
        return house

    return build


@asynccontextmanager
async def building(database: Database, postgres: RunningPostgres, settings: Settings) -> AsyncIterator[Builder]:
    """The same, in an application of its own."""
    async with one_wedding.opened(database, postgres.admin_url) as stage, served(settings) as app:
        yield houses(stage, app, settings)


def hidden(page: str, name: str) -> str:
    """The value of a hidden field of a page, as a browser would post it."""
    found = re.search(rf'name="{re.escape(name)}" value="([^"]*)"', page)
    assert found is not None, page
    return html.unescape(found.group(1))


async def edited(visitor: Visitor, house: GuestHouse, guest: UUID) -> dict[str, Any]:
    """The fields of a guest's opened row, as a browser would post them untouched."""
    page = await visitor.part(f"/me/{house.id}/guests/{guest}/edit")
    return fields(page)


def fields(page: str) -> dict[str, Any]:
    """What the forms of a fragment post, read from their tags."""
    found: dict[str, Any] = {}
    for tag in re.findall(r"<input[^>]*>", page):
        said = {k: html.unescape(v) for k, v in re.findall(r'(\w[\w-]*)="([^"]*)"', tag)}
        if said.get("type") == "checkbox" and " checked" in tag:
            found.setdefault(said["name"], []).append(said["value"])
        elif (said.get("type") == "radio" and " checked" in tag) or said.get("type") not in ("checkbox", "radio"):
            found[said["name"]] = said["value"]
    for name, options in re.findall(r'<select[^>]*name="([^"]*)"[^>]*>(.*?)</select>', page, flags=re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options)
        found[name] = chosen.group(1) if chosen else ""
    return found
