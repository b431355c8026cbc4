"""Each policy, dropped or widened, must be noticed: a matrix that does not change with its policies proves nothing."""

from collections.abc import Awaitable, Callable

import asyncpg
import msgspec
import pytest

from tests.engines_fixture import Database, RunningPostgres
from tests.ledger import admin_url
from tests.permissions import access
from tests.permissions.ground import laid
from wedsync.kit.config import Settings

READING_DECIDES = "an update touches only rows that can be read, and reading has the same condition"
# These mutants are equal to the original, each for its reason; (table, policy): reason.
EQUAL_WHEN_WIDENED = {
    **{
        (table, "updatable"): READING_DECIDES
        for table in (
            "acknowledgements",
            "budget_lines",
            "budget_payments",
            "connections",
            "date_history",
            "endpoints",
            "inbox_hooks",
            "passes",
            "photo_deliveries",
            "rules",
            "sites",
            "subscriptions",
        )
    },
    ("streams", "readable"): "true behind the gate",
    ("weddings", "readable"): "every audience holds core",
    ("wedding_days", "readable"): "every audience holds core",
}
EQUAL_WHEN_DROPPED = {("headcounts", "updatable"): "the system alone writes it; see the tests of dietary totals"}


async def _column(ground: access.Ground, table: str) -> dict[tuple[str, str], access.Cell]:
    """All cells of one table."""
    return {
        (audience, tenant): await access.try_cell(ground, audience, table, tenant=tenant)
        for one, audience in access.places()
        for tenant in ("own", "other", "none")
        if one == table and not (audience == "guest" and tenant != "own")
    }


@pytest.mark.prove
async def test_every_dropped_or_widened_policy_changes_the_matrix(
    make_database: Callable[[], Awaitable[Database]], settings: Settings, postgres: RunningPostgres
) -> None:
    database = await make_database()
    own = msgspec.structs.replace(settings, database_url=database.user, owner_database_url=database.owner)
    ground = await laid(own, admin_url(postgres, database))
    owner = await asyncpg.connect(database.owner)
    survived = []
    for policy in await access.policies(owner):
        table, name = policy["tablename"], policy["policyname"]
        before = await _column(ground, table)
        for mutant in ("dropped", "widened"):
            if (table, name) in (EQUAL_WHEN_WIDENED if mutant == "widened" else EQUAL_WHEN_DROPPED):
                continue
            await _mutate(owner, policy, mutant)
            if await _column(ground, table) == before:
                survived.append((table, name, mutant))
            await _restore(owner, policy)
    await owner.close()
    await ground.world.door.pool.close()
    assert not survived, "\n".join(map(str, survived))


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
