"""A cluster that is not ours is made ready by its administrator, who need not be a superuser."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import asyncpg
import pytest
from msgspec.structs import replace

from tests.embedded import embedded_settings, passable_folder
from wedsync.kit.config import Settings, SettingsInvalid
from wedsync.processes import migrate_command
from wedsync.processes.engine_account import engine_account
from wedsync.processes.engines import free_port
from wedsync.processes.postgres import Postgres

NAME = "married"
MANAGER = "create role manager login createrole createdb password 'managed'"


@pytest.fixture
def cluster() -> Iterator[Postgres]:
    """With nobody in it but its superuser."""
    with ExitStack() as stack:
        folder = stack.enter_context(passable_folder())
        postgres = Postgres(
            folder=folder / "cluster",
            log=folder / "postgres.log",
            account=engine_account(),
            admin_password="admin-of-the-cluster",
            is_durable=False,
        )
        postgres.make()
        postgres.start(free_port())
        stack.callback(postgres.stop)
        yield postgres


def settings_of(postgres: Postgres, folder: Path, admin: str) -> Settings:
    return replace(
        embedded_settings(folder),
        admin_database_url=admin,
        **{field: postgres.url(role, f"word-of-{role}", NAME) for field, role in migrate_command.LOGINS.items()},
    )


async def asked(url: str, statement: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def test_a_managed_servers_administrator_prepares_it_and_may_do_it_again(
    cluster: Postgres, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    admin = await asyncpg.connect(cluster.url(database="postgres"))
    await admin.execute(MANAGER)
    await admin.close()
    settings = settings_of(cluster, tmp_path, cluster.url("manager", "managed", "postgres"))
    for _ in range(2):
        await migrate_command.run(settings, is_plan=False, is_prepared=True)
    told = capsys.readouterr().out
    assert "Roles and database: prepared" in told
    assert "0001_initial: applied" in told and "up to date" in told
    # What only a superuser may is said, not passed over.
    assert "event triggers" in told
    for field in migrate_command.LOGINS:
        assert await asked(getattr(settings, field), "select current_database()") == NAME
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asked(settings.database_url, "select count(*) from jobs")


async def test_a_superuser_lays_every_fence(
    cluster: Postgres, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = settings_of(cluster, tmp_path, cluster.url(database="postgres"))
    await migrate_command.run(settings, is_plan=False, is_prepared=True)
    assert "event triggers" not in capsys.readouterr().out
    fence = "select exists (select from pg_event_trigger where evtname = 'wedsync_freeze')"
    assert await asked(settings.owner_database_url, fence)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"database_url": "postgresql://postgres:word@db/married"}, "WEDSYNC_DATABASE_URL must be of wedsync_user"),
        ({"reader_database_url": "postgresql://wedsync_reader@db/married"}, "with a password"),
        ({"service_database_url": "postgresql://wedsync_service:word@db/other"}, "the same in all four"),
        ({"admin_database_url": ""}, "WEDSYNC_ADMIN_DATABASE_URL is not set"),
    ],
)
async def test_addresses_that_do_not_fit_change_nothing(tmp_path: Path, changes: dict[str, str], told: str) -> None:
    addresses = {field: f"postgresql://{role}:word@db/married" for field, role in migrate_command.LOGINS.items()} | {
        "admin_database_url": "postgresql://postgres:word@db/postgres"
    }
    settings = replace(embedded_settings(tmp_path), **(addresses | changes))
    with pytest.raises(SettingsInvalid, match=told):
        await migrate_command.run(settings, is_plan=False, is_prepared=True)


async def test_a_plan_prepares_nothing(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="leave one of them out"):
        await migrate_command.run(embedded_settings(tmp_path), is_plan=True, is_prepared=True)
