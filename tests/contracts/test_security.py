"""Who looked at what, and what was refused: counted beside the requests, and shown to whom it concerns."""

import secrets
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest_asyncio

from tests.contracts.town import Linked, Somebody, Town, built
from tests.engines_fixture import Database, RunningPostgres
from wedsync.kit.config import Settings
from wedsync.people.actions import digest


@pytest_asyncio.fixture(scope="module")
async def town(database: Database, postgres: RunningPostgres, settings: Settings) -> AsyncIterator[Town]:
    async with built(database, postgres, settings) as made:
        yield made


@pytest_asyncio.fixture(scope="module")
async def ana(town: Town) -> Somebody:
    return await town.person()


@pytest_asyncio.fixture(scope="module")
async def wedding(town: Town, ana: Somebody) -> str:
    return await town.wedding(ana)


@pytest_asyncio.fixture(scope="module")
async def planner(town: Town, ana: Somebody, wedding: str) -> Linked:
    return await town.linked(ana, wedding, "full")


async def looked(town: Town, ana: Somebody, wedding: str, who: Linked) -> dict[str, dict[str, Any]]:
    """What the couple is told of one supplier: by kind of data."""
    await town.watched()
    page = await ana.got("GET", f"/api/v1/weddings/{wedding}/access")
    return {one["scope"]: one for one in page["items"] if one["link_id"] == who.link}


async def noted(town: Town, who: Somebody, path: str) -> list[dict[str, Any]]:
    await town.watched()
    found: list[dict[str, Any]] = (await who.got("GET", f"{path}/security-events"))["items"]
    return found


async def test_a_suppliers_reads_are_told_by_kind_of_data_and_not_by_what_it_may_see(town: Town, ana: Somebody) -> None:
    wedding = await town.wedding(ana)
    business = await town.linked(ana, wedding, "full")
    await business.owner.got("GET", f"/api/v1/weddings/{wedding}/schedule")
    for _ in range(3):
        await business.owner.got("GET", f"/api/v1/weddings/{wedding}/schedule")
    seen = await looked(town, ana, wedding, business)
    assert set(seen) == {"core", "schedule"}
    assert seen["schedule"]["requests"] == 4
    assert seen["schedule"]["looks"] == 1
    assert seen["schedule"]["sources"] == ["api"]
    await business.owner.got("GET", f"/api/v1/weddings/{wedding}/guests")
    await business.owner.see(f"/studio/{business.supplier}/weddings/{wedding}")
    seen = await looked(town, ana, wedding, business)
    assert "guests" in seen
    assert not set(seen) & {"budget", "private", "dietary", "contacts"}
    assert seen["schedule"]["sources"] == ["api", "page"]


async def test_what_a_link_may_not_see_was_not_looked_at_though_it_was_asked_for(town: Town, ana: Somebody) -> None:
    wedding = await town.wedding(ana)
    business = await town.linked(ana, wedding, "basic")
    await business.owner.ask("GET", f"/api/v1/weddings/{wedding}/guests")
    await business.owner.ask("GET", f"/api/v1/weddings/{wedding}/budget")
    assert set(await looked(town, ana, wedding, business)) <= {"core"}


async def test_what_a_business_listens_to_and_tries_its_rules_on_are_looks(town: Town, ana: Somebody) -> None:
    wedding = await town.wedding(ana)
    business = await town.linked(ana, wedding, "standard")
    owner, place = business.owner, f"/api/v1/suppliers/{business.supplier}"
    begun = await owner.got("POST", f"{place}/listen", {})
    assert await looked(town, ana, wedding, business) == {}
    dinner = {"title": "Dinner", "kind": "reception", "at_local": "18:00", "minutes": 60}
    await ana.got("POST", f"/api/v1/weddings/{wedding}/schedule", dinner, code=201)
    asked = {"after": begun["after"], "wait_s": 0, "events": ["schedule_item.*", "supplier.*"]}
    heard = await owner.got("POST", f"{place}/listen", asked)
    assert [one["type"] for one in heard["items"]] == ["schedule_item.added"]
    seen = await looked(town, ana, wedding, business)
    assert (set(seen), seen["schedule"]["requests"]) == ({"schedule"}, 1)
    tried = await owner.got("POST", f"{place}/rules/preview", {"types": ["schedule_item.*"]})
    assert tried["considered"] == 1
    assert (await looked(town, ana, wedding, business))["schedule"]["requests"] == 2
    await owner.got("GET", f"{place}/events/{tried['items'][0]['event_id']}/routing")
    assert (await looked(town, ana, wedding, business))["schedule"]["requests"] == 3
    own = await owner.got("POST", f"{place}/rules/preview", {"types": ["supplier.*", "endpoint.*"]})
    assert {one["type"].partition(".")[0] for one in own["items"]} <= {"supplier", "endpoint"}
    assert set(await looked(town, ana, wedding, business)) == {"schedule"}


