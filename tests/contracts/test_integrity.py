"""Integrity: a planted defect of each kind is found, nothing where all is well, and the clock asks each night."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest
import pytest_asyncio
import structlog

from tests import seed
from tests.engines_fixture import Database, RunningPostgres, copied, settings_for
from tests.eventually import eventually
from tests.ledger import Ledger, Wedding, admin_url, opened
from wedsync.events.record import MANY, record
from wedsync.guests.facts import REPLIED
from wedsync.kit.config import Settings
from wedsync.operations.integrity import checks
from wedsync.processes import doctor, doctor_deep, integrity

PLANT = {
    "a hole in the log": (
        "log",
        "between 1 and 6 it has 5 events",
        "delete from events where stream_id = $1 and seq = 3",
    ),
    "a log that ends too early": (
        "log",
        "ends at 5, and its newest event is number 6",
        "delete from events where stream_id = $1 and seq = 6",
    ),
    "a log without its beginning": (
        "log",
        "begins at 2, and no month was forgotten",
        "delete from events where stream_id = $1 and seq = 1",
    ),
    "a log that is gone": ("log", "its log is empty", "delete from events where stream_id = $1"),
    "a number that was given twice": (
        "log",
        "between 1 and 6 it has 7 events",
        """insert into events (stream_id, seq, id, epoch, type, scope, subject_table, subject_id, op, actor_kind, cause,
          occurred_at)
        select stream_id, seq, uuidv7(), epoch, type, scope, subject_table, subject_id, op, actor_kind, cause,
          occurred_at
        from events where stream_id = $1 and seq = 4""",
    ),
    "an event of an epoch to come": ("log", "events of epoch 9", "update events set epoch = 9 where stream_id = $1"),
    "what no job will send": (
        "queue",
        "it is pending and no job will send it",
        "delete from jobs where tenant_id = $1 and kind = 'delivery' and order_seq = 2",
    ),
    "what would be sent again": (
        "queue",
        "would send it and it is delivered already",
        "update deliveries set state = 'delivered' where tenant_id = $1 and seq = 2",
    ),
    "a job that no ledger knows": (
        "queue",
        "the ledger does not know it",
        "delete from deliveries where tenant_id = $1 and seq = 6",
    ),
    "a delivery that is gone": (
        "chains",
        "the delivery of event 3 that came before it is not in the ledger",
        "delete from deliveries where tenant_id = $1 and seq = 3",
    ),
    "the first delivery is gone": (
        "chains",
        "the delivery of event 1 that came before it is not in the ledger",
        "delete from deliveries where tenant_id = $1 and seq = 1",
    ),
    "the newest delivery is gone": (
        "chains",
        "is 5, and 6 is remembered",
        "delete from deliveries where tenant_id = $1 and seq = 6",
    ),
    "all deliveries are gone": (
        "chains",
        "event 6 of stream",
        "delete from deliveries where tenant_id = $1",
    ),
    "a try that is not counted": (
        "deliveries",
        "it counts 0 tries and the ledger has 1",
        """insert into attempts (delivery_id, tenant_id, number, outcome, started_at)
        select id, tenant_id, 1, 'delivered', clock_timestamp() from deliveries where tenant_id = $1 and seq = 2""",
    ),
    "news of what never happened": (
        "deliveries",
        "tells of event 4, which is not in the log",
        "update deliveries set event_id = uuidv7() where tenant_id = $1 and seq = 4",
    ),
    "a head count of nobody": (
        "headcounts",
        "its head count says 0 invited, 2 accepted",
        """with item as (insert into schedule_items (wedding_id, title, "on", at_local, zone)
            select $1, 'Dinner', '2027-06-05', '18:00', 'Europe/London' returning id)
        insert into headcounts (wedding_id, schedule_item_id, accepted) select $1, id, 2 from item""",
    ),
    "a count of notices that are not there": (
        "inboxes",
        "its count says 3 unread and 1 unseen, and there are 0 and 0",
        """with somebody as (insert into persons (name) values ('Ottilie') returning person_id, $1::uuid as wedding)
        insert into inbox_counts (person_id, unread, unseen) select person_id, 3, 1 from somebody""",
    ),
    "a balance that is not what was kept": (
        "commission",
        "the ledger says that 0 are due to us of it, and by what was kept it is 500",
        """with made as (insert into suppliers (name, category) values ('Light', 'photographer') returning supplier_id),
        linked as (insert into links (wedding_id, supplier_id, supplier_name, category, status)
            select $1, m.supplier_id, 'Light', 'photographer', 'active' from made m returning id, supplier_id),
        paid as (insert into payments (wedding_id, link_id, kind, amount_minor, currency, way, received_minor, status,
              received_at)
            select $1, l.id, 'deposit', 10000, 'GBP', 'online', 10000, 'paid', now() from linked l returning id)
        insert into payment_terms (payment_id, supplier_id, wedding_id, link_id, currency, source, enquired_at, rate_bp)
        select p.id, l.supplier_id, $1, l.id, 'GBP', 'marketplace', now(), 500 from paid p, linked l""",
    ),
    "commission without terms": (
        "commission",
        "700 GBP were posted for it, and no terms",
        """insert into commission_entries (supplier_id, payment_id, kind, debit, credit, amount_minor, currency)
        values (uuidv7(), $1, 'accrued', 'receivable', 'income', 700, 'GBP')""",
    ),
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def own(postgres: RunningPostgres, worker: str) -> AsyncIterator[Database]:
    """Nobody else's: what is planted by one test is gone, or counted, before the next."""
    async with copied(postgres, f"wedsync_{worker}_integrity") as made:
        yield made


