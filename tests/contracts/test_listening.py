"""Listening without an endpoint: what one would be sent, no more and no less, by the listener's own positions."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast
from uuid import UUID

import pytest
import pytest_asyncio

from tests.contracts.town import Linked, Somebody, Town, built
from tests.engines_fixture import Database, RunningPostgres
from wedsync.kit.config import Settings
from wedsync.processes import listen, remote
from wedsync.processes.failures import CannotRun


@pytest_asyncio.fixture(scope="module")
async def town(database: Database, postgres: RunningPostgres, settings: Settings) -> AsyncIterator[Town]:
    async with built(database, postgres, settings) as made:
        yield made


@pytest_asyncio.fixture
async def ana(town: Town) -> Somebody:
    return await town.person()


@pytest_asyncio.fixture
async def wedding(town: Town, ana: Somebody) -> str:
    return await town.wedding(ana)


async def ask(who: Somebody, path: str, after: Any = None, *, code: int = 200, **more: Any) -> Any:
    return await who.got("POST", f"{path}/listen", more | ({} if after is None else {"after": after}), code=code)


async def estimate(ana: Somebody, wedding: str, *counts: int) -> None:
    for count in counts:
        await ana.got("PATCH", f"/api/v1/weddings/{wedding}", {"guest_estimate": count})


def counts(heard: Any) -> list[int]:
    return [item["record"]["guest_estimate"] for item in heard["items"]]


async def test_nothing_is_missed_and_nothing_told_twice(
    ana: Somebody, wedding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/api/v1/weddings/{wedding}"
    await estimate(ana, wedding, 10)
    begun = await ask(ana, path)
    assert begun["items"] == []
    await estimate(ana, wedding, *range(20, 27))
    monkeypatch.setattr("wedsync.subscriptions.listening.ITEMS_MAX", 3)
    told: list[int] = []
    after = begun["after"]
    for expected in (3, 3, 1, 0):
        heard = await ask(ana, path, after)
        assert len(heard["items"]) == expected
        # The answer that was lost on its way is the same again.
        assert (await ask(ana, path, after))["items"] == heard["items"]
        told, after = told + counts(heard), heard["after"]
    assert told == list(range(20, 27))


async def test_only_the_types_asked_for_come_and_a_wait_ends_with_the_first(ana: Somebody, wedding: str) -> None:
    path = f"/api/v1/weddings/{wedding}"
    after = (await ask(ana, path))["after"]
    waiting = asyncio.create_task(ask(ana, path, after, events=["task.*"], wait_s=5))
    await estimate(ana, wedding, 30)
    await ana.got("POST", f"{path}/tasks", {"title": "Order the cake"}, code=201)
    heard = await waiting
    assert [item["type"] for item in heard["items"]] == ["task.created"]
    assert (heard["items"][0]["stream"], heard["items"][0]["record"]["title"]) == (
        f"wedding:{wedding}",
        "Order the cake",
    )


async def test_a_business_hears_each_wedding_from_its_link_on_as_far_as_the_link_sees(
    town: Town, ana: Somebody, wedding: str
) -> None:
    business = await town.supplier()
    path = f"/api/v1/suppliers/{business.supplier}"
    hook = {"url": "https://example.com/hook", "events": ["*"]}
    endpoint = await business.owner.got("POST", f"{path}/endpoints", hook, code=201)
    after = (await ask(business.owner, path))["after"]
    assert list(after) == [f"supplier:{business.supplier}"]
    await estimate(ana, wedding, 40)
    link = await linked(ana, wedding, business)
    await estimate(ana, wedding, 41)
    await ana.got("POST", f"/api/v1/weddings/{wedding}/budget", {"title": "Flowers"}, code=201)
    await ana.got("POST", f"/api/v1/weddings/{wedding}/tasks", {"title": "Not for them"}, code=201)
    heard = await ask(business.owner, path, after)
    types = [item["type"] for item in heard["items"] if item["stream"] == f"wedding:{wedding}"]
    assert types[0] == "link.accepted"
    assert counts({"items": [i for i in heard["items"] if i["type"] == "wedding.estimate_changed"]}) == [41]
    owed = await town.admin.fetch(
        "select event_id from deliveries where destination_id = $1 and type <> 'endpoint.added'", UUID(endpoint["id"])
    )
    assert sorted(item["id"] for item in heard["items"]) == sorted(str(row["event_id"]) for row in owed)
    await ana.got("DELETE", f"/api/v1/links/{link}", code=204)
    await estimate(ana, wedding, 42)
    assert counts(await ask(business.owner, path, heard["after"], events=["wedding.*"])) == []


async def linked(ana: Somebody, wedding: str, business: Linked) -> str:
    """A link that sees the core alone; its id."""
    asked = {"supplier_name": "Marlow Photo", "email": business.owner.email, "level": "basic"}
    link: str = (await ana.got("POST", f"/api/v1/weddings/{wedding}/links", asked, code=201))["id"]
    await business.owner.got("POST", f"/api/v1/links/{link}/answer", {"supplier_id": business.supplier}, code=204)
    return link


async def test_sealed_images_come_opened_as_endpoints_get_them(ana: Somebody, wedding: str) -> None:
    path = f"/api/v1/weddings/{wedding}"
    guest = await ana.got("POST", f"{path}/guests", {"first_name": "Maria"}, code=201)
    after = (await ask(ana, path))["after"]
    await ana.got("PUT", f"/api/v1/guests/{guest['id']}/contact", {"email": "maria@example.test"}, code=204)
    (item,) = (await ask(ana, path, after, events=["contact.*"]))["items"]
    assert item["record"]["email"] == "maria@example.test"
    assert "sealed" not in item["record"]


async def test_it_is_for_who_may_have_endpoints(town: Town, ana: Somebody, wedding: str) -> None:
    business = await town.linked(ana, wedding, "full")
    member = await town.person("member")
    new = {"email": member.email, "role": "member"}
    await business.owner.got("POST", f"/api/v1/suppliers/{business.supplier}/members", new, code=201)
    for who, path in (
        (await town.person("eve"), f"/api/v1/weddings/{wedding}"),
        (business.owner, f"/api/v1/weddings/{wedding}"),
        (member, f"/api/v1/suppliers/{business.supplier}"),
        (ana, f"/api/v1/suppliers/{business.supplier}"),
    ):
        await ask(who, path, code=404)
    await ask(town.public, f"/api/v1/weddings/{wedding}", code=401)


async def test_after_a_restore_it_says_so_and_a_loop_without_waits_is_stopped(
    town: Town, ana: Somebody, wedding: str
) -> None:
    path = f"/api/v1/weddings/{wedding}"
    after = (await ask(ana, path))["after"]
    await town.admin.execute("update streams set epoch = 2 where id = $1", UUID(wedding))
    await estimate(ana, wedding, 50)
    assert (await ask(ana, path, after, code=410))["code"] == "epoch_changed"
    for wrong in ({"after": {"wedding": "1:1"}}, {"after": {f"wedding:{wedding}": "x"}}, {"events": ["a; b"]}):
        assert (await ana.ask("POST", f"{path}/listen", wrong)).status_code in (400, 422)
    statuses = {(await ana.ask("POST", f"{path}/listen", {})).status_code for _ in range(130)}
    assert statuses == {200, 429}


async def test_an_endpoint_that_has_only_rules_is_listened_to_by_their_types(ana: Somebody, wedding: str) -> None:
    class Api:
        """The program's way to the API, without a socket."""

        async def ask(self, method: str, path: str, body: Any = None) -> Any:
            return await ana.got(method, path, body)

    path = f"/api/v1/weddings/{wedding}"
    new = {"url": "https://example.com/hook", "events": ["task.*"]}
    endpoint = await ana.got("POST", f"{path}/endpoints", new, code=201)
    rule = {"name": "Answers", "endpoint_id": endpoint["id"], "types": ["rsvp.*"]}
    made = await ana.got("POST", f"{path}/rules", rule, code=201)
    await ana.got("PATCH", f"/api/v1/endpoints/{endpoint['id']}", {"events": []})
    api, asked = cast(remote.Api, Api()), listen.Asked(endpoint=endpoint["id"])
    place, patterns = await listen.wanted(api, asked)
    assert (place.id, patterns) == (wedding, ["rsvp.*"])
    await ana.got("PATCH", f"/api/v1/rules/{made['id']}", {"is_active": False})
    with pytest.raises(CannotRun, match="no list of its own"):
        await listen.wanted(api, asked)
