"""Channels of weddings in Teams, made by Graph: with their people, given a workflow, written into, and archived."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from tests.contracts.chat_house import ChatHouse, housed
from tests.contracts.town import Linked, Somebody
from tests.engines_fixture import Database, RunningPostgres, clone, drop
from tests.eventually import eventually
from wedsync.connectors.teams.fake import WORKFLOWS
from wedsync.connectors.teams_graph.fake_store import Channel
from wedsync.kit.config import Settings

CARLA, DARIO = WORKFLOWS


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(postgres: RunningPostgres, settings: Settings, worker: str) -> AsyncIterator[ChatHouse]:
    database: Database = await clone(postgres, f"wedsync_{worker}_chats_graph")
    async with housed(database, postgres, settings) as made:
        yield made
    await drop(postgres, database.name)


async def linked(house: ChatHouse) -> tuple[Somebody, str, Linked]:
    ana = await house.person("ana")
    wedding = await house.wedding(ana)
    business = await house.linked(ana, wedding, "standard")
    await house.indexed(business, wedding)
    house.teams.cards = {id: [] for id in house.teams.cards}
    return ana, wedding, business


async def asked(house: ChatHouse, business: Linked, wedding: str, **wanted: Any) -> dict[str, Any]:
    """The team is connected by its owner, and a channel asked for."""
    path, given = f"/api/v1/suppliers/{business.supplier}", house.graph.typed(house.at, business.owner.email)
    begun = await business.owner.got("POST", f"{path}/connections/teams_graph", given, code=201)
    wanted |= {"connection_id": begun["connection"]["id"], "wedding_id": wedding}
    made: dict[str, Any] = await business.owner.got("POST", f"{path}/chats", wanted, code=201)
    return made


async def until(business: Linked, chat: dict[str, Any], state: str) -> dict[str, Any]:
    async def found() -> Any:
        listed = (await business.owner.got("GET", f"/api/v1/suppliers/{business.supplier}/chats"))["items"]
        return next((one for one in listed if (one["id"], one["state"]) == (chat["id"], state)), None)

    shown: dict[str, Any] = await eventually(found)
    return shown


def channel_of(house: ChatHouse, business: Linked) -> Channel:
    (channel,) = house.graph.team(business.owner.email).channels.values()
    return channel


async def moved(couple: Somebody, wedding: str, on: str) -> None:
    await couple.got("PATCH", f"/api/v1/weddings/{wedding}", {"on": on})


async def test_a_channel_is_made_waits_for_its_workflow_is_told_and_archived(house: ChatHouse) -> None:
    ana, wedding, business = await linked(house)
    chat = await asked(house, business, wedding)
    shown = await until(business, chat, "waiting")
    channel = channel_of(house, business)
    assert (shown["remote_id"], shown["people"], shown["strangers"]) == (channel.id, 1, 0)
    assert channel.name == chat["name"] and shown["url"].startswith("https://teams.microsoft.com/l/channel/")
    assert f"/studio/{business.supplier}/weddings/{wedding}" in channel.description
    assert house.graph.team(business.owner.email).emails(channel) == [business.owner.email]
    await moved(ana, wedding, "2027-06-12")
    await house.idle()
    at = f"/studio/{business.supplier}/chats"
    page = await business.owner.see(at)
    assert "needs its workflow" in page and "Send webhook alerts to a channel" in page and shown["url"][:50] in page
    wrong = await business.owner.send(f"{at}/{chat['id']}/workflow", part=False, address="https://evil.example/x")
    assert wrong.status_code == 422 and "not an address of Microsoft" in wrong.text
    address = house.teams.workflow_at(house.at, CARLA)
    assert (await business.owner.send(f"{at}/{chat['id']}/workflow", part=False, address=address)).status_code == 303
    wired = await until(business, chat, "active")
    assert wired["posts_by"] not in (None, chat["connection_id"])
    assert "needs its workflow" not in await business.owner.see(at)
    cards = house.teams.cards[WORKFLOWS[CARLA]]
    assert cards == [], "what happened before is not posted later"
    await moved(ana, wedding, "2027-06-19")
    await eventually(lambda: house.teams.cards[WORKFLOWS[CARLA]])
    (card,) = [one["attachments"][0]["content"] for one in house.teams.cards[WORKFLOWS[CARLA]]]
    assert card["fallbackText"].endswith("19 Jun 2027") and len(card["actions"]) == 2
    await business.owner.got("DELETE", f"/api/v1/chats/{chat['id']}", code=204)
    await eventually(lambda: channel.is_archived)


async def test_a_lost_answer_leaves_one_channel_and_a_workflow_serves_one_channel_only(house: ChatHouse) -> None:
    ana, wedding, business = await linked(house)
    house.graph.moods.switch("lost reply", 1)
    chat = await asked(house, business, wedding, is_private=False)
    await eventually(lambda: house.graph.team(business.owner.email).channels)
    await house.admin.execute("update jobs set run_at = clock_timestamp() where name = 'teams_graph'")
    await until(business, chat, "waiting")
    assert channel_of(house, business).membership == "standard"
    path = f"/api/v1/suppliers/{business.supplier}"
    given = {"address": house.teams.workflow_at(house.at, DARIO)}
    taker = (await business.owner.got("POST", f"{path}/connections/teams", given, code=201))["connection"]["id"]
    change = f"/api/v1/chats/{chat['id']}"
    refused = await business.owner.got("PATCH", change, {"posts_by": chat["connection_id"]}, code=422)
    assert "no account that takes" in refused["detail"]
    page = await business.owner.see(f"/studio/{business.supplier}/chats")
    assert "A workflow that is connected already" in page
    form = {"posts_by": taker, "address": ""}
    sent = await business.owner.send(f"/studio/{business.supplier}/chats/{chat['id']}/workflow", part=False, **form)
    assert sent.status_code == 303
    assert (await until(business, chat, "active"))["posts_by"] == taker
    other = {"connection_id": taker, "wedding_id": wedding}
    assert "used already" in (await business.owner.got("POST", f"{path}/chats", other, code=409))["detail"]
    house.teams.moods.switch("dead token")
    await moved(ana, wedding, "2027-06-12")

    async def broken(connection: str, state: str) -> Any:
        return (await business.owner.got("GET", f"/api/v1/connections/{connection}/health"))["state"] == state

    await eventually(lambda: broken(taker, "needs_reconnect"))
    assert await broken(chat["connection_id"], "active"), "the account that makes channels is as well as before"
    house.teams.moods.switch("fine")
    await business.owner.got("POST", f"/api/v1/connections/{taker}/reconnect", given)
    await eventually(lambda: house.teams.cards[WORKFLOWS[DARIO]])
    assert len(house.teams.cards[WORKFLOWS[DARIO]]) == 1


async def test_what_graph_will_not_make_says_why_on_the_page(house: ChatHouse) -> None:
    _, wedding, business = await linked(house)
    house.graph.team(business.owner.email).people.clear()
    chat = await asked(house, business, wedding)
    failed = await until(business, chat, "failed")
    assert "needs an owner" in failed["reason"]
    assert "needs an owner" in await business.owner.see(f"/studio/{business.supplier}/chats")


async def test_a_wrong_secret_or_link_is_refused_beside_the_field(house: ChatHouse) -> None:
    _, _, business = await linked(house)
    given = house.graph.typed(house.at, business.owner.email)
    path = f"/api/v1/suppliers/{business.supplier}/connections/teams_graph"
    for wrong in ({"password": "of another"}, {"address": f"{house.at}/l/team/x?groupId=1"}):
        refused = await business.owner.got("POST", path, given | wrong, code=422)
        assert refused["errors"][0]["field"] == "address" and "of another" not in str(refused)


async def test_of_two_who_ask_at_once_one_is_refused_in_words(house: ChatHouse) -> None:
    """Two channels of one wedding in one workspace, and two channels by one workflow."""
    ana, wedding, business = await linked(house)
    path = f"/api/v1/suppliers/{business.supplier}"
    given = house.graph.typed(house.at, business.owner.email)
    team = (await business.owner.got("POST", f"{path}/connections/teams_graph", given, code=201))["connection"]["id"]
    asked = {"connection_id": team, "wedding_id": wedding}
    said = await asyncio.gather(*(business.owner.ask("POST", f"{path}/chats", asked) for _ in range(4)))
    assert sorted(one.status_code for one in said) == [201, 409, 409, 409]
    first = next(one.json() for one in said if one.status_code == 201)
    _, other = await until(business, first, "waiting"), await house.wedding(ana)
    invited = {"supplier_name": "Marlow Photo", "email": business.owner.email, "level": "standard"}
    link = (await ana.got("POST", f"/api/v1/weddings/{other}/links", invited, code=201))["id"]
    taken = {"supplier_id": business.supplier}
    await business.owner.got("POST", f"/api/v1/links/{link}/answer", taken, code=204)
    await house.indexed(business, other)
    second = await business.owner.got("POST", f"{path}/chats", asked | {"wedding_id": other}, code=201)
    await until(business, second, "waiting")
    address = {"address": house.teams.workflow_at(house.at, CARLA)}
    taker = (await business.owner.got("POST", f"{path}/connections/teams", address, code=201))["connection"]["id"]
    wired = await asyncio.gather(
        *(business.owner.ask("PATCH", f"/api/v1/chats/{one['id']}", {"posts_by": taker}) for one in (first, second))
    )
    assert sorted(one.status_code for one in wired) == [200, 409]
    address = {"address": house.teams.workflow_at(house.at, DARIO)}
    alone = (await business.owner.got("POST", f"{path}/connections/teams", address, code=201))["connection"]["id"]
    both = [{"connection_id": alone, "wedding_id": one} for one in (wedding, other)]
    made = await asyncio.gather(*(business.owner.ask("POST", f"{path}/chats", one) for one in both))
    assert sorted(one.status_code for one in made) == [201, 409], "an account that is a channel is one wedding's"
