"""Every marketing connector keeps the same promises; its fake is driven by `connections.marketing.driven`."""

from collections.abc import AsyncIterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from structlog.testing import capture_logs

from tests.connectors.swagger import faults
from wedsync.connections import manifest as manifests
from wedsync.connections.calendars import driven
from wedsync.connections.calendars.driven import ACCOUNTS
from wedsync.connections.contract import (
    Account,
    Connects,
    Delivered,
    ReconnectNeeded,
    Rejected,
    RetryLater,
    Tools,
    Unknown,
)
from wedsync.connections.manifest import Manifest
from wedsync.connections.marketing import starter
from wedsync.connections.marketing.contract import (
    Contact,
    Left,
    Markets,
    Pending,
    Reports,
    Spent,
    Tagging,
    Upsert,
    Upserted,
    Written,
)
from wedsync.connections.marketing.driven import MOODS, SPENT, Driven, Seen
from wedsync.connections.stage import serving
from wedsync.kit import clock
from wedsync.kit.config import FIELDS, Settings
from wedsync.kit.http import Wire

FOUND = {name: manifest for name, manifest in manifests.find().items() if "markets" in manifest.does}
CARLA, DARIO = ACCOUNTS
MARIA = Contact(email="maria@example.org", first_name="Maria", last_name="Santos")
TOM = Contact(email="tom@example.org", first_name="Tom", last_name="Okafor")
BOOKED, SUMMER = "milestone: booked", "season: summer 2027"


class Stage:
    """One connector, and its fake served alone."""

    def __init__(self, manifest: Manifest, fake: Driven, at: str, wire: Wire) -> None:
        self.manifest, self.fake = manifest, fake
        own = msgspec.structs.replace(Settings(), **fake.settings_at(at))
        named = (*manifest.operator_settings, *manifest.operator_secrets)
        tools = Tools(wire=wire, machine_now=clock.machine_now, settings={name: getattr(own, name) for name in named})
        self.connector: Any = manifests.module(manifest.name, "connector").connect(tools)
        if hasattr(self.connector, "_pace"):
            # As fast as a test can ask.
            self.connector._pace._gap_s = 0.0
        self.connection, self.other = fake.connection(at, CARLA), fake.connection(at, DARIO)
        self.again = fake.connection(at, CARLA)
        self.list_id = fake.list_of(CARLA)

    @contextmanager
    def mood(self, mood: str) -> Any:
        self.fake.moods.switch(mood)
        try:
            yield
        finally:
            self.fake.moods.switch("fine")

    async def put(self, *contacts: Contact, timeout_s: float = 20.0) -> Any:
        """Until the batch is over."""
        asked = Upsert(list_id=self.list_id, contacts=contacts, timeout_s=timeout_s)
        said = await self.connector.upsert(asked, self.connection)
        while isinstance(said, Pending):
            asked = Upsert(list_id=self.list_id, contacts=(), pending=said.id, timeout_s=timeout_s)
            said = await self.connector.upsert(asked, self.connection)
        return said

    async def left(self, cursor: str = "") -> tuple[list[str], str]:
        """All pages."""
        found: list[str] = []
        while True:
            said = await self.connector.left(self.list_id, cursor, self.connection, timeout_s=20)
            assert isinstance(said, Left), said
            found += [one.email for one in said.gone]
            cursor = said.cursor
            if not said.is_more:
                return found, cursor

    def seen(self) -> dict[str, Seen]:
        return self.fake.seen(CARLA)

    async def everything(self, timeout_s: float = 20.0) -> list[Any]:
        """What each question comes to, but for who it is."""
        one, to = self.connector, self.connection
        tagging = Tagging(list_id=self.list_id, gains={BOOKED: (MARIA.email,)}, timeout_s=timeout_s)
        (template, *_) = starter.templates("Carla Studio")
        return [
            await self.put(MARIA, timeout_s=timeout_s),
            await one.lists(to, timeout_s=timeout_s),
            await one.tag(tagging, to),
            await one.withdraw(self.list_id, TOM.email, to, timeout_s=timeout_s),
            await one.left(self.list_id, "", to, timeout_s=timeout_s),
            await one.write(msgspec.structs.replace(template, timeout_s=timeout_s), to),
            await one.reports(to, timeout_s=timeout_s),
        ]