@pytest_asyncio.fixture
async def ledger(
    own: Database, postgres: RunningPostgres, tmp_path: Path, valkey_url: str
) -> AsyncIterator[tuple[Ledger, Settings]]:
    async with opened(user=own.user, service=own.service, admin=admin_url(postgres, own)) as ledger:
        yield ledger, settings_for(tmp_path, own, valkey_url)


@asynccontextmanager
async def planted(ledger: Ledger) -> AsyncIterator[asyncpg.Connection]:
    """A transaction of the administrator's, taken back in the end."""
    async with ledger.admin.acquire() as connection:
        change = connection.transaction()
        await change.start()
        try:
            yield connection
        finally:
            await change.rollback()


async def flaws(connection: asyncpg.Connection) -> dict[str, list[str]]:
    """What each question finds; those that find nothing are left out."""
    found = [one async for one in checks.ask(connection)]
    assert [one.check.name for one in found] == [check.name for check in checks.CHECKS]
    return {one.check.name: [flaw.told for flaw in one.flaws] for one in found if not one.is_sound}


async def told_of(ledger: Ledger) -> Wedding:
    """A wedding with six facts that are owed to an endpoint, in order."""
    wedding = await ledger.wedding()
    await ledger.endpoint(wedding, mode="ordered")
    await ledger.facts(wedding, 6)
    return wedding


async def test_what_is_sound_has_no_flaw(ledger: tuple[Ledger, Settings]) -> None:
    await told_of(ledger[0])
    async with ledger[0].service.pool.acquire() as connection:
        assert await flaws(connection) == {}


# Each is planted in a world of its own: half of them in a run, all in `make prove`.
BY_SEED = seed.chosen(list(PLANT), 2, "integrity")


@pytest.mark.parametrize("defect", [pytest.param(defect, marks=seed.marks(defect, BY_SEED)) for defect in PLANT])
async def test_a_planted_defect_is_found(ledger: tuple[Ledger, Settings], defect: str) -> None:
    name, words, statement = PLANT[defect]
    wedding = await told_of(ledger[0])
    async with planted(ledger[0]) as connection:
        await connection.execute(statement, wedding.id)
        found = await flaws(connection)
    assert [told for told in found.get(name, []) if words in told], found


async def a_booking(
    admin: asyncpg.Connection, supplier: UUID, link: UUID | None, wedding: UUID | None, at: str
) -> None:
    await admin.execute(
        """insert into bookings (supplier_id, resource_id, wedding_id, link_id, "on", at_local, zone, minutes)
        select $1, r.id, $3, $2, '2027-06-05', $4::text::time, 'Europe/London', 240
        from resources r where r.supplier_id = $1""",
        *(supplier, link, wedding, at),
    )


