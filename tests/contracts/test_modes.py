"""Read-only mode through its doors: nothing can be changed, everything can be read, weddings are told once."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from tests.contracts.town import Linked, Somebody, Town
from tests.engines_fixture import Database, RunningPostgres, copied, settings_for
from tests.served import served
from wedsync.guests import actions as guests
from wedsync.guests.model import NewGuest, NewParty
from wedsync.kit.actor import Actor
from wedsync.processes import modes_followed, ticks
from wedsync.weddings import actions as weddings

PATH = "/api/v1/platform/modes"
WHY = "The disk of the primary fills."


@pytest_asyncio.fixture(scope="module")
async def own(postgres: RunningPostgres, worker: str) -> AsyncIterator[Database]:
    """A mode is everybody's, so nobody else is here."""
    async with copied(postgres, f"wedsync_{worker}_modes") as made:
        yield made


@pytest_asyncio.fixture(scope="module")
async def platform(
    own: Database, postgres: RunningPostgres, valkey_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Town]:
    settings = settings_for(tmp_path_factory.mktemp("modes"), own, valkey_url)
    admin = await asyncpg.connect(postgres.admin_url, database=own.name)
    async with served(settings) as app:
        yield Town(app, settings, admin)
    await admin.close()


@pytest_asyncio.fixture(scope="module")
async def otto(platform: Town) -> Somebody:
    return await platform.operator("otto")


@pytest_asyncio.fixture(scope="module")
async def ana(platform: Town) -> Somebody:
    return await platform.person()


@pytest_asyncio.fixture(scope="module")
async def wedding(platform: Town, ana: Somebody) -> str:
    """It is tomorrow."""
    made = await platform.wedding(ana, on=str((datetime.now(tz=UTC) + timedelta(days=1)).date()), time_zone="UTC")
    await ana.got("POST", f"/api/v1/weddings/{made}/schedule", {"title": "Dinner", "at_local": "17:00"}, code=201)
    return made


@pytest_asyncio.fixture(scope="module")
async def marlow(platform: Town, ana: Somebody, wedding: str) -> Linked:
    return await platform.linked(ana, wedding)


@pytest_asyncio.fixture(scope="module")
async def passes(platform: Town, ana: Somebody, wedding: str) -> dict[str, str]:
    """The addresses of a helper and of a guest, who have no account."""
    secret, home = platform.settings.jwt_secret, UUID(wedding)
    async with platform.door.enter(Actor(kind="person", id=ana.id), home) as tx:
        party, _ = await guests.add_party(
            tx, platform.ring, home, NewParty(name="Rossi", guests=[NewGuest(first_name="Carla", last_name="Rossi")])
        )
        helper = await weddings.add_member(tx, home, role="helper", name="Somebody who helps")
        return {
            "help": await weddings.add_pass(tx, secret, "help", home, membership_id=helper),
            "rsvp": await weddings.add_pass(tx, secret, "rsvp", home, party_id=party),
        }


@pytest_asyncio.fixture
async def mode(platform: Town, otto: Somebody) -> AsyncIterator[dict[str, Any]]:
    """Read-only mode, as the processes see it a second later."""
    made = await otto.got("POST", PATH, {"kind": "read_only", "reason": WHY, "minutes": 30}, code=201)
    await seen(platform)
    yield made
    await otto.got("POST", f"{PATH}/{made['id']}/leave")
    await seen(platform)
    await told(platform)


async def seen(town: Town) -> None:
    await modes_followed.take(town.door, town.app.state.modes)


async def told(town: Town) -> None:
    """The clock's look."""
    nudges: list[str] = []

    async def published(nudge: str) -> None:
        nudges.append(nudge)

    await ticks.telling_of_modes(published)(town.admin)


async def test_a_change_is_refused_in_plain_words_and_reading_goes_on(
    platform: Town, ana: Somebody, wedding: str, marlow: Linked, mode: dict[str, Any]
) -> None:
    path = f"/api/v1/weddings/{wedding}/tasks"
    answer = await ana.ask("POST", path, {"title": "Order the cake"}, idempotency_key="one")
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["status"]) == (503, "read_only", 503)
    assert answer.headers["content-type"] == "application/problem+json"
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert "nothing was changed" in problem["detail"]
    assert {"until", "works", "waits"} <= problem.keys()
    assert "Not just now" in (await ana.send(f"/me/{wedding}/tasks", title="Order the cake")).text
    for page in ("", "/guests", "/schedule", "/suppliers", "/tasks", "/budget", "/activity", "/day"):
        shown = await ana.see(f"/me/{wedding}{page}")
        assert "Nothing can be changed for a while, until" in shown, page
        assert "In an emergency call" in shown, page
    for page in ("", "/calendar", "/weddings", f"/weddings/{wedding}", f"/weddings/{wedding}/day"):
        await marlow.owner.see(f"/studio/{marlow.supplier}{page}")
    assert (await ana.got("GET", path))["items"] == []


async def test_who_has_only_a_link_can_read_too(platform: Town, passes: dict[str, str], mode: dict[str, Any]) -> None:
    for kind, token in passes.items():
        assert "Nothing can be changed for a while" in await platform.public.see(f"/{kind}/{token}"), kind