@pytest.fixture(scope="module", params=sorted(FOUND))
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    fake: Driven = manifests.module(request.param, "fake").build(Settings())
    wire = Wire(allow=("127.0.0.0/8",))
    try:
        async with serving([fake]) as at:
            yield Stage(FOUND[request.param], fake, at, wire)
    finally:
        await wire.close()


async def test_it_is_what_its_manifest_says_and_knows_its_accounts_apart(stage: Stage) -> None:
    assert isinstance(stage.connector, Markets) and isinstance(stage.connector, Connects)
    assert isinstance(stage.fake, Driven) and set(MOODS) <= set(stage.fake.moods.known)
    assert {*stage.manifest.operator_settings, *stage.manifest.operator_secrets} <= set(FIELDS)
    to = (stage.connection, stage.again, stage.other)
    first, second, other = [await stage.connector.account(one, timeout_s=20) for one in to]
    assert isinstance(first, Account) and isinstance(other, Account)
    assert first == second and other.id != first.id
    said = await stage.connector.lists(stage.connection, timeout_s=20)
    assert isinstance(said, tuple)
    (one,) = said
    assert one.id == stage.list_id != stage.fake.list_of(DARIO)


async def test_who_is_put_in_is_there_once_with_their_tags_and_no_other_account_sees_them(stage: Stage) -> None:
    assert await stage.put(MARIA, TOM) == await stage.put(MARIA, TOM) == Upserted()
    gains = {BOOKED: (MARIA.email, TOM.email), SUMMER: (MARIA.email,)}
    assert isinstance(
        await stage.connector.tag(Tagging(list_id=stage.list_id, gains=gains), stage.connection), Delivered
    )
    losses = {BOOKED: (TOM.email,), "nobody had it": (TOM.email,)}
    tagging = Tagging(list_id=stage.list_id, gains={SUMMER: ("stranger@example.org",)}, losses=losses)
    assert isinstance(await stage.connector.tag(tagging, stage.connection), Delivered)
    changed = msgspec.structs.replace(TOM, last_name="O'Kafor")
    assert await stage.put(changed) == Upserted()
    assert stage.seen() == {
        MARIA.email: Seen(
            status="subscribed", first_name="Maria", last_name="Santos", tags=frozenset({BOOKED, SUMMER})
        ),
        TOM.email: Seen(status="subscribed", first_name="Tom", last_name="O'Kafor"),
    }
    assert stage.fake.seen(DARIO) == {}


async def test_whoever_left_is_told_once_and_never_written_back_in(stage: Stage) -> None:
    ana = Contact(email=f"ana.{uuid4().hex[:6]}@example.org", first_name="Ana")
    ben = Contact(email=f"ben.{uuid4().hex[:6]}@example.org", first_name="Ben")
    assert await stage.put(ana, ben) == Upserted()
    _, cursor = await stage.left()
    await stage.fake.unsubscribe(CARLA, ana.email)
    gone, cursor = await stage.left(cursor)
    assert ana.email in gone and ben.email not in gone
    await stage.put(msgspec.structs.replace(ana, first_name="Anna"))
    assert stage.seen()[ana.email].status == "unsubscribed"
    said = await stage.connector.withdraw(stage.list_id, ben.email, stage.connection, timeout_s=20)
    twice = await stage.connector.withdraw(stage.list_id, ben.email, stage.connection, timeout_s=20)
    assert isinstance(said, Delivered) and isinstance(twice, Delivered)
    nobody = await stage.connector.withdraw(stage.list_id, "no@example.org", stage.connection, timeout_s=20)
    assert isinstance(nobody, Delivered)
    assert stage.seen()[ben.email].status == "unsubscribed"
    # Somebody who is back is asked by the provider, or comes back there: never by us alone.
    await stage.put(msgspec.structs.replace(ana, is_again=True))
    assert stage.seen()[ana.email].status in ("pending", "unsubscribed")


