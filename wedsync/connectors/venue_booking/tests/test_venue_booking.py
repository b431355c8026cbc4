"""What is peculiar to the venue API: its schema, its versions, its spaces and their plans, and the guard."""

import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jsonschema_rs
import msgspec
import pytest

from wedsync.connections.calendars import driven
from wedsync.connections.calendars.driven import ACCOUNTS
from wedsync.connections.contract import Account, Connection, Delivered, Rejected, RetryLater, Tools
from wedsync.connections.records.contract import Found, Houses, Moved, Pull, Pulled, Push, Pushed, RemoteSpace, Use
from wedsync.connections.records.record import Record
from wedsync.connections.stage import serving
from wedsync.connections.standin import Exchange
from wedsync.connectors.venue_booking import mapper
from wedsync.connectors.venue_booking.answers import wrote
from wedsync.connectors.venue_booking.connector import VenueBooking, connect
from wedsync.connectors.venue_booking.fake import VenueSystem
from wedsync.connectors.venue_booking.fake_store import PRICE
from wedsync.kit import clock
from wedsync.kit.http import Reply, Timing, Wire

CARLA = ACCOUNTS[0]
SCHEMA = json.loads((Path(__file__).parents[1] / "schema.json").read_text("utf-8"))
MARIA = Record(
    stage="held", name="Maria Santos", partner_name="Tom Okafor", email="m@example.org", wedding_on=date(2027, 6, 5)
)
CEREMONY = {
    "part": "ceremony",
    "space_id": "terrace",
    "arrangement": "standing",
    "setup_at": "10:00",
    "ready_by": "13:30",
    "starts_at": "14:00:00",
}


class Desk(msgspec.Struct):
    """The connector and its fake."""

    fake: VenueSystem
    connector: VenueBooking
    connection: Connection

    async def found(self, id: str) -> Found:
        found = await self.connector.read(id, self.connection, timeout_s=20)
        assert isinstance(found, Found), found
        return found


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    fake, wire = VenueSystem(), Wire(allow=("127.0.0.0/8",))
    try:
        async with serving([fake]) as at:
            tools = Tools(wire=wire, machine_now=clock.machine_now)
            yield Desk(fake, connect(tools), fake.connection(at, CARLA))
    finally:
        await wire.close()


def faults(name: str, value: Any) -> list[str]:
    whole = {"$defs": SCHEMA["$defs"], "$ref": f"#/$defs/{quote(name.replace('/', '~1'))}"}
    return [f"{name}: {error.message}" for error in jsonschema_rs.Draft202012Validator(whole).iter_errors(value)]


def judged(call: Exchange) -> list[str]:
    """What in this call is not as the schema has it."""
    name = f"{call.method} {re.sub('^/bookings/.+', '/bookings/{id}', call.path)}"
    asked = faults("change", call.body) if call.body is not None else []
    return [*asked, *faults(name, call.answer)]


async def test_every_call_and_every_answer_is_as_the_schema_has_it(desk: Desk) -> None:
    id = await desk.fake.make(CARLA, MARIA)
    desk.fake.houses[CARLA].plan(id, CEREMONY)
    known = await desk.connector.account(desk.connection, timeout_s=20)
    assert known == Account(id="quinta", title="Quinta da Serra")
    assert isinstance(await desk.connector.pull(Pull(cursor="", timeout_s=20), desk.connection), Pulled)
    after = Record(stage="booked", name="Maria", phone="1", partner_name="Tom Okafor", email="m@example.org")
    pushed = await desk.connector.push(Push(id=id, etag="", record=after, before=MARIA), desk.connection)
    assert isinstance(pushed, Pushed), pushed
    assert await desk.connector.spaces(desk.connection, timeout_s=20)
    calls = list(desk.fake.exchanges)
    assert {one.method for one in calls} == {"GET", "PATCH"}
    assert [fault for call in calls for fault in judged(call)] == []


