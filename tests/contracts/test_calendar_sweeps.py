"""What of calendars and bookings is done for all businesses at once, and what is left to the claims."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from tests.contracts.bookings_house import DAY, Studio, opened
from tests.contracts.calendar_house import Kept, Provider, of_studio
from tests.contracts.sweeping import sweeping
from tests.contracts.town import LEASE_WORK, Town
from tests.eventually import eventually
from wedsync.bookings.reactions import queries as checks
from wedsync.connections.calendars.reactions import queries
from wedsync.connections.elements import Element
from wedsync.connections.inbox import Inbox, Source
from wedsync.events.jobs import Job, Queue
from wedsync.kit.db import Door, connect_pool
from wedsync.processes import registry

OWED = "select * from jobs where name = $1 and tenant_id = any ($2) order by made_at"
HOOKS = "select status, type from inbox_hooks where source_id = $1 order by number"
LATE = "update jobs set run_at = clock_timestamp() where name = $1 and tenant_id = any ($2)"
LIVE = """insert into wedding_days (wedding_id, "on", zone, live_from, live_until)
    values ($1, app.now()::date, 'Europe/London', app.now() - interval '1 hour', app.now() + interval '5 hours')"""
CHECKING = "select pg_advisory_xact_lock(hashtextextended('conflicts:' || $1::text, 0))"
OTHER_DAY = "2027-07-10"


class Fair:
    """Businesses with a calendar each, in step, and the queue."""

    def __init__(self, town: Town, queue: Queue, all_kept: Sequence[Kept], studios: Sequence[Studio]) -> None:
        self.town = town
        self.queue = queue
        self.kept = all_kept
        self.studios = studios
        self.tenants = [UUID(one.tenant) for one in all_kept]

    async def owed(self, name: str) -> list[asyncpg.Record]:
        rows: list[asyncpg.Record] = await self.town.admin.fetch(OWED, name, self.tenants)
        return rows

    async def book(self) -> None:
        for studio in self.studios:
            await studio.book(on=OTHER_DAY)

    async def told(self, kept: Kept, *keys: str, is_look: bool = True) -> None:
        """The inbound door took something of an account."""
        version = await self.town.admin.fetchval("select version from connections where id = $1", kept.connection)
        source = Source(
            id=kept.connection,
            tenant=UUID(kept.tenant),
            connector="google_calendar",
            verified_by="google_channel",
            connection=kept.connection,
            version=version,
        )
        inbox = Inbox(self.town.door, self.town.ring)
        assert await inbox.keep(source, [Element(key, b"{}", is_look) for key in keys], {})

    async def hooks(self, kept: Kept) -> list[tuple[str, str]]:
        return [tuple(row) for row in await self.town.admin.fetch(HOOKS, kept.connection)]


@pytest_asyncio.fixture
async def fair(town: Town) -> AsyncIterator[Fair]:
    studios = [await opened(town), await opened(town)]
    provider = Provider()
    all_kept = [await of_studio(studio, provider) for studio in studios]
    pool = await connect_pool(town.settings.door("service"), size=3, application="tests")
    # What tests before have left owed or leased is nobody's.
    await town.admin.execute("delete from jobs where tenant_id <> all ($1)", [UUID(one.tenant) for one in all_kept])
    try:
        yield Fair(town, Queue(Door(pool)), all_kept, studios)
    finally:
        await pool.close()


async def test_one_sweep_marks_the_bookings_of_every_business_and_each_calendar_has_its_own(fair: Fair) -> None:
    await fair.book()
    assert await fair.queue.sweep(queries.sweep_marks) == 2
    assert await fair.owed("calendars.mark_booking") == []
    assert len(await fair.owed("calendars.sync")) == 2
    for kept in fair.kept:
        await kept.settle()
        assert len(kept.diary.ours()) == 1
    assert await fair.queue.sweep(queries.sweep_marks) == 0


async def test_a_booking_that_changes_twice_is_marked_once_and_asked_for_once(fair: Fair) -> None:
    studio, kept = fair.studios[0], fair.kept[0]
    booking = await studio.book(on=OTHER_DAY)
    await studio.owner.got("PATCH", f"/api/v1/bookings/{booking['id']}", {"on": "2027-07-11"})
    assert await fair.queue.sweep(queries.sweep_marks) == 2
    assert len(await fair.owed("calendars.sync")) == 1
    await kept.settle()
    assert len(kept.diary.ours()) == 1


@pytest.mark.parametrize("name", ["calendars.mark_booking", "bookings.check_booking"])
async def test_what_no_sweep_came_to_can_be_claimed_a_second_later(fair: Fair, name: str) -> None:
    await fair.book()
    sweep = queries.sweep_marks if name.startswith("calendars") else checks.sweep_checks
    jobs = await fair.owed(name)
    assert {job["run_at"] - job["made_at"] >= timedelta(seconds=0.9) for job in jobs} == {True}
    await fair.town.admin.execute(LATE, name, fair.tenants)
    assert await fair.queue.sweep(sweep) == 0
    claimed: list[str] = []
    while found := await fair.queue.claim([64, 64, 64, 64], 64):
        claimed += [job.name for job in found]
    assert claimed.count(name) == 2


async def test_hooks_that_only_announce_are_done_together_and_ask_each_calendar_once(fair: Fair) -> None:
    first, second = fair.kept
    await fair.told(first, "1", "2", "3")
    await fair.told(second, "1")
    assert [await kept.work() for kept in fair.kept] == [0, 0], "nothing is asked before the hooks are worked on"
    assert await fair.queue.sweep(queries.sweep_looks) == 4
    assert await fair.owed("hooks") == []
    assert await fair.hooks(first) == [("applied", "calendar.notified")] * 3
    asked = [len(kept.diary.asked) for kept in fair.kept]
    assert [await kept.work() for kept in fair.kept] == [1, 1]
    assert [len(kept.diary.asked) for kept in fair.kept] == [count + 1 for count in asked]


async def test_a_repeat_of_what_was_swept_is_known_and_owes_no_more(fair: Fair) -> None:
    kept = fair.kept[0]
    await fair.told(kept, "1")
    assert await fair.queue.sweep(queries.sweep_looks) == 1
    await kept.work()
    await fair.told(kept, "1")
    assert await fair.queue.sweep(queries.sweep_looks) == 0
    assert await fair.hooks(kept) == [("applied", "calendar.notified")]
    assert await kept.work() == 0, "it was looked at already"


async def test_what_says_more_than_to_look_is_worked_on_by_itself(fair: Fair) -> None:
    await fair.told(fair.kept[0], "1", is_look=False)
    (job,) = await fair.owed("hooks")
    assert job["run_at"] - job["made_at"] < timedelta(seconds=0.9)
    assert await fair.queue.sweep(queries.sweep_looks) == 0
    assert await fair.hooks(fair.kept[0]) == [("received", "")]


async def test_an_account_in_safe_mode_is_left_to_what_waits_for_the_next_look(fair: Fair) -> None:
    calm, live = fair.kept
    await fair.town.admin.execute(LIVE, UUID(fair.studios[1].wedding))
    for kept in fair.kept:
        await fair.told(kept, "1")
    assert await fair.queue.sweep(queries.sweep_looks) == 1
    assert await fair.hooks(calm) == [("applied", "calendar.notified")]
    assert await fair.hooks(live) == [("received", "")]


@pytest.mark.parametrize("locked", ["calendar_progress", "calendar_events"])
async def test_a_calendar_that_a_run_is_at_holds_up_no_other(
    fair: Fair, other: asyncpg.Connection, locked: str
) -> None:
    await fair.book()
    while await fair.queue.sweep(queries.sweep_marks):
        pass
    for kept, studio in zip(fair.kept, fair.studios, strict=True):
        await kept.settle()
        (booked,) = [one for one in (await studio.told("booking.booked"))][-1:]
        await studio.owner.got("PATCH", f"/api/v1/bookings/{booked.subject.id}", {"on": "2027-07-12"})
        await fair.told(kept, "1")
    async with other.transaction():
        await other.execute(f"select from {locked} where calendar_id = $1 for update", UUID(fair.kept[0].id))
        assert await asyncio.wait_for(fair.queue.sweep(queries.sweep_marks), 10) == 1
        (left,) = await fair.owed("calendars.mark_booking")
        assert left["tenant_id"] == fair.tenants[0]
        hooks = 2 if locked == "calendar_events" else 1
        assert await asyncio.wait_for(fair.queue.sweep(queries.sweep_looks), 10) == hooks
    assert await fair.queue.sweep(queries.sweep_marks) == 1


async def test_a_business_that_is_switched_off_is_not_asked(fair: Fair) -> None:
    kept = fair.kept[0]
    await kept.choose("off")
    await kept.settle()
    await fair.told(kept, "1")
    assert await fair.queue.sweep(queries.sweep_looks) == 1
    assert await kept.work() == 0


async def test_one_sweep_checks_the_bookings_of_every_business_and_tells_each_with_its_cause(fair: Fair) -> None:
    await fair.book()
    while await fair.queue.sweep(checks.sweep_checks):
        pass
    assert await fair.owed("bookings.check_booking") == []
    for studio in fair.studios:
        assert (await studio.days(OTHER_DAY))[OTHER_DAY] == "partly"
        (booked,) = await studio.told("booking.booked")
        (told,) = [one for one in await studio.told("availability.changed") if one.record["on"] == OTHER_DAY]
        assert (told.record["state"], told.cause) == ("partly", booked.cause)


async def test_one_sweep_finds_what_stands_against_each_business_alone_and_ends_it(fair: Fair) -> None:
    for studio, start in zip(fair.studios, ("10:00", "18:00"), strict=True):
        busy = {"external_id": "a", "starts_at": f"{OTHER_DAY}T{start}:00Z", "ends_at": f"{OTHER_DAY}T20:00:00Z"}
        await studio.owner.got("PUT", f"{studio.path}/busy-calendars/team", {"name": "Team", "busy": [busy]})
        await studio.react()
    booked = [await studio.book(on=OTHER_DAY) for studio in fair.studios]
    assert await fair.queue.sweep(checks.sweep_checks) == 2
    for studio, booking, start in zip(fair.studios, booked, ("11:00", "18:00"), strict=True):
        (found,) = await studio.conflicts()
        assert (found["kind"], found["booking_id"]) == ("busy", booking["id"])
        assert found["starts_at"] == f"{OTHER_DAY}T{start}:00Z"
    # One moves twice: both changes are looked at together, and its old conflict is over.
    for at_local in ("21:00:00", "22:00:00"):
        body = {"at_local": at_local, "minutes": 60}
        await fair.studios[0].owner.got("PATCH", f"/api/v1/bookings/{booked[0]['id']}", body)
    assert await fair.queue.sweep(checks.sweep_checks) == 2
    first, second = [await studio.told("conflict.found", "conflict.resolved") for studio in fair.studios]
    assert [one.type for one in first] == ["conflict.found", "conflict.resolved"]
    assert [one.type for one in second] == ["conflict.found"]
    assert first[1].cause == (await fair.studios[0].told("booking.changed"))[-1].cause


async def test_a_business_that_is_being_checked_holds_up_no_other(fair: Fair, other: asyncpg.Connection) -> None:
    await fair.book()
    async with other.transaction():
        await other.execute(CHECKING, str(fair.tenants[0]))
        assert await asyncio.wait_for(fair.queue.sweep(checks.sweep_checks), 10) == 1
        (left,) = await fair.owed("bookings.check_booking")
        assert left["tenant_id"] == fair.tenants[0]
    assert await fair.queue.sweep(checks.sweep_checks) == 1


async def test_only_a_day_that_a_linked_wedding_waits_for_is_told_to_weddings(fair: Fair) -> None:
    await fair.book()
    for studio in fair.studios:
        await studio.book(on=DAY)
    while await fair.queue.sweep(checks.sweep_checks):
        pass
    assert len(await fair.owed("bookings.tell_day")) == 2
    for studio in fair.studios:
        await studio.react()
        (day,) = [one for one in await studio.told("link_day.changed", of_wedding=True)][-1:]
        assert (day.record["on"], day.record["state"]) == (DAY, "partly")


async def test_the_worker_sweeps_hooks_when_it_hears_of_a_commit_without_facts(fair: Fair) -> None:
    async def swept() -> Any:
        return await fair.hooks(fair.kept[0]) == [("applied", "calendar.notified")]

    async with sweeping(fair.queue, registry.catalogue(fair.town.settings)) as sweeper:
        await eventually(lambda: not sweeper._woken.is_set())
        await fair.told(fair.kept[0], "1")
        sweeper.hear(b'[{"type": "rsvp.replied"}]')
        assert not sweeper._woken.is_set()
        sweeper.hear(b"[]")
        await eventually(swept)


async def test_work_is_begun_without_asking_for_what_only_deliveries_need(fair: Fair) -> None:
    await fair.book()
    assert await fair.queue.sweep(queries.sweep_marks) == 2
    rows = [await fair.town.admin.fetchrow(LEASE_WORK, tenant, "calendars.sync") for tenant in fair.tenants]
    jobs = [Job(**row) for row in rows]
    assert [payload.job for payload in await fair.queue.payloads(jobs)] == jobs


async def test_people_cannot_ask_for_these_sweeps(town: Town) -> None:
    for statement in (queries.sweep_marks, queries.sweep_looks, checks.sweep_checks):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await town.door.pool.fetch(statement)
