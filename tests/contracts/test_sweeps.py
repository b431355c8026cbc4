"""Portfolios are brought up to date for all weddings that wait at once, each told in its supplier's stream."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from tests.contracts.sweeping import sweeping
from tests.contracts.town import Linked, Somebody, Town
from tests.eventually import eventually
from wedsync.events.catalogue import Catalogue, Reaction
from wedsync.events.jobs import Queue
from wedsync.kit import traces
from wedsync.kit.db import Door, connect_pool
from wedsync.kit.traces import Span, Tracer
from wedsync.processes import registry
from wedsync.suppliers.actions import queries
from wedsync.suppliers.reactions import index_follows

OWED = "select * from jobs where name = 'suppliers.refresh_index' and tenant_id = any ($1) order by made_at"
ROWS = "select wedding_id, couple_names, waiting from supplier_index where supplier_id = $1"


class House:
    """Weddings that one business works on, all of whose portfolio rows are up to date, and the queue."""

    def __init__(self, town: Town, queue: Queue, told: list[str]) -> None:
        self.town = town
        self.queue = queue
        self.told = told
        self.couples: dict[str, Somebody] = {}

    async def settle(self) -> None:
        while await self.queue.sweep(queries.sweep_index):
            pass

    async def rename(self, wedding: str, name: str) -> None:
        await self.couples[wedding].got("PATCH", f"/api/v1/weddings/{wedding}", {"couple_names": name})

    async def owed(self) -> list[asyncpg.Record]:
        rows: list[asyncpg.Record] = await self.town.admin.fetch(OWED, [UUID(wedding) for wedding in self.couples])
        return rows

    async def rows(self, supplier: str) -> dict[str, str]:
        rows = await self.town.admin.fetch(ROWS, UUID(supplier))
        return {str(row["wedding_id"]): row["couple_names"] for row in rows}


@pytest_asyncio.fixture
async def house(town: Town) -> AsyncIterator[House]:
    told: list[str] = []

    async def published(nudge: str) -> None:
        told.append(nudge)

    pool = await connect_pool(town.settings.door("service"), size=3, application="tests")
    try:
        yield House(town, Queue(Door(pool), published=published), told)
    finally:
        await pool.close()


async def linked(house: House, weddings: int = 3) -> Linked:
    ana = await house.town.person()
    wedding = await house.town.wedding(ana)
    business = await house.town.linked(ana, wedding)
    house.couples[wedding] = ana
    for _ in range(weddings - 1):
        couple = await house.town.person()
        other = await house.town.wedding(couple)
        asked = {"supplier_name": "Marlow Photo", "email": business.owner.email, "level": "basic"}
        link = (await couple.got("POST", f"/api/v1/weddings/{other}/links", asked, code=201))["id"]
        await business.owner.got("POST", f"/api/v1/links/{link}/answer", {"supplier_id": business.supplier}, code=204)
        house.couples[other] = couple
    await house.settle()
    return business


async def told_in(house: House, supplier: str) -> list[Any]:
    return await house.town.events(supplier, "portfolio.changed", "portfolio.removed", kind="supplier")


async def test_one_sweep_brings_every_wedding_that_waits_up_to_date_and_ends_its_job(house: House) -> None:
    business = await linked(house)
    before = len(await told_in(house, business.supplier))
    for wedding in house.couples:
        await house.rename(wedding, f"Couple {wedding}")
    assert len(await house.owed()) == 3
    house.told.clear()
    assert await house.queue.sweep(queries.sweep_index) == 3
    assert await house.rows(business.supplier) == {wedding: f"Couple {wedding}" for wedding in house.couples}
    assert await house.owed() == []
    events = (await told_in(house, business.supplier))[before:]
    assert [e.seq for e in events] == list(range(events[0].seq, events[0].seq + 3))
    assert len(house.told) == 1  # one nudge, with all three


async def test_what_a_sweep_tells_has_the_cause_of_the_change_it_follows(house: House) -> None:
    business = await linked(house)
    for wedding in house.couples:
        await house.rename(wedding, f"Couple {wedding}")
    await house.settle()
    causes = {}
    for wedding in house.couples:
        changed = await house.town.events(wedding, "wedding.changed")
        causes[f"Couple {wedding}"] = changed[-1].cause
    told = (await told_in(house, business.supplier))[-3:]
    assert {e.record["couple_names"]: e.cause for e in told} == causes


async def test_a_link_that_ended_leaves_the_portfolio_with_the_sweep_and_no_other_does(house: House) -> None:
    business = await linked(house)
    wedding, couple = next(iter(house.couples.items()))
    await couple.got("DELETE", f"/api/v1/links/{business.link}", code=204)
    await house.settle()
    assert set(await house.rows(business.supplier)) == set(house.couples) - {wedding}
    assert (await told_in(house, business.supplier))[-1].type == "portfolio.removed"


async def test_a_sweep_tells_nobody_of_a_wedding_that_is_not_theirs(house: House) -> None:
    first, other = await linked(house, 1), await linked(house, 1)
    mine, theirs = house.couples
    for wedding in house.couples:
        await house.rename(wedding, f"Couple {wedding}")
    assert await house.queue.sweep(queries.sweep_index) == 2
    for business, wedding in ((first, mine), (other, theirs)):
        assert await house.rows(business.supplier) == {wedding: f"Couple {wedding}"}
        assert {e.record["wedding_id"] for e in await told_in(house, business.supplier)} == {wedding}


async def test_a_change_that_is_not_committed_is_waited_for_and_never_missed(house: House) -> None:
    """It relies on the job that waits: a sweep in between would read what stood before, and nobody would look again."""
    business = await linked(house, 1)
    (wedding,) = house.couples
    await house.rename(wedding, "First")
    async with house.town.admin.transaction():
        await house.town.admin.execute("select from jobs where id = $1 for update", (await house.owed())[0]["id"])
        assert await house.queue.sweep(queries.sweep_index) == 0
    assert await house.queue.sweep(queries.sweep_index) == 1
    assert await house.rows(business.supplier) == {wedding: "First"}


async def test_what_was_ever_claimed_is_left_to_whoever_claims_it(house: House) -> None:
    await linked(house, 2)
    for wedding in house.couples:
        await house.rename(wedding, "Anew")
    tried, _ = await house.owed()
    await house.town.admin.execute("update jobs set attempt = 1 where id = $1", tried["id"])
    assert await house.queue.sweep(queries.sweep_index) == 1
    assert [job["id"] for job in await house.owed()] == [tried["id"]]


async def test_without_a_sweep_it_is_claimed_like_any_other_a_second_later(house: House) -> None:
    await linked(house, 1)
    (wedding,) = house.couples
    await house.rename(wedding, "Anew")
    (job,) = await house.owed()
    assert 0.5 < (job["run_at"] - job["made_at"]).total_seconds() < 2
    assert "suppliers.refresh_index" in await house.town.react(wedding)


async def test_sweeps_at_once_do_every_wedding_once(house: House) -> None:
    business = await linked(house, 6)
    for wedding in house.couples:
        await house.rename(wedding, f"Couple {wedding}")
    before = len(await told_in(house, business.supplier))
    done = await asyncio.gather(*(house.queue.sweep(queries.sweep_index) for _ in range(3)))
    assert sum(done) == 6
    assert len(await told_in(house, business.supplier)) == before + 6
    assert await house.rows(business.supplier) == {wedding: f"Couple {wedding}" for wedding in house.couples}


async def test_the_worker_sweeps_when_it_hears_of_what_owes_it(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    spans: list[Span] = []
    monkeypatch.setattr(traces, "_tracer", Tracer(spans.append, share=100))
    business = await linked(house, 1)
    (wedding,) = house.couples

    async def shown() -> Any:
        return await house.rows(business.supplier) == {wedding: "Heard"}

    async with sweeping(house.queue, registry.catalogue(house.town.settings)) as sweeper:
        await eventually(lambda: not sweeper._woken.is_set())
        await house.rename(wedding, "Heard")
        sweeper.hear(b'[{"type": "rsvp.replied"}]')
        assert not sweeper._woken.is_set()
        sweeper.hear(b'[{"type": "wedding.changed"}]')
        await eventually(shown)
    span = spans[-1]
    assert (span.name, span.said["wedsync.jobs"], span.error) == (f"sweep {span.said['wedsync.job.name']}", 1, "")
    assert span.began_ns < span.ended_ns


async def test_a_sweep_that_fails_is_told_and_stops_no_other(house: House) -> None:
    business = await linked(house, 1)
    (wedding,) = house.couples
    known = registry.catalogue(house.town.settings)
    broken = Reaction(
        name="suppliers.broken",
        types=("wedding.changed",),
        run=known.reactions["suppliers.refresh_index"].run,
        is_merged=True,
        sweep="select 1 / 0 as done, null as nudge",
    )
    await house.rename(wedding, "Whole")
    catalogue = Catalogue(known.types.values(), [broken, index_follows("wedding.changed")])

    async def shown() -> Any:
        return await house.rows(business.supplier) == {wedding: "Whole"}

    with capture_logs() as told:
        async with sweeping(house.queue, catalogue):
            await eventually(shown)
    assert "sweep_failed" in [line["event"] for line in told]


def test_only_a_merged_reaction_can_be_swept() -> None:
    known = registry.catalogue()
    alone = Reaction(name="suppliers.alone", types=("wedding.changed",), run=known, sweep="select 1")
    with pytest.raises(ValueError, match="only a merged one"):
        Catalogue(known.types.values(), [alone])


async def test_people_cannot_ask_for_a_sweep(house: House) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await house.town.door.pool.fetch(queries.sweep_index)