async def test_a_row_shown_by_a_refusal_was_looked_at(town: Town, ana: Somebody) -> None:
    wedding = await town.wedding(ana)
    business = await town.linked(ana, wedding, "standard", can_edit_timeline=True)
    dinner = {"title": "Dinner", "kind": "reception", "at_local": "18:00", "minutes": 60}
    item = await ana.got("POST", f"/api/v1/weddings/{wedding}/schedule", dinner, code=201)
    late = {"if_match": '"77"'}
    shown = await business.owner.got("PATCH", f"/api/v1/schedule/{item['id']}", {"minutes": 5}, code=412, **late)
    assert shown["current"]["title"] == "Dinner"
    assert "schedule" in await looked(town, ana, wedding, business)


async def test_the_couple_and_its_view_as_a_supplier_are_not_looks(
    town: Town, ana: Somebody, wedding: str, planner: Linked
) -> None:
    before = await looked(town, ana, wedding, planner)
    await ana.got("GET", f"/api/v1/weddings/{wedding}/guests")
    await ana.see(f"/me/{wedding}/suppliers/{planner.link}/see-as")
    assert await looked(town, ana, wedding, planner) == before


async def test_a_read_of_the_flat_path_and_of_the_log_is_counted(
    town: Town, ana: Somebody, wedding: str, planner: Linked
) -> None:
    guest = await ana.got("POST", f"/api/v1/weddings/{wedding}/guests", {"first_name": "Carla"}, code=201)
    await planner.owner.got("GET", f"/api/v1/guests/{guest['id']}")
    assert "guests" in await looked(town, ana, wedding, planner)
    await planner.owner.got("GET", f"/api/v1/weddings/{wedding}/events")
    assert "tasks" in await looked(town, ana, wedding, planner)


async def test_who_looked_at_what_is_the_couples_and_stands_on_its_pages(
    town: Town, ana: Somebody, wedding: str, planner: Linked
) -> None:
    await planner.owner.got("GET", f"/api/v1/weddings/{wedding}/guests")
    await town.watched()
    assert (await planner.owner.ask("GET", f"/api/v1/weddings/{wedding}/access")).status_code == 403
    page = await ana.see(f"/me/{wedding}/access")
    assert "Marlow Photo" in page
    assert "Guests’ names, parties, answers and meals" in page
    assert "last looked" in await ana.see(f"/me/{wedding}/suppliers")


async def test_a_strangers_try_is_told_to_the_couple_without_a_secret(town: Town, ana: Somebody, wedding: str) -> None:
    stranger = await town.person("stranger")
    await stranger.got("GET", f"/api/v1/weddings/{wedding}/guests?q=hush-hush", code=404)
    told = await noted(town, ana, f"/api/v1/weddings/{wedding}")
    found = [one for one in told if one["actor_id"] == str(stranger.id)]
    assert [one["kind"] for one in found] == ["access.refused"]
    assert found[0]["endpoint"] == "GET /api/v1/weddings/{wedding_id}/guests"
    assert found[0]["status"] == 404
    assert "hush" not in msgspec.json.encode(found).decode()
    page = await ana.see(f"/me/{wedding}/security?kind=access")
    assert "Somebody asked for what is not theirs" in page
    assert (await stranger.ask("GET", f"/api/v1/weddings/{wedding}/security-events")).status_code == 404