async def test_whatever_can_be_asked_for_by_a_wedding_or_a_business_is_answered(
    platform: Town, ana: Somebody, wedding: str, marlow: Linked, mode: dict[str, Any]
) -> None:
    known = {"wedding_id": wedding, "supplier_id": marlow.supplier}
    asked = 0
    for route in platform.app.routes:
        names = {one.name for one in getattr(route, "path_components", []) if not isinstance(one, str)}
        if "GET" not in getattr(route, "methods", ()) or not names or names - known.keys():
            continue
        path = "".join(f"/{one if isinstance(one, str) else known[one.name]}" for one in route.path_components)
        for who in (ana, marlow.owner):
            answer = await who.ask("GET", path)
            asked += answer.status_code == 200
            assert answer.status_code < 500, (path, answer.text)
    assert asked > 50


async def test_it_ends_when_it_is_left_and_changes_are_taken_again(
    platform: Town, otto: Somebody, ana: Somebody, wedding: str
) -> None:
    made = await otto.got("POST", PATH, {"kind": "read_only", "reason": WHY, "minutes": 30}, code=201)
    await seen(platform)
    path = f"/api/v1/weddings/{wedding}/tasks"
    await ana.got("POST", path, {"title": "Flowers"}, code=503)
    for _ in range(2):
        ended = await otto.got("POST", f"{PATH}/{made['id']}/leave")
    assert (ended["is_in_force"], ended["left_by_name"], ended["reason"]) == (False, otto.email, WHY)
    await seen(platform)
    await ana.got("POST", path, {"title": "Flowers"}, code=201)
    assert "Nothing can be changed" not in await ana.see(f"/me/{wedding}")


async def test_its_time_ends_it_also_where_nobody_can_be_asked(
    mode: dict[str, Any], platform: Town, ana: Somebody, wedding: str
) -> None:
    modes = platform.app.state.modes
    modes.all = [type(one)(one.kind, datetime.now(tz=UTC) - timedelta(seconds=1)) for one in modes.all]
    await ana.got("POST", f"/api/v1/weddings/{wedding}/tasks", {"title": "Cake"}, code=201)


async def test_near_weddings_are_told_once_and_once_that_it_is_over(
    platform: Town, otto: Somebody, ana: Somebody, wedding: str, marlow: Linked
) -> None:
    far = await platform.wedding(ana, on=str((datetime.now(tz=UTC) + timedelta(days=30)).date()), time_zone="UTC")
    types = ("mode.read_only", "mode.read_only_over")
    before = len(await platform.events(wedding, *types))
    first = await otto.got("POST", PATH, {"kind": "read_only", "reason": WHY, "minutes": 5}, code=201)
    await told(platform)
    longer = await otto.got("POST", PATH, {"kind": "read_only", "reason": WHY, "minutes": 60}, code=201)
    for _ in range(2):
        await told(platform)
    found = await platform.events(wedding, *types)
    assert [one.type for one in found[before:]] == ["mode.read_only"]
    listed = {one["id"]: one for one in (await otto.got("GET", PATH))["items"]}
    assert (listed[first["id"]]["is_in_force"], listed[longer["id"]]["is_in_force"]) == (False, True)
    assert listed[longer["id"]]["weddings_told"] == 1
    await otto.got("POST", f"{PATH}/{longer['id']}/leave")
    for _ in range(2):
        await told(platform)
    found = await platform.events(wedding, *types)
    assert [one.type for one in found[before:]] == ["mode.read_only", "mode.read_only_over"]
    assert await platform.events(far, *types) == []
    await platform.react(wedding)
    rows = await platform.admin.fetch("select person_id, title from inbox where type = any ($1)", list(types))
    for person in (ana, marlow.owner):
        titles = [row["title"] for row in rows if row["person_id"] == person.id]
        assert sum("nothing can be changed in WedSync" in title for title in titles) >= 1
        assert sum("can be changed in WedSync again" in title for title in titles) >= 1


async def test_signing_in_goes_on_and_so_does_the_operators_own_page(
    mode: dict[str, Any], platform: Town, otto: Somebody
) -> None:
    asked = await platform.public.send("/sign-in", email="new.person@example.test")
    assert asked.status_code < 400, asked.text
    page = await otto.see("/ops/modes")
    assert WHY in page
    assert "Leave it" in page
    refused = await otto.send("/ops/modes", kind="late", reason="short", minutes="900")
    assert refused.status_code == 422
    assert "Write 10 to 500 characters." in refused.text


async def test_that_something_is_late_stops_nobody(platform: Town, otto: Somebody, ana: Somebody, wedding: str) -> None:
    made = await otto.got("POST", PATH, {"kind": "late", "reason": "Resend is slow today.", "minutes": 30}, code=201)
    await seen(platform)
    await ana.got("POST", f"/api/v1/weddings/{wedding}/tasks", {"title": "Rings"}, code=201)
    assert "are told late, until" in await ana.see(f"/me/{wedding}")
    assert "are told late" in await platform.public.see("/fragments/modes")
    await otto.got("POST", f"{PATH}/{made['id']}/leave")
    await seen(platform)


async def test_it_is_the_operators_alone_and_has_an_end(platform: Town, otto: Somebody, ana: Somebody) -> None:
    body = {"kind": "read_only", "reason": WHY, "minutes": 30}
    await ana.got("GET", PATH, code=403)
    await ana.got("POST", PATH, body, code=403)
    await platform.public.got("POST", PATH, body, code=401)
    for wrong in ({"minutes": 0}, {"minutes": 721}, {"kind": "none"}, {"reason": "short"}):
        assert (await otto.ask("POST", PATH, {**body, **wrong})).status_code in (400, 422)
    del body["minutes"]
    assert (await otto.ask("POST", PATH, body)).status_code in (400, 422)
