"""Who waits for whom: what follows from a change holds up nobody who writes, and one supplier never another."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import msgspec

from tests.contracts.bookings_house import DAY, opened
from tests.contracts.town import Linked, Town
from tests.eventually import eventually
from wedsync.bookings import following, free
from wedsync.events.jobs import Job
from wedsync.processes.ticks import ending_bookings

CHECKS = "select pg_advisory_xact_lock(hashtextextended('conflicts:' || $1::text, 0))"
STREAM = "select top from streams where id = $1 for update nowait"
WAITS = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
OWED = "select args ->> 'supplier_id' from jobs where tenant_id = $1 and name = $2"
MOVE = "update bookings set at_local = '12:00', \"on\" = '2027-08-02' where id = $1"
OVER = "update bookings set expires_at = clock_timestamp() where id = $1"
ENDED = "select count(*) from bookings where id = any ($1::uuid[]) and state = 'cancelled'"


async def owing(town: Town, *, suppliers: int = 1) -> tuple[str, list[Linked]]:
    """A wedding that newly linked suppliers are yet to follow: each will be given a hold."""
    couple = await town.person()
    wedding = await town.wedding(couple, on=DAY)
    linked = [await town.linked(couple, wedding) for _ in range(suppliers)]
    await town.reactions(wedding)
    return wedding, linked


async def following_of(town: Town, wedding: str) -> dict[str, Job]:
    """What the wedding owes, leased, by the supplier it is for."""
    found = {}
    while job := await town.following(wedding):
        found[msgspec.json.decode(job.args or "{}")["supplier_id"]] = job
    return found


@asynccontextmanager
async def waiting(town: Town, asking: Any) -> AsyncIterator["asyncio.Task[Any]"]:
    """While `asking` waits for a lock of somebody else, who must have let go of it at the end."""
    task = asyncio.ensure_future(asking)
    await eventually(lambda: town.admin.fetchval(WAITS), what="it waits")
    yield task
    await task


async def held_by(business: Linked) -> Any:
    path = f"/api/v1/suppliers/{business.supplier}/bookings?from={DAY}&to={DAY}"
    return (await business.owner.got("GET", path))["items"]


async def test_a_hold_is_recorded_only_after_the_wait_for_the_check_before_it(
    town: Town, other: asyncpg.Connection
) -> None:
    """Whoever checks has `conflicts` and goes on to the stream: the other order would be a circle."""
    wedding, (business,) = await owing(town)
    (job,) = (await following_of(town, wedding)).values()
    before = other.transaction()
    await before.start()
    await other.execute(CHECKS, business.supplier)
    async with waiting(town, following.follow(town.door, job)):
        assert await other.fetchval(STREAM, UUID(business.supplier)) is not None
        await before.commit()
    assert [b["reason"] for b in await held_by(business)] == ["proposed"]


async def test_each_supplier_of_a_wedding_is_followed_by_itself(town: Town, other: asyncpg.Connection) -> None:
    wedding, (slow, quick) = await owing(town, suppliers=2)
    jobs = await following_of(town, wedding)
    assert set(jobs) == {slow.supplier, quick.supplier}
    before = other.transaction()
    await before.start()
    await other.fetchval(STREAM, UUID(slow.supplier))
    async with waiting(town, following.follow(town.door, jobs[slow.supplier])):
        await following.follow(town.door, jobs[quick.supplier])
        assert len(await held_by(quick)) == 1
        told = await town.events(wedding, "link_booking.changed")
        assert [e.link_id for e in told] == [UUID(quick.link)]
        await before.commit()
    told = await town.events(wedding, "link_booking.changed")
    assert [e.link_id for e in told] == [UUID(quick.link), UUID(slow.link)]


async def test_while_a_supplier_waits_to_follow_a_wedding_nothing_more_is_owed(town: Town) -> None:
    couple = await town.person()
    wedding = await town.wedding(couple, on=DAY)
    business = await town.linked(couple, wedding)
    for at in ("13:00:00", "14:00:00"):
        await couple.got("PATCH", f"/api/v1/weddings/{wedding}", {"ceremony_at": at})
        await town.reactions(wedding)
        owed = [row[0] for row in await town.admin.fetch(OWED, UUID(wedding), following.WORK)]
        assert owed == [business.supplier]
    await town.follow(wedding)
    (held,) = await town.events(business.supplier, "booking.held", kind="supplier")
    assert held.cause in {event.cause for event in await town.events(wedding)}


async def test_holds_of_each_supplier_end_by_themselves_and_open_calendars_hear_of_it(town: Town) -> None:
    studios = [await opened(town), await opened(town)]
    held = [UUID((await studio.book(state="hold"))["id"]) for studio in studios]
    for one in held:
        await town.admin.execute(OVER, one)
    heard: list[tuple[str, int]] = []

    async def published(nudge: str) -> None:
        (event,) = msgspec.json.decode(nudge)
        heard.append((event["stream"], await town.admin.fetchval(ENDED, held)))

    service = await asyncpg.connect(town.settings.door("service"))
    try:
        await ending_bookings(published)(service)
    finally:
        await service.close()
    assert [count for _, count in heard] == [1, 2]
    assert {stream for stream, _ in heard} == {f"supplier:{studio.supplier}" for studio in studios}


async def test_a_move_onto_what_another_is_just_booking_is_refused(town: Town, other: asyncpg.Connection) -> None:
    """The look before the move does not see it yet; the constraint does."""
    studio = await opened(town)
    moved, taken = await studio.book(on="2027-08-01"), await studio.book(on="2027-08-03")
    before = other.transaction()
    await before.start()
    await other.execute(MOVE, UUID(taken["id"]))
    change = {"on": "2027-08-02"}
    async with waiting(town, studio.owner.ask("PATCH", f"/api/v1/bookings/{moved['id']}", change)) as asking:
        await before.commit()
    answer = asking.result()
    assert (answer.status_code, answer.json()["code"]) == (409, "taken")


async def test_a_network_of_ipv6_addresses_asks_for_free_days_as_one(town: Town) -> None:
    async def ask(block: str, host: int) -> int:
        transport = httpx.ASGITransport(app=town.app, client=(f"2001:db8:0:{block}::{host:x}", 4000))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
            return (await http.get(f"/api/v1/free/none?from={DAY}&to={DAY}")).status_code

    for host in range(3 * free.ASKED.count):  # while Valkey is away, a process counts from the start by itself
        code = await ask("1", host)
        if code != 404:
            break
    assert code == 429
    assert await ask("2", 1) == 404