async def test_an_id_that_nothing_has_is_no_security_event(town: Town) -> None:
    stranger = await town.person("stranger")
    await stranger.got("GET", f"/api/v1/weddings/{UUID(int=7)}/guests", code=404)
    await stranger.got("GET", f"/api/v1/guests/{UUID(int=7)}", code=404)
    await town.watched()
    assert not await town.admin.fetchval("select count(*) from security_events where actor_id = $1", stranger.id)


async def test_what_one_may_see_and_not_change_is_noted_in_its_wedding(
    town: Town, ana: Somebody, wedding: str, planner: Linked
) -> None:
    await planner.owner.got("PATCH", f"/api/v1/weddings/{wedding}", {"couple_names": "Us"}, code=403)
    found = await noted(town, ana, f"/api/v1/weddings/{wedding}")
    (mine,) = [one for one in found if one["endpoint"] == "PATCH /api/v1/weddings/{wedding_id}"]
    assert (mine["kind"], mine["status"], mine["actor_id"]) == ("access.refused", 403, str(planner.owner.id))


async def test_a_businesss_events_are_its_owners(town: Town) -> None:
    business = await town.supplier()
    stranger = await town.person("stranger")
    await stranger.got("GET", f"/api/v1/suppliers/{business.supplier}", code=404)
    found = await noted(town, business.owner, f"/api/v1/suppliers/{business.supplier}")
    assert [one["kind"] for one in found] == ["access.refused"]
    assert "Security" in await business.owner.see(f"/studio/{business.supplier}/security")


async def test_sign_ins_and_their_ends_are_told_to_their_person(town: Town) -> None:
    bea = await town.person("bea")
    await town.public.got("POST", "/auth/sign-in", {"email": bea.email}, code=202)
    token = secrets.token_urlsafe(32)
    await town.admin.execute(
        "insert into sign_ins (token_hash, person_id, expires_at) values ($1, $2, now() + interval '9 minutes')",
        digest(token),
        bea.id,
    )
    first = await town.public.send(f"/sign-in/{token}")
    assert first.status_code == 303
    again = await town.public.send(f"/sign-in/{token}")
    assert again.status_code == 410
    cookie = {"cookie": first.headers["set-cookie"].partition(";")[0]}
    assert (await town.public.send("/auth/sign-out", headers=cookie)).status_code == 303
    found = await noted(town, bea, "/api/v1/me")
    assert [one["kind"] for one in found] == ["session.ended", "sign_in.refused", "session.opened", "sign_in.asked"]
    assert token not in msgspec.json.encode(found).decode()


async def test_credentials_that_do_not_hold_and_other_sites_forms_are_noted(town: Town, ana: Somebody) -> None:
    address = "203.0.113.77"
    app: Any = town.app
    transport = httpx.ASGITransport(app=app, client=(address, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        token = secrets.token_urlsafe(8)
        assert (await http.get("/api/v1/me", headers={"authorization": f"Bearer {token}"})).status_code == 401
        session = secrets.token_urlsafe(8)
        await town.admin.fetchval("select app.issue_session($1, $2, 1)", ana.id, digest(session))
        crossing = {"cookie": f"wedsync_session={session}", "sec-fetch-site": "cross-site"}
        assert (await http.post("/theme", headers=crossing)).status_code == 403
        assert (await http.get("/rsvp/not-a-pass")).status_code == 404
    await town.watched()
    rows = await town.admin.fetch("select kind, detail from security_events where address = $1", address)
    assert {row["kind"] for row in rows} == {"token.refused", "origin.refused", "pass.refused"}
    assert token not in str(rows)


async def test_a_flood_of_refusals_is_few_rows_with_a_count(town: Town) -> None:
    address = "203.0.113.78"
    app: Any = town.app
    transport = httpx.ASGITransport(app=app, client=(address, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        for _ in range(120):
            await http.get("/api/v1/me")
    await town.watched()
    rows = await town.admin.fetch("select detail from security_events where address = $1", address)
    assert len(rows) <= 2
    assert sum(msgspec.json.decode(row["detail"]).get("times", 1) for row in rows) == 120
