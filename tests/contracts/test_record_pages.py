"""The page of a connected CRM: chosen, looked at, decided, and nobody else's business."""

from collections.abc import AsyncIterator
from datetime import date

import pytest_asyncio

from tests.contracts.record_house import Book, Lane, laned
from tests.engines_fixture import Database, RunningPostgres
from wedsync.kit.config import Settings

DAY, LATER, LATEST = date(2027, 6, 5), date(2027, 6, 12), date(2027, 6, 19)


@pytest_asyncio.fixture(scope="module")
async def lane(database: Database, postgres: RunningPostgres, settings: Settings) -> AsyncIterator[Lane]:
    async with laned(database, postgres, settings) as made:
        yield made


@pytest_asyncio.fixture
async def book(lane: Lane) -> Book:
    lane.forget()
    return await lane.studio(direction="import")


async def test_a_crm_is_kept_and_decided_on_its_page(book: Book) -> None:
    studio = f"/studio/{book.business.supplier}"
    path = f"{studio}/records/{book.id}"
    assert f'href="{path}"' in await book.owner.see(f"{studio}/accounts/{book.id}")
    job = await book.make(name="Maria Santos", partner_name="Tom Okafor", wedding_on=DAY)
    await book.poll()
    page = await book.owner.see(path)
    for words in ("Maria Santos &amp; Tom Okafor", "In step", "Only read", "1 new clients", "Jobs that are clients"):
        assert words in page, words
    assert (await book.owner.send(path, direction="both")).status_code == 303
    assert (await book.owner.send(f"{path}/sync")).status_code == 303
    await book.settle()
    assert (await book.state())["direction"] == "both"
    await book.change(job, wedding_on=LATEST)
    await book.edit(await book.client(job), wedding_on=LATER.isoformat())
    await book.poll()
    page = await book.owner.see(path)
    for words in ("For you to decide", "Changed on both sides", "12 June 2027", "19 June 2027", "Keep the CRM’s"):
        assert words in page, words
    (conflict,) = await book.conflicts()
    for code in (303, 303):
        decided = await book.owner.send(f"{path}/conflicts/{conflict['id']}", keep="theirs")
        assert (decided.status_code, decided.headers["location"]) == (code, path)
    await book.settle()
    assert (await book.client(job))["wedding_on"] == LATEST.isoformat()
    assert "For you to decide" not in await book.owner.see(path)


async def test_nobody_else_sees_it_and_a_member_decides_nothing(book: Book) -> None:
    stranger = await book.lane.supplier("Others")
    studio = f"/studio/{book.business.supplier}"
    await stranger.owner.see(f"{studio}/records/{book.id}", code=404)
    await stranger.owner.see(f"/studio/{stranger.supplier}/records/{book.id}", code=404)
    member = await book.lane.person("colleague")
    said = {"email": member.email, "role": "member"}
    await book.owner.got("POST", f"/api/v1/suppliers/{book.business.supplier}/members", said, code=201)
    await member.see(f"{studio}/records/{book.id}", code=404)
    assert (await member.ask("PATCH", book.path, {"direction": "both"})).status_code in (403, 404)
    assert (await book.state())["direction"] == "import"
    assert (await stranger.owner.ask("GET", book.path)).status_code == 404
