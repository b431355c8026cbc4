"""What is peculiar to Workspace: its OpenAPI, its watermark of whole seconds, its closed jobs, and its money."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from wedsync.clients.model import STAGES, Stage
from wedsync.connections.calendars.driven import ACCOUNTS
from wedsync.connections.contract import Connection, Delivered, Rejected, Tools
from wedsync.connections.records.contract import Found, Hint, Pull, Pulled, Push, Pushed
from wedsync.connections.records.record import Record, checked
from wedsync.connections.stage import serving
from wedsync.connectors.tave import cursor, mapper
from wedsync.connectors.tave.answers import trouble
from wedsync.connectors.tave.connector import Tave, connect
from wedsync.connectors.tave.fake import Tave as Fake
from wedsync.connectors.tave.fake_store import LEAD_NOTES, MONEY
from wedsync.connectors.tave.tests.openapi import openapi
from wedsync.kit import clock
from wedsync.kit.http import Reply, Timing, Wire

CARLA = ACCOUNTS[0]
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
MARIA = Record(name="Maria Santos", partner_name="Tom Okafor", email="m@example.org", wedding_on=date(2027, 6, 5))


class Desk(msgspec.Struct):
    """The connector, its fake, and the hour by which the connector works."""

    fake: Fake
    connector: Tave
    connection: Connection
    now: datetime

    async def pulled(self, text: str) -> tuple[list[Hint], str]:
        hints: list[Hint] = []
        while True:
            page = await self.connector.pull(Pull(cursor=text, timeout_s=20), self.connection)
            assert isinstance(page, Pulled), page
            hints, text = [*hints, *page.hints], page.cursor
            if not page.has_more:
                return hints, text

    def stamp(self, id: str, at: datetime) -> None:
        self.fake.studios[CARLA].jobs[id]["modified"] = at.strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    fake, wire = Fake(), Wire(allow=("127.0.0.0/8",))
    try:
        async with serving([fake]) as at:
            made = Desk(fake, None, fake.connection(at, CARLA), NOW)  # type: ignore[arg-type]
            made.connector = connect(Tools(wire=wire, machine_now=lambda: made.now, settings=fake.settings_at(at)))
            yield made
    finally:
        await wire.close()


async def test_every_call_and_every_answer_of_the_fake_is_as_workspace_describes_it(desk: Desk) -> None:
    document = openapi()
    id = await desk.fake.make(CARLA, msgspec.structs.replace(MARIA, venue="Quinta", phone="+351210000000"))
    desk.fake.studios[CARLA].gallery(id, status="active", photoCount=620)
    desk.fake.studios[CARLA].note(id, "<p>They love <b>peonies</b>.</p>")
    assert await desk.connector.account(desk.connection, timeout_s=20)
    _, text = await desk.pulled("")
    await desk.fake.change(CARLA, id, name="Maria Okafor")
    await desk.pulled(text)
    before = checked((await _found(desk, id)).record)
    after = Record(
        stage="booked",
        wedding_on=date(2027, 7, 3),
        name="Marie",
        partner_name="Tomás Okafor Lima",
        email="marie@example.org",
        partner_email="tom@example.org",
        phone="020 7946 0018 ext",
        partner_phone="+351210000009",
        venue=before.venue,
    )
    wanted = checked(mapper.spelled(after))
    pushed = await desk.connector.push(Push(id=id, etag="", record=wanted, before=before), desk.connection)
    assert isinstance(pushed, Pushed), pushed
    for stage in ("cancelled", "held"):
        now = checked(pushed.found.record)
        then = checked(mapper.spelled(msgspec.structs.replace(now, stage=stage, wedding_on=None, email="")))
        pushed = await desk.connector.push(Push(id=id, etag="", record=then, before=now), desk.connection)
        assert isinstance(pushed, Pushed), pushed
    assert await desk.connector.listed("", desk.connection, timeout_s=20)
    said = await desk.connector.hook("https://wedsync.test/hooks/tave/1?secret=x", desk.connection, timeout_s=20)
    assert isinstance(said, Delivered)
    calls = list(desk.fake.exchanges)
    assert {one.status for one in calls} == {200, 201}
    assert len({(one.method, one.path.split("/")[1]) for one in calls}) >= 8
    assert [fault for call in calls for fault in document.faults(call)] == []


async def _found(desk: Desk, id: str) -> Found:
    found = await desk.connector.read(id, desk.connection, timeout_s=20)
    assert isinstance(found, Found), found
    return found


async def test_a_change_in_the_second_of_the_mark_is_named_again(desk: Desk) -> None:
    desk.now = clock.machine_now()
    first, second = [await desk.fake.make(CARLA, MARIA) for _ in range(2)]
    for id in (first, second):
        desk.stamp(id, desk.now)
    hints, text = await desk.pulled("")
    assert [one.etag for one in hints] == ["", ""]
    # In the same second, after we read it.
    desk.fake.studios[CARLA].jobs[first]["stage"] = "booked"
    hints, text = await desk.pulled(text)
    assert first in {one.id for one in hints}
    # Once the clock is well past it, nothing of that second can come any more, and nothing is asked.
    desk.now += timedelta(minutes=11)
    _, text = await desk.pulled(text)
    calls = len(desk.fake.exchanges)
    hints, _ = await desk.pulled(text)
    assert hints == []
    assert len(desk.fake.exchanges) == calls + len(cursor.PHASES)


async def test_jobs_that_changed_long_ago_are_read_only_if_they_are_others(desk: Desk) -> None:
    desk.now = clock.machine_now() + timedelta(hours=1)
    id = await desk.fake.make(CARLA, MARIA)
    (hint,), _ = await desk.pulled("")
    assert hint.etag == (await _found(desk, id)).etag != ""


def test_the_mark_reaches_back_only_as_long_as_it_is_young() -> None:
    assert cursor.Mark(NOW, NOW).floor == NOW - cursor.OVERLAP
    assert cursor.Mark(NOW, NOW + cursor.YOUNG).floor == NOW
    kept = cursor.Cursor(done={"jobs": cursor.Mark(NOW, NOW)}, phase="jobs", page=3)
    assert cursor.read(cursor.written(kept)) == kept


async def test_money_and_notes_of_a_job_get_nowhere(desk: Desk) -> None:
    id = await desk.fake.make(CARLA, MARIA)
    answer = msgspec.json.encode(desk.fake.studios[CARLA].worksheet(id)).decode()
    found = await _found(desk, id)
    told = repr(found) + repr(msgspec.json.decode(answer, type=mapper.Worksheet))
    for word in (*map(str, MONEY.values()), LEAD_NOTES):
        assert word in answer or word == "12"
        assert word == "12" or word not in told


def sheet(**fields: Any) -> mapper.Worksheet:
    return mapper.Worksheet(id="1", modified=NOW, **fields)


def test_stages_closed_jobs_and_odd_dates_are_read_for_what_they_are() -> None:
    stages = {one: mapper.to_found(sheet(stage=one)).record.stage for one in ("lead", "booked", "fulfillment", "new")}
    assert stages == {"lead": "enquiry", "booked": "booked", "fulfillment": "fulfilled", "new": "enquiry"}
    assert mapper.to_found(sheet(stage="new", event_date="soon")).unread == 2
    closed = [mapper.to_found(sheet(stage=one, closed=True)).record.stage for one in ("lead", "booked", "completed")]
    assert closed == ["cancelled", "cancelled", "completed"]


@pytest.mark.parametrize("was", ["enquiry", "booked", "fulfilled", "completed", "cancelled"])
def test_each_stage_reads_back_as_it_was_written_whatever_the_job_was(was: Stage) -> None:
    there = {"stage": mapper.THEIRS.get(was, "booked"), "closed": was in ("completed", "cancelled")}
    for wanted in STAGES:
        written = Record(stage=wanted)
        body = mapper.to_job(written, ["stage"], was=was)
        assert mapper.to_found(sheet(**there | body)).record.stage == mapper.spelled(written).stage


def test_who_wishes_to_be_forgotten_is() -> None:
    def on_job(id: str, **fields: Any) -> mapper.OnJob:
        return mapper.OnJob(mapper.Contact(kind="person", id=id, first_name=id), id=id, **fields)

    ada, ben = on_job("a", role_kinds=("subject",)), on_job("b", client=True)
    vendor = on_job("0", role_kinds=("vendor",))
    assert [one.id for one in mapper.couple((ada, vendor, ben))] == ["b", "a"]
    gone = msgspec.structs.replace(ben, contact=msgspec.structs.replace(ben.contact, anonymized=True))
    record = mapper.to_found(sheet(contacts=(ada, gone))).record
    assert (record.name, record.partner_name) == ("", "a")


def test_a_refusal_names_fields_and_never_what_was_in_them() -> None:
    body = msgspec.json.encode(
        {"type": "validation-error", "title": "x", "detail": {"eventDate": "maria@example.org"}, "status": 400}
    )
    reply = Reply(status=400, headers={}, body=body, ending="whole", timing=Timing())
    said = trouble(reply, now=NOW)
    assert isinstance(said, Rejected)
    assert "eventDate" in said.reason
    assert "maria" not in said.reason + repr(said.attempt)
    assert uuid4().hex not in said.reason
