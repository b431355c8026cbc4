"""Every table, every command, every audience, in its own wedding, another's and none: generated from `access.py`."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.permissions import access
from tests.world import World, build
from wedsync.kit.config import Settings
from wedsync.kit.errors import Refusal


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(settings: Settings) -> AsyncIterator[World]:
    made = await build(settings)
    yield made
    await made.door.pool.close()


@pytest.mark.parametrize("table", sorted(access.TABLES))
async def test_each_audience_reads_and_writes_what_the_file_says(world: World, table: str) -> None:
    wrong = []
    for audience in access.AUDIENCES:
        cell = await access.try_cell(world, audience, table)
        read, write = access.expected(table, audience)
        extra = (cell.inserted or cell.deleted > 0) and not write
        if (cell.read > 0, cell.wrote > 0) != (read, write) or extra or cell.strays or cell.inserted_elsewhere:
            wrong.append((audience, cell, f"should read={read} write={write}"))
    assert wrong == []


@pytest.mark.parametrize("tenant", ["other", "none"])
async def test_nobody_sees_anything_of_another_wedding_or_outside_of_one(world: World, tenant: str) -> None:
    seen = []
    for audience in access.AUDIENCES:
        if audience in ("guest", "other_couple") and tenant == "other":
            continue
        for table in access.TABLES:
            cell = await access.try_cell(world, audience, table, tenant=tenant)
            if cell.read or cell.wrote > 0 or cell.deleted > 0 or cell.inserted:
                seen.append((audience, table, cell))
    assert seen == []


async def test_two_suppliers_with_equal_scopes_never_get_each_others_rows(world: World) -> None:
    for table in ("links", "tasks", "photo_deliveries", "payments", "acknowledgements", "events"):
        rows = {}
        for who in ("standard", "twin"):
            async with world.door.enter(world.actor(who), world.wedding_id) as tx:
                found = await tx.rows(f"select id, link_id from {table} where link_id is not null")
                assert {r["link_id"] for r in found} <= {world.links[who]}
                rows[who] = {r["id"] for r in found}
        assert rows["standard"] and rows["twin"]
        assert not rows["standard"] & rows["twin"]


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
