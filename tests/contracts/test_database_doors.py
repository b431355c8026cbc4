"""The database's doors: its health and metrics, and migrations that an operator asks for and the clock applies."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from msgspec.structs import replace

from tests.contracts.town import Somebody, Town
from tests.engines_fixture import Database, RunningPostgres, copied, settings_for
from tests.eventually import eventually
from tests.served import served
from wedsync.kit.config import Settings
from wedsync.kit.limits import Window
from wedsync.processes import migrate, migration_requests
from wedsync.web import limiting

MIGRATE = "/api/database/migrate"
SATURDAY_IN_AUCKLAND = datetime(2027, 6, 4, 20, tzinfo=UTC)
Step = Callable[[str], Path]


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """These doors take ten requests a minute; a test asks as often in a second."""
    monkeypatch.setattr(limiting, "DATABASE", Window("database", 10_000, 60))


@pytest_asyncio.fixture(scope="module")
async def own(postgres: RunningPostgres, worker: str) -> AsyncIterator[Database]:
    async with copied(postgres, f"wedsync_{worker}_doors") as made:
        yield made


@pytest.fixture(scope="module")
def live(own: Database, valkey_url: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return replace(settings_for(tmp_path_factory.mktemp("doors"), own, valkey_url), env="production")


@pytest_asyncio.fixture(scope="module")
async def platform(live: Settings, own: Database, postgres: RunningPostgres) -> AsyncIterator[Town]:
    admin = await asyncpg.connect(postgres.admin_url, database=own.name)
    async with served(live) as app:
        yield Town(app, live, admin)
    await admin.close()


@pytest_asyncio.fixture(scope="module")
async def otto(platform: Town) -> Somebody:
    made = await platform.operator()
    couple = await platform.person()
    wedding = await platform.wedding(couple, on="2027-06-05", time_zone="Pacific/Auckland")
    item = {"title": "Ceremony", "kind": "ceremony", "at_local": "14:00", "minutes": 60}
    await couple.got("POST", f"/api/v1/weddings/{wedding}/schedule", item, code=201)
    return made


@pytest_asyncio.fixture
async def move(platform: Town) -> AsyncIterator[Callable[[datetime], Awaitable[None]]]:
    async def to(now: datetime) -> None:
        await platform.admin.execute("delete from clock_setting")
        await platform.admin.execute("insert into clock_setting (base) values ($1)", now)

    yield to
    await platform.admin.execute("delete from clock_setting")


@pytest.fixture
def step(platform: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Step:
    """One more file of this release than the database has."""
    applied = migrate.known_migrations()
    for one in applied:
        (tmp_path / f"{one.name}.sql").write_text(one.text)

    def write(text: str) -> Path:
        path = tmp_path / f"{len(applied) + 1:04}_more.sql"
        path.write_text(text)
        return path

    monkeypatch.setattr(migrate, "database_files", lambda _: tmp_path)
    return write


async def ended(otto: Somebody, live: Settings, own: Database, id: str) -> dict[str, Any]:
    """What the clock makes of it."""
    service = await asyncpg.connect(own.service)
    tick = migration_requests.applying(live)

    async def found() -> Any:
        await tick(service)
        return await service.fetchval("select count(*) = 0 from app.waiting_migration()")

    try:
        await eventually(found)
    finally:
        await service.close()
    [one] = [one for one in await otto.got("GET", "/api/database/migrations") if one["id"] == id]
    made: dict[str, Any] = one
    return made


async def test_health_tells_of_everything_that_is_named(otto: Somebody, move: Any) -> None:
    await move(SATURDAY_IN_AUCKLAND)
    found = await otto.got("GET", "/api/database/health")
    assert set(found) >= {"wedding_readiness", "connections", "replication", "oldest_transaction_s", "bloat", "storage"}
    assert set(found) >= {"season_readiness", "faces", "advice", "cache_hit_ratio", "status"}
    assert found["wedding_readiness"]["weddings"]["due"] == 1
    assert {"pages and API"} <= {one["face"] for one in found["connections"]}
    assert [one["face"] for one in found["faces"]] == ["WedMe", "WedSync"]
    assert found["storage"]["bytes"] > 1_000_000
    assert found["storage"]["wal_bytes"] > 0
    assert found["season_readiness"]["connections_max"] == 100
    pools = found["season_readiness"]["pools"]
    assert [one["face"] for one in pools["faces"]] == ["web", "gateway", "worker"]
    assert pools["says"]
    assert found["server"]["sees_everything"] is True


async def test_metrics_tell_pools_tables_and_how_much_comes_from_memory(otto: Somebody) -> None:
    found = await otto.got("GET", "/api/database/metrics")
    assert found["pools"]["this_process"]["max"] == 4
    assert found["pools"]["by_face"]
    assert found["tables"][0]["total_bytes"] >= found["tables"][1]["total_bytes"] > 0
    assert found["cache_hit_ratio"] is None or found["cache_hit_ratio"] > 0.5


async def test_the_doors_are_the_operators_alone(platform: Town) -> None:
    ana = await platform.person()
    paths = ("health", "metrics", "migrate", "migrations")
    for method, path in [*(("GET", f"/api/database/{path}") for path in paths), ("POST", MIGRATE)]:
        assert (await platform.public.ask(method, path)).status_code == 401
        await ana.got(method, path, code=403)


async def test_a_request_is_planned_stored_and_applied_by_the_clock(
    otto: Somebody, live: Settings, own: Database, platform: Town, step: Step
) -> None:
    path = step("create table plates (id int);\ncreate index guests_late on guests (id);\n")
    [planned] = await otto.got("GET", MIGRATE)
    assert planned["name"] == path.stem
    assert "line 2: it builds an index" in planned["findings"][0]
    asked = await otto.got("POST", MIGRATE, code=202)
    assert (asked["state"], asked["asked_by"], asked["steps"]) == ("waiting", str(otto.id), [planned])
    again = await otto.got("POST", MIGRATE, code=409)
    assert again["code"] == "already_waiting"
    assert await platform.admin.fetchval("select to_regclass('plates') is null"), "asking changes nothing"
    done = await ended(otto, live, own, asked["id"])
    assert (done["state"], done["result"]) == ("applied", path.stem)
    assert await platform.admin.fetchval("select to_regclass('plates') is not null")
    assert await otto.got("GET", MIGRATE) == []
    await platform.admin.execute("drop table plates; drop index guests_late")
    await platform.admin.execute("delete from schema_migrations where version > 1")


async def test_a_dry_run_does_everything_and_takes_it_back(
    otto: Somebody, live: Settings, own: Database, platform: Town, step: Step
) -> None:
    path = step("create table plates (id int);\n")
    asked = await otto.got("POST", MIGRATE, {"dry_run": True}, code=202)
    done = await ended(otto, live, own, asked["id"])
    assert (done["state"], done["result"]) == ("rehearsed", path.stem)
    assert await platform.admin.fetchval("select to_regclass('plates') is null")
    step("create table plates (id int);\nselect no_such_thing;\n")
    asked = await otto.got("POST", MIGRATE, {"dry_run": True}, code=202)
    done = await ended(otto, live, own, asked["id"])
    assert done["state"] == "failed"
    assert "no_such_thing" in done["result"]
    assert "line 2" in done["result"]


async def test_what_fails_is_told_and_what_was_changed_under_it_is_refused(
    otto: Somebody, live: Settings, own: Database, step: Step
) -> None:
    step("select no_such_thing;\n")
    asked = await otto.got("POST", MIGRATE, code=202)
    assert (await ended(otto, live, own, asked["id"]))["state"] == "failed"
    asked = await otto.got("POST", MIGRATE, code=202)
    without = replace(live, owner_database_url="")
    done = await ended(otto, without, own, asked["id"])
    assert (done["state"], "WEDSYNC_OWNER_DATABASE_URL" in done["result"]) == ("refused", True)


async def test_a_release_that_is_not_the_databases_is_refused(otto: Somebody, step: Step) -> None:
    path = step("select 1;\n")
    first = path.with_name(f"{migrate.known_migrations()[0].name}.sql")
    first.write_text(first.read_text() + "\n-- changed afterwards\n")
    assert (await otto.got("POST", MIGRATE, code=409))["code"] == "release_mismatch"


async def test_in_a_freeze_it_is_423_with_the_reason_and_the_next_window(
    otto: Somebody, live: Settings, own: Database, platform: Town, step: Step, move: Any
) -> None:
    step("create table plates (id int);\n")
    asked = await otto.got("POST", MIGRATE, code=202)
    await move(SATURDAY_IN_AUCKLAND)
    told = await otto.got("POST", MIGRATE, code=423)
    assert told["code"] == "frozen"
    assert "It is Saturday 5 June in Pacific/Auckland" in told["detail"]
    window = told["verdict"]["next_window"]["starts_at"]
    assert datetime.fromisoformat(window) == datetime(2027, 6, 5, 12, tzinfo=UTC)
    late = await ended(otto, live, own, asked["id"])
    assert late["state"] == "refused", "it was asked before, and the clock looks again"
    assert await platform.admin.fetchval("select to_regclass('plates') is null")
    await move(SATURDAY_IN_AUCKLAND + timedelta(days=3))
    done = await ended(otto, live, own, (await otto.got("POST", MIGRATE, code=202))["id"])
    assert done["state"] == "applied"
    await platform.admin.execute("drop table plates; delete from schema_migrations where version > 1")


async def test_a_body_of_another_shape_is_refused(otto: Somebody) -> None:
    assert (await otto.ask("POST", MIGRATE, {"force": True})).status_code in (400, 422)


async def test_a_rehearsal_that_cannot_log_in_is_told_and_the_clock_goes_on(
    otto: Somebody, live: Settings, own: Database, step: Step
) -> None:
    step("create table plates (id int);\n")
    asked = await otto.got("POST", MIGRATE, {"dry_run": True}, code=202)
    strangers = replace(live, owner_database_url=own.owner.replace("://wedsync_owner:", "://wedsync_owner:no"))
    done = await ended(otto, strangers, own, asked["id"])
    assert (done["state"], "password" in done["result"]) == ("failed", True)