async def test_bookings_that_overlap_are_found_although_nothing_refused_them(ledger: tuple[Ledger, Settings]) -> None:
    tried, _ = ledger
    wedding = await tried.wedding()
    link, _ = await tried.supplier(wedding, scopes=2)
    supplier = await tried.admin.fetchval("select supplier_id from links where id = $1", link)
    async with planted(tried) as admin:
        await admin.execute(
            "insert into resources (supplier_id, name, is_default) select $1, 'Us', true"
            " where not exists (select from resources where supplier_id = $1)",
            supplier,
        )
        await admin.execute("alter table bookings drop constraint bookings_once")
        for at in ("10:00", "14:00"):
            await a_booking(admin, supplier, None, None, at)
        assert await flaws(admin) == {}
        await a_booking(admin, supplier, None, None, "13:30")
        [told, *_] = (await flaws(admin))["bookings"]
        assert "is taken until 2027-06-05 13:00Z by a booking that begins before it" in told
        await admin.execute("delete from bookings")
        await a_booking(admin, supplier, link, wedding.id, "10:00")
        known = (await flaws(admin))["shared_bookings"]
    assert known == ["the supplier has it as booked and the wedding does not know it"]


INVITE = """
with item as (insert into schedule_items (wedding_id, title, "on", at_local, zone)
    values ($1, 'Dinner', '2027-06-05', '18:00', 'Europe/London') returning id),
  party as (insert into parties (wedding_id, name) values ($1, 'All of them') returning id),
  people as (insert into guests (wedding_id, party_id, display_name, name_sort)
    select $1, p.id, 'Guest ' || n, 'guest ' || n from party p, generate_series(1, $2::integer) n
    returning id, party_id)
insert into rsvps (wedding_id, guest_id, schedule_item_id, party_id)
select $1, g.id, i.id, g.party_id from people g, item i"""
ACCEPT = """
update rsvps set status = 'accepted' where wedding_id = $1
returning new.id, to_jsonb(new) as record, to_jsonb(old) as old_record"""


async def test_answers_told_in_bulk_and_one_told_singly_are_counted_once(ledger: tuple[Ledger, Settings]) -> None:
    tried, _ = ledger
    wedding = await tried.wedding()
    await tried.admin.execute(INVITE, wedding.id, MANY + 1)
    async with tried.user.enter(wedding.couple, wedding.id) as tx:
        first, *rest = await tx.rows(ACCEPT, wedding.id)
        for row in rest:
            record(tx, REPLIED, op="UPDATE", row=row, bulk=True)
        record(tx, REPLIED, op="UPDATE", row=first)
    counted = "select accepted, pending from headcounts where wedding_id = $1"
    assert tuple(await tried.admin.fetchrow(counted, wedding.id)) == (MANY + 1, 0)
    async with tried.service.pool.acquire() as connection:
        assert await flaws(connection) == {}


async def test_the_doctor_reads_in_depth_and_remembers(
    ledger: tuple[Ledger, Settings], capsys: pytest.CaptureFixture[str]
) -> None:
    tried, settings = ledger
    wedding = await told_of(tried)
    await tried.admin.execute("delete from integrity_checks")
    assert (await doctor_deep.last_night(settings.service_database_url)).text.startswith("The data was never examined")
    assert await doctor.run(settings, is_deep=True) == 0
    assert "The log of every stream is dense." in capsys.readouterr().out
    assert "is whole" in (await doctor_deep.last_night(settings.service_database_url)).text
    await tried.admin.execute("update streams set top = 7 where id = $1", wedding.id)
    assert await doctor.run(settings, is_deep=True) == 1
    out = capsys.readouterr().out
    assert "1 streams have a log with holes. Facts are lost." in out
    assert f"{wedding.id}: its log ends at 6, and its newest event is number 7" in out
    found = await doctor_deep.last_night(settings.service_database_url)
    assert found.level == "broken"
    assert "1 by the question 'log'" in found.text
    await tried.admin.execute("update streams set top = 6 where id = $1", wedding.id)


