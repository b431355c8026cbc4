"""The executed suite of programs that people chat in: every connector whose manifest has a `[chats]` table.

What is peculiar to a program is tested in its folder. How a fake is connected to is the one thing said of each here.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from time import monotonic
from typing import Any, Final
from uuid import UUID

import msgspec
import pytest
import pytest_asyncio

from wedsync.connections import manifest as manifests
from wedsync.connections import stage
from wedsync.connections.chatting.contract import Chats, Opened, Opening
from wedsync.connections.contract import (
    Account,
    Connection,
    Connects,
    Delivered,
    ReconnectNeeded,
    RetryLater,
    Tools,
    Unknown,
)
from wedsync.kit import clock
from wedsync.kit.config import Settings
from wedsync.kit.http import Wire

CARLA, DARIO = "carla@sandbox.example", "dario@sandbox.example"
NAMES: Final = [name for name, manifest in manifests.find().items() if manifest.chats is not None]


def by_token(fake: Any, at: str, email: str) -> Connection:
    return Connection(id=UUID(int=7), secrets={"access_token": (fake.consent.issue(email).access,)})


def by_address(fake: Any, at: str, email: str) -> Connection:
    return Connection(id=UUID(int=7), secrets={"address": (fake.workflow_at(at, email),)})


def by_form(fake: Any, at: str, email: str) -> Connection:
    made: Connection = fake.connection(at, email)
    return made


CONNECTED: Final[Mapping[str, Callable[[Any, str, str], Connection]]] = {
    "slack": by_token,
    "teams": by_address,
    "teams_graph": by_form,
}


class Stage:
    """One connector and its fake."""

    def __init__(self, name: str, fake: Any, at: str, wire: Wire) -> None:
        self.fake = fake
        settings = msgspec.structs.replace(Settings(), **fake.settings_at(at))
        manifest = manifests.find()[name]
        own = {one: getattr(settings, one) for one in manifest.operator_settings}
        made = manifests.module(name, "connector").connect(
            Tools(wire=wire, machine_now=clock.machine_now, settings=own)
        )
        self.ours: Any = made
        self.connection, self.other = (CONNECTED[name](fake, at, email) for email in (CARLA, DARIO))

    async def opened(self, *, timeout_s: float = 10.0) -> Any:
        opening = Opening(
            name="2027-06-05-maria-and-tom-1f3a",
            about="The wedding.",
            emails=(CARLA, "nobody@elsewhere.example"),
            key="0199c0de",
            url="https://wedsync.example/?next=/me/1",
            timeout_s=timeout_s,
        )
        return await self.ours.open(opening, self.connection)


@pytest_asyncio.fixture(params=NAMES)
async def on(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    fake, wire = manifests.module(request.param, "fake").build(Settings()), Wire(allow=("127.0.0.0/8",))
    async with stage.serving([fake]) as at:
        yield Stage(request.param, fake, at, wire)
    await wire.close()


async def test_it_is_what_its_manifest_says_and_tells_two_accounts_apart(on: Stage) -> None:
    assert isinstance(on.ours, Connects) and isinstance(on.ours, Chats)
    one, same = [await on.ours.account(on.connection, timeout_s=5) for _ in range(2)]
    other = await on.ours.account(on.other, timeout_s=5)
    assert isinstance(one, Account) and one == same and isinstance(other, Account) and other.id != one.id


async def test_a_channel_is_there_once_however_often_it_is_asked_for_and_ends_once(on: Stage) -> None:
    on.fake.moods.switch("lost reply", 1)
    lost = await on.opened()
    assert isinstance(lost, Unknown) and lost.repeat_is_safe == on.ours.invites
    made, again = await on.opened(), await on.opened()
    assert isinstance(made, Opened) and isinstance(again, Opened)
    assert (made.id, made.strangers) == (again.id, int(on.ours.invites))
    for _ in range(2):
        assert isinstance(await on.ours.archive(made.id, on.connection, timeout_s=5), Delivered)


@pytest.mark.parametrize(("mood", "kind"), [("429", RetryLater), ("5xx", RetryLater), ("dead token", ReconnectNeeded)])
async def test_each_trouble_has_its_word_and_no_secret_in_it(on: Stage, mood: str, kind: type) -> None:
    on.fake.moods.switch(mood)
    said: Any = await on.opened()
    told: Any = said
    assert isinstance(said, kind), said
    assert mood != "429" or told.after_s == 7
    shown = msgspec.structs.replace(told.attempt, masked=())
    texts = str(msgspec.structs.replace(told, attempt=shown))
    held = [one for name, several in on.connection.secrets.items() if name != "username" for one in several]
    assert not any(secret in texts for secret in held)


async def test_a_slow_program_ends_in_time(on: Stage) -> None:
    on.fake.moods.switch("slow")
    began = monotonic()
    assert isinstance(await on.opened(timeout_s=0.4), RetryLater | Unknown)
    assert monotonic() - began < 2
