"""Random edits by a photographer, a CRM and a couple, with faults on the way: all come to one, and then it is quiet."""

import random
from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import pytest
import pytest_asyncio

from tests.contracts.record_house import Book, Lane, laned
from tests.engines_fixture import Database, RunningPostgres
from wedsync.clients.model import STAGES
from wedsync.connections.calendars import driven
from wedsync.connections.records.record import Record
from wedsync.connectors.tave import mapper
from wedsync.kit.config import Settings

STORMS = [
    *((25, seed) for seed in (1, 2)),
    *(pytest.param(400, seed, marks=pytest.mark.prove) for seed in range(500, 508)),
]
DAY = date(2027, 6, 5)
FAULTS = (driven.BUSY, driven.BROKEN, driven.LOST, driven.TRUNCATED, driven.ODD)
LOOKS_MAX = 40
WORDS = ("name", "partner_name", "email", "phone", "wedding_on")


@pytest_asyncio.fixture(scope="module")
async def lane(database: Database, postgres: RunningPostgres, settings: Settings) -> AsyncIterator[Lane]:
    async with laned(database, postgres, settings) as made:
        yield made


@pytest_asyncio.fixture
async def book(lane: Lane) -> Book:
    lane.forget()
    return await lane.studio()


class Storm:
    """Couples that are clients on both sides, and what happens to them."""

    def __init__(self, book: Book, seed: int) -> None:
        self.book = book
        self.rng = random.Random(seed)
        self.jobs: list[str] = []

    def _fields(self) -> dict[str, Any]:
        rng = self.rng
        choices: dict[str, Any] = {
            "name": rng.choice(("Maria Santos", "Ada Byron", "Marie du Plessis", "Zoë")),
            "partner_name": rng.choice(("Tom Okafor", "Ben", "Tomás Lima")),
            "email": rng.choice(("one@example.org", "two@example.org")),
            "phone": rng.choice(("+351210000000", "+351 210 000 001", "020 7946 0018")),
            "stage": rng.choice(list(STAGES)),
            "wedding_on": DAY + timedelta(days=rng.randrange(30)),
        }
        return {name: choices[name] for name in rng.sample(list(choices), rng.choice((1, 1, 2, 3)))}

    async def act(self) -> None:
        what = self.rng.choice(("make", "theirs", "theirs", "ours", "ours", "poll", "settle", "fault"))
        if what == "make" or not self.jobs:
            number = len(self.jobs)
            usual = {"name": f"Couple {number}", "partner_name": "Both", "email": f"c{number}@example.org"}
            self.jobs.append(await self.book.make(**usual, phone="+351210000009", wedding_on=DAY))
            await self.book.poll()
        elif what == "theirs":
            await self.book.change(self.rng.choice(self.jobs), **self._fields())
        elif what == "ours":
            await self._ours()
        elif what == "fault":
            self.book.lane.tave.moods.switch(self.rng.choice(FAULTS), self.rng.choice((1, 2, 3)))
        elif what == "poll":
            await self.book.poll()
        else:
            await self.book.settle()

    async def _ours(self) -> None:
        items = {one["id"]: one for one in await self.book.clients()}
        if not items:
            return
        fields = self._fields()
        if "wedding_on" in fields:
            fields["wedding_on"] = fields["wedding_on"].isoformat()
        await self.book.edit(items[self.rng.choice(sorted(items))], **fields)


@pytest.mark.parametrize(("acts", "seed"), STORMS)
async def test_random_edits_on_both_sides_with_faults_converge_without_echo(book: Book, acts: int, seed: int) -> None:
    storm = Storm(book, seed)
    for _ in range(acts):
        await storm.act()
    book.lane.tave.moods.switch("fine")
    # A look writes so many and no more: what a long storm left takes a few, and each may find what is to be decided.
    for _ in range(LOOKS_MAX):
        book.lane.tave.exchanges.clear()
        await book.poll()
        if not await book.conflicts() and not book.writes:
            break
        await book.decide(storm.rng.choice(("ours", "theirs")))
    assert await book.conflicts() == []
    assert (await book.state())["outcome"] == "done"
    clients = await book.clients()
    known = {one["external_id"] for one in (await book.owner.got("GET", f"{book.path}/items?limit=200"))["items"]}
    assert len(clients) == len(known)
    for job in storm.jobs:
        there = book.there(job)
        if job not in known:
            # Over before anybody here had heard of it.
            assert there.stage == "cancelled"
            continue
        ours = await book.client(job)
        on = ours["wedding_on"] and date.fromisoformat(ours["wedding_on"])
        words = {name: ours[name] for name in WORDS if name != "wedding_on"}
        mine = mapper.spelled(Record(stage=ours["stage"], wedding_on=on, **words))
        # A phone may stand there as somebody typed it: what reads back alike is no difference.
        theirs = mapper.spelled(there)
        assert [getattr(mine, name) for name in ("stage", *WORDS)] == [getattr(theirs, n) for n in ("stage", *WORDS)]
    versions = {one["id"]: one["version"] for one in clients}
    book.lane.tave.exchanges.clear()
    for _ in range(3):
        await book.poll()
    assert book.writes == 0
    assert {one["id"]: one["version"] for one in await book.clients()} == versions