async def test_spaces_and_what_is_planned_in_them_are_read(desk: Desk) -> None:
    assert isinstance(desk.connector, Houses)
    assert await desk.connector.spaces(desk.connection, timeout_s=20) == (
        RemoteSpace(id="hall", name="Great hall", seated_max=120, standing_max=180),
        RemoteSpace(id="terrace", name="Terrace", standing_max=90),
    )
    id = await desk.fake.make(CARLA, MARIA)
    odd = ({**CEREMONY, "part": "fireworks"}, {**CEREMONY, "setup_at": "noon"}, {**CEREMONY, "ready_by": "13:00+01:00"})
    desk.fake.houses[CARLA].plan(id, CEREMONY, *odd)
    found = await desk.found(id)
    assert found.uses == (
        Use(
            part="ceremony",
            space_id="terrace",
            arrangement="standing",
            setup_at=time(10),
            ready_by=time(13, 30),
            starts_at=time(14),
        ),
    )
    assert found.unread == 3
    desk.fake.moods.switch(driven.TRUNCATED)
    assert isinstance(await desk.connector.spaces(desk.connection, timeout_s=20), RetryLater)


async def test_what_changes_between_reading_and_writing_is_not_overwritten(desk: Desk) -> None:
    id = await desk.fake.make(CARLA, MARIA)
    house, taken = desk.fake.houses[CARLA], desk.fake.moods.take
    calls = iter((lambda: None, lambda: house.change(id, {"phone": "1"})))

    def meanwhile() -> str:
        next(calls, lambda: None)()
        return taken()

    desk.fake.moods.take = meanwhile  # type: ignore[method-assign]
    ours = msgspec.structs.replace(MARIA, stage="booked")
    said = await desk.connector.push(Push(id=id, etag="", record=ours, before=MARIA), desk.connection)
    assert isinstance(said, Moved)
    assert house.record(id).stage == "held"


async def test_the_next_reading_begins_when_this_one_began_by_the_systems_own_clock(desk: Desk) -> None:
    desk.fake.page_size = 1
    ids = [await desk.fake.make(CARLA, MARIA) for _ in range(2)]
    first = await desk.connector.pull(Pull(cursor="", timeout_s=20), desk.connection)
    assert isinstance(first, Pulled)
    assert first.has_more
    # Changed behind the page that was read, before the reading ended.
    await desk.fake.change(CARLA, ids[0], stage="booked")
    second = await desk.connector.pull(Pull(cursor=first.cursor, timeout_s=20), desk.connection)
    assert isinstance(second, Pulled)
    assert not second.has_more
    third = await desk.connector.pull(Pull(cursor=second.cursor, timeout_s=20), desk.connection)
    assert isinstance(third, Pulled)
    assert [(one.id, one.etag) for one in third.hints] == [(ids[0], "2")]


async def test_an_address_inside_our_network_is_never_called(desk: Desk) -> None:
    wire = Wire()
    try:
        guarded = connect(Tools(wire=wire, machine_now=clock.machine_now))
        said = await guarded.account(desk.connection, timeout_s=5)
    finally:
        await wire.close()
    assert isinstance(said, RetryLater)
    assert said.tries_max is not None
    assert not desk.fake.exchanges


async def test_prices_get_nowhere(desk: Desk) -> None:
    id = await desk.fake.make(CARLA, MARIA)
    told = repr(await desk.found(id))
    answer = msgspec.json.encode(desk.fake.houses[CARLA].bookings[id])
    told += repr(msgspec.json.decode(answer, type=mapper.Booking))
    for word in PRICE.values():
        assert word in answer.decode()
        assert word not in told


def test_statuses_of_other_words_and_odd_numbers_are_read_for_what_they_are() -> None:
    def stage(word: str) -> tuple[str, int]:
        found = mapper.to_found(mapper.Booking(id="1", version="1", status=word, date="someday"))
        return found.record.stage, found.unread

    assert [stage(one) for one in ("Option", "confirmed", "released", "dreaming")] == [
        *(("held", 1), ("booked", 1), ("cancelled", 1)),
        ("enquiry", 2),
    ]
    odd = mapper.Spaces(spaces=(mapper.Space(id="", name="x"), mapper.Space(id="a", name="A", seated_max=10**9)))
    assert mapper.to_spaces(odd) == (RemoteSpace(id="a", name="A"),)


def test_a_refused_change_is_told_without_a_word_of_theirs() -> None:
    reply = Reply(status=422, headers={}, body=b"maria@example.org is odd", ending="whole", timing=Timing())
    said = wrote(reply, now=datetime(2026, 11, 21, tzinfo=UTC))
    assert isinstance(said, Rejected)
    assert not isinstance(said, Delivered)
    assert "maria" not in said.reason + repr(said.attempt)