async def test_a_lost_reply_is_told_apart_and_asking_again_makes_no_second(stage: Stage) -> None:
    (template, *_) = starter.templates("Carla & Co <b>")
    for mood in (driven.LOST, driven.TRUNCATED):
        with stage.mood(mood):
            assert isinstance(await stage.put(MARIA), (RetryLater, Unknown)), mood
    stage.fake.moods.switch(driven.LOST, 4)
    said = await stage.connector.write(template, stage.connection)
    while not isinstance(said, Written):
        assert isinstance(said, (RetryLater, Unknown)), said
        said = await stage.connector.write(template, stage.connection)
    again = await stage.connector.write(msgspec.structs.replace(template, remote_id=said.id), stage.connection)
    assert again == said == await stage.connector.write(template, stage.connection)
    assert [one for one in stage.seen() if one == MARIA.email] == [MARIA.email]


async def test_each_word_of_trouble_is_the_right_one(stage: Stage) -> None:
    for mood, kind in ((driven.BUSY, RetryLater), (driven.BROKEN, RetryLater), (driven.DEAD, ReconnectNeeded)):
        with stage.mood(mood):
            told = [*await stage.everything(), await stage.connector.account(stage.connection, timeout_s=20)]
        assert {type(one) for one in told} == {kind}, mood
        if mood == driven.BUSY:
            assert {one.after_s for one in told} == {driven.RETRY_AFTER_S}
    with stage.mood(driven.SLOW):
        assert isinstance(await stage.connector.lists(stage.connection, timeout_s=0.2), RetryLater)
    with stage.mood(driven.ODD):
        kinds = [type(one) for one in await stage.everything()]
    assert kinds == [Upserted, tuple, Delivered, Delivered, Left, Written, Reports]
    if SPENT in stage.fake.moods.known:
        with stage.mood(SPENT):
            told = await stage.everything()
        assert {type(one) for one in told} == {Spent}
        assert all(0 < one.after_s <= 86_400 for one in told)


async def test_campaigns_are_told_in_our_numbers(stage: Stage) -> None:
    stage.fake.send(CARLA, "Summer offers", sends=200, opens=90, clicks=12)
    said = await stage.connector.reports(stage.connection, timeout_s=20)
    one = said.reports[0]
    assert (one.title, one.sends, one.opens, one.clicks) == ("Summer offers", 200, 90, 12)
    assert (one.bounces, one.unsubscribes, one.complaints) == (2, 1, 0)
    assert abs((clock.machine_now() - one.sent_at).total_seconds()) < 60


async def test_what_is_asked_and_answered_is_as_their_description_says(stage: Stage) -> None:
    stage.fake.send(CARLA, "Autumn", sends=10, opens=9, clicks=1)
    await stage.everything()
    exchanges: Any = stage.fake.exchanges  # type: ignore[attr-defined]
    fine = [one for one in exchanges if one.status < 400]
    assert len({(one.method, one.path) for one in fine}) > 6
    assert faults(stage.manifest.name, fine) == []


async def test_no_secret_and_nothing_personal_is_in_outcomes_or_logs(stage: Stage) -> None:
    told: list[Any] = [await stage.put(MARIA, TOM)]
    with capture_logs() as logs:
        for mood in sorted(set(stage.fake.moods.known) - {driven.SLOW}):
            with stage.mood(mood):
                told += await stage.everything()
    words = [msgspec.json.encode(getattr(one, "attempt", None)).decode() + getattr(one, "reason", "") for one in told]
    said = "\n".join([*words, repr(logs), repr(stage.connection)])
    secrets = [secret for several in stage.connection.secrets.values() for secret in several]
    assert not [one for one in (MARIA.last_name, MARIA.email, *ACCOUNTS, *secrets) if one in said]
    assert [one for one in told if isinstance(one, Rejected)] == []
