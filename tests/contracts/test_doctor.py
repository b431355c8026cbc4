"""`wedsync doctor` finds what is wrong and says what to do about it."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
import msgspec
import pytest

from tests.engines_fixture import Database, RunningPostgres, settings_for
from wedsync.kit.config import Settings
from wedsync.processes import doctor
from wedsync.processes.doctor_deep import Finding


async def findings(settings: Settings) -> list[Finding]:
    return [finding async for finding in doctor.examine(settings)]


def told(found: list[Finding], level: str) -> str:
    return "\n".join(finding.text for finding in found if finding.level == level)


async def test_a_sound_installation_has_nothing_broken(settings: Settings) -> None:
    found = await findings(settings)
    assert told(found, "broken") == ""
    assert "PostgreSQL 18" in told(found, "fine")
    assert "Valkey answers." in told(found, "fine")
    assert "hold no power" in told(found, "fine")
    # The test's own engine does not wait for the disk; anywhere else that is broken.
    assert "fsync is off" in told(found, "warning")
    elsewhere = await findings(msgspec.structs.replace(settings, env="staging"))
    assert "fsync is off: a power cut destroys the database." in told(elsewhere, "broken")


async def test_the_exit_code_tells_programs(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert await doctor.run(settings) == 0
    assert "Nothing is broken." in capsys.readouterr().out
    assert await doctor.run(msgspec.structs.replace(settings, env="staging")) == 1
    assert "findings need attention" in capsys.readouterr().out


async def test_engines_that_do_not_run_are_no_fault(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, port=0, gateway_port=0, sandbox_port=0, sandbox_smtp_port=0)
    found = await findings(settings)
    assert "embedded database is not running" in told(found, "warning")
    assert "embedded Valkey is not running" in told(found, "warning")
    assert told(found, "broken") == ""


async def test_a_database_that_does_not_answer_or_refuses_is_told(settings: Settings) -> None:
    nowhere = msgspec.structs.replace(settings, service_database_url="postgresql://wedsync_service:x@127.0.0.1:1/w")
    assert "does not answer" in told(await findings(nowhere), "broken")
    wrong = settings.service_database_url.replace(":wedsync_service", ":x").replace(
        "wedsync_service:", "wedsync_service:x"
    )
    assert "refuses: password authentication failed" in told(
        await findings(msgspec.structs.replace(settings, service_database_url=wrong)), "broken"
    )


async def test_a_valkey_that_is_away_is_told(settings: Settings) -> None:
    away = msgspec.structs.replace(settings, valkey_url="valkey://127.0.0.1:1")
    assert "Valkey does not answer" in told(await findings(away), "warning")


async def test_taken_ports_are_told(settings: Settings, valkey_url: str) -> None:
    port = int(valkey_url.rpartition(":")[2].partition("/")[0])
    found = await findings(msgspec.structs.replace(settings, port=port))
    assert f"Port {port} for the web is taken" in told(found, "broken")


async def test_pending_migrations_are_told(
    make_database: Callable[[], Awaitable[Database]], tmp_path: Path, valkey_url: str
) -> None:
    database = await make_database()
    owner = await asyncpg.connect(database.owner)
    later = "insert into schema_migrations (version, name, checksum, ends_older) values (9999, 'later', 'x', true)"
    await owner.execute(later)
    await owner.close()
    found = await findings(settings_for(tmp_path, database, valkey_url))
    assert "this program knows only" in told(found, "broken")


async def test_a_long_transaction_is_told(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "LONG_TRANSACTION_S", 0)
    idle = await asyncpg.connect(database.service, server_settings={"application_name": "forgetful"})
    async with idle.transaction():
        await idle.fetch("select 1")
        assert "A transaction of forgetful has been open" in told(await findings(settings), "warning")
    await idle.close()


def test_powers_that_a_role_may_not_have_are_told() -> None:
    rows = [
        {"rolname": name, "rolsuper": False, "rolbypassrls": False, "rolcreaterole": False, "rolcreatedb": False}
        | {"rolcanlogin": name != "wedsync_recorder"}
        for name in doctor.EXPECTED_ROLES
    ]
    assert [finding.level for finding in doctor.roles(rows, [])] == ["fine"]
    broken = [row | {"rolbypassrls": True} if row["rolname"] == "wedsync_user" else row for row in rows]
    assert "alter role wedsync_user nobypassrls" in doctor.roles(broken, [])[0].text
    login = [row | {"rolcanlogin": True} for row in rows]
    assert "wedsync_recorder may log in" in doctor.roles(login, [])[0].text
    assert "owns 3 tables" in doctor.roles(rows, [{"owner": "wedsync_user", "tables": 3}])[0].text
    assert (
        "Roles are missing: wedsync_owner"
        in doctor.roles([row for row in rows if row["rolname"] != "wedsync_owner"], [])[0].text
    )


@pytest.mark.parametrize(("skew_s", "level"), [(0.2, "fine"), (-5, "warning"), (5, "warning"), (-60, "broken")])
def test_clocks_that_disagree_are_told(skew_s: float, level: str) -> None:
    assert doctor.skew(skew_s).level == level


def test_an_old_server_and_a_full_disk_are_told(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor.version({"version": "17.2", "number": 170002}).level == "broken"
    for free, level in ((2, "broken"), (10, "warning"), (50, "fine")):
        usage = type("Usage", (), {"free": free, "total": 100})
        monkeypatch.setattr("wedsync.processes.doctor.shutil.disk_usage", lambda _, usage=usage: usage)
        assert doctor.disk(settings).level == level
    assert doctor.connections(10, settings).level == "warning"


async def test_an_administrator_is_never_used(settings: Settings, postgres: RunningPostgres) -> None:
    assert "wedsync_admin" not in repr(settings.environ())
    assert "wedsync_admin" in postgres.admin_url
