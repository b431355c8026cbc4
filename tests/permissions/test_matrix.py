"""Every table, every command, every audience, in its own home, another's and none: generated from `access.py`."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from tests import seed
from tests.engines_fixture import Database, RunningPostgres
from tests.ledger import admin_url
from tests.permissions import access, tables
from tests.permissions.ground import laid
from tests.world import World
from wedsync.kit.config import Settings
from wedsync.kit.errors import Refusal


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def ground(settings: Settings, postgres: RunningPostgres, database: Database) -> AsyncIterator[access.Ground]:
    made = await laid(settings, admin_url(postgres, database))
    yield made
    await made.world.door.pool.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def owner(database: Database) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database.owner)
    yield connection
    await connection.close()


@pytest.fixture(scope="module")
def world(ground: access.Ground) -> World:
    return ground.world


# Every table each time, by half of its audiences, by seed; by all of them in `make prove`.
@pytest.mark.parametrize("share", [2, pytest.param(1, marks=pytest.mark.prove)])
@pytest.mark.parametrize("table", sorted({*tables.TABLES, *tables.BUSINESS}))
async def test_each_audience_reads_and_writes_what_the_file_says(ground: access.Ground, table: str, share: int) -> None:
    wrong = []
    audiences = [audience for one, audience in access.places() if one == table]
    for audience in audiences if share == 1 else seed.chosen(audiences, share, f"own {table}"):
        cell = await access.try_cell(ground, audience, table)
        read, write = access.expected(table, audience)
        may_insert = write or access.appends(table, audience)
        extra = (cell.inserted and not may_insert) or (cell.deleted > 0 and not write)
        if (cell.read > 0, cell.wrote > 0) != (read, write) or extra or cell.strays or cell.inserted_elsewhere:
            wrong.append((audience, cell, f"should read={read} write={write}"))
    assert wrong == []


# Every table each time, by a third of its audiences, by seed; by all of them in `make prove`.
@pytest.mark.parametrize("share", [3, pytest.param(1, marks=pytest.mark.prove)])
@pytest.mark.parametrize("tenant", ["other", "none"])
async def test_nobody_sees_anything_of_another_home_or_outside_of_one(
    ground: access.Ground, tenant: str, share: int
) -> None:
    seen = []
    cells = access.places()
    for table, audience in cells if share == 1 else seed.chosen(cells, share, f"home {tenant}"):
        if audience in ("guest", "other_couple", "other_owner", tables.OPENED) and tenant == "other":
            continue
        cell = await access.try_cell(ground, audience, table, tenant=tenant)
        if cell.read or cell.wrote > 0 or cell.deleted > 0 or cell.inserted:
            seen.append((audience, table, cell))
    assert seen == []


async def test_every_table_of_the_user_door_is_in_the_permission_file(owner: asyncpg.Connection) -> None:
    gated = await owner.fetch("select tablename from pg_policies where policyname = 'gate'")
    known = {*tables.TABLES, *tables.BUSINESS, *tables.OF_A_PERSON, *tables.READ_BY_FUNCTIONS}
    assert {row["tablename"] for row in gated} == known


async def test_two_suppliers_with_equal_scopes_never_get_each_others_rows(world: World) -> None:
    for table in (
        "links",
        "tasks",
        "photo_deliveries",
        "space_uses",
        "payments",
        "acknowledgements",
        "form_requests",
        "events",
    ):
        rows = {}
        for who in ("standard", "twin"):
            async with world.door.enter(world.actor(who), world.wedding_id) as tx:
                found = await tx.rows(f"select id, link_id from {table} where link_id is not null")
                assert {r["link_id"] for r in found} <= {world.links[who]}
                rows[who] = {r["id"] for r in found}
        assert rows["standard"] and rows["twin"]
        assert not rows["standard"] & rows["twin"]


async def test_who_only_looks_writes_nothing(world: World) -> None:
    """Even what the link itself may write: the couple sees as a supplier, and a calendar reads a feed."""
    async with world.door.enter(world.actor("couple"), world.wedding_id) as tx:
        feed = await tx.value("select id from feeds")
    looks = (
        lambda: world.door.enter_as(world.actor("couple"), world.wedding_id, world.links["standard"]),
        lambda: world.door.enter_feed(feed),
    )
    for look in looks:
        with pytest.raises(Refusal) as refused:
            async with look() as tx:
                assert await tx.value("select count(*) from tasks") > 0
                await tx.run("update tasks set title = 'x'")
        assert refused.value.status == 403


async def test_absent_and_foreign_are_refused_alike(world: World) -> None:
    answers = []
    for wedding in (world.other_id, world.ids["guests"]):
        with pytest.raises(Refusal) as refused:
            async with world.door.enter(world.actor("couple"), wedding):
                raise AssertionError("entered")
        answers.append((refused.value.status, refused.value.code, refused.value.detail))
    assert answers[0] == answers[1]
    assert answers[0][0] == 404


async def test_a_forged_scope_is_refused_by_the_schema(world: World) -> None:
    for statement in (
        "update links set scopes = scopes | 256 where wedding_id = app.tenant()",
        "update links set scopes = scopes | 512 where wedding_id = app.tenant()",
        "update links set can_view_budget = true where wedding_id = app.tenant()",
    ):
        with pytest.raises(
            Exception, match=r"check constraint|outside of what is allowed|generated|can only be updated"
        ):
            async with world.door.enter(world.actor("couple"), world.wedding_id) as tx:
                await tx.run(statement)