async def test_the_couples_date_goes_to_the_crm_and_the_crm_does_not_move_it(lane: Lane) -> None:
    lane.forget()
    book = await lane.studio()
    couple = await lane.person()
    wedding = await lane.wedding(couple, on=DAY.isoformat())
    link = await book.link(couple, wedding)
    job = await book.make(name="Ana", partner_name="Ben", wedding_on=DAY, stage="booked")
    await book.poll(wedding)
    await book.join(job, wedding, link)
    # The couple moves its wedding: it is moved in the CRM.
    later = (DAY + timedelta(days=7)).isoformat()
    await couple.got("PATCH", f"/api/v1/weddings/{wedding}", {"on": later})
    await book.settle(wedding)
    assert book.there(job).wedding_on == date.fromisoformat(later)
    assert await book.conflicts() == []
    writes = book.writes
    # The CRM moves it: that is shown, and the couple's date stays.
    await book.change(job, wedding_on=DAY + timedelta(days=21))
    await book.poll(wedding)
    (conflict,) = await book.conflicts()
    assert conflict["about"] == ["wedding_on"]
    assert "couple" in conflict["why"]
    assert (await couple.got("GET", f"/api/v1/weddings/{wedding}"))["on"] == later
    assert book.writes == writes
    # It may be proposed to them, and is over when they agree.
    await book.decide("theirs")
    (conflict,) = await book.conflicts()
    assert "proposed" in conflict["why"]
    (proposal,) = (await couple.got("GET", f"/api/v1/weddings/{wedding}/proposals"))["items"]
    assert proposal["subject"] == "weddings"
    await book.decide("ours")
    assert book.there(job).wedding_on == date.fromisoformat(later)
    writes = book.writes
    for _ in range(2):
        await book.poll(wedding)
    assert (book.writes, await book.conflicts()) == (writes, [])


CYCLES = [(12, 1), *(pytest.param(150, seed, marks=pytest.mark.prove) for seed in range(700, 704))]


@pytest.mark.parametrize(("acts", "seed"), CYCLES)
async def test_a_couple_a_photographer_and_a_crm_come_to_the_couples_date_without_echo(
    lane: Lane, acts: int, seed: int
) -> None:
    """Three systems in a circle: whoever moved the date last, the couple decides, and then it is quiet."""
    lane.forget()
    book, couple, rng = await lane.studio(), await lane.person(), random.Random(seed)
    wedding = await lane.wedding(couple, on=DAY.isoformat())
    link = await book.link(couple, wedding)
    job = await book.make(name="Ana", partner_name="Ben", wedding_on=DAY, stage="booked")
    await book.poll(wedding)
    await book.join(job, wedding, link)
    path, on = f"/api/v1/weddings/{wedding}", DAY
    for _ in range(acts):
        day = DAY + timedelta(days=rng.randrange(40))
        what = rng.choice(("couple", "crm", "crm", "ours", "poll", "fault"))
        if what == "couple":
            on = day
            await couple.got("PATCH", path, {"on": on.isoformat()})
        elif what == "crm":
            await book.change(job, wedding_on=day, phone=f"+3512100000{rng.randrange(10, 99)}")
        elif what == "ours":
            await book.edit(await book.client(job), email=f"{rng.randrange(99)}@example.org")
        elif what == "fault":
            lane.tave.moods.switch(rng.choice(FAULTS), rng.choice((1, 2, 3)))
        else:
            await book.poll(wedding)
    lane.tave.moods.switch("fine")
    for keep in ("theirs", "ours", "ours"):
        await book.poll(wedding)
        await book.decide(keep)
        await book.settle(wedding)
    assert await book.conflicts() == []
    # The CRM's date was at most proposed; nobody but the couple has moved theirs.
    assert (await couple.got("GET", path))["on"] == on.isoformat()
    there, ours = book.there(job), await book.client(job)
    assert there.wedding_on == on
    assert (ours["email"], ours["phone"]) == (there.email, there.phone)
    writes, version, events = book.writes, ours["version"], len(await lane.events(wedding))
    for _ in range(3):
        await book.poll(wedding)
    assert (book.writes, (await book.client(job))["version"]) == (writes, version)
    assert len(await lane.events(wedding)) == events
