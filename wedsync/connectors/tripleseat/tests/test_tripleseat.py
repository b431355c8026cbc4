"""What is peculiar to Tripleseat: American dates, pages of HTML with 200, sites, ten calls a second, and its money."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wedsync.connections.calendars.driven import ACCOUNTS
from wedsync.connections.contract import Account, Connection, RetryLater, Tools, Unknown
from wedsync.connections.pace import Pace
from wedsync.connections.records.contract import Found, Hint, Listed, Pull, Pulled, Push, Pushed
from wedsync.connections.records.record import Record, checked
from wedsync.connections.records.stages import stage_of
from wedsync.connections.stage import serving
from wedsync.connectors.tripleseat import mapper
from wedsync.connectors.tripleseat.answers import wrote
from wedsync.connectors.tripleseat.client import us
from wedsync.connectors.tripleseat.connector import Tripleseat, connect
from wedsync.connectors.tripleseat.fake import HTML
from wedsync.connectors.tripleseat.fake import Tripleseat as Fake
from wedsync.connectors.tripleseat.fake_store import MONEY, NOTES
from wedsync.kit import clock
from wedsync.kit.http import Reply, Timing, Wire

CARLA = ACCOUNTS[0]
MARIA = Record(name="Maria Santos", partner_name="Tom Okafor", email="m@example.org", wedding_on=date(2027, 6, 5))


class Desk(msgspec.Struct):
    """The connector, its fake, and the hour by which the connector works."""

    fake: Fake
    connector: Tripleseat
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

    def asked(self, path: str) -> list[dict[str, str]]:
        return [one.query for one in self.fake.exchanges if one.path == path]


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


async def test_sites_are_never_mixed_and_changes_are_asked_for_by_an_american_day(desk: Desk) -> None:
    first, second = await desk.fake.make(CARLA, MARIA, 11), await desk.fake.make(CARLA, MARIA, 12)
    hints, text = await desk.pulled()
    assert [one.id for one in hints] == [first, second]
    assert [one["site_id"] for one in desk.asked("/v1/bookings.json")] == ["11", "12"]
    await desk.fake.change(CARLA, second, stage="booked")
    hints, _ = await desk.pulled(text)
    assert second in {one.id for one in hints}
    day = us(desk.now.date() - timedelta(days=1))
    assert [one["updated_since"] for one in desk.asked("/v1/bookings/search.json")] == [day, day]
    assert isinstance(await desk.connector.listed("", desk.connection, timeout_s=20), Listed)
    known = await desk.connector.account(desk.connection, timeout_s=20)
    assert known == Account(id="11", title="Quinta da Serra")


async def test_what_changed_long_ago_is_told_by_its_mark_and_read_once(desk: Desk) -> None:
    id = await desk.fake.make(CARLA, MARIA)
    assert [one.etag for one in (await desk.pulled())[0]] == [""]
    desk.now += timedelta(minutes=11)
    (hint,), _ = await desk.pulled()
    found = await desk.connector.read(id, desk.connection, timeout_s=20)
    assert isinstance(found, Found)
    assert hint.etag == found.etag != ""
    # Without a zone nobody knows how long ago it was, so it is read.
    desk.fake.venues[CARLA].bookings[int(id)]["updated_at"] = "11/21/2026 3:04 PM"
    assert [one.etag for one in (await desk.pulled())[0]] == [""]


async def test_a_page_of_html_with_200_is_no_answer(desk: Desk) -> None:
    id = await desk.fake.make(CARLA, MARIA)
    desk.fake.moods.switch(HTML)
    for said in (
        await desk.connector.account(desk.connection, timeout_s=20),
        await desk.connector.pull(Pull(cursor="", timeout_s=20), desk.connection),
        await desk.connector.read(id, desk.connection, timeout_s=20),
        await desk.connector.listed("", desk.connection, timeout_s=20),
    ):
        assert isinstance(said, RetryLater)
        assert "page" in said.reason
    for headers, body in (({"content-type": "text/html; charset=utf-8"}, b"x"), ({}, b"\n <!doctype html>")):
        reply = Reply(status=200, headers=headers, body=body, ending="whole", timing=Timing())
        written = wrote(reply, now=desk.now)
        assert isinstance(written, Unknown)
        assert written.repeat_is_safe
    lost = Reply(status=404, headers={}, body=b"<html>", ending="whole", timing=Timing())
    assert isinstance(wrote(lost, now=desk.now), RetryLater)


async def test_a_wedding_of_several_days_keeps_its_length_when_it_is_moved(desk: Desk) -> None:
    id = await desk.fake.make(CARLA, MARIA)
    desk.fake.venues[CARLA].lengthen(int(id), 2)
    moved = msgspec.structs.replace(MARIA, wedding_on=date(2027, 12, 30))
    pushed = await desk.connector.push(Push(id=id, etag="", record=moved, before=MARIA), desk.connection)
    assert isinstance(pushed, Pushed), pushed
    booking = desk.fake.venues[CARLA].bookings[int(id)]
    assert (booking["start_date"], booking["end_date"]) == ("12/30/2027", "1/1/2028")


async def test_money_and_notes_of_a_booking_get_nowhere(desk: Desk) -> None:
    id = await desk.fake.make(CARLA, MARIA)
    venue = desk.fake.venues[CARLA]
    answer = msgspec.json.encode({"booking": venue.shown(venue.booking(int(id)))})
    told = repr(await desk.connector.read(id, desk.connection, timeout_s=20))
    told += repr(msgspec.json.decode(answer, type=mapper.One))
    for word in (*MONEY.values(), NOTES):
        assert word in answer.decode()
        assert word not in told


async def test_turns_are_evenly_spaced_for_each_venue_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "monotonic", lambda: 100.0)
    pace = Pace(1000)
    waited = [await pace.turn("a", within_s=1.0) for _ in range(4)]
    assert [round(one, 3) for one in waited] == [0.0, 0.001, 0.002, 0.003]
    assert await pace.turn("b", within_s=0.0) == 0.0
    slow = Pace(1)
    await slow.turn("a", within_s=0.0)
    for _ in range(3):
        # Whoever cannot wait so long takes nobody's turn.
        with pytest.raises(TimeoutError):
            await slow.turn("a", within_s=0.5)


@given(st.dates())
def test_american_dates_are_read_as_they_are_written(day: date) -> None:
    assert mapper.day_of(us(day)) == (day, 0)
    assert mapper.day_of(day.isoformat()) == (day, 0)


def test_the_fifth_of_june_is_not_the_sixth_of_may_and_no_day_is_guessed() -> None:
    assert mapper.day_of("6/5/2027") == (date(2027, 6, 5), 0)
    assert [mapper.day_of(one) for one in ("13/1/2027", "soon", "2027-13-01")] == [(None, 1)] * 3
    assert mapper.day_of("") == mapper.day_of(None) == (None, 0)


def booking(**fields: Any) -> mapper.Booking:
    return mapper.Booking(id=1, **fields)


def test_statuses_people_and_places_are_read_for_what_they_are() -> None:
    stages = {one: mapper.to_found(booking(status=one)) for one in ("TENTATIVE", "Definite", "Turned Down", "Odd")}
    assert [one.record.stage for one in stages.values()] == ["held", "booked", "cancelled", "enquiry"]
    assert [one.unread for one in stages.values()] == [0, 0, 0, 1]
    ana, ben, cid = (mapper.Contact(id=number, first_name=name) for number, name in enumerate(("Ana", "Ben", "Cid")))
    assert mapper.couple(booking(contact=ben, contacts=(cid, ben, ana))) == [ben, ana]
    assert mapper.couple(booking()) == []
    rooms = (mapper.Named(name="Hall"), mapper.Named(name="Terrace"))
    placed = mapper.to_found(booking(location=mapper.Named(name="Quinta"), rooms=rooms))
    assert placed.record.venue == "Quinta, Hall and Terrace"


def test_the_words_of_booking_systems_mean_one_stage_each() -> None:
    said = {"Soft Hold": "held", "on-hold": "held", "CONFIRMED": "booked", "released": "cancelled", "lead": "enquiry"}
    assert {word: stage_of(word) for word in said} == said
    assert stage_of("maybe") is stage_of("") is None
    assert checked(mapper.spelled(Record(stage="fulfilled"))).stage == "booked"
    assert datetime(2026, 1, 1, tzinfo=UTC) == mapper.instant_of("2026-01-01T00:00:00+00:00")
