"""What is peculiar to HoneyBook: it is off until it is configured, its pipelines are everybody's own, and its money."""

from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
import pytest

from wedsync.connections import manifest as manifests
from wedsync.connections.calendars.driven import ACCOUNTS
from wedsync.connections.contract import Account, Connection, Rejected, RetryLater, Tools
from wedsync.connections.records.contract import Found, Hint, Pull, Pulled, Push, Pushed
from wedsync.connections.records.record import Record
from wedsync.connections.stage import serving
from wedsync.connectors.honeybook import mapper
from wedsync.connectors.honeybook.answers import read
from wedsync.connectors.honeybook.connector import HoneyBook, connect
from wedsync.connectors.honeybook.fake import HoneyBook as Fake
from wedsync.connectors.honeybook.fake_store import MONEY, NOTES
from wedsync.kit import clock
from wedsync.kit.config import Settings
from wedsync.kit.http import Reply, Timing, Wire

CARLA = ACCOUNTS[0]
MARIA = Record(name="Maria Santos", partner_name="Tom Okafor", email="m@example.org", wedding_on=date(2027, 6, 5))


class Desk(msgspec.Struct):
    """The connector, its fake, and the hour by which the connector works."""

    fake: Fake
    connector: HoneyBook
    connection: Connection
    now: datetime

    async def pulled(self, text: str = "") -> tuple[list[Hint], str]:
        hints: list[Hint] = []
        while True:
            page = await self.connector.pull(Pull(cursor=text, timeout_s=20), self.connection)
            assert isinstance(page, Pulled), page
            hints, text = [*hints, *page.hints], page.cursor
            if not page.has_more:
                return hints, text

    async def push(self, id: str, **fields: Any) -> Any:
        wanted = msgspec.structs.replace(MARIA, **fields)
        return await self.connector.push(Push(id=id, etag="", record=wanted, before=MARIA), self.connection)


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    fake, wire = Fake(), Wire(allow=("127.0.0.0/8",))
    try:
        async with serving([fake]) as at:
            made = Desk(fake, None, fake.connection(at, CARLA), clock.machine_now())  # type: ignore[arg-type]
            made.connector = connect(Tools(wire=wire, machine_now=lambda: made.now, settings=fake.settings_at(at)))
            yield made
    finally:
        await wire.close()


def test_nobody_can_connect_until_the_whole_profile_is_set() -> None:
    manifest = manifests.find()["honeybook"]
    names = {f"honeybook_{name}" for name in ("base_url", "client_id", "client_secret", "authorize_url", "token_url")}
    assert set(manifest.missing(Settings())) == names
    whole = dict.fromkeys(names, "https://x.test")
    assert manifest.missing(msgspec.structs.replace(Settings(), **whole)) == ()
    for name in names:
        assert manifest.missing(msgspec.structs.replace(Settings(), **{**whole, name: ""})) == (name,)


async def test_an_account_is_of_the_company(desk: Desk) -> None:
    assert await desk.connector.account(desk.connection, timeout_s=20) == Account(id="co-0", title="Carla Events")


async def test_a_stage_is_written_in_the_words_of_their_own_pipeline(desk: Desk) -> None:
    id = await desk.fake.make(CARLA, MARIA)
    company = desk.fake.companies[CARLA]
    company.pipeline = {"inquiry": "Inquiry", "retainer": "Under contract", "done": "CONFIRMED", "x": "Released"}
    assert isinstance(await desk.push(id, stage="booked"), Pushed)
    assert company.workspace(id)["stage_id"] == "done"
    refused = await desk.push(id, stage="completed")
    assert type(refused).__name__ == "Moved"
    company.workspace(id)["stage_id"] = "inquiry"
    refused = await desk.push(id, stage="completed", name="Maria Okafor")
    assert isinstance(refused, Rejected)
    assert "pipeline" in refused.reason
    assert company.record(id).name == MARIA.name


async def test_a_stage_that_no_word_of_ours_means_counts_as_unread(desk: Desk) -> None:
    id = await desk.fake.make(CARLA, MARIA)
    desk.fake.companies[CARLA].pipeline["inquiry"] = "Moodboard"
    found = await desk.connector.read(id, desk.connection, timeout_s=20)
    assert isinstance(found, Found)
    assert (found.record.stage, found.unread) == ("enquiry", 1)


async def test_changes_are_asked_for_from_before_the_last_reading_and_read_once(desk: Desk) -> None:
    id = await desk.fake.make(CARLA, MARIA)
    hints, text = await desk.pulled()
    assert [(one.id, one.etag) for one in hints] == [(id, "")]
    desk.now += timedelta(minutes=5)
    hints, text = await desk.pulled(text)
    assert [one.id for one in hints] == [id]
    desk.now += timedelta(minutes=6)
    (hint,), text = await desk.pulled()
    found = await desk.connector.read(id, desk.connection, timeout_s=20)
    assert isinstance(found, Found)
    assert hint.etag == found.etag != ""
    assert (await desk.pulled(text))[0] == []


async def test_money_and_notes_of_a_project_get_nowhere(desk: Desk) -> None:
    id = await desk.fake.make(CARLA, MARIA)
    company = desk.fake.companies[CARLA]
    answer = msgspec.json.encode(company.shown(company.workspace(id)))
    told = repr(await desk.connector.read(id, desk.connection, timeout_s=20))
    told += repr(msgspec.json.decode(answer, type=mapper.Workspace))
    for word in (*MONEY.values(), NOTES):
        assert word in answer.decode()
        assert word not in told


def test_a_page_in_place_of_data_is_no_answer() -> None:
    page = Reply(status=200, headers={}, body=b"<html>", ending="whole", timing=Timing())
    assert isinstance(read(page, mapper.Me, now=clock.machine_now()), RetryLater)
