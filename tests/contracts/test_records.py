"""A CRM and our clients come to the same, whoever changes what, and whatever the provider does meanwhile."""

from collections.abc import AsyncIterator
from datetime import date

import pytest_asyncio

from tests.contracts.record_house import Book, Lane, laned
from tests.engines_fixture import Database, RunningPostgres
from wedsync.connections.calendars import driven
from wedsync.kit.config import Settings

DAY, LATER = date(2027, 6, 5), date(2027, 6, 12)


@pytest_asyncio.fixture(scope="module")
async def lane(database: Database, postgres: RunningPostgres, settings: Settings) -> AsyncIterator[Lane]:
    async with laned(database, postgres, settings) as made:
        yield made


@pytest_asyncio.fixture
async def book(lane: Lane) -> Book:
    lane.forget()
    return await lane.studio()


async def test_a_job_becomes_a_client_and_follows_on_both_sides(book: Book) -> None:
    job = await book.make(name="Maria Santos", partner_name="Tom Okafor", wedding_on=DAY, venue="Quinta da Serra")
    await book.poll()
    client = await book.client(job)
    assert (client["couple_names"], client["stage"], client["venue"], client["source"], client["external_id"]) == (
        *("Maria Santos & Tom Okafor", "enquiry", "Quinta da Serra"),
        *("tave", job),
    )
    await book.change(job, stage="booked", wedding_on=LATER)
    await book.poll()
    client = await book.client(job)
    assert (client["stage"], client["wedding_on"]) == ("booked", LATER.isoformat())
    assert book.writes == 0
    await book.edit(client, stage="fulfilled", email="maria@example.org", phone="+351 210 000 000")
    await book.settle()
    there = book.there(job)
    assert (there.stage, there.email, there.phone) == ("fulfilled", "maria@example.org", "+351210000000")
    writes = book.writes
    for _ in range(3):
        await book.poll()
    assert book.writes == writes
    assert await book.conflicts() == []
    state = await book.state()
    assert (state["outcome"], state["clients"], state["direction"], state["is_told"]) == ("done", 1, "both", True)


async def test_nothing_is_asked_when_nothing_is_known_to_have_changed(book: Book) -> None:
    await book.make(name="Maria Santos", wedding_on=DAY)
    await book.poll()
    calls = book.calls
    await book.settle()
    await book.owner.got("POST", f"/api/v1/suppliers/{book.business.supplier}/clients", {"name": "Else"}, code=201)
    await book.settle()
    assert book.calls == calls


async def test_a_dead_key_stops_it_and_says_so(book: Book) -> None:
    book.lane.tave.moods.switch(driven.DEAD)
    await book.poll()
    assert (await book.state())["outcome"] == "reconnect"
