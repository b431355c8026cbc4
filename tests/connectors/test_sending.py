"""Every connector that only takes in keeps the same promises; its fake is driven by `connections.records.driven`."""

from collections.abc import AsyncIterator
from contextlib import contextmanager
from datetime import date
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from wedsync.connections import manifest as manifests
from wedsync.connections.calendars import driven
from wedsync.connections.calendars.driven import ACCOUNTS
from wedsync.connections.contract import Account, Connects, ReconnectNeeded, RetryLater, Tools, Unknown
from wedsync.connections.manifest import Manifest
from wedsync.connections.records.contract import Known, Send, Sends, Sent
from wedsync.connections.records.driven import TAKING_MOODS, Taking
from wedsync.connections.records.record import Record, checked
from wedsync.connections.stage import serving
from wedsync.kit import clock
from wedsync.kit.config import FIELDS, Settings
from wedsync.kit.http import Wire

FOUND = {name: manifest for name, manifest in manifests.find().items() if "sends" in manifest.does}
CARLA, DARIO = ACCOUNTS
MARIA = Record(
    stage="booked",
    wedding_on=date(2027, 6, 5),
    name="Maria Santos",
    partner_name="Tom Okafor",
    email="maria@example.org",
    partner_email="tom@example.org",
    phone="+351210000000",
    venue="Quinta da Serra",
)
names = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1, max_size=30)


class Stage:
    """One connector, and its fake served alone."""

    def __init__(self, manifest: Manifest, fake: Taking, at: str, wire: Wire) -> None:
        self.manifest, self.fake = manifest, fake
        own = msgspec.structs.replace(Settings(), **fake.settings_at(at))
        named = (*manifest.operator_settings, *manifest.operator_secrets)
        tools = Tools(wire=wire, machine_now=clock.machine_now, settings={name: getattr(own, name) for name in named})
        self.connector: Any = manifests.module(manifest.name, "connector").connect(tools)
        self.connection, self.other = fake.connection(at, CARLA), fake.connection(at, DARIO)
        self.again = fake.connection(at, CARLA)

    @contextmanager
    def mood(self, mood: str) -> Any:
        self.fake.moods.switch(mood)
        try:
            yield
        finally:
            self.fake.moods.switch("fine")

    async def send(self, record: Record, reference: str = "", *, timeout_s: float = 20.0) -> Any:
        asked = Send(reference=reference or str(uuid4()), record=record, timeout_s=timeout_s)
        return await self.connector.send(asked, self.connection)

    def there(self, reference: str) -> list[Record]:
        return [one.record for one in self.fake.taken(CARLA) if one.reference == reference]


@pytest.fixture(scope="module", params=sorted(FOUND))
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    fake: Taking = manifests.module(request.param, "fake").build(Settings())
    wire = Wire(allow=("127.0.0.0/8",))
    try:
        async with serving([fake]) as at:
            yield Stage(FOUND[request.param], fake, at, wire)
    finally:
        await wire.close()


def test_it_is_what_its_manifest_says(stage: Stage) -> None:
    assert isinstance(stage.connector, Sends)
    assert isinstance(stage.connector, Connects)
    assert isinstance(stage.fake, Taking)
    assert set(TAKING_MOODS) <= set(stage.fake.moods.known)
    assert {*stage.manifest.operator_settings, *stage.manifest.operator_secrets} <= set(FIELDS)


async def test_two_connections_of_one_account_are_known_to_be_one_and_another_is_not(stage: Stage) -> None:
    to = (stage.connection, stage.again, stage.other)
    first, second, other = [await stage.connector.account(one, timeout_s=20) for one in to]
    assert isinstance(first, Account)
    assert first == second
    assert other.id != first.id


async def test_what_is_sent_is_there_once_however_often_it_is_sent(stage: Stage) -> None:
    reference = str(uuid4())
    assert isinstance(await stage.send(MARIA, reference), Sent)
    assert isinstance(await stage.send(MARIA, reference), Known)
    assert stage.there(reference) == [MARIA]
    assert isinstance(await stage.send(MARIA, f"{reference}-another"), Sent)
    assert [one.reference for one in stage.fake.taken(DARIO)] == []


async def test_a_lost_reply_is_told_apart_and_sending_again_makes_no_second(stage: Stage) -> None:
    reference = str(uuid4())
    for mood in (driven.LOST, driven.TRUNCATED):
        with stage.mood(mood):
            said = await stage.send(MARIA, reference)
        assert isinstance(said, Unknown), mood
        assert said.repeat_is_safe
    assert isinstance(await stage.send(MARIA, reference), Known)
    assert len(stage.there(reference)) == 1


async def test_each_word_of_trouble_is_the_right_one(stage: Stage) -> None:
    async def told(timeout_s: float = 20.0) -> list[Any]:
        account = await stage.connector.account(stage.connection, timeout_s=timeout_s)
        return [account, await stage.send(MARIA, timeout_s=timeout_s)]

    with stage.mood(driven.DEAD):
        assert {type(one) for one in await told()} == {ReconnectNeeded}
    with stage.mood(driven.BUSY):
        assert {(type(one), one.after_s) for one in await told()} == {(RetryLater, driven.RETRY_AFTER_S)}
    with stage.mood(driven.BROKEN):
        assert {type(one) for one in await told()} == {RetryLater}
    with stage.mood(driven.SLOW):
        assert {type(one) for one in await told(0.2)} <= {RetryLater, Unknown}
    with stage.mood(driven.ODD):
        assert [type(one) for one in await told()] == [Account, Sent]


@settings(max_examples=25)
@given(on=st.none() | st.dates(), name=names, partner=names)
async def test_what_is_sent_is_read_there_as_it_was_meant(
    stage: Stage, on: date | None, name: str, partner: str
) -> None:
    reference = str(uuid4())
    people = {"name": name, "partner_name": partner, "partner_email": "", "email": "a@example.org"}
    record = checked(msgspec.structs.replace(MARIA, wedding_on=on, **people))
    assert isinstance(await stage.send(record, reference), Sent)
    assert [checked(one) for one in stage.there(reference)] == [record]


async def test_no_secret_and_nothing_personal_is_in_outcomes_or_logs(stage: Stage) -> None:
    told: list[Any] = []
    with capture_logs() as logs:
        for mood in ("fine", *(set(stage.fake.moods.known) - {driven.SLOW})):
            with stage.mood(mood):
                told += [await stage.connector.account(stage.connection, timeout_s=20), await stage.send(MARIA)]
    words = [msgspec.json.encode(getattr(one, "attempt", None)).decode() + getattr(one, "reason", "") for one in told]
    said = "\n".join([*words, repr(logs), repr(stage.connection)])
    secrets = [secret for several in stage.connection.secrets.values() for secret in several]
    assert not [one for one in (MARIA.name, MARIA.email, MARIA.phone, *ACCOUNTS, *secrets) if one in said]
