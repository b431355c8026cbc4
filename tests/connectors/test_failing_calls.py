"""Whichever call of an exchange fails, what is asked of a connector is not said to be done, and asked again it is."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from tests.connectors.stages import Bell
from tests.connectors.test_marketing import BOOKED, MARIA, SUMMER, TOM
from tests.connectors.test_marketing import FOUND as MARKETS
from tests.connectors.test_marketing import Stage as MarketStage
from tests.connectors.test_records import FOUND as RECORDS
from tests.connectors.test_records import Stage as RecordStage
from wedsync.connections import manifest as manifests
from wedsync.connections.calendars.driven import ACCOUNTS
from wedsync.connections.chatting.contract import Opening, Post, Saying, Update
from wedsync.connections.contract import Connection, ReconnectNeeded, RetryLater, Tools, Unknown
from wedsync.connections.marketing import starter
from wedsync.connections.marketing.contract import Tagging, Trigger, Upsert
from wedsync.connections.records.contract import Found, Pull, Pulled, Push
from wedsync.connections.records.record import Record, checked
from wedsync.connections.stage import serving
from wedsync.connectors.slack.connector import connect as slack
from wedsync.connectors.slack.fake import Slack
from wedsync.kit import clock
from wedsync.kit.config import Settings
from wedsync.kit.http import Failure, Reply, Timing, Wire

CARLA = ACCOUNTS[0]
CALLS_MAX = 40
UNDONE = (RetryLater, Unknown, ReconnectNeeded)
NO_TIME = Timing(resolve_ms=0.0, first_byte_ms=0.0, total_ms=0.0, address="")
AWAY = Reply(status=503, headers={}, body=b"", ending="whole", timing=NO_TIME)


class Breaking(Wire):
    """A way out on which the call of this number meets a provider that is away."""

    def __init__(self) -> None:
        super().__init__(allow=("127.0.0.0/8",))
        self.calls = self.broken = 0

    async def request(self, *args: Any, **named: Any) -> Reply | Failure:
        self.calls += 1
        return AWAY if self.calls == self.broken else await super().request(*args, **named)

    async def each(self, ask: Callable[[], Awaitable[Any]]) -> Any:
        """Ask with each call failing in turn; at last with none, and what is said then."""
        for number in range(1, CALLS_MAX):
            self.calls, self.broken = 0, number
            said = await ask()
            if self.calls < number:
                assert not isinstance(said, UNDONE), said
                return said
            assert isinstance(said, UNDONE), f"call {number} failed, and this was said: {said}"
        raise AssertionError(f"more than {CALLS_MAX} calls")


@pytest.fixture
async def wire() -> AsyncIterator[Breaking]:
    made = Breaking()
    yield made
    await made.close()


@pytest.mark.parametrize("name", sorted(MARKETS))
async def test_marketing(wire: Breaking, name: str) -> None:
    fake = manifests.module(name, "fake").build(Settings())
    async with serving([fake]) as at:
        stage = MarketStage(MARKETS[name], fake, at, wire)
        one, to, lists = stage.connector, stage.connection, stage.list_id
        await one.upsert(Upsert(list_id=lists, contacts=(MARIA, TOM)), to)
        (template, *_) = starter.templates("Carla Studio")

        async def wrote(remote_id: str = "") -> Any:
            return await one.write(msgspec.structs.replace(template, remote_id=remote_id), to)

        who = (MARIA.email, TOM.email)
        asked: list[Callable[[], Awaitable[Any]]] = [
            lambda: one.account(to, timeout_s=20),
            lambda: one.lists(to, timeout_s=20),
            lambda: one.tag(Tagging(list_id=lists, gains={BOOKED: who, SUMMER: who}), to),
            lambda: one.tag(Tagging(list_id=lists, losses={BOOKED: who, "nobody had it": who}), to),
            lambda: one.left(lists, "", to, timeout_s=20),
            lambda: one.reports(to, timeout_s=20),
            lambda: one.withdraw(lists, TOM.email, to, timeout_s=20),
        ]
        if hasattr(one, "trigger"):
            asked.append(
                lambda: one.trigger(Trigger(list_id=lists, email=MARIA.email, place="1/2", milestone="booked"), to)
            )
        if hasattr(one, "hook"):
            asked.append(lambda: one.hook(lists, f"{at}/mailchimp/hooks", to, timeout_s=20))
        for ask in asked:
            if hasattr(one, "_centres"):
                # As another process has it: it does not know where the account lives.
                one._centres._known.clear()
            await wire.each(ask)
        written = await wire.each(wrote)
        await wire.each(lambda: wrote(written.id))


@pytest.mark.parametrize("name", sorted(RECORDS))
async def test_records(wire: Breaking, name: str) -> None:
    fake = manifests.module(name, "fake").build(Settings())
    bell = Bell()
    async with serving([fake], others=[bell.route()]) as at:
        stage = RecordStage(RECORDS[name], fake, at, wire, bell)
        maria = Record(
            name="Maria Santos", email="m@example.org", partner_name="Tom Okafor", wedding_on=date(2027, 6, 5)
        )
        id = await fake.make(CARLA, maria)

        async def pulled() -> Any:
            text = ""
            while True:
                page = await stage.connector.pull(Pull(cursor=text, timeout_s=20), stage.connection)
                if not isinstance(page, Pulled) or not page.has_more:
                    return page
                text = page.cursor

        await wire.each(lambda: stage.connector.account(stage.connection, timeout_s=20))
        await wire.each(pulled)
        if hasattr(stage.connector, "listed"):
            await wire.each(lambda: stage.connector.listed("", stage.connection, timeout_s=20))
        found = await wire.each(lambda: stage.connector.read(id, stage.connection, timeout_s=20))
        if not stage.is_writing or not isinstance(found, Found):
            return
        numbers = iter(range(CALLS_MAX))

        async def pushed() -> Any:
            now = await stage.connector.read(id, stage.connection, timeout_s=20)
            if not isinstance(now, Found):
                return now
            before = checked(now.record)
            names = {"name": f"Maria O{next(numbers)}", "partner_name": "Tomas Okafor", "wedding_on": date(2027, 6, 6)}
            wanted = checked(msgspec.structs.replace(before, **names))
            push = Push(id=id, etag=now.etag, record=wanted, before=before)
            return await stage.connector.push(push, stage.connection)

        await wire.each(pushed)


async def test_channels(wire: Breaking) -> None:
    fake = Slack()
    async with serving([fake]) as at:
        one = slack(Tools(wire=wire, machine_now=clock.machine_now, settings=dict(fake.settings_at(at))))
        to = Connection(id=uuid4(), secrets={"access_token": (fake.consent.issue(CARLA).access,)})
        fake.workspace(CARLA).add_person("ada@studio.example")
        emails = ("ada@studio.example", "nobody@example.org")
        opening = Opening(name="Maria & Tom", about="The wedding.", emails=emails)
        await wire.each(lambda: one.account(to, timeout_s=20))
        made = await wire.each(lambda: one.open(opening, to))
        saying = Saying(title="Moved", button="b1", url="https://a.test/x")
        post = Post(channel=made.id, key="k1", saying=saying)
        first = await wire.each(lambda: one.post(post, to))
        again = await wire.each(lambda: one.post(msgspec.structs.replace(post, may_be_there=True), to))
        assert again.id == first.id, "it is there, and not posted twice"
        update = Update(channel=made.id, message=first.id, key="k1", saying=saying)
        await wire.each(lambda: one.update(update, to))
        await wire.each(lambda: one.archive(made.id, to, timeout_s=20))
