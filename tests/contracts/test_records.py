"""A CRM and our clients come to the same, whoever changes what, and whatever the provider does meanwhile."""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from uuid import UUID

import pytest_asyncio

from tests.contracts.plan_house import Shop
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


async def test_how_often_a_crm_is_asked_by_itself_is_the_plans_and_of_a_wedding_that_is_near_nobodys(
    lane: Lane,
) -> None:
    lane.forget()
    book = await lane.studio(direction="import")
    shop = Shop(town=lane, business=book.business)

    async def put_off(plan: str) -> timedelta:
        """For how long the clock leaves it alone after a run on this plan."""
        await shop.give(plan)
        await book.poll()
        sql = "select next_poll_at - app.now() from record_progress where book_id = $1"
        left: timedelta = await lane.admin.fetchval(sql, UUID(book.id))
        return left

    assert timedelta(minutes=4) < await put_off("studio") < timedelta(minutes=6)
    assert timedelta(minutes=14) < await put_off("professional") <= timedelta(minutes=15)
    assert timedelta(minutes=59) < await put_off("starter") <= timedelta(hours=1)
    # What is not due is not asked for, and what a hook tells is fetched at once all the same.
    calls = book.calls
    await lane.admin.fetchval("select app.poke_due_records()")
    await book.settle()
    assert book.calls == calls
    job = await book.make(name="Maria Santos", wedding_on=DAY)
    await book.hook({"event": "job.created", "data": {"id": job}})
    assert (await book.client(job))["couple_names"] == "Maria Santos"
    # A wedding of theirs is today: nothing that it could need waits for a plan.
    couple = await lane.person()
    wedding = await lane.wedding(couple)
    await book.link(couple, wedding)
    await shop.live(wedding)
    assert await put_off("starter") < timedelta(minutes=6)
