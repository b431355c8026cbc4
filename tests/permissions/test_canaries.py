"""No forbidden word in any answer: every GET route, asked by every audience with every id there is.

In `make test` each audience asks for a tenth of the pages, by seed, who is let in to few for a fifth, and the couple
for all, since its words are there.
"""

import re
import secrets
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import msgspec
import pytest
import pytest_asyncio
from litestar import Litestar

from tests import seed
from tests.permissions.tables import AUDIENCES
from tests.served import served
from tests.world import World, build
from wedsync.kit.actor import ANONYMOUS
from wedsync.kit.config import Settings
from wedsync.operations.openings.model import PARTS
from wedsync.people.actions import digest
from wedsync.processes.migrate import connected
from wedsync.web import auth

FOREIGN = {"slug": "ana-and-ben", "part": "core", "version": "1"}
PASSES = {"guest": "rsvp", "help_pass": "help", "ack_pass": "ack"}
SKIPPED = ("/static", "/schema", "/openapi.json", "/sign-in")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(settings: Settings) -> AsyncIterator[World]:
    made = await build(settings)
    yield made
    await made.door.pool.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def app(settings: Settings) -> AsyncIterator[Litestar]:
    async with served(settings) as made:
        yield made


def paths(app: Litestar, world: World, audience: str) -> Iterator[str]:
    """Every GET route with its parameters filled in from the world, several ways where several ids fit."""
    business = world.businesses.get(audience, world.businesses["standard"])
    link = world.links.get(audience, world.links["standard"])
    ids: dict[str, list[Any]] = {
        "wedding_id": [world.wedding_id],
        "supplier_id": [business],
        "tenant": [world.wedding_id, business],
        "link_id": list(world.links.values()) if audience in ("couple", "partner") else [link, world.links["twin"]],
        "guest_id": [world.ids["guests"]],
        "party_id": [world.ids["parties"]],
        "item_id": [world.ids["schedule_items"]],
        "endpoint_id": [world.ids["endpoints"]],
        "rule_id": [world.ids["rules"]],
        "task_id": [world.ids["task_shared"]],
        "client_id": [world.ids["client"]],
        "enquiry_id": [world.ids["enquiry"]],
        "import_id": [world.ids["client_import"]],
        "invitation_id": [world.ids["invitation"]],
        "line_id": [world.ids["budget_lines"]],
        "photos_id": [world.ids["photo_deliveries"]],
        "space_id": [world.ids["spaces"]],
        "use_id": [world.ids["space_uses"]],
        "form_id": [world.ids["forms"]],
        "request_id": [world.ids["form_requests"]],
        "alert_id": [world.ids["alerts"]],
        "payment_id": [world.ids["budget_payments"]],
        "link_payment_id": [world.ids["payments"]],
        "token": [world.passes[PASSES[audience]]] if audience in PASSES else ["nonsense"],
        "part": [
            "core",
            "schedule",
            "tasks",
            "counts",
            "waiting",
            "portfolio",
            "tally",
            "answers",
            "news",
            "suppliers",
            "photos",
            "promised",
            "spaces",
            "fit",
            "alerts",
            "forms",
        ],
    }
    for route in app.routes:
        if "GET" not in getattr(route, "methods", ()) or route.path.startswith(SKIPPED):
            continue
        yield from _filled(route.path_format, ids)


def _filled(path: str, ids: dict[str, list[Any]]) -> Iterator[str]:
    match = re.search(r"\{([a-z_]+)\}", path)
    if match is None:
        yield path
        return
    for value in ids.get(match[1], [FOREIGN.get(match[1], UUID(int=7))]):
        yield from _filled(path.replace(match[0], str(value)), ids)


def kinds_of(path: str) -> tuple[str, str]:
    """What a path is asked for as, and as what else it could be."""
    json, html = "application/json", "text/html"
    return (json, html) if path.startswith("/api/") else (html, json)


def asked_for(app: Litestar, world: World, audience: str, kind: str) -> list[str]:
    every = list(paths(app, world, audience))
    if kind != "by seed":
        return every
    # What a pass opens, and what everybody with a login does, is asked for each time: most else refuses them.
    opened = str(world.passes[PASSES[audience]]) if audience in PASSES else "/api/v1/me"
    own = [path for path in every if (opened in path if audience in PASSES else path == opened)]
    share = 10 if audience in {"couple", "partner", "helper", *world.links} else 5
    return [*own, *seed.chosen([path for path in every if path not in own], share, audience)]