async def test_a_database_that_cannot_be_asked_is_told(settings: Settings) -> None:
    nowhere = msgspec.structs.replace(settings, service_database_url="postgresql://wedsync_service:x@127.0.0.1:1/w")
    [first, *_] = [one async for one in doctor_deep.examine(nowhere)]
    assert first.level == "broken"
    assert "does not let us in" in first.text
    assert "could not be seen" in (await doctor_deep.last_night(nowhere.service_database_url)).text


async def test_the_clock_asks_once_a_night(ledger: tuple[Ledger, Settings]) -> None:
    tried, settings = ledger
    wedding = await told_of(tried)
    await tried.admin.execute("delete from integrity_checks")
    await tried.admin.execute("update streams set top = 7 where id = $1", wedding.id)
    tick = integrity.nightly(settings)
    count = "select count(*) from integrity_checks"
    with structlog.testing.capture_logs() as lines:
        async with tried.service.pool.acquire() as connection:
            await tick(connection)
            await eventually(lambda: any(line["event"] == "integrity_checked" for line in lines))
            assert await tried.admin.fetchval(count) == len(checks.CHECKS)
            await tick(connection)
            assert not await checks.is_due(connection, datetime.now(tz=UTC))
            assert await checks.is_due(connection, datetime.now(tz=UTC) + timedelta(days=1))
    await tried.admin.execute("update streams set top = 6 where id = $1", wedding.id)
    [line] = [line for line in lines if line["event"] == "integrity_broken" and line["check"] == "log"]
    assert line["log_level"] == "error"
    assert str(wedding.id) in line["first"][0]
    assert [line["event"] for line in lines].count("integrity_checked") == 1


async def test_a_clock_whose_database_goes_away_in_the_night_asks_again(ledger: tuple[Ledger, Settings]) -> None:
    tried, settings = ledger
    away = msgspec.structs.replace(settings, service_database_url="postgresql://wedsync_service:x@127.0.0.1:1/w")
    await tried.admin.execute("delete from integrity_checks")
    tick = integrity.nightly(away)
    with structlog.testing.capture_logs() as lines:
        async with tried.service.pool.acquire() as connection:
            for times in (1, 2):
                await tick(connection)
                said = partial(times_told, lines, "integrity_interrupted", times)
                await eventually(said)


def times_told(lines: Sequence[Any], event: str, times: int) -> bool:
    return [line["event"] for line in lines].count(event) == times


def test_a_night_begins_once_a_day() -> None:
    assert checks.last_night(datetime(2027, 6, 5, 3, 1, tzinfo=UTC)) == datetime(2027, 6, 5, 3, tzinfo=UTC)
    assert checks.last_night(datetime(2027, 6, 5, 2, 59, tzinfo=UTC)) == datetime(2027, 6, 4, 3, tzinfo=UTC)


def test_an_examination_that_was_long_ago_is_told() -> None:
    row = {"name": "log", "found": 0, "checked_at": datetime.now(tz=UTC) - timedelta(days=3)}
    assert "Does a clock run?" in doctor_deep.standing([row]).text


async def test_a_new_epoch_is_of_every_stream_and_never_the_same(ledger: tuple[Ledger, Settings]) -> None:
    tried, _ = ledger
    wedding = await told_of(tried)
    await tried.admin.execute(
        "insert into socket_positions (key, stream_id, epoch, seq) values ('\\x01', $1, 1, 6)", wedding.id
    )
    epoch = await tried.admin.fetchval("select app.begin_epoch()")
    assert epoch > 28_000_000  # seconds of 2026
    assert await tried.admin.fetchval("select app.begin_epoch()") > epoch
    assert await tried.admin.fetchval("select count(*) from socket_positions") == 0
    await tried.facts(wedding, 2)
    async with tried.service.pool.acquire() as connection:
        assert await flaws(connection) == {}
    rows = await tried.admin.fetch(
        "select seq, epoch > 1 as is_new from events where stream_id = $1 order by seq", wedding.id
    )
    assert [row["is_new"] for row in rows] == [False] * 6 + [True] * 2
