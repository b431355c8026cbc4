"""Each policy, dropped or widened, must be noticed: a matrix that does not change with its policies proves nothing."""

from collections.abc import AsyncIterator, Mapping

import asyncpg
import msgspec
import pytest
import pytest_asyncio

from tests.engines_fixture import RunningPostgres, clone, drop
from tests.ledger import admin_url
from tests.permissions import access, tables
from tests.permissions.ground import laid
from wedsync.kit.config import Settings

WRITES = ("INSERT", "UPDATE", "DELETE")
# Its other policies ask for the task in the same home, and the gate of tasks decides that.
ELSEWHERE_GATED = ("task_photos",)
GRANTED = """select has_table_privilege('wedsync_user', $1, $2)
or $2 <> 'delete' and has_any_column_privilege('wedsync_user', $1, $2)"""


async def _column(ground: access.Ground, table: str) -> dict[tuple[str, str], access.Cell]:
    """All cells of one table."""
    return {
        (audience, tenant): await access.try_cell(ground, audience, table, tenant=tenant)
        for one, audience in access.places()
        for tenant in ("own", "other", "none")
        if one == table and not (audience == "guest" and tenant != "own")
    }


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def ground(settings: Settings, postgres: RunningPostgres, worker: str) -> AsyncIterator[access.Ground]:
    """In a database of its own, for its policies are changed."""
    database = await clone(postgres, f"wedsync_{worker}_mutants")
    own = msgspec.structs.replace(settings, database_url=database.user, owner_database_url=database.owner)
    made = await laid(own, admin_url(postgres, database))
    yield made
    await made.world.door.pool.close()
    await drop(postgres, database.name)


@pytest.mark.prove
@pytest.mark.parametrize("table", sorted({*tables.TABLES, *tables.BUSINESS}))
async def test_every_dropped_or_widened_policy_changes_the_matrix(ground: access.Ground, table: str) -> None:
    owner = await asyncpg.connect(ground.world.settings.owner_database_url)
    survived = []
    before = await _column(ground, table)
    for policy in await access.policies(owner, table):
        name, command = policy["policyname"], policy["cmd"].lower()
        if command != "all" and not await owner.fetchval(GRANTED, f"public.{table}", command):
            continue  # Nobody holds the right, so that the policy decides nothing.
        for mutant in ("dropped", "widened"):
            if mutant == "widened" and {policy["qual"], policy["with_check"]} <= {"true", None}:
                continue
            await _mutate(owner, policy, mutant)
            if await _column(ground, table) == before and not _is_equal(table, policy, mutant):
                survived.append((name, mutant))
            await _restore(owner, policy)
    await owner.close()
    assert survived == []


def _is_equal(table: str, policy: Mapping[str, str], mutant: str) -> bool:
    """Whether no mutant of its kind could be noticed, by what the permission file says of the table."""
    if policy["policyname"] == "gate":
        return table in ELSEWHERE_GATED
    command = policy["cmd"]
    rights = {**tables.TABLES, **tables.BUSINESS}[table]
    readers, writers = rights["r"], rights["w"]
    if mutant == "dropped":
        # The system alone writes it, in its own tests.
        return command in WRITES and not (writers | rights.get("a", set()))
    if command == "UPDATE":
        # An update touches only rows that can be read, and whoever reads them may write them.
        return readers <= writers
    # Whoever enters a home of its kind reads it.
    return command == "SELECT" and readers >= set(tables.EVERYBODY if table in tables.TABLES else tables.TEAM)


async def _mutate(owner: asyncpg.Connection, policy: dict[str, str], mutant: str) -> None:
    table, name = policy["tablename"], policy["policyname"]
    if mutant == "dropped":
        await owner.execute(f"drop policy {name} on {table}")
        return
    using = " using (true)" if policy["qual"] else ""
    check = " with check (true)" if policy["with_check"] else ""
    await owner.execute(f"alter policy {name} on {table}{using}{check}")


async def _restore(owner: asyncpg.Connection, policy: dict[str, str]) -> None:
    table, name = policy["tablename"], policy["policyname"]
    await owner.execute(f"drop policy if exists {name} on {table}")
    using = f" using ({policy['qual']})" if policy["qual"] else ""
    check = f" with check ({policy['with_check']})" if policy["with_check"] else ""
    kind = "restrictive" if policy["permissive"] == "RESTRICTIVE" else "permissive"
    await owner.execute(f"create policy {name} on {table} as {kind} for {policy['cmd']} to wedsync_user{using}{check}")
