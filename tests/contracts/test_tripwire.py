"""The tripwire bites: a change without its fact, or a fact without its change, does not commit in a test database."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio

from tests import tripwire
from tests.engines_fixture import RunningPostgres, clone, drop
from tests.ledger import ADD_PARTY, TRIED, Ledger, Wedding, admin_url, fact, opened
from wedsync.events import record
from wedsync.guests import facts
from wedsync.guests.importing import facts as import_facts

RENAME = (
    "update parties set name = name || '!' where wedding_id = $1"
    " returning new.id, to_jsonb(new) as record, to_jsonb(old) as old_record"
)


@pytest_asyncio.fixture(scope="module")
async def ledger(postgres: RunningPostgres, worker: str) -> AsyncIterator[Ledger]:
    database = await clone(postgres, f"wedsync_{worker}_tripwire")
    async with opened(user=database.user, service=database.service, admin=admin_url(postgres, database)) as ledger:
        yield ledger
    await drop(postgres, database.name)


@pytest_asyncio.fixture
async def wedding(ledger: Ledger) -> Wedding:
    return await ledger.wedding()


async def parties(ledger: Ledger, wedding: Wedding) -> int:
    count: int = await ledger.admin.fetchval("select count(*) from parties where wedding_id = $1", wedding.id)
    return count


@pytest.mark.parametrize("statement", [ADD_PARTY, RENAME, "delete from parties where wedding_id = $1"])
async def test_a_change_without_its_fact_does_not_commit(ledger: Ledger, wedding: Wedding, statement: str) -> None:
    await ledger.facts(wedding)
    values = (wedding.id, "Smith")[: statement.count("$")]
    with pytest.raises(asyncpg.RaiseError, match="tripwire: changed without a fact: parties:"):
        async with ledger.user.enter(wedding.couple, wedding.id) as tx:
            await tx.run(statement, *values)
    assert await parties(ledger, wedding) == 1


async def test_one_row_of_many_that_is_not_told_is_named(ledger: Ledger, wedding: Wedding) -> None:
    with pytest.raises(asyncpg.RaiseError) as raised:
        async with ledger.user.enter(wedding.couple, wedding.id) as tx:
            await fact(tx, wedding.id)
            forgotten: UUID = await tx.value(ADD_PARTY, wedding.id, "Jones")
    assert str(raised.value) == f"tripwire: changed without a fact: parties:{forgotten}"


async def test_a_fact_about_a_row_that_did_not_change_does_not_commit(ledger: Ledger, wedding: Wedding) -> None:
    with pytest.raises(asyncpg.RaiseError, match="a fact without a change: parties:"):
        async with ledger.user.enter(wedding.couple, wedding.id) as tx:
            row = {"id": uuid4(), "record": "{}", "old_record": None}
            record.record(tx, TRIED, op="INSERT", row=row)


async def test_what_a_savepoint_took_back_was_no_change(ledger: Ledger, wedding: Wedding) -> None:
    async with ledger.user.enter(wedding.couple, wedding.id) as tx:
        await fact(tx, wedding.id)
        await tx.run("savepoint here")
        await tx.run(ADD_PARTY, wedding.id, "Never")
        await tx.run("rollback to savepoint here")
    assert await parties(ledger, wedding) == 1


async def test_one_row_changed_twice_takes_one_fact_and_a_cascade_takes_its_own(
    ledger: Ledger, wedding: Wedding
) -> None:
    async with ledger.user.enter(wedding.couple, wedding.id) as tx:
        await fact(tx, wedding.id)
        await tx.run(RENAME, wedding.id)
    guest = await ledger.admin.fetchval(
        "insert into guests (wedding_id, party_id, display_name, name_sort)"
        " select wedding_id, id, 'Ana', 'ana' from parties where wedding_id = $1 returning id",
        wedding.id,
    )
    await ledger.admin.execute(
        "insert into guest_contacts (id, wedding_id, guest_id, party_id, sealed)"
        " select id, wedding_id, id, party_id, 'x' from guests where id = $1",
        guest,
    )
    with pytest.raises(asyncpg.RaiseError, match=f"^tripwire: changed without a fact: guest_contacts:{guest}$"):
        async with ledger.user.enter(wedding.couple, wedding.id) as tx:
            row = await tx.row("delete from guests where id = $1 returning id, to_jsonb(guests) as old_record", guest)
            assert row is not None
            record.record(tx, facts.GUEST_REMOVED, op="DELETE", row=row)


async def test_a_silent_column_needs_no_fact_and_may_have_one(ledger: Ledger, wedding: Wedding) -> None:
    add = "insert into imports (wedding_id) values ($1) returning id"
    upload = await ledger.admin.fetchval(add, wedding.id)
    change = (
        "update imports set plan = 'x' where id = $1 returning id, to_jsonb(new) as record, to_jsonb(old) as old_record"
    )
    async with ledger.user.enter(wedding.couple, wedding.id) as tx:
        await tx.run(change, upload)
    async with ledger.user.enter(wedding.couple, wedding.id) as tx:
        row = await tx.row(change, upload)
        assert row is not None
        record.record(tx, import_facts.UPLOADED, op="UPDATE", row=row)
    with pytest.raises(asyncpg.RaiseError, match=f"changed without a fact: imports:{upload}"):
        async with ledger.user.enter(wedding.couple, wedding.id) as tx:
            await tx.run(change.replace("plan = 'x'", "done = 1"), upload)


async def test_every_table_is_watched_or_says_why_not(ledger: Ledger) -> None:
    rows = await ledger.admin.fetch(
        "select c.relname from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')"
        " and not c.relispartition"
    )
    watched, untold = tripwire.watched(), set(tripwire.UNTOLD)
    assert {row["relname"] for row in rows} == watched | untold | tripwire.SPINE
    assert not watched & (untold | tripwire.SPINE), "facts are told about these now: take them off the list"
    assert set(tripwire.SILENT) <= watched
    assert all([*tripwire.UNTOLD.values(), *(one.why for one in tripwire.SILENT.values())])


def test_it_is_of_test_databases_only() -> None:
    root = Path(tripwire.__file__).parents[1]
    for folder in ("db", "wedsync"):
        assert not [
            p for p in (root / folder).rglob("*") if p.suffix in (".sql", ".py") and "tripwire" in p.read_text()
        ]
