"""Channels of weddings in Slack: who hears what, messages changed in place, the button, and what ends."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest_asyncio

from tests.contracts.chat_house import ChatHouse, Chatting, housed
from tests.contracts.town import Linked, Somebody, Town
from tests.engines_fixture import Database, RunningPostgres, clone, drop
from tests.eventually import eventually
from wedsync.connectors.teams.fake import WORKFLOWS
from wedsync.kit.config import Settings


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(postgres: RunningPostgres, settings: Settings, worker: str) -> AsyncIterator[ChatHouse]:
    database: Database = await clone(postgres, f"wedsync_{worker}_chats")
    async with housed(database, postgres, settings) as made:
        yield made
    await drop(postgres, database.name)


async def linked(house: ChatHouse, level: str = "standard", **flags: bool) -> tuple[Somebody, str, Linked]:
    ana = await house.person("ana")
    wedding = await house.wedding(ana)
    business = await house.linked(ana, wedding, level, **flags)
    await house.indexed(business, wedding)
    return ana, wedding, business


async def moved(couple: Somebody, wedding: str, on: str) -> None:
    await couple.got("PATCH", f"/api/v1/weddings/{wedding}", {"on": on})


async def acknowledgement(business: Linked, wedding: str) -> dict[str, Any]:
    """Of the newest matter that the link was asked to confirm."""
    found = await business.owner.got("GET", f"/api/v1/weddings/{wedding}/acknowledgements")
    newest: dict[str, Any] = found["items"][0]
    return newest


async def test_a_channel_is_made_with_its_people_and_told_at_once_and_confirms_by_its_button(house: ChatHouse) -> None:
    ana, wedding, business = await linked(house)
    made = await house.opened(business.owner, business.supplier, wedding_id=wedding)
    shown = await house.until(made, business.owner, "active")
    assert made.chat["name"].startswith("2027-06-05-ana-and-ben-") and made.chat["link_id"] == business.link
    assert (shown["people"], shown["strangers"], made.channel.is_private) == (1, 0, True)
    assert made.channel.members == [made.workspace.people[business.owner.email]]
    await moved(ana, wedding, "2027-06-12")
    await eventually(lambda: made.texts)
    (message,) = made.channel.messages
    assert "5 Jun 2027 → 12 Jun 2027" in message["text"] and len(made.buttons) == 1
    user = made.channel.members[0]
    assert (await house.press(made, message["ts"], user, secret="of-somebody-else")).status_code == 401
    assert (await house.press(made, message["ts"], user, ago_s=301)).status_code == 401
    answer = await house.press(made, message["ts"], user)
    assert (answer.status_code, answer.content) == (200, b"")
    await eventually(lambda: not made.buttons)
    assert f"Confirmed by <@{user}>." in str(message["blocks"]) and len(made.channel.messages) == 1
    confirmed = await acknowledgement(business, wedding)
    assert (confirmed["status"], confirmed["via"]) == ("acknowledged", "chat")
    hooks = await house.admin.fetch("select status from inbox_hooks where tenant_id = $1", UUID(business.supplier))
    assert [row["status"] for row in hooks] == ["applied"]


async def test_an_emergency_is_in_the_channels_that_see_the_schedule_and_its_button_stops_the_ladder(
    house: ChatHouse,
) -> None:
    ana, wedding, business = await linked(house)
    blind = await house.linked(ana, wedding, "basic")
    await house.indexed(blind, wedding)
    made = await house.opened(business.owner, business.supplier, wedding_id=wedding)
    unseen = await house.opened(blind.owner, blind.supplier, wedding_id=wedding)
    couples = await house.opened(ana, wedding, "weddings")
    body = {"what": "supplier_missing", "detail": "The band is not here: mauve-otter-41.", "place": "Barn"}
    alerts = f"/api/v1/weddings/{wedding}/alerts"
    alert = (await ana.got("POST", alerts, body, code=201))["id"]
    await eventually(lambda: made.buttons and couples.buttons)
    (message,) = made.channel.messages
    assert message["text"] == "Emergency: A supplier has not come (Barn)"
    assert "mauve-otter" not in str(message) and made.buttons[0]["text"]["text"] == "I see to it"
    assert unseen.texts == []
    user = made.channel.members[0]
    assert (await house.press(made, message["ts"], user)).status_code == 200
    await eventually(lambda: not made.buttons and not couples.buttons)
    assert f"<@{user}> sees to it." in str(made.channel.messages[0]["blocks"])
    assert "Somebody sees to it." in str(couples.channel.messages[0]["blocks"])
    now = await ana.got("GET", f"/api/v1/alerts/{alert}")
    assert (now["state"], now["acknowledged_via"]) == ("acknowledged", "chat")
    assert "Marlow Photo" in now["acknowledged_name"]
    await ana.got("POST", f"/api/v1/alerts/{alert}/resolve", {"outcome": "She came."})
    await eventually(lambda: "It is over." in str(made.channel.messages[0]["blocks"]))
    again = (await ana.got("POST", alerts, body | {"what": "weather"}, code=201))["id"]
    await eventually(lambda: couples.buttons)
    await house.press(couples, couples.channel.messages[-1]["ts"], couples.channel.members[0])
    await eventually(lambda: not couples.buttons)
    assert (await ana.got("GET", f"/api/v1/alerts/{again}"))["acknowledged_via"] == "chat"
    # What an acknowledgement holds lapses in minutes, for which nobody here waits.
    await house.admin.execute("delete from jobs where name like 'alerts.%' and tenant_id = $1", UUID(wedding))


async def test_a_matter_that_changes_again_is_changed_in_place_and_told_in_its_thread(house: ChatHouse) -> None:
    ana, wedding, business = await linked(house)
    made = await house.opened(business.owner, business.supplier, wedding_id=wedding)
    await moved(ana, wedding, "2027-06-12")
    await eventually(lambda: made.texts)
    await business.owner.got(
        "POST",
        f"/api/v1/acknowledgements/{(await acknowledgement(business, wedding))['id']}/acknowledge",
        code=204,
    )
    await eventually(lambda: not made.buttons)
    assert "Confirmed in WedSync." in str(made.channel.messages[0]["blocks"])
    await moved(ana, wedding, "2027-06-19")
    await eventually(lambda: len(made.texts) == 2)
    first, reply = made.channel.messages
    assert "19 Jun 2027" in first["text"] and "Confirmed" not in str(first["blocks"])
    assert (reply["thread_ts"], reply["subtype"]) == (first["ts"], "thread_broadcast")
    await ana.got("PATCH", f"/api/v1/weddings/{wedding}", {"ceremony_venue": "Quinta da Serra"})
    await house.idle()
    others = [one for one in made.channel.messages if "thread_ts" not in one]
    assert len(others) == 2 and {one["value"] for one in made.buttons} != set()


async def test_a_workspace_sees_exactly_what_its_link_may_and_nothing_of_anybody_else(house: ChatHouse) -> None:
    """Canaries: what each scope holds is named by a word of its own, and no workspace has a word that is not its."""
    ana, wedding, florist = await linked(house, "basic")
    chef = await house.linked(ana, wedding, "full")
    _, other, stranger = await linked(house, "full")
    await house.indexed(chef, wedding)
    rooms: dict[str, Chatting] = {}
    for name, one, place in (("florist", florist, wedding), ("chef", chef, wedding), ("stranger", stranger, other)):
        rooms[name] = await house.opened(one.owner, one.supplier, wedding_id=place)
    rooms["couple"] = await house.opened(ana, wedding, "weddings")
    await moved(ana, wedding, "2027-06-12")
    task = await ana.got("POST", f"/api/v1/weddings/{wedding}/tasks", {"title": "Canary of the florist"}, code=201)
    await ana.got("POST", f"/api/v1/tasks/{task['id']}/assign", {"link_id": florist.link})
    cake = {"title": "Canary of the timeline", "on": "2027-06-12", "at_local": "20:00"}
    item = await ana.got("POST", f"/api/v1/weddings/{wedding}/schedule", cake, code=201)
    await ana.got("POST", f"/api/v1/schedule/{item['id']}/move", {"at_local": "21:00"})
    await chef.owner.got(
        "POST",
        f"/api/v1/weddings/{wedding}/payments",
        {"kind": "deposit", "amount_minor": 60000, "title": "Canary of the chef"},
        code=201,
    )
    await house.idle()
    said = {name: " ".join(str(one) for one in made.channel.messages) for name, made in rooms.items()}
    seen = {
        name: {word for word in ("12 Jun", "florist", "chef", "timeline") if word in text}
        for name, text in said.items()
    }
    assert seen == {
        "florist": {"12 Jun", "florist"},
        "chef": {"12 Jun", "timeline"},
        "stranger": set(),
        "couple": {"chef"},
    }
    for name, made in rooms.items():
        assert [one.name for one in made.workspace.channels.values()] == [made.chat["name"]], name


async def test_a_link_that_ends_or_narrows_is_told_nothing_more_not_even_what_was_owed(house: ChatHouse) -> None:
    ana, wedding, business = await linked(house)
    made = await house.opened(business.owner, business.supplier, wedding_id=wedding)
    house.slack.moods.switch("5xx")
    await moved(ana, wedding, "2027-06-12")

    async def tried() -> Any:
        return any(state == "deferred" for state, _ in await house.ended(wedding))

    await eventually(tried)
    await ana.got("DELETE", f"/api/v1/links/{business.link}", code=204)
    house.slack.moods.switch("fine")
    await house.admin.execute("update jobs set run_at = clock_timestamp() where name = 'slack'")
    await house.idle()
    assert made.texts == []
    assert [state for state, _ in await house.ended(wedding)] == ["revoked"]
    gone = await business.owner.got("GET", f"/api/v1/suppliers/{business.supplier}/chats")
    assert gone["items"] == []
    closed = await house.admin.fetchrow("select state, reason from chats where id = $1", UUID(made.chat["id"]))
    assert closed is not None and closed["state"] == "closed" and "no longer linked" in closed["reason"]


async def test_a_paused_channel_hears_nothing_and_a_closed_one_is_archived(house: ChatHouse) -> None:
    ana, wedding, business = await linked(house)
    made = await house.opened(business.owner, business.supplier, wedding_id=wedding)
    path = f"/api/v1/chats/{made.chat['id']}"
    late = await business.owner.got("PATCH", path, {"state": "paused"}, if_match='"99"', code=412)
    assert late["current"]["state"] == "active"
    await business.owner.got("PATCH", path, {"state": "paused"})
    await moved(ana, wedding, "2027-06-12")
    await house.idle()
    await business.owner.got("PATCH", path, {"state": "active"})
    await moved(ana, wedding, "2027-06-19")
    await eventually(lambda: made.texts)
    assert len(made.texts) == 1 and "19 Jun" in made.texts[0]
    twice = {"connection_id": made.connection, "wedding_id": wedding}
    await business.owner.got("POST", f"/api/v1/suppliers/{business.supplier}/chats", twice, code=409)
    await ana.got("PATCH", path, {"state": "paused"}, code=404)
    await business.owner.got("DELETE", path, code=204)
    await eventually(lambda: made.channel.is_archived)
    await moved(ana, wedding, "2027-06-26")
    await house.idle()
    assert len(made.texts) == 1


async def test_what_waits_for_a_workspace_is_posted_when_it_lets_us_in_again(house: ChatHouse) -> None:
    ana, wedding, business = await linked(house)
    made = await house.opened(business.owner, business.supplier, wedding_id=wedding)
    house.slack.moods.switch("dead token")
    await moved(ana, wedding, "2027-06-12")

    async def parked() -> Any:
        return any(state == "parked" for state, _ in await house.ended(wedding))

    await eventually(parked)
    shown = await business.owner.got("GET", f"/api/v1/connections/{made.connection}/health")
    assert shown["state"] == "needs_reconnect"
    house.slack.moods.switch("fine")
    await house.again(business, made)
    await eventually(lambda: made.texts)
    assert len(made.texts) == 1 and "12 Jun" in made.texts[0]


async def test_a_lost_answer_posts_once_and_a_message_that_was_deleted_comes_anew(house: ChatHouse) -> None:
    ana, wedding, business = await linked(house)
    made = await house.opened(business.owner, business.supplier, wedding_id=wedding)
    house.slack.moods.switch("lost reply", 1)
    await moved(ana, wedding, "2027-06-12")
    await eventually(lambda: made.texts)
    await house.admin.execute("update jobs set run_at = clock_timestamp() where name = 'slack'")
    await house.idle()
    assert len(made.texts) == 1 and [state for state, _ in await house.ended(wedding)] == ["delivered"]
    made.channel.messages.clear()
    await moved(ana, wedding, "2027-06-19")
    await eventually(lambda: made.texts)
    assert len(made.channel.messages) == 1 and "thread_ts" not in made.channel.messages[0]


async def test_a_workspace_that_will_not_make_it_says_why_on_the_page(house: ChatHouse) -> None:
    _, wedding, business = await linked(house)
    page = await business.owner.see(f"/studio/{business.supplier}/chats")
    assert "Connect a workspace" in page
    connection = await house.workspace(business.owner, business.supplier)
    page = await business.owner.see(f"/studio/{business.supplier}/chats")
    assert "Ana &amp; Ben, 5 June 2027" in page
    wrong = await business.owner.send(f"/studio/{business.supplier}/chats", connection_id="x", wedding_id=wedding)
    assert wrong.status_code == 422 and "Choose a workspace" in wrong.text
    asked: dict[str, Any] = {"connection_id": connection, "wedding_id": wedding, "name": "Ana und Ben"}
    assert (await business.owner.send(f"/studio/{business.supplier}/chats", part=False, **asked)).status_code == 303
    await house.idle()
    page = await business.owner.see(f"/studio/{business.supplier}/chats")
    (chat,) = (await business.owner.got("GET", f"/api/v1/suppliers/{business.supplier}/chats"))["items"]
    assert chat["name"].startswith("Ana und Ben-") and "Open" in page and "Pause" in page
    for verb, state in (("pause", "paused"), ("resume", "active")):
        back = await business.owner.send(f"/studio/{business.supplier}/chats/{chat['id']}/{verb}")
        assert back.status_code == 303
        (shown,) = (await business.owner.got("GET", f"/api/v1/suppliers/{business.supplier}/chats"))["items"]
        assert shown["state"] == state


async def test_teams_takes_cards_and_its_button_leads_to_a_page_that_asks_first(house: ChatHouse) -> None:
    ana, wedding, business = await linked(house)
    account = "carla@sandbox.example"
    given = {"address": house.teams.workflow_at(house.at, account)}
    path = f"/api/v1/suppliers/{business.supplier}"
    connection = (await business.owner.got("POST", f"{path}/connections/teams", given, code=201))["connection"]["id"]
    asked = {"connection_id": connection, "wedding_id": wedding}
    chat = await business.owner.got("POST", f"{path}/chats", asked, code=201)
    await eventually(lambda: house.teams.cards[WORKFLOWS[account]])
    assert chat["link_id"] == business.link
    refused = await business.owner.got("POST", f"{path}/chats", asked, code=409)
    assert "used already" in refused["detail"]
    await moved(ana, wedding, "2027-06-12")
    await moved(ana, wedding, "2027-06-19")
    await house.idle()
    welcome, *told = [one["attachments"][0]["content"] for one in house.teams.cards[WORKFLOWS[account]]]
    assert welcome["actions"] == [] and [card["fallbackText"][-11:] for card in told] == ["12 Jun 2027", "19 Jun 2027"]
    confirm, page = (action["url"] for action in told[-1]["actions"])
    assert page.endswith(f"/?next=/studio/{business.supplier}/weddings/{wedding}")
    at = confirm.partition(house.settings.public_url)[2]
    await house.public.see(at)
    assert (await acknowledgement(business, wedding))["status"] != "acknowledged"
    (shown,) = (await business.owner.got("GET", f"{path}/chats"))["items"]
    assert (shown["state"], shown["people"]) == ("active", 0)


async def test_a_wedding_without_a_channel_owes_no_telling_of_one(town: Town, ana: Somebody, wedding: str) -> None:
    await moved(ana, wedding, "2027-06-12")
    ran = await town.reactions(wedding)
    assert "notices.tell" in ran and not any(name.startswith("chatting.") for name in ran)
