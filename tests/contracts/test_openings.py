"""Break-glass: two operators open a wedding to one of them; its couple is told, sees each look, and may end it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import msgspec
import pytest
import pytest_asyncio

from tests.contracts.import_house import working
from tests.contracts.town import Somebody, Town
from tests.eventually import eventually
from wedsync.kit.actor import Actor
from wedsync.kit.errors import Refusal
from wedsync.operations.openings.model import PARTS
from wedsync.operations.platform import PLATFORM

PATH = "/api/v1/platform/openings"
ENTER = "select app.enter_opening($1, $2)"
REASON = "The couple asked why their caterer sees nothing."


@pytest.fixture
def town(own_town: Town) -> Town:
    """A worker takes whatever is ready, whoever owed it."""
    return own_town


@pytest_asyncio.fixture
async def otto(town: Town) -> Somebody:
    return await operator(town, "otto")


@pytest_asyncio.fixture
async def olga(town: Town) -> Somebody:
    return await operator(town, "olga")


@pytest_asyncio.fixture(autouse=True)
async def no_operators_left(town: Town) -> AsyncIterator[None]:
    """Other tests count them."""
    yield
    await town.admin.execute("update persons set is_operator = false where email like 'ot%' or email like 'ol%'")


async def operator(town: Town, name: str) -> Somebody:
    made = await town.person(name)
    await town.admin.execute("select app.make_operator($1)", made.id)
    return made


async def asked(by: Somebody, wedding: str, **more: Any) -> str:
    made = await by.got("POST", PATH, {"wedding_id": wedding, "reason": REASON} | more, code=201)
    assert made["state"] == "asked"
    return str(made["id"])


async def opened(otto: Somebody, olga: Somebody, wedding: str, **more: Any) -> str:
    id = await asked(otto, wedding, **more)
    assert (await olga.got("POST", f"{PATH}/{id}/approve"))["state"] == "open"
    return id


async def looks(who: Somebody, id: str, part: str = "guests") -> int:
    return (await who.ask("GET", f"{PATH}/{id}/wedding/{part}")).status_code


async def test_one_operator_alone_opens_nothing(
    town: Town, otto: Somebody, olga: Somebody, ana: Somebody, wedding: str
) -> None:
    id = await asked(otto, wedding)
    assert await looks(otto, id) == 404
    alone = await otto.ask("POST", f"{PATH}/{id}/approve")
    assert (alone.status_code, alone.json()["code"]) == (403, "needs_another_person")
    with pytest.raises(asyncpg.CheckViolationError):
        await town.admin.execute(
            "update openings set approved_by = asked_by, approved_at = now() where id = $1", UUID(id)
        )
    assert (await ana.ask("POST", f"{PATH}/{id}/approve")).status_code == 403
    await olga.got("POST", f"{PATH}/{id}/approve")
    assert [await looks(who, id) for who in (otto, olga, ana)] == [200, 404, 403]
    again = await olga.ask("POST", f"{PATH}/{id}/approve")
    assert (again.status_code, again.json()["code"]) == (409, "opening_approved")


async def test_what_is_asked_must_be_well_said_and_of_a_wedding(otto: Somebody, wedding: str) -> None:
    for wrong in ({"reason": "short"}, {"minutes": 241}, {"minutes": 4}, {"wedding_id": "nonsense"}):
        said = {"wedding_id": wedding, "reason": REASON} | wrong
        assert (await otto.ask("POST", PATH, said)).status_code in (400, 422), wrong
    assert (await otto.ask("POST", PATH, {"wedding_id": str(uuid4()), "reason": REASON})).status_code == 404


async def test_it_shows_the_couples_view_but_what_stays_closed_and_every_look_is_told(
    town: Town, otto: Somebody, olga: Somebody, ana: Somebody, wedding: str
) -> None:
    here = f"/api/v1/weddings/{wedding}"
    contact = {"email": "carla@contact.example"}
    await ana.got("POST", f"{here}/guests", {"first_name": "Carla", "contact": contact}, code=201)
    await ana.got("POST", f"{here}/schedule", {"title": "Dinner", "kind": "reception", "at_local": "18:00"}, code=201)
    await ana.got("POST", f"{here}/tasks", {"title": "Find a fiddler"}, code=201)
    await ana.got("POST", f"{here}/budget", {"title": "Secret flowers", "category": "florist"}, code=201)
    await town.linked(ana, wedding)
    id = await opened(otto, olga, wedding)
    shown = {part: await otto.got("GET", f"{PATH}/{id}/wedding/{part}") for part in PARTS}
    text = msgspec.json.encode(shown).decode()
    for word in ("Ana & Ben", "Carla", "Dinner", "Find a fiddler", "Marlow Photo"):
        assert word in text
    pages = "".join([await otto.see(f"/ops/openings/{id}/{part}") for part in PARTS])
    assert "Find a fiddler" in pages
    for closed in ("contact.example", "Secret flowers", ana.email):
        assert closed not in text + pages
    (told,) = (await ana.got("GET", f"{here}/openings"))["items"]
    assert [look["part"] for look in told["looks"]] == 2 * list(PARTS)[::-1]
    assert (told["reason"], told["state"], told["asked_by_name"]) == (REASON, "open", "An operator")
    seen = await ana.see(f"/me/{wedding}/access")
    assert REASON in seen and "Guests and answers" in seen and "12 looks" in seen
    kinds = [one["kind"] for one in (await ana.got("GET", f"{here}/security-events"))["items"]]
    assert kinds == ["opening.approved", "opening.asked"]
    (listed,) = [one for one in (await otto.got("GET", PATH))["items"] if one["id"] == id]
    assert "Ana" not in msgspec.json.encode(listed).decode()


async def test_the_couple_is_told_once_by_a_notice_and_ends_it(
    town: Town, otto: Somebody, olga: Somebody, ana: Somebody, wedding: str
) -> None:
    linked = await town.linked(ana, wedding)
    id = await opened(otto, olga, wedding)

    async def told(who: Somebody) -> list[str]:
        titles = [one["title"] for one in (await who.got("GET", "/api/v1/me/inbox"))["items"]]
        return [title for title in titles if REASON in title]

    async with working(town.door, town.settings):
        await eventually(lambda: told(ana))
    (event,) = await town.events(wedding, "opening.approved")
    assert event.record is not None and event.record["reason"] == REASON
    assert (len(await told(ana)), await told(linked.owner)) == (1, [])
    owed = await town.admin.fetchval(
        "select count(*) from deliveries where tenant_id = $1 and type = 'opening.approved' and connector = 'mail'",
        UUID(wedding),
    )
    assert owed == 1
    close = f"/api/v1/weddings/{wedding}/openings/{id}/end"
    assert (await linked.owner.ask("POST", close)).status_code == 403
    assert (await (await town.person("cleo")).ask("POST", close)).status_code == 404
    assert (await ana.got("POST", close))["ended_by_name"] == "the couple"
    assert await looks(otto, id) == 404
    assert (await ana.got("POST", close))["state"] == "over"
    other = await opened(otto, olga, wedding)
    answer = await ana.send(f"/me/{wedding}/openings/{other}/end")
    assert (answer.status_code, await looks(otto, other)) == (303, 404)


async def test_one_that_is_no_longer_on_the_first_page_can_be_ended(
    town: Town, otto: Somebody, olga: Somebody, ana: Somebody, wedding: str
) -> None:
    id = await opened(otto, olga, wedding)
    await town.admin.execute(
        """insert into openings (wedding_id, reason, minutes, asked_by, asked_at, expires_at)
          select wedding_id, reason, minutes, asked_by, asked_at + interval '1 second', asked_at + interval '1 minute'
          from openings, generate_series(1, 120) where id = $1""",
        UUID(id),
    )
    close = f"/api/v1/weddings/{wedding}/openings/{id}/end"
    assert (await ana.got("POST", close))["state"] == "over"
    await town.admin.execute("delete from openings where wedding_id = $1", UUID(wedding))


async def test_a_couple_ends_nothing_of_another_wedding(
    town: Town, otto: Somebody, olga: Somebody, ana: Somebody, wedding: str
) -> None:
    cleo = await town.person("cleo")
    theirs = await town.wedding(cleo)
    id = await opened(otto, olga, wedding)
    assert (await cleo.ask("POST", f"/api/v1/weddings/{theirs}/openings/{id}/end")).status_code == 404
    assert await looks(otto, id) == 200
    assert (await cleo.got("GET", f"/api/v1/weddings/{theirs}/openings"))["items"] == []


async def test_it_ends_by_itself_and_with_the_operators_office(
    town: Town, otto: Somebody, olga: Somebody, wedding: str
) -> None:
    id, longer = await opened(otto, olga, wedding, minutes=5), await opened(otto, olga, wedding, minutes=240)
    await town.admin.execute("update openings set expires_at = app.now() where id = $1", UUID(id))
    assert [await looks(otto, one) for one in (id, longer)] == [404, 200]
    late = await asked(otto, wedding)
    await town.admin.execute("update openings set expires_at = app.now() where id = $1", UUID(late))
    refused = await olga.ask("POST", f"{PATH}/{late}/approve")
    assert (refused.status_code, refused.json()["code"]) == (409, "opening_over")
    await town.admin.execute("update persons set is_operator = false where person_id = $1", otto.id)
    assert await looks(otto, longer) in (403, 404)


async def test_a_look_lets_in_once_writes_nothing_and_only_by_whom_it_is(
    town: Town, otto: Somebody, olga: Somebody, wedding: str
) -> None:
    id = UUID(await opened(otto, olga, wedding))
    him, enter = Actor(kind="person", id=otto.id), town.door.pool.fetchval

    async def noted() -> UUID:
        async with town.door.enter(him, PLATFORM) as tx:
            return UUID(str(await tx.value("select app.note_look($1, 'tasks')", id)))

    look, late = await noted(), await noted()
    with pytest.raises(asyncpg.PostgresError, match="not found"):
        await enter(ENTER, olga.id, look)
    await enter(ENTER, otto.id, look)
    with pytest.raises(asyncpg.PostgresError, match="not found"):
        await enter(ENTER, otto.id, look)
    await town.admin.execute("update opening_looks set at = at - interval '61 seconds' where id = $1", late)
    with pytest.raises(asyncpg.PostgresError, match="not found"):
        await enter(ENTER, otto.id, late)
    with pytest.raises(Refusal) as refused:
        async with town.door.enter_opening(him, await noted()) as tx:
            assert await tx.value("select count(*) from weddings") == 1
            await tx.run("update weddings set couple_names = 'x'")
    assert refused.value.status == 403


async def test_two_approve_at_once_and_one_does(town: Town, otto: Somebody, olga: Somebody, wedding: str) -> None:
    oona = await operator(town, "oltra")
    id = await asked(otto, wedding)
    answers = await asyncio.gather(*(who.ask("POST", f"{PATH}/{id}/approve") for who in (olga, oona)))
    assert sorted(one.status_code for one in answers) == [200, 409]
    owed = "select count(*) from jobs where name = 'openings' and tenant_id = $1"
    assert await town.admin.fetchval(owed, UUID(wedding)) == 1


async def test_the_pages_ask_approve_and_end(otto: Somebody, olga: Somebody, wedding: str) -> None:
    page = "/ops/openings"
    wrong = await otto.send(page, wedding_id="nonsense", reason="short", minutes="500")
    assert (wrong.status_code, "Take it from Tenants" in wrong.text) == (422, True)
    assert (await otto.send(page, wedding_id=wedding, reason=REASON, minutes="30")).status_code == 303
    (made,) = [one for one in (await otto.got("GET", PATH))["items"] if one["wedding_id"] == wedding]
    assert "/approve" not in await otto.see(page) and f"{made['id']}/approve" in await olga.see(page)
    assert (await olga.send(f"{page}/{made['id']}/approve")).status_code == 303
    assert f"{page}/{made['id']}/guests" in await otto.see(page)
    await otto.see(f"{page}/{made['id']}/nonsense", code=404)
    assert (await otto.send(f"{page}/{made['id']}/end")).status_code == 303
    await otto.see(f"{page}/{made['id']}/guests", code=404)