@pytest.mark.parametrize(
    "kind", ["by seed", *(pytest.param(kind, marks=pytest.mark.prove) for kind in ("as it is meant", "otherwise"))]
)
@pytest.mark.parametrize("audience", [*AUDIENCES, "help_pass", "ack_pass"])
async def test_no_answer_holds_a_forbidden_word(app: Litestar, world: World, audience: str, kind: str) -> None:
    headers = {"authorization": f"Bearer {world.tokens[audience]}"} if audience in world.tokens else {}
    leaks, answered = [], 0
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as client:
        for path in asked_for(app, world, audience, kind):
            accept = kinds_of(path)[kind == "otherwise"]
            response = await client.get(path, headers={"accept": accept})
            assert response.status_code < 500, (path, response.text[:300])
            answered += response.status_code == 200
            leaks += [(path, scope) for scope, word in world.forbidden(audience).items() if word in response.text]
    assert leaks == []
    assert answered > 1


async def test_the_canaries_are_really_there(app: Litestar, world: World) -> None:
    """A scan that finds nothing must be able to find something: the couple's own pages hold their words."""
    headers = {"authorization": f"Bearer {world.tokens['couple']}"}
    found: set[str] = set()
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app), base_url="http://test", headers=headers
    ) as client:
        for path in paths(app, world, "couple"):
            text = (await client.get(path)).text
            found |= {scope for scope, word in world.canaries.items() if word in text}
    assert {
        "core",
        "schedule",
        "guests",
        "dietary",
        "contacts",
        "budget",
        "private",
        "task_shared",
        "task_helper",
    } <= found


async def test_an_opened_wedding_holds_what_it_shows_and_no_other_word(
    app: Litestar, world: World, settings: Settings
) -> None:
    """To an operator, by the word of another: each part, as a program and as a page."""
    async with connected(settings.door("owner")) as owner:
        operators = [await operator_of(world, owner, name) for name in ("otto", "olga")]
    asked = {"wedding_id": str(world.wedding_id), "reason": "The couple asked us to look at it."}
    path, texts = "/api/v1/platform/openings", []
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        otto, olga = ({"authorization": f"Bearer {world.tokens[who]}"} for who in operators)
        id = (await client.post(path, json=asked, headers=otto)).json()["id"]
        assert (await client.post(f"{path}/{id}/approve", headers=olga)).status_code == 200
        for part in PARTS:
            for place in (f"{path}/{id}/wedding/{part}", f"/ops/openings/{id}/{part}"):
                answer = await client.get(place, headers=otto)
                assert answer.status_code == 200, (place, answer.text[:300])
                texts.append(answer.text)
        texts += [(await client.get(place, headers=otto)).text for place in (path, "/ops/openings")]
    found = {scope for scope, word in world.canaries.items() for text in texts if word in text}
    tasks = {scope for scope in world.canaries if scope.startswith("task_")}
    assert {"core", "guests", "invited", "task_shared"} <= found <= {"core", "guests", "invited", *tasks}


async def operator_of(world: World, owner: asyncpg.Connection, name: str) -> str:
    """A person who operates, signed in."""
    async with world.door.bare(ANONYMOUS) as tx:
        person = await tx.value("select app.person_for($1)", f"{name}.{secrets.token_hex(4)}@ops.invalid")
    world.people[name] = person
    await owner.execute("select app.make_operator($1)", person)
    session = await owner.fetchval("select app.issue_session($1, $2, 1)", person, digest(secrets.token_hex(8)))
    world.tokens[name] = auth.mint(world.settings.jwt_secret, person=person, session=session, seconds=3600)
    return name


async def test_events_are_listed_by_the_rule(app: Litestar, world: World) -> None:
    """The log as each audience reads it: sealed images stay sealed, budget and private never appear for a supplier."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as client:
        for audience in ("couple", "standard", "twin", "full", "caterer"):
            headers = {"authorization": f"Bearer {world.tokens[audience]}"}
            response = await client.get(f"/api/v1/weddings/{world.wedding_id}/events?limit=500", headers=headers)
            items = msgspec.json.decode(response.content)["items"]
            tables = {e["subject"]["table"] for e in items}
            assert ("budget_lines" in tables) == (audience == "couple")
            assert ("guest_needs" in tables) == (audience in ("couple", "caterer"))
            assert world.canaries["dietary"] not in response.text
