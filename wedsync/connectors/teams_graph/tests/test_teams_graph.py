"""What is peculiar to Teams by Graph: apps' tokens, names and owners, who is known there, and what is found again."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import msgspec
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from tests.connectors import csdl
from wedsync.connections import manifest as manifests
from wedsync.connections import stage
from wedsync.connections.chatting.contract import Chats, Gone, Opened, Opening, Post, Saying, Update
from wedsync.connections.contract import (
    Account,
    Connection,
    Connects,
    Delivered,
    ReconnectNeeded,
    Rejected,
    RetryLater,
    Tools,
    Unknown,
)
from wedsync.connectors.teams_graph import channels, mapper
from wedsync.connectors.teams_graph.connector import connect
from wedsync.connectors.teams_graph.fake import ACCOUNTS, Exchange, TeamsGraph
from wedsync.connectors.teams_graph.fake_store import FORBIDDEN, PERMISSIONS, Channel, Team
from wedsync.kit import clock
from wedsync.kit.http import Wire

CARLA, DARIO = ACCOUNTS
KEY = "0199c0de-0000-7000-8000-000000001f3a"
TEAM = "https://teams.microsoft.com/l/team/19%3Aabc%40thread.tacv2/conversations"
IDS = "groupId=57fb72d0-d811-46f4-8947-305e6072eaa5&tenantId=0fddfdc5-f319-491f-a514-be1bc1bf9ddc"


class Desk:
    """The connector and its fake."""

    def __init__(self, fake: TeamsGraph, at: str, wire: Wire) -> None:
        self.fake, self.at = fake, at
        self.ours = connect(Tools(wire=wire, machine_now=clock.machine_now, settings=dict(fake.settings_at(at))))
        self.connection, self.other = fake.connection(at, CARLA), fake.connection(at, DARIO)

    @property
    def team(self) -> Team:
        return self.fake.team(CARLA)

    @property
    def only(self) -> Channel:
        (channel,) = self.team.channels.values()
        return channel

    async def opened(self, *emails: str, name: str = "2027-06-05-maria-and-tom-1f3a", **fields: Any) -> Any:
        opening = Opening(**{"name": name, "about": "The wedding.", "emails": emails or (CARLA,), "key": KEY, **fields})
        return await self.ours.open(opening, self.connection)


@pytest_asyncio.fixture
async def desk() -> AsyncIterator[Desk]:
    fake, wire = TeamsGraph(), Wire()
    async with stage.serving([fake]) as at:
        yield Desk(fake, at, wire)
    await wire.close()


async def test_a_team_says_who_it_is_and_no_app_sees_another_business(desk: Desk) -> None:
    assert isinstance(desk.ours, Connects) and isinstance(desk.ours, Chats)
    said = await desk.ours.account(desk.connection, timeout_s=5)
    assert said == Account(id=f"{desk.team.tenant}/{desk.team.id}", title="Carla Studio")
    other = await desk.ours.account(desk.other, timeout_s=5)
    assert isinstance(other, Account) and other.id != said.id
    mixed = f"{TEAM}?groupId={desk.fake.team(DARIO).id}&tenantId={desk.team.tenant}"
    stranger = Connection(id=UUID(int=9), secrets={**desk.connection.secrets, "address": (mixed,)})
    refused = await desk.ours.account(stranger, timeout_s=5)
    assert isinstance(refused, Rejected) and "no such team" in refused.reason


async def test_a_private_channel_is_made_with_whoever_is_in_the_team_and_the_first_owns_it(desk: Desk) -> None:
    guest = desk.team.add_person("Ada@Studio.example", "guest")
    cy = desk.team.add_person("cy.o'hara@studio.example")
    emails = ("ada@studio.example", "cy.o'hara@studio.example", "nobody@elsewhere.example")
    said = await desk.opened(*emails, url="https://wedsync.example/?next=/studio/1")
    assert isinstance(said, Opened) and said.strangers == 1 and said.url.startswith("https://teams.microsoft.com/l/")
    channel = desk.only
    assert (channel.id, channel.membership, channel.people) == (said.id, "private", {cy: ("owner",), guest: ()})
    assert "The wedding. https://wedsync.example/?next=/studio/1" in channel.description


async def test_a_channel_for_the_whole_team_counts_who_is_not_in_it(desk: Desk) -> None:
    said = await desk.opened(CARLA, "nobody@elsewhere.example", is_private=False)
    assert isinstance(said, Opened) and said.strangers == 1
    assert (desk.only.membership, desk.only.people) == ("standard", {})


async def test_a_private_channel_of_nobody_says_what_to_do(desk: Desk) -> None:
    desk.team.add_person("ada@studio.example", "guest")
    refused = await desk.opened("ada@studio.example", "nobody@elsewhere.example")
    assert isinstance(refused, Rejected) and "needs an owner" in refused.reason and desk.team.channels == {}


async def test_a_lost_answer_makes_one_channel_and_brings_in_who_was_missing(desk: Desk) -> None:
    cy = desk.team.add_person("cy@studio.example")
    desk.fake.moods.switch("lost reply", 1)
    lost = await desk.opened(CARLA, "cy@studio.example")
    assert isinstance(lost, Unknown) and lost.repeat_is_safe
    assert cy not in desk.only.people
    for _ in range(2):
        made = await desk.opened(CARLA, "cy@studio.example")
        assert isinstance(made, Opened) and (made.id, made.strangers) == (desk.only.id, 0)
    assert len(desk.only.people) == 2


async def test_a_name_of_somebody_elses_channel_is_not_taken_for_ours(desk: Desk) -> None:
    await desk.opened(key="of-another")
    refused = await desk.opened()
    assert isinstance(refused, Rejected) and "did not make" in refused.reason


async def test_a_channel_that_is_not_listed_yet_is_waited_for(desk: Desk) -> None:
    desk.fake.moods.switch("not listed yet")
    made = await desk.opened()
    desk.fake.moods.switch("fine")
    waits = await desk.opened()
    assert isinstance(waits, RetryLater) and waits.tries_max
    desk.only.is_listed = True
    again = await desk.opened()
    assert isinstance(again, Opened) and again.id == made.id


async def test_pages_are_followed_to_their_end(desk: Desk) -> None:
    desk.fake.page_size = 1
    people = [f"p{n}@studio.example" for n in range(4)]
    ids = {desk.team.add_person(email) for email in people}
    desk.fake.moods.switch("lost reply", 1)
    await desk.opened(*people)
    made = await desk.opened(*people)
    assert isinstance(made, Opened) and made.strangers == 0 and desk.only.people.keys() == ids


async def test_a_channel_ends_once_and_one_that_is_gone_has_ended(desk: Desk) -> None:
    id = (await desk.opened()).id
    for _ in range(2):
        assert isinstance(await desk.ours.archive(id, desk.connection, timeout_s=5), Delivered)
    assert desk.only.is_archived
    desk.team.channels.clear()
    assert isinstance(await desk.ours.archive(id, desk.connection, timeout_s=5), Delivered)


@pytest.mark.parametrize(
    ("mood", "kinds"),
    [
        ("429", (RetryLater,)),
        ("5xx", (RetryLater,)),
        ("dead token", (ReconnectNeeded,)),
        ("secret ended", (ReconnectNeeded,)),
        ("truncated", (RetryLater, Unknown)),
    ],
)
async def test_what_passes_is_told_from_what_does_not(desk: Desk, mood: str, kinds: tuple[type, ...]) -> None:
    id = "19:none@thread.tacv2"
    desk.fake.moods.switch(mood)
    fresh = Connection(id=UUID(int=8), secrets=desk.connection.secrets)
    for said in (
        await desk.ours.account(fresh, timeout_s=5),
        await desk.ours.open(Opening(name="x", about="", emails=(CARLA,), key=KEY), fresh),
        *([] if mood == "truncated" else [await desk.ours.archive(id, fresh, timeout_s=5)]),
    ):
        told: Any = said
        assert isinstance(said, kinds), said
        assert mood != "429" or told.after_s == 7
        assert not any(secret in str(said) for secret in [*desk.fake.tokens, fresh.secrets["password"][0]])


async def test_time_outs_and_unknown_fields(desk: Desk) -> None:
    desk.fake.moods.switch("slow")
    assert isinstance(await desk.opened(timeout_s=0.3), RetryLater)
    assert isinstance(await desk.ours.account(desk.connection, timeout_s=0.3), RetryLater)
    desk.fake.moods.switch("unknown fields")
    assert isinstance(await desk.opened(), Opened)


def test_the_permissions_that_are_asked_for_are_those_that_it_takes() -> None:
    asked = manifests.find()["teams_graph"].connect
    assert asked is not None and asked.scopes == PERMISSIONS


@pytest.mark.parametrize("missing", PERMISSIONS)
async def test_a_permission_that_was_not_granted_is_named(desk: Desk, missing: str) -> None:
    cy = "cy@studio.example"
    desk.team.add_person(cy)
    if missing == channels.LIST:
        await desk.opened(CARLA, cy)
    desk.team.granted.discard(missing)
    said = [await desk.ours.account(desk.connection, timeout_s=5), await desk.opened(CARLA, cy)]
    said += [await desk.ours.archive(next(iter(desk.team.channels), "none"), desk.connection, timeout_s=5)]
    refused = [one.reason for one in said if isinstance(one, ReconnectNeeded)]
    assert len(refused) == 1 and missing in refused[0]


async def test_a_token_that_was_taken_back_is_got_anew_once(desk: Desk) -> None:
    await desk.ours.account(desk.connection, timeout_s=5)
    desk.fake.tokens.clear()
    assert isinstance(await desk.opened(), Opened)
    assert len(desk.fake.tokens) == 1


async def test_it_posts_nothing_for_graph_lets_no_app(desk: Desk) -> None:
    saying = Saying(title="x")
    refused = await desk.ours.post(Post(channel="c", key="k", saying=saying), desk.connection)
    assert isinstance(refused, Rejected) and "workflow" in refused.reason
    update = Update(channel="c", message="m", key="k", saying=saying)
    assert isinstance(await desk.ours.update(update, desk.connection), Gone)


async def test_what_we_ask_and_read_is_as_graphs_metadata_says(desk: Desk) -> None:
    schema = csdl.load()
    desk.team.add_person("cy@studio.example")
    await desk.ours.account(desk.connection, timeout_s=5)
    desk.fake.moods.switch("lost reply", 1)
    for _ in range(2):
        await desk.opened(CARLA, "cy@studio.example")
    await desk.opened(is_private=False, name="open to all-2b4c", key="2")
    await desk.ours.archive(desk.team.named("open to all-2b4c").id, desk.connection, timeout_s=5)  # type: ignore[union-attr]
    assert {(one.verb, one.status) for one in desk.fake.exchanges} >= {("POST", 201), ("POST", 202), ("POST", 400)}
    assert [fault for one in desk.fake.exchanges for fault in _faults(schema, one)] == []


def _faults(schema: csdl.Schema, one: Exchange) -> list[str]:
    """The members' own type is not in the file, which is cut down to teams and channels: see `fake_store._bound`."""
    kind = "graph.team" if one.path == "/" else "graph.channel"
    if one.path.endswith(("/members", "/archive")) or one.status >= 400:
        return []
    told = one.told or {}
    found = [fault for item in told.get("value", [told]) for fault in schema.problems(kind, _without(item))]
    return found + (schema.problems(kind, _without(one.said)) if one.said else [])


