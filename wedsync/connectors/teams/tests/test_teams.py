"""What is peculiar to Teams: addresses that are secrets, cards by Microsoft's own schema, and no answer but 202."""

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import jsonschema_rs
import msgspec
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from wedsync.connections import stage
from wedsync.connections.chatting.contract import Chats, Opened, Opening, Post, Posted, Saying
from wedsync.connections.contract import (
    Account,
    Connection,
    Connects,
    ReconnectNeeded,
    Rejected,
    RetryLater,
    Tools,
    Unknown,
)
from wedsync.connectors.teams import mapper
from wedsync.connectors.teams.client import AddressError, workflow_of
from wedsync.connectors.teams.connector import connect
from wedsync.connectors.teams.fake import SIG, WORKFLOWS, Teams
from wedsync.kit import clock
from wedsync.kit.http import Wire

FILE = "adaptive_card_1.4.schema.json"
CARLA, DARIO = WORKFLOWS
MOVED = Saying(
    title="The ceremony time has changed",
    before="13:30",
    after="14:00",
    url="https://a.test/x",
    confirm_url="https://a.test/ack/1",
)
HOSTS = "logic.azure.com,api.powerplatform.com"
WHOLE = "/workflows/0a1b2c3d4e5f/triggers/manual/paths/invoke?api-version=2016-06-01&sig=abc"


class Desk:
    """The connector and its fake."""

    def __init__(self, fake: Teams, at: str, wire: Wire) -> None:
        self.fake, self.at = fake, at
        self.ours = connect(Tools(wire=wire, machine_now=clock.machine_now, settings=dict(fake.settings_at(at))))

    def connection(self, account: str = CARLA, sig: str = SIG) -> Connection:
        address = self.fake.workflow_at(self.at, account).replace(SIG, sig)
        return Connection(id=UUID(int=7), secrets={"address": (address,)})

    async def posted(self, connection: Connection, **fields: Any) -> Any:
        return await self.ours.post(Post(channel="", key="k1", saying=MOVED, **fields), connection)


@pytest_asyncio.fixture
async def desk() -> AsyncIterator[Desk]:
    fake, wire = Teams(), Wire(allow=("127.0.0.0/8",))
    async with stage.serving([fake]) as at:
        yield Desk(fake, at, wire)
    await wire.close()


async def test_an_address_is_an_account_and_takes_cards(desk: Desk) -> None:
    assert isinstance(desk.ours, Connects) and isinstance(desk.ours, Chats)
    found = await desk.ours.account(desk.connection(), timeout_s=5)
    assert isinstance(found, Account) and found.id == WORKFLOWS[CARLA]
    other = await desk.ours.account(desk.connection(DARIO), timeout_s=5)
    assert isinstance(other, Account) and other.id != found.id
    opened = await desk.ours.open(Opening(name="x", about="The wedding."), desk.connection())
    assert isinstance(opened, Opened) and opened.id == found.id
    assert isinstance(await desk.posted(desk.connection()), Posted)
    assert len(desk.fake.cards[found.id]) == 2 and desk.fake.cards[other.id] == []
    actions = desk.fake.cards[found.id][1]["attachments"][0]["content"]["actions"]
    assert [one["url"] for one in actions] == [MOVED.confirm_url, MOVED.url]


@pytest.mark.parametrize(
    ("mood", "kind"),
    [("429", RetryLater), ("5xx", RetryLater), ("dead token", ReconnectNeeded), ("lost reply", Unknown)],
)
async def test_what_passes_is_told_from_what_does_not_and_the_address_stands_nowhere(
    desk: Desk, mood: str, kind: type
) -> None:
    desk.fake.moods.switch(mood, 1)
    said = await desk.posted(desk.connection())
    told: Any = said
    assert isinstance(said, kind), said
    assert mood != "429" or told.after_s == 7
    assert mood != "lost reply" or not told.repeat_is_safe
    assert SIG not in str(msgspec.structs.replace(told.attempt, masked=())) and SIG not in told.reason
    desk.fake.moods.switch("slow", 1)
    assert isinstance(await desk.posted(desk.connection(), timeout_s=0.2), Unknown)
    assert isinstance(await desk.posted(desk.connection(sig="of-another")), ReconnectNeeded)


@pytest.mark.parametrize(
    ("address", "is_one"),
    [
        (f"https://prod-12.westeurope.logic.azure.com{WHOLE}", True),
        (f"https://prod-12.westeurope.logic.azure.com:443{WHOLE}", True),
        (f"https://default1.environment.api.powerplatform.com/powerautomate/automations/direct{WHOLE}", True),
        (f"https://logic.azure.com.evil.example{WHOLE}", False),
        (f"https://evil.example{WHOLE}", False),
        (f"https://evillogic.azure.com{WHOLE}", False),
        ("https://prod-12.westeurope.logic.azure.com/workflows/0a1b2c3d4e5f", False),
        (f"https://prod-12.westeurope.logic.azure.com{WHOLE.partition('&sig')[0]}", False),
        ("https://contoso.webhook.office.com/webhookb2/1@2/IncomingWebhook/3/4", False),
        ("not an address", False),
    ],
)
async def test_only_addresses_of_workflows_are_taken(desk: Desk, address: str, is_one: bool) -> None:
    if is_one:
        assert workflow_of(address, HOSTS) == "0a1b2c3d4e5f"
        return
    with pytest.raises(AddressError):
        workflow_of(address, HOSTS)
    said = await desk.ours.account(Connection(id=UUID(int=7), secrets={"address": (address,)}), timeout_s=5)
    assert isinstance(said, Rejected) and SIG not in said.reason


typed = st.text(max_size=4000)
links = st.sampled_from(["", "https://a.test/x"])


@given(typed, typed, typed, typed, links)
def test_whatever_people_typed_is_a_card_by_the_schema_that_teams_takes(
    a: str, b: str, c: str, note: str, url: str
) -> None:
    body = mapper.to_message(Saying(title=a, before=b, after=c, note=note, url=url, confirm_url=url))
    assert len(body) <= mapper.SIZE_MAX_BYTES
    (attachment,) = msgspec.json.decode(body)["attachments"]
    card = attachment["content"]
    # Teams' own part of a card is not Adaptive Cards' business (learn.microsoft.com, cards format).
    assert card.pop("msteams") == {"width": "Full"}
    assert [error.message for error in validator().iter_errors(card)] == []


def validator() -> jsonschema_rs.Draft6Validator:
    """Skips the test where the schema is absent; it is not ours to copy."""
    root = Path(__file__).parents[4]
    places = [Path(text) for text in [os.environ.get("WEDSYNC_SPECS_DIR", "")] if text]
    places += [parent / "shared" / "specs" for parent in root.parents]
    for place in places:
        if (place / FILE).is_file():
            return _read(place / FILE)
    pytest.skip(f"{FILE} is neither in WEDSYNC_SPECS_DIR nor in shared/specs beside the checkout")


KNOWN: dict[Path, jsonschema_rs.Draft6Validator] = {}


def _read(path: Path) -> jsonschema_rs.Draft6Validator:
    if path not in KNOWN:
        schema = json.loads(path.read_text("utf-8"))
        KNOWN[path] = jsonschema_rs.Draft6Validator({name: one for name, one in schema.items() if name != "id"})
    return KNOWN[path]
