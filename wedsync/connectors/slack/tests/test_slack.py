"""What is peculiar to Slack: errors in a 200, names of channels, what is found again, and what people typed."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import msgspec
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from wedsync.connections import manifest as manifests
from wedsync.connections import stage
from wedsync.connections.accounts import grants
from wedsync.connections.chatting.contract import (
    Chats,
    Gone,
    Opened,
    Opening,
    Post,
    Posted,
    Pressed,
    Pressing,
    Saying,
    Update,
)
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
from wedsync.connections.verify.request import Request
from wedsync.connections.verify.scheme import verify
from wedsync.connectors.slack import mapper
from wedsync.connectors.slack.answers import ERRORS, Error, read, refusal
from wedsync.connectors.slack.connector import connect
from wedsync.connectors.slack.fake import Slack, signed
from wedsync.connectors.slack.fake_store import BLOCKS_MAX, Workspace, _is_block
from wedsync.connectors.slack.tests.openapi import openapi
from wedsync.kit import clock
from wedsync.kit.config import Settings
from wedsync.kit.http import Reply, Timing, Wire

ID = UUID(int=7)
CARLA, DARIO = "carla@sandbox.example", "dario@sandbox.example"
MOVED = Saying(
    title="The ceremony time has changed", before="13:30", after="14:00", button="b1", url="https://a.test/x"
)


class Desk:
    """The connector and its fake."""

    def __init__(self, fake: Slack, at: str, wire: Wire) -> None:
        self.fake = fake
        self.ours = connect(Tools(wire=wire, machine_now=clock.machine_now, settings=dict(fake.settings_at(at))))
        self.connection, self.other = self.connected(CARLA), self.connected(DARIO)

    def connected(self, email: str) -> Connection:
        return Connection(id=ID, secrets={"access_token": (self.fake.consent.issue(email).access,)})

    @property
    def home(self) -> Workspace:
        return self.fake.workspace(CARLA)

    async def opened(self, name: str = "Maria & Tom 2027", emails: tuple[str, ...] = ()) -> Opened:
        said = await self.ours.open(Opening(name=name, about="The wedding.", emails=emails), self.connection)
        assert isinstance(said, Opened), said
        return said

    async def posted(self, channel: str, key: str = "k1", **fields: Any) -> Any:
        return await self.ours.post(Post(channel=channel, key=key, saying=MOVED, **fields), self.connection)


@pytest_asyncio.fixture
async def desk() -> AsyncIterator[Desk]:
    fake, wire = Slack(), Wire()
    async with stage.serving([fake]) as at:
        yield Desk(fake, at, wire)
    await wire.close()


async def test_a_workspace_says_who_it_is_and_no_other_sees_what_it_has(desk: Desk) -> None:
    assert await desk.ours.account(desk.connection, timeout_s=5) == Account(id="T0CARLA", title="Carla Studio")
    assert await desk.ours.account(desk.other, timeout_s=5) == Account(id="T0DARIO", title="Dario Studio")
    assert isinstance(desk.ours, Connects) and isinstance(desk.ours, Chats) and isinstance(desk.ours, Pressing)
    channel = (await desk.opened()).id
    said = await desk.ours.post(Post(channel=channel, key="k", saying=MOVED), desk.other)
    assert isinstance(said, Rejected) and "no longer there" in said.reason


async def test_a_channel_is_made_once_with_its_people_even_when_the_first_answer_was_lost(desk: Desk) -> None:
    ada, cy = desk.home.add_person("ada@studio.example"), desk.home.add_person("cy@studio.example")
    emails = ("ada@studio.example", "nobody@elsewhere.example", "cy@studio.example")
    desk.fake.moods.switch("lost reply", 1)
    opening = Opening(name="Zoë & Tom, 5 June", about="<!channel> & co", emails=emails)
    lost = await desk.ours.open(opening, desk.connection)
    assert isinstance(lost, Unknown) and lost.repeat_is_safe
    made = await desk.ours.open(opening, desk.connection)
    again = await desk.ours.open(opening, desk.connection)
    assert isinstance(made, Opened) and isinstance(again, Opened)
    (channel,) = desk.home.channels.values()
    assert (made.id, again.id, made.strangers, again.strangers) == (channel.id, channel.id, 1, 1)
    assert (channel.name, channel.is_private, channel.members) == ("zoe-tom-5-june", True, [ada, cy])
    assert channel.topic == "&lt;!channel&gt; &amp; co"


async def test_a_message_is_posted_once_changed_in_place_and_followed_in_its_thread(desk: Desk) -> None:
    channel = (await desk.opened()).id
    desk.fake.moods.switch("lost reply", 1)
    lost = await desk.posted(channel)
    assert isinstance(lost, Unknown) and lost.repeat_is_safe
    first = await desk.posted(channel, may_be_there=True)
    (message,) = desk.home.channel(channel).messages
    assert first == Posted(id=message["ts"])
    later = Saying(title=MOVED.title, before="14:00", after="15:00", note="Confirmed by <@U1>.")
    said = await desk.ours.update(Update(channel=channel, message=first.id, key="k1", saying=later), desk.connection)
    assert said == first
    assert "15:00" in message["text"] and [block["type"] for block in message["blocks"]] == ["section", "context"]
    reply = await desk.posted(channel, "k2", thread=first.id)
    shown = desk.home.channel(channel).message(reply.id)
    assert shown is not None and (shown["thread_ts"], shown["subtype"]) == (first.id, "thread_broadcast")
    assert await desk.posted(channel, "k2", thread=first.id, may_be_there=True) == reply
    desk.home.channel(channel).messages.clear()
    gone = await desk.ours.update(Update(channel=channel, message=first.id, key="k1", saying=later), desk.connection)
    assert isinstance(gone, Gone)
    assert isinstance(await desk.ours.archive(channel, desk.connection, timeout_s=5), Delivered)
    assert isinstance(await desk.ours.archive(channel, desk.connection, timeout_s=5), Delivered)
    refused = await desk.posted(channel)
    assert isinstance(refused, Rejected) and "archived" in refused.reason


@pytest.mark.parametrize(
    ("mood", "kind"),
    [("429", RetryLater), ("5xx", RetryLater), ("dead token", ReconnectNeeded), ("truncated", Unknown)],
)
async def test_what_passes_is_told_from_what_does_not(desk: Desk, mood: str, kind: type) -> None:
    channel = (await desk.opened()).id
    desk.fake.moods.switch(mood)
    for said in (
        await desk.posted(channel),
        await desk.ours.account(desk.connection, timeout_s=5),
        await desk.ours.open(Opening(name="x", about=""), desk.connection),
        await desk.ours.update(Update(channel=channel, message="1.2", key="k", saying=MOVED), desk.connection),
        await desk.ours.archive(channel, desk.connection, timeout_s=5),
    ):
        assert isinstance(said, kind), said
        if isinstance(said, RetryLater) and mood == "429":
            assert said.after_s == 7
        assert not any(secret in str(said) for secret in desk.connection.secrets["access_token"])


async def test_time_outs_are_unknown_and_unknown_fields_are_tolerated(desk: Desk) -> None:
    channel = (await desk.opened()).id
    desk.fake.moods.switch("slow")
    assert isinstance(await desk.posted(channel, timeout_s=0.2), Unknown)
    desk.fake.moods.switch("unknown fields")
    assert isinstance(await desk.posted(channel), Posted)


@pytest.mark.parametrize("error", [*ERRORS, "an_error_of_tomorrow"])
def test_every_error_has_one_meaning(error: str) -> None:
    body = msgspec.json.encode({"ok": False, "error": error})
    reply = Reply(status=200, headers={"retry-after": "3"}, body=body, ending="whole", timing=Timing())
    said: Any = read(reply, Error, now=clock.machine_now())
    kinds: dict[str, Any] = {"reconnect": ReconnectNeeded, "later": RetryLater, "rejected": Error}
    meant: str = ERRORS.get(error, "rejected")
    assert type(said) is kinds[meant]
    if meant == "rejected":
        assert refusal(said).reason.endswith((".", ")."))


async def test_what_we_ask_and_read_is_as_their_openapi_says(desk: Desk) -> None:
    judge = openapi()
    desk.home.add_person("ada@studio.example")
    channel = (await desk.opened(emails=("ada@studio.example", "nobody@elsewhere.example"))).id
    await desk.opened(emails=("ada@studio.example",))
    first = await desk.posted(channel)
    await desk.posted(channel, "k2", thread=first.id)
    await desk.posted(channel, may_be_there=True)
    await desk.ours.update(Update(channel=channel, message=first.id, key="k1", saying=MOVED), desk.connection)
    await desk.ours.account(desk.connection, timeout_s=5)
    await desk.ours.archive(channel, desk.connection, timeout_s=5)
    assert {one.method for one in desk.fake.calls} == {
        *("auth.test", "chat.postMessage", "chat.update", "conversations.archive", "conversations.create"),
        *("conversations.history", "conversations.invite", "conversations.list", "conversations.setTopic"),
        "users.lookupByEmail",
    }
    assert [fault for call in desk.fake.calls for fault in judge.faults(call)] == []


async def test_a_pressed_button_is_believed_by_its_signature_and_says_which_it_was(desk: Desk) -> None:
    said = {
        "type": "block_actions",
        "user": {"id": "U012AB3CD"},
        "channel": {"id": "C1"},
        "actions": [{"action_id": mapper.ACTION, "value": "b1", "action_ts": "1.2"}],
    }
    body = urlencode({"payload": msgspec.json.encode(said).decode()}).encode()
    now = clock.machine_now().timestamp()
    for secret, ago_s, good in (("s1", 0, True), ("s2", 0, False), ("s1", 301, False)):
        headers = signed(secret, body, ago_s=ago_s)
        asked = Request(headers=headers, body=body, url="", secrets=["s0", "s1"], now=now)
        assert (verify("slack", asked) is None) == good
    found = desk.ours.pressed(body)
    assert isinstance(found, Pressed) and (found.channel, found.button, found.by) == ("C1", "b1", "<@U012AB3CD>")
    assert desk.ours.pressed(body) == found
    opened = said | {"actions": [{"action_id": mapper.OPEN}]}
    assert desk.ours.pressed(urlencode({"payload": msgspec.json.encode(opened).decode()}).encode()) is None


@pytest.mark.parametrize("body", [b"", b"payload=", b"payload=[]", b"\xff", b"payload={}", b"ssl_check=1"])
def test_what_slack_does_not_send_is_not_read(body: bytes) -> None:
    with pytest.raises(ValueError):
        mapper.pressed(body)


typed = st.text(max_size=4000)


@given(typed, typed, typed, st.text(max_size=80), st.booleans())
def test_whatever_people_typed_is_a_message_that_mentions_nobody(a: str, b: str, c: str, key: str, has: bool) -> None:
    saying = Saying(title=a, before=b, after=c, button="x" if has else "", url="https://a.test" if has else "")
    made = mapper.blocks(saying, key)
    assert len(made) <= BLOCKS_MAX and all(_is_block(one) for one in made)
    text = made[0]["text"]["text"] + mapper.to_post("C1", saying, key)["text"]
    assert "<" not in text and ">" not in text


@given(st.text(max_size=200))
def test_every_name_is_one_that_slack_takes(name: str) -> None:
    made = mapper.channel_name(name)
    assert 0 < len(made) <= 80 and set(made) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


def test_a_token_without_rotation_does_not_end_and_a_refusal_in_a_200_is_one() -> None:
    connect_by = manifests.find()["slack"].connect
    assert connect_by is not None
    client = grants.client_of(connect_by, Settings())
    asked = grants.authorize_url(client, state="s", verifier="v", redirect_uri="https://a.test")
    assert "scope=channels%3Ahistory%2Cchannels%3Amanage" in asked
    said = {"ok": True, "access_token": "xoxb-1", "token_type": "bot", "scope": ",".join(client.scopes)}

    def answered(told: dict[str, Any]) -> Any:
        body = msgspec.json.encode(told)
        reply = Reply(status=200, headers={}, body=body, ending="whole", timing=Timing())
        return grants._answered(reply, client, clock.machine_now())

    found = answered(said | {"team": {"id": "T1"}})
    assert (found.expires_at, found.missing) == (None, ())
    assert answered(said | {"expires_in": 43200, "refresh_token": "xoxe-1"}).expires_at is not None
    assert answered(said | {"scope": "chat:write"}).missing == tuple(s for s in client.scopes if s != "chat:write")
    assert isinstance(answered({"ok": False, "error": "invalid_code"}), RetryLater)