def _without(value: dict[str, Any]) -> dict[str, Any]:
    assert value.get("membershipType", "standard") in ("standard", "private")
    return {name: each for name, each in value.items() if name not in ("membershipType", "members")}


@pytest.mark.parametrize(
    ("link", "is_one"),
    [
        (f"{TEAM}?{IDS}", True),
        (f"https://teams.cloud.microsoft/l/team/19%3Aabc/conversations?{IDS}", True),
        (TEAM, False),
        (f"{TEAM}?{IDS.partition('&')[0]}", False),
        (f"{TEAM}?groupId=mine&tenantId=mine", False),
        ("https://[", False),
        ("", False),
    ],
)
async def test_only_links_to_a_team_are_taken(desk: Desk, link: str, is_one: bool) -> None:
    if is_one:
        assert mapper.team_of(link) == mapper.Team(*[one.partition("=")[2] for one in IDS.split("&")])
        return
    said = await desk.ours.account(Connection(id=UUID(int=7), secrets={"address": (link,)}), timeout_s=5)
    assert isinstance(said, Rejected) and "Get link to team" in said.reason


@given(st.text(max_size=80), st.text("0123456789abcdef", min_size=4, max_size=4))
def test_every_name_is_one_that_teams_takes_and_keeps_its_digits(name: str, own: str) -> None:
    made = mapper.channel_name(f"{name}-{own}")
    assert 0 < len(made) <= 50 and not FORBIDDEN.search(made) and made.endswith(own)


@given(st.text(max_size=3000), st.sampled_from(["", "https://wedsync.example/?next=/me/1"]))
def test_a_description_fits_and_carries_its_mark_and_link(about: str, url: str) -> None:
    told = mapper.description(about, url, KEY)
    assert len(told) <= 1024 and url in told and mapper.is_ours({"displayName": "A", "description": told}, "a", KEY)
    assert not mapper.is_ours({"displayName": "A", "description": told}, "a", "other")


def test_a_name_is_known_to_be_taken_however_graph_says_so() -> None:
    def said(error: Any) -> bool:
        answer: Any = msgspec.defstruct("Answer", [("data", Any)])(data={"error": error})
        return channels._is_taken(answer)

    assert said({"code": "NameAlreadyExists"})
    assert said({"code": "BadRequest", "message": "x", "innerError": {"code": "NameAlreadyExists"}})
    assert said({"code": "BadRequest", "message": "Channel name already existed, please use other name"})
    assert not said({"code": "BadRequest", "message": "The name is too long."}) and not said("odd")
