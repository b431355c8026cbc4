"""Two who change different fields of one row at the same moment, and name no version: both changes stay."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from tests.contracts.town import Somebody, Town
from tests.engines_fixture import Database, RunningPostgres
from tests.eventually import eventually
from tests.served import served
from wedsync.kit.config import Settings

WAITING = """select exists (select from pg_stat_activity a where a.datname = current_database()
  and a.wait_event_type = 'Lock' and a.query ~ $1)"""


class Street(Town):
    """The town, with a second hand at the database."""

    other: asyncpg.Connection


@pytest_asyncio.fixture(scope="module")
async def street(database: Database, postgres: RunningPostgres, settings: Settings) -> AsyncIterator[Street]:
    admin = await asyncpg.connect(postgres.admin_url, database=database.name)
    other = await asyncpg.connect(postgres.admin_url, database=database.name)
    try:
        async with served(settings) as app:
            made = Street(app, settings, admin)
            made.other = other
            yield made
    finally:
        await other.close()
        await admin.close()


@pytest_asyncio.fixture(scope="module")
async def ana(street: Street) -> Somebody:
    return await street.person()


@pytest_asyncio.fixture(scope="module")
async def wedding(street: Street, ana: Somebody) -> str:
    return await street.wedding(ana)


@pytest.mark.parametrize(
    ("table", "added", "new", "path", "mine", "theirs"),
    [
        ("tasks", "tasks", {"title": "Old"}, "tasks", {"status": "done"}, ("title", "New")),
        ("guests", "guests", {"first_name": "Old"}, "guests", {"role": "Witness"}, ("table_label", "7")),
        ("parties", "parties", {"name": "Old"}, "parties", {"plus_ones_allowed": 2}, ("name", "New")),
        ("budget_lines", "budget", {"title": "Old"}, "budget-lines", {"estimate_minor": 5}, ("title", "New")),
        (
            "day_contacts",
            "day-contacts",
            {"name": "Old", "what": "Driver", "phone": "+44 20 7946 0000"},
            "weddings/{wedding}/day-contacts",
            {"what": "Taxi"},
            ("name", "New"),
        ),
    ],
)
async def test_neither_of_two_changes_is_lost(
    street: Street,
    ana: Somebody,
    wedding: str,
    table: str,
    added: str,
    new: dict[str, str],
    path: str,
    mine: dict[str, object],
    theirs: tuple[str, str],
) -> None:
    id = (await ana.got("POST", f"/api/v1/weddings/{wedding}/{added}", new, code=201))["id"]
    at = f"/api/v1/{path.format(wedding=wedding)}/{id}"
    await both(street, ana, table, id, at, mine, theirs)


async def test_neither_of_two_changes_of_a_payment_is_lost(street: Street, ana: Somebody, wedding: str) -> None:
    line = (await ana.got("POST", f"/api/v1/weddings/{wedding}/budget", {"title": "Flowers"}, code=201))["id"]
    new = {"amount_minor": 5000}
    id = (await ana.got("POST", f"/api/v1/budget-lines/{line}/payments", new, code=201))["id"]
    at = f"/api/v1/budget-payments/{id}"
    await both(street, ana, "budget_payments", id, at, {"paid_on": "2027-01-01"}, ("note", "New"))


async def test_a_task_that_two_give_away_leaves_the_list_of_the_first(
    street: Street, ana: Somebody, wedding: str
) -> None:
    first, second = await street.linked(ana, wedding), await street.linked(ana, wedding)
    id = (await ana.got("POST", f"/api/v1/weddings/{wedding}/tasks", {"title": "Call the band"}, code=201))["id"]
    async with street.other.transaction():
        await street.other.execute("update tasks set link_id = $2 where id = $1", UUID(id), UUID(first.link))
        given = asyncio.create_task(ana.got("POST", f"/api/v1/tasks/{id}/assign", {"link_id": second.link}))
        await eventually(lambda: street.admin.fetchval(WAITING, "update tasks"), what="it waits")
    assert (await given)["link_id"] == second.link
    told = await street.admin.fetch(
        "select type, link_id from events where subject_id = $1 and type in ('task.withdrawn', 'task.assigned')",
        UUID(id),
    )
    assert {row["type"]: str(row["link_id"]) for row in told} == {
        "task.withdrawn": first.link,
        "task.assigned": second.link,
    }


async def test_two_arrows_that_are_drawn_at_once_make_no_circle(street: Street, ana: Somebody, wedding: str) -> None:
    path = f"/api/v1/weddings/{wedding}/tasks"
    one, other = [(await ana.got("POST", path, {"title": title}, code=201))["id"] for title in ("Tasting", "Menu")]
    async with street.other.transaction():
        held = "select pg_advisory_xact_lock(hashtextextended('task order:' || $1::uuid, 0))"
        await street.other.execute(held, UUID(wedding))
        await street.other.execute("update tasks set after_ids = array[$2::uuid] where id = $1", UUID(one), UUID(other))
        drawn = asyncio.create_task(ana.ask("PUT", f"/api/v1/tasks/{other}/after", {"after_ids": [one]}))
        await eventually(lambda: street.admin.fetchval(WAITING, "task order"), what="it waits")
    assert (await drawn).status_code == 422


async def both(
    street: Street,
    ana: Somebody,
    table: str,
    id: str,
    at: str,
    mine: dict[str, object],
    theirs: tuple[str, str],
) -> None:
    """One changes `mine` while another, who was a moment earlier, has not committed `theirs` yet."""
    column, value = theirs
    async with street.other.transaction():
        await street.other.execute(f"update {table} set {column} = $2 where id = $1", UUID(id), value)
        change = asyncio.create_task(ana.ask("PATCH", at, mine))
        await eventually(lambda: street.admin.fetchval(WAITING, f"update {table}"), what="it waits")
    answer = await change
    assert answer.status_code == 200, answer.text
    row = await street.admin.fetchrow(f"select * from {table} where id = $1", UUID(id))
    assert row is not None
    found = {name: str(row[name]) for name in (column, *mine)}
    assert found == {column: value, **{name: str(one) for name, one in mine.items()}}
